//! kcli and we on one libvirt: each lists, inspects, starts, stops and deletes what the other made.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use stockade_test_support::kcli::Kcli;
use stockade_test_support::{tiny_guest, wait_for};

use crate::lab::{Lab, inside, virsh};

const LIMIT: Duration = Duration::from_secs(180);

/// kcli with a home of its own.
struct Peer<'a> {
    kcli: &'a Kcli,
    home: &'a Path,
}

impl Peer<'_> {
    fn run(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(self.kcli.program("kcli"));
        let output = command.env("HOME", self.home).args(arguments).output().unwrap();
        let (said, told) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "kcli {arguments:?}: {said}{told}");
        said.into_owned()
    }

    /// The VM as its list shows it.
    fn listed(&self, name: &str) -> Option<Value> {
        let text = self.run(&["list", "vm", "-o", "json"]);
        let list: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        list.as_array().unwrap().iter().find(|vm| vm["name"] == name).cloned()
    }

    fn status(&self, name: &str) -> String {
        self.listed(name).unwrap()["status"].as_str().unwrap().to_owned()
    }
}

fn listed(lab: &Lab, name: &str) -> Option<Value> {
    lab.vms("near").into_iter().find(|vm| vm["name"] == name)
}

fn info(lab: &Lab, name: &str) -> Value {
    serde_json::from_str(&lab.stockade(&["info", "vm", name, "-o", "json"])).unwrap()
}

fn pool_files() -> Vec<String> {
    virsh(&["pool-refresh", "default"]);
    let files = std::fs::read_dir("/var/lib/libvirt/images").unwrap().flatten();
    let mut names: Vec<String> = files
        .map(|file| file.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn tag<'a>(vm: &'a Value, key: &str) -> Option<&'a str> {
    let tags = vm["metadata"].as_array()?;
    tags.iter().find(|tag| tag["key"] == key)?["value"].as_str()
}

#[test]
fn kcli_and_we_manage_each_others_vms() {
    let image = tiny_guest::image().unwrap();
    let kcli = Kcli::install().unwrap();
    inside("interop::kcli_and_we_manage_each_others_vms", |lab| {
        Kcli::configure(lab.directory()).unwrap();
        let peer = Peer {
            kcli: &kcli,
            home: lab.directory(),
        };
        lab.connect("near", &[]);
        lab.stockade(&["create", "image", "tiny.qcow2", "--file", image.to_str().unwrap()]);
        ours_in_kclis_hands(lab, &peer);
        kclis_in_our_hands(lab, &peer);
    });
}

fn ours_in_kclis_hands(lab: &Lab, peer: &Peer<'_>) {
    lab.stockade(&[
        "create",
        "vm",
        "ours",
        "--image",
        "tiny.qcow2",
        "--memory",
        "128m",
        "--metadata",
        "plan=shop",
        "--metadata",
        "profile=small",
        "--metadata",
        "owner=ann",
    ]);
    let ours = info(lab, "ours");
    let theirs = peer.listed("ours").unwrap();
    for (key, value) in [
        ("status", "up"),
        ("plan", "shop"),
        ("profile", "small"),
        ("image", "tiny.qcow2"),
        ("owner", "ann"),
    ] {
        assert_eq!(theirs[key], value, "{key}: {theirs}");
    }
    assert_eq!(theirs["id"], ours["id"]);
    // kcli's dates are day-month-year and end with the minute.
    let date = ours["created_at"].as_str().unwrap();
    let date = format!("{}-{}-{} {}", &date[8..10], &date[5..7], &date[..4], &date[11..16]);
    assert_eq!(theirs["creationdate"], date.as_str());
    let address = wait_for("the guest's address", LIMIT, || {
        listed(lab, "ours")?["ips"]
            .as_array()?
            .first()?
            .as_str()
            .map(str::to_owned)
    });
    assert_eq!(peer.listed("ours").unwrap()["ip"], address.as_str());
    peer.run(&["stop", "vm", "ours"]);
    assert_eq!(listed(lab, "ours").unwrap()["status"], "stopped");
    peer.run(&["start", "vm", "ours"]);
    assert_eq!(listed(lab, "ours").unwrap()["status"], "running");
    // What kcli writes down about our VM is shown by us, and what is only ours is still there.
    peer.run(&["update", "vm", "ours", "-P", "plan=moved"]);
    let changed = info(lab, "ours");
    assert_eq!(
        (tag(&changed, "plan"), tag(&changed, "owner")),
        (Some("moved"), Some("ann")),
        "{changed}"
    );
    assert_eq!(changed["created_at"], ours["created_at"]);
    peer.run(&["delete", "vm", "-y", "ours"]);
    assert_eq!(listed(lab, "ours"), None);
    lab.refused(&["info", "vm", "ours"]);
}

fn kclis_in_our_hands(lab: &Lab, peer: &Peer<'_>) {
    let before = pool_files();
    peer.run(&[
        "create",
        "vm",
        "-i",
        "tiny.qcow2",
        "-P",
        "memory=128",
        "-P",
        "disks=[1]",
        "-P",
        "plan=lab",
        "theirs",
    ]);
    let theirs = listed(lab, "theirs").unwrap();
    assert_eq!(
        (&theirs["status"], &theirs["image"]),
        (&"running".into(), &"tiny.qcow2".into()),
        "{theirs}"
    );
    let whole = info(lab, "theirs");
    let shown = peer.listed("theirs").unwrap();
    assert_eq!(
        (tag(&whole, "plan"), whole["id"].as_str()),
        (shown["plan"].as_str(), shown["id"].as_str())
    );
    let profile = shown["profile"].as_str();
    assert_eq!(tag(&whole, "profile"), profile, "{whole}");
    assert_eq!(whole["disks"][0]["size_gib"], 1, "{whole}");
    let address = wait_for("the guest's address", LIMIT, || {
        listed(lab, "theirs")?["ips"]
            .as_array()?
            .first()?
            .as_str()
            .map(str::to_owned)
    });
    assert_eq!(peer.listed("theirs").unwrap()["ip"], address.as_str());
    lab.stockade(&["stop", "vm", "theirs", "--force"]);
    assert_eq!(peer.status("theirs"), "down");
    lab.stockade(&["start", "vm", "theirs"]);
    assert_eq!(peer.status("theirs"), "up");
    lab.stockade(&["delete", "vm", "theirs", "--yes"]);
    assert_eq!(peer.listed("theirs"), None);
    assert_eq!(
        pool_files(),
        before,
        "what kcli made for its VM is gone, and nothing else"
    );
}
