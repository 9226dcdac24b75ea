//! Network interfaces of existing VMs.

use stockade_provider::abilities::Nics;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, Network, VmNic, VmNicSpec};

use crate::Fake;
use crate::client::Client;
use crate::cloud::{self, done};
use crate::nic_spec::new_nic;
use crate::records::StoredVm;

impl<H: Host> Nics<H> for Fake {
    fn add_nic(host: &H, vm: String, spec: VmNicSpec) -> Result<Change, Error> {
        let client = Client::open(host, "add-nic")?;
        let found = client.get::<StoredVm>(&vm)?;
        let index = (0..)
            .find(|index| !found.saved.nics.iter().any(|nic| nic.name == format!("eth{index}")))
            .unwrap_or(0);
        let nic = new_nic(&client, "", index, spec, &cloud::all_nics(&client)?)?;
        client.update::<StoredVm>(&found.id, |vm| {
            if vm.saved.nics.iter().any(|have| have.name == nic.name) {
                return Err(Error::conflict(format!(
                    "somebody else adds an interface to vm `{}`; try again",
                    vm.name
                )));
            }
            vm.saved.nics.push(nic.clone());
            Ok(())
        })?;
        Ok(done(nic.name))
    }

    fn remove_nic(host: &H, vm: String, nic: String) -> Result<Change, Error> {
        let client = Client::open(host, "remove-nic")?;
        let name = find(&client.get::<StoredVm>(&vm)?, &nic)?.name.clone();
        client.update::<StoredVm>(&vm, |vm| {
            vm.saved.nics.retain(|have| have.name != name);
            Ok(())
        })?;
        Ok(done(name))
    }

    fn update_nic(host: &H, vm: String, nic: String, network: String) -> Result<Change, Error> {
        let client = Client::open(host, "update-nic")?;
        let name = find(&client.get::<StoredVm>(&vm)?, &nic)?.name.clone();
        let network = client.get::<Network>(&network)?;
        let address = match network.dhcp {
            Some(true) => cloud::free_address(&network, &cloud::all_nics(&client)?)?,
            _ => None,
        };
        client.update::<StoredVm>(&vm, |vm| {
            for have in vm.saved.nics.iter_mut().filter(|have| have.name == name) {
                have.network = Some(network.name.clone());
                have.ips = address.iter().cloned().collect();
            }
            Ok(())
        })?;
        Ok(done(name))
    }
}

/// A VM's interface by name or MAC address.
fn find<'a>(vm: &'a StoredVm, nic: &str) -> Result<&'a VmNic, Error> {
    let is_wanted =
        |have: &&VmNic| have.name == nic || have.mac.as_ref().is_some_and(|mac| mac.eq_ignore_ascii_case(nic));
    vm.saved
        .nics
        .iter()
        .find(is_wanted)
        .ok_or_else(|| Error::not_found("nic", nic))
}
