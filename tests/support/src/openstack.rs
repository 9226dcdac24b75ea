//! A real OpenStack cloud on loopback: Keystone, Placement, Glance, Neutron, Nova, Cinder, Designate, Octavia
//! and Swift, unprivileged, in seconds.
//!
//! Only the hypervisor, the network's mechanism, what volumes hold, the name server and what balances loads are not real;
//! `tests/support/openstack` says how it is made. What is there can be asked of openstacksdk, which is nobody of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;

use crate::SupportError;
use crate::artifacts::workspace_root;
use crate::peer::Peer;

/// A running cloud; it ends with its value.
pub struct Openstack {
    peer: Peer,
    identity_port: u16,
    password: String,
    /// By service.
    origins: BTreeMap<String, String>,
}

impl Openstack {
    /// Starts a cloud of its own, installing it first where it is not (four minutes), and returns when VMs can be created.
    ///
    /// There are: network `default`, behind a router to the external network `outside`; flavors of 1 CPU and 256 MiB among
    /// others; images `tiny` (1 MiB) and `large` (2 GiB at least); the DNS zone `conformance.example`.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn start() -> Result<Self, SupportError> {
        let script = workspace_root().join("tests/support/openstack/cloud.py");
        let peer = Peer::start("openstack", |place| {
            let mut command = place.python("python");
            command
                .arg(&script)
                .arg("run")
                .arg(place.installation.join("state"))
                .arg(place.home)
                .arg(place.port.to_string());
            command
        })?;
        let mut cloud = Self {
            peer,
            identity_port: 0,
            password: String::new(),
            origins: BTreeMap::new(),
        };
        let text = cloud.ask("GET", "/origins", "")?;
        let known: serde_json::Value =
            serde_json::from_str(&text).map_err(|error| SupportError::new("read the cloud's origins", error))?;
        let origins = known.get("origins").and_then(serde_json::Value::as_object);
        let text_of = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        cloud.origins = origins
            .into_iter()
            .flatten()
            .map(|(name, origin)| (name.clone(), text_of(origin)))
            .collect();
        let identity = cloud.origin("keystone")?;
        let port = identity.rsplit(':').next().and_then(|port| port.parse().ok());
        cloud.identity_port = port.ok_or_else(|| SupportError::new("read the cloud's origins", &text))?;
        cloud.password = known.get("password").map(text_of).unwrap_or_default();
        Ok(cloud)
    }

    /// Keystone's port at 127.0.0.1.
    #[must_use]
    pub fn identity_port(&self) -> u16 {
        self.identity_port
    }

    /// Where a service is, by its project's name: `nova`.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn origin(&self, service: &str) -> Result<String, SupportError> {
        let origin = self.origins.get(service).cloned();
        origin.ok_or_else(|| SupportError::new(format!("find {service}"), format!("there are {:?}", self.origins)))
    }

    /// The password of the user `admin`, who may do everything in the project `admin`.
    #[must_use]
    pub fn password(&self) -> &str {
        &self.password
    }

    /// What openstacksdk finds: VMs, ports, floating addresses, key pairs, images, networks and so on, a line each.
    ///
    /// # Errors
    /// When it cannot look.
    pub fn observe(&self) -> Result<BTreeSet<String>, SupportError> {
        let text = self.ask("GET", "/observe", "")?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    /// Removes what these lines of [`Self::observe`] name.
    ///
    /// # Errors
    /// When it cannot look.
    pub fn remove<'a>(&self, lines: impl IntoIterator<Item = &'a String>) -> Result<(), SupportError> {
        let lines: Vec<_> = lines.into_iter().map(String::as_str).collect();
        self.ask("POST", "/remove", &lines.join("\n")).map(drop)
    }

    /// Creates a VM with openstacksdk; answers its id.
    ///
    /// # Errors
    /// When that fails.
    pub fn create_vm(&self, name: &str) -> Result<String, SupportError> {
        self.ask("POST", "/create", name)
    }

    /// Makes a snapshot of a volume, by its id, with openstacksdk; answers its id.
    ///
    /// # Errors
    /// When that fails.
    pub fn snapshot_volume(&self, volume: &str) -> Result<String, SupportError> {
        self.ask("POST", "/snapshot", volume)
    }

    /// Creates a VM, and copies of it in Nova's databases until there are that many: for lists only.
    ///
    /// # Errors
    /// When it does not come up.
    pub fn create_vms(&self, count: usize) -> Result<(), SupportError> {
        self.ask("POST", "/create-many", &count.to_string()).map(drop)
    }

    /// The directory with the services' logs.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.peer.home().join("cloud")
    }

    /// One request to the observer; the answer ends with the connection (RFC 9112, section 9.6).
    fn ask(&self, method: &str, path: &str, body: &str) -> Result<String, SupportError> {
        let doing = format!("{method} {path} of the cloud");
        let exchange = || -> std::io::Result<String> {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.peer.port()))?;
            write!(
                stream,
                "{method} {path} HTTP/1.0\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            Ok(answer)
        };
        let answer = exchange().map_err(|error| SupportError::new(&doing, error))?;
        match answer.split_once("\r\n\r\n") {
            Some((head, body)) if head.lines().next().is_some_and(|line| line.contains(" 200 ")) => Ok(body.to_owned()),
            _ => Err(SupportError::new(&doing, format!("{answer}\n{}", self.peer.log()))),
        }
    }
}
