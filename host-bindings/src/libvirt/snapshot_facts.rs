//! What a snapshot's document tells (<https://libvirt.org/formatsnapshot.html>). Pure reading.

use super::metadata::time_of_seconds;
use super::tree::Tree;

/// A snapshot.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SnapshotFacts {
    /// Its name.
    pub(super) name: String,
    /// The snapshot before it.
    pub(super) parent: Option<String>,
    /// Free text.
    pub(super) description: Option<String>,
    /// When it was taken, RFC 3339.
    pub(super) created_at: Option<String>,
    /// Whether it holds the memory.
    pub(super) with_memory: bool,
    /// Whether any of it is in a file of its own.
    pub(super) external: bool,
    /// The files that were made for it: overlays, and the memory.
    pub(super) files: Vec<String>,
    /// The disks as they were, by their target: the files that nobody writes any more where an overlay took over.
    pub(super) disks: Vec<SnapshotDisk>,
}

/// A disk of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SnapshotDisk {
    /// Its name in the guest.
    pub(super) target: String,
    /// Where its content at that time is; none when the document does not tell.
    pub(super) path: Option<String>,
    /// The format of that.
    pub(super) format: Option<String>,
    /// Whether the state is inside that file, and only the hypervisor can take it out.
    pub(super) internal: bool,
}

impl SnapshotFacts {
    /// The facts of a `<domainsnapshot>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let snapshot = Tree::parse(xml)?;
        let text = |name: &str| snapshot.child(name).map(Tree::text).filter(|text| !text.is_empty());
        let memory = snapshot.child("memory");
        let memory_kind = memory.and_then(|memory| memory.attribute("snapshot")).unwrap_or("no");
        let disks = || {
            ["disks", "revertDisks"]
                .into_iter()
                .filter_map(|name| snapshot.child(name))
        };
        let external = |disk: &&Tree| disk.attribute("snapshot") == Some("external");
        let overlays = disks().flat_map(Tree::children).filter(external).filter_map(source_of);
        let memory_file = memory.and_then(|memory| memory.attribute("file"));
        let files: Vec<String> = overlays.chain(memory_file).map(str::to_owned).collect();
        let created = text("creationTime").and_then(|seconds| seconds.parse().ok());
        Some(Self {
            name: text("name")?,
            parent: snapshot
                .child("parent")
                .and_then(|parent| parent.child("name"))
                .map(Tree::text),
            description: text("description"),
            created_at: created.and_then(time_of_seconds),
            with_memory: memory_kind != "no" || matches!(text("state").as_deref(), Some("running" | "paused")),
            external: memory_kind == "external" || disks().flat_map(Tree::children).any(|disk| external(&disk)),
            files,
            disks: snapshot_disks(&snapshot),
        })
    }
}

fn source_of(disk: &Tree) -> Option<&str> {
    let source = disk.child("source")?;
    source.attribute("file").or_else(|| source.attribute("dev"))
}

/// The disks of the VM's definition at that time, each with how it was saved.
fn snapshot_disks(snapshot: &Tree) -> Vec<SnapshotDisk> {
    let saved = |target: &str| {
        let mut disks = snapshot.child("disks").into_iter().flat_map(Tree::children);
        let disk = disks.find(|disk| disk.attribute("name") == Some(target))?;
        disk.attribute("snapshot")
    };
    let devices = snapshot.child("domain").and_then(|domain| domain.child("devices"));
    let disks = devices.into_iter().flat_map(Tree::children);
    let disks = disks.filter(|disk| disk.name() == "disk" && matches!(disk.attribute("device"), None | Some("disk")));
    disks
        .filter_map(|disk| {
            let target = disk.child("target")?.attribute("dev")?.to_owned();
            Some(SnapshotDisk {
                path: source_of(disk).map(str::to_owned),
                format: disk
                    .child("driver")
                    .and_then(|driver| driver.attribute("type"))
                    .map(str::to_owned),
                internal: saved(&target) == Some("internal"),
                target,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_external_snapshot_names_its_files_and_what_they_stand_on() {
        let xml = "<domainsnapshot><name>s1</name><description>a &amp; b</description><state>running</state><parent><name>s0</name></parent>\
            <creationTime>1770000000</creationTime><memory snapshot='external' file='/p/m.mem'/>\
            <disks><disk name='vda' snapshot='external' type='file'><driver type='qcow2'/><source file='/p/o.s1'/></disk>\
            <disk name='sda' snapshot='no'/></disks><revertDisks><disk name='vda' snapshot='external'><source file='/p/o.2'/></disk></revertDisks>\
            <domain type='kvm'><name>n</name><devices><disk type='file' device='disk'><driver type='raw'/><source file='/p/o'/>\
            <target dev='vda'/></disk><disk type='file' device='cdrom'><source file='/p/i'/><target dev='sda'/></disk></devices></domain>\
            </domainsnapshot>";
        let expected = SnapshotFacts {
            name: "s1".into(),
            parent: Some("s0".into()),
            description: Some("a & b".into()),
            created_at: Some("2026-02-02T02:40:00Z".into()),
            with_memory: true,
            external: true,
            files: vec!["/p/o.s1".into(), "/p/o.2".into(), "/p/m.mem".into()],
            disks: vec![SnapshotDisk {
                target: "vda".into(),
                path: Some("/p/o".into()),
                format: Some("raw".into()),
                internal: false,
            }],
        };
        assert_eq!(SnapshotFacts::from_xml(xml).unwrap(), expected);
    }

    #[test]
    fn an_internal_snapshot_has_no_files_of_its_own() {
        let xml = "<domainsnapshot><name>s</name><state>shutoff</state><memory snapshot='no'/><disks><disk name='vda' snapshot='internal'/>\
            </disks><domain><devices><disk type='file'><source file='/p/o'/><target dev='vda'/></disk></devices></domain></domainsnapshot>";
        let facts = SnapshotFacts::from_xml(xml).unwrap();
        assert!(facts.files.is_empty() && !facts.external && !facts.with_memory);
        assert!(facts.disks[0].internal);
        assert!(SnapshotFacts::from_xml("<domainsnapshot/>").is_none() && SnapshotFacts::from_xml("x").is_none());
    }
}
