//! What is stored of things beside VMs: load balancers, zones, buckets.

use serde::{Deserialize, Serialize};

use stockade_provider::types::{DnsRecord, Listener, LoadBalancer};

use crate::records::{StoredVm, Thing, things};

things! {
    StoredBalancer is "load-balancer";
    StoredZone is "dns-zone";
    StoredBucket is "bucket";
}

impl Thing for StoredObject {
    const NOUN: &'static str = "bucket-object";
    // Its name is not the contract's.
    const HAS_EVENTS: bool = false;

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> &str {
        &self.id
    }
}

/// A load balancer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredBalancer {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) network: String,
    pub(crate) internal: bool,
    pub(crate) address: String,
    pub(crate) listeners: Vec<Listener>,
    /// The ids of the VMs behind it. One that was deleted meanwhile does not count.
    pub(crate) members: Vec<String>,
    /// The zone's id and the name that was created in it.
    pub(crate) dns: Option<(String, String)>,
}

/// A DNS zone with its records.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct StoredZone {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) private: bool,
    pub(crate) records: Vec<DnsRecord>,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredBucket {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created_at: String,
}

/// An object in a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredObject {
    /// Made from bucket and key.
    pub(crate) id: String,
    pub(crate) bucket: String,
    pub(crate) key: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) modified_at: String,
    /// The content's SHA-256.
    pub(crate) etag: String,
    /// The number of its content.
    pub(crate) content: u32,
    /// How many pieces the content has.
    pub(crate) pieces: u32,
}

impl StoredBalancer {
    /// The contract's record; `vms` give the members' names.
    pub(crate) fn to_balancer(&self, vms: &[StoredVm]) -> LoadBalancer {
        let members = self.members.iter();
        LoadBalancer {
            id: self.id.clone(),
            name: self.name.clone(),
            address: Some(self.address.clone()),
            listeners: self.listeners.clone(),
            members: members
                .filter_map(|id| vms.iter().find(|vm| &vm.id == id))
                .map(|vm| vm.name.clone())
                .collect(),
            vendor_status: "ACTIVE".to_owned(),
        }
    }
}
