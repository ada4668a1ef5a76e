//! PNG files as bytes.

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};

const SMALL: (CompressionType, FilterType) = (CompressionType::Best, FilterType::Adaptive);
const QUICK: (CompressionType, FilterType) = (CompressionType::Fast, FilterType::Up);

fn encode(
    width: usize,
    height: usize,
    bytes: &[u8],
    colour: ExtendedColorType,
    (how, filter): (CompressionType, FilterType),
) -> Result<Vec<u8>, ImageError> {
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, how, filter).write_image(bytes, width as u32, height as u32, colour)?;
    Ok(file)
}

/// Red, green, blue, as small as it goes.
pub(crate) fn rgb(width: usize, height: usize, bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    encode(width, height, bytes, ExtendedColorType::Rgb8, SMALL)
}

/// Red, green, blue, alpha, as small as it goes.
pub(crate) fn rgba(width: usize, height: usize, bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    encode(width, height, bytes, ExtendedColorType::Rgba8, SMALL)
}

/// Red, green, blue, quickly.
pub(crate) fn quick_rgb(width: usize, height: usize, bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    encode(width, height, bytes, ExtendedColorType::Rgb8, QUICK)
}

/// One channel of 16 bits, quickly.
pub(crate) fn quick_grey16(width: usize, height: usize, values: &[u16]) -> Result<Vec<u8>, ImageError> {
    let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_ne_bytes()).collect();
    encode(width, height, &bytes, ExtendedColorType::L16, QUICK)
}

/// One channel of 8 bits of flat areas, quickly.
pub(crate) fn grey8(width: usize, height: usize, bytes: &[u8]) -> Result<Vec<u8>, ImageError> {
    encode(width, height, bytes, ExtendedColorType::L8, (CompressionType::Fast, FilterType::Up))
}
