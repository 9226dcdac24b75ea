//! A request as a person writes it: `GET api/vms/web-1?full=1`.

use percent_encoding::percent_decode_str;
use stockade_host::http::Request;

use crate::error::{Error, Result};

/// A request that nobody sends.
#[derive(Clone, Debug, Default)]
pub struct SketchedRequest {
    /// Everything but the body.
    pub(super) request: Request,
    /// The body.
    pub(super) body: Vec<u8>,
}

impl SketchedRequest {
    /// Reads a method and `ENDPOINT/PATH?QUERY`, the path and the query percent-encoded as in a URL.
    ///
    /// # Errors
    /// `invalid-argument` when it is not of this form.
    pub fn new(method: &str, target: &str) -> Result<Self> {
        let (target, query) = target.split_once('?').unwrap_or((target, ""));
        let (endpoint, path) = target.split_once('/').unwrap_or((target, ""));
        if endpoint.is_empty() {
            return Err(form("it names no endpoint"));
        }
        if endpoint.ends_with(':') {
            return Err(form("it is a URL, and providers name endpoints"));
        }
        let path = match path {
            "" => Vec::new(),
            path => path.split('/').map(decode).collect::<Result<_>>()?,
        };
        let parameters = query.split('&').filter(|parameter| !parameter.is_empty());
        let query = parameters.map(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            Ok((decode(&name.replace('+', " "))?, decode(&value.replace('+', " "))?))
        });
        let request = Request {
            endpoint: endpoint.to_owned(),
            method: method.to_owned(),
            path,
            query: query.collect::<Result<_>>()?,
            ..Request::default()
        };
        Ok(Self {
            request,
            body: Vec::new(),
        })
    }

    /// The same request with a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same request with a body of these form fields (`application/x-www-form-urlencoded`).
    #[must_use]
    pub fn form(mut self, fields: &[(String, String)]) -> Self {
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        let fields = fields
            .iter()
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)));
        self.body = fields.collect::<Vec<_>>().join("&").into_bytes();
        self.header("content-type", "application/x-www-form-urlencoded")
    }
}

fn decode(text: &str) -> Result<String> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded
        .map(Into::into)
        .map_err(|_| form("it is not UTF-8 when decoded"))
}

fn form(problem: &str) -> Error {
    Error::invalid("request", format!("this is no request of a provider: {problem}"))
        .hint("write `METHOD ENDPOINT/PATH`, for example `GET api/vms/web-1?full=1`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_as_it_stands_in_a_url() {
        let request = SketchedRequest::new("GET", "api/vms/a%2Fb/?x=1+2&flag&y=%26")
            .unwrap()
            .request;
        assert_eq!((request.endpoint.as_str(), request.method.as_str()), ("api", "GET"));
        assert_eq!(request.path, ["vms", "a/b", ""]);
        let query: Vec<_> = request
            .query
            .iter()
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        assert_eq!(query, ["x:1 2", "flag:", "y:&"]);
        for root in ["api", "api/", "api?x=1"] {
            assert!(
                SketchedRequest::new("GET", root).unwrap().request.path.is_empty(),
                "{root}"
            );
        }
        for wrong in ["", "/vms", "https://api.example.com/vms", "api/%ff", "?x"] {
            assert!(SketchedRequest::new("GET", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn form_fields_become_a_body() {
        let fields = [("Action".to_owned(), "Describe&x=1".to_owned())];
        let sketch = SketchedRequest::new("POST", "api").unwrap().form(&fields);
        assert_eq!(sketch.body, b"Action=Describe%26x%3D1");
        assert_eq!(sketch.request.headers[0].1, "application/x-www-form-urlencoded");
    }
}
