//! The screen and the serial line: EC2 tells what the second printed, takes pictures of the first, and has sessions by SSH
//! only.
//!
//! Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleOutput.html>,
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleScreenshot.html>.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use stockade_provider::abilities::Consoles;
use stockade_provider::host::Host;
use stockade_provider::types::{Console, ConsoleKind, Error, ErrorKind, Subject};

use crate::Aws;
use crate::client::Client;
use crate::instance::Instance;
use crate::instances;
use crate::query::Query;
use crate::screenshot;

impl<H: Host> Consoles<H> for Aws {
    fn open_vm_console(host: &H, vm: String, kind: ConsoleKind) -> Result<Console, Error> {
        instances::get(&Client::new(host, "open-vm-console"), &vm)?;
        let why = match kind {
            ConsoleKind::Graphical => "EC2 shows pictures of the screen only",
            ConsoleKind::Serial => {
                "EC2's serial console is an SSH server that takes a key which is pushed to it for a minute: use `aws \
                 ec2-instance-connect`"
            }
        };
        Err(Error::unsupported("open-vm-console", why))
    }

    fn read_vm_console_log(host: &H, vm: String) -> Result<String, Error> {
        let client = Client::new(host, "read-vm-console-log");
        let found = instances::get(&client, &vm)?;
        // `Latest` reads what is there now, and only instances on Nitro have it: the others keep what was there when they
        // started.
        let query = Query::ec2("GetConsoleOutput").with("InstanceId", &found.id);
        let doing = format!("reading the console of vm `{}`", found.name());
        let latest = read_output(&client, &query.clone().with("Latest", true), &doing, &found);
        match latest {
            Err(error) if matches!(error.kind, ErrorKind::Unsupported(_) | ErrorKind::InvalidArgument(_)) => {
                read_output(&client, &query, &doing, &found)
            }
            answer => answer,
        }
    }

    fn take_vm_screenshot(host: &H, vm: String) -> Result<Vec<u8>, Error> {
        let client = Client::new(host, "take-vm-screenshot");
        let found = instances::get(&client, &vm)?;
        if found.state != "running" {
            let message = format!("vm `{}` is `{}`: it has no screen", found.name(), found.state);
            return Err(Error::conflict(message));
        }
        let query = Query::ec2("GetConsoleScreenshot").with("InstanceId", &found.id);
        let doing = format!("taking a picture of the screen of vm `{}`", found.name());
        client.read_about(&query, &doing, Some(Subject::new("vm", found.name())), |root| {
            let jpeg = decoded(root.text("imageData"), &doing)?;
            screenshot::png_of(&jpeg)
                .map_err(|why| Error::upstream(None, None, format!("while {doing}: the picture is no JPEG: {why}")))
        })
    }
}

fn read_output<H: Host>(client: &Client<'_, H>, query: &Query, doing: &str, vm: &Instance) -> Result<String, Error> {
    client.read_about(query, doing, Some(Subject::new("vm", vm.name())), |root| {
        let bytes = decoded(root.text("output"), doing)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    })
}

/// What EC2 writes in base64, with line breaks; nothing is empty.
fn decoded(text: Option<&str>, doing: &str) -> Result<Vec<u8>, Error> {
    let encoded: String = text.unwrap_or_default().split_whitespace().collect();
    let decoded = STANDARD.decode(encoded);
    decoded.map_err(|error| Error::upstream(None, None, format!("while {doing}: the answer is not base64: {error}")))
}
