//! What a call to a server can come to. None of it holds a body, a token or an address.

use std::fmt;

use reqwest::StatusCode;
use serde::Deserialize;

use crate::ports::KeychainError;
use crate::tls::{Fingerprint, RefusedCertificate};
use crate::view::Problem;

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Nobody answers there, or the connection broke.
    #[error("the server cannot be reached")]
    Unreachable,
    /// The answer did not come in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The certificate is not one the system trusts, and nobody has confirmed it.
    #[error("the server's certificate is not known: {}", .0)]
    UnknownCertificate(Fingerprint),
    /// Another certificate than the confirmed one.
    #[error("the server shows another certificate ({found}) than the one confirmed ({expected})")]
    ChangedCertificate {
        /// The one that was confirmed.
        expected: Fingerprint,
        /// The one shown now.
        found: Fingerprint,
    },
    /// The TLS handshake failed for another reason.
    #[error("no encrypted connection to the server can be made")]
    Tls,
    /// The address says `http://` and is not this machine's: nothing is sent there.
    #[error("what is said to the server would go over the network unencrypted")]
    InClear,
    /// Something answers that is not a server of ours.
    #[error("what answers there is not AlfaVoice")]
    NotOurs,
    /// It is ours, but speaks another version of the protocol.
    #[error("the server speaks another version of the protocol")]
    OtherVersion,
    /// Nobody is signed in, or the sign-in is over.
    #[error("sign in to the server again")]
    SignedOut,
    /// The sign-in cannot be kept.
    #[error("the sign-in cannot be kept: {0}")]
    Keychain(#[from] KeychainError),
    /// The answer is longer than asked for.
    #[error("the server's answer is too long")]
    TooLong,
    /// The request is none of the server's.
    #[error("this cannot be asked of a server")]
    NotAllowed,
    /// A file here cannot be written or read.
    #[error("a file cannot be written or read")]
    File,
    /// The server refused, with a code of its own.
    #[error("{}", .0.detail)]
    Refused(Refused),
}

/// A problem a server told of (RFC 9457).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// Stable, of `tests/vectors/problem_codes.json`.
    pub code: String,
    /// For people, in English.
    pub detail: String,
    /// Not earlier than this.
    pub retry_after_s: Option<u64>,
}

impl ApiError {
    /// Stable code: the server's, or ours.
    #[must_use]
    pub fn code(&self) -> &str {
        match self {
            Self::Unreachable => "server.unreachable",
            Self::TimedOut => "server.timed_out",
            Self::UnknownCertificate(_) => "server.unknown_certificate",
            Self::ChangedCertificate { .. } => "server.changed_certificate",
            Self::Tls => "server.no_tls",
            Self::InClear => "server.insecure",
            Self::NotOurs => "server.not_ours",
            Self::OtherVersion => "server.other_version",
            Self::SignedOut => "auth.expired",
            Self::Keychain(_) => "auth.not_kept",
            Self::TooLong => "server.too_long",
            Self::NotAllowed => "request.not_allowed",
            Self::File => "file.failed",
            Self::Refused(refused) => &refused.code,
        }
    }

    /// For the screens.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem::new(self.code(), self.to_string())
    }

    /// Whether the same call may succeed later without anybody doing anything: the network, a server that is busy or restarting.
    #[must_use]
    pub fn passes(&self) -> bool {
        match self {
            Self::Unreachable | Self::TimedOut => true,
            // Hotel networks answer for everybody until one has signed in there.
            Self::NotOurs | Self::Tls => true,
            Self::Refused(refused) => {
                refused.status >= 500 || matches!(refused.status, 408 | 425 | 429)
            }
            _ => false,
        }
    }

    /// What a certificate that was refused, or a broken connection, comes to.
    pub(crate) fn of_connection(refused: Option<RefusedCertificate>, otherwise: Self) -> Self {
        match refused {
            Some(RefusedCertificate {
                expected: Some(expected),
                found,
            }) => Self::ChangedCertificate { expected, found },
            Some(RefusedCertificate {
                expected: None,
                found,
            }) => Self::UnknownCertificate(found),
            None => otherwise,
        }
    }

    /// Reads an answer that is not a success.
    pub(crate) fn of_answer(status: StatusCode, retry_after_s: Option<u64>, body: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Told {
            code: String,
            #[serde(default)]
            detail: String,
        }
        match serde_json::from_slice::<Told>(body) {
            Ok(told) => Self::Refused(Refused {
                status: status.as_u16(),
                code: told.code,
                detail: told.detail,
                retry_after_s,
            }),
            // A proxy before the server says so in its own words.
            Err(_) if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Self::Refused(Refused {
                    status: status.as_u16(),
                    code: "server.failed".to_owned(),
                    detail: "the server failed".to_owned(),
                    retry_after_s,
                })
            }
            Err(_) => Self::NotOurs,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.code)
    }
}
