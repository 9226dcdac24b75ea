//! All routes, and what surrounds them.
//!
//! From the outside in: `observe` (id, span, problems), `authorize`, then for everything below `/v1` `admit` (panics,
//! admission) and the handler.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use http::Uri;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes as of;

use super::access::{Access, authorize};
use super::exchange::{Gate, MAX_CONCURRENT_REQUESTS, admit, observe};
use super::problem::{Problem, ProblemKind};
use super::upload::DEFAULT_MAX_UPLOAD_BYTES;
use super::{
    attachments, buckets, connections, consoles, disks, dns, guests, health, images, load_balancers, networks, objects,
    offers, openapi, pools, providers, security_groups, snapshots, subnets, vm_actions, vm_notes, vms,
};
use crate::error::Result;
use crate::runtime::Runtime;
use crate::service::Service;

/// The largest JSON body in bytes. A VM's spec with user-data, whose largest known vendor limit is 64 KiB, is far below.
const MAX_JSON_BYTES: usize = 1 << 20;

/// What the handlers share.
#[derive(Clone)]
pub(super) struct Api {
    pub(super) runtime: Runtime,
    pub(super) max_upload_bytes: u64,
}

impl Api {
    /// Opens a connection.
    pub(super) async fn connect(&self, connection: &str) -> Result<Service> {
        self.runtime.connect(connection).await
    }
}

/// What a router can be told.
#[derive(Clone, Debug)]
pub struct RouterOptions {
    /// Who may call.
    pub access: Access,
    /// The largest upload in bytes. It protects the disk that holds temporary files.
    pub max_upload_bytes: u64,
}

impl RouterOptions {
    /// These callers, and uploads of at most 64 GiB.
    pub fn new(access: Access) -> Self {
        Self {
            access,
            max_upload_bytes: DEFAULT_MAX_UPLOAD_BYTES,
        }
    }
}

/// The whole API over a runtime, for a server of your own. [`super::serve`] is one.
pub fn router(runtime: Runtime, options: RouterOptions) -> Router {
    gated_router(runtime, options, Gate::new(MAX_CONCURRENT_REQUESTS))
}

/// As [`router`], with the count of what is worked on.
pub(super) fn gated_router(runtime: Runtime, options: RouterOptions, gate: Gate) -> Router {
    let api = Api {
        runtime,
        max_upload_bytes: options.max_upload_bytes,
    };
    let (open, _) = open_routes().split_for_parts();
    let (v1, _) = v1_routes().split_for_parts();
    let v1 = v1.with_state(api).route_layer(from_fn_with_state(gate, admit));
    surround(open.merge(v1), options.access)
}

/// Adds what every request goes through.
pub(super) fn surround(routes: Router, access: Access) -> Router {
    routes
        .fallback(no_such_path)
        .method_not_allowed_fallback(no_such_method)
        .layer(DefaultBodyLimit::max(MAX_JSON_BYTES))
        .layer(from_fn_with_state(access, authorize))
        .layer(from_fn(observe))
}

/// Every route with its documentation.
pub(super) fn routes() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::document())
        .merge(open_routes())
        .merge(v1_routes())
}

fn open_routes<S: Clone + Send + Sync + 'static>() -> OpenApiRouter<S> {
    OpenApiRouter::default()
        .routes(of!(health::get_health))
        .routes(of!(health::get_openapi))
}

fn v1_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(of!(providers::list_providers))
        .routes(of!(providers::get_provider))
        .routes(of!(connections::list_connections))
        .routes(of!(connections::get_connection))
        .routes(of!(connections::check_connection))
        .routes(of!(vms::list_every_vm))
        .routes(of!(vms::list_vms, vms::create_vm))
        .routes(of!(vms::get_vm, vms::delete_vm))
        .routes(of!(vms::start_vm))
        .routes(of!(vms::stop_vm))
        .routes(of!(vms::restart_vm))
        .routes(of!(snapshots::list_snapshots, snapshots::create_snapshot))
        .routes(of!(snapshots::delete_snapshot))
        .routes(of!(snapshots::revert_snapshot))
        .routes(of!(images::list_images, images::create_image))
        .routes(of!(images::get_image, images::delete_image))
        .routes(of!(disks::list_disks, disks::create_disk))
        .routes(of!(disks::get_disk, disks::delete_disk))
        .routes(of!(pools::list_pools, pools::create_pool))
        .routes(of!(pools::get_pool, pools::delete_pool))
        .routes(of!(networks::list_networks, networks::create_network))
        .routes(of!(
            networks::get_network,
            networks::delete_network,
            networks::update_network
        ))
        .routes(of!(disks::resize_disk))
        .merge(vm_routes())
        .merge(service_routes())
}

/// What is done with a VM, and what is in it.
fn vm_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(of!(vm_actions::pause_vm))
        .routes(of!(vm_actions::resume_vm))
        .routes(of!(vm_actions::reset_vm))
        .routes(of!(vm_actions::suspend_vm))
        .routes(of!(vm_actions::resize_vm))
        .routes(of!(vm_actions::upgrade_vm_hardware))
        .routes(of!(vm_actions::clone_vm))
        .routes(of!(vm_actions::export_vm))
        .routes(of!(vm_actions::migrate_vm))
        .routes(of!(vm_notes::update_vm_metadata))
        .routes(of!(vm_notes::set_vm_description))
        .routes(of!(vm_notes::set_vm_autostart))
        .routes(of!(vm_notes::insert_vm_media, vm_notes::eject_vm_media))
        .routes(of!(consoles::open_vm_console))
        .routes(of!(consoles::read_vm_console_log))
        .routes(of!(consoles::take_vm_screenshot))
        .routes(of!(guests::get_guest_info))
        .routes(of!(guests::run_guest_command))
        .routes(of!(guests::set_guest_password))
        .routes(of!(guests::set_guest_ssh_keys))
        .routes(of!(guests::freeze_guest))
        .routes(of!(guests::thaw_guest))
        .routes(of!(attachments::add_nic))
        .routes(of!(attachments::update_nic, attachments::remove_nic))
        .routes(of!(attachments::attach_disk))
        .routes(of!(attachments::detach_disk))
}

/// What is beside VMs.
fn service_routes() -> OpenApiRouter<Api> {
    OpenApiRouter::default()
        .routes(of!(subnets::list_subnets, subnets::create_subnet))
        .routes(of!(subnets::get_subnet, subnets::delete_subnet, subnets::update_subnet))
        .routes(of!(
            security_groups::list_security_groups,
            security_groups::create_security_group
        ))
        .routes(of!(
            security_groups::get_security_group,
            security_groups::delete_security_group
        ))
        .routes(of!(security_groups::update_security_group))
        .routes(of!(
            load_balancers::list_load_balancers,
            load_balancers::create_load_balancer
        ))
        .routes(of!(
            load_balancers::get_load_balancer,
            load_balancers::delete_load_balancer
        ))
        .routes(of!(load_balancers::set_load_balancer_members))
        .routes(of!(buckets::list_buckets, buckets::create_bucket))
        .routes(of!(buckets::delete_bucket))
        .routes(of!(objects::list_bucket_objects))
        .routes(of!(
            objects::download_bucket_object,
            objects::upload_bucket_object,
            objects::delete_bucket_object
        ))
        .routes(of!(objects::presign_bucket_object))
        .routes(of!(dns::list_dns_zones))
        .routes(of!(dns::list_dns_records, dns::set_dns_record))
        .routes(of!(dns::delete_dns_record))
        .routes(of!(offers::list_flavors))
        .routes(of!(offers::list_hosts))
        .routes(of!(offers::poll_events))
}

async fn no_such_path(uri: Uri) -> Problem {
    Problem::new(ProblemKind::NotFound, format!("there is no path `{}`", uri.path()))
        .hint("`GET /openapi.json` says which there are")
}

async fn no_such_method(method: http::Method, uri: Uri) -> Problem {
    Problem::new(
        ProblemKind::MethodNotAllowed,
        format!("`{}` does not have `{method}`", uri.path()),
    )
}
