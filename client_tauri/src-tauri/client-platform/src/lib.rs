//! The machine's side of the client: each module implements one of [`client_core::ports`].

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)
)]

pub mod chords;
pub mod keys;
pub mod outlet;
#[cfg(target_os = "linux")]
pub mod x11;
