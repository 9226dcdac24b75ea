//! libvirt's protocol without its library, for lists: what they ask fits into few procedures, and hundreds of questions
//! go out at once where the library waits for each answer. The library and the fifty that it needs are not even loaded.
//!
//! Only this host's daemon is asked this way, and only if it asks for no login, as root's does. Whatever goes wrong here,
//! the library is asked instead, and says what is wrong. The protocol is libvirt's own and not promised to anybody, but
//! daemons and libraries of different versions speak it with each other, so what exists stays as it is
//! (<https://libvirt.org/support.html>, remote_protocol.x: numbers are never reused).

mod session;
mod xdr;

use std::io;
use std::path::Path;
use std::time::Duration;

use virt::sys;

use super::ffi::{DomainState, Lease};
use super::names;
use session::{Procedure, Session};
use xdr::{Reader, Writer};

/// The way to authenticate that asks for nothing (`remote_auth_type`).
const NO_LOGIN: i32 = 0;
/// The types of parameters (`virTypedParameterType`).
const INT: i32 = sys::VIR_TYPED_PARAM_INT as i32;

/// A VM as the protocol names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct WireDomain {
    name: String,
    uuid: [u8; 16],
    /// Its number while it runs; -1 otherwise.
    id: i32,
}

impl WireDomain {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its id, as libvirt writes it.
    pub(super) fn uuid(&self) -> String {
        names::written_uuid(self.uuid)
    }

    fn read(reader: &mut Reader<'_>) -> io::Result<Self> {
        Ok(Self {
            name: reader.text()?.to_owned(),
            uuid: reader.array()?,
            id: reader.int()?,
        })
    }

    fn write(&self) -> io::Result<Writer> {
        Ok(Writer::default().text(&self.name)?.fixed(&self.uuid).int(self.id))
    }
}

/// An open connection to a hypervisor.
#[derive(Debug)]
pub(super) struct Wire(Session);

impl Wire {
    /// Opens the hypervisor that a connection string names, at the daemon's socket. Waits at most `limit` for each answer.
    ///
    /// # Errors
    /// When the daemon is not there, wants a login, or refuses.
    pub(super) fn open(socket: &Path, uri: &str, limit: Duration) -> io::Result<Self> {
        let mut session = Session::connect(socket, limit)?;
        let ways = session.call(Procedure::AuthList, Writer::default(), |answer| {
            answer.list(Reader::int)
        })?;
        if !ways.contains(&NO_LOGIN) {
            return Err(io::Error::new(
                io::ErrorKind::PermissionDenied,
                "libvirt asks for a login",
            ));
        }
        let name = Writer::default().optional_text(Some(uri))?.uint(0);
        session.call(Procedure::ConnectOpen, name, |_| Ok(()))?;
        Ok(Self(session))
    }

    /// Says farewell, so that the daemon does not note a lost client.
    pub(super) fn close(mut self) {
        if let Err(error) = self.0.call(Procedure::ConnectClose, Writer::default(), |_| Ok(())) {
            tracing::debug!(%error, "libvirt was left without a farewell");
        }
    }

    /// Every VM with its state; waits for no VM.
    ///
    /// # Errors
    /// As every call: the daemon is gone, cannot be understood, or does not answer in time.
    pub(super) fn states(&mut self) -> io::Result<Vec<(WireDomain, DomainState)>> {
        let all = Writer::default()
            .uint(0)
            .uint(sys::VIR_DOMAIN_STATS_STATE)
            .uint(sys::VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
        self.0.call(Procedure::ConnectGetAllDomainStats, all, |answer| {
            answer.list(|record| {
                let domain = WireDomain::read(record)?;
                let mut state = DomainState::default();
                for (name, value) in record.list(parameter)? {
                    match (name, value) {
                        ("state.state", Some(value)) => state.state = u32::try_from(value).unwrap_or_default(),
                        ("state.reason", Some(value)) => state.reason = value,
                        _ => {}
                    }
                }
                Ok((domain, state))
            })
        })
    }

    /// The metadata of VMs in a namespace; none where libvirt has none.
    ///
    /// # Errors
    /// As [`Self::states`].
    pub(super) fn metadata(&mut self, domains: &[&WireDomain], namespace: &str) -> io::Result<Vec<Option<String>>> {
        let kind = i32::try_from(sys::VIR_DOMAIN_METADATA_ELEMENT).unwrap_or_default();
        let flags = sys::VIR_DOMAIN_AFFECT_CURRENT;
        let arguments = domains.iter().map(|domain| {
            let writer = domain.write()?.int(kind).optional_text(Some(namespace))?.uint(flags);
            Ok(writer.into_bytes())
        });
        let arguments = arguments.collect::<io::Result<Vec<_>>>()?;
        let read = |answer: &mut Reader<'_>| answer.text().map(str::to_owned);
        let answers = self.0.call_all(Procedure::DomainGetMetadata, &arguments, read)?;
        Ok(answers.into_iter().map(Result::ok).collect())
    }

    /// The addresses that networks handed out to VMs, by MAC address; none where libvirt does not say.
    ///
    /// # Errors
    /// As [`Self::states`].
    pub(super) fn leased_addresses(&mut self, domains: &[&WireDomain]) -> io::Result<Vec<Vec<(String, String)>>> {
        let source = sys::VIR_DOMAIN_INTERFACE_ADDRESSES_SRC_LEASE;
        let arguments = domains
            .iter()
            .map(|domain| Ok(domain.write()?.uint(source).uint(0).into_bytes()));
        let arguments = arguments.collect::<io::Result<Vec<_>>>()?;
        let answers = self
            .0
            .call_all(Procedure::DomainInterfaceAddresses, &arguments, |answer| {
                let interfaces = answer.list(|interface| {
                    let _name = interface.text()?;
                    let mac = interface.optional_text()?.unwrap_or_default().to_ascii_lowercase();
                    interface.list(|address| {
                        let _kind = address.int()?;
                        let text = address.text()?.to_owned();
                        let _prefix = address.uint()?;
                        Ok((mac.clone(), text))
                    })
                })?;
                Ok(interfaces.into_iter().flatten().collect())
            })?;
        Ok(answers.into_iter().map(Result::unwrap_or_default).collect())
    }

    /// What all active networks handed out. A network that does not say is left out.
    ///
    /// # Errors
    /// As [`Self::states`].
    pub(super) fn leases(&mut self) -> io::Result<Vec<Lease>> {
        let active = Writer::default().int(1).uint(sys::VIR_CONNECT_LIST_NETWORKS_ACTIVE);
        let networks = self.0.call(Procedure::ConnectListAllNetworks, active, |answer| {
            answer.list(|network| {
                let name = network.text()?;
                Ok(Writer::default().text(name)?.fixed(&network.array::<16>()?))
            })
        })?;
        let all = networks
            .into_iter()
            .map(|network| Ok(network.optional_text(None)?.int(1).uint(0).into_bytes()));
        let all = all.collect::<io::Result<Vec<_>>>()?;
        let answers = self
            .0
            .call_all(Procedure::NetworkGetDhcpLeases, &all, |answer| answer.list(lease))?;
        Ok(answers
            .into_iter()
            .flat_map(Result::unwrap_or_default)
            .flatten()
            .collect())
    }
}

/// A lease; none without a MAC address.
fn lease(reader: &mut Reader<'_>) -> io::Result<Option<Lease>> {
    let _interface = reader.text()?;
    let expires_at = reader.hyper()?;
    let _kind = reader.int()?;
    let mac = reader.optional_text()?.map(str::to_ascii_lowercase);
    let _iaid = reader.optional_text()?;
    let address = reader.text()?.to_owned();
    let _prefix = reader.uint()?;
    let _hostname = reader.optional_text()?;
    let _client = reader.optional_text()?;
    Ok(mac.map(|mac| Lease {
        mac,
        address,
        expires_at,
    }))
}

/// A parameter's name, and its value when it is an `int`.
fn parameter<'a>(reader: &mut Reader<'a>) -> io::Result<(&'a str, Option<i32>)> {
    let name = reader.text()?;
    let value = match reader.int()? {
        INT => Some(reader.int()?),
        // `uint` and `boolean` have four bytes, `llong`, `ullong` and `double` eight, and 7 is a text.
        2 | 6 => reader.int().map(|_| None)?,
        3..=5 => reader.hyper().map(|_| None)?,
        7 => reader.text().map(|_| None)?,
        _ => return Err(xdr::malformed("a parameter's type")),
    };
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::session::tests::daemon_that_answers;
    use super::*;

    const LIMIT: Duration = Duration::from_secs(5);

    #[test]
    fn a_daemon_that_wants_a_login_is_left_to_the_library() {
        let polkit_only = Writer::default().uint(1).int(2).into_bytes();
        let (_directory, socket) = daemon_that_answers(move |_| polkit_only.clone());
        let error = Wire::open(&socket, "qemu:///system", LIMIT).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn parameters_of_every_type_are_read_past_and_unknown_ones_are_errors() {
        let domain = Writer::default().text("web").unwrap().fixed(&[0xab; 16]).int(-1);
        let parameters = domain.uint(7).text("a.string").unwrap().int(7).text("x").unwrap();
        let parameters = parameters.text("a.ullong").unwrap().int(4).fixed(&[0; 8]);
        let parameters = parameters.text("a.double").unwrap().int(5).fixed(&[0; 8]);
        let parameters = parameters.text("a.uint").unwrap().int(2).uint(9);
        let parameters = parameters.text("a.boolean").unwrap().int(6).int(1);
        let parameters = parameters.text("state.state").unwrap().int(1).int(5);
        let record = |kind| {
            let parameters = parameters.clone().text("state.reason").unwrap().int(kind).int(1);
            Writer::default().uint(1).fixed(&parameters.into_bytes())
        };
        for (kind, expected) in [(1, Some((5, 1))), (8, None)] {
            let records = record(kind).into_bytes();
            let (_directory, socket) = daemon_that_answers(move |procedure| match procedure {
                66 => Writer::default().uint(1).int(NO_LOGIN).into_bytes(),
                344 => records.clone(),
                _ => Vec::new(),
            });
            let states = Wire::open(&socket, "qemu:///system", LIMIT).unwrap().states();
            let states = states.ok().map(|states| {
                assert_eq!(states[0].0.uuid(), "abababab-abab-abab-abab-abababababab");
                (states[0].1.state, states[0].1.reason)
            });
            assert_eq!(states, expected);
        }
    }
}
