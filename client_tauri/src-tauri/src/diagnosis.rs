//! What a person, or whoever helps them, needs to see when something does not work.

use client_core::desk::Desk;
use client_core::view::{OutboxState, Problem};
use client_platform::diagnosis::diagnose;
use serde::Serialize;
use serde_json::Value;

/// One thing that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// Names it.
    pub code: String,
    /// `good`, `warning`, `bad`, or `plain` for what is neither.
    pub state: &'static str,
    /// For people.
    pub value: String,
    /// What is wrong.
    pub problem: Option<Problem>,
}

impl Finding {
    fn plain(code: &str, value: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            state: "plain",
            value: value.into(),
            problem: None,
        }
    }

    fn judged(code: &str, value: impl Into<String>, problem: Option<Problem>) -> Self {
        let state = if problem.is_some() { "bad" } else { "good" };
        Self {
            code: code.to_owned(),
            state,
            value: value.into(),
            problem,
        }
    }
}

/// Looks at everything.
pub async fn findings(desk: &Desk) -> Vec<Finding> {
    let snapshot = desk.snapshot().borrow().clone();
    let mut all = vec![Finding::plain("program.version", snapshot.version)];
    if let Ok(machine) = tokio::task::spawn_blocking(diagnose).await {
        all.extend(of_machine(&serde_json::json!(machine)));
    }
    let microphones = desk.microphones().await;
    all.push(match microphones {
        Ok(found) => Finding::judged("microphone", found.len().to_string(), None),
        Err(problem) => Finding::judged("microphone", "0", Some(problem)),
    });
    let outbox = snapshot.outbox;
    let open = matches!(outbox.state, OutboxState::Open);
    let mut kept = Finding::judged(
        "outbox",
        if open {
            format!("{} / {}", outbox.waiting, outbox.failed)
        } else {
            "closed".to_owned()
        },
        outbox.problem,
    );
    if kept.problem.is_none() && outbox.failed > 0 {
        kept.state = "warning";
    }
    all.push(kept);
    let server = snapshot.server;
    all.push(Finding::judged(
        "server",
        if server.reachable {
            server.version.unwrap_or_default()
        } else {
            "-".to_owned()
        },
        server.problem,
    ));
    all.push(Finding::plain(
        "route",
        // Codes: the screens say them in the person's language, and whoever helps reads them in the file.
        format!(
            "{} ({})",
            plainly(&serde_json::json!(snapshot.route.active)),
            snapshot.route.reason
        ),
    ));
    all
}

/// What the machine offers, a line for each field.
fn of_machine(found: &Value) -> Vec<Finding> {
    let lines = found.as_object().into_iter().flatten();
    lines
        .map(|(name, value)| Finding::plain(&format!("machine.{name}"), plainly(value)))
        .collect()
}

fn plainly(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
