//! A second look at a motion, sample by sample, with none of the planner's own checks.

use nalgebra::{Isometry3, Point3, Vector3};
use parry3d::math::{Pose as ParryPose, Rotation as ParryRotation, Vector as ParryVector};
use parry3d::query::intersection_test;
use parry3d::shape::{Capsule, Cuboid, Shape};
use scene::HeightMap;
use scene::frame::Frame;

use super::problem::{Problem, Site};
use crate::cell::Container;
use crate::program::{Program, SegmentKind};
use crate::{JointAngles, Planner, RobotModel};

/// Samples between two looks for what is touched.
const STRIDE: usize = 4;
/// Shares by which a limit may seem to be passed by rounding.
const ROUNDING: f64 = 1e-6;

/// What is wrong with a motion.
#[derive(Debug, Clone, PartialEq)]
pub enum Finding {
    /// A joint's angle, speed, acceleration or jerk, or the item's acceleration, is beyond its limit.
    Limit {
        /// Which, of what.
        what: String,
        /// Its value, SI.
        value: f64,
        /// Its limit, SI.
        limit: f64,
        /// Sample.
        at: usize,
    },
    /// Two bodies overlap.
    Touches {
        /// What moves.
        body: String,
        /// What it overlaps.
        other: String,
        /// Sample.
        at: usize,
    },
}

/// An upright box that stands still.
struct Block {
    name: String,
    pose: Isometry3<f64>,
    half: Vector3<f64>,
}

/// Columns of what lies in a container.
struct Columns {
    name: String,
    container_from_world: Isometry3<f64>,
    origin: [f64; 2],
    cell: f64,
    nx: usize,
    ny: usize,
    z: Vec<f32>,
    highest: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Link(usize),
    Tool,
    Lips,
    Held,
}

/// A body that moves.
struct Moving {
    name: String,
    part: Part,
    pose: Isometry3<f64>,
    /// Half sides of a box, or ends and radius.
    form: Form,
}

#[derive(Clone, Copy)]
enum Form {
    Box(Vector3<f64>),
    Capsule(Point3<f64>, Point3<f64>, f64),
}

/// Looks at the motions of one problem.
pub struct Recheck<'a> {
    planner: &'a Planner,
    robot: &'a RobotModel,
    site: &'a Site<'a>,
    held: crate::HeldBox,
    hardest: Vector3<f64>,
    blocks: Vec<Block>,
    columns: Vec<Columns>,
}

impl<'a> Recheck<'a> {
    /// For a problem in its cell.
    #[must_use]
    pub fn new(site: &'a Site<'a>, problem: &Problem) -> Self {
        let cell = site.cell;
        let mut blocks = Vec::new();
        for tote in &cell.totes {
            walls(tote, &mut blocks);
        }
        for bin in &cell.bins {
            walls(bin, &mut blocks);
        }
        for fixed in &cell.obstacles {
            let [x, y, z] = fixed.centre_m;
            blocks.push(Block {
                name: fixed.name.clone(),
                pose: Isometry3::translation(x, y, z),
                half: Vector3::from(fixed.size_m) * 0.5,
            });
        }
        for camera in &cell.cameras {
            // A D415's housing is 99 × 20 × 23 mm.
            blocks.push(Block {
                name: format!("camera {}", camera.name),
                pose: *camera.world_from_camera.isometry(),
                half: Vector3::new(0.05, 0.012, 0.012),
            });
        }
        let mut columns: Vec<_> = cell.totes.iter().zip(&problem.totes).map(|(c, m)| Columns::new(c, m)).collect();
        columns.extend(cell.bins.iter().zip(&problem.bins).map(|(c, m)| Columns::new(c, m)));
        let hold = &problem.hold;
        Self {
            planner: site.planner,
            robot: site.robot,
            site,
            held: hold.held,
            hardest: [hold.max_acceleration, hold.max_acceleration, hold.max_vertical].into(),
            blocks,
            columns,
        }
    }

    /// The first limit that a carry breaks.
    #[must_use]
    pub fn beyond_limits(&self, program: &Program) -> Option<Finding> {
        let samples = program.samples();
        let last = samples.len() as isize - 1;
        let at = |k: isize, i: usize| samples[k.clamp(0, last) as usize].0[i];
        for (i, j) in self.robot.joints.iter().enumerate() {
            for k in 0..=last + 3 {
                let (q0, q1, q2, q3) = (at(k, i), at(k - 1, i), at(k - 2, i), at(k - 3, i));
                let found = [
                    ("angle", (q0 - 0.5 * (j.min + j.max)).abs(), 0.5 * (j.max - j.min)),
                    ("speed", ((q0 - q1) * 1e3).abs(), j.velocity),
                    ("acceleration", ((q0 - 2.0 * q1 + q2) * 1e6).abs(), j.acceleration),
                    ("jerk", ((q0 - 3.0 * q1 + 3.0 * q2 - q3) * 1e9).abs(), j.jerk),
                ];
                for (what, value, limit) in found {
                    if value > limit * (1.0 + ROUNDING) {
                        return Some(Finding::Limit {
                            what: format!("{what} of J{}", i + 1),
                            value,
                            limit,
                            at: k.clamp(0, last) as usize,
                        });
                    }
                }
            }
        }
        // Two milliseconds apart, where the planner's own look is one.
        let centre = self.held.tool_from_box.origin();
        let place = |q: &JointAngles| self.planner.forward(q).point(&centre).coords;
        samples.windows(5).step_by(2).enumerate().find_map(|(k, five)| {
            let bend = place(&five[4]) - 2.0 * place(&five[2]) + place(&five[0]);
            let value = (bend / 4e-6).component_div(&self.hardest).norm();
            (value > 1.001).then(|| Finding::Limit {
                what: "acceleration of the item, of what is allowed".into(),
                value,
                limit: 1.0,
                at: 2 * k,
            })
        })
    }

    /// The first sample of a carry at which something overlaps.
    #[must_use]
    pub fn collides(&self, program: &Program) -> Option<Finding> {
        let samples = program.samples();
        let last = samples.len() - 1;
        (0..samples.len()).step_by(STRIDE).chain([last]).find_map(|k| {
            let kind = program.segment_at(k)?.kind;
            let (body, other) = self.touched(&samples[k], kind)?;
            Some(Finding::Touches { body, other, at: k })
        })
    }

    /// What overlaps at a configuration. On the straight ways what is held may lean on walls and stand in what it is
    /// taken out of or set down on, as deep as its size is uncertain; the lips give way.
    #[must_use]
    pub fn touched(&self, q: &JointAngles, kind: SegmentKind) -> Option<(String, String)> {
        let bodies = self.bodies(q);
        let straight = !matches!(kind, SegmentKind::Reach | SegmentKind::Carry);
        // Base and shoulder stand where they are bolted down.
        for body in bodies.iter().filter(|b| !matches!(b.part, Part::Link(link) if link < 2)) {
            let give = match (body.part, kind) {
                (Part::Held, SegmentKind::Lift | SegmentKind::Retreat) => 0.025,
                (Part::Held, SegmentKind::Lower) => 0.004,
                (Part::Tool | Part::Lips, SegmentKind::Lift | SegmentKind::Retreat) => 0.003,
                _ => 0.0,
            };
            let form = body.form.smaller(give);
            let (centre, reach) = form.around(&body.pose);
            for block in &self.blocks {
                let p = block.pose.inverse_transform_point(&centre);
                let away = (p.coords.abs() - block.half).sup(&Vector3::zeros()).norm();
                // The floor under what is held is where it is set down.
                let may_stand = matches!(body.part, Part::Held | Part::Lips) && block.name.starts_with("floor");
                if away < reach && !may_stand && overlaps(&form, &body.pose, &block.half, &block.pose) {
                    return Some((body.name.clone(), block.name.clone()));
                }
            }
            if body.part == Part::Lips || (body.part == Part::Held && straight) {
                continue;
            }
            if let Some(columns) = self.columns.iter().find(|c| c.overlaps(&form, &body.pose)) {
                return Some((body.name.clone(), columns.name.clone()));
            }
        }
        self.folded(&bodies)
    }

    /// Tool, held box and wrist against base, shoulder and upper arm.
    fn folded(&self, bodies: &[Moving]) -> Option<(String, String)> {
        let far = |b: &&Moving| !matches!(b.part, Part::Link(link) if link < 5);
        let near = |b: &&Moving| matches!(b.part, Part::Link(link) if link <= 2);
        for a in bodies.iter().filter(far) {
            for b in bodies.iter().filter(near) {
                let (one, two) = (shape(&a.form), shape(&b.form));
                if intersection_test(&parry(&a.pose), &*one, &parry(&b.pose), &*two).map_or(true, |i| i.intersecting) {
                    return Some((a.name.clone(), b.name.clone()));
                }
            }
        }
        None
    }

    fn bodies(&self, q: &JointAngles) -> Vec<Moving> {
        let links = self.planner.links(q);
        let tool = *self.planner.forward(q).isometry();
        let mut out: Vec<_> = self
            .robot
            .capsules
            .iter()
            .map(|c| Moving {
                name: format!("link {}", c.link),
                part: Part::Link(c.link),
                pose: links[c.link],
                form: Form::Capsule(Point3::from(c.from), Point3::from(c.to), c.radius),
            })
            .collect();
        out.extend(self.site.tool.bodies.iter().map(|b| {
            let [x, y, z] = b.centre_m;
            Moving {
                name: b.name.clone(),
                part: if b.rigid { Part::Tool } else { Part::Lips },
                pose: tool * Isometry3::translation(x, y, z),
                form: Form::Box(Vector3::from(b.size_m) * 0.5),
            }
        }));
        out.push(Moving {
            name: "held item".into(),
            part: Part::Held,
            pose: tool * self.held.tool_from_box.isometry(),
            form: Form::Box(Vector3::from(self.held.size_m) * 0.5),
        });
        out
    }
}

/// Four walls and a floor of a container.
fn walls<F: Frame>(container: &Container<F>, out: &mut Vec<Block>) {
    let [x, y, z] = container.size.map(|s| 0.5 * s);
    let t = 0.5 * container.wall;
    let world_from = container.world_from.isometry();
    let mut add = |what: &str, at: [f64; 3], half: [f64; 3]| {
        out.push(Block {
            name: format!("{what} of {}", container.name),
            pose: world_from * Isometry3::translation(at[0], at[1], at[2]),
            half: Vector3::from(half),
        });
    };
    for side in [-1.0, 1.0] {
        add("wall", [side * (x + t), 0.0, z], [t, y + 2.0 * t, z]);
        add("wall", [0.0, side * (y + t), z], [x + 2.0 * t, t, z]);
    }
    add("floor", [0.0, 0.0, -t], [x, y, t]);
}

impl Columns {
    fn new<F: Frame>(container: &Container<F>, map: &HeightMap<F>) -> Self {
        Self {
            name: format!("contents of {}", container.name),
            container_from_world: container.world_from.isometry().inverse(),
            origin: map.origin,
            cell: map.cell,
            nx: map.nx,
            ny: map.ny,
            highest: f64::from(map.z.iter().copied().fold(0.0_f32, f32::max)),
            z: map.z.clone(),
        }
    }

    /// Whether a body overlaps a column that is as wide as a cell.
    fn overlaps(&self, form: &Form, pose: &Isometry3<f64>) -> bool {
        let pose = self.container_from_world * pose;
        let (centre, reach) = form.around(&pose);
        if centre.z - reach > self.highest {
            return false;
        }
        let range = |middle: f64, origin: f64, n: usize| {
            let low = ((middle - reach - origin) / self.cell).floor().max(0.0) as usize;
            let high = ((middle + reach - origin) / self.cell).ceil().clamp(0.0, n as f64) as usize;
            low.min(n)..high
        };
        let low = form.lowest(&pose);
        for j in range(centre.y, self.origin[1], self.ny) {
            for i in range(centre.x, self.origin[0], self.nx) {
                let z = f64::from(self.z[j * self.nx + i]);
                if z <= low {
                    continue;
                }
                let at = |n: usize, origin: f64| origin + (n as f64 + 0.5) * self.cell;
                let column = Isometry3::translation(at(i, self.origin[0]), at(j, self.origin[1]), 0.5 * z);
                let half = Vector3::new(0.5 * self.cell, 0.5 * self.cell, 0.5 * z);
                if overlaps(form, &pose, &half, &column) {
                    return true;
                }
            }
        }
        false
    }
}

impl Form {
    fn smaller(self, by: f64) -> Self {
        match self {
            Self::Box(half) => Self::Box(half.map(|h| (h - by).max(1e-3))),
            capsule => capsule,
        }
    }

    /// A ball around it.
    fn around(&self, pose: &Isometry3<f64>) -> (Point3<f64>, f64) {
        match self {
            Self::Box(half) => (Point3::from(pose.translation.vector), half.norm()),
            Self::Capsule(a, b, radius) => (pose * nalgebra::center(a, b), 0.5 * (b - a).norm() + radius),
        }
    }

    fn lowest(&self, pose: &Isometry3<f64>) -> f64 {
        match self {
            Self::Box(half) => pose.translation.z - (pose.rotation.inverse() * Vector3::z()).abs().dot(half),
            Self::Capsule(a, b, radius) => (pose * a).z.min((pose * b).z) - radius,
        }
    }
}

fn parry(pose: &Isometry3<f64>) -> ParryPose {
    let (t, r) = (pose.translation.vector, pose.rotation.coords);
    ParryPose::from_parts(vector(&t), ParryRotation::from_xyzw(r.x as f32, r.y as f32, r.z as f32, r.w as f32))
}

fn vector(v: &Vector3<f64>) -> ParryVector {
    ParryVector::new(v.x as f32, v.y as f32, v.z as f32)
}

fn shape(form: &Form) -> Box<dyn Shape> {
    match form {
        Form::Box(half) => Box::new(Cuboid::new(vector(half))),
        Form::Capsule(a, b, radius) => Box::new(Capsule::new(vector(&a.coords), vector(&b.coords), *radius as f32)),
    }
}

fn overlaps(form: &Form, pose: &Isometry3<f64>, half: &Vector3<f64>, at: &Isometry3<f64>) -> bool {
    // A pair that the library doesn't know counts as touching.
    intersection_test(&parry(pose), &*shape(form), &parry(at), &Cuboid::new(vector(half)))
        .map_or(true, |i| i.intersecting)
}
