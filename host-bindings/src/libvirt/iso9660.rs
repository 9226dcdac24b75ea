//! Writes a small ISO 9660 image with Joliet names: one flat directory of files, for cloud-init seeds.
//!
//! Layout in sectors of 2048 bytes: 16 unused, primary descriptor, Joliet descriptor, terminator, four path tables, two
//! root directories, files. Formats: ECMA-119 and the Joliet specification. Dates are fixed so that the same files give
//! the same bytes. Does not do subdirectories, Rock Ridge, or files above 4 GiB.

/// Bytes in a sector (ECMA-119 section 6.1.2).
const SECTOR: usize = 2048;
/// Where the files begin: after descriptors (16-18), path tables (19-22) and root directories (23, 24).
const FIRST_FILE_SECTOR: usize = 25;
const PRIMARY_ROOT_SECTOR: usize = 23;
const JOLIET_ROOT_SECTOR: usize = 24;
/// 2020-01-01 00:00:00 UTC in a directory record (ECMA-119 section 9.1.5).
const RECORD_DATE: [u8; 7] = [120, 1, 1, 0, 0, 0, 0];
/// The path table of a volume with only a root directory (ECMA-119 section 9.4): ten bytes.
const PATH_TABLE_BYTES: usize = 10;

/// One file of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IsoFile {
    /// Its name: lower-case letters and hyphens, at most 30 characters.
    pub(super) name: &'static str,
    /// Its content.
    pub(super) content: Vec<u8>,
}

/// The two trees of an image: the plain one and the one with long names that Linux and Windows prefer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tree {
    Primary,
    Joliet,
}

impl Tree {
    const fn root_sector(self) -> usize {
        match self {
            Self::Primary => PRIMARY_ROOT_SECTOR,
            Self::Joliet => JOLIET_ROOT_SECTOR,
        }
    }

    /// The sector of the little-endian path table; the big-endian one follows it.
    const fn path_table_sector(self) -> usize {
        match self {
            Self::Primary => 19,
            Self::Joliet => 21,
        }
    }

    fn file_name(self, name: &str) -> Vec<u8> {
        match self {
            Self::Primary => format!("{};1", name.to_ascii_uppercase().replace('-', "_")).into_bytes(),
            Self::Joliet => utf16_big_endian(name),
        }
    }

    /// Text padded to the width of a descriptor's field.
    fn padded(self, text: &str, width: usize) -> Vec<u8> {
        let (mut bytes, filler) = match self {
            Self::Primary => (text.as_bytes().to_vec(), b" ".as_slice()),
            Self::Joliet => (utf16_big_endian(text), [0, b' '].as_slice()),
        };
        while bytes.len() + filler.len() <= width {
            bytes.extend_from_slice(filler);
        }
        bytes.resize(width, 0);
        bytes
    }
}

/// An image with this volume label and these files. The label is at most 16 characters.
pub(super) fn write(label: &str, files: &[IsoFile]) -> Vec<u8> {
    let mut sorted: Vec<&IsoFile> = files.iter().collect();
    sorted.sort_by_key(|file| file.name);
    let mut sector = FIRST_FILE_SECTOR;
    let mut placed = Vec::new();
    for file in sorted {
        placed.push((file, sector));
        sector += file.content.len().div_ceil(SECTOR);
    }
    let mut image = vec![0; sector * SECTOR];
    for (index, tree) in [Tree::Primary, Tree::Joliet].into_iter().enumerate() {
        put(&mut image, 16 + index, &descriptor(tree, label, sector));
        let table = tree.path_table_sector();
        put(&mut image, table, &path_table(tree, u32::to_le_bytes, u16::to_le_bytes));
        put(
            &mut image,
            table + 1,
            &path_table(tree, u32::to_be_bytes, u16::to_be_bytes),
        );
        put(&mut image, tree.root_sector(), &root_directory(tree, &placed));
    }
    put(&mut image, 18, b"\xffCD001\x01");
    for (file, at) in placed {
        put(&mut image, at, &file.content);
    }
    image
}

fn put(image: &mut [u8], sector: usize, bytes: &[u8]) {
    let start = sector * SECTOR;
    image[start..start + bytes.len()].copy_from_slice(bytes);
}

/// A volume descriptor (ECMA-119 sections 8.4 and 8.5).
fn descriptor(tree: Tree, label: &str, sectors: usize) -> Vec<u8> {
    let mut bytes = vec![if tree == Tree::Joliet { 2 } else { 1 }];
    bytes.extend_from_slice(b"CD001\x01\0");
    bytes.extend(tree.padded("", 32));
    bytes.extend(tree.padded(label, 32));
    bytes.extend([0; 8]);
    bytes.extend(both_endian_32(sectors));
    let mut escapes = [0; 32];
    if tree == Tree::Joliet {
        // UCS-2 level 3 (Joliet specification, "Escape Sequences").
        escapes[..3].copy_from_slice(b"%/E");
    }
    bytes.extend(escapes);
    bytes.extend(both_endian_16(1));
    bytes.extend(both_endian_16(1));
    bytes.extend(both_endian_16(SECTOR));
    bytes.extend(both_endian_32(PATH_TABLE_BYTES));
    let table = tree.path_table_sector();
    bytes.extend(narrow(table).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(narrow(table + 1).to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend(record(&[0], tree.root_sector(), SECTOR, true));
    // Volume set, publisher, preparer, application; then copyright, abstract and bibliographic file.
    for width in [128, 128, 128, 128, 37, 37, 37] {
        bytes.extend(tree.padded("", width));
    }
    for _ in 0..2 {
        bytes.extend_from_slice(b"2020010100000000\0");
    }
    for _ in 0..2 {
        bytes.extend_from_slice(b"0000000000000000\0");
    }
    bytes.push(1);
    bytes
}

fn path_table(tree: Tree, wide: fn(u32) -> [u8; 4], short: fn(u16) -> [u8; 2]) -> Vec<u8> {
    let mut bytes = vec![1, 0];
    bytes.extend(wide(narrow(tree.root_sector())));
    bytes.extend(short(1));
    bytes.extend([0, 0]);
    bytes
}

fn root_directory(tree: Tree, files: &[(&IsoFile, usize)]) -> Vec<u8> {
    let mut bytes = record(&[0], tree.root_sector(), SECTOR, true);
    bytes.extend(record(&[1], tree.root_sector(), SECTOR, true));
    for (file, sector) in files {
        bytes.extend(record(&tree.file_name(file.name), *sector, file.content.len(), false));
    }
    bytes
}

/// A directory record (ECMA-119 section 9.1).
fn record(name: &[u8], sector: usize, length: usize, directory: bool) -> Vec<u8> {
    let padding = usize::from(name.len().is_multiple_of(2));
    let total = 33 + name.len() + padding;
    let mut bytes = vec![byte(total), 0];
    bytes.extend(both_endian_32(sector));
    bytes.extend(both_endian_32(length));
    bytes.extend(RECORD_DATE);
    bytes.extend([if directory { 2 } else { 0 }, 0, 0]);
    bytes.extend(both_endian_16(1));
    bytes.push(byte(name.len()));
    bytes.extend_from_slice(name);
    bytes.resize(total, 0);
    bytes
}

fn both_endian_32(value: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&narrow(value).to_le_bytes());
    bytes[4..].copy_from_slice(&narrow(value).to_be_bytes());
    bytes
}

fn both_endian_16(value: usize) -> [u8; 4] {
    let value = u16::try_from(value).unwrap_or(u16::MAX);
    let ([a, b], [c, d]) = (value.to_le_bytes(), value.to_be_bytes());
    [a, b, c, d]
}

fn narrow(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

fn byte(value: usize) -> u8 {
    u8::try_from(value).unwrap_or(u8::MAX)
}

fn utf16_big_endian(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> Vec<IsoFile> {
        vec![
            IsoFile {
                name: "user-data",
                content: b"#cloud-config\n".to_vec(),
            },
            IsoFile {
                name: "meta-data",
                content: vec![b'x'; SECTOR * 3 + 1],
            },
            IsoFile {
                name: "network-config",
                content: Vec::new(),
            },
        ]
    }

    /// The file's content as a reader that follows the Joliet tree finds it.
    fn read_joliet(image: &[u8], wanted: &str) -> Option<Vec<u8>> {
        let descriptor = &image[17 * SECTOR..];
        assert_eq!(&descriptor[..6], b"\x02CD001");
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap()) as usize;
        let mut at = number(&descriptor[156 + 2..]) * SECTOR;
        while image[at] != 0 {
            let name = &image[at + 33..at + 33 + usize::from(image[at + 32])];
            if name == utf16_big_endian(wanted) {
                let start = number(&image[at + 2..]) * SECTOR;
                return Some(image[start..start + number(&image[at + 10..])].to_vec());
            }
            at += usize::from(image[at]);
        }
        None
    }

    #[test]
    fn every_file_reads_back_through_the_joliet_tree() {
        let image = write("cidata", &files());
        for file in files() {
            assert_eq!(read_joliet(&image, file.name), Some(file.content), "{}", file.name);
        }
        assert_eq!(read_joliet(&image, "vendor-data"), None);
    }

    #[test]
    fn the_label_is_where_a_reader_looks_for_it() {
        let image = write("cidata", &files());
        assert_eq!(&image[16 * SECTOR + 40..16 * SECTOR + 47], b"cidata ");
        assert!(image.len().is_multiple_of(SECTOR));
    }

    #[test]
    fn the_same_files_in_another_order_give_the_same_bytes() {
        let mut reversed = files();
        reversed.reverse();
        assert_eq!(write("cidata", &files()), write("cidata", &reversed));
    }
}
