//! Which servers there are, how they are, and what follows from it for the route and the snapshot.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::background::{self, outbox_problem, salvaged};
use super::conductor::{Conductor, Kind, Watched};
use super::seeking::Aim;
use super::servers::{self, Report, Which, Wishes};
use crate::account::{Address, Server};
use crate::outbox::OutboxError;
use crate::routing::{Circumstances, Reason, Standing, choose};
use crate::settings::ServerChoice;
use crate::tls::Fingerprint;
use crate::uploads::Target;
use crate::view::{
    Kind as ProgramKind, OutboxState, OutboxView, Problem, Route, RouteView, ServerKind,
    ServerView, SidecarState, Snapshot,
};

/// A disk that is full off and on is told of this often at most.
const TOLD_AGAIN: Duration = Duration::from_secs(60);

impl Conductor {
    /// The outbox opened, or cannot keep what is said on the disk. That is said at once: the window may be closed for weeks.
    pub(super) fn outbox_changed(&mut self) {
        self.dirty = true;
        let now = self.shared.outbox.status().borrow().clone();
        let was = std::mem::replace(&mut self.box_was, now.clone());
        let damaged = now.salvaged.is_some() && now.salvaged != was.salvaged;
        let new = now.problem.filter(|problem| Some(*problem) != was.problem);
        if damaged {
            self.say_problem(salvaged(), None);
        }
        let lately = |problem| {
            self.box_told
                .is_some_and(|(told, at)| told == problem && at.elapsed() < TOLD_AGAIN)
        };
        let Some(problem) = new.filter(|problem| !lately(*problem)) else {
            return;
        };
        if problem != OutboxError::Closed {
            self.box_told = Some((problem, Instant::now()));
            self.say_problem(outbox_problem(problem), None);
        }
    }

    /// The server on this computer came, went or changed.
    pub(super) fn local_changed(&mut self) {
        let server = self.local.borrow().server.clone();
        let same = match (&self.here, &server) {
            // Described anew with each step of a download: it is the same one nevertheless.
            (Some(watched), Some(server)) => watched.server.address() == server.address(),
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

    pub(super) fn looked(&mut self, which: Which, server: &Arc<Server>, report: Report) {
        let watched = match which {
            Which::Local => &mut self.here,
            Which::Team => &mut self.team,
        };
        let Some(watched) = watched
            .as_mut()
            .filter(|watched| Arc::ptr_eq(&watched.server, server))
        else {
            // It waited in the inbox while the person chose another server, of which it says nothing.
            return;
        };
        watched.report = report;
        self.decide();
        let known = self.shared.settings.borrow().dictation.language.clone();
        if let Some(wishes) = self.wishes()
            && wishes.language != known
        {
            let language = wishes.language.clone();
            self.tasks
                .spawn(background::remember(self.shared.clone(), language));
        }
    }

    /// How the person wants to dictate, if the server that takes go to has told.
    pub(super) fn wishes(&self) -> Option<&Wishes> {
        let watched = match self.choice.route {
            Route::Local => &self.here,
            Route::Team => &self.team,
            Route::Outbox => &None,
        };
        watched.as_ref()?.report.wishes.as_ref()
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
            // The server on this computer is as good as the chosen one, if it is ready; the team's is only for who chose it.
            let counts = choice.kind == Some(kind) || choice.pinned == Some(route_to(kind));
            if counts || (kind == ServerKind::Local && standing == Standing::Ready) {
                standing
            } else {
                Standing::None
            }
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
        let aim = Aim {
            target: routed.clone().map(|server| Target { route, server }),
            is_starting: self.choice.reason == Reason::Starting,
        };
        self.aim.send_replace(aim);
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

    /// What a take that begins now is meant for, the address of the server if it is the team's, and who is signed in there. The
    /// chosen one, also while it is away: what is said for it is for no other.
    pub(super) fn meant(&self) -> (Route, Option<String>, Option<String>) {
        let choice = self.shared.settings.borrow().server.clone();
        let route = match choice.pinned.unwrap_or(self.choice.route) {
            Route::Outbox => choice.kind.map_or(Route::Outbox, route_to),
            route => route,
        };
        let team = self.team.as_ref().filter(|_| route == Route::Team);
        let watched = match route {
            Route::Local => self.here.as_ref(),
            Route::Team => team,
            Route::Outbox => None,
        };
        let person = watched.and_then(|watched| watched.server.signed_in_as());
        let address = match team {
            Some(team) => Some(team.server.address().to_string()),
            // Not connected to, because of what its address is like: the take is for that server all the same.
            None => choice
                .address
                .filter(|_| route == Route::Team)
                .and_then(|text| text.parse::<Address>().ok())
                .map(String::from),
        };
        (route, address, person)
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

fn route_to(kind: ServerKind) -> Route {
    match kind {
        ServerKind::Local => Route::Local,
        ServerKind::Team => Route::Team,
    }
}

fn standing_of(watched: &Option<Watched>) -> Standing {
    watched
        .as_ref()
        .map_or(Standing::None, |watched| watched.report.standing)
}
