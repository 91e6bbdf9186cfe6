//! A program that is killed while somebody speaks, and one whose disk takes nothing more: real processes.
//!
//! The test binary starts itself again as the program; what it is to do is in its environment.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use client_core::outbox::{NewTake, Outbox, OutboxError, Place, Retention, State, TakeId};
use client_core::ports::{Keychain, KeychainError};
use client_core::view::Route;

const FOLDER: &str = "ALFAVOICE_TEST_FOLDER";
/// Samples appended at a time: 100 ms.
const STEP: usize = 1600;

/// A keychain that has the key already.
struct Known;

impl Keychain for Known {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Ok(Some("5a".repeat(32).into_bytes()))
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<(), KeychainError> {
        Ok(())
    }

    fn forget(&self, _: &str) -> Result<(), KeychainError> {
        Ok(())
    }
}

fn outbox(folder: &Path) -> Outbox {
    Outbox::start(Place::new(folder), Arc::new(Known), Retention::default()).unwrap()
}

fn sound(from: usize, samples: usize) -> Vec<i16> {
    (from..from + samples)
        .map(|at| i16::try_from(at * 7919 % 30_011).unwrap())
        .collect()
}

/// The program: records and says after each step how much is kept, and whether on the disk.
#[tokio::test]
#[ignore = "started by the tests below"]
async fn a_program_that_records() {
    let folder = std::env::var(FOLDER).unwrap();
    let outbox = outbox(Path::new(&folder));
    outbox.open(None).await.unwrap();
    let id = TakeId::new();
    let new = NewTake {
        id,
        began_at: 1_795_333_859.5,
        sample_rate: 16_000,
        language: "ru".to_owned(),
        app: None,
        route: Route::Team,
        server: None,
        person: None,
    };
    outbox.begin(new).await.unwrap();
    println!("take {id}");
    for step in 0..3000 {
        let kept = outbox.append(id, &sound(step * STEP, STEP)).await.unwrap();
        println!("kept {} {}", kept.samples, kept.on_disk);
        if !kept.on_disk && step > 700 {
            let all = outbox.audio(id, 0, kept.samples).await.unwrap();
            let is_whole = all == sound(0, all.len());
            let problem = outbox.status().borrow().problem;
            println!("full {is_whole} {}", problem == Some(OutboxError::DiskFull));
            return;
        }
    }
}

fn program(folder: &Path, before: &str) -> Child {
    let own = std::env::current_exe().unwrap();
    Command::new("sh")
        .args(["-c", &format!("{before} exec \"$0\" \"$@\"")])
        .arg(own)
        .args([
            "--exact",
            "a_program_that_records",
            "--ignored",
            "--nocapture",
        ])
        .env(FOLDER, folder)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn lines(child: &mut Child) -> impl Iterator<Item = Vec<String>> + use<> {
    BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap().split(' ').map(str::to_owned).collect())
}

#[tokio::test]
async fn killed_while_recording_it_loses_nothing_that_was_kept() {
    for kept_before in [3, 17, 64] {
        let folder = tempfile::tempdir().unwrap();
        let mut child = program(folder.path(), "");
        let (mut take, mut kept, mut steps) = (None, 0_u64, 0);
        for line in lines(&mut child) {
            match line.first().map(String::as_str) {
                Some("take") => take = line[1].parse::<TakeId>().ok(),
                Some("kept") => {
                    (kept, steps) = (line[1].parse().unwrap(), steps + 1);
                }
                _ => {}
            }
            if steps == kept_before {
                // SIGKILL.
                child.kill().unwrap();
                break;
            }
        }
        child.wait().unwrap();
        let outbox = outbox(folder.path());
        let found = outbox.open(None).await.unwrap();
        let id = take.unwrap();
        assert_eq!((found.recovered, found.salvaged), (vec![id], None));
        let recovered = outbox.get(id).await.unwrap();
        assert_eq!(
            (recovered.state, recovered.recovered),
            (State::Pending, true)
        );
        assert!(recovered.samples >= kept, "{} of {kept}", recovered.samples);
        let audio = outbox.audio(id, 0, recovered.samples).await.unwrap();
        assert_eq!(audio, sound(0, audio.len()));
        outbox.close().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_disk_that_takes_nothing_more_is_told_and_nothing_said_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    // Files may not grow beyond 1 MiB: writes fail as on a full disk.
    let mut child = program(folder.path(), "trap '' XFSZ; ulimit -f 2048;");
    let told: Vec<Vec<String>> = lines(&mut child).collect();
    child.wait().unwrap();
    let full = told.iter().find(|line| line[0] == "full").unwrap();
    assert_eq!(full[1..], ["true", "true"]);
    let on_disk = |line: &&Vec<String>| line[0] == "kept" && line[2] == "true";
    let kept: u64 = told.iter().rev().find(on_disk).unwrap()[1].parse().unwrap();
    let outbox = outbox(folder.path());
    let recovered = outbox.open(None).await.unwrap().recovered;
    assert!(outbox.get(recovered[0]).await.unwrap().samples >= kept);
}
