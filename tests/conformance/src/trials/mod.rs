//! The claims. Each function is one: its name says what must hold, its body tries it on one connection.

mod attachments;
mod buckets;
mod clones;
mod consoles;
mod disks;
mod dns;
mod events;
mod every_function;
mod exports;
mod failed_creates;
mod faults;
mod guest;
mod guest_agent;
mod guest_states;
mod hotplug;
mod images;
mod life;
mod lists;
mod load_balancers;
mod media;
mod metadata;
mod migrations;
mod names;
mod networks;
mod options;
mod other_tools;
mod pause;
mod plain_http;
mod power;
mod resize;
mod security_groups;
mod snapshots;
mod subnets;
mod vm_changes;

use std::pin::Pin;

use stockade::contract::Ability;

use crate::outcome::Outcome;
use crate::setup::Faults;
use crate::subject::Subject;

pub(crate) use guest::{BOTH as GUESTS_OF_BOTH, on_both as guests_on_both};

type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// A claim about one connection.
#[derive(Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) name: &'static str,
    /// The abilities without which it makes no sense.
    pub(crate) needs: &'static [Ability],
    pub(crate) run: for<'a> fn(&'a Subject) -> Running<'a>,
}

/// A claim about what a component makes of a failing server.
#[derive(Clone, Copy)]
pub(crate) struct FaultTrial {
    pub(crate) name: &'static str,
    pub(crate) run: for<'a> fn(&'a Faults, &'a str) -> Running<'a>,
}

/// Trials that need the same abilities.
macro_rules! trials {
    ($needs:expr; $($name:ident),+ $(,)?) => {
        vec![$(crate::trials::Trial { name: stringify!($name), needs: $needs, run: |subject| Box::pin($name(subject)) }),+]
    };
}
use trials;

/// Every trial.
pub(crate) fn all() -> Vec<Trial> {
    [
        lists::trials(),
        names::trials(),
        life::trials(),
        power::trials(),
        options::trials(),
        failed_creates::trials(),
        images::trials(),
        snapshots::trials(),
        metadata::trials(),
        disks::trials(),
        networks::trials(),
        vm_changes::trials(),
        pause::trials(),
        resize::trials(),
        clones::trials(),
        media::trials(),
        exports::trials(),
        consoles::trials(),
        guest_agent::trials(),
        attachments::trials(),
        subnets::trials(),
        security_groups::trials(),
        load_balancers::trials(),
        buckets::trials(),
        dns::trials(),
        migrations::trials(),
        events::trials(),
        every_function::trials(),
        guest::trials(),
        guest_states::trials(),
        other_tools::trials(),
        hotplug::trials(),
    ]
    .concat()
}

/// Every trial of a failing server.
pub(crate) fn faults() -> Vec<FaultTrial> {
    faults::trials()
}
