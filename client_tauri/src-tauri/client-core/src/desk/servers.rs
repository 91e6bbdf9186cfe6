//! Whether a server can be dictated to: asked now and then, and at once when something has changed.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::conductor::Message;
use crate::account::{Probed, Server};
use crate::api::{ApiError, Call};
use crate::routing::Standing;
use crate::settings::is_language;
use crate::view::Problem;

/// All of a look, with its two questions and a token that may have to be refreshed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A keychain is unlocked by the person at some time.
const KEYCHAIN_AGAIN: Duration = Duration::from_secs(10);

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    Local,
    Team,
}

/// What a look came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Report {
    pub standing: Standing,
    pub version: Option<String>,
    pub signed_in: bool,
    pub user: Option<String>,
    pub problem: Option<Problem>,
    /// How its person wants to dictate, on whatever computer; `None`: that could not be asked.
    pub wishes: Option<Wishes>,
}

/// How somebody wants to dictate (`/v1/preferences`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wishes {
    /// ISO 639-1, or `auto`.
    pub language: String,
    /// Whether text is wanted while they speak.
    pub partials: bool,
}

impl Report {
    /// Before the first look.
    pub fn unknown() -> Self {
        Self {
            standing: Standing::Starting,
            ..Self::default()
        }
    }

    fn interval(&self) -> Duration {
        match self.standing {
            Standing::Ready => Duration::from_secs(30),
            Standing::Starting => Duration::from_secs(1),
            Standing::None | Standing::SignedOut | Standing::Unreachable | Standing::Refused => {
                Duration::from_secs(5)
            }
        }
    }
}

/// Looks for as long as the future is polled.
pub(super) async fn watch(
    server: Arc<Server>,
    which: Which,
    again: Arc<Notify>,
    inbox: mpsc::Sender<Message>,
) {
    // Also while it is out of reach: takes are to know whose they are.
    let known = async {
        while server.person().await.is_err() {
            tokio::time::sleep(KEYCHAIN_AGAIN).await;
        }
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = known => {}
        () = looks(&server, which, again, inbox) => {}
    }
}

async fn looks(
    server: &Arc<Server>,
    which: Which,
    again: Arc<Notify>,
    inbox: mpsc::Sender<Message>,
) {
    loop {
        let report = match tokio::time::timeout(PATIENCE, look(server)).await {
            Ok(report) => report,
            Err(_) => failed(&ApiError::TimedOut),
        };
        let interval = report.interval();
        let told = Message::Standing(which, server.clone(), report);
        if inbox.send(told).await.is_err() {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            () = again.notified() => {}
            () = server.wishes_changed() => {}
        }
    }
}

async fn look(server: &Arc<Server>) -> Report {
    match server.probe().await {
        Ok(probed) => {
            let mut report = identity(server, &probed).await;
            report.version = Some(probed.version);
            report
        }
        Err(error) => failed(&error),
    }
}

async fn identity(server: &Arc<Server>, probed: &Probed) -> Report {
    let mut report = Report::default();
    if probed.needs_sign_in {
        match signed_in(server).await {
            Ok(user) => {
                report.signed_in = user.is_some();
                report.user = user;
            }
            Err(error) if error.passes() => return failed(&error),
            Err(error) => report.problem = Some(error.problem().with_action("sign_in")),
        }
    } else {
        report.signed_in = true;
    }
    report.standing = if !report.signed_in {
        Standing::SignedOut
    } else if probed.ready {
        Standing::Ready
    } else {
        let reasons = probed.reasons.join(", ");
        report.problem = Some(Problem::new("server.not_ready", reasons));
        Standing::Starting
    };
    if report.standing == Standing::Ready {
        report.wishes = wishes(server).await;
    }
    report
}

async fn wishes(server: &Arc<Server>) -> Option<Wishes> {
    let told = server.call(&Call::get("/v1/preferences")).await.ok()?;
    let values = &told["values"];
    let language = values["language"].as_str().filter(|one| is_language(one));
    Some(Wishes {
        language: language.unwrap_or("auto").to_owned(),
        partials: values["shows_partials"].as_bool().unwrap_or(true),
    })
}

/// Who is signed in there, with a sign-in that the server still takes.
async fn signed_in(server: &Arc<Server>) -> Result<Option<String>, ApiError> {
    let Some(person) = server.person().await? else {
        return Ok(None);
    };
    if server.token().await?.is_none() {
        return Ok(None);
    }
    let named = !person.name.is_empty();
    Ok(Some(if named { person.name } else { person.login }))
}

fn failed(error: &ApiError) -> Report {
    let standing = match error {
        ApiError::UnknownCertificate(_)
        | ApiError::ChangedCertificate { .. }
        | ApiError::OtherVersion
        | ApiError::NotOurs
        | ApiError::InClear
        | ApiError::Tls => Standing::Refused,
        _ => Standing::Unreachable,
    };
    Report {
        standing,
        problem: Some(error.problem()),
        ..Report::default()
    }
}
