//! VMs that move to another libvirt, and those that stay where they are.

use std::path::Path;

use stockade_test_support::tiny_guest;

use crate::daemon;
use crate::lab::{Lab, define, inside, virsh};
use crate::second::{self, Storage};

/// Two connections: `one`, whose VMs may move to `second`, and `two`, which is that.
fn connect(lab: &Lab) {
    let target = format!("name=second,uri={},address=127.0.0.1", second::URI);
    let arguments = [
        "create",
        "connection",
        "one",
        "--provider",
        "libvirt",
        "--option",
        &format!("migration_targets=[\"{target}\"]"),
        "--option",
        "allow_plain_tcp=true",
        "--option",
        "allow_guest_commands=true",
    ];
    lab.stockade(&arguments);
    lab.connect(
        "two",
        &[
            ("uri", second::URI),
            ("allow_plain_tcp", "true"),
            ("allow_guest_commands", "true"),
        ],
    );
}

/// Creates a VM of a disk on an image, with a seed.
fn create(lab: &Lab, image: &Path, name: &str, more: &[&str]) {
    if !lab
        .stockade(&["--connection", "one", "list", "image"])
        .contains("tiny.qcow2")
    {
        let file = image.to_string_lossy();
        lab.stockade(&["--connection", "one", "create", "image", "tiny.qcow2", "--file", &file]);
    }
    let user_data = lab.directory().join("user-data");
    std::fs::write(&user_data, "#!/bin/sh\n:\n").unwrap();
    let user_data = user_data.to_string_lossy();
    let basic = [
        "--connection",
        "one",
        "create",
        "vm",
        name,
        "--image",
        "tiny.qcow2",
        "--memory",
        "256m",
        "--user-data",
        &user_data,
    ];
    lab.stockade(&[&basic, more].concat());
}

fn volumes_here() -> String {
    virsh(&["pool-refresh", "default"]);
    virsh(&["vol-list", "default"])
}

#[test]
fn a_running_vm_moves_to_another_libvirt_with_its_disks() {
    let image = tiny_guest::image().unwrap();
    inside("moves::a_running_vm_moves_to_another_libvirt_with_its_disks", |lab| {
        second::start(lab.directory(), Storage::Apart);
        second::add_network(lab.directory());
        connect(lab);
        create(lab, &image, "mover", &["--autostart"]);
        let boot = "cat /proc/sys/kernel/random/boot_id";
        let before = lab.ask("one", "mover", boot);
        let id = lab.vms("one")[0]["id"].clone();
        lab.stockade(&[
            "--connection",
            "one",
            "migrate",
            "vm",
            "mover",
            "--live",
            "--with-storage",
        ]);
        assert_eq!(lab.names("one"), Vec::<String>::new());
        assert_eq!(lab.vms("two")[0]["id"], id);
        assert_eq!(lab.vms("two")[0]["status"], "running");
        let kept = second::virsh(&["dominfo", "mover"]);
        assert!(kept.contains("Autostart:      enable"), "{kept}");
        assert_eq!(
            lab.ask("two", "mover", boot),
            before,
            "it went on, and did not start anew"
        );
        lab.ask("two", "mover", "echo kept >/var/log/note && sync");
        let here = volumes_here();
        assert!(here.contains("tiny.qcow2") && !here.contains("mover"), "{here}");
        // What came stands alone: the image under the disk is not there, and it starts without it.
        assert_eq!(second::volumes().len(), 2, "{:?}", second::volumes());
        lab.stockade(&["--connection", "two", "stop", "vm", "mover", "--force"]);
        lab.stockade(&["--connection", "two", "start", "vm", "mover"]);
        assert_ne!(lab.ask("two", "mover", boot), before);
        lab.stockade(&["--connection", "two", "delete", "vm", "mover", "--yes"]);
        assert_eq!(
            second::volumes(),
            Vec::<String>::new(),
            "its disks are its own there too"
        );
    });
}

#[test]
fn a_vm_at_rest_moves_with_its_disks_and_starts_there() {
    let image = tiny_guest::image().unwrap();
    inside("moves::a_vm_at_rest_moves_with_its_disks_and_starts_there", |lab| {
        second::start(lab.directory(), Storage::Apart);
        second::add_network(lab.directory());
        connect(lab);
        create(lab, &image, "mover", &["--no-start"]);
        let live = lab.refused(&[
            "--connection",
            "one",
            "migrate",
            "vm",
            "mover",
            "--live",
            "--with-storage",
        ]);
        assert!(live.contains("move it at rest"), "{live}");
        let apart = lab.refused(&["--connection", "one", "migrate", "vm", "mover"]);
        assert!(apart.contains("move the vm with its storage"), "{apart}");
        assert_eq!(second::volumes(), Vec::<String>::new());
        lab.stockade(&["--connection", "one", "migrate", "vm", "mover", "--with-storage"]);
        assert_eq!(lab.names("one"), Vec::<String>::new());
        assert!(!volumes_here().contains("mover"), "{}", volumes_here());
        assert_eq!(lab.vms("two")[0]["status"], "stopped");
        lab.stockade(&["--connection", "two", "start", "vm", "mover"]);
        assert_eq!(
            lab.ask("two", "mover", "hostname"),
            "mover",
            "its disk and its seed came with it"
        );
    });
}

#[test]
fn on_shared_storage_a_vm_moves_without_its_disks_running_paused_or_at_rest() {
    let image = tiny_guest::image().unwrap();
    let path = "moves::on_shared_storage_a_vm_moves_without_its_disks_running_paused_or_at_rest";
    inside(path, |lab| {
        // libvirt knows network file systems by their kind, and others only by the operator's word.
        let settings = std::fs::read_to_string("/etc/libvirt/qemu.conf").unwrap();
        let shared = "shared_filesystems = [ \"/var/lib/libvirt/images\" ]\n";
        std::fs::write("/etc/libvirt/qemu.conf", format!("{settings}\n{shared}")).unwrap();
        daemon::stop();
        daemon::start(false);
        second::start(lab.directory(), Storage::Shared);
        second::add_network(lab.directory());
        connect(lab);
        for (name, start, more) in [
            ("live", true, &["--live"][..]),
            ("paused", true, &[]),
            ("rest", false, &[]),
        ] {
            create(lab, &image, name, if start { &[] } else { &["--no-start"] });
            let before = volumes_here();
            let with = [&["--connection", "one", "migrate", "vm", name, "--with-storage"], more].concat();
            let told = lab.refused(&with);
            assert!(told.contains("a move would write over"), "{name}: {told}");
            lab.stockade(&[&["--connection", "one", "migrate", "vm", name], more].concat());
            assert_eq!(volumes_here(), before, "{name}");
            let vms = lab.vms("two");
            let moved = vms.iter().find(|vm| vm["name"] == name).unwrap();
            assert_eq!(moved["status"], if start { "running" } else { "stopped" }, "{name}");
            lab.stockade(&["--connection", "two", "delete", "vm", name, "--yes"]);
        }
        assert_eq!(lab.names("one"), Vec::<String>::new());
    });
}

#[test]
fn what_cannot_move_runs_on_where_it_was_and_leaves_nothing_there() {
    let image = tiny_guest::image().unwrap();
    let path = "moves::what_cannot_move_runs_on_where_it_was_and_leaves_nothing_there";
    inside(path, |lab| {
        connect(lab);
        create(lab, &image, "mover", &[]);
        let go = |more: &[&str]| {
            let arguments = [&["--connection", "one", "migrate", "vm", "mover", "--live"], more].concat();
            let told = lab.refused(&arguments);
            assert_eq!(lab.vms("one")[0]["status"], "running", "{more:?}: {told}");
            told
        };
        let down = go(&["--with-storage"]);
        assert!(down.contains("libvirtd-tcp.socket"), "{down}");
        let unknown = go(&["--target", "qemu+tcp://192.0.2.1/system"]);
        assert!(unknown.contains("`migration_targets` names second"), "{unknown}");
        second::start(lab.directory(), Storage::Apart);
        let is_empty = || {
            assert_eq!(second::virsh(&["list", "--all"]), "");
            assert_eq!(second::volumes(), Vec::<String>::new());
        };
        let apart = go(&[]);
        assert!(apart.contains("move it with its storage"), "{apart}");
        is_empty();
        // Refused by the target's libvirt after it has made volumes: its network is missing.
        let network = go(&["--with-storage"]);
        assert!(network.contains("network"), "{network}");
        is_empty();
        second::add_network(lab.directory());
        let disk = volumes_here();
        let disk = disk.split_whitespace().find(|word| word.starts_with("mover")).unwrap();
        second::virsh(&["vol-create-as", "default", disk, "1M", "--format", "raw"]);
        let over = go(&["--with-storage"]);
        assert!(over.contains("a move would write over"), "{over}");
        assert_eq!(second::volumes(), [disk], "somebody's volume is as it was");
        second::virsh(&["vol-delete", disk, "default"]);
        define(lab.directory(), "other", "");
        let xml = virsh(&["dumpxml", "other"]).replace(">other<", ">mover<");
        let file = lab.directory().join("other.xml");
        std::fs::write(&file, xml).unwrap();
        second::virsh(&["define", &file.to_string_lossy()]);
        let taken = go(&["--with-storage"]);
        assert!(taken.contains("has a vm `mover` already"), "{taken}");
        second::virsh(&["undefine", "mover"]);
        second::virsh(&["pool-destroy", "default"]);
        let pool = go(&["--with-storage"]);
        assert!(pool.contains("has no active pool `default`"), "{pool}");
    });
}
