//! From a component's bytes to machine code that can be trusted: compile in a child process, keep, check, load.
//!
//! Compiling is work on hostile input, and bombs that make a compiler slow or large are not bugs of its class: so it
//! happens in a process with limits of its own. Loading compiled code runs what the file says: so a kept artifact is
//! authenticated with a key that only we have, and anything doubtful is compiled again.

mod cache;
mod compiler;
mod limits;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

pub use cache::ArtifactCache;
pub(crate) use cache::load_from_parent;
pub use compiler::Compiler;
pub(crate) use compiler::compile_standard_input;

use crate::component::{LoadError, LoadedComponent};
use crate::engine::Engine;

/// The largest component in bytes. A Python provider has 18 MiB.
pub const MAX_COMPONENT_BYTES: usize = 64 << 20;

/// Why a component's bytes did not become a loaded component.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// It is not a component.
    #[error("{0}")]
    NotAComponent(&'static str),
    /// The compiler refused it or did not survive it.
    #[error("the component cannot be compiled: {0}")]
    Compile(String),
    /// The cache or the child process cannot be used.
    #[error("{doing} failed")]
    Io {
        /// What was being done, to what.
        doing: String,
        /// Why it failed.
        source: std::io::Error,
    },
    /// Its imports or exports do not fit.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// A component's bytes with their identity. The two are made together, so an artifact is never kept under another digest.
#[derive(Clone, Debug)]
pub struct ComponentBytes {
    bytes: Vec<u8>,
    digest: String,
}

impl ComponentBytes {
    /// Digests the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        let digest = Sha256::digest(&bytes)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self { bytes, digest }
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SHA-256 of the bytes in lower-case hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// Loads components: from the cache when it has them, otherwise by compiling.
#[derive(Debug)]
pub struct ComponentLoader {
    engine: Engine,
    cache: ArtifactCache,
    compiler: Compiler,
}

impl ComponentLoader {
    /// A loader for an engine.
    pub fn new(engine: Engine, cache: ArtifactCache, compiler: Compiler) -> Self {
        Self {
            engine,
            cache,
            compiler,
        }
    }

    /// Loads a component from its bytes. Blocks: compiling may take seconds.
    ///
    /// # Errors
    /// When it is not a component, cannot be compiled within the limits, or does not fit the contract.
    pub fn load(&self, component: &ComponentBytes) -> Result<LoadedComponent, ArtifactError> {
        check_is_component(component.bytes())?;
        let compiled = match self.cache.load(&self.engine, component.digest()) {
            Some(compiled) => compiled,
            None => self.compile(component)?,
        };
        Ok(LoadedComponent::new(&self.engine, &compiled, component.digest.clone())?)
    }

    fn compile(&self, component: &ComponentBytes) -> Result<Component, ArtifactError> {
        let artifact = self.compiler.compile(component.bytes())?;
        self.cache.store(&self.engine, component.digest(), &artifact)
    }
}

/// The preamble of a component (WebAssembly component model, Binary.md): magic, version 13, layer 1.
const COMPONENT_PREAMBLE: &[u8] = b"\0asm\x0d\0\x01\0";
/// The preamble of a core module.
const MODULE_PREAMBLE: &[u8] = b"\0asm\x01\0\0\0";

fn check_is_component(bytes: &[u8]) -> Result<(), ArtifactError> {
    if bytes.len() > MAX_COMPONENT_BYTES {
        return Err(ArtifactError::NotAComponent(
            "the file is larger than a component may be (64 MiB)",
        ));
    }
    if bytes.starts_with(COMPONENT_PREAMBLE) {
        Ok(())
    } else if bytes.starts_with(MODULE_PREAMBLE) {
        Err(ArtifactError::NotAComponent(
            "the file is a core WebAssembly module, not a component; turn it into one with `stockade-componentize` or `wasm-tools component new`",
        ))
    } else {
        Err(ArtifactError::NotAComponent("the file is not a WebAssembly component"))
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Engine")
    }
}
