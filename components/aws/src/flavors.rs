//! Flavors: the instance types of the region, from the API.

use stockade_provider::abilities::Flavors;
use stockade_provider::host::Host;
use stockade_provider::types::{Error, FlavorPage, PageRequest};

use crate::Aws;
use crate::client::Client;
use crate::flavor::InstanceType;
use crate::listed;

impl<H: Host> Flavors<H> for Aws {
    fn list_flavors(host: &H, page: PageRequest) -> Result<FlavorPage, Error> {
        let client = Client::new(host, "list-flavors");
        let (types, next) = listed::page::<InstanceType, H>(&client, &listed::query::<InstanceType>(), &page)?;
        Ok(FlavorPage {
            items: types.iter().map(InstanceType::to_flavor).collect(),
            next,
        })
    }
}
