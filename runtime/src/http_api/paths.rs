//! What stands in the paths of the API.

use serde::Deserialize;
use utoipa::IntoParams;

/// A provider's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ProviderPath {
    /// The provider's name.
    pub(super) provider: String,
}

/// A connection's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ConnectionPath {
    /// The connection's name.
    pub(super) connection: String,
}

/// A VM's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct VmPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The VM's name or id.
    pub(super) vm: String,
}

/// A snapshot's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SnapshotPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The VM's name or id.
    pub(super) vm: String,
    /// The snapshot's name or id.
    pub(super) snapshot: String,
}

/// An image's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ImagePath {
    /// The connection's name.
    pub(super) connection: String,
    /// The image's name or id.
    pub(super) image: String,
}

/// A pool's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct PoolPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The pool's name or id.
    pub(super) pool: String,
}

/// A network's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NetworkPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The network's name or id.
    pub(super) network: String,
}

/// A disk's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct DiskPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The disk's name or id.
    pub(super) disk: String,
}
