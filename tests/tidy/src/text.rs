//! What may stand in which file: words that only some places may use.
//!
//! Comments and tests may name what code may not, where a rule says "in code". Strings are code: a provider's name in a
//! string is a provider's name.

use crate::SourceFile;

/// Where `unsafe` may be, each with the reason; every block has its SAFETY comment besides (clippy).
const UNSAFE_ALLOWED: [(&str, &str); 8] = [
    (
        "host-bindings/src/libvirt/library.rs",
        "loads libvirt at run time and jumps into it, so that commands start without it",
    ),
    (
        "host-bindings/src/libvirt/ffi.rs",
        "libvirt calls that the `virt` crate does not wrap",
    ),
    (
        "host-bindings/src/libvirt/ffi_events.rs",
        "libvirt's events, which the `virt` crate does not wrap",
    ),
    (
        "host-bindings/src/artifact/cache.rs",
        "wasmtime declares loading a compiled artifact unsafe; ours are authenticated first",
    ),
    (
        "host-bindings/src/lockdown/mod.rs",
        "closes files that this process inherited, which the standard library cannot",
    ),
    (
        "tests/isolation/tests/hostile/wall.rs",
        "tries system calls that no library offers",
    ),
    (
        "tests/isolation/guests/src/attempts/garbage.rs",
        "a hostile guest hands over values that its types exclude",
    ),
    (
        "tests/isolation/guests/src/attempts/memory.rs",
        "a hostile guest reads its whole memory",
    ),
];

/// Vendors and tools that are, or could be, providers. The runtime knows none of them; `libvirt` is not in the list
/// because it is also the name of the build feature that the runtime passes on.
const VENDORS: [&str; 16] = [
    "kweb",
    "kcli",
    "aws",
    "ec2",
    "azure",
    "gcp",
    "openstack",
    "nova",
    "vsphere",
    "vcenter",
    "proxmox",
    "kubevirt",
    "hetzner",
    "ovirt",
    "ibmcloud",
    "packet",
];

/// Ways to open a connection. Serving is another thing: `TcpListener` is not among them.
const CLIENT_SOCKETS: [&str; 6] = [
    "TcpStream::connect",
    "UnixStream::connect",
    "UdpSocket::bind",
    "hyper::client",
    "hyper_util::client",
    "TcpSocket::new",
];

/// Whether `word` stands in `line` by itself: not as part of a longer name, also not of one with `-` or `_`.
fn contains_word(line: &str, word: &str) -> bool {
    let is_part = |character: char| character.is_alphanumeric() || character == '_' || character == '-';
    line.match_indices(word).any(|(start, _)| {
        let before = line[..start].chars().next_back();
        let after = line[start + word.len()..].chars().next();
        !before.is_some_and(is_part) && !after.is_some_and(is_part)
    })
}

/// Code of `runtime/src` that names a provider: a folder of `components/`, or a vendor.
#[must_use]
pub fn provider_names_in_runtime(files: &[SourceFile]) -> Vec<String> {
    let own = files.iter().filter_map(|file| {
        let name = file.path.strip_prefix("components/")?.strip_suffix("/Cargo.toml")?;
        (name != "sdk" && name != "componentize").then_some(name)
    });
    let names: Vec<&str> = own.chain(VENDORS).collect();
    find_in_code(
        files,
        |path| path.starts_with("runtime/src/"),
        |line| {
            let name = names.iter().find(|name| contains_word(&line.to_lowercase(), name))?;
            Some(format!(
                "names the provider `{name}`: move it to that provider, or ask the provider for it"
            ))
        },
    )
}

/// Code outside `host-bindings` that opens connections.
#[must_use]
pub fn sockets_outside_host(files: &[SourceFile]) -> Vec<String> {
    let applies = |path: &str| path.starts_with("runtime/src/") || path.starts_with("components/");
    find_in_code(files, applies, |line| {
        let call = CLIENT_SOCKETS.iter().find(|call| line.contains(**call))?;
        Some(format!(
            "uses `{call}`: only host-bindings opens connections, behind a grant"
        ))
    })
}

/// Code that uses the `virt` crate outside the libvirt provider.
#[must_use]
pub fn virt_outside_libvirt(files: &[SourceFile]) -> Vec<String> {
    let applies = |path: &str| !path.starts_with("host-bindings/src/libvirt/") && !path.starts_with("tests/tidy/");
    find_in_code(files, applies, |line| {
        let used = line.match_indices("virt::").any(|(start, _)| {
            !line[..start].ends_with(|character: char| character.is_alphanumeric() || character == '_')
        });
        used.then(|| "uses the crate `virt`: only host-bindings/src/libvirt may".to_owned())
    })
}

/// `unsafe` in files that the list does not name.
#[must_use]
pub fn unlisted_unsafe(files: &[SourceFile]) -> Vec<String> {
    let applies = |path: &str| {
        !path.starts_with("tests/tidy/") && !UNSAFE_ALLOWED.iter().any(|(allowed, _)| path.starts_with(allowed))
    };
    find_in_code(files, applies, |line| {
        contains_word(line, "unsafe")
            .then(|| "is unsafe: find a safe way, or add the file to `UNSAFE_ALLOWED` with its reason".to_owned())
    })
}

/// Notes to oneself that no issue keeps.
#[must_use]
pub fn notes_without_issue(files: &[SourceFile]) -> Vec<String> {
    let notes = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];
    find(
        files,
        |_| true,
        |line| {
            let note = notes
                .iter()
                .find(|note| contains_word(line, note) && !line.contains(&format!("{note}(#")))?;
            Some(format!(
                "says {note} without an issue: do it, or open an issue and write {note}(#number)"
            ))
        },
    )
}

/// Places of one machine or one network: absolute paths of somebody's disk, hosts of package registries.
#[must_use]
pub fn foreign_places(files: &[SourceFile]) -> Vec<String> {
    let paths = [concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];
    let hosts = [
        concat!("deb.", "debian.org"),
        concat!("pypi", ".org"),
        concat!("files.python", "hosted.org"),
        concat!("static.crates", ".io"),
        concat!("index.crates", ".io"),
        concat!("registry.npm", "js.org"),
        concat!("proxy.go", "lang.org"),
    ];
    // The guest has a root directory of its own.
    let applies = |path: &str| !path.starts_with("tests/support/guest/");
    find(files, applies, |line| {
        let starts_a_path = |path: &&&str| {
            line.match_indices(**path).any(|(start, _)| {
                !line[..start].ends_with(|before: char| before.is_alphanumeric() || "-_./}".contains(before))
            })
        };
        if let Some(path) = paths.iter().find(starts_a_path) {
            return Some(format!(
                "names `{path}`, a place on one machine: make it relative or an argument"
            ));
        }
        let host = hosts.iter().find(|host| line.contains(**host))?;
        Some(format!(
            "names `{host}`: use whatever source the machine is configured with"
        ))
    })
}

/// Rust modules that do not open with `//!`.
#[must_use]
pub fn modules_without_purpose(files: &[SourceFile]) -> Vec<String> {
    // A crate may open with its README instead.
    let is_purpose = |line: &str| line.starts_with("//!") || line.starts_with("#![doc = include_str!");
    let opens = |file: &&SourceFile| {
        let lines = file.text.lines();
        let mut head = lines.take_while(|line| line.is_empty() || line.starts_with("#![") || line.starts_with("//!"));
        head.any(is_purpose)
    };
    files
        .iter()
        .filter(|file| file.is_rust() && !opens(file))
        .map(|file| {
            format!(
                "{}: opens without `//!`: say what it is for, what it does not do, who calls it",
                file.path
            )
        })
        .collect()
}

fn find_in_code(
    files: &[SourceFile],
    applies: impl Fn(&str) -> bool,
    complaint: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let rust = files.iter().filter(|file| file.is_rust() && applies(&file.path));
    rust.flat_map(|file| complaints(&file.path, file.code_lines(), &complaint))
        .collect()
}

fn find(
    files: &[SourceFile],
    applies: impl Fn(&str) -> bool,
    complaint: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let files = files.iter().filter(|file| applies(&file.path));
    files
        .flat_map(|file| complaints(&file.path, file.lines(), &complaint))
        .collect()
}

fn complaints<'a>(
    path: &str,
    lines: impl Iterator<Item = (usize, &'a str)>,
    complaint: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    lines
        .filter_map(|(number, line)| Some(format!("{path}:{number}: {}", complaint(line)?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Rule = fn(&[SourceFile]) -> Vec<String>;

    /// Each sample: where, what, and whether the rule accepts it.
    fn check(rule: Rule, samples: &[(&str, &str, bool)]) {
        let components = SourceFile::new("components/web/Cargo.toml", "");
        for (path, text, accepted) in samples {
            let found = rule(&[components.clone(), SourceFile::new(path, text)]);
            assert_eq!(found.is_empty(), *accepted, "{path}: {text}: {found:?}");
        }
    }

    #[test]
    fn the_runtime_names_no_provider() {
        check(
            provider_names_in_runtime,
            &[
                ("runtime/src/a.rs", "if name == \"web\" {", false),
                ("runtime/src/a.rs", "match vendor { Aws => 1 }", false),
                ("runtime/src/a.rs", "// as the web provider does", true),
                ("runtime/src/a.rs", "let name = \"web-1\"; let website = 1;", true),
                ("runtime/src/a.rs", "#[cfg(test)]\nlet name = \"web\";", true),
                ("host-bindings/src/a.rs", "\"web\"", true),
            ],
        );
    }

    #[test]
    fn only_the_host_opens_connections_and_libvirt() {
        check(
            sockets_outside_host,
            &[
                ("runtime/src/a.rs", "TcpStream::connect(address)", false),
                ("components/web/src/a.rs", "use hyper::client;", false),
                ("runtime/src/a.rs", "TcpListener::bind(address)", true),
                ("host-bindings/src/a.rs", "TcpStream::connect(address)", true),
            ],
        );
        check(
            virt_outside_libvirt,
            &[
                ("host-bindings/src/engine/a.rs", "use virt::connect::Connect;", false),
                ("runtime/src/a.rs", "x(virt::y)", false),
                ("runtime/src/a.rs", "libvirt::register()", true),
                ("host-bindings/src/libvirt/a.rs", "use virt::connect::Connect;", true),
            ],
        );
    }

    #[test]
    fn unsafe_is_listed() {
        check(
            unlisted_unsafe,
            &[
                ("runtime/src/a.rs", "unsafe { x() }", false),
                ("runtime/src/a.rs", "#![deny(unsafe_code)] // no unsafe", false),
                ("runtime/src/a.rs", "#![deny(unsafe_code)]", true),
                ("host-bindings/src/libvirt/ffi.rs", "unsafe { x() }", true),
            ],
        );
    }

    #[test]
    fn notes_and_places_are_refused() {
        let note = concat!("TO", "DO");
        check(
            notes_without_issue,
            &[
                ("a.md", &format!("{note}: later"), false),
                ("a.rs", &format!("// {note}(#7): later"), true),
            ],
        );
        let (machine, host) = (concat!("/wo", "rk/"), concat!("deb.", "debian.org"));
        check(
            foreign_places,
            &[
                ("a.rs", &format!("\"{machine}main\""), false),
                ("a.sh", &format!("deb http://{host}/debian"), false),
                ("a.rs", &format!("net{machine}x"), true),
            ],
        );
    }

    #[test]
    fn modules_say_what_they_are_for() {
        check(
            modules_without_purpose,
            &[
                ("a.rs", "use x;", false),
                ("a.rs", "use x;\n//! Too late.", false),
                ("a.rs", "#![expect(a, reason = \"b\")]\n\n//! Purpose.", true),
                ("lib.rs", "#![doc = include_str!(\"../README.md\")]", true),
                ("a.md", "text", true),
            ],
        );
    }
}
