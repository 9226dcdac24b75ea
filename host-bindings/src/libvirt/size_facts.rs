//! What a definition says about a VM's size, and a definition with another one.

use roxmltree::{Document, Node};

use super::edit::{Edit, child};

/// A VM's size (<https://libvirt.org/formatdomain.html#cpu-allocation>, `#memory-allocation`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct SizeFacts {
    /// CPUs that it has.
    pub(super) cpus: u32,
    /// CPUs that there is room for.
    pub(super) cpus_max: u32,
    /// CPUs that its sockets, cores and threads hold, when they are arranged.
    pub(super) topology: Option<u32>,
    /// Memory in KiB, its modules included.
    pub(super) memory_kib: u64,
    /// Memory in KiB that there is room for.
    pub(super) memory_max_kib: u64,
    /// The number of its NUMA cells.
    pub(super) numa_cells: usize,
}

impl SizeFacts {
    /// The size in a `<domain>` document.
    pub(super) fn from_xml(xml: &str) -> Option<Self> {
        let document = Document::parse(xml).ok()?;
        let domain = document.root_element();
        let vcpu = child(domain, "vcpu")?;
        let cpus_max = vcpu.text()?.trim().parse().ok()?;
        let cpu = child(domain, "cpu");
        let numa = cpu.and_then(|cpu| child(cpu, "numa"));
        let memory_kib = kib(child(domain, "memory")?)?;
        Some(Self {
            cpus: match vcpu.attribute("current") {
                Some(current) => current.parse().ok()?,
                None => cpus_max,
            },
            cpus_max,
            topology: cpu.and_then(|cpu| child(cpu, "topology")).and_then(product),
            memory_kib,
            memory_max_kib: child(domain, "maxMemory").and_then(kib).unwrap_or(memory_kib),
            numa_cells: numa.map_or(0, |numa| {
                numa.children().filter(|node| node.has_tag_name("cell")).count()
            }),
        })
    }
}

/// Memory in KiB; libvirt always prints its own documents in KiB.
fn kib(node: Node<'_, '_>) -> Option<u64> {
    node.text()?.trim().parse().ok()
}

fn product(topology: Node<'_, '_>) -> Option<u32> {
    ["sockets", "dies", "clusters", "cores", "threads"]
        .into_iter()
        .filter_map(|name| topology.attribute(name))
        .try_fold(1_u32, |product, value| product.checked_mul(value.parse().ok()?))
}

/// The definition with this much memory, all of it in its only NUMA cell.
pub(super) fn with_memory(xml: &str, kib: u64) -> Option<String> {
    let document = Document::parse(xml).ok()?;
    let domain = document.root_element();
    let cell = child(child(child(domain, "cpu")?, "numa")?, "cell")?;
    let mut edit = Edit::new(xml);
    edit.replace(cell.attribute_node("memory")?.range_value(), kib.to_string());
    for name in ["memory", "currentMemory"] {
        if let Some(text) = child(domain, name).and_then(|node| node.first_child()) {
            edit.replace(text.range(), kib.to_string());
        }
    }
    edit.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const XML: &str = "<domain><memory unit='KiB'>1048576</memory><currentMemory unit='KiB'>524288</currentMemory>\
        <maxMemory slots='16' unit='KiB'>4194304</maxMemory><vcpu placement='static' current='2'>8</vcpu>\
        <cpu><topology sockets='2' dies='1' cores='2' threads='2'/><numa><cell id='0' cpus='0-7' memory='1048576' unit='KiB'/></numa></cpu>\
        <devices><memory model='dimm'/></devices></domain>";

    #[test]
    fn the_size_is_read_with_its_room() {
        let expected = SizeFacts {
            cpus: 2,
            cpus_max: 8,
            topology: Some(8),
            memory_kib: 1 << 20,
            memory_max_kib: 4 << 20,
            numa_cells: 1,
        };
        assert_eq!(SizeFacts::from_xml(XML).unwrap(), expected);
        let plain = SizeFacts::from_xml("<domain><memory>512</memory><vcpu>3</vcpu></domain>").unwrap();
        assert_eq!(
            (plain.cpus, plain.cpus_max, plain.memory_max_kib, plain.topology),
            (3, 3, 512, None)
        );
        assert_eq!(SizeFacts::from_xml("<domain/>"), None);
    }

    #[test]
    fn other_memory_changes_the_cell_and_nothing_else() {
        let changed = with_memory(XML, 2048).unwrap();
        let expected = XML
            .replace("memory='1048576'", "memory='2048'")
            .replace(">1048576<", ">2048<")
            .replace(">524288<", ">2048<");
        assert_eq!(changed, expected);
    }
}
