//! Weighing while the arm moves: what hangs on the tool, from the load cell and the arm's own motion.

use std::collections::VecDeque;

use nalgebra::Vector3;

use crate::{JointAngles, Planner, ToolModel};

/// Standard gravity, m/s² (CGPM 1901).
const GRAVITY: f64 = 9.806_65;
/// Half the width of the second difference that gives the acceleration, samples of a millisecond: wide enough that a
/// resolver's noise of 10 µm makes 0.1 m/s², short against a lift.
const HALF: usize = 10;
/// Ticks that a tare takes at least.
const LEAST_TICKS: u32 = 5;
/// How far the empty tool's reading may have drifted between two tares, newtons: some picks' worth of 0.02 N in the root of a
/// second; and how many tares in a row are set aside for more.
const DRIFTS_N: f64 = 0.25;
const MOST_ASIDE: u32 = 2;
/// Drift from which the gripper is to zero its load again, newtons: a third of what it takes for contact.
const FAR_OFF_N: f64 = 1.0;

/// Estimates what hangs on the tool over the ticks of a lift, against the empty tool of the way down.
///
/// The cell between flange and tool reads `F = F₀ + (m + m_tool) (g·d + a·d)`, d the tool's axis turned upwards, a the
/// tool's acceleration, F₀ whatever zero it was given. F₀ is the mean over the ticks of [`Scale::tare`], the mass that
/// over those of [`Scale::add`]: sums of forces, not products, since what hangs on bellows swings, and over some of its
/// swings the forces on it still add up to its change of momentum. The load is as old as the tool file says.
///
/// F₀ drifts slowly. A mean that is far from the one before was taken with something touched: it is set aside, unless
/// the next agree with it.
#[derive(Clone)]
pub struct Scale {
    planner: Planner,
    tool_kg: f64,
    /// Age of the load against the joints, ticks.
    late: usize,
    ticks: VecDeque<(Vector3<f64>, Vector3<f64>, f64)>,
    /// F₀ as it is believed, newtons.
    empty: Option<f64>,
    /// Means in a row that were set aside.
    aside: u32,
    /// Sum and number of the ticks of this tare.
    tare: (f64, u32),
    over: f64,
    under: f64,
}

impl std::fmt::Debug for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scale")
            .field("tool_kg", &self.tool_kg)
            .field("over", &self.over)
            .field("under", &self.under)
            .finish()
    }
}

impl Scale {
    /// A scale for one arm and tool; empty.
    #[must_use]
    pub fn new(planner: Planner, tool: &ToolModel) -> Self {
        Self {
            planner,
            tool_kg: tool.mass_kg,
            late: ((tool.load_delay_s * 1e3).round() as usize).min(HALF),
            ticks: VecDeque::with_capacity(2 * HALF + 1),
            empty: None,
            aside: 0,
            tare: (0.0, 0),
            over: 0.0,
            under: 0.0,
        }
    }

    /// Begins to weigh: forgets what was weighed before, keeps the empty tool.
    pub fn begin(&mut self) {
        self.ticks.clear();
        self.over = 0.0;
        self.under = 0.0;
    }

    /// The gripper shall zero its load, with the empty tool at an even speed, the joints being so: it reads nothing then.
    pub fn zeroed(&mut self, q: &JointAngles) {
        let up = -self.planner.forward(q).direction(&Vector3::z());
        self.empty = Some(-self.tool_kg * GRAVITY * up.z);
        self.aside = 0;
        self.tare = (0.0, 0);
    }

    /// True when the gripper's zero is unknown, or so far off by now that its own limits are.
    #[must_use]
    pub fn wants_zero(&self) -> bool {
        self.empty.is_none_or(|empty| (empty + self.tool_kg * GRAVITY).abs() > FAR_OFF_N)
    }

    /// Begins to weigh the empty tool.
    pub fn begin_tare(&mut self) {
        self.ticks.clear();
        self.tare = (0.0, 0);
    }

    /// Takes one tick of the empty tool: measured joint angles and the load in newtons; `counts` where nothing can be
    /// touched. Doesn't allocate.
    pub fn tare(&mut self, q: &JointAngles, load_n: f64, counts: bool) {
        if let Some((up, acceleration, load)) = self.feel(q, load_n).filter(|_| counts) {
            self.tare.0 += load - self.tool_kg * (GRAVITY * up + acceleration);
            self.tare.1 += 1;
        }
    }

    /// Ends the tare: what it gave is believed from now on, or set aside.
    pub fn end_tare(&mut self) {
        let (sum, ticks) = std::mem::take(&mut self.tare);
        if ticks < LEAST_TICKS {
            return;
        }
        let mean = sum / f64::from(ticks);
        if self.empty.is_some_and(|empty| (mean - empty).abs() > DRIFTS_N) && self.aside < MOST_ASIDE {
            self.aside += 1;
        } else {
            self.empty = Some(mean);
            self.aside = 0;
        }
    }

    /// Takes one tick with the item: measured joint angles and the load in newtons, positive when something hangs.
    /// Doesn't allocate.
    pub fn add(&mut self, q: &JointAngles, load_n: f64) {
        let empty = self.empty.unwrap_or(0.0);
        if let Some((up, acceleration, load)) = self.feel(q, load_n) {
            let felt = GRAVITY * up + acceleration;
            self.over += load - empty - self.tool_kg * felt;
            self.under += felt;
        }
    }

    /// Takes one tick with the item without weighing: newtons that the load has beyond what `mass_kg` and the motion
    /// explain, negative where something pushes from below; ten ticks late. `None` before 21 ticks. Doesn't allocate.
    pub fn beyond(&mut self, q: &JointAngles, load_n: f64, mass_kg: f64) -> Option<f64> {
        let empty = self.empty.unwrap_or(0.0);
        let (up, acceleration, load) = self.feel(q, load_n)?;
        Some(load - empty - (self.tool_kg + mass_kg) * (GRAVITY * up + acceleration))
    }

    /// Of ten ticks ago: share of the tool's axis that points up, acceleration along the axis, load; `None` before 21 ticks.
    fn feel(&mut self, q: &JointAngles, load_n: f64) -> Option<(f64, f64, f64)> {
        let tool = self.planner.forward(q);
        self.ticks.push_back((tool.origin().coords, -tool.direction(&Vector3::z()), load_n));
        if self.ticks.len() <= 2 * HALF {
            return None;
        }
        let h = HALF as f64 * 1e-3;
        let (first, _, _) = self.ticks[0];
        let (middle, up, _) = self.ticks[HALF];
        let (_, _, load) = self.ticks[HALF + self.late];
        let (last, _, _) = self.ticks[2 * HALF];
        let acceleration = (first - 2.0 * middle + last) / (h * h);
        self.ticks.pop_front();
        Some((up.z, acceleration.dot(&up), load))
    }

    /// The mass so far, kilograms; `None` before 21 ticks of [`Scale::add`].
    #[must_use]
    pub fn mass_kg(&self) -> Option<f64> {
        (self.under > 0.0).then(|| self.over / self.under)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cell, RobotModel};

    #[test]
    fn half_a_kilogram_is_weighed_against_an_empty_tool_while_both_speed_up_and_slow_down() {
        let cell = include_str!("../../src/cells/default.toml");
        let cell = Cell::from_toml(cell, "default.toml").unwrap();
        let robot = RobotModel::find("fanuc-m20id-25", std::path::Path::new(".")).unwrap();
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let planner = Planner::new(&robot, &tool, &cell);
        let mut scale = Scale::new(planner.clone(), &tool);
        // The shoulder swings: x(t) of the tool comes from the kinematics, its second difference from a finer one.
        let q = |t: f64| {
            let mut q = cell.rest;
            q.0[1] += 0.1 * (1.0 - (6.0 * t).cos());
            q
        };
        let offset_n = 1.7;
        for (held_kg, weigh) in [(0.0, false), (0.5, true)] {
            if weigh {
                scale.end_tare();
                scale.begin();
            } else {
                scale.begin_tare();
            }
            for i in 0..300 {
                let t = f64::from(i) * 1e-3;
                let then = t - tool.load_delay_s;
                let at = |t: f64| planner.forward(&q(t));
                let d = 1e-4;
                let a = (at(then - d).origin().coords - 2.0 * at(then).origin().coords + at(then + d).origin().coords)
                    / (d * d);
                let up = -at(then).direction(&Vector3::z());
                let load = offset_n + (held_kg + tool.mass_kg) * (GRAVITY * up.z + a.dot(&up));
                if weigh { scale.add(&q(t), load) } else { scale.tare(&q(t), load, true) }
            }
        }
        let found = scale.mass_kg().unwrap();
        assert!((found - 0.5).abs() < 0.01, "{found} kg");
        let still = offset_n + (0.5 + tool.mass_kg) * GRAVITY * -planner.forward(&cell.rest).direction(&Vector3::z()).z;
        let beyond = (0..40).filter_map(|_| scale.beyond(&cell.rest, still - 6.0, 0.5)).last().unwrap();
        assert!((beyond + 6.0).abs() < 0.1, "{beyond} N");
        scale.begin();
        assert_eq!(scale.mass_kg(), None);
    }

    #[test]
    fn a_tare_with_something_touched_is_set_aside_and_a_zero_that_has_gone_far_is_asked_for() {
        let cell = Cell::from_toml(include_str!("../../src/cells/default.toml"), "default.toml").unwrap();
        let robot = RobotModel::find("fanuc-m20id-25", std::path::Path::new(".")).unwrap();
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let planner = Planner::new(&robot, &tool, &cell);
        let mut scale = Scale::new(planner.clone(), &tool);
        assert!(scale.wants_zero());
        scale.zeroed(&cell.rest);
        let up = -planner.forward(&cell.rest).direction(&Vector3::z()).z;
        let tare = |scale: &mut Scale, off_n: f64| {
            scale.begin_tare();
            (0..40).for_each(|_| scale.tare(&cell.rest, off_n, true));
            scale.end_tare();
        };
        let weighed = |scale: &mut Scale, off_n: f64| {
            scale.begin();
            (0..40).for_each(|_| scale.add(&cell.rest, off_n + 0.5 * GRAVITY * up));
            scale.mass_kg().unwrap()
        };
        for (tared_n, true_n) in [(0.1, 0.1), (-0.9, 0.1), (0.2, 0.2)] {
            tare(&mut scale, tared_n);
            let kg = weighed(&mut scale, true_n);
            assert!((kg - 0.5).abs() < 1e-9, "{kg} kg after a tare of {tared_n} N");
            assert!(!scale.wants_zero());
        }
        // What three tares in a row agree on is how it is.
        (0..3).for_each(|_| tare(&mut scale, 1.5));
        let kg = weighed(&mut scale, 1.5);
        assert!((kg - 0.5).abs() < 1e-9 && scale.wants_zero(), "{kg} kg");
    }
}
