//! Bytes in JSON: as text where they are text, so that people can read and edit recordings.
//!
//! Serde writes bytes as an array of numbers. Here that becomes `{"$text": "…"}` or `{"$base64": "…"}`, and back. No name
//! of the contract begins with a dollar sign, and none of its lists is of small numbers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::redact::Redaction;

const TEXT: &str = "$text";
const BASE64: &str = "$base64";

/// The form for people, without what must not be seen.
pub(super) fn readable(value: Value, redaction: &Redaction) -> Value {
    match value {
        Value::Array(items) => match bytes(&items) {
            Some(bytes) => match String::from_utf8(redaction.bytes(bytes)) {
                Ok(text) => json!({ TEXT: text }),
                Err(error) => json!({ BASE64: STANDARD.encode(error.as_bytes()) }),
            },
            None => items.into_iter().map(|item| readable(item, redaction)).collect(),
        },
        Value::Object(fields) => {
            let fields = fields.into_iter();
            Value::Object(fields.map(|(name, value)| (name, readable(value, redaction))).collect())
        }
        Value::String(text) => Value::String(redaction.text(text)),
        other => other,
    }
}

/// Serde's form again; none when a text is not what it says.
pub(super) fn plain(value: Value) -> Option<Value> {
    Some(match value {
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key(TEXT) => match fields.remove(TEXT)? {
            Value::String(text) => text.into_bytes().into(),
            _ => return None,
        },
        Value::Object(mut fields) if fields.len() == 1 && fields.contains_key(BASE64) => match fields.remove(BASE64)? {
            Value::String(text) => STANDARD.decode(text).ok()?.into(),
            _ => return None,
        },
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(name, value)| Some((name, plain(value)?)));
            Value::Object(fields.collect::<Option<_>>()?)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(plain).collect::<Option<_>>()?),
        other => other,
    })
}

/// The bytes that an array is; none for other arrays, and for the empty one, which needs no other form.
fn bytes(items: &[Value]) -> Option<Vec<u8>> {
    let byte = |item: &Value| item.as_u64().and_then(|number| u8::try_from(number).ok());
    if items.is_empty() {
        return None;
    }
    items.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{OptionEntry, OptionValue};

    #[test]
    fn bytes_are_readable_and_come_back() {
        let value =
            json!({"Ok": {"body": b"text \xc3\xa9", "rest": [0xff, 0], "none": [], "many": [[1], ["a"]], "n": 300}});
        let form = readable(value.clone(), &Redaction::default());
        assert_eq!(
            form,
            json!({"Ok": {"body": {"$text": "text é"}, "rest": {"$base64": "/wA="}, "none": [],
                   "many": [{"$text": "\u{1}"}, ["a"]], "n": 300}})
        );
        assert_eq!(plain(form), Some(value));
        assert_eq!(plain(json!({"a": {"$base64": "***"}})), None);
    }

    #[test]
    fn secrets_are_blotted_out_of_texts_and_of_bytes() {
        let secrets = ["canary-secret", "short"].map(str::to_owned).to_vec();
        let mut redaction = Redaction::default();
        redaction.hide(&OptionEntry {
            name: "pins".to_owned(),
            value: OptionValue::TextList(secrets),
        });
        let mut binary = b"\xff canary-secret".to_vec();
        binary.extend([0xfe]);
        let value = json!({"a": "x canary-secret y", "b": b"canary-secretcanary-secret", "c": binary, "d": "short"});
        let form = readable(value, &redaction);
        assert!(!form.to_string().contains("canary-secret"), "{form}");
        assert_eq!((&form["a"], &form["d"]), (&json!("x [secret] y"), &json!("short")));
        assert_eq!(form["b"], json!({"$text": "[secret][secret]"}));
        let bytes = plain(form["c"].clone()).unwrap();
        assert_eq!(bytes, json!(b"\xff [secret]\xfe"));
    }
}
