//! A printed picture with its smaller copies.

use image::{ImageFormat, RgbImage};

/// Most copies at half size that are kept: the gutters between the faces of an atlas bear no more.
const MIPS: usize = 4;

/// Cover below this is a hole, and from [`WHOLE`] on opaque; between them is clear plastic or glass that bears
/// so much colour of its own.
pub(crate) const HOLE: u8 = 8;
/// Cover from here on is opaque.
pub(crate) const WHOLE: u8 = 248;

/// A colour picture, row-major from the top left, sRGB, with a cover (alpha) where not all of it is opaque.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Texture {
    levels: Vec<Level>,
    /// One byte a texel of the full size; empty where all is opaque.
    cover: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Level {
    width: usize,
    height: usize,
    /// Red, green, blue and a byte that fills the word: one load fetches a texel.
    texels: Vec<[u8; 4]>,
}

impl Texture {
    /// Takes `3 × width × height` bytes; `None` when the number of bytes is another, or a side is 0.
    #[must_use]
    pub fn new(width: usize, height: usize, rgb: Vec<u8>) -> Option<Self> {
        if width == 0 || height == 0 || width.checked_mul(height)?.checked_mul(3)? != rgb.len() {
            return None;
        }
        let texels = rgb.chunks_exact(3).map(|p| [p[0], p[1], p[2], 0]).collect();
        let mut levels = vec![Level { width, height, texels }];
        while let Some(next) = levels.last().filter(|_| levels.len() < MIPS).and_then(Level::half) {
            levels.push(next);
        }
        Some(Self { levels, cover: Vec::new() })
    }

    /// The same picture with a cover of one byte a texel: 0 a hole, 255 opaque, between them clear. `None` when
    /// the number of bytes is another.
    #[must_use]
    pub fn with_cover(mut self, cover: Vec<u8>) -> Option<Self> {
        if cover.len() != self.width() * self.height() {
            return None;
        }
        self.cover = if cover.iter().all(|&c| c >= WHOLE) { Vec::new() } else { cover };
        Some(self)
    }

    /// True when some of it is clear or a hole.
    #[must_use]
    pub fn has_cover(&self) -> bool {
        !self.cover.is_empty()
    }

    /// The cover at (u, v): 0 a hole, 255 opaque.
    #[inline]
    #[must_use]
    pub fn cover_at(&self, u: f32, v: f32) -> u8 {
        let full = &self.levels[0];
        let at = |share: f32, size: usize| ((share * size as f32) as i32).clamp(0, size as i32 - 1) as usize;
        self.cover.get(at(v, full.height) * full.width + at(u, full.width)).copied().unwrap_or(255)
    }

    /// Four grey pixels: no print.
    pub(crate) fn grey() -> Self {
        Self { levels: vec![Level { width: 2, height: 2, texels: vec![[128, 128, 128, 0]; 4] }], cover: Vec::new() }
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
    pub fn rgb(&self) -> Vec<u8> {
        self.levels[0].texels.iter().flat_map(|t| [t[0], t[1], t[2]]).collect()
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
        if self.cover.is_empty() {
            return super::png::rgb(full.width, full.height, &self.rgb());
        }
        let bytes: Vec<u8> = full.texels.iter().zip(&self.cover).flat_map(|(t, &a)| [t[0], t[1], t[2], a]).collect();
        super::png::rgba(full.width, full.height, &bytes)
    }

    /// From a PNG file of any colour type; alpha becomes the cover.
    ///
    /// # Errors
    /// What the decoder says.
    pub fn from_png(bytes: &[u8]) -> Result<Self, image::ImageError> {
        Self::from_picture(image::load_from_memory_with_format(bytes, ImageFormat::Png)?)
    }

    /// From a decoded picture; alpha becomes the cover.
    pub(crate) fn from_picture(picture: image::DynamicImage) -> Result<Self, image::ImageError> {
        let cover = picture.color().has_alpha().then(|| picture.to_rgba8().pixels().map(|p| p.0[3]).collect());
        let picture: RgbImage = picture.into_rgb8();
        let (width, height) = (picture.width() as usize, picture.height() as usize);
        let texture = Self::new(width, height, picture.into_raw());
        let texture = match cover {
            Some(cover) => texture.and_then(|t| t.with_cover(cover)),
            None => texture,
        };
        texture.ok_or_else(|| {
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
        let mut texels = Vec::with_capacity(width * height);
        for y in 0..height {
            for x in 0..width {
                let at = |dx: usize, dy: usize| self.texels[(2 * y + dy) * self.width + 2 * x + dx];
                let four = [at(0, 0), at(1, 0), at(0, 1), at(1, 1)];
                let mean = |c: usize| ((four.iter().map(|t| u32::from(t[c])).sum::<u32>() + 2) / 4) as u8;
                texels.push([mean(0), mean(1), mean(2), 0]);
            }
        }
        Some(Self { width, height, texels })
    }

    #[inline]
    fn bilinear(&self, u: f32, v: f32) -> [f32; 3] {
        let x = (u * self.width as f32 - 0.5).clamp(0.0, (self.width - 1) as f32);
        let y = (v * self.height as f32 - 0.5).clamp(0.0, (self.height - 1) as f32);
        // By way of i32: one instruction, where usize takes six.
        let (i, j) = (x as i32, y as i32);
        let (fx, fy) = (x - i as f32, y - j as f32);
        let (i, j) = (i as usize, j as usize);
        let right = usize::from(i + 1 < self.width);
        let down = if j + 1 < self.height { self.width } else { 0 };
        let first = j * self.width + i;
        let at = |place: usize| self.texels[place].map(f32::from);
        let top = between(&at(first), &at(first + right), fx);
        let [r, g, b, _] = between(&top, &between(&at(first + down), &at(first + down + right), fx), fy);
        [r, g, b]
    }
}

/// Four lanes, so that one instruction does them all.
#[inline]
fn between(a: &[f32; 4], b: &[f32; 4], share: f32) -> [f32; 4] {
    std::array::from_fn(|k| a[k] + (b[k] - a[k]) * share)
}

/// The base-2 logarithm to about 0.01, for numbers from 1 up.
#[inline]
fn log2(v: f32) -> f32 {
    let bits = v.to_bits();
    let exponent = (bits >> 23) as f32 - 127.0;
    let m = f32::from_bits((bits & 0x007F_FFFF) | 0x3F80_0000) - 1.0;
    exponent + m * (1.3465 - 0.3465 * m)
}
