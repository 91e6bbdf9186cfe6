//! Calls of `/v1/*` for the screens: what they ask is passed on, what comes back is passed back, problems as typed errors.
//!
//! Screens can ask nothing but `/v1/`, never see a token, and every answer has a bound.

mod error;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Method, Response};
use serde::Deserialize;
use serde_json::Value;

pub use error::{ApiError, Refused};

use crate::account::{Server, read, success};
use crate::sensitive::Sensitive;

/// Calls that take longer are exports, imports and uploads, which have their own.
const ANSWER_PATIENCE: Duration = Duration::from_secs(60);
/// The longest a download or an upload may be without a byte moving.
const STALL_PATIENCE: Duration = Duration::from_secs(120);
/// Sending a file, and what is done with it there.
const FILE_PATIENCE: Duration = Duration::from_secs(3600);
/// The largest file that is saved for the screens.
const MOST_FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024;
/// The largest file that is played or sent for them; it is in memory meanwhile, because speech goes to no disk unsealed.
const MOST_HELD_BYTES: usize = 512 * 1024 * 1024;

/// A call of a screen.
#[derive(Debug, Clone, Deserialize)]
pub struct Call {
    /// `GET`, `POST`, `PUT`, `PATCH` or `DELETE`.
    pub method: String,
    /// Begins with `/v1/`.
    pub path: String,
    /// Names and values, in order.
    #[serde(default)]
    pub query: Vec<(String, String)>,
    /// JSON.
    #[serde(default)]
    pub body: Option<Value>,
}

impl Call {
    /// Reads what is there.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self {
            method: "GET".to_owned(),
            path: path.into(),
            query: Vec::new(),
            body: None,
        }
    }
}

impl Server {
    /// Makes a call; what comes back is its JSON, `null` where there is none.
    ///
    /// # Errors
    /// `NotAllowed`, and whatever [`ApiError`] says.
    pub async fn call(self: &Arc<Self>, call: &Call) -> Result<Value, ApiError> {
        let answer = self
            .with_token(|token| self.built(call, token, ANSWER_PATIENCE))
            .await?;
        let body = success(answer).await?;
        if call.path == "/v1/preferences" && !call.method.eq_ignore_ascii_case("GET") {
            self.wishes.notify_one();
        }
        if body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&body).map_err(|_| ApiError::NotOurs)
    }

    /// What a call answers, as it is.
    ///
    /// # Errors
    /// `TooLong`, and whatever [`ApiError`] says.
    pub async fn bytes(self: &Arc<Self>, call: &Call) -> Result<Vec<u8>, ApiError> {
        let mut answer = self.file(call).await?;
        let mut held = Vec::new();
        while let Some(part) = next_part(&mut answer).await? {
            if held.len() + part.len() > MOST_HELD_BYTES {
                return Err(ApiError::TooLong);
            }
            held.extend_from_slice(&part);
        }
        Ok(held)
    }

    /// Saves what a call answers as a file that only its owner reads, whole or not at all; tells its length.
    ///
    /// # Errors
    /// `File`, `TooLong`, and whatever [`ApiError`] says.
    pub async fn save(self: &Arc<Self>, call: &Call, path: &Path) -> Result<u64, ApiError> {
        let mut answer = self.file(call).await?;
        let part = beside(path);
        let (parts, writing) = tokio::sync::mpsc::channel(4);
        let written = tokio::task::spawn_blocking({
            let part = part.clone();
            move || write_parts(&part, writing)
        });
        let told = async {
            let mut length = 0_u64;
            while let Some(bytes) = next_part(&mut answer).await? {
                length += bytes.len() as u64;
                if length > MOST_FILE_BYTES {
                    return Err(ApiError::TooLong);
                }
                parts.send(bytes).await.map_err(|_| ApiError::File)?;
            }
            Ok(length)
        }
        .await;
        drop(parts);
        let on_disk = written.await.map_err(|_| ApiError::File)?;
        let told = told.and_then(|length| on_disk.map(|()| length));
        let path = path.to_owned();
        tokio::task::spawn_blocking(move || match told {
            Ok(length) => match std::fs::rename(&part, &path) {
                Ok(()) => Ok(length),
                Err(_) => Err(ApiError::File),
            },
            Err(error) => {
                // It may never have been made.
                let _ = std::fs::remove_file(&part);
                Err(error)
            }
        })
        .await
        .map_err(|_| ApiError::File)?
    }

    /// The beginning of a long answer.
    async fn file(self: &Arc<Self>, call: &Call) -> Result<Response, ApiError> {
        let answer = self
            .with_token(|token| self.built(call, token, FILE_PATIENCE))
            .await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        Err(success(answer).await.err().unwrap_or(ApiError::NotOurs))
    }

    /// Sends the contents of a file as the body of a `POST`, as they are; what comes back is JSON.
    ///
    /// # Errors
    /// `TooLong`, and whatever [`ApiError`] says.
    pub async fn send_file(
        self: &Arc<Self>,
        path: &str,
        contents: Vec<u8>,
        content_type: &str,
    ) -> Result<Value, ApiError> {
        if contents.len() > MOST_HELD_BYTES {
            return Err(ApiError::TooLong);
        }
        // Shared: it may be sent twice.
        let contents = Bytes::from(contents);
        let address = self.address().at(checked(path)?);
        let answer = self
            .with_token(|token| {
                let mut request = self
                    .http()
                    .post(&address)
                    .timeout(FILE_PATIENCE)
                    .header("Content-Type", content_type)
                    .body(contents.clone());
                if let Some(token) = token {
                    request = request.bearer_auth(token.expose());
                }
                Ok(request)
            })
            .await?;
        read(answer).await
    }

    /// Makes a request with a token, and once more with a new one if the server finds that the token is too old.
    pub(crate) async fn with_token(
        self: &Arc<Self>,
        build: impl Fn(Option<&Sensitive<String>>) -> Result<reqwest::RequestBuilder, ApiError>,
    ) -> Result<Response, ApiError> {
        let token = self.token().await?;
        let answer = self.send(build(token.as_ref())?).await?;
        if answer.status() != reqwest::StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(token) = token else {
            return Err(ApiError::SignedOut);
        };
        self.token_refused(&token).await;
        let token = self.token().await?;
        let answer = self.send(build(token.as_ref())?).await?;
        if answer.status() == reqwest::StatusCode::UNAUTHORIZED {
            return Err(ApiError::SignedOut);
        }
        Ok(answer)
    }

    fn built(
        &self,
        call: &Call,
        token: Option<&Sensitive<String>>,
        patience: Duration,
    ) -> Result<reqwest::RequestBuilder, ApiError> {
        let method = match call.method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "POST" => Method::POST,
            "PUT" => Method::PUT,
            "PATCH" => Method::PATCH,
            "DELETE" => Method::DELETE,
            _ => return Err(ApiError::NotAllowed),
        };
        let mut url = reqwest::Url::parse(&self.address().at(checked(&call.path)?))
            .map_err(|_| ApiError::NotAllowed)?;
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        let mut request = self.http().request(method, url).timeout(patience);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = &call.body {
            let bytes = serde_json::to_vec(body).map_err(|_| ApiError::NotAllowed)?;
            request = request
                .header("Content-Type", "application/json")
                .body(bytes);
        }
        Ok(request)
    }
}

/// Refuses what could lead out of `/v1/`, and what only this program itself may ask.
fn checked(path: &str) -> Result<&str, ApiError> {
    let inside = path.starts_with("/v1/")
        && !path.starts_with("/v1/auth/")
        && !path.contains("//")
        // Dots would be resolved behind our back.
        && !path.split('/').any(|part| matches!(part, "." | ".."))
        && path
            .chars()
            .all(|letter| letter.is_ascii_graphic() && !matches!(letter, '?' | '#' | '\\' | '%'));
    if inside {
        Ok(path)
    } else {
        Err(ApiError::NotAllowed)
    }
}

async fn next_part(answer: &mut Response) -> Result<Option<Vec<u8>>, ApiError> {
    match tokio::time::timeout(STALL_PATIENCE, answer.chunk()).await {
        Ok(Ok(part)) => Ok(part.map(|bytes| bytes.to_vec())),
        Ok(Err(_)) => Err(ApiError::Unreachable),
        Err(_) => Err(ApiError::TimedOut),
    }
}

fn write_parts(
    path: &Path,
    mut parts: tokio::sync::mpsc::Receiver<Vec<u8>>,
) -> Result<(), ApiError> {
    // A piece of an attempt that broke off may be there still.
    let _ = std::fs::remove_file(path);
    let mut open = OpenOptions::new();
    open.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    let mut file = open.open(path).map_err(|_| ApiError::File)?;
    while let Some(part) = parts.blocking_recv() {
        file.write_all(&part).map_err(|_| ApiError::File)?;
    }
    file.sync_all().map_err(|_| ApiError::File)
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

#[cfg(test)]
mod tests {
    use super::checked;

    #[test]
    fn screens_ask_for_nothing_but_what_is_theirs() {
        for path in ["/v1/history", "/v1/recordings/0199/audio", "/v1/notes/a.b"] {
            assert_eq!(checked(path), Ok(path));
        }
        for path in [
            "/v1/auth/refresh",
            "/v1/./auth/refresh",
            "/v1/x/../auth/refresh",
            "/v1//auth/refresh",
            "/v1/%61uth/refresh",
            "/metrics",
            "/v1/history?all",
        ] {
            assert!(checked(path).is_err(), "{path}");
        }
    }
}
