//! What AWS's failures are to a caller: the code decides, then the status.
//!
//! The codes and their meanings are in [`crate::error_codes`]. Every error carries AWS's request id where one came.

use roxmltree::Document;

use stockade_provider::error::plain_text;
use stockade_provider::types::{Error, ErrorKind, Fault, Response, Subject, UpstreamFault};

use crate::error_codes::{self, Meaning};
use crate::xml::Element;

/// What was being done when it failed.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    /// The function of the contract.
    pub(crate) function: &'static str,
    /// Completes "while …" and names the object.
    pub(crate) doing: &'a str,
    /// What the request is about.
    pub(crate) subject: Option<Subject>,
}

/// An error as AWS writes it: `Response/Errors/Error` in EC2, `ErrorResponse/Error` in the other query services and
/// Route 53, `Error` in S3.
#[derive(Debug, Default, PartialEq, Eq)]
struct Written {
    code: Option<String>,
    message: Option<String>,
    request_id: Option<String>,
}

fn written(response: &Response) -> Written {
    let header = ["x-amzn-requestid", "x-amz-request-id"]
        .iter()
        .find_map(|name| response.header(name))
        .map(str::to_owned);
    let Some(text) = std::str::from_utf8(&response.body).ok() else {
        return Written::default();
    };
    let Ok(document) = Document::parse(text) else {
        return Written {
            request_id: header,
            ..Written::default()
        };
    };
    let root = Element::root(&document);
    let error = root.below("Error");
    let part = |name| error.and_then(|error| error.string(name));
    let request_id = ["RequestID", "RequestId"].iter().find_map(|name| root.below(name));
    Written {
        code: part("Code"),
        message: part("Message"),
        request_id: request_id
            .map(|id| id.own_text().to_owned())
            .filter(|id| !id.is_empty())
            .or(header),
    }
}

/// AWS's code in an answer that is not 2xx; none when it has none.
pub(crate) fn code(response: &Response) -> Option<String> {
    if response.is_success() {
        return None;
    }
    written(response).code
}

/// AWS's code and words in a body that says `Error` although its status is a success; none when it is another document.
pub(crate) fn inside_success(response: &Response) -> Option<(String, String)> {
    let text = std::str::from_utf8(&response.body).ok()?;
    let document = Document::parse(text).ok()?;
    let root = Element::root(&document);
    let words = root.string("Message").unwrap_or_default();
    (root.name() == "Error").then(|| Some((root.string("Code")?, words)))?
}

/// Whether a code means that the request was refused unseen because there were too many.
pub(crate) fn is_throttling(code: &str) -> bool {
    error_codes::meaning(code) == Some(Meaning::RateLimited)
}

/// Whether a code stands whatever the status: neither throttling nor a failure of AWS itself.
pub(crate) fn is_final(code: &str) -> bool {
    error_codes::meaning(code).is_some_and(|meaning| !matches!(meaning, Meaning::RateLimited | Meaning::Unavailable))
}

/// The error of a request without a response.
pub(crate) fn from_fault(fault: &Fault, context: &Context<'_>) -> Error {
    let mut error = fault.to_error(context.doing);
    if *fault == Fault::Dns {
        error.message.push_str("; is the connection's `region` one of AWS's?");
    }
    error
}

/// The error of an answer that is not 2xx.
pub(crate) fn from_response(response: &Response, context: &Context<'_>) -> Error {
    let Written {
        code,
        message,
        request_id,
    } = written(response);
    let Some(code) = code else {
        let mut error = Error::from_status(response, context.doing, None);
        error.request_id = error.request_id.or(request_id);
        if response.status == 501 {
            error.kind = ErrorKind::Unsupported(context.function.to_owned());
        }
        return error;
    };
    let words = plain_text(message.as_deref().unwrap_or_default());
    let mut error = from_code(&code, &words, Some(response.status), context);
    error.request_id = request_id;
    if let (ErrorKind::RateLimited(delay), Some(wish)) = (&mut error.kind, response.retry_after_ms(None)) {
        *delay = Some(wish);
    }
    error
}

/// The error that a code stands for; also those that AWS gives as the reason of a state.
pub(crate) fn from_code(code: &str, words: &str, status: Option<u16>, context: &Context<'_>) -> Error {
    let kind = match error_codes::meaning(code) {
        Some(Meaning::Unauthenticated) => ErrorKind::Unauthenticated,
        Some(Meaning::Denied) => ErrorKind::Denied,
        Some(Meaning::RateLimited) => ErrorKind::RateLimited(None),
        Some(Meaning::Quota) => ErrorKind::QuotaExceeded(Some(code.to_owned())),
        Some(Meaning::Conflict) => ErrorKind::Conflict,
        Some(Meaning::Unavailable) => ErrorKind::Unavailable,
        Some(Meaning::TimedOut) => ErrorKind::TimedOut,
        Some(Meaning::Unsupported) => ErrorKind::Unsupported(context.function.to_owned()),
        Some(Meaning::Invalid) => ErrorKind::InvalidArgument(field(words)),
        Some(Meaning::InvalidField(field)) => ErrorKind::InvalidArgument(field.to_owned()),
        Some(Meaning::NotFound(noun)) => ErrorKind::NotFound(subject(noun, words, context)),
        Some(Meaning::AlreadyExists(noun)) => ErrorKind::AlreadyExists(subject(noun, words, context)),
        None => ErrorKind::Upstream(UpstreamFault {
            status,
            code: Some(code.to_owned()),
        }),
    };
    let advice = match kind {
        ErrorKind::Unauthenticated if code == "RequestExpired" || code == "RequestTimeTooSkewed" => {
            "; set the clock of the machine that Stockade runs on"
        }
        _ => "",
    };
    Error::new(kind, format!("while {}: {code}: {words}{advice}", context.doing))
}

/// The thing that an error is about: the caller's word for it when the nouns agree, AWS's own words otherwise.
fn subject(noun: &str, words: &str, context: &Context<'_>) -> Subject {
    match &context.subject {
        Some(subject) if subject.noun == noun => subject.clone(),
        other => {
            let name = quoted(words).or(other.as_ref().map(|subject| subject.name.as_str()));
            Subject::new(noun, name.unwrap_or("unknown"))
        }
    }
}

/// The first text between single quotes or square brackets: `The instance ID 'i-1' does not exist`, `[ami-1]`.
fn quoted(words: &str) -> Option<&str> {
    [('\'', '\''), ('[', ']')].into_iter().find_map(|(open, close)| {
        let (_, rest) = words.split_once(open)?;
        rest.split_once(close).map(|(inner, _)| inner)
    })
}

/// The field that a complaint about a parameter is about, in the contract's words where it has one: `Value (x) for
/// parameter instanceType is invalid`.
fn field(words: &str) -> String {
    let parameter = words
        .split_once("parameter ")
        .map(|(_, rest)| rest.split_whitespace().next().unwrap_or_default())
        .unwrap_or_default()
        .trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let known = match parameter.to_ascii_lowercase().as_str() {
        "" => "options",
        "instancetype" => "flavor",
        "imageid" => "image",
        "availabilityzone" => "location",
        "subnetid" => "nics.subnet",
        "groupid" | "securitygroupid" | "groupids" => "security-groups",
        "userdata" => "user-data",
        "size" | "volumesize" => "size-gib",
        "volumetype" => "pool",
        "address" | "privateipaddress" => "nics.address",
        _ => parameter,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(subject: Option<Subject>) -> Context<'static> {
        Context {
            function: "get-vm",
            doing: "reading vm `a`",
            subject,
        }
    }

    fn ec2(code: &str, message: &str) -> Response {
        Response::new(400).with_body(format!(
            "<?xml version=\"1.0\"?><Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error>\
             </Errors><RequestID>r-1</RequestID></Response>"
        ))
    }

    #[test]
    fn each_service_writes_its_errors_its_own_way_and_all_keep_the_request_id() {
        for (body, code) in [
            (
                "<ErrorResponse xmlns=\"x\"><Error><Type>Sender</Type><Code>Throttling</Code><Message>m</Message></Error>\
                 <RequestId>r-1</RequestId></ErrorResponse>",
                "Throttling",
            ),
            (
                "<Error><Code>SlowDown</Code><Message>m</Message><RequestId>r-1</RequestId></Error>",
                "SlowDown",
            ),
        ] {
            let error = from_response(&Response::new(503).with_body(body), &context(None));
            assert_eq!(error.kind, ErrorKind::RateLimited(None), "{code}");
            assert_eq!(error.request_id.as_deref(), Some("r-1"));
            assert_eq!(error.message, format!("while reading vm `a`: {code}: m"));
        }
    }

    #[test]
    fn a_missing_thing_is_named_as_the_caller_did_or_by_awss_words() {
        let answer = ec2("InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist");
        let error = from_response(&answer, &context(Some(Subject::new("vm", "a"))));
        assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("vm", "a")));
        let answer = ec2("InvalidAMIID.NotFound", "The image id '[ami-1]' does not exist");
        let error = from_response(&answer, &context(Some(Subject::new("vm", "a"))));
        assert_eq!(error.kind, ErrorKind::NotFound(Subject::new("image", "[ami-1]")));
    }

    #[test]
    fn a_complaint_about_a_parameter_names_the_field() {
        let answer = ec2(
            "InvalidParameterValue",
            "Value (x) for parameter instanceType is invalid.",
        );
        assert_eq!(
            from_response(&answer, &context(None)).kind,
            ErrorKind::InvalidArgument("flavor".to_owned())
        );
    }

    #[test]
    fn what_has_no_code_goes_by_the_status_and_what_has_an_unknown_one_keeps_it() {
        let error = from_response(&Response::new(501).with_body("<h1>no</h1>"), &context(None));
        assert_eq!(error.kind, ErrorKind::Unsupported("get-vm".to_owned()));
        let error = from_response(&ec2("SomethingNew", "m"), &context(None));
        let code = Some("SomethingNew".to_owned());
        assert_eq!(
            error.kind,
            ErrorKind::Upstream(UpstreamFault {
                status: Some(400),
                code
            })
        );
    }
}
