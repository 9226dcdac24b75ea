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

/// A network interface's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct NicPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The VM's name or id.
    pub(super) vm: String,
    /// The interface's name within the VM, or its MAC address.
    pub(super) nic: String,
}

/// The path of a disk that a VM holds.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct VmDiskPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The VM's name or id.
    pub(super) vm: String,
    /// The disk's name, id or device within the VM.
    pub(super) disk: String,
}

/// A subnet's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SubnetPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The subnet's name or id.
    pub(super) subnet: String,
}

/// A security group's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct SecurityGroupPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The security group's name or id.
    pub(super) security_group: String,
}

/// A load balancer's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct LoadBalancerPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The load balancer's name or id.
    pub(super) load_balancer: String,
}

/// A bucket's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct BucketPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The bucket's name.
    pub(super) bucket: String,
}

/// An object's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ObjectPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The bucket's name.
    pub(super) bucket: String,
    /// The object's key, percent-encoded as one segment: `a%2Fb`.
    pub(super) key: String,
}

/// A DNS zone's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct ZonePath {
    /// The connection's name.
    pub(super) connection: String,
    /// The zone's name or id.
    pub(super) zone: String,
}

/// A DNS record's path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct RecordPath {
    /// The connection's name.
    pub(super) connection: String,
    /// The zone's name or id.
    pub(super) zone: String,
    /// The name, fully qualified, without the final dot.
    pub(super) name: String,
    /// The type: `A`.
    pub(super) r#type: String,
}
