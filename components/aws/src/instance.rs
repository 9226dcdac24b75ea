//! One instance as EC2 writes it, and the VM that it is.
//!
//! Source: the data type `Instance`, <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html>.

use stockade_provider::types::{DiskDevice, Tag, Vm, VmDisk, VmNic, VmStatus};

use crate::xml::Element;

/// The tag that is a thing's name, in AWS's own console too.
pub(crate) const NAME_TAG: &str = "Name";
/// The tag that holds a VM's description: EC2 has no other place for one.
pub(crate) const DESCRIPTION_TAG: &str = "Description";

/// An instance.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Instance {
    pub(crate) id: String,
    /// The tag `Name`; none when it has none.
    pub(crate) name: Option<String>,
    /// `running`, `stopped` and so on.
    pub(crate) state: String,
    /// Why it is in this state: code and words; none when EC2 does not say.
    pub(crate) state_reason: Option<(String, String)>,
    pub(crate) instance_type: String,
    pub(crate) image: Option<String>,
    pub(crate) zone: Option<String>,
    pub(crate) vpc: Option<String>,
    pub(crate) architecture: Option<String>,
    cpus: Option<u32>,
    pub(crate) root_device: Option<String>,
    pub(crate) disks: Vec<BlockDevice>,
    pub(crate) nics: Vec<Interface>,
    public_ip: Option<String>,
    private_ip: Option<String>,
    created_at: Option<String>,
    /// The token that it was created with.
    pub(crate) client_token: Option<String>,
    /// All tags, sorted by key.
    pub(crate) tags: Vec<Tag>,
}

/// A volume on an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BlockDevice {
    pub(crate) device: String,
    pub(crate) volume: String,
    pub(crate) goes_with_vm: bool,
}

/// A network interface on an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Interface {
    pub(crate) id: String,
    pub(crate) index: u32,
    pub(crate) attachment: Option<String>,
    pub(crate) mac: Option<String>,
    pub(crate) vpc: Option<String>,
    pub(crate) subnet: Option<String>,
    pub(crate) goes_with_vm: bool,
    /// The ids of its security groups.
    pub(crate) groups: Vec<String>,
    ips: Vec<String>,
}

/// All instances of an answer of `DescribeInstances`: of every reservation, all of them.
pub(crate) fn all(root: Element<'_>) -> Vec<Instance> {
    root.set("reservationSet")
        .flat_map(|reservation| reservation.set("instancesSet"))
        .filter_map(Instance::read)
        .collect()
}

/// The tags of a thing, sorted by key.
pub(crate) fn tags(thing: Element<'_>) -> Vec<Tag> {
    let mut tags: Vec<Tag> = thing
        .set("tagSet")
        .filter_map(|tag| {
            Some(Tag {
                key: tag.string("key")?,
                value: tag.string("value").unwrap_or_default(),
            })
        })
        .collect();
    tags.sort_by(|one, other| one.key.cmp(&other.key));
    tags
}

/// The value of a tag, unless it is empty.
pub(crate) fn tag(tags: &[Tag], key: &str) -> Option<String> {
    tags.iter()
        .find(|tag| tag.key == key)
        .map(|tag| tag.value.clone())
        .filter(|value| !value.is_empty())
}

impl Instance {
    /// Reads one; none when it has no id, so that one odd instance does not hide the others.
    pub(crate) fn read(instance: Element<'_>) -> Option<Self> {
        let tags = tags(instance);
        let root_device = instance.string("rootDeviceName");
        let mut disks: Vec<_> = instance
            .set("blockDeviceMapping")
            .filter_map(BlockDevice::read)
            .collect();
        disks.sort_by_key(|disk| (Some(&disk.device) != root_device.as_ref(), disk.device.clone()));
        let mut nics: Vec<_> = instance
            .set("networkInterfaceSet")
            .filter_map(Interface::read)
            .collect();
        nics.sort_by_key(|nic| nic.index);
        let state = instance.child("instanceState").and_then(|state| state.string("name"));
        Some(Self {
            id: instance.string("instanceId")?,
            name: tag(&tags, NAME_TAG),
            state: state.unwrap_or_default(),
            state_reason: instance
                .child("stateReason")
                .and_then(|reason| Some((reason.string("code")?, reason.string("message").unwrap_or_default()))),
            instance_type: instance.string("instanceType").unwrap_or_default(),
            image: instance.string("imageId"),
            zone: instance
                .child("placement")
                .and_then(|placement| placement.string("availabilityZone")),
            vpc: instance.string("vpcId"),
            architecture: instance.string("architecture"),
            cpus: instance
                .child("cpuOptions")
                .and_then(|cpus| cpus.number("coreCount")?.checked_mul(cpus.number("threadsPerCore")?)),
            created_at: created_at(instance),
            root_device,
            disks,
            nics,
            public_ip: instance.string("ipAddress"),
            private_ip: instance.string("privateIpAddress"),
            client_token: instance.string("clientToken"),
            tags,
        })
    }

    /// Its name; its id when it has none.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    /// What it is doing.
    pub(crate) fn status(&self) -> VmStatus {
        // A hibernated instance says so only by its reason
        // (<https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_StateReason.html>).
        let reason = self.state_reason.as_ref().map(|(code, _)| code.as_str());
        match (self.state.as_str(), reason) {
            ("stopped", Some("Client.UserInitiatedHibernate")) => VmStatus::Suspended,
            (state, _) => status(state),
        }
    }

    /// Whether it is gone: EC2 shows it for about an hour more.
    pub(crate) fn is_gone(&self) -> bool {
        self.state == "terminated"
    }

    /// Its metadata: the tags that are not shown as something else.
    pub(crate) fn metadata(&self) -> Vec<Tag> {
        let is_own = |tag: &&Tag| tag.key == NAME_TAG || tag.key == DESCRIPTION_TAG;
        self.tags.iter().filter(|tag| !is_own(tag)).cloned().collect()
    }

    fn ips(&self) -> Vec<String> {
        let own = self.public_ip.iter().chain(&self.private_ip).cloned();
        let mut ips: Vec<String> = Vec::new();
        for ip in own.chain(self.nics.iter().flat_map(|nic| nic.ips.iter().cloned())) {
            if !ips.contains(&ip) {
                ips.push(ip);
            }
        }
        // The order is by use: IPv4 first, and of those the ones that are reachable from everywhere.
        ips.sort_by_key(|ip| (ip.contains(':'), is_private(ip)));
        ips
    }

    /// The contract's record, with what EC2 says in a list.
    pub(crate) fn to_vm(&self) -> Vm {
        Vm {
            id: self.id.clone(),
            name: self.name().to_owned(),
            status: self.status(),
            vendor_status: self.state.clone(),
            ips: self.ips(),
            cpus: self.cpus,
            memory_mib: None,
            flavor: Some(self.instance_type.clone()),
            image: self.image.clone(),
            location: self.zone.clone(),
            autostart: None,
            description: tag(&self.tags, DESCRIPTION_TAG),
            created_at: self.created_at.clone(),
            disks: Some(self.disks.iter().map(BlockDevice::to_vm_disk).collect()),
            nics: Some(self.nics.iter().map(Interface::to_vm_nic).collect()),
            metadata: Some(self.metadata()),
        }
    }
}

/// EC2's word for an instance's state
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>).
fn status(word: &str) -> VmStatus {
    match word {
        "pending" => VmStatus::Starting,
        "running" => VmStatus::Running,
        "stopping" => VmStatus::Stopping,
        "stopped" => VmStatus::Stopped,
        "shutting-down" => VmStatus::Provisioning,
        _ => VmStatus::Unknown,
    }
}

/// `launchTime` is that of the last start. The first interface is there from the beginning and is never taken away, so it
/// tells when the instance was created.
fn created_at(instance: Element<'_>) -> Option<String> {
    let attached = instance
        .set("networkInterfaceSet")
        .filter_map(|nic| nic.child("attachment"))
        .find(|attachment| attachment.text("deviceIndex") == Some("0"))
        .and_then(|attachment| attachment.string("attachTime"));
    attached.or_else(|| instance.string("launchTime"))
}

/// Addresses that are of use only inside (RFC 1918, RFC 6598).
fn is_private(ip: &str) -> bool {
    ip.parse::<std::net::Ipv4Addr>().is_ok_and(|ip| {
        let [first, second, ..] = ip.octets();
        ip.is_private() || (first == 100 && (64..128).contains(&second))
    })
}

impl BlockDevice {
    fn read(device: Element<'_>) -> Option<Self> {
        let ebs = device.child("ebs")?;
        Some(Self {
            device: device.string("deviceName")?,
            volume: ebs.string("volumeId")?,
            goes_with_vm: ebs.boolean("deleteOnTermination").unwrap_or(false),
        })
    }

    fn to_vm_disk(&self) -> VmDisk {
        VmDisk {
            name: self.device.clone(),
            device: DiskDevice::Disk,
            id: Some(self.volume.clone()),
            pool: None,
            size_gib: None,
            format: None,
            bus: None,
            backing: None,
        }
    }
}

impl Interface {
    fn read(nic: Element<'_>) -> Option<Self> {
        let attachment = nic.child("attachment");
        let public = nic.child("association").and_then(|public| public.string("publicIp"));
        let private = nic
            .set("privateIpAddressesSet")
            .filter_map(|address| address.string("privateIpAddress"));
        let six = nic
            .set("ipv6AddressesSet")
            .filter_map(|address| address.string("ipv6Address"));
        Some(Self {
            id: nic.string("networkInterfaceId")?,
            index: attachment
                .and_then(|attachment| attachment.number("deviceIndex"))
                .unwrap_or(u32::MAX),
            attachment: attachment.and_then(|attachment| attachment.string("attachmentId")),
            mac: nic.text("macAddress").map(str::to_ascii_lowercase),
            vpc: nic.string("vpcId"),
            subnet: nic.string("subnetId"),
            goes_with_vm: attachment
                .and_then(|attachment| attachment.boolean("deleteOnTermination"))
                .unwrap_or(false),
            groups: nic
                .set("groupSet")
                .filter_map(|group| group.string("groupId"))
                .collect(),
            ips: public.into_iter().chain(private).chain(six).collect(),
        })
    }

    fn to_vm_nic(&self) -> VmNic {
        VmNic {
            name: self.id.clone(),
            mac: self.mac.clone(),
            network: self.vpc.clone(),
            model: None,
            ips: self.ips.clone(),
        }
    }
}
