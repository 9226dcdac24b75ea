//! What a running guest notices of changes to its VM, and what it can refuse.

use std::path::Path;
use std::time::Duration;

use serde_json::Value;
use stockade_test_support::{tiny_guest, wait_for};

use crate::lab::{Lab, inside, near, with_guest};

/// How long a guest may take to notice a change.
const NOTICE_LIMIT: Duration = Duration::from_secs(60);

/// Waits until a shell in the guest prints it.
fn sees(lab: &Lab, vm: &str, script: &str, expected: &str) {
    let what = format!("`{expected}` of `{script}`");
    wait_for(&what, NOTICE_LIMIT, || {
        (lab.ask("near", vm, script) == expected).then_some(())
    });
}

fn refused(lab: &Lab, arguments: &[&str]) -> String {
    lab.refused(&[&["--connection", "near"], arguments].concat())
}

/// A CD-ROM without files: its volume descriptors begin at sector 16 (ECMA-119, section 8).
fn write_disc(path: &Path) {
    const SECTOR: usize = 2048;
    let mut bytes = vec![0; 20 * SECTOR];
    for (sector, kind) in [(16, 1), (17, 255)] {
        let at = sector * SECTOR;
        bytes[at] = kind;
        bytes[at + 1..at + 7].copy_from_slice(b"CD001\x01");
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn cpus_and_memory_are_added_to_a_running_guest_as_far_as_there_is_room() {
    let image = tiny_guest::image().unwrap();
    let path = "guests::cpus_and_memory_are_added_to_a_running_guest_as_far_as_there_is_room";
    inside(path, |lab| {
        with_guest(
            lab,
            &image,
            &[
                "--cpus",
                "1",
                "--option",
                "cpus_max=2",
                "--option",
                "memory_max_mib=1024",
            ],
        );
        let cpus = "ls -d /sys/devices/system/cpu/cpu[0-9]* | wc -l";
        sees(lab, "web", cpus, "1");
        near(lab, &["update", "vm", "web", "--cpus", "2"]);
        sees(lab, "web", cpus, "2");
        let told = refused(lab, &["update", "vm", "web", "--cpus", "3"]);
        assert!(told.contains("--next-start") || told.contains("stop"), "{told}");
        let blocks = "ls -d /sys/devices/system/memory/memory* | wc -l";
        let before: u64 = lab.ask("near", "web", blocks).parse().unwrap();
        refused(lab, &["update", "vm", "web", "--memory", "2g"]);
        // Linux takes memory in blocks of 128 MiB.
        refused(lab, &["update", "vm", "web", "--memory", "300m"]);
        near(lab, &["update", "vm", "web", "--memory", "384m"]);
        sees(lab, "web", blocks, &(before + 1).to_string());
        near(
            lab,
            &["update", "vm", "web", "--cpus", "1", "--memory", "512m", "--next-start"],
        );
        near(lab, &["stop", "vm", "web", "--force"]);
        let vm = near(lab, &["info", "vm", "web", "--output", "json"]);
        let vm: Value = serde_json::from_str(&vm).unwrap();
        assert_eq!((&vm["cpus"], &vm["memory_mib"]), (&1.into(), &512.into()), "{vm}");
        near(lab, &["start", "vm", "web"]);
        sees(lab, "web", cpus, "1");
    });
}

#[test]
fn disks_come_to_a_running_guest_on_a_bus_that_it_can_add_to() {
    let image = tiny_guest::image().unwrap();
    let path = "guests::disks_come_to_a_running_guest_on_a_bus_that_it_can_add_to";
    inside(path, |lab| {
        with_guest(lab, &image, &[]);
        near(
            lab,
            &[
                "create",
                "disk",
                "--vm",
                "web",
                "--size",
                "1",
                "--option",
                "serial=second-1",
            ],
        );
        sees(lab, "web", "cat /sys/block/vdb/serial", "second-1");
        near(lab, &["create", "disk", "free", "--size", "1"]);
        let attach = ["attach", "disk", "free", "--vm", "web", "--bus"];
        let told = refused(lab, &[&attach[..], &["sata"]].concat());
        assert!(told.contains("sata"), "{told}");
        near(lab, &[&attach[..], &["scsi"]].concat());
        sees(lab, "web", "ls /sys/block | grep ^sd | wc -l", "1");
        let again = refused(lab, &[&attach[..], &["scsi"]].concat());
        assert!(again.contains("web"), "{again}");
        near(lab, &["detach", "disk", "free", "--vm", "web"]);
        near(lab, &["stop", "vm", "web", "--force"]);
        near(lab, &[&attach[..], &["sata"]].concat());
        near(lab, &["delete", "vm", "web", "--yes"]);
        // A disk that was made apart stays.
        near(lab, &["delete", "disk", "free", "--yes"]);
    });
}

#[test]
fn a_disc_that_the_guest_holds_stays_unless_the_operator_said_otherwise() {
    let image = tiny_guest::image().unwrap();
    let path = "guests::a_disc_that_the_guest_holds_stays_unless_the_operator_said_otherwise";
    inside(path, |lab| {
        let disc = lab.directory().join("disc.iso");
        write_disc(&disc);
        lab.connect("forceful", &[("media_force", "true")]);
        let disc = disc.to_string_lossy();
        lab.stockade(&[
            "--connection",
            "forceful",
            "create",
            "image",
            "disc.iso",
            "--file",
            &disc,
        ]);
        with_guest(lab, &image, &["--option", "media=disc.iso"]);
        // An open device holds the tray (cdrom_open of Linux, drivers/cdrom/cdrom.c).
        lab.ask("near", "web", "(sleep 3000 </dev/sr0 >/dev/null 2>&1 &); sleep 1");
        let told = refused(lab, &["update", "vm", "web", "--no-iso"]);
        assert!(told.contains("media_force") && told.contains("unmount"), "{told}");
        assert!(
            refused(lab, &["delete", "image", "disc.iso", "--yes"]).contains("web"),
            "it is still there"
        );
        lab.stockade(&["--connection", "forceful", "update", "vm", "web", "--no-iso"]);
        near(lab, &["delete", "image", "disc.iso", "--yes"]);
    });
}
