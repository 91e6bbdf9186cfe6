//! How loud it is, and whether it is anything at all.

use super::RATE;

/// 50 ms: 20 a second.
const WINDOW: usize = RATE as usize / 20;

/// A muted microphone gives exact zeros from the beginning on. So does one behind a noise gate, but only until somebody speaks,
/// who has pressed a key to do that: 3 s are longer than they wait.
const DEAD: usize = RATE as usize * 3;

/// What is to be said of the microphone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Nothing but zeros has come since the take began.
    Dead,
    /// Sound comes after all.
    Alive,
}

/// How far the watch for digital silence is. Whatever sounded once is no dead microphone: a noise gate gives zeros between words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Watch {
    #[default]
    Waiting,
    SaidDead,
    Sounded,
}

/// Levels of 50 ms each and a watch for digital silence.
#[derive(Debug, Default)]
pub(super) struct Meter {
    squares: f64,
    peak: f32,
    count: usize,
    zeros: usize,
    sounded: bool,
    watch: Watch,
}

/// A window's loudness, 0 … 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Level {
    pub rms: f32,
    pub peak: f32,
}

impl Meter {
    /// Takes sound; gives the levels of the windows it completes.
    pub fn measure(&mut self, samples: &[f32]) -> Vec<Level> {
        let mut levels = Vec::new();
        for sample in samples {
            if *sample == 0.0 {
                self.zeros += 1;
            } else {
                self.sounded = true;
            }
            self.squares += f64::from(*sample) * f64::from(*sample);
            self.peak = self.peak.max(sample.abs());
            self.count += 1;
            if self.count == WINDOW {
                let rms = (self.squares / WINDOW as f64).sqrt() as f32;
                levels.push(Level {
                    rms: rms.clamp(0.0, 1.0),
                    peak: self.peak.clamp(0.0, 1.0),
                });
                (self.squares, self.peak, self.count) = (0.0, 0.0, 0);
            }
        }
        levels
    }

    /// What is new about the microphone; each sign once at most until [`Meter::begin`].
    pub fn sign(&mut self) -> Option<Sign> {
        let (watch, sign) = match self.watch {
            Watch::Waiting if self.sounded => (Watch::Sounded, None),
            Watch::Waiting if self.zeros >= DEAD => (Watch::SaidDead, Some(Sign::Dead)),
            Watch::SaidDead if self.sounded => (Watch::Sounded, Some(Sign::Alive)),
            same => (same, None),
        };
        self.watch = watch;
        sign
    }

    /// A take begins with what was heard just before it: its own seconds count.
    pub fn begin<'a>(&mut self, before: impl IntoIterator<Item = &'a i16>) {
        *self = Self {
            sounded: before.into_iter().any(|sample| *sample != 0),
            ..Self::default()
        };
    }
}
