//! Disks: kweb knows those of VMs only, can add one to a VM, and deletes one only while a VM holds it.

use serde_json::json;

use stockade_provider::abilities::Disks;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::page;
use stockade_provider::types::{AttachSpec, Change, Disk, DiskPage, DiskSpec, Error, PageRequest};

use crate::Web;
use crate::client::Client;
use crate::config::Config;
use crate::vms::{DEFAULT_PAGE, done};
use crate::wire::{WireVm, file_name, pool_of};

impl<H: Host> Disks<H> for Web {
    fn list_disks(host: &H, page: PageRequest) -> Result<DiskPage, Error> {
        let (items, next) = page::cut(all(&Client::new(host))?, &page, DEFAULT_PAGE, |disk| disk.id.clone())?;
        Ok(DiskPage { items, next })
    }

    fn get_disk(host: &H, disk: String) -> Result<Disk, Error> {
        find(&Client::new(host), &disk)
    }

    fn create_disk(host: &H, spec: DiskSpec) -> Result<Change, Error> {
        let DiskSpec {
            name,
            size_gib,
            pool,
            format,
            image,
            vm,
            metadata,
            options,
        } = spec;
        Options::of(&options).refuse_others(&[])?;
        for (field, is_given, why) in [
            ("name", name.is_some(), "kcli names disks after their vm"),
            (
                "format",
                format.is_some_and(|format| format != "qcow2"),
                "kweb makes `qcow2` disks",
            ),
            ("image", image.is_some(), "kweb adds empty disks only"),
            ("metadata", !metadata.is_empty(), "kweb keeps none for disks"),
        ] {
            if is_given {
                return Err(Error::cannot_honour(field, why));
            }
        }
        if size_gib == 0 {
            return Err(Error::invalid_argument("size-gib", "`size-gib` must be at least 1"));
        }
        let vm =
            vm.ok_or_else(|| Error::cannot_honour("vm", "kweb makes disks of vms only: name the vm that gets it"))?;
        let client = Client::new(host);
        let before = client.vm(&vm)?;
        let pool = match pool {
            Some(pool) => pool,
            None => Config::read(host)?.pool,
        };
        // kweb answers an unknown pool with an exception page.
        if !client.pools()?.iter().any(|(name, _)| *name == pool) {
            return Err(Error::not_found("pool", &pool));
        }
        let doing = format!("adding a disk to vm `{}`", before.name);
        client.change(
            "POST",
            &["disks", &before.name],
            &json!({"size": size_gib, "pool": pool}),
            &doing,
        )?;
        let after = client.vm(&before.name)?;
        let path = after
            .disks
            .iter()
            .map(|disk| &disk.path)
            .find(|path| !before.disks.iter().any(|have| have.path == **path));
        path.cloned().flatten().map(done).ok_or_else(|| {
            Error::upstream(
                None,
                None,
                format!("while {doing}: kweb reported success, but the vm has no new disk"),
            )
        })
    }

    fn delete_disk(host: &H, disk: String) -> Result<Change, Error> {
        let client = Client::new(host);
        let found = find(&client, &disk)?;
        if !Config::read(host)?.delete_attached_disks {
            let message = format!(
                "disk `{disk}` is attached to vm `{}`, and kweb cannot detach it; set the connection's option \
                 `delete_attached_disks` to let it be deleted from the vm",
                found.attached_to.join("`, `")
            );
            return Err(Error::conflict(message));
        }
        for vm in &found.attached_to {
            let holder = client.vm(vm)?;
            let device = holder
                .disks
                .iter()
                .find(|have| have.path.as_deref() == Some(&found.id))
                .map(|have| &have.device);
            let Some(device) = device else { continue };
            client.change(
                "DELETE",
                &["disks", vm],
                &json!({"disk": device}),
                &format!("deleting disk `{disk}` of vm `{vm}`"),
            )?;
        }
        Ok(done(found.id))
    }

    fn resize_disk(_host: &H, _disk: String, _size_gib: u32) -> Result<Change, Error> {
        Err(Error::unsupported(
            "resize-disk",
            "kweb answers every such request with an internal error",
        ))
    }

    fn attach_disk(_host: &H, _vm: String, _spec: AttachSpec) -> Result<Change, Error> {
        Err(Error::unsupported("attach-disk", "kweb only creates new disks"))
    }

    fn detach_disk(_host: &H, _vm: String, _disk: String) -> Result<Change, Error> {
        Err(Error::unsupported("detach-disk", "kweb only deletes disks"))
    }
}

/// The disks of all VMs, each once.
fn all<H: Host>(client: &Client<'_, H>) -> Result<Vec<Disk>, Error> {
    let pools = client.pools()?;
    let mut disks: Vec<Disk> = Vec::new();
    for vm in client.vms_with_details()? {
        for disk in of_vm(&vm, &pools) {
            match disks.iter_mut().find(|have| have.id == disk.id) {
                Some(have) => have.attached_to.push(vm.name.clone()),
                None => disks.push(disk),
            }
        }
    }
    Ok(disks)
}

fn of_vm(vm: &WireVm, pools: &[(String, String)]) -> Vec<Disk> {
    let disk = |wire: &crate::wire::WireDisk| {
        let path = wire.path.clone()?;
        Some(Disk {
            name: file_name(&path).to_owned(),
            size_gib: wire.size_gib().unwrap_or(0),
            pool: pool_of(&path, pools),
            format: wire.image_format().map(str::to_owned),
            attached_to: vec![vm.name.clone()],
            created_at: None,
            metadata: Vec::new(),
            id: path,
        })
    };
    vm.disks.iter().filter_map(disk).collect()
}

fn find<H: Host>(client: &Client<'_, H>, disk: &str) -> Result<Disk, Error> {
    let disks = all(client)?;
    if let Some(found) = disks.iter().find(|have| have.id == disk) {
        return Ok(found.clone());
    }
    let named: Vec<&Disk> = disks.iter().filter(|have| have.name == disk).collect();
    match named.as_slice() {
        [] => Err(Error::not_found("disk", disk)),
        [one] => Ok((*one).clone()),
        several => Err(Error::ambiguous(
            "disk",
            disk,
            several.iter().map(|have| have.id.clone()).collect(),
        )),
    }
}
