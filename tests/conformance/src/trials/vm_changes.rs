//! Changes of existing VMs: size, interfaces, copies.

use stockade::contract::{Ability, ApplyWhen, VmCloneSpec, VmResizeSpec};

use super::options::nic;
use super::{Trial, trials};
use crate::outcome::{Outcome, already_exists, ensure, not_found};
use crate::subject::Subject;

pub(super) fn trials() -> Vec<Trial> {
    let mut all = trials![&[Ability::VmResize]; a_stopped_vm_is_resized, a_missing_vm_is_not_resized];
    all.extend(
        trials![&[Ability::Nics]; an_interface_is_added_and_removed, an_interface_on_an_unknown_network_is_refused],
    );
    all.extend(trials![&[Ability::VmClone]; a_clone_stands_alone, a_clone_takes_no_name_that_exists]);
    all.extend(trials![&[Ability::Flavors]; flavors_have_names_and_sizes]);
    all.extend(trials![&[Ability::Hosts]; there_is_a_host]);
    all
}

fn size(cpus: u32, memory_mib: u32) -> VmResizeSpec {
    VmResizeSpec {
        cpus: Some(cpus),
        memory_mib: Some(memory_mib),
        flavor: None,
        apply: ApplyWhen::Now,
    }
}

async fn a_stopped_vm_is_resized(subject: &Subject) -> Outcome {
    subject.create("sized").await?;
    subject.service.resize_vm("sized", size(2, 384)).await?;
    let vm = subject.service.get_vm("sized").await?;
    ensure!(
        subject.is_sized(&vm, 2, 384),
        "{:?} cpus, {:?} MiB",
        vm.cpus,
        vm.memory_mib
    );
    Ok(())
}

async fn a_missing_vm_is_not_resized(subject: &Subject) -> Outcome {
    not_found(subject.service.resize_vm("absent", size(1, 256)).await, "absent")
}

async fn an_interface_is_added_and_removed(subject: &Subject) -> Outcome {
    subject.create("linked").await?;
    let id = subject.service.add_nic("linked", nic()).await?;
    let nics = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
    ensure!(nics.len() == 2, "{nics:?}");
    let macs: Vec<_> = nics.iter().map(|nic| &nic.mac).collect();
    ensure!(macs[0] != macs[1], "two interfaces with one MAC address: {nics:?}");
    ensure!(
        nics[1].network.as_deref() == Some(subject.given.default_network.as_str()),
        "{nics:?}"
    );
    subject.service.remove_nic("linked", &id).await?;
    let left = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
    ensure!(left.len() == 1 && left[0].mac == nics[0].mac, "left: {left:?}");
    not_found(subject.service.remove_nic("linked", "absent").await, "absent")
}

async fn an_interface_on_an_unknown_network_is_refused(subject: &Subject) -> Outcome {
    subject.create("linked").await?;
    let spec = stockade::contract::VmNicSpec {
        network: Some("no-such-network".to_owned()),
        ..nic()
    };
    not_found(subject.service.add_nic("linked", spec).await, "no-such-network")?;
    let nics = subject.service.get_vm("linked").await?.nics.unwrap_or_default();
    ensure!(nics.len() == 1, "{nics:?}");
    Ok(())
}

fn copy(name: &str) -> VmCloneSpec {
    VmCloneSpec {
        name: name.to_owned(),
        linked: false,
        snapshot: None,
        start: false,
    }
}

async fn a_clone_stands_alone(subject: &Subject) -> Outcome {
    subject.create("original").await?;
    subject.service.clone_vm("original", copy("copy")).await?;
    let (original, copy) = (
        subject.service.get_vm("original").await?,
        subject.service.get_vm("copy").await?,
    );
    ensure!(
        original.id != copy.id && copy.memory_mib == original.memory_mib,
        "{copy:?}"
    );
    let macs = |vm: &stockade::contract::Vm| {
        vm.nics
            .iter()
            .flatten()
            .filter_map(|nic| nic.mac.clone())
            .collect::<Vec<_>>()
    };
    ensure!(
        macs(&original).iter().all(|mac| !macs(&copy).contains(mac)),
        "the copy has the original's MAC address"
    );
    subject.delete("original").await?;
    subject.service.start_vm("copy").await?;
    Ok(())
}

async fn a_clone_takes_no_name_that_exists(subject: &Subject) -> Outcome {
    subject.create("original").await?;
    already_exists(subject.service.clone_vm("original", copy("original")).await, "original")?;
    not_found(subject.service.clone_vm("absent", copy("copy")).await, "absent")
}

async fn flavors_have_names_and_sizes(subject: &Subject) -> Outcome {
    let flavors = subject.service.list_flavors().await?;
    ensure!(!flavors.is_empty(), "there are none");
    for flavor in flavors {
        ensure!(
            !flavor.name.is_empty() && flavor.cpus > 0 && flavor.memory_mib > 0,
            "{flavor:?}"
        );
    }
    Ok(())
}

async fn there_is_a_host(subject: &Subject) -> Outcome {
    let hosts = subject.service.list_hosts().await?;
    ensure!(
        !hosts.is_empty() && hosts.iter().all(|host| !host.name.is_empty()),
        "{hosts:?}"
    );
    Ok(())
}
