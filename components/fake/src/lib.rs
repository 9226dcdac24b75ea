//! Experiment.
use stockade_provider::{abilities::*, host::Host, types::*};
struct Fake;
impl<H: Host> Info<H> for Fake {
    fn describe() -> ProviderInfo { ProviderInfo::new("fake", "0.1.0", "x") }
    fn check_connection(_: &H) -> Result<(), Error> { Ok(()) }
}
impl<H: Host> Pools<H> for Fake {
    fn list_pools(_: &H, _: PageRequest) -> Result<PoolPage, Error> { Err(Error::internal("x")) }
    fn get_pool(_: &H, _: String) -> Result<Pool, Error> { Err(Error::internal("x")) }
    fn create_pool(_: &H, _: PoolSpec) -> Result<Change, Error> { Err(Error::internal("x")) }
    fn delete_pool(host: &H, _: String, _: bool) -> Result<Change, Error> { host.state_remove("a","1").map_err(|f| f.to_error("x"))?; Err(Error::internal("x")) }
}
impl<H: Host> Vms<H> for Fake {
    fn list_vms(_: &H, _: PageRequest) -> Result<VmPage, Error> { Err(Error::internal("x")) }
    fn get_vm(_: &H, _: String) -> Result<Vm, Error> { Err(Error::internal("x")) }
    fn create_vm(_: &H, _: VmSpec) -> Result<Change, Error> { Err(Error::internal("x")) }
    fn delete_vm(_: &H, _: String, _: VmDeleteOptions) -> Result<Change, Error> { Err(Error::internal("x")) }
    fn start_vm(_: &H, _: String) -> Result<Change, Error> { Err(Error::internal("x")) }
    fn stop_vm(_: &H, _: String, _: StopMode) -> Result<Change, Error> { Err(Error::internal("x")) }
    fn restart_vm(_: &H, _: String, _: StopMode) -> Result<Change, Error> { Err(Error::internal("x")) }
}
stockade_provider::export!(Fake: pools);
