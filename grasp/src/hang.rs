//! How an item hangs: bellows that the vacuum has closed, idle cups that lean on it, weight off its middle.
//!
//! Each cup on the item is a spring k along the tool's axis; one that holds is drawn in with F = Δp · A and resists
//! tilting with 1.5 k r² / 2. With compression c(x, y) = d + gx x + gy y under the lips, forces and moments balance where
//!
//! ```text
//! Σ k cᵢ (1, xᵢ, yᵢ) + n k r²/2 (0, gx, gy) = Σ F (1, xᵢ, yᵢ) − m g (1, cx, cy)
//! ```
//!
//! Linear springs to the tool file's stiffness; folds that lie on each other are stiffer; an idle cup only pushes.
//! Valid for an upright tool, as the item is carried and put down.

use control::{Hold, ToolModel};
use nalgebra::{Isometry3, Matrix3, Translation3, UnitQuaternion, Vector3};

use crate::wrench::GRAVITY;

/// Share of what the cups hold that a motion may use: what hangs on bellows swings past where it is pulled to.
const CALM: f64 = 0.8;
/// What is held is carried with this at least, m/s², however little pulls: slower it only hangs longer.
pub(crate) const LEAST_ACCELERATION: f64 = 1.0;
/// Share of the stroke after which folds lie on each other, and how much stiffer they are then (10 to 30 ×).
const FOLDED: f64 = 0.85;
const FOLDED_STIFFNESS: f64 = 15.0;
/// A bellows resists bending more than a ring of its axial springs, by its folds (estimate).
const BENDING: f64 = 1.5;
/// Steepest slope that is still taken for what it is.
const SLOPE_MOST: f64 = 0.4;

/// A cup on the item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spring {
    /// Its middle in the tool frame, metres.
    pub(crate) at: [f64; 2],
    /// Force that the vacuum draws it in with, newtons; 0 for an idle one.
    pub(crate) force_n: f64,
    /// Share of its lip that is on the item, 0…1.
    pub(crate) share: f64,
}

/// How an item hangs on its cups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hang {
    /// Compression under the tool's origin, metres, and its slopes along x and y.
    closed: [f64; 3],
    /// Least stiffness against tilting about x or y, N·m.
    pub(crate) stiffness_nm: f64,
}

impl Hang {
    /// The balance for a mass (kilograms) whose centre is at `centre` in the tool frame. Without springs nothing hangs.
    pub(crate) fn of(tool: &ToolModel, springs: &[Spring], mass_kg: f64, centre: &Vector3<f64>) -> Self {
        let k = tool.stiffness_n_per_m;
        let fold = FOLDED * tool.stroke_m;
        let ring = BENDING * 0.5 * k * tool.r_eff_m * tool.r_eff_m;
        let arm = |s: &Spring| Vector3::new(1.0, s.at[0], s.at[1]);
        let mut closed = Vector3::zeros();
        let mut system = Matrix3::identity();
        // Which cups have folded and which have come off changes with the answer: it settles in a few rounds.
        for round in 0..4 {
            system = Matrix3::zeros();
            let weight = mass_kg * GRAVITY;
            let mut load = -weight * Vector3::new(1.0, centre.x, centre.y);
            for spring in springs {
                let v = arm(spring);
                let compression = if round == 0 { 0.5 * fold } else { v.dot(&closed) };
                if spring.force_n == 0.0 && compression < 0.0 {
                    continue;
                }
                let mut stiffness = spring.share * k;
                load += v * spring.force_n;
                if compression > fold {
                    let more = stiffness * (FOLDED_STIFFNESS - 1.0);
                    load += v * (more * fold);
                    stiffness += more;
                }
                system += v * v.transpose() * stiffness;
                if spring.force_n > 0.0 {
                    system[(1, 1)] += ring;
                    system[(2, 2)] += ring;
                }
            }
            match system.try_inverse() {
                Some(inverse) => closed = inverse * load,
                None => return Self { closed: [0.0; 3], stiffness_nm: 1e-9 },
            }
        }
        let softest = system.try_inverse().map_or(f64::INFINITY, |i| i[(1, 1)].max(i[(2, 2)]));
        let within = |slope: f64| slope.clamp(-SLOPE_MOST, SLOPE_MOST);
        Self {
            closed: [closed[0].clamp(-0.2 * tool.stroke_m, tool.stroke_m), within(closed[1]), within(closed[2])],
            stiffness_nm: 1.0 / softest.max(1e-9),
        }
    }

    /// Where the item is, as it hangs, from where it is when the lips just touch it: poses in the tool frame.
    pub(crate) fn moved(&self) -> Isometry3<f64> {
        let [d, gx, gy] = self.closed;
        let turn = UnitQuaternion::from_scaled_axis(Vector3::new(-gy, gx, 0.0));
        Isometry3::from_parts(Translation3::new(0.0, 0.0, -d), turn)
    }

    /// How far the item is tilted against the lips' plane, radians.
    pub(crate) fn tilt(&self) -> f64 {
        self.closed[1].hypot(self.closed[2])
    }

    /// How far the bellows are closed, on average, metres.
    pub(crate) fn closed_m(&self) -> f64 {
        self.closed[0].max(0.0)
    }

    /// How far the item swings under an acceleration of its centre, which hangs `below` the lips, and how far its
    /// centre of mass may be off, radians. It overshoots: a change of acceleration that is quick against its swing
    /// (4 Hz and more) doubles what it would come to at rest.
    pub(crate) fn swing(&self, mass_kg: f64, acceleration: f64, below: f64, unsure_m: f64) -> f64 {
        mass_kg * (2.0 * acceleration * below.max(0.0) + GRAVITY * unsure_m) / self.stiffness_nm
    }
}

/// The hold as it should be carried when a share of the pull that was expected of its cups is there, 0…1. What cups can
/// take grows with their pull, and what accelerating takes of it, beyond what the resting item does, with the acceleration.
#[must_use]
pub fn carried(hold: &Hold, pull_share: f64) -> Hold {
    let rest = hold.rest_share.min(1.0 - 1e-9);
    let left = ((pull_share - rest) / (1.0 - rest)).clamp(0.0, 1.0);
    let at_most = |a: f64| (CALM * left * a).max(LEAST_ACCELERATION).min(a);
    Hold { max_acceleration: at_most(hold.max_acceleration), max_vertical: at_most(hold.max_vertical), ..*hold }
}

#[cfg(test)]
mod tests {
    use scene::Pose;

    use super::*;

    #[test]
    fn less_pull_is_carried_more_calmly_and_never_faster_than_the_hold_allows() {
        let hold = |max_acceleration| Hold {
            world_from_tool: Pose::identity(),
            approach_m: 0.06,
            press_m: 0.0,
            touch_speed: 0.05,
            guard_m: 0.012,
            cups: (0..6_usize).collect(),
            max_acceleration,
            max_vertical: 15.0,
            rest_share: GRAVITY / (GRAVITY + max_acceleration),
            held: control::HeldBox { tool_from_box: Pose::identity(), size_m: [0.1; 3] },
            closed_m: 0.0,
            mass_kg: 0.4,
            expected_pa: 50_000,
        };
        let a = |most, share| carried(&hold(most), share).max_acceleration;
        assert!((a(10.0, 1.0) - 8.0).abs() < 1e-12);
        // Half of the pull holds the weight and next to nothing more.
        assert!((a(10.0, 0.5) - LEAST_ACCELERATION).abs() < 1e-12);
        assert!((a(15.0, 0.75) - CALM * (0.75 * (GRAVITY + 15.0) - GRAVITY)).abs() < 1e-12);
        assert!((a(0.6, 1.0) - 0.6).abs() < 1e-12);
    }

    fn tool() -> ToolModel {
        ToolModel::find("six-cup", std::path::Path::new(".")).unwrap()
    }

    fn holding(at: [f64; 2]) -> Spring {
        Spring { at, force_n: 30.0, share: 1.0 }
    }

    #[test]
    fn one_cup_is_drawn_in_by_the_vacuum_less_the_weight() {
        let hang = Hang::of(&tool(), &[holding([0.0, 0.0])], 0.5, &Vector3::new(0.0, 0.0, 0.04));
        let expected = (30.0 - 0.5 * GRAVITY) / 2000.0;
        assert!((hang.moved().translation.z + expected).abs() < 1e-9, "{:?}", hang.closed);
        assert!(hang.moved().rotation.angle() < 1e-9);
    }

    #[test]
    fn an_item_held_beside_its_middle_hangs_lower_there() {
        let hang = Hang::of(&tool(), &[holding([0.0, 0.0])], 0.3, &Vector3::new(0.02, 0.0, 0.04));
        // Its point 20 mm along x goes down, which is +z in the tool frame.
        let was = nalgebra::Point3::new(0.05, 0.0, 0.0);
        let middle = hang.moved() * nalgebra::Point3::origin();
        assert!((hang.moved() * was).z > middle.z + 0.005, "{:?}", hang.closed);
    }

    #[test]
    fn an_idle_cup_on_the_item_pushes_its_side_down_and_makes_it_stiffer() {
        let centre = Vector3::new(0.0, 0.0, 0.04);
        let alone = Hang::of(&tool(), &[holding([0.0, 0.0])], 0.2, &centre);
        let idle = Spring { at: [0.044, 0.0], force_n: 0.0, share: 1.0 };
        let both = Hang::of(&tool(), &[holding([0.0, 0.0]), idle], 0.2, &centre);
        let [_, slope, _] = both.closed;
        assert!(slope < -0.05, "{:?}", both.closed);
        assert!(both.closed[0] < alone.closed[0]);
    }

    #[test]
    fn two_by_two_cups_swing_less_than_a_row_and_a_row_less_than_one() {
        let of = |at: &[[f64; 2]]| {
            let springs: Vec<Spring> = at.iter().map(|&at| holding(at)).collect();
            Hang::of(&tool(), &springs, 0.3, &Vector3::new(0.0, 0.0, 0.05)).swing(0.3, 4.0, 0.05, 0.005)
        };
        let one = of(&[[0.0, 0.0]]);
        let row = of(&[[-0.022, 0.0], [0.022, 0.0]]);
        let four = of(&[[-0.022, -0.022], [0.022, -0.022], [-0.022, 0.022], [0.022, 0.022]]);
        assert!(one > 1.5 * row && row > 5.0 * four, "{one} {row} {four}");
    }
}
