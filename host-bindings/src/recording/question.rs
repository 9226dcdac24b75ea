//! What was asked, for a person.

use serde_json::Value;

use crate::text::clean;

/// Bytes of a question that a message repeats.
const QUOTED_BYTES: usize = 200;

/// Whether a host call is a request.
pub(super) fn is_request(asked: &Value) -> bool {
    request(asked).is_some()
}

fn request(asked: &Value) -> Option<&Value> {
    asked.as_object()?.values().next()?.get("request")
}

/// `GET api/vms` for a request; the host call's name and arguments for others.
pub(super) fn describe(asked: &Value) -> String {
    let text = match request(asked) {
        Some(request) => {
            let part = |name: &str| request[name].as_str().unwrap_or_default();
            let path = request["path"].as_array().into_iter().flatten();
            let path: Vec<&str> = path.filter_map(Value::as_str).collect();
            let query = request["query"].as_array().is_some_and(|query| !query.is_empty());
            let body = request["body"] != Value::Array(Vec::new());
            let rest = match (query, body) {
                (true, true) => " with this query and body",
                (true, false) => " with this query",
                (false, true) => " with this body",
                (false, false) => "",
            };
            format!("`{} {}/{}`{rest}", part("method"), part("endpoint"), path.join("/"))
        }
        None => {
            let call = asked.as_object().and_then(|asked| asked.iter().next());
            call.map_or_else(String::new, |(name, arguments)| format!("`{name} {arguments}`"))
        }
    };
    clean(&text, QUOTED_BYTES)
}
