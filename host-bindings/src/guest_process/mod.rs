//! Calls that run in a process of their own (`isolation = "process"`): one child for each call, behind the wall of
//! [`crate::lockdown`], with a socket to this process and nothing else.
//!
//! The child ([`inside`]) has the compiled component, the guest's limits and the arguments. Whatever the guest asks for
//! travels as a message to the parent ([`outside`]), which decides about it as if the guest had asked in this process. The
//! parent believes nothing that a child says: every message is bounded, decoded by type, and decided upon.

mod inside;
mod keeper;
mod outside;
mod wire;

pub(crate) use inside::{Parent, run_guest};
pub(crate) use outside::GuestProcess;
