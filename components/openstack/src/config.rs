//! The connection's options.

use stockade_provider::host::Host;
use stockade_provider::options::Options;
use stockade_provider::types::{Error, OptionEntry, OptionSchema};

/// Keystone's usual port.
const DEFAULT_PORT: i32 = 5000;

/// The choice of `stop` that shelves.
const SHELVE: &str = "shelve";

/// The options of a connection.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Config {
    /// The host of the identity service; the cached catalogue is for it.
    pub(crate) host: String,
    /// Its port.
    pub(crate) port: i32,
    /// The segment before `/v3`; empty for none.
    pub(crate) auth_path: String,
    /// The region; none when the cloud has only one.
    pub(crate) region: Option<String>,
    /// Which of a service's endpoints: `public`, `internal` or `admin`.
    pub(crate) interface: String,
    /// The network for interfaces that name none.
    pub(crate) network: Option<String>,
    /// The network that public addresses come from.
    pub(crate) external_network: Option<String>,
    /// The flavor for VMs that name neither a flavor nor a size.
    pub(crate) flavor: Option<String>,
    /// Whether VMs boot from volumes when their spec does not say.
    pub(crate) boot_volume: bool,
    /// Whether stopped VMs are put on Nova's shelf.
    pub(crate) is_shelving: bool,
}

impl Config {
    /// Reads the connection's options.
    pub(crate) fn read<H: Host>(host: &H) -> Result<Self, Error> {
        Self::of(&host.connection_options())
    }

    fn of(entries: &[OptionEntry]) -> Result<Self, Error> {
        let options = Options::of(entries);
        let text = |name: &str| -> Result<Option<String>, Error> {
            Ok(options.text(name)?.filter(|value| !value.is_empty()).map(str::to_owned))
        };
        Ok(Self {
            host: text("host")?.unwrap_or_default(),
            port: options.integer("port")?.unwrap_or(DEFAULT_PORT),
            auth_path: text("auth_path")?.unwrap_or_default(),
            region: text("region")?,
            interface: text("interface")?.unwrap_or_else(|| "public".to_owned()),
            network: text("network")?,
            external_network: text("external_network")?,
            flavor: text("flavor")?,
            boot_volume: options.boolean("boot_volume")?.unwrap_or(false),
            is_shelving: options.text("stop")? == Some(SHELVE),
        })
    }
}

/// The schema.
pub(crate) fn connection_options() -> Vec<OptionSchema> {
    vec![
        OptionSchema::text(
            "host",
            "host name or address of the identity service, from the auth URL: `cloud.example.org`",
        )
        .required(),
        OptionSchema::integer("port", "port of the identity service, from the auth URL").with_default(DEFAULT_PORT),
        OptionSchema::text("scheme", "scheme of the identity service and of all others")
            .with_default("https")
            .with_choices(&["https", "http"]),
        OptionSchema::text(
            "auth_path",
            "what stands before `/v3` in the auth URL, one segment: `identity`; empty for nothing",
        )
        .with_default(""),
        OptionSchema::text("region", "region; may be left out where the cloud has only one"),
        OptionSchema::text("interface", "which endpoints of the catalogue to use")
            .with_default("public")
            .with_choices(&["public", "internal", "admin"]),
        OptionSchema::text(
            "network",
            "network for interfaces that name none; may be left out where there is only one",
        ),
        OptionSchema::text(
            "external_network",
            "network that public addresses and routers come from; may be left out where there is only one",
        ),
        OptionSchema::text("flavor", "flavor for VMs that name neither a flavor nor a size"),
        OptionSchema::boolean(
            "boot_volume",
            "boot VMs from volumes of the block storage service when their spec does not say",
        )
        .with_default(false),
        OptionSchema::text(
            "stop",
            "what stopping a VM is: `off` keeps its place on its host, `shelve` gives it up until the next start",
        )
        .with_default("off")
        .with_choices(&["off", SHELVE]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::fake_host::FakeHost;

    #[test]
    fn an_empty_text_counts_as_not_given() {
        let host = FakeHost::new()
            .with_option("host", "cloud.example")
            .with_option("auth_path", "")
            .with_option("region", "")
            .with_option("boot_volume", true);
        let config = Config::read(&host).expect("options");
        let expected = Config {
            host: "cloud.example".to_owned(),
            port: DEFAULT_PORT,
            interface: "public".to_owned(),
            boot_volume: true,
            ..Config::default()
        };
        assert_eq!(config, expected);
    }
}
