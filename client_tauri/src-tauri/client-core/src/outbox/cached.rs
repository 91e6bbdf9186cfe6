//! The table of the screens' cache, which lies in the same file; see [`crate::cache`].

use rusqlite::OptionalExtension;

use super::error::OutboxError;
use super::handle::{Outbox, now};

impl Outbox {
    pub(crate) async fn read_cached(&self, key: String) -> Result<Option<String>, OutboxError> {
        self.run(move |store| {
            Ok(store
                .disk()?
                .prepare("SELECT value FROM cached WHERE key = ?")?
                .query_row([&key], |row| row.get(0))
                .optional()?)
        })
        .await
    }

    pub(crate) async fn write_cached(&self, key: String, value: String) -> Result<(), OutboxError> {
        self.run(move |store| {
            store.disk()?.execute(
                "INSERT INTO cached (key, value, written_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key) DO UPDATE SET value = ?2, written_at = ?3",
                (&key, &value, now()),
            )?;
            Ok(())
        })
        .await
    }

    /// Removes what begins with `prefix`, then the oldest beyond `most`.
    pub(crate) async fn forget_cached(
        &self,
        prefix: Option<String>,
        most: usize,
    ) -> Result<(), OutboxError> {
        self.run(move |store| {
            let disk = store.disk()?;
            if let Some(prefix) = &prefix {
                disk.execute(
                    "DELETE FROM cached WHERE substr(key, 1, length(?1)) = ?1",
                    [prefix],
                )?;
            }
            disk.execute(
                "DELETE FROM cached WHERE key IN
                 (SELECT key FROM cached ORDER BY written_at DESC, key LIMIT -1 OFFSET ?)",
                [i64::try_from(most).unwrap_or(i64::MAX)],
            )?;
            Ok(())
        })
        .await
    }
}
