use super::*;
use crate::ports::Edge;
use crate::view::DictationState;
use proptest::prelude::*;
use std::collections::HashMap;
use uuid::Uuid;

pub(super) fn id(number: u128) -> TakeId {
    Uuid::from_u128(number).to_string().parse().unwrap()
}

pub(super) struct Desk {
    coordinator: Coordinator,
    start: Instant,
    now_ms: u64,
}

impl Desk {
    pub(super) fn new() -> Self {
        let mut next = 0;
        Self {
            coordinator: Coordinator::new(Limits::default(), move || {
                next += 1;
                id(next)
            }),
            start: Instant::now(),
            now_ms: 0,
        }
    }

    pub(super) fn after(&mut self, ms: u64, event: Event) -> Vec<Effect> {
        self.now_ms += ms;
        let now = Now {
            at: self.start + Duration::from_millis(self.now_ms),
            unix_ms: self.now_ms as f64,
        };
        self.coordinator.handle(event, now)
    }

    pub(super) fn ask(&mut self, ms: u64, ask: Ask) -> Vec<Effect> {
        self.after(ms, Event::Asked(ask))
    }

    fn key(&mut self, ms: u64, edge: Edge) -> Vec<Effect> {
        let input = Input::Chord {
            edge,
            modifiers_only: false,
        };
        self.after(ms, Event::Key(input))
    }

    /// Speaks a latched take to its `Finish`.
    pub(super) fn said(&mut self) -> TakeId {
        self.ask(10, Ask::Begin);
        let take = self.coordinator.recording().unwrap();
        self.after(10, Event::Heard(take));
        self.ask(1000, Ask::End);
        let effects = self.after(10, Event::Drained(take));
        assert!(effects.contains(&Effect::Finish(take)));
        take
    }

    fn text(&mut self, ms: u64, take: TakeId, text: &str) -> Vec<Effect> {
        let text = text.into();
        self.after(ms, Event::Text { take, text })
    }
}

fn insert(take: TakeId, text: &str) -> Effect {
    let text = text.into();
    Effect::Insert { take, text }
}

fn codes(effects: &[Effect]) -> Vec<&str> {
    let code = |effect: &'_ Effect| match effect {
        Effect::Notice { problem, .. } => Some(problem.code.clone()),
        _ => None,
    };
    effects
        .iter()
        .filter_map(code)
        .map(|code| &*code.leak())
        .collect()
}

#[test]
fn a_dictation_from_the_key_to_the_window() {
    let mut desk = Desk::new();
    let take = id(1);
    assert_eq!(desk.key(0, Edge::Pressed), [Effect::Begin(take)]);
    assert_eq!(
        desk.after(90, Event::Heard(take)),
        [Effect::Play(Sound::Begin)]
    );
    assert_eq!(desk.after(10, Event::Heard(take)), []);
    let shown = Event::Shown {
        take,
        stable: "привет".into(),
        tail: " как".into(),
    };
    desk.after(500, shown);
    let view = desk.coordinator.view();
    assert_eq!(
        (view.state, view.stable.as_str(), view.tail.as_str()),
        (DictationState::Listening, "привет", " как")
    );
    desk.key(500, Edge::Released);
    assert_eq!(
        desk.after(50, Event::Tick),
        [Effect::Stop(take), Effect::Play(Sound::End)]
    );
    assert_eq!(desk.coordinator.view().state, DictationState::Finishing);
    assert_eq!(desk.after(40, Event::Drained(take)), [Effect::Finish(take)]);
    assert_eq!(
        desk.text(600, take, "Привет, как дела?"),
        [insert(take, "Привет, как дела?")]
    );
    assert_eq!(
        desk.after(30, Event::Inserted(take, Ok(()))),
        [Effect::Ended(take, End::Inserted)]
    );
    assert_eq!(desk.coordinator.view().state, DictationState::Idle);
    assert!(desk.coordinator.last().unwrap().inserted);
    assert_eq!(desk.coordinator.deadline(), None);
}

#[test]
fn the_sound_to_speak_comes_only_with_the_first_sound_heard() {
    let mut desk = Desk::new();
    let effects = desk.ask(0, Ask::Toggle);
    assert!(!effects.contains(&Effect::Play(Sound::Begin)));
    let effects = desk.ask(300, Ask::Toggle);
    assert!(!effects.contains(&Effect::Play(Sound::End)));
}

#[test]
fn late_text_is_never_typed_but_can_be_pasted() {
    let mut desk = Desk::new();
    let take = desk.said();
    assert_eq!(
        desk.after(10_000, Event::Tick),
        [Effect::Ended(take, End::Late)]
    );
    let effects = desk.text(1, take, "Поздно.");
    assert_eq!(codes(&effects), ["dictation.late_text"]);
    assert_eq!(effects.len(), 1);
    assert_eq!(
        desk.ask(5, Ask::PasteLast),
        [Effect::InsertLast("Поздно.".into())]
    );
    assert_eq!(desk.ask(5, Ask::PasteLast), [], "one after the other");
}

#[test]
fn text_of_takes_of_another_run_is_never_typed() {
    let mut desk = Desk::new();
    let effects = desk.text(0, id(99), "Вчерашнее.");
    assert_eq!(codes(&effects), ["dictation.late_text"]);
    assert_eq!(effects.len(), 1);
}

#[test]
fn takes_are_inserted_in_the_order_in_which_they_were_said() {
    let mut desk = Desk::new();
    let first = desk.said();
    let second = desk.said();
    assert_eq!(desk.text(10, second, "Два."), []);
    assert_eq!(desk.text(10, first, "Раз."), [insert(first, "Раз.")]);
    let effects = desk.after(10, Event::Inserted(first, Ok(())));
    assert_eq!(
        effects,
        [Effect::Ended(first, End::Inserted), insert(second, "Два.")]
    );
}

#[test]
fn a_take_is_waited_for_only_as_long_as_it_is_timely() {
    let mut desk = Desk::new();
    let first = desk.said();
    let second = desk.said();
    desk.text(10, second, "Два.");
    let effects = desk.after(10_000, Event::Tick);
    assert_eq!(
        effects,
        [Effect::Ended(first, End::Late), insert(second, "Два.")]
    );
    let effects = desk.text(10, first, "Раз.");
    assert_eq!(codes(&effects), ["dictation.late_text"]);
}

#[test]
fn nothing_is_typed_while_a_key_is_held_to_talk() {
    let mut desk = Desk::new();
    let first = desk.said();
    desk.key(10, Edge::Pressed);
    let second = desk.coordinator.recording().unwrap();
    assert_eq!(desk.text(10, first, "Раз."), []);
    desk.key(20_000, Edge::Released);
    let effects = desk.after(50, Event::Tick);
    assert_eq!(effects, [Effect::Stop(second), insert(first, "Раз.")]);
}

#[test]
fn a_cancelled_take_can_be_taken_back_and_is_then_typed() {
    let mut desk = Desk::new();
    desk.ask(0, Ask::Begin);
    let take = desk.coordinator.recording().unwrap();
    desk.after(10, Event::Heard(take));
    assert_eq!(desk.ask(2000, Ask::Cancel), [Effect::Hold(take)]);
    let view = desk.coordinator.view();
    assert_eq!(view.state, DictationState::Cancelled);
    assert_eq!(view.undo_until, Some(12_010.0));
    desk.after(20, Event::Drained(take));
    let effects = desk.ask(5000, Ask::UndoCancel);
    assert_eq!(effects, [Effect::Finish(take)]);
    assert_eq!(desk.text(500, take, "Да."), [insert(take, "Да.")]);
}

#[test]
fn a_cancelled_take_is_dropped_when_its_time_is_over() {
    let mut desk = Desk::new();
    desk.ask(0, Ask::Begin);
    let take = desk.coordinator.recording().unwrap();
    desk.ask(100, Ask::Cancel);
    desk.after(3000, Event::Tick);
    let effects = desk.after(7000, Event::Tick);
    assert_eq!(
        effects,
        [Effect::Drop(take), Effect::Ended(take, End::Cancelled)]
    );
    assert_eq!(desk.ask(1, Ask::UndoCancel), []);
}

#[test]
fn another_programs_shortcut_leaves_nothing_behind() {
    let mut desk = Desk::new();
    let down = Input::Chord {
        edge: Edge::Pressed,
        modifiers_only: true,
    };
    assert_eq!(desk.after(0, Event::Key(down)), [Effect::Prepare]);
    assert_eq!(
        desk.after(50, Event::Key(Input::OtherKey)),
        [Effect::Unprepare]
    );
    desk.after(9, Event::Key(Input::EndedElsewhere));
}

#[test]
fn without_a_microphone_nothing_is_begun_and_with_half_a_take_nothing_is_lost() {
    let mut desk = Desk::new();
    let gone = || Problem::new("microphone.none", "there is no microphone");
    desk.ask(0, Ask::Begin);
    let take = desk.coordinator.recording().unwrap();
    let effects = desk.after(5, Event::MicrophoneFailed(take, gone()));
    assert_eq!(codes(&effects), ["microphone.none"]);
    assert!(effects.contains(&Effect::Ended(take, End::Failed)));

    desk.ask(0, Ask::Begin);
    let take = desk.coordinator.recording().unwrap();
    desk.after(5, Event::Heard(take));
    let effects = desk.after(5, Event::MicrophoneFailed(take, gone()));
    assert!(effects.contains(&Effect::Stop(take)));
}

#[test]
fn no_server_means_kept_for_later() {
    let mut desk = Desk::new();
    let take = desk.said();
    let effects = desk.after(5, Event::Unreachable(take));
    assert_eq!(codes(&effects), ["dictation.kept_for_later"]);
    assert!(effects.contains(&Effect::Ended(take, End::Pending)));
}

#[test]
fn text_that_cannot_be_inserted_is_kept_and_said() {
    let mut desk = Desk::new();
    let take = desk.said();
    desk.text(5, take, "Да.");
    let gone = Problem::new("insertion.window_gone", "the window is gone");
    let effects = desk.after(5, Event::Inserted(take, Err(gone.clone())));
    assert_eq!(codes(&effects), ["insertion.window_gone"]);
    assert!(effects.contains(&Effect::Ended(take, End::Kept)));
    let last = desk.coordinator.last().unwrap();
    assert_eq!((last.inserted, last.problem.as_ref()), (false, Some(&gone)));
}

#[test]
fn a_forgotten_latch_is_ended() {
    let mut desk = Desk::new();
    desk.ask(0, Ask::Begin);
    let take = desk.coordinator.recording().unwrap();
    let effects = desk.after(2 * 3600 * 1000, Event::Tick);
    assert_eq!(codes(&effects), ["dictation.too_long"]);
    assert!(effects.contains(&Effect::Stop(take)));
}

fn event() -> impl Strategy<Value = Event> {
    let take = (1u128..6).prop_map(id);
    let problem = || Problem::new("test", "test");
    let key = prop::sample::select(vec![
        (Some((Edge::Pressed, false)), Input::Cancel),
        (Some((Edge::Released, false)), Input::Cancel),
        (Some((Edge::Pressed, true)), Input::Cancel),
        (Some((Edge::Released, true)), Input::Cancel),
        (None, Input::OtherKey),
        (None, Input::Cancel),
    ])
    .prop_map(|(chord, other)| match chord {
        Some((edge, modifiers_only)) => Event::Key(Input::Chord {
            edge,
            modifiers_only,
        }),
        None => Event::Key(other),
    });
    let ask = prop::sample::select(vec![
        Ask::Begin,
        Ask::End,
        Ask::Toggle,
        Ask::Cancel,
        Ask::UndoCancel,
        Ask::PasteLast,
    ])
    .prop_map(Event::Asked);
    let of_take = (take, 0usize..7, "[аб]{0,3}").prop_map(move |(take, which, text)| match which {
        0 => Event::Heard(take),
        1 => Event::Drained(take),
        2 => Event::Unreachable(take),
        3 => Event::Inserted(take, Ok(())),
        4 => Event::Refused(take, problem()),
        5 => Event::MicrophoneFailed(take, problem()),
        _ => Event::Text { take, text },
    });
    prop_oneof![3 => key, 2 => ask, 5 => of_take, 1 => Just(Event::Tick)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]
    /// Whatever happens in whatever order.
    #[test]
    fn the_promises_hold(events in prop::collection::vec((event(), prop_oneof![0u64..60, 0u64..12_000]), 0..150)) {
        let mut desk = Desk::new();
        let mut recording: Option<TakeId> = None;
        let mut begun = Vec::new();
        let mut ended: HashMap<TakeId, End> = HashMap::new();
        let mut texts: HashMap<TakeId, Vec<String>> = HashMap::new();
        let mut last_inserted = id(0);
        let late = std::iter::repeat_n((Event::Tick, 2 * 3600 * 1000), 6);
        for (event, gap) in events.into_iter().chain(late) {
            if let Event::Text { take, text } = &event {
                texts.entry(*take).or_default().push(text.clone());
            }
            for effect in desk.after(gap, event) {
                match effect {
                    Effect::Begin(take) => {
                        prop_assert_eq!(recording, None, "two takes recorded at once");
                        recording = Some(take);
                        begun.push(take);
                    }
                    Effect::Stop(take) | Effect::Hold(take) => {
                        prop_assert_eq!(recording.take(), Some(take));
                    }
                    Effect::Insert { take, text } => {
                        prop_assert!(texts.get(&take).is_some_and(|known| known.contains(&text)), "inserted without a final");
                        prop_assert!(!text.is_empty() && !ended.contains_key(&take));
                        prop_assert!(take > last_inserted, "inserted out of order or twice");
                        last_inserted = take;
                    }
                    Effect::Ended(take, end) => {
                        prop_assert!(begun.contains(&take));
                        prop_assert_eq!(ended.insert(take, end), None, "ended twice");
                        if recording == Some(take) { recording = None; }
                    }
                    Effect::Finish(take) => prop_assert!(!ended.contains_key(&take)),
                    _ => {}
                }
            }
            prop_assert_eq!(desk.coordinator.recording(), recording);
            prop_assert!(begun.len() - ended.len() <= 7, "takes pile up");
        }
        prop_assert_eq!(begun.len(), ended.len(), "a take came to no end");
    }
}
