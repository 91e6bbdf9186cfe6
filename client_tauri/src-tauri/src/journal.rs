//! What the log says of how things are: states, codes and counts, each when it changed. Never an address, a name, an id or a text.

use client_core::view::{OutboxState, Problem, Route, ServerKind, SidecarState, Snapshot};

/// What was said last.
#[derive(Debug, Default)]
pub struct Journal {
    route: Option<(Route, String)>,
    server: Option<(Option<ServerKind>, bool, bool, Option<String>)>,
    sidecar: Option<(SidecarState, Option<String>)>,
    outbox: Option<(OutboxState, Option<String>)>,
    takes: Option<(u64, u64, u64)>,
}

impl Journal {
    /// Writes what is new.
    pub fn follow(&mut self, now: &Snapshot) {
        let (route, server, outbox) = (&now.route, &now.server, &now.outbox);
        if is_new(&mut self.route, (route.active, route.reason.clone())) {
            tracing::info!(to = ?route.active, reason = route.reason, "takes go");
        }
        let problem = code(server.problem.as_ref());
        let standing = (server.kind, server.reachable, server.signed_in, problem);
        if is_new(&mut self.server, standing) {
            let (reachable, signed_in) = (server.reachable, server.signed_in);
            let code = code(server.problem.as_ref());
            tracing::info!(kind = ?server.kind, reachable, signed_in, code, "server");
        }
        let problem = code(now.sidecar.problem.as_ref());
        if is_new(&mut self.sidecar, (now.sidecar.state, problem)) {
            let code = code(now.sidecar.problem.as_ref());
            tracing::info!(state = ?now.sidecar.state, code, "server on this computer");
        }
        let problem = code(outbox.problem.as_ref());
        if is_new(&mut self.outbox, (outbox.state, problem)) {
            let code = code(outbox.problem.as_ref());
            tracing::info!(state = ?outbox.state, code, "outbox");
        }
        let (waiting, uploading, failed) = (outbox.waiting, outbox.uploading, outbox.failed);
        if is_new(&mut self.takes, (waiting, uploading, failed)) {
            tracing::info!(waiting, uploading, failed, "takes");
        }
    }
}

fn code(problem: Option<&Problem>) -> Option<String> {
    problem.map(|problem| problem.code.clone())
}

fn is_new<T: PartialEq>(said: &mut Option<T>, now: T) -> bool {
    let is_new = said.as_ref() != Some(&now);
    *said = Some(now);
    is_new
}

#[cfg(test)]
mod tests {
    use client_core::view::{
        Dictation, Kind, LastText, OutboxView, Platform, RouteView, ServerView, SidecarView,
    };
    use tracing::subscriber;

    use super::*;
    use crate::logs::{self, Log};

    fn snapshot() -> Snapshot {
        Snapshot {
            version: "0.1.0".into(),
            kind: Kind::Desktop,
            platform: Platform::LinuxX11,
            dictation: Dictation {
                stable: "Привет".into(),
                ..Dictation::default()
            },
            route: RouteView {
                active: Route::Outbox,
                pinned: None,
                reason: "starting".into(),
            },
            server: ServerView {
                kind: Some(ServerKind::Team),
                address: Some("https://voice.example.org".into()),
                user: Some("anna@example.org".into()),
                ..ServerView::default()
            },
            sidecar: SidecarView::default(),
            outbox: OutboxView {
                state: OutboxState::Locked,
                waiting: 0,
                uploading: 0,
                failed: 0,
                problem: Some(Problem::new("outbox.locked", "the keychain is locked")),
            },
            last: Some(LastText {
                text: "секрет".into(),
                at: 0.0,
                inserted: true,
                problem: None,
            }),
            first_start: false,
        }
    }

    #[test]
    fn at_the_default_level_the_log_says_what_changed_and_nothing_of_a_person() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alfavoice.log");
        let subscriber = logs::subscriber("", Log::open(&path).unwrap());
        subscriber::with_default(subscriber, || {
            let mut journal = Journal::default();
            let mut now = snapshot();
            journal.follow(&now);
            journal.follow(&now);
            now.server.reachable = true;
            now.server.problem = Some(Problem::new("auth.expired", "sign in again"));
            now.outbox.problem = None;
            now.outbox.state = OutboxState::Open;
            now.outbox.waiting = 2;
            journal.follow(&now);
        });
        let log = std::fs::read_to_string(&path).unwrap();
        assert_eq!(log.lines().count(), 5 + 3, "{log}");
        for said in [
            "reason=\"starting\"",
            "code=\"outbox.locked\"",
            "state=Open",
            "reachable=true",
            "code=\"auth.expired\"",
            "waiting=2 uploading=0 failed=0",
        ] {
            assert!(log.contains(said), "{said}: {log}");
        }
        for kept in ["anna", "example.org", "Привет", "секрет"] {
            assert!(!log.contains(kept), "{kept}");
        }
        let bundle = crate::bundle::written(&[], &path);
        assert!(bundle.contains("code=\"outbox.locked\""), "{bundle}");
    }
}
