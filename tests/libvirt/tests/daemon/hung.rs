//! A VM whose QEMU does not answer any more: it delays nobody but whoever asks for it.

use std::time::Duration;

use stockade_test_support::wait_for;

use crate::lab::{define, inside, run, virsh};
use crate::server::Server;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_vm_that_hangs_delays_neither_lists_nor_other_vms() {
    inside("hung::a_vm_that_hangs_delays_neither_lists_nor_other_vms", |lab| {
        for name in ["hung", "well"] {
            define(lab.directory(), name, "");
            virsh(&["start", name]);
        }
        let qemu = std::fs::read_to_string("/run/libvirt/qemu/hung.pid").unwrap();
        run("kill", &["-STOP", qemu.trim()]);
        lab.connect("near", &[]);
        let server = Server::start(lab);
        let hung = || server.get("/v1/connections/near/vms/hung");
        std::thread::scope(|scope| {
            // More calls for the hung VM than all connections have places; they end when it goes on.
            let ask = || server.ask("POST", "/v1/connections/near/vms/hung/stop?timeout_seconds=1");
            let stuck: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
            let status = wait_for("QEMU to be asked, in vain", LIMIT, || {
                let status = hung()["vendor_status"].as_str().unwrap().to_owned();
                status.contains("does not answer").then_some(status)
            });
            assert!(status.starts_with("running"), "{status}");
            assert_eq!(server.status("near", "hung").as_deref(), Some("running"));
            for path in ["stop?mode=forced", "start"] {
                server.post(&format!("/v1/connections/near/vms/well/{path}"));
            }
            let well = server.get("/v1/connections/near/vms/well");
            assert_eq!(well["vendor_status"], "running", "nothing of it is missing: {well}");
            assert_eq!(lab.names("near"), ["hung", "well"]);
            assert!(
                stuck.iter().all(|call| !call.is_finished()),
                "the VM was hung all the time"
            );
            run("kill", &["-CONT", qemu.trim()]);
        });
        wait_for("the VM to be whole again", LIMIT, || {
            (hung()["vendor_status"] == "running").then_some(())
        });
    });
}
