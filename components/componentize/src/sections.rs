//! Leaving out what no host reads: the names of functions, and which tools made them. A trap is told by its kind, so that
//! nobody misses them, and they are a tenth of a component.

use wasmparser::{BinaryReaderError, Parser, Payload};

/// The custom sections that only debuggers and statistics read: `name` of the core specification's appendix, its
/// counterpart of components, and <https://github.com/WebAssembly/tool-conventions/blob/main/ProducersSection.md>.
const UNREAD: [&str; 3] = ["name", "component-name", "producers"];

/// A module or a component without those of its sections. What is nested in it stays as it is.
pub(crate) fn without_names(binary: &[u8]) -> Result<Vec<u8>, BinaryReaderError> {
    let mut kept = Vec::with_capacity(binary.len());
    // How many modules and components the payload is inside of, and where the next section of the outermost one begins.
    let (mut depth, mut begin) = (0_u32, 0);
    for payload in Parser::new(0).parse_all(binary) {
        let payload = payload?;
        let end = match &payload {
            Payload::Version { range, .. } => {
                depth += 1;
                Some(range.end)
            }
            Payload::End(_) => {
                depth = depth.saturating_sub(1);
                None
            }
            // A nested module or component is a section too.
            section => section.as_section().map(|(_, range)| range.end),
        };
        let Some(end) = end.filter(|_| depth == 1).and_then(|end| usize::try_from(end).ok()) else {
            continue;
        };
        let is_read = !matches!(&payload, Payload::CustomSection(custom) if UNREAD.contains(&custom.name()));
        if is_read {
            kept.extend_from_slice(binary.get(begin..end).unwrap_or_default());
        }
        begin = end;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A custom section of this name and content.
    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let length = |length: usize| u8::try_from(length).expect("short");
        let mut section = vec![0, length(1 + name.len() + content.len()), length(name.len())];
        section.extend(name.as_bytes());
        section.extend(content);
        section
    }

    #[test]
    fn names_and_producers_are_left_out_and_everything_else_stays() {
        let head = crate::CORE_MODULE_PREAMBLE;
        // One type: a function without parameters and results.
        let types = [1, 4, 1, 0x60, 0, 0];
        let declared = custom("component-type:x", b"kept");
        let whole = [
            head,
            &custom("producers", &[0]),
            &types,
            &declared,
            &custom("name", &[]),
        ]
        .concat();
        let rest = without_names(&whole).expect("a module");
        assert_eq!(rest, [head, &types, &declared].concat());
        assert_eq!(without_names(&rest).expect("a module"), rest);
    }

    #[test]
    fn what_is_nested_in_a_component_stays_as_it_is() {
        let module = [crate::CORE_MODULE_PREAMBLE, &custom("name", &[])].concat();
        let head = crate::COMPONENT_PREAMBLE;
        let nested = [vec![1, u8::try_from(module.len()).expect("short")], module].concat();
        let whole = [
            head,
            &custom("component-name", &[]),
            &nested,
            &custom("producers", &[0]),
        ]
        .concat();
        assert_eq!(without_names(&whole).expect("a component"), [head, &nested].concat());
    }

    #[test]
    fn half_a_section_is_an_error() {
        let half = [crate::CORE_MODULE_PREAMBLE, &[1, 4, 1]].concat();
        assert!(without_names(&half).is_err());
    }
}
