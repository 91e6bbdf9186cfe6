//! The ports of Windows on a desktop of Windows: keys struck at it by a hand outside (`ALFAVOICE_HANDS`), windows of other
//! programs, the clipboard, the registry. `make client-windows-test` runs them under Wine.
#![cfg(windows)]
// Other programs are played by calls of the system itself.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "windows/clipboard.rs"]
mod clipboard;
#[path = "windows/desktop.rs"]
mod desktop;
#[path = "windows/hotkeys.rs"]
mod hotkeys;
#[path = "windows/insertion.rs"]
mod insertion;
#[path = "windows/machine.rs"]
mod machine;
#[path = "windows/sound.rs"]
mod sound;
#[path = "windows/window.rs"]
mod window;
