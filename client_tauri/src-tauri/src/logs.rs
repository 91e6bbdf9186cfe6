//! The program's log: codes and counts, never speech, text, tokens or addresses of people.
//!
//! One file of at most [`LIMIT`] bytes and the one before it. `ALFAVOICE_LOG` (`debug`, `client_core=trace`) says how much.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes after which a new file is begun.
pub const LIMIT: u64 = 1024 * 1024;

/// Writes to the file, and begins another when it is full.
#[derive(Debug, Clone)]
pub struct Log {
    open: Arc<Mutex<Open>>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    written: u64,
}

impl Log {
    /// Goes on with the file at `path`.
    ///
    /// # Errors
    /// Whatever opening it says.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let written = file.metadata()?.len();
        Ok(Self {
            open: Arc::new(Mutex::new(Open {
                path: path.to_owned(),
                file,
                written,
            })),
        })
    }
}

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.written >= LIMIT {
            open.file.flush()?;
            std::fs::rename(&open.path, open.path.with_extension("log.1"))?;
            open.file = OpenOptions::new()
                .create(true)
                .append(true)
                .open(&open.path)?;
            open.written = 0;
        }
        open.file.write_all(line)?;
        open.written += line.len() as u64;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .file
            .flush()
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// Logs to the file at `path` from now on; to nowhere if it cannot be written, because a full disk must not keep anybody
/// from dictating.
pub fn begin(path: &Path) {
    let filter = EnvFilter::try_from_env("ALFAVOICE_LOG").unwrap_or_else(|_| {
        EnvFilter::new("warn,alfavoice_desktop=info,client_core=info,client_platform=info")
    });
    if let Ok(log) = Log::open(path) {
        // Fails when a log was begun already: a test's.
        let _ = tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_ansi(false)
            .with_writer(log)
            .try_init();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_once_and_no_more_than_two_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("alfavoice.log");
        let mut log = Log::open(&path).unwrap();
        let line = [b'x'; 4096];
        for _ in 0..(3 * LIMIT / 4096) {
            log.write_all(&line).unwrap();
        }
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 2);
        for file in std::fs::read_dir(folder.path()).unwrap() {
            assert!(file.unwrap().metadata().unwrap().len() <= LIMIT + 4096);
        }
    }
}
