//! Sound in.

use std::sync::mpsc::SyncSender;

use serde::{Deserialize, Serialize};

/// A microphone the person may choose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputDevice {
    /// Stays the same over restarts; not for people.
    pub id: String,
    /// What the system calls it.
    pub name: String,
    /// Whether the system uses it when nothing is chosen.
    pub default: bool,
}

/// Some sound as the device gave it: mono (mixed down), at its own rate.
#[derive(Debug, Clone, PartialEq)]
pub struct Frames {
    /// Samples, -1 … 1.
    pub samples: Vec<f32>,
    /// Samples a second.
    pub rate: u32,
}

/// What an open microphone says.
#[derive(Debug, Clone, PartialEq)]
pub enum MicrophoneEvent {
    /// Sound.
    Frames(Frames),
    /// This many samples were dropped because nobody took them.
    Overrun(u64),
    /// The device is gone or failed; nothing more comes.
    Lost(MicrophoneError),
}

/// Where an open microphone puts what it hears; bounded, never blocked on.
pub type MicrophoneEvents = SyncSender<MicrophoneEvent>;

/// Why there is no sound.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MicrophoneError {
    /// No input device at all.
    #[error("there is no microphone")]
    None,
    /// The chosen one is not there.
    #[error("the chosen microphone is not connected")]
    Missing,
    /// The system does not let us.
    #[error("the system does not allow the microphone")]
    Refused,
    /// Another program holds it.
    #[error("another program uses the microphone")]
    Busy,
    /// It stopped, was unplugged, or its driver failed.
    #[error("the microphone stopped: {0}")]
    Failed(String),
}

/// An open device; closed when dropped.
pub trait Capture: Send {
    /// Which device it is.
    fn device(&self) -> &InputDevice;
}

/// The microphones of this machine.
pub trait Microphone: Send + Sync {
    /// All of them, the system's default first.
    fn devices(&self) -> Result<Vec<InputDevice>, MicrophoneError>;
    /// Opens the one with this id (`None`: the system's default). Sound comes to `events` from now on, until it is dropped or
    /// [`MicrophoneEvent::Lost`].
    fn open(
        &self,
        device: Option<&str>,
        events: MicrophoneEvents,
    ) -> Result<Box<dyn Capture>, MicrophoneError>;
}
