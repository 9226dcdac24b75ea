//! The screen and the serial line of VMs (<https://docs.openstack.org/api-ref/compute/#server-consoles>).

use serde::Deserialize;
use serde_json::json;

use stockade_provider::abilities::Consoles;
use stockade_provider::host::Host;
use stockade_provider::types::{Console, ConsoleKind, ConsoleProtocol, Error, ErrorKind, VmStatus};

use crate::Openstack;
use crate::cloud::{Cloud, of_value};
use crate::service::Service;

#[derive(Debug, Deserialize)]
struct ConsoleAnswer {
    remote_console: RemoteConsole,
}

#[derive(Debug, Deserialize)]
struct RemoteConsole {
    url: String,
}

#[derive(Debug, Deserialize)]
struct OutputAnswer {
    output: String,
}

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
        let answer: ConsoleAnswer = call
            .about("vm", &vm)
            .json(json!({"remote_console": {"protocol": protocol, "type": name}}))
            .read(&format!("opening a console of vm `{vm}`"))
            .map_err(|error| unavailable(error, name))?;
        Ok(Console {
            protocol: spoken,
            url: answer.remote_console.url,
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
        Ok(of_value::<OutputAnswer>(response.json(&doing)?, &doing)?.output)
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
