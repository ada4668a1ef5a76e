//! The whole box of an item of which one face is seen, and what it weighs.

use nalgebra::{Isometry3, Matrix3, Point3, Rotation3, Translation3, UnitQuaternion, Vector3};
use scene::frame::Tote;
use scene::{HeightMap, Item, Shape, Sku};

use crate::facet::{Facet, Form};
use crate::raster::{CELL_M, Raster};

/// By how much the visible face may look larger than the catalogue says before the match costs 1, metres.
const LARGER_M: f64 = 0.008;
/// By how much it may look smaller (something may lie on it), metres.
const SMALLER_M: f64 = 0.025;
/// How far beside the visible face a cover is looked for, metres.
const BESIDE_M: f64 = 0.012;

/// An item's box in the tote frame.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole {
    /// Centre and axes; z along the visible face's normal.
    pub(crate) tote_from_box: Isometry3<f64>,
    pub(crate) size_m: [f64; 3],
    /// True for a cylinder that is seen from its side; its axis is the box's x then.
    pub(crate) lies_round: bool,
}

/// Completes the box. `facets` is never empty; the largest that faces as the item's box says is its face.
pub(crate) fn whole(
    item: &Item,
    sku: Option<&Sku>,
    raster: &Raster,
    facets: &[Facet],
    surface: &HeightMap<Tote>,
    tote_from_world: &Isometry3<f64>,
) -> Whole {
    let turned = tote_from_world.rotation * item.world_from_item.rotation();
    let box_axes = [Vector3::x(), Vector3::y(), Vector3::z()].map(|a| turned * a);
    if let Some(Facet { form: Form::Round(round), member, .. }) = facets.first() {
        let along = |p: &Point3<f64>| (p - round.at).dot(&round.axis);
        let [low, high] = span(raster, member, along);
        let seen = high - low;
        let length = sku.map_or(seen, |s| s.size_m[2]);
        let up = (Vector3::z() - round.axis * round.axis.z).normalize();
        let middle = round.at + round.axis * (0.5 * (low + high));
        return Whole {
            tote_from_box: pose(middle, [round.axis, up.cross(&round.axis), up]),
            size_m: [length, 2.0 * round.radius, 2.0 * round.radius],
            lies_round: true,
        };
    }
    let face = facets.iter().filter(|f| matches!(f.form, Form::Flat(_))).max_by_key(|f| f.count);
    let Some((face, normal)) = face.and_then(|f| Some((f, f.surface(f.middle.x, f.middle.y)?.1))) else {
        // Nothing flat: perception's box as it is.
        let known = sku.map_or(item.size_m, |s| s.size_m);
        let depth = known.into_iter().fold(f64::INFINITY, f64::min).max(item.size_m[2]);
        let centre = tote_from_world * item.world_from_item.origin();
        let top = centre + box_axes[2] * (0.5 * item.size_m[2]);
        return Whole {
            tote_from_box: pose(top - box_axes[2] * (0.5 * depth), box_axes),
            size_m: [item.size_m[0], item.size_m[1], depth],
            lies_round: false,
        };
    };
    // The side of the item's box that lies most nearly in the face gives the yaw.
    let [x, y] = in_face(&box_axes, &normal);
    let ends = [x, y].map(|axis| span(raster, &face.member, |p| (p - face.middle).dot(&axis)));
    let seen = ends.map(|[low, high]| high - low);
    let drop = normal.z.max(0.1);
    let size = match sku {
        Some(sku) => fit_sides(sku.size_m, seen, face.middle.z / drop),
        None => [seen[0], seen[1], item.size_m[2].max(0.01).min((face.middle.z / drop).max(0.01))],
    };
    let mut centre = face.middle.coords;
    for (axis, (ends, true_size)) in [x, y].iter().zip(ends.iter().zip(size)) {
        let (low, high) = (ends[0], ends[1]);
        centre += axis * (0.5 * (low + high));
        let hidden = true_size - (high - low);
        if hidden > 0.01 {
            // What stands higher beside one end hides the rest there.
            let higher = |end: f64| {
                let p = face.middle + axis * end;
                surface.cell_at(p.x, p.y).is_some_and(|(i, j)| f64::from(surface.at(i, j)) > p.z + 0.008)
            };
            let side = f64::from(i8::from(higher(high + BESIDE_M)) - i8::from(higher(low - BESIDE_M)));
            centre += axis * (0.5 * hidden * side);
        }
    }
    Whole {
        tote_from_box: pose(Point3::from(centre) - normal * (0.5 * size[2]), [x, y, normal]),
        size_m: size,
        lies_round: false,
    }
}

/// Two directions in a face at a right angle, as near to the box's sides as can be.
fn in_face(box_axes: &[Vector3<f64>; 3], normal: &Vector3<f64>) -> [Vector3<f64>; 2] {
    let flat = |a: &Vector3<f64>| a - normal * a.dot(normal);
    let [a, b, c] = box_axes.each_ref().map(flat);
    let x = [a, b, c].into_iter().reduce(|m, v| if v.norm() > m.norm() + 1e-6 { v } else { m });
    let x = x.and_then(|x| x.try_normalize(1e-6)).unwrap_or_else(Vector3::x);
    [x, normal.cross(&x)]
}

/// From where to where the members reach along a direction, without the outermost 2 %, metres.
fn span(raster: &Raster, member: &[bool], along: impl Fn(&Point3<f64>) -> f64) -> [f64; 2] {
    let mut at: Vec<f64> = raster.points().filter(|(k, _)| member[*k]).map(|(_, p)| along(&p)).collect();
    at.sort_unstable_by(f64::total_cmp);
    match (at.get(at.len() / 50), at.get(at.len().saturating_sub(1 + at.len() / 50))) {
        (Some(low), Some(high)) => {
            // The share that was cut off, and half of a cell.
            let more = 0.02 * (high - low) + 0.25 * CELL_M;
            [low - more, high + more]
        }
        _ => [0.0, 0.0],
    }
}

/// The catalogue's sides in the order in which two of them fit the visible face. The third is the depth;
/// the item can't reach deeper than the tote's floor, `room` below the face along its normal, metres.
fn fit_sides(sides: [f64; 3], seen: [f64; 2], room: f64) -> [f64; 3] {
    let cost = |size: &[f64; 3]| {
        let off = |seen: f64, side: f64| {
            let more = seen - side;
            if more > 0.0 { more / LARGER_M } else { -more / SMALLER_M }
        };
        off(seen[0], size[0]) + off(seen[1], size[1]) + (size[2] - room - 0.006).max(0.0) / LARGER_M
    };
    let [a, b, c] = sides;
    let orders = [[a, b, c], [b, a, c], [a, c, b], [c, a, b], [b, c, a], [c, b, a]];
    let best = orders.iter().copied().reduce(|m, o| if cost(&o) < cost(&m) - 1e-9 { o } else { m });
    best.unwrap_or(sides)
}

pub(crate) fn pose(centre: Point3<f64>, axes: [Vector3<f64>; 3]) -> Isometry3<f64> {
    let rotation = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&axes));
    Isometry3::from_parts(Translation3::from(centre.coords), UnitQuaternion::from_rotation_matrix(&rotation))
}

/// Mass, kilograms: the catalogue's, else the volume times the material's usual density.
pub(crate) fn mass(sku: Option<&Sku>, size_m: [f64; 3], density: f64) -> f64 {
    if let Some(mass) = sku.and_then(|s| s.mass_kg) {
        return mass;
    }
    let full = match sku.map(|s| s.shape) {
        Some(Shape::Cylinder) => core::f64::consts::FRAC_PI_4,
        _ => 1.0,
    };
    let volume = sku.map_or_else(|| size_m.iter().product(), Sku::volume_m3);
    (full * volume * density).clamp(0.005, 25.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_side_of_the_catalogue_is_the_depth() {
        let sides = [0.12, 0.08, 0.05];
        assert_eq!(fit_sides(sides, [0.118, 0.081], 0.3), [0.12, 0.08, 0.05]);
        assert_eq!(fit_sides(sides, [0.051, 0.119], 0.3), [0.05, 0.12, 0.08]);
        assert_eq!(fit_sides(sides, [0.079, 0.049], 0.3), [0.08, 0.05, 0.12]);
    }

    #[test]
    fn a_covered_face_is_matched_to_what_the_floor_leaves_room_for() {
        // 80 × 80 mm of a 120 × 80 face, 50 mm above the floor: the box can't be 120 mm deep.
        assert_eq!(fit_sides([0.12, 0.08, 0.05], [0.08, 0.08], 0.05), [0.12, 0.08, 0.05]);
    }
}
