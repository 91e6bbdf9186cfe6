use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::sync::mpsc;

use super::tests::{counted, take};
use super::thread::Patience;
use super::*;
use crate::ports::{Capture, InputDevice, MicrophoneEvent, MicrophoneEvents};

/// Devices as a test likes them: each opening hands its channel to the test.
struct Desk {
    present: Mutex<Vec<&'static str>>,
    opened: Mutex<Sender<(String, MicrophoneEvents)>>,
}

struct Device(InputDevice, Sender<String>);

impl Capture for Device {
    fn device(&self) -> &InputDevice {
        &self.0
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        let _ = self.1.send(self.0.name.clone());
    }
}

struct Fake {
    desk: Desk,
    closed: Mutex<Sender<String>>,
}

impl Microphone for Fake {
    fn devices(&self) -> Result<Vec<InputDevice>, MicrophoneError> {
        Ok(Vec::new())
    }

    fn open(
        &self,
        device: Option<&str>,
        events: MicrophoneEvents,
    ) -> Result<Box<dyn Capture>, MicrophoneError> {
        let present = self.desk.present.lock().unwrap();
        let wanted = match device {
            Some(name) => present.iter().find(|one| **one == name),
            None => present.first(),
        };
        let name = wanted.ok_or(match device {
            Some(_) => MicrophoneError::Missing,
            None => MicrophoneError::None,
        })?;
        let opened = self.desk.opened.lock().unwrap();
        opened.send((String::from(*name), events)).unwrap();
        let device = InputDevice {
            id: String::from(*name),
            name: String::from(*name),
            default: true,
        };
        let closed = self.closed.lock().unwrap().clone();
        Ok(Box::new(Device(device, closed)))
    }
}

struct Room {
    fake: Arc<Fake>,
    commands: SyncSender<Command>,
    heard: mpsc::Receiver<Heard>,
    opened: Receiver<(String, MicrophoneEvents)>,
    closed: Receiver<String>,
}

/// Tests that are not about patience have all of it.
const PATIENT: Patience = Patience {
    first: SOON,
    later: SOON,
    another: SOON,
};

fn room(present: &[&'static str], keep_open: Duration, patience: Patience) -> Room {
    let (opened_to, opened) = channel();
    let (closed_to, closed) = channel();
    let fake = Arc::new(Fake {
        desk: Desk {
            present: Mutex::new(present.to_vec()),
            opened: Mutex::new(opened_to),
        },
        closed: Mutex::new(closed_to),
    });
    let listening = Listening {
        device: Some("headset".into()),
        pre_roll: Duration::ZERO,
        keep_open,
    };
    let (sender, heard) = mpsc::channel(64);
    let commands = thread::start(fake.clone(), listening, sender, patience).unwrap();
    Room {
        fake,
        commands,
        heard,
        opened,
        closed,
    }
}

const SOON: Duration = Duration::from_secs(20);

impl Room {
    fn hear(&mut self) -> Heard {
        loop {
            match self.heard.blocking_recv().unwrap() {
                Heard::Level { .. } => {}
                heard => return heard,
            }
        }
    }
}

#[test]
fn a_headset_that_is_unplugged_hands_the_take_to_the_default_device() {
    let mut room = room(&["built-in", "headset"], Duration::ZERO, PATIENT);
    room.commands.send(Command::Begin(take(1))).unwrap();
    let (name, headset) = room.opened.recv_timeout(SOON).unwrap();
    assert_eq!(name, "headset");
    let frames = |from| MicrophoneEvent::Frames(counted(from, 1600));
    headset.send(frames(0)).unwrap();
    assert_eq!(room.hear(), Heard::First(take(1)));
    assert!(matches!(room.hear(), Heard::Sound { .. }));
    let error = MicrophoneError::Failed("unplugged".into());
    headset.send(MicrophoneEvent::Lost(error.clone())).unwrap();
    let to = String::from("built-in");
    let switched = Heard::Switched {
        take: Some(take(1)),
        error,
        to,
    };
    assert_eq!(room.hear(), switched);
    let (_, built_in) = room.opened.recv_timeout(SOON).unwrap();
    built_in.send(frames(1600)).unwrap();
    let Heard::Sound { first_sample, .. } = room.hear() else {
        panic!("no sound")
    };
    assert_eq!(first_sample, 1600);
    room.commands.send(Command::Stop(take(1))).unwrap();
    built_in.send(frames(3200)).unwrap();
    let drained = loop {
        if let Heard::Drained { samples, .. } = room.hear() {
            break samples;
        }
    };
    assert!(drained >= 3200);
    assert_eq!(room.closed.recv_timeout(SOON).unwrap(), "headset");
    assert_eq!(room.closed.recv_timeout(SOON).unwrap(), "built-in");
}

#[test]
fn a_microphone_that_comes_a_moment_later_has_the_rest_of_the_take() {
    let mut room = room(&["headset"], Duration::ZERO, PATIENT);
    room.commands.send(Command::Begin(take(1))).unwrap();
    let (_, headset) = room.opened.recv_timeout(SOON).unwrap();
    headset
        .send(MicrophoneEvent::Frames(counted(0, 1600)))
        .unwrap();
    while !matches!(room.hear(), Heard::Sound { .. }) {}
    room.fake.desk.present.lock().unwrap().clear();
    let unplugged = MicrophoneError::Failed("unplugged".into());
    headset.send(MicrophoneEvent::Lost(unplugged)).unwrap();
    assert_eq!(room.closed.recv_timeout(SOON).unwrap(), "headset");
    room.fake.desk.present.lock().unwrap().push("built-in");
    assert!(matches!(room.hear(), Heard::Switched { .. }));
    let (name, _built_in) = room.opened.recv_timeout(SOON).unwrap();
    assert_eq!(name, "built-in");
}

#[test]
fn without_another_microphone_the_take_keeps_what_was_said() {
    let patience = Patience {
        another: Duration::from_millis(50),
        ..PATIENT
    };
    let mut room = room(&["headset"], Duration::ZERO, patience);
    room.commands.send(Command::Begin(take(1))).unwrap();
    let (_, headset) = room.opened.recv_timeout(SOON).unwrap();
    headset
        .send(MicrophoneEvent::Frames(counted(0, 1600)))
        .unwrap();
    while !matches!(room.hear(), Heard::Sound { .. }) {}
    room.fake.desk.present.lock().unwrap().clear();
    let unplugged = MicrophoneError::Failed("unplugged".into());
    headset.send(MicrophoneEvent::Lost(unplugged)).unwrap();
    let Heard::Failed { take: Some(of), .. } = room.hear() else {
        panic!("not told");
    };
    room.commands.send(Command::Stop(of)).unwrap();
    let samples = 1600;
    assert_eq!(room.hear(), Heard::Drained { take: of, samples });
}

#[test]
fn without_any_device_the_take_is_told_so() {
    let mut room = room(&[], Duration::ZERO, PATIENT);
    room.commands.send(Command::Begin(take(1))).unwrap();
    let failed = Heard::Failed {
        take: Some(take(1)),
        error: MicrophoneError::None,
    };
    assert_eq!(room.hear(), failed);
    room.commands.send(Command::Stop(take(1))).unwrap();
    let drained = Heard::Drained {
        take: take(1),
        samples: 0,
    };
    assert_eq!(room.hear(), drained);
    room.fake.desk.present.lock().unwrap().push("headset");
    room.commands.send(Command::Begin(take(2))).unwrap();
    assert!(room.opened.recv_timeout(SOON).is_ok(), "plugged in again");
}

#[test]
fn a_warm_microphone_serves_the_next_take_without_being_opened_again() {
    let mut room = room(&["headset"], Duration::from_secs(60), PATIENT);
    room.commands.send(Command::Begin(take(1))).unwrap();
    let (_, headset) = room.opened.recv_timeout(SOON).unwrap();
    room.commands.send(Command::Stop(take(1))).unwrap();
    while !matches!(room.hear(), Heard::Drained { .. }) {}
    room.commands.send(Command::Begin(take(2))).unwrap();
    headset
        .send(MicrophoneEvent::Frames(counted(0, 1600)))
        .unwrap();
    assert_eq!(room.hear(), Heard::First(take(2)));
    assert!(room.opened.try_recv().is_err());
    drop(room.commands);
    assert_eq!(room.closed.recv_timeout(SOON).unwrap(), "headset");
}

#[test]
fn a_device_that_says_nothing_at_all_is_given_up_for_the_default() {
    let moment = Duration::from_millis(30);
    let patience = Patience {
        first: moment,
        later: moment,
        another: moment,
    };
    let mut room = room(&["headset"], Duration::ZERO, patience);
    room.commands.send(Command::Begin(take(1))).unwrap();
    let silent = room.opened.recv_timeout(SOON).unwrap();
    assert!(matches!(room.hear(), Heard::Switched { .. }));
    // The default is as dead: a few tries later the person is told.
    let heard = loop {
        match room.hear() {
            Heard::Switched { .. } => {}
            other => break other,
        }
    };
    assert!(matches!(heard, Heard::Failed { .. }));
    drop(silent);
}

#[test]
fn a_shortcut_of_another_program_closes_the_device_again_and_says_nothing() {
    let mut room = room(&["headset"], Duration::from_secs(60), PATIENT);
    room.commands.send(Command::Prepare).unwrap();
    room.opened.recv_timeout(SOON).unwrap();
    room.commands.send(Command::Unprepare).unwrap();
    assert_eq!(room.closed.recv_timeout(SOON).unwrap(), "headset");
    room.fake.desk.present.lock().unwrap().clear();
    room.commands.send(Command::Prepare).unwrap();
    drop(room.commands);
    assert_eq!(room.heard.blocking_recv(), None);
}
