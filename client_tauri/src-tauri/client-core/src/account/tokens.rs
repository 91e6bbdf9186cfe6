//! Tokens: signed in once, refreshed as long as the sign-in lasts, each refresh token used once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::{Mutex, watch};

use super::{Address, Device, Person, Server, read, success};
use crate::api::ApiError;
use crate::ports::{Keychain, KeychainError};
use crate::sensitive::Sensitive;

/// Refreshed when less than this is left of an access token.
const MARGIN: Duration = Duration::from_secs(60);
/// No access token is good for longer, whatever a server says.
const LONGEST_S: u64 = 24 * 3600;
/// A keychain may ask the person to unlock it; it is asked again with the next call.
const KEYCHAIN_PATIENCE: Duration = Duration::from_secs(20);

/// What is kept in the keychain.
#[derive(Clone, Serialize, Deserialize)]
struct Kept {
    refresh_token: String,
    device: String,
    person: Person,
}

#[derive(Default)]
struct Held {
    /// Whether the keychain was asked.
    is_read: bool,
    kept: Option<Kept>,
    /// The keychain did not take the newest refresh token.
    is_unsaved: bool,
    access: Option<(Sensitive<String>, Instant)>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        zeroize::Zeroize::zeroize(&mut self.refresh_token);
    }
}

/// The tokens of one server.
pub(super) struct Tokens {
    name: String,
    keychain: Arc<dyn Keychain>,
    device: Device,
    /// Login and address of who is signed in; `None` until the keychain has told. Who was signed in until a server ended that is
    /// still the one who speaks here.
    pub(super) who: watch::Sender<Option<Option<String>>>,
    address: Address,
    /// Held while tokens are refreshed, so that nobody else does.
    held: Mutex<Held>,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens")
    }
}

#[derive(Deserialize)]
struct SignedIn {
    access_token: Sensitive<String>,
    refresh_token: String,
    #[serde(default = "quarter_of_an_hour")]
    expires_in: u64,
    device: String,
    user: Person,
}

fn quarter_of_an_hour() -> u64 {
    900
}

impl Tokens {
    pub(super) fn new(address: &Address, keychain: Arc<dyn Keychain>, device: Device) -> Self {
        Self {
            name: format!("session {address}"),
            keychain,
            device,
            who: watch::Sender::new(None),
            address: address.clone(),
            held: Mutex::default(),
        }
    }

    pub(super) async fn sign_in(
        server: &Arc<Server>,
        login: &str,
        password: &Sensitive<String>,
    ) -> Result<Person, ApiError> {
        let tokens = &server.tokens;
        let mut held = tokens.held.lock().await;
        // A keychain that cannot be read cannot tell the device's id; a new one is made then.
        let _ = tokens.load(&mut held).await;
        let device = held.kept.as_ref().map(|kept| kept.device.clone());
        let body = json!({
            "login": login,
            "password": password.expose(),
            "device": {
                "id": device,
                "name": tokens.device.name,
                "platform": tokens.device.platform,
                "client": tokens.device.client,
            },
        });
        let answer = server
            .ask(Method::POST, "/v1/auth/login", None, Some(&body))
            .await?;
        let told: SignedIn = read(answer).await?;
        let person = told.user.clone();
        tokens.take(&mut held, told);
        tokens.save(&mut held).await?;
        Ok(person)
    }

    pub(super) async fn sign_out(server: &Arc<Server>) -> Result<(), ApiError> {
        let tokens = &server.tokens;
        let mut held = tokens.held.lock().await;
        let _ = tokens.load(&mut held).await;
        tokens.who.send_replace(Some(None));
        held.access = None;
        // Also what a locked keychain could not tell now is not to be used later in this run.
        held.is_read = true;
        if let Some(kept) = held.kept.take() {
            let body = json!({"refresh_token": kept.refresh_token});
            if let Ok(answer) = server
                .ask(Method::POST, "/v1/auth/logout", None, Some(&body))
                .await
            {
                // Out of reach: the sign-in ends there by itself when it is not used.
                let _ = success(answer).await;
            }
        }
        tokens.forget().await?;
        Ok(())
    }

    pub(super) async fn person(&self) -> Result<Option<Person>, ApiError> {
        let mut held = self.held.lock().await;
        self.load(&mut held).await?;
        Ok(held.kept.as_ref().map(|kept| kept.person.clone()))
    }

    pub(super) async fn access(
        server: &Arc<Server>,
    ) -> Result<Option<Sensitive<String>>, ApiError> {
        // On a task of its own: who asked may lose patience, but a token that came must not be lost.
        let server = Arc::clone(server);
        tokio::spawn(async move { Self::access_now(&server).await })
            .await
            .map_err(|_| ApiError::Unreachable)?
    }

    async fn access_now(server: &Arc<Server>) -> Result<Option<Sensitive<String>>, ApiError> {
        let tokens = &server.tokens;
        let mut held = tokens.held.lock().await;
        tokens.load(&mut held).await?;
        if held.is_unsaved {
            // Tried again; meanwhile the sign-in lasts as long as this program runs.
            let _ = tokens.save(&mut held).await;
        }
        if let Some((access, until)) = &held.access
            && *until > Instant::now() + MARGIN
        {
            return Ok(Some(access.clone()));
        }
        let Some(kept) = &held.kept else {
            return Ok(None);
        };
        let body = json!({"refresh_token": kept.refresh_token, "device": kept.device});
        let mut told = tokens.refreshed(server, &body).await;
        if matches!(told, Err(ApiError::Unreachable | ApiError::TimedOut)) {
            // The answer may have been lost after the token was used: the same one is taken for 10 s more.
            told = tokens.refreshed(server, &body).await;
        }
        match told {
            Ok(told) => {
                tokens.take(&mut held, told);
                // What cannot be kept is tried again with the next call.
                let _ = tokens.save(&mut held).await;
                Ok(held.access.as_ref().map(|(access, _)| access.clone()))
            }
            Err(ApiError::Refused(refused)) if refused.status == 401 => {
                held.access = None;
                held.kept = None;
                // It is good for nothing; if it stays, the next start finds that out again.
                let _ = tokens.forget().await;
                Err(ApiError::SignedOut)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn refused(&self, token: &Sensitive<String>) {
        let mut held = self.held.lock().await;
        if held
            .access
            .as_ref()
            .is_some_and(|(access, _)| access == token)
        {
            held.access = None;
        }
    }

    async fn refreshed(
        &self,
        server: &Server,
        body: &serde_json::Value,
    ) -> Result<SignedIn, ApiError> {
        let answer = server
            .ask(Method::POST, "/v1/auth/refresh", None, Some(body))
            .await?;
        read(answer).await
    }

    fn take(&self, held: &mut Held, told: SignedIn) {
        let until = Instant::now() + Duration::from_secs(told.expires_in.min(LONGEST_S));
        held.access = Some((told.access_token, until));
        held.kept = Some(Kept {
            refresh_token: told.refresh_token,
            device: told.device,
            person: told.user,
        });
        held.is_read = true;
        held.is_unsaved = true;
        self.tell_who(held);
    }

    async fn load(&self, held: &mut Held) -> Result<(), ApiError> {
        if held.is_read {
            return Ok(());
        }
        let name = self.name.clone();
        let found = self.asked(move |keychain| keychain.read(&name)).await;
        match found {
            Ok(found) => {
                held.is_read = true;
                held.kept = found
                    .map(Sensitive::new)
                    .and_then(|bytes| serde_json::from_slice(bytes.expose()).ok());
                self.tell_who(held);
                Ok(())
            }
            // Nothing can have been kept where there is no keychain.
            Err(KeychainError::Unavailable) => {
                self.tell_who(held);
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn tell_who(&self, held: &Held) {
        let login = held.kept.as_ref().map(|kept| &kept.person.login);
        let who = login.map(|login| format!("{login} {}", self.address));
        self.who.send_if_modified(|before| {
            let now = Some(who);
            let is_new = *before != now;
            *before = now;
            is_new
        });
    }

    async fn save(&self, held: &mut Held) -> Result<(), ApiError> {
        let Some(kept) = &held.kept else {
            return Ok(());
        };
        let bytes = Sensitive::new(serde_json::to_vec(kept).map_err(|_| ApiError::NotAllowed)?);
        let name = self.name.clone();
        self.asked(move |keychain| keychain.write(&name, bytes.expose()))
            .await?;
        held.is_unsaved = false;
        Ok(())
    }

    async fn forget(&self) -> Result<(), KeychainError> {
        let name = self.name.clone();
        match self.asked(move |keychain| keychain.forget(&name)).await {
            Err(KeychainError::Unavailable) => Ok(()),
            told => told,
        }
    }

    async fn asked<T: Send + 'static>(
        &self,
        ask: impl FnOnce(&dyn Keychain) -> Result<T, KeychainError> + Send + 'static,
    ) -> Result<T, KeychainError> {
        let keychain = Arc::clone(&self.keychain);
        let asked = tokio::task::spawn_blocking(move || ask(&*keychain));
        match tokio::time::timeout(KEYCHAIN_PATIENCE, asked).await {
            Ok(Ok(told)) => told,
            Ok(Err(_)) => Err(KeychainError::Failed),
            Err(_) => Err(KeychainError::Locked),
        }
    }
}
