//! Pending takes → server, one after the other, whatever breaks on the way.
//!
//! A take that no server has seen becomes a recording of `/v1/recordings`. One that was begun as a session is ended as that
//! session, because the two would be two transcripts: what was said is in history exactly once.

mod recording;
mod run;

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, watch};

pub use self::run::run;
use crate::account::Server;
use crate::outbox::{Outbox, TakeId};
use crate::view::{Problem, Route};

/// What came of a take that was sent late.
#[derive(Debug, Clone, PartialEq)]
pub enum UploadEvent {
    /// Its text is stored. It came late, so it is never typed.
    Stored {
        /// Which take.
        take: TakeId,
        /// Its id in history.
        transcript: String,
        /// What was said; empty if nobody spoke.
        text: String,
    },
    /// It is tried again by itself.
    Waiting {
        /// Which take.
        take: TakeId,
        /// Why.
        problem: Problem,
    },
    /// The person decides.
    Failed {
        /// Which take.
        take: TakeId,
        /// Why.
        problem: Problem,
    },
}

/// A server takes may be sent to.
#[derive(Debug, Clone)]
pub struct Target {
    /// Which of the two it is: takes meant for the other one stay here.
    pub route: Route,
    /// The server.
    pub server: Arc<Server>,
}

/// What uploads are made of.
pub struct Uploads {
    /// Where takes wait.
    pub outbox: Outbox,
    /// Where they go: the server chosen now and signed in to, if there is one.
    pub server: watch::Receiver<Option<Target>>,
    /// Rung when the network changed: what waits is tried at once.
    pub wake: Arc<Notify>,
    /// Told what came of each; waited for when full.
    pub events: mpsc::Sender<UploadEvent>,
    /// Name and version of this program, for the operator.
    pub client: (String, String),
}
