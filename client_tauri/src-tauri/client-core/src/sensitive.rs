//! What must never be printed: tokens, keys, passphrases, what people said.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::Zeroize;

const HIDDEN: &str = "[hidden]";

/// Holds a secret: `Debug` and `Display` print a placeholder, memory is overwritten when it is dropped, and it cannot
/// be serialised by accident because it does not implement `Serialize`.
#[derive(Clone, PartialEq, Eq)]
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Takes the secret in.
    pub fn new(secret: T) -> Self {
        Self(secret)
    }

    /// The secret itself, for the one place that needs it.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Sensitive<T> {
    fn from(secret: T) -> Self {
        Self::new(secret)
    }
}

impl<T: Zeroize> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T: Zeroize> fmt::Display for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<'de, T: Zeroize + Deserialize<'de>> Deserialize<'de> for Sensitive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::Sensitive;

    #[derive(Debug)]
    #[allow(dead_code)]
    struct Session {
        user: &'static str,
        token: Sensitive<String>,
    }

    #[test]
    fn a_secret_is_never_printed() {
        let session = Session {
            user: "anna",
            token: String::from("s3cret").into(),
        };
        let printed = format!("{session:?} {session:#?} {}", session.token);
        assert!(!printed.contains("s3cret"));
        assert!(printed.contains("[hidden]") && printed.contains("anna"));
        assert_eq!(session.token.expose(), "s3cret");
    }

    #[test]
    fn a_secret_can_be_read_but_not_written() {
        let token: Sensitive<String> = serde_json::from_str("\"abc\"").unwrap();
        assert_eq!(token.expose(), "abc");
    }
}
