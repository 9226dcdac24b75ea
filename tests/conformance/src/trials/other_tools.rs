//! Other tools at the same vendor: they see what was made here, and what they made is seen here. Where nothing else can look,
//! there is nothing to try.

use stockade::contract::Ability;

use super::{Trial, trials};
use crate::outcome::{Outcome, ensure, not_found};
use crate::subject::Subject;
use crate::world::World;

pub(super) fn trials() -> Vec<Trial> {
    trials![&[Ability::Vms];
        another_tool_sees_a_vm_that_was_made_here,
        a_vm_that_another_tool_made_is_seen_here_and_deleted,
    ]
}

async fn another_tool_sees_a_vm_that_was_made_here(subject: &Subject) -> Outcome {
    let before = World::observe(subject).await?;
    subject.create("seen-by-others").await?;
    let now = World::observe(subject).await?;
    let new = before.difference(&now);
    ensure!(
        new.iter().any(|line| line == "+ vm seen-by-others"),
        "there is new: {new:?}"
    );
    subject.delete("seen-by-others").await?;
    Ok(())
}

async fn a_vm_that_another_tool_made_is_seen_here_and_deleted(subject: &Subject) -> Outcome {
    let Some(evidence) = &subject.evidence else {
        return Ok(());
    };
    let id = evidence.make_vm("made-by-others")?;
    let vm = subject.service.get_vm("made-by-others").await?;
    ensure!(vm.id == id, "its id is `{id}`, not `{}`", vm.id);
    let listed = subject.service.list_vms().await?;
    let found = listed.iter().find(|vm| vm.id == id);
    ensure!(
        found.is_some_and(|found| found.name == vm.name && found.status == vm.status),
        "get-vm {vm:?}, list-vms {found:?}"
    );
    subject.delete("made-by-others").await?;
    not_found(subject.service.get_vm("made-by-others").await, "made-by-others")?;
    Ok(())
}
