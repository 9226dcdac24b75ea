//! The body of a login that a provider describes.
//!
//! A value cannot leave its place, by construction: a JSON document is parsed before it is filled and written afterwards,
//! a form is made of encoded pairs, and an XML document is checked to have places in text and attribute values only,
//! where the five escaped characters mean nothing.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

use super::CredentialError;
use super::template::Template;

/// A login's body, to be filled with the user, the password and the connection's options.
#[derive(Debug, Clone)]
pub enum SessionBody {
    /// None.
    Empty,
    /// Form fields: names and values.
    Form(Vec<(String, Template)>),
    /// A JSON document, with places in its strings. Names are no place for values.
    Json(Value),
    /// An XML document, checked by [`SessionBody::xml`].
    Xml(Template),
}

impl SessionBody {
    /// A JSON body.
    ///
    /// # Errors
    /// When the text is no JSON.
    pub fn json(text: &str) -> Result<Self, CredentialError> {
        let document = serde_json::from_str(text)
            .map_err(|error| CredentialError::Description(format!("the body is no JSON: {error}")))?;
        Ok(Self::Json(document))
    }

    /// An XML body.
    ///
    /// # Errors
    /// When the text is no XML document, or has parts where a value could be read as something else.
    pub fn xml(text: &str) -> Result<Self, CredentialError> {
        let refused =
            |why: String| CredentialError::Description(format!("the body is no XML that can be filled: {why}"));
        let after_declaration = match text.strip_prefix("<?xml ") {
            Some(rest) => rest.split_once("?>").map_or("", |(_, rest)| rest),
            None => text,
        };
        if after_declaration.contains("<!") || after_declaration.contains("<?") {
            return Err(refused("it has comments, sections or instructions".to_owned()));
        }
        // Braces are no part of XML names: where a place stands in a document that is well-formed is text or a value.
        roxmltree::Document::parse(text).map_err(|error| refused(error.to_string()))?;
        Ok(Self::Xml(Template::parse(text)))
    }

    /// Its media type; none for an empty body.
    pub(super) fn content_type(&self) -> Option<&'static str> {
        match self {
            Self::Empty => None,
            Self::Form(_) => Some("application/x-www-form-urlencoded"),
            Self::Json(_) => Some("application/json"),
            Self::Xml(_) => Some("text/xml; charset=utf-8"),
        }
    }

    /// Fills it.
    pub(super) fn fill<'a>(
        &self,
        value: &impl Fn(&str) -> Option<&'a str>,
    ) -> Result<Zeroizing<String>, CredentialError> {
        match self {
            Self::Empty => Ok(Zeroizing::default()),
            Self::Form(fields) => {
                let filled = fields
                    .iter()
                    .map(|(name, template)| Ok((name.as_str(), template.fill(value)?)))
                    .collect::<Result<Vec<_>, CredentialError>>()?;
                Ok(form(filled.iter().map(|(name, value)| (*name, value.as_str()))))
            }
            Self::Json(document) => {
                let mut document = document.clone();
                fill_json(&mut document, value)?;
                let text = Zeroizing::new(document.to_string());
                wipe(&mut document);
                Ok(text)
            }
            Self::Xml(template) => {
                let filled = template.fill_escaped(value, escape_xml)?;
                // XML 1.0, section 2.2: no other control character can be written, escaped or not.
                let is_writable = |c: char| !c.is_control() || matches!(c, '\t' | '\n' | '\r');
                if filled.chars().all(is_writable) && !filled.contains(['\u{fffe}', '\u{ffff}']) {
                    Ok(filled)
                } else {
                    Err(CredentialError::Value)
                }
            }
        }
    }
}

/// Pairs as a form: <https://url.spec.whatwg.org/#application/x-www-form-urlencoded>, with more characters encoded than
/// must be.
pub(super) fn form<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::new());
    for (name, value) in pairs {
        if !text.is_empty() {
            text.push('&');
        }
        text.extend(utf8_percent_encode(name, NON_ALPHANUMERIC));
        text.push('=');
        text.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
    }
    text
}

fn fill_json<'a>(document: &mut Value, value: &impl Fn(&str) -> Option<&'a str>) -> Result<(), CredentialError> {
    match document {
        Value::String(text) => *text = std::mem::take(&mut *Template::parse(text).fill(value)?),
        Value::Array(items) => {
            for item in items {
                fill_json(item, value)?;
            }
        }
        Value::Object(members) => {
            for member in members.values_mut() {
                fill_json(member, value)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// Wipes the strings of a document.
fn wipe(document: &mut Value) {
    match document {
        Value::String(text) => zeroize::Zeroize::zeroize(text),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn escape_xml(text: &str, filled: &mut String) {
    for character in text.chars() {
        match character {
            '&' => filled.push_str("&amp;"),
            '<' => filled.push_str("&lt;"),
            '>' => filled.push_str("&gt;"),
            '"' => filled.push_str("&quot;"),
            '\'' => filled.push_str("&apos;"),
            // Attribute values are normalised: XML 1.0, section 3.3.3.
            '\t' => filled.push_str("&#9;"),
            '\n' => filled.push_str("&#10;"),
            '\r' => filled.push_str("&#13;"),
            other => filled.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that means something somewhere.
    const PASSWORD: &str = "\"}],'/><!--&amp;]]>\\ {user}\t%26&x=1+ä\r\n";

    fn fill(body: &SessionBody) -> String {
        let value = |name: &str| match name {
            "user" => Some("me@local"),
            "password" => Some(PASSWORD),
            _ => None,
        };
        body.fill(&value).unwrap().to_string()
    }

    #[test]
    fn a_password_arrives_as_it_is_and_stays_in_its_place() {
        let json = SessionBody::json(r#"{"auth": ["{user}", {"secret": "x{password}"}], "n": 1}"#).unwrap();
        let read: Value = serde_json::from_str(&fill(&json)).unwrap();
        assert_eq!(
            read,
            serde_json::json!({"auth": ["me@local", {"secret": format!("x{PASSWORD}")}], "n": 1})
        );

        let xml = SessionBody::xml("<?xml version=\"1.0\"?><a><u k='{user}' p=\"{password}\"/>{password}</a>").unwrap();
        let text = fill(&xml);
        let read = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(read.root_element().last_child().unwrap().text(), Some(PASSWORD));
        let element = read.root_element().first_element_child().unwrap();
        assert_eq!(element.attribute("p"), Some(PASSWORD));
        assert_eq!(read.root_element().children().count(), 2);

        let fields = vec![
            ("user name".to_owned(), Template::parse("{user}")),
            ("p".to_owned(), Template::parse("{password}")),
        ];
        let text = fill(&SessionBody::Form(fields));
        let pairs: Vec<(String, String)> = text
            .split('&')
            .map(|pair| {
                let decode = |part: &str| {
                    percent_encoding::percent_decode_str(part)
                        .decode_utf8()
                        .unwrap()
                        .into_owned()
                };
                pair.split_once('=')
                    .map(|(name, value)| (decode(name), decode(value)))
                    .unwrap()
            })
            .collect();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(pairs, [pair("user name", "me@local"), pair("p", PASSWORD)]);
    }

    #[test]
    fn documents_in_which_a_value_could_mean_something_else_are_refused() {
        for text in [
            "<a><!-- {password} --></a>",
            "<a><![CDATA[{password}]]></a>",
            "<!DOCTYPE a [<!ENTITY x \"{password}\">]><a/>",
            "<a><?p {password}?></a>",
            "<{password}/>",
            "<a {password}='1'/>",
            "<a b={password}/>",
            "<a>&{password};</a>",
            "<a>",
        ] {
            assert!(SessionBody::xml(text).is_err(), "{text}");
        }
        assert!(SessionBody::json("{\"a\": {password}}").is_err());
        let control = |name: &str| (name == "password").then_some("a\u{1}b");
        assert!(SessionBody::xml("<a>{password}</a>").unwrap().fill(&control).is_err());
    }
}
