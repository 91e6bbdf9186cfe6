//! The keychain, asked on a thread of its own: it may wait for the person to unlock it, while the outbox's thread keeps what is said.
//!
//! There is that one thread as long as the outbox is there, however long a keychain takes, and it puts one question at a time.
//! Whoever asks waits for their turn and the answer together no longer than [`PATIENCE`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::key::{self, KEY_NAME, Key};
use crate::ports::{Keychain, KeychainError};
use crate::sensitive::Sensitive;

/// A keychain may ask the person to unlock it. Longer than this nobody waits; it is asked again later.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    /// The key of a file that is there.
    Read,
    /// One for a file that is not there yet: from before, or a new one.
    Make,
}

/// What came of it.
pub(super) enum Answer {
    /// As it is in the keychain.
    Read(Result<Option<Sensitive<Vec<u8>>>, KeychainError>),
    Made(Result<Key, KeychainError>),
}

impl Question {
    fn put(self, keychain: &dyn Keychain) -> Answer {
        match self {
            Self::Read => Answer::Read(
                keychain
                    .read(KEY_NAME)
                    .map(|found| found.map(Sensitive::new)),
            ),
            Self::Make => Answer::Made(key::made(keychain)),
        }
    }

    fn unanswered(self, why: KeychainError) -> Answer {
        match self {
            Self::Read => Answer::Read(Err(why)),
            Self::Make => Answer::Made(Err(why)),
        }
    }
}

struct Asked {
    question: Question,
    tell: oneshot::Sender<Answer>,
}

/// Asks the thread, which ends with the last clone of this: when the keychain has answered, if it is being asked.
#[derive(Clone)]
pub(super) struct Asking {
    questions: mpsc::Sender<Asked>,
}

impl Asking {
    /// Starts the thread.
    pub(super) fn start(keychain: Arc<dyn Keychain>) -> std::io::Result<Self> {
        let (questions, mut asked) = mpsc::channel::<Asked>(1);
        std::thread::Builder::new()
            .name("outbox-keychain".to_owned())
            .spawn(move || {
                while let Some(Asked { question, tell }) = asked.blocking_recv() {
                    // Nobody is asked to unlock anything for somebody who has given up.
                    if tell.is_closed() {
                        continue;
                    }
                    let put = || question.put(&*keychain);
                    let answer = catch_unwind(AssertUnwindSafe(put))
                        .unwrap_or_else(|_| question.unanswered(KeychainError::Failed));
                    // Nobody waits any more: asked again, it answers at once.
                    let _ = tell.send(answer);
                }
            })?;
        Ok(Self { questions })
    }

    pub(super) async fn ask(&self, question: Question) -> Answer {
        let (tell, told) = oneshot::channel();
        let asked = async {
            self.questions.send(Asked { question, tell }).await.ok()?;
            told.await.ok()
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(Some(answer)) => answer,
            Ok(None) | Err(_) => question.unanswered(KeychainError::Locked),
        }
    }
}
