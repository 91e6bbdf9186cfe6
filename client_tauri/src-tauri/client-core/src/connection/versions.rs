//! Which of two versions is the older one, so that the right side is brought up to date.

use std::cmp::Ordering;

use crate::api::ApiError;
use crate::view::Problem;

/// What to say when a server does not speak our protocol. Server and programs are released together and count alike.
pub(super) fn problem(own: &str, server: &str) -> Problem {
    match numbers(server).cmp(&numbers(own)) {
        Ordering::Less => Problem::new(
            "server.older",
            "the server is older than this program: whoever runs it has to update it",
        ),
        Ordering::Greater => Problem::new(
            "server.newer",
            "this program is older than the server: update it",
        )
        .with_action("update"),
        Ordering::Equal => ApiError::OtherVersion.problem(),
    }
}

fn numbers(version: &str) -> Vec<u64> {
    let parts = version.split(|letter: char| !letter.is_ascii_digit());
    parts.filter_map(|part| part.parse().ok()).take(3).collect()
}

#[cfg(test)]
mod tests {
    use super::problem;

    #[test]
    fn the_older_side_is_named() {
        for (own, server, code) in [
            ("1.2.0", "1.1.9", "server.older"),
            ("1.2.0", "1.10.0", "server.newer"),
            ("1.2.0", "2.0.0rc1", "server.newer"),
            ("1.2.0", "1.2.0", "server.other_version"),
        ] {
            assert_eq!(problem(own, server).code, code, "{own} {server}");
        }
    }
}
