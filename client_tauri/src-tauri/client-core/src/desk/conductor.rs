//! The conductor: the one task that decides. It waits for nothing but its inbox.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::task::{AbortHandle, JoinError, JoinSet};

use super::handle::Shared;
use super::problems::broken;
use super::seeking::Aim;
use super::servers::{Report, Which};
use super::take::{Order, unix_s};
use super::{Local, background};
use crate::account::Server;
use crate::composition::Composed;
use crate::coordinator::{Ask, Coordinator, Event, Now, TakeId};
use crate::listening::{self, Command, Heard, Listening};
use crate::outbox::{Counts, Opened, OutboxError, Status};
use crate::ports::{HotkeyEvent, TargetWindow};
use crate::routing::Choice;
use crate::settings::{ServerChoice, Settings};
use crate::uploads::{Target, UploadEvent};
use crate::view::Problem;

/// Sound and levels that may wait: a minute.
const HEARD: usize = 600;
/// Uploads wait when nobody listens to what came of them.
const UPLOADED: usize = 16;
/// Snapshots are published this often at most.
const PUBLISHED: Duration = Duration::from_millis(50);
/// A task that panicked is started again after this.
const RESTART: Duration = Duration::from_secs(1);
/// What tasks have to write when the program ends.
const FAREWELL: Duration = Duration::from_secs(6);

/// What the conductor is told.
pub(super) enum Message {
    /// For the coordinator.
    Event(Event),
    /// For the coordinator, by a person.
    Ask(Ask),
    /// The keyboard.
    Key(HotkeyEvent),
    /// The window where a take began.
    Target(TakeId, Option<TargetWindow>),
    /// A take's text has places that only this machine can fill.
    Places(TakeId, Composed),
    /// A take lost its connection, which is tried again by itself.
    Interrupted,
    /// A take goes on, but not as it should.
    TakeProblem(TakeId, Problem),
    /// Something is wrong.
    Problem(Problem),
    /// Another network, another sign-in: what waits is tried at once.
    NetworkChanged,
    /// What a look at this very server came to; there may be another one in its place by now.
    Standing(Which, Arc<Server>, Report),
    /// Takes in the outbox.
    Counted(Counts),
    /// The outbox is open.
    Opened(Opened),
    /// There are other settings.
    SettingsChanged,
    /// Somebody signed out: the last text was theirs.
    ForgetLast,
    /// Levels for the screens.
    Monitor(bool),
    /// The end.
    Stop(oneshot::Sender<()>),
    /// For the test of what happens then.
    #[cfg(test)]
    Panic,
}

/// Which task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Take(TakeId),
    Uploads,
    Tending,
    Counting,
    Opening,
    Keeping,
    Binding,
    Looking(Which),
}

/// A server that is looked at.
pub(super) struct Watched {
    pub server: Arc<Server>,
    pub again: Arc<Notify>,
    pub report: Report,
    pub looking: AbortHandle,
}

/// What is known of a take until it has ended.
#[derive(Default)]
pub(super) struct Known {
    pub target: Option<TargetWindow>,
    pub places: Option<Composed>,
}

/// See the module.
pub(super) struct Conductor {
    pub shared: Arc<Shared>,
    pub local: watch::Receiver<Local>,
    pub coordinator: Coordinator,
    pub commands: SyncSender<Command>,
    heard: mpsc::Receiver<Heard>,
    pub tasks: JoinSet<()>,
    pub kinds: HashMap<tokio::task::Id, Kind>,
    /// Of the takes whose tasks run.
    pub orders: HashMap<TakeId, mpsc::Sender<Order>>,
    /// Of the takes the coordinator has not ended.
    pub known: HashMap<TakeId, Known>,
    pub here: Option<Watched>,
    pub team: Option<Watched>,
    /// What `team` was made of.
    pub team_choice: Option<ServerChoice>,
    /// Why it could not be made.
    pub team_problem: Option<Problem>,
    pub choice: Choice,
    /// For takes that began before there was one.
    pub aim: watch::Sender<Aim>,
    pub uploading_to: watch::Sender<Option<Target>>,
    pub wake: Arc<Notify>,
    uploaded_to: mpsc::Sender<UploadEvent>,
    uploaded: mpsc::Receiver<UploadEvent>,
    pub counts: Counts,
    /// Takes of which a problem was told that comes again and again.
    pub told: Option<TakeId>,
    /// How the outbox was when it was looked at last.
    pub box_was: Status,
    /// What of the outbox was told last, and when.
    pub box_told: Option<(OutboxError, Instant)>,
    pub dirty: bool,
    published: Instant,
    latest: Instant,
}

impl Conductor {
    pub fn new(shared: Arc<Shared>, local: watch::Receiver<Local>) -> std::io::Result<Self> {
        let (sender, heard) = mpsc::channel(HEARD);
        let listening = listening_of(&shared.settings.borrow());
        let commands = listening::start(shared.microphone.clone(), listening, sender)?;
        let (uploaded_to, uploaded) = mpsc::channel(UPLOADED);
        let now = Instant::now();
        Ok(Self {
            coordinator: Coordinator::new(shared.limits, TakeId::new),
            local,
            commands,
            heard,
            tasks: JoinSet::new(),
            kinds: HashMap::new(),
            orders: HashMap::new(),
            known: HashMap::new(),
            here: None,
            team: None,
            team_choice: None,
            team_problem: None,
            choice: crate::routing::choose(crate::routing::Circumstances::default()),
            aim: watch::Sender::new(Aim::default()),
            uploading_to: watch::Sender::new(None),
            wake: Arc::new(Notify::new()),
            uploaded_to,
            uploaded,
            counts: Counts::default(),
            told: None,
            box_was: shared.outbox.status().borrow().clone(),
            box_told: None,
            shared,
            dirty: true,
            published: now,
            latest: now,
        })
    }

    /// Runs until it is asked to stop.
    pub async fn run(&mut self, inbox: &mut mpsc::Receiver<Message>) {
        for kind in [
            Kind::Uploads,
            Kind::Tending,
            Kind::Counting,
            Kind::Opening,
            Kind::Keeping,
            Kind::Binding,
        ] {
            self.begin_task(kind, Duration::ZERO);
        }
        let mut status = self.shared.outbox.status();
        let mut local = self.local.clone();
        self.local_changed();
        self.settings_changed();
        loop {
            self.publish();
            let due = self.due();
            // In this order: a release must not be confirmed while the press that takes it back waits in the inbox.
            tokio::select! {
                biased;
                message = inbox.recv() => match message {
                    Some(Message::Stop(told)) => {
                        self.farewell().await;
                        let _ = told.send(());
                        return;
                    }
                    Some(message) => self.take(message),
                    None => return,
                },
                heard = self.heard.recv() => match heard {
                    Some(heard) => self.hear(heard),
                    None => self.listen_anew(),
                },
                Some(event) = self.uploaded.recv() => self.was_uploaded(event),
                Some(joined) = self.tasks.join_next_with_id(), if !self.tasks.is_empty() => self.ended(joined),
                Ok(()) = local.changed() => self.local_changed(),
                Ok(()) = status.changed() => self.outbox_changed(),
                () = tokio::time::sleep_until(due.into()) => self.tick(),
            }
        }
    }

    /// It may have been only a snapshot that was due.
    fn tick(&mut self) {
        let due = self.coordinator.deadline();
        if due.is_some_and(|due| due <= Instant::now()) {
            self.feed(Event::Tick, None);
        }
    }

    /// Gives the coordinator an event and does what it says. `at`: when it really happened.
    pub fn feed(&mut self, event: Event, at: Option<Instant>) {
        // Keys tell their own time, but time never goes back.
        self.latest = self.latest.max(at.unwrap_or_else(Instant::now));
        let now = Now {
            at: self.latest,
            unix_ms: unix_s() * 1000.0,
        };
        self.dirty = true;
        for effect in self.coordinator.handle(event, now) {
            self.carry_out(effect);
        }
    }

    /// Starts a task that is to run always, or once more.
    pub fn begin_task(&mut self, kind: Kind, after: Duration) {
        let shared = self.shared.clone();
        let handle = match kind {
            Kind::Uploads => {
                let uploads = crate::uploads::Uploads {
                    outbox: shared.outbox.clone(),
                    server: self.uploading_to.subscribe(),
                    wake: self.wake.clone(),
                    events: self.uploaded_to.clone(),
                    client: background::client(&shared),
                };
                self.tasks.spawn(async move {
                    tokio::time::sleep(after).await;
                    crate::uploads::run(uploads).await;
                })
            }
            Kind::Tending => self.tasks.spawn(background::tend(shared, after)),
            Kind::Counting => self.tasks.spawn(background::count(shared, after)),
            Kind::Keeping => self.tasks.spawn(background::keep(shared, after)),
            Kind::Opening => self.tasks.spawn(background::open(shared, after)),
            Kind::Binding => self.tasks.spawn(background::bind(shared, after)),
            // Those are begun where what they are about is known.
            Kind::Take(_) | Kind::Looking(_) => return,
        };
        self.kinds.insert(handle.id(), kind);
    }

    fn ended(&mut self, joined: Result<(tokio::task::Id, ()), JoinError>) {
        let (id, panicked) = match joined {
            Ok((id, ())) => (id, false),
            Err(error) => (error.id(), error.is_panic()),
        };
        let Some(kind) = self.kinds.remove(&id) else {
            return;
        };
        if let Kind::Take(take) = kind {
            self.orders.remove(&take);
            if panicked {
                // Whoever still speaks must not go on into nothing.
                let failed = match self.coordinator.recording() == Some(take) {
                    true => Event::MicrophoneFailed(take, broken("take")),
                    false => Event::Refused(take, broken("take")),
                };
                self.feed(failed, None);
                let outbox = self.shared.outbox.clone();
                self.tasks.spawn(background::leave(outbox, take));
            }
        } else if panicked {
            self.say_problem(broken("background"), None);
            match kind {
                Kind::Looking(which) => self.look_anew(which),
                kind => self.begin_task(kind, RESTART),
            }
        }
    }

    /// The microphone's thread is gone, which only a panic can bring about.
    fn listen_anew(&mut self) {
        let (sender, heard) = mpsc::channel(HEARD);
        let listening = listening_of(&self.shared.settings.borrow());
        if let Some(take) = self.coordinator.recording() {
            self.feed(Event::MicrophoneFailed(take, broken("microphone")), None);
            self.feed(Event::Drained(take), None);
        }
        match listening::start(self.shared.microphone.clone(), listening, sender) {
            Ok(commands) => (self.commands, self.heard) = (commands, heard),
            Err(_) => self.say_problem(broken("threads"), None),
        }
    }

    fn due(&self) -> Instant {
        let far = Instant::now() + Duration::from_secs(3600);
        let shown = if self.dirty {
            self.published + PUBLISHED
        } else {
            far
        };
        self.coordinator.deadline().unwrap_or(far).min(shown)
    }

    fn publish(&mut self) {
        if !self.dirty || self.published.elapsed() < PUBLISHED {
            return;
        }
        self.dirty = false;
        self.published = Instant::now();
        let now = self.view();
        self.shared.snapshot.send_if_modified(|before| {
            let is_new = *before != now;
            if is_new {
                *before = now;
            }
            is_new
        });
    }

    async fn farewell(&mut self) {
        // What was heard until now is in the queue of its task before the end of that queue.
        let mut heard_yet = self.coordinator.undrained();
        for take in &heard_yet {
            let _ = self.commands.try_send(Command::Stop(*take));
        }
        let drained = async {
            while !heard_yet.is_empty() {
                match self.heard.recv().await {
                    Some(Heard::Sound { take, pcm, .. }) => self.pass_on(take, pcm),
                    Some(Heard::Drained { take, .. }) => heard_yet.retain(|one| *one != take),
                    Some(_) => {}
                    None => break,
                }
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(1), drained).await;
        if let Some(take) = self.coordinator.cancelled() {
            // Nobody can take that back any more.
            self.order(take, Order::Drop { meant: true });
        }
        let _ = self.shared.noises.try_send(super::machine::Noise::Restore);
        // The end of its orders tells a take to leave itself to the outbox.
        self.orders.clear();
        let kinds = std::mem::take(&mut self.kinds);
        let over = async {
            let mut takes = kinds
                .values()
                .filter(|kind| matches!(kind, Kind::Take(_)))
                .count();
            while takes > 0 {
                let Some(joined) = self.tasks.join_next_with_id().await else {
                    break;
                };
                let id = joined.map_or_else(|error| error.id(), |(id, ())| id);
                takes -= usize::from(matches!(kinds.get(&id), Some(Kind::Take(_))));
            }
        };
        let _ = tokio::time::timeout(FAREWELL, over).await;
        self.tasks.shutdown().await;
        self.shared.outbox.close().await;
    }
}

/// How to listen, by the settings.
pub(super) fn listening_of(settings: &Settings) -> Listening {
    Listening {
        device: settings.audio.microphone.clone(),
        pre_roll: Duration::from_millis(settings.audio.pre_roll_ms.into()),
        keep_open: Duration::from_secs(settings.audio.keep_open_s.into()),
    }
}
