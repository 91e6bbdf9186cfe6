//! The few sentences the shell says itself, out of the same files as the screens' own.

use std::collections::HashMap;
use std::sync::LazyLock;

type Sentences = HashMap<String, String>;

static RUSSIAN: LazyLock<Sentences> =
    LazyLock::new(|| read(include_str!("../../src/messages/ru.json")));
static ENGLISH: LazyLock<Sentences> =
    LazyLock::new(|| read(include_str!("../../src/messages/en.json")));

/// Languages of the product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tongue {
    /// The first one.
    Russian,
    /// The second one.
    English,
}

impl Tongue {
    /// What somebody chose, or for `system` what the system says; Russian where it says neither.
    #[must_use]
    pub fn chosen(setting: &str, system: Option<&str>) -> Self {
        match (setting, system) {
            ("ru", _) => Self::Russian,
            ("en", _) => Self::English,
            (_, Some(locale)) if locale.starts_with("en") => Self::English,
            _ => Self::Russian,
        }
    }

    /// What windows are told before they say anything: left to the web view, they would speak another language than the
    /// notifications do.
    #[must_use]
    pub fn script() -> String {
        let code = match Self::chosen("system", Self::of_system().as_deref()) {
            Self::Russian => "ru",
            Self::English => "en",
        };
        format!("globalThis.alfavoiceLanguage = \"{code}\";")
    }

    /// The language of the system: `LC_ALL`, `LC_MESSAGES`, `LANG` in POSIX's order, then what Windows and macOS say.
    #[must_use]
    pub fn of_system() -> Option<String> {
        let told = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        #[cfg(not(target_os = "linux"))]
        let told = told.or_else(sys_locale::get_locale);
        told
    }
}

/// The sentence of that key; none where there is none, or where it has places to be filled in. A problem that has none of its
/// own has that of its family, and in the end the one that only names its code: whatever went wrong is said.
#[must_use]
pub fn sentence(tongue: Tongue, key: &str) -> Option<String> {
    let all: &'static Sentences = match tongue {
        Tongue::English => &ENGLISH,
        Tongue::Russian => &RUSSIAN,
    };
    let plain = |key: &str| all.get(key).filter(|text| !text.contains('{')).cloned();
    plain(key).or_else(|| {
        let code = key.strip_prefix("problem.")?;
        let family = code.split('.').next().unwrap_or(code);
        plain(&format!("problem.family.{family}")).or_else(|| {
            all.get("problem.unknown")
                .map(|text| text.replace("{code}", code))
        })
    })
}

/// What counts is an object, with a form for each number: the shell says nothing that counts.
fn read(text: &str) -> Sentences {
    let all: HashMap<String, serde_json::Value> = serde_json::from_str(text).unwrap_or_default();
    let plain = |(key, value): (String, serde_json::Value)| {
        let text = value.as_str().map(str::to_owned);
        text.map(|text| (key, text))
    };
    all.into_iter().filter_map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_say_what_the_shell_says() {
        for tongue in [Tongue::Russian, Tongue::English] {
            for key in [
                "notice.late_text",
                "notice.outbox.recovered",
                "problem.unknown",
                "problem.microphone.none",
            ] {
                assert!(sentence(tongue, key).is_some(), "{key}");
            }
        }
    }

    #[test]
    fn whatever_goes_wrong_is_said() {
        for tongue in [Tongue::Russian, Tongue::English] {
            let family = sentence(tongue, "problem.family.auth");
            assert!(family.is_some());
            assert_eq!(sentence(tongue, "problem.auth.newer_than_we"), family);
            let unknown = sentence(tongue, "problem.never.heard_of").unwrap();
            assert!(unknown.contains("(never.heard_of)"), "{unknown}");
            assert_eq!(sentence(tongue, "notice.never_heard_of"), None);
        }
    }

    #[test]
    fn a_window_is_told_the_language_that_notifications_have() {
        let code = match Tongue::chosen("system", Tongue::of_system().as_deref()) {
            Tongue::Russian => "ru",
            Tongue::English => "en",
        };
        assert!(Tongue::script().ends_with(&format!("= \"{code}\";")));
        // What the screens read, and the same rule where nobody tells them.
        let screens = include_str!("../../src/messages/messages.svelte.ts");
        assert!(screens.contains("globalThis.alfavoiceLanguage"));
    }

    #[test]
    fn the_language_is_the_chosen_one_then_the_systems_then_russian() {
        assert_eq!(Tongue::chosen("en", Some("ru_RU.UTF-8")), Tongue::English);
        assert_eq!(
            Tongue::chosen("system", Some("en_GB.UTF-8")),
            Tongue::English
        );
        assert_eq!(
            Tongue::chosen("system", Some("de_DE.UTF-8")),
            Tongue::Russian
        );
        assert_eq!(Tongue::chosen("system", Some("C.UTF-8")), Tongue::Russian);
        assert_eq!(Tongue::chosen("system", None), Tongue::Russian);
    }
}
