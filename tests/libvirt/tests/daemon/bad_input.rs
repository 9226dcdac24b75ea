//! What users meet: things of the host that are missing, off or held. Each is said with what to do, and nothing is left.

use crate::lab::{Lab, inside, virsh};

fn refused(lab: &Lab, arguments: &[&str]) -> String {
    lab.refused(&[&["--connection", "near"], arguments].concat())
}

/// Checks that there are no VMs and that the pool holds nothing.
fn is_empty(lab: &Lab) {
    assert_eq!(lab.names("near"), Vec::<String>::new());
    let files = std::fs::read_dir("/var/lib/libvirt/images").unwrap();
    let files: Vec<_> = files.flatten().map(|file| file.file_name()).collect();
    assert!(files.is_empty(), "{files:?}");
}

#[test]
fn pools_and_networks_that_are_missing_or_off_are_named_and_nothing_is_made() {
    let path = "bad_input::pools_and_networks_that_are_missing_or_off_are_named_and_nothing_is_made";
    inside(path, |lab| {
        lab.connect("near", &[]);
        let vm = ["create", "vm", "web", "--memory", "32m", "--disk", "1"];
        let told = refused(lab, &[&vm[..], &["--pool", "absent"]].concat());
        assert!(told.contains("no pool `absent`"), "{told}");
        let told = refused(lab, &[&vm[..], &["--network", "absent"]].concat());
        assert!(told.contains("no network `absent`"), "{told}");
        is_empty(lab);
        virsh(&["pool-destroy", "default"]);
        let told = refused(lab, &vm);
        assert!(
            told.contains("is not active") && told.contains("virsh pool-start"),
            "{told}"
        );
        virsh(&["pool-start", "default"]);
        is_empty(lab);
        // A network that is merely off is started with the VM.
        virsh(&["net-destroy", "default"]);
        lab.stockade(&[&["--connection", "near"], &vm[..]].concat());
        assert!(virsh(&["net-list", "--name"]).contains("default"));
        lab.stockade(&["--connection", "near", "delete", "vm", "web", "--yes"]);
        is_empty(lab);
    });
}

#[test]
fn a_host_without_kvm_says_so_and_nothing_is_made() {
    inside("bad_input::a_host_without_kvm_says_so_and_nothing_is_made", |lab| {
        lab.connect("near", &[]);
        lab.connect("fast", &[("domain_type", "kvm")]);
        let told = lab.refused(&["--connection", "fast", "create", "vm", "web", "--memory", "32m"]);
        assert!(told.contains("`kvm`") && told.contains("domain_type"), "{told}");
        is_empty(lab);
    });
}

#[test]
fn an_interface_that_no_guest_lets_go_of_stays_and_says_what_to_do() {
    let path = "bad_input::an_interface_that_no_guest_lets_go_of_stays_and_says_what_to_do";
    inside(path, |lab| {
        lab.connect("near", &[]);
        // Without a guest: the firmware looks for something to boot, and listens to no hot-unplug.
        lab.stockade(&["--connection", "near", "create", "vm", "empty", "--memory", "32m"]);
        let nics = virsh(&["domiflist", "empty"]);
        let mac = nics.split_whitespace().find(|word| word.starts_with("52:54")).unwrap();
        let told = refused(lab, &["delete", "nic", mac, "--vm", "empty", "--yes"]);
        assert!(told.contains("still booting does not listen"), "{told}");
        assert!(virsh(&["domiflist", "empty"]).contains(mac), "it is still there");
    });
}
