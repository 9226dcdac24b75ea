//! Run cloud and hypervisor providers that you did not write, without trusting them.
//!
//! A [`Runtime`] knows installed providers and configured connections. [`Runtime::connect`] gives a [`Service`] for a
//! connection: list, create, start, stop, delete, whatever the provider behind it is. The command line and the HTTP API are
//! thin translators over the same services; embed the runtime to have them in your own program:
//!
//! ```no_run
//! # async fn example() -> stockade::Result<()> {
//! let runtime = stockade::Runtime::builder().build()?;
//! for vm in runtime.connect("lab").await?.list_vms().await? {
//!     println!("{} {:?}", vm.name, vm.status);
//! }
//! # Ok(())
//! # }
//! ```

pub mod audit;
pub mod connections;
pub mod docs;
mod error;
pub mod grants;
mod home;
mod host_limits;
pub mod http_api;
mod registry;
pub mod review;
mod runtime;
mod service;
mod suggest;
pub mod trust;

pub use error::{Error, Result};
pub use home::{HOME_VARIABLE, Home};
pub use registry::{Installation, InstalledProvider, ProviderKind, Signer, Verification};
pub use runtime::{CONNECTIONS_AT_ONCE, Runtime, RuntimeBuilder};
pub use service::Service;
/// What a dry run keeps: see [`Service::with_dry_run`].
pub mod dry_run {
    pub use stockade_host::http::{DryRun, Plan, Planned, PlannedRequest};
}
pub use stockade_host::admission::HostLimits;
pub use stockade_host::child::become_child_if_asked;
pub use stockade_host::{blobs, call, console_line, contract, engine, limits};
