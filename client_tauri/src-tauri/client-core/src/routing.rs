//! Where a take goes: the server on this computer, the team's server, or the outbox. Pure, and never silent: each
//! choice carries its reason.
//!
//! The order is fixed: local → team → outbox. A pin is kept even when its server cannot be reached; then the take waits
//! in the outbox for that server, because sending speech somewhere else than asked would be the worse surprise.

use crate::view::Route;

/// What is known of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Standing {
    /// None was chosen.
    #[default]
    None,
    /// It is being started or asked for the first time.
    Starting,
    /// It answers and lets us dictate.
    Ready,
    /// It answers, but nobody is signed in.
    SignedOut,
    /// It does not answer.
    Unreachable,
    /// It speaks another protocol or shows another certificate than before.
    Refused,
}

/// What the choice is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Circumstances {
    /// The server on this computer.
    pub local: Standing,
    /// The team's.
    pub team: Standing,
    /// What the person fixed.
    pub pinned: Option<Route>,
}

/// Why it is this route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The first in the order that is ready.
    Ready,
    /// The person fixed it, and it is ready.
    Pinned,
    /// The server on this computer is not ready, the team's is.
    LocalNotReady,
    /// No server has been chosen.
    NoServer,
    /// It is on its way.
    Starting,
    /// Somebody has to sign in.
    SignedOut,
    /// It does not answer.
    Unreachable,
    /// It must not be used as it is.
    Refused,
}

impl Reason {
    /// Stable code for the screens.
    pub fn code(self) -> &'static str {
        match self {
            Self::Ready => "preferred",
            Self::Pinned => "pinned",
            Self::LocalNotReady => "local_starting",
            Self::NoServer => "no_server",
            Self::Starting => "local_starting",
            Self::SignedOut => "signed_out",
            Self::Unreachable => "server_unreachable",
            Self::Refused => "server_refused",
        }
    }
}

/// The choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Choice {
    /// Where to.
    pub route: Route,
    /// Why.
    pub reason: Reason,
}

/// Chooses where the next take goes.
pub fn choose(now: Circumstances) -> Choice {
    match now.pinned {
        Some(Route::Outbox) => outbox(Reason::Pinned),
        Some(Route::Local) => pinned(Route::Local, now.local),
        Some(Route::Team) => pinned(Route::Team, now.team),
        None => unpinned(now),
    }
}

fn unpinned(now: Circumstances) -> Choice {
    if now.local == Standing::Ready {
        return Choice {
            route: Route::Local,
            reason: Reason::Ready,
        };
    }
    if now.team == Standing::Ready {
        let reason = if now.local == Standing::None {
            Reason::Ready
        } else {
            Reason::LocalNotReady
        };
        return Choice {
            route: Route::Team,
            reason,
        };
    }
    // The team's server is what a person can do something about; the local one is looked after by us.
    let told = if now.team == Standing::None {
        now.local
    } else {
        now.team
    };
    outbox(lacking(told))
}

fn pinned(route: Route, standing: Standing) -> Choice {
    if standing == Standing::Ready {
        Choice {
            route,
            reason: Reason::Pinned,
        }
    } else {
        outbox(lacking(standing))
    }
}

fn outbox(reason: Reason) -> Choice {
    Choice {
        route: Route::Outbox,
        reason,
    }
}

fn lacking(standing: Standing) -> Reason {
    match standing {
        Standing::None => Reason::NoServer,
        Standing::Starting => Reason::Starting,
        Standing::SignedOut => Reason::SignedOut,
        Standing::Unreachable => Reason::Unreachable,
        Standing::Refused => Reason::Refused,
        Standing::Ready => Reason::Ready,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(local: Standing, team: Standing, pinned: Option<Route>) -> (Route, &'static str) {
        let choice = choose(Circumstances {
            local,
            team,
            pinned,
        });
        (choice.route, choice.reason.code())
    }

    #[test]
    fn the_order_is_local_then_team_then_outbox() {
        use Standing::{None as Absent, Ready, SignedOut, Starting, Unreachable};
        assert_eq!(at(Ready, Ready, None), (Route::Local, "preferred"));
        assert_eq!(at(Starting, Ready, None), (Route::Team, "local_starting"));
        assert_eq!(at(Absent, Ready, None), (Route::Team, "preferred"));
        assert_eq!(
            at(Starting, Absent, None),
            (Route::Outbox, "local_starting")
        );
        assert_eq!(at(Starting, SignedOut, None), (Route::Outbox, "signed_out"));
        assert_eq!(
            at(Absent, Unreachable, None),
            (Route::Outbox, "server_unreachable")
        );
        assert_eq!(at(Absent, Absent, None), (Route::Outbox, "no_server"));
    }

    #[test]
    fn a_pinned_server_that_is_away_never_means_another_server() {
        use Standing::{Ready, Unreachable};
        let pin = Some(Route::Team);
        assert_eq!(
            at(Ready, Unreachable, pin),
            (Route::Outbox, "server_unreachable")
        );
        assert_eq!(at(Ready, Ready, pin), (Route::Team, "pinned"));
        assert_eq!(
            at(Ready, Ready, Some(Route::Outbox)),
            (Route::Outbox, "pinned")
        );
    }

    fn standing() -> impl Strategy<Value = Standing> {
        use Standing::{None, Ready, Refused, SignedOut, Starting, Unreachable};
        prop::sample::select(vec![None, Starting, Ready, SignedOut, Unreachable, Refused])
    }

    fn pin() -> impl Strategy<Value = Option<Route>> {
        prop::option::of(prop::sample::select(vec![
            Route::Local,
            Route::Team,
            Route::Outbox,
        ]))
    }

    proptest! {
        #[test]
        fn speech_goes_only_to_a_ready_server_and_only_where_it_may(local in standing(), team in standing(), pinned in pin()) {
            let choice = choose(Circumstances { local, team, pinned });
            match choice.route {
                Route::Local => prop_assert!(local == Standing::Ready && pinned.is_none_or(|pin| pin == Route::Local)),
                Route::Team => prop_assert!(team == Standing::Ready && pinned.is_none_or(|pin| pin == Route::Team)),
                Route::Outbox => prop_assert!(pinned.is_some() || (local != Standing::Ready && team != Standing::Ready)),
            }
        }
    }
}
