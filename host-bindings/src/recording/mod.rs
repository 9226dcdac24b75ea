//! Recordings: everything that components got from outside during a run, to be given to them again.
//!
//! All that a guest can learn is an answer of its `CallHost`, so that is what is written down: responses and faults,
//! state, options, clock and random numbers, for each call of each function. Given back, the same component does the same
//! again, without network, credentials or state. Blobs and the guest's words are local and are not recorded.
//!
//! A recording is JSON lines (`line`): a header, each provider with its digest, each call, each answer with what was
//! asked. An answer is found by what is asked, within the call of the same place among the calls of one function on one
//! connection; equal questions of one call are answered in their order. So requests that ran at the same time may come in
//! any order. Responses were scrubbed of credentials before they came here; options that are secret are blotted out
//! (`redact`), and so are signatures in URLs.
//!
//! The runtime opens a [`Tape`]; `CallHost::perform` consults the part of it that is the call's.

mod call;
mod line;
mod question;
mod readable;
mod redact;
mod replay;
mod tape;
#[cfg(test)]
mod tests;

pub(crate) use call::CallTape;
pub use tape::{ConnectionTape, Tape, TapeError};

/// The most that a recording may hold, in bytes: protects the disk from a provider that asks without end.
pub const MAX_RECORDING_BYTES: u64 = 256 << 20;
/// The most that is recorded of one body that was spliced into a blob, in bytes: image downloads do not belong into
/// recordings.
pub const MAX_SPLICED_BYTES: u64 = 16 << 20;
