//! For tests: libvirt's own schemas judge what is written here.

use std::process::{Command, Stdio};

/// Where libvirt's packages keep them (Debian: `libvirt-common`).
const SCHEMAS: &str = "/usr/share/libvirt/schemas";

/// Fails with libvirt's complaint when the document is not valid by this schema, `domain.rng` for example. The schemas come
/// with libvirt's packages, and without them this has nothing to say.
pub(super) fn assert_valid(schema: &str, xml: &str) {
    let schema = format!("{SCHEMAS}/{schema}");
    if !std::path::Path::new(SCHEMAS).exists() || Command::new("xmllint").arg("--version").output().is_err() {
        println!("skipped: no xmllint or no {schema}");
        return;
    }
    let mut child = Command::new("xmllint")
        .args(["--noout", "--relaxng", &schema, "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), xml.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{xml}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
