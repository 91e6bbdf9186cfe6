//! A take that began before there was a server: it goes live with the first one it may go to.
//!
//! Its audio goes into the outbox as always, so nothing waits for this: the microphone is on, and what was said until then is
//! sent when the server is there.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::take::{Goes, Going};
use crate::account::Server;
use crate::connection::{self, Opening};
use crate::outbox::{State, may_go};
use crate::uploads::Target;
use crate::view::Route;

/// A take that is over waits no longer, from its beginning on, for a server that is just starting.
pub(super) const FIRST_WORD: Duration = Duration::from_secs(3);

/// Where takes go now.
#[derive(Clone, Default)]
pub(super) struct Aim {
    pub target: Option<Target>,
    /// There is none yet, but a server is being started, or asked for the first time.
    pub is_starting: bool,
}

/// Waits for a server that a take meant for this may go to. `None`: the take is over, and no server is on its way any more.
pub(super) async fn found(
    aim: &mut watch::Receiver<Aim>,
    meant: (Route, Option<&str>),
    is_over: bool,
) -> Option<Target> {
    loop {
        let now = aim.borrow_and_update().clone();
        if let Some(target) = now.target
            && may_go(meant, target.route, &target.server.address().to_string())
        {
            return Some(target);
        }
        if is_over && !now.is_starting {
            return None;
        }
        if aim.changed().await.is_err() {
            // The program ends; the end of its orders tells the take so.
            std::future::pending::<()>().await;
        }
    }
}

impl Going {
    pub fn connect(&mut self, server: Arc<Server>) {
        let opening = Opening {
            take: self.task.id,
            partials: self.task.partials,
            client: self.task.client.clone(),
        };
        let (outbox, told) = (self.task.outbox.clone(), self.told.clone());
        let (handle, link) = connection::connect(server, outbox, opening, told);
        self.seeks = false;
        self.handle = Some(handle);
        self.link = Some(Box::pin(link));
    }

    /// A server came while somebody speaks, or just after.
    pub async fn found(&mut self, target: Target) -> Goes {
        let address = target.server.address().to_string();
        let address = Some(address).filter(|_| target.route == Route::Team);
        // What cannot be written now is written when the server knows the take.
        let _ = self
            .task
            .outbox
            .meant_for(self.task.id, target.route, address)
            .await;
        self.connect(target.server);
        if let Some(handle) = &self.handle {
            handle.appended(self.samples);
            if self.finished {
                handle.finish(self.samples);
            }
        }
        Goes::On
    }

    /// No server came in time.
    pub async fn give_up(&mut self) -> Goes {
        // An error says that it was removed meanwhile, or that the outbox is closed.
        let _ = self
            .task
            .outbox
            .recorded(self.task.id, State::Pending)
            .await;
        self.later().await
    }
}
