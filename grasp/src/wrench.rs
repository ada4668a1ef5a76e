//! What the cups are loaded with, and how much of that they can take.
//!
//! The item is rigid, each lip a ring of equal springs: axial stiffness k, and k r² / 2 against tilting.
//! Loads go where the springs' energy is least (Lee et al., 2408.03498, without the inequality), so
//!
//! ```text
//! pull on cup i    P_i = N / n + k (θx y_i − θy x_i)      θx = Mx / (k Σy² + n k r²/2), θy alike
//! line load        P_i + k r |θ|  ≤  F                    F = Δp · A: beyond it the lip lifts on one side
//! friction         V_i ≤ μ (F − P_i)
//! ```
//!
//! For one cup the second line is the onset of peeling, M = (F − P) r / 2. The stiffness cancels.

use nalgebra::Vector3;

use crate::hang::LEAST_ACCELERATION;
use crate::pattern::Pattern;
use crate::rejection::Weakest;

/// Standard gravity, m/s² (CGPM 1901).
pub(crate) const GRAVITY: f64 = 9.806_65;

/// Cups that hold one item.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grip<'a> {
    pub(crate) pattern: &'a Pattern,
    /// Force of one cup, newtons.
    pub(crate) force_n: f64,
    /// Radius of a lip, metres.
    pub(crate) radius_m: f64,
    pub(crate) friction: f64,
    pub(crate) mass_kg: f64,
    /// Centre of mass in the tool's axes, from the middle of the cups, metres.
    pub(crate) centre_m: Vector3<f64>,
    /// How far off the centre of mass may be, metres.
    pub(crate) unsure_m: f64,
}

/// What a hold allows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Allowed {
    /// Largest acceleration sideways, m/s².
    pub(crate) sideways: f64,
    /// Largest acceleration along the vertical, m/s².
    pub(crate) vertical: f64,
    /// Share of what the hold may take that the resting item takes, 0…1.
    pub(crate) rest_share: f64,
}

impl Allowed {
    /// As little as any hold has to allow, with nothing to spare.
    pub(crate) const LEAST: Self = Self { sideways: LEAST_ACCELERATION, vertical: LEAST_ACCELERATION, rest_share: 1.0 };
}

/// How much of its capacity a grip uses: 1 is the limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Use {
    pub(crate) pull: f64,
    pub(crate) peel: f64,
    pub(crate) slip: f64,
}

impl Use {
    /// Capacity over load.
    pub(crate) fn safety(&self) -> f64 {
        1.0 / self.pull.max(self.peel).max(self.slip).max(1e-6)
    }

    pub(crate) fn weakest(&self) -> Weakest {
        if self.pull >= self.peel.max(self.slip) {
            Weakest::Pull
        } else if self.peel >= self.slip {
            Weakest::Peel
        } else {
            Weakest::Slip
        }
    }

    fn worst(self, other: Self) -> Self {
        Self { pull: self.pull.max(other.pull), peel: self.peel.max(other.peel), slip: self.slip.max(other.slip) }
    }
}

impl Grip<'_> {
    /// Under a force on the centre of mass, in the tool's axes (z away from the tool), newtons.
    fn under(&self, load: &Vector3<f64>) -> Use {
        let n = self.pattern.cups.len() as f64;
        let (r, c) = (self.radius_m, &self.centre_m);
        let moment = c.cross(load);
        let more = self.unsure_m * load.norm();
        let (mx, my) = (moment.x.abs() + more, moment.y.abs() + more);
        let ring = 0.5 * n * r * r;
        let (tx, ty) = (mx / (self.pattern.spread[1] + ring), my / (self.pattern.spread[0] + ring));
        let pull = load.z / n;
        let most = pull + tx * self.pattern.reach[1] + ty * self.pattern.reach[0];
        // Torsion: lips and lever arms share it, a lip's arm being two thirds of its radius.
        let arm = 2.0 / 3.0 * r;
        let [x, y] = self.pattern.reach;
        let far = (x * x + y * y).sqrt();
        let twist = moment.z.abs() / (self.pattern.spread[0] + self.pattern.spread[1] + n * arm * arm);
        let side = load.xy().norm() / n + twist * (far + arm);
        let force = self.force_n.max(1e-9);
        Use {
            pull: most.max(0.0) / force,
            peel: (most + r * (tx * tx + ty * ty).sqrt()).max(0.0) / force,
            slip: (side / self.friction.max(1e-3) + pull).max(0.0) / force,
        }
    }

    /// Under gravity and an acceleration in the worst of the directions up and along the tool's sides.
    /// `down` are the directions of gravity in the tool's axes that the item meets on its way.
    pub(crate) fn at(&self, acceleration: f64, down: &[Vector3<f64>]) -> Use {
        self.upwards(acceleration, down).worst(self.sideways(acceleration, down))
    }

    fn upwards(&self, acceleration: f64, down: &[Vector3<f64>]) -> Use {
        self.worst(down, |down| [down * (GRAVITY + acceleration)])
    }

    fn sideways(&self, acceleration: f64, down: &[Vector3<f64>]) -> Use {
        let (x, y) = (Vector3::x() * acceleration, Vector3::y() * acceleration);
        self.worst(down, |down| [x, -x, y, -y].map(|push| down * GRAVITY + push))
    }

    fn worst<const N: usize>(&self, down: &[Vector3<f64>], loads: impl Fn(&Vector3<f64>) -> [Vector3<f64>; N]) -> Use {
        let each = down.iter().flat_map(loads).map(|load| self.under(&(load * self.mass_kg)));
        each.fold(Use { pull: 0.0, peel: 0.0, slip: 0.0 }, Use::worst)
    }

    /// The largest accelerations from `least` to `most` (sideways, vertical) at which the safety is kept; the least where
    /// it isn't.
    pub(crate) fn allowed(&self, safety: f64, down: &[Vector3<f64>], least: f64, most: [f64; 2]) -> Allowed {
        let largest = |most: f64, under: &dyn Fn(f64) -> Use| {
            let holds = |a: f64| under(a).safety() >= safety;
            if holds(most) {
                return most;
            }
            let (mut low, mut high) = (least, most);
            for _ in 0..12 {
                let middle = 0.5 * (low + high);
                if holds(middle) { low = middle } else { high = middle }
            }
            low
        };
        Allowed {
            sideways: largest(most[0], &|a| self.sideways(a, down)),
            vertical: largest(most[1], &|a| self.upwards(a, down)),
            rest_share: (safety / self.upwards(0.0, down).safety()).min(1.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::patterns;
    use control::ToolModel;

    const DOWN: [Vector3<f64>; 1] = [Vector3::new(0.0, 0.0, 1.0)];

    fn grip(pattern: &Pattern, mass_kg: f64, centre_m: Vector3<f64>) -> Grip<'_> {
        Grip { pattern, force_n: 511e-6 * 60e3, radius_m: 0.01275, friction: 0.5, mass_kg, centre_m, unsure_m: 0.0 }
    }

    #[test]
    fn half_a_kilogram_held_off_centre_lifts_the_lip_of_one_cup_and_not_of_three() {
        // 0.5 kg with its centre 50 mm beside the axis: 0.25 N·m at rest, above the 0.16 N·m of a
        // 30 mm cup at 60 kPa that also carries the weight.
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let patterns = patterns(&tool);
        let off = Vector3::new(0.05, 0.0, 0.0);
        let one = grip(&patterns[0], 0.5, off).at(0.0, &DOWN);
        assert!(one.safety() < 1.0 && one.weakest() == Weakest::Peel, "{one:?}");
        let three = grip(&patterns[3], 0.5, off).at(0.0, &DOWN);
        assert!(three.safety() > 3.0, "{three:?}");
    }

    #[test]
    fn one_cup_lets_go_at_the_lip_lift_moment() {
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let patterns = patterns(&tool);
        let (force, weight) = (511e-6 * 60e3, 0.4 * GRAVITY);
        let lever = (force - weight) * 0.01275 / 2.0 / weight;
        let at = |lever: f64| grip(&patterns[0], 0.4, Vector3::new(lever, 0.0, 0.0)).at(0.0, &DOWN).safety();
        assert!((at(lever) - 1.0).abs() < 1e-9, "safety {}", at(lever));
    }

    #[test]
    fn heavier_and_deeper_items_are_moved_more_gently() {
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let patterns = patterns(&tool);
        let most = |cups: usize, mass: f64, depth: f64| {
            grip(&patterns[cups], mass, Vector3::new(0.0, 0.0, 0.5 * depth))
                .allowed(2.0, &DOWN, 2.0, [15.0, 8.0])
                .sideways
        };
        assert!(most(0, 0.1, 0.05) > most(0, 0.3, 0.05));
        assert!(most(0, 0.3, 0.05) > most(0, 0.3, 0.12));
        assert!(most(5, 0.5, 0.1) > most(0, 0.5, 0.1));
        assert!((most(5, 30.0, 0.1) - 2.0).abs() < 1e-12);
    }
}
