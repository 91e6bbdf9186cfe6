//! Flushing to the disk, on a thread and a connection of its own: a disk may take seconds for it, and what is said goes on
//! into the file meanwhile. Writing there waits for nobody: the system has it, whatever becomes of the program.

use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::ending::using_the_cipher;
use super::error::OutboxError;
use super::key::Key;

/// Flushes the log into the file; ends, with the flush that goes on, when dropped.
pub(super) struct Flusher {
    ask: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Flusher {
    /// Opens the file once more.
    pub(super) fn start(path: &Path, key: &Key) -> Result<Self, OutboxError> {
        let connection = super::file::open_again(path, key)?;
        let (ask, asked) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name("outbox-flush".to_owned())
            .spawn(move || {
                for () in asked {
                    let _using = using_the_cipher();
                    // It never waits for a writer, nor a writer for it. A disk without room for it says so with the next write.
                    let _ = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(()));
                }
                let _using = using_the_cipher();
                drop(connection);
            })?;
        Ok(Self {
            ask: Some(ask),
            thread: Some(thread),
        })
    }

    /// Asks for a flush of all that is committed by now.
    pub(super) fn flush(&self) {
        if let Some(ask) = &self.ask {
            // Full: one that has not begun yet takes this along.
            let _ = ask.try_send(());
        }
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.ask = None;
        if let Some(thread) = self.thread.take() {
            // One that panicked has ended as well.
            let _ = thread.join();
        }
    }
}
