//! Weighing while the arm moves: what hangs on the tool, from the load cell and the arm's own motion.

use std::collections::VecDeque;

use nalgebra::Vector3;

use crate::{JointAngles, Planner, ToolModel};

/// Standard gravity, m/s² (CGPM 1901).
const GRAVITY: f64 = 9.806_65;
/// Half the width of the second difference that gives the acceleration, samples of a millisecond: wide enough that a
/// resolver's noise of 10 µm makes 0.1 m/s², short against a lift.
const HALF: usize = 10;

/// Estimates a mass over the ticks of a lift.
///
/// The cell between flange and tool reads, tared with the empty tool in the same attitude,
/// `F = m (g·d + a·d) + m_tool a·d`, d the tool's axis turned upwards, a the tool's acceleration. The mass is the
/// least-squares solution over all ticks.
#[derive(Clone)]
pub struct Scale {
    planner: Planner,
    tool_kg: f64,
    ticks: VecDeque<(Vector3<f64>, Vector3<f64>, f64)>,
    over: f64,
    under: f64,
}

impl std::fmt::Debug for Scale {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scale").field("tool_kg", &self.tool_kg).field("over", &self.over).field("under", &self.under).finish()
    }
}

impl Scale {
    /// A scale for one arm and tool; empty.
    #[must_use]
    pub fn new(planner: Planner, tool: &ToolModel) -> Self {
        Self {
            planner,
            tool_kg: tool.mass_kg,
            ticks: VecDeque::with_capacity(2 * HALF + 1),
            over: 0.0,
            under: 0.0,
        }
    }

    /// Forgets what was weighed.
    pub fn clear(&mut self) {
        self.ticks.clear();
        self.over = 0.0;
        self.under = 0.0;
    }

    /// Takes one tick: measured joint angles, and the tared load in newtons, positive when something hangs. Doesn't allocate.
    pub fn add(&mut self, q: &JointAngles, load_n: f64) {
        let tool = self.planner.forward(q);
        self.ticks.push_back((tool.origin().coords, -tool.direction(&Vector3::z()), load_n));
        if self.ticks.len() <= 2 * HALF {
            return;
        }
        let h = HALF as f64 * 1e-3;
        let (first, _, _) = self.ticks[0];
        let (middle, up, load) = self.ticks[HALF];
        let (last, _, _) = self.ticks[2 * HALF];
        let acceleration = (first - 2.0 * middle + last) / (h * h);
        let felt = GRAVITY * up.z + acceleration.dot(&up);
        self.over += (load - self.tool_kg * acceleration.dot(&up)) * felt;
        self.under += felt * felt;
        self.ticks.pop_front();
    }

    /// The mass so far, kilograms; `None` before 21 ticks.
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
    fn half_a_kilogram_is_weighed_in_a_lift_that_speeds_up_and_slows_down() {
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
        for i in 0..300 {
            let t = f64::from(i) * 1e-3;
            let at = |t: f64| planner.forward(&q(t));
            let d = 1e-4;
            let a = (at(t - d).origin().coords - 2.0 * at(t).origin().coords + at(t + d).origin().coords) / (d * d);
            let up = -at(t).direction(&Vector3::z());
            scale.add(&q(t), 0.5 * (GRAVITY * up.z + a.dot(&up)) + tool.mass_kg * a.dot(&up));
        }
        let found = scale.mass_kg().unwrap();
        assert!((found - 0.5).abs() < 0.01, "{found} kg");
    }
}
