//! Windows: global keys by a low-level hook, text by the clipboard or as typed, secrets in the Credential Manager.
//!
//! Hook and clipboard each have a thread of their own that runs a message loop, as both want one.

// The system's calls are C; each block says why it is sound.
#![allow(unsafe_code)]

mod autostart;
mod clipboard;
mod foreground;
mod hooks;
mod hotkeys;
mod insertion;
mod keyboard;
mod lending;
mod muting;
mod network;
mod offering;
mod reserved;
mod secrets;
mod strokes;
mod waiting;

pub use autostart::RunAutostart;
pub use hotkeys::HookHotkeys;
pub use insertion::WindowsInsertion;
pub use muting::EndpointMuting;
pub use network::AddressNetwork;
pub use secrets::CredentialManager;
