//! A hundred domains on a real libvirt: the command against `virsh`.

use stockade_test_support::artifacts;
use stockade_test_support::private_libvirt::PrivateLibvirt;

use crate::Result;
use crate::command::time_process;
use crate::statistics::print_ratio;

const DOMAINS: usize = 100;
const RUNS: usize = 50;

/// What we note on a VM of ours. A VM of somebody else costs a second question: whether kcli noted something.
const OURS: &str = "<metadata><s:vm xmlns:s='urn:stockade:vm:1'><s:image>tiny.qcow2</s:image></s:vm></metadata>";

/// Measures and prints.
pub(crate) fn run() -> Result<()> {
    compare("libvirt list: 100 VMs of ours, whole process", OURS)?;
    compare("libvirt list: 100 domains of somebody else, whole process", "")
}

fn compare(title: &str, metadata: &str) -> Result<()> {
    let libvirt = PrivateLibvirt::start()?;
    let home = tempfile::tempdir()?;
    let file = tempfile::NamedTempFile::new()?;
    for number in 0..DOMAINS {
        let xml = format!(
            "<domain type='qemu'><name>bench-{number}</name>{metadata}<memory unit='MiB'>64</memory><vcpu>1</vcpu>\
             <os><type arch='x86_64'>hvm</type></os></domain>"
        );
        std::fs::write(file.path(), xml)?;
        libvirt.virsh(&["define", &file.path().to_string_lossy()])?;
    }
    let stockade = |arguments: &[&str]| {
        let mut command = libvirt.command("env");
        command
            .arg(format!("STOCKADE_HOME={}", home.path().display()))
            .arg(artifacts::stockade())
            .args(arguments);
        command
    };
    let created = stockade(&["create", "connection", "bench", "--provider", "libvirt"]).output()?;
    if !created.status.success() {
        return Err(String::from_utf8_lossy(&created.stderr).into_owned().into());
    }
    // Both through the same two programs that enter the namespaces, so their cost is on both sides.
    let virsh = || {
        let mut command = libvirt.command("env");
        command.args(["virsh", "--connect", "qemu:///system", "list", "--all"]);
        command
    };
    time_process(RUNS / 10, || stockade(&["list", "vm"]))?;
    let ours = time_process(RUNS, || stockade(&["list", "vm"]))?;
    let theirs = time_process(RUNS, virsh)?;
    print_ratio(title, "below 1", &ours, ("virsh list --all", &theirs));
    Ok(())
}
