//! Global keys on X11.
//!
//! What is held is told from XInput2's raw events, which come for every key whoever has the focus or a grab, and tell
//! both edges of bare modifiers (a core grab of a modifier never tells its release). Grabs are made beside that, only
//! so that chords with a key do not reach other programs, and to find out that another program already has them.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client_core::ports::{Binding, HotkeyError, HotkeyEvent, HotkeyEvents, Hotkeys};
use x11rb::protocol::Event;
use x11rb::protocol::xinput::{self, ConnectionExt as _, XIEventMask};
use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, Keycode, Mapping};

use super::display::{Display, DisplayError, Waited};
use super::grabs::{Grabs, SIDE_BUTTONS, side_button};
use super::keyboard::{Keyboard, down};
use super::wake::{Wake, Waker, pair};
use crate::chords::{ChordWatch, Struck};
use crate::outlet::Outlet;

/// How long the thread may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// While keys are held they are compared with the keyboard this often: a release is never told when it happened on
/// another virtual terminal.
const COMPARE: Duration = Duration::from_secs(1);
/// How soon what did not fit into the channel is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// A change of layout is told as a run of notices, with answers of two keyboards between them: this long after the last
/// one the keyboard is read once more, and only that reading may say that keys are lost.
const SETTLED: Duration = Duration::from_millis(200);
/// Button events are numbered from here, apart from the keys.
const BUTTONS: u32 = 0x1_0000;

enum Command {
    Bind(Vec<Binding>, SyncSender<Result<(), HotkeyError>>),
    Record(SyncSender<Result<(), HotkeyError>>),
    StopRecording,
    End,
}

/// Global keys of an X display; ends its thread when dropped.
#[derive(Debug)]
pub struct X11Hotkeys {
    commands: Sender<Command>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl X11Hotkeys {
    /// Opens the display of that name (`None`: `$DISPLAY`) and listens.
    ///
    /// # Errors
    /// [`HotkeyError::Unavailable`] without a display or without XInput 2.1 on it.
    pub fn open(display: Option<&str>, events: HotkeyEvents) -> Result<Self, HotkeyError> {
        let listener = Listener::open(display, events).map_err(|error| match error {
            DisplayError::Absent(_) | DisplayError::Gone(_) | DisplayError::Lacks(_) => {
                HotkeyError::Unavailable
            }
            other => HotkeyError::System(other.to_string()),
        })?;
        let system = |error: std::io::Error| HotkeyError::System(error.to_string());
        let (waker, wake) = pair().map_err(system)?;
        let (commands, asked) = channel();
        let thread = std::thread::Builder::new()
            .name("x11-hotkeys".to_owned())
            .spawn(move || listener.run(&wake, &asked))
            .map_err(system)?;
        Ok(Self {
            commands,
            waker,
            thread: Some(thread),
        })
    }

    fn ask(
        &self,
        command: impl FnOnce(SyncSender<Result<(), HotkeyError>>) -> Command,
    ) -> Result<(), HotkeyError> {
        let (answer, answered) = sync_channel(1);
        self.commands
            .send(command(answer))
            .map_err(|_| HotkeyError::Unavailable)?;
        self.waker.wake();
        answered.recv_timeout(ANSWER).map_err(|error| match error {
            RecvTimeoutError::Timeout => HotkeyError::TimedOut,
            RecvTimeoutError::Disconnected => HotkeyError::Unavailable,
        })?
    }
}

impl Hotkeys for X11Hotkeys {
    fn bind(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError> {
        self.ask(|answer| Command::Bind(bindings.to_vec(), answer))
    }

    fn record(&mut self) -> Result<(), HotkeyError> {
        self.ask(Command::Record)
    }

    fn stop_recording(&mut self) {
        if self.commands.send(Command::StopRecording).is_ok() {
            self.waker.wake();
        }
    }

    fn modifiers_only(&self) -> bool {
        true
    }
}

impl Drop for X11Hotkeys {
    fn drop(&mut self) {
        if self.commands.send(Command::End).is_ok() {
            self.waker.wake();
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked is gone as well as one that ended.
            let _ = thread.join();
        }
    }
}

/// What the thread owns.
struct Listener {
    display: Display,
    keyboard: Keyboard,
    watch: ChordWatch,
    grabs: Grabs,
    bindings: Vec<Binding>,
    /// When the keyboard is to be read once more.
    settles: Option<Instant>,
    outlet: Outlet,
}

/// Why the thread ends.
enum End {
    Asked,
    Display(DisplayError),
}

impl From<DisplayError> for End {
    fn from(error: DisplayError) -> Self {
        Self::Display(error)
    }
}

impl From<crate::outlet::Gone> for End {
    fn from(_: crate::outlet::Gone) -> Self {
        Self::Asked
    }
}

impl Listener {
    fn open(display: Option<&str>, events: HotkeyEvents) -> Result<Self, DisplayError> {
        let display = Display::open(display)?;
        let connection = &display.connection;
        let lacks = |_| DisplayError::Lacks("XInput 2.1");
        let version = connection
            .xinput_xi_query_version(2, 2)?
            .reply()
            .map_err(lacks)?;
        if (version.major_version, version.minor_version) < (2, 1) {
            return Err(DisplayError::Lacks("XInput 2.1"));
        }
        connection
            .xkb_use_extension(1, 0)?
            .reply()
            .map_err(|_| DisplayError::Lacks("XKB"))?;
        // Without this a held key is told as a run of presses and releases.
        let flag = xkb::PerClientFlag::DETECTABLE_AUTO_REPEAT;
        connection
            .xkb_per_client_flags(0x100, flag, flag, 0_u32.into(), 0_u32.into(), 0_u32.into())?
            .reply()?;
        let raw = XIEventMask::RAW_KEY_PRESS
            | XIEventMask::RAW_KEY_RELEASE
            | XIEventMask::RAW_BUTTON_PRESS
            | XIEventMask::RAW_BUTTON_RELEASE;
        let mask = xinput::EventMask {
            deviceid: xinput::Device::ALL_MASTER.into(),
            mask: vec![raw],
        };
        connection
            .xinput_xi_select_events(display.root, &[mask])?
            .check()?;
        let keyboard = Keyboard::read(&display)?;
        Ok(Self {
            display,
            keyboard,
            watch: ChordWatch::default(),
            grabs: Grabs::default(),
            bindings: Vec::new(),
            settles: None,
            outlet: Outlet::new(events),
        })
    }

    fn run(mut self, wake: &Wake, asked: &Receiver<Command>) {
        if let Err(End::Display(error)) = self.listen(wake, asked) {
            let error = match error {
                DisplayError::Gone(_) | DisplayError::Absent(_) => HotkeyError::Unavailable,
                other => HotkeyError::System(other.to_string()),
            };
            // Nobody listening is no loss any more.
            let _ = self.outlet.send([HotkeyEvent::Lost { error }]);
        }
    }

    fn listen(&mut self, wake: &Wake, asked: &Receiver<Command>) -> Result<(), End> {
        loop {
            let pause = if self.outlet.waits() {
                Some(RETRY)
            } else {
                self.watch.down().next().map(|_| COMPARE)
            };
            let deadline = [pause.map(|pause| Instant::now() + pause), self.settles]
                .into_iter()
                .flatten()
                .min();
            match self.display.wait(wake, deadline)? {
                Waited::Event(event) => self.heard(&event)?,
                Waited::Woken => {
                    while let Ok(command) = asked.try_recv() {
                        self.obey(command)?;
                    }
                }
                Waited::Deadline => {
                    self.compare()?;
                    self.outlet.send([])?;
                }
            }
            if self.settles.is_some_and(|at| at <= Instant::now()) {
                self.settle()?;
            }
        }
    }

    fn obey(&mut self, command: Command) -> Result<(), End> {
        match command {
            Command::Bind(bindings, answer) => {
                let taken = if self.watch.recording() {
                    Ok(())
                } else {
                    self.grabs.take(&self.display, &self.keyboard, &bindings)
                };
                if taken.is_ok() {
                    let events = self.watch.bind(&bindings, Instant::now());
                    self.bindings = bindings;
                    self.outlet.send(events)?;
                }
                // Who asked may have given up waiting.
                let _ = answer.send(taken);
            }
            Command::Record(answer) => {
                self.grabs.release(&self.display)?;
                let events = self.watch.record(Instant::now());
                self.outlet.send(events)?;
                let _ = answer.send(Ok(()));
            }
            Command::StopRecording => {
                self.watch.stop_recording();
                self.take_back()?;
            }
            Command::End => {
                self.grabs.release(&self.display)?;
                return Err(End::Asked);
            }
        }
        Ok(())
    }

    /// Grabs again what is bound, after recording or after the keyboard changed.
    fn take_back(&mut self) -> Result<(), End> {
        let taken = self
            .grabs
            .take(&self.display, &self.keyboard, &self.bindings);
        if let Err(error) = taken {
            self.outlet.send([HotkeyEvent::Lost { error }])?;
        }
        Ok(())
    }

    fn heard(&mut self, event: &Event) -> Result<(), End> {
        match event {
            Event::XinputRawKeyPress(event) => {
                let struck = self.struck(event.detail);
                self.press(struck)
            }
            Event::XinputRawKeyRelease(event) => {
                let struck = self.struck(event.detail);
                self.release(struck)
            }
            Event::XinputRawButtonPress(event) => match side_button(event.detail) {
                Some(button) => self.press(button),
                None => {
                    // Told as one stroke: a lost release of a click must not keep chords from being heard.
                    let button = Struck::Unnamed(BUTTONS + event.detail);
                    self.press(button)?;
                    self.release(button)
                }
            },
            Event::XinputRawButtonRelease(event) => match side_button(event.detail) {
                Some(button) => self.release(button),
                None => Ok(()),
            },
            // While our own grab is active the server may keep the raw twin of an event back.
            Event::KeyPress(event) => {
                let struck = self.struck(u32::from(event.detail));
                self.press(struck)
            }
            Event::KeyRelease(event) => {
                let struck = self.struck(u32::from(event.detail));
                self.release(struck)
            }
            Event::ButtonRelease(event) => match side_button(u32::from(event.detail)) {
                Some(button) => self.release(button),
                None => Ok(()),
            },
            Event::MappingNotify(event) if event.request != Mapping::POINTER => self.mapped(),
            _ => Ok(()),
        }
    }

    fn press(&mut self, struck: Struck) -> Result<(), End> {
        let events = self.watch.pressed(struck, Instant::now());
        Ok(self.outlet.send(events)?)
    }

    fn release(&mut self, struck: Struck) -> Result<(), End> {
        let recording = self.watch.recording();
        let events = self.watch.released(struck, Instant::now());
        if recording && !self.watch.recording() {
            self.take_back()?;
        }
        Ok(self.outlet.send(events)?)
    }

    fn struck(&self, detail: u32) -> Struck {
        Keycode::try_from(detail)
            .ok()
            .and_then(|key| self.keyboard.place(key))
            .map_or(Struck::Unnamed(detail), Struck::Place)
    }

    /// Other keys sit elsewhere now, or other modifiers set other bits.
    fn mapped(&mut self) -> Result<(), End> {
        let first = self.settles.is_none();
        self.settles = Some(Instant::now() + SETTLED);
        if first && self.read()? && !self.watch.recording() {
            // At once, for somebody who talks at once. What fails now fails again once the keyboard has settled, or it is well.
            let _ = self
                .grabs
                .take(&self.display, &self.keyboard, &self.bindings);
        }
        Ok(())
    }

    /// The run of notices is over.
    fn settle(&mut self) -> Result<(), End> {
        self.settles = None;
        if !self.read()? {
            self.settles = Some(Instant::now() + SETTLED);
        } else if !self.watch.recording() {
            self.take_back()?;
        }
        Ok(())
    }

    /// Whether the display said how the keyboard is now; the former one holds until it does.
    fn read(&mut self) -> Result<bool, End> {
        match Keyboard::read(&self.display) {
            Ok(keyboard) => self.keyboard = keyboard,
            Err(DisplayError::Refused(_)) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        Ok(true)
    }

    /// Releases what is no longer held.
    fn compare(&mut self) -> Result<(), End> {
        let keys = self
            .display
            .connection
            .query_keymap()
            .map_err(DisplayError::from)?;
        let keys = keys.reply().map_err(DisplayError::from)?.keys;
        let held: Vec<Struck> = down(&keys).map(|key| self.struck(u32::from(key))).collect();
        let buttons = SIDE_BUTTONS.map(|(name, _)| Struck::Place(name));
        let lost: Vec<Struck> = self
            .watch
            .down()
            .filter(|struck| !held.contains(struck) && !buttons.contains(struck))
            .collect();
        for struck in lost {
            self.release(struck)?;
        }
        Ok(())
    }
}
