//! The server on this computer, joined to the desk: started when it is chosen, shown as it stands, its models.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use client_core::account::{Device, Server};
use client_core::desk::Local;
use client_core::ports::Keychain;
use client_core::settings::Settings;
use client_core::sidecar::{PullStep, Sidecar, SidecarError, Standing};
use client_core::view::{Download, Problem, ServerKind, SidecarState, SidecarView};
use tokio::sync::{Notify, mpsc, watch};

/// Names a server's program other than the one that is found (a developer's).
pub const PROGRAM_VARIABLE: &str = "ALFAVOICE_SERVER_PROGRAM";
/// Steps of a download that wait to be shown; more are left out.
const STEPS: usize = 16;

/// What is known of a model's files since this program was started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Checked {
    /// Nobody has looked.
    #[default]
    Unknown,
    /// They are being read.
    Verifying,
    /// As they were installed.
    Good,
    /// Not as they were installed, or gone.
    Bad,
}

/// The server on this computer, for the commands of the screens.
#[derive(Clone)]
pub struct LocalServer {
    /// The one that is supervised.
    pub sidecar: Sidecar,
    /// What it downloads now.
    download: watch::Sender<Option<Download>>,
    /// One download at a time.
    turn: Arc<tokio::sync::Mutex<()>>,
    cancelled: Arc<Notify>,
    checked: Arc<Mutex<HashMap<String, Checked>>>,
    problems: Arc<Mutex<HashMap<String, Problem>>>,
}

/// How the desk reaches it.
pub struct Reach {
    /// Where sign-ins are kept: nobody signs in there, but a server is described with it.
    pub keychain: Arc<dyn Keychain>,
    /// This program, as servers list it.
    pub device: Device,
}

/// The server's program, if there is one on this computer.
#[must_use]
pub fn program() -> Option<PathBuf> {
    let named = std::env::var_os(PROGRAM_VARIABLE).map(PathBuf::from);
    let own = std::env::current_exe().ok();
    client_core::sidecar::find(named.as_deref(), own.as_deref().and_then(Path::parent))
}

impl LocalServer {
    /// Over that sidecar.
    #[must_use]
    pub fn new(sidecar: Sidecar) -> Self {
        Self {
            sidecar,
            download: watch::Sender::new(None),
            turn: Arc::default(),
            cancelled: Arc::default(),
            checked: Arc::default(),
            problems: Arc::default(),
        }
    }

    /// Fetches a model, shown as it goes on; what went wrong stays beside the model until it is tried again. Cancelled, it is
    /// no failure: the parts that are here are not fetched again.
    ///
    /// # Errors
    /// `model.one_at_a_time`, `model.not_installed`, and as [`Sidecar::install`].
    pub async fn install(&self, name: &str) -> Result<(), Problem> {
        let Ok(_turn) = self.turn.try_lock() else {
            return Err(Problem::new(
                "model.one_at_a_time",
                "another model is being downloaded",
            ));
        };
        locked(&self.problems).remove(name);
        let fetched = tokio::select! {
            fetched = self.fetch(name) => fetched,
            () = self.cancelled.notified() => {
                self.download.send_replace(None);
                return Ok(());
            }
        };
        if let Err(problem) = &fetched {
            locked(&self.problems).insert(name.to_owned(), problem.clone());
        } else {
            locked(&self.checked).insert(name.to_owned(), Checked::Good);
        }
        fetched
    }

    /// Ends the download that goes on, if one does.
    pub fn cancel_install(&self) {
        self.cancelled.notify_waiters();
    }

    /// Reads all files of a model; what came of it is in [`LocalServer::checked`].
    ///
    /// # Errors
    /// As [`Sidecar::verify`], but for a damaged model.
    pub async fn verify(&self, name: &str) -> Result<(), Problem> {
        locked(&self.checked).insert(name.to_owned(), Checked::Verifying);
        let (checked, told) = match self.sidecar.verify(name).await {
            Ok(()) => (Checked::Good, Ok(())),
            Err(SidecarError::Failed) => (Checked::Bad, Ok(())),
            Err(error) => (Checked::Unknown, Err(error.problem())),
        };
        locked(&self.checked).insert(name.to_owned(), checked);
        told
    }

    /// What is known of a model's files.
    #[must_use]
    pub fn checked(&self, name: &str) -> Checked {
        locked(&self.checked).get(name).copied().unwrap_or_default()
    }

    /// Forgets what was known of a model's files.
    pub fn forget_check(&self, name: &str) {
        locked(&self.checked).remove(name);
    }

    /// Why a model could not be fetched.
    #[must_use]
    pub fn problem(&self, name: &str) -> Option<Problem> {
        locked(&self.problems).get(name).cloned()
    }

    async fn fetch(&self, name: &str) -> Result<(), Problem> {
        let (steps, mut said) = mpsc::channel::<PullStep>(STEPS);
        let show = self.download.clone();
        let model = name.to_owned();
        let began = Download {
            name: name.to_owned(),
            received: 0,
            total: 0,
        };
        show.send_replace(Some(began));
        let shown = async {
            while let Some(step) = said.recv().await {
                show.send_replace(Some(Download {
                    name: model.clone(),
                    received: step.done_bytes,
                    total: step.total_bytes.unwrap_or_default(),
                }));
            }
        };
        // It ends with the last step: the sender is gone.
        let (installed, ()) = tokio::join!(self.sidecar.install(name, steps), shown);
        self.download.send_replace(None);
        installed.map_err(|error| match error {
            SidecarError::Failed => Problem::new("model.not_installed", error.to_string()),
            other => other.problem(),
        })
    }

    /// What it downloads now.
    #[must_use]
    pub fn downloading(&self) -> Option<Download> {
        self.download.borrow().clone()
    }

    /// Tells the desk how it stands, until either is gone.
    pub async fn tell(self, reach: Reach, local: watch::Sender<Local>) {
        let mut standing = self.sidecar.standing();
        let mut download = self.download.subscribe();
        loop {
            let now = standing.borrow_and_update().clone();
            let fetched = download.borrow_and_update().clone();
            let server = match &now {
                Standing::Ready(address) => Server::new(
                    address.clone(),
                    None,
                    reach.keychain.clone(),
                    reach.device.clone(),
                )
                .ok(),
                _ => None,
            };
            local.send_replace(Local {
                view: view(&now, fetched),
                server,
            });
            let changed = tokio::select! {
                changed = standing.changed() => changed,
                changed = download.changed() => changed,
                () = local.closed() => return,
            };
            if changed.is_err() {
                return;
            }
        }
    }
}

fn locked<T>(kept: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts it when it is chosen and stops it when another one is, until the desk is gone.
pub async fn follow(sidecar: Sidecar, mut settings: watch::Receiver<Settings>) {
    let mut runs = false;
    loop {
        let wanted = settings.borrow_and_update().server.kind == Some(ServerKind::Local);
        if wanted != runs {
            runs = wanted;
            if wanted {
                sidecar.start().await
            } else {
                sidecar.stop().await
            }
        }
        if settings.changed().await.is_err() {
            return;
        }
    }
}

fn view(standing: &Standing, download: Option<Download>) -> SidecarView {
    let (state, problem) = match standing {
        Standing::Absent => (SidecarState::Absent, None),
        Standing::Stopped => (SidecarState::Stopped, None),
        Standing::Starting => (SidecarState::Starting, None),
        Standing::Ready(_) => (SidecarState::Ready, None),
        Standing::Restarting(problem) => (SidecarState::Restarting, Some(problem.clone())),
        Standing::Failed(problem) => (SidecarState::Failed, Some(problem.clone())),
    };
    SidecarView {
        state,
        problem,
        download,
    }
}
