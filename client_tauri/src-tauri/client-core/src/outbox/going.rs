//! The takes that are being recorded or sent, as their rows are: should the file be lost, they go on in memory.

use std::collections::HashMap;

use super::take::{NewTake, State, Take, TakeId};

/// There are as many as takes that run: a handful.
#[derive(Default)]
pub(super) struct Going(HashMap<TakeId, One>);

struct One {
    take: Take,
    /// Of its last chunk, on the disk or in memory. A chunk with the number of another one would be taken for it.
    last_number: i64,
}

impl Going {
    pub(super) fn began(&mut self, new: &NewTake) {
        let take = Take::begun(new);
        let last_number = -1;
        self.0.insert(take.id, One { take, last_number });
    }

    pub(super) fn appended(&mut self, id: TakeId, number: i64, samples: u64) {
        if let Some(one) = self.0.get_mut(&id) {
            one.take.samples = samples;
            one.last_number = number;
        }
    }

    /// Its row is another one.
    pub(super) fn changed(&mut self, take: &Take) {
        match (take.state, self.0.get_mut(&take.id)) {
            (State::Recording | State::Live | State::Uploading, Some(one)) => {
                one.take.clone_from(take);
            }
            (State::Live | State::Uploading, None) => {
                let take = take.clone();
                // It matters to what is appended, which is over.
                let last_number = -1;
                self.0.insert(take.id, One { take, last_number });
            }
            _ => self.forget(take.id),
        }
    }

    pub(super) fn forget(&mut self, id: TakeId) {
        self.0.remove(&id);
    }

    pub(super) fn has(&self, id: TakeId) -> bool {
        self.0.contains_key(&id)
    }

    pub(super) fn last_number(&self, id: TakeId) -> i64 {
        self.0.get(&id).map_or(-1, |one| one.last_number)
    }

    pub(super) fn takes(&self) -> impl Iterator<Item = &Take> {
        self.0.values().map(|one| &one.take)
    }
}

impl Take {
    /// Its row at the beginning.
    fn begun(new: &NewTake) -> Self {
        Self {
            id: new.id,
            state: State::Recording,
            began_at: new.began_at,
            ended_at: None,
            sample_rate: new.sample_rate,
            samples: 0,
            language: new.language.clone(),
            app: new.app.clone(),
            route: new.route,
            server: new.server.clone(),
            known_as: None,
            recovered: false,
            attempts: 0,
            next_attempt_at: None,
            problem: None,
            uploaded_samples: 0,
            stored_samples: 0,
            transcript: None,
            text: None,
            forget_at: None,
            person: new.person.clone(),
        }
    }
}
