//! The machine itself.

use std::collections::VecDeque;
use std::time::Instant;

use super::takes::{Phase, Take};
use super::texts::last_word;
use super::{Ask, Effect, End, Event, Limits, Now, TakeId};
use crate::gestures::{Gesture, Gestures, Input};
use crate::ports::Sound;
use crate::view::{Dictation, DictationState, LastText, NoticeKind, Problem};

/// Where ids of new takes come from.
type Ids = Box<dyn FnMut() -> TakeId + Send>;

/// Owns what goes on.
pub struct Coordinator {
    limits: Limits,
    ids: Ids,
    gestures: Gestures,
    /// In the order in which they were begun; a handful at most.
    pub(super) takes: VecDeque<Take>,
    begun: u64,
    /// The number of the latest take whose text was inserted.
    pub(super) inserted: u64,
    pub(super) last: Option<LastText>,
    /// The last text that was put into a window.
    pub(super) inserted_text: Option<String>,
    /// The last text, while it is being put there once more.
    pub(super) pasting: Option<String>,
}

impl Coordinator {
    /// Nothing goes on.
    pub fn new(limits: Limits, ids: impl FnMut() -> TakeId + Send + 'static) -> Self {
        Self {
            gestures: Gestures::new(limits.timing),
            limits,
            ids: Box::new(ids),
            takes: VecDeque::new(),
            begun: 0,
            inserted: 0,
            last: None,
            inserted_text: None,
            pasting: None,
        }
    }

    /// Takes one event.
    pub fn handle(&mut self, event: Event, now: Now) -> Vec<Effect> {
        let mut out = Vec::new();
        self.pass(now, &mut out);
        match event {
            Event::Key(input) => {
                for gesture in self.gestures.hear(input, now.at) {
                    self.meant(gesture, now, &mut out);
                }
            }
            Event::Asked(ask) => self.asked(ask, now, &mut out),
            Event::Heard(take) => self.heard(take, &mut out),
            Event::MicrophoneFailed(take, problem) => {
                self.microphone_failed(take, problem, now, &mut out);
            }
            Event::Drained(take) => self.drained(take, &mut out),
            Event::Shown { take, stable, tail } => {
                if let Some(take) = self.find(take) {
                    (take.stable, take.tail) = (stable, tail);
                }
            }
            Event::Text { take, text } => self.text(take, text, now, &mut out),
            Event::Unreachable(take) => self.unreachable(take, &mut out),
            Event::Refused(take, problem) => self.refused(take, problem, &mut out),
            Event::Inserted(take, result) => self.inserted(take, result, &mut out),
            Event::LastInserted(result) => self.pasted(result, &mut out),
            Event::Tick => {}
        }
        self.insert_what_may(now, &mut out);
        out
    }

    /// When [`Event::Tick`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let takes = self
            .takes
            .iter()
            .filter_map(|one| one.deadline(&self.limits));
        takes.chain(self.gestures.deadline()).min()
    }

    /// The take that is being recorded.
    pub fn recording(&self) -> Option<TakeId> {
        let mut takes = self.takes.iter();
        takes.find(|take| take.is_recording()).map(|take| take.id)
    }

    /// The takes whose last sound is still to come.
    pub fn undrained(&self) -> Vec<TakeId> {
        let takes = self.takes.iter();
        takes
            .filter(|one| !one.is_drained())
            .map(|one| one.id)
            .collect()
    }

    /// The take whose cancellation may still be taken back.
    pub fn cancelled(&self) -> Option<TakeId> {
        let mut takes = self.takes.iter();
        takes.find(|take| take.is_cancelled()).map(|take| take.id)
    }

    /// What goes on, to be shown.
    pub fn view(&self) -> Dictation {
        let shown = |take: &Take, state| Dictation {
            state,
            take: Some(take.id.to_string()),
            since: Some(take.began.unix_ms),
            stable: take.stable.clone(),
            tail: take.tail.clone(),
            undo_until: None,
        };
        let of = |take: &Take| match take.phase {
            Phase::Recording { latched: true } => (3, DictationState::Latched),
            Phase::Recording { latched: false } => (3, DictationState::Listening),
            Phase::Draining { .. } | Phase::Finishing { .. } | Phase::Inserting { .. } => {
                (2, DictationState::Finishing)
            }
            Phase::Cancelled { .. } => (1, DictationState::Cancelled),
        };
        let first = self.takes.iter().max_by_key(|take| of(take).0);
        let mut view = first.map_or_else(Dictation::default, |take| shown(take, of(take).1));
        view.undo_until = self.takes.iter().find_map(|take| match take.phase {
            Phase::Cancelled { until, .. } => Some(until.unix_ms),
            _ => None,
        });
        view
    }

    /// The last text that came, whatever became of it.
    pub fn last(&self) -> Option<&LastText> {
        self.last.as_ref()
    }

    pub(super) fn find(&mut self, id: TakeId) -> Option<&mut Take> {
        self.takes.iter_mut().find(|take| take.id == id)
    }

    pub(super) fn remove(&mut self, id: TakeId, end: End, out: &mut Vec<Effect>) {
        self.takes.retain(|take| take.id != id);
        out.push(Effect::Ended(id, end));
    }

    /// Does what time alone does.
    fn pass(&mut self, now: Now, out: &mut Vec<Effect>) {
        for gesture in self.gestures.tick(now.at) {
            self.meant(gesture, now, out);
        }
        let due: Vec<(TakeId, Phase)> = self
            .takes
            .iter()
            .filter(|take| take.deadline(&self.limits).is_some_and(|at| at <= now.at))
            .map(|take| (take.id, take.phase))
            .collect();
        for (id, phase) in due {
            match phase {
                Phase::Recording { .. } => {
                    let problem = Problem::new("dictation.too_long", "the dictation was ended");
                    notice(NoticeKind::Problem, problem, Some(id), out);
                    self.end(now, out);
                    self.gestures.hear(Input::EndedElsewhere, now.at);
                }
                Phase::Draining { .. } => self.drained(id, out),
                Phase::Finishing { .. } => self.remove(id, End::Late, out),
                Phase::Inserting { .. } => {
                    let problem = Problem::new("insertion.timed_out", "the text was not inserted");
                    self.inserted(id, Err(problem), out);
                }
                Phase::Cancelled { until, .. } if until.at <= now.at => {
                    out.push(Effect::Drop(id));
                    self.remove(id, End::Cancelled, out);
                }
                Phase::Cancelled { .. } => self.drained(id, out),
            }
        }
    }

    fn meant(&mut self, gesture: Gesture, now: Now, out: &mut Vec<Effect>) {
        match gesture {
            Gesture::Prepare => out.push(Effect::Prepare),
            Gesture::Begin => self.begin(false, now, out),
            Gesture::Latch => {
                if let Some(take) = self.takes.iter_mut().find(|take| take.is_recording()) {
                    take.phase = Phase::Recording { latched: true };
                }
            }
            Gesture::End => self.end(now, out),
            Gesture::Cancel => self.cancel(now, out),
            Gesture::ConfirmCancel => {
                let problem = Problem::new("dictation.cancel_again", "once more cancels");
                notice(NoticeKind::Problem, problem, self.recording(), out);
            }
            Gesture::Discard => match self.recording() {
                Some(id) => {
                    out.push(Effect::Forget(id));
                    self.remove(id, End::Discarded, out);
                }
                None => out.push(Effect::Unprepare),
            },
        }
    }

    fn asked(&mut self, ask: Ask, now: Now, out: &mut Vec<Effect>) {
        let recording = self.recording().is_some();
        match ask {
            Ask::Begin | Ask::Toggle if !recording => {
                self.gestures.hear(Input::BeganElsewhere, now.at);
                self.begin(true, now, out);
            }
            Ask::End | Ask::Toggle if recording => {
                self.gestures.hear(Input::EndedElsewhere, now.at);
                self.end(now, out);
            }
            Ask::Cancel if recording => {
                self.gestures.hear(Input::EndedElsewhere, now.at);
                self.cancel(now, out);
            }
            Ask::UndoCancel => self.undo(now, out),
            Ask::PasteLast if self.pasting.is_none() => match &self.last {
                Some(last) => {
                    self.pasting = Some(last.text.clone());
                    out.push(Effect::InsertLast(last.text.clone()));
                }
                None => {
                    let problem = Problem::new("dictation.no_last_text", "no text has come yet");
                    notice(NoticeKind::Problem, problem, None, out);
                }
            },
            Ask::FixLastWord => {
                let word = self.inserted_text.as_deref().and_then(last_word);
                out.push(Effect::FixWord(word.map(String::from)));
            }
            Ask::Begin | Ask::End | Ask::Toggle | Ask::Cancel | Ask::PasteLast => {}
        }
    }

    fn begin(&mut self, latched: bool, now: Now, out: &mut Vec<Effect>) {
        if self.recording().is_some() {
            return;
        }
        let mut awaited = self.takes.iter().filter(|take| take.is_awaited());
        let oldest = awaited.next().map(|take| take.id);
        if let Some(oldest) = oldest
            && awaited.count() + 1 >= self.limits.finishing
        {
            self.remove(oldest, End::Late, out);
        }
        self.begun += 1;
        let id = (self.ids)();
        self.takes
            .push_back(Take::new(id, self.begun, latched, now));
        out.push(Effect::Begin(id));
    }

    fn end(&mut self, now: Now, out: &mut Vec<Effect>) {
        if let Some(take) = self.takes.iter_mut().find(|take| take.is_recording()) {
            take.phase = Phase::Draining { released: now.at };
            out.push(Effect::Stop(take.id));
            if take.heard {
                out.push(Effect::Play(Sound::End));
            }
        }
    }

    fn cancel(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(id) = self.recording() else { return };
        // Only the last cancellation can be undone.
        let former = self.takes.iter().find(|take| take.is_cancelled());
        if let Some(former) = former.map(|take| take.id) {
            out.push(Effect::Drop(former));
            self.remove(former, End::Cancelled, out);
        }
        let undo = self.limits.undo;
        if let Some(take) = self.find(id) {
            take.phase = Phase::Cancelled {
                until: Now {
                    at: now.at + undo,
                    unix_ms: now.unix_ms + undo.as_secs_f64() * 1000.0,
                },
                drained: false,
                since: now.at,
            };
            out.push(Effect::Hold(id));
        }
    }

    fn undo(&mut self, now: Now, out: &mut Vec<Effect>) {
        let Some(take) = self.takes.iter_mut().find(|take| take.is_cancelled()) else {
            return;
        };
        let released = now.at;
        if matches!(take.phase, Phase::Cancelled { drained: true, .. }) {
            take.phase = Phase::Finishing { released };
            out.push(Effect::Finish(take.id));
        } else {
            take.phase = Phase::Draining { released };
        }
    }

    fn heard(&mut self, id: TakeId, out: &mut Vec<Effect>) {
        if let Some(take) = self.find(id)
            && take.is_recording()
            && !take.heard
        {
            take.heard = true;
            out.push(Effect::Play(Sound::Begin));
        }
    }

    fn drained(&mut self, id: TakeId, out: &mut Vec<Effect>) {
        if let Some(take) = self.find(id) {
            match &mut take.phase {
                Phase::Draining { released } => {
                    take.phase = Phase::Finishing {
                        released: *released,
                    };
                    out.push(Effect::Finish(id));
                }
                Phase::Cancelled { drained, .. } => *drained = true,
                Phase::Recording { .. } | Phase::Finishing { .. } | Phase::Inserting { .. } => {}
            }
        }
    }

    fn microphone_failed(&mut self, id: TakeId, problem: Problem, now: Now, out: &mut Vec<Effect>) {
        let Some(take) = self.find(id).filter(|take| take.is_recording()) else {
            return;
        };
        let heard = take.heard;
        notice(NoticeKind::Problem, problem, Some(id), out);
        out.push(Effect::Play(Sound::Problem));
        self.gestures.hear(Input::EndedElsewhere, now.at);
        if heard {
            self.end(now, out);
        } else {
            out.push(Effect::Forget(id));
            self.remove(id, End::Failed, out);
        }
    }

    fn unreachable(&mut self, id: TakeId, out: &mut Vec<Effect>) {
        let waits = self
            .find(id)
            .map(|take| matches!(take.phase, Phase::Finishing { .. }) && take.text.is_none());
        // Not here: it was given up as late before, without a word.
        if waits != Some(false) {
            let problem = Problem::new("dictation.kept_for_later", "it waits for a server");
            notice(NoticeKind::Problem, problem, Some(id), out);
        }
        if waits == Some(true) {
            self.remove(id, End::Pending, out);
        }
    }

    fn refused(&mut self, id: TakeId, problem: Problem, out: &mut Vec<Effect>) {
        match self.find(id).map(|take| (take.phase, take.text.is_none())) {
            Some((Phase::Finishing { .. }, true)) => {
                notice(NoticeKind::Problem, problem, Some(id), out);
                out.push(Effect::Play(Sound::Problem));
                self.remove(id, End::Failed, out);
            }
            Some(_) => {}
            None => notice(NoticeKind::Problem, problem, Some(id), out),
        }
    }
}

pub(super) fn notice(
    kind: NoticeKind,
    problem: Problem,
    take: Option<TakeId>,
    out: &mut Vec<Effect>,
) {
    out.push(Effect::Notice {
        kind,
        problem,
        take,
    });
}
