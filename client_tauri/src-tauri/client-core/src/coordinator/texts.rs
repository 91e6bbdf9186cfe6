//! What becomes of text that came.

use super::machine::{Coordinator, notice};
use super::takes::{Phase, Take};
use super::{Effect, End, Now, TakeId};
use crate::ports::Sound;
use crate::view::{LastText, NoticeKind, Problem};

/// Letters of a word that is worth a place in a dictionary.
const LONGEST_WORD: usize = 100;

impl Coordinator {
    pub(super) fn text(&mut self, id: TakeId, text: String, now: Now, out: &mut Vec<Effect>) {
        match self.find(id) {
            Some(take) if matches!(take.phase, Phase::Inserting { .. }) => {}
            Some(take) => take.text = Some(text),
            None if text.is_empty() => {}
            None => self.keep(id, text, now, out),
        }
    }

    pub(super) fn inserted(
        &mut self,
        id: TakeId,
        result: Result<(), Problem>,
        out: &mut Vec<Effect>,
    ) {
        let inserting = |take: &&mut Take| matches!(take.phase, Phase::Inserting { .. });
        if self.find(id).filter(inserting).is_none() {
            return;
        }
        let problem = result.err();
        if let Some(last) = &mut self.last {
            last.inserted = problem.is_none();
            last.problem.clone_from(&problem);
        }
        let Some(problem) = problem else {
            self.inserted_text = self.last.as_ref().map(|last| last.text.clone());
            return self.remove(id, End::Inserted, out);
        };
        notice(NoticeKind::Problem, problem, Some(id), out);
        out.push(Effect::Play(Sound::Problem));
        self.remove(id, End::Kept, out);
    }

    /// An insertion of the last text is over.
    pub(super) fn pasted(&mut self, result: Result<(), Problem>, out: &mut Vec<Effect>) {
        let text = self.pasting.take();
        match result {
            Ok(()) => self.inserted_text = text.or(self.inserted_text.take()),
            Err(problem) => notice(NoticeKind::Problem, problem, None, out),
        }
    }

    /// Whoever said the last text has gone: it is not for the next person.
    pub fn forget_last(&mut self) {
        self.last = None;
        self.inserted_text = None;
        // What is being inserted just now is not to be the last one afterwards.
        if let Some(text) = &mut self.pasting {
            text.clear();
        }
    }

    /// Text that is not to be typed.
    fn keep(&mut self, id: TakeId, text: String, now: Now, out: &mut Vec<Effect>) {
        let problem = Problem::new("dictation.late_text", "text came too late to be typed");
        notice(NoticeKind::LateText, problem.clone(), Some(id), out);
        self.last = Some(LastText {
            text,
            at: now.unix_ms,
            inserted: false,
            problem: Some(problem),
        });
    }

    pub(super) fn insert_what_may(&mut self, now: Now, out: &mut Vec<Effect>) {
        let held = |take: &Take| take.phase == Phase::Recording { latched: false };
        if self.takes.iter().any(held) {
            return;
        }
        while let Some(take) = self.takes.iter_mut().find(|take| take.is_awaited()) {
            let (id, number) = (take.id, take.number);
            if !matches!(take.phase, Phase::Finishing { .. }) {
                return;
            }
            let Some(text) = take.text.take() else { return };
            if text.is_empty() {
                self.remove(id, End::Empty, out);
            } else if number < self.inserted {
                self.keep(id, text, now, out);
                self.remove(id, End::Kept, out);
            } else {
                take.phase = Phase::Inserting { since: now.at };
                self.inserted = number;
                self.last = Some(LastText {
                    text: text.clone(),
                    at: now.unix_ms,
                    inserted: false,
                    problem: None,
                });
                out.push(Effect::Insert { take: id, text });
                return;
            }
        }
    }
}

/// The last word of a text, without the marks around it: `C++`, `Node.js` and `Санкт-Петербург` are words.
pub(super) fn last_word(text: &str) -> Option<&str> {
    let between = |letter: char| letter.is_whitespace() || matches!(letter, '—' | '–' | '…' | '/');
    let found = text.rsplit(between).find_map(|part| {
        let word = part.trim_start_matches(|letter: char| !letter.is_alphanumeric());
        let marks = |letter: char| !letter.is_alphanumeric() && !matches!(letter, '+' | '#');
        Some(word.trim_end_matches(marks)).filter(|word| !word.is_empty())
    })?;
    // Longer ones are none that a person would enter.
    (found.chars().count() <= LONGEST_WORD).then_some(found)
}
