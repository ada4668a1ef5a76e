//! What stands before a camera.

use nalgebra::Isometry3;
use scene::{Pose, frame};

use super::backdrop::{Backdrop, Light};
use super::truth::TrueSku;

/// An item and where it lies.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'a> {
    /// What it is.
    pub sku: &'a TrueSku,
    /// Where it lies.
    pub world_from_item: Pose<frame::World, frame::Item>,
    /// Its number in [`Rendered::ids`](super::Rendered::ids); not [`NO_ITEM`].
    pub id: u32,
}

/// No item: in [`Rendered::ids`](super::Rendered::ids) whatever isn't one.
pub const NO_ITEM: u32 = u32::MAX;

/// A tote or a bin, open at the top.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tub {
    /// Where the centre of its inner floor is, z up.
    pub world_from_tub: Isometry3<f64>,
    /// Inner length (x), width (y) and height (z), metres.
    pub size: [f64; 3],
    /// Thickness of walls and floor, metres.
    pub wall: f64,
}

impl<F: frame::Frame> From<&control::Container<F>> for Tub {
    fn from(container: &control::Container<F>) -> Self {
        Self { world_from_tub: *container.world_from.isometry(), size: container.size, wall: container.wall }
    }
}

/// A plain box: a link of the arm, the tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Block {
    /// Where its centre is.
    pub world_from_block: Isometry3<f64>,
    /// Half of each side, metres.
    pub half: [f64; 3],
    /// Its colour, red, green, blue in sRGB.
    pub colour: [u8; 3],
}

/// Everything that a camera may see, and the light on it.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    /// The items.
    pub items: &'a [Placed<'a>],
    /// Totes and bins.
    pub tubs: &'a [Tub],
    /// The arm and the tool, as far as they are in view.
    pub blocks: &'a [Block],
    /// Plastic of the tubs and the table under them.
    pub backdrop: &'a Backdrop,
    /// Lamps and exposure.
    pub light: &'a Light,
}
