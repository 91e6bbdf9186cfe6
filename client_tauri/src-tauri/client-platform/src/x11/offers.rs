//! What is in a clipboard: the same thing in each of its formats.

use std::sync::Arc;

use x11rb::protocol::xproto::{Atom, AtomEnum};

use super::atoms::Atoms;

/// One format of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// The name it is asked for by.
    pub target: Atom,
    /// The type of the answer.
    pub kind: Atom,
    /// Bits of a unit: 8, 16 or 32.
    pub bits: u8,
    /// The answer, in the byte order of this machine.
    pub bytes: Arc<[u8]>,
}

/// All of its formats, the best first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offer {
    /// The formats.
    pub formats: Vec<Format>,
}

impl Offer {
    /// A text in every way programs ask for one. A `passing` text is marked so that clipboard managers do not keep it.
    ///
    /// `STRING` is Latin-1 by ICCCM 2.6.2, so it is offered only for text that Latin-1 can say.
    #[must_use]
    pub fn text(text: &str, atoms: &Atoms, passing: bool) -> Self {
        let utf8: Arc<[u8]> = Arc::from(text.as_bytes());
        let format = |target: Atom, kind: Atom, bytes: &Arc<[u8]>| Format {
            target,
            kind,
            bits: 8,
            bytes: Arc::clone(bytes),
        };
        let mut formats = vec![
            format(atoms.UTF8_STRING, atoms.UTF8_STRING, &utf8),
            format(atoms.text_plain_utf8, atoms.text_plain_utf8, &utf8),
            format(atoms.TEXT, atoms.UTF8_STRING, &utf8),
            format(atoms.text_plain, atoms.text_plain, &utf8),
        ];
        let latin: Option<Vec<u8>> = text.chars().map(|c| u8::try_from(c).ok()).collect();
        if let Some(latin) = latin {
            let string = AtomEnum::STRING.into();
            formats.push(format(string, string, &Arc::from(latin)));
        }
        if passing {
            let secret: Arc<[u8]> = Arc::from(&b"secret"[..]);
            formats.push(format(atoms.secret_hint, AtomEnum::STRING.into(), &secret));
        }
        Self { formats }
    }

    /// The format of that name.
    #[must_use]
    pub fn format(&self, target: Atom) -> Option<&Format> {
        self.formats.iter().find(|format| format.target == target)
    }

    /// Its bytes in all formats together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.formats.iter().map(|format| format.bytes.len()).sum()
    }
}
