//! The services of a cloud, and how the catalogue calls them.

use serde::{Deserialize, Serialize};

/// A service that the provider uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Service {
    /// Keystone. Its origin is the connection's, never the catalogue's.
    Identity,
    /// Nova.
    Compute,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// Cinder.
    Volume,
    /// Swift.
    Object,
    /// Designate.
    Dns,
    /// Octavia.
    Balancer,
}

impl Service {
    /// All that are discovered from the catalogue.
    pub(crate) const DISCOVERED: [Self; 7] = [
        Self::Compute,
        Self::Network,
        Self::Image,
        Self::Volume,
        Self::Object,
        Self::Dns,
        Self::Balancer,
    ];

    /// The endpoint's name in the provider's description.
    pub(crate) fn endpoint(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Compute => "compute",
            Self::Network => "network",
            Self::Image => "image",
            Self::Volume => "block-storage",
            Self::Object => "object-store",
            Self::Dns => "dns",
            Self::Balancer => "load-balancer",
        }
    }

    /// The catalogue's words for it, the official one first
    /// (<https://service-types.openstack.org/service-types.json>).
    pub(crate) fn types(self) -> &'static [&'static str] {
        match self {
            Self::Identity => &["identity"],
            Self::Compute => &["compute"],
            Self::Network => &["network"],
            Self::Image => &["image"],
            Self::Volume => &["block-storage", "volumev3", "block-store"],
            Self::Object => &["object-store"],
            Self::Dns => &["dns"],
            Self::Balancer => &["load-balancer"],
        }
    }

    /// What it is, for a person.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Identity => "identity (Keystone)",
            Self::Compute => "compute (Nova)",
            Self::Network => "network (Neutron)",
            Self::Image => "image (Glance)",
            Self::Volume => "block storage (Cinder)",
            Self::Object => "object storage (Swift)",
            Self::Dns => "DNS (Designate)",
            Self::Balancer => "load balancer (Octavia)",
        }
    }

    /// The path's segment of the API's version, where the catalogue's URL has none.
    pub(crate) fn version(self) -> &'static str {
        match self {
            Self::Identity | Self::Volume => "v3",
            Self::Compute => "v2.1",
            Self::Network | Self::Balancer => "v2.0",
            Self::Image | Self::Dns => "v2",
            Self::Object => "v1",
        }
    }
}
