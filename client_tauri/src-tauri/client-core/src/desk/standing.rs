//! Which servers there are, how they are, and what follows from it for the route and the snapshot.

use std::sync::Arc;

use tokio::sync::Notify;

use super::background::outbox_problem;
use super::conductor::{Conductor, Kind, Watched};
use super::servers::{self, Report, Which};
use crate::account::{Address, Server};
use crate::outbox::OutboxError;
use crate::routing::{Circumstances, Standing, choose};
use crate::settings::ServerChoice;
use crate::tls::Fingerprint;
use crate::uploads::Target;
use crate::view::{
    Kind as ProgramKind, OutboxState, OutboxView, Problem, Route, RouteView, ServerKind,
    ServerView, SidecarState, Snapshot,
};

impl Conductor {
    /// The server on this computer came, went or changed.
    pub(super) fn local_changed(&mut self) {
        let server = self.local.borrow().server.clone();
        let same = match (&self.here, &server) {
            (Some(watched), Some(server)) => Arc::ptr_eq(&watched.server, server),
            (None, None) => true,
            _ => false,
        };
        if !same {
            let former = self.here.take();
            drop(former.map(Watched::forget));
            self.here = server.map(|server| self.look_at(server, Which::Local));
        }
        self.decide();
    }

    /// The settings changed, perhaps the server in them.
    pub(super) fn settings_changed(&mut self) {
        let choice = self.shared.settings.borrow().server.clone();
        if self.team_choice.as_ref() != Some(&choice) {
            let former = self.team.take();
            drop(former.map(Watched::forget));
            self.team_problem = None;
            match self.team_of(&choice) {
                Some(Ok(server)) => self.team = Some(self.look_at(server, Which::Team)),
                Some(Err(problem)) => self.team_problem = Some(problem),
                None => {}
            }
            self.team_choice = Some(choice);
        }
        self.decide();
    }

    fn team_of(&self, choice: &ServerChoice) -> Option<Result<Arc<Server>, Problem>> {
        let address: Result<Address, _> = choice.address.as_deref()?.parse();
        let unusable =
            |why: String| Problem::new("server.address", why).with_action("choose_server");
        let pin = match choice.certificate.as_deref().map(str::parse::<Fingerprint>) {
            Some(Err(error)) => return Some(Err(unusable(error.to_string()))),
            Some(Ok(pin)) => Some(pin),
            None => None,
        };
        let address = match address {
            Ok(address) => address,
            Err(error) => return Some(Err(unusable(error.to_string()))),
        };
        let (keychain, device) = (self.shared.keychain.clone(), self.shared.device.clone());
        let server = Server::new(address, pin, keychain, device);
        Some(server.map_err(|error| error.problem()))
    }

    fn look_at(&mut self, server: Arc<Server>, which: Which) -> Watched {
        let again = Arc::new(Notify::new());
        let inbox = self.shared.inbox.clone();
        let looking = servers::watch(server.clone(), which, again.clone(), inbox);
        let looking = self.tasks.spawn(looking);
        self.kinds.insert(looking.id(), Kind::Looking(which));
        Watched {
            server,
            again,
            report: Report::unknown(),
            looking,
        }
    }

    /// The task that looked at it is gone.
    pub(super) fn look_anew(&mut self, which: Which) {
        let former = match which {
            Which::Local => self.here.take(),
            Which::Team => self.team.take(),
        };
        let watched = former.map(|former| self.look_at(former.forget(), which));
        match which {
            Which::Local => self.here = watched,
            Which::Team => self.team = watched,
        }
    }

    /// Looks at all servers now.
    pub(super) fn look_again(&self) {
        for watched in self.here.iter().chain(&self.team) {
            watched.again.notify_one();
        }
    }

    pub(super) fn looked(&mut self, which: Which, report: Report) {
        let watched = match which {
            Which::Local => &mut self.here,
            Which::Team => &mut self.team,
        };
        if let Some(watched) = watched {
            watched.report = report;
        }
        self.decide();
    }

    fn decide(&mut self) {
        self.dirty = true;
        let local = match self.local.borrow().view.state {
            SidecarState::Ready => standing_of(&self.here),
            SidecarState::Starting | SidecarState::Restarting => Standing::Starting,
            SidecarState::Stopped | SidecarState::Failed => Standing::Unreachable,
            SidecarState::Absent => Standing::None,
        };
        let team = match self.team_problem {
            Some(_) => Standing::Refused,
            None => standing_of(&self.team),
        };
        let choice = self.shared.settings.borrow().server.clone();
        let chosen = |kind, standing| {
            // A server that nobody chose is none, unless it is there and ready.
            let counts = choice.kind == Some(kind) || standing == Standing::Ready;
            if counts { standing } else { Standing::None }
        };
        self.choice = choose(Circumstances {
            local: chosen(ServerKind::Local, local),
            team: chosen(ServerKind::Team, team),
            pinned: choice.pinned,
        });
        let server = |watched: &Option<Watched>| watched.as_ref().map(|one| one.server.clone());
        let routed = match self.choice.route {
            Route::Local => server(&self.here),
            Route::Team => server(&self.team),
            Route::Outbox => None,
        };
        let screens = match choice.kind {
            Some(ServerKind::Local) => server(&self.here),
            Some(ServerKind::Team) => server(&self.team),
            None => None,
        };
        let same = |before: Option<&Arc<Server>>, now: Option<&Arc<Server>>| match (before, now) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (before, now) => before.is_none() && now.is_none(),
        };
        let route = self.choice.route;
        self.uploading_to.send_if_modified(|before| {
            let former = before.as_ref().map(|target| &target.server);
            let is_new = !same(former, routed.as_ref());
            if is_new {
                *before = routed.map(|server| Target { route, server });
            }
            is_new
        });
        self.shared.server.send_if_modified(|before| {
            let is_new = !same(before.as_ref(), screens.as_ref());
            if is_new {
                *before = screens;
            }
            is_new
        });
    }

    /// All that the screens show.
    pub(super) fn view(&self) -> Snapshot {
        let settings = self.shared.settings.borrow();
        Snapshot {
            version: self.shared.version.clone(),
            kind: ProgramKind::Desktop,
            platform: self.shared.platform,
            dictation: self.coordinator.view(),
            route: RouteView {
                active: self.choice.route,
                pinned: settings.server.pinned,
                reason: self.choice.reason.code().into(),
            },
            server: self.server_view(&settings.server),
            sidecar: self.local.borrow().view.clone(),
            outbox: self.outbox_view(),
            last: self.coordinator.last().cloned(),
            first_start: settings.server.kind.is_none(),
        }
    }

    fn server_view(&self, choice: &ServerChoice) -> ServerView {
        let watched = match choice.kind {
            Some(ServerKind::Local) => &self.here,
            Some(ServerKind::Team) => &self.team,
            None => &None,
        };
        let team = choice.kind == Some(ServerKind::Team);
        let empty = ServerView {
            kind: choice.kind,
            address: choice.address.clone().filter(|_| team),
            problem: self.team_problem.clone().filter(|_| team),
            ..ServerView::default()
        };
        let Some(Watched { server, report, .. }) = watched else {
            return empty;
        };
        ServerView {
            address: Some(server.address().to_string()),
            reachable: matches!(report.standing, Standing::Ready | Standing::SignedOut),
            signed_in: report.signed_in,
            user: report.user.clone(),
            version: report.version.clone(),
            problem: report.problem.clone(),
            ..empty
        }
    }

    fn outbox_view(&self) -> OutboxView {
        let status = self.shared.outbox.status().borrow().clone();
        let state = match status.problem {
            _ if status.is_open => OutboxState::Open,
            Some(OutboxError::KeyLost) => OutboxState::KeyLost,
            Some(OutboxError::Damaged) => OutboxState::Damaged,
            _ => OutboxState::Locked,
        };
        OutboxView {
            state,
            waiting: self.counts.pending,
            uploading: self.counts.uploading,
            failed: self.counts.failed,
            problem: status.problem.map(outbox_problem),
        }
    }
}

impl Watched {
    /// Looks no more.
    fn forget(self) -> Arc<Server> {
        self.looking.abort();
        self.server
    }
}

fn standing_of(watched: &Option<Watched>) -> Standing {
    watched
        .as_ref()
        .map_or(Standing::None, |watched| watched.report.standing)
}
