//! Global keys on macOS: an event tap hears both edges of every key, bare modifiers too, and keeps the keys of chords from
//! other programs. The person has to allow it; fields for passwords hide their keys from it.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client_core::ports::{Binding, HotkeyError, HotkeyEvents, Hotkeys};
use objc2_core_foundation::{CFRetained, CFRunLoop, kCFRunLoopDefaultMode};
use objc2_core_graphics::{
    CGEventSource, CGEventSourceStateID, CGRequestListenEventAccess, CGRequestPostEventAccess,
};

use super::tap::{Heard, Tap};
use crate::chords::bindable;
use crate::listening::Listener;
use crate::outlet::Outlet;

/// How long the thread may take to answer.
const ANSWER: Duration = Duration::from_secs(5);
/// How soon what did not fit into the channel is tried again.
const RETRY: Duration = Duration::from_millis(20);
/// A word to a run loop that is about to wait may be lost; it comes back by itself after this.
const LONGEST: Duration = Duration::from_secs(1);

enum Command {
    Bind(Vec<Binding>, SyncSender<Result<(), HotkeyError>>),
    Record(SyncSender<Result<(), HotkeyError>>),
    StopRecording,
    End,
}

/// A thread's run loop, to be woken by others.
struct Loop(CFRetained<CFRunLoop>);

// SAFETY: of all it can do, only `CFRunLoopStop` is used elsewhere than on its thread, which Apple's "Threading Programming
// Guide" allows.
unsafe impl Send for Loop {}
// SAFETY: as above.
unsafe impl Sync for Loop {}

/// Global keys of this login; ends its thread when dropped.
pub struct TapHotkeys {
    commands: Sender<Command>,
    run_loop: Loop,
    thread: Option<JoinHandle<()>>,
}

impl TapHotkeys {
    /// Starts listening; what is not allowed is told when keys are bound.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn open(events: HotkeyEvents) -> Result<Self, HotkeyError> {
        let (commands, asked) = channel();
        let (ready, is_ready) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("hotkeys".to_owned())
            .spawn(move || {
                let Some(run_loop) = CFRunLoop::current() else {
                    return;
                };
                // Who asked may have given up waiting.
                let _ = ready.send(Loop(run_loop));
                let heard = Heard::new(Listener::new(Outlet::new(events)));
                serve(&heard, &asked);
            })
            .map_err(|error| HotkeyError::System(error.to_string()))?;
        let run_loop = is_ready
            .recv_timeout(ANSWER)
            .map_err(|_| HotkeyError::Unavailable)?;
        Ok(Self {
            commands,
            run_loop,
            thread: Some(thread),
        })
    }

    fn tell(&self, command: Command) -> Result<(), HotkeyError> {
        self.commands
            .send(command)
            .map_err(|_| HotkeyError::Unavailable)?;
        self.run_loop.0.stop();
        Ok(())
    }

    fn ask(
        &self,
        command: impl FnOnce(SyncSender<Result<(), HotkeyError>>) -> Command,
    ) -> Result<(), HotkeyError> {
        let (answer, answered) = sync_channel(1);
        self.tell(command(answer))?;
        answered.recv_timeout(ANSWER).map_err(|error| match error {
            RecvTimeoutError::Timeout => HotkeyError::TimedOut,
            RecvTimeoutError::Disconnected => HotkeyError::Unavailable,
        })?
    }
}

impl Hotkeys for TapHotkeys {
    fn bind(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError> {
        self.ask(|answer| Command::Bind(bindings.to_vec(), answer))
    }

    fn record(&mut self) -> Result<(), HotkeyError> {
        self.ask(Command::Record)
    }

    fn stop_recording(&mut self) {
        // A thread that has ended records nothing.
        let _ = self.tell(Command::StopRecording);
    }

    fn modifiers_only(&self) -> bool {
        true
    }
}

impl Drop for TapHotkeys {
    fn drop(&mut self) {
        // A thread that has ended needs no word.
        let _ = self.tell(Command::End);
        if let Some(thread) = self.thread.take() {
            // One that panicked is gone as well as one that ended.
            let _ = thread.join();
        }
    }
}

fn serve(heard: &Heard, asked: &Receiver<Command>) {
    let mut tap = None;
    let mut waits = false;
    loop {
        let compare = heard.listener.borrow().compare_at();
        let longest = if waits { RETRY } else { LONGEST };
        let until = compare.map_or(longest, |at| {
            at.saturating_duration_since(Instant::now()).min(longest)
        });
        // SAFETY: a constant of the system.
        let mode = unsafe { kCFRunLoopDefaultMode };
        if tap.is_some() {
            let _ = CFRunLoop::run_in_mode(mode, until.as_secs_f64(), true);
        }
        let next = if tap.is_some() {
            asked.try_recv().ok()
        } else {
            // A run loop without a source does not wait.
            asked.recv_timeout(until).ok()
        };
        for command in next.into_iter().chain(asked.try_iter()) {
            // Who asked may have given up waiting.
            match command {
                Command::Bind(bindings, answer) => {
                    let _ = answer.send(bind(heard, &mut tap, &bindings));
                }
                Command::Record(answer) => {
                    let allowed = allowed(heard, &mut tap);
                    if allowed.is_ok() {
                        heard.listener.borrow_mut().record(Instant::now());
                    }
                    let _ = answer.send(allowed);
                }
                Command::StopRecording => heard.listener.borrow_mut().stop_recording(),
                Command::End => return,
            }
        }
        heard.keep_on();
        let mut listener = heard.listener.borrow_mut();
        let now = Instant::now();
        // A key that went down meanwhile may not be known to the system yet.
        if listener.compare_at().is_some_and(|at| now >= at) {
            listener.compare(down, true, now);
        }
        waits = listener.hand_on();
        if listener.gone() {
            return;
        }
    }
}

fn bind<'heard>(
    heard: &'heard Heard,
    tap: &mut Option<Tap<'heard>>,
    bindings: &[Binding],
) -> Result<(), HotkeyError> {
    if let Some(unknown) = bindings.iter().find(|binding| !bindable(&binding.chord)) {
        return Err(HotkeyError::Unsupported(unknown.chord.clone()));
    }
    if !bindings.is_empty() {
        allowed(heard, tap)?;
    }
    heard.listener.borrow_mut().bind(bindings, Instant::now());
    Ok(())
}

/// The tap, which the system gives only to programs the person allows it. Asks the person, once a start of the program.
fn allowed<'heard>(heard: &'heard Heard, tap: &mut Option<Tap<'heard>>) -> Result<(), HotkeyError> {
    if tap.is_none() {
        *tap = Tap::open(heard);
    }
    if tap.is_some() {
        return Ok(());
    }
    let _ = CGRequestListenEventAccess();
    let _ = CGRequestPostEventAccess();
    Err(HotkeyError::Refused)
}

/// Whether the keyboard itself says that this key is down. Side buttons are no keys: they count as down.
fn down(key: u16) -> bool {
    key > 0xFF || CGEventSource::key_state(CGEventSourceStateID::HIDSystemState, key)
}
