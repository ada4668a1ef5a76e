//! Why a look fails.

use scene::SkuName;
use thiserror::Error;

/// Why a look gave no items. Nothing has moved; the next look may be asked for.
#[derive(Debug, Error)]
pub enum LookError {
    /// The image's parts don't have its size.
    #[error("image of {width} × {height} pixels has {found} {part}; must be {expected}")]
    Size {
        /// The intrinsics' width, pixels.
        width: u32,
        /// The intrinsics' height, pixels.
        height: u32,
        /// `colour bytes` or `depths`.
        part: &'static str,
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A pose has a number that is not finite.
    #[error("pose {pose} has a number that is not finite")]
    Pose {
        /// Its name.
        pose: &'static str,
    },
    /// A mask lies outside the image or doesn't have its size.
    #[error("mask {index} of {width} × {height} pixels at ({x}, {y}) must lie in the image, a byte a pixel")]
    Mask {
        /// Which mask.
        index: usize,
        /// Its left edge, pixels.
        x: u32,
        /// Its top edge, pixels.
        y: u32,
        /// Its width, pixels.
        width: u32,
        /// Its height, pixels.
        height: u32,
    },
    /// The manifest names a SKU that the catalogue doesn't have.
    #[error("manifest names SKU {sku}; must be one of the catalogue's {known}")]
    UnknownSku {
        /// The SKU.
        sku: SkuName,
        /// How many SKUs the catalogue has.
        known: usize,
    },
    /// A network didn't run.
    #[error("network {network}: {why}")]
    Network {
        /// `instances` or `identity`.
        network: &'static str,
        /// What ONNX Runtime said.
        why: String,
    },
    /// An image operation didn't run.
    #[error("image operation: {why}")]
    Image {
        /// What OpenCV said.
        why: String,
    },
}

impl From<opencv::Error> for LookError {
    fn from(error: opencv::Error) -> Self {
        Self::Image { why: error.message }
    }
}
