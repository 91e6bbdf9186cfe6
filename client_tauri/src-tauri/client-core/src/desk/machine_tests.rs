//! What the insertion thread does with its jobs.

use super::*;

/// A machine where text only gets as far as the clipboard.
struct Clipboard;

impl Insertion for Clipboard {
    fn target(&self) -> Result<Option<TargetWindow>, InsertionError> {
        Ok(None)
    }
    fn insert(
        &self,
        _: &str,
        _: Option<&TargetWindow>,
        _: Pasting,
    ) -> Result<Inserted, InsertionError> {
        Ok(Inserted::Copied)
    }
    fn copy(&self, _: &str) -> Result<(), InsertionError> {
        Ok(())
    }
    fn clipboard_text(&self) -> Result<Option<String>, InsertionError> {
        Ok(None)
    }
}

fn told_of(target: Option<TargetWindow>, pasting: Pasting, until: Instant) -> Result<(), String> {
    let (inbox, mut told) = mpsc::channel(1);
    let job = Insert::Take {
        take: TakeId::new(),
        text: "текст".to_owned(),
        places: None,
        target,
        manner: Manner {
            pasting,
            restore_clipboard: true,
        },
        until,
    };
    insert(&Clipboard, &inbox, job);
    match told.try_recv() {
        Ok(Message::Event(Event::Inserted(_, result))) => result.map_err(|problem| problem.code),
        _ => panic!("nobody was told"),
    }
}

#[test]
fn text_that_waited_too_long_behind_another_is_not_put_in() {
    let told = told_of(None, Pasting::ClipboardOnly, Instant::now());
    assert_eq!(told, Err("insertion.timed_out".to_owned()));
}

#[test]
fn a_takes_text_is_not_typed_where_its_window_is_not_known() {
    let soon = Instant::now() + Duration::from_secs(60);
    let told = |target, pasting| told_of(target, pasting, soon);
    let gone = Err("insertion.window_gone".to_owned());
    assert_eq!(told(None, Pasting::Automatic), gone);
    assert_eq!(told(None, Pasting::ClipboardOnly), Ok(()));
    // Where the system does not say which window it is, one without a number stands for it.
    let unnamed = TargetWindow { id: 0, app: None };
    let copied = Err("insertion.copied".to_owned());
    assert_eq!(told(Some(unnamed), Pasting::Automatic), copied);
}

#[test]
fn text_that_was_only_copied_is_told_unless_that_was_chosen() {
    let put = |pasting| {
        let manner = Manner {
            pasting,
            restore_clipboard: true,
        };
        super::put(&Clipboard, "текст", None, None, manner)
    };
    let told = put(Pasting::Automatic).unwrap_err();
    assert_eq!(told.code, "insertion.copied");
    assert_eq!(put(Pasting::ClipboardOnly), Ok(()));
}
