//! Arguments for QEMU that libvirt does not know (<https://libvirt.org/kbase/qemu-passthrough-security.html>).
//!
//! With them a caller can read any file that QEMU may read, so they are refused unless the connection allows them.

use crate::contract::{Error, ErrorKind, OptionSchema};
use crate::libvirt::element::Element;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::list;

use super::Allowed;

/// The namespace of QEMU's elements in a definition.
const NAMESPACE: &str = "http://libvirt.org/schemas/domain/qemu/1.0";

/// The arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct QemuArguments(Vec<String>);

impl QemuArguments {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![list(
            "qemu_arguments",
            "arguments to hand to QEMU, one text each; the connection's option `allow_qemu_arguments` must allow it",
        )]
    }

    pub(super) fn read(options: &mut OptionReader, allowed: &Allowed) -> Result<Self, Error> {
        let arguments = options.list("qemu_arguments")?;
        if !arguments.is_empty() && !allowed.qemu_arguments {
            let message = "arguments for QEMU are not allowed on this connection: its operator can set the connection's option \
                           `allow_qemu_arguments`";
            return Err(Error::new(ErrorKind::Denied, message));
        }
        Ok(Self(arguments))
    }

    /// The value of `xmlns:qemu`, when it is needed, and the elements.
    pub(in crate::libvirt) fn element(&self) -> Option<(&'static str, Element)> {
        let arguments = self
            .0
            .iter()
            .map(|value| Element::new("qemu:arg").attribute("value", value));
        let element =
            (!self.0.is_empty()).then(|| Element::new("qemu:commandline").children(arguments.collect::<Vec<_>>()))?;
        Some((NAMESPACE, element))
    }
}
