//! The screen and the serial line of VMs (<https://docs.openstack.org/api-ref/compute/#server-consoles>).

use serde_json::json;

use stockade_provider::abilities::Consoles;
use stockade_provider::host::Host;
use stockade_provider::types::{Console, ConsoleKind, ConsoleProtocol, Error, ErrorKind, VmStatus};

use crate::Openstack;
use crate::cloud::{Cloud, of_value, take};
use crate::service::Service;

impl<H: Host> Consoles<H> for Openstack {
    fn open_vm_console(host: &H, vm: String, kind: ConsoleKind) -> Result<Console, Error> {
        let cloud = Cloud::open(host, "open-vm-console")?;
        let server = cloud.server(&vm)?;
        if server.vm_status() == VmStatus::Stopped {
            return Err(Error::conflict(format!("vm `{vm}` is stopped; start it first")));
        }
        let (protocol, name, spoken) = match kind {
            ConsoleKind::Graphical => ("vnc", "novnc", ConsoleProtocol::Web),
            ConsoleKind::Serial => ("serial", "serial", ConsoleProtocol::Stream),
        };
        let call = cloud.call(Service::Compute, "POST", ["servers", &server.id, "remote-consoles"]);
        let url = call
            .about("vm", &vm)
            .json(json!({"remote_console": {"protocol": protocol, "type": name}}))
            .text("/remote_console/url", &format!("opening a console of vm `{vm}`"))
            .map_err(|error| unavailable(error, name))?;
        Ok(Console {
            protocol: spoken,
            url,
            // The URL holds a token; how long that is good is the cloud's setting (`token_ttl`), which no answer tells.
            password: None,
            expires_at: None,
        })
    }

    fn read_vm_console_log(host: &H, vm: String) -> Result<String, Error> {
        let cloud = Cloud::open(host, "read-vm-console-log")?;
        let server = cloud.server(&vm)?;
        let doing = format!("reading the console log of vm `{vm}`");
        let response = cloud.act(&server, "os-getConsoleOutput", &json!({}), &doing)?;
        of_value(take(response.json(&doing)?, "/output", &doing)?, &doing)
    }

    fn take_vm_screenshot(host: &H, vm: String) -> Result<Vec<u8>, Error> {
        let cloud = Cloud::open(host, "take-vm-screenshot")?;
        cloud.server(&vm)?;
        Err(Error::unsupported(
            "take-vm-screenshot",
            "Nova takes no pictures; open a graphical console",
        ))
    }
}

/// A cloud without such consoles answers 400 `ConsoleTypeUnavailable` or 501.
fn unavailable(error: Error, name: &str) -> Error {
    let is_missing = matches!(
        &error.kind,
        ErrorKind::Upstream(fault) if matches!(fault.status, Some(400 | 501))
    );
    match is_missing {
        true => Error {
            request_id: error.request_id,
            ..Error::unsupported("open-vm-console", &format!("this cloud has no `{name}` consoles"))
        },
        false => error,
    }
}
