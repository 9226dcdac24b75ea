//! Tests of `snapshot_plan`: which kind is taken, its document, and what is refused.

use super::*;
use crate::libvirt::schema_check::check;

const DISK: &str =
    "<disk type='file' device='disk'><driver type='qcow2'/><source file='/p/web_0.img'/><target dev='vda'/></disk>";
const RAW: &str =
    "<disk type='file' device='disk'><driver type='raw'/><source file='/p/data'/><target dev='vdb'/></disk>";
const BLOCK: &str =
    "<disk type='block' device='disk'><driver type='raw'/><source dev='/dev/vg/x'/><target dev='vdc'/></disk>";
const CDROM: &str = "<disk type='file' device='cdrom'><source file='/p/web.ISO'/><target dev='sda'/><readonly/></disk>";
const STOPPED: VmState = VmState {
    active: false,
    has_internal: false,
    has_external: false,
};
const RUNNING: VmState = VmState {
    active: true,
    ..STOPPED
};

fn spec(with_memory: bool, quiesce: bool) -> SnapshotSpec {
    SnapshotSpec {
        name: "it's <s>".into(),
        description: Some("a & b".into()),
        with_memory,
        quiesce,
    }
}

fn planned(os: &str, disks: &[&str], spec: &SnapshotSpec, state: VmState) -> Result<Plan, Error> {
    let xml = format!("<domain>{os}<devices>{}</devices></domain>", disks.concat());
    let plan = plan("web", &Tree::parse(&xml).unwrap(), spec, state).map_err(|fault| *fault.error)?;
    check("domainsnapshot", &plan.xml);
    Ok(plan)
}

#[test]
fn snapshots_are_inside_the_disks_when_they_can_be() {
    let efi = "<os firmware='efi'/>";
    let flash = "<os><loader type='pflash'>x</loader><nvram format='qcow2'>y</nvram></os>";
    for (os, disks, memory, state, external) in [
        ("", [DISK, CDROM], false, STOPPED, false),
        ("", [DISK, CDROM], true, RUNNING, false),
        ("", [DISK, CDROM], false, RUNNING, true),
        ("", [DISK, RAW], false, STOPPED, true),
        (efi, [DISK, CDROM], false, STOPPED, true),
        (flash, [DISK, CDROM], false, STOPPED, false),
        (
            "",
            [DISK, CDROM],
            false,
            VmState {
                has_external: true,
                ..STOPPED
            },
            true,
        ),
        (
            "",
            [DISK, CDROM],
            false,
            VmState {
                has_internal: true,
                ..STOPPED
            },
            false,
        ),
    ] {
        let plan = planned(os, &disks, &spec(memory, false), state).unwrap();
        assert_eq!(plan.external, external, "{os} {disks:?} {memory} {state:?}");
        assert_eq!(plan.files.is_empty(), !external);
    }
}

#[test]
fn one_beside_the_disks_names_a_file_for_each_and_leaves_media_alone() {
    let plan = planned(
        "",
        &[DISK, RAW, CDROM],
        &spec(true, false),
        VmState {
            has_external: true,
            ..RUNNING
        },
    )
    .unwrap();
    let files = [
        "/p/web_vda.it's <s>.img",
        "/p/web_vdb.it's <s>.img",
        "/p/web_vda.it's <s>.mem",
    ];
    assert_eq!(plan.files, files);
    let tree = Tree::parse(&plan.xml).unwrap();
    assert_eq!(tree.child("name").unwrap().text(), "it's <s>");
    let kinds: Vec<_> = tree
        .child("disks")
        .unwrap()
        .children()
        .map(|disk| disk.attribute("snapshot").unwrap())
        .collect();
    assert_eq!(kinds, ["external", "external", "no"]);
    assert_eq!(tree.child("memory").unwrap().attribute("file"), Some(files[2]));
}

#[test]
fn what_a_vm_or_its_disks_do_not_allow_is_refused() {
    let shared = DISK.replace("<target", "<shareable/><target");
    for (kind, disks, spec, state) in [
        ("invalid-argument", DISK, spec(true, true), RUNNING),
        ("conflict", DISK, spec(true, false), STOPPED),
        ("conflict", DISK, spec(false, true), STOPPED),
        ("conflict", shared.as_str(), spec(false, false), STOPPED),
        (
            "conflict",
            DISK,
            spec(false, false),
            VmState {
                has_internal: true,
                ..RUNNING
            },
        ),
        ("unsupported", BLOCK, spec(false, false), STOPPED),
        (
            "conflict",
            CDROM,
            spec(true, false),
            VmState {
                has_external: true,
                ..RUNNING
            },
        ),
    ] {
        let error = planned("", &[disks], &spec, state).unwrap_err();
        assert_eq!(error.kind.name(), kind, "{disks}: {error}");
    }
}
