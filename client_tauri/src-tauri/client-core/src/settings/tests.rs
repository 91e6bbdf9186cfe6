use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::fs;

fn folder() -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("Анна/settings.json");
    (folder, path)
}

fn on_disk(path: &std::path::Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_change_is_there_after_a_restart() {
    let (_folder, path) = folder();
    let mut file = SettingsFile::load(&path).file;
    assert_eq!(file.settings().audio.pre_roll_ms, 400);
    let patch = json!({"audio": {"preRollMs": 300}, "appearance": {"theme": "dark"}});
    file.change(&patch).unwrap();
    let again = SettingsFile::load(&path);
    assert_eq!(again.problem, None);
    let settings = again.file.settings();
    assert_eq!(settings.audio.pre_roll_ms, 300);
    assert_eq!(settings.audio.keep_open_s, 60);
    assert_eq!(settings.appearance.theme, Theme::Dark);
    assert_eq!(on_disk(&path)["version"], 1);
}

#[test]
fn fields_that_only_a_newer_version_knows_stay() {
    let (_folder, path) = folder();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let newer =
        json!({"version": 7, "hologram": {"on": true}, "audio": {"beam": 3, "sounds": false}});
    fs::write(&path, newer.to_string()).unwrap();
    let mut file = SettingsFile::load(&path).file;
    assert!(!file.settings().audio.sounds);
    file.change(&json!({"audio": {"sounds": true}})).unwrap();
    let expected =
        json!({"version": 7, "hologram": {"on": true}, "audio": {"beam": 3, "sounds": true}});
    assert_eq!(on_disk(&path), expected);
}

#[test]
fn a_damaged_document_is_put_aside_and_said() {
    for damaged in [
        "{\"version\": 1, \"aud",
        "[]",
        "{\"audio\": {\"preRollMs\": -4}}",
        "{\"version\": \"x\"}",
    ] {
        let (_folder, path) = folder();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, damaged).unwrap();
        fs::write(path.with_extension("json.damaged"), "older").unwrap();
        let loaded = SettingsFile::load(&path);
        assert_eq!(loaded.problem.unwrap().code, "settings.damaged");
        assert_eq!(loaded.file.settings(), &Settings::default());
        let aside = path.with_extension("json.damaged-2");
        assert_eq!(fs::read_to_string(aside).unwrap(), damaged);
    }
}

#[test]
fn a_change_that_is_refused_changes_nothing() {
    let (_folder, path) = folder();
    let mut file = SettingsFile::load(&path).file;
    let lone = json!({"hotkeys": [{"action": "dictate", "chord": {"modifiers": ["control"], "key": null}}]});
    let one = json!({"action": "dictate", "chord": {"modifiers": ["alt"], "key": "KeyD"}});
    for (patch, code) in [
        (
            json!({"audio": {"preRollMs": 1001}}),
            "settings.out_of_range",
        ),
        (
            json!({"appearance": {"theme": "pink"}}),
            "settings.malformed",
        ),
        (json!([]), "settings.malformed"),
        (lone, "settings.chord"),
        (json!({"hotkeys": [one, one]}), "settings.chord"),
    ] {
        assert_eq!(file.change(&patch).unwrap_err().code(), code);
    }
    assert_eq!(file.settings(), &Settings::default());
    assert!(!path.exists());
}

#[test]
fn a_file_that_cannot_be_written_is_said_and_the_old_one_stays() {
    let (_folder, path) = folder();
    let mut file = SettingsFile::load(&path).file;
    file.change(&json!({"audio": {"sounds": false}})).unwrap();
    fs::create_dir(path.with_extension("json.new")).unwrap();
    let error = file
        .change(&json!({"audio": {"sounds": true}}))
        .unwrap_err();
    assert_eq!(error.code(), "settings.unwritable");
    assert!(!file.settings().audio.sounds);
    assert_eq!(on_disk(&path)["audio"]["sounds"], false);
}

#[test]
fn the_default_chord_is_two_modifiers_where_they_can_be_heard_alone() {
    for (platform, alone) in [
        (Platform::LinuxX11, true),
        (Platform::Windows, true),
        (Platform::LinuxWayland, false),
        (Platform::Macos, false),
    ] {
        let settings = Settings {
            hotkeys: Some(default_bindings(platform)),
            ..Settings::default()
        };
        settings.check().unwrap();
        let dictate = &settings.bindings(platform)[0];
        assert_eq!(dictate.chord.key.is_none(), alone);
    }
}

#[test]
fn a_program_may_have_its_own_way_of_pasting() {
    let mut insertion = InsertionSettings::default();
    insertion
        .pasting_by_app
        .insert("XTerm".into(), Pasting::ShiftInsert);
    assert_eq!(insertion.pasting_into(Some("xterm")), Pasting::ShiftInsert);
    assert_eq!(insertion.pasting_into(Some("gedit")), Pasting::Automatic);
    assert_eq!(insertion.pasting_into(None), Pasting::Automatic);
}

proptest! {
    #[test]
    fn whatever_is_in_the_file_there_are_settings_and_nothing_is_deleted(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let (folder, path) = folder();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &bytes).unwrap();
        let mut loaded = SettingsFile::load(&path);
        loaded.file.settings().check().unwrap();
        loaded.file.change(&json!({"updates": {"check": true}})).unwrap();
        let aside = path.with_extension("json.damaged");
        prop_assert_eq!(loaded.problem.is_some(), aside.exists());
        if aside.exists() { prop_assert_eq!(fs::read(aside).unwrap(), bytes); }
        drop(folder);
    }
}

#[test]
fn settings_that_could_not_be_read_are_not_replaced_by_a_change() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("settings.json");
    // What cannot be read as a file, whoever runs this.
    std::fs::create_dir(&path).unwrap();
    let loaded = SettingsFile::load(&path);
    assert_eq!(loaded.problem.unwrap().code, "settings.unreadable");
    let mut file = loaded.file;
    let patch = serde_json::json!({"audio": {"sounds": false}});
    assert!(matches!(
        file.change(&patch),
        Err(SettingsError::Unwritable(_))
    ));
    std::fs::remove_dir(&path).unwrap();
    std::fs::write(&path, r#"{"version": 1, "audio": {"preRollMs": 120}}"#).unwrap();
    let now = file.change(&patch).unwrap();
    assert_eq!((now.audio.pre_roll_ms, now.audio.sounds), (120, false));
}
