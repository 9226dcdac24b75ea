//! Memory: room for more, cells, huge pages, what backs it, the balloon.

use std::collections::BTreeSet;

use crate::contract::{Error, OptionSchema};
use crate::libvirt::element::Element;
use crate::libvirt::keyed::Keyed;
use crate::libvirt::option_reader::OptionReader;
use crate::libvirt::options::{flag, list, number, text};

use super::{Size, cpu, cpu_set};

/// Memory modules that a vm with room for more memory can get.
const SLOTS: &str = "16";
const MODES: [&str; 4] = ["strict", "preferred", "interleave", "restrictive"];
const SOURCES: [&str; 3] = ["anonymous", "file", "memfd"];
/// Sizes of huge pages that x86 and ARM have (Linux's Documentation/admin-guide/mm/hugetlbpage.rst).
const PAGES: [&str; 7] = ["default", "64K", "2M", "16M", "32M", "512M", "1G"];
/// The distance of a cell to itself (ACPI 6.5, section 5.2.17, SLIT), and the largest.
const DISTANCES: std::ops::RangeInclusive<u32> = 10..=255;

/// The memory beyond its size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::libvirt) struct Memory {
    max_mib: Option<u32>,
    cells: Vec<Cell>,
    mode: Option<&'static str>,
    host_nodes: Option<BTreeSet<u32>>,
    pages: Option<&'static str>,
    source: Option<&'static str>,
    shared: bool,
    locked: bool,
    no_balloon: bool,
}

/// One NUMA cell of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    cpus: BTreeSet<u32>,
    memory_mib: u32,
    distances: Vec<u32>,
}

impl Memory {
    pub(super) fn schemas() -> Vec<OptionSchema> {
        vec![
            number(
                "memory_max_mib",
                "memory in MiB that the running vm has room for: so much can be plugged without a restart",
            ),
            list(
                "numa_cells",
                "the guest's NUMA cells, one text each: `cpus=0-1,memory=1024,distances=10/20`; memory in MiB, distances to \
                 each cell in order; `+` joins ranges of cpus",
            ),
            text(
                "numa_mode",
                None,
                &MODES,
                "how the guest's memory is taken from the host's nodes in `numa_nodes`",
            ),
            text(
                "numa_nodes",
                None,
                &[],
                "the host's NUMA nodes that the guest's memory comes from: `0` or `0-1`",
            ),
            text(
                "hugepages",
                None,
                &PAGES,
                "the size of the host's pages that back the guest's memory; the host must have set them aside",
            ),
            text("memory_source", None, &SOURCES, "what backs the guest's memory"),
            flag(
                "memory_shared",
                None,
                "whether other processes of the host may map the guest's memory, as virtiofs needs it",
            ),
            flag("memory_locked", None, "whether the guest's memory is never swapped out"),
            flag(
                "balloon",
                Some(true),
                "whether the guest can give memory back while it runs",
            ),
        ]
    }

    pub(super) fn read(options: &mut OptionReader, size: Size, cpus: u32) -> Result<Self, Error> {
        let mut memory = Self {
            max_mib: options.count("memory_max_mib")?,
            cells: options
                .list("numa_cells")?
                .iter()
                .map(|text| read_cell(text))
                .collect::<Result<_, _>>()?,
            mode: options.choice("numa_mode", &MODES)?,
            host_nodes: options
                .text("numa_nodes")?
                .map(|text| cpu::read_set("numa_nodes", &text))
                .transpose()?,
            pages: options.choice("hugepages", &PAGES)?,
            source: options.choice("memory_source", &SOURCES)?,
            shared: options.flag("memory_shared")?.unwrap_or(false),
            locked: options.flag("memory_locked")?.unwrap_or(false),
            no_balloon: !options.flag("balloon")?.unwrap_or(true),
        };
        memory.check_cells(size, cpus)?;
        if memory.max_mib.is_some_and(|max| max < size.memory_mib) {
            let message = format!("memory_max_mib is less than the {} MiB of the vm", size.memory_mib);
            return Err(Error::invalid_argument("memory_max_mib", message));
        }
        if memory.mode.is_some() && memory.host_nodes.is_none() {
            return Err(Error::invalid_argument("numa_mode", "numa_mode goes with `numa_nodes`"));
        }
        if memory.pages.is_some() && memory.source.is_some_and(|source| source == "anonymous") {
            return Err(Error::invalid_argument(
                "memory_source",
                "huge pages are not anonymous memory",
            ));
        }
        if memory.max_mib.is_some() && memory.cells.is_empty() {
            // Modules are plugged into a cell; without one QEMU has nowhere to put them.
            memory.cells.push(Cell {
                cpus: (0..cpus).collect(),
                memory_mib: size.memory_mib,
                distances: Vec::new(),
            });
        }
        Ok(memory)
    }

    fn check_cells(&self, size: Size, cpus: u32) -> Result<(), Error> {
        if self.cells.is_empty() {
            return Ok(());
        }
        let refuse = |message: String| Err(Error::invalid_argument("numa_cells", message));
        let sum: u64 = self.cells.iter().map(|cell| u64::from(cell.memory_mib)).sum();
        if sum != u64::from(size.memory_mib) {
            return refuse(format!(
                "the cells have {sum} MiB together, and the vm has {}",
                size.memory_mib
            ));
        }
        let mut placed = BTreeSet::new();
        for number in self.cells.iter().flat_map(|cell| &cell.cpus) {
            if *number >= cpus || !placed.insert(*number) {
                return refuse(format!("cpu {number} is in two cells, or the vm does not have it"));
            }
        }
        if placed.len() != usize::try_from(cpus).unwrap_or(usize::MAX) {
            return refuse(format!(
                "the cells hold {} cpus, and the vm has room for {cpus}",
                placed.len()
            ));
        }
        for (index, cell) in self.cells.iter().enumerate() {
            let fits = cell.distances.is_empty()
                || cell.distances.len() == self.cells.len()
                    && cell.distances.iter().enumerate().all(|(other, distance)| {
                        DISTANCES.contains(distance) && (other == index) == (*distance == *DISTANCES.start())
                    });
            if !fits {
                return refuse(format!(
                    "cell {index} has one distance for each cell, 10 to itself and 11 to 255 to the others"
                ));
            }
        }
        Ok(())
    }

    /// The elements of the domain.
    pub(in crate::libvirt) fn elements(&self, memory_mib: u32, must_share: bool) -> Vec<Element> {
        let mib = |name, mib: u32| Element::new(name).attribute("unit", "MiB").text(mib.to_string());
        let max = self.max_mib.map(|max| {
            Element::new("maxMemory")
                .attribute("slots", SLOTS)
                .attribute("unit", "MiB")
                .text(max.to_string())
        });
        max.into_iter()
            .chain([mib("memory", memory_mib)])
            .chain(self.backing(must_share))
            .chain(self.tune())
            .collect()
    }

    fn backing(&self, must_share: bool) -> Option<Element> {
        let page = |size: &'static str| {
            let unit = if size.ends_with('K') {
                "KiB"
            } else if size.ends_with('G') {
                "GiB"
            } else {
                "MiB"
            };
            Element::new("page")
                .attribute("size", size.trim_end_matches(['K', 'M', 'G']))
                .attribute("unit", unit)
        };
        let pages = self
            .pages
            .map(|size| Element::new("hugepages").children((size != "default").then(|| page(size))));
        let shared = self.shared || must_share;
        // Memory that can be shared is a file of some kind; this one needs no directory.
        let source = self.source.or((shared && self.pages.is_none()).then_some("memfd"));
        let children: Vec<Element> = pages
            .into_iter()
            .chain(source.map(|source| Element::new("source").attribute("type", source)))
            .chain(shared.then(|| Element::new("access").attribute("mode", "shared")))
            .chain(self.locked.then(|| Element::new("locked")))
            .collect();
        (!children.is_empty()).then(|| Element::new("memoryBacking").children(children))
    }

    fn tune(&self) -> Option<Element> {
        let nodes = self.host_nodes.as_ref()?;
        let memory = Element::new("memory")
            .attribute("mode", self.mode.unwrap_or("strict"))
            .attribute("nodeset", cpu_set::print(nodes));
        Some(Element::new("numatune").child(memory))
    }

    /// The cells, which stand in the `<cpu>` element.
    pub(in crate::libvirt) fn numa(&self) -> Option<Element> {
        let cells = self.cells.iter().enumerate().map(|(id, cell)| {
            let siblings = cell.distances.iter().enumerate().map(|(id, distance)| {
                Element::new("sibling")
                    .attribute("id", id.to_string())
                    .attribute("value", distance.to_string())
            });
            let distances =
                (!cell.distances.is_empty()).then(|| Element::new("distances").children(siblings.collect::<Vec<_>>()));
            Element::new("cell")
                .attribute("id", id.to_string())
                .attribute("cpus", cpu_set::print(&cell.cpus))
                .attribute("memory", cell.memory_mib.to_string())
                .attribute("unit", "MiB")
                .children(distances)
        });
        (!self.cells.is_empty()).then(|| Element::new("numa").children(cells.collect::<Vec<_>>()))
    }

    /// The balloon, where it should not be; libvirt adds one otherwise.
    pub(in crate::libvirt) fn balloon(&self) -> Option<Element> {
        self.no_balloon
            .then(|| Element::new("memballoon").attribute("model", "none"))
    }
}

fn read_cell(text: &str) -> Result<Cell, Error> {
    let mut keyed = Keyed::parse("numa_cells", text)?;
    let cpus =
        cpu_set::parse(keyed.required("cpus")?).ok_or_else(|| keyed.refused("`cpus` is not a set like `0-1+4`"))?;
    let memory_mib = match keyed.number("memory")? {
        Some(memory) if memory > 0 => memory,
        _ => return Err(keyed.refused("`memory` is missing: the cell's memory in MiB")),
    };
    let distances = match keyed.take("distances") {
        None => Some(Vec::new()),
        Some(text) => text.split('/').map(|part| part.parse().ok()).collect(),
    };
    let Some(distances) = distances else {
        return Err(keyed.refused("`distances` are numbers like `10/20`"));
    };
    keyed.finish()?;
    Ok(Cell {
        cpus,
        memory_mib,
        distances,
    })
}
