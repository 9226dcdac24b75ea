//! What the provider asks the operator for, and how it reads the connection's options.

use stockade_provider::abilities::Info;
use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{
    CredentialKind, CredentialRequest, Endpoint, Error, OptionEntry, OptionSchema, ProviderInfo, SpecOptions,
};

use crate::Web;
use crate::client::Client;

/// The endpoint that every request goes to.
pub(crate) const ENDPOINT: &str = "api";

/// The port that kweb listens on when `KWEB_PORT` is not set
/// (<https://kcli.readthedocs.io/en/latest/#using-web-interface>).
const DEFAULT_PORT: i32 = 8000;

/// The size of a disk for which kweb is given none, as kcli's own default (`disksize`).
const DEFAULT_DISK_GIB: i32 = 10;

/// The options of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// The kcli profile for VMs that name neither image nor profile.
    pub(crate) profile: Option<String>,
    /// The pool for disks that name none.
    pub(crate) pool: String,
    /// The network for interfaces that name none.
    pub(crate) network: String,
    /// The size of disks that name none.
    pub(crate) disk_gib: u32,
    /// Whether an attached disk may be deleted.
    pub(crate) delete_attached_disks: bool,
}

impl Config {
    /// Reads the connection's options.
    pub(crate) fn read<H: Host>(host: &H) -> Result<Self, Error> {
        Self::of(&host.connection_options())
    }

    fn of(entries: &[OptionEntry]) -> Result<Self, Error> {
        let options = Options::of(entries);
        Ok(Self {
            profile: options.text("profile")?.map(str::to_owned),
            pool: options.text("pool")?.unwrap_or("default").to_owned(),
            network: options.text("network")?.unwrap_or("default").to_owned(),
            disk_gib: options
                .integer_within("disk_gib", 1..=65_536)?
                .unwrap_or(DEFAULT_DISK_GIB.unsigned_abs()),
            delete_attached_disks: options.boolean("delete_attached_disks")?.unwrap_or(false),
        })
    }
}

impl<H: Host> Info<H> for Web {
    fn describe() -> ProviderInfo {
        let mut info = ProviderInfo::new(
            "web",
            env!("CARGO_PKG_VERSION"),
            "VMs of a kcli installation, through its web API (kweb)",
        );
        info.connection_options = connection_options();
        info.spec_options = vec![SpecOptions {
            noun: "vm".to_owned(),
            options: vec![OptionSchema::text(
                "profile",
                "a kcli profile to create the VM from, instead of an image",
            )],
        }];
        info.endpoints = vec![endpoint()];
        info.credentials = vec![CredentialRequest::optional(
            "proxy",
            vec![CredentialKind::Bearer, CredentialKind::Basic],
            "kweb itself has no authentication; this is for the reverse proxy that should stand in front of it",
        )];
        info.state_kib = Some(64);
        info
    }

    fn check_connection(host: &H) -> Result<(), Error> {
        Client::new(host).host_info("checking the connection").map(drop)
    }
}

fn connection_options() -> Vec<OptionSchema> {
    vec![
        OptionSchema::text("host", "host name or address of kweb, for example `kcli.example.org`").required(),
        OptionSchema::integer("port", "port of kweb or of the proxy in front of it").with_default(DEFAULT_PORT),
        OptionSchema::text("scheme", "`https` needs a proxy in front: kweb speaks plain HTTP")
            .with_default("http")
            .with_choices(&["http", "https"]),
        OptionSchema::text(
            "profile",
            "kcli profile for VMs that name neither an image nor a profile",
        ),
        OptionSchema::text("pool", "pool for disks that name none").with_default("default"),
        OptionSchema::text("network", "network for interfaces that name none").with_default("default"),
        OptionSchema::integer(
            "disk_gib",
            "size in GiB of disks that name none; kweb cannot ask for the image's size",
        )
        .with_default(DEFAULT_DISK_GIB),
        OptionSchema::boolean(
            "delete_attached_disks",
            "let `delete-disk` delete a disk that a VM holds: kweb knows no other disks and cannot detach one",
        )
        .with_default(false),
    ]
}

/// Every request that the provider makes, and no other.
fn endpoint() -> Endpoint {
    Endpoint::new(ENDPOINT, "{scheme}://{host}:{port}", "kweb, the web API of kcli")
        .with_rule(
            "GET",
            "/host",
            "check the connection, read the host's size and its pools",
        )
        .with_rule("GET", "/vms", "list VMs, find a VM by its id")
        .with_rule("POST", "/vms", "create VMs")
        .with_rule("GET", "/vms/*", "read a VM")
        .with_rule("UPDATE", "/vms/*", "change a VM's CPUs, memory, autostart and plan")
        .with_rule("DELETE", "/vms/*", "delete VMs")
        .with_rule("POST", "/vms/*/start", "start VMs")
        .with_rule("POST", "/vms/*/stop", "stop VMs")
        .with_rule("POST DELETE", "/disks/*", "add a disk to a VM, delete a disk of a VM")
        .with_rule("POST DELETE", "/nics/*", "add and remove network interfaces of a VM")
        .with_rule(
            "GET POST DELETE",
            "/snapshots/*",
            "list, take and delete snapshots of a VM",
        )
        .with_rule("POST", "/snapshots/*/revert", "put a VM back into a snapshot's state")
        .with_rule("GET POST", "/pools", "list and create pools")
        .with_rule("DELETE", "/pools/*", "remove pools")
        .with_rule("GET POST", "/networks", "list and create networks")
        .with_rule("UPDATE DELETE", "/networks/*", "change and delete networks")
        .with_rule("GET", "/images", "list images")
        .with_rule("GET", "/isos", "list ISO images")
        .with_rule("DELETE", "/images/*", "delete images")
}
