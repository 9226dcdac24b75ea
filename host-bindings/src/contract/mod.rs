//! The contract in Rust: the types of `wit/`, the list of abilities and the [`Provider`] trait.
//!
//! Generated at build time (see `build/main.rs`); only what WIT cannot say is written by hand: how errors are built and
//! printed. The types are the ones that cross into components, that the native provider returns, and that CLI and HTTP
//! API print as JSON: there is no second set and nothing to convert.

mod error;

use crate::blobs::Blob;
use crate::call::Call;

#[allow(clippy::all, reason = "generated from the WIT, whose shape decides")]
mod generated {
    use super::{Blob, Call};
    use crate::component::Function;

    include!(concat!(env!("OUT_DIR"), "/contract.rs"));
}

pub use generated::*;

/// A part of a list.
pub trait Page {
    /// What the list is of.
    type Item;

    /// The items, and the cursor of the next part; none when this was the last.
    fn into_parts(self) -> (Vec<Self::Item>, Option<String>);
}
