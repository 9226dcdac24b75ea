//! Microversions: which version of an API a request speaks.
//!
//! <https://specs.openstack.org/openstack/api-wg/guidelines/microversion_specification.html>

use std::fmt;
use std::str::FromStr;

use serde::Deserialize;

/// A version such as 2.93.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Microversion(pub(crate) u32, pub(crate) u32);

/// The newest of Nova's that this provider knows: 2.93 rebuilds VMs that boot from volumes
/// (<https://docs.openstack.org/nova/latest/reference/api-microversion-history.html>).
pub(crate) const COMPUTE_NEWEST: Microversion = Microversion(2, 93);

/// The oldest of Nova's that will do: 2.67 (Stein, 2019) names volume types when VMs are created; flavors inside of
/// servers came with 2.47.
pub(crate) const COMPUTE_OLDEST: Microversion = Microversion(2, 67);

/// The last of Nova's that tells how many CPUs a hypervisor has; 2.88 took it away.
pub(crate) const COMPUTE_HYPERVISOR_SIZES: Microversion = Microversion(2, 87);

/// The first of Nova's that takes a host name.
pub(crate) const COMPUTE_HOSTNAME: Microversion = Microversion(2, 90);

/// The first of Nova's that changes what happens to a volume with its VM.
pub(crate) const COMPUTE_KEEP_VOLUME: Microversion = Microversion(2, 85);

/// The first of Cinder's that grows a volume that a VM holds
/// (<https://docs.openstack.org/cinder/latest/contributor/api_microversion_history.html>).
pub(crate) const VOLUME_EXTEND_ATTACHED: Microversion = Microversion(3, 42);

impl fmt::Display for Microversion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Microversion {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        Ok(Self(major.parse().map_err(drop)?, minor.parse().map_err(drop)?))
    }
}

/// The answer of an API's root.
#[derive(Debug, Deserialize)]
pub(crate) struct VersionAnswer {
    version: VersionRange,
}

#[derive(Debug, Deserialize)]
struct VersionRange {
    #[serde(default)]
    version: String,
}

impl VersionAnswer {
    /// The newest version that the service speaks; none when it has no microversions.
    pub(crate) fn newest(&self) -> Option<Microversion> {
        self.version.version.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_written_and_compared() {
        let newest = |text: &str| serde_json::from_str::<VersionAnswer>(text).expect("an answer").newest();
        assert_eq!(
            newest(r#"{"version": {"id": "v2.1", "version": "2.104"}}"#),
            Some(Microversion(2, 104))
        );
        assert_eq!(newest(r#"{"version": {"id": "v2.0", "version": ""}}"#), None);
        assert!(Microversion(2, 9) < Microversion(2, 10));
        assert_eq!(COMPUTE_NEWEST.to_string(), "2.93");
    }
}
