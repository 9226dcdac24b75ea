//! The provider against scripted answers: what it sends, and what it makes of the answers.
//!
//! Keystone's, Nova's, Neutron's and Glance's answers are as the real services gave them; those of the others are made from
//! their API references. The conformance suite tries all of them for real.

mod balancers;
mod boot;
mod devices;
mod disks;
mod dns;
mod objects;
mod power;
mod services;

use stockade_provider::abilities::*;
use stockade_provider::fake_host::{FakeBlob, FakeHost};
use stockade_provider::types::*;

use crate::Openstack;

const ID: &str = "9a666c61-21c3-40ae-9a5b-3bdb475abcdf";
const OTHER_ID: &str = "5d3bb4cc-0d2c-4d9e-8f3e-2b8f3a1f0a11";

/// A cloud with every service, whose requests have no answers yet.
fn cloud() -> FakeHost {
    let endpoint = |url: &str| serde_json::json!([{"interface": "public", "region_id": "RegionOne", "url": url}]);
    let service = |kind: &str, url: &str| serde_json::json!({"type": kind, "endpoints": endpoint(url)});
    let catalog = serde_json::json!({"catalog": [
        service("identity", "http://cloud.example:5000/v3"),
        service("compute", "http://cloud.example:8774/v2.1"),
        service("network", "http://cloud.example:9696"),
        service("image", "http://cloud.example:9292"),
        service("volumev3", "http://cloud.example:8776/v3/p"),
        service("object-store", "http://cloud.example:8080/v1/AUTH_p"),
        service("dns", "http://cloud.example:9001"),
        service("load-balancer", "http://cloud.example:9876"),
    ]});
    bare_cloud(&catalog.to_string(), "2.104")
}

fn bare_cloud(catalog: &str, compute_version: &str) -> FakeHost {
    let version = serde_json::json!({"version": {"id": "v2.1", "version": compute_version}});
    FakeHost::new()
        .with_option("host", "cloud.example")
        .with_option("scheme", "http")
        .with_option("network", "default")
        .with_route("GET /v3/auth/catalog", 200, catalog)
        .with_route("GET /v2.1/", 200, &version.to_string())
}

fn server(status: &str) -> String {
    serde_json::json!({"server": {
        "id": ID, "name": "web-1", "status": status, "created": "2026-01-01T00:00:00Z", "metadata": {},
        "flavor": {"original_name": "small", "vcpus": 1, "ram": 256, "disk": 1}, "image": {"id": OTHER_ID},
        "addresses": {}, "fault": {"message": "No valid host was found. "},
        "os-extended-volumes:volumes_attached": [],
    }})
    .to_string()
}

fn first_page() -> PageRequest {
    PageRequest {
        cursor: None,
        limit: None,
    }
}

fn changes(host: &FakeHost) -> Vec<String> {
    let is_change = |line: &String| !line.starts_with("GET") && !line.starts_with("HEAD");
    host.request_lines().into_iter().filter(is_change).collect()
}
