//! How errors of the contract are built and printed.

use std::fmt;

use super::{Error, ErrorKind, Subject};

impl Error {
    /// An error of this kind with a message for a person.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            request_id: None,
        }
    }

    /// The provider does not have this function.
    pub fn unsupported(function: &str) -> Self {
        Self::new(
            ErrorKind::Unsupported(function.to_owned()),
            format!("this provider does not have `{function}`"),
        )
    }

    /// There is no such thing.
    pub fn not_found(noun: &str, name: &str) -> Self {
        let subject = Subject {
            noun: noun.to_owned(),
            name: name.to_owned(),
        };
        Self::new(ErrorKind::NotFound(subject), format!("there is no {noun} `{name}`"))
    }

    /// A thing of that name exists already.
    pub fn already_exists(noun: &str, name: &str) -> Self {
        let subject = Subject {
            noun: noun.to_owned(),
            name: name.to_owned(),
        };
        Self::new(
            ErrorKind::AlreadyExists(subject),
            format!("{noun} `{name}` exists already"),
        )
    }

    /// An argument cannot be used.
    pub fn invalid_argument(field: &str, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument(field.to_owned()), message)
    }

    /// A defect of ours or of the provider.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::RateLimited(_) | ErrorKind::Unavailable)
    }
}

impl ErrorKind {
    /// The kind's name in the contract: `not-found`.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "not-found",
            Self::AlreadyExists(_) => "already-exists",
            Self::Ambiguous(_) => "ambiguous",
            Self::InvalidArgument(_) => "invalid-argument",
            Self::Unsupported(_) => "unsupported",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied => "denied",
            Self::QuotaExceeded(_) => "quota-exceeded",
            Self::Conflict => "conflict",
            Self::RateLimited(_) => "rate-limited",
            Self::TimedOut => "timed-out",
            Self::Unavailable => "unavailable",
            Self::Upstream(_) => "upstream",
            Self::Internal => "internal",
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if let Some(id) = &self.request_id {
            write!(formatter, " (request id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
