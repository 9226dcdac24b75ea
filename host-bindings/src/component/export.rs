//! A function that components export: what it takes, what it answers, and how both cross to a process of the guest's own.
//!
//! `contract` has one [`Export`] for each function of the contract, generated from the WIT.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasmtime::component::{ComponentNamedList, Lift, Lower, Resource, ResourceTable};

use crate::blobs::BlobId;
use crate::contract::Ability;

/// A function of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Function {
    /// The ability that it belongs to.
    pub ability: Ability,
    /// Its name: `list-vms`.
    pub name: &'static str,
}

/// As the contract addresses it: `vms/list-vms`.
impl fmt::Display for Function {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.ability.name(), self.name)
    }
}

impl Function {
    /// The function of this name, if the ability has one.
    pub(crate) fn find(ability: Ability, name: &str) -> Option<Self> {
        let name = ability.functions().iter().find(|known| **known == name)?;
        Some(Self { ability, name })
    }
}

/// A function's types.
pub(crate) trait Export {
    /// Which it is.
    const FUNCTION: Function;
    /// Its arguments as plain data: lent blobs by number.
    type Sent: Serialize + DeserializeOwned + Send;
    /// Its arguments as the guest takes them.
    type Arguments: ComponentNamedList + Lower + Send + Sync + 'static;
    /// Its answer.
    type Answer: ComponentNamedList + Lift + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Makes the guest's arguments.
    fn arguments(sent: Self::Sent, handles: &mut Handles<'_>) -> wasmtime::Result<Self::Arguments>;
}

/// Makes handles of a guest: it can use them during the call and cannot keep them.
pub(crate) struct Handles<'a> {
    pub(super) table: &'a mut ResourceTable,
}

impl Handles<'_> {
    pub(crate) fn lend(&mut self, blob: BlobId) -> wasmtime::Result<Resource<BlobId>> {
        let owned = self.table.push(blob)?;
        Ok(Resource::new_borrow(owned.rep()))
    }
}
