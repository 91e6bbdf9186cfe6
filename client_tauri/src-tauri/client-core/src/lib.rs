//! What the AlfaVoice client decides and keeps, without a window, a display or an operating system behind it.
//!
//! Everything that touches the machine comes in through [`ports`]; `client-platform` implements them and tests bring
//! their own.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod account;
pub mod api;
mod backoff;
pub mod cache;
pub mod composition;
pub mod connection;
pub mod coordinator;
pub mod desk;
pub mod gestures;
pub mod listening;
pub mod outbox;
pub mod ports;
pub mod routing;
pub mod sensitive;
pub mod settings;
pub mod sidecar;
mod tls;
pub mod uploads;
pub mod view;
pub mod wire;
