//! An image as Glance shows it (<https://docs.openstack.org/api-ref/image/v2/#show-image>).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use stockade_provider::types::Image;

/// Bytes in a GiB.
const GIB: u64 = 1 << 30;

/// An image. Properties that clouds and users add stand beside Glance's own.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct WireImage {
    pub(crate) id: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    pub(crate) status: String,
    #[serde(default)]
    pub(crate) disk_format: Option<String>,
    #[serde(default)]
    size: Option<u64>,
    #[serde(default)]
    virtual_size: Option<u64>,
    /// In GiB.
    #[serde(default)]
    min_disk: Option<u32>,
    #[serde(default)]
    visibility: Option<String>,
    #[serde(default)]
    pub(crate) created_at: Option<String>,
    #[serde(flatten)]
    properties: BTreeMap<String, Value>,
}

impl WireImage {
    /// Its name; its id where it has none.
    pub(crate) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.id)
    }

    pub(crate) fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name).and_then(Value::as_str)
    }

    pub(crate) fn description(&self) -> Option<String> {
        self.property("description").map(str::to_owned)
    }

    /// The size of a disk in bytes that it fits on, as far as Glance knows.
    fn disk_bytes(&self) -> Option<u64> {
        let is_plain = matches!(self.disk_format.as_deref(), Some("raw" | "iso"));
        let by_content = self.virtual_size.or(self.size.filter(|_| is_plain));
        let by_owner = self.min_disk.filter(|gib| *gib > 0).map(|gib| u64::from(gib) * GIB);
        by_content.max(by_owner)
    }

    /// The smallest disk in GiB that it fits on; 0 when Glance does not know.
    pub(crate) fn least_gib(&self) -> u32 {
        let gib = self.disk_bytes().unwrap_or_default().div_ceil(GIB);
        u32::try_from(gib).unwrap_or(u32::MAX)
    }

    /// The image as the contract shows it.
    pub(crate) fn to_image(&self) -> Image {
        let mib = |bytes: u64| u32::try_from(bytes.div_ceil(1 << 20)).unwrap_or(u32::MAX);
        let os_name = match (self.property("os_distro"), self.property("os_version")) {
            (Some(distribution), Some(version)) => Some(format!("{distribution} {version}")),
            (distribution, _) => distribution.map(str::to_owned),
        };
        Image {
            id: self.id.clone(),
            name: self.name().to_owned(),
            pool: None,
            format: self.disk_format.clone(),
            size_mib: self.disk_bytes().map(mib),
            os_name,
            architecture: self.property("architecture").map(str::to_owned),
            created_at: self.created_at.clone(),
            public: self.visibility.as_deref().map(|visibility| visibility == "public"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn image(value: Value) -> WireImage {
        serde_json::from_value(value).expect("an image")
    }

    #[test]
    fn the_disk_that_an_image_needs_is_its_content_or_its_owners_wish() {
        let gib = |value| image(value).least_gib();
        assert_eq!(gib(json!({"id": "1", "disk_format": "raw", "size": GIB + 1})), 2);
        assert_eq!(gib(json!({"id": "1", "disk_format": "qcow2", "size": GIB + 1})), 0);
        assert_eq!(
            gib(json!({"id": "1", "disk_format": "qcow2", "virtual_size": GIB, "min_disk": 0})),
            1
        );
        assert_eq!(gib(json!({"id": "1", "virtual_size": GIB, "min_disk": 20})), 20);
    }

    #[test]
    fn properties_say_what_an_image_is() {
        let image = image(json!({
            "id": "1", "name": "debian", "status": "active", "disk_format": "qcow2", "visibility": "public",
            "os_distro": "debian", "os_version": "13", "architecture": "x86_64", "created_at": "2026-01-01T00:00:00Z",
        }));
        let shown = image.to_image();
        assert_eq!(shown.os_name.as_deref(), Some("debian 13"));
        assert_eq!(
            (shown.architecture.as_deref(), shown.public),
            (Some("x86_64"), Some(true))
        );
        assert_eq!(shown.size_mib, None);
    }
}
