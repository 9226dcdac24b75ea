//! One EBS snapshot as EC2 writes it.
//!
//! Source: the data type `Snapshot`, <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Snapshot.html>.

use stockade_provider::types::Tag;

use crate::instance::{NAME_TAG, tag, tags};
use crate::listed::{Catalogue, Listed};
use crate::paging;
use crate::xml::Element;

/// The tag that says of which VM a snapshot is one.
pub(crate) const VM_TAG: &str = "stockade:vm";
/// The tag that says which volume took the place of the one that the snapshot was taken of.
pub(crate) const VOLUME_TAG: &str = "stockade:volume";

/// A snapshot of one volume.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct DiskSnapshot {
    pub(crate) id: String,
    /// The volume that it is of, or that replaced that one since.
    pub(crate) volume: String,
    /// `pending`, `completed` or `error`.
    pub(crate) state: String,
    pub(crate) description: Option<String>,
    pub(crate) created_at: Option<String>,
    pub(crate) tags: Vec<Tag>,
    name: Option<String>,
}

impl Listed for DiskSnapshot {
    const CATALOGUE: Catalogue = Catalogue {
        noun: "snapshot",
        action: "DescribeSnapshots",
        set: "snapshotSet",
        id_filter: "snapshot-id",
        id_prefix: "snap",
        name_filter: "tag:Name",
        sizes: Some(paging::USUAL),
    };

    fn read(snapshot: Element<'_>) -> Option<Self> {
        let tags = tags(snapshot);
        Some(Self {
            id: snapshot.string("snapshotId")?,
            volume: tag(&tags, VOLUME_TAG)
                .or_else(|| snapshot.string("volumeId"))
                .unwrap_or_default(),
            state: snapshot.string("status").unwrap_or_default(),
            description: snapshot.string("description"),
            created_at: snapshot.string("startTime"),
            name: tag(&tags, NAME_TAG),
            tags,
        })
    }

    fn id(&self) -> &str {
        &self.id
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}
