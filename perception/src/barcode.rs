//! Barcodes in a picture.

use thiserror::Error;
use zxingcpp::{BarcodeFormat, ImageFormat, ImageView};

/// Pixels of a side of a picture, at most.
const SIDE_MOST: usize = 20_000;
/// Side of the parts in which a larger picture is read once more, pixels: the reader looks along a limited number of lines.
const PART: usize = 640;

/// The kinds of code that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbology {
    /// EAN-13, and UPC-A as 13 digits of which the first is 0.
    Ean13,
    /// Code 128.
    Code128,
    /// Data Matrix.
    DataMatrix,
    /// QR Code.
    Qr,
}

/// A code that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BarcodeRead {
    /// What it says.
    pub text: String,
    /// Its kind.
    pub symbology: Symbology,
    /// Its four corners, pixels, from the upper left of the code as it is meant to be read.
    pub corners: [[i32; 2]; 4],
}

/// Why a picture was not read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BarcodeError {
    /// The picture's parts don't fit each other.
    #[error(
        "picture of {width} × {height} pixels has {found} grey bytes; must have one a pixel, 1 to {SIDE_MOST} pixels a side"
    )]
    Size {
        /// Width, pixels.
        width: usize,
        /// Height, pixels.
        height: usize,
        /// Bytes there are.
        found: usize,
    },
    /// The reader failed.
    #[error("barcode reader: {why}")]
    Reader {
        /// What it said.
        why: String,
    },
}

/// Every code in a grey picture (row-major, a byte a pixel): EAN-13, UPC-A, Code 128, Data Matrix and QR, at any turn and
/// either polarity, with right check digits, ordered by text. The same picture gives the same codes. A large picture is
/// read as a whole and in parts that overlap, so that what is small in it is not missed.
///
/// # Errors
/// [`BarcodeError`].
pub fn read_barcodes(grey: &[u8], width: usize, height: usize) -> Result<Vec<BarcodeRead>, BarcodeError> {
    let size = BarcodeError::Size { width, height, found: grey.len() };
    if !(1..=SIDE_MOST).contains(&width) || !(1..=SIDE_MOST).contains(&height) || grey.len() != width * height {
        return Err(size);
    }
    let mut codes = read_part(grey, width, [0, 0, width, height])?;
    for y in starts(height) {
        for x in starts(width) {
            if width > PART || height > PART {
                codes.extend(read_part(grey, width, [x, y, PART.min(width), PART.min(height)])?);
            }
        }
    }
    codes.sort_by(|a, b| a.text.cmp(&b.text).then(a.symbology.cmp(&b.symbology)));
    codes.dedup_by(|a, b| a.text == b.text && a.symbology == b.symbology);
    Ok(codes)
}

/// Where the parts of a side begin: every half part, the last at the end.
fn starts(side: usize) -> impl Iterator<Item = usize> {
    let last = side.saturating_sub(PART);
    (0..last.div_ceil(PART / 2) + 1).map(move |k| (k * PART / 2).min(last))
}

/// The codes of a part of a picture: its left upper corner, width and height.
fn read_part(grey: &[u8], row: usize, [x, y, width, height]: [usize; 4]) -> Result<Vec<BarcodeRead>, BarcodeError> {
    let reader = |error: zxingcpp::Error| BarcodeError::Reader { why: error.to_string() };
    let part: Vec<u8> =
        grey.chunks_exact(row).skip(y).take(height).flat_map(|row| &row[x..x + width]).copied().collect();
    let picture = ImageView::from_slice(&part, width, height, ImageFormat::Lum).map_err(reader)?;
    let wanted = [
        BarcodeFormat::EAN13,
        BarcodeFormat::UPCA,
        BarcodeFormat::Code128,
        BarcodeFormat::DataMatrix,
        BarcodeFormat::QRCode,
    ];
    let found = zxingcpp::read().formats(wanted).try_harder(true).try_rotate(true).try_invert(true).from(picture);
    let codes = found.map_err(reader)?;
    let codes = codes.iter().filter(|code| code.is_valid()).filter_map(|code| {
        let mut text = code.text();
        let symbology = match code.format() {
            BarcodeFormat::EAN13 | BarcodeFormat::UPCA => {
                // UPC-A is EAN-13 whose first digit is 0 (GS1 General Specifications, 5.2.2).
                text.insert_str(0, &"0".repeat(13usize.saturating_sub(text.len())));
                Symbology::Ean13
            }
            BarcodeFormat::Code128 => Symbology::Code128,
            BarcodeFormat::DataMatrix => Symbology::DataMatrix,
            BarcodeFormat::QRCode | BarcodeFormat::QRCodeModel1 | BarcodeFormat::QRCodeModel2 => Symbology::Qr,
            _ => return None,
        };
        let at = code.position();
        let corners = [at.top_left, at.top_right, at.bottom_right, at.bottom_left];
        let corners = corners.map(|p| [p.x + x as i32, p.y + y as i32]);
        Some(BarcodeRead { text, symbology, corners })
    });
    Ok(codes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A symbol on a white sheet, `scale` pixels a module, turned by `turn` radians, darkened and with noise.
    fn sheet(format: BarcodeFormat, text: &str, scale: usize, turn: f64) -> (Vec<u8>, usize) {
        let code = zxingcpp::create(format).from_str(text).unwrap();
        let symbol = code.to_image_with(&zxingcpp::write().scale(scale as i32)).unwrap();
        let (w, h, data) = (symbol.width() as usize, symbol.height() as usize, symbol.data());
        let side = w.max(h) + 80;
        let mut grey = vec![0u8; side * side];
        let mut state = 3u32;
        for v in 0..side {
            for u in 0..side {
                let (x, y) = (u as f64 - 0.5 * side as f64, v as f64 - 0.5 * side as f64);
                let (sin, cos) = turn.sin_cos();
                let (sx, sy) = (cos * x + sin * y + 0.5 * w as f64, cos * y - sin * x + 0.5 * h as f64);
                let inside = sx >= 0.0 && sy >= 0.0 && sx < w as f64 && sy < h as f64;
                let ink = if inside { data[sy as usize * w + sx as usize] } else { 255 };
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                grey[v * side + u] = (40 + u32::from(ink) / 2 + (state >> 28)) as u8;
            }
        }
        (grey, side)
    }

    #[test]
    fn codes_of_each_kind_are_read_at_any_turn() {
        let check = |format, text: &str, scale: usize, turn: f64, expected: (Symbology, &str)| {
            let (grey, side) = sheet(format, text, scale, turn);
            let found = read_barcodes(&grey, side, side).unwrap();
            assert_eq!(found.len(), 1, "{text}: {found:?}");
            assert_eq!((found[0].symbology, found[0].text.as_str()), expected);
            assert!(found[0].corners.iter().flatten().all(|&c| (0..side as i32).contains(&c)));
        };
        check(BarcodeFormat::EAN13, "8607549050460", 2, 0.0, (Symbology::Ean13, "8607549050460"));
        check(BarcodeFormat::EAN13, "8607549050460", 3, 0.3, (Symbology::Ean13, "8607549050460"));
        check(BarcodeFormat::EAN13, "8607549050460", 2, 3.1, (Symbology::Ean13, "8607549050460"));
        check(BarcodeFormat::UPCA, "036000291452", 2, 1.57, (Symbology::Ean13, "0036000291452"));
        check(BarcodeFormat::Code128, "TOTE-0042", 2, 0.0, (Symbology::Code128, "TOTE-0042"));
        check(BarcodeFormat::DataMatrix, "nuthatch 7", 4, 0.7, (Symbology::DataMatrix, "nuthatch 7"));
        check(BarcodeFormat::QRCode, "nuthatch 7", 4, 2.0, (Symbology::Qr, "nuthatch 7"));
    }

    #[test]
    fn a_small_code_in_a_large_picture_is_read_where_it_lies() {
        let (small, side) = sheet(BarcodeFormat::EAN13, "8607549050460", 2, 0.2);
        let (width, height) = (2400, 2000);
        for (x0, y0) in [(1700, 90), (555, 1400)] {
            let mut grey = vec![90u8; width * height];
            for (row, y) in small.chunks_exact(side).zip(y0..) {
                grey[y * width + x0..][..side].copy_from_slice(row);
            }
            let found = read_barcodes(&grey, width, height).unwrap();
            assert_eq!(found.len(), 1, "{found:?}");
            let inside =
                |[x, y]: [i32; 2]| x >= x0 as i32 && y >= y0 as i32 && x < (x0 + side) as i32 && y < (y0 + side) as i32;
            assert!(found[0].corners.into_iter().all(inside), "{found:?}");
        }
        assert_eq!(starts(640).collect::<Vec<_>>(), [0]);
        assert_eq!(starts(1000).collect::<Vec<_>>(), [0, 320, 360]);
    }

    #[test]
    fn a_picture_without_codes_has_none_and_one_of_another_size_is_refused() {
        assert_eq!(read_barcodes(&[128; 64 * 48], 64, 48).unwrap(), vec![]);
        let message = read_barcodes(&[0; 10], 64, 48).unwrap_err().to_string();
        assert_eq!(
            message,
            "picture of 64 × 48 pixels has 10 grey bytes; must have one a pixel, 1 to 20000 pixels a side"
        );
        assert!(read_barcodes(&[], 0, 0).is_err());
    }
}
