//! Sound from the microphone to a take: any rate and device in, 16 kHz PCM16 out.
//!
//! One thread owns the device, because that is where streams must be built and because opening one may take seconds. It
//! hears [`Command`]s and says [`Heard`]; neither side ever waits for the other without a bound.
//!
//! ```text
//! Prepare     Begin                       Stop
//! ──┬───────────┬──────────────────────────┬─────────┬──────────────── keep_open ───┬──
//!   open      [pre-roll] + sound …       + 80 ms   Drained                        close
//! ```

mod ear;
mod meter;
mod resampling;
mod thread;

use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::Duration;

use crate::coordinator::TakeId;
use crate::ports::{Microphone, MicrophoneError};

pub use resampling::{RATE, Resampler, ResamplerError, pcm16};

/// What a take is cut into for the socket: 100 ms.
pub const PACKET_SAMPLES: usize = RATE as usize / 10;

/// How to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listening {
    /// The microphone's id; `None`: the system's choice.
    pub device: Option<String>,
    /// Sound from before the beginning that belongs to a take.
    pub pre_roll: Duration,
    /// How long the device stays open after a take.
    pub keep_open: Duration,
}

/// What the thread is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// From now on like this. A take that goes on keeps its device.
    Configure(Listening),
    /// A take may begin: have sound ready.
    Prepare,
    /// It did not.
    Unprepare,
    /// It begins; one that is still being drained is complete by that.
    Begin(TakeId),
    /// It ends; [`Heard::Drained`] follows.
    Stop(TakeId),
    /// It was never meant: nothing more is heard of it.
    Drop(TakeId),
    /// Levels without a take, for the screen of settings.
    Monitor(bool),
}

/// What the thread says.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// The first sound of a take came from the device: now is the time to speak.
    First(TakeId),
    /// The next 100 ms of it (the last may be shorter).
    Sound {
        /// Which.
        take: TakeId,
        /// Samples of it before these.
        first_sample: u64,
        /// At 16 kHz.
        pcm: Vec<i16>,
    },
    /// How loud it is, 0 … 1, each 50 ms of a take or a test.
    Level {
        /// Root of the mean square.
        rms: f32,
        /// The loudest sample.
        peak: f32,
    },
    /// Nothing but zeros in the first seconds of a take: a muted or dead microphone. Once a take.
    Silence(TakeId),
    /// Sound came after [`Heard::Silence`] was said.
    SoundAfterAll(TakeId),
    /// The device was not there or went away; sound comes from another one. What came between is missing.
    Switched {
        /// While which take.
        take: Option<TakeId>,
        /// What happened to the former.
        error: MicrophoneError,
        /// Its name.
        to: String,
    },
    /// Sound was lost because this computer was too busy.
    Overrun {
        /// While which take.
        take: Option<TakeId>,
        /// Samples of the device.
        samples: u64,
    },
    /// There is no sound to be had. A take that had begun is complete: [`Heard::Drained`] follows when it is stopped.
    Failed {
        /// While which take.
        take: Option<TakeId>,
        /// Why.
        error: MicrophoneError,
    },
    /// All sound of a take has been said.
    Drained {
        /// Which.
        take: TakeId,
        /// All samples of it.
        samples: u64,
    },
}

/// Where the thread says it: bounded. It blocks there when the other side is behind, and the device then counts what is lost.
pub type HeardSender = tokio::sync::mpsc::Sender<Heard>;

/// Starts the thread. It ends when the sender of commands or the receiver of what is heard is gone, and closes the device.
///
/// # Errors
/// When the system gives no thread.
pub fn start(
    microphone: Arc<dyn Microphone>,
    listening: Listening,
    heard: HeardSender,
) -> std::io::Result<SyncSender<Command>> {
    thread::start(microphone, listening, heard, thread::Patience::default())
}

#[cfg(test)]
mod device_tests;
#[cfg(test)]
mod tests;
