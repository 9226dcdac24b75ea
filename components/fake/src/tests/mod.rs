//! The simulated cloud in its own words: what it promises to those who test against it.

mod contents;
mod guests;
mod network_things;
mod things;
mod vms;

use stockade_provider::abilities::*;
use stockade_provider::fake_host::{FakeBlob, FakeHost};
use stockade_provider::types::*;

use crate::Fake;

fn spec(name: &str) -> VmSpec {
    VmSpec {
        name: name.to_owned(),
        image: Some("tiny".to_owned()),
        flavor: None,
        cpus: None,
        memory_mib: None,
        disks: vec![],
        nics: vec![],
        pool: None,
        location: None,
        user_data: None,
        ssh_keys: vec![],
        hostname: None,
        security_groups: vec![],
        start: true,
        autostart: false,
        description: None,
        metadata: vec![],
        idempotency_key: None,
        options: vec![],
    }
}

fn nic() -> VmNicSpec {
    VmNicSpec {
        network: None,
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    }
}

fn disk() -> VmDiskSpec {
    VmDiskSpec {
        size_gib: None,
        pool: None,
        image: None,
        existing: None,
        bus: None,
        format: None,
    }
}

fn disk_spec(name: &str) -> DiskSpec {
    DiskSpec {
        name: Some(name.to_owned()),
        size_gib: 2,
        pool: None,
        format: None,
        image: None,
        vm: None,
        metadata: vec![],
        options: vec![],
    }
}

fn snapshot(name: &str) -> SnapshotSpec {
    SnapshotSpec {
        name: name.to_owned(),
        description: None,
        with_memory: false,
        quiesce: false,
    }
}

fn page(limit: Option<u32>) -> PageRequest {
    PageRequest { cursor: None, limit }
}

fn text(text: &str) -> String {
    text.to_owned()
}

const EVERYTHING: VmDeleteOptions = VmDeleteOptions {
    keep_disks: false,
    delete_snapshots: true,
};

fn missing(noun: &str, name: &str) -> ErrorKind {
    ErrorKind::NotFound(Subject::new(noun, name))
}

fn invalid(field: &str) -> ErrorKind {
    ErrorKind::InvalidArgument(text(field))
}

fn disk_names(host: &FakeHost) -> Vec<String> {
    Fake::list_disks(host, page(None))
        .expect("disks")
        .items
        .into_iter()
        .map(|disk| disk.name)
        .collect()
}
