//! The program's log: codes and counts, never speech, text, tokens or addresses of people.
//!
//! One file of at most [`LIMIT`] bytes and the one before it. `ALFAVOICE_LOG` (`debug`, `client_core=trace`) says how much of
//! our own crates; of others warnings at most, because what they say in detail may have secrets in it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Bytes after which a new file is begun.
pub const LIMIT: u64 = 1024 * 1024;

/// The crates that know what may be in a log.
const OURS: [&str; 3] = ["alfavoice_desktop", "client_core", "client_platform"];

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
    let asked = std::env::var("ALFAVOICE_LOG").unwrap_or_default();
    if let Ok(log) = Log::open(path) {
        // Fails when a log was begun already: a test's.
        let _ = tracing::subscriber::set_global_default(subscriber(&asked, log));
    }
}

/// Writes to that log what is asked for.
pub fn subscriber(asked: &str, log: Log) -> impl tracing::Subscriber + Send + Sync + use<> {
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::builder().parse_lossy(directives(asked)))
        .with_ansi(false)
        .with_writer(log)
        .finish()
}

/// What is asked for, as far as it is about our own crates or is less than what others say anyway.
fn directives(asked: &str) -> String {
    let mut all = vec!["warn".to_owned()];
    all.extend(OURS.map(|ours| format!("{ours}=info")));
    // Nothing is no wish: as a level it would mean errors only.
    let wishes = asked.split(',').map(str::trim);
    for one in wishes.filter(|one| !one.is_empty()) {
        if let Ok(level) = one.parse::<LevelFilter>() {
            all.push(level.min(LevelFilter::WARN).to_string());
            all.extend(OURS.map(|ours| format!("{ours}={level}")));
        } else if OURS.contains(&one.split(['=', ':', '[']).next().unwrap_or_default()) {
            all.push(one.to_owned());
        }
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use tracing::{Level, enabled, subscriber};

    use super::*;

    #[test]
    fn without_a_wish_our_own_crates_say_what_happens() {
        for asked in ["", " ", "zbus=trace,"] {
            let filter = EnvFilter::builder().parse_lossy(directives(asked));
            let subscriber = tracing_subscriber::fmt().with_env_filter(filter).finish();
            subscriber::with_default(subscriber, || {
                assert!(enabled!(target: "alfavoice_desktop::app", Level::INFO));
                assert!(enabled!(target: "client_core::desk", Level::INFO));
                assert!(enabled!(target: "client_platform", Level::INFO));
                assert!(!enabled!(target: "client_core::desk", Level::DEBUG));
                assert!(!enabled!(target: "zbus", Level::INFO));
            });
        }
    }

    #[test]
    fn other_crates_never_say_more_than_warnings() {
        let asked = |asked: &str| {
            let filter = EnvFilter::builder().parse_lossy(directives(asked));
            tracing_subscriber::fmt().with_env_filter(filter).finish()
        };
        subscriber::with_default(asked("trace,zbus=trace,reqwest[request]=debug"), || {
            assert!(enabled!(target: "client_core::outbox", Level::TRACE));
            assert!(enabled!(target: "zbus", Level::WARN));
            assert!(!enabled!(target: "zbus::connection", Level::INFO));
            assert!(!enabled!(target: "reqwest", Level::INFO));
        });
        subscriber::with_default(asked("zbus=trace, client_core::desk=debug"), || {
            assert!(enabled!(target: "client_core::desk", Level::DEBUG));
            assert!(!enabled!(target: "client_core::outbox", Level::DEBUG));
            assert!(enabled!(target: "alfavoice_desktop", Level::INFO));
            assert!(!enabled!(target: "zbus", Level::INFO));
        });
        subscriber::with_default(asked("off"), || {
            assert!(!enabled!(target: "zbus", Level::ERROR));
            assert!(!enabled!(target: "client_core", Level::ERROR));
        });
    }

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
