//! A second libvirt beside the private one: its own daemon, definitions, pools and networks, in a mount namespace within the
//! private one's. Both share the network's namespace, so that each reaches the other on loopback.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use stockade_test_support::wait_for;

use crate::lab::run;

const LIMIT: Duration = Duration::from_secs(60);
/// Where it listens.
pub(crate) const URI: &str = "qemu+tcp://127.0.0.1/system";
/// The directory of its pool `default`, as each of the two sees its own.
const IMAGES: &str = "/var/lib/libvirt/images";

/// How the pools `default` of the two are related.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Storage {
    /// Two directories.
    Apart,
    /// One directory, of which the first is told that it is shared.
    Shared,
}

/// Starts it, with a pool and a network `default`; its files are in `directory`. It ends with the namespaces around it.
pub(crate) fn start(directory: &Path, storage: Storage) {
    let at = |name: &str| directory.join("second").join(name).display().to_string();
    for part in ["etc", "lib/images", "cache", "log"] {
        std::fs::create_dir_all(at(part)).unwrap();
    }
    let daemon = [
        "auth_unix_ro = \"none\"",
        "auth_unix_rw = \"none\"",
        "listen_tcp = 1",
        "listen_tls = 0",
        "auth_tcp = \"none\"",
        "listen_addr = \"127.0.0.1\"",
        // Both ask this machine for its id, and libvirt moves nothing to the host where it is.
        "host_uuid = \"11111111-2222-4333-8444-555555555555\"",
    ];
    std::fs::write(at("etc/libvirtd.conf"), daemon.join("\n")).unwrap();
    std::fs::copy("/etc/libvirt/qemu.conf", at("etc/qemu.conf")).unwrap();
    let shared = match storage {
        Storage::Apart => String::new(),
        Storage::Shared => format!("mount --bind {IMAGES} {}\n", at("lib/images")),
    };
    let script = format!(
        "set -e\n{shared}mount -t tmpfs -o mode=755 tmpfs /run\nmkdir -p /run/libvirt /run/lock\n\
         mount --bind {} /etc/libvirt\nmount --rbind {} /var/lib/libvirt\nmount --bind {} /var/cache/libvirt\n\
         mount --bind {} /var/log/libvirt\nvirtlogd --daemon\nexec libvirtd --daemon --listen\n",
        at("etc"),
        at("lib"),
        at("cache"),
        at("log"),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &script]);
    assert!(command.status().unwrap().success());
    wait_for("the second daemon to answer", LIMIT, || {
        let mut command = Command::new("virsh");
        command.args(["--quiet", "--connect", URI, "list"]);
        command.output().unwrap().status.success().then_some(())
    });
    virsh(&["pool-define-as", "default", "dir", "--target", IMAGES]);
    virsh(&["pool-start", "default"]);
}

/// Gives it a network `default` of its own.
pub(crate) fn add_network(directory: &Path) {
    let file = directory.join("network.xml");
    let xml = "<network><name>default</name><bridge name='virbr1' stp='off' delay='0'/>\
               <ip address='192.168.123.1' netmask='255.255.255.0'/></network>";
    std::fs::write(&file, xml).unwrap();
    virsh(&["net-define", &file.to_string_lossy()]);
    virsh(&["net-start", "default"]);
}

/// Runs `virsh` on it, which succeeds.
pub(crate) fn virsh(arguments: &[&str]) -> String {
    run("virsh", &[&["--quiet", "--connect", URI], arguments].concat())
}

/// The names of the volumes in its pool.
pub(crate) fn volumes() -> Vec<String> {
    virsh(&["pool-refresh", "default"]);
    let list = virsh(&["vol-list", "default"]);
    let mut names: Vec<String> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}
