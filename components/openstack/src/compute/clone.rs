//! Copies of VMs: an image of the original, a VM from that, and the image goes again.

use stockade_provider::abilities::VmClone;
use stockade_provider::host::Host;
use stockade_provider::types::{Change, Error, VmCloneSpec};

use super::boot;
use super::flavors;
use super::resolve::{Nic, Resolved};
use super::server::Server;
use super::spec::{Wanted, WantedDisk, refuse};
use crate::Openstack;
use crate::cloud::Cloud;
use crate::find;
use crate::image::{COPY, MARK};
use crate::name::check_name;
use crate::service::Service;

impl<H: Host> VmClone<H> for Openstack {
    fn clone_vm(host: &H, vm: String, spec: VmCloneSpec) -> Result<Change, Error> {
        let cloud = Cloud::open(host, "clone-vm")?;
        let VmCloneSpec {
            name,
            linked,
            snapshot,
            start,
        } = spec;
        check_name(&name)?;
        refuse("linked", linked, "Nova makes independent copies only")?;
        let server = cloud.server(&vm)?;
        if !cloud.servers_named(&name)?.is_empty() {
            return Err(Error::already_exists("vm", &name));
        }
        if !server.volumes.is_empty() {
            let why = format!("vm `{vm}` has volumes, and Nova copies only what is on its host");
            return Err(Error::unsupported("clone-vm", &why));
        }
        let doing = format!("copying vm `{vm}` to `{name}`");
        let image = match &snapshot {
            Some(snapshot) => {
                let all = super::snapshots::of_server(&cloud, &server)?;
                find::one("snapshot", snapshot, all, |image| &image.id, |image| image.name())?.id
            }
            None => {
                let properties = serde_json::json!({ MARK: COPY });
                crate::image::made_of_server(
                    &cloud,
                    &server,
                    &format!("copy of {vm} for {name}"),
                    &properties,
                    &doing,
                )?
            }
        };
        let copied = copy(&cloud, &server, &name, &image, start, &doing);
        if snapshot.is_none() {
            // The copy has its own disk. That the image stays would be a pity, and no reason to fail.
            let _ = cloud.call(Service::Image, "DELETE", ["images", &image]).remove(&doing);
        }
        copied
    }
}

/// Makes a VM like another one from an image.
fn copy<H: Host>(
    cloud: &Cloud<'_, H>,
    server: &Server,
    name: &str,
    image: &str,
    start: bool,
    doing: &str,
) -> Result<Change, Error> {
    let present = server.flavor.as_ref().map(|flavor| flavor.original_name.as_str());
    let flavor = flavors::named(cloud.flavors(doing)?, present.unwrap_or_default())?;
    let ports = cloud.ports_of(&server.id, doing)?;
    // New ports on the same networks: another identity, other addresses.
    let nics = ports.iter().map(|port| Nic::Plain {
        network: port.network_id.clone(),
        address: None,
    });
    let wanted = Wanted {
        name: name.to_owned(),
        image: Some(image.to_owned()),
        flavor: None,
        cpus: None,
        memory_mib: None,
        disks: vec![WantedDisk::default()],
        boot_volume: false,
        volume_snapshot: None,
        nics: vec![],
        location: None,
        user_data: None,
        ssh_keys: None,
        key_pair: None,
        hostname: None,
        security_groups: vec![],
        server_group: None,
        config_drive: None,
        start,
        description: server.description.clone().filter(|text| !text.is_empty()),
        metadata: server.metadata.clone(),
        tags: vec![],
    };
    let resolved = Resolved {
        nics: nics.collect(),
        image: Some(cloud.image(image)?),
        devices: vec![],
        security_groups: super::resolve::groups_of(&ports),
        server_group: None,
        external_network: None,
        flavor,
    };
    boot::boot(cloud, &wanted, &resolved)
}
