//! X11: global keys, and text into other programs' windows.
//!
//! Each job has a connection and a thread of its own, so that none waits for another and each ends cleanly.

mod atoms;
mod clipboard;
mod compositing;
mod display;
mod grabs;
mod hotkeys;
mod insertion;
mod keyboard;
mod lending;
mod offers;
mod pasting;
mod serving;
mod wake;
mod windows;

pub use compositing::composited;
pub use hotkeys::X11Hotkeys;
pub use insertion::X11Insertion;
