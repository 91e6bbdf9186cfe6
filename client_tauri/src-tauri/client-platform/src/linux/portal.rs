//! The desktop portal on the session bus (`org.freedesktop.portal.Desktop`): requests and their responses.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use zbus::MatchRule;
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, MessageIterator, Proxy};
use zbus::message::Type;
use zbus::zvariant::{DynamicType, ObjectPath, OwnedObjectPath, OwnedValue, Value};

/// The portal's name on the bus.
pub const BUS_NAME: &str = "org.freedesktop.portal.Desktop";
/// Where its interfaces are.
pub const PATH: &str = "/org/freedesktop/portal/desktop";
/// An answer that needs nobody to do anything comes within this.
const ANSWER: Duration = Duration::from_secs(5);
/// How long the person may think about a dialogue.
const DIALOGUE: Duration = Duration::from_secs(120);

/// What comes with a response.
pub type Results = HashMap<String, OwnedValue>;
/// Options of a call.
pub type Options = HashMap<&'static str, Value<'static>>;

/// Why the portal did not do it.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    /// There is no bus, no portal, or not this part of it.
    #[error("the desktop has no such portal")]
    Absent,
    /// The person or the desktop refused.
    #[error("the portal refused")]
    Refused,
    /// Nobody answered in time.
    #[error("the portal did not answer in time")]
    TimedOut,
    /// The bus failed.
    #[error("the bus failed")]
    Bus(#[from] zbus::Error),
}

/// A connection to the portal.
#[derive(Debug, Clone)]
pub struct Portal {
    /// The session bus.
    pub bus: Connection,
}

/// Each request has a fresh token: responses to old ones must not be taken for it.
static TOKENS: AtomicU32 = AtomicU32::new(0);

/// A token nobody else uses.
#[must_use]
pub fn token() -> String {
    let number = TOKENS.fetch_add(1, Ordering::Relaxed);
    format!("alfavoice_{}_{number}", std::process::id())
}

impl Portal {
    /// Connects.
    ///
    /// # Errors
    /// [`PortalError::Absent`] without a session bus.
    pub fn open() -> Result<Self, PortalError> {
        let builder = Builder::session().map_err(|_| PortalError::Absent)?;
        let bus = builder
            .method_timeout(ANSWER)
            .build()
            .map_err(|_| PortalError::Absent)?;
        Ok(Self { bus })
    }

    /// One of its interfaces, by the last part of its name.
    ///
    /// # Errors
    /// When the bus failed.
    pub fn interface<'a>(&'a self, name: &str) -> Result<Proxy<'a>, PortalError> {
        let interface = format!("org.freedesktop.portal.{name}");
        Ok(Proxy::new(&self.bus, BUS_NAME, PATH, interface)?)
    }

    /// The version of an interface.
    ///
    /// # Errors
    /// [`PortalError::Absent`] where the desktop does not have it.
    pub fn version(&self, name: &str) -> Result<u32, PortalError> {
        self.interface(name)?
            .get_property("version")
            .map_err(|_| PortalError::Absent)
    }

    /// Makes a request with `arguments` made for its token, and waits for the response.
    ///
    /// # Errors
    /// [`PortalError`].
    pub fn request<A: serde::Serialize + DynamicType>(
        &self,
        interface: &str,
        method: &str,
        arguments: impl FnOnce(String) -> A,
    ) -> Result<Results, PortalError> {
        let token = token();
        let sender = self.bus.unique_name().ok_or(PortalError::Absent)?;
        let sender = sender.trim_start_matches(':').replace('.', "_");
        let path = format!("{PATH}/request/{sender}/{token}");
        // Listened to before it is made: the response may come before the answer to the call.
        let request = Proxy::new(&self.bus, BUS_NAME, path, "org.freedesktop.portal.Request")?;
        let mut responses = request.receive_signal("Response")?;
        let _: OwnedObjectPath = self
            .interface(interface)?
            .call(method, &arguments(token))
            .map_err(|error| match error {
                zbus::Error::MethodError(..) => PortalError::Refused,
                other => PortalError::Bus(other),
            })?;
        let (answer, answered) = sync_channel(1);
        std::thread::Builder::new()
            .name("portal".to_owned())
            .spawn(move || {
                let response = responses
                    .next()
                    .and_then(|signal| signal.body().deserialize::<(u32, Results)>().ok());
                // Who waited may have given up.
                let _ = answer.send(response);
            })
            .map_err(|_| PortalError::Absent)?;
        match answered.recv_timeout(DIALOGUE) {
            Ok(Some((0, results))) => Ok(results),
            Ok(Some(_)) => Err(PortalError::Refused),
            Ok(None) | Err(RecvTimeoutError::Disconnected) => Err(PortalError::Absent),
            Err(RecvTimeoutError::Timeout) => {
                // A dialogue nobody answers is taken back.
                let _ = request.call::<_, _, ()>("Close", &());
                Err(PortalError::TimedOut)
            }
        }
    }
}

impl Portal {
    /// Begins a session of an interface.
    ///
    /// # Errors
    /// [`PortalError`].
    pub fn session(&self, interface: &str) -> Result<OwnedObjectPath, PortalError> {
        let results = self.request(interface, "CreateSession", |handle| {
            (Options::from([
                ("handle_token", Value::from(handle)),
                ("session_handle_token", Value::from(token())),
            ]),)
        })?;
        let path = results.get("session_handle").and_then(|handle| {
            // A string by the documentation's word, an object path in some desktops.
            let text: Result<&str, _> = handle.downcast_ref();
            let path: Result<ObjectPath<'_>, _> = handle.downcast_ref();
            path.map(|path| path.to_string())
                .or_else(|_| text.map(str::to_owned))
                .ok()
        });
        path.and_then(|path| OwnedObjectPath::try_from(path).ok())
            .ok_or(PortalError::Refused)
    }

    /// Ends a session; one that is gone already is closed.
    pub fn close(&self, session: &OwnedObjectPath) {
        let path = session.as_str();
        let proxy = Proxy::new(&self.bus, BUS_NAME, path, "org.freedesktop.portal.Session");
        if let Ok(proxy) = proxy {
            let _ = proxy.call::<_, _, ()>("Close", &());
        }
    }

    /// All that the portal tells from now on; at most so many wait for us.
    ///
    /// # Errors
    /// When the bus failed.
    pub fn signals(&self, queue: usize) -> Result<MessageIterator, PortalError> {
        let rule = MatchRule::builder()
            .msg_type(Type::Signal)
            .sender(BUS_NAME)
            .and_then(|rule| rule.path_namespace(PATH))?
            .build();
        Ok(MessageIterator::for_match_rule(
            rule,
            &self.bus,
            Some(queue),
        )?)
    }
}

/// The version of one of the portal's interfaces (`GlobalShortcuts`); `None` where it has none.
#[must_use]
pub fn portal_version(interface: &str) -> Option<u32> {
    Portal::open().ok()?.version(interface).ok()
}
