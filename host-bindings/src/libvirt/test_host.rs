//! For tests: a host of libvirt's test driver that nobody else sees.

use std::io::Write as _;

use virt::connect::Connect;

use super::ffi::Owned;

/// A host with an active network `default` and an active directory pool `default` with one image, and what a test adds.
pub(super) struct TestHost {
    /// The connection.
    pub(super) connect: Owned<Connect>,
    _file: tempfile::NamedTempFile,
}

impl TestHost {
    /// A host; `more` is the XML of further things on it.
    pub(super) fn new(more: &str) -> Self {
        super::library::load().unwrap();
        virt::error::clear_error_callback();
        let mut file = tempfile::Builder::new().suffix(".xml").tempfile().unwrap();
        let xml = format!(
            "<node><cpu><mhz>2000</mhz><model>i686</model><active>2</active><nodes>1</nodes><sockets>1</sockets>\
             <cores>2</cores><threads>1</threads></cpu><memory>8000000</memory>\
             <network><name>default</name><bridge name='virbr0'/><forward/>\
             <ip address='192.168.122.1' netmask='255.255.255.0'><dhcp><range start='192.168.122.2' end='192.168.122.254'/></dhcp>\
             </ip></network><pool type='dir'><name>default</name><target><path>/default-pool</path></target>\
             <volume type='file'><name>base.qcow2</name><capacity unit='bytes'>2147483648</capacity>\
             <allocation unit='bytes'>0</allocation><target><path>/default-pool/base.qcow2</path><format type='qcow2'/></target>\
             </volume></pool>{more}</node>"
        );
        file.write_all(xml.as_bytes()).unwrap();
        let uri = format!("test://{}", file.path().display());
        Self {
            connect: Owned::new(Connect::open(Some(&uri)).unwrap()),
            _file: file,
        }
    }
}

/// A stopped VM with these disks (device, path), as XML for [`TestHost::new`].
pub(super) fn vm_xml(name: &str, disks: &[(&str, &str)], network: &str) -> String {
    let disks: String = (b'a'..)
        .zip(disks)
        .map(|(letter, (device, path))| {
            format!(
                "<disk type='file' device='{device}'><driver name='qemu' type='qcow2'/><source file='{path}'/>\
                 <target dev='vd{}'/></disk>",
                char::from(letter)
            )
        })
        .collect();
    format!(
        "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>{name}</name>\
         <memory unit='MiB'>64</memory><os><type>hvm</type></os><devices>{disks}<interface type='network'>\
         <mac address='52:54:00:00:00:01'/><source network='{network}'/></interface></devices><test:runstate>5</test:runstate></domain>"
    )
}
