//! A server and who one is there: address, certificate, sign-in, tokens.
//!
//! One [`Server`] for each address; its clones of [`std::sync::Arc`] share connections and tokens. The refresh token lies in the
//! keychain and nowhere else; a new one is written there at once, and again with the next call if it was not taken. Until then the sign-in lasts
//! as long as this run of the program.

mod address;
mod tokens;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Notify;

pub use address::{Address, NotAnAddress};

pub use crate::tls::{Fingerprint, NotAFingerprint};

use self::tokens::Tokens;
use crate::api::ApiError;
use crate::ports::Keychain;
use crate::sensitive::Sensitive;
use crate::tls::Trust;

/// Finding out that nobody is there.
pub(crate) const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// An answer to a small question. Passwords are looked at behind a queue, so not less.
const ANSWER_PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer read into memory: a page of history with the times of all words is far below.
pub(crate) const MOST_ANSWER_BYTES: usize = 16 * 1024 * 1024;

/// This program, as a server lists it among somebody's devices.
#[derive(Debug, Clone, Serialize)]
pub struct Device {
    /// As its owner knows it, such as the name of the computer.
    pub name: String,
    /// The system.
    pub platform: String,
    /// Name and version of the program.
    pub client: String,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The login.
    pub login: String,
    /// The name, may be empty.
    #[serde(default)]
    pub name: String,
    /// `user` or `admin`.
    #[serde(default)]
    pub role: String,
}

/// What answers at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Probed {
    /// Its version.
    pub version: String,
    /// Whether dictations get text now.
    pub ready: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// Whether people sign in there.
    pub needs_sign_in: bool,
}

/// A server.
#[derive(Debug)]
pub struct Server {
    address: Address,
    pub(crate) trust: Arc<Trust>,
    pub(crate) tls: Arc<rustls::ClientConfig>,
    http: Client,
    tokens: Tokens,
    /// Rung when a screen changed how its person wants to dictate.
    pub(crate) wishes: Notify,
}

impl Server {
    /// Describes a server; nothing is asked yet.
    ///
    /// # Errors
    /// `InClear`: what is sent there could be read on the way; `Tls`: this machine cannot do TLS at all.
    pub fn new(
        address: Address,
        pin: Option<Fingerprint>,
        keychain: Arc<dyn Keychain>,
        device: Device,
    ) -> Result<Arc<Self>, ApiError> {
        // Here, as nothing is sent to a server that cannot even be described.
        if address.is_in_clear() {
            return Err(ApiError::InClear);
        }
        let trust = Trust::new(pin);
        let tls = trust.config().map_err(|_| ApiError::Tls)?;
        let http = Client::builder()
            .tls_backend_preconfigured(tls.clone())
            // A team's server is reached directly, as its socket is; what is on this machine in any case.
            .no_proxy()
            // A token must not follow a redirect elsewhere.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_PATIENCE)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(device.client.clone())
            .build()
            .map_err(|_| ApiError::Tls)?;
        Ok(Arc::new(Self {
            tokens: Tokens::new(&address, keychain, device),
            address,
            trust,
            tls: Arc::new(tls),
            http,
            wishes: Notify::new(),
        }))
    }

    /// Comes back when somebody changed here how they want to dictate there.
    pub(crate) async fn wishes_changed(&self) {
        self.wishes.notified().await;
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The checks of certificates that hold for this server, for others that talk to it.
    #[must_use]
    pub fn tls(&self) -> rustls::ClientConfig {
        rustls::ClientConfig::clone(&self.tls)
    }

    /// Asks what answers there, without saying who we are.
    ///
    /// # Errors
    /// `Unreachable`, `TimedOut`, `UnknownCertificate` (to be shown to the person and confirmed), `ChangedCertificate`,
    /// `NotOurs`.
    pub async fn probe(&self) -> Result<Probed, ApiError> {
        #[derive(Deserialize)]
        struct Readiness {
            ready: bool,
            #[serde(default)]
            reasons: Vec<String>,
            version: String,
        }
        #[derive(Deserialize)]
        struct Setup {
            login_required: bool,
        }
        let answer = self.ask(Method::GET, "/health/ready", None, None).await?;
        // 503 has the same body: it is starting or stopping.
        let told: Readiness = serde_json::from_slice(&body_of(answer, MOST_ANSWER_BYTES).await?)
            .map_err(|_| ApiError::NotOurs)?;
        let setup: Setup = match self.ask(Method::GET, "/v1/auth/setup", None, None).await {
            Ok(answer) => read(answer).await?,
            Err(error) => return Err(error),
        };
        Ok(Probed {
            version: told.version,
            ready: told.ready,
            reasons: told.reasons,
            needs_sign_in: setup.login_required,
        })
    }

    /// Signs in and keeps the sign-in.
    ///
    /// # Errors
    /// `Refused` (`auth.wrong_credentials`, `auth.too_many_attempts` …); `Keychain`: signed in, but it will not outlast this run
    /// of the program.
    pub async fn sign_in(
        self: &Arc<Self>,
        login: &str,
        password: &Sensitive<String>,
    ) -> Result<Person, ApiError> {
        Tokens::sign_in(self, login, password).await
    }

    /// Signs out, here in any case and at the server if it can be reached.
    ///
    /// # Errors
    /// `Keychain`: the token is of no use any more, but still there.
    pub async fn sign_out(self: &Arc<Self>) -> Result<(), ApiError> {
        Tokens::sign_out(self).await
    }

    /// Who is signed in, as far as is known here; nothing is asked of the server.
    ///
    /// # Errors
    /// `Keychain`: it is locked or absent; ask again later.
    pub async fn person(&self) -> Result<Option<Person>, ApiError> {
        self.tokens.person().await
    }

    /// Whose history takes go to here: login and address of who is signed in, or was until the server ended that; None where
    /// nobody is, or the keychain has not told yet. Never waits.
    #[must_use]
    pub fn signed_in_as(&self) -> Option<String> {
        self.tokens.who.borrow().clone().flatten()
    }

    /// The same once the keychain has told, for which it is given some seconds.
    pub async fn whose(&self) -> Option<String> {
        let mut who = self.tokens.who.subscribe();
        tokio::select! {
            // While tokens are refreshed, the keychain has told long since.
            biased;
            told = who.wait_for(Option::is_some) => {
                if let Ok(told) = told {
                    return told.clone().flatten();
                }
            }
            // An error says that nobody is known to be signed in, as does this.
            _ = self.tokens.person() => {}
        }
        self.signed_in_as()
    }

    /// Comes back when somebody else is signed in here than that one.
    pub(crate) async fn is_anothers_now(&self, whose: Option<&str>) {
        let mut who = self.tokens.who.subscribe();
        let other = who.wait_for(|now| now.as_ref().is_some_and(|now| now.as_deref() != whose));
        if other.await.is_err() {
            // It lives as long as this server.
            std::future::pending::<()>().await;
        }
    }

    /// A token that is good for a minute at least; None where nobody is signed in, which is right for a server that asks nobody
    /// to. Refreshed if need be, once for all who ask meanwhile.
    ///
    /// # Errors
    /// `SignedOut`: the sign-in is over; `Unreachable` and the like.
    pub async fn token(self: &Arc<Self>) -> Result<Option<Sensitive<String>>, ApiError> {
        Tokens::access(self).await
    }

    /// The server did not take this token: the next one is a new one.
    pub async fn token_refused(&self, token: &Sensitive<String>) {
        self.tokens.refused(token).await;
    }

    /// One request and its head, with the patience for small ones. Whatever status it has is given back.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        token: Option<&Sensitive<String>>,
        body: Option<&Value>,
    ) -> Result<Response, ApiError> {
        let mut request = self
            .http
            .request(method, self.address.at(path))
            .timeout(ANSWER_PATIENCE);
        if let Some(token) = token {
            request = request.bearer_auth(token.expose());
        }
        if let Some(body) = body {
            let bytes = serde_json::to_vec(body).map_err(|_| ApiError::NotAllowed)?;
            request = request
                .header("Content-Type", "application/json")
                .body(bytes);
        }
        self.send(request).await
    }

    pub(crate) fn http(&self) -> &Client {
        &self.http
    }

    pub(crate) async fn send(
        &self,
        request: reqwest::RequestBuilder,
    ) -> Result<Response, ApiError> {
        request.send().await.map_err(|error| {
            if error.is_timeout() && !error.is_connect() {
                return ApiError::TimedOut;
            }
            ApiError::of_connection(self.trust.take_refused(), ApiError::Unreachable)
        })
    }
}

/// Reads a success as JSON, anything else as the problem it is.
pub(crate) async fn read<T: DeserializeOwned>(answer: Response) -> Result<T, ApiError> {
    let body = success(answer).await?;
    serde_json::from_slice(&body).map_err(|_| ApiError::NotOurs)
}

/// The body of a success.
pub(crate) async fn success(answer: Response) -> Result<Vec<u8>, ApiError> {
    let status = answer.status();
    let retry_after_s = answer
        .headers()
        .get("Retry-After")
        .and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let body = body_of(answer, MOST_ANSWER_BYTES).await?;
    if status.is_success() {
        Ok(body)
    } else {
        Err(ApiError::of_answer(status, retry_after_s, &body))
    }
}

/// Reads a body as long as it is not longer than that.
pub(crate) async fn body_of(mut answer: Response, most: usize) -> Result<Vec<u8>, ApiError> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.map_err(|error| {
        if error.is_timeout() {
            ApiError::TimedOut
        } else {
            ApiError::Unreachable
        }
    })? {
        if body.len() + part.len() > most {
            return Err(ApiError::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}
