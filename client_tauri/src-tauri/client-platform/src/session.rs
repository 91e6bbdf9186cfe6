//! What kind of desktop this program runs on.

use serde::Serialize;

/// The kind of desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Session {
    /// An X server.
    X11,
    /// A Wayland compositor.
    Wayland,
    /// Windows.
    Windows,
    /// macOS.
    Macos,
    /// None that this program can show itself on.
    None,
}

impl Session {
    /// The one of this process.
    #[must_use]
    pub fn detect() -> Self {
        if cfg!(windows) {
            Self::Windows
        } else if cfg!(target_os = "macos") {
            Self::Macos
        } else {
            Self::by_environment(|name| std::env::var(name).ok())
        }
    }

    /// By the variables a login sets. Under Wayland `DISPLAY` is set too, for X programs within it; programs started
    /// from a terminal of an X session may carry a stray `WAYLAND_DISPLAY`, so the session's own word goes first.
    #[must_use]
    pub fn by_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| variable(name).filter(|value| !value.is_empty());
        let (x11, wayland) = (set("DISPLAY").is_some(), set("WAYLAND_DISPLAY").is_some());
        match (set("XDG_SESSION_TYPE").as_deref(), wayland, x11) {
            (Some("x11"), _, true) => Self::X11,
            (Some("wayland"), _, _) | (_, true, _) => Self::Wayland,
            (_, false, true) => Self::X11,
            (_, false, false) => Self::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(variables: &[(&str, &str)]) -> Session {
        Session::by_environment(|name| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_session_is_told_from_the_environment() {
        let cases: [(&[(&str, &str)], Session); 6] = [
            (&[("DISPLAY", ":0")], Session::X11),
            (
                &[
                    ("DISPLAY", ":0"),
                    ("XDG_SESSION_TYPE", "x11"),
                    ("WAYLAND_DISPLAY", "w"),
                ],
                Session::X11,
            ),
            (
                &[("DISPLAY", ":0"), ("WAYLAND_DISPLAY", "wayland-0")],
                Session::Wayland,
            ),
            (&[("XDG_SESSION_TYPE", "wayland")], Session::Wayland),
            (&[("XDG_SESSION_TYPE", "tty")], Session::None),
            (&[("DISPLAY", "")], Session::None),
        ];
        for (variables, expected) in cases {
            assert_eq!(session(variables), expected, "{variables:?}");
        }
    }
}
