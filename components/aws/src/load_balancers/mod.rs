//! Load balancers: the current generation, by the API of Elastic Load Balancing (version 2).
//!
//! Listeners that are all `tcp` or `udp` make a network load balancer, listeners that are all `http` or `https` an application
//! load balancer; AWS has none for both. Each listener has a target group of its own, made for it and deleted with it: both
//! are tagged with the load balancer's name.

mod create;
mod delete;
mod members;
mod read;
mod spec;
mod wire;

use stockade_provider::abilities::LoadBalancers;
use stockade_provider::host::Host;
use stockade_provider::types::{
    Change, Effect, Endpoint, Error, LoadBalancer, LoadBalancerPage, LoadBalancerSpec, OptionSchema, PageRequest,
    SpecOptions,
};

use crate::Aws;
use crate::client::Client;
use crate::describe::{CREDENTIAL, changing, reads};
use crate::operations::done;
use crate::query::{Query, Service};

pub(crate) use self::read::state;

/// Elastic Load Balancing: <https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/Welcome.html>.
const ELB: Service = Service {
    endpoint: "elasticloadbalancing",
    version: "2015-12-01",
};
/// The tag of what was made here: its value is the load balancer's name.
const TAG: &str = "stockade:load-balancer";
/// The tag of a load balancer for which a name was made in the DNS.
const DNS_TAG: &str = "stockade:dns-name";
/// The option for the certificate of `https`.
const CERTIFICATE: &str = "certificate_arn";
/// The option for security groups.
const GROUPS: &str = "security_groups";

/// An action of the service.
fn action(name: &'static str) -> Query {
    Query::of(ELB, name)
}

/// What a load balancer's spec may say beyond the contract.
pub(crate) fn spec_options() -> SpecOptions {
    SpecOptions {
        noun: "load-balancer".to_owned(),
        options: vec![
            OptionSchema::text(
                CERTIFICATE,
                "the certificate of `https` listeners in AWS Certificate Manager: `arn:aws:acm:eu-west-3:123456789012:certificate/…`",
            ),
            OptionSchema::text_list(
                GROUPS,
                "security groups, by name or id; the network's own default group otherwise",
            ),
        ],
    }
}

/// Every request to the service that the provider makes.
pub(crate) fn endpoint() -> Endpoint {
    let endpoint = Endpoint::new(
        ELB.endpoint,
        "{scheme}://{elb_host}:{port}",
        "Elastic Load Balancing, which has load balancers",
    )
    .with_credential(CREDENTIAL);
    let endpoint = reads(
        endpoint,
        &["Describe*"],
        "look at load balancers and what belongs to them",
    );
    changing(
        endpoint,
        &[
            "CreateLoadBalancer",
            "CreateTargetGroup",
            "CreateListener",
            "RegisterTargets",
            "DeregisterTargets",
            "DeleteLoadBalancer",
            "DeleteTargetGroup",
        ],
        "create load balancers with their listeners and target groups, change their members, delete them",
    )
    .that(Effect::Change)
}

impl<H: Host> LoadBalancers<H> for Aws {
    fn list_load_balancers(host: &H, page: PageRequest) -> Result<LoadBalancerPage, Error> {
        let (items, next) = read::page(&Client::new(host, "list-load-balancers"), &page)?;
        Ok(LoadBalancerPage { items, next })
    }

    fn get_load_balancer(host: &H, load_balancer: String) -> Result<LoadBalancer, Error> {
        let client = Client::new(host, "get-load-balancer");
        let found = read::get(&client, &load_balancer)?;
        let mut all = read::complete(&client, vec![found])?;
        all.pop()
            .ok_or_else(|| Error::not_found("load-balancer", &load_balancer))
    }

    fn create_load_balancer(host: &H, spec: LoadBalancerSpec) -> Result<Change, Error> {
        create::create(&Client::new(host, "create-load-balancer"), &spec)
    }

    fn set_load_balancer_members(host: &H, load_balancer: String, members: Vec<String>) -> Result<Change, Error> {
        let client = Client::new(host, "set-load-balancer-members");
        let found = read::get(&client, &load_balancer)?;
        let vms = members::instances(&client, &members)?;
        let groups = read::target_groups(&client, Some(&found.arn))?;
        members::set(&client, &found.name, &groups, &vms)?;
        Ok(done(found.arn))
    }

    fn delete_load_balancer(host: &H, load_balancer: String) -> Result<Change, Error> {
        delete::delete(&Client::new(host, "delete-load-balancer"), &load_balancer)
    }
}
