//! Looks at the beginning of an image: what it is, and whether it would be safe to keep on the host.
//!
//! QEMU opens what an image refers to. A qcow2 image with a backing file or an external data file would show the guest
//! any file of the host, so such images are refused; so are formats that can refer to other files and compressed files.
//! qcow2: <https://gitlab.com/qemu-project/qemu/-/blob/master/docs/interop/qcow2.rst>.

use crate::contract::Error;

/// How much of the beginning [`detect`] needs: the ISO 9660 identifier is the last thing that it looks at.
pub(super) const HEAD_BYTES: usize = 33 * 1024;

/// Where ISO 9660 has its identifier (ECMA-119 section 8.1: sector 16, second byte).
const ISO_IDENTIFIER: std::ops::Range<usize> = 32769..32774;

/// What an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ImageFormat {
    /// QEMU's own format; its disk has this size.
    Qcow2 {
        /// The size as a guest sees it.
        capacity_bytes: u64,
    },
    /// A CD-ROM image.
    Iso,
    /// The bytes of a disk.
    Raw,
}

impl ImageFormat {
    /// Its name in libvirt's volumes and in the contract.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Qcow2 { .. } => "qcow2",
            Self::Iso => "iso",
            Self::Raw => "raw",
        }
    }
}

/// Tells the format from the beginning of the content.
///
/// # Errors
/// `invalid-argument` for what cannot be kept, with the reason and what to do.
pub(super) fn detect(head: &[u8]) -> Result<ImageFormat, Error> {
    let refuse = |reason: String| Err(Error::invalid_argument("content", reason));
    if head.starts_with(b"QFI\xfb") {
        return detect_qcow2(head);
    }
    const REFUSED: [(usize, &[u8], &str); 10] = [
        (0, b"KDMV", "a VMDK image: convert it to qcow2"),
        (
            0,
            b"# Disk DescriptorFile",
            "a VMDK descriptor: convert the image to qcow2",
        ),
        (0x40, b"\x7f\x10\xda\xbe", "a VDI image: convert it to qcow2"),
        (0, b"vhdxfile", "a VHDX image: convert it to qcow2"),
        (0, b"conectix", "a VHD image: convert it to qcow2"),
        (0, b"QED\0", "a QED image: convert it to qcow2"),
        (0, b"\x1f\x8b", "compressed with gzip: unpack it"),
        (0, b"\xfd7zXZ\0", "compressed with xz: unpack it"),
        (0, b"\x28\xb5\x2f\xfd", "compressed with zstd: unpack it"),
        (0, b"BZh", "compressed with bzip2: unpack it"),
    ];
    for (offset, magic, what) in REFUSED {
        if head.get(offset..offset + magic.len()) == Some(magic) {
            return refuse(format!("the content is {what} first"));
        }
    }
    if head.is_empty() {
        return refuse("the content is empty".to_owned());
    }
    Ok(if head.get(ISO_IDENTIFIER) == Some(b"CD001".as_slice()) {
        ImageFormat::Iso
    } else {
        ImageFormat::Raw
    })
}

/// Offsets are those of the table "Header" in the specification; all numbers are big-endian.
fn detect_qcow2(head: &[u8]) -> Result<ImageFormat, Error> {
    const EXTERNAL_DATA_FILE: u64 = 1 << 2;
    let refuse = |reason: &str| Err(Error::invalid_argument("content", reason.to_owned()));
    let word = |at: usize| {
        head.get(at..at + 4)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u32::from_be_bytes)
    };
    let long = |at: usize| {
        head.get(at..at + 8)
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_be_bytes)
    };
    let (Some(version), Some(backing), Some(capacity_bytes)) = (word(4), long(8), long(24)) else {
        return refuse("the content is a qcow2 image that ends within its header");
    };
    if !(2..=3).contains(&version) {
        return refuse("the content is a qcow image of an unknown version: convert it to qcow2");
    }
    if backing != 0 {
        return refuse(
            "the content is a qcow2 image that needs another file under it: flatten it with `qemu-img convert` first",
        );
    }
    if version == 3 {
        match long(72) {
            None => return refuse("the content is a qcow2 image that ends within its header"),
            Some(features) if features & EXTERNAL_DATA_FILE != 0 => {
                return refuse(
                    "the content is a qcow2 image whose data is in another file: convert it with `qemu-img convert` first",
                );
            }
            Some(_) => {}
        }
    }
    Ok(ImageFormat::Qcow2 { capacity_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qcow2(version: u32, backing: u64, features: u64) -> Vec<u8> {
        let mut head = vec![0; 104];
        head[..4].copy_from_slice(b"QFI\xfb");
        head[4..8].copy_from_slice(&version.to_be_bytes());
        head[8..16].copy_from_slice(&backing.to_be_bytes());
        head[24..32].copy_from_slice(&(5_u64 << 30).to_be_bytes());
        head[72..80].copy_from_slice(&features.to_be_bytes());
        head
    }

    #[test]
    fn qcow2_raw_and_iso_are_told_apart() {
        assert_eq!(
            detect(&qcow2(3, 0, 0)).unwrap(),
            ImageFormat::Qcow2 {
                capacity_bytes: 5 << 30
            }
        );
        assert_eq!(detect(&qcow2(2, 0, u64::MAX)).unwrap().name(), "qcow2");
        let mut iso = vec![0; HEAD_BYTES];
        assert_eq!(detect(&iso).unwrap(), ImageFormat::Raw);
        iso[ISO_IDENTIFIER].copy_from_slice(b"CD001");
        assert_eq!(detect(&iso).unwrap(), ImageFormat::Iso);
    }

    #[test]
    fn an_image_that_refers_to_other_files_is_refused() {
        for (image, reason) in [
            (qcow2(3, 512, 0), "another file under it"),
            (qcow2(2, 512, 0), "another file under it"),
            (qcow2(3, 0, 4), "data is in another file"),
            (qcow2(1, 0, 0), "unknown version"),
            (qcow2(3, 0, 0)[..40].to_vec(), "ends within its header"),
            (b"QFI\xfb".to_vec(), "ends within its header"),
            (b"KDMV....".to_vec(), "VMDK"),
            (b"# Disk DescriptorFile\n".to_vec(), "VMDK descriptor"),
            (b"\xfd7zXZ\0...".to_vec(), "unpack it"),
            (Vec::new(), "empty"),
        ] {
            let error = detect(&image).unwrap_err();
            assert!(error.message.contains(reason), "{}", error.message);
        }
    }
}
