//! One take as a recording of `/v1/recordings`: announced, sent in pieces, followed until it has its text.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use crate::account::{Server, read, success};
use crate::api::ApiError;
use crate::outbox::{KnownAs, Outbox, OutboxError, Take};
use crate::view::Problem;

/// Samples in a piece: 1 MiB, a quarter of what a server takes at once, so that a slow line gets it through in time.
const PIECE_SAMPLES: u64 = 512 * 1024;
/// A piece on a line of 10 kB a second, and its answer.
const PIECE_PATIENCE: Duration = Duration::from_secs(180);
/// How often a wrong SHA-256, or a gap, is begun anew before it is thought to be no accident.
const MOST_BEGINNINGS: u32 = 3;

/// Where a recording is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Stage {
    /// The server has all of it and makes its text.
    Waiting,
    /// It has its text.
    Stored {
        /// Its id in history.
        transcript: String,
        /// What was said.
        text: String,
    },
}

/// Why a take is not sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Not now.
    Later {
        /// Why.
        problem: Problem,
        /// Not before.
        retry_after: Option<Duration>,
    },
    /// Not as it is.
    Refused(Problem),
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        let problem = error.problem();
        match &error {
            ApiError::Refused(refused) if !error.passes() && refused.status != 401 => {
                Self::Refused(problem)
            }
            ApiError::Refused(refused) => Self::Later {
                problem,
                retry_after: refused.retry_after_s.map(Duration::from_secs),
            },
            // The sign-in, a certificate, the network: once that is seen to, it goes on.
            _ => Self::Later {
                problem,
                retry_after: None,
            },
        }
    }
}

impl From<OutboxError> for Trouble {
    fn from(error: OutboxError) -> Self {
        Self::Later {
            problem: error.problem(),
            retry_after: None,
        }
    }
}

/// A recording, as the server tells of it.
#[derive(Debug, Deserialize)]
struct Told {
    state: String,
    #[serde(default)]
    reason: Option<String>,
    is_stored: bool,
    received_bytes: u64,
    #[serde(default)]
    transcript: Option<String>,
}

/// Sends what the server does not have yet. Comes back when all of it is stored there.
pub(super) async fn send(
    server: &Arc<Server>,
    outbox: &Outbox,
    take: &Take,
) -> Result<Stage, Trouble> {
    let address = server.address().to_string();
    let person = take.person.clone();
    outbox
        .known(take.id, address, KnownAs::Recording, person)
        .await?;
    let sha256 = outbox.sha256(take.id).await?;
    let size = take.samples * 2;
    for _ in 0..MOST_BEGINNINGS {
        let told = announce(server, take, &sha256, size).await?;
        if told.state == "failed" && told.reason.as_deref() != Some("hash_mismatch") {
            // The person wants it tried again; the server has its audio.
            let path = format!("/v1/recordings/{}/retry", take.id);
            call::<serde_json::Value>(server, Method::POST, &path).await?;
            return Ok(Stage::Waiting);
        }
        match pieces(server, outbox, take, told).await {
            Ok(told) if told.is_stored => return stage(server, told).await,
            // Checking takes a while, or something was lost: the announcement tells.
            Ok(_) => {}
            Err(Trouble::Refused(problem))
                if matches!(
                    problem.code.as_str(),
                    "recording.gap" | "recording.hash_mismatch"
                ) => {}
            Err(trouble) => return Err(trouble),
        }
    }
    Err(Trouble::Later {
        problem: Problem::new(
            "recording.incomplete",
            "the server does not have all of it yet",
        ),
        retry_after: None,
    })
}

/// Asks how far the server is with a recording it has.
pub(super) async fn look(server: &Arc<Server>, take: &Take) -> Result<Stage, Trouble> {
    let told: Told = call(server, Method::GET, &format!("/v1/recordings/{}", take.id)).await?;
    if !told.is_stored {
        return Err(Trouble::Later {
            problem: Problem::new("recording.incomplete", "the server does not have all of it"),
            retry_after: Some(Duration::ZERO),
        });
    }
    stage(server, told).await
}

async fn stage(server: &Arc<Server>, told: Told) -> Result<Stage, Trouble> {
    match (told.state.as_str(), told.transcript.clone()) {
        ("done", Some(transcript)) => {
            let text = text_of(server, &transcript).await?;
            Ok(Stage::Stored { transcript, text })
        }
        ("done", None) => Ok(Stage::Stored {
            transcript: String::new(),
            text: String::new(),
        }),
        ("failed", _) => Err(failed(&told)),
        _ => Ok(Stage::Waiting),
    }
}

async fn text_of(server: &Arc<Server>, transcript: &str) -> Result<String, Trouble> {
    #[derive(Deserialize)]
    struct Transcript {
        text: String,
    }
    let path = format!("/v1/history/{transcript}");
    match call::<Transcript>(server, Method::GET, &path).await {
        Ok(found) => Ok(found.text),
        // Deleted meanwhile on another device, or the server lets us dictate but not read.
        Err(ApiError::Refused(refused)) if matches!(refused.status, 403 | 404) => Ok(String::new()),
        Err(error) => Err(error.into()),
    }
}

fn failed(told: &Told) -> Trouble {
    let reason = told.reason.as_deref().unwrap_or("failed");
    Trouble::Refused(Problem::new(
        format!("recording.failed.{reason}"),
        "the server could not make text of the recording",
    ))
}

async fn announce(
    server: &Arc<Server>,
    take: &Take,
    sha256: &str,
    size: u64,
) -> Result<Told, Trouble> {
    let app: Option<String> = take.app.as_ref().map(|app| {
        let shown = app.chars().filter(|letter| !letter.is_control());
        shown.take(200).collect()
    });
    let body = json!({
        "sha256": sha256,
        "size_bytes": size,
        "encoding": "pcm16",
        "sample_rate": take.sample_rate,
        "language": take.language,
        "app": app.filter(|app| !app.is_empty()),
        "recorded_at": rfc3339(take.began_at),
    });
    let bytes = serde_json::to_vec(&body).map_err(|_| ApiError::NotAllowed)?;
    let address = server.address().at(&format!("/v1/recordings/{}", take.id));
    let answer = server
        .with_token(|token| {
            let mut request = server
                .http()
                .put(&address)
                .timeout(PIECE_PATIENCE)
                .header("Content-Type", "application/json")
                .body(bytes.clone());
            if let Some(token) = token {
                request = request.bearer_auth(token.expose());
            }
            Ok(request)
        })
        .await?;
    Ok(read(answer).await?)
}

async fn pieces(
    server: &Arc<Server>,
    outbox: &Outbox,
    take: &Take,
    mut told: Told,
) -> Result<Told, Trouble> {
    let address = server
        .address()
        .at(&format!("/v1/recordings/{}/audio", take.id));
    while told.state == "uploading" && told.received_bytes < take.samples * 2 {
        let offset = told.received_bytes;
        let samples = outbox.audio(take.id, offset / 2, PIECE_SAMPLES).await?;
        let bytes: Vec<u8> = samples.iter().flat_map(|one| one.to_le_bytes()).collect();
        // Of a body that broke off any number of bytes may have arrived.
        let piece = bytes
            .get(usize::from(offset % 2 == 1)..)
            .unwrap_or_default();
        if piece.is_empty() {
            return Err(OutboxError::Damaged.into());
        }
        let answer = server
            .with_token(|token| {
                let mut request = server
                    .http()
                    .patch(&address)
                    .timeout(PIECE_PATIENCE)
                    .header("Upload-Offset", offset)
                    .header("Content-Type", "application/octet-stream")
                    .body(piece.to_vec());
                if let Some(token) = token {
                    request = request.bearer_auth(token.expose());
                }
                Ok(request)
            })
            .await?;
        let after: Told = read(answer).await?;
        if after.received_bytes <= offset && after.state == "uploading" {
            return Ok(after);
        }
        told = after;
        outbox
            .progress(take.id, told.received_bytes / 2, take.stored_samples)
            .await?;
    }
    Ok(told)
}

/// Makes the server forget what it has of a take that the person dropped.
pub(super) async fn forget(server: &Arc<Server>, take: &Take) -> Result<(), ApiError> {
    let address = server.address().at(&format!("/v1/recordings/{}", take.id));
    let answer = server
        .with_token(|token| Ok(small(server, Method::DELETE, &address, token)))
        .await?;
    match success(answer).await {
        Err(ApiError::Refused(refused)) if refused.status == 404 => Ok(()),
        told => told.map(drop),
    }
}

async fn call<T: serde::de::DeserializeOwned>(
    server: &Arc<Server>,
    method: Method,
    path: &str,
) -> Result<T, ApiError> {
    let address = server.address().at(path);
    let answer = server
        .with_token(|token| Ok(small(server, method.clone(), &address, token)))
        .await?;
    read(answer).await
}

fn small(
    server: &Arc<Server>,
    method: Method,
    address: &str,
    token: Option<&crate::sensitive::Sensitive<String>>,
) -> reqwest::RequestBuilder {
    let request = server
        .http()
        .request(method, address)
        .timeout(Duration::from_secs(30));
    match token {
        Some(token) => request.bearer_auth(token.expose()),
        None => request,
    }
}

/// A time in UTC as RFC 3339 writes it; the calendar is Howard Hinnant's `civil_from_days`.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // seconds since 1970 fit
fn rfc3339(seconds: f64) -> String {
    let ms = (seconds.max(0.0) * 1000.0) as u64;
    let (days, of_day) = (ms / 86_400_000, ms % 86_400_000);
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hours, minutes) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (seconds, ms) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_the_calendar_has_them() {
        for (seconds, written) in [
            (0.0, "1970-01-01T00:00:00.000Z"),
            (951_826_554.25, "2000-02-29T12:15:54.250Z"),
            (1_767_225_599.999, "2025-12-31T23:59:59.999Z"),
            (1_795_333_859.5, "2026-11-22T07:50:59.500Z"),
        ] {
            assert_eq!(rfc3339(seconds), written);
        }
    }

    #[test]
    fn what_a_server_refuses_for_good_is_not_sent_again_by_itself() {
        let refused = |status, code: &str| {
            Trouble::from(ApiError::Refused(crate::api::Refused {
                status,
                code: code.to_owned(),
                detail: String::new(),
                retry_after_s: Some(7),
            }))
        };
        for (status, code) in [(409, "recording.differs"), (413, "recording.too_large")] {
            assert!(
                matches!(refused(status, code), Trouble::Refused(_)),
                "{code}"
            );
        }
        for (status, code) in [
            (507, "recording.full_disk"),
            (503, "recording.busy"),
            (429, "recording.quota"),
        ] {
            let retry_after = Some(Duration::from_secs(7));
            assert!(
                matches!(refused(status, code), Trouble::Later { retry_after: after, .. } if after == retry_after),
                "{code}"
            );
        }
        for error in [
            ApiError::Unreachable,
            ApiError::SignedOut,
            ApiError::TimedOut,
        ] {
            assert!(matches!(Trouble::from(error), Trouble::Later { .. }));
        }
    }
}
