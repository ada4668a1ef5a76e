//! True values by family: friction, leaks, folds, holes, softness, loose parts.
//!
//! Contacts and leaks follow the material as for the default catalogue; what is added here are mostly estimates
//! (porous goods: cloth draws 24 l/min and more at 20 kPa, nets can't be held by an ejector; bags leak 0.5 to 3 l/min at
//! 40 kPa where they are taut, and 5 to 40 with folds under the lip, of which 0.4 mm rms make about 10; bags are 0.5 to
//! 3 N/mm stiff, soft ones 0.2 to 1), so each SKU gets its own.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Normal};
use scene::Shape;

use super::super::build::around;
use super::super::truth::{LeakModel, LoosePart, LooseTruth, SoftKind, SoftTruth, SolidKind, SurfaceTruth, Truth};
use super::{Family, Good};

/// Friction, restitution, gloss, roughness (µm), share of pixels without depth, leak without folds (l/min at 40 kPa), its spread,
/// chance and leak of a seam.
type Row = (f64, f64, f64, f64, f64, f64, f64, (f64, f64));

fn row(family: Family) -> Row {
    match family {
        Family::Carton | Family::Slender => (0.30, 0.20, 0.14, 4.0, 0.01, 0.8, 0.45, (0.06, 6.0)),
        Family::Book => (0.32, 0.15, 0.30, 3.0, 0.015, 0.6, 0.40, (0.04, 4.0)),
        Family::Can => (0.22, 0.25, 0.60, 0.8, 0.18, 0.2, 0.35, (0.05, 2.0)),
        Family::Tin => (0.22, 0.25, 0.75, 0.8, 0.30, 0.2, 0.35, (0.06, 4.0)),
        Family::Jar => (0.22, 0.30, 0.80, 0.3, 0.30, 0.12, 0.30, (0.05, 2.0)),
        Family::Bottle | Family::ClearTube => (0.24, 0.35, 0.75, 0.6, 0.25, 0.25, 0.40, (0.06, 4.0)),
        Family::Flask | Family::Tub | Family::Jug | Family::Bucket | Family::Tray => {
            (0.25, 0.32, 0.42, 1.2, 0.05, 0.25, 0.40, (0.05, 4.0))
        }
        Family::Blister => (0.26, 0.20, 0.70, 1.5, 0.20, 0.4, 0.50, (0.15, 10.0)),
        Family::Pouch => (0.25, 0.08, 0.72, 6.0, 0.20, 1.0, 0.80, (0.20, 12.0)),
        Family::Polybag => (0.25, 0.06, 0.72, 8.0, 0.22, 1.5, 0.80, (0.30, 18.0)),
        Family::SoftPack => (0.25, 0.05, 0.60, 8.0, 0.12, 1.5, 0.80, (0.20, 12.0)),
        Family::Cloth => (0.40, 0.04, 0.02, 120.0, 0.01, 60.0, 0.50, (0.10, 40.0)),
        Family::NetBag => (0.35, 0.06, 0.20, 300.0, 0.04, 500.0, 0.40, (0.0, 0.0)),
        Family::Tube => (0.25, 0.12, 0.55, 1.5, 0.06, 0.5, 0.50, (0.08, 5.0)),
        Family::Brush => (0.28, 0.25, 0.35, 2.0, 0.06, 1.0, 0.50, (0.10, 20.0)),
        Family::Basket => (0.25, 0.30, 0.35, 1.5, 0.05, 0.4, 0.40, (0.05, 4.0)),
        Family::MeshCup => (0.22, 0.25, 0.35, 200.0, 0.12, 500.0, 0.40, (0.0, 0.0)),
    }
}

/// Folds under a lip (rms and length, millimetres), open share, size of a hole (mm), chance to stick.
fn surface(family: Family) -> Option<(f64, f64, f64, f64, f64)> {
    Some(match family {
        Family::Pouch => (0.3, 22.0, 0.0, 0.0, 0.01),
        Family::Polybag => (0.45, 16.0, 0.0, 0.0, 0.03),
        Family::SoftPack => (0.4, 20.0, 0.0, 0.0, 0.02),
        Family::Cloth => (0.5, 14.0, 0.0, 0.0, 0.0),
        Family::NetBag => (1.5, 12.0, 0.7, 8.0, 0.0),
        Family::Basket => (0.0, 20.0, 0.26, 6.0, 0.0),
        Family::MeshCup => (0.0, 20.0, 0.55, 2.6, 0.0),
        Family::Brush => (2.5, 5.0, 0.0, 0.0, 0.0),
        Family::Tube => (0.08, 25.0, 0.0, 0.0, 0.0),
        _ => return None,
    })
}

fn soft(family: Family) -> Option<(SoftKind, f64, f64, f64)> {
    Some(match family {
        Family::Pouch => (SoftKind::Bag, 1_500.0, 0.35, 0.15),
        Family::Polybag => (SoftKind::Bag, 800.0, 0.4, 0.4),
        Family::SoftPack => (SoftKind::Pack, 600.0, 0.5, 0.0),
        Family::Cloth => (SoftKind::Cloth, 450.0, 0.6, 0.0),
        Family::NetBag => (SoftKind::Bag, 1_200.0, 0.4, 0.5),
        Family::Tube => (SoftKind::Pack, 2_500.0, 0.4, 0.1),
        _ => return None,
    })
}

/// True values around those of the family; `size` is that of the mesh.
pub(crate) fn draw(good: &Good, size: [f64; 3], rng: &mut ChaCha8Rng) -> Truth {
    let (friction, restitution, gloss, rough_um, invalid, leak, sigma, seams) = row(good.family);
    let round = good.family.shape() == Shape::Cylinder && (size[0] - size[1]).abs() < 0.002;
    let size_m = if round { [size[0].max(size[1]), size[0].max(size[1]), size[2]] } else { size };
    let mut off =
        |side: f64| Normal::new(0.0, 0.04 * side).map_or(0.0, |d| d.sample(rng)).clamp(-0.1 * side, 0.1 * side);
    let mut centre_of_mass_m = size_m.map(&mut off);
    // Open things are heavier at their foot, brushes at their head.
    match good.family {
        Family::Bucket | Family::Basket | Family::MeshCup => centre_of_mass_m[2] -= 0.12 * size_m[2],
        Family::Brush => centre_of_mass_m[0] += 0.15 * size_m[0],
        Family::Blister => centre_of_mass_m[1] -= 0.12 * size_m[1],
        _ => {}
    }
    let dark = if good.black { 0.1 } else { 0.0 };
    let shape = match (good.family.shape(), round) {
        (Shape::Cylinder, false) => Shape::Box,
        (shape, _) => shape,
    };
    let holds = |rng: &mut ChaCha8Rng, median: f64| around(median, 0.5, rng);
    let loose = match good.family {
        Family::Tub if good.art.seed % 10 < 4 => {
            Some((LoosePart::Lid, 0.5 * size_m[2] - (0.16 * size_m[2]).clamp(0.006, 0.018), holds(rng, 4.0)))
        }
        Family::Tin => Some((LoosePart::Lid, 0.5 * size_m[2] - (0.28 * size_m[2]).clamp(0.006, 0.02), holds(rng, 5.0))),
        Family::Bucket => Some((LoosePart::Handle, 0.5 * size_m[2] - 0.12 * size_m[2], holds(rng, 12.0))),
        Family::Flask if good.art.seed % 10 < 2 => Some((LoosePart::Flap, 0.48 * size_m[2], holds(rng, 8.0))),
        _ => None,
    };
    Truth {
        shape,
        solid: Some(SolidKind::Mesh)
            .filter(|_| !matches!(good.family, Family::Carton | Family::Slender | Family::Book)),
        size_m,
        mass_kg: good.mass_kg * around(1.0, 0.02, rng),
        centre_of_mass_m,
        friction: (friction + rng.random_range(-0.06..0.06f64)).max(0.1),
        restitution: restitution * rng.random_range(0.7..1.2),
        roughness_m: around(rough_um, 0.4, rng) * 1e-6,
        gloss: (gloss * rng.random_range(0.7..1.3f64)).min(0.95),
        depth_invalid_share: (around(invalid, 0.35, rng) + dark).min(0.9),
        metallic: match good.family {
            Family::Can => Some(0.75),
            Family::Tin => Some(0.85),
            Family::Pouch if good.art.seed.is_multiple_of(2) => Some(0.55),
            _ => Some(0.0),
        },
        leak: LeakModel {
            median_l_per_min: around(leak, 0.5, rng),
            sigma,
            seam_chance: seams.0,
            seam_l_per_min: seams.1,
        },
        surface: surface(good.family).map(|(rms, length, open_share, hole, stick_chance)| SurfaceTruth {
            wrinkle_m: if rms > 0.0 { around(rms, 0.3, rng) * 1e-3 } else { 0.0 },
            wrinkle_length_m: length * rng.random_range(0.75..1.3) * 1e-3,
            open_share,
            hole_m: hole * 1e-3,
            stick_chance,
        }),
        soft: soft(good.family).map(|(kind, stiffness, damping, slosh_share)| SoftTruth {
            kind,
            stiffness_n_per_m: around(stiffness, 0.35, rng),
            damping,
            slosh_share,
        }),
        loose: loose.map(|(part, above_m, holds_n)| LooseTruth { part, above_m, holds_n }),
    }
}

/// Densities of the box around goods of a family, kilograms a cubic metre, least and most.
pub(crate) fn densities(family: Family) -> (f64, f64) {
    match family {
        Family::Can | Family::Jar => (650.0, 1_050.0),
        Family::Bottle | Family::Flask | Family::Jug | Family::Tube => (420.0, 760.0),
        Family::Tub => (260.0, 700.0),
        Family::Book => (600.0, 950.0),
        Family::Pouch => (250.0, 600.0),
        Family::Polybag => (120.0, 450.0),
        Family::NetBag => (300.0, 520.0),
        Family::SoftPack | Family::Cloth => (110.0, 320.0),
        Family::Blister => (90.0, 420.0),
        Family::Brush => (70.0, 200.0),
        Family::ClearTube => (90.0, 260.0),
        Family::Bucket | Family::Basket | Family::MeshCup => (45.0, 130.0),
        Family::Tray => (60.0, 160.0),
        Family::Tin => (220.0, 700.0),
        Family::Carton | Family::Slender => (150.0, 650.0),
    }
}
