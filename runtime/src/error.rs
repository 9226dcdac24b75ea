//! The runtime's error: what was being done, to what, why it failed, what to do.
//!
//! Its kinds are the contract's, so that a failure of a provider, of the configuration and of the runtime itself look the
//! same to a caller: a missing connection is `not-found` as a missing VM is.

use std::fmt;

use stockade_host::contract::{self, ErrorKind};

/// The result of everything in the runtime.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure, for the program and for the person who must act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What a caller can act on. Boxed details keep results small.
    inner: Box<Inner>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Inner {
    doing: Vec<String>,
    connection: Option<String>,
    cause: contract::Error,
    hints: Vec<String>,
}

impl Error {
    /// A failure of this kind.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        contract::Error::new(kind, message).into()
    }

    /// An argument or a setting that cannot be used.
    pub fn invalid(field: &str, message: impl Into<String>) -> Self {
        contract::Error::invalid_argument(field, message).into()
    }

    /// There is no such thing.
    pub fn not_found(noun: &str, name: &str) -> Self {
        contract::Error::not_found(noun, name).into()
    }

    /// A thing of that name exists already.
    pub fn already_exists(noun: &str, name: &str) -> Self {
        contract::Error::already_exists(noun, name).into()
    }

    /// A file or directory of ours could not be used.
    pub fn io(doing: impl fmt::Display, error: &std::io::Error) -> Self {
        Self::new(ErrorKind::Unavailable, format!("{doing}: {error}"))
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.inner.hints.push(hint.into());
        self
    }

    /// Adds what was being done, outermost last: `create vm `web-1``.
    #[must_use]
    pub fn while_doing(mut self, doing: impl Into<String>) -> Self {
        self.inner.doing.insert(0, doing.into());
        self
    }

    /// Says where in a file it is, before what is wrong there.
    pub(crate) fn at(mut self, place: &str) -> Self {
        self.inner.cause.message = format!("{place}: {}", self.inner.cause.message);
        self
    }

    /// Adds the connection that it happened on.
    #[must_use]
    pub fn on(mut self, connection: &str) -> Self {
        self.inner.connection = Some(connection.to_owned());
        self
    }

    /// What a caller can act on.
    pub fn kind(&self) -> &ErrorKind {
        &self.inner.cause.kind
    }

    /// The cause alone, without what was being done.
    pub fn cause(&self) -> &contract::Error {
        &self.inner.cause
    }

    /// The connection that it happened on, if it happened on one.
    pub fn connection(&self) -> Option<&str> {
        self.inner.connection.as_deref()
    }

    /// What to do about it.
    pub fn hints(&self) -> &[String] {
        &self.inner.hints
    }
}

impl From<contract::Error> for Error {
    fn from(cause: contract::Error) -> Self {
        Self {
            inner: Box::new(Inner {
                doing: Vec::new(),
                connection: None,
                cause,
                hints: Vec::new(),
            }),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(connection) = &self.inner.connection {
            write!(formatter, "connection `{connection}`: ")?;
        }
        for doing in &self.inner.doing {
            write!(formatter, "cannot {doing}: ")?;
        }
        write!(formatter, "{}", self.inner.cause)
    }
}

impl std::error::Error for Error {}

/// An error and its sources on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_what_and_why() {
        let error = Error::not_found("image", "debian")
            .while_doing("create vm `web-1`")
            .on("lab")
            .hint("list them");
        assert_eq!(
            error.to_string(),
            "connection `lab`: cannot create vm `web-1`: there is no image `debian`"
        );
        assert_eq!(error.hints(), ["list them"]);
        assert_eq!(error.kind().name(), "not-found");
    }
}
