//! Changes of the network from the kernel itself (a routing socket, `route(4)`), whatever program manages it.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use client_core::ports::Network;
use rustix::net::{AddressFamily, RecvFlags, SocketType, recv, socket, sockopt};

/// How often the watcher looks whether anybody listens still.
const LOOK: Duration = Duration::from_secs(5);

/// The kernel's own word.
#[derive(Debug, Default, Clone, Copy)]
pub struct RouteNetwork;

impl Network for RouteNetwork {
    fn watch(&mut self, changes: SyncSender<()>) {
        // Without the kernel's word nothing is told; what waits is tried again on its own clock.
        let _ = std::thread::Builder::new()
            .name("network".to_owned())
            .spawn(move || follow(&changes));
    }
}

fn follow(changes: &SyncSender<()>) -> rustix::io::Result<()> {
    let socket = socket(AddressFamily::ROUTE, SocketType::RAW, None)?;
    sockopt::set_socket_timeout(&socket, sockopt::Timeout::Recv, Some(LOOK))?;
    let mut message = [0_u8; 4 * 1024];
    loop {
        match recv(&socket, &mut message, RecvFlags::empty()) {
            // ENOBUFS: so much changed that the kernel left some out, which is a change.
            Ok(_) | Err(rustix::io::Errno::NOBUFS) => {
                if let Err(TrySendError::Disconnected(())) = changes.try_send(()) {
                    return Ok(());
                }
            }
            Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
}
