//! Reads the contract for the tests that keep its rules.
//!
//! `tests/` holds the rules: what is documented and how things are named (`contract.rs`), that the document which maps
//! other tools to the contract is complete and names only what exists (`contract_map.rs`), and what the built components
//! import and export (`components.rs`).

mod item;
mod surface;
mod table;

use std::path::PathBuf;

use stockade_test_support::artifacts::workspace_root;
use wit_parser::{Interface, PackageId, Resolve, WorldItem};

pub use item::{Item, ItemKind, is_or_holds_option, items};
pub use surface::{Surface, exported_abilities};
pub use table::{Table, tables};

/// The contract, parsed.
pub struct Contract {
    /// Everything in it.
    pub resolve: Resolve,
    /// Its package.
    pub package: PackageId,
}

/// The directory of the contract.
pub fn wit_directory() -> PathBuf {
    workspace_root().join("wit")
}

/// Reads the contract.
///
/// # Panics
/// When it does not parse.
pub fn contract() -> Contract {
    let mut resolve = Resolve::default();
    match resolve.push_dir(wit_directory()) {
        Ok((package, _)) => Contract { resolve, package },
        Err(error) => panic!("wit/ does not parse: {error:#}"),
    }
}

impl Contract {
    /// The abilities: what the world `complete` exports.
    pub fn abilities(&self) -> Vec<&Interface> {
        let world = self.resolve.packages[self.package].worlds["complete"];
        let exports = self.resolve.worlds[world].exports.values();
        exports
            .filter_map(|item| match item {
                WorldItem::Interface { id, .. } => Some(&self.resolve.interfaces[*id]),
                _ => None,
            })
            .collect()
    }

    /// `vms.get-vm` for every function of every ability.
    pub fn functions(&self) -> Vec<String> {
        let abilities = self.abilities();
        let named = abilities.iter().flat_map(|ability| {
            let name = ability.name.as_deref().unwrap_or_default();
            ability
                .functions
                .keys()
                .map(move |function| format!("{name}.{function}"))
        });
        named.collect()
    }
}
