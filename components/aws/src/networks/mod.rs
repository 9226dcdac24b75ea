//! Networks: VPCs, with the gateways that connect them.
//!
//! How a VPC reaches the outside is its mode:
//!
//! | mode | what is made |
//! |---|---|
//! | `isolated` | the VPC alone |
//! | `route` (the default) | an internet gateway, to which the main route table leads: what has a public address is reached |
//! | `nat` | an internet gateway, a subnet for a NAT gateway that leads to it, and a main route table that leads to the NAT gateway |
//!
//! What is made along with a VPC is tagged with its id and deleted with it. An update takes a VPC from `isolated` to `route`
//! and back; a NAT gateway is made with its VPC only.

mod create;
mod delete;
mod gateways;
mod update;
mod vpc;

use stockade_provider::abilities::Networks;
use stockade_provider::host::Host;
use stockade_provider::types::{
    Change, Error, Network, NetworkPage, NetworkSpec, NetworkUpdate, OptionSchema, PageRequest, SpecOptions,
};

use crate::Aws;
use crate::client::Client;

pub(crate) use self::gateways::nat_state;
pub(crate) use self::vpc::{VPC, Vpc, default_vpc};

/// The range of a VPC whose spec names none: the one of AWS's own guides.
const DEFAULT_CIDR: &str = "10.0.0.0/16";
/// The option that says where a NAT gateway goes.
const NAT_SUBNET: &str = "nat_subnet";

/// How a VPC reaches the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Isolated,
    Route,
    Nat,
}

impl Mode {
    fn word(self) -> &'static str {
        match self {
            Self::Isolated => "isolated",
            Self::Route => "route",
            Self::Nat => "nat",
        }
    }

    fn read(word: &str) -> Result<Self, Error> {
        [Self::Isolated, Self::Route, Self::Nat]
            .into_iter()
            .find(|mode| mode.word() == word)
            .ok_or_else(|| {
                let message = format!("a VPC is `isolated`, or reaches the outside by `route` or `nat`, not `{word}`");
                Error::invalid_argument("mode", message)
            })
    }
}

/// What a network's spec may say beyond the contract.
pub(crate) fn spec_options() -> SpecOptions {
    SpecOptions {
        noun: "network".to_owned(),
        options: vec![OptionSchema::text(
            NAT_SUBNET,
            "range in CIDR form, within the network's, of the subnet for the NAT gateway; required for mode `nat`, and only there",
        )],
    }
}

impl<H: Host> Networks<H> for Aws {
    fn list_networks(host: &H, page: PageRequest) -> Result<NetworkPage, Error> {
        let client = Client::new(host, "list-networks");
        let (items, next) = vpc::page(&client, &page)?;
        Ok(NetworkPage { items, next })
    }

    fn get_network(host: &H, network: String) -> Result<Network, Error> {
        let client = Client::new(host, "get-network");
        let found = VPC.get(&client, &network, Vpc::read)?;
        vpc::network(&client, &found)
    }

    fn create_network(host: &H, spec: NetworkSpec) -> Result<Change, Error> {
        create::create(&Client::new(host, "create-network"), &spec)
    }

    fn update_network(host: &H, network: String, update: NetworkUpdate) -> Result<Change, Error> {
        update::update(&Client::new(host, "update-network"), &network, &update)
    }

    fn delete_network(host: &H, network: String) -> Result<Change, Error> {
        delete::delete(&Client::new(host, "delete-network"), &network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_read_by_their_words() {
        assert_eq!(Mode::read("nat"), Ok(Mode::Nat));
        assert!(Mode::read("bridge").is_err());
    }
}
