//! What a take is, which states it goes through, and which of the ways between them exist. Pure.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::OutboxError;
use crate::account::Address;
use crate::view::Route;

/// A take's id: a UUIDv7, the session's id on the socket and the recording's id of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TakeId(Uuid);

impl TakeId {
    /// A new one, from the time and chance (RFC 9562 section 5.7).
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for TakeId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for TakeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl FromStr for TakeId {
    type Err = OutboxError;

    fn from_str(text: &str) -> Result<Self, OutboxError> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|_| OutboxError::UnknownTake)
    }
}

/// How far a take is.
///
/// ```text
/// recording ─► live ─► stored
///     │ └───────┴─► pending ⇄ uploading ─► stored
///     │                ▲  ▲       └─► failed ─► pending
///     └─► cancelled ───┘  (each that is not stored may be cancelled, and comes back as pending)
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The microphone is on, audio is being appended.
    Recording,
    /// All audio is here; the socket it was sent through is to say `done`.
    Live,
    /// It waits to be sent.
    Pending,
    /// It is being sent, or its text is being made.
    Uploading,
    /// The server has its text; the audio is gone from here.
    Stored,
    /// It cannot be sent as it is: the person decides.
    Failed,
    /// Dropped by the person; kept for undo until `forget_at`.
    Cancelled,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Recording,
        Self::Live,
        Self::Pending,
        Self::Uploading,
        Self::Stored,
        Self::Failed,
        Self::Cancelled,
    ];

    /// Whether a take in this state may go to that one. A state "goes" to itself.
    #[must_use]
    pub fn may_become(self, next: Self) -> bool {
        use State::{Cancelled, Failed, Live, Pending, Recording, Stored, Uploading};
        self == next
            || match self {
                Recording => matches!(next, Live | Pending | Cancelled),
                Live => matches!(next, Stored | Pending | Failed | Cancelled),
                Pending => matches!(next, Uploading | Failed | Cancelled),
                Uploading => matches!(next, Stored | Pending | Failed | Cancelled),
                Failed => matches!(next, Pending | Cancelled),
                Cancelled => matches!(next, Pending),
                Stored => false,
            }
    }

    /// As it is written in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Recording => "recording",
            Self::Live => "live",
            Self::Pending => "pending",
            Self::Uploading => "uploading",
            Self::Stored => "stored",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What a server knows a take as. It matters because the two are different transcripts there: what was begun as a session
/// is ended as that session, so that it is in history once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownAs {
    /// A session of `/v1/stream`.
    Session,
    /// A recording of `/v1/recordings`.
    Recording,
}

impl KnownAs {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Recording => "recording",
        }
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "session" => Some(Self::Session),
            "recording" => Some(Self::Recording),
            _ => None,
        }
    }
}

/// See [`Take::may_go`]; of what is meant for a route and the server of that address.
pub(crate) fn may_go(meant: (Route, Option<&str>), route: Route, address: &str) -> bool {
    match meant {
        (Route::Local, _) => route == Route::Local,
        (Route::Team, own) => {
            route == Route::Team && own.is_none_or(|own| is_same_server(own, address))
        }
        (Route::Outbox, own) => own.is_none_or(|own| is_same_server(own, address)),
    }
}

/// Whether what is meant for the server at one address may go to the one at the other: it is the same address, or the same host,
/// which could be heard in clear and is encrypted now.
fn is_same_server(own: &str, address: &str) -> bool {
    own == address
        || match (own.parse::<Address>(), address.parse::<Address>()) {
            (Ok(own), Ok(now)) => {
                own.is_in_clear() && now.is_encrypted() && own.host() == now.host()
            }
            _ => false,
        }
}

/// Whoever that is (see [`NewTake::person`]), and where they are signed in.
fn signed_in_at(person: &str) -> Option<(&str, &str)> {
    person.rsplit_once(' ')
}

/// Whether what was said by one person (see [`NewTake::person`]) would go into the history of another, at the server of that address.
/// At another server than the one they were signed in to, names say nothing.
fn is_anothers(own: Option<&str>, person: Option<&str>, address: &str) -> bool {
    let Some((login, at)) = own.and_then(signed_in_at) else {
        return false;
    };
    let there = person
        .and_then(signed_in_at)
        .filter(|(_, at)| *at == address);
    is_same_server(at, address) && there.map(|(login, _)| login) != Some(login)
}

/// A take that begins.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTake {
    /// Its id.
    pub id: TakeId,
    /// When, seconds of the Unix epoch.
    pub began_at: f64,
    /// Hertz of the audio to come.
    pub sample_rate: u32,
    /// ISO 639-1 code, or `auto`.
    pub language: String,
    /// The program that had the focus.
    pub app: Option<String>,
    /// Where it was meant to go.
    pub route: Route,
    /// Address of the team's server it is meant for: it goes to no other.
    pub server: Option<String>,
    /// Who was signed in there, as [`crate::account::Server::signed_in_as`] says: it goes into nobody else's history.
    pub person: Option<String>,
}

/// A take as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Take {
    /// Its id.
    pub id: TakeId,
    /// How far it is.
    pub state: State,
    /// When it began, seconds of the Unix epoch.
    pub began_at: f64,
    /// When the microphone was closed; None while recording.
    pub ended_at: Option<f64>,
    /// Hertz.
    pub sample_rate: u32,
    /// How many samples are kept (or were, of one that is stored).
    pub samples: u64,
    /// ISO 639-1 code, or `auto`.
    pub language: String,
    /// The program that had the focus.
    pub app: Option<String>,
    /// Where it was meant to go.
    pub route: Route,
    /// Address of the server that it is meant for, or that knows it.
    pub server: Option<String>,
    /// As what it is known there.
    pub known_as: Option<KnownAs>,
    /// Whether the program died while it was being recorded or sent live.
    pub recovered: bool,
    /// How often sending was tried in vain.
    pub attempts: u32,
    /// Not to be tried before, seconds of the Unix epoch.
    pub next_attempt_at: Option<f64>,
    /// Code of what went wrong last.
    pub problem: Option<String>,
    /// Samples a server confirmed of the upload.
    pub uploaded_samples: u64,
    /// Samples whose text a server has stored.
    pub stored_samples: u64,
    /// Id of its transcript in the server's history.
    pub transcript: Option<String>,
    /// What was said.
    pub text: Option<String>,
    /// When it is deleted by itself, seconds of the Unix epoch.
    pub forget_at: Option<f64>,
    /// Whose it is: who was signed in at its server, and where that is. None: nobody was; it is for whoever is there first.
    pub person: Option<String>,
}

impl Take {
    /// Whether it may be sent to the server there. One that was said for a server goes to no other; the server on this computer is
    /// the same one whatever its port.
    #[must_use]
    pub fn may_go(&self, route: Route, address: &str) -> bool {
        may_go((self.route, self.server.as_deref()), route, address)
    }

    /// Whether it is another person's than the one who is signed in at the server of that address.
    #[must_use]
    pub fn is_anothers(&self, person: Option<&str>, address: &str) -> bool {
        is_anothers(self.person.as_deref(), person, address)
    }

    /// Whether whoever said it was signed in at another server than the one of that address.
    #[must_use]
    pub fn is_of_elsewhere(&self, address: Option<&str>) -> bool {
        let at = self.person.as_deref().and_then(signed_in_at);
        at.is_some_and(|(_, at)| !address.is_some_and(|address| is_same_server(at, address)))
    }

    /// Its length in seconds.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        // A take of 2⁵³ samples would last 17 000 years.
        #[allow(clippy::cast_precision_loss)]
        let samples = self.samples as f64;
        samples / f64::from(self.sample_rate.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stored_stays_stored() {
        for state in State::ALL {
            assert_eq!(State::Stored.may_become(state), state == State::Stored);
        }
    }

    #[test]
    fn nothing_goes_back_to_recording() {
        for state in State::ALL {
            assert_eq!(
                state.may_become(State::Recording),
                state == State::Recording
            );
        }
    }

    #[test]
    fn whatever_is_not_stored_can_still_become_stored() {
        for state in State::ALL {
            let mut reached = vec![state];
            while let Some(next) = State::ALL.into_iter().find(|next| {
                !reached.contains(next) && reached.iter().any(|from| from.may_become(*next))
            }) {
                reached.push(next);
            }
            assert!(reached.contains(&State::Stored), "{state:?}");
        }
    }

    #[test]
    fn what_is_meant_for_a_server_that_was_heard_in_clear_goes_to_it_encrypted_and_nowhere_else() {
        let meant = |own, now| may_go((Route::Team, Some(own)), Route::Team, now);
        let clear = "http://server.example:8765";
        for now in ["https://server.example", "https://server.example:8765"] {
            assert!(meant(clear, now), "{now}");
            assert!(!meant(now, clear), "{now}");
            // Names say who it is there as well.
            let (ann, bob) = (format!("ann {now}"), format!("bob {now}"));
            let anns = Some("ann http://server.example:8765");
            assert!(!is_anothers(anns, Some(&ann), now));
            assert!(is_anothers(anns, Some(&bob), now));
            assert!(is_anothers(anns, None, now));
        }
        for other in [
            "https://other.example",
            "http://server.example",
            "https://server.example.org",
        ] {
            assert!(!meant(clear, other), "{other}");
            assert!(!is_anothers(
                Some("ann http://server.example:8765"),
                None,
                other
            ));
        }
        // This machine is no way to be heard on: another port is another server.
        assert!(!meant("http://127.0.0.1:1", "https://127.0.0.1:2"));
    }

    #[test]
    fn states_and_ids_read_as_they_are_written() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
        let id = TakeId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("nothing".parse::<TakeId>(), Err(OutboxError::UnknownTake));
    }
}
