//! Compiled components on disk: whatever is done to one, it is compiled again and never loaded; and the compiler is confined.

use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use stockade::Runtime;
use stockade_test_support::{artifacts, wait_for};

use crate::description::describing;
use crate::lab::{Lab, Setup, Trial};

pub(crate) const TRIALS: &[Trial] = &[
    Trial {
        name: "an_artifact_that_was_tampered_with_is_compiled_again",
        attempts: &[],
        run: tampered,
    },
    Trial {
        name: "another_components_artifact_is_never_loaded",
        attempts: &["describe calls"],
        run: foreign,
    },
    Trial {
        name: "an_installed_component_that_was_changed_is_refused",
        attempts: &[],
        run: changed_component,
    },
    Trial {
        name: "the_compiler_is_confined",
        attempts: &[],
        run: compiler,
    },
];

/// What is needed to know whether a file is still the same one: a new file has a new number.
fn identity(path: &Path) -> (u64, Vec<u8>) {
    (
        std::fs::symlink_metadata(path).unwrap().ino(),
        std::fs::read(path).unwrap(),
    )
}

/// The artifacts of a runtime.
fn cached(runtime: &Runtime) -> Vec<PathBuf> {
    let directory = runtime.home().cache.join("artifacts");
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.extension().is_some_and(|extension| extension == "cwasm"))
        .collect()
}

fn use_anew(lab: &Lab, home: &Path) {
    let (service, _) = lab.connect_on(&lab.shared.open(home), &Setup::nothing());
    lab.works(&service);
}

/// What is done to an artifact.
const TAMPERING: [&str; 8] = [
    "a byte of its code is changed",
    "its last byte is changed",
    "it is cut short",
    "it is emptied",
    "it is a link",
    "it has a second name",
    "others can write it",
    "the key is another one",
];

fn tamper(what: &str, artifact: &Path, honest: &[u8]) {
    let flip = |path: &Path, place: usize| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[place] ^= 1;
        std::fs::write(path, bytes).unwrap();
    };
    let elsewhere = artifact.with_file_name("elsewhere");
    match what {
        "a byte of its code is changed" => flip(artifact, honest.len() / 2),
        "its last byte is changed" => flip(artifact, honest.len() - 1),
        "it is cut short" => std::fs::write(artifact, &honest[..honest.len() - 40]).unwrap(),
        "it is emptied" => std::fs::write(artifact, b"").unwrap(),
        "it is a link" => {
            std::fs::rename(artifact, &elsewhere).unwrap();
            symlink(&elsewhere, artifact).unwrap();
        }
        "it has a second name" => {
            std::fs::remove_file(&elsewhere).unwrap();
            std::fs::hard_link(artifact, &elsewhere).unwrap();
        }
        "others can write it" => {
            std::fs::set_permissions(artifact, std::fs::Permissions::from_mode(0o622)).unwrap();
        }
        "the key is another one" => flip(&artifact.with_file_name("key"), 0),
        _ => panic!("nobody knows how `{what}` is done"),
    }
}

fn tampered(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let artifact = cached(&lab.shared.installed(home.path())).remove(0);
    let honest = identity(&artifact);
    use_anew(lab, home.path());
    assert_eq!(identity(&artifact), honest, "an honest artifact is loaded and stays");

    for what in TAMPERING {
        tamper(what, &artifact, &honest.1);
        let before = identity(&artifact);
        use_anew(lab, home.path());
        let after = identity(&artifact);
        assert_ne!(after.0, before.0, "{what}: the file is a new one");
        let metadata = std::fs::symlink_metadata(&artifact).unwrap();
        assert!(metadata.is_file() && metadata.mode() & 0o077 == 0, "{what}");
        let code = |bytes: &[u8]| bytes[..bytes.len() - 32].to_vec();
        assert_eq!(
            code(&after.1),
            code(&honest.1),
            "{what}: compiled from the same component"
        );
    }
}

fn foreign(lab: &Lab) {
    lab.note("describe calls");
    let home = tempfile::tempdir().unwrap();
    let runtime = lab.shared.open(home.path());
    let (plain, calls) = (home.path().join("plain.wasm"), home.path().join("calls.wasm"));
    std::fs::write(&plain, describing("plain")).unwrap();
    std::fs::write(&calls, describing("calls")).unwrap();
    let description = |file: &Path| lab.wait(runtime.inspect_provider(file)).unwrap().info.description;

    let described = description(&plain);
    let artifact_of_plain = cached(&runtime).remove(0);
    assert_ne!(description(&calls), described);
    let artifact_of_calls = cached(&runtime)
        .into_iter()
        .find(|path| *path != artifact_of_plain)
        .unwrap();
    std::fs::copy(artifact_of_calls, &artifact_of_plain).unwrap();
    assert_eq!(
        description(&plain),
        described,
        "what runs is the component, not what lay under its name"
    );
}

fn changed_component(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let runtime = lab.shared.installed(home.path());
    let (service, _) = lab.connect_on(&runtime, &Setup::nothing());
    lab.works(&service);
    let digest = runtime.provider("hostile").unwrap().digest;
    let file = runtime.home().data.join("components").join(format!("{digest}.wasm"));
    std::fs::write(&file, describing("calls")).unwrap();
    let opening = lab.shared.open(home.path());
    let error = lab
        .wait(opening.connect(service.connection()))
        .err()
        .expect("it is refused");
    assert!(error.to_string().contains("was changed on disk"), "{error}");
    assert!(error.hints().join(" ").contains("provider add --replace"), "{error:?}");
}

fn compiler(lab: &Lab) {
    let home = tempfile::tempdir().unwrap();
    let (path, shared) = (home.path().to_owned(), Arc::clone(&lab.shared));
    let compiling = std::thread::spawn(move || {
        let file = artifacts::component("hostile");
        crate::lab::drive(shared.open(&path).inspect_provider(&file)).unwrap();
    });
    let (limits, environment) = wait_for("a compiler that limited itself", Duration::from_secs(60), || {
        compilers().find(|(limits, _)| limits["Max file size"] == "0")
    });
    compiling.join().unwrap();
    assert_eq!(limits["Max address space"], (4_u64 << 30).to_string());
    assert_eq!(limits["Max cpu time"], "120");
    assert_eq!(limits["Max open files"], "64");
    assert_eq!(limits["Max core file size"], "0");
    assert_eq!(
        environment, "STOCKADE_CHILD=compiler\0",
        "no secret of the parent's environment"
    );
}

/// The hard limits and the environments of this process's children that compile and have given up most system calls.
fn compilers() -> impl Iterator<Item = (BTreeMap<String, String>, String)> {
    let parent = format!("\nPPid:\t{}\n", std::process::id());
    let processes = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    processes.filter_map(move |process| {
        let read = |name: &str| std::fs::read_to_string(process.join(name)).ok();
        let environment = read("environ").filter(|text| text.contains("STOCKADE_CHILD=compiler"))?;
        read("status").filter(|status| status.contains(&parent) && status.contains("\nSeccomp:\t2\n"))?;
        // Columns of a fixed width: name, soft limit, hard limit (proc_pid_limits(5)).
        let limits = read("limits")?;
        let hard = limits.lines().skip(1).filter_map(|line| {
            let value = line.get(47..)?.split_whitespace().next()?;
            Some((line[..26].trim().to_owned(), value.to_owned()))
        });
        Some((hard.collect(), environment))
    })
}
