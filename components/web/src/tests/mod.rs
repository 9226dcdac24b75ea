//! The provider against scripted answers of a real kweb: what it sends, and what it makes of the answers.

mod rules;
mod things;
mod vm_spec;
mod vms;

use stockade_provider::abilities::*;
use stockade_provider::fake_host::FakeHost;
use stockade_provider::types::*;

use crate::Web;

const OK: &str = r#"{"result":"success"}"#;
const VM_LIST: &str = r#"{"vms":[
  {"name":"web-2","nets":[],"disks":[],"id":"bba39b01-e048-48de-b98f-c3c4c503279f","status":"down","image":"tiny.qcow2","info":"x"},
  {"name":"web-1","nets":[{"device":"eth0","mac":"52:54:00:1A:c9:f5","net":"default","type":"routed"}],"disks":[],
   "id":"d689a1a4-1273-43d3-8f09-57e2683fb1ae","user":"root","image":"tiny.qcow2","plan":"kvirt","profile":"tiny.qcow2",
   "creationdate":"21-11-2026 05:22","ip":"192.168.122.175","status":"up","info":"x"}]}"#;
const VM: &str = r#"{"name":"web-1","nets":[{"device":"eth0","mac":"52:54:00:1a:c9:f5","net":"default","type":"routed"}],
  "disks":[{"device":"vda","size":1,"format":"virtio","type":"qcow2","path":"/var/lib/libvirt/images/web-1_0.img"}],
  "id":"d689a1a4-1273-43d3-8f09-57e2683fb1ae","user":"root","image":"tiny.qcow2","plan":"kvirt","profile":"tiny.qcow2",
  "creationdate":"21-11-2026 05:22","ip":"192.168.122.175","ips":["fe80::1","2001:db8::1","192.168.122.175"],
  "status":"up","autostart":false,"numcpus":1,"memory":256,"snapshots":[{"snapshot":"before","current":true}]}"#;
const POOLS: &str = r#"{"pools":[["second","/var/lib/libvirt/second"],["default","/var/lib/libvirt/images"]]}"#;
const HOST: &str = r#"{"connection":"qemu:///system","host":"vm","vms_running":0,"cpus_total":2,"cpus_used":0,"memory_used":0,
  "memory_total":10842,"storage":["storage: default, type: dir, path: /var/lib/libvirt/images, used_space: 18.84GB, available_space: 233.13GB"],
  "networks":[]}"#;
const NETWORKS: &str = r#"{"networks":{
  "closed":{"cidr":"192.168.78.0/24","dhcp":false,"domain":"closed","type":"routed","mode":"isolated","plan":"kvirt"},
  "default":{"cidr":"192.168.122.0/24","dhcp":true,"domain":"default","type":"routed","mode":"nat","plan":"N/A"}}}"#;
const HTML: &str =
    "<html><head><style>p {}</style></head><body><h1>Error: 500 Internal Server Error</h1></body></html>";

fn failure(reason: &str) -> String {
    format!(r#"{{"result":"failure","reason":"{reason}"}}"#)
}

fn spec(name: &str) -> VmSpec {
    VmSpec {
        name: name.to_owned(),
        image: Some("tiny.qcow2".to_owned()),
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

fn first_page() -> PageRequest {
    PageRequest {
        cursor: None,
        limit: None,
    }
}

fn missing(noun: &str, name: &str) -> ErrorKind {
    ErrorKind::NotFound(Subject::new(noun, name))
}

fn invalid(field: &str) -> ErrorKind {
    ErrorKind::InvalidArgument(field.to_owned())
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

fn disk_spec(pool: Option<&str>) -> DiskSpec {
    DiskSpec {
        name: None,
        size_gib: 1,
        pool: pool.map(str::to_owned),
        format: None,
        image: None,
        vm: Some("web-1".to_owned()),
        metadata: vec![],
        options: vec![],
    }
}

fn network_spec(name: &str) -> NetworkSpec {
    NetworkSpec {
        name: name.to_owned(),
        cidrs: vec!["192.0.2.0/24".to_owned()],
        mode: None,
        dhcp: true,
        domain: None,
        metadata: vec![],
        options: vec![],
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    }
}

fn text_option(name: &str, value: &str) -> OptionEntry {
    OptionEntry {
        name: name.to_owned(),
        value: value.into(),
    }
}
