//! The one host that kweb's present kcli client speaks to.

use stockade_provider::abilities::Hosts;
use stockade_provider::host::Host;
use stockade_provider::page;
use stockade_provider::types::{Error, HostPage, PageRequest};

use crate::Web;
use crate::client::Client;
use crate::vms::DEFAULT_PAGE;

impl<H: Host> Hosts<H> for Web {
    fn list_hosts(host: &H, page: PageRequest) -> Result<HostPage, Error> {
        let hosts = vec![Client::new(host).host_info("listing hosts")?.to_host_info()];
        let (items, next) = page::cut(hosts, &page, DEFAULT_PAGE, |host| host.id.clone())?;
        Ok(HostPage { items, next })
    }
}
