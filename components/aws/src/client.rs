//! The conversation with AWS's query services: sends an action, again where that is safe, and reads the answer.

use stockade_provider::host::Host;
use stockade_provider::retry::Retry;
use stockade_provider::types::{Error, Fault, Response, Subject};

use crate::digest::digest;
use crate::error::{self, Context};
use crate::query::Query;
use crate::rest;
use crate::xml::Element;

/// AWS behind a connection, for one function of the contract.
#[derive(Debug)]
pub(crate) struct Client<'a, H> {
    host: &'a H,
    function: &'static str,
}

impl<'a, H: Host> Client<'a, H> {
    /// A client for a call of this function; an action that the cloud does not have is `unsupported` under its name.
    pub(crate) fn new(host: &'a H, function: &'static str) -> Self {
        Self { host, function }
    }

    /// The host.
    pub(crate) fn host(&self) -> &'a H {
        self.host
    }

    /// The function of the contract that is being called.
    pub(crate) fn function(&self) -> &'static str {
        self.function
    }

    /// Sends an action and reads its answer. `doing` completes "while …" and names the object.
    pub(crate) fn read<T>(
        &self,
        query: &Query,
        doing: &str,
        parse: impl FnOnce(Element<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        self.read_about(query, doing, None, parse)
    }

    /// As [`Client::read`], about one thing: an answer that it is not there names it as the caller did.
    pub(crate) fn read_about<T>(
        &self,
        query: &Query,
        doing: &str,
        subject: Option<Subject>,
        parse: impl FnOnce(Element<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let context = Context {
            function: self.function,
            doing,
            subject,
        };
        let outcome = send(self.host, query);
        let response = outcome.map_err(|fault| error::from_fault(&fault, &context))?;
        if !response.is_success() {
            return Err(error::from_response(&response, &context));
        }
        read_answer(&response, query.action(), doing, parse)
    }

    /// A creation with a token of its own, by which EC2 recognises a repetition, so that it may be sent again when its answer
    /// was lost (<https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>). For actions that take one, and for
    /// what has a name or a part that nothing else has: the clock counts milliseconds, and two that are alike would be one.
    pub(crate) fn once(&self, query: Query) -> Query {
        let token = format!("stockade-{}", digest(&format!("{query:?} {}", self.host.now())));
        query.with_client_token(&token)
    }

    /// Sends a change whose answer says nothing that is needed.
    pub(crate) fn change(&self, query: &Query, doing: &str, subject: Option<Subject>) -> Result<(), Error> {
        self.read_about(query, doing, subject, |_| Ok(()))
    }
}

/// Sends it; again when AWS asks for that by its code, and as the SDK's rules say otherwise.
fn send<H: Host>(host: &H, query: &Query) -> Result<Response, Fault> {
    let retry = Retry {
        is_repeatable: query.is_repeatable(),
        ..Retry::default()
    };
    let is_read = query.is_repeatable();
    retry.send_judged(host, &query.request(), |response| match rest::judge(response) {
        None if response.status == 500 && is_read => Some(true),
        // What says nothing in AWS's words comes from somebody on the way, who may have passed a change on.
        None if !is_read => Some(false),
        judged => judged,
    })
}

/// Reads a 2xx answer, whose root must be the action's: anything else comes from somebody else on the way.
pub(crate) fn read_answer<T>(
    response: &Response,
    action: &str,
    doing: &str,
    parse: impl FnOnce(Element<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    rest::document(response, &format!("{action}Response"), doing, parse)
}
