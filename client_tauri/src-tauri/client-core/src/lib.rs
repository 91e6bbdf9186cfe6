//! What the AlfaVoice client decides and keeps, without a window, a display or an operating system behind it.
//!
//! Everything that touches the machine comes in through [`ports`]; `client-platform` implements them and tests bring
//! their own.

pub mod ports;
