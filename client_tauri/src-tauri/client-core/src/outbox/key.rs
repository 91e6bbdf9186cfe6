//! The file's key: made, kept, found again, and told from a wrong one.
//!
//! It is 256 bits of chance in the system's keychain (`outbox`, as 64 hex digits), and a new one is written there and read back
//! before the first row is. On a machine without a keychain it is made of a passphrase by argon2id (RFC 9106). Beside the
//! file lies a note that says which, with the salt, and a check value by which a wrong key is told from a damaged file.

use std::fs;
use std::io::Write;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::error::OutboxError;
use super::keychain::{Answer, Question};
use super::place::Place;
use crate::ports::{Keychain, KeychainError};
use crate::sensitive::Sensitive;

/// The file's key.
pub(super) type Key = Sensitive<[u8; 32]>;

/// A key as it was found.
pub(super) struct Found {
    pub(super) key: Key,
    /// Whether it is known to be the file's. Else the note beside the file is missing, and the key is what the keychain has.
    pub(super) is_checked: bool,
}

/// What came of looking for one.
pub(super) enum Looked {
    Found(Found),
    /// The keychain has to be asked this first.
    Ask(Question),
}

/// The secret's name in the keychain.
pub const KEY_NAME: &str = "outbox";

const CHECK_LABEL: &[u8] = b"alfavoice outbox key check 1";
const SALT_BYTES: usize = 16;
/// RFC 9106 section 4 recommends 64 MiB and three passes where memory is constrained.
const MEMORY_KIB: u32 = 64 * 1024;
const PASSES: u32 = 3;
/// A note that asks for more than this is none of ours.
const MOST_MEMORY_KIB: u32 = 1024 * 1024;
const MOST_PASSES: u32 = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Keychain,
    Passphrase,
}

/// What lies beside the file.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Note {
    version: u32,
    kind: Kind,
    /// Hex.
    #[serde(default)]
    salt: String,
    #[serde(default)]
    memory_kib: u32,
    #[serde(default)]
    passes: u32,
    /// Hex of the first 16 bytes of SHA-256 of [`CHECK_LABEL`] and the key.
    check: String,
}

/// Finds the key of the file there, or makes one for a file that is not there yet, with what the keychain answered.
///
/// # Errors
/// `Locked`, `PassphraseNeeded`, `PassphraseUnset`, `WrongPassphrase`, `KeyLost`; and what the disk says while the note is written.
pub(super) fn find(
    place: &Place,
    answer: Option<&Answer>,
    passphrase: Option<&Sensitive<String>>,
) -> Result<Looked, OutboxError> {
    let is_there = fs::metadata(place.file()).is_ok_and(|file| file.len() > 0);
    let note = read_note(&place.note())?;
    match note {
        Some(note) if is_there && note.kind == Kind::Passphrase => {
            let passphrase = passphrase.ok_or(OutboxError::PassphraseNeeded)?;
            let key = derived(passphrase, &note)?;
            if check_of(&key) == note.check {
                Ok(Looked::Found(checked(key)))
            } else {
                Err(OutboxError::WrongPassphrase)
            }
        }
        note if is_there => {
            let hidden = match answer {
                Some(Answer::Read(Ok(found))) => found.as_ref().ok_or(OutboxError::KeyLost)?,
                // The file has its key in a keychain that is not there now.
                Some(Answer::Read(Err(_))) => return Err(OutboxError::Locked),
                Some(Answer::Made(_)) | None => return Ok(Looked::Ask(Question::Read)),
            };
            let key = from_hex(hidden.expose()).ok_or(OutboxError::KeyLost)?;
            match note {
                Some(note) if note.check != check_of(&key) => Err(OutboxError::KeyLost),
                note => Ok(Looked::Found(Found {
                    key,
                    is_checked: note.is_some(),
                })),
            }
        }
        _ => match answer {
            Some(Answer::Made(made)) => {
                let key = new_key(place, made, passphrase)?;
                Ok(Looked::Found(checked(key)))
            }
            Some(Answer::Read(_)) | None => Ok(Looked::Ask(Question::Make)),
        },
    }
}

fn checked(key: Key) -> Found {
    Found {
        key,
        is_checked: true,
    }
}

fn new_key(
    place: &Place,
    made: &Result<Key, KeychainError>,
    passphrase: Option<&Sensitive<String>>,
) -> Result<Key, OutboxError> {
    match made {
        Ok(key) => {
            let note = Note {
                version: 1,
                kind: Kind::Keychain,
                salt: String::new(),
                memory_kib: 0,
                passes: 0,
                check: check_of(key),
            };
            write_note(&place.note(), &note)?;
            Ok(key.clone())
        }
        Err(KeychainError::Locked) => Err(OutboxError::Locked),
        Err(KeychainError::Unavailable | KeychainError::Failed) => {
            let passphrase = passphrase.ok_or(OutboxError::PassphraseUnset)?;
            let mut salt = [0_u8; SALT_BYTES];
            fill(&mut salt)?;
            let mut note = Note {
                version: 1,
                kind: Kind::Passphrase,
                salt: to_hex(&salt),
                memory_kib: MEMORY_KIB,
                passes: PASSES,
                check: String::new(),
            };
            let key = derived(passphrase, &note)?;
            note.check = check_of(&key);
            write_note(&place.note(), &note)?;
            Ok(key)
        }
    }
}

/// A key kept in the keychain from before (its file was never made, or was put aside), or a new one read back from there.
pub(super) fn made(keychain: &dyn Keychain) -> Result<Key, KeychainError> {
    let found = keychain.read(KEY_NAME)?.map(Sensitive::new);
    if let Some(key) = found.and_then(|hidden| from_hex(hidden.expose())) {
        return Ok(key);
    }
    let mut bytes = [0_u8; 32];
    fill(&mut bytes).map_err(|_| KeychainError::Failed)?;
    let key = Key::new(bytes);
    bytes.zeroize();
    let hidden = Sensitive::new(to_hex(key.expose()));
    keychain.write(KEY_NAME, hidden.expose().as_bytes())?;
    let again = keychain.read(KEY_NAME)?.map(Sensitive::new);
    match again {
        Some(again) if again.expose() == hidden.expose().as_bytes() => Ok(key),
        _ => Err(KeychainError::Failed),
    }
}

fn derived(passphrase: &Sensitive<String>, note: &Note) -> Result<Key, OutboxError> {
    if note.memory_kib > MOST_MEMORY_KIB || note.passes > MOST_PASSES {
        return Err(OutboxError::Damaged);
    }
    let params = argon2::Params::new(note.memory_kib, note.passes, 1, Some(32))
        .map_err(|_| OutboxError::Damaged)?;
    let salt = bytes_of_hex(note.salt.as_bytes()).ok_or(OutboxError::Damaged)?;
    let mut bytes = [0_u8; 32];
    argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into(passphrase.expose().as_bytes(), &salt, &mut bytes)
        .map_err(|_| OutboxError::Damaged)?;
    let key = Key::new(bytes);
    bytes.zeroize();
    Ok(key)
}

fn check_of(key: &Key) -> String {
    let hash = Sha256::new()
        .chain_update(CHECK_LABEL)
        .chain_update(key.expose())
        .finalize();
    to_hex(&hash[..16])
}

fn read_note(path: &Path) -> Result<Option<Note>, OutboxError> {
    match fs::read(path) {
        // A note that cannot be read is as good as none: the keychain may still have the key.
        Ok(bytes) => Ok(serde_json::from_slice(&bytes)
            .ok()
            .filter(|note: &Note| note.version == 1)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Written whole or not at all, and on the disk before the file it is for.
fn write_note(path: &Path, note: &Note) -> Result<(), OutboxError> {
    let bytes = serde_json::to_vec(note).map_err(|_| OutboxError::Failed(-1))?;
    let beside = path.with_extension("json.new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    Ok(())
}

fn fill(bytes: &mut [u8]) -> Result<(), OutboxError> {
    getrandom::fill(bytes).map_err(|_| OutboxError::Failed(-1))
}

/// Lower-case hex.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    // As long as it gets from the beginning: what it would leave behind while it grows may be a piece of a key.
    let mut text = String::with_capacity(bytes.len() * 2);
    for digit in bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
        text.push(char::from(DIGITS[usize::from(digit)]));
    }
    text
}

fn bytes_of_hex(text: &[u8]) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 2);
    for pair in text.chunks_exact(2) {
        bytes.push(u8::try_from(digit(pair[0])? * 16 + digit(pair[1])?).ok()?);
    }
    Some(bytes)
}

pub(super) fn from_hex(text: &[u8]) -> Option<Key> {
    let bytes = Sensitive::new(bytes_of_hex(text)?);
    let exact: [u8; 32] = bytes.expose().as_slice().try_into().ok()?;
    Some(Key::new(exact))
}
