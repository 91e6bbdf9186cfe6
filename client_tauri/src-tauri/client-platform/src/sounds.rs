//! Short tones that say what the recording does, made here and played through the system's default loudspeaker.

use std::f32::consts::TAU;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use client_core::ports::{Sound, Sounds};
use cpal::traits::{DeviceTrait, HostTrait, StreamTrait};
use cpal::{Data, FromSample, SampleFormat, SizedSample, StreamConfig};

use crate::audio::host;

/// Quiet beside speech: about -17 dB of full scale.
const LOUDNESS: f32 = 0.14;
/// Each tone swells and fades for so long, or it would click.
const RAMP_S: f32 = 0.008;
/// So many sounds may wait; more are left out.
const WAITING: usize = 4;
/// What the system plays later than it takes it.
const TAIL: Duration = Duration::from_millis(250);

/// The tones of a sound: Hz and seconds. Rising to begin, falling to end (the fifths and thirds of A major).
const fn tones(sound: Sound) -> &'static [(f32, f32)] {
    match sound {
        Sound::Begin => &[(659.3, 0.06), (880.0, 0.08)],
        Sound::End => &[(880.0, 0.06), (659.3, 0.08)],
        Sound::Problem => &[(440.0, 0.12), (0.0, 0.06), (440.0, 0.12)],
    }
}

/// The samples of a sound, mono, -1 … 1.
#[must_use]
pub fn samples(sound: Sound, rate: u32) -> Vec<f32> {
    #[expect(clippy::cast_precision_loss, reason = "rates are far below 2^24")]
    let per_second = rate as f32;
    let mut all = Vec::new();
    for (hz, seconds) in tones(sound) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a positive fraction of a second"
        )]
        let many = (seconds * per_second) as u16;
        for n in 0..many {
            let at = f32::from(n) / per_second;
            let left = seconds - at;
            let swell = (at.min(left) / RAMP_S).clamp(0.0, 1.0);
            all.push(LOUDNESS * swell * (TAU * hz * at).sin());
        }
    }
    all
}

/// Plays on a thread of its own; ends with the last sound when dropped.
#[derive(Debug)]
pub struct Tones {
    play: SyncSender<Sound>,
}

impl Tones {
    /// Nothing is opened before something is to be heard.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn new() -> std::io::Result<Self> {
        let (play, wanted) = sync_channel(WAITING);
        std::thread::Builder::new()
            .name("sounds".to_owned())
            .spawn(move || perform(&wanted))?;
        Ok(Self { play })
    }
}

impl Sounds for Tones {
    fn play(&self, sound: Sound) {
        // A sound that has to wait behind others says nothing any more.
        let _ = self.play.try_send(sound);
    }
}

fn perform(wanted: &Receiver<Sound>) {
    while let Ok(sound) = wanted.recv() {
        // Where it cannot be played there is silence, as promised.
        let _ = perform_one(sound);
    }
}

fn perform_one(sound: Sound) -> Result<(), cpal::Error> {
    let Some(device) = host().default_output_device() else {
        return Ok(());
    };
    let format = device.default_output_config()?;
    let rate = format.sample_rate();
    let samples = samples(sound, rate);
    let lasts = Duration::from_secs_f32(tones(sound).iter().map(|(_, seconds)| seconds).sum());
    let config = StreamConfig {
        channels: format.channels(),
        sample_rate: rate,
        buffer_size: cpal::BufferSize::Default,
    };
    let channels = usize::from(format.channels()).max(1);
    let mut playing = samples.into_iter();
    let stream = device.build_output_stream_raw(
        config,
        format.sample_format(),
        move |data, _| fill(data, channels, &mut playing),
        |_| {},
        Some(TAIL),
    )?;
    stream.play()?;
    std::thread::sleep(lasts + TAIL);
    Ok(())
}

fn fill(data: &mut Data, channels: usize, playing: &mut impl Iterator<Item = f32>) {
    match data.sample_format() {
        SampleFormat::F32 => filled::<f32>(data, channels, playing),
        SampleFormat::F64 => filled::<f64>(data, channels, playing),
        SampleFormat::I32 => filled::<i32>(data, channels, playing),
        SampleFormat::I24 => filled::<cpal::I24>(data, channels, playing),
        SampleFormat::I16 => filled::<i16>(data, channels, playing),
        SampleFormat::U16 => filled::<u16>(data, channels, playing),
        SampleFormat::U8 => filled::<u8>(data, channels, playing),
        _ => data.bytes_mut().fill(0),
    }
}

fn filled<T: SizedSample + FromSample<f32>>(
    data: &mut Data,
    channels: usize,
    playing: &mut impl Iterator<Item = f32>,
) {
    if let Some(out) = data.as_slice_mut::<T>() {
        for frame in out.chunks_mut(channels) {
            frame.fill(T::from_sample(playing.next().unwrap_or(0.0)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sounds_are_short_quiet_and_begin_and_end_in_silence() {
        for sound in [Sound::Begin, Sound::End, Sound::Problem] {
            let samples = samples(sound, 48_000);
            assert!(samples.len() < 48_000 / 2);
            assert!(samples.iter().all(|sample| sample.abs() <= LOUDNESS));
            assert!(samples.iter().any(|sample| sample.abs() > LOUDNESS / 2.0));
            assert!(samples[0].abs() < 0.01 && samples[samples.len() - 1].abs() < 0.01);
        }
    }
}
