//! The command line: how other programs and a compositor's own shortcuts control a running AlfaVoice.
//!
//! A second start hands its arguments to the first and ends, so `alfavoice-desktop --toggle` works as a shortcut wherever
//! global keys cannot be had.

use crate::words::Tongue;

/// What a start was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Request {
    /// Show the window.
    #[default]
    Show,
    /// Start in the tray, without a window.
    Hidden,
    /// Begin to dictate, or end it.
    Toggle,
    /// Drop what is being said.
    Cancel,
    /// Insert the last text again.
    PasteLast,
    /// End the program.
    Quit,
}

impl Request {
    /// Whether it means anything where no program runs that could be told of it.
    #[must_use]
    pub fn starts_the_program(self) -> bool {
        match self {
            Self::Show | Self::Hidden | Self::Toggle | Self::PasteLast => true,
            Self::Cancel | Self::Quit => false,
        }
    }
}

/// Arguments that mean nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArgumentError {
    /// Not one of ours.
    #[error("unknown argument: {0}")]
    Unknown(String),
    /// More than one thing was asked for.
    #[error("only one of --hidden, --toggle, --cancel, --paste-last and --quit can be given")]
    Several,
}

/// What `--help` prints, in the language of the system.
#[must_use]
pub fn help(tongue: Tongue) -> &'static str {
    match tongue {
        Tongue::Russian => RUSSIAN,
        Tongue::English => ENGLISH,
    }
}

const RUSSIAN: &str = "\
AlfaVoice: зажмите клавиши, говорите — текст будет в вашем окне.

  alfavoice-desktop               показать окно
  alfavoice-desktop --hidden      запустить без окна
  alfavoice-desktop --toggle      начать диктовку или закончить её
  alfavoice-desktop --cancel      отбросить сказанное (его можно вернуть)
  alfavoice-desktop --paste-last  вставить последний текст ещё раз
  alfavoice-desktop --quit        закончить работу программы
  alfavoice-desktop --version     её версия

--toggle, --cancel, --paste-last и --quit обращаются к работающей программе; если её нет, --toggle и --paste-last
её запускают, а --cancel и --quit не делают ничего.
";

const ENGLISH: &str = "\
AlfaVoice: hold a key, speak, the text is in your window.

  alfavoice-desktop               show the window
  alfavoice-desktop --hidden      start in the background
  alfavoice-desktop --toggle      begin to dictate, or end it
  alfavoice-desktop --cancel      drop what is being said (it can be taken back)
  alfavoice-desktop --paste-last  insert the last text again
  alfavoice-desktop --quit        end the program
  alfavoice-desktop --version     its version

--toggle, --cancel, --paste-last and --quit speak to the program that is running; with none running, --toggle and
--paste-last start it, --cancel and --quit do nothing.
";

impl ArgumentError {
    /// What is wrong, in the language of the system.
    #[must_use]
    pub fn said(&self, tongue: Tongue) -> String {
        match (tongue, self) {
            (Tongue::English, error) => error.to_string(),
            (Tongue::Russian, Self::Unknown(given)) => format!("такого аргумента нет: {given}"),
            (Tongue::Russian, Self::Several) => {
                "из --hidden, --toggle, --cancel, --paste-last и --quit даётся один".to_owned()
            }
        }
    }
}

/// Reads the arguments that follow the program's name.
///
/// # Errors
/// [`ArgumentError`] for anything unknown or contradictory.
pub fn parse<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Result<Request, ArgumentError> {
    let mut found = None;
    for argument in arguments {
        let request = match argument {
            "--hidden" => Request::Hidden,
            "--toggle" => Request::Toggle,
            "--cancel" => Request::Cancel,
            "--paste-last" => Request::PasteLast,
            "--quit" => Request::Quit,
            other => return Err(ArgumentError::Unknown(other.to_owned())),
        };
        if found.replace(request).is_some() {
            return Err(ArgumentError::Several);
        }
    }
    Ok(found.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_name_the_same_arguments() {
        let named = |text: &'static str| {
            let words = text
                .split_whitespace()
                .filter(|word| word.starts_with("--"));
            words.collect::<Vec<_>>()
        };
        assert_eq!(named(help(Tongue::Russian)), named(help(Tongue::English)));
        assert!(named(help(Tongue::English)).len() >= 6);
    }

    #[test]
    fn no_argument_shows_the_window() {
        assert_eq!(parse([]), Ok(Request::Show));
    }

    #[test]
    fn each_argument_asks_for_one_thing() {
        assert_eq!(parse(["--toggle"]), Ok(Request::Toggle));
        assert_eq!(parse(["--paste-last"]), Ok(Request::PasteLast));
        assert_eq!(parse(["--toggle", "--cancel"]), Err(ArgumentError::Several));
    }

    #[test]
    fn what_there_is_to_end_or_to_drop_is_in_a_program_that_runs() {
        for idle in ["--quit", "--cancel"] {
            assert!(!parse([idle]).unwrap().starts_the_program(), "{idle}");
        }
        for begin in ["--hidden", "--toggle", "--paste-last"] {
            assert!(parse([begin]).unwrap().starts_the_program(), "{begin}");
        }
        assert!(Request::default().starts_the_program());
    }

    #[test]
    fn what_is_not_known_is_refused_and_not_ignored() {
        assert_eq!(
            parse(["--togle"]),
            Err(ArgumentError::Unknown("--togle".into()))
        );
    }
}
