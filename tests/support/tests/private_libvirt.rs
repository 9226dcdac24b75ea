//! The real peers are real: a guest boots in a private libvirt, through kweb, and leaves nothing behind.

use std::time::Duration;
use stockade_test_support::kweb::Kweb;
use stockade_test_support::private_libvirt::{self, PrivateLibvirt};
use stockade_test_support::{artifacts, tiny_guest, wait_for};

/// One request to kweb, sent from inside; kweb cannot be reached from elsewhere.
fn kweb_request(libvirt: &PrivateLibvirt, method: &str, url: &str, body: &str) -> Result<serde_json::Value, String> {
    let program = "import sys, urllib.request as u; method, url, body = sys.argv[1:]; \
        print(u.urlopen(u.Request(url, body.encode() or None, {'content-type': 'application/json'}, method=method)).read().decode())";
    let mut command = libvirt.command("python3");
    let output = command.args(["-c", program, method, url, body]).output();
    let output = output.map_err(|error| error.to_string())?;
    serde_json::from_slice(&output.stdout).map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_vm_made_through_kweb_gets_an_address_and_leaves_no_trace() {
    if private_libvirt::is_opted_out() {
        eprintln!("NOT RUN: {} is set", private_libvirt::WITHOUT_LIBVIRT);
        return;
    }
    let libvirt = PrivateLibvirt::start().unwrap();
    libvirt.add_image(&tiny_guest::image().unwrap(), "tiny.qcow2").unwrap();
    let kweb = Kweb::start(&libvirt).unwrap();
    let vms = format!("{}/vms", kweb.base_url());
    let body = r#"{"name":"web-1","profile":"tiny.qcow2","memory":256,"numcpus":1,"disks":[1],"nets":["default"]}"#;
    let created = kweb_request(&libvirt, "POST", &vms, body).unwrap();
    assert_eq!(created["result"], "success", "{created}\n{}", kweb.log());
    let address = wait_for("the guest's address", Duration::from_secs(180), || {
        let vm = kweb_request(&libvirt, "GET", &format!("{vms}/web-1"), "").unwrap();
        vm["ip"].as_str().map(str::to_owned)
    });
    assert!(address.starts_with("192.168.122."), "{address}");
    assert_eq!(libvirt.virsh(&["list", "--name"]).unwrap(), "web-1");
    let deleted = kweb_request(&libvirt, "DELETE", &format!("{vms}/web-1"), "{}").unwrap();
    assert_eq!(deleted["result"], "success");
    assert_eq!(libvirt.virsh(&["list", "--all", "--name"]).unwrap(), "");
    assert_eq!(libvirt.pool_files().unwrap(), ["tiny.qcow2"]);
}

#[test]
fn two_private_libvirts_know_nothing_of_each_other_and_end_with_their_values() {
    if private_libvirt::is_opted_out() {
        eprintln!("NOT RUN: {} is set", private_libvirt::WITHOUT_LIBVIRT);
        return;
    }
    let (one, two) = (PrivateLibvirt::start().unwrap(), PrivateLibvirt::start().unwrap());
    one.virsh(&["vol-create-as", "default", "only-here", "1M"]).unwrap();
    assert_eq!(one.pool_files().unwrap(), ["only-here"]);
    assert_eq!(two.pool_files().unwrap(), Vec::<String>::new());
    assert_eq!(two.virsh(&["net-list", "--name"]).unwrap(), "default");
    let mut left_behind = one.command("sleep").arg("infinity").spawn().unwrap();
    drop(one);
    left_behind.wait().unwrap();
    assert!(two.virsh(&["list"]).is_ok());
}

#[test]
#[ignore = "writes tests/fixtures/web; run it by `just record-kweb` after moving kcli's version"]
fn kwebs_answers_are_recorded() {
    let libvirt = PrivateLibvirt::start().unwrap();
    libvirt.add_image(&tiny_guest::image().unwrap(), "tiny.qcow2").unwrap();
    let kweb = Kweb::start(&libvirt).unwrap();
    let root = artifacts::workspace_root();
    let mut recorder = libvirt.command("python3");
    recorder
        .arg(root.join("tests/support/scripts/record-kweb"))
        .arg(kweb.base_url())
        .arg(root.join("tests/fixtures/web"));
    assert!(recorder.status().unwrap().success(), "{}", kweb.log());
}
