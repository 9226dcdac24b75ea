//! kweb's JSON and its pure conversions into the contract's records.
//!
//! kweb passes on what kcli's provider behind it says, and those differ: a number may be a text, a size may be `N/A`,
//! anything may be absent. What cannot be read becomes "unknown", never an error: one odd VM must not hide the others.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use stockade_provider::time;
use stockade_provider::types::{DiskDevice, HostInfo, Image, Network, Tag, Vm, VmDisk, VmNic, VmStatus};

#[derive(Debug, Deserialize)]
pub(crate) struct VmsAnswer {
    pub(crate) vms: Vec<WireVm>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SnapshotsAnswer {
    pub(crate) snapshots: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PoolsAnswer {
    pub(crate) pools: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct NetworksAnswer {
    pub(crate) networks: BTreeMap<String, WireNetwork>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct ImagesAnswer {
    pub(crate) images: Vec<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct IsosAnswer {
    pub(crate) isos: Vec<String>,
}

/// A VM in a list or alone; a list leaves out disks, sizes and autostart.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireVm {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) status: Option<String>,
    ip: Option<String>,
    #[serde(default)]
    ips: Vec<String>,
    pub(crate) image: Option<String>,
    plan: Option<String>,
    profile: Option<String>,
    user: Option<String>,
    owner: Option<String>,
    creationdate: Option<String>,
    pub(crate) autostart: Option<bool>,
    numcpus: Option<Value>,
    memory: Option<Value>,
    #[serde(default)]
    pub(crate) nets: Vec<WireNic>,
    #[serde(default)]
    pub(crate) disks: Vec<WireDisk>,
    #[serde(default)]
    pub(crate) snapshots: Vec<WireSnapshot>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireNic {
    pub(crate) device: String,
    pub(crate) mac: Option<String>,
    net: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireDisk {
    pub(crate) device: String,
    size: Option<Value>,
    /// kcli calls the bus the format.
    format: Option<String>,
    /// kcli calls the format the type.
    #[serde(rename = "type")]
    image_format: Option<String>,
    pub(crate) path: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireSnapshot {
    pub(crate) snapshot: String,
    current: Option<Value>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireNetwork {
    cidr: Option<String>,
    dual_cidr: Option<String>,
    /// A boolean, or `N/A` for a bridge of the host.
    #[serde(default, deserialize_with = "boolean_if_known")]
    pub(crate) dhcp: Option<bool>,
    pub(crate) domain: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    pub(crate) mode: Option<String>,
    plan: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HostAnswer {
    host: Option<String>,
    connection: Option<String>,
    vms_running: Option<Value>,
    cpus_total: Option<Value>,
    cpus_used: Option<Value>,
    memory_total: Option<Value>,
    memory_used: Option<Value>,
    #[serde(default)]
    pub(crate) storage: Vec<String>,
}

/// A boolean; anything else is unknown.
fn boolean_if_known<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    Value::deserialize(deserializer).map(|value| value.as_bool())
}

/// A whole number that may be written as a text.
pub(crate) fn whole(value: Option<&Value>) -> Option<u32> {
    match value? {
        Value::Number(number) => number.as_u64().and_then(|number| u32::try_from(number).ok()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// kcli's word for a VM's state. The first group is libvirt's, the rest comes from the clouds that kcli speaks to.
pub(crate) fn vm_status(word: &str) -> VmStatus {
    match word.to_ascii_lowercase().as_str() {
        "up" | "blocked" | "running" | "active" => VmStatus::Running,
        "down" | "stopped" | "off" | "shutoff" | "terminated" => VmStatus::Stopped,
        "paused" => VmStatus::Paused,
        "suspended" => VmStatus::Suspended,
        "starting" => VmStatus::Starting,
        "shuttingdown" | "stopping" => VmStatus::Stopping,
        "pending" | "provisioning" | "staging" | "build" => VmStatus::Provisioning,
        "crashed" => VmStatus::Crashed,
        "error" => VmStatus::Error,
        _ => VmStatus::Unknown,
    }
}

/// kcli's dates, `21-11-2026 05:22`, are in UTC (it writes them with `time.gmtime`).
fn created_at(text: &str) -> Option<String> {
    let (date, time) = text.split_once(' ')?;
    let numbers = |text: &str, separator| {
        text.split(separator)
            .map(|part| part.parse::<i64>().ok())
            .collect::<Option<Vec<_>>>()
    };
    let [day, month, year] = numbers(date, '-')?.try_into().ok()?;
    let [hour, minute] = numbers(time, ':')?.try_into().ok()?;
    time::from_parts((year, month, day), (hour, minute, 0)).map(time::format_rfc3339)
}

/// The last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// The pool in whose directory a path lies directly.
pub(crate) fn pool_of(path: &str, pools: &[(String, String)]) -> Option<String> {
    let (directory, _) = path.rsplit_once('/')?;
    pools
        .iter()
        .find(|(_, path)| path.trim_end_matches('/') == directory)
        .map(|(name, _)| name.clone())
}

/// Whether an address is of no use to a caller: link-local (RFC 3927, RFC 4291).
fn is_link_local(address: &str) -> bool {
    address.starts_with("169.254.") || address.to_ascii_lowercase().starts_with("fe80:")
}

impl WireVm {
    /// What it is doing.
    pub(crate) fn vm_status(&self) -> VmStatus {
        self.status.as_deref().map_or(VmStatus::Unknown, vm_status)
    }

    pub(crate) fn cpus(&self) -> Option<u32> {
        whole(self.numcpus.as_ref())
    }

    pub(crate) fn memory_mib(&self) -> Option<u32> {
        whole(self.memory.as_ref())
    }

    /// The id; a VM of a provider without ids goes by its name.
    pub(crate) fn id(&self) -> String {
        self.id.clone().unwrap_or_else(|| self.name.clone())
    }

    fn addresses(&self) -> Vec<String> {
        let mut ips: Vec<String> = Vec::new();
        for ip in self.ip.iter().chain(&self.ips) {
            if !is_link_local(ip) && !ips.contains(ip) {
                ips.push(ip.clone());
            }
        }
        ips.sort_by_key(|ip| ip.contains(':'));
        ips
    }

    /// What kcli notes on VMs.
    pub(crate) fn metadata(&self) -> Vec<Tag> {
        [
            ("owner", &self.owner),
            ("plan", &self.plan),
            ("profile", &self.profile),
            ("user", &self.user),
        ]
        .into_iter()
        .filter_map(|(key, value)| {
            value.as_ref().map(|value| Tag {
                key: key.to_owned(),
                value: value.clone(),
            })
        })
        .collect()
    }

    /// The contract's record. `pools` is given for a VM that was read alone; in a list kweb says nothing about disks.
    pub(crate) fn to_vm(&self, pools: Option<&[(String, String)]>) -> Vm {
        Vm {
            id: self.id(),
            name: self.name.clone(),
            status: self.vm_status(),
            vendor_status: self.status.clone().unwrap_or_default(),
            ips: self.addresses(),
            cpus: self.cpus(),
            memory_mib: self.memory_mib(),
            flavor: None,
            image: self.image.clone(),
            location: None,
            autostart: self.autostart,
            description: None,
            created_at: self.creationdate.as_deref().and_then(created_at),
            disks: pools.map(|pools| self.disks.iter().map(|disk| disk.to_vm_disk(pools)).collect()),
            nics: Some(self.nets.iter().map(WireNic::to_vm_nic).collect()),
            metadata: Some(self.metadata()),
        }
    }
}

impl WireNic {
    fn to_vm_nic(&self) -> VmNic {
        VmNic {
            name: self.device.clone(),
            mac: self.mac.as_deref().map(str::to_ascii_lowercase),
            network: self.net.clone(),
            model: None,
            ips: Vec::new(),
        }
    }
}

impl WireDisk {
    pub(crate) fn size_gib(&self) -> Option<u32> {
        whole(self.size.as_ref())
    }

    pub(crate) fn image_format(&self) -> Option<&str> {
        self.image_format.as_deref()
    }

    fn to_vm_disk(&self, pools: &[(String, String)]) -> VmDisk {
        VmDisk {
            name: self.device.clone(),
            device: DiskDevice::Disk,
            id: self.path.clone(),
            pool: self.path.as_deref().and_then(|path| pool_of(path, pools)),
            size_gib: self.size_gib(),
            format: self.image_format.clone(),
            bus: self.format.clone(),
            backing: None,
        }
    }
}

impl WireSnapshot {
    pub(crate) fn is_current(&self) -> bool {
        match &self.current {
            Some(Value::Bool(current)) => *current,
            Some(Value::Number(number)) => number.as_u64() == Some(1),
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            _ => false,
        }
    }
}

impl WireNetwork {
    pub(crate) fn to_network(&self, name: &str) -> Network {
        let is_bridge = self.kind.as_deref() == Some("bridged");
        Network {
            id: name.to_owned(),
            name: name.to_owned(),
            active: true,
            mode: self.mode.clone().unwrap_or_else(|| "unknown".to_owned()),
            cidrs: [&self.cidr, &self.dual_cidr]
                .into_iter()
                .flatten()
                .filter(|cidr| cidr.contains('/'))
                .cloned()
                .collect(),
            dhcp: self.dhcp,
            domain: self
                .domain
                .clone()
                .filter(|domain| !domain.is_empty() && domain != "N/A"),
            bridge: is_bridge.then(|| name.to_owned()),
            metadata: self
                .plan
                .iter()
                .filter(|plan| *plan != "N/A")
                .map(|plan| Tag {
                    key: "plan".to_owned(),
                    value: plan.clone(),
                })
                .collect(),
        }
    }
}

impl HostAnswer {
    pub(crate) fn to_host_info(&self) -> HostInfo {
        let name = self
            .host
            .clone()
            .or_else(|| self.connection.clone())
            .unwrap_or_else(|| "kweb".to_owned());
        HostInfo {
            id: name.clone(),
            name,
            version: None,
            cpus: whole(self.cpus_total.as_ref()),
            cpus_used: whole(self.cpus_used.as_ref()),
            memory_mib: whole(self.memory_total.as_ref()),
            memory_used_mib: whole(self.memory_used.as_ref()),
            vms_running: whole(self.vms_running.as_ref()),
        }
    }
}

/// An image from its path. kweb says neither size nor format, but kcli goes by the file name's ending as well.
pub(crate) fn image(path: &str, pools: &[(String, String)]) -> Image {
    let name = file_name(path);
    let format = match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("iso") => Some("iso"),
        Some("qcow2" | "qc2") => Some("qcow2"),
        _ => None,
    };
    Image {
        id: path.to_owned(),
        name: name.to_owned(),
        pool: pool_of(path, pools),
        format: format.map(str::to_owned),
        size_mib: None,
        os_name: None,
        architecture: None,
        created_at: None,
        public: None,
    }
}

/// What `GET /host` says about a pool in one text: `storage: N, type: T, path: P, used_space: 1.5GB, available_space: 2GB`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PoolUsage {
    pub(crate) kind: String,
    pub(crate) capacity_gib: Option<u32>,
    pub(crate) available_gib: Option<u32>,
}

/// Finds the text of one pool and takes it apart; the pool's path is known, so that a comma in it does no harm.
pub(crate) fn pool_usage(storage: &[String], name: &str, path: &str) -> Option<PoolUsage> {
    let before = format!("storage: {name}, type: ");
    let (kind, rest) = storage.iter().find_map(|text| {
        let (kind, rest) = text.strip_prefix(&before)?.split_once(", path: ")?;
        Some((kind, rest.strip_prefix(path)?))
    })?;
    let gib = |label: &str| {
        let number = rest.split_once(label)?.1.split("GB").next()?;
        number
            .trim()
            .parse::<f64>()
            .ok()
            .filter(|gib| gib.is_finite() && *gib >= 0.0)
    };
    // A float cast saturates, which is what "rounded down" needs at the end of the range.
    let whole_gib = |gib: f64| gib as u32;
    let (used, available) = (gib("used_space:"), gib("available_space:"));
    Some(PoolUsage {
        kind: kind.to_owned(),
        capacity_gib: used.zip(available).map(|(used, available)| whole_gib(used + available)),
        available_gib: available.map(whole_gib),
    })
}
