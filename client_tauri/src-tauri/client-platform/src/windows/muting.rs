//! Silence through the volume of the loudspeaker that programs play on by default (Core Audio's `IAudioEndpointVolume`).

use std::sync::{Mutex, PoisonError};

use ::windows::Win32::Foundation::ERROR_NOT_FOUND;
use ::windows::Win32::Media::Audio::Endpoints::IAudioEndpointVolume;
use ::windows::Win32::Media::Audio::{
    IMMDevice, IMMDeviceEnumerator, MMDeviceEnumerator, eMultimedia, eRender,
};
use ::windows::Win32::System::Com::{
    CLSCTX_ALL, COINIT_MULTITHREADED, CoCreateInstance, CoInitializeEx, CoTaskMemFree,
    CoUninitialize,
};
use ::windows::core::{Error, HSTRING, Result};
use client_core::ports::{Muting, MutingError};

/// The loudspeaker of the system; made audible again when dropped while it is silent because of us.
#[derive(Debug, Default)]
pub struct EndpointMuting {
    /// The loudspeaker we silenced: another may be the default by the time it is given back.
    silenced: Mutex<Option<HSTRING>>,
}

impl EndpointMuting {
    /// Nothing is silenced yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            silenced: Mutex::new(None),
        }
    }
}

impl Muting for EndpointMuting {
    fn mute(&self) -> std::result::Result<(), MutingError> {
        let mut silenced = self.silenced.lock().unwrap_or_else(PoisonError::into_inner);
        if silenced.is_none() {
            *silenced = within(silence).map_err(failure)?;
        }
        Ok(())
    }

    fn restore(&self) -> std::result::Result<(), MutingError> {
        let mut silenced = self.silenced.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(device) = silenced.as_ref() {
            within(|devices| {
                // SAFETY: the name ends with a zero.
                let device = unsafe { devices.GetDevice(device) }?;
                set(&volume(&device)?, false)
            })
            .map_err(failure)?;
            *silenced = None;
        }
        Ok(())
    }
}

impl Drop for EndpointMuting {
    fn drop(&mut self) {
        // The loudspeaker may be unplugged; then there is nothing to give back.
        let _ = self.restore();
    }
}

/// The loudspeaker that was made silent; `None` if it was already.
fn silence(devices: &IMMDeviceEnumerator) -> Result<Option<HSTRING>> {
    // SAFETY: no pointers.
    let device = unsafe { devices.GetDefaultAudioEndpoint(eRender, eMultimedia) }?;
    let volume = volume(&device)?;
    // SAFETY: no pointers.
    if unsafe { volume.GetMute() }?.as_bool() {
        return Ok(None);
    }
    let name = name(&device)?;
    set(&volume, true)?;
    Ok(Some(name))
}

fn volume(device: &IMMDevice) -> Result<IAudioEndpointVolume> {
    // SAFETY: this interface is activated without parameters.
    unsafe { device.Activate(CLSCTX_ALL, None) }
}

fn set(volume: &IAudioEndpointVolume, mute: bool) -> Result<()> {
    // SAFETY: no context is told to those who follow changes.
    unsafe { volume.SetMute(mute, std::ptr::null()) }
}

fn name(device: &IMMDevice) -> Result<HSTRING> {
    // SAFETY: the name is ours, ends with a zero, and is freed below.
    unsafe {
        let name = device.GetId()?;
        let copy = HSTRING::from_wide(name.as_wide());
        CoTaskMemFree(Some(name.0.cast_const().cast()));
        Ok(copy)
    }
}

fn failure(error: Error) -> MutingError {
    if error.code() == ERROR_NOT_FOUND.to_hresult() {
        MutingError::Unavailable
    } else {
        MutingError::System(error.message())
    }
}

/// Does something with the list of devices, on a thread that may not have used COM before.
fn within<T>(work: impl FnOnce(&IMMDeviceEnumerator) -> Result<T>) -> Result<T> {
    // SAFETY: no pointers. A thread that uses COM in another way can use it in that way too, and is not counted.
    let begun = unsafe { CoInitializeEx(None, COINIT_MULTITHREADED) };
    // SAFETY: the identifier is that of this class.
    let done = unsafe { CoCreateInstance(&MMDeviceEnumerator, None, CLSCTX_ALL) }
        .and_then(|devices: IMMDeviceEnumerator| work(&devices));
    if begun.is_ok() {
        // SAFETY: pairs with the call above; what was made in between is gone.
        unsafe { CoUninitialize() };
    }
    done
}
