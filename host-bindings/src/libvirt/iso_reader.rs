//! Reads the files of a small ISO 9660 image with Joliet names, as cloud-init seeds are: ours and those that genisoimage,
//! mkisofs and xorrisofs make. Only the root directory, only from memory; an image that says something else than it has
//! gives less, never a panic. Formats: ECMA-119 sections 8 and 9, and the Joliet specification.

/// Bytes in a sector (ECMA-119 section 6.1.2).
const SECTOR: usize = 2048;
/// The first volume descriptor's sector (ECMA-119 section 6.7.1).
const FIRST_DESCRIPTOR: usize = 16;
/// More descriptors than any image has.
const DESCRIPTORS_MAX: usize = 16;

/// The files in the root directory, by their Joliet names; empty when there is no Joliet tree.
pub(super) fn read(image: &[u8]) -> Vec<(String, Vec<u8>)> {
    let Some(descriptor) = joliet_descriptor(image) else {
        return Vec::new();
    };
    // The root directory's record (ECMA-119 section 8.5.19).
    let Some((_, directory, _)) = descriptor.get(156..).and_then(|record| entry(image, record)) else {
        return Vec::new();
    };
    let mut files = Vec::new();
    let mut at = 0;
    while let Some(rest) = directory.get(at..) {
        match rest.first() {
            None => break,
            // Records do not cross sectors; the rest of one is zero.
            Some(0) => at = (at / SECTOR + 1) * SECTOR,
            Some(length) => {
                if let Some((name, content, false)) = entry(image, rest) {
                    files.push((name, content.to_vec()));
                }
                at += usize::from(*length);
            }
        }
    }
    files
}

fn joliet_descriptor(image: &[u8]) -> Option<&[u8]> {
    (FIRST_DESCRIPTOR..FIRST_DESCRIPTOR + DESCRIPTORS_MAX)
        .map_while(|sector| image.get(sector * SECTOR..(sector + 1) * SECTOR))
        .take_while(|descriptor| descriptor.get(1..6) == Some(b"CD001".as_slice()) && descriptor.first() != Some(&255))
        .find(|descriptor| {
            let escape = descriptor.get(88..91);
            descriptor.first() == Some(&2) && matches!(escape, Some(b"%/@" | b"%/C" | b"%/E"))
        })
}

/// The name, the content and whether it is a directory, of a directory record (ECMA-119 section 9.1).
fn entry<'a>(image: &'a [u8], record: &[u8]) -> Option<(String, &'a [u8], bool)> {
    let number = |at: usize| {
        let bytes = record.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let start = number(2)?.checked_mul(SECTOR)?;
    let content = image.get(start..start.checked_add(number(10)?)?)?;
    let is_directory = record.get(25)? & 2 != 0;
    let length = usize::from(*record.get(32)?);
    let name = record.get(33..33 + length)?;
    let units = name.chunks_exact(2).map(|unit| u16::from_be_bytes([unit[0], unit[1]]));
    let name: String = char::decode_utf16(units)
        .map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    // Some writers add a version (ECMA-119 section 7.5.1).
    let name = name.strip_suffix(";1").unwrap_or(&name).to_owned();
    Some((name, content, is_directory))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::libvirt::iso9660::{self, IsoFile};

    #[test]
    fn what_we_write_reads_back() {
        let image = iso9660::write(
            "cidata",
            &[
                IsoFile {
                    name: "user-data",
                    content: b"#cloud-config\n".repeat(300),
                },
                IsoFile {
                    name: "meta-data",
                    content: b"instance-id: x\n".to_vec(),
                },
            ],
        );
        let mut files = read(&image);
        files.sort();
        assert_eq!(files[0], ("meta-data".to_owned(), b"instance-id: x\n".to_vec()));
        assert_eq!((files[1].0.as_str(), files[1].1.len()), ("user-data", 14 * 300));
        assert_eq!(files.len(), 2);
    }

    #[test]
    fn an_image_that_is_cut_or_lies_gives_less_and_ends() {
        let image = iso9660::write(
            "cidata",
            &[IsoFile {
                name: "user-data",
                content: b"x".to_vec(),
            }],
        );
        assert!(read(&[]).is_empty() && read(&vec![0; 100_000]).is_empty());
        for end in (0..image.len()).step_by(512) {
            read(&image[..end]);
        }
        for at in 17 * SECTOR..image.len() {
            let mut changed = image.clone();
            changed[at] = 0xff;
            read(&changed);
        }
    }
}
