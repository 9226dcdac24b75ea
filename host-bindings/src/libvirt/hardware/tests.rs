//! One golden document for each option of a VM's hardware, judged by libvirt's schema, and what is refused.
//!
//! After a wanted change, `STOCKADE_WRITE_GOLDEN=1` writes the documents anew; read the difference before committing it.

use super::*;
use crate::contract::{ErrorKind, OptionEntry, OptionValue, VmSpec};
use crate::libvirt::capabilities::CpuModel;
use crate::libvirt::create::golden_definition;
use crate::libvirt::domain_xml::DiskSource;
use crate::libvirt::options::{Options, describe};
use crate::libvirt::request::VmRequest;
use crate::libvirt::schema_check;

fn text(value: &str) -> OptionValue {
    OptionValue::Text(value.to_owned())
}

fn list(values: &[&str]) -> OptionValue {
    OptionValue::TextList(values.iter().map(|value| (*value).to_owned()).collect())
}

const YES: OptionValue = OptionValue::Boolean(true);
const NO: OptionValue = OptionValue::Boolean(false);

fn number(value: i32) -> OptionValue {
    OptionValue::Integer(value)
}

fn platform(machine: &str) -> Platform {
    let is_arm = machine == "virt";
    Platform {
        domain_type: if is_arm { "qemu" } else { "kvm" }.to_owned(),
        architecture: if is_arm { "aarch64" } else { "x86_64" }.to_owned(),
        machine: Some(machine.to_owned()),
        cpu: CpuModel::Mode(if is_arm { "maximum" } else { "host-passthrough" }),
        emulator: None,
        vendor: Some("Intel".to_owned()),
    }
}

fn connection() -> Options {
    let entries = [
        ("shared_folders", list(&["/srv"])),
        ("allow_pci_devices", YES),
        ("allow_qemu_arguments", YES),
    ];
    Options::from_entries(&entries.map(|(name, value)| entry(name, value))).unwrap()
}

fn entry(name: &str, value: OptionValue) -> OptionEntry {
    OptionEntry {
        name: name.to_owned(),
        value,
    }
}

fn request(options: Vec<(&str, OptionValue)>, connection: &Options) -> Result<VmRequest, Error> {
    let spec: VmSpec = serde_json::from_value(serde_json::json!({
        "name": "web", "cpus": 4, "memory_mib": 1024, "start": false, "autostart": false,
        "disks": [{ "size_gib": 1, "bus": "scsi" }, { "size_gib": 1 }],
        "nics": [{ "mac": "52:54:00:00:00:01" }],
    }))
    .unwrap();
    let options = options.into_iter().map(|(name, value)| entry(name, value)).collect();
    VmRequest::from_spec(VmSpec { options, ..spec }, connection)
}

fn xml(machine: &str, options: Vec<(&str, OptionValue)>) -> Result<String, Error> {
    let request = request(options, &connection())?;
    let platform = platform(machine);
    request.hardware.check(&platform)?;
    let media = request.hardware.boot.media.iter().map(|name| DiskSource {
        path: format!("/pool/{name}"),
        is_block_device: false,
        format: "raw".to_owned(),
    });
    Ok(golden_definition(&request, platform, media.collect()).to_xml())
}

/// A document's name, its machine, and its options.
type Case = (&'static str, &'static str, Vec<(&'static str, OptionValue)>);

/// For each document: its name, which is the option's, the machine, and the options.
#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case> {
    let q35 = |name, value| (name, "q35", vec![(name, value)]);
    let uefi = || ("firmware", text("uefi"));
    vec![
        q35("cpus_max", number(8)),
        (
            "cpu_sockets",
            "q35",
            vec![("cpu_sockets", number(2)), ("cpu_threads", number(2))],
        ),
        ("cpu_cores", "q35", vec![("cpu_cores", number(4))]),
        ("cpu_threads", "q35", vec![("cpu_threads", number(4))]),
        q35("cpu_features", list(&["pcid", "-svm", "optional:avx2"])),
        q35("nested", NO),
        q35("cpu_pins", list(&["0-1=2,4", "3=5"])),
        q35("emulator_pin", text("0-1")),
        q35("io_threads", number(2)),
        q35("cpu_shares", number(2048)),
        q35("cpu_limit_percent", number(50)),
        q35("memory_max_mib", number(4096)),
        q35(
            "numa_cells",
            list(&[
                "cpus=0+2,memory=256,distances=10/20",
                "cpus=1+3,memory=768,distances=20/10",
            ]),
        ),
        (
            "numa_mode",
            "q35",
            vec![("numa_mode", text("preferred")), ("numa_nodes", text("0"))],
        ),
        q35("numa_nodes", text("0-1")),
        q35("hugepages", text("2M")),
        q35("memory_source", text("file")),
        q35("memory_shared", YES),
        q35("memory_locked", YES),
        q35("balloon", NO),
        q35("firmware", text("uefi")),
        ("secure_boot", "q35", vec![uefi(), ("secure_boot", YES)]),
        (
            "loader",
            "q35",
            vec![uefi(), ("loader", text("/usr/share/OVMF/OVMF_CODE_4M.fd"))],
        ),
        (
            "nvram_template",
            "q35",
            vec![
                uefi(),
                ("loader", text("/usr/share/OVMF/OVMF_CODE_4M.ms.fd")),
                ("nvram_template", text("/usr/share/OVMF/OVMF_VARS_4M.ms.fd")),
                ("secure_boot", YES),
            ],
        ),
        (
            "boot_order",
            "q35",
            vec![
                ("boot_order", list(&["media", "nic0", "disk1"])),
                ("media", list(&["a.iso", "b.iso"])),
            ],
        ),
        q35("boot_menu_seconds", number(10)),
        q35("media", list(&["a.iso"])),
        q35("kernel", text("/pool/vmlinuz")),
        (
            "initrd",
            "q35",
            vec![("kernel", text("/pool/vmlinuz")), ("initrd", text("/pool/initrd"))],
        ),
        (
            "cmdline",
            "q35",
            vec![
                ("kernel", text("/pool/vmlinuz")),
                ("cmdline", text("console=ttyS0 quiet")),
            ],
        ),
        q35("clock", text("timezone:Europe/Prague")),
        q35("timers", list(&["hpet=no", "rtc=catchup", "pit=delay", "kvmclock=yes"])),
        q35("hyperv", YES),
        q35("kvm_hidden", YES),
        q35("pmu", NO),
        q35("pae", YES),
        q35("rng", text("hwrng")),
        q35("tpm", text("2.0")),
        (
            "tpm_model",
            "q35",
            vec![("tpm", text("1.2")), ("tpm_model", text("tis"))],
        ),
        q35("watchdog", text("itco")),
        (
            "watchdog_action",
            "q35",
            vec![("watchdog", text("i6300esb")), ("watchdog_action", text("inject-nmi"))],
        ),
        q35("iommu", text("intel")),
        ("iommu-arm", "virt", vec![("iommu", text("smmuv3"))]),
        q35("graphics", text("spice")),
        q35("graphics_listen", text("127.0.0.1")),
        q35("graphics_password", text("secret")),
        q35("video", text("virtio")),
        q35("serial", text("tcp:127.0.0.1:4555")),
        q35("console_log", YES),
        q35("pci_devices", list(&["0000:3b:00.0"])),
        q35(
            "shared_folders",
            list(&["source=/srv/data,tag=data", "source=/srv,tag=all,driver=9p,read_only"]),
        ),
        q35("qemu_arguments", list(&["-device", "edu,id='x'"])),
        q35(
            "disk_options",
            list(&[
                "0:cache=none,io=native,discard=ignore,serial=root-1,wwn=5000c50015ea71ad,solid_state,iops=500",
                "1:read_only",
            ]),
        ),
        q35(
            "nic_options",
            list(&["0:mtu=9000,queues=4,filter=clean-traffic,unplugged"]),
        ),
        q35("ignition", text("{\"ignition\": {\"version\": \"3.4.0\"}}")),
        q35("uuid", text("AAAAAAAA-2222-4333-8444-555555555555")),
    ]
}

#[test]
fn every_option_is_written_as_agreed_and_valid_by_libvirts_own_schema() {
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/libvirt/golden");
    for (name, machine, options) in cases() {
        let xml = xml(machine, options).unwrap_or_else(|error| panic!("{name}: {error}"));
        schema_check::check("domain", &xml);
        let path = directory.join(format!("vm-{name}.xml"));
        if std::env::var_os("STOCKADE_WRITE_GOLDEN").is_some() {
            std::fs::write(&path, &xml).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(xml, golden, "{name}: {} differs", path.display());
    }
}

#[test]
fn every_option_has_its_document_and_changes_it() {
    let plain = xml("q35", vec![]).unwrap();
    let names: Vec<&str> = cases().iter().map(|(name, ..)| *name).collect();
    let options = describe().spec_options;
    let of_vm = options
        .into_iter()
        .find(|options| options.noun == "vm")
        .unwrap()
        .options;
    // What four of these choose from is the host's: `capabilities` has their tests, and `request` that of the template.
    for option in of_vm.iter().filter(|option| {
        !matches!(
            &*option.name,
            "arch" | "emulator" | "machine" | "cpu_model" | "user_data_template"
        )
    }) {
        assert!(names.contains(&&*option.name), "{} has no document", option.name);
    }
    for (name, machine, options) in cases() {
        if machine == "q35" && name != "console_log" {
            assert_ne!(xml(machine, options).unwrap(), plain, "{name} changes nothing");
        }
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn what_does_not_fit_is_refused_by_its_option() {
    let uefi = || ("firmware", text("uefi"));
    let cell = |text: &str| vec![("numa_cells", list(&[text]))];
    for (field, options) in [
        ("cpus_max", vec![("cpus_max", number(2))]),
        ("cpu_sockets", vec![("cpu_sockets", number(3))]),
        (
            "cpu_sockets",
            vec![("cpu_sockets", number(65536)), ("cpu_cores", number(65536))],
        ),
        ("cpu_features", vec![("cpu_features", list(&["need:vmx"]))]),
        ("cpu_features", vec![("cpu_features", list(&["a'b"]))]),
        ("cpu_pins", vec![("cpu_pins", list(&["4=0"]))]),
        ("cpu_pins", vec![("cpu_pins", list(&["0=1", "0=2"]))]),
        ("emulator_pin", vec![("emulator_pin", text("all"))]),
        ("cpu_shares", vec![("cpu_shares", number(1))]),
        ("cpu_limit_percent", vec![("cpu_limit_percent", number(101))]),
        ("memory_max_mib", vec![("memory_max_mib", number(512))]),
        ("numa_cells", cell("cpus=0-3,memory=512")),
        ("numa_cells", cell("cpus=0-2,memory=1024")),
        ("numa_cells", cell("cpus=0-4,memory=1024")),
        ("numa_cells", cell("memory=1024")),
        ("numa_cells", cell("cpus=0-3,memory=1024,distances=20")),
        ("numa_cells", cell("cpus=0-3,memory=1024,colour=red")),
        ("numa_mode", vec![("numa_mode", text("strict"))]),
        (
            "memory_source",
            vec![("memory_source", text("anonymous")), ("hugepages", text("1G"))],
        ),
        ("hugepages", vec![("hugepages", text("3M"))]),
        ("secure_boot", vec![("secure_boot", YES)]),
        ("loader", vec![uefi(), ("loader", text("/etc/shadow"))]),
        ("loader", vec![uefi(), ("loader", text("/usr/share/../../etc/shadow"))]),
        ("nvram_template", vec![uefi(), ("nvram_template", text("/usr/share/x"))]),
        ("boot_order", vec![("boot_order", list(&["disk2"]))]),
        ("boot_order", vec![("boot_order", list(&["media"]))]),
        ("boot_order", vec![("boot_order", list(&["disk", "disk0"]))]),
        ("boot_menu_seconds", vec![("boot_menu_seconds", number(66))]),
        ("initrd", vec![("initrd", text("x"))]),
        ("cmdline", vec![("cmdline", text("x"))]),
        ("clock", vec![("clock", text("timezone:"))]),
        ("clock", vec![("clock", text("mars"))]),
        ("timers", vec![("timers", list(&["hpet"]))]),
        ("timers", vec![("timers", list(&["hpet=no", "hpet=yes"]))]),
        ("tpm_model", vec![("tpm_model", text("crb"))]),
        ("tpm_model", vec![("tpm_model", text("crb")), ("tpm", text("1.2"))]),
        ("watchdog_action", vec![("watchdog_action", text("reset"))]),
        ("watchdog", vec![("watchdog", text("diag288"))]),
        ("iommu", vec![("iommu", text("smmuv3"))]),
        ("graphics_listen", vec![("graphics_listen", text("0.0.0.0"))]),
        ("graphics_listen", vec![("graphics_listen", text("localhost"))]),
        (
            "graphics_password",
            vec![("graphics_password", text("longer-than-eight"))],
        ),
        (
            "graphics_password",
            vec![("graphics_password", text("x")), ("graphics", text("none"))],
        ),
        ("serial", vec![("serial", text("tcp:0.0.0.0:4555"))]),
        ("console_log", vec![("console_log", YES), ("serial", text("none"))]),
        ("pci_devices", vec![("pci_devices", list(&["eth0"]))]),
        (
            "shared_folders",
            vec![("shared_folders", list(&["source=/srv/../etc,tag=x"]))],
        ),
        ("shared_folders", vec![("shared_folders", list(&["source=/srv"]))]),
        ("disk_options", vec![("disk_options", list(&["2:cache=none"]))]),
        (
            "disk_options",
            vec![("disk_options", list(&["0:cache=none", "0:io=native"]))],
        ),
        ("disk_options", vec![("disk_options", list(&["0:iops=many"]))]),
        ("iops", vec![("disk_options", list(&["0:iops=0"]))]),
        ("nic_options", vec![("nic_options", list(&["1:mtu=1500"]))]),
        ("uuid", vec![("uuid", text("x"))]),
        ("ignition", vec![("ignition", text("variant: fcos"))]),
        ("ignition", vec![("ignition", text("{}"))]),
        ("user_data_template", vec![("user_data_template", YES)]),
        ("colour", vec![("colour", text("red"))]),
        ("balloon", vec![("balloon", text("no"))]),
    ] {
        let error = xml("q35", options.clone()).unwrap_err();
        assert_eq!(
            error.kind,
            ErrorKind::InvalidArgument(field.to_owned()),
            "{options:?}: {error}"
        );
    }
    for (field, options) in [
        ("secure_boot", vec![uefi(), ("secure_boot", YES)]),
        ("iommu", vec![("iommu", text("intel"))]),
        ("watchdog", vec![("watchdog", text("itco"))]),
    ] {
        assert_eq!(
            xml("pc", options).unwrap_err().kind,
            ErrorKind::InvalidArgument(field.to_owned())
        );
    }
    for (field, options) in [
        ("firmware", vec![("firmware", text("bios"))]),
        ("hyperv", vec![("hyperv", YES)]),
        ("nested", vec![("nested", YES)]),
    ] {
        assert_eq!(
            xml("virt", options).unwrap_err().kind,
            ErrorKind::InvalidArgument(field.to_owned())
        );
    }
}

#[test]
fn what_reaches_beyond_the_vm_needs_the_operators_word() {
    let strict = Options::from_entries(&[]).unwrap();
    for options in [
        vec![("shared_folders", list(&["source=/srv/data,tag=x"]))],
        vec![("pci_devices", list(&["3b:00.0"]))],
        vec![("qemu_arguments", list(&["-S"]))],
    ] {
        let error = request(options, &strict).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Denied, "{error}");
        assert!(error.message.contains("operator"), "{error}");
    }
    let error = request(vec![("shared_folders", list(&["source=/etc,tag=x"]))], &connection()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied);
    assert!(Options::from_entries(&[entry("shared_folders", list(&["srv"]))]).is_err());
}

#[test]
fn a_password_is_in_no_debug_output() {
    let ignition = text("{\"ignition\": {\"version\": \"3.4.0\"}, \"x\": \"hush\"}");
    let options = vec![("graphics_password", text("hush-123")), ("ignition", ignition)];
    let request = request(options, &connection()).unwrap();
    assert!(!format!("{request:?}").contains("hush"), "{request:?}");
}
