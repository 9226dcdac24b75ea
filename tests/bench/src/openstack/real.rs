//! Nova itself, with five hundred servers in its databases: what a list takes where the list is made.

use stockade_test_support::openstack::Openstack;

use super::native::NativeClient;
use super::{Identity, SERVERS, connect};
use crate::Result;
use crate::statistics::print_ratio;

const LISTS: usize = 9;

/// Measures and prints. Installs the cloud first, where it is not.
pub(crate) fn run() -> Result<()> {
    let cloud = Openstack::start()?;
    cloud.create_vms(SERVERS)?;
    let home = tempfile::tempdir()?;
    let threads = crate::threads(2)?;
    threads.block_on(async {
        let identity = Identity::Password(cloud.password());
        let service = connect(home.path(), cloud.identity_port(), identity, None).await?;
        let mut native = NativeClient::new(&cloud.origin("nova")?, &cloud.origin("glance")?, "");
        let keystone = cloud.origin("keystone")?;
        native.log_in(&keystone, "admin", cloud.password()).await?;
        // The first of each logs in, reads the catalogue and wakes what Nova loads late.
        super::list_both(&service, &native, 1).await?;
        let (ours, theirs) = super::list_both(&service, &native, LISTS).await?;
        print_ratio(
            "openstack list: 500 servers at Nova itself, a fresh instance for each call",
            "at most 1.1",
            &ours,
            ("native client", &theirs),
        );
        Ok(())
    })
}
