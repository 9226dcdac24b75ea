//! Lists that ask the daemon's socket themselves, beside lists that ask libvirt's library.

use std::process::Command;
use std::time::Duration;

use stockade_test_support::{artifacts, tiny_guest, wait_for};

use crate::daemon;
use crate::lab::{define, inside, virsh};

const LIMIT: Duration = Duration::from_secs(180);

const KCLIS: &str = "<kvirt:info xmlns:kvirt='kvirt'><kvirt:image>other.qcow2</kvirt:image><kvirt:plan>p</kvirt:plan>\
                     </kvirt:info>";

#[test]
fn a_list_says_the_same_whoever_is_asked() {
    let image = tiny_guest::image().unwrap();
    inside("lists::a_list_says_the_same_whoever_is_asked", |lab| {
        daemon::listen(lab.directory());
        lab.connect("near", &[]);
        let tcp = [("uri", "qemu+tcp://127.0.0.1/system"), ("allow_plain_tcp", "true")];
        lab.connect("library", &tcp);
        let image = image.to_string_lossy();
        lab.stockade(&[
            "--connection",
            "near",
            "create",
            "image",
            "tiny.qcow2",
            "--file",
            &image,
        ]);
        let arguments = ["create", "vm", "ours", "--image", "tiny.qcow2", "--memory", "128m"];
        lab.stockade(&[&["--connection", "near"], arguments.as_slice()].concat());
        for (name, notes) in [("kclis", KCLIS), ("nobodys", ""), ("b\u{fc}ro <&>", "")] {
            define(
                lab.directory(),
                &name.replace('<', "&lt;").replace("&>", "&amp;>"),
                notes,
            );
        }
        virsh(&["start", "--paused", "kclis"]);
        wait_for("an address", LIMIT, || {
            let vms = lab.vms("near");
            let ours = vms.iter().find(|vm| vm["name"] == "ours").unwrap();
            ours["ips"][0].as_str().map(drop)
        });
        let [vms, others] = ["near", "library"].map(|connection| {
            let mut vms = lab.vms(connection);
            for vm in &mut vms {
                assert_eq!(vm["connection"].take(), connection);
            }
            vms
        });
        assert_eq!(vms, others);
        let shown: Vec<_> = vms
            .iter()
            .map(|vm| (vm["name"].as_str().unwrap(), vm["status"].as_str().unwrap()))
            .collect();
        assert_eq!(
            shown,
            [
                ("b\u{fc}ro <&>", "stopped"),
                ("kclis", "paused"),
                ("nobodys", "stopped"),
                ("ours", "running")
            ]
        );
        assert_eq!(vms[1]["image"], "other.qcow2");

        let trace = lab.directory().join("trace");
        for (connection, loaded) in [("near", false), ("library", true)] {
            let mut command = Command::new("strace");
            command
                .args(["--follow-forks", "-qq", "--trace=openat", "--output"])
                .arg(&trace);
            command
                .arg(artifacts::stockade())
                .args(["--connection", connection, "list", "vm"]);
            command.env("STOCKADE_HOME", lab.directory().join("stockade"));
            assert!(command.output().unwrap().status.success());
            let opened = std::fs::read_to_string(&trace).unwrap();
            assert_eq!(opened.contains("/libvirt.so"), loaded, "{connection}");
        }
    });
}
