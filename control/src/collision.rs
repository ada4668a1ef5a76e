//! Whether a configuration of the arm touches something, and how far it is from doing so.

use nalgebra::{Isometry3, Point3, Vector3};
use parry3d::math::{Pose as ParryPose, Rotation as ParryRotation, Vector as ParryVector};
use parry3d::query;
use parry3d::shape::{Capsule, Cuboid, Shape};

use crate::chain::Frames;
use crate::contents::against_surface;
use crate::hold::HeldBox;
use crate::obstacles::{Obstacles, Solid, Walled};
use crate::program::SegmentKind;
use crate::robot::RobotModel;
use crate::tool::ToolModel;

/// Distances above this are not refined, metres.
pub(crate) const FAR: f64 = 0.12;
/// What a moving body may travel between two checks beside the room that it has, metres: half of that is what it may be
/// nearer between them than it should. On straight ways, and on free moves, where more is kept.
const STEP_M: [f64; 2] = [0.005, 0.015];
/// The same where a way out begins as near to the contents as may be.
const NEAR_STEP_M: f64 = 0.001;

/// What a way over rims and contents keeps from them beside what is checked, for the way between two looks, metres.
const ABOVE_M: f64 = 0.002;

/// Which moving body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyName {
    Link(usize),
    Tool(usize),
    Held,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
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
    /// A ball around it, in its frame.
    centre: Point3<f64>,
    radius: f64,
}

impl Body {
    fn new(name: BodyName, frame: usize, form: Form, rigid: bool) -> Self {
        let (centre, radius) = match &form {
            Form::Capsule { from, to, radius } => (nalgebra::center(from, to), 0.5 * (to - from).norm() + radius),
            Form::Box { centre, half } => (Point3::from(centre.translation.vector), half.norm()),
        };
        Self { name, frame, form, rigid, centre, radius }
    }
}

/// Distances that are kept, metres; a negative one lets the body overlap by so much.
#[derive(Debug, Clone, Copy)]
struct Margins {
    link: f64,
    tool: f64,
    held: f64,
    link_to_map: Option<f64>,
    tool_to_map: Option<f64>,
    held_to_map: Option<f64>,
}

/// What is kept from what depends on what the segment is for: on the straight ways into and out of
/// a container the walls are near on purpose, and what is lifted may lean on them.
fn margins(kind: SegmentKind, begins: Begins) -> Margins {
    match kind {
        SegmentKind::Reach | SegmentKind::Carry => {
            let [link_to_map, tool_to_map, held_to_map] = [Some(0.02), Some(0.01), Some(0.01)];
            Margins { link: 0.02, tool: 0.01, held: 0.01, link_to_map, tool_to_map, held_to_map }
        }
        SegmentKind::Approach => {
            let [link_to_map, tool_to_map] = [Some(0.005), Some(0.002)];
            Margins { link: 0.005, tool: 0.002, held: 0.0, link_to_map, tool_to_map, held_to_map: None }
        }
        SegmentKind::Lower => {
            let [link_to_map, tool_to_map, held_to_map] = [Some(0.005), Some(0.0), Some(-0.012)];
            Margins { link: 0.005, tool: 0.002, held: -0.004, link_to_map, tool_to_map, held_to_map }
        }
        // On the way out nothing is gained by refusing to leave what is already near, but what isn't stays away.
        SegmentKind::Lift | SegmentKind::Retreat => {
            let [link_to_map, tool_to_map] = match begins {
                Begins::Clear => [Some(0.0), Some(-0.002)],
                Begins::Near => [None, Some(-0.003)],
                Begins::Inside => [None, None],
            };
            Margins { link: 0.0, tool: -0.003, held: -0.025, link_to_map, tool_to_map, held_to_map: None }
        }
    }
}

/// How a way out of a container begins: clear of what is believed to lie there, as near as may be, or in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    Clear,
    Near,
    Inside,
}

/// How far a body may travel between two checks beside the room that it has, metres.
pub(crate) fn step(kind: SegmentKind, begins: Begins) -> f64 {
    match (kind, begins) {
        (SegmentKind::Reach | SegmentKind::Carry, _) => STEP_M[1],
        (_, Begins::Near) => NEAR_STEP_M,
        _ => STEP_M[0],
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

/// Checks configurations against one set of obstacles.
pub(crate) struct Checker<'a> {
    obstacles: &'a Obstacles,
    bodies: Vec<Body>,
    /// Capsules of base, shoulder and upper arm, for the arm against itself.
    trunk: Vec<(usize, Point3<f64>, Point3<f64>, f64)>,
}

/// What a body is drawn along, to cover the way to the nodes before and after: two ways, and a turn in radians.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sweep {
    pub(crate) ways: [Vector3<f64>; 2],
    pub(crate) turn: f64,
}

impl Sweep {
    /// Half of the way from a place of the tool to two others.
    pub(crate) fn between(tool: &Isometry3<f64>, others: &[&Isometry3<f64>; 2]) -> Self {
        let turns = others.map(|other| tool.rotation.angle_to(&other.rotation));
        Self {
            ways: others.map(|other| 0.5 * (other.translation.vector - tool.translation.vector)),
            turn: 0.5 * turns[0].max(turns[1]),
        }
    }

    pub(crate) const NONE: Self = Self { ways: [Vector3::new(0.0, 0.0, 0.0); 2], turn: 0.0 };
}

/// A body near a fixed box.
pub(crate) struct Near {
    pub(crate) room: f64,
    pub(crate) point: Vector3<f64>,
    pub(crate) away: Vector3<f64>,
    pub(crate) joints: usize,
}

/// A body placed in the world.
pub(crate) struct Placed {
    name: BodyName,
    rigid: bool,
    pub(crate) pose: Isometry3<f64>,
    pub(crate) form: Form,
    pub(crate) centre: Point3<f64>,
    pub(crate) radius: f64,
}

impl<'a> Checker<'a> {
    pub(crate) fn new(robot: &RobotModel, tool: &ToolModel, held: Option<&HeldBox>, obstacles: &'a Obstacles) -> Self {
        let mut bodies = Vec::with_capacity(16);
        let mut trunk = Vec::with_capacity(4);
        for (index, body) in tool.bodies.iter().enumerate() {
            let [x, y, z] = body.centre_m;
            let form = Form::Box { centre: Isometry3::translation(x, y, z), half: Vector3::from(body.size_m) * 0.5 };
            bodies.push(Body::new(BodyName::Tool(index), 7, form, body.rigid));
        }
        if let Some(held) = held {
            let form = Form::Box { centre: *held.tool_from_box.isometry(), half: Vector3::from(held.size_m) * 0.5 };
            bodies.push(Body::new(BodyName::Held, 7, form, true));
        }
        for capsule in &robot.capsules {
            let (from, to) = (Point3::from(capsule.from), Point3::from(capsule.to));
            if capsule.link <= 2 {
                trunk.push((capsule.link, from, to, capsule.radius));
            }
            // Base and shoulder never leave their place.
            if capsule.link >= 2 {
                let form = Form::Capsule { from, to, radius: capsule.radius };
                bodies.push(Body::new(BodyName::Link(capsule.link), capsule.link, form, true));
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

    /// How far tool and held box are above the rims and contents under them, grown sideways by `grow` and drawn along a
    /// sweep, beyond what is kept from both, metres; and the lowest point of the body that is nearest, in the world.
    /// Infinite where nothing is below.
    pub(crate) fn above(&self, tool: &Isometry3<f64>, grow: f64, sweep: &Sweep) -> (f64, Point3<f64>) {
        let margins = margins(SegmentKind::Carry, Begins::Clear);
        let mut nearest = (f64::INFINITY, Point3::from(tool.translation.vector));
        for body in self.bodies.iter().filter(|b| b.frame == 7) {
            let placed = place(body, tool);
            let margin = ABOVE_M + if body.name == BodyName::Held { margins.held } else { margins.tool };
            let over_contents = body.rigid || body.name == BodyName::Held;
            let beside = (placed.centre.coords - tool.translation.vector).xy().norm() + placed.radius;
            let grow = grow + sweep.turn * beside;
            let mut most: Option<f64> = None;
            for walled in &self.obstacles.walled {
                if let Some(top) = top_under(&placed, walled, grow + margin, &sweep.ways, over_contents) {
                    most = Some(most.map_or(top, |m| m.max(top)));
                }
            }
            let Some(most) = most else { continue };
            let low = lowest(&placed);
            let room = low.z - margin - most;
            if room < nearest.0 {
                nearest = (room, low);
            }
        }
        nearest
    }

    /// Every fixed box within `reach` of a body: how far the body is from it beyond what is kept, metres; the body's
    /// nearest point and the way from the box to it, both in the world; and the number of joints that move the body.
    pub(crate) fn near_solids(&self, frames: &Frames, reach: f64, mut note: impl FnMut(Near)) {
        let margins = margins(SegmentKind::Carry, Begins::Clear);
        for body in &self.bodies {
            let frame = if body.frame == 7 { &frames.tool } else { &frames.links[body.frame] };
            let placed = place(body, frame);
            let margin = ABOVE_M
                + match body.name {
                    BodyName::Link(_) => margins.link,
                    BodyName::Tool(_) => margins.tool,
                    BodyName::Held => margins.held,
                };
            for solid in &self.obstacles.solids {
                let p = solid.box_from_world * placed.centre;
                if point_to_box(&p, &-solid.half, &solid.half) - placed.radius > margin + reach {
                    continue;
                }
                let Some((room, point, away)) = contact(&placed, solid, margin + reach) else { continue };
                note(Near { room: room - margin, point, away, joints: body.frame.min(6) });
            }
        }
    }

    pub(crate) fn walled_name(&self, index: usize) -> &str {
        self.obstacles.walled.get(index).map_or("container", |w| &w.name)
    }

    pub(crate) fn solid_name(&self, index: usize) -> &str {
        self.obstacles.solids.get(index).map_or("box", |s| &s.name)
    }

    /// How a way begins that is at its first place there.
    pub(crate) fn begins(&self, frames: &Frames, kind: SegmentKind) -> Begins {
        let free = |begins: &Begins| self.check_from(frames, kind, *begins).is_ok();
        [Begins::Clear, Begins::Near].into_iter().find(free).unwrap_or(Begins::Inside)
    }

    /// Checks the arm at one place; gives the room that is left beyond what is kept, metres, at most [`FAR`].
    pub(crate) fn check(&self, frames: &Frames, kind: SegmentKind) -> Result<f64, Hit> {
        self.check_from(frames, kind, Begins::Clear)
    }

    /// [`Checker::check`] on a way that has begun so.
    pub(crate) fn check_from(&self, frames: &Frames, kind: SegmentKind, begins: Begins) -> Result<f64, Hit> {
        let margins = margins(kind, begins);
        let mut nearest = FAR;
        for body in &self.bodies {
            let frame = if body.frame == 7 { &frames.tool } else { &frames.links[body.frame] };
            let mut placed = place(body, frame);
            let (margin, to_map) = match body.name {
                BodyName::Link(_) => (margins.link, margins.link_to_map),
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
                let is_high = placed.centre.z - placed.radius > walled.highest + FAR + margin;
                if is_high || is_far(&placed, &walled.centre, walled.reach, margin) {
                    continue;
                }
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
                if is_far(&placed, &solid.centre, solid.half.norm(), margin) {
                    continue;
                }
                let room =
                    against_solid(&placed, solid, margin).ok_or(Hit { body: body.name, with: Other::Solid(index) })?;
                nearest = nearest.min(room);
            }
            if body.frame >= 5 {
                nearest = nearest.min(self.against_trunk(&placed, frames)?);
            }
        }
        Ok(nearest)
    }

    /// How far any body moves between two places of the arm, on the straight way and turning evenly, metres.
    pub(crate) fn moved(&self, from: &Frames, to: &Frames) -> f64 {
        let mut most = 0.0_f64;
        let mut turned = (usize::MAX, 0.0);
        for body in &self.bodies {
            let [a, b] =
                [from, to].map(|frames| if body.frame == 7 { &frames.tool } else { &frames.links[body.frame] });
            if turned.0 != body.frame {
                turned = (body.frame, a.rotation.angle_to(&b.rotation));
            }
            let way = (b * body.centre - a * body.centre).norm();
            most = most.max(way + turned.1 * body.radius);
        }
        most
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
    let pose = match &body.form {
        Form::Capsule { .. } => *frame,
        Form::Box { centre, .. } => frame * centre,
    };
    let centre = frame * body.centre;
    Placed { name: body.name, rigid: body.rigid, pose, form: body.form, centre, radius: body.radius }
}

fn shrink(form: &mut Form, by: f64) {
    match form {
        Form::Capsule { radius, .. } => *radius = (*radius - by).max(1e-3),
        Form::Box { half, .. } => *half = half.map(|h| (h - by).max(1e-3)),
    }
}

/// Half of the sides of the upright box around a body, in the frame that `into` maps the world to.
pub(crate) fn extents(placed: &Placed, into: &Isometry3<f64>) -> Vector3<f64> {
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

/// The lowest point of a body: of a box its lowest corner.
fn lowest(placed: &Placed) -> Point3<f64> {
    match &placed.form {
        Form::Capsule { .. } => placed.centre - Vector3::z() * placed.radius,
        Form::Box { half, .. } => {
            let down = placed.pose.rotation.inverse() * -Vector3::z();
            placed.pose * Point3::from(down.map(f64::signum).component_mul(half))
        }
    }
}

/// Height in the world of the rim or the contents of a container under a body grown sideways by `grow` and drawn along
/// two ways; `None` when it isn't over the container.
fn top_under(
    placed: &Placed,
    walled: &Walled,
    grow: f64,
    ways: &[Vector3<f64>; 2],
    over_contents: bool,
) -> Option<f64> {
    let into = &walled.container_from_world;
    let p = into * placed.centre;
    let outer = [walled.inner[0] + walled.wall, walled.inner[1] + walled.wall];
    let drawn = ways.iter().fold(0.0_f64, |most, way| most.max(way.norm()));
    let far = placed.radius + grow + drawn;
    if p.x.abs() - far > outer[0] || p.y.abs() - far > outer[1] {
        return None;
    }
    let e = extents(placed, into);
    let drawn = ways.map(|way| into.rotation * way);
    let range = |axis: usize| {
        let [a, b] = drawn.map(|way| way[axis]);
        let reach = e[axis] + grow;
        [p[axis] - reach + a.min(b).min(0.0), p[axis] + reach + a.max(b).max(0.0)]
    };
    let (x, y) = (range(0), range(1));
    let beyond = |range: [f64; 2], most: f64| range[0] > most || range[1] < -most;
    if beyond(x, outer[0]) || beyond(y, outer[1]) {
        return None;
    }
    let inside = |range: [f64; 2], most: f64| range[0] >= -most && range[1] <= most;
    let within = inside(x, walled.inner[0]) && inside(y, walled.inner[1]);
    let mut top = if within { 0.0 } else { walled.height };
    if over_contents && let Some(surface) = &walled.surface {
        let wider = |[low, high]: [f64; 2]| [low - surface.cell(), high + surface.cell()];
        top = surface.most_over(wider(x), wider(y)).map_or(top, |most| most.max(top));
    }
    // Containers stand upright: their z is the world's but for a shift.
    Some(top - into.translation.vector.z)
}

fn point_to_segment(p: &Point3<f64>, a: &Point3<f64>, b: &Point3<f64>) -> f64 {
    let way = b - a;
    let t = ((p - a).dot(&way) / way.norm_squared().max(1e-12)).clamp(0.0, 1.0);
    (p - (a + way * t)).norm()
}

/// True when a body is beyond [`FAR`] from all that is within a ball.
fn is_far(placed: &Placed, centre: &Vector3<f64>, reach: f64, margin: f64) -> bool {
    let most = placed.radius + reach + FAR + margin;
    (placed.centre.coords - centre).norm_squared() > most * most
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

/// Signed distance of a body to a box, the body's nearest point and the way from the box to it; `None` beyond `reach`.
fn contact(placed: &Placed, solid: &Solid, reach: f64) -> Option<(f64, Vector3<f64>, Vector3<f64>)> {
    let at = in_frame(placed, &solid.box_from_world, &Vector3::zeros());
    let fixed = Cuboid::new(single(&solid.half));
    let found = with_shape(placed, |shape| {
        query::contact(&at, shape, &ParryPose::identity(), &fixed, reach as f32).ok().flatten()
    })?;
    let double = |v: ParryVector| Vector3::new(f64::from(v.x), f64::from(v.y), f64::from(v.z));
    let back = solid.box_from_world.inverse();
    let point = back * Point3::from(double(found.point1));
    Some((f64::from(found.dist), point.coords, back.rotation * double(found.normal2)))
}

fn single(v: &Vector3<f64>) -> ParryVector {
    ParryVector::new(v.x as f32, v.y as f32, v.z as f32)
}

/// The pose of a body against a place in the frame that `into` maps the world to.
fn in_frame(placed: &Placed, into: &Isometry3<f64>, centre: &Vector3<f64>) -> ParryPose {
    let pose = into * placed.pose;
    let r = pose.rotation.coords;
    ParryPose::from_parts(
        single(&(pose.translation.vector - centre)),
        ParryRotation::from_xyzw(r.x as f32, r.y as f32, r.z as f32, r.w as f32),
    )
}

fn with_shape<R>(placed: &Placed, then: impl FnOnce(&dyn Shape) -> R) -> R {
    match &placed.form {
        Form::Capsule { from, to, radius } => {
            then(&Capsule::new(single(&from.coords), single(&to.coords), *radius as f32))
        }
        Form::Box { half, .. } => then(&Cuboid::new(single(half))),
    }
}

/// Distance of a body to an upright box at `centre` in the frame that `into` maps the world to.
pub(crate) fn exact(placed: &Placed, into: &Isometry3<f64>, centre: &Vector3<f64>, half: &Vector3<f64>) -> f64 {
    let at = in_frame(placed, into, centre);
    let fixed = Cuboid::new(single(half));
    // Every pair of these shapes is supported; if one were not, nothing is the safe distance.
    with_shape(placed, |shape| query::distance(&at, shape, &ParryPose::identity(), &fixed))
        .map_or(0.0, |d| f64::from(d.distance))
}
