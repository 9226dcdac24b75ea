//! The private libvirt's daemon: stopped, started, and started to listen for other hosts.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use stockade_test_support::wait_for;

use crate::lab::virsh;

const LIMIT: Duration = Duration::from_secs(60);
const PID_FILE: &str = "/run/libvirtd.pid";

/// The daemon's process id.
pub(crate) fn pid() -> String {
    std::fs::read_to_string(PID_FILE).unwrap().trim().to_owned()
}

/// Sends the daemon a signal.
pub(crate) fn signal(name: &str) {
    crate::lab::run("kill", &[&format!("-{name}"), &pid()]);
}

/// Ends the daemon. Its VMs go on.
pub(crate) fn stop() {
    let process = format!("/proc/{}", pid());
    signal("TERM");
    wait_for("the daemon to end", LIMIT, || {
        (!Path::new(&process).exists()).then_some(())
    });
}

/// Starts the daemon; `listen` for the sockets that its configuration names besides the local one.
pub(crate) fn start(listen: bool) {
    let mut command = Command::new("libvirtd");
    command.arg("--daemon").args(listen.then_some("--listen"));
    assert!(command.status().unwrap().success());
    wait_for("the daemon to answer", LIMIT, || {
        let mut command = Command::new("virsh");
        command.args(["--quiet", "--connect", "qemu:///system", "list"]);
        command.output().unwrap().status.success().then_some(())
    });
    virsh(&["list"]);
}

/// Has the daemon listen for TCP, and for TLS with certificates that are written into `directory`: `ca.pem` signs the host
/// `localhost` and the client `client.pem`, `stranger.pem` is signed by nobody known.
pub(crate) fn listen(directory: &Path) {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "test authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(params.clone(), KeyPair::generate().unwrap()).unwrap();
    let other = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(directory.join("ca.pem"), authority.pem()).unwrap();
    std::fs::write(directory.join("other-ca.pem"), other.pem()).unwrap();
    let sign = |name: &str, purpose: ExtendedKeyUsagePurpose, issuer: &CertifiedIssuer<'_, KeyPair>| {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "localhost");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyEncipherment];
        params.extended_key_usages = vec![purpose];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        std::fs::write(directory.join(format!("{name}.pem")), certificate.pem()).unwrap();
        std::fs::write(directory.join(format!("{name}.key")), key.serialize_pem()).unwrap();
    };
    sign("host", ExtendedKeyUsagePurpose::ServerAuth, &authority);
    sign("client", ExtendedKeyUsagePurpose::ClientAuth, &authority);
    sign("stranger", ExtendedKeyUsagePurpose::ClientAuth, &other);
    let file = |name: &str| directory.join(name).display().to_string();
    let configuration = [
        "auth_unix_ro = \"none\"".to_owned(),
        "auth_unix_rw = \"none\"".to_owned(),
        "listen_tcp = 1".to_owned(),
        "listen_tls = 1".to_owned(),
        "auth_tcp = \"none\"".to_owned(),
        "listen_addr = \"127.0.0.1\"".to_owned(),
        format!("ca_file = \"{}\"", file("ca.pem")),
        format!("cert_file = \"{}\"", file("host.pem")),
        format!("key_file = \"{}\"", file("host.key")),
    ];
    std::fs::write("/etc/libvirt/libvirtd.conf", configuration.join("\n")).unwrap();
    stop();
    start(true);
}
