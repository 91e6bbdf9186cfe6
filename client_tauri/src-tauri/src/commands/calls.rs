//! Calls of the chosen server, as the screens write them.

use std::sync::Arc;

use client_core::account::Server;
use client_core::api::Call;
use client_core::desk::Desk;
use client_core::view::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::fault::{Answer, Fault};

/// A call as it comes from a screen: the query is an object there.
#[derive(Debug, Deserialize)]
pub struct ScreenCall {
    method: String,
    path: String,
    #[serde(default)]
    query: Map<String, Value>,
    #[serde(default)]
    body: Option<Value>,
}

impl From<ScreenCall> for Call {
    fn from(call: ScreenCall) -> Self {
        let query = call
            .query
            .into_iter()
            .filter_map(|(name, value)| match value {
                Value::Null => None,
                Value::String(text) => Some((name, text)),
                other => Some((name, other.to_string())),
            });
        Self {
            method: call.method,
            path: call.path,
            query: query.collect(),
            body: call.body,
        }
    }
}

/// A `POST` of our own.
#[must_use]
pub fn post(path: String, body: Value) -> Call {
    Call {
        method: "POST".to_owned(),
        path,
        query: Vec::new(),
        body: Some(body),
    }
}

/// A `GET` of our own.
#[must_use]
pub fn get(path: &str) -> Call {
    Call {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: Vec::new(),
        body: None,
    }
}

/// The server the screens talk to.
///
/// # Errors
/// `client.no_server` before one was chosen, or while the one on this computer is not there yet.
pub fn server_of(desk: &Desk) -> Answer<Arc<Server>> {
    desk.server().ok_or_else(|| {
        Fault(
            Problem::new("client.no_server", "no server is there yet").with_action("choose_server"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_becomes_names_and_values_and_what_is_not_given_is_left_out() {
        let call: ScreenCall = serde_json::from_value(serde_json::json!({
            "method": "GET", "path": "/v1/history", "query": {"limit": 20, "search": "слово", "before": null, "all": true}
        }))
        .unwrap();
        let mut query = Call::from(call).query;
        query.sort();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            query,
            [
                pair("all", "true"),
                pair("limit", "20"),
                pair("search", "слово")
            ]
        );
    }
}
