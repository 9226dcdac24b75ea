//! Every request that the provider makes, and no other: what it asks the operator to grant.
//!
//! A catalogue may put a service below one more segment (`https://cloud.example/compute/v2.1`), because some clouds have
//! all services at one origin; so each rule is asked for with and without one. A literal version keeps a rule of one
//! service from meaning another's requests there.

use stockade_provider::types::{Effect, Endpoint};

use crate::service::Service;

/// A rule: methods, path behind the service's base, why.
type Asked = (&'static str, &'static str, &'static str);

/// The bases that a service's API can have: Keystone's rules are written out, see [`identity`].
fn bases(service: Service) -> &'static [&'static str] {
    match service {
        Service::Identity => &["/v3", "/*/v3"],
        Service::Compute => &["/v2.1", "/*/v2.1"],
        Service::Network => &["/v2.0", "/*/v2.0"],
        Service::Image | Service::Dns => &["/v2", "/*/v2"],
        // Cinder's paths have the project.
        Service::Volume => &["/v3/*", "/*/v3/*"],
        // Swift's have the account; Ceph's gateway puts `/swift` before, and may leave the account out.
        Service::Object => &["/v1/*", "/*/v1/*", "/swift/v1"],
        Service::Balancer => &["/v2.0", "/*/v2.0", "/v2", "/*/v2"],
    }
}

fn asked(service: Service) -> &'static [Asked] {
    match service {
        Service::Identity => &[],
        Service::Compute => COMPUTE,
        Service::Network => NETWORK,
        Service::Image => IMAGE,
        Service::Volume => VOLUME,
        Service::Object => OBJECT,
        Service::Dns => DNS,
        Service::Balancer => BALANCER,
    }
}

/// <https://docs.openstack.org/api-ref/compute/>
const COMPUTE: &[Asked] = &[
    ("GET", "/", "learn which versions the service speaks"),
    ("GET", "/servers/detail", "list VMs and find them by name"),
    ("POST", "/servers", "create VMs"),
    (
        "GET PUT DELETE",
        "/servers/*",
        "read VMs, change their description, delete them",
    ),
    (
        "POST",
        "/servers/*/action",
        "start, stop, pause, resize and rebuild VMs, take snapshots, read console logs",
    ),
    ("POST", "/servers/*/metadata", "note metadata on VMs"),
    ("DELETE", "/servers/*/metadata/*", "remove metadata of VMs"),
    (
        "GET POST",
        "/servers/*/os-interface",
        "list and add network interfaces of VMs",
    ),
    (
        "DELETE",
        "/servers/*/os-interface/*",
        "remove network interfaces of VMs",
    ),
    (
        "GET POST",
        "/servers/*/os-volume_attachments",
        "list and attach disks of VMs",
    ),
    (
        "PUT DELETE",
        "/servers/*/os-volume_attachments/*",
        "detach disks, keep disks of VMs that are deleted",
    ),
    ("POST", "/servers/*/remote-consoles", "open consoles"),
    ("GET", "/flavors/detail", "list flavors and choose one"),
    ("POST", "/os-keypairs", "hand SSH keys over while a VM is created"),
    ("DELETE", "/os-keypairs/*", "remove those again"),
    ("GET", "/os-server-groups", "find a server group by name"),
    ("GET", "/os-availability-zone", "check a VM's location"),
    ("GET", "/os-hypervisors/detail", "list hosts, if that is allowed"),
    ("GET", "/limits", "read the project's quota where hosts are hidden"),
];

/// <https://docs.openstack.org/api-ref/network/v2/>
const NETWORK: &[Asked] = &[
    ("GET POST", "/networks", "list and create networks"),
    ("PUT DELETE", "/networks/*", "change and delete networks"),
    ("PUT", "/networks/*/tags", "note metadata on networks"),
    ("GET POST", "/subnets", "list and create subnets"),
    ("PUT DELETE", "/subnets/*", "change and delete subnets"),
    ("PUT", "/subnets/*/tags", "note metadata on subnets"),
    ("GET POST", "/ports", "list interfaces; create those of VMs"),
    ("PUT DELETE", "/ports/*", "change and delete those"),
    ("GET POST", "/routers", "list routers; create those of networks"),
    (
        "DELETE",
        "/routers/*",
        "delete routers that were created with a network",
    ),
    (
        "PUT",
        "/routers/*/add_router_interface",
        "connect a network to its router",
    ),
    (
        "PUT",
        "/routers/*/remove_router_interface",
        "disconnect a network that is deleted",
    ),
    ("GET POST", "/floatingips", "find and create public addresses of VMs"),
    (
        "DELETE",
        "/floatingips/*",
        "delete public addresses that were created for a VM",
    ),
    ("GET POST", "/security-groups", "list and create security groups"),
    ("DELETE", "/security-groups/*", "delete security groups"),
    ("POST", "/security-group-rules", "add rules to security groups"),
    ("DELETE", "/security-group-rules/*", "remove rules of security groups"),
];

/// <https://docs.openstack.org/api-ref/image/v2/>
const IMAGE: &[Asked] = &[
    ("GET POST", "/images", "list and create images"),
    ("GET PATCH DELETE", "/images/*", "read, mark and delete images"),
    ("GET PUT", "/images/*/file", "read and write the content of images"),
    ("POST", "/images/*/import", "have the service fetch an image from a URL"),
];

/// <https://docs.openstack.org/api-ref/block-storage/v3/>
const VOLUME: &[Asked] = &[
    ("GET", "/volumes/detail", "list disks"),
    ("POST", "/volumes", "create disks"),
    ("GET DELETE", "/volumes/*", "read and delete disks"),
    ("POST", "/volumes/*/action", "grow disks"),
    (
        "GET",
        "/snapshots/detail",
        "find a disk's snapshot to boot from or to copy",
    ),
    ("GET", "/types", "list pools"),
];

/// <https://docs.openstack.org/api-ref/object-store/>. The account is part of the base; containers and objects follow.
const OBJECT: &[Asked] = &[
    ("GET", "/", "list buckets"),
    (
        "GET HEAD PUT DELETE",
        "/*",
        "list the objects of buckets, create and delete buckets",
    ),
    ("GET PUT DELETE", "/*/**", "read, write and delete objects"),
];

/// <https://docs.openstack.org/api-ref/dns/>
const DNS: &[Asked] = &[
    ("GET", "/zones", "list zones"),
    ("GET POST", "/zones/*/recordsets", "list and create records"),
    ("PUT DELETE", "/zones/*/recordsets/*", "change and delete records"),
];

/// <https://docs.openstack.org/api-ref/load-balancer/v2/>
const BALANCER: &[Asked] = &[
    ("GET POST", "/lbaas/loadbalancers", "list and create load balancers"),
    ("GET DELETE", "/lbaas/loadbalancers/*", "read and delete load balancers"),
    ("GET", "/lbaas/listeners", "read their ports"),
    ("GET", "/lbaas/pools", "read their groups of members"),
    ("GET PUT", "/lbaas/pools/*/members", "read and replace their members"),
    ("GET", "/lbaas/healthmonitors", "read their checks"),
];

/// Every endpoint.
pub(crate) fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![identity()];
    all.extend(Service::DISCOVERED.into_iter().map(discovered));
    all
}

fn identity() -> Endpoint {
    let mut endpoint = Endpoint::new(
        Service::Identity.endpoint(),
        "{scheme}://{host}:{port}",
        "Keystone, the identity service: tokens and the catalogue of the other services",
    );
    for base in bases(Service::Identity) {
        endpoint = endpoint
            .with_rule("POST", &format!("{base}/auth/tokens"), "log in; the host does that")
            .that(Effect::Read)
            .with_rule("GET", &format!("{base}/auth/catalog"), "read the service catalogue");
    }
    endpoint.with_credential(CREDENTIAL)
}

fn discovered(service: Service) -> Endpoint {
    let reason = format!("{}, where the service catalogue says that it is", service.title());
    let mut endpoint = Endpoint::new(service.endpoint(), "{scheme}://*:*", &reason);
    for base in bases(service) {
        for (methods, path, reason) in asked(service) {
            let path = match *path {
                // Swift's account has no final slash, an API's root has one.
                "/" if service == Service::Object => (*base).to_owned(),
                path => format!("{base}{path}"),
            };
            endpoint = endpoint.with_rule(methods, &path, reason);
        }
    }
    endpoint.with_credential(CREDENTIAL)
}

/// The name of the credential.
pub(crate) const CREDENTIAL: &str = "keystone";
