//! Whether a configuration of the arm touches something, and how far it is from doing so.

use nalgebra::{Isometry3, Point3, Vector3};
use parry3d::math::{Pose as ParryPose, Rotation as ParryRotation, Vector as ParryVector};
use parry3d::query::distance;
use parry3d::shape::{Capsule, Cuboid, Shape};

use crate::chain::{Chain, Frames};
use crate::hold::HeldBox;
use crate::obstacles::{Obstacles, Solid, Walled};
use crate::program::SegmentKind;
use crate::robot::RobotModel;
use crate::tool::ToolModel;

/// Distances above this are not refined, metres.
const FAR: f64 = 0.25;
/// A moving body may travel this far between two checks even when it is close to something, metres.
pub(crate) const STEP_M: f64 = 0.005;
/// How far around a body the height map is looked at for its clearance, metres.
const AROUND: f64 = 0.05;

/// Which moving body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyName {
    Link(usize),
    Tool(usize),
    Held,
}

#[derive(Debug, Clone, Copy)]
enum Form {
    Capsule { from: Point3<f64>, to: Point3<f64>, radius: f64 },
    Box { centre: Isometry3<f64>, half: Vector3<f64> },
}

#[derive(Debug, Clone, Copy)]
struct Body {
    name: BodyName,
    /// The frame it is fixed to: link 0 to 6, 7 the tool.
    frame: usize,
    form: Form,
    rigid: bool,
}

/// Distances that are kept, metres; a negative one lets the body overlap by so much.
#[derive(Debug, Clone, Copy)]
struct Margins {
    link: f64,
    tool: f64,
    held: f64,
    tool_to_map: Option<f64>,
    held_to_map: Option<f64>,
}

/// What is kept from what depends on what the segment is for: on the straight ways into and out of
/// a container the walls are near on purpose, and what is lifted may lean on them.
fn margins(kind: SegmentKind) -> Margins {
    match kind {
        SegmentKind::Reach | SegmentKind::Carry => {
            Margins { link: 0.02, tool: 0.01, held: 0.01, tool_to_map: Some(0.01), held_to_map: Some(0.01) }
        }
        SegmentKind::Approach => {
            Margins { link: 0.005, tool: 0.002, held: 0.0, tool_to_map: Some(0.002), held_to_map: None }
        }
        SegmentKind::Lower => {
            Margins { link: 0.005, tool: 0.002, held: -0.004, tool_to_map: Some(0.0), held_to_map: Some(-0.012) }
        }
        // On the way out nothing is gained by refusing to leave what is already near.
        SegmentKind::Lift | SegmentKind::Retreat => {
            Margins { link: 0.0, tool: -0.003, held: -0.025, tool_to_map: None, held_to_map: None }
        }
    }
}

/// What touches what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) body: BodyName,
    pub(crate) with: Other,
}

/// Something that a body can touch, by its index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Other {
    Wall(usize),
    Floor(usize),
    Contents(usize),
    Solid(usize),
    Link(usize),
}

/// Result of a check: how far any body may move before another check is due, and how far a radian
/// of each joint moves any body at most.
pub(crate) struct Clear {
    pub(crate) distance: f64,
    pub(crate) levers: [f64; 6],
}

/// Checks configurations against one set of obstacles.
pub(crate) struct Checker<'a> {
    obstacles: &'a Obstacles,
    bodies: Vec<Body>,
    /// Capsules of base, shoulder and upper arm, for the arm against itself.
    trunk: Vec<(usize, Point3<f64>, Point3<f64>, f64)>,
}

/// A body placed in the world.
struct Placed {
    name: BodyName,
    rigid: bool,
    pose: Isometry3<f64>,
    form: Form,
    centre: Point3<f64>,
    radius: f64,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(robot: &RobotModel, tool: &ToolModel, held: Option<&HeldBox>, obstacles: &'a Obstacles) -> Self {
        let mut bodies = Vec::with_capacity(16);
        let mut trunk = Vec::with_capacity(4);
        for (index, body) in tool.bodies.iter().enumerate() {
            let [x, y, z] = body.centre_m;
            bodies.push(Body {
                name: BodyName::Tool(index),
                frame: 7,
                form: Form::Box { centre: Isometry3::translation(x, y, z), half: Vector3::from(body.size_m) * 0.5 },
                rigid: body.rigid,
            });
        }
        if let Some(held) = held {
            bodies.push(Body {
                name: BodyName::Held,
                frame: 7,
                form: Form::Box { centre: *held.tool_from_box.isometry(), half: Vector3::from(held.size_m) * 0.5 },
                rigid: true,
            });
        }
        for capsule in &robot.capsules {
            let (from, to) = (Point3::from(capsule.from), Point3::from(capsule.to));
            if capsule.link <= 2 {
                trunk.push((capsule.link, from, to, capsule.radius));
            }
            // Base and shoulder never leave their place.
            if capsule.link >= 2 {
                bodies.push(Body {
                    name: BodyName::Link(capsule.link),
                    frame: capsule.link,
                    form: Form::Capsule { from, to, radius: capsule.radius },
                    rigid: true,
                });
            }
        }
        Self { obstacles, bodies, trunk }
    }

    /// The lowest point of tool and held box under the tool's origin for a tool turned like `tool`, metres.
    pub(crate) fn lowest_below(&self, tool: &Isometry3<f64>) -> f64 {
        let bodies = self.bodies.iter().filter(|b| b.frame == 7);
        let lowest = bodies.map(|body| {
            let placed = place(body, tool);
            placed.centre.z - extents(&placed, &Isometry3::identity()).z
        });
        lowest.fold(tool.translation.vector.z, f64::min) - tool.translation.vector.z
    }

    pub(crate) fn walled_name(&self, index: usize) -> &str {
        self.obstacles.walled.get(index).map_or("container", |w| &w.name)
    }

    pub(crate) fn solid_name(&self, index: usize) -> &str {
        self.obstacles.solids.get(index).map_or("box", |s| &s.name)
    }

    /// Checks one configuration.
    pub(crate) fn check(&self, chain: &Chain, q: &[f64; 6], kind: SegmentKind) -> Result<Clear, Hit> {
        let frames = chain.frames(q);
        let margins = margins(kind);
        let mut nearest = FAR;
        let mut levers = [0.0_f64; 6];
        for body in &self.bodies {
            let frame = if body.frame == 7 { &frames.tool } else { &frames.links[body.frame] };
            let mut placed = place(body, frame);
            for (joint, lever) in levers.iter_mut().enumerate().take(body.frame.min(6)) {
                let axis = &frames.links[joint + 1];
                let arm = placed.centre.coords - axis.translation.vector;
                // J1 turns about the vertical: only the distance from it counts.
                let arm = if joint == 0 { arm.xy().norm() } else { arm.norm() };
                *lever = lever.max(arm + placed.radius);
            }
            let (margin, to_map) = match body.name {
                BodyName::Link(_) => (margins.link, Some(margins.link.max(0.0))),
                BodyName::Tool(_) if !body.rigid => (margins.tool, None),
                BodyName::Tool(_) => (margins.tool, margins.tool_to_map),
                BodyName::Held => (margins.held, margins.held_to_map),
            };
            let whole = placed.form;
            if margin < 0.0 {
                shrink(&mut placed.form, -margin);
            }
            let margin = margin.max(0.0);
            for (index, walled) in self.obstacles.walled.iter().enumerate() {
                let room = against_walled(&placed, walled, margin).map_err(|floor| Hit {
                    body: body.name,
                    with: if floor { Other::Floor(index) } else { Other::Wall(index) },
                })?;
                nearest = nearest.min(room);
                if let Some(margin) = to_map {
                    let mut placed = Placed { form: whole, ..placed };
                    if margin < 0.0 {
                        shrink(&mut placed.form, -margin);
                    }
                    let room = against_surface(&placed, walled, margin.max(0.0))
                        .ok_or(Hit { body: body.name, with: Other::Contents(index) })?;
                    nearest = nearest.min(room);
                }
            }
            for (index, solid) in self.obstacles.solids.iter().enumerate() {
                let room =
                    against_solid(&placed, solid, margin).ok_or(Hit { body: body.name, with: Other::Solid(index) })?;
                nearest = nearest.min(room);
            }
            if body.frame >= 5 {
                nearest = nearest.min(self.against_trunk(&placed, &frames)?);
            }
        }
        Ok(Clear { distance: nearest, levers })
    }

    fn against_trunk(&self, placed: &Placed, frames: &Frames) -> Result<f64, Hit> {
        let mut nearest = FAR;
        for (link, from, to, radius) in &self.trunk {
            let frame = &frames.links[*link];
            let (from, to) = (frame * from, frame * to);
            let room = point_to_segment(&placed.centre, &from, &to) - radius - placed.radius;
            if room < 0.0 {
                return Err(Hit { body: placed.name, with: Other::Link(*link) });
            }
            nearest = nearest.min(room);
        }
        Ok(nearest)
    }
}

fn place(body: &Body, frame: &Isometry3<f64>) -> Placed {
    let (pose, centre, radius) = match &body.form {
        Form::Capsule { from, to, radius } => {
            let middle = nalgebra::center(from, to);
            (*frame, frame * middle, 0.5 * (to - from).norm() + radius)
        }
        Form::Box { centre, half } => {
            let pose = frame * centre;
            (pose, Point3::from(pose.translation.vector), half.norm())
        }
    };
    Placed { name: body.name, rigid: body.rigid, pose, form: body.form, centre, radius }
}

fn shrink(form: &mut Form, by: f64) {
    match form {
        Form::Capsule { radius, .. } => *radius = (*radius - by).max(1e-3),
        Form::Box { half, .. } => *half = half.map(|h| (h - by).max(1e-3)),
    }
}

/// Half of the sides of the upright box around a body, in the frame that `into` maps the world to.
fn extents(placed: &Placed, into: &Isometry3<f64>) -> Vector3<f64> {
    match &placed.form {
        Form::Capsule { from, to, radius } => {
            let axis = into.rotation * (placed.pose.rotation * (to - from));
            axis.abs() * 0.5 + Vector3::repeat(*radius)
        }
        Form::Box { half, .. } => {
            let turn = (into.rotation * placed.pose.rotation).to_rotation_matrix();
            turn.matrix().abs() * half
        }
    }
}

fn point_to_segment(p: &Point3<f64>, a: &Point3<f64>, b: &Point3<f64>) -> f64 {
    let way = b - a;
    let t = ((p - a).dot(&way) / way.norm_squared().max(1e-12)).clamp(0.0, 1.0);
    (p - (a + way * t)).norm()
}

/// Distance of a point to an upright box around the origin.
fn point_to_box(p: &Point3<f64>, low: &Vector3<f64>, high: &Vector3<f64>) -> f64 {
    let outside = (low - p.coords).sup(&(p.coords - high)).sup(&Vector3::zeros());
    outside.norm()
}

/// Room to the walls and the floor beyond the margin, or what is touched: `Err(true)` is the floor.
fn against_walled(placed: &Placed, walled: &Walled, margin: f64) -> Result<f64, bool> {
    let into = &walled.container_from_world;
    let p = into * placed.centre;
    let outer = [walled.inner[0] + walled.wall, walled.inner[1] + walled.wall];
    let low = Vector3::new(-outer[0], -outer[1], 0.0);
    let high = Vector3::new(outer[0], outer[1], walled.height);
    let far = point_to_box(&p, &low, &high) - placed.radius - margin;
    if far > FAR {
        return Ok(far);
    }
    let e = extents(placed, into);
    let above = p.z - e.z - walled.height - margin;
    if above > 0.0 {
        return Ok(above.max(far));
    }
    let side = |half: [f64; 2], inwards: f64| {
        let x = inwards * (half[0] - inwards * e.x - p.x.abs());
        let y = inwards * (half[1] - inwards * e.y - p.y.abs());
        (x, y)
    };
    let (out_x, out_y) = side(outer, -1.0);
    let outside = out_x.max(out_y) - margin;
    if outside >= 0.0 {
        return Ok(outside.max(far));
    }
    // Cups and what they hold may stand on the floor.
    if placed.rigid && placed.name != BodyName::Held && p.z - e.z < margin {
        return Err(true);
    }
    let (in_x, in_y) = side(walled.inner, 1.0);
    let inside = in_x.min(in_y) - margin;
    if inside >= 0.0 {
        return Ok(inside);
    }
    // Astride a wall, or beside one at an angle: exactly.
    let (t, h) = (walled.wall, 0.5 * walled.height);
    let mut nearest = f64::MAX;
    for (x, y, half_x, half_y) in [
        (walled.inner[0] + 0.5 * t, 0.0, 0.5 * t, outer[1]),
        (-walled.inner[0] - 0.5 * t, 0.0, 0.5 * t, outer[1]),
        (0.0, walled.inner[1] + 0.5 * t, outer[0], 0.5 * t),
        (0.0, -walled.inner[1] - 0.5 * t, outer[0], 0.5 * t),
    ] {
        let wall = Vector3::new(half_x, half_y, h);
        nearest = nearest.min(exact(placed, into, &Vector3::new(x, y, h), &wall));
    }
    let room = nearest - margin;
    if nearest <= 0.0 || room < 0.0 { Err(false) } else { Ok(room) }
}

/// Room to what lies in a container beyond the margin; `None` when touched.
fn against_surface(placed: &Placed, walled: &Walled, margin: f64) -> Option<f64> {
    let Some(surface) = &walled.surface else { return Some(FAR) };
    let into = &walled.container_from_world;
    let p = into * placed.centre;
    let above = p.z - placed.radius - walled.top() - margin;
    if above > AROUND {
        return Some(above);
    }
    let e = extents(placed, into);
    let low = p.z - e.z - margin;
    let window = |by: f64| ([p.x - e.x - by, p.x + e.x + by], [p.y - e.y - by, p.y + e.y + by]);
    let (x, y) = window(margin + AROUND);
    let Some(most) = surface.most_over(x, y) else { return Some(AROUND) };
    if low - most > 0.0 {
        return Some((low - most).min(AROUND));
    }
    let (x, y) = window(margin + surface.cell());
    let touched = match &placed.form {
        Form::Box { half, .. } => {
            // Is the column under a cell's top inside the box, grown by the margin and half a cell?
            let box_from = (into * placed.pose).inverse();
            let grown = half + Vector3::repeat(margin);
            let pad = 0.5 * surface.cell();
            let down = box_from.rotation * -Vector3::z();
            surface.any(x, y, |x, y, z| {
                let start = box_from * Point3::new(x, y, z);
                let (mut first, mut last) = (0.0_f64, f64::INFINITY);
                for axis in 0..3 {
                    let side = grown[axis] + pad * (1.0 - down[axis].abs());
                    if down[axis].abs() < 1e-9 {
                        if start[axis].abs() > side {
                            return false;
                        }
                        continue;
                    }
                    let (a, b) = ((-side - start[axis]) / down[axis], (side - start[axis]) / down[axis]);
                    first = first.max(a.min(b));
                    last = last.min(a.max(b));
                }
                first <= last
            })
        }
        Form::Capsule { from, to, radius } => {
            let (a, b) = (into * (placed.pose * from), into * (placed.pose * to));
            let reach = radius + margin;
            let pad = 0.71 * surface.cell();
            surface.any(x, y, |x, y, z| {
                // Nearest point of the axis to the cell's top, seen from above, then in height.
                let way = b - a;
                let flat = way.xy().norm_squared();
                let t = ((Vector3::new(x, y, 0.0) - a.coords).xy().dot(&way.xy()) / flat.max(1e-12)).clamp(0.0, 1.0);
                let at = if flat < 1e-10 && b.z < a.z { b } else { a + way * t };
                let aside = ((at.x - x).hypot(at.y - y) - pad).max(0.0);
                aside < reach && at.z - (reach * reach - aside * aside).sqrt() < z
            })
        }
    };
    (!touched).then_some(0.0)
}

/// Room to a box beyond the margin; `None` when touched.
fn against_solid(placed: &Placed, solid: &Solid, margin: f64) -> Option<f64> {
    let p = solid.box_from_world * placed.centre;
    let far = point_to_box(&p, &-solid.half, &solid.half) - placed.radius - margin;
    if far > 0.05 {
        return Some(far);
    }
    let nearest = exact(placed, &solid.box_from_world, &Vector3::zeros(), &solid.half);
    (nearest > 0.0 && nearest >= margin).then_some(nearest - margin)
}

/// Distance of a body to an upright box at `centre` in the frame that `into` maps the world to.
fn exact(placed: &Placed, into: &Isometry3<f64>, centre: &Vector3<f64>, half: &Vector3<f64>) -> f64 {
    let pose = into * placed.pose;
    let vector = |v: &Vector3<f64>| ParryVector::new(v.x as f32, v.y as f32, v.z as f32);
    let r = pose.rotation.coords;
    let at = ParryPose::from_parts(
        vector(&(pose.translation.vector - centre)),
        ParryRotation::from_xyzw(r.x as f32, r.y as f32, r.z as f32, r.w as f32),
    );
    let fixed = Cuboid::new(vector(half));
    let capsule;
    let cuboid;
    let shape: &dyn Shape = match &placed.form {
        Form::Capsule { from, to, radius } => {
            capsule = Capsule::new(vector(&from.coords), vector(&to.coords), *radius as f32);
            &capsule
        }
        Form::Box { half, .. } => {
            cuboid = Cuboid::new(vector(half));
            &cuboid
        }
    };
    // Every pair of these shapes is supported; if one were not, nothing is the safe distance.
    distance(&at, shape, &ParryPose::identity(), &fixed).map_or(0.0, |d| f64::from(d.distance))
}
