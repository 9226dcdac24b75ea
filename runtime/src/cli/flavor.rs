//! `flavor`: the sizes that a vendor offers.

use stockade::contract::Flavor;
use stockade::{Error, Service};

use crate::cli::noun::{self, Noun};
use crate::cli::output::{Column, Record, column, optional, size_mib, wide};

impl Record for Flavor {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |flavor: &Self| flavor.name.clone()),
        column("CPUS", |flavor| flavor.cpus.to_string()),
        column("MEMORY", |flavor| size_mib(Some(flavor.memory_mib))),
        wide("ID", |flavor| flavor.id.clone()),
        wide("DISK", |flavor| {
            optional(flavor.disk_gib.map(|gib| format!("{gib} GiB")).as_ref())
        }),
        wide("ARCHITECTURE", |flavor| optional(flavor.architecture.as_ref())),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

impl Noun for Flavor {
    async fn list(service: &Service) -> Result<Vec<Self>, Error> {
        service.list_flavors().await
    }

    async fn get(service: &Service, name: &str) -> Result<Self, Error> {
        noun::find(service, "flavor", name, |flavor: &Self| {
            flavor.name == name || flavor.id == name
        })
        .await
    }
}
