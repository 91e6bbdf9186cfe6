//! Models of the server on this computer, through its own commands.

use std::process::Stdio;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::program::command;
use super::{Plan, Sidecar, SidecarError};

const LIST_PATIENCE: Duration = Duration::from_secs(60);
/// Reading every file of the largest model from a slow disk.
const VERIFY_PATIENCE: Duration = Duration::from_secs(900);
/// A download that says nothing for so long has stopped.
const STALL_PATIENCE: Duration = Duration::from_secs(300);
const MOST_ANSWER_BYTES: u64 = 4 * 1024 * 1024;

/// How far a model's installation is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullStep {
    /// `waiting`, `fetching` or `verifying`.
    pub phase: String,
    /// Which of its files.
    pub file: String,
    /// Bytes of all its files that are done.
    pub done_bytes: u64,
    /// Bytes of all its files, where known.
    pub total_bytes: Option<u64>,
}

impl Sidecar {
    /// All models: what is installed, what is in use, what can be installed, as `alfavoice models list --json` has it.
    ///
    /// # Errors
    /// `Absent`, `Failed`, `TimedOut`, `OtherVersion`.
    pub async fn models(&self) -> Result<Value, SidecarError> {
        let told = self
            .said(&["models", "list", "--json"], LIST_PATIENCE)
            .await?;
        serde_json::from_slice(&told).map_err(|_| SidecarError::OtherVersion)
    }

    /// Installs a model; what was downloaded before it broke off is not fetched again. Dropped, it stops. `steps` is not waited
    /// for when it is full.
    ///
    /// # Errors
    /// `Absent`, `NoName`, `Failed` (the log says why), `TimedOut`.
    pub async fn install(
        &self,
        model: &str,
        steps: mpsc::Sender<PullStep>,
    ) -> Result<(), SidecarError> {
        let name = named(model)?;
        let mut child = command(self.plan()?, &["models", "pull", name, "--json"])
            .spawn()
            .map_err(|_| SidecarError::Failed)?;
        let (Some(out), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(SidecarError::Failed);
        };
        let mut lines = BufReader::new(out).lines();
        let reading = async {
            loop {
                match timeout(STALL_PATIENCE, lines.next_line()).await {
                    Ok(Ok(Some(line))) => {
                        if let Ok(step) = serde_json::from_str(&line) {
                            // A screen that does not keep up sees the next one.
                            let _ = steps.try_send(step);
                        }
                    }
                    Ok(Ok(None) | Err(_)) => return Ok(()),
                    Err(_) => return Err(SidecarError::TimedOut),
                }
            }
        };
        let (read, ()) = tokio::join!(reading, self.note(errors));
        read?;
        match timeout(LIST_PATIENCE, child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(_) => Err(SidecarError::Failed),
            Err(_) => Err(SidecarError::TimedOut),
        }
    }

    /// Reads every file of a model and compares the checksums.
    ///
    /// # Errors
    /// `Failed`: it is damaged, or not installed; and as [`Sidecar::install`].
    pub async fn verify(&self, model: &str) -> Result<(), SidecarError> {
        self.said(&["models", "verify", named(model)?], VERIFY_PATIENCE)
            .await
            .map(drop)
    }

    /// Works with a model; a running server takes it with its next start.
    ///
    /// # Errors
    /// As [`Sidecar::verify`].
    pub async fn activate(&self, model: &str) -> Result<(), SidecarError> {
        self.said(&["models", "use", named(model)?], VERIFY_PATIENCE)
            .await
            .map(drop)
    }

    /// Takes a model away; the one in use stays.
    ///
    /// # Errors
    /// As [`Sidecar::verify`].
    pub async fn remove(&self, model: &str) -> Result<(), SidecarError> {
        self.said(&["models", "remove", named(model)?], LIST_PATIENCE)
            .await
            .map(drop)
    }

    /// Runs a command to its end and gives what it wrote.
    async fn said(&self, arguments: &[&str], patience: Duration) -> Result<Vec<u8>, SidecarError> {
        let mut child = command(self.plan()?, arguments)
            .stdin(Stdio::null())
            .spawn()
            .map_err(|_| SidecarError::Failed)?;
        let (Some(out), Some(errors)) = (child.stdout.take(), child.stderr.take()) else {
            return Err(SidecarError::Failed);
        };
        let mut told = Vec::new();
        let all = async {
            let mut bounded = out.take(MOST_ANSWER_BYTES);
            let (read, ()) = tokio::join!(bounded.read_to_end(&mut told), self.note(errors));
            read.map_err(|_| SidecarError::Failed)?;
            child.wait().await.map_err(|_| SidecarError::Failed)
        };
        match timeout(patience, all).await {
            Ok(Ok(status)) if status.success() => Ok(told),
            Ok(_) => Err(SidecarError::Failed),
            Err(_) => Err(SidecarError::TimedOut),
        }
    }

    /// What a command says about itself goes to the log.
    async fn note(&self, errors: tokio::process::ChildStderr) {
        let mut lines = BufReader::new(errors).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            self.log.add(&line);
        }
    }

    fn plan(&self) -> Result<&Plan, SidecarError> {
        self.plan.as_ref().ok_or(SidecarError::Absent)
    }
}

/// Names of models are such that none is mistaken for a flag.
fn named(model: &str) -> Result<&str, SidecarError> {
    let fits = !model.is_empty()
        && model.len() <= 64
        && model.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && model
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_'));
    if fits {
        Ok(model)
    } else {
        Err(SidecarError::NoName)
    }
}
