//! One take's way to a server: its socket, resumed after every drop, until `done`.
//!
//! Audio is read from the outbox, never from anywhere else, so that what is sent after a drop is what was kept. [`connect`] gives a
//! handle and a future; whoever owns the take runs the future, which also writes into the outbox how far the take is and ends
//! with what became of it.

mod attempt;
mod link;
mod socket;
mod versions;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

pub(crate) use self::link::Link;
use crate::account::Server;
use crate::outbox::{Outbox, TakeId};
use crate::view::Problem;
use crate::wire::{Final, Partial};

/// What is to be known of a take before it is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Opening {
    /// Which take; it is in the outbox.
    pub take: TakeId,
    /// Whether text is wanted while somebody speaks.
    pub partials: bool,
    /// Name and version of this program, for the operator.
    pub client: (String, String),
}

/// What happens on the way.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The server has the session; for the first time or again.
    Ready,
    /// What is heard so far.
    Partial(Partial),
    /// A finished utterance. After a drop some come again: the newest of an utterance counts.
    Final(Final),
    /// The connection is lost; it is tried again by itself.
    Interrupted(Problem),
}

/// What became of the take. The outbox knows it already.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its text is stored at the server: `Stored`.
    Stored {
        /// Its id in history.
        transcript: String,
        /// As history has it.
        text: String,
    },
    /// The server has forgotten it, or is told again by the uploads.
    Cancelled,
    /// Not now: `Pending`. It is sent later, under the same id.
    Later(Problem),
    /// Not as it is: `Failed`.
    Failed(Problem),
}

/// Whether trying again is in vain until a person has signed in, brought one side up to date, or looked at a certificate.
pub(crate) fn needs_somebody(code: &str) -> bool {
    matches!(
        code,
        "auth.expired"
            | "server.older"
            | "server.newer"
            | "server.other_version"
            | "server.unknown_certificate"
            | "server.changed_certificate"
    )
}

/// How long a take that was finished may be without a server before it is left to the uploads.
pub(crate) const FINISH_PATIENCE: Duration = Duration::from_secs(20);

/// How long a server may go on with a take that was finished, and at least as long again for each second that it lasts: text is
/// made faster than that on the slowest machine there is a model for. Longer than that it only says that it is alive.
const WHOLE_PATIENCE: Duration = Duration::from_secs(600);
const PATIENCE_PER_SECOND: u32 = 2;

/// How long a finished take of that length may take in all before it is left for later.
pub(crate) fn whole_patience(seconds: f64) -> Duration {
    let length = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    WHOLE_PATIENCE.saturating_add(length.saturating_mul(PATIENCE_PER_SECOND))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// This many samples are in the outbox, more may come.
    Speaking(u64),
    /// These are all.
    Finished(u64),
    /// Forget it.
    Cancelled,
}

/// What the person does with the take meanwhile.
#[derive(Debug, Clone)]
pub struct Handle(watch::Sender<Wish>);

impl Handle {
    /// The outbox has so many samples of it now.
    pub fn appended(&self, samples: u64) {
        self.0.send_modify(|wish| {
            if let Wish::Speaking(before) = wish {
                *before = samples.max(*before);
            }
        });
    }

    /// The microphone is closed and the outbox has all of it: so many samples. The take is `Live` by now.
    pub fn finish(&self, samples: u64) {
        self.0.send_modify(|wish| {
            if *wish != Wish::Cancelled {
                *wish = Wish::Finished(samples);
            }
        });
    }

    /// The person has dropped it; the outbox knows that by now.
    pub fn cancel(&self) {
        self.0.send_replace(Wish::Cancelled);
    }
}

/// The way of a take to a server. `events` has a bound of the caller's choice; a caller who reads nothing holds up the take only as long as
/// `events` is full, and partials are left out rather than waited for.
///
/// The future ends with the outcome. Dropped before that, it leaves the take as it is in the outbox; at the next start it is recovered.
pub fn connect(
    server: Arc<Server>,
    outbox: Outbox,
    opening: Opening,
    events: mpsc::Sender<Event>,
) -> (Handle, impl Future<Output = Outcome> + Send) {
    let (handle, wish) = watch::channel(Wish::Speaking(0));
    let link = Link::new(server, outbox, opening, events, wish, Some(FINISH_PATIENCE));
    (Handle(handle), link.run())
}
