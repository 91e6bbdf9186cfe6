use super::*;
use proptest::prelude::*;
use serde::Deserialize;

#[derive(Deserialize)]
struct Vector {
    name: String,
    finals: Vec<VectorFinal>,
    text: String,
    places: Vec<VectorPlace>,
}

#[derive(Deserialize)]
struct VectorFinal {
    text: String,
    #[serde(default = "blank")]
    glue: String,
    #[serde(default)]
    erase: usize,
    #[serde(default)]
    places: Vec<VectorPlace>,
}

#[derive(Deserialize)]
struct VectorPlace {
    name: String,
    offset: usize,
}

fn blank() -> String {
    " ".into()
}

impl VectorPlace {
    fn place(&self) -> Place {
        Place {
            name: if self.name == "cursor" {
                PlaceName::Cursor
            } else {
                PlaceName::Clipboard
            },
            offset: self.offset,
        }
    }
}

impl VectorFinal {
    fn text(&self) -> FinalText {
        FinalText {
            text: self.text.clone(),
            glue: self.glue.clone(),
            erase: self.erase,
            places: self.places.iter().map(VectorPlace::place).collect(),
        }
    }
}

#[test]
fn finals_make_the_text_that_the_server_makes_of_them() {
    let vectors: Vec<Vector> = serde_json::from_str(include_str!(
        "../../../../../tests/vectors/composition.json"
    ))
    .unwrap();
    for vector in vectors {
        let mut composition = Composition::default();
        for (number, one) in vector.finals.iter().enumerate() {
            composition.take_final(number as u64, one.text());
        }
        let places: Vec<_> = vector.places.iter().map(VectorPlace::place).collect();
        let expected = Composed {
            text: vector.text,
            places,
        };
        assert_eq!(composition.composed(), expected, "{}", vector.name);
    }
}

#[test]
fn the_clipboard_and_the_cursor_find_their_places() {
    let text = Composed::default().followed(&FinalText {
        places: vec![
            Place {
                name: PlaceName::Clipboard,
                offset: 8,
            },
            Place {
                name: PlaceName::Cursor,
                offset: 9,
            },
        ],
        ..FinalText::plain("Ссылка: .")
    });
    assert!(text.wants_clipboard());
    assert_eq!(
        text.filled(Some("😀да")),
        ("Ссылка: 😀да.".into(), Some(12))
    );
    assert_eq!(text.filled(None), ("Ссылка: .".into(), Some(9)));
}

#[test]
fn a_final_replaces_its_partial_and_a_late_partial_changes_nothing() {
    let mut composition = Composition::default();
    composition.take_partial(0, 1, "добрый", " день");
    assert_eq!(composition.shown(), ("добрый".into(), " день".into()));
    composition.take_partial(0, 0, "старое", "");
    assert_eq!(composition.shown().0, "добрый");
    composition.take_final(0, FinalText::plain("Добрый день."));
    composition.take_partial(0, 5, "поздно", "");
    assert_eq!(composition.shown(), ("Добрый день.".into(), String::new()));
    composition.take_partial(1, 0, "", "как");
    assert_eq!(composition.shown(), ("Добрый день. ".into(), "как".into()));
}

#[test]
fn a_final_that_comes_again_after_a_resume_counts_once() {
    let mut composition = Composition::default();
    composition.take_final(0, FinalText::plain("Раз."));
    composition.take_final(1, FinalText::plain("Два."));
    composition.take_final(0, FinalText::plain("Раз!"));
    assert_eq!(composition.composed().text, "Раз! Два.");
}

proptest! {
    #[test]
    fn no_final_can_break_the_text_and_places_stay_inside(
        finals in prop::collection::vec(("[аб😀 .]{0,6}", "[ .]{0,2}", 0usize..20, prop::collection::vec(0usize..9, 0..3)), 0..8)
    ) {
        let mut text = Composed::default();
        let mut expected: Vec<char> = Vec::new();
        for (own, glue, erase, places) in finals {
            expected.truncate(expected.len().saturating_sub(erase));
            if !own.is_empty() {
                if !expected.is_empty() { expected.extend(glue.chars()); }
                expected.extend(own.chars());
            }
            let places = places.into_iter().map(|offset| Place { name: PlaceName::Cursor, offset }).collect();
            text = text.followed(&FinalText { text: own, glue, erase, places });
        }
        prop_assert_eq!(text.text.chars().collect::<Vec<_>>(), expected.clone());
        prop_assert!(text.places.iter().all(|place| place.offset <= expected.len()));
    }
}
