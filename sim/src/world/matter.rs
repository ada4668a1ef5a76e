//! What physics takes from a true SKU.

use nalgebra::Vector3;

use super::hull::Hull;
use super::physics::WALL_FRICTION;
use super::shape::{Matter, Soft, Solid};
use super::surface::{Loose, Surface};
use crate::look::{TrueShape, TrueSku};

/// Cubic metres a second in a litre a minute.
const M3_S_PER_L_MIN: f64 = 1e-3 / 60.0;
/// The most of an item's mass that may shift inside it.
const MOST_SLOSH: f64 = 0.6;

/// As [`matter_of`] for several items; what one mesh needs is worked out once for all items of its SKU.
pub(crate) fn matters_of(skus: &[&TrueSku]) -> Vec<Matter> {
    let mut matters: Vec<Matter> = Vec::with_capacity(skus.len());
    for (i, sku) in skus.iter().enumerate() {
        let alike = skus[..i].iter().position(|other| std::ptr::eq(*other, *sku));
        matters.push(alike.map_or_else(|| matter_of(sku), |k| matters[k].clone()));
    }
    matters
}

/// Outline, mass and contact values of an item of this SKU.
fn matter_of(sku: &TrueSku) -> Matter {
    let truth = &sku.truth;
    let solid = match &sku.hull_shape {
        TrueShape::Box { half } => Solid::Box { half: Vector3::from(*half) },
        TrueShape::Cylinder { radius, half_height } => Solid::Cylinder { radius: *radius, half_height: *half_height },
        TrueShape::Mesh { parts } => match Hull::new(&sku.mesh, parts) {
            Some(hull) => Solid::Mesh(hull.into()),
            // A mesh without a triangle is refused where catalogues are read.
            None => Solid::Box { half: Vector3::from(truth.size_m) * 0.5 },
        },
    };
    Matter {
        solid,
        mass_kg: truth.mass_kg,
        centre_of_mass: Vector3::from(truth.centre_of_mass_m),
        // The engine takes the geometric mean of two surfaces; against a wall it must give the true value.
        friction: truth.friction * truth.friction / WALL_FRICTION,
        restitution: truth.restitution,
        soft: truth.soft.map(|soft| Soft {
            stiffness: soft.stiffness_n_per_m.clamp(10.0, 1e6),
            damping: soft.damping.clamp(0.0, 2.0),
            slosh_share: soft.slosh_share.clamp(0.0, MOST_SLOSH),
        }),
    }
}

/// How its surface leaks, folds, sticks and comes apart under a lip.
pub(crate) fn surface_of(sku: &TrueSku) -> Surface {
    let leak = &sku.truth.leak;
    let more = sku.truth.surface.unwrap_or_default();
    Surface {
        at_40_kpa: leak.median_l_per_min * M3_S_PER_L_MIN,
        sigma: leak.sigma,
        seam_chance: leak.seam_chance,
        seam_at_40_kpa: leak.seam_l_per_min * M3_S_PER_L_MIN,
        wrinkle_m: more.wrinkle_m,
        wrinkle_length_m: more.wrinkle_length_m,
        open_share: more.open_share.clamp(0.0, 1.0),
        hole_m: more.hole_m,
        stick_chance: more.stick_chance,
        loose: sku.truth.loose.map(|loose| Loose { above_m: loose.above_m, holds_n: loose.holds_n }),
    }
}
