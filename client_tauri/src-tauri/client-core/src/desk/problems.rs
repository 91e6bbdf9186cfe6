//! What ports say → what the screens are told. Codes are stable; what a button can do about it goes along.

use crate::ports::{HotkeyError, InsertionError, MicrophoneError};
use crate::view::Problem;

pub(super) fn of_microphone(error: &MicrophoneError) -> Problem {
    let (code, action) = match error {
        MicrophoneError::None => ("microphone.none", "choose_microphone"),
        MicrophoneError::Missing => ("microphone.missing", "choose_microphone"),
        MicrophoneError::Refused => ("microphone.refused", "allow_microphone"),
        MicrophoneError::Busy => ("microphone.busy", "choose_microphone"),
        MicrophoneError::Failed(_) => ("microphone.failed", "choose_microphone"),
    };
    Problem::new(code, error.to_string()).with_action(action)
}

pub(super) fn of_insertion(error: &InsertionError) -> Problem {
    let code = match error {
        InsertionError::WindowGone => "insertion.window_gone",
        InsertionError::Unreachable => "insertion.unreachable",
        InsertionError::NotTaken => "insertion.not_taken",
        InsertionError::KeysHeld => "insertion.keys_held",
        InsertionError::Elevated => "insertion.elevated",
        InsertionError::Denied => "insertion.denied",
        InsertionError::Asking => "insertion.asking",
        InsertionError::Unavailable => "insertion.unavailable",
        InsertionError::System(_) => "insertion.failed",
    };
    Problem::new(code, error.to_string())
}

pub(super) fn of_hotkeys(error: &HotkeyError) -> Problem {
    let code = match error {
        HotkeyError::Taken(_) => "hotkey.taken",
        HotkeyError::Unsupported(_) => "hotkey.unsupported",
        HotkeyError::Refused => "hotkey.refused",
        HotkeyError::Unavailable => "hotkey.unavailable",
        HotkeyError::TimedOut => "hotkey.timed_out",
        HotkeyError::System(_) => "hotkey.failed",
    };
    Problem::new(code, error.to_string()).with_action("change_hotkey")
}

/// With what can be done about a server that has to be seen to.
pub(super) fn with_remedy(problem: Problem) -> Problem {
    match problem.code.as_str() {
        "auth.expired" => problem.with_action("sign_in"),
        "server.unknown_certificate" | "server.changed_certificate" => {
            problem.with_action("choose_server")
        }
        _ => problem,
    }
}

/// A task of ours panicked: what it was doing is said, never what it held.
pub(super) fn broken(what: &str) -> Problem {
    Problem::new(
        "program.broken",
        format!("a part of the program failed and was started anew: {what}"),
    )
    .with_action("open_diagnostics")
}
