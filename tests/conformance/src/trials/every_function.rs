//! An exported ability is a promise: each of its functions is called, and answers.
//!
//! The calls are about things that do not exist, so they are quick, change nothing, and have one right answer: lists and
//! checks succeed, everything else is `not-found`. `unsupported` counts only where the provider's documentation says so.

use stockade::Result;
use stockade::contract::{
    Ability, ApplyWhen, AttachSpec, DiskSpec, ImageSpec, NetworkUpdate, SnapshotSpec, StopMode, VmCloneSpec,
    VmResizeSpec, VmSpec,
};

use super::images::content;
use super::options::nic;
use super::{Trial, trials};
use crate::outcome::{Outcome, ensure};
use crate::subject::{NO_OPTIONS, Subject, WITH_SNAPSHOTS};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Info, Ability::Vms]; every_function_of_an_exported_ability_answers]
}

/// What nothing is called.
const ABSENT: &str = "absent";

async fn every_function_of_an_exported_ability_answers(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let abilities = subject.service.installed().abilities.clone();
    let mut complaints = Vec::new();
    for function in abilities.iter().flat_map(|ability| ability.functions()) {
        let answer = call(subject, function).await?;
        if let Some(complaint) = judge(subject, function, answer) {
            complaints.push(complaint);
        }
    }
    ensure!(complaints.is_empty(), "{}", complaints.join("\n"));
    before.check_unchanged(subject).await
}

fn judge(subject: &Subject, function: &str, answer: Result<()>) -> Option<String> {
    let may_succeed = function.starts_with("list-") || matches!(function, "describe" | "check-connection");
    match answer {
        Ok(()) if may_succeed => None,
        Ok(()) => Some(format!("`{function}` succeeded on a thing that does not exist")),
        Err(error) => match error.kind().name() {
            "not-found" if !may_succeed || function == "list-snapshots" => None,
            "unsupported" if subject.documents(function) => None,
            "unsupported" => Some(format!(
                "`{function}` is exported and unsupported, which is documented nowhere: {error}"
            )),
            // Refused for a reason of the vendor's own that it documents, before it looked for the thing.
            "invalid-argument" if subject.unless_documented::<()>(Err(error.clone())).is_ok() => None,
            kind => Some(format!("`{function}` answered `{kind}`: {error}")),
        },
    }
}

/// Calls a function of the contract by its name.
async fn call(subject: &Subject, function: &str) -> Outcome<Result<()>> {
    let text = || ABSENT.to_owned();
    let service = &subject.service;
    Ok(match function {
        "describe" => {
            ensure!(!service.installed().info.name.is_empty(), "the provider has no name");
            Ok(())
        }
        "check-connection" => service.check().await,
        "poll-operation" => service.poll_operation(ABSENT).await.map(drop),
        "cancel-operation" => service.cancel_operation(ABSENT).await,
        "list-vms" => service.list_vms().await.map(drop),
        "get-vm" => service.get_vm(ABSENT).await.map(drop),
        "create-vm" => {
            let spec = VmSpec {
                image: Some(text()),
                ..subject.spec("unmade")?
            };
            service.create_vm(spec, &NO_OPTIONS).await.map(drop)
        }
        "delete-vm" => service.delete_vm(ABSENT, WITH_SNAPSHOTS).await.map(drop),
        "start-vm" => service.start_vm(ABSENT).await.map(drop),
        "stop-vm" => service.stop_vm(ABSENT, StopMode::Forced).await.map(drop),
        "restart-vm" => service.restart_vm(ABSENT, StopMode::Forced).await.map(drop),
        "list-flavors" => service.list_flavors().await.map(drop),
        "list-hosts" => service.list_hosts().await.map(drop),
        other => match call_vm_change(subject, other).await {
            Some(answer) => answer,
            None => return call_storage_or_network(subject, other).await,
        },
    })
}

/// Functions that change a VM or what it holds.
async fn call_vm_change(subject: &Subject, function: &str) -> Option<Result<()>> {
    let service = &subject.service;
    let answer = match function {
        "pause-vm" => service.pause_vm(ABSENT).await,
        "resume-vm" => service.resume_vm(ABSENT).await,
        "reset-vm" => service.reset_vm(ABSENT).await,
        "suspend-vm" => service.suspend_vm(ABSENT).await,
        "resize-vm" => {
            let spec = VmResizeSpec {
                cpus: Some(1),
                memory_mib: None,
                flavor: None,
                apply: ApplyWhen::NextStart,
            };
            service.resize_vm(ABSENT, spec).await
        }
        "upgrade-vm-hardware" => service.upgrade_vm_hardware(ABSENT, None).await,
        "update-vm-metadata" => service.update_vm_metadata(ABSENT, vec![]).await,
        "set-vm-description" => service.set_vm_description(ABSENT, None).await,
        "set-vm-autostart" => service.set_vm_autostart(ABSENT, true).await,
        "clone-vm" => {
            let spec = VmCloneSpec {
                name: "unmade".to_owned(),
                linked: false,
                snapshot: None,
                start: false,
            };
            service.clone_vm(ABSENT, spec).await
        }
        "add-nic" => service.add_nic(ABSENT, nic()).await,
        "remove-nic" => service.remove_nic(ABSENT, "eth0").await,
        "update-nic" => service.update_nic(ABSENT, "eth0", "default").await,
        "list-snapshots" => service.list_snapshots(ABSENT).await.map(|_| String::new()),
        "create-snapshot" => {
            let name = "unmade".to_owned();
            let spec = SnapshotSpec {
                name,
                description: None,
                with_memory: false,
                quiesce: false,
            };
            service.create_snapshot(ABSENT, spec).await
        }
        "revert-snapshot" => service.revert_snapshot(ABSENT, "none").await,
        "delete-snapshot" => service.delete_snapshot(ABSENT, "none", false).await,
        _ => return None,
    };
    Some(answer.map(drop))
}

async fn call_storage_or_network(subject: &Subject, function: &str) -> Outcome<Result<()>> {
    let text = || ABSENT.to_owned();
    let service = &subject.service;
    Ok(match function {
        "list-disks" => service.list_disks().await.map(drop),
        "get-disk" => service.get_disk(ABSENT).await.map(drop),
        "create-disk" => {
            let (vm, metadata, options) = (Some(text()), vec![], vec![]);
            let spec = DiskSpec {
                name: None,
                size_gib: 1,
                pool: None,
                format: None,
                image: None,
                vm,
                metadata,
                options,
            };
            service.create_disk(spec, &NO_OPTIONS).await.map(drop)
        }
        "delete-disk" => service.delete_disk(ABSENT).await.map(drop),
        "resize-disk" => service.resize_disk(ABSENT, 2).await.map(drop),
        "attach-disk" => {
            let spec = AttachSpec {
                disk: text(),
                bus: None,
                read_only: false,
                shareable: false,
            };
            service.attach_disk(ABSENT, spec).await.map(drop)
        }
        "detach-disk" => service.detach_disk(ABSENT, ABSENT).await.map(drop),
        "list-pools" => service.list_pools().await.map(drop),
        "get-pool" => service.get_pool(ABSENT).await.map(drop),
        // With no name there is nothing to create, which is this function's way of being about nothing.
        "create-pool" => {
            let spec = serde_json::from_value(serde_json::json!({"name": "", "path": "/nonexistent"}))?;
            refused_name(service.create_pool(spec, &NO_OPTIONS).await)
        }
        "delete-pool" => service.delete_pool(ABSENT, false).await.map(drop),
        "list-images" => service.list_images().await.map(drop),
        "get-image" => service.get_image(ABSENT).await.map(drop),
        "upload-image" => {
            let spec = ImageSpec {
                name: "unmade".to_owned(),
                pool: Some(text()),
                format: None,
                sha256: None,
                options: vec![],
            };
            service.upload_image(spec, &NO_OPTIONS, content()?.0).await.map(drop)
        }
        "import-image" => {
            let spec = ImageSpec {
                name: "unmade".to_owned(),
                pool: Some(text()),
                format: None,
                sha256: None,
                options: vec![],
            };
            service
                .import_image(spec, &NO_OPTIONS, "https://images.invalid/unmade.img")
                .await
                .map(drop)
        }
        "delete-image" => service.delete_image(ABSENT).await.map(drop),
        "list-networks" => service.list_networks().await.map(drop),
        "get-network" => service.get_network(ABSENT).await.map(drop),
        "create-network" => {
            let spec = serde_json::from_value(serde_json::json!({"name": ""}))?;
            refused_name(service.create_network(spec, &NO_OPTIONS).await)
        }
        "update-network" => {
            let update = NetworkUpdate {
                dhcp: Some(true),
                mode: None,
                domain: None,
                options: vec![],
            };
            service.update_network(ABSENT, update, &NO_OPTIONS).await.map(drop)
        }
        "delete-network" => service.delete_network(ABSENT).await.map(drop),
        unknown => {
            return Err(format!("`{unknown}` is exported, but this trial does not know how to call it: add it").into());
        }
    })
}

/// An empty name is an invalid argument; that is as good as `not-found` here.
fn refused_name(answer: Result<String>) -> Result<()> {
    match answer {
        Err(error) if error.kind().name() == "invalid-argument" => Err(stockade::Error::not_found("name", "")),
        answer => answer.map(drop),
    }
}
