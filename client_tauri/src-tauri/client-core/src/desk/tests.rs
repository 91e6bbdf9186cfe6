//! The desk with a server of its own process and ports that do as a test says. Waits are for things, never for times.

use std::time::Duration;

use serde_json::json;

use super::room_of_test::{is_whole, room};
use super::scripted::{Script, Server};
use super::*;
use crate::coordinator::Ask;
use crate::outbox::{Place, Retention, State};
use crate::ports::*;
use crate::view::{DictationState, OutboxState, Route, SidecarState, Snapshot};

#[tokio::test]
async fn hold_the_keys_speak_and_the_text_is_in_the_window() {
    let server = Server::start(Script::default()).await;
    let mut limits = Limits::default();
    // However quick the test is, this was no tap.
    limits.timing.hold = Duration::from_millis(1);
    let room = room(Some(&server), limits).await;
    room.key(Edge::Pressed);
    room.until(|now| now.dictation.state == DictationState::Listening)
        .await;
    room.speak(0, 16_000).await;
    let shown = room.until(|now| !now.dictation.stable.is_empty()).await;
    assert_eq!(
        (
            shown.dictation.stable.as_str(),
            shown.dictation.tail.as_str()
        ),
        ("привет", " как")
    );
    room.machine(|machine| machine.made("mute")).await;
    room.key(Edge::Released);
    room.until(|now| now.dictation.state == DictationState::Finishing || now.last.is_some())
        .await;
    room.speak(16_000, 1600).await;
    let after = room
        .until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    assert_eq!(after.dictation.state, DictationState::Idle);
    let inserted = room.machine.inserted.lock().unwrap().clone();
    let expected = ("Привет, как дела?".into(), Some(7), Pasting::ControlV);
    assert_eq!(inserted, [expected]);
    assert!(is_whole(&server.samples()[0]));
    assert!(server.samples()[0].len() >= 16_000);
    room.state(State::Stored).await;
    room.desk.stop().await;
    let noises = room.machine.noises.lock().unwrap().clone();
    assert_eq!(noises, ["Begin", "mute", "restore", "End"]);
}

#[tokio::test]
async fn a_lost_connection_costs_nothing_and_nothing_is_said_twice() {
    let script = Script {
        cut_after: Some(8_000),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let room = room(Some(&server), Limits::default()).await;
    room.dictate().await;
    room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    assert_eq!(server.heard.lock().unwrap().connections, 2);
    assert_eq!(server.samples().len(), 1);
    assert!(is_whole(&server.samples()[0]));
    assert_eq!(room.machine.inserted.lock().unwrap().len(), 1);
    room.desk.stop().await;
}

#[tokio::test]
async fn that_the_microphone_is_silent_is_taken_back_when_sound_comes() {
    let mut room = room(None, Limits::default()).await;
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    for tenths in 1..=31 {
        room.give_nothing().await;
        room.kept(tenths * 1600).await;
    }
    room.notice("microphone.silent").await;
    room.speak(1, 1600).await;
    room.taken_back("microphone.silent").await;
    room.desk.stop().await;
}

#[tokio::test]
async fn without_a_server_the_take_waits_in_the_outbox_and_nothing_is_typed() {
    let mut room = room(None, Limits::default()).await;
    room.dictate().await;
    room.notice("dictation.kept_for_later").await;
    let take = room.state(State::Pending).await;
    let audio = room.desk.outbox().audio(take.id, 0, 100_000).await.unwrap();
    assert!(is_whole(&audio));
    assert!(take.samples >= 16_000);
    room.until(|now| now.outbox.waiting == 1).await;
    assert!(room.machine.inserted.lock().unwrap().is_empty());
    room.desk.stop().await;
}

#[tokio::test]
async fn text_that_comes_late_is_not_typed_and_can_be_pasted() {
    let server = Server::start(Script::default()).await;
    server.may_finish.send_replace(false);
    let limits = Limits {
        timely: Duration::from_millis(100),
        ..Limits::default()
    };
    let mut room = room(Some(&server), limits).await;
    room.dictate().await;
    room.until(|now| now.dictation.state == DictationState::Finishing)
        .await;
    room.until(|now| now.dictation.state == DictationState::Idle)
        .await;
    server.may_finish.send_replace(true);
    room.notice("dictation.late_text").await;
    assert!(room.machine.inserted.lock().unwrap().is_empty());
    assert!(room.desk.ask(Ask::PasteLast));
    let inserted = room
        .machine(|machine| machine.inserted.lock().unwrap().first().cloned())
        .await;
    assert_eq!(
        inserted,
        ("Привет, как дела?".into(), None, Pasting::Automatic)
    );
    room.desk.stop().await;
}

#[tokio::test]
async fn the_last_text_is_not_for_whoever_comes_after_the_one_who_said_it() {
    let server = Server::start(Script::default()).await;
    let mut room = room(Some(&server), Limits::default()).await;
    room.dictate().await;
    room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    room.desk.forget_last().await.unwrap();
    room.until(|now| now.last.is_none()).await;
    assert!(room.desk.ask(Ask::PasteLast));
    room.notice("dictation.no_last_text").await;
    assert_eq!(room.machine.inserted.lock().unwrap().len(), 1);
    room.desk.stop().await;
}

#[tokio::test]
async fn a_cancelled_take_comes_back_as_text_or_is_forgotten_by_the_server_too() {
    let server = Server::start(Script::default()).await;
    let limits = Limits {
        undo: Duration::from_secs(3),
        ..Limits::default()
    };
    let room = room(Some(&server), limits).await;
    for undo in [true, false] {
        assert!(room.desk.ask(Ask::Begin));
        room.until(|now| now.dictation.state == DictationState::Latched)
            .await;
        room.speak(0, 32_000).await;
        room.until(|now| !now.dictation.stable.is_empty()).await;
        assert!(room.desk.ask(Ask::Cancel));
        room.until(|now| now.dictation.undo_until.is_some()).await;
        if undo {
            assert!(room.desk.ask(Ask::UndoCancel));
            room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
                .await;
        }
    }
    room.state(State::Cancelled).await;
    room.machine(|_| (server.heard.lock().unwrap().cancelled.len() == 1).then_some(()))
        .await;
    assert_eq!(room.machine.inserted.lock().unwrap().len(), 1);
    room.desk.stop().await;
}

#[tokio::test]
async fn places_are_filled_from_the_clipboard() {
    let script = Script {
        text: "Ссылка: .",
        places: json!([{"name": "clipboard", "offset": 8}]),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let room = room(Some(&server), Limits::default()).await;
    room.desk
        .copy_text("https://пример.рф".into())
        .await
        .unwrap();
    room.dictate().await;
    let inserted = room
        .machine(|machine| machine.inserted.lock().unwrap().first().cloned())
        .await;
    assert_eq!(inserted.0, "Ссылка: https://пример.рф.");
    room.desk.stop().await;
}

#[tokio::test]
async fn the_end_of_the_program_leaves_an_open_take_pending() {
    let server = Server::start(Script::default()).await;
    let room = room(Some(&server), Limits::default()).await;
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    room.speak(0, 16_000).await;
    room.desk.stop().await;
    let place = Place::new(room.folder.path());
    let again = Outbox::start(place, room.machine.clone(), Retention::default()).unwrap();
    again.open(None).await.unwrap();
    let takes = again.list().await.unwrap();
    assert_eq!(takes.len(), 1);
    assert_eq!(
        (takes[0].state, takes[0].recovered),
        (State::Pending, false)
    );
    assert_eq!(takes[0].samples, 16_000);
    again.close().await;
}

#[tokio::test]
async fn a_take_cancelled_before_the_program_ends_is_not_sent_at_the_next_start() {
    let server = Server::start(Script::default()).await;
    let room = room(Some(&server), Limits::default()).await;
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    room.speak(0, 32_000).await;
    room.until(|now| !now.dictation.stable.is_empty()).await;
    assert!(room.desk.ask(Ask::Cancel));
    room.until(|now| now.dictation.undo_until.is_some()).await;
    room.desk.stop().await;
    let place = Place::new(room.folder.path());
    let again = Outbox::start(place, room.machine.clone(), Retention::default()).unwrap();
    again.open(None).await.unwrap();
    let takes = again.list().await.unwrap();
    assert_eq!(takes.len(), 1);
    assert_eq!(takes[0].state, State::Cancelled);
    again.close().await;
}

#[tokio::test]
async fn what_panics_is_said_and_the_next_take_works() {
    let server = Server::start(Script::default()).await;
    let mut room = room(Some(&server), Limits::default()).await;
    *room.machine.panics.lock().unwrap() = true;
    assert!(room.desk.ask(Ask::Begin));
    room.notice("program.broken").await;
    room.until(|now| now.dictation.state == DictationState::Idle)
        .await;
    let panicked = room
        .desk
        .shared()
        .inbox
        .send(conductor::Message::Panic)
        .await;
    assert!(panicked.is_ok());
    room.notice("program.broken").await;
    room.until(|now| now.route.active == Route::Team).await;
    room.machine.sound.lock().unwrap().take();
    room.dictate().await;
    room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
    room.desk.stop().await;
}

#[tokio::test]
async fn a_take_that_was_being_sent_when_all_panicked_waits_again() {
    let room = room(None, Limits::default()).await;
    room.dictate().await;
    let take = room.state(State::Pending).await;
    let outbox = room.desk.outbox();
    let address = "https://example.org".to_owned();
    // As if the uploads were busy with it.
    let claimed = outbox.claim(0.0, Route::Team, address, None).await;
    assert_eq!(claimed.unwrap().unwrap().id, take.id);
    let panicked = room
        .desk
        .shared()
        .inbox
        .send(conductor::Message::Panic)
        .await;
    assert!(panicked.is_ok());
    let waits = room.state(State::Pending).await;
    assert_eq!((waits.id, waits.attempts), (take.id, 1));
    assert!(waits.next_attempt_at.is_some());
    room.desk.stop().await;
}

#[tokio::test]
async fn what_was_found_out_about_the_former_server_says_nothing_about_the_next_one() {
    let (first, second) = (
        Server::start(Script::default()).await,
        Server::start(Script::default()).await,
    );
    let room = room(Some(&first), Limits::default()).await;
    let former = room.desk.server().unwrap();
    second.may_answer.send_replace(false);
    let patch = json!({"server": {"address": second.address}});
    room.desk.change_settings(patch).await.unwrap();
    let is_new = |now: &Snapshot| now.route.active == Route::Outbox && !now.server.reachable;
    room.until(is_new).await;
    let report = servers::Report {
        standing: crate::routing::Standing::Ready,
        version: Some("1.2.3".into()),
        signed_in: true,
        user: Some("ann".into()),
        problem: None,
        wishes: None,
    };
    let late = conductor::Message::Standing(servers::Which::Team, former, report);
    assert!(room.desk.shared().inbox.send(late).await.is_ok());
    // What is told later is seen later.
    room.local
        .send_modify(|local| local.view.state = SidecarState::Failed);
    let now = room
        .until(|now| now.sidecar.state == SidecarState::Failed)
        .await;
    assert_eq!(now.route.active, Route::Outbox);
    assert_eq!((now.server.version, now.server.user), (None, None));
    assert!(!now.server.reachable && !now.server.signed_in);
    room.desk.stop().await;
}

#[tokio::test]
async fn a_take_is_whole_although_its_damaged_file_could_not_be_mended_at_first() {
    let mut room = room(None, Limits::default()).await;
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    room.speak(0, 16_000).await;
    room.kept(16_000 - 1600).await;
    // Where the copy is to be; so it cannot be made.
    let in_the_way = room.folder.path().join("outbox-salvage.db");
    std::fs::create_dir_all(in_the_way.join("something")).unwrap();
    room.desk.outbox().meet_damage().await;
    room.until(|now| now.outbox.state != OutboxState::Open)
        .await;
    room.speak(16_000, 9600).await;
    room.kept(25_600 - 1600).await;
    std::fs::remove_dir_all(in_the_way).unwrap();
    room.desk.look_again().await;
    room.notice("outbox.salvaged").await;
    room.until(|now| now.outbox.state == OutboxState::Open && now.outbox.problem.is_none())
        .await;
    assert!(room.desk.ask(Ask::End));
    room.speak(25_600, 3200).await;
    let take = room.state(State::Pending).await;
    let audio = room.desk.outbox().audio(take.id, 0, 100_000).await.unwrap();
    assert!(is_whole(&audio) && audio.len() >= 25_600);
    assert!(!take.recovered);
    room.desk.stop().await;
}

#[tokio::test]
async fn a_chord_that_is_taken_changes_nothing_and_the_former_one_stays_bound() {
    let room = room(None, Limits::default()).await;
    let before = room
        .machine(|machine| {
            let bound = machine.bound.lock().unwrap().clone();
            (!bound.is_empty()).then_some(bound)
        })
        .await;
    let chord = json!({"modifiers": ["alt"], "key": "KeyD"});
    *room.machine.taken.lock().unwrap() = Some(serde_json::from_value(chord.clone()).unwrap());
    let patch = json!({"hotkeys": [{"action": "dictate", "chord": chord}]});
    let refused = room.desk.change_settings(patch.clone()).await.unwrap_err();
    assert_eq!(refused.code, "hotkey.taken");
    assert_eq!(*room.machine.bound.lock().unwrap(), before);
    assert_eq!(room.desk.settings().borrow().hotkeys, None);
    room.machine.taken.lock().unwrap().take();
    room.desk.change_settings(patch).await.unwrap();
    assert_eq!(room.machine.bound.lock().unwrap().len(), 1);
    room.desk.stop().await;
}
