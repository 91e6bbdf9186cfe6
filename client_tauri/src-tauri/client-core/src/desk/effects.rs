//! What the conductor does: the coordinator's effects, and what everybody else tells.

use std::time::Instant;

use tokio::sync::mpsc;

use super::background::{client, outbox_problem, salvaged};
use super::conductor::{Conductor, Kind, Known, Message, listening_of};
use super::machine::{Insert, Manner, Noise, Told};
use super::problems::{of_hotkeys, of_microphone};
use super::take::{ORDERS, Order, RESERVED, TakeTask};
use crate::coordinator::{Ask, Effect, End, Event, TakeId};
use crate::gestures::Input;
use crate::listening::{Command, Heard};
use crate::outbox::OutboxError;
use crate::ports::{Action, Edge, HotkeyEvent, Sound};
use crate::routing::Reason;
use crate::uploads::UploadEvent;
use crate::view::{BackendEvent, Changed, NoticeKind, Problem, Route};

/// Said of a microphone that gives nothing but zeros, until it gives something.
const SILENT: &str = "microphone.silent";

impl Conductor {
    pub(super) fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Prepare => self.command(Command::Prepare),
            Effect::Unprepare => self.command(Command::Unprepare),
            Effect::Begin(take) => self.begin(take),
            Effect::Stop(take) | Effect::Hold(take) => {
                self.command(Command::Stop(take));
                self.noise(Noise::Restore);
            }
            Effect::Finish(take) => self.order(take, Order::Finish),
            Effect::Drop(take) => self.order(take, Order::Drop { meant: true }),
            Effect::Forget(take) => {
                self.command(Command::Drop(take));
                self.noise(Noise::Restore);
                self.order(take, Order::Drop { meant: false });
            }
            Effect::Play(sound) => self.play(sound),
            Effect::Insert { take, text } => self.insert(take, text),
            Effect::InsertLast(text) => {
                let manner = Manner::of(&self.shared.settings.borrow().insertion, None);
                let told = Told::Coordinator;
                let job = Insert::Focus { text, manner, told };
                if self.shared.inserting.try_send(job).is_err() {
                    self.feed(Event::LastInserted(Err(busy())), None);
                }
            }
            Effect::FixWord(word) => {
                let _ = self.shared.events.send(BackendEvent::FixWord { word });
            }
            Effect::Notice {
                kind,
                problem,
                take,
            } => self.say(kind, self.whole_truth(problem), take),
            Effect::Ended(take, end) => {
                self.known.remove(&take);
                if matches!(end, End::Inserted | End::Kept | End::Empty) {
                    self.changed(Changed::History);
                }
            }
        }
    }

    /// "No server" is half of it where one is there and wants a sign-in.
    fn whole_truth(&self, problem: Problem) -> Problem {
        if problem.code == "dictation.kept_for_later" && self.choice.reason == Reason::SignedOut {
            return Problem::new("auth.expired", "it waits for a sign-in").with_action("sign_in");
        }
        problem
    }

    fn begin(&mut self, take: TakeId) {
        self.told = None;
        self.known.insert(take, Known::default());
        self.command(Command::Begin(take));
        let server = match self.choice.route {
            Route::Local => self.here.as_ref().map(|one| one.server.clone()),
            Route::Team => self.team.as_ref().map(|one| one.server.clone()),
            Route::Outbox => None,
        };
        if server.is_none() {
            // It may be back by the time the person has spoken; then the take is sent at once.
            self.look_again();
        }
        let (route, meant, person) = self.meant();
        let wishes = self.wishes().cloned();
        let settings = self.shared.settings.borrow();
        let task = TakeTask {
            id: take,
            outbox: self.shared.outbox.clone(),
            route,
            meant,
            person,
            server,
            aim: self.aim.subscribe(),
            insertion: self.shared.insertion.clone(),
            tell_app: settings.privacy.tell_app,
            partials: wishes.as_ref().is_none_or(|wishes| wishes.partials),
            language: wishes.map_or_else(
                || settings.dictation.language.clone(),
                |wishes| wishes.language,
            ),
            client: client(&self.shared),
            inbox: self.shared.inbox.clone(),
        };
        drop(settings);
        let (orders, waiting) = mpsc::channel(ORDERS);
        self.orders.insert(take, orders);
        let handle = self.tasks.spawn(task.run(waiting));
        self.kinds.insert(handle.id(), Kind::Take(take));
    }

    fn insert(&mut self, take: TakeId, text: String) {
        let known = self.known.get(&take);
        let target = known.and_then(|known| known.target.clone());
        let places = known.and_then(|known| known.places.clone());
        let app = target.as_ref().and_then(|target| target.app.as_deref());
        let manner = Manner::of(&self.shared.settings.borrow().insertion, app);
        let job = Insert::Take {
            take,
            text,
            places,
            target,
            manner,
            until: Instant::now() + self.shared.limits.insertion,
        };
        if self.shared.inserting.try_send(job).is_err() {
            self.feed(Event::Inserted(take, Err(busy())), None);
        }
    }

    fn play(&mut self, sound: Sound) {
        let (sounds, mute) = {
            let settings = self.shared.settings.borrow();
            (settings.audio.sounds, settings.audio.mute_others)
        };
        if sounds {
            self.noise(Noise::Play(sound));
        }
        if mute && sound == Sound::Begin {
            self.noise(Noise::Mute);
        }
    }

    /// Sounds that nobody can play in time are left out, as is muting; what is muted is restored when the thread ends.
    fn noise(&self, noise: Noise) {
        let _ = self.shared.noises.try_send(noise);
    }

    fn command(&mut self, command: Command) {
        let take = match command {
            Command::Begin(take) => Some(take),
            _ => None,
        };
        // Full: the thread has been opening a device for as long as many takes last.
        if self.commands.try_send(command).is_err()
            && let Some(take) = take
        {
            let problem = Problem::new("microphone.busy", "the microphone does not answer");
            // Not at once: the coordinator is in the middle of something.
            let failed = Message::Event(Event::MicrophoneFailed(take, problem));
            let _ = self.shared.inbox.try_send(failed);
        }
    }

    pub(super) fn order(&mut self, take: TakeId, order: Order) {
        // Gone: the task has ended, and told so.
        if let Some(orders) = self.orders.get(&take) {
            let _ = orders.try_send(order);
        }
    }

    /// Gives sound to its take's task.
    pub(super) fn pass_on(&mut self, take: TakeId, pcm: Vec<i16>) {
        let Some(orders) = self.orders.get(&take) else {
            return;
        };
        let full = orders.capacity() <= RESERVED;
        if full || orders.try_send(Order::Sound(pcm)).is_err() {
            let problem = OutboxError::NoRoom;
            self.tell_once(take, outbox_problem(problem));
        }
    }

    pub(super) fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::First(take) => self.feed(Event::Heard(take), None),
            Heard::Sound { take, pcm, .. } => self.pass_on(take, pcm),
            Heard::Level { rms, peak } => {
                let _ = self.shared.events.send(BackendEvent::Level { rms, peak });
            }
            Heard::Silence(take) => {
                let problem = Problem::new(SILENT, "nothing but silence comes in");
                let problem = problem.with_action("choose_microphone");
                self.say_problem(problem, Some(take));
            }
            Heard::SoundAfterAll(take) => {
                tracing::info!(code = SILENT, "taken back");
                let _ = self.shared.events.send(BackendEvent::TakenBack {
                    code: SILENT.into(),
                    take: Some(take.to_string()),
                });
            }
            Heard::Switched { take, error, .. } => {
                let mut problem = of_microphone(&error);
                problem.code = "microphone.switched".into();
                self.say_problem(problem, take);
            }
            Heard::Overrun { take, .. } => {
                let problem = Problem::new("microphone.overrun", "some sound was lost");
                match take {
                    Some(take) => self.tell_once(take, problem),
                    None => self.say_problem(problem, None),
                }
            }
            Heard::Failed { take, error } => {
                let problem = of_microphone(&error);
                match take {
                    Some(take) => self.feed(Event::MicrophoneFailed(take, problem), None),
                    None => self.say_problem(problem, None),
                }
            }
            Heard::Drained { take, .. } => self.feed(Event::Drained(take), None),
        }
    }

    pub(super) fn take(&mut self, message: Message) {
        match message {
            Message::Event(event) => self.feed(event, None),
            Message::Ask(ask) => self.feed(Event::Asked(ask), None),
            Message::Key(key) => self.key(key),
            Message::Target(take, target) => {
                if let Some(known) = self.known.get_mut(&take) {
                    known.target = target;
                }
            }
            Message::Places(take, places) => {
                if let Some(known) = self.known.get_mut(&take) {
                    known.places = Some(places);
                }
            }
            Message::Interrupted => self.look_again(),
            Message::TakeProblem(take, problem) => self.say_problem(problem, Some(take)),
            Message::Problem(problem) => self.say_problem(problem, None),
            Message::NetworkChanged => {
                self.look_again();
                self.wake.notify_one();
                self.shared.open_again.notify_one();
            }
            Message::Standing(which, server, report) => self.looked(which, &server, report),
            Message::Counted(counts) => {
                self.counts = counts;
                self.dirty = true;
                self.changed(Changed::Outbox);
            }
            Message::Opened(opened) => {
                if !opened.recovered.is_empty() {
                    let problem = Problem::new("outbox.recovered", "unfinished takes were found");
                    self.say(NoticeKind::News, problem.with_action("open_outbox"), None);
                }
                if opened.salvaged.is_some() {
                    self.say_problem(salvaged(), None);
                }
                self.dirty = true;
                self.wake.notify_one();
            }
            Message::SettingsChanged => {
                let listening = listening_of(&self.shared.settings.borrow());
                self.command(Command::Configure(listening));
                self.settings_changed();
                self.changed(Changed::Settings);
            }
            Message::ForgetLast => {
                self.coordinator.forget_last();
                self.dirty = true;
            }
            Message::Monitor(on) => self.command(Command::Monitor(on)),
            // The loop's own.
            Message::Stop(_) => {}
            #[cfg(test)]
            #[allow(clippy::panic)]
            Message::Panic => panic!("as asked"),
        }
    }

    fn key(&mut self, key: HotkeyEvent) {
        match key {
            HotkeyEvent::Chord {
                action: Action::Dictate,
                edge,
                modifiers_only,
                at,
            } => {
                let chord = Input::Chord {
                    edge,
                    modifiers_only,
                };
                self.feed(Event::Key(chord), Some(at));
            }
            HotkeyEvent::OtherKey { at } => self.feed(Event::Key(Input::OtherKey), Some(at)),
            HotkeyEvent::Chord {
                action,
                edge: Edge::Pressed,
                at,
                ..
            } => match action {
                Action::Cancel => self.feed(Event::Key(Input::Cancel), Some(at)),
                Action::PasteLast => self.feed(Event::Asked(Ask::PasteLast), Some(at)),
                Action::FixLastWord => self.feed(Event::Asked(Ask::FixLastWord), Some(at)),
                Action::Dictate => {}
            },
            HotkeyEvent::Chord { .. } => {}
            HotkeyEvent::Recorded { chord } => {
                let recorded = BackendEvent::HotkeyRecorded {
                    chord: Some(chord),
                    problem: None,
                };
                let _ = self.shared.events.send(recorded);
            }
            HotkeyEvent::Lost { error } => {
                self.say_problem(of_hotkeys(&error), None);
                self.begin_task(Kind::Binding, std::time::Duration::from_secs(5));
            }
        }
    }

    pub(super) fn was_uploaded(&mut self, event: UploadEvent) {
        match event {
            UploadEvent::Stored { take, text, .. } => {
                self.feed(Event::Text { take, text }, None);
                self.changed(Changed::History);
            }
            // The snapshot counts them.
            UploadEvent::Waiting { .. } => {}
            UploadEvent::Failed { take, problem } => {
                self.say_problem(problem.with_action("open_outbox"), Some(take));
            }
        }
    }

    pub(super) fn say_problem(&self, problem: Problem, take: Option<TakeId>) {
        self.say(NoticeKind::Problem, problem, take);
    }

    /// What would come with each packet of sound is said once a take.
    fn tell_once(&mut self, take: TakeId, problem: Problem) {
        if self.told != Some(take) {
            self.told = Some(take);
            self.say_problem(problem, Some(take));
        }
    }

    /// No receiver: there is no screen.
    fn say(&self, kind: NoticeKind, problem: Problem, take: Option<TakeId>) {
        tracing::info!(?kind, code = problem.code, "told");
        let _ = self.shared.events.send(BackendEvent::Notice {
            kind,
            code: problem.code,
            message: problem.message,
            take: take.map(|take| take.to_string()),
        });
    }

    fn changed(&self, what: Changed) {
        let _ = self.shared.events.send(BackendEvent::Changed { what });
    }
}

fn busy() -> Problem {
    Problem::new("insertion.busy", "another text is being inserted")
}
