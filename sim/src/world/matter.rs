//! What physics takes from a true SKU.

use nalgebra::Vector3;

use super::cups::Surface;
use super::physics::WALL_FRICTION;
use super::shape::{Matter, Solid};
use crate::look::{TrueShape, TrueSku};

/// Cubic metres a second in a litre a minute.
const M3_S_PER_L_MIN: f64 = 1e-3 / 60.0;

/// Outline, mass and contact values of an item of this SKU.
pub(crate) fn matter_of(sku: &TrueSku) -> Matter {
    let truth = &sku.truth;
    let solid = match sku.hull_shape {
        TrueShape::Box { half } => Solid::Box { half: Vector3::from(half) },
        TrueShape::Cylinder { radius, half_height } => Solid::Cylinder { radius, half_height },
    };
    Matter {
        solid,
        mass_kg: truth.mass_kg,
        centre_of_mass: Vector3::from(truth.centre_of_mass_m),
        // The engine takes the geometric mean of two surfaces; against a wall it must give the true value.
        friction: truth.friction * truth.friction / WALL_FRICTION,
        restitution: truth.restitution,
    }
}

/// How its surface leaks under a lip.
pub(crate) fn surface_of(sku: &TrueSku) -> Surface {
    let leak = &sku.truth.leak;
    Surface {
        at_40_kpa: leak.median_l_per_min * M3_S_PER_L_MIN,
        sigma: leak.sigma,
        seam_chance: leak.seam_chance,
        seam_at_40_kpa: leak.seam_l_per_min * M3_S_PER_L_MIN,
    }
}
