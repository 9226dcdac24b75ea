//! `host`: what VMs run on.

use stockade::contract::HostInfo;
use stockade::{Error, Service};

use crate::cli::noun::{self, Noun};
use crate::cli::output::{Column, Record, column, optional, size_mib, wide};

impl Record for HostInfo {
    const COLUMNS: &'static [Column<Self>] = &[
        column("NAME", |host: &Self| host.name.clone()),
        column("VERSION", |host| optional(host.version.as_ref())),
        column("CPUS", |host| optional(host.cpus.as_ref())),
        column("MEMORY", |host| size_mib(host.memory_mib)),
        column("RUNNING VMS", |host| optional(host.vms_running.as_ref())),
        wide("ID", |host| host.id.clone()),
        wide("CPUS USED", |host| optional(host.cpus_used.as_ref())),
        wide("MEMORY USED", |host| size_mib(host.memory_used_mib)),
    ];

    fn name(&self) -> &str {
        &self.name
    }
}

impl Noun for HostInfo {
    async fn list(service: &Service) -> Result<Vec<Self>, Error> {
        service.list_hosts().await
    }

    async fn get(service: &Service, name: &str) -> Result<Self, Error> {
        noun::find(service, "host", name, |host: &Self| {
            host.name == name || host.id == name
        })
        .await
    }
}
