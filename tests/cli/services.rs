//! What is beside VMs: subnets, security groups, load balancers, buckets, names.

use crate::session::Session;

#[test]
fn subnets_are_created_listed_by_network_changed_and_deleted() {
    let session = Session::with_lab();
    let made = session.json("create subnet part --network default --cidr 192.0.2.64/26");
    assert_eq!(
        (&made["network"], &made["gateway"]),
        (&"default".into(), &"192.0.2.65".into())
    );
    assert_eq!(session.json("list subnet --network default")[0], made);
    assert_eq!(session.done("list subnets -o name"), "part\n");
    session.fails(1, "list subnet --network absent");
    session.done("update subnet part --dhcp off --gateway 192.0.2.70");
    let changed = session.json("info subnet part");
    assert_eq!(
        (&changed["dhcp"], &changed["gateway"]),
        (&false.into(), &"192.0.2.70".into())
    );
    session.fails(2, "update subnet part");
    session.fails(1, "create subnet other --network default --cidr 192.0.2.0/24");
    session.fails(2, "delete subnet part");
    session.done("delete subnet part --yes");
    session.fails(1, "info subnet part");
}

#[test]
fn a_security_group_has_the_rules_that_were_typed() {
    let session = Session::with_lab();
    let made = session.json("create sg web --rule 80-81 --rule udp:53,cidr=192.0.2.0/24 --description test");
    let rule = |index: usize| {
        let rule = &made["rules"][index];
        (
            rule["protocol"].clone(),
            rule["from_port"].clone(),
            rule["to_port"].clone(),
        )
    };
    assert_eq!(rule(0), ("tcp".into(), 80.into(), 81.into()));
    assert_eq!(rule(1), ("udp".into(), 53.into(), 53.into()));
    let shown = session.done("info firewall web");
    assert!(shown.contains("ingress udp:53 192.0.2.0/24"), "{shown}");
    session.done("update security-group web --rule icmp");
    assert_eq!(
        session.json("info security-group web")["rules"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    session.fails(2, "update security-group web");
    session.done("update security-group web --no-rules");
    session.fails(2, "create security-group x --rule 99999");
    session.done("create vm a --security-group web");
    session.fails(1, "delete security-group web --yes");
    session.done("delete vm a --yes");
    session.done("delete security-group web --yes");
    assert_eq!(session.json("list security-group"), serde_json::json!([]));
}

#[test]
fn a_load_balancer_is_made_with_its_name_and_changed_in_its_members() {
    let session = Session::with_lab();
    session.done("create vm a");
    session.done("create vm b");
    let made = session
        .json("create lb web --port http:80,member-port=8080,check=/ --vm a --internal --dns-name w.cloud.internal");
    assert_eq!(
        (&made["members"], &made["listeners"][0]["member_port"]),
        (&serde_json::json!(["a"]), &8080.into())
    );
    let named = session.json("list dns cloud.internal");
    assert_eq!(named[0]["values"][0], made["address"]);
    session.done("update loadbalancer web --vm b");
    assert_eq!(
        session.json("info load-balancer web")["members"],
        serde_json::json!(["b"])
    );
    session.fails(1, "update load-balancer web --vm absent");
    session.fails(2, "create load-balancer other");
    session.done("update load-balancer web --no-vms");
    session.done("delete lb web --yes");
    assert_eq!(session.json("list dns cloud.internal"), serde_json::json!([]));
}

#[test]
fn files_go_into_buckets_and_come_back() {
    let session = Session::with_lab();
    let content: Vec<u8> = (0..2_500_000_u32).map(|number| number.to_le_bytes()[1]).collect();
    std::fs::write(session.path().join("data.bin"), &content).unwrap();
    session.done("create bucket shelf");
    assert_eq!(session.done("list bucket -o name"), "shelf\n");
    session.done("create bucket-file shelf data.bin");
    session.done("create bucket-file shelf data.bin --key deep/copy.bin");
    let listed = session.json("list bucket-file shelf --prefix deep/");
    assert_eq!(listed[0]["key"], "deep/copy.bin");
    assert!(session.done("list bucket-file shelf").contains("2.3 MiB"));

    session.done("download bucket-file shelf deep/copy.bin");
    assert_eq!(std::fs::read(session.path().join("copy.bin")).unwrap(), content);
    let told = session.fails(1, "download bucket-file shelf deep/copy.bin");
    assert!(told.contains("a download replaces nothing"), "{told}");
    session.fails(1, "download bucket-file shelf absent --file none.bin");
    assert!(!session.path().join("none.bin").exists());

    assert!(
        session
            .fails(1, "presign bucket-file shelf data.bin")
            .contains("presign-bucket-object")
    );
    session.fails(1, "delete bucket shelf --yes");
    session.fails(2, "delete bucket-file shelf data.bin");
    session.done("delete bucket-file shelf data.bin --yes");
    session.done("delete bucket shelf --contents --yes");
    session.fails(1, "list bucket-file shelf");
    session.fails(1, "create bucket Shelf");
}

#[test]
fn names_are_qualified_aliased_replaced_and_deleted() {
    let session = Session::with_lab();
    assert_eq!(session.done("list dns-zone -o name"), "cloud.internal\nexample.org\n");
    session.done("create dns web --domain example.org --ip 192.0.2.7 --ip 2001:db8::7 --alias www --ttl 60");
    let names = session.done("list dns example.org -o name");
    assert_eq!(names, "web.example.org\nweb.example.org\nwww.example.org\n");
    session.fails(2, "create dns web --domain example.org");
    session.fails(2, "create dns web --domain example.org --type TXT");
    let taken = session.run("create dns web --domain example.org --ip 192.0.2.8");
    assert_eq!(taken.code, Some(1), "{taken:?}");
    session.done("create dns web --domain example.org --ip 192.0.2.8 --force");
    session.done("create dns web --domain example.org --type TXT --value v=1");
    session.fails(2, "delete dns web --domain example.org");
    session.done("delete dns web --domain example.org --type TXT --yes");
    session.done("delete dns web www --domain example.org --yes");
    assert_eq!(session.json("list dns example.org"), serde_json::json!([]));
    session.fails(1, "delete dns web --domain example.org --yes");
    session.fails(1, "list dns absent.invalid");
}
