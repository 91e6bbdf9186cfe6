//! What screens show when no server can be reached: JSON by person and key, in the same encrypted file. A person is who
//! [`crate::account::Server::whose`] says; None: nobody is signed in.
//!
//! It is a copy: what does not fit, or cannot be written, is simply not there next time.

use serde_json::Value;

use crate::outbox::{Outbox, OutboxError};

/// The longest value kept.
const MOST_BYTES: usize = 4 * 1024 * 1024;
/// The longest key.
const MOST_KEY: usize = 500;
/// How many are kept; the oldest go.
const MOST_ENTRIES: usize = 500;

/// The cache of the screens. Clones are the same one.
#[derive(Clone)]
pub struct Cache(Outbox);

impl Cache {
    /// The cache in the file of this outbox.
    #[must_use]
    pub fn new(outbox: Outbox) -> Self {
        Self(outbox)
    }

    /// What was written under that key; None if nothing was (`null` is nothing), or it went to make room.
    ///
    /// # Errors
    /// The file is not open.
    pub async fn read(
        &self,
        person: Option<&str>,
        key: &str,
    ) -> Result<Option<Value>, OutboxError> {
        let found = self.0.read_cached(of(person, key)).await?;
        Ok(found
            .and_then(|text| serde_json::from_str(&text).ok())
            .filter(|value| *value != Value::Null))
    }

    /// Keeps a value in place of what was there. One that is too long is not kept, and what was there goes.
    ///
    /// # Errors
    /// The file is not open or cannot be written.
    pub async fn write(
        &self,
        person: Option<&str>,
        key: &str,
        value: &Value,
    ) -> Result<(), OutboxError> {
        if key.is_empty() || key.len() > MOST_KEY {
            return Ok(());
        }
        let mut text = value.to_string();
        if text.len() > MOST_BYTES {
            text = Value::Null.to_string();
        }
        self.0.write_cached(of(person, key), text).await?;
        self.0.forget_cached(None, MOST_ENTRIES).await
    }

    /// Removes whatever that person has under a key that begins so; with an empty one everything, whoever's it is.
    ///
    /// # Errors
    /// The file is not open or cannot be written.
    pub async fn forget(&self, person: Option<&str>, prefix: &str) -> Result<(), OutboxError> {
        let prefix = match prefix {
            "" => String::new(),
            prefix => of(person, prefix),
        };
        self.0.forget_cached(Some(prefix), MOST_ENTRIES).await
    }
}

/// Neither logins nor addresses have a line feed.
fn of(person: Option<&str>, key: &str) -> String {
    format!("{}\n{key}", person.unwrap_or_default())
}
