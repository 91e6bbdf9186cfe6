//! One take, as the coordinator knows it.

use std::time::Instant;

use super::{Limits, Now, TakeId};

/// How far a take is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Phase {
    Recording {
        latched: bool,
    },
    /// Released; its last sound is on its way.
    Draining {
        released: Instant,
    },
    /// Waits for its text, or for its turn.
    Finishing {
        released: Instant,
    },
    Inserting {
        since: Instant,
    },
    Cancelled {
        until: Now,
        /// Whether its last sound is in the outbox.
        drained: bool,
        since: Instant,
    },
}

#[derive(Debug, Clone)]
pub(super) struct Take {
    pub id: TakeId,
    /// Takes count up; insertion goes by it.
    pub number: u64,
    pub phase: Phase,
    pub began: Now,
    pub heard: bool,
    pub stable: String,
    pub tail: String,
    /// Came in time.
    pub text: Option<String>,
}

impl Take {
    pub fn new(id: TakeId, number: u64, latched: bool, began: Now) -> Self {
        Self {
            id,
            number,
            phase: Phase::Recording { latched },
            began,
            heard: false,
            stable: String::new(),
            tail: String::new(),
            text: None,
        }
    }

    pub fn is_recording(&self) -> bool {
        matches!(self.phase, Phase::Recording { .. })
    }

    pub fn is_cancelled(&self) -> bool {
        matches!(self.phase, Phase::Cancelled { .. })
    }

    /// Whether its last sound is in the outbox.
    pub fn is_drained(&self) -> bool {
        match self.phase {
            Phase::Recording { .. } | Phase::Draining { .. } => false,
            Phase::Finishing { .. } | Phase::Inserting { .. } => true,
            Phase::Cancelled { drained, .. } => drained,
        }
    }

    /// Whether text of later takes has to wait for it.
    pub fn is_awaited(&self) -> bool {
        matches!(
            self.phase,
            Phase::Draining { .. } | Phase::Finishing { .. } | Phase::Inserting { .. }
        )
    }

    /// When something is due although nothing happens.
    pub fn deadline(&self, limits: &Limits) -> Option<Instant> {
        match self.phase {
            Phase::Recording { .. } => Some(self.began.at + limits.longest),
            Phase::Draining { released } => Some(released + limits.drain),
            // Text that is here has only to wait for its turn, which some other deadline or event brings.
            Phase::Finishing { released } => self.text.is_none().then(|| released + limits.timely),
            Phase::Inserting { since } => Some(since + limits.insertion),
            Phase::Cancelled {
                until,
                drained: false,
                since,
            } => Some((since + limits.drain).min(until.at)),
            Phase::Cancelled { until, .. } => Some(until.at),
        }
    }
}
