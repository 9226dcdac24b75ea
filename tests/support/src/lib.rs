//! What the test suites share.
//!
//! - [`private_libvirt`], [`tiny_guest`], [`kweb`], [`kcli`]: real peers, started per test and gone with it.
//! - [`peer`]: servers from package registries, on loopback; `tests/peers` is their suite.
//! - [`aws`]: two of those that speak AWS's protocols, and AWS's own SDK to look at them.
//! - [`openstack`]: a whole cloud of such, with a second opinion about what is in it.
//! - [`http_server`]: a loopback server that answers, delays and breaks as told, and remembers what it was asked.
//! - [`artifacts`]: where the built components and the command are.
//! - [`wait`]: waiting for a condition instead of sleeping.
//!
//! Nothing here is a test double of Stockade itself, and nothing here is compiled into the product. What needs root or
//! packages is done by the scripts beside this crate, so that a person can run the same thing by hand.

pub mod artifacts;
pub mod aws;
mod error;
pub mod http_server;
pub mod kcli;
pub mod kweb;
pub mod openstack;
pub mod peer;
pub mod private_libvirt;
mod script;
pub mod tiny_guest;
pub mod wait;

pub use error::SupportError;
pub use wait::wait_for;
