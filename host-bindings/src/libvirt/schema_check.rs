//! libvirt's own schemas as the judge of what tests write.

use std::process::{Command, Stdio};

/// Fails when libvirt's schema of this name refuses the document. The schemas come with libvirt's packages; without them, or
/// without xmllint, there is no judge, which is printed.
pub(super) fn check(schema: &str, xml: &str) {
    let path = format!("/usr/share/libvirt/schemas/{schema}.rng");
    if !std::path::Path::new(&path).exists() || Command::new("xmllint").arg("--version").output().is_err() {
        println!("not judged: no xmllint or no {path}");
        return;
    }
    let mut child = Command::new("xmllint")
        .args(["--noout", "--relaxng", &path, "-"])
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
