//! A compiled component whose imports are known to be harmless and whose exports are known to be abilities.
//!
//! Loading runs nothing of the component. It refuses a component that imports anything but the contract's host
//! interfaces and the inert WASI floor, and one that exports a part of an ability only.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write as _};
use std::sync::OnceLock;

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex, InstancePre, Linker};

use super::Function;
use super::store::CallState;
use crate::contract::{Ability, CONTRACT_VERSION};
use crate::engine::Engine;
use crate::imports;

/// A component, ready to be instantiated.
pub struct LoadedComponent {
    digest: String,
    engine: Engine,
    abilities: Vec<Ability>,
    imports: Vec<String>,
    exports: HashMap<Function, ComponentExportIndex>,
    instance_pre: InstancePre<CallState>,
    /// The compiled code in a sealed file without a name, for processes of guests. Made when the first one starts.
    code: OnceLock<File>,
}

/// Why a component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// It imports something that the host never grants.
    #[error(
        "the component imports `{0}`, which is neither a host interface of the contract nor part of the inert WASI floor; \
         build it for the `stockade:provider` world"
    )]
    UnknownImport(String),
    /// A required ability is missing.
    #[error(
        "the component does not export `{0}`, which every provider must; build it for the `stockade:provider` world"
    )]
    MissingAbility(&'static str),
    /// An ability is exported in part.
    #[error(
        "the component exports `{ability}` without `{function}`; build it against version {CONTRACT_VERSION} of the contract"
    )]
    MissingFunction {
        /// The ability.
        ability: &'static str,
        /// The function that it lacks.
        function: &'static str,
    },
    /// Wasmtime refused it: an import or export has another type than in the contract.
    #[error("the component does not fit version {CONTRACT_VERSION} of the contract: {0}")]
    Mismatch(String),
}

impl LoadedComponent {
    /// Checks a compiled component and prepares its instances.
    ///
    /// # Errors
    /// When it imports something unknown, lacks a required ability, or was built against another contract.
    pub fn new(engine: &Engine, component: &Component, digest: String) -> Result<Self, LoadError> {
        let component_type = component.component_type();
        let imports: Vec<String> = component_type
            .imports(engine.wasmtime())
            .filter(|(_, item)| !is_type_only(engine, &item.ty))
            .map(|(name, _)| name.to_owned())
            .collect();

        let mut linker = Linker::new(engine.wasmtime());
        imports::link(&mut linker).map_err(|error| mismatch(&error))?;
        for import in &imports {
            if !imports::is_host_interface(import)
                && !imports::link_floor(&mut linker, import).map_err(|error| mismatch(&error))?
            {
                return Err(LoadError::UnknownImport(import.clone()));
            }
        }

        let (abilities, exports) = find_exports(component)?;
        let instance_pre = linker.instantiate_pre(component).map_err(|error| mismatch(&error))?;
        Ok(Self {
            digest,
            engine: engine.clone(),
            abilities,
            imports,
            exports,
            instance_pre,
            code: OnceLock::new(),
        })
    }

    /// The SHA-256 of the component's bytes, in lower-case hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// The abilities that it exports.
    pub fn abilities(&self) -> &[Ability] {
        &self.abilities
    }

    /// The interfaces that it imports: its list of capabilities.
    pub fn imports(&self) -> &[String] {
        &self.imports
    }

    /// The compiled code as a file that nobody can change any more. All processes that load it share its memory.
    pub(crate) fn code(&self) -> io::Result<&File> {
        if let Some(code) = self.code.get() {
            return Ok(code);
        }
        let code = self.instance_pre.component().serialize().map_err(io::Error::other)?;
        let code = sealed(&code)?;
        // Two calls at once may both make a file; one of the two is kept.
        Ok(self.code.get_or_init(|| code))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) fn instance_pre(&self) -> &InstancePre<CallState> {
        &self.instance_pre
    }

    pub(super) fn export(&self, function: Function) -> Option<&ComponentExportIndex> {
        self.exports.get(&function)
    }
}

impl fmt::Debug for LoadedComponent {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("LoadedComponent")
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

fn mismatch(error: &wasmtime::Error) -> LoadError {
    LoadError::Mismatch(format!("{error:#}"))
}

fn sealed(content: &[u8]) -> io::Result<File> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(memfd_create("component", flags)?);
    file.write_all(content)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(&file, seals)?;
    Ok(file)
}

/// An interface without functions and resources gives no capability: it only names types.
fn is_type_only(engine: &Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => instance
            .exports(engine.wasmtime())
            .all(|(_, export)| matches!(export.ty, ComponentItem::Type(_))),
        ComponentItem::Type(_) => true,
        _ => false,
    }
}

type Exports = (Vec<Ability>, HashMap<Function, ComponentExportIndex>);

fn find_exports(component: &Component) -> Result<Exports, LoadError> {
    let mut abilities = Vec::new();
    let mut exports = HashMap::new();
    for &ability in Ability::ALL {
        let Some(interface) = component.get_export_index(None, ability.export_name()) else {
            continue;
        };
        for &name in ability.functions() {
            let index = component
                .get_export_index(Some(&interface), name)
                .ok_or(LoadError::MissingFunction {
                    ability: ability.name(),
                    function: name,
                })?;
            exports.insert(Function { ability, name }, index);
        }
        abilities.push(ability);
    }
    for required in [Ability::Info, Ability::Vms] {
        if !abilities.contains(&required) {
            return Err(LoadError::MissingAbility(required.export_name()));
        }
    }
    Ok((abilities, exports))
}
