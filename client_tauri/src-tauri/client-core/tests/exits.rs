//! A program that ends without closing its outbox, while the outbox's threads write: real processes, as in killed.rs.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use client_core::outbox::{NewTake, Outbox, Place, Retention, TakeId};
use client_core::ports::{Keychain, KeychainError};
use client_core::view::Route;

const FOLDER: &str = "ALFAVOICE_TEST_FOLDER";
const MOMENT: &str = "ALFAVOICE_TEST_MOMENT";
const ENDS: u64 = 50;

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

async fn opened(folder: &Path) -> Outbox {
    let outbox = Outbox::start(Place::new(folder), Arc::new(Known), Retention::default()).unwrap();
    outbox.open(None).await.unwrap();
    outbox
}

/// The program: keeps audio as fast as it can, and ends in the middle of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by the test below"]
async fn a_program_that_ends_while_it_writes() {
    let folder = std::env::var(FOLDER).unwrap();
    let moment = std::env::var(MOMENT).unwrap().parse().unwrap();
    let outbox = opened(Path::new(&folder)).await;
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
    tokio::spawn(async move { while outbox.append(id, &[7; 16_000]).await.is_ok() {} });
    // No wait for anything: the moments at which it ends are to differ.
    tokio::time::sleep(Duration::from_micros(moment)).await;
    std::process::exit(0);
}

#[tokio::test]
async fn a_program_may_end_at_any_moment_without_a_crash_and_without_a_loss() {
    for run in 0..ENDS {
        let folder = tempfile::tempdir().unwrap();
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "a_program_that_ends_while_it_writes",
                "--ignored",
                "--nocapture",
            ])
            .env(FOLDER, folder.path())
            .env(MOMENT, (5_000 + run * 700).to_string())
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(child.success(), "run {run}: {child}");
        let outbox = opened(folder.path()).await;
        for take in outbox.list().await.unwrap() {
            let audio = outbox.audio(take.id, 0, take.samples).await.unwrap();
            assert!(audio.iter().all(|sample| *sample == 7));
        }
        outbox.close().await;
    }
}
