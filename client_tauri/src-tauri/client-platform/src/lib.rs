//! The machine's side of the client: each module implements one of [`client_core::ports`].
