//! The Secret Service on the session bus: GNOME Keyring, KWallet, KeePassXC (freedesktop "Secret Service API Draft 0.2").
//!
//! Items carry the attributes `service` = `alfavoice` and `username` = the name, as keyring libraries of other languages
//! look for them. Secrets cross the bus as they are (`plain`): it is the person's own socket.

use std::collections::HashMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use client_core::ports::{Keychain, KeychainError};
use zbus::blocking::connection::Builder;
use zbus::blocking::{Connection, Proxy};
use zbus::zvariant::{ObjectPath, OwnedObjectPath, OwnedValue, Value};

const BUS_NAME: &str = "org.freedesktop.secrets";
const ROOT: &str = "/org/freedesktop/secrets";
/// A bus that does not let us in, or does not say whether there is a keychain, within this has none.
const FINDING: Duration = Duration::from_secs(2);
/// An answer that needs nobody to do anything comes within this.
const ANSWER: Duration = Duration::from_secs(5);
/// Who sent our question for the password away is not asked again for so long.
const QUIET: Duration = Duration::from_secs(600);
/// How long the person may take to enter the password of the keychain.
const PROMPT: Duration = Duration::from_secs(60);
/// Longer than all of it together.
const ALL: Duration = Duration::from_secs(80);

/// What a caller may do with a secret: the session, parameters, the value, its type (`(oayays)`).
type Secret = (OwnedObjectPath, Vec<u8>, Vec<u8>, String);

/// How the keychain is, asked without disturbing anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeychainState {
    /// Secrets can be read and written.
    Open,
    /// It is there and locked.
    Locked,
    /// It is there and has no collection yet.
    Empty,
    /// There is none.
    Absent,
}

/// The keychain of a Linux desktop.
#[derive(Debug, Clone)]
pub struct SecretService {
    service: String,
    refused: Refused,
}

/// When the person last sent a question for the password away.
type Refused = Arc<Mutex<Option<Instant>>>;

impl SecretService {
    /// Secrets of `service` (`alfavoice`).
    #[must_use]
    pub fn new(service: &str) -> Self {
        Self {
            service: service.to_owned(),
            refused: Refused::default(),
        }
    }

    /// How it is now; asks nobody for a password.
    #[must_use]
    pub fn state(&self) -> KeychainState {
        let refused = self.refused.clone();
        in_time(|bus| {
            let vault = Vault::open(bus, refused)?;
            let Some(collection) = vault.default_collection()? else {
                return Ok(KeychainState::Empty);
            };
            Ok(if vault.locked(&collection)? {
                KeychainState::Locked
            } else {
                KeychainState::Open
            })
        })
        .unwrap_or(KeychainState::Absent)
    }

    fn attributes(&self, name: &str) -> HashMap<String, String> {
        HashMap::from([
            ("service".to_owned(), self.service.clone()),
            ("username".to_owned(), name.to_owned()),
        ])
    }
}

impl Keychain for SecretService {
    fn read(&self, name: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        let (attributes, refused) = (self.attributes(name), self.refused.clone());
        in_time(move |bus| {
            let vault = Vault::open(bus, refused)?;
            match vault.find(&attributes)? {
                Some(item) => vault.secret(&item).map(Some),
                None => Ok(None),
            }
        })
    }

    fn write(&self, name: &str, secret: &[u8]) -> Result<(), KeychainError> {
        let attributes = self.attributes(name);
        let label = format!("{} {name}", self.service);
        let secret = secret.to_vec();
        let refused = self.refused.clone();
        in_time(move |bus| Vault::open(bus, refused)?.keep(&label, &attributes, &secret))
    }

    fn forget(&self, name: &str) -> Result<(), KeychainError> {
        let (attributes, refused) = (self.attributes(name), self.refused.clone());
        in_time(move |bus| {
            let vault = Vault::open(bus, refused)?;
            match vault.find(&attributes)? {
                Some(item) => vault.delete(&item),
                None => Ok(()),
            }
        })
    }
}

/// Runs on threads of their own: a bus may not let us in, a keychain may wait for a person, or for ever.
fn in_time<T: Send + 'static>(
    work: impl FnOnce(Connection) -> Result<T, KeychainError> + Send + 'static,
) -> Result<T, KeychainError> {
    let bus = on_thread(FINDING, KeychainError::Unavailable, find_keychain)?;
    on_thread(ALL, KeychainError::Failed, move || work(bus))
}

fn on_thread<T: Send + 'static>(
    patience: Duration,
    otherwise: KeychainError,
    work: impl FnOnce() -> Result<T, KeychainError> + Send + 'static,
) -> Result<T, KeychainError> {
    let (answer, answered) = sync_channel(1);
    std::thread::Builder::new()
        .name("keychain".to_owned())
        .spawn(move || {
            // Who asked may have given up waiting.
            let _ = answer.send(work());
        })
        .map_err(|_| KeychainError::Failed)?;
    answered.recv_timeout(patience).unwrap_or(Err(otherwise))
}

/// Connects, if the bus has a keychain or can start one.
fn find_keychain() -> Result<Connection, KeychainError> {
    let absent = |_: zbus::Error| KeychainError::Unavailable;
    let bus = Builder::session()
        .and_then(|builder| builder.method_timeout(ANSWER).build())
        .map_err(absent)?;
    let broker = Proxy::new(
        &bus,
        "org.freedesktop.DBus",
        "/org/freedesktop/DBus",
        "org.freedesktop.DBus",
    )
    .map_err(absent)?;
    let runs: bool = broker.call("NameHasOwner", &BUS_NAME).map_err(absent)?;
    let startable = || -> Result<bool, KeychainError> {
        let names: Vec<String> = broker.call("ListActivatableNames", &()).map_err(absent)?;
        Ok(names.iter().any(|name| name == BUS_NAME))
    };
    if runs || startable()? {
        Ok(bus)
    } else {
        Err(KeychainError::Unavailable)
    }
}

fn failure(error: zbus::Error) -> KeychainError {
    let zbus::Error::MethodError(name, _, _) = error else {
        return KeychainError::Failed;
    };
    match name.as_str() {
        "org.freedesktop.Secret.Error.IsLocked" => KeychainError::Locked,
        "org.freedesktop.DBus.Error.ServiceUnknown"
        | "org.freedesktop.DBus.Error.NameHasNoOwner"
        | "org.freedesktop.DBus.Error.Spawn.ChildExited"
        | "org.freedesktop.DBus.Error.Spawn.ExecFailed"
        | "org.freedesktop.DBus.Error.Spawn.ServiceNotFound" => KeychainError::Unavailable,
        _ => KeychainError::Failed,
    }
}

/// An open session with the keychain.
struct Vault {
    bus: Connection,
    session: OwnedObjectPath,
    refused: Refused,
}

impl Vault {
    fn open(bus: Connection, refused: Refused) -> Result<Self, KeychainError> {
        let (_, session): (OwnedValue, OwnedObjectPath) = proxy(&bus, ROOT, "Service")?
            .call("OpenSession", &("plain", Value::from("")))
            .map_err(failure)?;
        Ok(Self {
            bus,
            session,
            refused,
        })
    }

    fn proxy<'a>(&'a self, path: &'a str, interface: &str) -> Result<Proxy<'a>, KeychainError> {
        proxy(&self.bus, path, interface)
    }

    /// The item of these attributes, unlocked.
    fn find(
        &self,
        attributes: &HashMap<String, String>,
    ) -> Result<Option<OwnedObjectPath>, KeychainError> {
        let service = self.proxy(ROOT, "Service")?;
        let (open, locked): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
            service.call("SearchItems", &attributes).map_err(failure)?;
        if let Some(item) = open.into_iter().next() {
            return Ok(Some(item));
        }
        match locked.into_iter().next() {
            Some(item) => self.unlock(&item).map(|()| Some(item)),
            // Locked keychains that hide what they hold say nothing of it at all.
            None => match self.default_collection()? {
                Some(collection) if self.locked(&collection)? => {
                    self.unlock(&collection)?;
                    let (open, _): (Vec<OwnedObjectPath>, Vec<OwnedObjectPath>) =
                        service.call("SearchItems", &attributes).map_err(failure)?;
                    Ok(open.into_iter().next())
                }
                _ => Ok(None),
            },
        }
    }

    fn default_collection(&self) -> Result<Option<OwnedObjectPath>, KeychainError> {
        let service = self.proxy(ROOT, "Service")?;
        let path: OwnedObjectPath = service.call("ReadAlias", &"default").map_err(failure)?;
        Ok((path.as_str() != "/").then_some(path))
    }

    fn locked(&self, collection: &OwnedObjectPath) -> Result<bool, KeychainError> {
        self.proxy(collection.as_str(), "Collection")?
            .get_property("Locked")
            .map_err(|_| KeychainError::Failed)
    }

    fn unlock(&self, path: &OwnedObjectPath) -> Result<(), KeychainError> {
        if self.lately_refused() {
            return Err(KeychainError::Locked);
        }
        let service = self.proxy(ROOT, "Service")?;
        let (open, prompt): (Vec<OwnedObjectPath>, OwnedObjectPath) = service
            .call("Unlock", &[path].as_slice())
            .map_err(failure)?;
        if open.contains(path) {
            return Ok(());
        }
        self.prompt(&prompt).map(drop)
    }

    /// Lets the person answer; what they agreed to.
    fn prompt(&self, path: &OwnedObjectPath) -> Result<Option<OwnedValue>, KeychainError> {
        if path.as_str() == "/" {
            return Ok(None);
        }
        let prompt = self.proxy(path.as_str(), "Prompt")?;
        let mut answers = prompt
            .receive_signal("Completed")
            .map_err(|_| KeychainError::Failed)?;
        prompt.call::<_, _, ()>("Prompt", &"").map_err(failure)?;
        let (answer, answered) = sync_channel(1);
        std::thread::Builder::new()
            .name("keychain-prompt".to_owned())
            .spawn(move || {
                let said = answers
                    .next()
                    .and_then(|signal| signal.body().deserialize::<(bool, OwnedValue)>().ok());
                // Who waited may have given up.
                let _ = answer.send(said);
            })
            .map_err(|_| KeychainError::Failed)?;
        match answered.recv_timeout(PROMPT) {
            Ok(Some((false, result))) => Ok(Some(result)),
            Ok(Some((true, _))) => {
                *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
                Err(KeychainError::Locked)
            }
            Ok(None) => Err(KeychainError::Failed),
            Err(_) => {
                // A question nobody answers is taken back, which ends the waiting thread too.
                let _ = prompt.call::<_, _, ()>("Dismiss", &());
                Err(KeychainError::Locked)
            }
        }
    }

    /// The outbox asks every few seconds: a person who said no must not get the same window each time.
    fn lately_refused(&self) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.is_some_and(|at| at.elapsed() < QUIET)
    }

    fn secret(&self, item: &OwnedObjectPath) -> Result<Vec<u8>, KeychainError> {
        let (_, _, value, _): Secret = self
            .proxy(item.as_str(), "Item")?
            .call("GetSecret", &self.session)
            .map_err(failure)?;
        Ok(value)
    }

    fn keep(
        &self,
        label: &str,
        attributes: &HashMap<String, String>,
        secret: &[u8],
    ) -> Result<(), KeychainError> {
        let collection = match self.default_collection()? {
            Some(collection) => collection,
            None => self.new_collection()?,
        };
        if self.locked(&collection)? {
            self.unlock(&collection)?;
        }
        let properties: HashMap<&str, Value<'_>> = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Value::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Value::from(attributes.clone()),
            ),
        ]);
        let content = (
            &self.session,
            Vec::<u8>::new(),
            secret.to_vec(),
            "text/plain",
        );
        let (item, prompt): (OwnedObjectPath, OwnedObjectPath) = self
            .proxy(collection.as_str(), "Collection")?
            .call("CreateItem", &(properties, content, true))
            .map_err(failure)?;
        if item.as_str() == "/" {
            self.prompt(&prompt)?;
        }
        Ok(())
    }

    fn new_collection(&self) -> Result<OwnedObjectPath, KeychainError> {
        let properties: HashMap<&str, Value<'_>> = HashMap::from([(
            "org.freedesktop.Secret.Collection.Label",
            Value::from("Login"),
        )]);
        let (made, prompt): (OwnedObjectPath, OwnedObjectPath) = self
            .proxy(ROOT, "Service")?
            .call("CreateCollection", &(properties, "default"))
            .map_err(failure)?;
        if made.as_str() != "/" {
            return Ok(made);
        }
        let agreed = self.prompt(&prompt)?.ok_or(KeychainError::Failed)?;
        let path: ObjectPath<'_> = agreed.downcast_ref().map_err(|_| KeychainError::Failed)?;
        Ok(path.to_owned().into())
    }

    fn delete(&self, item: &OwnedObjectPath) -> Result<(), KeychainError> {
        let prompt: OwnedObjectPath = self
            .proxy(item.as_str(), "Item")?
            .call("Delete", &())
            .map_err(failure)?;
        self.prompt(&prompt).map(drop)
    }
}

fn proxy<'a>(
    bus: &'a Connection,
    path: &'a str,
    interface: &str,
) -> Result<Proxy<'a>, KeychainError> {
    let interface = format!("org.freedesktop.Secret.{interface}");
    Proxy::new(bus, BUS_NAME, path, interface).map_err(failure)
}
