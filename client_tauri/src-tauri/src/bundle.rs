//! The file somebody sends who asks for help: what was found, and the ends of the logs. No text, no sound, no token, no address.
//!
//! The logs hold none of these to begin with; here whatever looks like one is taken out all the same, because this leaves the
//! computer.

use std::fmt::Write;
use std::path::Path;

use crate::diagnosis::Finding;

/// Bytes of the end of the log that go along.
const LOG_END: usize = 64 * 1024;

/// The whole bundle as text.
#[must_use]
pub fn written(findings: &[Finding], log: &Path) -> String {
    let mut text = format!("AlfaVoice {} diagnostics\n\n", env!("CARGO_PKG_VERSION"));
    for finding in findings {
        // Writing into a String cannot fail.
        let _ = writeln!(
            text,
            "{:24} {:8} {}",
            finding.code,
            finding.state,
            redacted(&finding.value)
        );
        if let Some(problem) = &finding.problem {
            let _ = writeln!(text, "{:24} {}", "", problem.code);
        }
    }
    text.push_str("\n-- program\n");
    for line in end_of(log).lines() {
        text.push_str(&redacted(line));
        text.push('\n');
    }
    text
}

fn end_of(log: &Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let from = bytes.len().saturating_sub(LOG_END);
    String::from_utf8_lossy(&bytes[from..]).into_owned()
}

/// The line with every word replaced that could be a secret or a person: e-mail addresses, long opaque words, home folders, hosts.
fn redacted(line: &str) -> String {
    line.split(' ')
        .map(|word| if telling(word) { "[…]" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

fn telling(word: &str) -> bool {
    let opaque =
        word.chars().filter(char::is_ascii_alphanumeric).count() >= 32 && !word.contains("::");
    let person = word.contains('@')
        || word.contains("/home/")
        || word.contains("/Users/")
        || word.contains("\\Users\\");
    let host =
        word.contains("://") && !word.contains("://127.0.0.1") && !word.contains("://localhost");
    let speech = word
        .chars()
        .any(|letter| ('а'..='я').contains(&letter.to_lowercase().next().unwrap_or(letter)));
    opaque || person || host || speech
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_tells_of_a_person_leaves() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        std::fs::write(
            &log,
            "INFO take kept\nWARN anna@example.org /home/anna/x https://voice.example.org:8443 \
             eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9abc Привет\n",
        )
        .unwrap();
        let found = [Finding {
            code: "audio.host".into(),
            state: "good",
            value: "ALSA".into(),
            problem: None,
        }];
        let text = written(&found, &log);
        assert!(text.contains("audio.host") && text.contains("ALSA") && text.contains("take kept"));
        for secret in ["anna", "example.org", "eyJ", "Привет"] {
            assert!(!text.contains(secret), "{secret}");
        }
    }

    #[test]
    fn without_a_log_there_is_still_a_bundle() {
        assert!(written(&[], Path::new("/nowhere")).contains("diagnostics"));
    }
}
