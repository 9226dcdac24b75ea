//! What the built components import and export, to the last interface: an import list is a capability list.
//!
//! The components must be built first; the message of a missing one says how.

use stockade_componentize::{Surface, surface};

/// Interfaces that declare types only: they grant nothing.
const TYPES: [&str; 6] = [
    "http-types",
    "info-types",
    "network-types",
    "storage-types",
    "types",
    "vm-types",
];

/// The surface of a built component in the contract's short names, without interfaces that only declare types.
fn built(name: &str) -> Surface {
    let path = format!("{}/../dist/{name}.wasm", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| {
        panic!(
            "`{path}` cannot be read: {error}; build it with \
             `cargo build --release --target wasm32-unknown-unknown -p stockade-{name}` and \
             `cargo run -p stockade-componentize -- target/wasm32-unknown-unknown/release/stockade_{name}.wasm {path}`"
        )
    });
    let found = surface(&bytes).unwrap_or_else(|error| panic!("`{path}`: {error}"));
    let short = |names: Vec<String>| {
        let names = names.into_iter().map(|name| {
            let name = name
                .strip_prefix("stockade:provider/")
                .unwrap_or_else(|| panic!("`{name}` is not in the contract"));
            name.split('@').next().unwrap_or(name).to_owned()
        });
        names.filter(|name| !TYPES.contains(&name.as_str())).collect()
    };
    Surface {
        imports: short(found.imports),
        exports: short(found.exports),
    }
}

fn words(names: &[String]) -> String {
    names.join(" ")
}

#[test]
fn fake_reaches_nothing_but_its_state() {
    let surface = built("fake");
    assert_eq!(words(&surface.imports), "blobs clock connection progress state");
    assert_eq!(
        words(&surface.exports),
        "buckets consoles disks dns events flavors guest-agent hosts images info load-balancers migrations networks nics operations pools security-groups snapshots subnets vm-clone vm-export vm-media vm-metadata vm-pause vm-resize vms"
    );
}

#[test]
fn web_reaches_http_and_its_state_only() {
    let surface = built("web");
    // `blobs` is the type of a parameter of `images`: web never reads or makes one.
    assert_eq!(words(&surface.imports), "blobs clock connection http state");
    assert_eq!(
        words(&surface.exports),
        "disks hosts images info networks nics pools snapshots vm-metadata vm-resize vms"
    );
}
