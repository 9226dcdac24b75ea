//! Load balancers as Octavia shows them (<https://docs.openstack.org/api-ref/load-balancer/v2/>).

use serde::Deserialize;

use stockade_provider::host::Host;
use stockade_provider::types::{Error, Listener, LoadBalancer};

use super::spec::noted_port;
use crate::cloud::Cloud;
use crate::find;
use crate::service::Service;

/// A load balancer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WireBalancer {
    pub(super) id: String,
    #[serde(default)]
    pub(super) name: String,
    #[serde(default)]
    pub(super) description: String,
    #[serde(default)]
    pub(super) vip_address: Option<String>,
    #[serde(default)]
    pub(super) vip_port_id: Option<String>,
    #[serde(default)]
    pub(super) vip_network_id: Option<String>,
    pub(super) provisioning_status: String,
    #[serde(default)]
    operating_status: String,
}

/// Something that belongs to a load balancer or to a group of members.
#[derive(Clone, Debug, Deserialize)]
struct Of {
    id: String,
}

#[derive(Clone, Debug, Deserialize)]
struct WireListener {
    protocol: String,
    protocol_port: u16,
    #[serde(default)]
    default_pool_id: Option<String>,
    #[serde(default)]
    loadbalancers: Vec<Of>,
}

/// A group of members.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct WirePool {
    pub(super) id: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    loadbalancers: Vec<Of>,
    #[serde(default)]
    healthmonitor_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct WireMonitor {
    id: String,
    #[serde(default)]
    url_path: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct WireMember {
    #[serde(default)]
    name: String,
    address: String,
    protocol_port: u16,
}

#[derive(Debug, Deserialize)]
struct FloatingOfPort {
    floating_ip_address: String,
    #[serde(default)]
    port_id: Option<String>,
}

/// Everything that the project's load balancers are made of: five requests, and one for each group of members.
#[derive(Debug)]
pub(super) struct Parts {
    listeners: Vec<WireListener>,
    pub(super) pools: Vec<WirePool>,
    monitors: Vec<WireMonitor>,
    members: Vec<(String, Vec<WireMember>)>,
    floating: Vec<FloatingOfPort>,
}

impl Parts {
    /// Reads the parts of one load balancer, or of all.
    pub(super) fn read<H: Host>(cloud: &Cloud<'_, H>, balancer: Option<&str>, doing: &str) -> Result<Self, Error> {
        let query: Vec<_> = balancer.map(|id| ("loadbalancer_id", id)).into_iter().collect();
        let listeners = cloud.list(Service::Balancer, &["lbaas", "listeners"], "listeners", &query, doing)?;
        let pools: Vec<WirePool> = cloud.list(Service::Balancer, &["lbaas", "pools"], "pools", &query, doing)?;
        let monitors = cloud.list(
            Service::Balancer,
            &["lbaas", "healthmonitors"],
            "healthmonitors",
            &[],
            doing,
        )?;
        let floating = match pools.is_empty() {
            true => vec![],
            false => cloud.list(Service::Network, &["floatingips"], "floatingips", &[], doing)?,
        };
        let calls = pools
            .iter()
            .map(|pool| cloud.get(Service::Balancer, ["lbaas", "pools", &pool.id, "members"]));
        let answers = cloud.read_all::<Vec<WireMember>>(calls.collect(), "/members", doing)?;
        let members = pools
            .iter()
            .zip(answers)
            .map(|(pool, answer)| Ok((pool.id.clone(), answer?)))
            .collect::<Result<_, Error>>()?;
        Ok(Self {
            listeners,
            pools,
            monitors,
            members,
            floating,
        })
    }

    fn members_of(&self, pool: &str) -> &[WireMember] {
        let found = self.members.iter().find(|(id, _)| id == pool);
        found.map_or(&[], |(_, members)| members.as_slice())
    }

    /// The port of a group's members; where there is none, the one that we noted.
    fn member_port(&self, pool: &WirePool) -> Option<u16> {
        let of_member = self.members_of(&pool.id).first().map(|member| member.protocol_port);
        of_member.or_else(|| noted_port(&pool.description))
    }

    /// The groups of a load balancer, with the port that their members have; that of the listener where nothing tells it.
    pub(super) fn pools_of(&self, balancer: &str) -> Vec<(&WirePool, u16)> {
        let is_of = |all: &[Of]| all.iter().any(|of| of.id == balancer);
        self.pools
            .iter()
            .filter(|pool| is_of(&pool.loadbalancers))
            .filter_map(|pool| {
                let listener = self
                    .listeners
                    .iter()
                    .find(|listener| listener.default_pool_id.as_ref() == Some(&pool.id));
                let port = self
                    .member_port(pool)
                    .or_else(|| listener.map(|listener| listener.protocol_port))?;
                Some((pool, port))
            })
            .collect()
    }

    /// A load balancer with its parts.
    pub(super) fn to_balancer(&self, balancer: &WireBalancer) -> LoadBalancer {
        let is_of = |listener: &&WireListener| listener.loadbalancers.iter().any(|of| of.id == balancer.id);
        let listeners: Vec<_> = self.listeners.iter().filter(is_of).collect();
        let mut members: Vec<String> = self
            .pools_of(&balancer.id)
            .iter()
            .flat_map(|(pool, _)| self.members_of(&pool.id))
            .map(|member| match member.name.as_str() {
                "" => member.address.clone(),
                name => name.to_owned(),
            })
            .collect();
        members.sort();
        members.dedup();
        let floating = self
            .floating
            .iter()
            .find(|floating| floating.port_id.is_some() && floating.port_id == balancer.vip_port_id)
            .map(|floating| floating.floating_ip_address.clone());
        let vendor_status = match balancer.provisioning_status.as_str() {
            "ACTIVE" if !balancer.operating_status.is_empty() => balancer.operating_status.clone(),
            status => status.to_owned(),
        };
        LoadBalancer {
            id: balancer.id.clone(),
            name: balancer.name.clone(),
            address: floating.or_else(|| balancer.vip_address.clone()),
            listeners: listeners
                .into_iter()
                .map(|listener| self.to_listener(listener))
                .collect(),
            members,
            vendor_status,
        }
    }

    fn to_listener(&self, listener: &WireListener) -> Listener {
        let id = listener.default_pool_id.as_ref();
        let pool = self.pools.iter().find(|pool| id == Some(&pool.id));
        let member_port = pool.and_then(|pool| self.member_port(pool));
        let monitor = pool
            .and_then(|pool| pool.healthmonitor_id.as_ref())
            .and_then(|id| self.monitors.iter().find(|monitor| monitor.id == *id));
        Listener {
            protocol: match listener.protocol.as_str() {
                "TERMINATED_HTTPS" => "https".to_owned(),
                other => other.to_ascii_lowercase(),
            },
            port: listener.protocol_port,
            member_port: member_port.filter(|port| *port != listener.protocol_port),
            check_path: monitor.and_then(|monitor| monitor.url_path.clone()),
        }
    }
}

impl<H: Host> Cloud<'_, H> {
    /// The project's load balancers.
    pub(super) fn balancers(&self, doing: &str) -> Result<Vec<WireBalancer>, Error> {
        self.list(
            Service::Balancer,
            &["lbaas", "loadbalancers"],
            "loadbalancers",
            &[],
            doing,
        )
    }

    /// One load balancer by its id or name.
    pub(super) fn balancer(&self, balancer: &str) -> Result<WireBalancer, Error> {
        let all = self.balancers(&format!("looking for load balancer `{balancer}`"))?;
        find::one("load-balancer", balancer, all, |found| &found.id, |found| &found.name)
    }

    /// One load balancer by its id; none when there is none.
    pub(super) fn balancer_by_id(&self, id: &str) -> Result<Option<WireBalancer>, Error> {
        let call = self.get(Service::Balancer, ["lbaas", "loadbalancers", id]);
        let found: Option<WireBalancer> = call.find_part("/loadbalancer", &format!("reading load balancer `{id}`"))?;
        Ok(found.filter(|found| found.provisioning_status != "DELETED"))
    }
}
