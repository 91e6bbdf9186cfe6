//! X11: global keys, and text into other programs' windows.
//!
//! Each job has a connection and a thread of its own, so that none waits for another and each ends cleanly.

mod display;
mod grabs;
mod hotkeys;
mod keyboard;
mod wake;

pub use hotkeys::X11Hotkeys;
