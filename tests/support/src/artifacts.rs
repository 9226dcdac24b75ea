//! Where the built things are that tests run: components and the command.
//!
//! Tests never build them: a test that compiles hides which build it tested. A missing one is a panic that names the
//! recipe.

use std::path::{Path, PathBuf};

/// The root of the workspace.
#[must_use]
pub fn workspace_root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Where downloads and generated images are kept between runs; `cargo clean` empties it.
pub(crate) fn cache_directory(name: &str) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace_root().join("target"), PathBuf::from);
    target.join(name)
}

/// The built component `components/dist/NAME.wasm`.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn component(name: &str) -> PathBuf {
    built(
        workspace_root().join(format!("components/dist/{name}.wasm")),
        "just components",
        "tests/support/scripts/build-components",
    )
}

/// The `stockade` command, of the same profile as the running test.
///
/// # Panics
/// When it is not built.
#[must_use]
pub fn stockade() -> PathBuf {
    built(
        profile_directory().join("stockade"),
        "just build",
        "cargo build --workspace",
    )
}

/// `target/PROFILE`: test programs lie in its `deps`, examples in its `examples`.
fn profile_directory() -> PathBuf {
    let program = std::env::current_exe().unwrap_or_default();
    let directory = program.parent().unwrap_or(Path::new("."));
    match directory.file_name().and_then(|name| name.to_str()) {
        Some("deps" | "examples") => directory.parent().unwrap_or(directory).to_owned(),
        _ => directory.to_owned(),
    }
}

fn built(path: PathBuf, recipe: &str, command: &str) -> PathBuf {
    assert!(
        path.exists(),
        "`{}` is not built: run `{recipe}` (or `{command}`) and then this test again",
        path.display()
    );
    path
}
