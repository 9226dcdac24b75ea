//! The interfaces of a new VM, checked.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::contract::{Error, VmNicSpec};

use super::keyed::Keyed;
use super::names::{normal_mac, printable, random_mac};
use super::nic_source::NicSource;
use super::nic_tuning::NicTuning;
use super::options::Options;
use super::request::DEVICES_MAX;

/// An interface, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NicRequest {
    pub(super) source: NicSource,
    pub(super) mac: String,
    pub(super) model: String,
    pub(super) tuning: NicTuning,
    pub(super) address: Option<IpNet>,
    pub(super) gateway: Option<IpAddr>,
    pub(super) dns_servers: Vec<IpAddr>,
}

/// Checks the interfaces of a spec.
///
/// # Errors
/// `invalid-argument` with the field's name.
pub(super) fn check_nics(nics: &[VmNicSpec], options: &Options) -> Result<Vec<NicRequest>, Error> {
    if nics.len() > DEVICES_MAX {
        return Err(Error::invalid_argument(
            "nics",
            format!("a vm can be created with at most {DEVICES_MAX} interfaces"),
        ));
    }
    if nics.is_empty() {
        let nic = NicRequest {
            source: NicSource::from_text(&options.network)?,
            mac: random_mac(),
            model: "virtio".to_owned(),
            tuning: NicTuning::default(),
            address: None,
            gateway: None,
            dns_servers: Vec::new(),
        };
        return Ok(vec![nic]);
    }
    nics.iter().map(|nic| check_nic(nic, options)).collect()
}

/// Checks an interface.
///
/// # Errors
/// `invalid-argument` with the field's name.
pub(super) fn check_nic(nic: &VmNicSpec, options: &Options) -> Result<NicRequest, Error> {
    if nic.subnet.is_some() {
        return Err(Error::invalid_argument(
            "subnet",
            "libvirt networks have no subnets: name the network alone",
        ));
    }
    if nic.public == Some(true) {
        return Err(Error::invalid_argument(
            "public",
            "libvirt hands out no public addresses: use a bridged network",
        ));
    }
    let address = nic
        .address
        .as_deref()
        .map(|text| parse("address", text, "192.0.2.7/24"))
        .transpose()?;
    if address.is_none() && (nic.gateway.is_some() || !nic.dns_servers.is_empty()) {
        let field = if nic.gateway.is_some() {
            "gateway"
        } else {
            "dns-servers"
        };
        return Err(Error::invalid_argument(
            field,
            format!("{field} goes with a fixed `address`; DHCP brings its own"),
        ));
    }
    let model = nic.model.clone().unwrap_or_else(|| "virtio".to_owned());
    if model.is_empty()
        || !model
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    {
        return Err(Error::invalid_argument(
            "model",
            format!("`{}` is not a device model", printable(&model)),
        ));
    }
    Ok(NicRequest {
        source: NicSource::from_text(nic.network.as_deref().unwrap_or(&options.network))?,
        tuning: NicTuning::default(),
        mac: nic.mac.as_deref().map_or_else(|| Ok(random_mac()), normal_mac)?,
        model,
        address,
        gateway: nic
            .gateway
            .as_deref()
            .map(|text| parse("gateway", text, "192.0.2.1"))
            .transpose()?,
        dns_servers: nic
            .dns_servers
            .iter()
            .map(|text| parse("dns-servers", text, "192.0.2.53"))
            .collect::<Result<_, _>>()?,
    })
}

fn parse<T: std::str::FromStr>(field: &str, text: &str, example: &str) -> Result<T, Error> {
    let refused = |_| Error::invalid_argument(field, format!("{field} `{}` is not like `{example}`", printable(text)));
    text.parse().map_err(refused)
}

/// Adds the settings of the option `nic_options` to the interfaces.
///
/// # Errors
/// `invalid-argument` with the option's or the setting's name.
pub(super) fn tune_nics(nics: &mut [NicRequest], texts: &[String]) -> Result<(), Error> {
    const OPTION: &str = "nic_options";
    for text in texts {
        let (index, mut keyed) = Keyed::parse_indexed(OPTION, text)?;
        let count = nics.len();
        let Some(nic) = nics.get_mut(index) else {
            return Err(keyed.refused(&format!("the vm has {count} interfaces, the first of which is 0")));
        };
        if nic.tuning != NicTuning::default() {
            return Err(keyed.refused("the interface has settings already: give them in one text"));
        }
        nic.tuning = NicTuning::from_keyed(&mut keyed)?;
        keyed.finish()?;
    }
    Ok(())
}
