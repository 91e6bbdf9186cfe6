//! A server's address, as people type it and as programs need it.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// It is no address of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no address of a server")]
pub struct NotAnAddress;

/// `https://host[:port][/prefix]` without a slash at the end. Two spellings of one address are equal.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(Url);

impl Address {
    /// The address of a path of the server, which begins with a slash.
    #[must_use]
    pub fn at(&self, path: &str) -> String {
        format!("{self}{path}")
    }

    /// The address of the socket.
    #[must_use]
    pub fn stream(&self) -> String {
        let all = self.at("/v1/stream");
        match all.strip_prefix("http") {
            Some(rest) => format!("ws{rest}"),
            None => all,
        }
    }

    /// The host's name or number, without brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        let host = self.0.host_str().unwrap_or_default();
        host.trim_start_matches('[').trim_end_matches(']')
    }

    /// The port, also where it is not written.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(443)
    }

    /// Whether nobody on the way can read along. On this machine there is no way.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether passwords, tokens and speech would be read by whoever is on the way.
    #[must_use]
    pub fn is_in_clear(&self) -> bool {
        !self.is_encrypted() && !self.is_loopback()
    }

    /// Whether the server is this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        is_loopback(self.host())
    }
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl FromStr for Address {
    type Err = NotAnAddress;

    /// Reads what people type: without a scheme it is HTTPS, on this machine HTTP; blanks around it, capitals, a slash at
    /// the end and the port that goes without saying do not matter. Names and passwords in it are refused.
    fn from_str(text: &str) -> Result<Self, NotAnAddress> {
        let text = text.trim();
        if text.is_empty() || text.len() > 1000 || text.chars().any(char::is_whitespace) {
            return Err(NotAnAddress);
        }
        let mut url = if text.contains("://") {
            Url::parse(text).map_err(|_| NotAnAddress)?
        } else {
            let url = Url::parse(&format!("https://{text}")).map_err(|_| NotAnAddress)?;
            let host = url.host_str().unwrap_or_default();
            if is_loopback(host.trim_start_matches('[').trim_end_matches(']')) {
                Url::parse(&format!("http://{text}")).map_err(|_| NotAnAddress)?
            } else {
                url
            }
        };
        let fits = matches!(url.scheme(), "https" | "http")
            && url.host_str().is_some_and(|host| !host.is_empty())
            && url.username().is_empty()
            && url.password().is_none();
        if !fits {
            return Err(NotAnAddress);
        }
        url.set_query(None);
        url.set_fragment(None);
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&path);
        Ok(Self(url))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str().trim_end_matches('/'))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Address {
    type Error = NotAnAddress;

    fn try_from(text: String) -> Result<Self, NotAnAddress> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        text.parse::<Address>()
            .map_or_else(|_| "refused".to_owned(), String::from)
    }

    #[test]
    fn what_people_type_becomes_one_address() {
        for (typed, meant) in [
            ("Voice.Example.com", "https://voice.example.com"),
            (
                " https://voice.example.com:443/ ",
                "https://voice.example.com",
            ),
            ("voice.example.com/av/", "https://voice.example.com/av"),
            ("localhost:8765", "http://localhost:8765"),
            ("127.0.0.1:8765", "http://127.0.0.1:8765"),
            ("[::1]:8765", "http://[::1]:8765"),
            ("10.0.0.5:8765", "https://10.0.0.5:8765"),
            ("http://10.0.0.5:8765", "http://10.0.0.5:8765"),
            ("голос.рф", "https://xn--c1aqibp.xn--p1ai"),
            ("https://me:secret@voice.example.com", "refused"),
            ("ftp://voice.example.com", "refused"),
            ("voice example", "refused"),
            ("", "refused"),
        ] {
            assert_eq!(read(typed), meant, "{typed}");
        }
    }

    #[test]
    fn only_what_stays_on_this_machine_may_go_without_encryption() {
        for (address, in_clear) in [
            ("http://voice.example.com", true),
            ("http://10.0.0.5:8765", true),
            ("http://[fd00::7]:8765", true),
            ("http://0.0.0.0:8765", true),
            ("http://localhost.example.com", true),
            ("http://127.0.0.1.example.com", true),
            ("https://voice.example.com", false),
            ("https://10.0.0.5", false),
            ("http://LOCALHOST:8765", false),
            ("http://127.0.0.1", false),
            ("http://127.9.8.7:8765", false),
            ("http://[::1]:8765", false),
        ] {
            let read: Address = address.parse().unwrap();
            assert_eq!(read.is_in_clear(), in_clear, "{address}");
        }
    }

    #[test]
    fn an_address_leads_to_paths_and_the_socket() {
        let address: Address = "voice.example.com/av".parse().unwrap();
        assert_eq!(address.at("/v1/me"), "https://voice.example.com/av/v1/me");
        assert_eq!(address.stream(), "wss://voice.example.com/av/v1/stream");
        assert!(address.is_encrypted() && !address.is_loopback());
        assert_eq!((address.host(), address.port()), ("voice.example.com", 443));
    }
}
