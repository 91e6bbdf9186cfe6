//! Sound in, sound out, and silence.

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use client_core::ports::{Microphone, MicrophoneEvent, Muting, Sound, Sounds};
use client_platform::microphone::SystemMicrophone;
use client_platform::sounds::Tones;
use client_platform::windows::EndpointMuting;

#[test]
fn the_microphone_is_listed_and_gives_sound() {
    let microphone = SystemMicrophone::new();
    let devices = microphone.devices().unwrap();
    println!("{devices:?}");
    assert!(devices.first().is_some_and(|device| device.default));
    let (events, heard) = sync_channel(64);
    for chosen in [None, Some(devices[0].id.as_str())] {
        let capture = microphone.open(chosen, events.clone()).unwrap();
        assert_eq!(capture.device().id, devices[0].id);
        let mut seconds = 0.0;
        while seconds < 1.0 {
            match heard.recv_timeout(Duration::from_secs(20)).unwrap() {
                MicrophoneEvent::Frames(frames) => {
                    #[allow(clippy::cast_precision_loss)]
                    let length = frames.samples.len() as f64;
                    seconds += length / f64::from(frames.rate);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn tones_are_played() {
    let tones = Tones::new().unwrap();
    tones.play(Sound::Begin);
    tones.play(Sound::End);
    std::thread::sleep(Duration::from_secs(1));
}

#[test]
fn the_loudspeaker_is_silenced_and_given_back() {
    let muting = EndpointMuting::new();
    muting.mute().unwrap();
    muting.mute().unwrap();
    muting.restore().unwrap();
    muting.restore().unwrap();
}
