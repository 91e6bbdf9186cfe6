//! Changes of the network from Windows itself: addresses that come and go, interfaces that go up and down.

use std::ffi::c_void;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use ::windows::Win32::Foundation::HANDLE;
use ::windows::Win32::NetworkManagement::IpHelper::{
    CancelMibChangeNotify2, MIB_IPINTERFACE_ROW, MIB_NOTIFICATION_TYPE, MIB_UNICASTIPADDRESS_ROW,
    NotifyIpInterfaceChange, NotifyUnicastIpAddressChange,
};
use ::windows::Win32::Networking::WinSock::AF_UNSPEC;
use client_core::ports::Network;

/// The system's own word.
#[derive(Debug, Default, Clone, Copy)]
pub struct AddressNetwork;

impl Network for AddressNetwork {
    fn watch(&mut self, changes: SyncSender<()>) {
        // Without the system's word nothing is told; what waits is tried again on its own clock.
        let _ = std::thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || follow(changes));
    }
}

/// What the system's callbacks get to see.
struct Listener {
    changes: SyncSender<()>,
    /// Told once nobody listens any more.
    ended: SyncSender<()>,
}

impl Listener {
    fn changed(&self) {
        if let Err(TrySendError::Disconnected(())) = self.changes.try_send(()) {
            // The thread that waits for it needs one word only.
            let _ = self.ended.try_send(());
        }
    }
}

fn follow(changes: SyncSender<()>) {
    let (ended, has_ended) = sync_channel(1);
    let listener = Listener { changes, ended };
    let context: *const c_void = (&raw const listener).cast();
    let mut handles = [HANDLE::default(); 2];
    // SAFETY: `listener` outlives the registrations, which are cancelled below; its channels may be used on any thread.
    let addresses = unsafe {
        NotifyUnicastIpAddressChange(
            AF_UNSPEC,
            Some(address),
            Some(context),
            false,
            &raw mut handles[0],
        )
    };
    // SAFETY: as above.
    let interfaces = unsafe {
        NotifyIpInterfaceChange(
            AF_UNSPEC,
            Some(interface),
            Some(context),
            false,
            &raw mut handles[1],
        )
    };
    if addresses.is_ok() || interfaces.is_ok() {
        wait_for(&has_ended);
    }
    for handle in handles.into_iter().filter(|handle| !handle.is_invalid()) {
        // It waits for callbacks that run, so that none runs after it.
        // SAFETY: the handle was given above and this is no callback.
        let _ = unsafe { CancelMibChangeNotify2(handle) };
    }
}

fn wait_for(ended: &Receiver<()>) {
    // The other end is in `listener`, so this waits for the word itself.
    let _ = ended.recv();
}

unsafe extern "system" fn address(
    context: *const c_void,
    _: *const MIB_UNICASTIPADDRESS_ROW,
    _: MIB_NOTIFICATION_TYPE,
) {
    // SAFETY: the context is the listener this was registered with, which is still there.
    unsafe { &*context.cast::<Listener>() }.changed();
}

unsafe extern "system" fn interface(
    context: *const c_void,
    _: *const MIB_IPINTERFACE_ROW,
    _: MIB_NOTIFICATION_TYPE,
) {
    // SAFETY: the context is the listener this was registered with, which is still there.
    unsafe { &*context.cast::<Listener>() }.changed();
}
