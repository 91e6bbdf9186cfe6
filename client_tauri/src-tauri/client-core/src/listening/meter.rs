//! How loud it is, and whether it is anything at all.

use super::RATE;

/// 50 ms: 20 a second.
const WINDOW: usize = RATE as usize / 20;

/// A muted microphone gives exact zeros; a quiet room never does for a second (whisper-local warns at the same).
const DEAD: usize = RATE as usize;

/// Levels of 50 ms each and a watch for digital silence.
#[derive(Debug, Default)]
pub(super) struct Meter {
    squares: f64,
    peak: f32,
    count: usize,
    zeros: usize,
    warned: bool,
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
            self.zeros = if *sample == 0.0 { self.zeros + 1 } else { 0 };
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

    /// Whether nothing but zeros came for a second; says so once until [`Meter::begin`].
    pub fn is_dead(&mut self) -> bool {
        let now = !self.warned && self.zeros >= DEAD;
        self.warned |= now;
        now
    }

    /// A take begins: its own second counts.
    pub fn begin(&mut self) {
        *self = Self::default();
    }
}
