//! The conversation with AWS's REST services, S3 and Route 53: a request with its own method and path, and an answer that
//! is a document or nothing.

use roxmltree::Document;

use stockade_provider::host::Host;
use stockade_provider::retry::Retry;
use stockade_provider::types::{Error, Request, Response, Subject};

use crate::client::Client;
use crate::error::{self, Context};
use crate::xml::Element;

impl<H: Host> Client<'_, H> {
    /// Sends a request, again where that is safe, and answers whatever came.
    pub(crate) fn rest(&self, request: &Request, doing: &str) -> Result<Response, Error> {
        let outcome = Retry::default().send_judged(self.host(), request, judge);
        outcome.map_err(|fault| error::from_fault(&fault, &self.context(doing, None)))
    }

    /// The answer, if it is a success; `subject` is what the request was about.
    pub(crate) fn expect_success(
        &self,
        response: Response,
        doing: &str,
        subject: Option<Subject>,
    ) -> Result<Response, Error> {
        if response.is_success() {
            return Ok(response);
        }
        Err(error::from_response(&response, &self.context(doing, subject)))
    }

    /// What is known about a call when it fails.
    pub(crate) fn context<'d>(&self, doing: &'d str, subject: Option<Subject>) -> Context<'d> {
        Context {
            function: self.function(),
            doing,
            subject,
        }
    }
}

/// Whether another attempt helps: yes when too many requests came, no when the code stands.
pub(crate) fn judge(response: &Response) -> Option<bool> {
    match error::code(response)?.as_str() {
        code if error::is_throttling(code) => Some(true),
        code if error::is_final(code) => Some(false),
        _ => None,
    }
}

/// Reads a document whose root is called `root`: anything else comes from somebody else on the way.
pub(crate) fn document<T>(
    response: &Response,
    root: &str,
    doing: &str,
    parse: impl FnOnce(Element<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let unreadable = |why: &str| {
        let message = format!(
            "while {doing}: the answer is not one of AWS: {why}: {}",
            response.text_extract()
        );
        Error::upstream(Some(response.status), None, message)
    };
    let text = std::str::from_utf8(&response.body).map_err(|_| unreadable("it is not UTF-8"))?;
    let document = Document::parse(text).map_err(|error| unreadable(&error.to_string()))?;
    let element = Element::root(&document);
    if element.name() != root {
        return Err(unreadable(&format!("its root is `{}`", element.name())));
    }
    parse(element)
}
