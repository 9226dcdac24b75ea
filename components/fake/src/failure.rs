//! Failures on demand: a connection option says which function fails, how, and how often.

use stockade_provider::types::{Error, ErrorKind, Subject, UpstreamFault};

/// One rule of `fail_on`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FailureRule {
    /// The function in the contract's words.
    pub(crate) function: String,
    /// How it fails.
    pub(crate) kind: ErrorKind,
    /// How often; none for always.
    pub(crate) times: Option<u32>,
}

impl FailureRule {
    /// Reads `function:kind` or `function:kind:times`.
    pub(crate) fn parse(rule: &str) -> Result<Self, Error> {
        let mut parts = rule.split(':');
        let (Some(function), Some(kind), times, None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(invalid(rule, "write `function:kind` or `function:kind:times`"));
        };
        let kind = kind_of(kind, function).ok_or_else(|| invalid(rule, "there is no such error kind"))?;
        let times = times.map(|times| {
            times
                .parse::<u32>()
                .map_err(|_| invalid(rule, "the times must be a number"))
        });
        Ok(Self {
            function: function.to_owned(),
            kind,
            times: times.transpose()?,
        })
    }

    /// The error that the rule makes.
    pub(crate) fn error(&self) -> Error {
        Error::new(
            self.kind.clone(),
            format!(
                "`{}` fails because the connection's option `fail_on` says so",
                self.function
            ),
        )
    }
}

fn invalid(rule: &str, why: &str) -> Error {
    Error::invalid_argument("fail_on", format!("`{rule}` is no rule for failures: {why}"))
}

fn kind_of(word: &str, function: &str) -> Option<ErrorKind> {
    let subject = || Subject::new("vm", "simulated");
    Some(match word {
        "not-found" => ErrorKind::NotFound(subject()),
        "already-exists" => ErrorKind::AlreadyExists(subject()),
        "invalid-argument" => ErrorKind::InvalidArgument("simulated".to_owned()),
        "unsupported" => ErrorKind::Unsupported(function.to_owned()),
        "unauthenticated" => ErrorKind::Unauthenticated,
        "denied" => ErrorKind::Denied,
        "quota-exceeded" => ErrorKind::QuotaExceeded(Some("simulated".to_owned())),
        "conflict" => ErrorKind::Conflict,
        "rate-limited" => ErrorKind::RateLimited(Some(10)),
        "timed-out" => ErrorKind::TimedOut,
        "unavailable" => ErrorKind::Unavailable,
        "upstream" => ErrorKind::Upstream(UpstreamFault {
            status: Some(500),
            code: Some("Simulated".to_owned()),
        }),
        "internal" => ErrorKind::Internal,
        _ => return None,
    })
}
