//! Pictures of screens: EC2 takes them as JPEG, and the contract's are PNG.
//!
//! Sources: <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_GetConsoleScreenshot.html>; PNG by
//! <https://www.w3.org/TR/png-3/>, in its plainest form: 8 bits for each of three colours, no filters.

use miniz_oxide::deflate::compress_to_vec_zlib;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// The largest picture that is taken apart, in pixels of each side: screens of EC2 are smaller, and a guest's memory is not
/// without end.
const MAX_SIDE: usize = 4096;
/// The bytes of a pixel.
const PIXEL: usize = 3;
/// How hard it is packed, of 10: a screen of text gets small at once.
const LEVEL: u8 = 6;
/// The first bytes of every PNG.
const SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// The same picture as PNG.
///
/// # Errors
/// Words about what is wrong with it.
pub(crate) fn png_of(jpeg: &[u8]) -> Result<Vec<u8>, String> {
    let options = DecoderOptions::default()
        .set_max_width(MAX_SIDE)
        .set_max_height(MAX_SIDE)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(jpeg), options);
    let pixels = decoder.decode().map_err(|error| format!("{error:?}"))?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    let side = |side: usize| u32::try_from(side).map_err(|_| "it is too large".to_owned());
    if width == 0 || pixels.len() != width * height * PIXEL {
        return Err(format!("{} bytes are no {width}x{height} pixels", pixels.len()));
    }
    let mut header = [side(width)?.to_be_bytes(), side(height)?.to_be_bytes()].concat();
    // Bits of a colour, red green blue, and the only compression, filters and order that there are.
    header.extend([8, 2, 0, 0, 0]);
    // Each row says first how it is filtered: not at all.
    let rows: Vec<u8> = pixels
        .chunks(width * PIXEL)
        .flat_map(|row| std::iter::once(&0).chain(row))
        .copied()
        .collect();
    let mut png = SIGNATURE.to_vec();
    let data = compress_to_vec_zlib(&rows, LEVEL);
    for (kind, content) in [(b"IHDR", &header), (b"IDAT", &data), (b"IEND", &Vec::new())] {
        png.extend(side(content.len())?.to_be_bytes());
        let begin = png.len();
        png.extend(kind);
        png.extend(content);
        // Of the kind and the content, not of the length.
        let sum = crc32fast::hash(png.get(begin..).unwrap_or_default());
        png.extend(sum.to_be_bytes());
    }
    Ok(png)
}

#[cfg(test)]
pub(crate) mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use miniz_oxide::inflate::decompress_to_vec_zlib;

    use super::*;

    /// 16 by 8 pixels: red on the left, blue on the right.
    pub(crate) const JPEG: &str = "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZGNywt\
        QFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT09PT0//\
        wAARCAAIABADASIAAhEBAxEB/8QAFgABAQEAAAAAAAAAAAAAAAAAAAQF/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/EABUBAQEAAAAAAAAAAAAAAAAAAAQF/8QA\
        GBEAAgMAAAAAAAAAAAAAAAAAAAVDgcH/2gAMAwEAAhEDEQA/AMNKCkikrR76O8P/2Q==";

    #[test]
    fn a_picture_keeps_its_size_and_colours() {
        let jpeg = STANDARD.decode(JPEG).expect("base64");
        let png = png_of(&jpeg).expect("a picture");
        assert!(png.starts_with(SIGNATURE) && png.ends_with(b"IEND\xaeB`\x82"));
        assert_eq!(png[12..24], *b"IHDR\0\0\0\x10\0\0\0\x08");
        let length = usize::try_from(u32::from_be_bytes(png[33..37].try_into().expect("four"))).expect("short");
        let rows = decompress_to_vec_zlib(&png[41..41 + length]).expect("data");
        assert_eq!(rows.len(), 8 * (1 + 16 * PIXEL));
        let pixel = |x: usize| &rows[1 + x * PIXEL..1 + (x + 1) * PIXEL];
        assert!(pixel(0)[0] > 150 && pixel(0)[2] < 100, "red: {:?}", pixel(0));
        assert!(pixel(15)[2] > 150 && pixel(15)[0] < 100, "blue: {:?}", pixel(15));
    }

    #[test]
    fn what_is_no_picture_is_an_error() {
        let jpeg = STANDARD.decode(JPEG).expect("base64");
        for broken in [&b""[..], b"<html>", &jpeg[..20]] {
            assert!(png_of(broken).is_err());
        }
    }
}
