//! What is noted on VMs (<https://docs.openstack.org/api-ref/compute/#server-metadata-servers-metadata>).

use std::collections::BTreeMap;

use serde_json::json;

use stockade_provider::abilities::VmMetadata;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, MetadataChange};

use super::spec::check_metadata;
use crate::Openstack;
use crate::change::done;
use crate::cloud::Cloud;
use crate::service::Service;

impl<H: Host> VmMetadata<H> for Openstack {
    fn update_vm_metadata(host: &H, vm: String, changes: Vec<MetadataChange>) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "update-vm-metadata")?;
        for change in &changes {
            check_metadata(&change.key, change.value.as_deref().unwrap_or_default(), "changes")?;
        }
        let server = cloud.server(&vm)?;
        let doing = format!("noting metadata on vm `{vm}`");
        // The last change of a key counts.
        let changes: BTreeMap<_, _> = changes.into_iter().map(|change| (change.key, change.value)).collect();
        let set: BTreeMap<_, _> = changes
            .iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)))
            .collect();
        if !set.is_empty() {
            cloud
                .call(Service::Compute, "POST", ["servers", &server.id, "metadata"])
                .about("vm", &vm)
                .json(json!({"metadata": set}))
                .send(&doing)?;
        }
        for (key, _) in changes.iter().filter(|(_, value)| value.is_none()) {
            if server.metadata.contains_key(key) {
                cloud
                    .call(Service::Compute, "DELETE", ["servers", &server.id, "metadata", key])
                    .remove(&doing)?;
            }
        }
        Ok(done(server.id))
    }

    fn set_vm_description(host: &H, vm: String, description: Option<String>) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "set-vm-description")?;
        let server = cloud.server(&vm)?;
        cloud
            .call(Service::Compute, "PUT", ["servers", &server.id])
            .about("vm", &vm)
            .json(json!({"server": {"description": description}}))
            .send(&format!("describing vm `{vm}`"))?;
        Ok(done(server.id))
    }

    fn set_vm_autostart(host: &H, vm: String, _autostart: bool) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "set-vm-autostart")?;
        cloud.server(&vm)?;
        Err(Error::unsupported(
            "set-vm-autostart",
            "whether vms start with their host is the cloud's matter in Nova (`resume_guests_state_on_host_boot`)",
        ))
    }
}
