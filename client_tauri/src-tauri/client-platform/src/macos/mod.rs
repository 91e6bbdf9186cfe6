//! macOS: global keys by an event tap, text by the pasteboard or as typed, secrets in the keychain.
//!
//! Compiled and checked against Apple's interfaces, but never run: no Mac was at hand. What is promised here is what the
//! interfaces promise.

// The system's calls are C; each block says why it is sound.
#![allow(unsafe_code)]

mod autostart;
mod hotkeys;
mod insertion;
mod muting;
mod network;
mod pasteboard;
mod secrets;
mod strokes;
mod tap;

pub use autostart::AgentAutostart;
pub use hotkeys::TapHotkeys;
pub use insertion::MacInsertion;
pub use muting::OutputMuting;
pub use network::RouteNetwork;
pub use secrets::LoginKeychain;
