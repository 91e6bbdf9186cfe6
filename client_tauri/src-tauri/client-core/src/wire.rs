//! Protocol `alfavoice.v1`: the messages of `/v1/stream`, encoded and decoded, nothing decided.
//!
//! Positions (`received`, `stored`, `start`, `end`, `resume_from`, `samples`) count samples from the beginning of the
//! session. Fields and messages this client does not know are ignored, so that it can speak to a newer server. The golden
//! messages of `tests/vectors/stream_v1.json` pin all of it.

use serde::{Deserialize, Serialize};

/// The subprotocol to ask for.
pub const SUBPROTOCOL: &str = "alfavoice.v1";
/// Longest text message a server takes.
pub const MAX_TEXT_BYTES: usize = 16 * 1024;
/// Most of the user's own words that `start` may name.
pub const MAX_TERMS: usize = 200;

/// Why a socket was closed (RFC 6455 section 7.4 and the protocol's own).
pub mod close {
    /// `done` was sent, or `cancel` received.
    pub const NORMAL: u16 = 1000;
    /// The server is stopping: resume, perhaps elsewhere.
    pub const DRAINING: u16 = 1001;
    /// A message was too big: a fault of this client.
    pub const TOO_BIG: u16 = 1009;
    /// The server failed on this session; `error.retryable` says whether to resume.
    pub const INTERNAL: u16 = 1011;
    /// Overloaded or full: resume later.
    pub const OVERLOADED: u16 = 1013;
    /// A protocol error: a fault of this client.
    pub const PROTOCOL_ERROR: u16 = 4400;
    /// Sign in (or refresh the token) and resume.
    pub const UNAUTHORISED: u16 = 4401;
    /// The session is somebody else's, or the key may not dictate.
    pub const FORBIDDEN: u16 = 4403;
    /// Nothing was sent for too long; resume when there is something.
    pub const IDLE: u16 = 4408;
    /// A newer connection has the session: do not come back.
    pub const TAKEN_OVER: u16 = 4409;
    /// Too many sessions or minutes: resume later.
    pub const TOO_MANY: u16 = 4429;
}

/// What the binary messages carry. We send PCM16 only: on the way to a server of one's own its bandwidth is no matter,
/// and what is kept is what was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AudioFormat {
    /// `pcm_s16le`, or `opus`.
    #[serde(default = "pcm")]
    pub encoding: String,
    /// Hertz, 8000 … 48000.
    #[serde(default = "native_rate")]
    pub sample_rate: u32,
}

impl AudioFormat {
    /// PCM16 at this rate.
    #[must_use]
    pub fn pcm(sample_rate: u32) -> Self {
        Self {
            encoding: pcm(),
            sample_rate,
        }
    }
}

impl Default for AudioFormat {
    fn default() -> Self {
        Self::pcm(native_rate())
    }
}

/// Which program speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClientProgram {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// Where the text will go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// The program that has the focus.
    pub app: Option<String>,
    /// The user's own words, most important first, [`MAX_TERMS`] at most.
    pub terms: Vec<String>,
}

/// Opens a session, or resumes one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    /// Its id: 8 to 64 letters, digits, `-` and `_`.
    #[serde(default)]
    pub session: Option<String>,
    /// The first sample the client still has; present when resuming.
    #[serde(default)]
    pub resume_from: Option<u64>,
    /// What the audio is.
    #[serde(default)]
    pub audio: AudioFormat,
    /// ISO 639-1 code, or `auto`.
    #[serde(default = "auto")]
    pub language: String,
    /// Whether text is wanted while somebody speaks.
    #[serde(default = "yes")]
    pub partials: bool,
    /// Whether finals are to carry the times of words.
    #[serde(default = "yes")]
    pub words: bool,
    /// Which program this is.
    #[serde(default)]
    pub client: ClientProgram,
    /// Where the text will go.
    #[serde(default)]
    pub context: Context,
}

/// What a client sends as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientMessage {
    /// The first message.
    Start(Start),
    /// The audio has ended.
    Finish {
        /// How many samples there are in all; checked by the server.
        #[serde(default)]
        samples: Option<u64>,
    },
    /// Forget the session.
    Cancel,
    /// Ask to be told when all audio sent so far is in a final.
    Marker {
        /// Comes back.
        id: String,
    },
}

impl ClientMessage {
    /// The message as JSON text.
    #[must_use]
    pub fn encode(&self) -> String {
        // Strings, numbers and lists of them always serialise.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// What the server will take in this session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Longest binary message.
    pub max_message_bytes: u64,
    /// Longest session.
    pub max_session_s: f64,
    /// Silence on the socket after which it is closed.
    pub idle_s: f64,
    /// How long a session outlives its socket.
    pub resume_s: f64,
}

/// What is heard so far; replaces the previous partial of that utterance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Partial {
    /// Which utterance, from 0.
    pub utterance: u64,
    /// Which partial of it.
    pub revision: u64,
    /// Where it begins.
    pub start: u64,
    /// Grows only, within one utterance.
    pub stable: String,
    /// May still change; shown after `stable`.
    pub tail: String,
}

/// A word of a final.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WordTime {
    /// The word.
    pub text: String,
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// 0 … 1.
    pub probability: f64,
}

/// A place in a final that only the client can fill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// `clipboard` or `cursor`; others are a newer server's and ignored.
    pub name: String,
    /// Code points of `text` before it.
    pub offset: u64,
}

/// The text of a closed utterance; never changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Final {
    /// Which utterance, from 0, without gaps.
    pub utterance: u64,
    /// Where it begins.
    pub start: u64,
    /// Where it ends.
    pub end: u64,
    /// The finished text; may be empty.
    pub text: String,
    /// As recognised.
    pub raw: String,
    /// The times of its words, where asked for.
    pub words: Vec<WordTime>,
    /// ISO 639-1 code.
    pub language: String,
    /// What goes between the text before and this one.
    #[serde(default = "blank")]
    pub glue: String,
    /// How many code points go from the end of the text before.
    #[serde(default)]
    pub erase: u64,
    /// What only the client can fill.
    #[serde(default)]
    pub places: Vec<Place>,
}

/// Everything is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Done {
    /// Its id in history.
    pub transcript: String,
    /// As history has it.
    pub text: String,
    /// How much audio there was.
    pub audio_seconds: f64,
    /// From the arrival of `finish`.
    pub finalisation_ms: f64,
}

/// What went wrong; the socket closes after it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerError {
    /// Stable, from `tests/vectors/error_codes.json`.
    pub code: String,
    /// For people, in English.
    pub message: String,
    /// Whether to resume.
    pub retryable: bool,
    /// Not earlier than this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// What a server sends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage {
    /// Send audio from sample `received`.
    Ready {
        /// The session's id.
        session: String,
        /// Where to go on.
        received: u64,
        /// What the server takes.
        limits: Limits,
    },
    /// Audio arrived, and some of it is stored as text.
    Ack {
        /// So far it arrived.
        received: u64,
        /// Before this it need not be kept for resuming.
        stored: u64,
    },
    /// What is heard so far.
    Partial(Partial),
    /// A finished utterance.
    Final(Final),
    /// All is stored.
    Done(Done),
    /// All audio before the marker is in a final.
    Marker {
        /// As it was sent.
        id: String,
    },
    /// The server is alive.
    Heartbeat {
        /// So far audio arrived.
        received: u64,
        /// How far its queue is behind.
        queue_ms: f64,
    },
    /// Something went wrong.
    Error(ServerError),
    /// A message of a newer server: to be ignored.
    #[serde(other)]
    Unknown,
}

/// A server that speaks something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the server sent something that is not of the protocol")]
pub struct NotOurProtocol;

/// Reads one text message of a server.
///
/// # Errors
/// It is not JSON of the protocol. Nothing of it is in the error.
pub fn decode(text: &str) -> Result<ServerMessage, NotOurProtocol> {
    serde_json::from_str(text).map_err(|_| NotOurProtocol)
}

fn pcm() -> String {
    "pcm_s16le".to_owned()
}

fn native_rate() -> u32 {
    16_000
}

fn auto() -> String {
    "auto".to_owned()
}

fn blank() -> String {
    " ".to_owned()
}

fn yes() -> bool {
    true
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn vectors(side: &str, kind: &str) -> Vec<Value> {
        let file = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../../tests/vectors/stream_v1.json"
        );
        let all: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        let found = all[side][kind].as_array().unwrap().clone();
        assert!(!found.is_empty());
        found
    }

    fn text(vector: &Value) -> &str {
        vector["text"].as_str().unwrap()
    }

    fn meaning(vector: &Value) -> Value {
        match vector.get("reads_as") {
            Some(value) => value.clone(),
            None => serde_json::from_str(text(vector)).unwrap(),
        }
    }

    #[test]
    fn golden_messages_of_servers_read_as_they_should() {
        for vector in vectors("server", "valid") {
            let message = decode(text(&vector)).unwrap_or_else(|_| panic!("{}", vector["name"]));
            let again = serde_json::to_value(&message).unwrap();
            assert_eq!(again, meaning(&vector), "{}", vector["name"]);
        }
    }

    #[test]
    fn golden_messages_of_clients_are_what_we_write() {
        for vector in vectors("client", "valid") {
            let message: ClientMessage = serde_json::from_str(text(&vector)).unwrap();
            let again: Value = serde_json::from_str(&message.encode()).unwrap();
            assert_eq!(again, meaning(&vector), "{}", vector["name"]);
        }
    }

    #[test]
    fn what_is_not_of_the_protocol_is_refused_or_ignored() {
        for vector in vectors("server", "invalid") {
            let read = decode(text(&vector));
            assert!(
                matches!(read, Err(NotOurProtocol) | Ok(ServerMessage::Unknown)),
                "{}",
                vector["name"]
            );
        }
    }
}
