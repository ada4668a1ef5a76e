//! Barcodes in a picture, and what one says of an item.

use scene::{Belief, Catalogue};
use thiserror::Error;
use zxingcpp::{BarcodeFormat, ImageFormat, ImageView};

/// How often a code that is read is not the item's own: misread in spite of its check digit, or its neighbour's (estimate;
/// a check digit alone lets one misread of ten through).
const ASTRAY: f64 = 1e-3;
/// The chance of a code that nobody has on file, for an item whose code nobody has on file.
const UNFILED: f64 = 0.5;
/// A belief of this much is strong: what speaks against it is told, whatever comes of it.
const STRONG: f64 = 0.99;
/// Pixels of a side of a picture, at most.
const SIDE_MOST: usize = 20_000;

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
/// either polarity, with right check digits, ordered by text. The same picture gives the same codes.
///
/// # Errors
/// [`BarcodeError`].
pub fn read_barcodes(grey: &[u8], width: usize, height: usize) -> Result<Vec<BarcodeRead>, BarcodeError> {
    let size = BarcodeError::Size { width, height, found: grey.len() };
    if !(1..=SIDE_MOST).contains(&width) || !(1..=SIDE_MOST).contains(&height) || grey.len() != width * height {
        return Err(size);
    }
    let reader = |error: zxingcpp::Error| BarcodeError::Reader { why: error.to_string() };
    let picture = ImageView::from_slice(grey, width, height, ImageFormat::Lum).map_err(reader)?;
    let wanted = [
        BarcodeFormat::EAN13,
        BarcodeFormat::UPCA,
        BarcodeFormat::Code128,
        BarcodeFormat::DataMatrix,
        BarcodeFormat::QRCode,
    ];
    let found = zxingcpp::read().formats(wanted).try_harder(true).try_rotate(true).try_invert(true).from(picture);
    let mut codes: Vec<BarcodeRead> = found
        .map_err(reader)?
        .iter()
        .filter(|code| code.is_valid())
        .filter_map(|code| {
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
            let corners = [at.top_left, at.top_right, at.bottom_right, at.bottom_left].map(|p| [p.x, p.y]);
            Some(BarcodeRead { text, symbology, corners })
        })
        .collect();
    codes.sort_by(|a, b| a.text.cmp(&b.text).then(a.symbology.cmp(&b.symbology)));
    codes.dedup_by(|a, b| a.text == b.text && a.symbology == b.symbology);
    Ok(codes)
}

/// What became of beliefs when a code was taken into them.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanEvidence {
    /// The beliefs, most likely first; they sum to 1.
    pub beliefs: Vec<Belief>,
    /// The code is not that of what was strongly believed (0.99 or more): a person should know, whichever of the two is
    /// right.
    pub contradicts: bool,
}

/// Takes a code into beliefs by Bayes' rule: an item bears its own code, but for one reading in a thousand, which may be
/// any code of the manifest. Codes are compared with the catalogue's EAN-13; a SKU without one may bear any that no other
/// SKU has.
#[must_use]
pub fn after_scan(beliefs: &[Belief], code: &str, catalogue: &Catalogue) -> ScanEvidence {
    let own =
        |belief: &Belief| belief.sku.as_ref().and_then(|sku| catalogue.get(sku)).and_then(|s| s.barcode.as_deref());
    let is_filed = beliefs.iter().any(|belief| own(belief) == Some(code));
    let stray = ASTRAY / beliefs.len().max(1) as f64;
    let chance = |belief: &Belief| match own(belief) {
        Some(filed) if filed == code => 1.0 - ASTRAY,
        Some(_) => stray,
        None if is_filed => stray,
        None => UNFILED,
    };
    let strong = beliefs.first().filter(|belief| belief.p >= STRONG && belief.sku.is_some());
    let contradicts = strong.is_some_and(|belief| chance(belief) <= stray);
    let all: f64 = beliefs.iter().map(|belief| belief.p * chance(belief)).sum();
    let mut after = beliefs.to_vec();
    if all > 0.0 {
        after.iter_mut().for_each(|belief| belief.p *= chance(belief) / all);
        after.sort_by(|a, b| b.p.total_cmp(&a.p).then(a.sku.cmp(&b.sku)));
    }
    ScanEvidence { beliefs: after, contradicts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{Fragility, Material, Shape, Sku, SkuName};

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
    fn a_picture_without_codes_has_none_and_one_of_another_size_is_refused() {
        assert_eq!(read_barcodes(&[128; 64 * 48], 64, 48).unwrap(), vec![]);
        let message = read_barcodes(&[0; 10], 64, 48).unwrap_err().to_string();
        assert_eq!(
            message,
            "picture of 64 × 48 pixels has 10 grey bytes; must have one a pixel, 1 to 20000 pixels a side"
        );
        assert!(read_barcodes(&[], 0, 0).is_err());
    }

    fn catalogue() -> Catalogue {
        [("tea", Some("8607549050460")), ("soup", Some("4006381333931")), ("bag", None)]
            .map(|(name, barcode)| {
                let name = SkuName::new(name).unwrap();
                let sku = Sku {
                    name: name.clone(),
                    barcode: barcode.map(Into::into),
                    size_m: [0.1; 3],
                    size_unknown: false,
                    mass_kg: None,
                    shape: Shape::Box,
                    material: Material::Carton,
                    fragility: Fragility::Normal,
                    upright: false,
                };
                (name, sku)
            })
            .into()
    }

    fn beliefs(of: &[(&str, f64)]) -> Vec<Belief> {
        of.iter().map(|&(name, p)| Belief { sku: SkuName::new(name).ok(), p }).collect()
    }

    #[test]
    fn a_code_settles_doubt_and_a_contradiction_is_told_whoever_wins() {
        let best = |evidence: &ScanEvidence| {
            let first = &evidence.beliefs[0];
            (first.sku.as_ref().map_or("", SkuName::as_str).to_owned(), first.p)
        };
        let doubtful = beliefs(&[("tea", 0.6), ("soup", 0.3), ("bag", 0.05), ("", 0.05)]);
        let soup = after_scan(&doubtful, "4006381333931", &catalogue());
        assert_eq!(best(&soup).0, "soup");
        assert!(best(&soup).1 > 0.998 && !soup.contradicts, "{soup:?}");
        assert!((soup.beliefs.iter().map(|b| b.p).sum::<f64>() - 1.0).abs() < 1e-12);

        // Strong evidence stands against a misread, and what would outvote it is told.
        let strong = beliefs(&[("tea", 0.999_99), ("soup", 4e-9), ("bag", 3e-6), ("", 7e-6)]);
        let stands = after_scan(&strong, "4006381333931", &catalogue());
        assert!(best(&stands).0 == "tea" && best(&stands).1 > 0.99 && stands.contradicts, "{stands:?}");
        let weaker = beliefs(&[("tea", 0.992), ("soup", 0.006), ("bag", 0.001), ("", 0.001)]);
        let flips = after_scan(&weaker, "4006381333931", &catalogue());
        assert!(best(&flips).0 == "soup" && flips.contradicts, "{flips:?}");

        // A code that nobody has on file is the bag's, or a stranger's.
        let other = after_scan(&doubtful, "9999999999994", &catalogue());
        let of = |name: Option<&str>| {
            let is = |b: &&Belief| b.sku.as_ref().map(SkuName::as_str) == name;
            other.beliefs.iter().find(is).map_or(0.0, |b| b.p)
        };
        assert!((of(Some("bag")) - 0.5).abs() < 0.01 && (of(None) - 0.5).abs() < 0.01, "{other:?}");
    }

    #[test]
    fn beliefs_that_are_empty_or_zero_stay_as_they_are() {
        assert_eq!(after_scan(&[], "1", &catalogue()).beliefs, vec![]);
        let zero = beliefs(&[("tea", 0.0)]);
        assert_eq!(after_scan(&zero, "4006381333931", &catalogue()).beliefs, zero);
    }
}
