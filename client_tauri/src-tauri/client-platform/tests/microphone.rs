//! A microphone of PulseAudio's, spoken into by playing a tone; the server is the test's own.
#![cfg(target_os = "linux")]
// `PULSE_SERVER` is read from the environment of this process, which runs this one test.
#![allow(unsafe_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod screen;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use client_core::ports::{Microphone, MicrophoneError, MicrophoneEvent, Sound, Sounds};
use client_platform::microphone::SystemMicrophone;
use client_platform::sounds::Tones;
use screen::{installed, until};

const RATE: u32 = 48_000;
const HZ: f32 = 440.0;

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(folder: &Path) -> Server {
    let socket = folder.join("server.socket");
    // SAFETY: this process runs one test, and no other thread of it has been started yet.
    unsafe {
        std::env::set_var("PULSE_SERVER", format!("unix:{}", socket.display()));
        std::env::set_var("XDG_RUNTIME_DIR", folder);
        std::env::set_var("HOME", folder);
    }
    let child = Command::new("pulseaudio")
        .args([
            "-n",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--use-pid-file=no",
        ])
        .arg("-L")
        .arg(format!(
            "module-native-protocol-unix auth-anonymous=1 socket={}",
            socket.display()
        ))
        .args(["-L", "module-null-sink sink_name=vspk"])
        .args([
            "-L",
            "module-remap-source master=vspk.monitor source_name=vmic",
        ])
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let server = Server(child);
    until("PulseAudio", || pactl(&["set-default-source", "vmic"]));
    server
}

fn pactl(arguments: &[&str]) -> bool {
    Command::new("pactl")
        .args(arguments)
        .stderr(Stdio::null())
        .status()
        .unwrap()
        .success()
}

fn speak(folder: &Path) -> Child {
    let tone: Vec<u8> = (0..RATE * 3)
        .flat_map(|n| {
            let at = n as f32 / RATE as f32;
            let sample = (std::f32::consts::TAU * HZ * at).sin() * 12_000.0;
            (sample as i16).to_le_bytes()
        })
        .collect();
    let file = folder.join("tone.raw");
    std::fs::write(&file, tone).unwrap();
    Command::new("paplay")
        .args([
            "--device=vspk",
            "--raw",
            "--format=s16le",
            "--rate=48000",
            "--channels=1",
        ])
        .arg(file)
        .spawn()
        .unwrap()
}

/// A second of sound that is not silent.
fn second(heard: &Receiver<MicrophoneEvent>) -> (Vec<f32>, u32) {
    let mut samples = Vec::new();
    loop {
        match heard.recv_timeout(Duration::from_secs(20)).unwrap() {
            MicrophoneEvent::Frames(frames) => {
                if !samples.is_empty() || frames.samples.iter().any(|sample| sample.abs() > 0.05) {
                    samples.extend(frames.samples);
                }
                if samples.len() as u32 >= frames.rate {
                    return (samples, frames.rate);
                }
            }
            MicrophoneEvent::Overrun(_) => {}
            MicrophoneEvent::Lost(error) => panic!("{error}"),
        }
    }
}

#[test]
fn what_is_played_is_heard_and_a_microphone_that_goes_away_is_said() {
    if !(installed("pulseaudio") && installed("paplay")) {
        assert!(
            std::env::var_os("ALFAVOICE_DISPLAY_TESTS").is_none(),
            "no pulseaudio"
        );
        eprintln!("SKIPPED: pulseaudio is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let server = serve(folder.path());
    let microphone = SystemMicrophone::new();

    let devices = microphone.devices().unwrap();
    let names: Vec<_> = devices.iter().map(|device| device.id.as_str()).collect();
    assert_eq!(names, ["pulseaudio:vmic"]);
    assert!(devices[0].default);

    let (events, heard) = sync_channel(1000);
    let missing = microphone.open(Some("pulseaudio:unplugged"), events.clone());
    assert_eq!(missing.err(), Some(MicrophoneError::Missing));

    let open = microphone.open(None, events.clone()).unwrap();
    assert_eq!(open.device().id, "pulseaudio:vmic");
    let mut speaker = speak(folder.path());
    let (samples, rate) = second(&heard);
    let crossings = samples
        .windows(2)
        .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
        .count();
    let hz = crossings as f32 * rate as f32 / samples.len() as f32;
    assert!((hz - HZ).abs() < 30.0, "{hz} Hz");
    let _ = speaker.wait();
    drop(open);

    let chosen = microphone.open(Some("pulseaudio:vmic"), events).unwrap();
    // A sound on the way does no harm while the server goes.
    let sounds = Tones::new().unwrap();
    sounds.play(Sound::Begin);
    drop(server);
    until("the loss", || {
        heard
            .try_iter()
            .any(|event| matches!(event, MicrophoneEvent::Lost(_)))
    });
    drop(chosen);
}
