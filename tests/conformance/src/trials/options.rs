//! Options and fields: every one is used or refused by its name; a typing mistake is met with the right name.

use std::collections::BTreeMap;

use stockade::connections::OptionInput;
use stockade::contract::{Ability, Tag, VmDiskSpec, VmNicSpec, VmSpec};

use super::{Trial, disks, trials};
use crate::outcome::{Outcome, ensure, refused};
use crate::subject::{NO_OPTIONS, Subject};
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        an_unknown_connection_option_is_refused_by_name,
        a_misspelt_connection_option_is_met_with_the_right_one,
        an_unknown_option_of_a_vm_is_refused_by_name,
        a_misspelt_option_of_a_vm_is_met_with_the_right_one,
        the_connection_works,
        every_field_of_a_vm_is_used_or_refused,
        what_cannot_exist_is_refused,
    ]
}

fn one_option(name: &str) -> BTreeMap<String, OptionInput> {
    [(name.to_owned(), OptionInput::Text("x".to_owned()))].into()
}

/// Leaves out the second character: what fingers do.
fn misspell(name: &str) -> String {
    name.chars()
        .enumerate()
        .filter(|(index, _)| *index != 1)
        .map(|(_, c)| c)
        .collect()
}

async fn an_unknown_connection_option_is_refused_by_name(subject: &Subject) -> Outcome {
    let answer = subject
        .sibling(
            "option-unknown",
            &[("no_such_option", OptionInput::Text("x".to_owned()))],
        )
        .await;
    let error = refused(answer.map(|_| "a connection"), &["invalid-argument"])?;
    ensure!(error.to_string().contains("no_such_option"), "{error}");
    ensure!(
        subject.runtime.connection_config("option-unknown").is_err(),
        "the connection is there"
    );
    Ok(())
}

async fn a_misspelt_connection_option_is_met_with_the_right_one(subject: &Subject) -> Outcome {
    let Some(option) = subject.service.installed().info.connection_options.first() else {
        return Ok(());
    };
    let answer = subject
        .sibling(
            "option-misspelt",
            &[(&misspell(&option.name), OptionInput::Text("x".to_owned()))],
        )
        .await;
    let error = refused(answer.map(|_| "a connection"), &["invalid-argument"])?;
    ensure!(
        error.hints().iter().any(|hint| hint.contains(&option.name)),
        "{error}; hints: {:?}",
        error.hints()
    );
    Ok(())
}

async fn an_unknown_option_of_a_vm_is_refused_by_name(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    let answer = subject
        .service
        .create_vm(subject.spec("odd")?, &one_option("no_such_option"))
        .await;
    let error = refused(answer, &["invalid-argument"])?;
    ensure!(error.to_string().contains("no_such_option"), "{error}");
    before.check_unchanged(subject).await
}

async fn a_misspelt_option_of_a_vm_is_met_with_the_right_one(subject: &Subject) -> Outcome {
    let Some(option) = subject.service.installed().spec_options("vm").first().cloned() else {
        return Ok(());
    };
    let answer = subject
        .service
        .create_vm(subject.spec("odd")?, &one_option(&misspell(&option.name)))
        .await;
    let error = refused(answer, &["invalid-argument"])?;
    ensure!(
        error.hints().iter().any(|hint| hint.contains(&option.name)),
        "{error}; hints: {:?}",
        error.hints()
    );
    Ok(())
}

async fn the_connection_works(subject: &Subject) -> Outcome {
    Ok(subject.service.check().await?)
}

/// Fields that not every vendor has: after a success the VM shows them; otherwise they are refused.
async fn every_field_of_a_vm_is_used_or_refused(subject: &Subject) -> Outcome {
    let name = "fields";
    let text = |text: &str| Some(text.to_owned());
    let spec = || subject.spec(name);
    let description = VmSpec {
        description: text("what it is for"),
        ..spec()?
    };
    let metadata = VmSpec {
        metadata: vec![Tag {
            key: "plan".to_owned(),
            value: "blue".to_owned(),
        }],
        ..spec()?
    };
    let autostart = VmSpec {
        autostart: true,
        ..spec()?
    };
    let disk = VmDiskSpec {
        size_gib: Some(2),
        pool: text(subject.given.default_pool),
        ..disks::OF_VM
    };
    let disk = VmSpec {
        disks: vec![disk],
        ..spec()?
    };
    let mac = VmSpec {
        nics: vec![VmNicSpec {
            mac: text("52:54:00:01:02:03"),
            ..nic()
        }],
        ..spec()?
    };
    for (field, spec) in [
        ("description", description),
        ("metadata", metadata),
        ("autostart", autostart),
        ("disks", disk),
        ("mac", mac),
    ] {
        let Err(error) = subject.service.create_vm(spec, &NO_OPTIONS).await else {
            let vm = subject.service.get_vm(name).await?;
            let is_shown = match field {
                "description" => vm.description.as_deref() == Some("what it is for"),
                "metadata" => vm
                    .metadata
                    .iter()
                    .flatten()
                    .any(|tag| tag.key == "plan" && tag.value == "blue"),
                "autostart" => vm.autostart == Some(true),
                "disks" => vm.disks.iter().flatten().any(|disk| disk.size_gib == Some(2)),
                _ => vm
                    .nics
                    .iter()
                    .flatten()
                    .any(|nic| nic.mac.as_deref() == Some("52:54:00:01:02:03")),
            };
            ensure!(is_shown, "`{field}` was ignored: {vm:?}");
            subject.delete(name).await?;
            continue;
        };
        refused::<()>(Err(error), &["invalid-argument", "unsupported"])
            .map_err(|failed| format!("{field} {failed:?}"))?;
    }
    Ok(())
}

pub(super) fn nic() -> VmNicSpec {
    VmNicSpec {
        network: None,
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: vec![],
        public: None,
    }
}

/// Values that no vendor can honour: a provider that ignores the field would succeed.
async fn what_cannot_exist_is_refused(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    for (field, spec) in impossible_vms(subject)?.into_iter().chain(impossible_devices(subject)?) {
        let answer = subject.service.create_vm(spec, &NO_OPTIONS).await;
        refused(answer, &["invalid-argument", "unsupported", "not-found"])
            .map_err(|failed| format!("`{field}` {}", failed.message().unwrap_or_default()))?;
    }
    before.check_unchanged(subject).await
}

/// What nothing is called.
fn nothing() -> Option<String> {
    Some("conformance-has-no-such-thing".to_owned())
}

fn impossible_vms(subject: &Subject) -> Outcome<Vec<(&'static str, VmSpec)>> {
    let changed = |change: fn(&mut VmSpec)| -> Outcome<VmSpec> {
        let mut spec = subject.spec("impossible")?;
        change(&mut spec);
        Ok(spec)
    };
    Ok(vec![
        (
            "flavor",
            changed(|spec| (spec.flavor, spec.cpus, spec.memory_mib) = (nothing(), None, None))?,
        ),
        ("location", changed(|spec| spec.location = nothing())?),
        (
            "security-groups",
            changed(|spec| spec.security_groups.extend(nothing()))?,
        ),
        ("cpus", changed(|spec| spec.cpus = Some(0))?),
        ("memory-mib", changed(|spec| spec.memory_mib = Some(0))?),
    ])
}

fn impossible_devices(subject: &Subject) -> Outcome<Vec<(&'static str, VmSpec)>> {
    let with_disk = |change: fn(&mut VmDiskSpec)| -> Outcome<VmSpec> {
        let mut disk = serde_json::from_value(serde_json::json!({"size_gib": 1}))?;
        change(&mut disk);
        let disks = vec![disk];
        Ok(VmSpec {
            disks,
            ..subject.spec("impossible")?
        })
    };
    let with_nic = |change: fn(&mut VmNicSpec)| -> Outcome<VmSpec> {
        let mut nic = nic();
        change(&mut nic);
        let nics = vec![nic];
        Ok(VmSpec {
            nics,
            ..subject.spec("impossible")?
        })
    };
    Ok(vec![
        ("disks.bus", with_disk(|disk| disk.bus = nothing())?),
        ("disks.format", with_disk(|disk| disk.format = nothing())?),
        (
            "disks.existing",
            with_disk(|disk| (disk.existing, disk.size_gib) = (nothing(), None))?,
        ),
        ("nics.subnet", with_nic(|nic| nic.subnet = nothing())?),
        ("nics.mac", with_nic(|nic| nic.mac = nothing())?),
        ("nics.address", with_nic(|nic| nic.address = nothing())?),
    ])
}
