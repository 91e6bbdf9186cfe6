//! Global keys on Windows: what is held is told by a low-level hook, which hears both edges of bare modifiers.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ::windows::Win32::System::StationsAndDesktops::{
    CloseDesktop, DESKTOP_CONTROL_FLAGS, DESKTOP_READOBJECTS, OpenInputDesktop,
};
use ::windows::Win32::System::Threading::{
    GetCurrentThread, SetThreadPriority, THREAD_PRIORITY_HIGHEST,
};
use ::windows::Win32::UI::WindowsAndMessaging::WM_HOTKEY;
use client_core::ports::{Binding, HotkeyError, HotkeyEvents, Hotkeys, Key};

use super::hooks::{self, Hook};
use super::keyboard;
use super::reserved::Reserved;
use super::strokes::strike_nothing;
use super::waiting::{Waker, wait};
use crate::keys::MOUSE_BUTTONS;
use crate::listening::Listener;
use crate::outlet::Outlet;

/// How long the thread may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How soon what did not fit into the channel is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// Windows takes a hook away without a word when the computer was too busy to answer in time, so it is set anew.
const RENEW: Duration = Duration::from_secs(60);

enum Command {
    Bind(Vec<Binding>, SyncSender<Result<(), HotkeyError>>),
    Record(SyncSender<Result<(), HotkeyError>>),
    StopRecording,
    End,
}

/// Global keys of this desktop; ends its thread when dropped.
#[derive(Debug)]
pub struct HookHotkeys {
    commands: Sender<Command>,
    waker: Waker,
    thread: Option<JoinHandle<()>>,
}

impl HookHotkeys {
    /// Sets the hook and listens.
    ///
    /// # Errors
    /// [`HotkeyError::Unavailable`] when the system lets this program have no hook.
    pub fn open(events: HotkeyEvents) -> Result<Self, HotkeyError> {
        let (commands, asked) = channel();
        let (ready, is_ready) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("hotkeys".to_owned())
            .spawn(move || run(events, &asked, &ready))
            .map_err(|error| HotkeyError::System(error.to_string()))?;
        let waker = is_ready
            .recv_timeout(ANSWER)
            .map_err(|_| HotkeyError::Unavailable)??;
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

impl Hotkeys for HookHotkeys {
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

impl Drop for HookHotkeys {
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

fn run(
    events: HotkeyEvents,
    asked: &Receiver<Command>,
    ready: &SyncSender<Result<Waker, HotkeyError>>,
) {
    let waker = Waker::of_this_thread();
    // Every key of the desktop waits for this thread.
    // SAFETY: the handle stands for the calling thread.
    let _ = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_PRIORITY_HIGHEST) };
    hooks::listen(Listener::new(Outlet::new(events)));
    // Who asked may have given up waiting, here and below.
    match Hook::keyboard() {
        Ok(keyboard) => {
            let _ = ready.send(Ok(waker));
            Desk {
                keyboard,
                mouse: None,
                reserved: Reserved::default(),
                buttons_bound: false,
                renew_at: Instant::now() + RENEW,
            }
            .serve(asked);
        }
        Err(_) => {
            let _ = ready.send(Err(HotkeyError::Unavailable));
        }
    }
}

/// What the thread owns, beside the listener that the hooks share.
struct Desk {
    keyboard: Hook,
    mouse: Option<Hook>,
    reserved: Reserved,
    buttons_bound: bool,
    renew_at: Instant,
}

impl Desk {
    fn serve(mut self, asked: &Receiver<Command>) {
        let mut waits = false;
        loop {
            let compare = hooks::with(|listener| listener.compare_at()).flatten();
            let retry = waits.then(|| Instant::now() + RETRY);
            let told = wait(
                [compare, retry, Some(self.renew_at)]
                    .into_iter()
                    .flatten()
                    .min(),
            );
            while let Ok(command) = asked.try_recv() {
                if !self.obey(command) {
                    return;
                }
            }
            if hooks::with(Listener::take_menus_open) == Some(true) {
                // Where no stroke gets through no menu of ours is in the way either.
                let _ = strike_nothing();
            }
            let now = Instant::now();
            // A key that went down meanwhile is not known to the system yet.
            let compare = hooks::with(|listener| listener.compare_at()).flatten();
            if compare.is_some_and(|at| now >= at) {
                let here = keyboard_is_here();
                hooks::with(|listener| listener.compare(keyboard::down, here, now));
            }
            self.settle_mouse();
            if now >= self.renew_at || told.contains(&WM_HOTKEY) {
                self.renew(now);
            }
            waits = hooks::with(Listener::hand_on) == Some(true);
            if hooks::with(|listener| listener.gone()) == Some(true) {
                return;
            }
        }
    }

    /// Whether the thread goes on.
    fn obey(&mut self, command: Command) -> bool {
        let now = Instant::now();
        match command {
            Command::Bind(bindings, answer) => {
                let taken = self.reserved.take(&bindings);
                if taken.is_ok() {
                    self.buttons_bound = bindings.iter().any(|binding| {
                        let key = binding.chord.key.as_ref();
                        key.is_some_and(|Key(code)| MOUSE_BUTTONS.contains(&code.as_str()))
                    });
                    hooks::with(|listener| listener.bind(&bindings, now));
                    self.settle_mouse();
                }
                let _ = answer.send(taken);
            }
            Command::Record(answer) => {
                hooks::with(|listener| listener.record(now));
                self.settle_mouse();
                let _ = answer.send(Ok(()));
            }
            Command::StopRecording => {
                hooks::with(Listener::stop_recording);
            }
            Command::End => return false,
        }
        true
    }

    /// Every movement of the mouse goes through a hook of it, so there is one only while its buttons matter.
    fn settle_mouse(&mut self) {
        let matters = hooks::with(|listener| listener.recording() || listener.modifiers_held());
        if !self.buttons_bound && matters != Some(true) {
            self.mouse = None;
        } else if self.mouse.is_none() {
            // Without it clicks are not heard; keys are.
            self.mouse = Hook::mouse().ok();
        }
    }

    fn renew(&mut self, now: Instant) {
        self.renew_at = now + RENEW;
        if hooks::with(|listener| listener.idle()) != Some(true) {
            return;
        }
        match Hook::keyboard() {
            // Nothing is heard twice: no hook is called before this thread waits again.
            Ok(hook) => self.keyboard = hook,
            Err(error) => {
                let error = HotkeyError::System(error.message());
                hooks::with(|listener| listener.lose(error));
            }
        }
        if self.mouse.take().is_some() {
            self.settle_mouse();
        }
    }
}

/// Whether keys go to this desktop now, not to the lock screen or a question of User Account Control.
fn keyboard_is_here() -> bool {
    // SAFETY: no pointers.
    match unsafe { OpenInputDesktop(DESKTOP_CONTROL_FLAGS(0), false, DESKTOP_READOBJECTS) } {
        Ok(desktop) => {
            // SAFETY: it was opened above and is used no more.
            let _ = unsafe { CloseDesktop(desktop) };
            true
        }
        Err(_) => false,
    }
}
