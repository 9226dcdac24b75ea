//! Where VMs may move: to the hosts that the operator lists in the connection's option `migration_targets`, and nowhere else.
//!
//! Whoever asks for a move names one of them and never an address, so that a caller can make neither us nor a libvirt daemon
//! connect to a place of his choice. A target's connection string obeys the same rules as the connection's own.

use std::net::Ipv6Addr;

use crate::contract::{Error, ErrorKind};
use crate::libvirt::keyed::Keyed;
use crate::libvirt::names::printable;
use crate::libvirt::uri::{Target, is_host};

/// The option.
pub(in crate::libvirt) const OPTION: &str = "migration_targets";

/// A host to which VMs may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::libvirt) struct MigrationTarget {
    /// What callers call it.
    pub(in crate::libvirt) name: String,
    /// Its libvirt, as it was written.
    pub(in crate::libvirt) uri: String,
    /// Its libvirt.
    pub(in crate::libvirt) target: Target,
    /// Where its QEMU is reached by the source's; none for the name that the host has for itself.
    address: Option<String>,
    /// Whether the VM's memory and disks are encrypted on their way, with the certificates of the two hosts' QEMU.
    pub(super) tls: bool,
}

impl MigrationTarget {
    /// Reads the option: one text for each host, `name=NAME,uri=URI` with `address=HOST` and `tls` where they are wanted.
    ///
    /// # Errors
    /// `invalid-argument` with the option's name.
    pub(in crate::libvirt) fn parse_all(texts: &[String]) -> Result<Vec<Self>, Error> {
        let mut targets: Vec<Self> = Vec::with_capacity(texts.len());
        for text in texts {
            let target = Self::parse(text)?;
            if targets.iter().any(|other| other.name == target.name) {
                return Err(refused(format!("two targets are called `{}`", printable(&target.name))));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let mut keyed = Keyed::parse(OPTION, text)?;
        let name = keyed.required("name")?.to_owned();
        let uri = keyed.required("uri")?.to_owned();
        let address = keyed.take("address").map(str::to_owned);
        let tls = keyed.flag("tls")?;
        keyed.finish()?;
        if let Some(address) = &address
            && !is_host(address)
        {
            return Err(refused(format!(
                "`{}` is neither a host's name nor an address",
                printable(address)
            )));
        }
        let target = Target::parse(&uri).map_err(|error| refused(error.message))?;
        Ok(Self {
            name,
            uri,
            target,
            address,
            tls,
        })
    }

    /// The target that a caller names, or the only one.
    ///
    /// # Errors
    /// `not-found` for another name; `invalid-argument` when none is named and there are several; `unsupported` without any.
    pub(in crate::libvirt) fn choose<'a>(targets: &'a [Self], wanted: Option<&str>) -> Result<&'a Self, Error> {
        let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
        let known = match names.as_slice() {
            [] => format!("the connection's option `{OPTION}` names none"),
            names => format!("the connection's option `{OPTION}` names {}", names.join(", ")),
        };
        match (wanted, targets) {
            (Some(wanted), _) => targets.iter().find(|target| target.name == wanted).ok_or_else(|| {
                let mut error = Error::not_found("host", wanted);
                error.message = format!(
                    "vms of this connection may not move to a host `{}`: {known}",
                    printable(wanted)
                );
                error
            }),
            (None, [only]) => Ok(only),
            (None, []) => Err(Error::new(
                ErrorKind::Unsupported("migrate-vm".to_owned()),
                format!("vms of this connection may move to no host: {known}"),
            )),
            (None, _) => Err(Error::invalid_argument(
                "target",
                format!("say to which host, libvirt does not choose: {known}"),
            )),
        }
    }

    /// Where the source's QEMU sends the VM (`VIR_MIGRATE_PARAM_URI`); none lets the target's libvirt say it.
    pub(super) fn data_uri(&self) -> Option<String> {
        let address = self.address.as_ref()?;
        Some(match address.parse::<Ipv6Addr>() {
            Ok(address) => format!("tcp://[{address}]"),
            Err(_) => format!("tcp://{address}"),
        })
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::invalid_argument(OPTION, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(texts: &[&str]) -> Result<Vec<MigrationTarget>, Error> {
        let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
        MigrationTarget::parse_all(&texts)
    }

    #[test]
    fn a_target_is_a_name_for_a_connection_string_that_obeys_the_rules() {
        let targets = parse(&[
            "name=two,uri=qemu+ssh://root@kvm2/system",
            "name=three,uri=qemu+tls://kvm3/system,address=2001:db8::3,tls",
        ])
        .unwrap();
        assert_eq!(targets[0].data_uri(), None);
        assert_eq!(targets[1].data_uri().as_deref(), Some("tcp://[2001:db8::3]"));
        assert!(targets[1].tls && !targets[0].tls);
        for bad in [
            &["uri=qemu:///system"][..],
            &["name=a"],
            &["name=a,uri=qemu+ssh://h/system?command=sh"],
            &["name=a,uri=qemu+ext://h/system"],
            &["name=a,uri=qemu:///system,address=-oProxyCommand"],
            &["name=a,uri=qemu:///system,address=a:1/x"],
            &["name=a,uri=qemu:///system,colour=red"],
            &["name=a,uri=qemu:///system", "name=a,uri=qemu+tls://b/system"],
        ] {
            let error = parse(bad).unwrap_err();
            assert_eq!(
                error.kind,
                ErrorKind::InvalidArgument(OPTION.into()),
                "{bad:?}: {error}"
            );
        }
    }

    #[test]
    fn only_listed_targets_can_be_named_and_an_address_is_none() {
        let two = parse(&["name=a,uri=qemu+tls://a/system", "name=b,uri=qemu+tls://b/system"]).unwrap();
        let chosen = |wanted| MigrationTarget::choose(&two, wanted).map(|target| target.name.clone());
        assert_eq!(chosen(Some("b")).unwrap(), "b");
        for other in ["c", "qemu+tls://a/system", ""] {
            let error = chosen(Some(other)).unwrap_err();
            assert!(matches!(error.kind, ErrorKind::NotFound(_)), "{error}");
            assert!(error.message.contains("`migration_targets` names a, b"), "{error}");
        }
        assert_eq!(
            chosen(None).unwrap_err().kind,
            ErrorKind::InvalidArgument("target".into())
        );
        let one = MigrationTarget::choose(&two[..1], None).unwrap();
        assert_eq!(one.name, "a");
        let none = MigrationTarget::choose(&[], None).unwrap_err();
        assert_eq!(none.kind, ErrorKind::Unsupported("migrate-vm".into()));
    }
}
