//! The request that creates a VM, once every name has become an id.
//!
//! Source: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>.

use std::net::Ipv4Addr;

use crate::image::MachineImage;
use crate::metadata;
use crate::query::Query;
use crate::vm_spec::NewVm;

/// Everything that is needed to create a VM.
#[derive(Clone, Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) new: &'a NewVm,
    pub(crate) image: &'a MachineImage,
    pub(crate) instance_type: &'a str,
    /// Empty for one interface in the account's default VPC.
    pub(crate) nics: Vec<PlacedNic>,
    /// The ids of security groups.
    pub(crate) groups: Vec<String>,
    pub(crate) zone: Option<String>,
    pub(crate) key_pair: Option<String>,
    /// By this EC2 recognises a repetition.
    pub(crate) client_token: String,
}

/// A network interface with its subnet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlacedNic {
    /// None for the default one, which EC2 chooses.
    pub(crate) subnet: Option<String>,
    pub(crate) address: Option<Ipv4Addr>,
    pub(crate) public: Option<bool>,
}

/// The letters of device names that are free on every image
/// (<https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/device_naming.html>, "Recommended for EBS volumes").
const DEVICE_LETTERS: std::ops::RangeInclusive<char> = 'f'..='p';

/// The first device name that is not taken; none when all are.
pub(crate) fn free_device(taken: &[&str]) -> Option<String> {
    // `/dev/xvdf` and `/dev/sdf` are one device to a guest, so the letter counts.
    let is_taken = |letter: char| {
        let ends = |device: &&str| device.trim_end_matches(|c: char| c.is_ascii_digit()).ends_with(letter);
        taken.iter().any(ends)
    };
    DEVICE_LETTERS
        .clone()
        .find(|letter| !is_taken(*letter))
        .map(|letter| format!("/dev/sd{letter}"))
}

impl Launch<'_> {
    /// The device names of further disks; none when there are more disks than names.
    pub(crate) fn devices(&self) -> Option<Vec<String>> {
        let mut devices: Vec<String> = Vec::new();
        for _ in &self.new.disks {
            let taken: Vec<&str> = self.image.devices.iter().chain(&devices).map(String::as_str).collect();
            devices.push(free_device(&taken)?);
        }
        Some(devices)
    }

    /// The request; `devices` are those of [`Launch::devices`].
    pub(crate) fn query(&self, devices: &[String]) -> Query {
        let mut query = Query::ec2("RunInstances")
            .with("ImageId", &self.image.id)
            .with("InstanceType", self.instance_type)
            .with("MinCount", 1)
            .with("MaxCount", 1)
            .with_some("KeyName", self.key_pair.as_ref().or(self.new.key_pair.as_ref()))
            .with_some("UserData", self.new.user_data.as_ref())
            .with_some("Placement.AvailabilityZone", self.zone.as_ref())
            .with_some("IamInstanceProfile.Name", self.new.instance_profile.as_ref());
        if self.new.is_spot {
            query.set("InstanceMarketOptions.MarketType", "spot");
        }
        self.add_disks(&mut query, devices);
        if self.nics.is_empty() {
            query = query.with_list("SecurityGroupId", &self.groups);
        }
        for (index, nic) in self.nics.iter().enumerate() {
            query = self.with_nic(query, index, nic);
        }
        query = metadata::with_tag_specification(query, 1, "instance", &self.new.tags);
        query.with_client_token(&self.client_token)
    }

    fn add_disks(&self, query: &mut Query, devices: &[String]) {
        let mut count = 0;
        let mut add = |device: &str, size_gib: Option<u32>, pool: &str| {
            count += 1;
            let prefix = format!("BlockDeviceMapping.{count}");
            query.set(format!("{prefix}.DeviceName"), device);
            if let Some(size_gib) = size_gib {
                query.set(format!("{prefix}.Ebs.VolumeSize"), size_gib);
            }
            query.set(format!("{prefix}.Ebs.VolumeType"), pool);
            query.set(format!("{prefix}.Ebs.DeleteOnTermination"), true);
        };
        if let Some(root) = &self.image.root_device {
            // Clouds with the same API do not all take the size from the image.
            add(root, self.new.root_gib.or(self.image.root_gib), &self.new.root_pool);
        }
        for (device, (size_gib, pool)) in devices.iter().zip(&self.new.disks) {
            add(device, Some(*size_gib), pool);
        }
    }

    fn with_nic(&self, query: Query, index: usize, nic: &PlacedNic) -> Query {
        let prefix = format!("NetworkInterface.{}", index + 1);
        query
            .with(format!("{prefix}.DeviceIndex"), index)
            .with(format!("{prefix}.DeleteOnTermination"), true)
            .with_some(&format!("{prefix}.SubnetId"), nic.subnet.as_ref())
            .with_some(&format!("{prefix}.PrivateIpAddress"), nic.address)
            .with_some(&format!("{prefix}.AssociatePublicIpAddress"), nic.public)
            .with_list(&format!("{prefix}.SecurityGroupId"), &self.groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_free_when_no_spelling_of_its_letter_is_taken() {
        let free = |taken: &[&str]| free_device(taken);
        assert_eq!(free(&["/dev/sda1"]).as_deref(), Some("/dev/sdf"));
        assert_eq!(free(&["/dev/xvdf", "/dev/sdg2"]).as_deref(), Some("/dev/sdh"));
        let all: Vec<String> = DEVICE_LETTERS.map(|letter| format!("/dev/sd{letter}")).collect();
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(free_device(&all), None);
    }
}
