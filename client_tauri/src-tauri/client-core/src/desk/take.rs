//! One take: from the microphone into the outbox, from there to a server, and back as text.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use super::conductor::Message;
use super::problems::with_remedy;
use super::seeking::{Aim, FIRST_WORD, found};
use crate::account::Server;
use crate::composition::{Composition, FinalText, Place, PlaceName};
use crate::connection::{self, Handle, Outcome, needs_somebody};
use crate::coordinator::{Event, TakeId};
use crate::outbox::{NewTake, Outbox, OutboxError, State};
use crate::ports::{Insertion, TargetWindow};
use crate::view::Route;
use crate::wire;

/// Sound that may wait while the outbox does not take it: a minute of packets of 100 ms, and room for what is asked of the take.
pub(super) const ORDERS: usize = 600 + 8;
/// Of it, kept free for what is asked.
pub(super) const RESERVED: usize = 8;

/// Finding the window with the focus takes a display some milliseconds; one that hangs is not waited for.
const TARGET_PATIENCE: Duration = Duration::from_millis(500);

/// What the server says while the take goes on; partials are left out when it is full.
const EVENTS: usize = 64;

/// How long a server is asked to forget a take before the program goes on without.
const CANCEL_PATIENCE: Duration = Duration::from_secs(10);

/// What the conductor asks of a take.
#[derive(Debug)]
pub(super) enum Order {
    /// More sound.
    Sound(Vec<i16>),
    /// That was all.
    Finish,
    /// It is not wanted. `meant`: the person said it and dropped it, so it may be brought back from the outbox.
    Drop { meant: bool },
}

/// What a take needs.
pub(super) struct TakeTask {
    pub id: TakeId,
    pub outbox: Outbox,
    /// What it is meant for, and the address of the team's server if it is that one.
    pub route: Route,
    pub meant: Option<String>,
    /// Who is signed in there.
    pub person: Option<String>,
    /// `None`: into the outbox, until there is one.
    pub server: Option<Arc<Server>>,
    pub aim: watch::Receiver<Aim>,
    pub insertion: Arc<dyn Insertion>,
    pub tell_app: bool,
    /// ISO 639-1, or `auto`.
    pub language: String,
    /// Whether text is wanted while somebody speaks.
    pub partials: bool,
    pub client: (String, String),
    pub inbox: mpsc::Sender<Message>,
}

type Link = Pin<Box<dyn Future<Output = Outcome> + Send>>;

pub(super) struct Going {
    pub task: TakeTask,
    pub handle: Option<Handle>,
    pub link: Option<Link>,
    /// Where its link tells what the server says.
    pub told: mpsc::Sender<connection::Event>,
    /// It began without a server, and goes to one that is found while somebody still speaks.
    pub seeks: bool,
    /// Until when a server that is just starting is waited for.
    pub patient_until: Instant,
    text: Composition,
    pub samples: u64,
    pub finished: bool,
    dropped: bool,
    lossy: bool,
    /// Whether it was said what somebody has to do before it can be sent.
    is_told: bool,
}

impl TakeTask {
    /// Runs the take to its end. When `orders` ends before, it is left to the outbox.
    pub async fn run(self, mut orders: mpsc::Receiver<Order>) {
        if let Err(error) = self.begin().await {
            let failed = Event::MicrophoneFailed(self.id, error.problem());
            self.tell(Message::Event(failed)).await;
            return;
        }
        let (told, mut events) = mpsc::channel(EVENTS);
        let server = self.server.clone();
        let mut going = Going {
            task: self,
            handle: None,
            link: None,
            told,
            seeks: server.is_none(),
            patient_until: Instant::now() + FIRST_WORD,
            text: Composition::default(),
            samples: 0,
            finished: false,
            dropped: false,
            lossy: false,
            is_told: false,
        };
        if let Some(server) = server {
            going.connect(server);
        }
        while let Goes::On = going.turn(&mut orders, &mut events).await {}
    }

    async fn begin(&self) -> Result<(), OutboxError> {
        let target = self.target().await;
        let app = target.as_ref().and_then(|target| target.app.clone());
        self.tell(Message::Target(self.id, target)).await;
        self.outbox
            .begin(NewTake {
                id: self.id,
                began_at: unix_s(),
                sample_rate: crate::listening::RATE,
                language: self.language.clone(),
                app: app.filter(|_| self.tell_app),
                route: self.route,
                server: self.meant.clone(),
                person: self.person.clone(),
            })
            .await
    }

    async fn target(&self) -> Option<TargetWindow> {
        let insertion = self.insertion.clone();
        let asked = tokio::task::spawn_blocking(move || insertion.target());
        let answered = tokio::time::timeout(TARGET_PATIENCE, asked).await;
        answered.ok()?.ok()?.ok()?
    }

    async fn tell(&self, message: Message) {
        // Closed: the program ends.
        let _ = self.inbox.send(message).await;
    }
}

pub(super) enum Goes {
    On,
    Over,
}

impl Going {
    async fn turn(
        &mut self,
        orders: &mut mpsc::Receiver<Order>,
        events: &mut mpsc::Receiver<connection::Event>,
    ) -> Goes {
        let link = async {
            match &mut self.link {
                Some(link) => link.await,
                None => std::future::pending().await,
            }
        };
        let found = async {
            let own = (self.task.route, self.task.meant.as_deref());
            match self.seeks {
                true => found(&mut self.task.aim, own, self.finished).await,
                false => std::future::pending().await,
            }
        };
        let impatient = async {
            match self.seeks && self.finished {
                true => tokio::time::sleep_until(self.patient_until).await,
                false => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(event) = events.recv() => {
                self.heard(event).await;
                Goes::On
            }
            found = found => match found {
                Some(target) => self.found(target).await,
                None => self.give_up().await,
            },
            () = impatient => self.give_up().await,
            outcome = link => {
                self.link = None;
                self.handle = None;
                // What it told at the very end counts as well.
                while let Ok(event) = events.try_recv() {
                    self.heard(event).await;
                }
                self.outcome(outcome).await
            }
            order = orders.recv() => match order {
                Some(Order::Sound(pcm)) => {
                    self.sound(&pcm).await;
                    Goes::On
                }
                Some(Order::Finish) => self.finish().await,
                Some(Order::Drop { meant }) => self.drop_take(meant).await,
                None => self.leave().await,
            },
        }
    }

    async fn sound(&mut self, pcm: &[i16]) {
        match self.task.outbox.append(self.task.id, pcm).await {
            Ok(appended) => {
                self.samples = appended.samples;
                if let Some(handle) = &self.handle {
                    handle.appended(self.samples);
                }
            }
            // Said once; the rest of the take is tried all the same.
            Err(error) if !self.lossy => {
                self.lossy = true;
                let problem = error.problem();
                self.task
                    .tell(Message::TakeProblem(self.task.id, problem))
                    .await;
            }
            Err(_) => {}
        }
    }

    async fn finish(&mut self) -> Goes {
        let (id, outbox) = (self.task.id, &self.task.outbox);
        if self.samples == 0 {
            self.say(Event::Text {
                take: id,
                text: String::new(),
            })
            .await;
            return self.drop_take(false).await;
        }
        let waits =
            self.seeks && self.task.aim.borrow().is_starting && Instant::now() < self.patient_until;
        let next = if self.link.is_some() || waits {
            State::Live
        } else {
            State::Pending
        };
        let kept = outbox.recorded(id, next).await;
        self.finished = true;
        match (&self.handle, kept) {
            (None, Ok(_)) if waits => Goes::On,
            (Some(handle), Ok(_)) => {
                handle.finish(self.samples);
                Goes::On
            }
            (None, Ok(_)) => self.later().await,
            (_, Err(error)) => {
                self.say(Event::Refused(id, error.problem())).await;
                Goes::Over
            }
        }
    }

    async fn drop_take(&mut self, meant: bool) -> Goes {
        self.dropped = true;
        let (id, outbox) = (self.task.id, &self.task.outbox);
        // Errors: it is stored already (then it is in history, where it can be deleted), or was removed on the screens.
        let _ = if meant {
            outbox.cancel(id).await.map(drop)
        } else {
            outbox.remove(id).await
        };
        if let Some(handle) = &self.handle {
            handle.cancel();
        }
        if let Some(link) = self.link.take() {
            let _ = tokio::time::timeout(CANCEL_PATIENCE, link).await;
        }
        if meant {
            // Of no importance where the server has been told; an error says that the row is gone.
            let _ = self.task.outbox.not_forgotten(self.task.id, None).await;
        }
        Goes::Over
    }

    /// The program ends, or what conducts it has failed: what is here is sent later.
    async fn leave(&mut self) -> Goes {
        self.link = None;
        if !self.dropped {
            // An error says that it is over already, or that the outbox is closed; then the next start recovers it.
            let _ = self
                .task
                .outbox
                .recorded(self.task.id, State::Pending)
                .await;
        }
        Goes::Over
    }

    async fn heard(&mut self, event: connection::Event) {
        match event {
            connection::Event::Ready => {}
            connection::Event::Partial(partial) => {
                let wire::Partial {
                    utterance,
                    revision,
                    stable,
                    tail,
                    ..
                } = partial;
                self.text.take_partial(utterance, revision, stable, tail);
                self.show().await;
            }
            connection::Event::Final(one) => {
                self.text.take_final(one.utterance, final_text(&one));
                self.show().await;
            }
            connection::Event::Interrupted(problem) => {
                // Anything else is found out by looking at the server.
                if needs_somebody(&problem.code) && !std::mem::replace(&mut self.is_told, true) {
                    let told = Message::TakeProblem(self.task.id, with_remedy(problem));
                    self.task.tell(told).await;
                }
                self.task.tell(Message::Interrupted).await;
            }
        }
    }

    async fn show(&mut self) {
        let (stable, tail) = self.text.shown();
        let take = self.task.id;
        self.say(Event::Shown { take, stable, tail }).await;
    }

    async fn outcome(&mut self, outcome: Outcome) -> Goes {
        let take = self.task.id;
        match outcome {
            Outcome::Stored { text, .. } => {
                let composed = self.text.composed();
                if !composed.places.is_empty() {
                    self.task.tell(Message::Places(take, composed)).await;
                }
                self.say(Event::Text { take, text }).await;
                Goes::Over
            }
            Outcome::Cancelled => Goes::Over,
            Outcome::Later(_) if self.finished => self.later().await,
            Outcome::Failed(problem) if self.finished => {
                self.say(Event::Refused(take, problem)).await;
                Goes::Over
            }
            // Somebody is still speaking: it goes on into the outbox.
            Outcome::Later(_) | Outcome::Failed(_) => Goes::On,
        }
    }

    pub async fn later(&mut self) -> Goes {
        self.say(Event::Unreachable(self.task.id)).await;
        Goes::Over
    }

    async fn say(&mut self, event: Event) {
        self.task.tell(Message::Event(event)).await;
    }
}

fn final_text(one: &wire::Final) -> FinalText {
    let place = |place: &wire::Place| {
        let name = match place.name.as_str() {
            "clipboard" => PlaceName::Clipboard,
            "cursor" => PlaceName::Cursor,
            // A newer server's; its text is whole without.
            _ => return None,
        };
        let offset = usize::try_from(place.offset).ok()?;
        Some(Place { name, offset })
    };
    FinalText {
        text: one.text.clone(),
        glue: one.glue.clone(),
        erase: usize::try_from(one.erase).unwrap_or(usize::MAX),
        places: one.places.iter().filter_map(place).collect(),
    }
}

/// Seconds of the Unix epoch; a clock before it counts as its beginning.
pub(super) fn unix_s() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
