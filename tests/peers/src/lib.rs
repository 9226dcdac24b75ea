//! Authentication tried against servers that others wrote.
//!
//! The suite is `tests/peers`; this library is empty, because a package needs one target that other tools can name.
