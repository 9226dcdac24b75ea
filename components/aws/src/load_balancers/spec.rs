//! What a spec asks for, checked: everything that AWS has no load balancer for is refused before anything is made.

use stockade_provider::options::Options;
use stockade_provider::types::{Error, Listener, LoadBalancerSpec};

use super::{CERTIFICATE, GROUPS};

/// The two kinds that are made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Forwards connections.
    Network,
    /// Forwards requests.
    Application,
}

/// A spec that can be made.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    pub(super) kind: Kind,
    pub(super) certificate: Option<&'a str>,
    pub(super) groups: &'a [String],
}

/// Reads a spec.
///
/// # Errors
/// `invalid-argument` for what AWS has no load balancer for.
pub(super) fn wanted(spec: &LoadBalancerSpec) -> Result<Wanted<'_>, Error> {
    check_name(&spec.name)?;
    let kind = kind(&spec.listeners)?;
    let options = Options::of(&spec.options);
    options.refuse_others(&[CERTIFICATE, GROUPS])?;
    let certificate = options.text(CERTIFICATE)?;
    let is_https = |listener: &Listener| listener.protocol == "https";
    match (spec.listeners.iter().any(is_https), certificate) {
        (true, None) => {
            let message = format!("an `https` listener needs a certificate; name one by the option `{CERTIFICATE}`");
            return Err(Error::invalid_argument(CERTIFICATE, message));
        }
        (false, Some(_)) => {
            return Err(Error::invalid_argument(
                CERTIFICATE,
                "only an `https` listener has a certificate",
            ));
        }
        _ => {}
    }
    for (index, listener) in spec.listeners.iter().enumerate() {
        check_listener(listener, kind)?;
        // Also TCP and UDP on one port: AWS has a protocol of its own for that.
        if spec
            .listeners
            .iter()
            .take(index)
            .any(|other| other.port == listener.port)
        {
            let message = format!("two listeners are on port {}", listener.port);
            return Err(Error::invalid_argument("listeners.port", message));
        }
    }
    Ok(Wanted {
        kind,
        certificate,
        groups: options.text_list(GROUPS)?,
    })
}

/// Refuses a name that AWS does not take:
/// <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_CreateLoadBalancer.html>.
pub(super) fn check_name(name: &str) -> Result<(), Error> {
    let is_good = (1..=32).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.starts_with("internal-");
    if is_good {
        return Ok(());
    }
    let message = format!(
        "`{name}` is no name of a load balancer: 1 to 32 letters, digits and inner hyphens, not beginning with `internal-`"
    );
    Err(Error::invalid_argument("name", message))
}

fn kind(listeners: &[Listener]) -> Result<Kind, Error> {
    let kind_of = |listener: &Listener| match listener.protocol.as_str() {
        "tcp" | "udp" => Ok(Kind::Network),
        "http" | "https" => Ok(Kind::Application),
        other => {
            let message = format!("a listener's protocol is `tcp`, `udp`, `http` or `https`, not `{other}`");
            Err(Error::invalid_argument("listeners.protocol", message))
        }
    };
    let mut kinds = listeners.iter().map(kind_of);
    let Some(first) = kinds.next().transpose()? else {
        return Err(Error::invalid_argument(
            "listeners",
            "a load balancer has at least one listener",
        ));
    };
    for kind in kinds {
        if kind? != first {
            let message = "AWS has load balancers for connections (`tcp`, `udp`) and for requests (`http`, `https`), and none for \
                           both: make two";
            return Err(Error::invalid_argument("listeners.protocol", message));
        }
    }
    Ok(first)
}

fn check_listener(listener: &Listener, kind: Kind) -> Result<(), Error> {
    if listener.port == 0 || listener.member_port == Some(0) {
        return Err(Error::invalid_argument("listeners.port", "a port is 1 to 65535"));
    }
    match (&listener.check_path, kind) {
        (None, Kind::Application) => Err(Error::cannot_honour(
            "listeners.check-path",
            "AWS checks members behind `http` and `https` by a request and not by a connection; give a path",
        )),
        (Some(path), _) if !path.starts_with('/') || path.len() > 1024 => Err(Error::invalid_argument(
            "listeners.check-path",
            format!("`{path}` is no path: it begins with `/` and has at most 1024 characters"),
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use stockade_provider::types::{ErrorKind, OptionEntry};

    use super::*;

    fn listener(protocol: &str, port: u16, check_path: Option<&str>) -> Listener {
        Listener {
            protocol: protocol.to_owned(),
            port,
            member_port: None,
            check_path: check_path.map(str::to_owned),
        }
    }

    fn spec(name: &str, listeners: Vec<Listener>, certificate: Option<&str>) -> LoadBalancerSpec {
        let option = |certificate: &str| OptionEntry {
            name: CERTIFICATE.to_owned(),
            value: certificate.into(),
        };
        LoadBalancerSpec {
            name: name.to_owned(),
            network: None,
            internal: false,
            listeners,
            members: vec![],
            dns_name: None,
            options: certificate.into_iter().map(option).collect(),
        }
    }

    #[test]
    fn listeners_say_which_kind_it_is() {
        let tcp = spec(
            "a",
            vec![listener("tcp", 80, None), listener("udp", 53, Some("/"))],
            None,
        );
        assert_eq!(wanted(&tcp).expect("network").kind, Kind::Network);
        let https = spec("a", vec![listener("https", 443, Some("/healthz"))], Some("arn:x"));
        assert_eq!(wanted(&https).expect("application").kind, Kind::Application);
    }

    #[test]
    fn what_aws_has_no_load_balancer_for_is_refused_by_its_field() {
        let tcp = || listener("tcp", 80, None);
        for (field, spec) in [
            ("name", spec("", vec![tcp()], None)),
            ("name", spec("internal-a", vec![tcp()], None)),
            ("name", spec("a_b", vec![tcp()], None)),
            ("listeners", spec("a", vec![], None)),
            ("listeners.protocol", spec("a", vec![listener("sctp", 80, None)], None)),
            (
                "listeners.protocol",
                spec("a", vec![tcp(), listener("http", 81, Some("/"))], None),
            ),
            (
                "listeners.port",
                spec("a", vec![tcp(), listener("udp", 80, None)], None),
            ),
            ("listeners.port", spec("a", vec![listener("tcp", 0, None)], None)),
            (
                "listeners.check-path",
                spec("a", vec![listener("http", 80, None)], None),
            ),
            (
                "listeners.check-path",
                spec("a", vec![listener("tcp", 80, Some("x"))], None),
            ),
            (CERTIFICATE, spec("a", vec![listener("https", 80, Some("/"))], None)),
            (CERTIFICATE, spec("a", vec![tcp()], Some("arn:x"))),
        ] {
            let error = wanted(&spec).expect_err(field);
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()), "{spec:?}");
        }
    }
}
