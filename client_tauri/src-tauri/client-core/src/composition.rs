//! Finals and partials → the text that is shown and inserted. Pure.
//!
//! docs/protocol.md, "What the server sends": `erase` code points go from the end of the text, then, unless the final
//! is empty, `glue` is put there (not at the very beginning), then its own text. Positions count code points
//! everywhere: neither bytes nor what a reader would call a letter.

use std::collections::BTreeMap;

/// What only the client can fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceName {
    /// What is in the clipboard goes here.
    Clipboard,
    /// The text cursor belongs here.
    Cursor,
}

/// A place in a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// What belongs there.
    pub name: PlaceName,
    /// Code points of the text before it.
    pub offset: usize,
}

/// As much of a `final` as its text needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FinalText {
    /// Its own text; may be empty.
    pub text: String,
    /// What stands between it and what came before.
    pub glue: String,
    /// Code points that go from the end of what came before.
    pub erase: usize,
    /// Places in `text`.
    pub places: Vec<Place>,
}

impl FinalText {
    /// A final of its own: a blank before it, nothing erased.
    pub fn plain(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            glue: " ".into(),
            erase: 0,
            places: Vec::new(),
        }
    }
}

/// A text with its places.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Composed {
    /// The text.
    pub text: String,
    /// Its places, from the beginning on.
    pub places: Vec<Place>,
}

impl Composed {
    /// The text after one more final.
    #[must_use]
    pub fn followed(mut self, next: &FinalText) -> Self {
        let points = self.text.chars().count();
        let kept = points.saturating_sub(next.erase);
        if kept < points {
            let end = self
                .text
                .char_indices()
                .nth(kept)
                .map_or(self.text.len(), |(at, _)| at);
            self.text.truncate(end);
            // A place at the new end was in front of what is gone; it goes only if it was inside of it.
            self.places.retain(|place| place.offset <= kept);
        }
        if next.text.is_empty() {
            return self;
        }
        let mut before = kept;
        if kept > 0 {
            self.text.push_str(&next.glue);
            before += next.glue.chars().count();
        }
        self.text.push_str(&next.text);
        let room = next.text.chars().count();
        self.places.extend(next.places.iter().map(|place| Place {
            name: place.name,
            offset: before + place.offset.min(room),
        }));
        self.places.sort_by_key(|place| place.offset);
        self
    }

    /// The text to insert: what is in the clipboard stands where it belongs. Also where the cursor belongs, in code
    /// points of that text, if anywhere (of several, the last).
    pub fn filled(&self, clipboard: Option<&str>) -> (String, Option<usize>) {
        let clipboard = clipboard.unwrap_or_default();
        let mut filled = String::with_capacity(self.text.len());
        let mut cursor = None;
        let mut places = self.places.iter().peekable();
        let mut points = 0;
        let mut written = 0;
        for letter in self.text.chars().map(Some).chain([None]) {
            while let Some(place) = places.next_if(|place| place.offset <= points) {
                match place.name {
                    PlaceName::Clipboard => {
                        filled.push_str(clipboard);
                        written += clipboard.chars().count();
                    }
                    PlaceName::Cursor => cursor = Some(written),
                }
            }
            if let Some(letter) = letter {
                filled.push(letter);
                points += 1;
                written += 1;
            }
        }
        (filled, cursor)
    }

    /// Whether the clipboard is needed for it.
    pub fn wants_clipboard(&self) -> bool {
        self.places
            .iter()
            .any(|place| place.name == PlaceName::Clipboard)
    }
}

/// How often the cursor goes left from the end of the text to that place, which counts code points: marks that belong to the letter
/// before them (accents, U+200D, variants) are passed with it.
pub fn letters_after(text: &str, place: usize) -> usize {
    let joins = |letter: &char| {
        matches!(letter, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}')
            || matches!(letter, '\u{200d}' | '\u{fe00}'..='\u{fe0f}')
    };
    text.chars().skip(place).filter(|one| !joins(one)).count()
}

/// The text of one dictation while it grows. Finals may come again after a resume: the newest of a number counts.
#[derive(Debug, Clone, Default)]
pub struct Composition {
    finals: BTreeMap<u64, FinalText>,
    partial: Option<(u64, u64, String, String)>,
}

impl Composition {
    /// A final came.
    pub fn take_final(&mut self, utterance: u64, text: FinalText) {
        if self
            .partial
            .as_ref()
            .is_some_and(|(of, ..)| *of <= utterance)
        {
            self.partial = None;
        }
        self.finals.insert(utterance, text);
    }

    /// A partial came; one that is older than what is known is dropped.
    pub fn take_partial(
        &mut self,
        utterance: u64,
        revision: u64,
        stable: impl Into<String>,
        tail: impl Into<String>,
    ) {
        let older = self
            .partial
            .as_ref()
            .is_some_and(|(of, known, ..)| (utterance, revision) < (*of, *known));
        let closed = self
            .finals
            .last_key_value()
            .is_some_and(|(last, _)| utterance <= *last);
        if !older && !closed {
            self.partial = Some((utterance, revision, stable.into(), tail.into()));
        }
    }

    /// The text of the finals.
    pub fn composed(&self) -> Composed {
        self.finals
            .values()
            .fold(Composed::default(), |text, next| text.followed(next))
    }

    /// What to show: text that stays, and the tail that may change. The two stand one after the other as they are.
    pub fn shown(&self) -> (String, String) {
        let mut stable = self.composed().text;
        let Some((_, _, more, tail)) = &self.partial else {
            return (stable, String::new());
        };
        let says_something = !more.is_empty() || !tail.is_empty();
        if says_something && !stable.is_empty() && !stable.ends_with(char::is_whitespace) {
            stable.push(' ');
        }
        stable.push_str(more);
        (stable, tail.clone())
    }
}

#[cfg(test)]
mod tests;
