//! Text into the window where dictation began.

use serde::{Deserialize, Serialize};

/// A window of another program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetWindow {
    /// The system's number for it.
    pub id: u64,
    /// The program, as the system names it (`WM_CLASS`, the executable's name): for rules by program. Never the title.
    pub app: Option<String>,
}

/// How text is put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pasting {
    /// What works best on this system.
    #[default]
    Automatic,
    /// Clipboard and Shift+Insert.
    ShiftInsert,
    /// Clipboard and Ctrl+V (Command+V).
    ControlV,
    /// Clipboard and Ctrl+Shift+V.
    ControlShiftV,
    /// As if typed (where the system can do it on every layout).
    Typed,
    /// Only put it into the clipboard.
    ClipboardOnly,
}

/// How it went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    /// Some program fetched the text.
    Taken,
    /// The keys were sent; whether anybody took it is not to be known on this system.
    Sent,
    /// It is in the clipboard, nothing was pressed.
    Copied,
}

/// Why it is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InsertionError {
    /// The window was closed.
    #[error("the window where dictation began is gone")]
    WindowGone,
    /// The window could not be brought to the front.
    #[error("the window where dictation began cannot be reached")]
    Unreachable,
    /// Nobody fetched the text in time.
    #[error("the program did not take the text")]
    NotTaken,
    /// Keys stayed held down too long.
    #[error("keys are held down")]
    KeysHeld,
    /// The window belongs to a program that runs with more rights than this one (as administrator), which Windows keeps
    /// out of reach.
    #[error("the program runs with more rights than this one")]
    Elevated,
    /// The person or the desktop does not allow it.
    #[error("the desktop does not allow text to be inserted")]
    Denied,
    /// The desktop asks the person just now whether it is allowed.
    #[error("the desktop asks whether text may be inserted")]
    Asking,
    /// There is no way to do it here.
    #[error("this system does not let text be inserted")]
    Unavailable,
    /// The system answered with a fault of its own.
    #[error("the system failed: {0}")]
    System(String),
}

/// Putting text into other programs' windows, and the clipboard.
pub trait Insertion: Send + Sync {
    /// The window that has the focus now, `None` if there is none: a dictation's text is not typed then. Where the system does not
    /// say which window it is, one with the number 0 stands for it.
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError>;
    /// Puts `text` into `target` (`None`: whatever has the focus), gives the clipboard back as it was unless somebody changed it meanwhile.
    fn insert(
        &self,
        text: &str,
        target: Option<&TargetWindow>,
        pasting: Pasting,
    ) -> Result<Inserted, InsertionError>;
    /// Moves the text cursor of `target` (`None`: of whatever has the focus) so many letters back, after a text was put in.
    ///
    /// # Errors
    /// [`InsertionError::Unavailable`] where that cannot be done: the cursor stays at the end.
    fn step_back(
        &self,
        target: Option<&TargetWindow>,
        letters: usize,
    ) -> Result<(), InsertionError> {
        let _ = (target, letters);
        Err(InsertionError::Unavailable)
    }
    /// Puts `text` into the clipboard for good: the person asked for it.
    fn copy(&self, text: &str) -> Result<(), InsertionError>;
    /// The text in the clipboard, if there is any.
    fn clipboard_text(&self) -> Result<Option<String>, InsertionError>;
}
