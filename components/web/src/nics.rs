//! Network interfaces of existing VMs.

use serde_json::json;

use stockade_provider::abilities::Nics;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, VmNicSpec};

use crate::Web;
use crate::client::Client;
use crate::config::Config;
use crate::vm_spec::network_and_model;
use crate::vms::done;

impl<H: Host> Nics<H> for Web {
    fn add_nic(host: &H, vm: String, spec: VmNicSpec) -> Result<Change, Error> {
        let (network, model) = network_and_model("", spec, &Config::read(host)?)?;
        let client = Client::new(host);
        let before = client.vm(&vm)?;
        let doing = format!("adding an interface to vm `{}`", before.name);
        let body = json!({"network": network, "model": model.as_deref().unwrap_or("virtio")});
        client.change("POST", &["nics", &before.name], &body, &doing)?;
        let after = client.vm(&before.name)?;
        let added = after
            .nets
            .iter()
            .find(|nic| !before.nets.iter().any(|have| have.mac == nic.mac));
        added.map(|nic| done(nic.device.clone())).ok_or_else(|| {
            Error::upstream(
                None,
                None,
                format!("while {doing}: kweb reported success, but the vm has no new interface"),
            )
        })
    }

    fn remove_nic(host: &H, vm: String, nic: String) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = client.vm(&vm)?;
        // kweb answers an unknown interface with an exception page, and takes no MAC address.
        let is_wanted = |mac: &Option<String>| mac.as_ref().is_some_and(|mac| mac.eq_ignore_ascii_case(&nic));
        let device = found
            .nets
            .iter()
            .find(|have| have.device == nic || is_wanted(&have.mac))
            .map(|have| have.device.clone());
        let device = device.ok_or_else(|| Error::not_found("nic", &nic))?;
        let doing = format!("removing interface `{nic}` of vm `{}`", found.name);
        client.change("DELETE", &["nics", &found.name], &json!({"nic": device}), &doing)?;
        Ok(done(device))
    }

    fn update_nic(_host: &H, _vm: String, _nic: String, _network: String) -> Result<Change, Error> {
        Err(Error::unsupported(
            "update-nic",
            "kweb has no route for it; remove the interface and add another",
        ))
    }
}
