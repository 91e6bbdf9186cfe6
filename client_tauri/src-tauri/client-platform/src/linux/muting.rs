//! Silence of other programs through `pactl`, which PulseAudio and PipeWire both have.

use std::sync::{Mutex, PoisonError};

use client_core::ports::{Muting, MutingError};

use crate::running::{RunError, answer};

const SINK: &str = "@DEFAULT_SINK@";

impl From<RunError> for MutingError {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Absent(_) => Self::Unavailable,
            RunError::TimedOut | RunError::Failed => Self::System(error.to_string()),
        }
    }
}

/// The default loudspeaker; made audible again when dropped while it is silent because of us.
#[derive(Debug, Default)]
pub struct PulseMuting {
    /// The loudspeaker we silenced, by name: another may be the default by the time it is given back.
    silenced: Mutex<Option<String>>,
}

impl PulseMuting {
    /// Nothing is silenced yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            silenced: Mutex::new(None),
        }
    }
}

impl Muting for PulseMuting {
    fn mute(&self) -> Result<(), MutingError> {
        let mut silenced = self.silenced.lock().unwrap_or_else(PoisonError::into_inner);
        if silenced.is_some() || muted(&answer("pactl", &["get-sink-mute", SINK])?) == Some(true) {
            return Ok(());
        }
        let sink = answer("pactl", &["get-default-sink"])?.trim().to_owned();
        // What is not known is made audible afterwards, so it is noted before it is changed.
        answer("pactl", &["set-sink-mute", &sink, "1"])?;
        *silenced = Some(sink);
        Ok(())
    }

    fn restore(&self) -> Result<(), MutingError> {
        let mut silenced = self.silenced.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sink) = silenced.as_deref() {
            answer("pactl", &["set-sink-mute", sink, "0"])?;
            *silenced = None;
        }
        Ok(())
    }
}

impl Drop for PulseMuting {
    fn drop(&mut self) {
        // The audio server may be gone; then there is nothing to give back.
        let _ = self.restore();
    }
}

/// `Mute: yes` or `Mute: no`; `None` for anything else.
fn muted(said: &str) -> Option<bool> {
    match said.trim().strip_prefix("Mute:")?.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_state_is_read_from_what_pactl_says() {
        assert_eq!(muted("Mute: yes\n"), Some(true));
        assert_eq!(muted("Mute: no\n"), Some(false));
        assert_eq!(muted("Connection failure"), None);
    }
}
