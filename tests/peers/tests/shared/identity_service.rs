//! Keystone, the identity service of OpenStack itself, with its database in a file.

use stockade_test_support::peer::Peer;

const SCRIPT: &str = include_str!("identity_service.py");

/// The administrator's password, as hard to hide as passwords get.
pub(crate) const PASSWORD: &str = "canary \"password\" <1>";

/// A running one.
pub(crate) fn start() -> Peer {
    let peer = Peer::start("keystone", |place| {
        let script = place.home.join("identity_service.py");
        std::fs::write(&script, SCRIPT).unwrap();
        let mut command = place.python("python");
        command
            .arg(script)
            .arg(place.port.to_string())
            .arg(place.home)
            .env("ADMIN_PASSWORD", PASSWORD);
        command
    });
    peer.unwrap()
}
