//! Generates `contract.rs` from `../wit`: the Rust types of the contract, the list of abilities, the [`Provider`] trait
//! and its implementation for components.
//!
//! The WIT is the only place where the contract is written down. Types, documentation, JSON names, the OpenAPI schema
//! and the calls into a component all come from it, so they cannot drift apart.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a build script speaks to cargo on standard output, and its panics are the build's error messages"
)]

mod abilities;
mod names;
mod types;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use wit_parser::{InterfaceId, Resolve, WorldItem, WorldKey};

/// The world whose exports are all abilities.
const COMPLETE_WORLD: &str = "complete";

fn main() {
    let manifest_dir = PathBuf::from(std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let wit = manifest_dir.join("../wit");
    println!("cargo::rerun-if-changed={}", wit.display());
    println!("cargo::rerun-if-changed=build");

    let generated = generate(&wit);
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it")).join("contract.rs");
    std::fs::write(&out, generated).expect("OUT_DIR is writable");
}

fn generate(wit: &Path) -> String {
    let mut resolve = Resolve::default();
    let (package, _) = resolve
        .push_dir(wit)
        .unwrap_or_else(|error| panic!("wit/ does not parse: {error:#}"));
    let world = resolve.packages[package].worlds[COMPLETE_WORLD];

    let abilities: Vec<InterfaceId> = resolve.worlds[world]
        .exports
        .iter()
        .filter_map(|(key, item)| match (key, item) {
            (WorldKey::Interface(_), WorldItem::Interface { id, .. }) => Some(*id),
            _ => None,
        })
        .collect();

    let mut out = String::new();
    for interface in type_interfaces(&resolve, &abilities) {
        types::write_interface(&mut out, &resolve, interface);
    }
    abilities::write(&mut out, &resolve, &abilities);
    let name = &resolve.packages[package].name;
    let version = name.version.as_ref().expect("the package has a version");
    writeln!(
        out,
        "/// The version of the contract.\npub const CONTRACT_VERSION: &str = \"{version}\";"
    )
    .expect("writing to a string");
    out
}

/// The type-only interfaces that abilities use, then the abilities themselves.
fn type_interfaces(resolve: &Resolve, abilities: &[InterfaceId]) -> Vec<InterfaceId> {
    let mut all: Vec<InterfaceId> = resolve
        .interfaces
        .iter()
        .filter(|(_, interface)| {
            let name = interface.name.as_deref().unwrap_or_default();
            name == "types" || (name.ends_with("-types") && name != "http-types")
        })
        .map(|(id, _)| id)
        .collect();
    all.extend(abilities);
    all
}
