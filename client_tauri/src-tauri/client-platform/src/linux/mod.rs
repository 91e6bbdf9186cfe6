//! What Linux desktops share, X11 and Wayland alike.

mod autostart;
mod muting;
mod network;
mod portal;
mod remote;
mod secrets;
mod shortcuts;
mod wayland;

pub use autostart::XdgAutostart;
pub use muting::PulseMuting;
pub use network::NetlinkNetwork;
pub use portal::portal_version;
pub use secrets::{KeychainState, SecretService};
pub use shortcuts::PortalHotkeys;
pub use wayland::PortalInsertion;
