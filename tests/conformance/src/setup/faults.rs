//! Providers that speak HTTP, in front of a server that fails as it is told.
//!
//! The server answers with what was recorded from the real vendor (`tests/fixtures`) until a trial says otherwise.

use stockade::connections::ConnectionConfig;
use stockade::contract::ProviderInfo;
use stockade::{Runtime, Service};
use stockade_test_support::artifacts::{component, workspace_root};
use stockade_test_support::http_server::{Answer, HttpServer};

use super::{Stage, aws, openstack, web};
use crate::outcome::Outcome;

pub(super) const NAME: &str = "web-faults";
pub(super) const OPENSTACK: &str = "openstack-faults";
pub(super) const AWS_NAME: &str = "aws-faults";

/// Makes a connection to a server on this port.
type Connect = Box<dyn Fn(&ProviderInfo, u16) -> Outcome<ConnectionConfig> + Send + Sync>;

/// What stands in recordings for the port of the server that answers with them.
const PORT: &str = "127.0.0.1:PORT";

/// A component, and what it does over HTTP for a few functions.
pub(crate) struct Faults {
    pub(crate) name: &'static str,
    runtime: Runtime,
    info: ProviderInfo,
    connect: Connect,
    /// Recorded answers, by file name below `tests/fixtures`.
    recordings: &'static [&'static str],
    /// Recorded answers that come once, before those.
    first: &'static [&'static str],
    /// The method and the path, or the form field, by which VMs are listed.
    pub(crate) list_method: &'static str,
    pub(crate) list_path: &'static str,
    /// A VM in the recordings, and the path, or the form field, by which it is started with `POST`.
    pub(crate) vm: &'static str,
    pub(crate) start_path: &'static str,
    /// How many VMs the recorded list has.
    pub(crate) vm_count: usize,
    /// A list of one VM with this status word.
    pub(crate) list_with_status: fn(&str) -> Answer,
}

/// A component with its own server.
pub(crate) struct FaultSubject {
    pub(crate) server: HttpServer,
    pub(crate) service: Service,
}

impl Faults {
    /// Where its connections live.
    pub(crate) fn runtime(&self) -> &Runtime {
        &self.runtime
    }

    /// A server and a connection for one trial; `adjust` may change the connection.
    pub(crate) async fn subject(
        &self,
        trial: &str,
        adjust: impl FnOnce(&mut ConnectionConfig),
    ) -> Outcome<FaultSubject> {
        let server = start_server().await?;
        for recording in self.recordings {
            let (method, path, answer) = read_recording(recording, server.address().port())?;
            server.always(&method, &path, answer);
        }
        for recording in self.first {
            let (method, path, answer) = read_recording(recording, server.address().port())?;
            server.once(&method, &path, answer);
        }
        let mut config = (self.connect)(&self.info, server.address().port())?;
        adjust(&mut config);
        let service = self.runtime.create_connection(trial, &config).await?;
        Ok(FaultSubject { server, service })
    }
}

/// Starts a scripted server; on a thread of its own, because it blocks for a moment.
pub(crate) async fn start_server() -> Outcome<HttpServer> {
    Ok(tokio::task::spawn_blocking(HttpServer::start).await??)
}

/// Installs the `web` component in front of a scripted server.
pub(crate) async fn web_faults(stage: &Stage) -> Outcome<Faults> {
    let provider = stage.runtime.add_provider(&component("web"), true).await?;
    Ok(Faults {
        name: NAME,
        runtime: stage.runtime.clone(),
        info: provider.info,
        connect: Box::new(web::config),
        first: &[],
        recordings: &[
            "web/vms.json",
            "web/vm_info.json",
            "web/vm_start.json",
            "web/pools.json",
        ],
        list_method: "GET",
        list_path: "/vms",
        vm: "web-1",
        start_path: "/vms/web-1/start",
        vm_count: 2,
        list_with_status: |word| {
            Answer::json(
                200,
                &serde_json::json!({"vms": [{"name": "odd", "id": "odd", "status": word}]}),
            )
        },
    })
}

/// Installs the `openstack` component in front of a scripted server, which is all services of a cloud at once.
pub(crate) async fn openstack_faults(stage: &Stage) -> Outcome<Faults> {
    let provider = stage.runtime.add_provider(&component("openstack"), true).await?;
    let token = stage.secret("openstack-token", "a-token")?;
    Ok(Faults {
        name: OPENSTACK,
        runtime: stage.runtime.clone(),
        info: provider.info,
        connect: Box::new(move |info, port| openstack::config_with_token(info, port, &token)),
        recordings: &[
            "openstack/catalog.json",
            "openstack/version.json",
            "openstack/servers.json",
            "openstack/server_running.json",
            "openstack/start.json",
            "openstack/images.json",
        ],
        first: &["openstack/server_stopped.json"],
        list_method: "GET",
        list_path: "/v2.1/servers/detail",
        vm: "9f966fad-87a5-424d-a499-026d7513ae27",
        start_path: "/v2.1/servers/9f966fad-87a5-424d-a499-026d7513ae27/action",
        vm_count: 2,
        list_with_status: |word| {
            Answer::json(
                200,
                &serde_json::json!({"servers": [{"id": "odd", "name": "odd", "status": word}]}),
            )
        },
    })
}

/// Installs the `aws` component in front of a scripted server. Every request is a `POST` to `/`, so that a form field tells
/// which it is. The answers are those of AWS's documentation.
pub(crate) async fn aws_faults(stage: &Stage) -> Outcome<Faults> {
    let provider = stage.runtime.add_provider(&component("aws"), true).await?;
    Ok(Faults {
        name: AWS_NAME,
        runtime: stage.runtime.clone(),
        info: provider.info,
        connect: Box::new(aws::config_of_nobody),
        recordings: &[
            "aws/list_vms.json",
            "aws/find_vm.json",
            "aws/start_vm.json",
            "aws/poll_vm.json",
        ],
        first: &[],
        list_method: "POST",
        list_path: "/ Filter.1.Name=instance-state-name",
        vm: "web-1",
        start_path: "/ Action=StartInstances",
        vm_count: 2,
        list_with_status: |word| Answer::bytes(200, AWS_LIST.replace("WORD", word)),
    })
}

/// A list of one VM in a state.
const AWS_LIST: &str = "<DescribeInstancesResponse><reservationSet><item><instancesSet><item><instanceId>i-1</instanceId>\
    <instanceState><name>WORD</name></instanceState></item></instancesSet></item></reservationSet></DescribeInstancesResponse>";

/// A recorded exchange: method, path, answer.
fn read_recording(name: &str, port: u16) -> Outcome<(String, String, Answer)> {
    let file = workspace_root().join("tests/fixtures").join(name);
    let text = std::fs::read_to_string(&file)?.replace(PORT, &format!("127.0.0.1:{port}"));
    let recording: serde_json::Value = serde_json::from_str(&text)?;
    let text = |pointer: &str| {
        recording
            .pointer(pointer)
            .and_then(serde_json::Value::as_str)
            .map(str::to_owned)
    };
    let status = recording
        .pointer("/response/status")
        .and_then(serde_json::Value::as_u64);
    let (Some(method), Some(path), Some(status)) = (text("/request/method"), text("/request/path"), status) else {
        return Err(format!("`{}` is no recording", file.display()).into());
    };
    let (status, body) = (
        u16::try_from(status)?,
        recording.pointer("/response/body").cloned().unwrap_or_default(),
    );
    let answer = match &body {
        // What is not JSON is kept as a text.
        serde_json::Value::String(text) => Answer::bytes(status, text.as_str()),
        body => Answer::json(status, body),
    };
    Ok((method, path, answer))
}
