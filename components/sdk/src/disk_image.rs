//! Looking at an image's content before it is sent: its format by its first or last bytes, its digest by all of them.

use sha2::{Digest as _, Sha256};

use crate::host::Blob;
use crate::types::{ByteSize, Error};

/// How many bytes the host gives at most at once.
const PIECE: u32 = 1 << 20;
/// A VHD ends with a footer, and begins with a copy of it unless it has a fixed size: "Virtual Hard Disk Image Format
/// Specification", <https://www.microsoft.com/en-us/download/details.aspx?id=23850>.
const FOOTER_BYTES: u32 = 512;
const FOOTER: &[u8] = b"conectix";

/// What formats begin with, and where: the formats of
/// <https://docs.openstack.org/glance/latest/user/formats.html> that have such a mark.
const MARKS: [(&str, usize, &[u8]); 6] = [
    ("qcow2", 0, b"QFI\xfb"),
    ("vmdk", 0, b"KDMV"),
    ("vhdx", 0, b"vhdxfile"),
    ("vhd", 0, FOOTER),
    ("vdi", 64, b"\x7f\x10\xda\xbe"),
    // ECMA-119, section 8.1.2: the first volume descriptor is sector 16.
    ("iso", 16 * 2048 + 1, b"CD001"),
];

/// The format of an image: what was given if the content agrees, what the content says otherwise.
///
/// # Errors
/// `invalid-argument` for `content` that is of another format, and what reading failed with.
pub fn format(given: Option<&str>, content: &impl Blob, doing: &str) -> Result<String, Error> {
    let head = content
        .read(ByteSize::from_bytes(0), 64 << 10)
        .map_err(|fault| fault.to_error(doing))?;
    let by_mark = MARKS
        .iter()
        .find(|(_, at, mark)| head.get(*at..).is_some_and(|rest| rest.starts_with(mark)))
        .map(|(format, _, _)| *format);
    let found = match by_mark {
        None if has_footer(content, doing)? => Some("vhd"),
        by_mark => by_mark,
    };
    match (given, found) {
        (None, found) => Ok(found.unwrap_or("raw").to_owned()),
        // Any content can be a raw disk, and what has no mark here is the vendor's to check.
        (Some("raw"), _) => Ok("raw".to_owned()),
        (Some(given), Some(found)) if given == found => Ok(given.to_owned()),
        (Some(given), None) if !MARKS.iter().any(|(format, _, _)| *format == given) => Ok(given.to_owned()),
        (Some(given), found) => {
            let message = format!(
                "while {doing}: the content is `{}`, not `{given}`",
                found.unwrap_or("raw")
            );
            Err(Error::invalid_argument("content", message))
        }
    }
}

/// Whether the content ends as a VHD of a fixed size does; never of a stream of unknown length.
fn has_footer(content: &impl Blob, doing: &str) -> Result<bool, Error> {
    let at = content
        .size()
        .and_then(|size| size.to_bytes().checked_sub(u64::from(FOOTER_BYTES)));
    let Some(at) = at else {
        return Ok(false);
    };
    let footer = content
        .read(ByteSize::from_bytes(at), FOOTER_BYTES)
        .map_err(|fault| fault.to_error(doing))?;
    Ok(footer.starts_with(FOOTER))
}

/// Checks a SHA-256 in lower-case hexadecimal digits.
///
/// # Errors
/// `invalid-argument` for `sha256` when the content has another one, and what reading failed with.
pub fn check_digest(expected: &str, content: &impl Blob, doing: &str) -> Result<(), Error> {
    let mut digest = Sha256::new();
    let mut offset = 0_u64;
    loop {
        let piece = content
            .read(ByteSize::from_bytes(offset), PIECE)
            .map_err(|fault| fault.to_error(doing))?;
        if piece.is_empty() {
            break;
        }
        offset += piece.len() as u64;
        digest.update(&piece);
    }
    let found: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    if found == expected {
        return Ok(());
    }
    let message = format!("while {doing}: the content's SHA-256 is `{found}`, not `{expected}`");
    Err(Error::invalid_argument("sha256", message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fake_host::FakeBlob;
    use crate::types::ErrorKind;

    fn of(given: Option<&str>, bytes: &[u8]) -> Result<String, ErrorKind> {
        format(given, &FakeBlob::new(bytes), "uploading").map_err(|error| error.kind)
    }

    #[test]
    fn a_format_is_recognised_by_its_mark() {
        let mut iso = vec![0; 40_000];
        iso[32_769..32_774].copy_from_slice(b"CD001");
        let wrong = || Err(ErrorKind::InvalidArgument("content".to_owned()));
        assert_eq!(of(None, b"QFI\xfb\0\0"), Ok("qcow2".to_owned()));
        assert_eq!(of(None, &iso), Ok("iso".to_owned()));
        assert_eq!(of(None, b""), Ok("raw".to_owned()));
        let mut fixed = vec![0; 4096];
        fixed[3584..3592].copy_from_slice(FOOTER);
        assert_eq!(of(None, &fixed), Ok("vhd".to_owned()));
        assert_eq!(of(Some("vhd"), &fixed), Ok("vhd".to_owned()));
        assert_eq!(of(Some("raw"), b"QFI\xfb"), Ok("raw".to_owned()));
        assert_eq!(of(Some("ami"), b"x"), Ok("ami".to_owned()));
        assert_eq!(of(Some("qcow2"), b"x"), wrong());
        assert_eq!(of(Some("vmdk"), b"QFI\xfb"), wrong());
        assert_eq!(of(Some("ami"), b"QFI\xfb"), wrong());
    }

    #[test]
    fn a_digest_is_of_all_bytes() {
        let content = FakeBlob::new(vec![7; (2 << 20) + 5]);
        let expected: String = Sha256::digest(content.bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(check_digest(&expected, &content, "uploading"), Ok(()));
        let error = check_digest(&"0".repeat(64), &content, "uploading").expect_err("another digest");
        assert_eq!(error.kind, ErrorKind::InvalidArgument("sha256".to_owned()));
        assert!(error.message.contains(&expected), "{}", error.message);
    }
}
