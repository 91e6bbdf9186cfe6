//! The desk and its server: one that comes late, one that wants a sign-in, one of another version, another one.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::room_of_test::{Room, SOON, is_whole, opened, room};
use super::scripted::{Script, Server};
use super::*;
use crate::api::Call;
use crate::coordinator::Ask;
use crate::outbox::State;
use crate::sensitive::Sensitive;
use crate::view::{DictationState, Route};

async fn begun(room: &Room) {
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    room.speak(0, 16_000).await;
}

async fn ended(room: &Room) {
    assert!(room.desk.ask(Ask::End));
    room.speak(16_000, 3200).await;
}

async fn inserted(room: &Room) {
    room.until(|now| now.last.as_ref().is_some_and(|last| last.inserted))
        .await;
}

async fn signed_in(room: &Room) -> Arc<crate::account::Server> {
    let account = room.server().await;
    let password = Sensitive::new("secret words".to_owned());
    account.sign_in("ann", &password).await.unwrap();
    room.desk.look_again().await;
    room.until(|now| now.route.active == Route::Team).await;
    account
}

/// Somebody speaks, the connection is cut, and the sign-in is over by then.
async fn cut_and_signed_out(room: &mut Room, server: &Server, account: &crate::account::Server) {
    assert!(room.desk.ask(Ask::Begin));
    room.until(|now| now.dictation.state == DictationState::Latched)
        .await;
    room.speak(0, 4800).await;
    room.until(|now| !now.dictation.stable.is_empty()).await;
    server.is_signed_in.send_replace(false);
    account.token_refused(&Sensitive::new("at".into())).await;
    room.speak(4800, 11_200).await;
    room.notice("auth.expired").await;
}

#[tokio::test]
async fn what_is_said_is_in_the_outbox_while_somebody_still_speaks() {
    let room = room(None, Limits::default()).await;
    begun(&room).await;
    // All but the packet of 100 ms that is being filled.
    room.kept(16_000 - 1600).await;
    room.desk.stop().await;
}

#[tokio::test]
async fn a_take_that_begins_before_the_server_was_asked_goes_live_when_it_answers() {
    for over_first in [false, true] {
        let server = Server::start(Script::default()).await;
        server.may_answer.send_replace(false);
        let room = opened(Some(&server), Limits::default()).await;
        begun(&room).await;
        if over_first {
            ended(&room).await;
            room.until(|now| now.dictation.state == DictationState::Finishing)
                .await;
        }
        server.may_answer.send_replace(true);
        if !over_first {
            room.until(|now| !now.dictation.stable.is_empty()).await;
            ended(&room).await;
        }
        inserted(&room).await;
        assert!(is_whole(&server.samples()[0]));
        assert!(server.samples()[0].len() >= 16_000);
        assert_eq!(room.state(State::Stored).await.route, Route::Team);
        room.desk.stop().await;
    }
}

#[tokio::test]
async fn a_server_that_never_answers_is_not_waited_for_without_end() {
    let server = Server::start(Script::default()).await;
    server.may_answer.send_replace(false);
    let mut room = opened(Some(&server), Limits::default()).await;
    begun(&room).await;
    ended(&room).await;
    room.notice("dictation.kept_for_later").await;
    let take = room.state(State::Pending).await;
    let address = format!("http://{}", server.address);
    assert_eq!((take.route, take.server), (Route::Team, Some(address)));
    room.desk.stop().await;
}

#[tokio::test]
async fn the_server_is_told_the_language_and_the_program_as_the_person_wants() {
    let server = Server::start(Script::default()).await;
    let room = room(Some(&server), Limits::default()).await;
    room.dictate().await;
    inserted(&room).await;
    let change = Call {
        method: "PATCH".to_owned(),
        body: Some(json!({"language": "en"})),
        ..Call::get("/v1/preferences")
    };
    room.server().await.call(&change).await.unwrap();
    let patch = json!({"privacy": {"tellApp": true}});
    room.desk.change_settings(patch).await.unwrap();
    // Known also when the server is not there to be asked.
    let mut settings = room.desk.settings();
    let english = settings.wait_for(|now| now.dictation.language == "en");
    tokio::time::timeout(SOON, english).await.unwrap().unwrap();
    room.dictate().await;
    room.machine(|machine| (machine.inserted.lock().unwrap().len() == 2).then_some(()))
        .await;
    let starts = server.heard.lock().unwrap().starts.clone();
    let told = |start: &serde_json::Value| {
        let context = start["context"].clone();
        (
            start["language"].clone(),
            start["partials"].clone(),
            context,
        )
    };
    let no_app = json!({"app": null, "terms": []});
    assert_eq!(told(&starts[0]), (json!("ru"), json!(true), no_app));
    let editor = json!({"app": "Editor", "terms": []});
    assert_eq!(told(&starts[1]), (json!("en"), json!(false), editor));
    let patch = json!({"dictation": {"language": "по-русски"}});
    let refused = room.desk.change_settings(patch).await.unwrap_err();
    assert_eq!(refused.code, "settings.language");
    room.desk.stop().await;
}

#[tokio::test]
async fn the_cursor_goes_to_its_place_and_the_clipboard_keeps_the_text_where_that_is_wanted() {
    let script = Script {
        text: "Здравствуйте, ! Спасибо.",
        places: json!([{"name": "cursor", "offset": 14}]),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let room = room(Some(&server), Limits::default()).await;
    room.desk.copy_text("прежнее".into()).await.unwrap();
    for (restore, clipboard) in [(true, "прежнее"), (false, "Здравствуйте, ! Спасибо.")]
    {
        let patch = json!({"insertion": {"restoreClipboard": restore}});
        room.desk.change_settings(patch).await.unwrap();
        let before = room.machine.stepped.lock().unwrap().len();
        room.dictate().await;
        room.machine(|machine| (machine.stepped.lock().unwrap().len() > before).then_some(()))
            .await;
        room.until(|now| now.dictation.state == DictationState::Idle)
            .await;
        assert_eq!(
            room.machine.clipboard.lock().unwrap().as_deref(),
            Some(clipboard)
        );
    }
    assert_eq!(*room.machine.stepped.lock().unwrap(), [10, 10]);
    room.desk.stop().await;
}

#[tokio::test]
async fn a_sign_in_that_ends_in_the_middle_is_told_and_the_take_is_sent_after_the_next_one() {
    let script = Script {
        wants_token: true,
        cut_after: Some(8_000),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let mut room = opened(Some(&server), Limits::default()).await;
    let account = signed_in(&room).await;
    cut_and_signed_out(&mut room, &server, &account).await;
    ended(&room).await;
    let take = room.state(State::Pending).await;
    assert!(take.samples >= 16_000);
    room.until(|now| now.route.reason == "signed_out").await;
    server.is_signed_in.send_replace(true);
    signed_in(&room).await;
    assert_eq!(room.state(State::Stored).await.id, take.id);
    assert!(is_whole(&server.samples()[0]));
    assert!(room.machine.inserted.lock().unwrap().is_empty());
    room.desk.stop().await;
}

#[tokio::test]
async fn what_one_person_said_never_comes_into_the_history_of_the_next_one() {
    let script = Script {
        wants_token: true,
        cut_after: Some(8_000),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let mut room = opened(Some(&server), Limits::default()).await;
    let account = signed_in(&room).await;
    cut_and_signed_out(&mut room, &server, &account).await;
    ended(&room).await;
    let take = room.state(State::Pending).await;
    room.until(|now| now.route.reason == "signed_out").await;
    let sent = server.samples()[0].len();
    server.is_signed_in.send_replace(true);
    server.heard.lock().unwrap().login = "bob";
    signed_in(&room).await;
    let (outbox, mut changes) = (room.desk.outbox().clone(), room.desk.outbox().changes());
    let waits = async {
        let wanted = Some("outbox.other_person");
        while outbox.get(take.id).await.unwrap().problem.as_deref() != wanted {
            changes.changed().await.unwrap();
        }
    };
    tokio::time::timeout(SOON, waits).await.unwrap();
    assert_eq!(server.samples()[0].len(), sent);
    server.heard.lock().unwrap().login = "ann";
    // In place of the other one, who has not signed out.
    signed_in(&room).await;
    assert_eq!(room.state(State::Stored).await.id, take.id);
    assert!(is_whole(&server.samples()[0]));
    room.desk.stop().await;
}

#[tokio::test]
async fn what_is_said_while_nobody_is_signed_in_says_to_sign_in() {
    let script = Script {
        wants_token: true,
        ..Script::default()
    };
    let server = Server::start(script).await;
    let mut room = opened(Some(&server), Limits::default()).await;
    room.until(|now| now.route.reason == "signed_out").await;
    room.dictate().await;
    room.notice("auth.expired").await;
    assert!(room.state(State::Pending).await.samples > 0);
    room.desk.stop().await;
}

#[tokio::test]
async fn a_take_that_is_cancelled_while_the_server_is_away_is_forgotten_there_when_it_is_back() {
    let script = Script {
        wants_token: true,
        cut_after: Some(8_000),
        ..Script::default()
    };
    let server = Server::start(script).await;
    let limits = Limits {
        undo: Duration::from_millis(50),
        ..Limits::default()
    };
    let mut room = opened(Some(&server), limits).await;
    let account = signed_in(&room).await;
    cut_and_signed_out(&mut room, &server, &account).await;
    assert!(room.desk.ask(Ask::Cancel));
    let take = room.state(State::Cancelled).await;
    assert!(take.known_as.is_some());
    room.until(|now| now.route.reason == "signed_out").await;
    assert!(server.heard.lock().unwrap().cancelled.is_empty());
    server.is_signed_in.send_replace(true);
    signed_in(&room).await;
    room.machine(|_| {
        let cancelled = &server.heard.lock().unwrap().cancelled;
        (*cancelled == [take.id.to_string()]).then_some(())
    })
    .await;
    room.desk.stop().await;
}

#[tokio::test]
async fn a_server_of_another_version_is_told_with_the_side_to_update_and_the_take_stays() {
    for (version, code) in [("0.0.1", "server.older"), ("7.0.0", "server.newer")] {
        let script = Script {
            other_version: Some(version),
            ..Script::default()
        };
        let server = Server::start(script).await;
        let mut room = room(Some(&server), Limits::default()).await;
        begun(&room).await;
        room.notice(code).await;
        ended(&room).await;
        room.notice("dictation.kept_for_later").await;
        // This one takes no recordings either.
        let take = room.state(State::Failed).await;
        let audio = room.desk.outbox().audio(take.id, 0, 100_000).await.unwrap();
        assert!(is_whole(&audio) && audio.len() >= 16_000);
        room.desk.stop().await;
    }
}

#[tokio::test]
async fn another_server_gets_nothing_of_what_was_said_for_the_first_one() {
    let (first, second) = (
        Server::start(Script::default()).await,
        Server::start(Script::default()).await,
    );
    // Nobody is there: what is said waits for it.
    first.may_answer.send_replace(false);
    let mut room = opened(Some(&first), Limits::default()).await;
    begun(&room).await;
    ended(&room).await;
    room.notice("dictation.kept_for_later").await;
    let waiting = room.state(State::Pending).await;
    let patch = json!({"server": {"address": second.address}});
    room.desk.change_settings(patch).await.unwrap();
    room.until(|now| now.route.active == Route::Team).await;
    room.dictate().await;
    inserted(&room).await;
    let told = room.state(State::Pending).await;
    assert_eq!(told.id, waiting.id);
    assert_eq!(told.problem.as_deref(), Some("outbox.other_server"));
    assert_eq!(second.samples().len(), 1);
    // "On this computer": neither has a say any more.
    let patch = json!({"server": {"kind": "local", "address": null, "certificate": null}});
    room.desk.change_settings(patch).await.unwrap();
    room.until(|now| now.route.active == Route::Outbox && now.server.address.is_none())
        .await;
    let patch = json!({"server": {"kind": "team", "address": first.address}});
    first.may_answer.send_replace(true);
    room.desk.change_settings(patch).await.unwrap();
    // It is announced there now; this server takes no recordings.
    let failed = room.state(State::Failed).await;
    assert_eq!(failed.id, waiting.id);
    assert_eq!(second.samples().len(), 1);
    room.desk.stop().await;
}

#[tokio::test]
async fn a_stored_address_that_would_send_speech_in_clear_is_not_connected_to() {
    let mut server = Server::start(Script::default()).await;
    // An address for examples (RFC 5737): remote, and nobody's.
    server.address = "http://192.0.2.1:8765".to_owned();
    let room = opened(Some(&server), Limits::default()).await;
    let now = room.until(|now| now.server.problem.is_some()).await;
    assert_eq!(now.server.problem.unwrap().code, "server.insecure");
    assert_eq!(now.server.address, Some(server.address));
    assert!(room.desk.server().is_none());
    room.dictate().await;
    let take = room.state(State::Pending).await;
    assert!(take.samples >= 16_000);
    let meant = (take.route, take.server.as_deref());
    assert_eq!(meant, (Route::Team, Some("http://192.0.2.1:8765")));
    let now = room.desk.snapshot().borrow().clone();
    assert_eq!(now.route.reason, "server_refused");
    room.desk.stop().await;
}

#[tokio::test]
async fn the_server_on_this_computer_stays_the_same_while_it_downloads_a_model() {
    let server = Server::start(Script::default()).await;
    let room = opened(None, Limits::default()).await;
    let patch = json!({"server": {"kind": "local", "address": null}});
    room.desk.change_settings(patch).await.unwrap();
    let address: crate::account::Address = server.address.parse().unwrap();
    let told = |received| {
        let device = crate::account::Device {
            name: "test".into(),
            platform: "linux".into(),
            client: "test/0".into(),
        };
        let keychain = room.machine.clone();
        let here = crate::account::Server::new(address.clone(), None, keychain, device);
        let download = crate::view::Download {
            name: "base".into(),
            received,
            total: 9,
        };
        Local {
            view: SidecarView {
                state: crate::view::SidecarState::Ready,
                problem: None,
                download: Some(download),
            },
            server: Some(here.unwrap()),
        }
    };
    room.local.send_replace(told(1));
    room.until(|now| now.route.active == Route::Local).await;
    let before = room.desk.server().unwrap();
    room.local.send_replace(told(2));
    let seen = |now: &crate::view::Snapshot| {
        let download = now.sidecar.download.as_ref();
        download.is_some_and(|download| download.received == 2)
    };
    let now = room.until(seen).await;
    assert_eq!(now.route.active, Route::Local);
    assert!(Arc::ptr_eq(&before, &room.desk.server().unwrap()));
    room.desk.stop().await;
}
