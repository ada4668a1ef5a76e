//! One item, ready to be grasped: its surface, its whole box, what its material lets a cup hold.

use control::{HeldBox, Hold};
use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use scene::{Fragility, Item, Material, Pose, Shape};

use crate::candidate::Surroundings;
use crate::facet::{Facet, Form, facets};
use crate::hang::Hang;
use crate::held::{Whole, mass, pose, whole};
use crate::pattern::{Pattern, patterns};
use crate::raster::Raster;
use crate::suction::{Supply, Surface, supplies, surface};
use crate::wrench::Allowed;

/// Straight way to the face, metres: beyond it the tool may come from anywhere.
pub(crate) const APPROACH_M: f64 = 0.06;
/// How far off a face may be, metres: depth of the camera and what gives under the cups.
pub(crate) const GUARD_M: f64 = 0.010;
/// How far over a face something must stand to lie on it, metres.
const ON_TOP_M: f64 = 0.01;

/// Everything about one item that its grasps share. Lengths in the tote frame.
pub(crate) struct Target<'a> {
    pub(crate) around: &'a Surroundings<'a>,
    pub(crate) raster: Raster,
    pub(crate) facets: Vec<Facet>,
    pub(crate) whole: Whole,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) surface: Surface,
    /// By number of cups.
    pub(crate) supplies: Vec<Supply>,
    pub(crate) mass_kg: f64,
    pub(crate) press_m: f64,
    /// Force that it may be pressed with, newtons.
    pub(crate) press_most_n: f64,
    /// Share of its face that other items lie on, 0…1.
    pub(crate) buried: f64,
    /// Share of its outline that others may cover, 0…1.
    pub(crate) outline_covered: f64,
    /// How much softer than rigid it is, 0…1.
    pub(crate) compliance: f64,
}

/// The tool's axes at a point of a face: x along the row of cups, z into the face.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stance {
    pub(crate) point: Point3<f64>,
    pub(crate) x: Vector3<f64>,
    pub(crate) normal: Vector3<f64>,
}

impl Stance {
    pub(crate) fn y(&self) -> Vector3<f64> {
        self.x.cross(&self.normal)
    }

    /// A direction of the tote in the tool's axes.
    pub(crate) fn in_tool(&self, v: &Vector3<f64>) -> Vector3<f64> {
        Vector3::new(v.dot(&self.x), v.dot(&self.y()), -v.dot(&self.normal))
    }

    /// Turned about the normal.
    pub(crate) fn turned(&self, angle: f64) -> Self {
        let (sin, cos) = angle.sin_cos();
        Self { x: (self.x * cos + self.normal.cross(&self.x) * sin).normalize(), ..*self }
    }

    /// The tool's pose when this point of its lip plane is at the stance's point.
    pub(crate) fn tool(&self, middle: [f64; 2]) -> Isometry3<f64> {
        let origin = self.point - self.x * middle[0] - self.y() * middle[1];
        pose(origin, [self.x, self.y(), -self.normal])
    }
}

impl<'a> Target<'a> {
    /// `None` when too little of the item is seen to grasp it.
    pub(crate) fn of(item: &Item, items: &[Item], around: &'a Surroundings<'a>) -> Option<Self> {
        let tote_from_world = around.tote.world_from.isometry().inverse();
        let sku = item.best().and_then(|(name, _)| around.catalogue.get(name));
        let raster = Raster::of(&item.cloud, &tote_from_world, around.tote.size)?;
        let cylinder =
            sku.filter(|s| s.shape == Shape::Cylinder).map(|s| [0.25 * (s.size_m[0] + s.size_m[1]), s.size_m[2]]);
        let long = if item.size_m[0] >= item.size_m[1] { Vector3::x() } else { Vector3::y() };
        let along = tote_from_world * item.world_from_item.direction(&long);
        let facets = facets(&raster, cylinder, along);
        if facets.is_empty() {
            return None;
        }
        let whole = whole(item, sku, &raster, &facets, around.surface, &tote_from_world);
        let material = sku.map_or(item.material, |s| s.material);
        let surface = surface(material);
        let mut target = Self {
            around,
            raster,
            facets,
            whole,
            patterns: patterns(around.tool),
            surface,
            supplies: supplies(around.tool, &surface),
            mass_kg: mass(sku, whole.size_m, surface.density),
            press_m: press(material, sku.map(|s| s.fragility)).min(0.6 * around.tool.stroke_m),
            press_most_n: press_most(sku.map(|s| s.fragility)),
            buried: 0.0,
            outline_covered: item.covered.clamp(0.0, 1.0),
            compliance: item.compliance.clamp(0.0, 1.0),
        };
        target.buried = target.buried_under(item, items, &tote_from_world);
        Some(target)
    }

    /// Share of the whole face over which points of other items stand.
    fn buried_under(&self, item: &Item, items: &[Item], tote_from_world: &Isometry3<f64>) -> f64 {
        const SIDE_M: f64 = 0.01;
        const MOST: usize = 40;
        let half = self.whole.size_m.map(|s| 0.5 * s);
        let cells = [0, 1].map(|axis| ((2.0 * half[axis] / SIDE_M) as usize).clamp(1, MOST));
        let mut on = [0_u64; MOST];
        let box_from_world = self.whole.tote_from_box.inverse() * tote_from_world;
        let reach = half.iter().map(|h| h * h).sum::<f64>().sqrt();
        for other in items.iter().filter(|other| other.id != item.id) {
            let centre = box_from_world * other.world_from_item.origin();
            let its = other.size_m.iter().map(|s| s * s).sum::<f64>().sqrt();
            if centre.coords.norm() > reach + its + 0.05 {
                continue;
            }
            for p in other.cloud.iter().step_by(5) {
                let p = box_from_world * p;
                if p.x.abs() < half[0] - 0.004 && p.y.abs() < half[1] - 0.004 && p.z > half[2] + ON_TOP_M {
                    let index = |axis: usize| (((p[axis] + half[axis]) / SIDE_M) as usize).min(cells[axis] - 1);
                    on[index(1)] |= 1 << index(0);
                }
            }
        }
        let count: u32 = on.iter().map(|row| row.count_ones()).sum();
        f64::from(count) / (cells[0] * cells[1]) as f64
    }

    /// The stance at a point of a facet, the tool's x along the item's.
    pub(crate) fn stance(&self, point: Point3<f64>, normal: Vector3<f64>) -> Stance {
        let turned = self.whole.tote_from_box.rotation;
        let flat = |a: Vector3<f64>| a - normal * a.dot(&normal);
        let x = [Vector3::x(), Vector3::y()]
            .map(|a| flat(turned * a))
            .into_iter()
            .reduce(|m, v| if v.norm() > m.norm() + 0.2 { v } else { m });
        Stance {
            point,
            x: x.and_then(|x| x.try_normalize(1e-6)).unwrap_or_else(|| normal.cross(&Vector3::y())),
            normal,
        }
    }

    /// The box as it stands to the tool. A lying cylinder's is turned about its own axis, so that its
    /// side faces the tool.
    fn held(&self, tote_from_tool: &Isometry3<f64>, hang: Option<&Hang>) -> HeldBox {
        let mut tote_from_box = self.whole.tote_from_box;
        if self.whole.lies_round {
            let axis = tote_from_box.rotation * Vector3::x();
            let out = tote_from_tool.rotation * -Vector3::z();
            if let Some(up) = (out - axis * out.dot(&axis)).try_normalize(1e-6) {
                tote_from_box = pose(tote_from_box.translation.vector.into(), [axis, up.cross(&axis), up]);
            }
        }
        let moved = hang.map_or_else(Isometry3::identity, Hang::moved);
        let tool_from_box = moved * tote_from_tool.inverse() * tote_from_box;
        let rotation = UnitQuaternion::new_normalize(tool_from_box.rotation.into_inner());
        HeldBox {
            tool_from_box: Pose::from_isometry(Isometry3::from_parts(tool_from_box.translation, rotation)),
            size_m: self.whole.size_m,
        }
    }

    /// All that motion needs to know: the box as it hangs, `on_item` cups that press on it.
    pub(crate) fn hold(
        &self,
        tote_from_tool: &Isometry3<f64>,
        cups: u8,
        allowed: Allowed,
        expected_pa: f64,
        hang: Option<&Hang>,
        on_item: f64,
    ) -> Hold {
        let world = self.around.tote.world_from.isometry() * tote_from_tool;
        let rotation = UnitQuaternion::new_normalize(world.rotation.into_inner());
        Hold {
            world_from_tool: Pose::from_isometry(Isometry3::from_parts(world.translation, rotation)),
            guard_m: GUARD_M,
            approach_m: APPROACH_M,
            press_m: self.press_m,
            cups: (0..8_usize).filter(|i| cups & (1 << i) != 0).collect(),
            touch_speed: touch_speed(self.press_most_n, on_item, self.around.tool.stiffness_n_per_m),
            max_acceleration: allowed.sideways,
            max_vertical: allowed.vertical,
            rest_share: allowed.rest_share,
            held: self.held(tote_from_tool, hang),
            closed_m: hang.map_or(0.0, Hang::closed_m),
            mass_kg: self.mass_kg,
            expected_pa: expected_pa.max(0.0) as u32,
        }
    }

    /// The radius of the side that cups sit on; `None` for a flat or free one.
    pub(crate) fn bend_m(&self, facet: &Facet) -> Option<f64> {
        match facet.form {
            Form::Round(round) => Some(round.radius),
            Form::Flat(_) | Form::Free => None,
        }
    }
}

/// How far past touch the tool may go, metres: soft goods want more of the stroke, fragile ones less
/// (2 N/mm a cup; 5 to 15 N on soft goods, up to 30 N on cartons).
fn press(material: Material, fragility: Option<Fragility>) -> f64 {
    let soft = matches!(material, Material::Film | Material::Fabric | Material::Mesh);
    match fragility.unwrap_or(Fragility::Normal) {
        Fragility::Fragile => 0.008,
        Fragility::Normal if soft => 0.012,
        Fragility::Normal => 0.010,
        Fragility::Sturdy => 0.012,
    }
}

/// What a class of item may be pressed with, newtons, as [`Fragility`] says.
fn press_most(fragility: Option<Fragility>) -> f64 {
    match fragility.unwrap_or(Fragility::Normal) {
        Fragility::Fragile => 5.0,
        Fragility::Normal => 15.0,
        Fragility::Sturdy => 30.0,
    }
}

/// Speed at which `cups` springs of a stiffness (N/m) may meet an item, so that they press it with `most_n` at most.
///
/// Contact is told at 3 N or 1.5 mm of stroke (the gripper's defaults); 10 ms later the arm brakes, which takes
/// v √(v / j) with the 65 m/s³ that were measured for it near the end of an approach, and 25 ms times v at least.
fn touch_speed(most_n: f64, cups: f64, stiffness: f64) -> f64 {
    const TOLD_N: f64 = 3.0;
    const TOLD_M: f64 = 1.5e-3;
    const LATE_S: f64 = 0.010;
    const STOP_S: f64 = 0.025;
    const JERK: f64 = 65.0;
    let stiffness = cups.max(1.0) * stiffness;
    let room = most_n / stiffness - TOLD_M.min(TOLD_N / stiffness);
    let needs = |v: f64| v * LATE_S + v * (v / JERK).sqrt().max(STOP_S);
    let (mut low, mut high) = (TOUCH_SPEED[0], TOUCH_SPEED[1]);
    for _ in 0..12 {
        let middle = 0.5 * (low + high);
        if needs(middle) <= room { low = middle } else { high = middle }
    }
    low
}

/// Slowest and fastest speed at which a face is met, m/s.
const TOUCH_SPEED: [f64; 2] = [0.008, 0.08];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fragile_goods_under_many_cups_are_met_slowly() {
        assert!(touch_speed(30.0, 1.0, 2000.0) > 0.049);
        let few = touch_speed(15.0, 2.0, 2000.0);
        let many = touch_speed(15.0, 6.0, 2000.0);
        assert!(few > many && many > 0.012, "{few} {many}");
        assert!(touch_speed(5.0, 4.0, 2000.0) < 0.009);
    }
}
