//! Whole processes: the command beside `virsh` and kcli.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stockade_test_support::kcli::Kcli;

use super::domains::Notes;
use super::{DOMAINS, RUNNING, expect_success, stockade, virsh};
use crate::Result;
use crate::command::time_process;
use crate::statistics::{Times, print_ratio};

const LISTS: usize = 30;
const KCLI_LISTS: usize = 5;
const CREATES: usize = 10;
const UPLOADS: usize = 10;
/// The image that is uploaded.
const IMAGE_MIB: usize = 512;

/// `list vm`, and what the process holds at most.
pub(super) fn list(home: &Path, kcli: &Kcli, notes: Notes) -> Result<()> {
    let ours = || stockade(home, &["list", "vm"]);
    let kcli = || {
        let mut command = Command::new(kcli.program("kcli"));
        command.env("HOME", home).args(["list", "vm"]);
        command
    };
    time_process(3, ours)?;
    let times = time_process(LISTS, ours)?;
    let what = format!(
        "libvirt list: {DOMAINS} domains, {RUNNING} running, notes {}, whole process",
        notes.name()
    );
    let peer = time_process(LISTS, || virsh(&["list", "--all"]))?;
    print_ratio(&what, "at most 0.7", &times, ("virsh list --all", &peer));
    let peer = time_process(KCLI_LISTS, kcli)?;
    print_ratio(&what, "at most 0.1", &times, ("kcli list vm", &peer));
    let peak = peak_mib(ours())?;
    crate::statistics::print_figure(
        &what,
        "peak resident memory",
        &format!("{peak:.1} MiB (goal: at most 30)"),
    );
    Ok(())
}

/// A VM with an overlay and a seed, not started, against an overlay and a definition.
pub(super) fn create(home: &Path, image: &Path) -> Result<()> {
    expect_success(stockade(
        home,
        &["create", "image", "base.qcow2", "--file", &image.to_string_lossy()],
    ))?;
    let mut number = 0;
    let ours = time_process(CREATES, || {
        number += 1;
        let name = format!("made-{number}");
        let arguments = [
            "create",
            "vm",
            &name,
            "--image",
            "base.qcow2",
            "--memory",
            "128m",
            "--ssh-key",
            KEY,
            "--no-start",
        ];
        stockade(home, &arguments)
    })?;
    let mut times = Vec::new();
    for number in 0..CREATES {
        let xml = home.join("virsh.xml");
        let volume = format!("virsh-{number}.qcow2");
        std::fs::write(
            &xml,
            format!(
                "<domain type='qemu'><name>virsh-{number}</name><memory unit='MiB'>128</memory><vcpu>1</vcpu>\
                 <os><type arch='x86_64' machine='q35'>hvm</type></os><devices><disk type='file' device='disk'>\
                 <driver name='qemu' type='qcow2'/><source file='/var/lib/libvirt/images/{volume}'/><target dev='vda' bus='virtio'/>\
                 </disk><interface type='network'><source network='default'/></interface></devices></domain>"
            ),
        )?;
        let began = Instant::now();
        let backing = [
            "--format",
            "qcow2",
            "--backing-vol",
            "base.qcow2",
            "--backing-vol-format",
            "qcow2",
        ];
        expect_success(virsh(
            &[&["vol-create-as", "default", &volume, "1G"], backing.as_slice()].concat(),
        ))?;
        expect_success(virsh(&["define", &xml.to_string_lossy()]))?;
        times.push(began.elapsed());
    }
    let theirs = Times::new(times);
    print_ratio(
        "libvirt create: overlay, seed and definition, whole process",
        "at most 1.3",
        &ours,
        ("virsh, without a seed", &theirs),
    );
    Ok(())
}

/// Any public key; nobody logs in.
const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJlbmNobWFya2JlbmNobWFya2JlbmNobWFya2JlbmNo bench";

/// An image of bytes that do not repeat.
pub(super) fn upload(home: &Path) -> Result<()> {
    let file = home.join("image.raw");
    let mut piece: Vec<u8> = (0_u32..1 << 18)
        .flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes())
        .collect();
    let mut image = std::fs::File::create(&file)?;
    for _ in 0..IMAGE_MIB {
        piece.rotate_left(4_099);
        image.write_all(&piece)?;
    }
    let path = file.to_string_lossy().into_owned();
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    let size = format!("{IMAGE_MIB}M");
    let mut upload_ours = || -> Result<()> {
        let began = Instant::now();
        expect_success(stockade(home, &["create", "image", "up.raw", "--file", &path]))?;
        ours.push(began.elapsed());
        expect_success(stockade(home, &["delete", "image", "up.raw", "--yes"]))
    };
    let mut upload_theirs = || -> Result<()> {
        let began = Instant::now();
        expect_success(virsh(&["vol-create-as", "default", "up.raw", &size, "--format", "raw"]))?;
        expect_success(virsh(&["vol-upload", "up.raw", &path, "--pool", "default"]))?;
        theirs.push(began.elapsed());
        expect_success(virsh(&["vol-delete", "up.raw", "--pool", "default"]))
    };
    // Whoever comes second finds the system still busy with what the first one wrote: they take turns.
    for turn in 0..UPLOADS {
        if turn % 2 == 0 {
            upload_ours()?;
            upload_theirs()?;
        } else {
            upload_theirs()?;
            upload_ours()?;
        }
    }
    print_ratio(
        &format!("libvirt upload: {IMAGE_MIB} MiB, whole process, times"),
        "at most 1.25, that is 0.8 of the rate",
        &Times::new(ours),
        ("virsh vol-upload", &Times::new(theirs)),
    );
    Ok(())
}

/// The most memory that a process held: `VmHWM` of proc_pid_status(5), read again and again until it has ended.
fn peak_mib(mut command: Command) -> Result<f64> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let mut peak = 0.0_f64;
    while child.try_wait()?.is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("VmHWM:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        peak = peak.max(kib.unwrap_or_default() / 1024.0);
        std::thread::sleep(Duration::from_micros(200));
    }
    Ok(peak)
}
