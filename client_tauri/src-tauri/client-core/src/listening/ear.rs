//! Frames of a device → sound of takes. No device, no thread: the time is an argument.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::meter::{Meter, Sign};
use super::{Heard, PACKET_SAMPLES, RATE, Resampler, ResamplerError, pcm16};
use crate::coordinator::TakeId;
use crate::ports::Frames;

/// Sound still taken after the end: what the device and the system were holding when the key went up.
const TAIL_SAMPLES: usize = RATE as usize * 80 / 1000;

/// A key that is down for longer without a take has been forgotten there.
const MOST_PREPARED: usize = RATE as usize * 5;

/// A device that gives nothing any more is not waited for longer.
const TAIL: Duration = Duration::from_millis(300);

struct Taking {
    take: TakeId,
    heard: bool,
    said: u64,
    waiting: Vec<i16>,
    ending: Option<Ending>,
}

#[derive(Clone, Copy)]
struct Ending {
    left: usize,
    until: Instant,
}

/// Joins frames into takes.
pub(super) struct Ear {
    pre_roll: usize,
    /// Samples since a key went down that may begin a take.
    prepared: Option<usize>,
    recent: VecDeque<i16>,
    resampler: Option<Resampler>,
    meter: Meter,
    taking: Option<Taking>,
    /// Levels are wanted although there is no take.
    pub monitoring: bool,
}

impl Ear {
    pub fn new(pre_roll: Duration) -> Self {
        let mut ear = Self {
            pre_roll: 0,
            prepared: None,
            recent: VecDeque::new(),
            resampler: None,
            meter: Meter::default(),
            taking: None,
            monitoring: false,
        };
        ear.keep(pre_roll);
        ear
    }

    /// How much sound from before a take belongs to it.
    pub fn keep(&mut self, pre_roll: Duration) {
        let samples = pre_roll.as_millis() * u128::from(RATE) / 1000;
        self.pre_roll = usize::try_from(samples).unwrap_or(0);
        self.trim();
    }

    /// A key went down: what is heard from now on belongs to the take, should it begin; the pre-roll is what was before.
    pub fn prepare(&mut self) {
        self.prepared.get_or_insert(0);
    }

    /// None began.
    pub fn unprepare(&mut self) {
        self.prepared = None;
        self.trim();
    }

    /// The take whose sound comes in.
    pub fn take(&self) -> Option<TakeId> {
        self.taking.as_ref().map(|taking| taking.take)
    }

    /// When [`Ear::settle`] has something to do.
    pub fn deadline(&self) -> Option<Instant> {
        let ending = self.taking.as_ref()?.ending?;
        Some(ending.until)
    }

    /// A take begins, with what was heard just before. One that still waited for its last sound is complete.
    pub fn begin(&mut self, take: TakeId) -> Result<Vec<Heard>, ResamplerError> {
        let mut out = self.complete()?;
        self.prepared = None;
        self.meter.begin(&self.recent);
        self.taking = Some(Taking {
            take,
            heard: false,
            said: 0,
            waiting: self.recent.drain(..).collect(),
            ending: None,
        });
        self.cut(&mut out);
        Ok(out)
    }

    /// It ends: a little more sound is taken, then it is complete. Without a device it is complete now.
    pub fn stop(
        &mut self,
        take: TakeId,
        device: bool,
        now: Instant,
    ) -> Result<Vec<Heard>, ResamplerError> {
        match &mut self.taking {
            Some(taking) if taking.take == take => {
                if !device {
                    return self.complete();
                }
                taking.ending.get_or_insert(Ending {
                    left: TAIL_SAMPLES,
                    until: now + TAIL,
                });
                Ok(Vec::new())
            }
            // It was completed already (the next one began), or never began: whoever waits is told.
            _ => Ok(vec![Heard::Drained { take, samples: 0 }]),
        }
    }

    /// Nothing more of it.
    pub fn drop_take(&mut self, take: TakeId) {
        self.taking.take_if(|taking| taking.take == take);
    }

    /// Completes a take whose device has nothing more to give.
    pub fn settle(&mut self, now: Instant) -> Result<Vec<Heard>, ResamplerError> {
        if self.deadline().is_some_and(|until| until <= now) {
            return self.complete();
        }
        Ok(Vec::new())
    }

    /// The device is gone: what its filter holds is said, what was before belongs to no later take.
    pub fn lost(&mut self) -> Result<Vec<Heard>, ResamplerError> {
        let mut out = Vec::new();
        if let Some(resampler) = self.resampler.take() {
            let rest = resampler.finish()?;
            self.hear(&rest, &mut out);
        }
        self.recent.clear();
        Ok(out)
    }

    /// Sound came.
    pub fn frames(&mut self, frames: &Frames) -> Result<Vec<Heard>, ResamplerError> {
        let mut out = Vec::new();
        if self
            .resampler
            .as_ref()
            .is_some_and(|one| one.rate() != frames.rate)
        {
            out = self.lost()?;
        }
        let resampler = match &mut self.resampler {
            Some(resampler) => resampler,
            None => self.resampler.insert(Resampler::new(frames.rate)?),
        };
        let samples = resampler.push(&frames.samples)?;
        if let Some(taking) = &mut self.taking
            && !taking.heard
            && !frames.samples.is_empty()
        {
            taking.heard = true;
            out.push(Heard::First(taking.take));
        }
        self.hear(&samples, &mut out);
        let ended = self.taking.as_ref().and_then(|taking| taking.ending);
        if ended.is_some_and(|ending| ending.left == 0) {
            out.extend(self.complete()?);
        }
        Ok(out)
    }

    fn hear(&mut self, samples: &[f32], out: &mut Vec<Heard>) {
        if self.monitoring || self.taking.is_some() {
            for level in self.meter.measure(samples) {
                out.push(Heard::Level {
                    rms: level.rms,
                    peak: level.peak,
                });
            }
        }
        let pcm = samples.iter().map(|sample| pcm16(*sample));
        let Some(taking) = &mut self.taking else {
            self.recent.extend(pcm);
            if let Some(prepared) = &mut self.prepared {
                *prepared = (*prepared + samples.len()).min(MOST_PREPARED);
            }
            self.trim();
            return;
        };
        taking.waiting.extend(pcm);
        if let Some(ending) = &mut taking.ending {
            ending.left = ending.left.saturating_sub(samples.len());
        }
        match self.meter.sign() {
            Some(Sign::Dead) => out.push(Heard::Silence(taking.take)),
            Some(Sign::Alive) => out.push(Heard::SoundAfterAll(taking.take)),
            None => {}
        }
        self.cut(out);
    }

    fn cut(&mut self, out: &mut Vec<Heard>) {
        let Some(taking) = &mut self.taking else {
            return;
        };
        while taking.waiting.len() >= PACKET_SAMPLES {
            let rest = taking.waiting.split_off(PACKET_SAMPLES);
            let pcm = std::mem::replace(&mut taking.waiting, rest);
            say(taking, pcm, out);
        }
    }

    /// Says all that is left of the take, filter included.
    fn complete(&mut self) -> Result<Vec<Heard>, ResamplerError> {
        let mut out = Vec::new();
        if self.taking.is_none() {
            return Ok(out);
        }
        if let Some(resampler) = self.resampler.take() {
            let rest = resampler.finish()?;
            self.hear(&rest, &mut out);
        }
        if let Some(mut taking) = self.taking.take() {
            let pcm = std::mem::take(&mut taking.waiting);
            if !pcm.is_empty() {
                say(&mut taking, pcm, &mut out);
            }
            out.push(Heard::Drained {
                take: taking.take,
                samples: taking.said,
            });
        }
        Ok(out)
    }

    fn trim(&mut self) {
        let kept = self.pre_roll + self.prepared.unwrap_or(0);
        let more = self.recent.len().saturating_sub(kept);
        self.recent.drain(..more);
    }
}

fn say(taking: &mut Taking, pcm: Vec<i16>, out: &mut Vec<Heard>) {
    let first_sample = taking.said;
    taking.said += pcm.len() as u64;
    out.push(Heard::Sound {
        take: taking.take,
        first_sample,
        pcm,
    });
}
