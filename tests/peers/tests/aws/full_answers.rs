//! Answers with everything that AWS's own service models know, at their places: the component reads whatever the contract has
//! a field for. An element that it looked for elsewhere, or as something else, would leave its field empty.

use serde::Serialize;
use serde_json::Value;
use stockade_test_support::aws::AwsPeer;

use crate::lab::Lab;

pub(crate) fn everything_that_the_models_know_is_read() {
    let lab = Lab::at(AwsPeer::full_answers().unwrap());
    let service = &lab.service;
    // Beside a noun: what AWS has nothing for, and what the one tag of each thing, its name, leaves empty.
    let vm = [
        "autostart",
        "description",
        "disks.backing",
        "disks.bus",
        "disks.format",
        "metadata",
        "nics.model",
    ];
    // A list does not ask for disks and types.
    let listed = [&vm[..], &["disks.pool", "disks.size_gib", "memory_mib"]].concat();
    expect("vm", lab.done(service.list_vms()), &listed);
    expect("vm", vec![lab.done(service.get_vm("named"))], &vm);
    expect("disk", lab.done(service.list_disks()), &["format", "metadata"]);
    expect("image", lab.done(service.list_images()), &["pool"]);
    // The domain is one of several options of DHCP, and here is another.
    let network = ["bridge", "domain", "metadata"];
    expect("network", lab.done(service.list_networks()), &network);
    expect("subnet", lab.done(service.list_subnets(None)), &["metadata"]);
    expect("security group", lab.done(service.list_security_groups()), &[]);
    expect("flavor", lab.done(service.list_flavors()), &[]);
    let host = ["cpus", "cpus_used", "memory_mib", "memory_used_mib", "vms_running"];
    expect("host", lab.done(service.list_hosts()), &host);
    // None is the listener's own port.
    let balancer = ["listeners.member_port"];
    expect("load balancer", lab.done(service.list_load_balancers()), &balancer);
    expect(
        "load balancer",
        vec![lab.done(service.get_load_balancer("LoadBalancerName"))],
        &balancer,
    );
    expect("zone", lab.done(service.list_dns_zones()), &[]);
    expect("record", lab.done(service.list_dns_records("Name")), &[]);
    expect("bucket", lab.done(service.list_buckets()), &[]);
    expect("object", lab.done(service.list_bucket_objects("bucket", "")), &[]);
}

/// Checks that there is one thing, of which only these fields are empty.
fn expect<T: Serialize>(noun: &str, things: Vec<T>, nothing: &[&str]) {
    let things: Vec<Value> = things
        .iter()
        .map(|thing| serde_json::to_value(thing).unwrap())
        .collect();
    let [thing] = things.as_slice() else {
        panic!("{noun}: {} of one are read: {things:?}", things.len());
    };
    let mut found = Vec::new();
    empty(thing, "", &mut found);
    found.sort();
    let mut nothing = nothing.to_owned();
    nothing.sort_unstable();
    assert_eq!(found, nothing, "{noun}: {thing}");
}

/// The fields that hold nothing, by their paths.
fn empty(value: &Value, path: &str, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Array(items) if items.is_empty() => found.push(path.to_owned()),
        Value::Array(items) => items.iter().for_each(|item| empty(item, path, found)),
        Value::Object(fields) => {
            for (name, value) in fields {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                empty(value, &path, found);
            }
        }
        _ => {}
    }
}
