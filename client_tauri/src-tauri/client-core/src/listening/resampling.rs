//! Any rate → 16 kHz, and floats → PCM16.

use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{
    Async, FixedAsync, Indexing, Resampler as _, SincInterpolationParameters, WindowFunction,
};

/// Samples a second of everything behind this module.
pub const RATE: u32 = 16_000;

/// Rates that devices have; everything else is a fault of a driver.
const RATES: std::ops::RangeInclusive<u32> = 8_000..=192_000;

/// Why sound cannot be brought to 16 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResamplerError {
    /// Not 8 … 192 kHz.
    #[error("{0} samples a second are not a rate of sound")]
    Rate(u32),
    /// The filter could not be made.
    #[error("the resampler failed")]
    Failed,
}

/// A sample as PCM16: scaled by 2^15, to the nearest, held at the ends. No dither: recognisers want the signal, not a
/// pleasant noise floor.
pub fn pcm16(sample: f32) -> i16 {
    // A float that is not a number becomes 0, one too big the nearest end: `as` saturates.
    (sample * 32_768.0).round() as i16
}

/// Brings a stream to 16 kHz, sample-exact in length and without the filter's delay.
///
/// A windowed sinc of 64 zero crossings at the lower of the two rates: flat to 7.2 kHz, nothing folded back.
pub struct Resampler {
    rate: u32,
    filter: Option<Filter>,
    taken: u64,
    given: u64,
}

struct Filter {
    inner: Async<f32>,
    waiting: Vec<f32>,
    delay: usize,
}

impl Resampler {
    /// From this rate.
    ///
    /// # Errors
    /// [`ResamplerError`].
    pub fn new(rate: u32) -> Result<Self, ResamplerError> {
        if !RATES.contains(&rate) {
            return Err(ResamplerError::Rate(rate));
        }
        let filter = if rate == RATE {
            None
        } else {
            Some(Filter::new(rate)?)
        };
        Ok(Self {
            rate,
            filter,
            taken: 0,
            given: 0,
        })
    }

    /// From which rate.
    pub fn rate(&self) -> u32 {
        self.rate
    }

    /// Takes sound, gives what is ready.
    ///
    /// # Errors
    /// [`ResamplerError::Failed`], which a correct filter never says.
    pub fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, ResamplerError> {
        self.taken += samples.len() as u64;
        let ready = match &mut self.filter {
            None => samples.to_vec(),
            Some(filter) => filter.push(samples)?,
        };
        self.given += ready.len() as u64;
        Ok(ready)
    }

    /// Gives the rest: in all, exactly as long as what was taken, to the nearest sample.
    ///
    /// # Errors
    /// As [`Resampler::push`].
    pub fn finish(mut self) -> Result<Vec<f32>, ResamplerError> {
        let Some(filter) = &mut self.filter else {
            return Ok(Vec::new());
        };
        let all = (self.taken * u64::from(RATE) + u64::from(self.rate) / 2) / u64::from(self.rate);
        let missing = usize::try_from(all.saturating_sub(self.given)).unwrap_or(0);
        let mut rest = Vec::with_capacity(missing);
        while rest.len() < missing {
            let silence = vec![0.0; filter.inner.input_frames_next()];
            rest.extend(filter.push(&silence)?);
        }
        rest.truncate(missing);
        Ok(rest)
    }
}

impl Filter {
    fn new(rate: u32) -> Result<Self, ResamplerError> {
        let down = rate.div_ceil(RATE) as usize;
        let shape = SincInterpolationParameters::new(128 * down, WindowFunction::Blackman2);
        // 10 ms of input a step, so that nothing waits long for its filter.
        let step = (rate as usize / 100).max(1);
        let ratio = f64::from(RATE) / f64::from(rate);
        let inner = Async::new_sinc(ratio, 1.0, &shape, step, 1, FixedAsync::Input)
            .map_err(|_| ResamplerError::Failed)?;
        // The first sample out belongs one step after half a filter before the first sample in.
        let delay = (64.0 * down as f64 * ratio - 1.0).round();
        Ok(Self {
            delay: delay as usize,
            inner,
            waiting: Vec::new(),
        })
    }

    fn push(&mut self, samples: &[f32]) -> Result<Vec<f32>, ResamplerError> {
        self.waiting.extend_from_slice(samples);
        let mut ready = Vec::new();
        let mut used = 0;
        loop {
            let need = self.inner.input_frames_next();
            let left = self.waiting.len() - used;
            if left < need {
                break;
            }
            let frames = InterleavedSlice::new(&self.waiting, 1, self.waiting.len())
                .map_err(|_| ResamplerError::Failed)?;
            let from = Indexing::new().input_offset(used);
            let out = self
                .inner
                .process(&frames, Some(&from))
                .map_err(|_| ResamplerError::Failed)?;
            ready.extend(out.take_data());
            used += need;
        }
        self.waiting.drain(..used);
        let late = self.delay.min(ready.len());
        self.delay -= late;
        ready.drain(..late);
        Ok(ready)
    }
}
