//! Running a small program of the system for its answer, within a time.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

/// A program that takes longer is ended.
const PATIENCE: Duration = Duration::from_secs(3);
/// How often it is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);
/// More of an answer is not read.
const LONGEST: u64 = 64 * 1024;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// It is not installed, or may not be run.
    #[error("the program cannot be run")]
    Absent(#[from] std::io::Error),
    /// It did not end in time.
    #[error("the program did not answer in time")]
    TimedOut,
    /// It ended with a failure.
    #[error("the program failed")]
    Failed,
}

/// What the program says on its standard output, untranslated (`LC_ALL=C`).
///
/// # Errors
/// [`RunError`].
pub fn answer(program: &str, arguments: &[&str]) -> Result<String, RunError> {
    let mut child = Command::new(program)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let (said, heard) = sync_channel(1);
    if let Some(out) = child.stdout.take() {
        std::thread::spawn(move || {
            let mut text = String::new();
            // What is no text is no answer; who asked may have given up waiting.
            if out.take(LONGEST).read_to_string(&mut text).is_ok() {
                let _ = said.send(text);
            }
        });
    }
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= deadline {
            child.kill()?;
            child.wait()?;
            return Err(RunError::TimedOut);
        }
        std::thread::sleep(LOOK);
    };
    if !status.success() {
        return Err(RunError::Failed);
    }
    heard.recv_timeout(PATIENCE).map_err(|_| RunError::TimedOut)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_failures_are_told_apart() {
        assert_eq!(answer("printf", &["yes"]).unwrap(), "yes");
        assert!(matches!(answer("false", &[]), Err(RunError::Failed)));
        assert!(matches!(
            answer("/no/such/program", &[]),
            Err(RunError::Absent(_))
        ));
        assert!(matches!(answer("sleep", &["60"]), Err(RunError::TimedOut)));
    }
}
