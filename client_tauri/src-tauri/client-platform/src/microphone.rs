//! The microphone through cpal: each open device on a thread of its own, at its own rate.
//!
//! The audio system may hang, so nothing is waited for without end; a device that stops calling back (unplugged, its
//! driver dead) is told from silence by its saying nothing at all, and is [`MicrophoneEvent::Lost`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel,
};
use std::time::{Duration, Instant};

use client_core::ports::{
    Capture, Frames, InputDevice, Microphone, MicrophoneError, MicrophoneEvent, MicrophoneEvents,
};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{BufferSize, Device, ErrorKind, Stream, StreamConfig, SupportedStreamConfig};

use crate::audio::{PORTION_MS, host, identity, is_monitor, microphones, mono};

/// How long listing or opening devices may take.
const ANSWER: Duration = Duration::from_secs(10);
/// A device that says nothing for so long is gone: the longest portions of any system are below a second.
const SILENT: Duration = Duration::from_secs(3);
/// How long closing a device is waited for; one that hangs is left to its thread.
const CLOSING: Duration = Duration::from_secs(2);

/// The microphones of this machine, through PulseAudio or PipeWire, ALSA, WASAPI or Core Audio.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemMicrophone;

impl SystemMicrophone {
    /// The microphones are looked up when they are asked for.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

/// What the thread of an open device hears.
enum Said {
    Sound(Instant),
    Failed(cpal::Error),
    Close,
}

struct OpenDevice {
    device: InputDevice,
    say: Sender<Said>,
    closed: Receiver<()>,
}

impl Capture for OpenDevice {
    fn device(&self) -> &InputDevice {
        &self.device
    }
}

impl Drop for OpenDevice {
    fn drop(&mut self) {
        // A thread that has ended hears nothing, and one that hangs is not waited for: closing is best effort.
        let _ = self.say.send(Said::Close);
        let _ = self.closed.recv_timeout(CLOSING);
    }
}

impl Microphone for SystemMicrophone {
    fn devices(&self) -> Result<Vec<InputDevice>, MicrophoneError> {
        in_time("microphones", || {
            let all = microphones(&host()).map_err(|error| failure(&error, false))?;
            Ok(all
                .into_iter()
                .map(|(_, id, name, default)| InputDevice { id, name, default })
                .collect())
        })
    }

    fn open(
        &self,
        device: Option<&str>,
        events: MicrophoneEvents,
    ) -> Result<Box<dyn Capture>, MicrophoneError> {
        let wanted = device.map(str::to_owned);
        let (say, said) = channel();
        let (ready, opened) = sync_channel(1);
        let (closing, closed) = sync_channel(1);
        let own = say.clone();
        std::thread::Builder::new()
            .name("microphone".to_owned())
            .spawn(move || {
                attend(wanted.as_deref(), &events, own, &said, &ready);
                // Whoever waits for the end may have given up.
                let _ = closing.send(());
            })
            .map_err(|error| MicrophoneError::Failed(error.to_string()))?;
        match opened.recv_timeout(ANSWER) {
            Ok(Ok(device)) => Ok(Box::new(OpenDevice {
                device,
                say,
                closed,
            })),
            Ok(Err(error)) => Err(error),
            Err(_) => {
                // Should it open after all, it is closed at once.
                let _ = say.send(Said::Close);
                Err(MicrophoneError::Failed(
                    "it did not open in time".to_owned(),
                ))
            }
        }
    }
}

/// Runs on a thread of its own, because the audio system may hang.
fn in_time<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, MicrophoneError> + Send + 'static,
) -> Result<T, MicrophoneError> {
    let (answer, answered) = sync_channel(1);
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || {
            // Who asked may have given up waiting.
            let _ = answer.send(work());
        })
        .map_err(|error| MicrophoneError::Failed(error.to_string()))?;
    match answered.recv_timeout(ANSWER) {
        Ok(result) => result,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => Err(
            MicrophoneError::Failed("the audio system does not answer".to_owned()),
        ),
    }
}

/// The life of an open device.
fn attend(
    wanted: Option<&str>,
    events: &MicrophoneEvents,
    say: Sender<Said>,
    said: &Receiver<Said>,
    ready: &SyncSender<Result<InputDevice, MicrophoneError>>,
) {
    let ended = Arc::new(AtomicBool::new(false));
    let (stream, device) = match open(wanted, events, &say, &ended) {
        Ok(opened) => opened,
        Err(error) => {
            let _ = ready.send(Err(error));
            return;
        }
    };
    drop(say);
    if ready.send(Ok(device)).is_err() {
        return;
    }
    let lost = listen(said);
    ended.store(true, Ordering::Release);
    if let Some(error) = lost {
        // A full channel is one whose reader is busy: this word must not be lost. Said before the stream is closed,
        // because closing a dead device may hang.
        let _ = events.send(MicrophoneEvent::Lost(error));
    }
    drop(stream);
}

/// Waits for the end: `None` when it was asked for.
fn listen(said: &Receiver<Said>) -> Option<MicrophoneError> {
    let mut heard = Instant::now();
    loop {
        match said.recv_timeout(SILENT) {
            Ok(Said::Sound(at)) => heard = at,
            Ok(Said::Close) | Err(RecvTimeoutError::Disconnected) => return None,
            Ok(Said::Failed(error)) if passes(&error) => {}
            Ok(Said::Failed(error)) => return Some(failure(&error, true)),
            Err(RecvTimeoutError::Timeout) => {}
        }
        if heard.elapsed() >= SILENT {
            return Some(MicrophoneError::Failed("no sound arrives".to_owned()));
        }
    }
}

/// Errors after which the stream goes on by itself.
fn passes(error: &cpal::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Xrun | ErrorKind::DeviceChanged | ErrorKind::RealtimeDenied
    )
}

fn open(
    wanted: Option<&str>,
    events: &MicrophoneEvents,
    say: &Sender<Said>,
    ended: &Arc<AtomicBool>,
) -> Result<(Stream, InputDevice), MicrophoneError> {
    let (device, info) = find(wanted)?;
    let chosen = wanted.is_some();
    let format = device
        .default_input_config()
        .map_err(|error| failure(&error, chosen))?;
    let portion = format.sample_rate() * PORTION_MS / 1000;
    let build = |buffer| {
        let pouring = Pouring {
            events: events.clone(),
            ended: Arc::clone(ended),
            dropped: 0,
        };
        build(&device, &format, buffer, pouring, say)
    };
    let stream = build(BufferSize::Fixed(portion))
        .or_else(|error| match error.kind() {
            // Hardware may know other portions only.
            ErrorKind::UnsupportedConfig => build(BufferSize::Default),
            _ => Err(error),
        })
        .and_then(|stream| stream.play().map(|()| stream))
        .map_err(|error| failure(&error, chosen))?;
    Ok((stream, info))
}

fn find(wanted: Option<&str>) -> Result<(Device, InputDevice), MicrophoneError> {
    let host = host();
    let default = host.default_input_device();
    let default_id = default.as_ref().and_then(identity);
    let Some(wanted) = wanted else {
        let (Some(device), Some((id, name))) = (default, default_id) else {
            return Err(MicrophoneError::None);
        };
        // Without a microphone PulseAudio offers what the loudspeakers play.
        if is_monitor(&id) {
            return Err(MicrophoneError::None);
        }
        let info = InputDevice {
            id,
            name,
            default: true,
        };
        return Ok((device, info));
    };
    let id = wanted.parse().map_err(|_| MicrophoneError::Missing)?;
    let device = host.device_by_id(&id).ok_or(MicrophoneError::Missing)?;
    let (id, name) = identity(&device).ok_or(MicrophoneError::Missing)?;
    let default = default_id.is_some_and(|(default, _)| default == id);
    Ok((device, InputDevice { id, name, default }))
}

fn build(
    device: &Device,
    format: &SupportedStreamConfig,
    buffer_size: BufferSize,
    mut pouring: Pouring,
    say: &Sender<Said>,
) -> Result<Stream, cpal::Error> {
    let config = StreamConfig {
        channels: format.channels(),
        sample_rate: format.sample_rate(),
        buffer_size,
    };
    let (channels, rate) = (config.channels, config.sample_rate);
    let (sound, failed) = (say.clone(), say.clone());
    device.build_input_stream_raw(
        config,
        format.sample_format(),
        move |data, _| {
            let samples = mono(data, channels);
            if !samples.is_empty() {
                // A thread that has ended needs to hear nothing; so below.
                let _ = sound.send(Said::Sound(Instant::now()));
                pouring.pour(Frames { samples, rate });
            }
        },
        move |error| {
            let _ = failed.send(Said::Failed(error));
        },
        Some(ANSWER),
    )
}

/// Frames on their way into the bounded channel; never waits, counts what does not fit.
struct Pouring {
    events: MicrophoneEvents,
    /// Set when nothing may come any more.
    ended: Arc<AtomicBool>,
    dropped: u64,
}

impl Pouring {
    fn pour(&mut self, frames: Frames) {
        if self.ended.load(Ordering::Acquire) {
            return;
        }
        let many = frames.samples.len() as u64;
        if self.dropped > 0 {
            match self.events.try_send(MicrophoneEvent::Overrun(self.dropped)) {
                Ok(()) => self.dropped = 0,
                Err(TrySendError::Full(_)) => {
                    self.dropped += many;
                    return;
                }
                Err(TrySendError::Disconnected(_)) => return,
            }
        }
        if let Err(TrySendError::Full(_)) = self.events.try_send(MicrophoneEvent::Frames(frames)) {
            self.dropped += many;
        }
    }
}

fn failure(error: &cpal::Error, chosen: bool) -> MicrophoneError {
    match error.kind() {
        ErrorKind::DeviceNotAvailable if chosen => MicrophoneError::Missing,
        ErrorKind::DeviceNotAvailable | ErrorKind::HostUnavailable => MicrophoneError::None,
        ErrorKind::PermissionDenied => MicrophoneError::Refused,
        ErrorKind::DeviceBusy => MicrophoneError::Busy,
        kind => MicrophoneError::Failed(kind.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_and_said_before_the_next_sound() {
        let (events, heard) = sync_channel(2);
        let mut pouring = Pouring {
            events,
            ended: Arc::default(),
            dropped: 0,
        };
        let frames = |many: usize| Frames {
            samples: vec![0.0; many],
            rate: 48_000,
        };
        for many in [1, 2, 3, 4] {
            pouring.pour(frames(many));
        }
        assert_eq!(heard.try_iter().count(), 2);
        pouring.pour(frames(5));
        let said: Vec<_> = heard.try_iter().collect();
        assert_eq!(
            said,
            vec![
                MicrophoneEvent::Overrun(7),
                MicrophoneEvent::Frames(frames(5))
            ]
        );
    }

    #[test]
    fn a_device_that_is_not_there_is_missing_or_there_is_none() {
        let gone = cpal::Error::new(ErrorKind::DeviceNotAvailable);
        assert_eq!(failure(&gone, true), MicrophoneError::Missing);
        assert_eq!(failure(&gone, false), MicrophoneError::None);
        let denied = cpal::Error::new(ErrorKind::PermissionDenied);
        assert_eq!(failure(&denied, false), MicrophoneError::Refused);
    }
}
