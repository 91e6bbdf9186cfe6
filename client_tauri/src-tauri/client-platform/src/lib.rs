//! The machine's side of the client: each module implements one of [`client_core::ports`].

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)
)]

mod audio;
pub mod chords;
pub mod keys;
pub mod microphone;
pub mod outlet;
pub mod sounds;
#[cfg(target_os = "linux")]
pub mod x11;
