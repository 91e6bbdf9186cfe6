//! Silence through the default loudspeaker (Core Audio's `kAudioDevicePropertyMute`).

use std::ffi::c_void;
use std::ptr::{NonNull, null};
use std::sync::{Mutex, PoisonError};

use client_core::ports::{Muting, MutingError};
use objc2_core_audio::{
    AudioObjectGetPropertyData, AudioObjectHasProperty, AudioObjectID, AudioObjectPropertyAddress,
    AudioObjectPropertyScope, AudioObjectPropertySelector, AudioObjectSetPropertyData,
    kAudioDevicePropertyMute, kAudioHardwarePropertyDefaultOutputDevice,
    kAudioObjectPropertyElementMain, kAudioObjectPropertyScopeGlobal,
    kAudioObjectPropertyScopeOutput, kAudioObjectSystemObject,
};

/// The default loudspeaker; made audible again when dropped while it is silent because of us.
#[derive(Debug, Default)]
pub struct OutputMuting {
    /// The loudspeaker we silenced: another may be the default by the time it is given back.
    silenced: Mutex<Option<AudioObjectID>>,
}

impl OutputMuting {
    /// Nothing is silenced yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            silenced: Mutex::new(None),
        }
    }
}

impl Muting for OutputMuting {
    fn mute(&self) -> Result<(), MutingError> {
        let mut silenced = self.silenced.lock().unwrap_or_else(PoisonError::into_inner);
        if silenced.is_some() {
            return Ok(());
        }
        let speaker = read(
            SYSTEM,
            address(
                kAudioHardwarePropertyDefaultOutputDevice,
                kAudioObjectPropertyScopeGlobal,
            ),
        )?;
        let mute = address(kAudioDevicePropertyMute, kAudioObjectPropertyScopeOutput);
        // SAFETY: the address lives through the call.
        if !unsafe { AudioObjectHasProperty(speaker, NonNull::from(&mute)) } {
            return Err(MutingError::Unavailable);
        }
        if read(speaker, mute)? == 0 {
            write(speaker, 1)?;
            *silenced = Some(speaker);
        }
        Ok(())
    }

    fn restore(&self) -> Result<(), MutingError> {
        let mut silenced = self.silenced.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(speaker) = *silenced {
            write(speaker, 0)?;
            *silenced = None;
        }
        Ok(())
    }
}

impl Drop for OutputMuting {
    fn drop(&mut self) {
        // The loudspeaker may be unplugged; then there is nothing to give back.
        let _ = self.restore();
    }
}

const SYSTEM: AudioObjectID = kAudioObjectSystemObject as AudioObjectID;

const fn address(
    selector: AudioObjectPropertySelector,
    scope: AudioObjectPropertyScope,
) -> AudioObjectPropertyAddress {
    AudioObjectPropertyAddress {
        mSelector: selector,
        mScope: scope,
        mElement: kAudioObjectPropertyElementMain,
    }
}

fn read(object: AudioObjectID, address: AudioObjectPropertyAddress) -> Result<u32, MutingError> {
    let mut value = 0_u32;
    let mut size = 4;
    // SAFETY: both properties are of 32 bits, for which there is room; everything lives through the call.
    let status = unsafe {
        AudioObjectGetPropertyData(
            object,
            NonNull::from(&address),
            0,
            null(),
            NonNull::from(&mut size),
            NonNull::from(&mut value).cast::<c_void>(),
        )
    };
    outcome(status).map(|()| value)
}

fn write(speaker: AudioObjectID, mute: u32) -> Result<(), MutingError> {
    let mut value = mute;
    let address = address(kAudioDevicePropertyMute, kAudioObjectPropertyScopeOutput);
    // SAFETY: the property is of 32 bits; everything lives through the call.
    let status = unsafe {
        AudioObjectSetPropertyData(
            speaker,
            NonNull::from(&address),
            0,
            null(),
            4,
            NonNull::from(&mut value).cast::<c_void>(),
        )
    };
    outcome(status)
}

fn outcome(status: i32) -> Result<(), MutingError> {
    if status == 0 {
        Ok(())
    } else {
        Err(MutingError::System(format!("Core Audio said {status}")))
    }
}
