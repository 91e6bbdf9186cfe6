//! The machine's side of the client: each module implements one of [`client_core::ports`].

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)
)]

pub mod absent;
mod audio;
pub mod chords;
pub mod diagnosis;
pub mod keys;
#[cfg(target_os = "linux")]
pub mod linux;
pub mod listening;
#[cfg(target_os = "macos")]
pub mod macos;
pub mod microphone;
pub mod outlet;
pub mod platform;
#[cfg(target_os = "linux")]
mod running;
pub mod session;
pub mod sounds;
#[cfg(windows)]
pub mod windows;
#[cfg(target_os = "linux")]
pub mod x11;

pub use platform::Platform;
