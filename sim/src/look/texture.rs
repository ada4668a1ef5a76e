//! A printed picture with its smaller copies.

use image::{ImageFormat, RgbImage};

/// Most copies at half size that are kept: the gutters between the faces of an atlas bear no more.
const MIPS: usize = 4;

/// A colour picture, row-major from the top left, sRGB.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texture {
    levels: Vec<Level>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Level {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

impl Texture {
    /// Takes `3 × width × height` bytes; `None` when the number of bytes is another, or a side is 0.
    #[must_use]
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Self> {
        if width == 0 || height == 0 || width.checked_mul(height)?.checked_mul(3)? != rgb.len() {
            return None;
        }
        let mut levels = vec![Level { width, height, rgb }];
        while let Some(next) = levels.last().filter(|_| levels.len() < MIPS).and_then(Level::half) {
            levels.push(next);
        }
        Some(Self { levels })
    }

    /// Four grey pixels: no print.
    pub(crate) fn grey() -> Self {
        Self { levels: vec![Level { width: 2, height: 2, rgb: vec![128; 12] }] }
    }

    /// Width, pixels.
    #[must_use]
    pub fn width(&self) -> usize {
        self.levels[0].width
    }

    /// Height, pixels.
    #[must_use]
    pub fn height(&self) -> usize {
        self.levels[0].height
    }

    /// The bytes of the full size: red, green, blue.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.levels[0].rgb
    }

    /// The colour at (u, v) in 0…1 from the top left, as sRGB values 0…255; `texels` of the full size
    /// fall on one pixel.
    #[must_use]
    pub fn sample(&self, u: f32, v: f32, texels: f32) -> [f32; 3] {
        let wanted = log2(texels.max(1.0)) + 0.5;
        let level = (wanted as i32 as usize).min(self.levels.len() - 1);
        self.levels[level].bilinear(u, v)
    }

    /// As a PNG file.
    ///
    /// # Errors
    /// What the encoder says.
    pub fn to_png(&self) -> Result<Vec<u8>, image::ImageError> {
        let full = &self.levels[0];
        super::png::rgb(full.width, full.height, &full.rgb)
    }

    /// From a PNG file of any colour type.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn from_png(bytes: &[u8]) -> Result<Self, image::ImageError> {
        let picture: RgbImage = image::load_from_memory_with_format(bytes, ImageFormat::Png)?.into_rgb8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        Self::new(width, height, picture.into_raw()).ok_or_else(|| {
            image::ImageError::Parameter(image::error::ParameterError::from_kind(
                image::error::ParameterErrorKind::DimensionMismatch,
            ))
        })
    }
}

impl Level {
    fn half(&self) -> Option<Self> {
        let (width, height) = (self.width / 2, self.height / 2);
        if width < 4 || height < 4 {
            return None;
        }
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            for x in 0..width {
                for c in 0..3 {
                    let at =
                        |dx: usize, dy: usize| u32::from(self.rgb[((2 * y + dy) * self.width + 2 * x + dx) * 3 + c]);
                    rgb.push(((at(0, 0) + at(1, 0) + at(0, 1) + at(1, 1) + 2) / 4) as u8);
                }
            }
        }
        Some(Self { width, height, rgb })
    }

    #[inline]
    fn bilinear(&self, u: f32, v: f32) -> [f32; 3] {
        let x = (u * self.width as f32 - 0.5).clamp(0.0, (self.width - 1) as f32);
        let y = (v * self.height as f32 - 0.5).clamp(0.0, (self.height - 1) as f32);
        // By way of i32: one instruction, where usize takes six.
        let (i, j) = (x as i32, y as i32);
        let (fx, fy) = (x - i as f32, y - j as f32);
        let (i, j) = (i as usize, j as usize);
        let right = 3 * usize::from(i + 1 < self.width);
        let down = if j + 1 < self.height { 3 * self.width } else { 0 };
        let first = 3 * (j * self.width + i);
        let (above, below) = (&self.rgb[first..first + right + 3], &self.rgb[first + down..first + down + right + 3]);
        let top = between(&texel(above, 0), &texel(above, right), fx);
        between(&top, &between(&texel(below, 0), &texel(below, right), fx), fy)
    }
}

#[inline]
fn texel(row: &[u8], at: usize) -> [f32; 3] {
    let p = &row[at..at + 3];
    [f32::from(p[0]), f32::from(p[1]), f32::from(p[2])]
}

#[inline]
fn between(a: &[f32; 3], b: &[f32; 3], share: f32) -> [f32; 3] {
    [a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share, a[2] + (b[2] - a[2]) * share]
}

/// The base-2 logarithm to about 0.01, for numbers from 1 up.
#[inline]
fn log2(v: f32) -> f32 {
    let bits = v.to_bits();
    let exponent = (bits >> 23) as f32 - 127.0;
    let m = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000) - 1.0;
    exponent + m * (1.3465 - 0.3465 * m)
}
