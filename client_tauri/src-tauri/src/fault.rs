//! What a command that could not be done answers: a [`Problem`] the screens know how to show.

use client_core::api::ApiError;
use client_core::outbox::OutboxError;
use client_core::view::Problem;
use serde::Serialize;

/// A problem on its way to the screens.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub struct Fault(pub Problem);

/// The answer of every command.
pub type Answer<T> = Result<T, Fault>;

impl Fault {
    /// A problem of the shell's own.
    #[must_use]
    pub fn new(code: &'static str, message: &'static str) -> Self {
        Self(Problem::new(code, message))
    }
}

impl From<Problem> for Fault {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl From<ApiError> for Fault {
    fn from(error: ApiError) -> Self {
        Self(error.problem())
    }
}

impl From<OutboxError> for Fault {
    fn from(error: OutboxError) -> Self {
        Self(error.problem())
    }
}

impl From<tauri::Error> for Fault {
    /// A window did not do what it was told; nothing of it is the person's fault.
    fn from(error: tauri::Error) -> Self {
        tracing::warn!(%error, "the windows' system refused");
        Self::new("client.window", "the window system refused")
    }
}

impl From<std::io::Error> for Fault {
    /// A file the person chose could not be written or read. The path stays out of the message: it may say who they are.
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => {
                Self(Problem::new("client.disk_full", "the disk is full").with_action("free_space"))
            }
            std::io::ErrorKind::PermissionDenied => {
                Self::new("client.file_refused", "the file may not be written there")
            }
            _ => Self::new(
                "client.file_failed",
                "the file could not be written or read",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_the_problem_itself() {
        let text = serde_json::to_value(Fault::new("client.window", "refused")).unwrap();
        assert_eq!(
            text,
            serde_json::json!({"code": "client.window", "message": "refused"})
        );
    }

    #[test]
    fn a_full_disk_says_what_to_do() {
        let fault = Fault::from(std::io::Error::from(std::io::ErrorKind::StorageFull));
        assert_eq!(fault.0.action.as_deref(), Some("free_space"));
    }
}
