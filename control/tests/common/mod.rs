//! Seeded problems and a second, slower way to see whether a motion is right.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;

use control::{
    Cell, Drop, HeldBox, Hold, JointAngles, Obstacles, Planner, Program, RobotModel, SegmentKind, ToolModel,
};
use firmware::CupSet;
use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{HeightMap, Pose, frame};

/// How deep a body may lean on a wall on the straight ways: what is lifted is only believed to be
/// as large as its box. Metres.
pub const FORGIVEN_M: f64 = 0.0255;

pub struct Site {
    pub cell: Cell,
    pub robot: RobotModel,
    pub tool: ToolModel,
    pub planner: Planner,
}

pub fn site() -> Site {
    let cell = Cell::from_toml(include_str!("../../../src/cells/default.toml"), "default.toml").unwrap();
    let (robot, tool) = cell.models("default.toml", Path::new(".")).unwrap();
    let planner = Planner::new(&robot, &tool, &cell);
    Site { cell, robot, tool, planner }
}

/// A tool that points straight down, turned about the vertical.
pub fn down(yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
        * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
}

pub struct Problem {
    pub from: JointAngles,
    pub hold: Hold,
    pub drop: Drop,
    pub obstacles: Obstacles,
    pub tote: HeightMap<frame::Tote>,
}

/// Picks out of tote A into any bin, with something lying in the tote.
pub fn problems(site: &Site, count: u64) -> impl Iterator<Item = (u64, Problem)> {
    (0..count).map(move |seed| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let size = [rng.random_range(0.07..0.18), rng.random_range(0.06..0.12), rng.random_range(0.03..0.15)];
        let at = Vector3::new(
            rng.random_range(0.72..1.08),
            rng.random_range(0.33..0.51),
            size[2] + rng.random_range(0.0..0.08),
        );
        let hold = Hold {
            world_from_tool: Pose::from_parts(at, down(rng.random_range(-1.5..1.5))),
            touch_speed: 0.05,
            guard_m: 0.012,
            approach_m: rng.random_range(0.03..0.12),
            closed_m: 0.0,
            press_m: rng.random_range(0.0..0.01),
            cups: CupSet::ALL,
            max_acceleration: rng.random_range(3.0..12.0),
            max_vertical: 8.0,
            rest_share: 0.5,
            held: HeldBox {
                tool_from_box: Pose::from_translation(Vector3::new(0.0, 0.0, 0.5 * size[2])),
                size_m: size,
            },
            mass_kg: 0.4,
            expected_pa: 50_000,
        };
        let bin = &site.cell.bins[rng.random_range(0..site.cell.bins.len())];
        let place = bin.world_from.origin().coords
            + Vector3::new(rng.random_range(-0.08..0.08), rng.random_range(-0.03..0.03), size[2] + 0.01);
        let drop = Drop {
            world_from_tool: Pose::from_parts(place, down(rng.random_range(-0.3..0.3))),
            touch_speed: 0.05,
            guard_m: 0.012,
            half_turn: true,
            approach_m: rng.random_range(0.0..0.1),
        };
        let mut tote = HeightMap::<frame::Tote>::over_floor([0.6, 0.4], 0.005, 0.0);
        let origin = site.cell.totes[0].world_from.origin();
        for j in 0..tote.ny {
            for i in 0..tote.nx {
                let [x, y] = tote.centre(i, j);
                let near = (x + origin.x - at.x).hypot(y + origin.y - at.y) < 0.12;
                let z = if near { at.z } else { rng.random_range(0.0..0.12) };
                tote.set(i, j, if rng.random_bool(0.02) { f32::NAN } else { z.min(at.z) as f32 });
            }
        }
        let mut obstacles = Obstacles::of_cell(&site.cell);
        obstacles.set_tote("tote-a", &tote).unwrap();
        let problem = Problem { from: site.cell.rest, hold, drop, obstacles, tote };
        (seed, problem)
    })
}

/// Velocity, acceleration and jerk by differences, at rest before and after; angles.
pub fn check_limits(robot: &RobotModel, program: &Program, seed: u64) {
    let samples = program.samples();
    let last = samples.len() as isize - 1;
    let at = |k: isize, i: usize| samples[k.clamp(0, last) as usize].0[i];
    for (i, limits) in robot.joints.iter().enumerate() {
        for k in 0..=last + 3 {
            let velocity = (at(k, i) - at(k - 1, i)) * 1e3;
            let acceleration = (at(k, i) - 2.0 * at(k - 1, i) + at(k - 2, i)) * 1e6;
            let jerk = (at(k, i) - 3.0 * at(k - 1, i) + 3.0 * at(k - 2, i) - at(k - 3, i)) * 1e9;
            for (what, value, limit) in [
                ("velocity", velocity, limits.velocity),
                ("acceleration", acceleration, limits.acceleration),
                ("jerk", jerk, limits.jerk),
            ] {
                assert!(
                    value.abs() <= limit * (1.0 + 1e-6),
                    "problem {seed}: {what} of J{} is {value} of {limit} at sample {k} of {last}",
                    i + 1
                );
            }
            let angle = at(k, i);
            assert!(angle >= limits.min - 1e-9 && angle <= limits.max + 1e-9, "problem {seed}: J{} at {angle}", i + 1);
        }
    }
    let mut next = 0;
    for segment in program.segments() {
        assert_eq!(segment.first, next, "problem {seed}: a gap before {}", segment.kind);
        assert!(segment.last > segment.first, "problem {seed}: {} is empty", segment.kind);
        next = segment.last;
    }
    assert_eq!(next + 1, samples.len(), "problem {seed}");
}

/// Walls, floors, cameras and boxes as points on a grid on their surfaces: brute force, but nobody's code.
pub struct Boxes {
    points: Vec<(String, Point3<f64>)>,
}

impl Boxes {
    pub fn new(site: &Site, problem: &Problem) -> Self {
        let mut points = Vec::new();
        let containers = site.cell.totes.iter().map(|c| (&c.name, *c.world_from.isometry(), c.size, c.wall));
        let bins = site.cell.bins.iter().map(|c| (&c.name, *c.world_from.isometry(), c.size, c.wall));
        for (name, world_from, size, wall) in containers.chain(bins) {
            let (x, y) = (0.5 * size[0], 0.5 * size[1]);
            for (from, to) in [([-x, -y], [x, -y]), ([-x, y], [x, y]), ([-x, -y], [-x, y]), ([x, -y], [x, y])] {
                for t in 0..=60 {
                    let t = f64::from(t) / 60.0;
                    let (px, py) = (from[0] + t * (to[0] - from[0]), from[1] + t * (to[1] - from[1]));
                    let (ox, oy) = (
                        px + wall * px.signum() * f64::from(px.abs() == x),
                        py + wall * py.signum() * f64::from(py.abs() == y),
                    );
                    for h in 0..=12 {
                        let z = size[2] * f64::from(h) / 12.0;
                        points.push((format!("wall of {name}"), world_from * Point3::new(px, py, z)));
                        points.push((format!("wall of {name}"), world_from * Point3::new(ox, oy, z)));
                    }
                }
            }
        }
        for camera in &site.cell.cameras {
            points.push((format!("camera {}", camera.name), camera.world_from_camera.origin()));
        }
        let tote = &site.cell.totes[0];
        for j in 0..problem.tote.ny {
            for i in 0..problem.tote.nx {
                let (z, [x, y]) = (problem.tote.at(i, j), problem.tote.centre(i, j));
                if z.is_finite() {
                    points.push(("contents".into(), tote.world_from.point(&Point3::new(x, y, f64::from(z)))));
                }
            }
        }
        Self { points }
    }

    /// A square post of a width and a height that stands on z = 0.
    pub fn add_post(&mut self, at: [f64; 2], width: f64, height: f64) {
        for k in 0..=140 {
            let z = height * f64::from(k) / 140.0;
            for (x, y) in
                [(-0.5, -0.5), (-0.5, 0.0), (-0.5, 0.5), (0.0, 0.5), (0.5, 0.5), (0.5, 0.0), (0.5, -0.5), (0.0, -0.5)]
            {
                self.points.push(("post".into(), Point3::new(at[0] + width * x, at[1] + width * y, z)));
            }
        }
    }

    /// The points near the tool anywhere on its way.
    fn near(&self, site: &Site, program: &Program) -> Vec<&(String, Point3<f64>)> {
        let way: Vec<_> =
            program.samples().iter().step_by(40).map(|q| site.planner.links(q)[5].translation.vector).collect();
        let is_near = |p: &Point3<f64>| way.iter().any(|w| (p.coords - w).norm_squared() < 0.75 * 0.75);
        self.points.iter().filter(|(_, p)| is_near(p)).collect()
    }

    /// No point inside the tool's bodies, the held box or the wrist, every tenth sample.
    pub fn check(&self, site: &Site, program: &Program, held: Option<&HeldBox>, seed: u64) {
        let points = self.near(site, program);
        for (k, q) in program.samples().iter().enumerate().step_by(15) {
            let kind = program.segment_at(k).unwrap().kind;
            let straight = !matches!(kind, SegmentKind::Reach | SegmentKind::Carry);
            let slack = if straight { FORGIVEN_M } else { 0.0 };
            let tool = *site.planner.forward(q).isometry();
            let mut boxes: Vec<(&str, Isometry3<f64>, Vector3<f64>, bool)> = site
                .tool
                .bodies
                .iter()
                .map(|b| {
                    let [x, y, z] = b.centre_m;
                    let pose = tool * Isometry3::translation(x, y, z);
                    (b.name.as_str(), pose, Vector3::from(b.size_m) * 0.5, b.rigid)
                })
                .collect();
            if let Some(held) = held {
                let pose = tool * held.tool_from_box.isometry();
                boxes.push(("held", pose, Vector3::from(held.size_m) * 0.5, true));
            }
            let links = site.planner.links(q);
            let wrist = Point3::from(links[5].translation.vector);
            for (what, point) in &points {
                // Nothing on the wrist reaches further: the tool 0.31 m, what it holds 0.3 m more.
                if (point - wrist).norm_squared() > 0.4 {
                    continue;
                }
                // What lies under the cups is touched on purpose, and what is lifted comes out of it.
                let contents = what == "contents";
                for (name, pose, half, rigid) in &boxes {
                    if contents && (!rigid || (*name == "held" && straight)) {
                        continue;
                    }
                    let p = pose.inverse_transform_point(point);
                    let depth = (half - p.coords.abs()).min();
                    assert!(depth <= slack, "problem {seed}, sample {k} in {kind}: {name} is {depth} m inside {what}");
                }
                let room = (point - wrist).norm() - 0.06;
                assert!(room > 0.0, "problem {seed}, sample {k} in {kind}: wrist in {what}");
            }
        }
    }
}
