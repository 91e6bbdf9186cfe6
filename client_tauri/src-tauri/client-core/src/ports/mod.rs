//! What the client asks of the machine it runs on. `client-platform` implements these for X11, Wayland, Windows and macOS.
//!
//! All of it is blocking and belongs on a thread of its own: none of it may be called on the thread of the windows.
//! Everything an implementation tells by itself goes into bounded channels that never block it: what does not fit is
//! counted and said.

mod hotkeys;
mod insertion;
mod machine;
mod microphone;

pub use hotkeys::{
    Action, Binding, Chord, Edge, HotkeyError, HotkeyEvent, HotkeyEvents, Hotkeys, Key, Modifier,
};
pub use insertion::{Inserted, Insertion, InsertionError, Pasting, TargetWindow};
pub use machine::{
    Autostart, AutostartError, Keychain, KeychainError, Muting, MutingError, Network, Sound, Sounds,
};
pub use microphone::{
    Capture, Frames, InputDevice, Microphone, MicrophoneError, MicrophoneEvent, MicrophoneEvents,
};
