//! What a program says, line by line, of both its outputs.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader, Split};
use tokio::process::{ChildStderr, ChildStdout};

/// Both outputs of a running program. It stays until both are closed, so that nothing it writes is refused.
pub(super) struct Output {
    out: Option<Split<BufReader<ChildStdout>>>,
    errors: Option<Split<BufReader<ChildStderr>>>,
}

impl Output {
    pub(super) fn new(out: Option<ChildStdout>, errors: Option<ChildStderr>) -> Self {
        Self {
            out: out.map(|from| BufReader::new(from).split(b'\n')),
            errors: errors.map(|from| BufReader::new(from).split(b'\n')),
        }
    }

    /// The next line of either, without its end; `None`, at once and ever after, when both are closed. What is not text is shown as
    /// U+FFFD. A future that is dropped loses nothing.
    pub(super) async fn line(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                line = next(&mut self.out), if self.out.is_some() => match line {
                    Some(line) => return Some(line),
                    None => self.out = None,
                },
                line = next(&mut self.errors), if self.errors.is_some() => match line {
                    Some(line) => return Some(line),
                    None => self.errors = None,
                },
                else => return None,
            }
        }
    }
}

async fn next(from: &mut Option<Split<BufReader<impl AsyncRead + Unpin>>>) -> Option<String> {
    let line = from.as_mut()?.next_segment().await.ok()??;
    let line = String::from_utf8_lossy(&line);
    Some(line.strip_suffix('\r').unwrap_or(&line).to_owned())
}
