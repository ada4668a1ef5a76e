//! What is true of a SKU, as opposed to what a site knows of it.

use scene::{Shape, Sku};
use serde::{Deserialize, Serialize};

use super::mesh::Mesh;
use super::texture::Texture;

/// A kind of item as it truly is.
#[derive(Debug, Clone, PartialEq)]
pub struct TrueSku {
    /// What the site knows; it may be wrong.
    pub sku: Sku,
    /// The outside, in the item's frame.
    pub mesh: Mesh,
    /// The solid that cups meet and bodies collide with.
    pub hull_shape: TrueShape,
    /// The print on the outside.
    pub texture: Texture,
    /// Everything else that is true of it.
    pub truth: Truth,
}

impl TrueShape {
    /// The analytic solid of a shape in a box of the given sides, metres.
    #[must_use]
    pub fn new(shape: Shape, size_m: [f64; 3]) -> Self {
        let half = size_m.map(|s| 0.5 * s);
        match shape {
            Shape::Cylinder => Self::Cylinder { radius: half[0], half_height: half[2] },
            Shape::Box | Shape::Flat => Self::Box { half },
        }
    }
}

/// The solid of an item, centred on the item's frame. Metres.
#[derive(Debug, Clone, PartialEq)]
pub enum TrueShape {
    /// A box.
    Box {
        /// Half of each side.
        half: [f64; 3],
    },
    /// A cylinder whose axis is z.
    Cylinder {
        /// Radius.
        radius: f64,
        /// Half of the length along z.
        half_height: f64,
    },
    /// The closed surface of the SKU's mesh: cups meet its triangles.
    Mesh {
        /// Bodies collide as these convex parts, the corners of each; `truth/parts.json`.
        parts: Vec<Vec<[f64; 3]>>,
    },
}

/// True values of a SKU: `truth/truth.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Truth {
    /// What it truly is: a cylinder, or else a box.
    pub shape: Shape,
    /// Sides of the box around the item, metres.
    pub size_m: [f64; 3],
    /// Mass, kilograms.
    pub mass_kg: f64,
    /// Centre of mass in the item's frame, metres.
    pub centre_of_mass_m: [f64; 3],
    /// Coefficient of static friction of the surface against a tote's plastic.
    pub friction: f64,
    /// Coefficient of restitution of a fall on a hard floor.
    pub restitution: f64,
    /// Root mean square roughness of the surface, metres.
    pub roughness_m: f64,
    /// Share of light that is mirrored rather than scattered, 0 to 1.
    pub gloss: f64,
    /// Share of the item's pixels for which the depth camera finds no match, 0 to 1.
    pub depth_invalid_share: f64,
    /// What cups meet and bodies collide with; by default as `shape` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub solid: Option<SolidKind>,
    /// How far the surface mirrors as metal does, 0 to 1. Where it is given the item is drawn with the panels of the
    /// ceiling in it; without it, as items of the default catalogue are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metallic: Option<f64>,
    /// How air gets through the surface under a cup.
    pub leak: LeakModel,
    /// Folds, holes and tack of the surface; absent: none of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub surface: Option<SurfaceTruth>,
    /// How it gives way; absent: rigid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<SoftTruth>,
    /// A part that comes off or opens when the item hangs by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loose: Option<LooseTruth>,
}

/// Which solid stands for an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SolidKind {
    /// The box of `size_m`.
    Box,
    /// The cylinder in it, along z.
    Cylinder,
    /// The triangles of `mesh.obj`, a closed surface.
    Mesh,
}

/// The surface under a lip, beyond what [`LeakModel`] says.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SurfaceTruth {
    /// Root mean square height of the folds under a lip, drawn anew each attempt, metres.
    pub wrinkle_m: f64,
    /// Their typical length, metres.
    pub wrinkle_length_m: f64,
    /// Share of the surface that is holes, 0 to 1.
    pub open_share: f64,
    /// Size of one hole, metres; 0: too fine to count.
    pub hole_m: f64,
    /// Chance that it clings to a lip after release, 0 to 1.
    pub stick_chance: f64,
}

impl Default for SurfaceTruth {
    fn default() -> Self {
        Self { wrinkle_m: 0.0, wrinkle_length_m: 0.02, open_share: 0.0, hole_m: 0.0, stick_chance: 0.0 }
    }
}

/// What kind of soft item it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SoftKind {
    /// Loose content in film.
    Bag,
    /// A pack that can be compressed.
    Pack,
    /// Folded cloth.
    Cloth,
}

/// How an item gives way.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SoftTruth {
    /// What kind.
    pub kind: SoftKind,
    /// Stiffness of a face under a cup, N/m.
    pub stiffness_n_per_m: f64,
    /// Damping ratio.
    pub damping: f64,
    /// Share of the mass that shifts inside, 0 to 0.9.
    #[serde(default)]
    pub slosh_share: f64,
}

/// What may come off or open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LoosePart {
    /// A lid that comes off.
    Lid,
    /// A handle that comes off.
    Handle,
    /// A flap that opens.
    Flap,
}

/// A loose part of an item.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LooseTruth {
    /// What it is.
    pub part: LoosePart,
    /// What lies above this height in the item's frame belongs to the part, metres.
    pub above_m: f64,
    /// Pull that takes it off or opens it, newtons.
    pub holds_n: f64,
}

/// Air that a 30 mm cup draws through and past an item's surface, at 40 kPa below ambient.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LeakModel {
    /// Median over attempts, litres a minute at 40 kPa.
    pub median_l_per_min: f64,
    /// Standard deviation of the leak's natural logarithm from attempt to attempt.
    pub sigma: f64,
    /// Chance that a seam, a tape's edge or a fold lies under a lip.
    pub seam_chance: f64,
    /// What such a seam adds, litres a minute at 40 kPa.
    pub seam_l_per_min: f64,
}
