use super::*;
use serde_json::json;

#[test]
fn a_snapshot_reads_as_the_screens_expect() {
    let snapshot = Snapshot {
        version: "0.1.0".into(),
        kind: Kind::Desktop,
        platform: Platform::LinuxX11,
        dictation: Dictation {
            state: DictationState::Latched,
            undo_until: Some(2.5),
            ..Dictation::default()
        },
        route: RouteView {
            active: Route::Outbox,
            pinned: None,
            reason: "no_server".into(),
        },
        server: ServerView::default(),
        sidecar: SidecarView::default(),
        outbox: OutboxView {
            state: OutboxState::KeyLost,
            waiting: 1,
            uploading: 0,
            failed: 0,
            problem: Some(Problem::new("outbox.key_lost", "the key is gone")),
        },
        last: None,
        first_start: true,
    };
    let event = BackendEvent::Snapshot {
        snapshot: Box::new(snapshot),
    };
    assert_eq!(
        serde_json::to_value(event).unwrap(),
        json!({"type": "snapshot", "snapshot": {
            "version": "0.1.0", "kind": "desktop", "platform": "linux-x11",
            "dictation": {"state": "latched", "take": null, "since": null, "stable": "", "tail": "", "undoUntil": 2.5},
            "route": {"active": "outbox", "pinned": null, "reason": "no_server"},
            "server": {"kind": null, "address": null, "reachable": false, "signedIn": false, "user": null,
                       "version": null, "problem": null},
            "sidecar": {"state": "absent", "problem": null, "download": null},
            "outbox": {"state": "key_lost", "waiting": 1, "uploading": 0, "failed": 0,
                       "problem": {"code": "outbox.key_lost", "message": "the key is gone"}},
            "last": null, "firstStart": true}})
    );
}

#[test]
fn events_read_as_the_screens_expect() {
    let notice = BackendEvent::Notice {
        kind: NoticeKind::LateText,
        code: "dictation.late_text".into(),
        message: "late".into(),
        take: None,
    };
    assert_eq!(
        serde_json::to_value(notice).unwrap(),
        json!({"type": "notice", "kind": "late_text", "code": "dictation.late_text", "message": "late"})
    );
    let back = BackendEvent::TakenBack {
        code: "microphone.silent".into(),
        take: Some("7".into()),
    };
    assert_eq!(
        serde_json::to_value(back).unwrap(),
        json!({"type": "taken_back", "code": "microphone.silent", "take": "7"})
    );
    let word = BackendEvent::FixWord {
        word: Some("кубернетес".into()),
    };
    assert_eq!(
        serde_json::to_value(word).unwrap(),
        json!({"type": "fix_word", "word": "кубернетес"})
    );
    let changed = BackendEvent::Changed {
        what: Changed::Outbox,
    };
    assert_eq!(
        serde_json::to_value(changed).unwrap(),
        json!({"type": "changed", "what": "outbox"})
    );
}
