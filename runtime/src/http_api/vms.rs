//! `/v1/connections/{connection}/vms` and, over several connections at once, `/v1/vms`.

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use stockade_host::contract::{PageRequest, StopMode, Vm, VmDeleteOptions, VmStatus};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answer, Created, JointList, List, created_but_unread};
use super::create::{Create, VmBody};
use super::extract::{NoQuery, Path, Query};
use super::paths::{ConnectionPath, VmPath};
use super::problem::Problem;
use super::router::Api;

/// How long a guest may take to stop unless the caller says otherwise, in seconds.
const DEFAULT_STOP_SECONDS: u32 = 60;
/// The most that one page holds; the contract's limit.
const MAX_PAGE: u32 = 1000;
/// The header of an idempotency key (draft-ietf-httpapi-idempotency-key-header).
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Which VMs, and which part of the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ListVms {
    /// Answer a page of at most this many, 1 to 1000. Neither `limit` nor `cursor`: the whole list.
    limit: Option<u32>,
    /// The `next` of the page before.
    cursor: Option<String>,
    /// Only VMs of this status. Filters apply within a page: it may have fewer than `limit`, and more may follow.
    status: Option<VmStatus>,
    /// Only VMs of exactly this name.
    name: Option<String>,
}

/// Which VMs.
#[derive(Debug, Default)]
struct Filter {
    status: Option<VmStatus>,
    name: Option<String>,
}

impl Filter {
    fn keeps(&self, vm: &Vm) -> bool {
        self.status.is_none_or(|status| status == vm.status) && self.name.as_ref().is_none_or(|name| *name == vm.name)
    }
}

/// List the VMs of a connection.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/vms", tag = "vms", params(ConnectionPath, ListVms),
    responses((status = 200, body = List<Vm>))
)]
pub(super) async fn list_vms(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(query): Query<ListVms>,
) -> Answer<Json<List<Vm>>> {
    let ListVms {
        limit,
        cursor,
        status,
        name,
    } = query;
    if limit.is_some_and(|limit| !(1..=MAX_PAGE).contains(&limit)) {
        return Err(Problem::invalid("limit", format!("limit: must be 1 to {MAX_PAGE}")));
    }
    let service = api.connect(&path.connection).await?;
    let (mut items, next) = if limit.is_none() && cursor.is_none() {
        (service.list_vms().await?, None)
    } else {
        let page = service.list_vms_page(PageRequest { cursor, limit }).await?;
        (page.items, page.next)
    };
    let filter = Filter { status, name };
    items.retain(|vm| filter.keeps(vm));
    Ok(Json(List { items, next }))
}

/// A VM and the connection that it belongs to.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConnectionVm {
    /// The connection's name.
    connection: String,
    #[serde(flatten)]
    vm: Vm,
}

/// Which connections and which VMs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documents a query that is read pair by pair, because `connection` repeats"
)]
pub(super) struct ListEveryVm {
    /// A connection to ask; repeat it for several. All connections when it is not given.
    #[param(required = false)]
    connection: Vec<String>,
    /// Only VMs of this status.
    status: Option<VmStatus>,
    /// Only VMs of exactly this name.
    name: Option<String>,
}

/// List the VMs of several connections at once. A connection that fails stands in `errors`, beside the others' VMs.
#[utoipa::path(
    get, path = "/v1/vms", tag = "vms", params(ListEveryVm),
    responses((status = 200, body = JointList<ConnectionVm>))
)]
pub(super) async fn list_every_vm(
    State(api): State<Api>,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Answer<Json<JointList<ConnectionVm>>> {
    let (mut names, filter) = read_pairs(pairs)?;
    if names.is_empty() {
        names = api.runtime.connection_names()?;
    }
    let answers = api
        .runtime
        .on_each(&names, async |service| service.list_vms().await)
        .await;
    let answers = answers.into_iter().map(|(connection, answer)| {
        let vms = answer.map_err(|error| error.on(&connection))?.into_iter();
        let vms = vms.filter(|vm| filter.keeps(vm));
        Ok(vms
            .map(|vm| ConnectionVm {
                connection: connection.clone(),
                vm,
            })
            .collect())
    });
    Ok(Json(JointList::of(answers)))
}

/// The connections and the filter of a query in which `connection` may repeat.
fn read_pairs(pairs: Vec<(String, String)>) -> Result<(Vec<String>, Filter), Problem> {
    let (mut names, mut filter) = (Vec::new(), Filter::default());
    for (key, value) in pairs {
        match key.as_str() {
            "connection" if names.contains(&value) => {}
            "connection" => names.push(value),
            "name" if filter.name.is_none() => filter.name = Some(value),
            "status" if filter.status.is_none() => {
                let status = serde_json::from_value(value.into());
                filter.status = Some(status.map_err(|error| Problem::invalid("status", format!("status: {error}")))?);
            }
            "name" | "status" => return Err(Problem::invalid(&key, format!("query: `{key}` is given twice"))),
            _ => {
                let detail = format!("query: unknown field `{key}`, expected one of `connection`, `name`, `status`");
                return Err(Problem::invalid(&key, detail));
            }
        }
    }
    Ok((names, filter))
}

/// Create a VM and wait until it is complete. The same `Idempotency-Key` again means the same VM.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms", tag = "vms",
    params(ConnectionPath, ("Idempotency-Key" = Option<String>, Header,
        description = "The same key on a repeated request means the same VM; becomes the spec's `idempotency_key`.")),
    request_body = VmBody,
    responses((status = 201, body = Vm, headers(("Location" = String, description = "The VM's path"))))
)]
pub(super) async fn create_vm(
    State(api): State<Api>,
    Path(path): Path<ConnectionPath>,
    Query(NoQuery {}): Query<NoQuery>,
    headers: HeaderMap,
    Create { mut spec, options }: VmBody,
) -> Answer<Created<Vm>> {
    spec.idempotency_key = idempotency_key(&headers, spec.idempotency_key)?;
    let service = api.connect(&path.connection).await?;
    let id = service.create_vm(spec, &options).await?;
    let vm = service.get_vm(&id).await.map_err(created_but_unread("vm", &id))?;
    Ok(Created::at(&path.connection, &["vms", &id], vm))
}

/// The key of the header or of the body; both only when they are the same.
fn idempotency_key(headers: &HeaderMap, body: Option<String>) -> Result<Option<String>, Problem> {
    let invalid = |detail: &str| Problem::invalid("Idempotency-Key", format!("Idempotency-Key: {detail}"));
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else {
        return Ok(body);
    };
    let key = value.to_str().map_err(|_| invalid("must be printable ASCII"))?.trim();
    match body {
        _ if key.is_empty() => Err(invalid("is empty")),
        Some(body) if body != key => Err(invalid("the header and the body's `idempotency_key` differ")),
        _ => Ok(Some(key.to_owned())),
    }
}

/// Read a VM.
#[utoipa::path(
    get, path = "/v1/connections/{connection}/vms/{vm}", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn get_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    Ok(Json(api.connect(&path.connection).await?.get_vm(&path.vm).await?))
}

/// What a deletion takes with it.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
#[derive(Default)]
pub(super) struct DeleteVm {
    /// Keep the disks that were created for the VM.
    #[param(required = false)]
    keep_disks: bool,
    /// Delete its snapshots too; otherwise a VM with snapshots is a `conflict`.
    #[param(required = false)]
    delete_snapshots: bool,
}

/// Delete a VM and what was created for it.
#[utoipa::path(
    delete, path = "/v1/connections/{connection}/vms/{vm}", tag = "vms", params(VmPath, DeleteVm),
    responses((status = 204, description = "it is gone"))
)]
pub(super) async fn delete_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(query): Query<DeleteVm>,
) -> Answer<StatusCode> {
    let DeleteVm {
        keep_disks,
        delete_snapshots,
    } = query;
    let options = VmDeleteOptions {
        keep_disks,
        delete_snapshots,
    };
    api.connect(&path.connection)
        .await?
        .delete_vm(&path.vm, options)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Start a VM; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/start", tag = "vms", params(VmPath),
    responses((status = 200, body = Vm))
)]
pub(super) async fn start_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(NoQuery {}): Query<NoQuery>,
) -> Answer<Json<Vm>> {
    let service = api.connect(&path.connection).await?;
    let id = service.start_vm(&path.vm).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// How to stop or restart.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct StopVm {
    /// `graceful` asks the guest, `forced` cuts the power; `graceful` when it is not given.
    #[param(inline)]
    mode: Option<StopWord>,
    /// How long the guest may take, in seconds; 60 when it is not given. Only for `graceful`.
    timeout_seconds: Option<u32>,
}

/// How to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StopWord {
    Graceful,
    Forced,
}

impl StopVm {
    fn mode(&self) -> Result<StopMode, Problem> {
        match (self.mode, self.timeout_seconds) {
            (Some(StopWord::Forced), None) => Ok(StopMode::Forced),
            (Some(StopWord::Forced), Some(_)) => Err(Problem::invalid(
                "timeout_seconds",
                "timeout_seconds: goes with `mode=graceful` only; cutting the power takes no time",
            )),
            (_, seconds) => Ok(StopMode::Graceful(seconds.unwrap_or(DEFAULT_STOP_SECONDS))),
        }
    }
}

/// Stop a VM; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/stop", tag = "vms", params(VmPath, StopVm),
    responses((status = 200, body = Vm))
)]
pub(super) async fn stop_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(query): Query<StopVm>,
) -> Answer<Json<Vm>> {
    let mode = query.mode()?;
    let service = api.connect(&path.connection).await?;
    let id = service.stop_vm(&path.vm, mode).await?;
    Ok(Json(service.get_vm(&id).await?))
}

/// Restart a VM; answers the VM as it is then.
#[utoipa::path(
    post, path = "/v1/connections/{connection}/vms/{vm}/restart", tag = "vms", params(VmPath, StopVm),
    responses((status = 200, body = Vm))
)]
pub(super) async fn restart_vm(
    State(api): State<Api>,
    Path(path): Path<VmPath>,
    Query(query): Query<StopVm>,
) -> Answer<Json<Vm>> {
    let mode = query.mode()?;
    let service = api.connect(&path.connection).await?;
    let id = service.restart_vm(&path.vm, mode).await?;
    Ok(Json(service.get_vm(&id).await?))
}
