//! The pixels of one item in an image.

use serde::{Deserialize, Serialize};

/// A binary mask inside a box of an image. Row-major, one byte a pixel, 1 inside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mask {
    /// Left edge of the box in the image, pixels.
    pub x: u32,
    /// Top edge of the box in the image, pixels.
    pub y: u32,
    /// Width of the box, pixels.
    pub width: u32,
    /// Height of the box, pixels.
    pub height: u32,
    /// `width × height` bytes, 1 inside the item, 0 outside.
    pub bits: Vec<u8>,
}

impl Mask {
    /// The smallest mask around the given pixels (image coordinates); `None` when there are none.
    #[must_use]
    pub fn from_pixels(pixels: &[(u32, u32)]) -> Option<Self> {
        let x = pixels.iter().map(|p| p.0).min()?;
        let y = pixels.iter().map(|p| p.1).min()?;
        let width = pixels.iter().map(|p| p.0).max()? - x + 1;
        let height = pixels.iter().map(|p| p.1).max()? - y + 1;
        let mut bits = vec![0; width as usize * height as usize];
        for &(u, v) in pixels {
            bits[(v - y) as usize * width as usize + (u - x) as usize] = 1;
        }
        Some(Self { x, y, width, height, bits })
    }

    /// True for a pixel (image coordinates) inside the item.
    #[must_use]
    pub fn contains(&self, u: u32, v: u32) -> bool {
        u >= self.x
            && v >= self.y
            && u - self.x < self.width
            && v - self.y < self.height
            && self.bits[(v - self.y) as usize * self.width as usize + (u - self.x) as usize] != 0
    }

    /// How many pixels are inside.
    #[must_use]
    pub fn area(&self) -> usize {
        self.bits.iter().filter(|&&b| b != 0).count()
    }

    /// The pixels inside, in image coordinates, row by row.
    pub fn pixels(&self) -> impl Iterator<Item = (u32, u32)> + '_ {
        let width = self.width;
        self.bits
            .iter()
            .zip(0u32..)
            .filter(|(bit, _)| **bit != 0)
            .map(move |(_, i)| (self.x + i % width, self.y + i / width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_gives_back_its_pixels() {
        let pixels = [(4, 7), (5, 7), (5, 9)];
        let mask = Mask::from_pixels(&pixels).unwrap();
        assert_eq!((mask.x, mask.y, mask.width, mask.height), (4, 7, 2, 3));
        assert_eq!(mask.pixels().collect::<Vec<_>>(), pixels);
        assert_eq!(mask.area(), 3);
        assert!(mask.contains(5, 9) && !mask.contains(4, 9) && !mask.contains(3, 7));
        assert_eq!(Mask::from_pixels(&[]), None);
    }
}
