//! Edges of keys with their times → what the person meant. Pure: time is an argument.
//!
//! ```text
//! hold to talk    press ───── ≥ hold ───── release            Begin … End
//! tap to latch    press ─ < hold ─ release … press            Begin, Latch … End
//! modifiers only  press ─ wait ─ (nothing else) …             Prepare, Begin … as above
//! a shortcut      press ─ another key                         Prepare, Discard
//! ```
//!
//! Two things X11 does are undone here. Auto-repeat sends pairs of release and press while a chord is held (measured: 23
//! pairs in 1.5 s), so a release counts only when no press follows within [`Timing::deferral`]; and a release may come
//! twice, so that what is already up stays up.

use std::time::{Duration, Instant};

use crate::ports::Edge;

/// The times that tell gestures apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// Held at least this long, it was held to talk; shorter, it was a tap. Half a second is what VoiceInk found to work.
    pub hold: Duration,
    /// How long a release waits for the press of an auto-repeat. X servers repeat every 25–40 ms.
    pub deferral: Duration,
    /// How long a chord of modifiers waits for another key before a take begins. The pre-roll covers it.
    pub wait: Duration,
    /// Another key within this time means that the chord was the beginning of another program's shortcut: nothing was
    /// meant. Later, somebody has been talking, and it cancels, which can be undone.
    pub shortcut: Duration,
    /// Within this time a second Escape confirms the first.
    pub confirm: Duration,
    /// A latched take as long as this needs that second Escape.
    pub precious: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            hold: Duration::from_millis(500),
            deferral: Duration::from_millis(50),
            wait: Duration::from_millis(150),
            shortcut: Duration::from_secs(1),
            confirm: Duration::from_millis(1500),
            precious: Duration::from_secs(5),
        }
    }
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The chord of dictation.
    Chord {
        /// Which way it went.
        edge: Edge,
        /// Whether it is made of modifiers only.
        modifiers_only: bool,
    },
    /// Another key went down while a chord of modifiers was held.
    OtherKey,
    /// Escape, or what is bound to cancel.
    Cancel,
    /// A take began in another way (tray, command line, a button): it is latched.
    BeganElsewhere,
    /// The take ended in another way.
    EndedElsewhere,
}

/// What was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gesture {
    /// Something may begin: open the microphone, keep its sound as pre-roll.
    Prepare,
    /// A take begins.
    Begin,
    /// It goes on without the key.
    Latch,
    /// It ends.
    End,
    /// It is dropped; may be undone.
    Cancel,
    /// Escape once more would drop it.
    ConfirmCancel,
    /// Nothing was meant; forget what was prepared or begun.
    Discard,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// A chord of modifiers is down, nothing has begun.
    Waiting {
        since: Instant,
    },
    /// A take goes on and the chord is down.
    Held {
        since: Instant,
        modifiers_only: bool,
    },
    /// A take goes on without the key.
    Latched {
        since: Instant,
    },
    /// A chord of modifiers is down again: it ends the take unless another key makes it a shortcut.
    Closing {
        since: Instant,
    },
    /// The chord is still down, but it has done its work.
    Spent {
        modifiers_only: bool,
    },
}

/// The machine.
#[derive(Debug, Clone)]
pub struct Gestures {
    timing: Timing,
    state: State,
    released: Option<Instant>,
    first_cancel: Option<Instant>,
}

impl Gestures {
    /// A machine at rest.
    pub fn new(timing: Timing) -> Self {
        Self {
            timing,
            state: State::Idle,
            released: None,
            first_cancel: None,
        }
    }

    /// Takes one input. Inputs must come in the order of their times; one that is late is taken as of now.
    pub fn hear(&mut self, input: Input, at: Instant) -> Vec<Gesture> {
        let mut meant = self.tick(at);
        match input {
            Input::Chord {
                edge: Edge::Pressed,
                modifiers_only,
            } => {
                let repeated = self.released.is_some() && self.down() == Some(modifiers_only);
                if repeated {
                    self.released = None;
                } else {
                    self.press(modifiers_only, at, &mut meant);
                }
            }
            Input::Chord {
                edge: Edge::Released,
                modifiers_only,
            } => {
                if self.down() == Some(modifiers_only) {
                    self.released.get_or_insert(at);
                }
            }
            Input::OtherKey => self.other_key(at, &mut meant),
            Input::Cancel => self.cancel(at, &mut meant),
            Input::BeganElsewhere => self.go(State::Latched { since: at }),
            Input::EndedElsewhere => self.ended_elsewhere(),
        }
        meant
    }

    /// Lets time pass.
    pub fn tick(&mut self, now: Instant) -> Vec<Gesture> {
        let mut meant = Vec::new();
        // At most two things are due: the wait of a chord of modifiers, then a release.
        if let State::Waiting { since } = self.state
            && now >= since + self.timing.wait
        {
            meant.push(Gesture::Begin);
            self.state = State::Held {
                since,
                modifiers_only: true,
            };
        }
        if let Some(at) = self.released
            && now >= at + self.timing.deferral
        {
            self.release(at, &mut meant);
        }
        meant
    }

    /// When [`Gestures::tick`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let wait = match self.state {
            State::Waiting { since } => Some(since + self.timing.wait),
            _ => None,
        };
        let release = self.released.map(|at| at + self.timing.deferral);
        [wait, release].into_iter().flatten().min()
    }

    /// Which chord is down: one of modifiers only?
    fn down(&self) -> Option<bool> {
        match self.state {
            State::Waiting { .. } | State::Closing { .. } => Some(true),
            State::Held { modifiers_only, .. } | State::Spent { modifiers_only } => {
                Some(modifiers_only)
            }
            State::Idle | State::Latched { .. } => None,
        }
    }

    fn go(&mut self, state: State) {
        self.state = state;
        self.released = None;
        self.first_cancel = None;
    }

    fn press(&mut self, modifiers_only: bool, at: Instant, meant: &mut Vec<Gesture>) {
        match self.state {
            State::Spent {
                modifiers_only: spent,
            } if spent == modifiers_only => {}
            State::Idle | State::Spent { .. } if modifiers_only => {
                meant.push(Gesture::Prepare);
                self.go(State::Waiting { since: at });
            }
            // Of two chords bound, the one of modifiers is down first; the key makes it the other one.
            State::Idle | State::Spent { .. } | State::Waiting { .. } if !modifiers_only => {
                meant.push(Gesture::Begin);
                self.go(State::Held {
                    since: at,
                    modifiers_only,
                });
            }
            State::Latched { since } if modifiers_only => self.go(State::Closing { since }),
            State::Latched { .. } => {
                meant.push(Gesture::End);
                self.go(State::Spent { modifiers_only });
            }
            State::Idle
            | State::Spent { .. }
            | State::Waiting { .. }
            | State::Held { .. }
            | State::Closing { .. } => {}
        }
    }

    fn release(&mut self, at: Instant, meant: &mut Vec<Gesture>) {
        match self.state {
            State::Waiting { since } => {
                meant.extend([Gesture::Begin, Gesture::Latch]);
                self.go(State::Latched { since });
            }
            State::Held { since, .. } if at < since + self.timing.hold => {
                meant.push(Gesture::Latch);
                self.go(State::Latched { since });
            }
            State::Held { .. } | State::Closing { .. } => {
                meant.push(Gesture::End);
                self.go(State::Idle);
            }
            State::Spent { .. } => self.go(State::Idle),
            State::Idle | State::Latched { .. } => self.released = None,
        }
    }

    fn other_key(&mut self, at: Instant, meant: &mut Vec<Gesture>) {
        match self.state {
            State::Waiting { .. } => {
                meant.push(Gesture::Discard);
                self.state = State::Spent {
                    modifiers_only: true,
                };
            }
            State::Held {
                since,
                modifiers_only: true,
            } => {
                meant.push(if at <= since + self.timing.shortcut {
                    Gesture::Discard
                } else {
                    Gesture::Cancel
                });
                self.state = State::Spent {
                    modifiers_only: true,
                };
            }
            State::Closing { since } => self.go(State::Latched { since }),
            State::Held { .. } | State::Idle | State::Latched { .. } | State::Spent { .. } => {}
        }
    }

    fn cancel(&mut self, at: Instant, meant: &mut Vec<Gesture>) {
        match self.state {
            State::Waiting { .. } => {
                meant.push(Gesture::Discard);
                self.spend(true);
            }
            State::Held { modifiers_only, .. } => {
                meant.push(Gesture::Cancel);
                self.spend(modifiers_only);
            }
            State::Latched { since } | State::Closing { since } => {
                let precious = at >= since + self.timing.precious;
                let confirmed = self
                    .first_cancel
                    .is_some_and(|first| at <= first + self.timing.confirm);
                if precious && !confirmed {
                    meant.push(Gesture::ConfirmCancel);
                    self.first_cancel = Some(at);
                } else {
                    meant.push(Gesture::Cancel);
                    self.ended_elsewhere();
                }
            }
            State::Idle | State::Spent { .. } => {}
        }
    }

    /// The chord stays down, a release on its way stays on its way.
    fn spend(&mut self, modifiers_only: bool) {
        self.state = State::Spent { modifiers_only };
        self.first_cancel = None;
    }

    fn ended_elsewhere(&mut self) {
        match self.down() {
            Some(modifiers_only) => self.spend(modifiers_only),
            None => self.go(State::Idle),
        }
    }
}

#[cfg(test)]
mod tests;
