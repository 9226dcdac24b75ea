//! What a request says, as every server reads it: the parameters that conditions look at.
//!
//! A decision must not depend on one reading of a request while the server uses another. So a parameter has a value here
//! only when it occurs exactly once, under exactly this spelling, and nothing that some server takes for the same name
//! occurs beside it: another ASCII case, `-` for `_`, a list suffix, an escape, the same name in the body for one in the
//! query. Whatever is in doubt has no value, and a condition on it does not hold.
//!
//! Bodies are read when a condition asks, and once for each request. `decide` makes a [`Reading`]; nothing is sent here.

use std::borrow::Cow;
use std::cell::OnceCell;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName};
use percent_encoding::percent_decode;

use super::condition::Parameter;
use super::credential::OutgoingBody;
use super::form::{self, Field};
use super::headers::is_alias;
use super::path_pattern::RequestPath;
use super::request::Request;
use super::soap;

const FORM: &str = "application/x-www-form-urlencoded";
const SOAP: [&str; 2] = ["text/xml", "application/soap+xml"];
/// Names the operation beside the body in SOAP 1.1.
const SOAP_ACTION: HeaderName = HeaderName::from_static("soapaction");

/// One request, read as far as conditions need it.
pub(super) struct Reading<'a> {
    request: &'a Request,
    path: RequestPath<'a>,
    headers: &'a HeaderMap,
    body: OutgoingBody<'a>,
    form: OnceCell<Option<Vec<Field<'a>>>>,
    operation: OnceCell<Option<String>>,
}

impl<'a> Reading<'a> {
    /// Reads nothing yet.
    pub(super) fn new(request: &'a Request, headers: &'a HeaderMap, body: OutgoingBody<'a>) -> Self {
        Self {
            request,
            path: RequestPath::new(&request.path),
            headers,
            body,
            form: OnceCell::new(),
            operation: OnceCell::new(),
        }
    }

    /// The request.
    pub(super) fn request(&self) -> &'a Request {
        self.request
    }

    /// Its path, for rules.
    pub(super) fn path(&self) -> &RequestPath<'a> {
        &self.path
    }

    /// The value of a parameter; none when there is no exactly one, or servers could disagree about it.
    pub(super) fn value(&self, parameter: &Parameter) -> Option<Cow<'_, str>> {
        let value = match parameter {
            Parameter::Query(name) => {
                let value = only(self.query(), name)?;
                (!self.body_may_name(name)).then_some(Cow::Borrowed(value))
            }
            Parameter::Form(name) => {
                let fields = self.form()?;
                let value = only(fields.iter().map(|field| (&*field.name, field)), name)?;
                let is_sure = value.is_plainly_written && !mentions(self.query().map(|(name, _)| name), name);
                is_sure.then(|| Cow::Borrowed(&*value.value))
            }
            Parameter::Header(name) => {
                let value = self.header(name)?;
                let names = self.query().map(|(name, _)| name);
                // Presigned requests of some vendors carry headers in the query.
                (!mentions(names, name.as_str())).then_some(Cow::Borrowed(value))
            }
            Parameter::SoapOperation => self.operation().map(Cow::Borrowed),
        };
        value.filter(|value| is_plain(value))
    }

    fn query(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let pairs = self.request.query.iter();
        pairs.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A header that occurs once, also counting its aliases.
    fn header(&self, wanted: &HeaderName) -> Option<&'a str> {
        let mut found = self.headers.iter().filter(|(name, _)| is_alias(name, wanted));
        match (found.next(), found.next()) {
            (Some((name, value)), None) if name == wanted => value.to_str().ok(),
            _ => None,
        }
    }

    fn has_header(&self, wanted: &HeaderName) -> bool {
        self.headers.keys().any(|name| is_alias(name, wanted))
    }

    /// The media type in lower case, and its parameters.
    fn content_type(&self) -> Option<(String, &'a str)> {
        let text = self.header(&CONTENT_TYPE)?;
        let (media_type, parameters) = text.split_once(';').unwrap_or((text, ""));
        let is_utf8 = content_type_parameter(parameters, "charset")
            .is_ok_and(|charset| charset.is_none_or(|charset| charset.eq_ignore_ascii_case("utf-8")));
        is_utf8.then(|| (media_type.trim().to_ascii_lowercase(), parameters))
    }

    fn bytes(&self) -> Option<&'a [u8]> {
        match self.body {
            OutgoingBody::Bytes(bytes) => Some(bytes),
            OutgoingBody::Spliced(Some(0)) => Some(&[]),
            OutgoingBody::Spliced(_) => None,
        }
    }

    /// The body's bytes, when it is of a type that passes and not compressed.
    fn bytes_of(&self, is_type: impl Fn(&str) -> bool) -> Option<&'a [u8]> {
        let (media_type, _) = self.content_type()?;
        if is_type(&media_type) && !self.has_header(&CONTENT_ENCODING) {
            self.bytes()
        } else {
            None
        }
    }

    fn form(&self) -> Option<&[Field<'a>]> {
        let form = self
            .form
            .get_or_init(|| form::parse(self.bytes_of(|media_type| media_type == FORM)?));
        form.as_deref()
    }

    fn operation(&self) -> Option<&str> {
        let operation = self.operation.get_or_init(|| {
            let operation = soap::operation(self.bytes_of(|media_type| SOAP.contains(&media_type))?)?;
            let (_, parameters) = self.content_type()?;
            let typed = content_type_parameter(parameters, "action").ok()?.unwrap_or_default();
            let headed = match self.has_header(&SOAP_ACTION) {
                true => self.header(&SOAP_ACTION)?,
                false => "",
            };
            let agree = [typed, headed].iter().all(|action| soap::agrees(action, &operation));
            agree.then_some(operation)
        });
        operation.as_deref()
    }

    /// Whether some server could find this parameter in the body.
    fn body_may_name(&self, name: &str) -> bool {
        if self.bytes().is_some_and(<[u8]>::is_empty) {
            return false;
        }
        let Some((media_type, _)) = self.content_type() else {
            return true;
        };
        if self.has_header(&CONTENT_ENCODING)
            || media_type.starts_with("multipart/")
            || media_type.starts_with("text/plain")
        {
            return true;
        }
        if media_type == FORM {
            return self
                .form()
                .is_none_or(|fields| mentions(fields.iter().map(|field| &*field.name), name));
        }
        // A server that takes every body for a form.
        self.bytes().is_some_and(|bytes| carelessly_mentions(bytes, name))
    }
}

/// The value of the only name that any server takes for this one.
fn only<'n, V>(pairs: impl Iterator<Item = (&'n str, V)>, wanted: &str) -> Option<V> {
    let mut found = None;
    for (name, value) in pairs {
        if !may_be(name, wanted) {
            continue;
        }
        if found.is_some() || name != wanted {
            return None;
        }
        found = Some(value);
    }
    found
}

fn mentions<'n>(mut names: impl Iterator<Item = &'n str>, wanted: &str) -> bool {
    names.any(|name| may_be(name, wanted))
}

/// Whether some server takes a name for another: without regard to case, `-`, `.` and blanks for `_` (PHP), a list suffix
/// cut off, or after decoding once more. Names outside of ASCII may be anything.
fn may_be(name: &str, wanted: &str) -> bool {
    !name.is_ascii() || name.contains('%') || name.chars().any(char::is_control) || is_folded(name, wanted)
}

fn is_folded(name: &str, wanted: &str) -> bool {
    let name = name.trim_matches(|edge: char| edge.is_whitespace() || edge == '+');
    // A list suffix, and what servers written in C take for the end of a text.
    let name = name
        .split(|end: char| end == '[' || end.is_control())
        .next()
        .unwrap_or(name);
    let name = name.trim_end_matches(|edge: char| edge.is_whitespace() || edge == '+');
    let folded = |byte: u8| match byte {
        b'-' | b'.' | b' ' | b'+' => b'_',
        other => other.to_ascii_lowercase(),
    };
    name.bytes().map(folded).eq(wanted.bytes().map(folded))
}

/// Whether a body holds this name for a server that splits it at whatever may separate fields, and decodes names twice.
fn carelessly_mentions(body: &[u8], wanted: &str) -> bool {
    body.split(|byte| matches!(byte, b'&' | b';' | b'\n' | b'\r' | b'?'))
        .filter_map(|field| field.split(|byte| *byte == b'=').next())
        .any(|name| {
            let once: Vec<u8> = percent_decode(name).collect();
            let twice: Vec<u8> = percent_decode(&once).collect();
            [name, &once, &twice]
                .iter()
                .any(|name| std::str::from_utf8(name).is_ok_and(|name| is_folded(name, wanted)))
        })
}

/// Whether a text is written and read the same by everybody: visible ASCII without what separates, escapes or joins.
#[must_use]
pub(super) fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'%' | b'+' | b'&' | b'=' | b';' | b','))
}

/// A parameter of a content type.
///
/// # Errors
/// When it is there twice, or in a spelling of RFC 2231 that few servers read.
fn content_type_parameter<'t>(parameters: &'t str, wanted: &str) -> Result<Option<&'t str>, ()> {
    let mut found = None;
    for parameter in parameters.split(';').map(str::trim).filter(|text| !text.is_empty()) {
        let (name, value) = parameter.split_once('=').ok_or(())?;
        let name = name.trim().to_ascii_lowercase();
        if name.contains('*') || (name == wanted && found.is_some()) {
            return Err(());
        }
        if name == wanted {
            found = Some(value.trim().trim_matches('"'));
        }
    }
    Ok(found)
}

#[cfg(test)]
#[path = "reading_tests.rs"]
mod tests;
