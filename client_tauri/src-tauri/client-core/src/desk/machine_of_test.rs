//! Ports that do as a test says.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::ports::*;

#[derive(Default)]
pub(super) struct Machine {
    pub sound: Mutex<Option<MicrophoneEvents>>,
    pub panics: Mutex<bool>,
    pub inserted: Mutex<Vec<(String, Option<u64>, Pasting)>>,
    pub clipboard: Mutex<Option<String>>,
    /// Letters the cursor went back.
    pub stepped: Mutex<Vec<usize>>,
    pub noises: Mutex<Vec<String>>,
    pub secrets: Mutex<HashMap<String, Vec<u8>>>,
    pub taken: Mutex<Option<Chord>>,
    pub bound: Mutex<Vec<Binding>>,
    pub changed: tokio::sync::Notify,
}

struct Opened(InputDevice);

impl Capture for Opened {
    fn device(&self) -> &InputDevice {
        &self.0
    }
}

impl Microphone for Machine {
    fn devices(&self) -> Result<Vec<InputDevice>, MicrophoneError> {
        Ok(Vec::new())
    }

    fn open(
        &self,
        _: Option<&str>,
        events: MicrophoneEvents,
    ) -> Result<Box<dyn Capture>, MicrophoneError> {
        if std::mem::take(&mut *self.panics.lock().unwrap()) {
            panic!("a driver");
        }
        // However slow the test is, the device is alive: it gives frames with nothing in them.
        let alive = events.clone();
        std::thread::spawn(move || {
            let nothing = || {
                MicrophoneEvent::Frames(Frames {
                    samples: Vec::new(),
                    rate: 16_000,
                })
            };
            while alive.send(nothing()).is_ok() {
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
        });
        *self.sound.lock().unwrap() = Some(events);
        self.changed.notify_waiters();
        let (id, name) = (String::from("a"), String::from("A"));
        Ok(Box::new(Opened(InputDevice {
            id,
            name,
            default: true,
        })))
    }
}

impl Insertion for Machine {
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        let app = Some(String::from("Editor"));
        Ok(Some(TargetWindow { id: 7, app }))
    }

    fn insert(
        &self,
        text: &str,
        target: Option<&TargetWindow>,
        pasting: Pasting,
    ) -> Result<Inserted, InsertionError> {
        let target = target.map(|target| target.id);
        self.inserted
            .lock()
            .unwrap()
            .push((text.into(), target, pasting));
        Ok(Inserted::Taken)
    }

    fn step_back(&self, _: Option<&TargetWindow>, letters: usize) -> Result<(), InsertionError> {
        self.stepped.lock().unwrap().push(letters);
        Ok(())
    }

    fn copy(&self, text: &str) -> Result<(), InsertionError> {
        *self.clipboard.lock().unwrap() = Some(text.into());
        Ok(())
    }

    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        Ok(self.clipboard.lock().unwrap().clone())
    }
}

impl Sounds for Machine {
    fn play(&self, sound: Sound) {
        self.noises.lock().unwrap().push(format!("{sound:?}"));
    }
}

impl Muting for Machine {
    fn mute(&self) -> Result<(), MutingError> {
        self.noises.lock().unwrap().push("mute".into());
        self.changed.notify_waiters();
        Ok(())
    }

    fn restore(&self) -> Result<(), MutingError> {
        self.noises.lock().unwrap().push("restore".into());
        Ok(())
    }
}

impl Keychain for Machine {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Ok(self.secrets.lock().unwrap().get(name).cloned())
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        self.secrets
            .lock()
            .unwrap()
            .insert(name.into(), secret.into());
        Ok(())
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        self.secrets.lock().unwrap().remove(name);
        Ok(())
    }
}

pub(super) struct Keyboard(pub Arc<Machine>);

impl Hotkeys for Keyboard {
    fn bind(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError> {
        let taken = self.0.taken.lock().unwrap().clone();
        if let Some(taken) = taken
            && bindings.iter().any(|binding| binding.chord == taken)
        {
            return Err(HotkeyError::Taken(taken));
        }
        *self.0.bound.lock().unwrap() = bindings.to_vec();
        Ok(())
    }

    fn record(&mut self) -> Result<(), HotkeyError> {
        Ok(())
    }

    fn stop_recording(&mut self) {}

    fn modifiers_only(&self) -> bool {
        true
    }
}

impl Machine {
    pub fn made(&self, noise: &str) -> Option<()> {
        let noises = self.noises.lock().unwrap();
        noises.iter().any(|one| one == noise).then_some(())
    }
}
