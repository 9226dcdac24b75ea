//! What is noted on VMs. kweb shows five notes of kcli and lets a caller choose one, the plan; it answers success for any
//! other key and drops it, so those are refused here.

use serde_json::{Value, json};

use stockade_provider::abilities::VmMetadata;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, MetadataChange};

use crate::Web;
use crate::client::Client;
use crate::vms::done;
use crate::wire::WireVm;

impl<H: Host> VmMetadata<H> for Web {
    fn update_vm_metadata(host: &H, vm: String, changes: Vec<MetadataChange>) -> Result<Change, Error> {
        let mut plan = None;
        for change in changes {
            match change {
                MetadataChange {
                    key,
                    value: Some(value),
                } if key == "plan" => plan = Some(value),
                MetadataChange { key, value: None } if key == "plan" => {
                    return Err(Error::cannot_honour(
                        "changes",
                        "kweb cannot take the `plan` of a vm away",
                    ));
                }
                MetadataChange { key, .. } => {
                    let why = format!("kweb keeps no key `{key}`, only `plan`");
                    return Err(Error::cannot_honour("changes", &why));
                }
            }
        }
        let client = Client::new(host);
        let Some(plan) = plan else {
            return client.vm(&vm).map(|found| done(found.id()));
        };
        update_and_check(&client, &vm, &json!({"plan": plan}), "plan", |after| {
            after
                .metadata()
                .iter()
                .any(|tag| tag.key == "plan" && tag.value == plan)
        })
    }

    fn set_vm_description(_host: &H, _vm: String, _description: Option<String>) -> Result<Change, Error> {
        Err(Error::unsupported(
            "set-vm-description",
            "kweb takes a description, but never shows it",
        ))
    }

    fn set_vm_autostart(host: &H, vm: String, autostart: bool) -> Result<Change, Error> {
        let client = Client::new(host);
        update_and_check(&client, &vm, &json!({"autostart": autostart}), "autostart", |after| {
            after.autostart == Some(autostart)
        })
    }
}

/// Looks first and reads back, because kweb answers success for a VM that does not exist and for a key it drops.
fn update_and_check<H: Host>(
    client: &Client<'_, H>,
    vm: &str,
    body: &Value,
    what: &str,
    is_changed: impl Fn(&WireVm) -> bool,
) -> Result<Change, Error> {
    let found = client.vm(vm)?;
    client.update_vm(&found.name, body, &format!("changing `{what}` of vm `{}`", found.name))?;
    if is_changed(&client.vm(&found.name)?) {
        Ok(done(found.id()))
    } else {
        let message = format!(
            "kweb reported success, but `{what}` of vm `{}` did not change",
            found.name
        );
        Err(Error::upstream(None, None, message))
    }
}
