//! Questions about grants: would this request be allowed, and which grants would have sufficed?
//!
//! Both answer with the host's own rules and decision; nothing here decides anew. No secret is read for an answer and
//! nothing is sent. The command line asks.

mod explain;
mod request;
mod suggest;

pub use explain::Explanation;
pub(crate) use explain::explain;
pub use request::SketchedRequest;
pub use suggest::Suggestion;
pub(crate) use suggest::suggest;
