//! What a change answers.

use stockade_provider::types::Change;

use crate::compute::Operation;

/// A change that is complete.
pub(crate) fn done(id: impl Into<String>) -> Change {
    Change {
        id: id.into(),
        pending: None,
    }
}

/// A change that goes on.
pub(crate) fn pending(id: impl Into<String>, operation: &Operation) -> Change {
    Change {
        id: id.into(),
        pending: Some(operation.token()),
    }
}
