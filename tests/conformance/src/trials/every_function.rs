//! An exported ability is a promise: each of its functions is called, and answers.
//!
//! The calls are about things that do not exist, so they are quick, change nothing, and have one right answer: lists and
//! checks succeed, everything else is `not-found`. `unsupported` counts only where the provider's documentation says so.

use stockade::Result;
use stockade::blobs::Blob;
use stockade::contract::{
    Ability, ApplyWhen, AttachSpec, ConsoleKind, GuestCommand, ImageSpec, MigrationSpec, NetworkUpdate, SnapshotSpec,
    StopMode, VmCloneSpec, VmExportSpec, VmResizeSpec, VmSpec,
};
use stockade::limits::Room;

use super::images::content;
use super::options::nic;
use super::{Trial, disks, trials};
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
    for (ability, function) in abilities
        .iter()
        .flat_map(|ability| ability.functions().iter().map(move |function| (*ability, *function)))
    {
        let answer = call(subject, function).await?;
        let complaint = match subject.has(ability) {
            true => judge(subject, function, answer),
            false => judge_absent(function, answer),
        };
        complaints.extend(complaint);
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

/// What the things behind the provider lack is `unsupported`, with words about what is missing, or has nothing of that name.
fn judge_absent(function: &str, answer: Result<()>) -> Option<String> {
    match answer {
        Err(error) if matches!(error.kind().name(), "unsupported" | "not-found" | "invalid-argument") => None,
        answer => Some(format!("`{function}` of an ability that is absent answered {answer:?}")),
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
        other => return call_guest(subject, other).await,
    };
    Some(answer.map(drop))
}

/// Functions about what is in a VM, on its screen, or made of it.
async fn call_guest(subject: &Subject, function: &str) -> Option<Result<()>> {
    let service = &subject.service;
    Some(match function {
        "insert-vm-media" => service.insert_vm_media(ABSENT, &subject.image).await.map(drop),
        "eject-vm-media" => service.eject_vm_media(ABSENT).await.map(drop),
        "export-vm" => {
            let spec = VmExportSpec {
                image: "unmade".to_owned(),
                pool: None,
                format: None,
                snapshot: None,
            };
            service.export_vm(ABSENT, spec).await.map(drop)
        }
        "download-vm-disk" => match Blob::scratch(Room::new(1 << 10)) {
            Ok(blob) => service.download_vm_disk(ABSENT, ABSENT, None, blob).await,
            Err(error) => Err(stockade::Error::io("making a blob", &error)),
        },
        "open-vm-console" => service.open_vm_console(ABSENT, ConsoleKind::Serial).await.map(drop),
        "read-vm-console-log" => service.read_vm_console_log(ABSENT).await.map(drop),
        "take-vm-screenshot" => service.take_vm_screenshot(ABSENT).await.map(drop),
        "get-guest-info" => service.get_guest_info(ABSENT).await.map(drop),
        "run-guest-command" => {
            let command = GuestCommand {
                path: "/bin/true".to_owned(),
                arguments: vec![],
                stdin: vec![],
                timeout_seconds: 1,
            };
            service.run_guest_command(ABSENT, command).await.map(drop)
        }
        "set-guest-password" => service.set_guest_password(ABSENT, "nobody", "no-password").await,
        "set-guest-ssh-keys" => service.set_guest_ssh_keys(ABSENT, "nobody", vec![]).await,
        "freeze-guest" => service.freeze_guest(ABSENT).await.map(drop),
        "thaw-guest" => service.thaw_guest(ABSENT).await.map(drop),
        "migrate-vm" => {
            let spec = MigrationSpec {
                target: None,
                live: false,
                with_storage: false,
            };
            service.migrate_vm(ABSENT, spec).await.map(drop)
        }
        _ => return None,
    })
}

async fn call_storage_or_network(subject: &Subject, function: &str) -> Outcome<Result<()>> {
    let text = || ABSENT.to_owned();
    let service = &subject.service;
    Ok(match function {
        "list-disks" => service.list_disks().await.map(drop),
        "get-disk" => service.get_disk(ABSENT).await.map(drop),
        "create-disk" => service
            .create_disk(disks::spec(None, Some(ABSENT)), &NO_OPTIONS)
            .await
            .map(drop),
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
        other => return call_service(subject, other).await,
    })
}

/// Functions about what is beside VMs.
async fn call_service(subject: &Subject, function: &str) -> Outcome<Result<()>> {
    let service = &subject.service;
    let blob = || Blob::scratch(Room::new(1 << 10));
    Ok(match function {
        "list-subnets" => service.list_subnets(None).await.map(drop),
        "get-subnet" => service.get_subnet(ABSENT).await.map(drop),
        "create-subnet" => {
            let [cidr, _] = subject.given.subnet_ranges;
            let spec = serde_json::json!({"name": "unmade", "network": ABSENT, "cidr": cidr});
            let spec = serde_json::from_value(spec)?;
            service.create_subnet(spec, &NO_OPTIONS).await.map(drop)
        }
        "update-subnet" => service.update_subnet(ABSENT, Some(true), None).await.map(drop),
        "delete-subnet" => service.delete_subnet(ABSENT).await.map(drop),
        "list-security-groups" => service.list_security_groups().await.map(drop),
        "get-security-group" => service.get_security_group(ABSENT).await.map(drop),
        "create-security-group" => {
            let spec = serde_json::from_value(serde_json::json!({"name": "unmade", "network": ABSENT}))?;
            service.create_security_group(spec).await.map(drop)
        }
        "update-security-group" => service.update_security_group(ABSENT, vec![]).await.map(drop),
        "delete-security-group" => service.delete_security_group(ABSENT).await.map(drop),
        "list-load-balancers" => service.list_load_balancers().await.map(drop),
        "get-load-balancer" => service.get_load_balancer(ABSENT).await.map(drop),
        "create-load-balancer" => {
            let listener = serde_json::json!({"protocol": "tcp", "port": 80, "member_port": null, "check_path": null});
            let spec =
                serde_json::json!({"name": "unmade", "internal": true, "listeners": [listener], "members": [ABSENT]});
            let spec = serde_json::from_value(spec)?;
            service.create_load_balancer(spec, &NO_OPTIONS).await.map(drop)
        }
        "set-load-balancer-members" => service.set_load_balancer_members(ABSENT, vec![]).await.map(drop),
        "delete-load-balancer" => service.delete_load_balancer(ABSENT).await.map(drop),
        "list-buckets" => service.list_buckets().await.map(drop),
        // An empty name is no bucket's, which is this function's way of being about nothing.
        "create-bucket" => refused_name(service.create_bucket("", false).await),
        "delete-bucket" => service.delete_bucket(ABSENT, false).await.map(drop),
        // It is of a bucket that is not there, like every list of a thing's own.
        "list-bucket-objects" => match service.list_bucket_objects(ABSENT, "").await {
            Err(error) if error.kind().name() == "not-found" => Ok(()),
            Ok(_) => return Err("`list-bucket-objects` lists a bucket that is not there".into()),
            Err(error) => Err(error),
        },
        "upload-bucket-object" => {
            let answer = service.upload_bucket_object(ABSENT, "a", blob()?, false).await;
            answer.map(drop)
        }
        "download-bucket-object" => service.download_bucket_object(ABSENT, "a", blob()?).await,
        "delete-bucket-object" => service.delete_bucket_object(ABSENT, "a").await.map(drop),
        "presign-bucket-object" => match service.presign_bucket_object(ABSENT, "a", 60).await {
            // Signing asks nobody: a vendor may find out only when the URL is used.
            Ok(_) => Err(stockade::Error::not_found("bucket", ABSENT)),
            Err(error) => Err(error),
        },
        "list-dns-zones" => service.list_dns_zones().await.map(drop),
        "list-dns-records" => match service.list_dns_records("absent.invalid").await {
            Err(error) if error.kind().name() == "not-found" => Ok(()),
            Ok(_) => return Err("`list-dns-records` lists a zone that is not there".into()),
            Err(error) => Err(error),
        },
        "set-dns-record" => {
            let record = serde_json::json!({"name": "a.absent.invalid", "type": "A", "ttl_seconds": null, "values": ["192.0.2.7"]});
            let record = serde_json::from_value(record)?;
            service.set_dns_record("absent.invalid", record, true).await.map(drop)
        }
        "delete-dns-record" => {
            let answer = service
                .delete_dns_record("absent.invalid", "a.absent.invalid", "A")
                .await;
            answer.map(drop)
        }
        "poll-events" => match service.poll_events(None).await {
            // Events are about everything, so that there is nothing that is not there.
            Ok(_) => Err(stockade::Error::not_found("event", ABSENT)),
            Err(error) => Err(error),
        },
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
