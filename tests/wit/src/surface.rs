//! What a built component imports and exports.

use std::collections::BTreeSet;
use std::path::Path;

/// A component's interfaces by their full names: what it imports, and which abilities it exports.
pub struct Surface {
    /// What it imports, types included.
    pub imports: BTreeSet<String>,
    /// What it exports.
    pub exports: BTreeSet<String>,
}

impl Surface {
    /// Reads a component.
    ///
    /// # Panics
    /// When the file is not a component.
    pub fn of(file: &Path) -> Self {
        let bytes = std::fs::read(file).unwrap_or_else(|error| panic!("`{}`: {error}", file.display()));
        let decoded = wit_component::decode(&bytes).unwrap_or_else(|error| panic!("`{}`: {error:#}", file.display()));
        let wit_component::DecodedWasm::Component(resolve, world) = decoded else {
            panic!("`{}` is not a component", file.display());
        };
        let world = &resolve.worlds[world];
        Self {
            imports: world.imports.keys().map(|key| resolve.name_world_key(key)).collect(),
            exports: world.exports.keys().map(|key| resolve.name_world_key(key)).collect(),
        }
    }
}

/// The names of the abilities that a component exports, `vm-pause`, whatever their version.
///
/// # Panics
/// When the file is not a component.
pub fn exported_abilities(file: &Path) -> Vec<String> {
    let exports = Surface::of(file).exports.into_iter();
    let name = |export: String| {
        let (_, name) = export.rsplit_once('/')?;
        let (name, _) = name.split_once('@')?;
        Some(name.to_owned())
    };
    exports.filter_map(name).collect()
}
