use super::Gesture::{Begin, Cancel, ConfirmCancel, Discard, End, Latch, Prepare};
use super::*;
use proptest::prelude::*;

struct Keys {
    gestures: Gestures,
    start: Instant,
}

impl Keys {
    fn new() -> Self {
        Self {
            gestures: Gestures::new(Timing::default()),
            start: Instant::now(),
        }
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn hear(&mut self, ms: u64, input: Input) -> Vec<Gesture> {
        self.gestures.hear(input, self.at(ms))
    }

    fn tick(&mut self, ms: u64) -> Vec<Gesture> {
        self.gestures.tick(self.at(ms))
    }

    fn rest(&mut self, ms: u64) -> Vec<Gesture> {
        let meant = self.tick(ms);
        assert_eq!(self.gestures.deadline(), None);
        meant
    }
}

const DOWN: Input = Input::Chord {
    edge: Edge::Pressed,
    modifiers_only: false,
};
const UP: Input = Input::Chord {
    edge: Edge::Released,
    modifiers_only: false,
};
const MODIFIERS_DOWN: Input = Input::Chord {
    edge: Edge::Pressed,
    modifiers_only: true,
};
const MODIFIERS_UP: Input = Input::Chord {
    edge: Edge::Released,
    modifiers_only: true,
};

#[test]
fn holding_talks_until_the_release() {
    let mut keys = Keys::new();
    assert_eq!(keys.hear(0, DOWN), [Begin]);
    assert_eq!(keys.hear(900, UP), []);
    assert_eq!(keys.tick(949), []);
    assert_eq!(keys.rest(950), [End]);
}

#[test]
fn a_tap_latches_and_the_next_press_ends() {
    let mut keys = Keys::new();
    assert_eq!(keys.hear(0, DOWN), [Begin]);
    keys.hear(100, UP);
    assert_eq!(keys.tick(150), [Latch]);
    assert_eq!(keys.hear(4000, DOWN), [End]);
    keys.hear(4100, UP);
    assert_eq!(keys.rest(4200), []);
    assert_eq!(keys.hear(4300, DOWN), [Begin]);
}

#[test]
fn the_time_of_the_release_counts_not_that_of_its_confirmation() {
    let mut keys = Keys::new();
    keys.hear(0, DOWN);
    keys.hear(499, UP);
    assert_eq!(keys.rest(9000), [Latch]);
}

#[test]
fn a_release_that_comes_twice_is_one_release() {
    let mut keys = Keys::new();
    keys.hear(0, DOWN);
    keys.hear(800, UP);
    keys.hear(801, UP);
    assert_eq!(keys.rest(851), [End]);
    assert_eq!(keys.hear(860, UP), []);
    assert_eq!(keys.rest(1000), []);
}

#[test]
fn modifiers_wait_for_another_key_before_anything_begins() {
    let mut keys = Keys::new();
    assert_eq!(keys.hear(0, MODIFIERS_DOWN), [Prepare]);
    assert_eq!(keys.tick(149), []);
    assert_eq!(keys.tick(150), [Begin]);
    keys.hear(2000, MODIFIERS_UP);
    assert_eq!(keys.rest(2050), [End]);
}

#[test]
fn a_tap_of_modifiers_latches_too() {
    let mut keys = Keys::new();
    keys.hear(0, MODIFIERS_DOWN);
    keys.hear(80, MODIFIERS_UP);
    assert_eq!(keys.tick(130), [Begin, Latch]);
    assert_eq!(keys.hear(3000, MODIFIERS_DOWN), []);
    keys.hear(3100, MODIFIERS_UP);
    assert_eq!(keys.rest(3150), [End]);
}

#[test]
fn another_programs_shortcut_starts_nothing() {
    let mut keys = Keys::new();
    keys.hear(0, MODIFIERS_DOWN);
    assert_eq!(keys.hear(100, Input::OtherKey), [Discard]);
    assert_eq!(keys.hear(120, Input::OtherKey), []);
    keys.hear(300, MODIFIERS_UP);
    assert_eq!(keys.rest(400), []);

    keys.hear(1000, MODIFIERS_DOWN);
    assert_eq!(keys.hear(1700, Input::OtherKey), [Begin, Discard]);
}

#[test]
fn another_key_after_much_was_said_cancels_so_that_it_can_be_undone() {
    let mut keys = Keys::new();
    keys.hear(0, MODIFIERS_DOWN);
    keys.tick(150);
    assert_eq!(keys.hear(6000, Input::OtherKey), [Cancel]);
    keys.hear(6100, MODIFIERS_UP);
    assert_eq!(keys.rest(6200), []);
}

#[test]
fn another_key_does_not_end_a_latched_take() {
    let mut keys = Keys::new();
    keys.hear(0, MODIFIERS_DOWN);
    keys.hear(80, MODIFIERS_UP);
    keys.tick(200);
    keys.hear(1000, MODIFIERS_DOWN);
    assert_eq!(keys.hear(1050, Input::OtherKey), []);
    keys.hear(1100, MODIFIERS_UP);
    assert_eq!(keys.rest(1200), []);
    keys.hear(2000, MODIFIERS_DOWN);
    keys.hear(2100, MODIFIERS_UP);
    assert_eq!(keys.rest(2200), [End]);
}

#[test]
fn of_two_chords_the_longer_one_wins() {
    let mut keys = Keys::new();
    keys.hear(0, MODIFIERS_DOWN);
    assert_eq!(keys.hear(60, Input::OtherKey), [Discard]);
    assert_eq!(keys.hear(60, DOWN), [Begin]);
    keys.hear(900, UP);
    keys.hear(910, MODIFIERS_UP);
    assert_eq!(keys.rest(1000), [End]);
}

#[test]
fn escape_cancels_once_while_held_and_the_held_key_begins_nothing_new() {
    let mut keys = Keys::new();
    keys.hear(0, DOWN);
    assert_eq!(keys.hear(8000, Input::Cancel), [Cancel]);
    for repeat in 0..20 {
        assert_eq!(keys.hear(8010 + repeat * 30, UP), []);
        assert_eq!(keys.hear(8012 + repeat * 30, DOWN), []);
    }
    keys.hear(9000, UP);
    assert_eq!(keys.rest(9100), []);
    assert_eq!(keys.hear(9200, Input::Cancel), []);
}

#[test]
fn a_latched_take_worth_keeping_needs_escape_twice() {
    let mut keys = Keys::new();
    keys.hear(0, Input::BeganElsewhere);
    assert_eq!(keys.hear(7000, Input::Cancel), [ConfirmCancel]);
    assert_eq!(keys.hear(8600, Input::Cancel), [ConfirmCancel]);
    assert_eq!(keys.hear(10_100, Input::Cancel), [Cancel]);
    assert_eq!(keys.hear(10_200, Input::Cancel), []);

    keys.hear(20_000, Input::BeganElsewhere);
    assert_eq!(keys.hear(21_000, Input::Cancel), [Cancel]);
}

#[test]
fn what_began_elsewhere_is_ended_by_the_key_and_the_other_way_round() {
    let mut keys = Keys::new();
    keys.hear(0, Input::BeganElsewhere);
    assert_eq!(keys.hear(500, DOWN), [End]);
    keys.hear(600, UP);
    keys.tick(700);

    keys.hear(1000, DOWN);
    keys.hear(2000, Input::EndedElsewhere);
    keys.hear(2100, UP);
    assert_eq!(keys.rest(2200), []);
    assert_eq!(keys.hear(2300, DOWN), [Begin]);
}

proptest! {
    /// Whatever the rhythm of the repeats, a held chord is one beginning and one end.
    #[test]
    fn auto_repeat_is_not_heard(
        modifiers_only in any::<bool>(),
        gaps in prop::collection::vec((1u64..45, 0u64..49), 1..60),
        hold in 600u64..3000,
        twice in any::<bool>(),
    ) {
        let (down, up) = if modifiers_only { (MODIFIERS_DOWN, MODIFIERS_UP) } else { (DOWN, UP) };
        let mut keys = Keys::new();
        let mut meant = keys.hear(0, down);
        let mut now = hold;
        for (held, gap) in gaps {
            now += held;
            meant.extend(keys.hear(now, up));
            if twice { meant.extend(keys.hear(now, up)); }
            now += gap;
            meant.extend(keys.hear(now, down));
        }
        meant.extend(keys.hear(now + 10, up));
        prop_assert!(!meant.contains(&End));
        meant.extend(keys.rest(now + 100));
        let expected: &[Gesture] = if modifiers_only { &[Prepare, Begin, End] } else { &[Begin, End] };
        prop_assert_eq!(meant, expected);
    }

    /// Any keys at any time: beginnings and ends alternate, and only what has begun is latched, ended or dropped.
    #[test]
    fn what_is_meant_always_makes_sense(inputs in prop::collection::vec((0usize..8, 0u64..700), 0..120)) {
        let all = [DOWN, UP, MODIFIERS_DOWN, MODIFIERS_UP, Input::OtherKey, Input::Cancel];
        let mut keys = Keys::new();
        let mut now = 0;
        let (mut prepared, mut going, mut latched) = (false, false, false);
        for (which, gap) in inputs {
            now += gap;
let meant = match all.get(which) { Some(input) => keys.hear(now, *input), None => keys.tick(now) };
            for gesture in meant {
                match gesture {
                    Prepare => { prop_assert!(!going && !prepared); prepared = true; }
                    Begin => { prop_assert!(!going); (prepared, going, latched) = (false, true, false); }
                    Latch => { prop_assert!(going && !latched); latched = true; }
                    ConfirmCancel => prop_assert!(going && latched),
                    End | Cancel => { prop_assert!(going); going = false; }
                    Discard => { prop_assert!(going || prepared); (prepared, going) = (false, false); }
                }
            }
        }
    }
}
