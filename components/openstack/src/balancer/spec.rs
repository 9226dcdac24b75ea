//! A load balancer's spec as Octavia takes it: one request with everything that belongs to it
//! (<https://docs.openstack.org/api-ref/load-balancer/v2/#creating-a-fully-populated-load-balancer>).

use serde_json::{Value, json};

use stockade_provider::types::{Error, Listener};

/// How often members are checked, how long they have for an answer, and how many answers change their state; Octavia has no
/// defaults. Seconds, seconds, count.
const CHECK: (u32, u32, u32) = (5, 4, 3);

/// What goes before the members' port in the description of their pool, which tells it when there is no member.
const PORT_NOTE: &str = "members on port ";

/// The members' port that a pool's description tells.
pub(super) fn noted_port(description: &str) -> Option<u16> {
    description.strip_prefix(PORT_NOTE)?.parse().ok()
}

/// Refuses two listeners on one port. Octavia 19 does so too, but leaves the port of the load balancer's address behind.
pub(super) fn check_ports(listeners: &[Listener]) -> Result<(), Error> {
    let transport = |listener: &Listener| (listener.protocol == "udp", listener.port);
    for (index, listener) in listeners.iter().enumerate() {
        if listeners[..index]
            .iter()
            .any(|other| transport(other) == transport(listener))
        {
            let message = format!("two listeners are on port {}", listener.port);
            return Err(Error::invalid_argument("listeners.port", message));
        }
    }
    Ok(())
}

/// The address of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) vm: String,
    pub(super) address: String,
    pub(super) subnet: Option<String>,
}

impl Member {
    /// The member as Octavia takes it.
    pub(super) fn body(&self, port: u16) -> Value {
        let mut member = json!({"name": self.vm, "address": self.address, "protocol_port": port});
        if let Some(subnet) = &self.subnet {
            member["subnet_id"] = json!(subnet);
        }
        member
    }
}

/// A listener with its group of members and their check.
///
/// # Errors
/// `invalid-argument` for a protocol or a path that cannot be.
pub(super) fn listener(name: &str, listener: &Listener, members: &[Member], algorithm: &str) -> Result<Value, Error> {
    let Listener {
        protocol,
        port,
        member_port,
        check_path,
    } = listener;
    let refuse = |field: &str, why: String| Err(Error::invalid_argument(field, why));
    // HTTPS is passed through: certificates would be secrets.
    let (word, pool, check) = match protocol.as_str() {
        "tcp" => ("TCP", "TCP", "TCP"),
        "udp" => ("UDP", "UDP", "UDP-CONNECT"),
        "http" => ("HTTP", "HTTP", "TCP"),
        "https" => ("HTTPS", "HTTPS", "TCP"),
        other => {
            return refuse(
                "listeners.protocol",
                format!("`{other}` is none of `tcp`, `udp`, `http`, `https`"),
            );
        }
    };
    if *port == 0 || *member_port == Some(0) {
        return refuse("listeners.port", "a port is 1 to 65535".to_owned());
    }
    let (delay, timeout, retries) = CHECK;
    let mut monitor = json!({"type": check, "delay": delay, "timeout": timeout, "max_retries": retries});
    if let Some(path) = check_path {
        if !path.starts_with('/') || protocol == "udp" {
            return refuse(
                "listeners.check-path",
                format!("`{path}` must begin with `/`, and only members that speak HTTP can be asked for it"),
            );
        }
        monitor["type"] = json!(if protocol == "https" { "HTTPS" } else { "HTTP" });
        monitor["url_path"] = json!(path);
    }
    let member_port = member_port.unwrap_or(*port);
    let members: Vec<_> = members.iter().map(|member| member.body(member_port)).collect();
    let part = format!("{name}-{protocol}-{port}");
    Ok(json!({
        "name": part,
        "protocol": word,
        "protocol_port": port,
        "default_pool": {
            "name": part,
            "description": format!("{PORT_NOTE}{member_port}"),
            "protocol": pool,
            "lb_algorithm": algorithm,
            "members": members,
            "healthmonitor": monitor,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use stockade_provider::types::ErrorKind;

    fn spec(protocol: &str, check_path: Option<&str>) -> Listener {
        Listener {
            protocol: protocol.to_owned(),
            port: 80,
            member_port: Some(8080),
            check_path: check_path.map(str::to_owned),
        }
    }

    #[test]
    fn a_listener_has_its_members_and_their_check() {
        let member = Member {
            vm: "web-1".to_owned(),
            address: "10.0.0.5".to_owned(),
            subnet: Some("s".to_owned()),
        };
        let body = listener("lb", &spec("http", Some("/healthy")), &[member], "ROUND_ROBIN").expect("a listener");
        assert_eq!(body["protocol"], "HTTP");
        let pool = &body["default_pool"];
        assert_eq!(
            noted_port(pool["description"].as_str().expect("a description")),
            Some(8080)
        );
        assert_eq!(pool["healthmonitor"]["type"], "HTTP");
        assert_eq!(pool["healthmonitor"]["url_path"], "/healthy");
        let expected = json!([{"name": "web-1", "address": "10.0.0.5", "protocol_port": 8080, "subnet_id": "s"}]);
        assert_eq!(pool["members"], expected);
    }

    #[test]
    fn two_listeners_share_a_port_only_as_tcp_and_udp() {
        let ports = |protocols: [&str; 2]| check_ports(&protocols.map(|protocol| spec(protocol, None)));
        assert_eq!(ports(["tcp", "udp"]), Ok(()));
        for protocols in [["tcp", "http"], ["udp", "udp"]] {
            let error = ports(protocols).expect_err("refused");
            assert_eq!(error.kind, ErrorKind::InvalidArgument("listeners.port".to_owned()));
        }
    }

    #[test]
    fn what_octavia_cannot_do_is_refused() {
        for (spec, field) in [
            (spec("quic", None), "listeners.protocol"),
            (spec("udp", Some("/x")), "listeners.check-path"),
            (spec("http", Some("x")), "listeners.check-path"),
            (
                Listener {
                    port: 0,
                    ..spec("tcp", None)
                },
                "listeners.port",
            ),
        ] {
            let error = listener("lb", &spec, &[], "ROUND_ROBIN").expect_err("refused");
            assert_eq!(error.kind, ErrorKind::InvalidArgument(field.to_owned()));
        }
    }
}
