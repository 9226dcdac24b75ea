//! Octavia: load balancers.

mod change;
mod read;
mod spec;

pub(crate) use change::poll;
