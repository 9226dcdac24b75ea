//! Makes a component from the core module that `rustc` links for `wasm32-unknown-unknown`.
//!
//! It validates what it makes, and refuses a component that imports anything beyond the contract: such a component would
//! not instantiate under any grant, and its author should learn that at once. It changes nothing in the code, leaves out
//! the sections that only debuggers read, and does not build. The binary `stockade-componentize` and the tests of the tree call it.

mod sections;

use std::fmt;

use wit_component::{ComponentEncoder, DecodedWasm};

/// The namespace and package that every import of a provider belongs to.
const CONTRACT_PACKAGE: &str = "stockade:provider/";

/// The first eight bytes of a core module: magic and version 1
/// (<https://webassembly.github.io/spec/core/binary/modules.html#binary-module>).
const CORE_MODULE_PREAMBLE: &[u8] = b"\0asm\x01\0\0\0";

/// The first eight bytes of a component: magic, version 13, layer 1
/// (<https://github.com/WebAssembly/component-model/blob/main/design/mvp/Binary.md>).
const COMPONENT_PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";

/// Why there is no component.
#[derive(Debug, PartialEq, Eq)]
pub enum ComponentizeError {
    /// The input is a component already.
    AlreadyComponent,
    /// The input is no WebAssembly module.
    NotModule,
    /// The module carries no type sections of the contract, or they disagree with its code; the payload says how.
    Encode(String),
    /// The component imports interfaces that are not in the contract.
    ForeignImports(Vec<String>),
}

impl fmt::Display for ComponentizeError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyComponent => write!(
                formatter,
                "the input is a component already; give the core module that was linked"
            ),
            Self::NotModule => write!(
                formatter,
                "the input is not a WebAssembly core module; build the provider with `--target wasm32-unknown-unknown` \
                 and `crate-type = [\"cdylib\"]`"
            ),
            Self::Encode(why) => write!(formatter, "the module cannot be made a component: {why}"),
            Self::ForeignImports(names) => write!(
                formatter,
                "the component imports what no host grants: `{}`; a provider may import `{CONTRACT_PACKAGE}…` only, so \
                 build it for `wasm32-unknown-unknown` and reach the outside through the SDK's `Host`",
                names.join("`, `")
            ),
        }
    }
}

impl std::error::Error for ComponentizeError {}

/// What a component offers and needs, by the full names of its interfaces, sorted.
#[derive(Debug, PartialEq, Eq)]
pub struct Surface {
    /// The interfaces that it imports, those that only declare types included.
    pub imports: Vec<String>,
    /// The interfaces that it exports.
    pub exports: Vec<String>,
}

/// Makes a component from a core module.
///
/// # Errors
/// The input is no core module, its type sections and code disagree, or it imports what is not in the contract.
pub fn componentize(module: &[u8]) -> Result<Vec<u8>, ComponentizeError> {
    if module.starts_with(COMPONENT_PREAMBLE) {
        return Err(ComponentizeError::AlreadyComponent);
    }
    if !module.starts_with(CORE_MODULE_PREAMBLE) {
        return Err(ComponentizeError::NotModule);
    }
    let wrong = |error: &dyn fmt::Display| ComponentizeError::Encode(format!("{error:#}"));
    let module = sections::without_names(module).map_err(|error| wrong(&error))?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| wrong(&error))?;
    let component = sections::without_names(&component).map_err(|error| wrong(&error))?;
    let foreign: Vec<String> = surface(&component)?
        .imports
        .into_iter()
        .filter(|name| !name.starts_with(CONTRACT_PACKAGE))
        .collect();
    if foreign.is_empty() {
        Ok(component)
    } else {
        Err(ComponentizeError::ForeignImports(foreign))
    }
}

/// Reads what a component imports and exports.
///
/// # Errors
/// The bytes are no component.
pub fn surface(component: &[u8]) -> Result<Surface, ComponentizeError> {
    let decoded = wit_component::decode(component).map_err(|error| ComponentizeError::Encode(format!("{error:#}")))?;
    let DecodedWasm::Component(resolve, world) = decoded else {
        return Err(ComponentizeError::NotModule);
    };
    let world = &resolve.worlds[world];
    let mut imports: Vec<String> = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let mut exports: Vec<String> = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    imports.sort();
    exports.sort();
    Ok(Surface { imports, exports })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module that imports the function `run` of a module of this name.
    fn importing(module: &str) -> Vec<u8> {
        let length = |length: usize| u8::try_from(length).expect("short");
        let mut import = vec![1, length(module.len())];
        import.extend(module.as_bytes());
        import.extend(b"\x03run\0\0");
        let mut bytes = CORE_MODULE_PREAMBLE.to_vec();
        // The type section: one function without parameters and results.
        bytes.extend([1, 4, 1, 0x60, 0, 0]);
        bytes.extend([2, length(import.len())]);
        bytes.extend(import);
        bytes
    }

    #[test]
    fn what_is_no_core_module_is_named() {
        for (bytes, expected) in [
            (COMPONENT_PREAMBLE, ComponentizeError::AlreadyComponent),
            (b"".as_slice(), ComponentizeError::NotModule),
            (b"#!/bin/sh", ComponentizeError::NotModule),
        ] {
            assert_eq!(componentize(bytes), Err(expected));
        }
    }

    #[test]
    fn an_import_that_no_type_section_declares_is_refused_by_name() {
        for module in ["env", "wasi_snapshot_preview1"] {
            let error = componentize(&importing(module)).expect_err("not in the contract");
            assert!(error.to_string().contains(module), "{error}");
        }
    }

    #[test]
    fn a_module_without_imports_and_exports_makes_an_empty_component() {
        let component = componentize(CORE_MODULE_PREAMBLE).expect("component");
        assert_eq!(
            surface(&component),
            Ok(Surface {
                imports: vec![],
                exports: vec![]
            })
        );
    }
}
