//! The server on this computer, joined to the desk: started when it is chosen, shown as it stands, its models.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use client_core::account::{Device, Server};
use client_core::desk::Local;
use client_core::ports::Keychain;
use client_core::settings::Settings;
use client_core::sidecar::{PullStep, Sidecar, Standing};
use client_core::view::{Download, Problem, ServerKind, SidecarState, SidecarView};
use tokio::sync::{mpsc, watch};

/// Names a server's program other than the one that is found (a developer's).
pub const PROGRAM_VARIABLE: &str = "ALFAVOICE_SERVER_PROGRAM";
/// Steps of a download that wait to be shown; more are left out.
const STEPS: usize = 16;

/// The server on this computer, for the commands of the screens.
#[derive(Clone)]
pub struct LocalServer {
    /// The one that is supervised.
    pub sidecar: Sidecar,
    /// What it downloads now.
    download: watch::Sender<Option<Download>>,
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
        }
    }

    /// Fetches a model, shown as it goes on.
    ///
    /// # Errors
    /// As [`Sidecar::install`].
    pub async fn install(&self, name: &str) -> Result<(), Problem> {
        let (steps, mut said) = mpsc::channel::<PullStep>(STEPS);
        let show = self.download.clone();
        let model = name.to_owned();
        let shown = tokio::spawn(async move {
            while let Some(step) = said.recv().await {
                show.send_replace(Some(Download {
                    name: model.clone(),
                    received: step.done_bytes,
                    total: step.total_bytes.unwrap_or_default(),
                }));
            }
            show.send_replace(None);
        });
        let installed = self.sidecar.install(name, steps).await;
        // It ends with the last step: the sender is gone.
        let _ = shown.await;
        installed.map_err(|error| error.problem())
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
