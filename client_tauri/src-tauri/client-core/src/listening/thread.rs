//! The thread that owns the device.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use super::ear::Ear;
use super::{Command, Heard, HeardSender, Listening, ResamplerError};
use crate::coordinator::TakeId;
use crate::ports::{Capture, Microphone, MicrophoneError, MicrophoneEvent};

/// Commands that may wait while a device is being opened.
const COMMANDS: usize = 64;
/// Frames of 5–20 ms that may wait.
const FRAMES: usize = 256;
/// A dead device calls nobody back, so commands are looked at this often however quiet it is.
const LOOK: Duration = Duration::from_millis(20);
/// What was prepared for a take that never came is not kept open longer.
const PREPARED: Duration = Duration::from_secs(5);
/// How often another device is looked for.
const SEEK: Duration = Duration::from_millis(100);
/// Devices tried during one take.
const SWITCHES: u32 = 4;

/// How long an open device may give nothing.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// At first: a Bluetooth headset takes its time.
    pub first: Duration,
    /// Later: then it is gone, whatever it says.
    pub later: Duration,
    /// How long another device is looked for when one is gone: systems need a moment to choose one.
    pub another: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(4),
            later: Duration::from_secs(2),
            another: Duration::from_millis(1500),
        }
    }
}

pub(super) fn start(
    microphone: Arc<dyn Microphone>,
    listening: Listening,
    heard: HeardSender,
    patience: Patience,
) -> std::io::Result<SyncSender<Command>> {
    let (sender, commands) = sync_channel(COMMANDS);
    std::thread::Builder::new()
        .name("microphone".into())
        .spawn(move || {
            let ear = Ear::new(listening.pre_roll);
            let mut listener = Listener {
                microphone,
                listening,
                heard,
                patience,
                ear,
                open: None,
                until: None,
                prepared: None,
                switches: 0,
                openings: 0,
                seeking: None,
            };
            while let Ok(()) = listener.turn(&commands) {}
        })?;
    Ok(sender)
}

/// What waiting for sound came to.
type First = Result<MicrophoneEvent, RecvTimeoutError>;

struct Open {
    /// Openings count up.
    number: u64,
    /// Held for its drop, which closes the device.
    _capture: Box<dyn Capture>,
    events: Receiver<MicrophoneEvent>,
    /// When sound has to have come.
    expected: Instant,
}

struct Listener {
    microphone: Arc<dyn Microphone>,
    listening: Listening,
    heard: HeardSender,
    patience: Patience,
    ear: Ear,
    open: Option<Open>,
    /// Until when the device stays open after a take.
    until: Option<Instant>,
    /// Until when it stays open before one.
    prepared: Option<Instant>,
    switches: u32,
    openings: u64,
    /// A device is gone in the middle of a take; another one is looked for until then.
    seeking: Option<(MicrophoneError, Instant)>,
}

/// The other side is gone.
struct Over;

impl Listener {
    /// One command, some sound, or some time.
    fn turn(&mut self, commands: &Receiver<Command>) -> Result<(), Over> {
        if let Some(open) = &self.open {
            let opening = open.number;
            let mut first = Some(open.events.recv_timeout(LOOK));
            loop {
                match commands.try_recv() {
                    Ok(command) => {
                        // Sound that is there belongs to the take that ends, and to the one that begins.
                        if matches!(command, Command::Stop(_)) {
                            self.sound(first.take())?;
                        }
                        self.obey(command)?;
                    }
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => return Err(Over),
                }
            }
            if self
                .open
                .as_ref()
                .is_some_and(|open| open.number == opening)
            {
                self.sound(first.take())?;
            }
        } else {
            let wait = self.ear.deadline().map_or(Duration::from_secs(60), |at| {
                at.saturating_duration_since(Instant::now())
            });
            let wait = if self.seeking.is_some() {
                wait.min(SEEK)
            } else {
                wait
            };
            match commands.recv_timeout(wait) {
                Ok(command) => self.obey(command)?,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Over),
            }
            self.seek()?;
        }
        let now = Instant::now();
        let rest = self.ear.settle(now);
        self.say(rest)?;
        self.close_when_idle(now);
        Ok(())
    }

    /// Takes all sound that is there.
    fn sound(&mut self, mut first: Option<First>) -> Result<(), Over> {
        loop {
            let Some(open) = &mut self.open else {
                return Ok(());
            };
            let event = match first.take() {
                Some(Ok(event)) => event,
                Some(Err(RecvTimeoutError::Timeout)) => continue,
                Some(Err(RecvTimeoutError::Disconnected)) => gone(),
                None => match open.events.try_recv() {
                    Ok(event) => event,
                    Err(TryRecvError::Empty) => break,
                    Err(TryRecvError::Disconnected) => gone(),
                },
            };
            match event {
                MicrophoneEvent::Frames(frames) => {
                    open.expected = Instant::now() + self.patience.later;
                    let heard = self.ear.frames(&frames);
                    self.say(heard)?;
                }
                MicrophoneEvent::Overrun(samples) => {
                    let take = self.ear.take();
                    self.tell(Heard::Overrun { take, samples })?;
                }
                MicrophoneEvent::Lost(error) => return self.lost(error),
            }
        }
        let late = |open: &Open| open.expected <= Instant::now();
        if self.open.as_ref().is_some_and(late) {
            return self.lost(MicrophoneError::Failed("no sound comes".into()));
        }
        Ok(())
    }

    fn obey(&mut self, command: Command) -> Result<(), Over> {
        let now = Instant::now();
        match command {
            Command::Configure(listening) => {
                let other = self.listening.device != listening.device;
                self.ear.keep(listening.pre_roll);
                self.listening = listening;
                if other && self.ear.take().is_none() && self.open.take().is_some() {
                    let rest = self.ear.lost();
                    self.say(rest)?;
                    if self.ear.monitoring {
                        self.need_device(None)?;
                    }
                }
                Ok(())
            }
            Command::Prepare => {
                self.prepared = Some(now + PREPARED);
                self.ear.prepare();
                if self.open.is_none() {
                    // Nobody has asked for anything yet, so nobody is told; a take that begins tries again.
                    let chosen = self.listening.device.clone();
                    if self.try_open(chosen.as_deref()).is_err() && chosen.is_some() {
                        let _ = self.try_open(None);
                    }
                }
                Ok(())
            }
            Command::Unprepare => {
                self.prepared = None;
                self.ear.unprepare();
                Ok(())
            }
            Command::Begin(take) => {
                self.switches = 0;
                (self.prepared, self.seeking) = (None, None);
                let heard = self.ear.begin(take);
                self.say(heard)?;
                self.need_device(Some(take))
            }
            Command::Stop(take) => {
                self.until = Some(now + self.listening.keep_open);
                let heard = self.ear.stop(take, self.open.is_some(), now);
                self.say(heard)
            }
            Command::Drop(take) => {
                self.ear.drop_take(take);
                Ok(())
            }
            Command::Monitor(on) => {
                self.ear.monitoring = on;
                if on { self.need_device(None) } else { Ok(()) }
            }
        }
    }

    fn need_device(&mut self, take: Option<TakeId>) -> Result<(), Over> {
        if self.open.is_some() {
            return Ok(());
        }
        let chosen = self.listening.device.clone();
        match self.try_open(chosen.as_deref()) {
            Ok(_) => Ok(()),
            Err(error) if chosen.is_some() => self.fall_back(take, error),
            Err(error) => self.failed(take, error),
        }
    }

    /// Opens the system's default in place of one that is not to be had.
    fn fall_back(&mut self, take: Option<TakeId>, error: MicrophoneError) -> Result<(), Over> {
        match self.try_open(None) {
            Ok(to) => self.tell(Heard::Switched { take, error, to }),
            Err(error) => self.failed(take, error),
        }
    }

    /// Looks once more for a device in place of one that went away.
    fn seek(&mut self) -> Result<(), Over> {
        let Some((error, until)) = self.seeking.take() else {
            return Ok(());
        };
        let take = self.ear.take();
        if self.open.is_some() || self.ear.deadline().is_some() || take.is_none() {
            // There is one, or nobody needs it any more.
            return Ok(());
        }
        match self.try_open(None) {
            Ok(to) => self.tell(Heard::Switched { take, error, to }),
            Err(_) if Instant::now() < until => {
                self.seeking = Some((error, until));
                Ok(())
            }
            Err(error) => self.failed(take, error),
        }
    }

    fn try_open(&mut self, device: Option<&str>) -> Result<String, MicrophoneError> {
        // A channel of its own for each opening: what a former device still says is not heard.
        let (sender, events) = sync_channel(FRAMES);
        let capture = self.microphone.open(device, sender)?;
        let name = capture.device().name.clone();
        self.openings += 1;
        self.open = Some(Open {
            number: self.openings,
            _capture: capture,
            events,
            expected: Instant::now() + self.patience.first,
        });
        Ok(name)
    }

    fn lost(&mut self, error: MicrophoneError) -> Result<(), Over> {
        self.open = None;
        let rest = self.ear.lost();
        self.say(rest)?;
        let take = self.ear.take();
        let ending = self.ear.deadline().is_some();
        if ending || (take.is_none() && !self.ear.monitoring) {
            // Nobody needs it now; the next take opens what is there then.
            return Ok(());
        }
        self.switches += 1;
        if self.switches > SWITCHES {
            return self.failed(take, error);
        }
        if take.is_none() {
            return self.fall_back(take, error);
        }
        self.seeking = Some((error, Instant::now() + self.patience.another));
        self.seek()
    }

    fn failed(&mut self, take: Option<TakeId>, error: MicrophoneError) -> Result<(), Over> {
        self.open = None;
        self.ear.monitoring = false;
        self.tell(Heard::Failed { take, error })
    }

    fn close_when_idle(&mut self, now: Instant) {
        let idle = self.ear.take().is_none() && !self.ear.monitoring;
        let over = |until: Option<Instant>| until.is_none_or(|until| until <= now);
        if idle && over(self.prepared) && self.prepared.take().is_some() {
            self.ear.unprepare();
        }
        if idle && over(self.until) && over(self.prepared) {
            self.until = None;
            if self.open.take().is_some() {
                // What was heard before a pause of the device belongs to no take.
                let _ = self.ear.lost();
            }
        }
    }

    fn say(&mut self, heard: Result<Vec<Heard>, ResamplerError>) -> Result<(), Over> {
        match heard {
            Ok(heard) => heard.into_iter().try_for_each(|one| self.tell(one)),
            Err(error) => {
                let take = self.ear.take();
                self.failed(take, MicrophoneError::Failed(error.to_string()))
            }
        }
    }

    fn tell(&self, heard: Heard) -> Result<(), Over> {
        // Levels are for the eye: none is worth waiting for.
        if matches!(heard, Heard::Level { .. }) {
            return match self.heard.try_send(heard) {
                Err(tokio::sync::mpsc::error::TrySendError::Closed(_)) => Err(Over),
                _ => Ok(()),
            };
        }
        self.heard.blocking_send(heard).map_err(|_| Over)
    }
}

fn gone() -> MicrophoneEvent {
    MicrophoneEvent::Lost(MicrophoneError::Failed("the device ended".into()))
}
