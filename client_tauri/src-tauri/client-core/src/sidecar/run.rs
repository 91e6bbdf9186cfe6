//! The server's life: start, ready, ended, started again.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, ChildStdin};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

use super::output::Output;
use super::program::command;
use super::{Asked, Log, Plan, Standing};
use crate::account::{Address, body_of};
use crate::backoff::pause;
use crate::view::Problem;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// Ended so often without having been ready for [`STEADY`] in between, it is left alone.
const MOST_ENDS: u32 = 5;
const STEADY: Duration = Duration::from_secs(60);
/// Draining takes the server 30 s by default, its database some more.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(500);
const ANSWER_PATIENCE: Duration = Duration::from_secs(5);
const MOST_ANSWER_BYTES: usize = 64 * 1024;
/// What it wrote last is read even when its end is known first: it says why. No longer than this, for what it started may outlive it
/// and hold its output open.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a run ended.
enum End {
    Asked(Asked),
    /// By itself, after it was ready so long.
    Itself(Duration),
    /// Nobody can ask for anything any more.
    Over,
}

pub(super) async fn run(
    plan: Option<Plan>,
    mut asking: mpsc::Receiver<Asked>,
    standing: watch::Sender<Standing>,
    log: Log,
) {
    let mut ends = 0;
    let mut is_wanted = false;
    loop {
        if !is_wanted {
            match asking.recv().await {
                Some(Asked::Start | Asked::Restart) => is_wanted = true,
                Some(Asked::Stop) => {}
                None => return,
            }
            continue;
        }
        let Some(plan) = &plan else {
            is_wanted = false;
            continue;
        };
        standing.send_replace(Standing::Starting);
        match once(plan, &mut asking, &standing, &log).await {
            End::Over => return,
            End::Asked(Asked::Stop) => {
                (is_wanted, ends) = (false, 0);
                standing.send_replace(Standing::Stopped);
            }
            End::Asked(_) => ends = 0,
            End::Itself(steady) => {
                ends = if steady >= STEADY { 1 } else { ends + 1 };
                let problem = Problem::new("sidecar.ended", "the server on this computer ended");
                if ends >= MOST_ENDS {
                    (is_wanted, ends) = (false, 0);
                    standing.send_replace(Standing::Failed(problem));
                    continue;
                }
                standing.send_replace(Standing::Restarting(problem));
                let wait = pause(ends, FIRST_PAUSE, LONGEST_PAUSE);
                match timeout(wait, asking.recv()).await {
                    Ok(Some(Asked::Stop)) => {
                        (is_wanted, ends) = (false, 0);
                        standing.send_replace(Standing::Stopped);
                    }
                    Ok(None) => return,
                    Ok(Some(_)) | Err(_) => {}
                }
            }
        }
    }
}

/// One run of the server.
async fn once(
    plan: &Plan,
    asking: &mut mpsc::Receiver<Asked>,
    standing: &watch::Sender<Standing>,
    log: &Log,
) -> End {
    let port = plan.port.to_string();
    let arguments = [
        "serve",
        "--with-parent",
        "--host",
        "127.0.0.1",
        "--port",
        &port,
    ];
    let mut command = command(plan, &arguments);
    // Not killed with us: it stops when its standard input closes, and takes its database along in order.
    command.stdin(Stdio::piped()).kill_on_drop(false);
    let mut child = match command.spawn() {
        Ok(child) => child,
        Err(error) => {
            log.add(&format!("the program cannot be started: {}", error.kind()));
            return End::Itself(Duration::ZERO);
        }
    };
    let held = child.stdin.take();
    let mut output = Output::new(child.stdout.take(), child.stderr.take());
    let mut ready_since: Option<Instant> = None;
    let mut address: Option<Address> = None;
    let mut look = tokio::time::interval(LOOK_EVERY);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            Some(line) = output.line() => {
                address = address.or_else(|| address_in(&line));
                log.add(&line);
            }
            _ = look.tick(), if ready_since.is_none() => if let Some(at) = &address
                && is_ready(at).await
            {
                ready_since = Some(Instant::now());
                standing.send_replace(Standing::Ready(at.clone()));
            },
            _ = child.wait() => {
                rest(&mut output, log).await;
                return End::Itself(ready_since.map_or(Duration::ZERO, |since| since.elapsed()));
            }
            asked = asking.recv() => match asked {
                Some(Asked::Start) => {}
                Some(asked) => {
                    standing.send_replace(Standing::Starting);
                    end(&mut child, held, &mut output, log).await;
                    return End::Asked(asked);
                }
                None => {
                    end(&mut child, held, &mut output, log).await;
                    return End::Over;
                }
            },
        }
    }
}

/// Closes its standard input, which it stops for; a server that does not is ended.
async fn end(child: &mut Child, held: Option<ChildStdin>, output: &mut Output, log: &Log) {
    drop(held);
    let stopped = timeout(STOP_PATIENCE, async {
        loop {
            tokio::select! {
                Some(line) = output.line() => log.add(&line),
                _ = child.wait() => return,
            }
        }
    });
    if stopped.await.is_err() {
        log.add("the server did not stop in time and was ended");
        // It may have ended this very moment.
        let _ = child.kill().await;
    }
    rest(output, log).await;
}

/// What a server that has ended wrote and nobody has read yet.
async fn rest(output: &mut Output, log: &Log) {
    let reading = async {
        while let Some(line) = output.line().await {
            log.add(&line);
        }
    };
    // Held open by something that outlives it: what is there has been read.
    let _ = timeout(LAST_WORDS, reading).await;
}

/// The address a server says it listens at, in whatever language.
fn address_in(line: &str) -> Option<Address> {
    let at = line.find("http://127.0.0.1:")?;
    let rest = &line[at..];
    let end = rest
        .char_indices()
        .skip("http://127.0.0.1:".len())
        .find(|(_, letter)| !letter.is_ascii_digit())
        .map_or(rest.len(), |(at, _)| at);
    rest[..end].parse().ok()
}

async fn is_ready(address: &Address) -> bool {
    let asked = reqwest::Client::builder()
        .tls_backend_preconfigured(match crate::tls::Trust::new(None).config() {
            Ok(config) => config,
            Err(_) => return false,
        })
        .no_proxy()
        .timeout(ANSWER_PATIENCE)
        .build();
    let Ok(client) = asked else { return false };
    match client.get(address.at("/health/ready")).send().await {
        Ok(answer) if answer.status().is_success() => {
            body_of(answer, MOST_ANSWER_BYTES).await.is_ok()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::address_in;

    #[test]
    fn the_address_is_found_in_whatever_the_server_says() {
        let found = |line| address_in(line).map(String::from);
        let address = Some("http://127.0.0.1:41234".to_owned());
        assert_eq!(found("Готово: http://127.0.0.1:41234"), address);
        assert_eq!(
            found("AlfaVoice listens at http://127.0.0.1:41234."),
            address
        );
        assert_eq!(found("http://example.com:1"), None);
    }
}
