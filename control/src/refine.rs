//! Shortens a motion: sequential convex programming over the control points of its spline.
//!
//! For a form in time the least duration is exact, since all limits scale with it (`route::time`); what is sought is
//! the form. Each sweep linearises what the item's centre, the lowest corner and the tool's pose do for a change of
//! the control points, and solves a second-order cone programme for the change: the least length of an interval under
//! the joints' velocity, acceleration and jerk (linear in the points), the item's acceleration (a cone at each node)
//! and what keeps the way clear. At each node that is either height over the rims and contents below, or, deep in a
//! container, nearness to the straight way in or out (after Schulman et al. 2014, Motion planning with sequential convex
//! optimization and convex collision checking).

use clarabel::algebra::CscMatrix;
use clarabel::solver::{DefaultSettingsBuilder, DefaultSolver, IPSolver, SolverStatus, SupportedConeT};
use nalgebra::{Matrix3x6, Vector3};

use crate::chain::{Chain, Frames};
use crate::collision::{Checker, Sweep};
use crate::look::{ABOUT, Off, looked};
use crate::route::{Line, Route, held_centre, time};
use crate::spline::{End, Joints, NODES, POINTS, SETTLED, Spline, weights};

/// Sweeps of a refinement: a number, not a time, so that the same question gives the same answer.
const SWEEPS: usize = 7;
/// Control points that may move.
const FREE: usize = POINTS - 2 * SETTLED;
/// Columns: the joints of the free points, the change of the interval, how far the clearances are missed.
const STEP: usize = 6 * FREE;
const MISS: usize = STEP + 1;
const COLUMNS: usize = MISS + 1;
/// Cost of missing the clearances by a centimetre, in parts of the duration.
const MISS_COST: f64 = 5.0;
/// Misses that don't count, centimetres: what is kept beside what is checked is more.
const NEGLECTED: f64 = 0.1;
/// Misses with which a form is worth the exact check, centimetres.
const NEARLY: f64 = 0.3;
/// Cost of a centimetre that is missed, when a sweep is judged: the next one mends most of it.
const LOOKED_COST: f64 = 0.3;
/// How hard a sweep is pulled back to where it is: at first, after a step that was taken, after one that was not.
const FIRST_PULL: f64 = 1.0;
const ON: f64 = 0.3;
const BACK: f64 = 5.0;
const CENTIMETRE: f64 = 0.01;
/// How far sideways a node may move in one sweep where nothing is near, metres, and what is tried where something is.
const ASIDE_M: [f64; 5] = [0.12, 0.05, 0.02, 0.008, 0.0];
/// Turn of the tool from that of a straight way at its deep end, radians, and what it grows by for each metre from there.
const TURNED: [f64; 2] = [0.002, 0.1];
/// Distance from which on a fixed box counts, metres.
const NEAR_M: f64 = 0.15;
/// Lean of the tool from upright that is always allowed, radians.
const LEAN: f64 = 0.15;

/// What keeps a node clear: rows `coefficients · change of the joints ≤ room`, scaled to centimetres.
#[derive(Default)]
struct Clearances {
    rows: Vec<([f64; 6], f64)>,
    missed: f64,
}

impl Clearances {
    /// Notes `row · change ≤ room`, room in metres, negative when missed.
    fn at_most(&mut self, row: [f64; 6], room: f64, unit: f64) {
        self.missed = self.missed.max(-room / unit);
        self.rows.push((row.map(|r| r / unit), room / unit));
    }

    /// Notes `|value + row · change| ≤ most`.
    fn within(&mut self, row: [f64; 6], value: f64, most: f64, unit: f64) {
        self.at_most(row, most - value, unit);
        self.at_most(row.map(|r| -r), most + value, unit);
    }
}

pub(crate) struct Refiner<'a> {
    chain: &'a Chain,
    checker: &'a Checker<'a>,
    route: &'a Route,
    end: End,
    lean: f64,
}

/// A row of the matrix in the making.
struct Programme {
    rows: Vec<usize>,
    columns: Vec<usize>,
    values: Vec<f64>,
    right: Vec<f64>,
}

impl Programme {
    fn put(&mut self, column: usize, value: f64) {
        if value != 0.0 {
            self.rows.push(self.right.len());
            self.columns.push(column);
            self.values.push(value);
        }
    }

    fn close(&mut self, right: f64) {
        self.right.push(right);
    }
}

/// Column of a joint of a control point, if that may move.
fn column(point: usize, joint: usize) -> Option<usize> {
    (SETTLED..POINTS - SETTLED).contains(&point).then(|| 6 * (point - SETTLED) + joint)
}

impl<'a> Refiner<'a> {
    pub(crate) fn new(chain: &'a Chain, checker: &'a Checker<'a>, route: &'a Route, end: End) -> Self {
        let lean_at = |q: &Joints| (-(chain.tool(q).rotation * Vector3::z()).z).clamp(-1.0, 1.0).acos();
        let begin = route.up.as_ref().map_or(route.from, |line| line.path.start());
        let lean = LEAN.max(lean_at(&begin)).max(lean_at(&end.q)) + 0.02;
        Self { chain, checker, route, end, lean }
    }

    /// Forms that nearly keep their clearances, of those found in [`SWEEPS`] sweeps from `first` on, the shortest first.
    pub(crate) fn refine(&self, first: &Spline) -> Vec<Spline> {
        let mut here = first.clone();
        let (mut nodes, mut missed) = self.look(&here);
        let mut found = Vec::with_capacity(SWEEPS);
        let mut pull = FIRST_PULL;
        for _ in 0..SWEEPS {
            let Some(change) = self.solve(&here, &nodes, pull) else {
                pull *= BACK;
                continue;
            };
            let mut next = here.clone();
            for k in SETTLED..POINTS - SETTLED {
                for i in 0..6 {
                    next.points[k][i] += change[6 * (k - SETTLED) + i];
                }
            }
            time(&mut next, self.chain, &self.end, self.route.load.as_ref());
            let (next_nodes, next_missed) = self.look(&next);
            if next_missed <= NEARLY {
                found.push(next.clone());
            }
            let merit =
                |spline: &Spline, missed: f64| spline.step / first.step + LOOKED_COST * (missed - NEGLECTED).max(0.0);
            if merit(&next, next_missed) < merit(&here, missed) {
                (here, nodes, missed) = (next, next_nodes, next_missed);
                pull *= ON;
            } else {
                pull *= BACK;
            }
        }
        found.sort_by(|a, b| a.step.total_cmp(&b.step));
        found
    }

    /// What keeps each node clear, and the worst miss in centimetres.
    fn look(&self, spline: &Spline) -> (Vec<(Frames, Clearances)>, f64) {
        let looked = looked(self.chain, spline);
        let nodes: Vec<_> =
            looked.into_iter().map(|(frames, sweep)| (frames, self.clearances(&frames, &sweep))).collect();
        let missed = nodes.iter().fold(0.0, |m: f64, (_, clear)| m.max(clear.missed));
        (nodes, missed)
    }

    fn clearances(&self, frames: &Frames, sweep: &Sweep) -> Clearances {
        let mut clear = Clearances::default();
        let tool = &frames.tool;
        let row = |jacobian: &Matrix3x6<f64>, along: &Vector3<f64>| -> [f64; 6] {
            let row = along.transpose() * jacobian;
            core::array::from_fn(|i| row[i])
        };
        let origin = self.chain.point_jacobian(frames, &tool.translation.vector);
        let turning = self.chain.turning(frames);
        let (room, corner) = self.checker.above(tool, 0.0, sweep);
        let lines = [&self.route.up, &self.route.down];
        let beside: Vec<_> = lines
            .iter()
            .filter_map(|line| line.as_ref())
            .map(|line| (line, Off::new(line, &tool.translation.vector)))
            .collect();
        let nearest = beside.iter().min_by(|a, b| a.1.aside.norm().total_cmp(&b.1.aside.norm()));
        match nearest {
            Some((line, off)) if room < -ABOUT && off.aside.norm() < 3.0 * off.most() => {
                // Deep in a container, on the straight way in or out.
                let (first, second) = across(&off.tangent);
                for side in [first, second] {
                    clear.within(row(&origin, &side), off.aside.dot(&side), off.most(), 0.25 * CENTIMETRE);
                }
                let known = if line.is_down(self.route) { line.path.end() } else { line.path.start() };
                let turned = (tool.rotation * self.chain.tool(&known).rotation.inverse()).scaled_axis();
                let most = TURNED[0] + TURNED[1] * off.deep;
                for axis in [Vector3::x(), Vector3::y(), Vector3::z()] {
                    clear.within(row(&turning, &axis), turned.dot(&axis), most, 2.5 * CENTIMETRE);
                }
            }
            _ if room.is_finite() => {
                // As far aside as it stays above what is there, or as it is now where it isn't above.
                let (aside, room, corner) = ASIDE_M
                    .iter()
                    .map(|&aside| {
                        let (room, corner) = self.checker.above(tool, aside, sweep);
                        (aside, room, corner)
                    })
                    .find(|(_, room, _)| *room >= -ABOUT)
                    .unwrap_or((ASIDE_M[0], room, corner));
                let jacobian = self.chain.point_jacobian(frames, &corner.coords);
                clear.at_most(row(&jacobian, &-Vector3::z()), room, CENTIMETRE);
                for side in [Vector3::x(), Vector3::y()] {
                    clear.within(row(&origin, &side), 0.0, aside, CENTIMETRE);
                }
            }
            _ => {}
        }
        self.checker.near_solids(frames, NEAR_M, |near| {
            let jacobian = self.chain.point_jacobian(frames, &near.point);
            let mut row = row(&jacobian, &-near.away);
            row[near.joints..].fill(0.0);
            clear.at_most(row, near.room, CENTIMETRE);
        });
        // The lean, linearised: the tool's axis keeps its share along the vertical.
        let axis = tool.rotation * Vector3::z();
        for side in [Vector3::x(), Vector3::y()] {
            // d(axis) = turning × axis.
            let moved = axis.cross(&side);
            clear.within(row(&turning, &moved), axis.dot(&side), self.lean.sin(), 10.0 * CENTIMETRE);
        }
        clear
    }

    /// The change of the control points that the programme gives; `None` when it has no solution.
    fn solve(&self, spline: &Spline, nodes: &[(Frames, Clearances)], pull: f64) -> Option<Vec<f64>> {
        let mut a = Programme { rows: Vec::new(), columns: Vec::new(), values: Vec::new(), right: Vec::new() };
        self.joint_rows(spline, &mut a);
        for (node, (_, clear)) in nodes.iter().enumerate() {
            let (first, weights) = weights(node);
            for (row, room) in &clear.rows {
                for (n, weight) in weights[0].iter().enumerate() {
                    for (i, r) in row.iter().enumerate() {
                        if let Some(column) = column(first + n, i) {
                            a.put(column, weight * r);
                        }
                    }
                }
                a.put(MISS, -1.0);
                a.close(*room);
            }
        }
        a.put(MISS, -1.0);
        a.close(0.0);
        // The interval changes by a third at most.
        for sign in [1.0, -1.0] {
            a.put(STEP, sign);
            a.close(0.33);
        }
        let mut cones = vec![SupportedConeT::NonnegativeConeT(a.right.len())];
        self.item_rows(spline, nodes, &mut a, &mut cones);
        let matrix = CscMatrix::new_from_triplets(a.right.len(), COLUMNS, a.rows, a.columns, a.values);
        // Pulled back to where it is: the linearisation holds near there.
        let diagonal = |k: usize| if k < STEP { 0.05 * pull } else { 1e-6 };
        let quadratic = CscMatrix::new(
            COLUMNS,
            COLUMNS,
            (0..=COLUMNS).collect(),
            (0..COLUMNS).collect(),
            (0..COLUMNS).map(diagonal).collect(),
        );
        let mut linear = vec![0.0; COLUMNS];
        linear[STEP] = 1.0;
        linear[MISS] = MISS_COST;
        let settings = DefaultSettingsBuilder::default()
            .verbose(false)
            .max_iter(40)
            .tol_gap_abs(1e-3)
            .tol_gap_rel(1e-3)
            .tol_feas(1e-4)
            .build()
            .ok()?;
        let mut solver = DefaultSolver::new(&quadratic, &linear, &matrix, &a.right, &cones, settings).ok()?;
        solver.solve();
        let is_solved = matches!(solver.solution.status, SolverStatus::Solved | SolverStatus::AlmostSolved);
        is_solved.then_some(solver.solution.x)
    }

    /// Velocity, acceleration and jerk of each joint between control points, as shares of what an interval allows.
    fn joint_rows(&self, spline: &Spline, a: &mut Programme) {
        const DIFFERENCES: [&[f64]; 3] = [&[-1.0, 1.0], &[1.0, -2.0, 1.0], &[-1.0, 3.0, -3.0, 1.0]];
        let h = spline.step;
        let limits = self.chain.limits();
        for (order, difference) in DIFFERENCES.iter().enumerate() {
            for k in 0..=POINTS - difference.len() {
                for (i, limit) in limits.iter().enumerate() {
                    let most = [limit.velocity * h, limit.acceleration * h * h, limit.jerk * h * h * h][order];
                    let each = difference.iter().zip(&spline.points[k..]);
                    let now: f64 = each.map(|(d, p)| d * p[i]).sum::<f64>() / most;
                    let moves = (k..k + difference.len()).any(|point| column(point, i).is_some());
                    if !moves {
                        continue;
                    }
                    for sign in [1.0, -1.0] {
                        for (n, d) in difference.iter().enumerate() {
                            if let Some(column) = column(k + n, i) {
                                a.put(column, sign * d / most);
                            }
                        }
                        a.put(STEP, -((order + 1) as f64));
                        a.close(1.0 - sign * now);
                    }
                }
            }
        }
        for k in SETTLED..POINTS - SETTLED {
            for (i, limit) in limits.iter().enumerate() {
                let angle = spline.points[k][i];
                for (sign, room) in [(1.0, limit.max - angle), (-1.0, angle - limit.min)] {
                    if room < 0.6
                        && let Some(column) = column(k, i)
                    {
                        a.put(column, sign);
                        a.close(room);
                    }
                }
            }
        }
    }

    /// A cone for the acceleration of what is held at each node.
    fn item_rows(
        &self,
        spline: &Spline,
        nodes: &[(Frames, Clearances)],
        a: &mut Programme,
        cones: &mut Vec<SupportedConeT<f64>>,
    ) {
        let Some(load) = &self.route.load else { return };
        // The ellipsoid of what the grasp allows, as a ball.
        let allowed = Vector3::new(load.sideways, load.sideways, load.vertical) * (spline.step * spline.step);
        let jacobians: Vec<Matrix3x6<f64>> = nodes
            .iter()
            .map(|(frames, _)| {
                let mut jacobian = self.chain.point_jacobian(frames, &held_centre(&frames.tool, load));
                for (mut row, most) in jacobian.row_iter_mut().zip(&allowed) {
                    row /= *most;
                }
                jacobian
            })
            .collect();
        for (node, (frames, _)) in nodes.iter().enumerate().take(NODES - 1).skip(1) {
            let at = spline.at_node(node);
            let centre = held_centre(&frames.tool, load);
            let now = self.chain.point_acceleration(frames, &centre, &at.d1, &at.d2).component_div(&allowed);
            // How the second difference over half intervals changes with the points.
            let first = (node - 1) / 2;
            let mut by = [Matrix3x6::<f64>::zeros(); 5];
            for (n, share) in [(node - 1, 4.0), (node, -8.0), (node + 1, 4.0)] {
                let (from, weights) = weights(n);
                for (k, weight) in weights[0].iter().enumerate() {
                    if let Some(slot) = by.get_mut(from + k - first)
                        && *weight != 0.0
                    {
                        *slot += jacobians[n] * (share * weight);
                    }
                }
            }
            a.put(STEP, -2.0);
            a.close(1.0);
            for axis in 0..3 {
                for (k, by) in by.iter().enumerate() {
                    for i in 0..6 {
                        if let Some(column) = column(first + k, i) {
                            a.put(column, -by[(axis, i)]);
                        }
                    }
                }
                a.close(now[axis]);
            }
            cones.push(SupportedConeT::SecondOrderConeT(4));
        }
    }
}

impl Line {
    fn is_down(&self, route: &Route) -> bool {
        route.down.as_ref().is_some_and(|line| line.kind == self.kind)
    }
}

/// Two directions across a third.
fn across(along: &Vector3<f64>) -> (Vector3<f64>, Vector3<f64>) {
    let least = if along.x.abs() < 0.7 { Vector3::x() } else { Vector3::y() };
    let first = along.cross(&least).normalize();
    (first, along.cross(&first))
}
