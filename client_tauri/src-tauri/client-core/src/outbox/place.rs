//! Where the file lies, and what lies beside it.

use std::fs;
use std::path::{Path, PathBuf};

use super::error::OutboxError;

/// The folder of the outbox: `outbox.db` (with SQLite's `-wal` and `-shm`), `outbox.salt.json`, `outbox.lock`.
#[derive(Debug, Clone)]
pub struct Place {
    folder: PathBuf,
}

impl Place {
    /// The outbox in this folder; nothing is touched yet.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The encrypted file.
    #[must_use]
    pub fn file(&self) -> PathBuf {
        self.folder.join("outbox.db")
    }

    /// The new file a damaged one is copied into; whole once the damaged one is out of its way.
    pub(super) fn salvage(&self) -> PathBuf {
        self.folder.join("outbox-salvage.db")
    }

    /// Removes a copy that was not finished: it is of no use, and takes the room that the next one needs.
    pub(super) fn forget_salvage(&self) -> Result<(), OutboxError> {
        for suffix in ["", "-wal", "-shm"] {
            removed(&beside(&self.salvage(), suffix))?;
        }
        Ok(())
    }

    /// Whether the copy is whole and only has to take the damaged file's place.
    pub(super) fn is_salvaged(&self) -> bool {
        !self.file().exists() && self.salvage().exists()
    }

    /// Brings to its end what a process was doing here when it died: a file that was being put aside goes there whole, and the one
    /// that was salvaged takes its place.
    pub(super) fn finish(&self, now: f64) -> Result<(), OutboxError> {
        if self.file().exists() {
            return Ok(());
        }
        // A log without its file; a new file must not be given it.
        if beside(&self.file(), "-wal").exists() {
            self.put_aside("rest", now)?;
        }
        let salvage = self.salvage();
        if salvage.exists() {
            fs::rename(salvage, self.file())?;
        }
        Ok(())
    }

    /// What says how the key is found.
    pub(super) fn note(&self) -> PathBuf {
        self.folder.join("outbox.salt.json")
    }

    /// Makes the folder, readable by its owner alone.
    pub(super) fn prepare(&self) -> Result<(), OutboxError> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        Ok(builder.create(&self.folder)?)
    }

    /// Takes the folder for this process.
    ///
    /// # Errors
    /// `InUse`: another process has it. The system lets go of it when that process ends, however it ends.
    pub(super) fn lock(&self) -> Result<fs::File, OutboxError> {
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(self.folder.join("outbox.lock"))?;
        match file.try_lock() {
            Ok(()) => Ok(file),
            Err(fs::TryLockError::WouldBlock) => Err(OutboxError::InUse),
            Err(fs::TryLockError::Error(error)) => Err(error.into()),
        }
    }

    /// Renames the file and what belongs to it, so that a new one can be made; nothing is deleted.
    ///
    /// The note goes along: it says how the file put aside can be opened, should its key turn up.
    pub(super) fn put_aside(&self, why: &str, now: f64) -> Result<PathBuf, OutboxError> {
        // Seconds since 1970 fit.
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        let mut stamp = now.max(0.0) as u64;
        let name = |stamp: u64| self.folder.join(format!("outbox-{why}-{stamp}.db"));
        while name(stamp).exists() {
            stamp += 1;
        }
        let aside = name(stamp);
        let note = self.note();
        if note.exists() {
            // First, as it needs room: without any, all stays as it was.
            let copy = aside.with_extension("salt.json");
            fs::copy(note, &copy).inspect_err(|_| {
                // A piece of it harms nobody.
                let _ = removed(&copy);
            })?;
        }
        for suffix in ["", "-wal", "-shm"] {
            let from = beside(&self.file(), suffix);
            if from.exists() {
                fs::rename(from, beside(&aside, suffix))?;
            }
        }
        Ok(aside)
    }

    /// Removes the note, so that a new file gets a new one.
    pub(super) fn forget_note(&self) -> Result<(), OutboxError> {
        removed(&self.note())
    }
}

fn removed(file: &Path) -> Result<(), OutboxError> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

pub(super) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
