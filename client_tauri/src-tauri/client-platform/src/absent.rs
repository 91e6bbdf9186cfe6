//! Ports of machines that lack them: each says so when it is asked.

use client_core::ports::{
    Autostart, AutostartError, Binding, Capture, HotkeyError, Hotkeys, InputDevice, Inserted,
    Insertion, InsertionError, Keychain, KeychainError, Microphone, MicrophoneError,
    MicrophoneEvents, Muting, MutingError, Network, Pasting, Sound, Sounds, TargetWindow,
};

/// Some window, nobody knows which.
const UNNAMED: TargetWindow = TargetWindow { id: 0, app: None };

/// A machine without it.
#[derive(Debug, Default, Clone, Copy)]
pub struct Absent;

impl Hotkeys for Absent {
    fn bind(&mut self, bindings: &[Binding]) -> Result<(), HotkeyError> {
        if bindings.is_empty() {
            return Ok(());
        }
        Err(HotkeyError::Unavailable)
    }

    fn record(&mut self) -> Result<(), HotkeyError> {
        Err(HotkeyError::Unavailable)
    }

    fn stop_recording(&mut self) {}

    fn modifiers_only(&self) -> bool {
        false
    }
}

impl Insertion for Absent {
    /// So that a text is refused because nothing can be inserted, not because its window is unknown.
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        Ok(Some(UNNAMED))
    }

    fn insert(
        &self,
        _: &str,
        _: Option<&TargetWindow>,
        _: Pasting,
    ) -> Result<Inserted, InsertionError> {
        Err(InsertionError::Unavailable)
    }

    fn copy(&self, _: &str) -> Result<(), InsertionError> {
        Err(InsertionError::Unavailable)
    }

    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        Err(InsertionError::Unavailable)
    }
}

impl Microphone for Absent {
    fn devices(&self) -> Result<Vec<InputDevice>, MicrophoneError> {
        Ok(Vec::new())
    }

    fn open(
        &self,
        _: Option<&str>,
        _: MicrophoneEvents,
    ) -> Result<Box<dyn Capture>, MicrophoneError> {
        Err(MicrophoneError::None)
    }
}

impl Keychain for Absent {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Err(KeychainError::Unavailable)
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<(), KeychainError> {
        Err(KeychainError::Unavailable)
    }

    fn forget(&self, _: &str) -> Result<(), KeychainError> {
        Err(KeychainError::Unavailable)
    }
}

impl Sounds for Absent {
    fn play(&self, _: Sound) {}
}

impl Muting for Absent {
    fn mute(&self) -> Result<(), MutingError> {
        Err(MutingError::Unavailable)
    }

    fn restore(&self) -> Result<(), MutingError> {
        Ok(())
    }
}

impl Autostart for Absent {
    fn enabled(&self) -> Result<bool, AutostartError> {
        Ok(false)
    }

    fn set(&self, _: bool) -> Result<(), AutostartError> {
        Err(AutostartError::Unavailable)
    }
}

impl Network for Absent {
    fn watch(&mut self, _: std::sync::mpsc::SyncSender<()>) {}
}

/// Insertion that can only put text into the clipboard: the person pastes it.
#[derive(Debug)]
pub struct ClipboardOnly<I>(pub I);

impl<I: Insertion> Insertion for ClipboardOnly<I> {
    /// It does not matter which window it is: the person pastes the text.
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        Ok(Some(UNNAMED))
    }

    fn insert(
        &self,
        text: &str,
        _: Option<&TargetWindow>,
        _: Pasting,
    ) -> Result<Inserted, InsertionError> {
        self.0.copy(text).map(|()| Inserted::Copied)
    }

    fn copy(&self, text: &str) -> Result<(), InsertionError> {
        self.0.copy(text)
    }

    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        self.0.clipboard_text()
    }
}
