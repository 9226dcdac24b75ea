//! What users meet: things of the host that are missing, off or held. Each is said with what to do, and nothing is left.

use crate::lab::{Lab, inside, run, virsh};

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

#[test]
fn what_this_host_cannot_give_a_vm_is_said_with_what_to_do_and_nothing_is_made() {
    let path = "bad_input::what_this_host_cannot_give_a_vm_is_said_with_what_to_do_and_nothing_is_made";
    inside(path, |lab| {
        lab.connect("near", &[]);
        let vm = ["create", "vm", "web", "--memory", "64m", "--disk", "1", "--option"];
        if std::fs::read_to_string("/proc/mounts").unwrap().contains(" hugetlbfs ") {
            eprintln!("NOT RUN: hugepages without hugetlbfs: this machine has it");
        } else {
            let told = refused(lab, &[&vm[..], &["hugepages=2M"]].concat());
            assert!(
                told.contains("vm.nr_hugepages") && told.contains("`hugepages`"),
                "{told}"
            );
        }
        let told = refused(lab, &[&vm[..], &["cpu_model=NoSuchModel"]].concat());
        assert!(
            told.contains("NoSuchModel") && told.contains("virsh cpu-models"),
            "{told}"
        );
        is_empty(lab);
    });
}

#[test]
fn a_pool_without_room_says_so_before_anything_is_sent_and_the_daemon_lives_on() {
    let path = "bad_input::a_pool_without_room_says_so_before_anything_is_sent_and_the_daemon_lives_on";
    inside(path, |lab| {
        lab.connect("near", &[]);
        let place = lab.directory().join("small");
        std::fs::create_dir(&place).unwrap();
        let place = place.display().to_string();
        run("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs", &place]);
        virsh(&["pool-create-as", "small", "dir", "--target", &place]);
        let image = |name: &str, data_bytes: usize| {
            let file = lab.directory().join(name);
            std::fs::write(&file, vec![7; data_bytes]).unwrap();
            let bytes = 8 << 20;
            std::fs::File::options()
                .write(true)
                .open(&file)
                .unwrap()
                .set_len(bytes)
                .unwrap();
            file.display().to_string()
        };
        let create = ["create", "image", "big.raw", "--pool", "small", "--file"];
        let told = refused(lab, &[&create[..], &[&image("full", 8 << 20)]].concat());
        assert!(told.contains("has 4 MiB left, and 8 MiB are to come"), "{told}");
        assert_eq!(virsh(&["vol-list", "small"]), "");
        // Zeros take no room.
        lab.stockade(&[&["--connection", "near"], &create[..], &[&image("holes", 1 << 20)]].concat());
        assert!(virsh(&["vol-list", "small"]).contains("big.raw"));
        // Neither is a VM half made where its disks or its seed find no room.
        std::fs::write(format!("{place}/filling"), vec![7; 3 << 20]).unwrap();
        let vm = [
            "create",
            "vm",
            "web",
            "--memory",
            "32m",
            "--pool",
            "small",
            "--disk",
            "1",
            "--ssh-key",
            KEY,
        ];
        let told = refused(lab, &vm);
        assert!(told.contains("free space in the pool"), "{told}");
        assert_eq!(lab.names("near"), Vec::<String>::new());
        assert!(!virsh(&["vol-list", "small"]).contains("web"));
    });
}

/// Any public key; nobody logs in.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJlbmNobWFya2JlbmNobWFya2JlbmNobWFya2JlbmNo me";
