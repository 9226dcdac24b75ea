//! `--nic` of `create vm`: `network=…,mac=…,address=…,gateway=…,dns=…,subnet=…,model=…,public=…`.

use stockade::contract::VmNicSpec;

use crate::cli::arguments::Fields;

const KNOWN: &str = "`network`, `subnet`, `mac`, `model`, `address`, `gateway`, `dns`, `public`";

/// Reads a network interface.
pub(crate) fn parse(text: &str) -> Result<VmNicSpec, String> {
    let mut fields = Fields::parse(text, Some("network"))?;
    let public = fields.take("public")?;
    let public = public.map(|value| {
        value
            .parse()
            .map_err(|_| "`public` must be `true` or `false`".to_owned())
    });
    let spec = VmNicSpec {
        network: fields.take("network")?,
        subnet: fields.take("subnet")?,
        mac: fields.take("mac")?,
        model: fields.take("model")?,
        address: fields.take("address")?,
        gateway: fields.take("gateway")?,
        dns_servers: fields.take_all("dns"),
        public: public.transpose()?,
    };
    fields.finish(KNOWN)?;
    Ok(spec)
}

/// A network interface on a network, and nothing else said.
pub(super) fn on_network(network: &str) -> VmNicSpec {
    VmNicSpec {
        network: Some(network.to_owned()),
        subnet: None,
        mac: None,
        model: None,
        address: None,
        gateway: None,
        dns_servers: Vec::new(),
        public: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nic_is_what_is_said_of_it() {
        let spec =
            parse("lan,mac=52:54:00:00:00:01,address=192.0.2.7/24,dns=192.0.2.1,dns=2001:db8::1,public=false").unwrap();
        assert_eq!(spec.network.as_deref(), Some("lan"));
        assert_eq!(spec.mac.as_deref(), Some("52:54:00:00:00:01"));
        assert_eq!(spec.dns_servers, ["192.0.2.1", "2001:db8::1"]);
        assert_eq!(spec.public, Some(false));
        assert_eq!(parse("network=lan").unwrap(), on_network("lan"));
        for wrong in ["", "public=maybe", "lan,colour=red", "lan,mac"] {
            // An empty argument names an empty network; the provider refuses that.
            assert!(parse(wrong).is_err() || wrong.is_empty(), "{wrong}");
        }
    }
}
