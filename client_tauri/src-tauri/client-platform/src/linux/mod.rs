//! What Linux desktops share, X11 and Wayland alike.

mod autostart;
mod muting;
mod network;
mod portal;
mod secrets;
mod shortcuts;

pub use autostart::XdgAutostart;
pub use muting::PulseMuting;
pub use network::NetlinkNetwork;
pub use portal::portal_version;
pub use secrets::{KeychainState, SecretService};
pub use shortcuts::PortalHotkeys;
