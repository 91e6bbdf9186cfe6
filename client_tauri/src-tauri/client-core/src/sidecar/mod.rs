//! The server on this computer: found, started, watched, restarted, stopped; its log and its models.
//!
//! It is `alfavoice serve --with-parent`, which stops by itself when our end of its standard input closes: however this program
//! ends, no server is left behind, and none that somebody else started is ever touched.

mod models;
mod output;
mod program;
mod run;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{mpsc, watch};

pub use self::models::PullStep;
pub use self::program::find;
use crate::account::Address;
use crate::view::Problem;

/// Lines of the log that are kept.
const MOST_LINES: usize = 1000;
/// Letters of a line that are kept.
const MOST_LETTERS: usize = 2000;
/// Wishes that wait; more are the same ones again.
const MOST_WISHES: usize = 8;

/// How to start it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The program, see [`find`].
    pub program: PathBuf,
    /// Its data folder; None: its own default.
    pub data: Option<PathBuf>,
    /// Its port; 0 takes a free one.
    pub port: u16,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Standing {
    /// There is no such program on this computer.
    #[default]
    Absent,
    /// It does not run, and is not meant to.
    Stopped,
    /// It was started and gets ready.
    Starting,
    /// It takes dictations at this address.
    Ready(Address),
    /// It ended by itself and is started again in a moment.
    Restarting(Problem),
    /// It ended so often that it is left alone until somebody starts it again.
    Failed(Problem),
}

/// Why something of the sidecar cannot be done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SidecarError {
    /// There is no such program on this computer.
    #[error("the program of the server is not installed on this computer")]
    Absent,
    /// The command failed.
    #[error("the server's program could not do it; its log says why")]
    Failed,
    /// The command did not come to an end in time.
    #[error("the server's program did not answer in time")]
    TimedOut,
    /// It answered something that is not understood.
    #[error("the server's program is of another version")]
    OtherVersion,
    /// It is no model's name.
    #[error("this is no name of a model")]
    NoName,
}

impl SidecarError {
    /// Stable code for the screens.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Absent => "sidecar.absent",
            Self::Failed => "sidecar.failed",
            Self::TimedOut => "sidecar.timed_out",
            Self::OtherVersion => "sidecar.other_version",
            Self::NoName => "sidecar.no_name",
        }
    }

    /// For the screens.
    #[must_use]
    pub fn problem(&self) -> Problem {
        Problem::new(self.code(), self.to_string())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Start,
    Stop,
    Restart,
}

/// The newest lines of what the server said.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<VecDeque<String>>>);

impl Log {
    fn add(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == MOST_LINES {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(MOST_LETTERS).collect());
    }

    fn lines(&self) -> Vec<String> {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().cloned().collect()
    }
}

/// The server on this computer. Clones are the same one.
#[derive(Debug, Clone)]
pub struct Sidecar {
    plan: Option<Plan>,
    asked: mpsc::Sender<Asked>,
    standing: watch::Receiver<Standing>,
    log: Log,
}

impl Sidecar {
    /// Describes it; nothing is started yet. The future runs it and belongs to whoever owns the tasks: dropped, it takes the server
    /// along.
    pub fn new(plan: Option<Plan>) -> (Self, impl Future<Output = ()> + Send) {
        let (asked, asking) = mpsc::channel(MOST_WISHES);
        let first = match &plan {
            Some(_) => Standing::Stopped,
            None => Standing::Absent,
        };
        let (tell, standing) = watch::channel(first);
        let log = Log::default();
        let running = run::run(plan.clone(), asking, tell, log.clone());
        let sidecar = Self {
            plan,
            asked,
            standing,
            log,
        };
        (sidecar, running)
    }

    /// Where it stands, now and whenever that changes.
    #[must_use]
    pub fn standing(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }

    /// Starts it, if it does not run.
    pub async fn start(&self) {
        self.ask(Asked::Start).await;
    }

    /// Stops it: what is being said there is finished first, as far as that takes no longer than it should.
    pub async fn stop(&self) {
        self.ask(Asked::Stop).await;
    }

    /// Stops and starts it.
    pub async fn restart(&self) {
        self.ask(Asked::Restart).await;
    }

    /// The newest lines it wrote.
    #[must_use]
    pub fn log(&self) -> Vec<String> {
        self.log.lines()
    }

    async fn ask(&self, what: Asked) {
        // Nobody runs it any more: the program is ending.
        let _ = self.asked.send(what).await;
    }
}
