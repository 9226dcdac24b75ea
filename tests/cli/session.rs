//! A home of its own for a test, and the command run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The command in a home of its own.
pub(crate) struct Session {
    home: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Session {
    /// An empty home. Compiled components are shared by all: each is compiled once, not once for each test.
    pub(crate) fn empty() -> Self {
        let home = tempfile::tempdir().unwrap();
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("cli-cache");
        std::fs::create_dir_all(&cache).unwrap();
        std::os::unix::fs::symlink(cache, home.path().join("cache")).unwrap();
        Self { home }
    }

    /// A home with the simulated provider and a connection `lab`.
    pub(crate) fn with_lab() -> Self {
        let session = Self::empty();
        session.done(&format!("provider add {} --yes", component("fake").display()));
        session.done("create connection lab --provider fake --grant-all");
        session
    }

    /// Where the home is.
    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// The file of a connection.
    pub(crate) fn connection_file(&self, name: &str) -> PathBuf {
        self.path().join(format!("config/connections/{name}.toml"))
    }

    /// The command with these arguments, separated by spaces.
    pub(crate) fn command(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_stockade"));
        command
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .env("STOCKADE_HOME", self.path())
            .env_remove("STOCKADE_CONNECTION")
            .env_remove("RUST_BACKTRACE")
            .env_remove("COLUMNS")
            .stdin(Stdio::null());
        command
    }

    /// Runs the command.
    pub(crate) fn run(&self, arguments: &str) -> Ended {
        finish(&mut self.command(arguments))
    }

    /// Runs a command that must succeed; answers its standard output.
    pub(crate) fn done(&self, arguments: &str) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(0), "`stockade {arguments}`: {ended:?}");
        ended.stdout
    }

    /// Runs a command that must succeed, in JSON.
    pub(crate) fn json(&self, arguments: &str) -> Value {
        let text = self.done(&format!("{arguments} -o json"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("`stockade {arguments}`: {error}: {text}"))
    }

    /// Runs a command that must fail with this code and print no data; answers its standard error.
    pub(crate) fn fails(&self, code: i32, arguments: &str) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.code, Some(code), "`stockade {arguments}`: {ended:?}");
        assert_eq!(ended.stdout, "", "`stockade {arguments}`");
        assert!(
            ended.stderr.starts_with("error: "),
            "`stockade {arguments}`: {}",
            ended.stderr
        );
        ended.stderr
    }
}

/// Runs a command to its end.
pub(crate) fn finish(command: &mut Command) -> Ended {
    let output = command.output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A built component.
pub(crate) fn component(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../components/dist/{name}.wasm"));
    path.canonicalize()
        .unwrap_or_else(|_| panic!("`{}` is not built: run `just components`", path.display()))
}
