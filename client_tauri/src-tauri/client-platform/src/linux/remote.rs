//! Keys struck through the desktop portal (`org.freedesktop.portal.RemoteDesktop`), which is how Wayland lets one program
//! type into another's window: the person allows it once, and a token from the keychain spares them the question later.
//!
//! ```text
//! Idle ── a text ──► Asking ──► Ready ── the person takes it back ──► Idle
//!                       └─────► Denied ── the person asks for it themselves ──► Asking
//! ```
//!
//! Nobody waits for a person here: a text that comes while the desktop asks is refused at once, so that none is typed
//! late into another window.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use client_core::ports::{InsertionError, Keychain};
use zbus::zvariant::{OwnedObjectPath, Value};

use super::portal::{Options, Portal, PortalError};

const INTERFACE: &str = "RemoteDesktop";
/// Under which name the token is kept.
const TOKEN: &str = "remote-desktop";
/// `SelectDevices`: the keyboard and nothing else.
const KEYBOARD: u32 = 1;
/// `persist_mode`: until the person takes it back.
const PERSISTENT: u32 = 2;
/// With a token nobody is asked, and the desktop answers within this.
const SILENT: Duration = Duration::from_secs(2);
/// Key codes of Linux' `input-event-codes.h`: they are the same on every layout.
const KEY_LEFTCTRL: i32 = 29;
const KEY_LEFTSHIFT: i32 = 42;
const KEY_V: i32 = 47;
const KEY_INSERT: i32 = 110;
const KEY_LEFT: i32 = 105;

/// Which keys paste.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Chord {
    /// Shift+Insert.
    ShiftInsert,
    /// Ctrl+V.
    ControlV,
    /// Ctrl+Shift+V.
    ControlShiftV,
}

impl Chord {
    const fn keys(self) -> &'static [i32] {
        match self {
            Self::ShiftInsert => &[KEY_LEFTSHIFT, KEY_INSERT],
            Self::ControlV => &[KEY_LEFTCTRL, KEY_V],
            Self::ControlShiftV => &[KEY_LEFTCTRL, KEY_LEFTSHIFT, KEY_V],
        }
    }
}

impl From<PortalError> for InsertionError {
    fn from(error: PortalError) -> Self {
        match error {
            PortalError::Absent => Self::Unavailable,
            PortalError::Refused => Self::Denied,
            PortalError::TimedOut => Self::Asking,
            PortalError::Bus(_) => Self::System(error.to_string()),
        }
    }
}

/// An allowed session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowed {
    /// Where it is.
    pub session: OwnedObjectPath,
    /// Whether the clipboard goes with it.
    pub clipboard: bool,
}

#[derive(Debug, Clone)]
enum Standing {
    Idle,
    Asking,
    Ready(Allowed),
    Denied,
}

/// The keyboard of the desktop.
pub struct RemoteKeyboard {
    /// The portal it is of.
    pub portal: Portal,
    keychain: Arc<dyn Keychain>,
    standing: Mutex<Standing>,
    changed: Condvar,
}

impl RemoteKeyboard {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// [`InsertionError::Unavailable`] where the desktop has no such portal.
    pub fn open(portal: Portal, keychain: Arc<dyn Keychain>) -> Result<Arc<Self>, InsertionError> {
        portal.version(INTERFACE)?;
        Ok(Arc::new(Self {
            portal,
            keychain,
            standing: Mutex::new(Standing::Idle),
            changed: Condvar::new(),
        }))
    }

    /// The session that keys may be struck in; waits no longer than a desktop takes that need not ask.
    ///
    /// # Errors
    /// [`InsertionError::Asking`] while the person is asked, [`InsertionError::Denied`] once they said no, until `again`.
    pub fn allowed(self: &Arc<Self>, again: bool) -> Result<Allowed, InsertionError> {
        let mut standing = self.standing();
        match &*standing {
            Standing::Ready(allowed) => return Ok(allowed.clone()),
            Standing::Denied if !again => return Err(InsertionError::Denied),
            Standing::Asking => return Err(InsertionError::Asking),
            Standing::Denied | Standing::Idle => {}
        }
        *standing = Standing::Asking;
        let own = Arc::clone(self);
        let spawned = std::thread::Builder::new()
            .name("portal-typing".to_owned())
            .spawn(move || own.settle(own.ask()));
        if let Err(error) = spawned {
            *standing = Standing::Idle;
            return Err(InsertionError::System(error.kind().to_string()));
        }
        let (standing, _) = self
            .changed
            .wait_timeout_while(standing, SILENT, |now| matches!(now, Standing::Asking))
            .unwrap_or_else(PoisonError::into_inner);
        match &*standing {
            Standing::Ready(allowed) => Ok(allowed.clone()),
            Standing::Denied => Err(InsertionError::Denied),
            Standing::Asking => Err(InsertionError::Asking),
            Standing::Idle => Err(InsertionError::Unavailable),
        }
    }

    /// The session that counts now.
    #[must_use]
    pub fn session(&self) -> Option<OwnedObjectPath> {
        match &*self.standing() {
            Standing::Ready(allowed) => Some(allowed.session.clone()),
            _ => None,
        }
    }

    /// A session was closed by the desktop: the next text asks anew.
    pub fn lost(&self, path: &str) {
        let mut standing = self.standing();
        if matches!(&*standing, Standing::Ready(own) if own.session.as_str() == path) {
            *standing = Standing::Idle;
        }
    }

    /// Strikes the keys that paste. What was pressed is let go of, whatever happens in between.
    ///
    /// # Errors
    /// [`InsertionError::Denied`] when the person took the permission back.
    pub fn strike(&self, session: &OwnedObjectPath, chord: Chord) -> Result<(), InsertionError> {
        self.press(session, chord.keys())
    }

    /// Moves the text cursor back.
    ///
    /// # Errors
    /// As [`RemoteKeyboard::strike`].
    pub fn step_back(
        &self,
        session: &OwnedObjectPath,
        letters: usize,
    ) -> Result<(), InsertionError> {
        (0..letters).try_for_each(|_| self.press(session, &[KEY_LEFT]))
    }

    fn press(&self, session: &OwnedObjectPath, keys: &[i32]) -> Result<(), InsertionError> {
        let pressed = keys.iter().try_for_each(|key| self.key(session, *key, 1));
        let released: Vec<_> = keys
            .iter()
            .rev()
            .map(|key| self.key(session, *key, 0))
            .collect();
        pressed.and_then(|()| released.into_iter().collect())
    }

    fn key(&self, session: &OwnedObjectPath, code: i32, state: u32) -> Result<(), InsertionError> {
        let keyboard = self.portal.interface(INTERFACE)?;
        keyboard
            .call::<_, _, ()>(
                "NotifyKeyboardKeycode",
                &(session, Options::new(), code, state),
            )
            .map_err(|error| match error {
                zbus::Error::MethodError(..) => {
                    self.lost(session.as_str());
                    InsertionError::Denied
                }
                other => PortalError::Bus(other).into(),
            })
    }

    fn ask(&self) -> Result<Allowed, PortalError> {
        let session = self.portal.session(INTERFACE)?;
        let asked = self.begin(&session);
        if asked.is_err() {
            self.portal.close(&session);
        }
        asked
    }

    fn begin(&self, session: &OwnedObjectPath) -> Result<Allowed, PortalError> {
        // Without a keychain the person is asked each time the program starts.
        let kept = self.keychain.read(TOKEN).ok().flatten();
        let kept = kept.and_then(|token| String::from_utf8(token).ok());
        self.portal.request(INTERFACE, "SelectDevices", |handle| {
            let mut options = Options::from([
                ("handle_token", Value::from(handle)),
                ("types", Value::from(KEYBOARD)),
                ("persist_mode", Value::from(PERSISTENT)),
            ]);
            if let Some(token) = kept {
                options.insert("restore_token", Value::from(token));
            }
            (session.clone(), options)
        })?;
        let clipboard = self.portal.version("Clipboard").is_ok() && {
            let clipboard = self.portal.interface("Clipboard")?;
            clipboard
                .call::<_, _, ()>("RequestClipboard", &(session, Options::new()))
                .is_ok()
        };
        let results = self.portal.request(INTERFACE, "Start", |handle| {
            let options = Options::from([("handle_token", Value::from(handle))]);
            (session.clone(), "", options)
        })?;
        let number = |name: &str| results.get(name).and_then(|n| n.downcast_ref::<u32>().ok());
        if number("devices").is_some_and(|devices| devices & KEYBOARD == 0) {
            return Err(PortalError::Refused);
        }
        if let Some(token) = results
            .get("restore_token")
            .and_then(|token| token.downcast_ref::<&str>().ok())
        {
            // Each token works once. Not kept, it is asked for again.
            let _ = self.keychain.write(TOKEN, token.as_bytes());
        }
        let given = results
            .get("clipboard_enabled")
            .and_then(|given| given.downcast_ref::<bool>().ok());
        Ok(Allowed {
            session: session.clone(),
            clipboard: clipboard && given == Some(true),
        })
    }

    fn settle(&self, asked: Result<Allowed, PortalError>) {
        *self.standing() = match asked {
            Ok(allowed) => Standing::Ready(allowed),
            Err(PortalError::Refused) => Standing::Denied,
            // The next text asks again.
            Err(PortalError::Absent | PortalError::TimedOut | PortalError::Bus(_)) => {
                Standing::Idle
            }
        };
        self.changed.notify_all();
    }

    fn standing(&self) -> MutexGuard<'_, Standing> {
        self.standing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RemoteKeyboard {
    fn drop(&mut self) {
        if let Some(session) = self.session() {
            self.portal.close(&session);
        }
    }
}
