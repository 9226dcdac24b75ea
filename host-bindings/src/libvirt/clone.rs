//! Copies a VM, as a transaction: after an error at any step nothing of the copy is left and the original is as it was.
//!
//! A full copy has disks of its own. A linked one stores what differs: original and copy then both stand on what was the
//! original's disk, and neither writes it any more. For that the original goes on with an overlay too, so both can run.

use virt::connect::Connect;
use virt::domain::Domain;
use virt::storage_pool::StoragePool;
use virt::storage_vol::StorageVol;
use virt::sys;

use crate::contract::{Change, Error, VmCloneSpec};

use super::clone_seed;
use super::clone_xml::{CopiedDisk, Identity, metadata_of_copy, point_to, rewrite, set_our_metadata};
use super::create::reached;
use super::disk_state::{StillDisk, still_disks};
use super::download::read_small;
use super::error::{Doing as _, Fault, conflict, unreadable};
use super::facts::DomainFacts;
use super::ffi::Owned;
use super::lookup;
use super::metadata::{Metadata, VolumeMetadata};
use super::names::{check_name, disk_volume_name, random_uuid, seed_volume_name};
use super::networks::start_networks;
use super::snapshot_plan::target;
use super::snapshots::all_snapshots;
use super::transaction::Transaction;
use super::tree::Tree;
use super::upload::create_filled;
use super::volume_xml::VolumeDefinition;
use super::volumes::Volume;

/// More than any seed has; libvirt is not asked for the content of a larger volume.
const SEED_BYTES_MAX: u64 = 16 << 20;

/// The original and what is to become of it.
struct Original {
    domain: Owned<Domain>,
    name: String,
    definition: Tree,
    metadata: Metadata,
    disks: Vec<StillDisk>,
}

/// Copies a VM.
pub(super) fn clone_vm(connect: &Connect, vm: &str, spec: &VmCloneSpec) -> Result<Change, Fault> {
    let original = read(connect, vm, spec)?;
    check_name("name", &spec.name)?;
    match lookup::find_domain(connect, &spec.name) {
        Ok(_) => return Err(Error::already_exists("vm", &spec.name).into()),
        Err(fault) if fault.is_not_found() => {}
        Err(fault) => return Err(fault),
    }
    if spec.linked && spec.snapshot.is_none() && !all_snapshots(&original.domain, &original.name)?.is_empty() {
        return Err(conflict(format!(
            "vm `{}` has snapshots, which a linked copy of its present state would cut off: copy one of them, or make a full copy",
            original.name
        )));
    }
    if spec.linked
        && let Some(block) = original.disks.iter().find(|disk| disk.volume.facts.kind != "file")
    {
        let message = format!(
            "disk `{}` is not a file, so nothing can be put on top of it: make a full copy",
            block.target
        );
        return Err(Error::invalid_argument("linked", message).into());
    }
    let mut transaction = Transaction::default();
    let made = make(connect, &original, spec, &mut transaction);
    made.map_err(|fault| transaction.undo(fault))
}

fn read(connect: &Connect, vm: &str, spec: &VmCloneSpec) -> Result<Original, Fault> {
    let domain = lookup::find_domain(connect, vm)?;
    let name = domain.get_name().doing("read", "vm", vm)?;
    let flags = sys::VIR_DOMAIN_XML_INACTIVE | sys::VIR_DOMAIN_XML_SECURE;
    let xml = domain
        .get_xml_desc(flags)
        .doing("read the definition of", "vm", &name)?;
    let definition = Tree::parse(&xml).ok_or_else(|| unreadable("vm", &name))?;
    let metadata = DomainFacts::from_xml(&xml)
        .ok_or_else(|| unreadable("vm", &name))?
        .metadata;
    let disks = still_disks(
        connect,
        &domain,
        &name,
        &definition,
        spec.snapshot.as_deref(),
        "clone-vm",
    )?;
    Ok(Original {
        domain,
        name,
        definition,
        metadata,
        disks,
    })
}

fn make(
    connect: &Connect,
    original: &Original,
    spec: &VmCloneSpec,
    transaction: &mut Transaction,
) -> Result<Change, Fault> {
    let uuid = random_uuid();
    let mut copies = Vec::with_capacity(original.disks.len());
    for (index, disk) in original.disks.iter().enumerate() {
        reached("copy")?;
        copies.push(copy_disk(
            disk,
            &disk_volume_name(&spec.name, index),
            spec.linked,
            transaction,
        )?);
    }
    let mut definition = original.definition.clone();
    copy_seed(connect, original, &mut definition, spec, &uuid, transaction)?;
    let metadata = Metadata {
        volumes: transaction.volume_names(),
        ..metadata_of_copy(&original.metadata)
    };
    let identity = Identity {
        name: spec.name.clone(),
        uuid: uuid.clone(),
        disks: copies,
        metadata,
    };
    rewrite(&mut definition, identity);
    reached("define")?;
    let xml = definition.to_xml();
    let copy = Domain::define_xml(connect, &xml).doing("define", "vm", &spec.name)?;
    let copy = transaction.defined(Owned::new(copy));
    let mut undo = Restoration::default();
    let finished = finish(connect, original, spec, copy, &xml, &mut undo);
    finished.map_err(|fault| undo.restore(connect, original, fault))?;
    Ok(Change {
        id: uuid,
        pending: None,
    })
}

/// The steps after the copy is defined.
fn finish(
    connect: &Connect,
    original: &Original,
    spec: &VmCloneSpec,
    copy: &Domain,
    xml: &str,
    undo: &mut Restoration,
) -> Result<(), Fault> {
    if spec.linked && spec.snapshot.is_none() {
        continue_on_overlays(connect, original, undo)?;
    }
    if spec.start {
        let facts = DomainFacts::from_xml(xml).ok_or_else(|| unreadable("vm", &spec.name))?;
        let networks = facts.nics.iter().filter(|nic| nic.kind == "network");
        start_networks(connect, networks.filter_map(|nic| nic.network.as_deref()))?;
        reached("start")?;
        copy.create().doing("start", "vm", &spec.name)?;
    }
    Ok(())
}

fn copy_disk(disk: &StillDisk, name: &str, linked: bool, transaction: &mut Transaction) -> Result<CopiedDisk, Fault> {
    let Volume {
        pool: pool_name,
        facts,
        handle,
    } = &disk.volume;
    let pool = StoragePool::lookup_by_volume(handle)
        .map(Owned::new)
        .doing("find the pool of", "disk", &facts.name)?;
    let is_block_device = facts.kind == "block";
    let format = match (linked, is_block_device) {
        (true, _) => "qcow2",
        (false, true) => "raw",
        (false, false) => disk.format(),
    };
    let definition = VolumeDefinition {
        allocation_bytes: 0,
        name: name.to_owned(),
        capacity_bytes: facts.capacity_bytes,
        format: format.to_owned(),
        backing: linked.then(|| (facts.path.clone(), disk.format().to_owned())),
    };
    let made = if linked {
        StorageVol::create_xml(&pool, &definition.to_xml(), 0)
    } else {
        StorageVol::create_xml_from(&pool, &definition.to_xml(), handle, 0)
    };
    let made = made.map(Owned::new).doing("create", "disk", name)?;
    let path = made.get_path().doing("read", "disk", name);
    transaction.created(pool_name, name, made);
    Ok(CopiedDisk {
        target: disk.target.clone(),
        path: path?,
        format: format.to_owned(),
        is_block_device,
    })
}

/// Gives the copy a seed of its own where the original has one that was made for it; other media are shared.
fn copy_seed(
    connect: &Connect,
    original: &Original,
    definition: &mut Tree,
    spec: &VmCloneSpec,
    uuid: &str,
    transaction: &mut Transaction,
) -> Result<(), Fault> {
    let seed_name = seed_volume_name(&original.name);
    let Some(device) = definition.child_mut("devices") else {
        return Ok(());
    };
    let is_seed = |disk: &Tree| {
        let path = disk
            .child("source")
            .and_then(|source| source.attribute("file"))
            .unwrap_or_default();
        disk.name() == "disk"
            && disk.attribute("device") == Some("cdrom")
            && path.rsplit('/').next() == Some(seed_name.as_str())
    };
    let Some(disk) = device.children_mut().find(|device| is_seed(device)) else {
        return Ok(());
    };
    let path = disk
        .child("source")
        .and_then(|source| source.attribute("file"))
        .unwrap_or_default()
        .to_owned();
    let volume = Volume::read("disk", lookup::find_volume(connect, "disk", &path)?)?;
    reached("seed")?;
    let content = read_small(connect, &volume, SEED_BYTES_MAX)?;
    let content = content.and_then(|content| clone_seed::rewrite(&content, &spec.name, uuid));
    let Some(content) = content else {
        return Err(conflict(format!(
            "the seed `{path}` of vm `{}` cannot be read, and with it the copy would take itself for the original: eject it first",
            original.name
        )));
    };
    let pool = lookup::find_pool(connect, &volume.pool)?;
    let name = seed_volume_name(&spec.name);
    let handle = create_filled(connect, &pool, &name, &content)?;
    let new_path = handle.get_path().doing("read", "disk", &name);
    transaction.created(&volume.pool, &name, handle);
    let source = super::element::Element::new("source").attribute("file", new_path?);
    disk.set_child("source", Some(Tree::of(&source)));
    Ok(())
}

/// What was changed about the original.
#[derive(Default)]
struct Restoration {
    overlays: Vec<(VolumeMetadata, Owned<StorageVol>)>,
    redefined: bool,
}

impl Restoration {
    /// Puts the original back; nothing was written to the overlays, because it is stopped.
    fn restore(self, connect: &Connect, original: &Original, mut fault: Fault) -> Fault {
        if self.redefined {
            let restored = Domain::define_xml(connect, &original.definition.to_xml()).map(Owned::new);
            if let Err(error) = restored {
                return fault.and(&format!(
                    "vm `{}` goes on with overlays over its disks: {}",
                    original.name,
                    error.message()
                ));
            }
        }
        for (metadata, overlay) in self.overlays.iter().rev() {
            if let Err(error) = overlay.delete(0) {
                fault = fault.and(&format!(
                    "volume `{}` could not be removed: {}",
                    metadata.name,
                    error.message()
                ));
            }
        }
        fault
    }
}

/// Lets the original go on with overlays, so that its disks stay as they are.
fn continue_on_overlays(connect: &Connect, original: &Original, undo: &mut Restoration) -> Result<(), Fault> {
    let mut definition = original.definition.clone();
    let suffix = random_uuid();
    let suffix = suffix.split('-').next().unwrap_or_default();
    for disk in &original.disks {
        reached("overlay")?;
        let name = format!("{}_{}.{suffix}.img", original.name, disk.target);
        let mut made = Transaction::default();
        let copied = copy_disk(disk, &name, true, &mut made)?;
        undo.overlays.extend(made.into_volumes());
        let device = definition.child_mut("devices");
        let mut devices = device.into_iter().flat_map(Tree::children_mut);
        let device = devices.find(|device| device.name() == "disk" && target(device) == Some(disk.target.as_str()));
        if let Some(device) = device {
            point_to(device, &copied);
        }
    }
    if original.metadata.ours {
        let mut metadata = original.metadata.clone();
        metadata
            .volumes
            .extend(undo.overlays.iter().map(|(volume, _)| volume.clone()));
        set_our_metadata(&mut definition, &metadata);
    }
    reached("redefine")?;
    // Somebody may have started it meanwhile; then it writes the disks that are to stay as they are.
    if original.domain.is_active().doing("read", "vm", &original.name)? {
        return Err(conflict(format!(
            "vm `{}` was started meanwhile: stop it first",
            original.name
        )));
    }
    Domain::define_xml(connect, &definition.to_xml())
        .map(Owned::new)
        .doing("redefine", "vm", &original.name)?;
    undo.redefined = true;
    Ok(())
}

#[cfg(test)]
#[path = "clone_tests.rs"]
mod tests;
