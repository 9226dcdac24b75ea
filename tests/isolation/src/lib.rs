//! Hostile guests: one for each way out, each with its allowed twin.
//!
//! The suite is `tests/hostile`; this library is empty, because a package needs one target that other tools can name.
