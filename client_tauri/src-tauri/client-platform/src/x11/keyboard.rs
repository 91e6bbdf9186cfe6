//! Which key code is which place on this display's keyboard, and which modifier bits its modifiers set.
//!
//! The names come from XKB and not from what the keys type, so they hold on every layout.

use std::collections::BTreeSet;

use x11rb::protocol::xkb::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{ConnectionExt as _, Keycode};

use super::display::{Display, DisplayError};
use crate::keys::{self, PLACES};

/// XKB's number for "the keyboard" (`XkbUseCoreKbd`).
const CORE_KEYBOARD: u16 = 0x100;
/// The modifier bit of Caps Lock, fixed by the core protocol.
const LOCK: u16 = 1 << 1;

/// One display's keyboard as it is now.
#[derive(Debug, Clone)]
pub struct Keyboard {
    codes: Vec<(Keycode, &'static str)>,
    /// For each of the eight modifier bits, the keys that set it.
    modifiers: Vec<Vec<Keycode>>,
}

impl Keyboard {
    /// Asks the display.
    ///
    /// # Errors
    /// When it does not answer; without XKB the usual numbers are taken.
    pub fn read(display: &Display) -> Result<Self, DisplayError> {
        let connection = &display.connection;
        let mapping = connection.get_modifier_mapping()?.reply()?;
        let each = usize::from(mapping.keycodes_per_modifier()).max(1);
        let modifiers = mapping
            .keycodes
            .chunks(each)
            .map(|keys| keys.iter().copied().filter(|key| *key != 0).collect())
            .collect();
        let names = connection
            .xkb_get_names(CORE_KEYBOARD, xkb::NameDetail::KEY_NAMES)?
            .reply();
        let mut codes = Vec::new();
        if let Ok(names) = names {
            let named = names.value_list.key_names.unwrap_or_default();
            for (key, name) in (names.first_key..=Keycode::MAX).zip(&named) {
                let name = String::from_utf8_lossy(&name.name);
                if let Some(place) = keys::by_xkb(name.trim_end_matches(['\0', ' '])) {
                    codes.push((key, place.code));
                }
            }
        }
        for place in PLACES {
            let usual = Keycode::try_from(place.evdev + 8).ok();
            let named = codes.iter().any(|(_, code)| *code == place.code);
            if let (Some(key), false) = (usual, named)
                && codes.iter().all(|(taken, _)| *taken != key)
            {
                codes.push((key, place.code));
            }
        }
        Ok(Self { codes, modifiers })
    }

    /// The place of a key.
    #[must_use]
    pub fn place(&self, key: Keycode) -> Option<&'static str> {
        self.codes
            .iter()
            .find(|(code, _)| *code == key)
            .map(|(_, place)| *place)
    }

    /// The key of a place.
    #[must_use]
    pub fn key(&self, place: &str) -> Option<Keycode> {
        self.codes
            .iter()
            .find(|(_, code)| *code == place)
            .map(|(key, _)| *key)
    }

    /// The modifier bits the key of this place sets; 0 where it sets none.
    #[must_use]
    pub fn mask(&self, place: &str) -> u16 {
        let Some(key) = self.key(place) else {
            return 0;
        };
        self.modifiers
            .iter()
            .zip(0_u16..8)
            .filter(|(keys, _)| keys.contains(&key))
            .fold(0, |mask, (_, bit)| mask | 1 << bit)
    }

    /// Every combination of the Lock modifiers: a grab must be made for each.
    #[must_use]
    pub fn locks(&self) -> BTreeSet<u16> {
        let [num, scroll] = ["NumLock", "ScrollLock"].map(|place| self.mask(place));
        let mut all = BTreeSet::new();
        for which in 0_u8..8 {
            let pick = |bit: u8, mask: u16| if which & bit == 0 { 0 } else { mask };
            all.insert(pick(1, LOCK) | pick(2, num) | pick(4, scroll));
        }
        all
    }

    /// The keys that set a modifier while they are held: Lock keys are not among them.
    #[must_use]
    pub fn held_modifiers(&self) -> BTreeSet<Keycode> {
        let locks = ["CapsLock", "NumLock", "ScrollLock"].map(|place| self.key(place));
        self.modifiers
            .iter()
            .flatten()
            .copied()
            .filter(|key| !locks.contains(&Some(*key)))
            .collect()
    }
}

/// The keys that are physically down, from the answer to `QueryKeymap`.
pub fn down(keys: &[u8; 32]) -> impl Iterator<Item = Keycode> + '_ {
    (0..=Keycode::MAX).filter(|key| keys[usize::from(key / 8)] & (1 << (key % 8)) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn held_keys_are_read_from_the_bits() {
        let mut keys = [0_u8; 32];
        keys[4] = 0b10_0001;
        assert_eq!(down(&keys).collect::<Vec<_>>(), vec![32, 37]);
    }

    #[test]
    fn a_grab_is_made_for_each_lock_and_all_of_them() {
        let keyboard = Keyboard {
            codes: vec![(77, "NumLock"), (37, "ControlLeft")],
            modifiers: vec![
                vec![],
                vec![66],
                vec![37],
                vec![],
                vec![77],
                vec![],
                vec![],
                vec![],
            ],
        };
        assert_eq!(keyboard.mask("ControlLeft"), 4);
        assert_eq!(keyboard.locks(), BTreeSet::from([0, 2, 16, 18]));
        assert_eq!(keyboard.held_modifiers(), BTreeSet::from([37, 66]));
    }
}
