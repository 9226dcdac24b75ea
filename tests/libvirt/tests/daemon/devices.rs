//! Devices and states of VMs that only a running host can prove: what the guest finds, and what is left when the VM is gone.

use std::path::Path;

use serde_json::Value;
use stockade_test_support::tiny_guest;

use crate::lab::{bring_guest, create_guest, inside, near, virsh};

/// Where libvirt keeps a machine's trusted platform modules and firmware variables.
const LEFTOVERS: [&str; 2] = ["/var/lib/libvirt/swtpm", "/var/lib/libvirt/qemu/nvram"];

fn files_in(directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect()
}

#[test]
fn a_guest_finds_its_trusted_module_its_ignition_and_its_folder() {
    let image = tiny_guest::image().unwrap();
    let path = "devices::a_guest_finds_its_trusted_module_its_ignition_and_its_folder";
    inside(path, |lab| {
        let folder = lab.directory().join("folder");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("note"), "from the host").unwrap();
        let folder = folder.display().to_string();
        bring_guest(lab, &image, &[("shared_folders", &folder)]);
        let ignition = r#"{"ignition": {"version": "3.4.0"}}"#;
        create_guest(
            lab,
            "web",
            &[
                "--option",
                "tpm=2.0",
                "--option",
                &format!("ignition={ignition}"),
                "--option",
                &format!("shared_folders=[\"source={folder},tag=data,driver=9p\"]"),
            ],
        );
        assert_eq!(lab.ask("near", "web", "cat /sys/class/tpm/tpm0/tpm_version_major"), "2");
        let given = "cat /sys/firmware/qemu_fw_cfg/by_name/opt/com.coreos/config/raw";
        assert_eq!(lab.ask("near", "web", given), ignition);
        // The guest's kernel has no 9p, but shows the device (9 in "Device Types" of the virtio specification).
        let device = "grep -l 0x0009 /sys/bus/virtio/devices/*/device | wc -l";
        assert_eq!(lab.ask("near", "web", device), "1");
        near(lab, &["delete", "vm", "web", "--yes"]);
        assert_eq!(
            files_in(LEFTOVERS[0]),
            Vec::<String>::new(),
            "the module's state went with it"
        );
        assert!(
            Path::new(&folder).join("note").exists(),
            "the host's folder is the host's"
        );
    });
}

#[test]
fn firmware_with_secure_boot_keeps_variables_that_go_with_the_vm() {
    let image = tiny_guest::image().unwrap();
    let path = "devices::firmware_with_secure_boot_keeps_variables_that_go_with_the_vm";
    inside(path, |lab| {
        bring_guest(lab, &image, &[]);
        create_guest(
            lab,
            "web",
            &["--option", "firmware=uefi", "--option", "secure_boot=true"],
        );
        let xml = virsh(&["dumpxml", "web"]);
        assert!(xml.contains("secure='yes'") && xml.contains("OVMF_CODE"), "{xml}");
        assert!(xml.contains("<smm state='on'"), "{xml}");
        assert_eq!(files_in(LEFTOVERS[1]).len(), 1, "{:?}", files_in(LEFTOVERS[1]));
        let vms = lab.vms("near");
        assert_eq!(vms[0]["status"], "running");
        near(lab, &["delete", "vm", "web", "--yes"]);
        assert_eq!(files_in(LEFTOVERS[1]), Vec::<String>::new());
    });
}

#[test]
fn memory_comes_back_with_a_snapshot_and_copies_hold_the_present() {
    let image = tiny_guest::image().unwrap();
    let path = "devices::memory_comes_back_with_a_snapshot_and_copies_hold_the_present";
    inside(path, |lab| {
        bring_guest(lab, &image, &[]);
        create_guest(lab, "web", &[]);
        lab.ask("near", "web", "echo before >/run/note; sync");
        near(lab, &["create", "snapshot", "s1", "--vm", "web", "--memory"]);
        lab.ask("near", "web", "echo after >/run/note");
        near(lab, &["revert", "snapshot", "s1", "--vm", "web", "--yes"]);
        assert_eq!(lab.ask("near", "web", "cat /run/note"), "before", "/run is memory");
        let list = near(lab, &["list", "snapshot", "--vm", "web", "--output", "json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        assert_eq!(
            (&list[0]["name"], &list[0]["with_memory"]),
            (&"s1".into(), &true.into())
        );
        near(lab, &["stop", "vm", "web", "--force"]);
        // A snapshot inside the disks: copies hold the present, and say so when they are asked for the snapshot.
        near(lab, &["clone", "vm", "copy", "--base", "web"]);
        near(lab, &["export", "vm", "web", "--image", "web.qcow2"]);
        let told = lab.refused(&[
            "--connection",
            "near",
            "clone",
            "vm",
            "other",
            "--base",
            "web",
            "--snapshot",
            "s1",
        ]);
        assert!(told.contains("only by reverting to it"), "{told}");
        assert!(!lab.names("near").contains(&"other".to_owned()));
        near(lab, &["delete", "vm", "web", "--yes", "--snapshots"]);
        near(lab, &["start", "vm", "copy"]);
        assert_eq!(lab.ask("near", "copy", "test -e /run/note || echo new"), "new");
        // Held by the agent while the overlays are put on.
        near(lab, &["create", "snapshot", "q1", "--vm", "copy", "--quiesce"]);
        assert_eq!(lab.ask("near", "copy", "echo written >/run/x && cat /run/x"), "written");
        near(lab, &["delete", "snapshot", "q1", "--vm", "copy", "--yes"]);
        near(lab, &["delete", "vm", "copy", "--yes"]);
    });
}

#[test]
fn a_kind_of_pool_without_its_driver_says_which_package_is_missing() {
    let path = "devices::a_kind_of_pool_without_its_driver_says_which_package_is_missing";
    inside(path, |lab| {
        lab.connect("near", &[]);
        let known = virsh(&["pool-capabilities"]);
        let missing = ["zfs", "logical"]
            .into_iter()
            .find(|kind| !known.contains(&format!("<pool type='{kind}' supported='yes'")));
        let Some(kind) = missing else {
            eprintln!("NOT RUN: this libvirt has the drivers of all kinds of pools");
            return;
        };
        let told = lab.refused(&[
            "--connection",
            "near",
            "create",
            "pool",
            "p",
            "--type",
            kind,
            "--path",
            "tank",
        ]);
        assert!(
            told.contains(&format!("libvirt-daemon-driver-storage-{kind}")),
            "{told}"
        );
        assert_eq!(virsh(&["pool-list", "--all", "--name"]), "default");
    });
}
