//! What microphone and sounds share of cpal: the host, names of devices, samples of every format.

use cpal::traits::{DeviceTrait, HostTrait};
use cpal::{Data, Device, FromSample, Host, Sample, SampleFormat, SizedSample};

/// A stream is asked to come in portions of this length.
pub const PORTION_MS: u32 = 25;

/// The system's audio: PulseAudio or PipeWire, else ALSA; WASAPI; Core Audio.
#[must_use]
pub fn host() -> Host {
    cpal::default_host()
}

/// A device's id, which stays the same over restarts, and its name for people.
#[must_use]
pub fn identity(device: &Device) -> Option<(String, String)> {
    let id = device.id().ok()?.to_string();
    let name = device.description().ok()?.name().to_owned();
    Some((id, name))
}

/// Whether this is what a loudspeaker plays, offered as if it were a microphone.
#[must_use]
pub fn is_monitor(id: &str) -> bool {
    id.ends_with(".monitor")
}

/// Whether people know a device of this id. ALSA lists each card many times over, once a plugin.
#[must_use]
pub fn is_for_people(id: &str) -> bool {
    let Some(("alsa", name)) = id.split_once(':') else {
        return !is_monitor(id);
    };
    matches!(name, "default" | "pulse" | "pipewire") || name.starts_with("sysdefault:")
}

/// The microphones, the default one first; each with whether it is the default.
///
/// # Errors
/// When the audio system does not list them.
pub fn microphones(host: &Host) -> Result<Vec<(Device, String, String, bool)>, cpal::Error> {
    let default = host.default_input_device().and_then(|d| identity(&d));
    let mut all: Vec<_> = host
        .input_devices()?
        .filter_map(|device| {
            let (id, name) = identity(&device)?;
            let is_default = default.as_ref().is_some_and(|(default, _)| *default == id);
            is_for_people(&id).then_some((device, id, name, is_default))
        })
        .collect();
    all.sort_by_key(|(_, _, _, default)| !default);
    Ok(all)
}

/// Interleaved samples of any format as mono, -1 … 1: the mean of the channels. Empty for formats no microphone has.
#[must_use]
pub fn mono(data: &Data, channels: u16) -> Vec<f32> {
    match data.sample_format() {
        SampleFormat::I8 => mixed::<i8>(data, channels),
        SampleFormat::I16 => mixed::<i16>(data, channels),
        SampleFormat::I24 => mixed::<cpal::I24>(data, channels),
        SampleFormat::I32 => mixed::<i32>(data, channels),
        SampleFormat::I64 => mixed::<i64>(data, channels),
        SampleFormat::U8 => mixed::<u8>(data, channels),
        SampleFormat::U16 => mixed::<u16>(data, channels),
        SampleFormat::U24 => mixed::<cpal::U24>(data, channels),
        SampleFormat::U32 => mixed::<u32>(data, channels),
        SampleFormat::U64 => mixed::<u64>(data, channels),
        SampleFormat::F32 => mixed::<f32>(data, channels),
        SampleFormat::F64 => mixed::<f64>(data, channels),
        _ => Vec::new(),
    }
}

fn mixed<T: SizedSample>(data: &Data, channels: u16) -> Vec<f32>
where
    f32: FromSample<T>,
{
    data.as_slice::<T>()
        .map_or_else(Vec::new, |samples| mean(samples, channels))
}

fn mean<T: Sample>(samples: &[T], channels: u16) -> Vec<f32>
where
    f32: FromSample<T>,
{
    let channels = channels.max(1);
    let share = 1.0 / f32::from(channels);
    samples
        .chunks_exact(usize::from(channels))
        .map(|frame| frame.iter().map(|s| s.to_sample::<f32>()).sum::<f32>() * share)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_mixed_to_their_mean() {
        assert_eq!(mean(&[0.5_f32, -0.5, 1.0, 0.0], 2), vec![0.0, 0.5]);
        assert_eq!(mean(&[i16::MIN, 0], 1), vec![-1.0, 0.0]);
        assert_eq!(mean(&[128_u8, 128, 0, 0], 2), vec![0.0, -1.0]);
    }

    #[test]
    fn people_are_shown_each_microphone_once() {
        for id in [
            "pulseaudio:vmic",
            "alsa:default",
            "alsa:sysdefault:CARD=PCH",
            "wasapi:{0}",
        ] {
            assert!(is_for_people(id), "{id}");
        }
        for id in [
            "pulseaudio:sink.monitor",
            "alsa:front:CARD=PCH,DEV=0",
            "alsa:null",
        ] {
            assert!(!is_for_people(id), "{id}");
        }
    }
}
