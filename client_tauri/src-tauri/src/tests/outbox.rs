//! Takes that are tried again, one or all of them.

use client_core::outbox::{NewTake, Outbox, State, Take, TakeId};
use client_core::view::Route;
use serde_json::json;
use tauri::async_runtime::block_on;

use super::Shell;

const FORMER: &str = "https://former.example";
const NOW: &str = "https://now.example";

/// A take of two seconds for the server there, and whose it is.
async fn recorded(outbox: &Outbox, server: &str, person: Option<&str>, next: State) -> TakeId {
    let new = NewTake {
        id: TakeId::new(),
        began_at: 0.0,
        sample_rate: 16_000,
        language: "ru".to_owned(),
        app: None,
        route: Route::Team,
        server: Some(server.to_owned()),
        person: person.map(|person| format!("{person} {server}")),
    };
    let id = new.id;
    outbox.begin(new).await.unwrap();
    outbox.append(id, &[1; 16_000]).await.unwrap();
    outbox.append(id, &[1; 16_000]).await.unwrap();
    if next != State::Recording {
        outbox.recorded(id, next).await.unwrap();
    }
    id
}

/// What is waiting there has been looked at for the server that is chosen now, where Bob is signed in.
async fn looked_at(outbox: &Outbox) {
    let bob = Some(format!("bob {NOW}"));
    let due = outbox.claim(0.0, Route::Team, NOW.to_owned(), bob).await;
    assert_eq!(due.unwrap(), None);
}

fn told(take: &Take) -> (State, Route, Option<&str>, Option<&str>, u32) {
    let (server, problem) = (take.server.as_deref(), take.problem.as_deref());
    (take.state, take.route, server, problem, take.attempts)
}

#[test]
fn all_that_wait_or_failed_are_tried_again_as_one_would_be_and_nothing_else() {
    let shell = Shell::start();
    let words = json!({"passphrase": "eight words are better than one"});
    shell.call("outbox_unlock", words).unwrap();
    let outbox = shell.desk.outbox();
    shell.choose(NOW);
    let (tried, left) = block_on(async {
        let former = recorded(outbox, FORMER, None, State::Pending).await;
        let sent = outbox
            .claim(0.0, Route::Team, FORMER.to_owned(), None)
            .await;
        assert!(sent.unwrap().is_some());
        outbox.again(former, None, Some(1e12)).await.unwrap();
        let failed = recorded(outbox, FORMER, None, State::Pending).await;
        let code = "recogniser.rejected".to_owned();
        outbox.failed(failed, code).await.unwrap();
        let anns = recorded(outbox, NOW, Some("ann"), State::Pending).await;
        let elsewhere = recorded(outbox, FORMER, Some("ann"), State::Pending).await;
        let dropped = recorded(outbox, FORMER, Some("bob"), State::Pending).await;
        outbox.cancel(dropped).await.unwrap();
        let stored = recorded(outbox, FORMER, Some("bob"), State::Live).await;
        outbox.stored(stored, "1".to_owned(), None).await.unwrap();
        let live = recorded(outbox, FORMER, Some("bob"), State::Live).await;
        let spoken = recorded(outbox, FORMER, Some("bob"), State::Recording).await;
        looked_at(outbox).await;
        (
            [former, failed, anns],
            [elsewhere, dropped, stored, live, spoken],
        )
    });
    let of = |ids: &[TakeId]| -> Vec<Take> {
        let takes = ids.iter().map(|id| block_on(outbox.get(*id)).unwrap());
        takes.collect()
    };
    let before = of(&left);
    assert_eq!(
        of(&tried[..1])[0].problem.as_deref(),
        Some("outbox.other_server")
    );

    shell.call("outbox_retry_all", json!({})).unwrap();

    assert_eq!(of(&left), before);
    let after = of(&tried);
    for take in &after[..2] {
        // To whichever server there is, at once.
        let anywhere = (State::Pending, Route::Outbox, None, None, 0);
        assert_eq!(told(take), anywhere);
        assert_eq!(take.next_attempt_at, None);
    }
    // Ann's does not become Bob's by being asked for.
    let waits = (
        State::Pending,
        Route::Team,
        Some(NOW),
        Some("outbox.other_person"),
        0,
    );
    assert_eq!(told(&after[2]), waits);
    // Asked for one by one, they would be the same.
    for id in tried {
        let one = json!({"take": id.to_string()});
        shell.call("outbox_retry", one).unwrap();
    }
    assert_eq!(of(&tried), after);
}

#[test]
fn a_closed_outbox_says_so_when_all_is_to_be_tried_again() {
    let shell = Shell::start();
    block_on(shell.desk.outbox().close());
    let answer = shell.call("outbox_retry_all", json!({}));
    let code = answer.unwrap_err()["code"].as_str().map(str::to_owned);
    assert_eq!(code.as_deref(), Some("outbox.closed"));
}

#[test]
fn a_take_whose_audio_is_forgotten_says_so_and_is_neither_played_nor_exported() {
    let shell = Shell::start();
    let words = json!({"passphrase": "eight words are better than one"});
    shell.call("outbox_unlock", words).unwrap();
    let outbox = shell.desk.outbox();
    let stored = block_on(async {
        let stored = recorded(outbox, FORMER, Some("bob"), State::Live).await;
        outbox.stored(stored, "1".to_owned(), None).await.unwrap();
        recorded(outbox, FORMER, Some("bob"), State::Pending).await;
        stored
    });
    let listed = shell.call("outbox_list", json!({})).unwrap();
    let audio = |number: usize| listed[number]["audio"].as_str().unwrap().to_owned();
    let told = [audio(0), audio(1)];
    let is_stored = |number: usize| listed[number]["state"] == "stored";
    let wanted = [0, 1].map(|number| {
        if is_stored(number) {
            "forgotten"
        } else {
            "kept"
        }
    });
    assert_eq!(told, wanted);
    assert_ne!(told[0], told[1]);
    for command in ["outbox_audio", "outbox_export"] {
        let answer = shell.call(command, json!({"take": stored.to_string()}));
        assert_eq!(answer.unwrap_err()["code"], "outbox.audio_forgotten");
    }
}
