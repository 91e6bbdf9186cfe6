//! A server's program that ends by itself, and one that is not there.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::time::Duration;

use client_core::sidecar::{Plan, Sidecar, SidecarError, Standing, find};

const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_server_that_ends_is_started_again_until_it_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("alfavoice");
    let runs = folder.path().join("runs");
    let script = format!(
        "#!/bin/sh\necho run >> '{}'\nseq 100\necho no luck >&2\nexit 3\n",
        runs.display()
    );
    std::fs::write(&program, script).unwrap();
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&program, executable).unwrap();
    let found = find(Some(&program), None).unwrap();
    let (sidecar, run) = Sidecar::new(Some(Plan {
        program: found,
        data: None,
        port: 0,
    }));
    let running = tokio::spawn(run);
    let mut standing = sidecar.standing();
    assert_eq!(*standing.borrow(), Standing::Stopped);
    sidecar.start().await;
    let twice = async {
        for _ in 0..2 {
            standing
                .wait_for(|now| *now == Standing::Starting)
                .await
                .unwrap();
            standing
                .wait_for(|now| matches!(now, Standing::Restarting(_)))
                .await
                .unwrap();
        }
        sidecar.stop().await;
        standing
            .wait_for(|now| *now == Standing::Stopped)
            .await
            .unwrap();
    };
    tokio::time::timeout(PATIENCE, twice).await.unwrap();
    let runs = std::fs::read_to_string(runs).unwrap().lines().count();
    assert!(runs >= 2);
    // Also what it wrote right before its end, which says why it ended.
    let log = sidecar.log();
    for last in ["100", "no luck"] {
        assert_eq!(log.iter().filter(|line| *line == last).count(), runs);
    }
    assert_eq!(sidecar.models().await, Err(SidecarError::Failed));
    assert_eq!(sidecar.verify("--help").await, Err(SidecarError::NoName));
    running.abort();
}

#[tokio::test]
async fn without_a_program_there_is_no_server_and_nothing_to_ask_of_it() {
    assert_eq!(find(Some("/nowhere/alfavoice".as_ref()), None), None);
    let (sidecar, run) = Sidecar::new(None);
    let running = tokio::spawn(run);
    sidecar.start().await;
    assert_eq!(*sidecar.standing().borrow(), Standing::Absent);
    assert_eq!(sidecar.models().await, Err(SidecarError::Absent));
    running.abort();
}
