//! Picture files: colour of any usual kind to red, green, blue of 8 bits, and depth of 16 bits.

use std::fs;
use std::path::{Path, PathBuf};

use opencv::core::{CV_8U, CV_16U, Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::imgcodecs;
use thiserror::Error;

/// Least and greatest side of a picture, pixels.
const SIDES: std::ops::RangeInclusive<usize> = 16..=8192;

/// Why a picture file is refused. Nothing was looked at.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The file can't be read.
    #[error("picture {} is not readable: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file holds something else than what is asked for.
    #[error("picture {} is {found}; must be {rule}", file.display())]
    Format {
        /// The file.
        file: PathBuf,
        /// What it is.
        found: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
}

/// A colour picture: red, green, blue, a byte each, row-major from the top left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// `3 × width × height` bytes.
    pub rgb: Vec<u8>,
    /// A byte a pixel, 255 opaque, where the file has such a channel.
    pub alpha: Option<Vec<u8>>,
}

/// Reads a PNG or JPEG of 8 or 16 bits a channel: grey, grey with alpha, colour, or colour with alpha.
///
/// Of 16 bits the upper 8 are kept; what is transparent lies on black. The orientation that a camera wrote beside the
/// pixels is not followed: pixels stay where the file has them, as outlines given for them mean it.
///
/// # Errors
/// [`PictureError`] names the file, what was found and the rule.
pub fn load_picture(file: &Path) -> Result<Picture, PictureError> {
    let picture = decode(file)?;
    let channels = picture.channels() as usize;
    let (width, height) = (picture.cols() as usize, picture.rows() as usize);
    let refuse = |found: String, rule| PictureError::Format { file: file.to_path_buf(), found, rule };
    let bytes: Vec<u8> = match picture.depth() {
        CV_8U => picture.data_bytes().map_err(|e| refuse(e.message, "a picture"))?.to_vec(),
        CV_16U => picture
            .data_bytes()
            .map_err(|e| refuse(e.message, "a picture"))?
            .chunks_exact(2)
            .map(|pair| (u16::from_ne_bytes([pair[0], pair[1]]) >> 8) as u8)
            .collect(),
        _ => return Err(refuse("of another kind of numbers".into(), "of 8 or 16 bits a channel")),
    };
    let mut rgb = Vec::with_capacity(3 * width * height);
    let mut alpha = (channels == 4).then(|| Vec::with_capacity(width * height));
    for pixel in bytes.chunks_exact(channels) {
        match *pixel {
            [grey] => rgb.extend([grey; 3]),
            [b, g, r] => rgb.extend([r, g, b]),
            [b, g, r, a] => {
                rgb.extend([r, g, b].map(|c| (u16::from(c) * u16::from(a) / 255) as u8));
                alpha.as_mut().into_iter().for_each(|alpha| alpha.push(a));
            }
            _ => return Err(refuse(format!("of {channels} channels"), "of 1, 3 or 4 channels")),
        }
    }
    Ok(Picture { width, height, rgb, alpha })
}

/// Reads a depth picture: a PNG of one channel of 16 bits, each the depth in units of `unit_m` metres, 0 for no reading.
/// Gives width, height and metres, NaN without a reading.
///
/// # Errors
/// [`PictureError`] names the file, what was found and the rule.
pub fn load_depth(file: &Path, unit_m: f64) -> Result<(usize, usize, Vec<f32>), PictureError> {
    let picture = decode(file)?;
    let refuse = |found: String| PictureError::Format {
        file: file.to_path_buf(),
        found,
        rule: "one channel of 16 bits, the depth of each pixel, 0 for no reading",
    };
    if picture.depth() != CV_16U || picture.channels() != 1 {
        let bits = if picture.depth() == CV_16U { 16 } else { 8 };
        return Err(refuse(format!("{} channels of {bits} bits", picture.channels())));
    }
    let data = picture.data_bytes().map_err(|e| refuse(e.message))?;
    let metres = data
        .chunks_exact(2)
        .map(|pair| match u16::from_ne_bytes([pair[0], pair[1]]) {
            0 => f32::NAN,
            units => (f64::from(units) * unit_m) as f32,
        })
        .collect();
    Ok((picture.cols() as usize, picture.rows() as usize, metres))
}

fn decode(file: &Path) -> Result<Mat, PictureError> {
    let bytes =
        fs::read(file).map_err(|e| PictureError::Unreadable { file: file.to_path_buf(), why: e.to_string() })?;
    let refuse =
        |found: String| PictureError::Format { file: file.to_path_buf(), found, rule: "a whole PNG or JPEG file" };
    if !bytes.starts_with(b"\x89PNG") && !bytes.starts_with(&[0xff, 0xd8]) {
        return Err(refuse("neither PNG nor JPEG".into()));
    }
    let flags = imgcodecs::IMREAD_UNCHANGED | imgcodecs::IMREAD_IGNORE_ORIENTATION;
    let picture = imgcodecs::imdecode(&Vector::<u8>::from_slice(&bytes), flags).map_err(|e| refuse(e.message))?;
    if picture.empty() || !is_whole(&bytes) {
        return Err(refuse("broken or cut short".into()));
    }
    let (width, height) = (picture.cols() as usize, picture.rows() as usize);
    if !SIDES.contains(&width) || !SIDES.contains(&height) {
        let found = format!("{width} × {height} pixels");
        return Err(PictureError::Format { file: file.to_path_buf(), found, rule: "16 to 8192 pixels a side" });
    }
    Ok(picture)
}

/// OpenCV fills up what is missing of a file with grey or black and says nothing: the end must be there.
fn is_whole(bytes: &[u8]) -> bool {
    let tail = &bytes[bytes.len().saturating_sub(4096)..];
    let end: &[u8] = if bytes.starts_with(b"\x89PNG") { b"IEND" } else { &[0xff, 0xd9] };
    tail.windows(end.len()).any(|window| window == end)
}

/// The bytes of a PNG of red, green, blue and alpha, row-major, so many pixels wide.
///
/// # Errors
/// [`LookError::Image`](crate::LookError::Image) for bytes that are no whole rows of such pixels.
pub fn rgba_png(width: usize, rgba: &[u8]) -> Result<Vec<u8>, crate::LookError> {
    let mut bgra = rgba.to_vec();
    bgra.chunks_exact_mut(4).for_each(|pixel| pixel.swap(0, 2));
    let picture = Mat::from_slice(&bgra)?;
    let picture = picture.reshape(4, (rgba.len() / 4 / width.max(1)) as i32)?;
    let mut png = Vector::<u8>::new();
    imgcodecs::imencode(".png", &picture, &mut png, &Vector::new())?;
    Ok(png.as_slice().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: &str, values: &[u16], channels: i32, wide: bool) -> tempfile::NamedTempFile {
        let file = tempfile::Builder::new().suffix(kind).tempfile().unwrap();
        let narrow: Vec<u8> = values.iter().map(|v| *v as u8).collect();
        let mut bytes = Vector::<u8>::new();
        if wide {
            let picture = Mat::from_slice(values).unwrap();
            let picture = picture.reshape(channels, 16).unwrap();
            imgcodecs::imencode(kind, &picture, &mut bytes, &Vector::new()).unwrap();
        } else {
            let picture = Mat::from_slice(&narrow).unwrap();
            let picture = picture.reshape(channels, 16).unwrap();
            imgcodecs::imencode(kind, &picture, &mut bytes, &Vector::new()).unwrap();
        }
        fs::write(file.path(), bytes.as_slice()).unwrap();
        file
    }

    #[test]
    fn grey_colour_alpha_and_16_bits_all_become_red_green_blue() {
        let check = |values: &[u16], wide: bool, expected: [u8; 3]| {
            let file = written(".png", &values.repeat(16 * 20), values.len() as i32, wide);
            let picture = load_picture(file.path()).unwrap();
            assert_eq!((picture.width, picture.height), (20, 16));
            assert_eq!(picture.rgb[3 * 100..][..3], expected, "{values:?}");
            assert_eq!(picture.alpha.is_some(), values.len() == 4);
        };
        check(&[77], false, [77; 3]);
        check(&[30, 20, 10], false, [10, 20, 30]);
        check(&[30, 20, 10, 255], false, [10, 20, 30]);
        check(&[30, 20, 10, 0], false, [0; 3]);
        check(&[77 * 256 + 9], true, [77; 3]);
        check(&[30 * 257, 20 * 257, 10 * 257], true, [10, 20, 30]);
        let jpeg = written(".jpg", &[90; 3 * 320], 3, false);
        assert!(load_picture(jpeg.path()).unwrap().rgb[0].abs_diff(90) < 3);
    }

    #[test]
    fn depth_is_metres_and_zero_is_no_reading() {
        let mut values = vec![1234; 320];
        values[5] = 0;
        let (width, height, metres) = load_depth(written(".png", &values, 1, true).path(), 0.001).unwrap();
        assert_eq!((width, height, metres.len()), (20, 16, 320));
        assert!((metres[0] - 1.234).abs() < 1e-6 && metres[5].is_nan());
    }

    #[test]
    fn what_is_no_such_picture_is_refused_with_file_and_rule() {
        let check = |file: &Path, expected: &str| {
            let error = load_picture(file).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(&file.display().to_string()), "{error}");
        };
        check(Path::new("no.png"), "is not readable");
        let file = written(".png", &[90; 320], 1, false);
        let error = load_depth(file.path(), 0.001).unwrap_err().to_string();
        assert!(error.contains("is 1 channels of 8 bits; must be one channel of 16 bits"), "{error}");
        let noise: Vec<u16> = (0..3 * 320u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u16).collect();
        for kind in [".png", ".jpg"] {
            let file = written(kind, &noise, 3, false);
            let bytes = fs::read(file.path()).unwrap();
            fs::write(file.path(), &bytes[..bytes.len() / 2]).unwrap();
            check(file.path(), "broken or cut short; must be a whole PNG or JPEG file");
            fs::write(file.path(), b"GIF89a, or so").unwrap();
            check(file.path(), "neither PNG nor JPEG");
        }
        let small = written(".png", &[90; 16 * 3], 1, false);
        check(small.path(), "3 × 16 pixels; must be 16 to 8192 pixels a side");
    }
}
