//! Which word is taken into the dictionary.

use super::tests::{Desk, id};
use super::*;

#[test]
fn the_last_word_is_that_of_the_text_a_window_got() {
    let mut desk = Desk::new();
    assert_eq!(desk.ask(0, Ask::FixLastWord), [Effect::FixWord(None)]);
    let word = |desk: &mut Desk| match desk.ask(1, Ask::FixLastWord).remove(0) {
        Effect::FixWord(word) => word.unwrap_or_default(),
        other => panic!("{other:?}"),
    };
    for (text, result, expected) in [
        ("Подними кубернетес.", Ok(()), "кубернетес"),
        ("Его не взяли.", Err(()), "кубернетес"),
        ("«Пишем на C++»!", Ok(()), "C++"),
        ("Мост — это Санкт-Петербург, …", Ok(()), "Санкт-Петербург"),
        ("— …", Ok(()), ""),
    ] {
        let take = desk.said();
        let text = text.to_owned();
        desk.after(10, Event::Text { take, text });
        let result = result.map_err(|()| Problem::new("insertion.failed", "no"));
        desk.after(10, Event::Inserted(take, result));
        assert_eq!(word(&mut desk), expected);
    }
    let late = id(77);
    let text = "Опоздавшее слово".to_owned();
    desk.after(10, Event::Text { take: late, text });
    assert_eq!(word(&mut desk), "");
    desk.ask(10, Ask::PasteLast);
    desk.after(10, Event::LastInserted(Ok(())));
    assert_eq!(word(&mut desk), "слово");
}
