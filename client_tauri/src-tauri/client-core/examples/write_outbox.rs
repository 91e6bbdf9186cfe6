//! Writes an outbox with one take of two seconds into the folder it is given, under a key everybody knows: for the tests of
//! `alfavoice outbox`, which reads the file without any of this code.

use std::error::Error;
use std::sync::Arc;

use client_core::outbox::{NewTake, Outbox, Place, Retention, State, TakeId};
use client_core::ports::{Keychain, KeychainError};
use client_core::view::Route;

struct Known;

impl Keychain for Known {
    fn read(&self, _: &str) -> Result<Option<Vec<u8>>, KeychainError> {
        Ok(Some("5a".repeat(32).into_bytes()))
    }

    fn write(&self, _: &str, _: &[u8]) -> Result<(), KeychainError> {
        Err(KeychainError::Failed)
    }

    fn forget(&self, _: &str) -> Result<(), KeychainError> {
        Err(KeychainError::Failed)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("which folder?")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let outbox = Outbox::start(Place::new(folder), Arc::new(Known), Retention::default())?;
        outbox.open(None).await?;
        let id = TakeId::new();
        let new = NewTake {
            id,
            began_at: 1_795_333_859.5,
            sample_rate: 16_000,
            language: "ru".to_owned(),
            app: None,
            route: Route::Outbox,
            server: None,
            person: Some("ann https://team.example".to_owned()),
        };
        outbox.begin(new).await?;
        let second: Vec<i16> = (0..16_000).collect();
        for _ in 0..2 {
            outbox.append(id, &second).await?;
        }
        outbox.recorded(id, State::Pending).await?;
        outbox.close().await;
        Ok(())
    })
}
