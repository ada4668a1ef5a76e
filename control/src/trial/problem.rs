//! Cluttered totes and part-filled bins, and an item to carry from one to the other.

use std::f64::consts::{FRAC_PI_2, PI};

use firmware::CupSet;
use nalgebra::{UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{HeightMap, Pose, frame};

use super::recheck::Recheck;
use crate::cell::{Cell, Container};
use crate::obstacles::Obstacles;
use crate::program::SegmentKind;
use crate::{Drop, HeldBox, Hold, JointAngles, Planner, RobotModel, ToolModel};

/// Side of a cell of the height maps, metres.
const CELL_M: f64 = 0.005;
/// Draws of one problem before it is given up: an item whose grasp the arm can't reach is drawn again.
const DRAWS: u64 = 100;

/// The cell whose planner is looked at.
pub struct Site<'a> {
    /// Stations, cameras, fixed boxes.
    pub cell: &'a Cell,
    /// The arm.
    pub robot: &'a RobotModel,
    /// The tool.
    pub tool: &'a ToolModel,
    /// The planner, of the same three.
    pub planner: &'a Planner,
}

/// From rest at a grasp in a tote to a place in a bin.
pub struct Problem {
    /// The arm at the grasp: of the configurations that touch nothing, the one nearest in time to the cell's rest.
    pub from: JointAngles,
    /// The grasp.
    pub hold: Hold,
    /// The place.
    pub drop: Drop,
    /// What the planner is told.
    pub obstacles: Obstacles,
    /// What lies in the cell's totes, in their order.
    pub totes: Vec<HeightMap<frame::Tote>>,
    /// What lies in its bins, in their order.
    pub bins: Vec<HeightMap<frame::Bin>>,
}

/// A box that lies in a container: centre of its top, yaw, sides.
struct Lying {
    at: Vector3<f64>,
    yaw: f64,
    size: [f64; 3],
}

fn down(yaw: f64) -> UnitQuaternion<f64> {
    UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw) * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), PI)
}

fn size(rng: &mut ChaCha8Rng) -> [f64; 3] {
    [rng.random_range(0.07..0.18), rng.random_range(0.05..0.12), rng.random_range(0.03..0.12)]
}

/// Sets a box down on what lies there; `None` where it would stand above `limit`.
fn lay<F: frame::Frame>(
    map: &mut HeightMap<F>,
    inner: [f64; 3],
    size: [f64; 3],
    yaw: f64,
    limit: f64,
    rng: &mut ChaCha8Rng,
) -> Option<Lying> {
    let (s, c) = (yaw.sin().abs(), yaw.cos().abs());
    let half = [0.5 * (size[0] * c + size[1] * s), 0.5 * (size[0] * s + size[1] * c)];
    let room: [f64; 2] = std::array::from_fn(|i| 0.5 * inner[i] - half[i] - 0.004);
    if room[0] <= 0.0 || room[1] <= 0.0 {
        return None;
    }
    let centre = [rng.random_range(-room[0]..room[0]), rng.random_range(-room[1]..room[1])];
    let turn = yaw.sin_cos();
    let covers = |x: f64, y: f64| {
        let (dx, dy) = (x - centre[0], y - centre[1]);
        (dx * turn.1 + dy * turn.0).abs() <= 0.5 * size[0] && (dy * turn.1 - dx * turn.0).abs() <= 0.5 * size[1]
    };
    let mut cells = Vec::new();
    let mut under = 0.0_f64;
    for j in 0..map.ny {
        for i in 0..map.nx {
            let [x, y] = map.centre(i, j);
            if covers(x, y) {
                under = under.max(f64::from(map.at(i, j)));
                cells.push((i, j));
            }
        }
    }
    let top = under + size[2];
    if top > limit {
        return None;
    }
    for (i, j) in cells {
        map.set(i, j, top as f32);
    }
    Some(Lying { at: Vector3::new(centre[0], centre[1], top), yaw, size })
}

/// Fills a container with up to `most` boxes.
fn filled<F: frame::Frame>(container: &Container<F>, most: usize, rng: &mut ChaCha8Rng) -> (HeightMap<F>, Vec<Lying>) {
    let [x, y, z] = container.size;
    let mut map = HeightMap::<F>::over_floor([x, y], CELL_M, 0.0);
    let boxes = (0..most)
        .filter_map(|_| {
            let (size, yaw) = (size(rng), rng.random_range(-PI..PI));
            lay(&mut map, container.size, size, yaw, 0.9 * z, rng)
        })
        .collect();
    (map, boxes)
}

impl Problem {
    /// Where the tool may end: as the place says, or turned by half about the vertical through the box's centre.
    #[must_use]
    pub fn goals(&self) -> Vec<Pose<frame::World, frame::Tool>> {
        self.drop.poses(&self.hold.held).into_iter().map(Pose::from_isometry).collect()
    }

    /// The problem of a seed; `None` when a hundred draws gave no grasp that the arm can be at.
    #[must_use]
    pub fn draw(site: &Site<'_>, seed: u64) -> Option<Self> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        (0..DRAWS).find_map(|_| Self::once(site, &mut rng))
    }

    fn once(site: &Site<'_>, rng: &mut ChaCha8Rng) -> Option<Self> {
        let cell = site.cell;
        let (mut totes, mut lying) = (Vec::new(), Vec::new());
        for tote in &cell.totes {
            let count = rng.random_range(8..25);
            let (map, boxes) = filled(tote, count, rng);
            totes.push(map);
            lying.push(boxes);
        }
        let bins: Vec<_> = cell
            .bins
            .iter()
            .map(|bin| {
                let count = rng.random_range(0..7);
                filled(bin, count, rng).0
            })
            .collect();
        // The box set down last has nothing on it.
        let tote = rng.random_range(0..totes.len());
        let item = lying.get(tote)?.last()?;
        let world_from_tote = cell.totes.get(tote)?.world_from;
        let leaning = if rng.random_bool(0.3) { rng.random_range(0.0..10.0_f64).to_radians() } else { 0.0 };
        let axis = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), rng.random_range(-PI..PI)) * Vector3::x_axis();
        let lean = UnitQuaternion::from_axis_angle(&axis, leaning);
        let at = world_from_tote.origin().coords + item.at;
        let max_acceleration = rng.random_range(4.0..15.0);
        let mut hold = Hold {
            world_from_tool: Pose::from_parts(at, lean * down(item.yaw)),
            approach_m: 0.08,
            press_m: 0.0,
            touch_speed: 0.05,
            guard_m: 0.0,
            cups: CupSet::ALL,
            max_acceleration,
            max_vertical: max_acceleration,
            rest_share: 0.0,
            held: HeldBox {
                tool_from_box: Pose::from_translation(Vector3::new(0.0, 0.0, 0.5 * item.size[2])),
                size_m: item.size,
            },
            closed_m: 0.0,
            mass_kg: 0.4,
            expected_pa: 50_000,
        };
        let drop = place(site, &bins, item.size, rng)?;
        hold.max_vertical *= rng.random_range(1.0..2.0);
        let mut obstacles = Obstacles::of_cell(cell);
        for (tote, map) in cell.totes.iter().zip(&totes) {
            obstacles.set_tote(&tote.name, map).ok()?;
        }
        for (bin, map) in cell.bins.iter().zip(&bins) {
            obstacles.set_bin(&bin.name, map).ok()?;
        }
        let mut problem = Self { from: cell.rest, hold, drop, obstacles, totes, bins };
        let recheck = Recheck::new(site, &problem);
        let time = |q: &JointAngles| {
            let each = q.0.iter().zip(&cell.rest.0).zip(&site.robot.joints);
            each.fold(0.0_f64, |most, ((a, b), j)| most.max((a - b).abs() / j.velocity))
        };
        let ends = site.planner.inverse(&problem.hold.world_from_tool);
        let free = ends.into_iter().filter(|q| recheck.touched(q, SegmentKind::Lift).is_none());
        problem.from = free.min_by(|a, b| time(a).total_cmp(&time(b)))?;
        Some(problem)
    }
}

/// A place in a bin where box and tool fit between the walls, 5 mm above what lies there.
fn place(site: &Site<'_>, bins: &[HeightMap<frame::Bin>], size: [f64; 3], rng: &mut ChaCha8Rng) -> Option<Drop> {
    let index = rng.random_range(0..bins.len());
    let (bin, map) = (site.cell.bins.get(index)?, bins.get(index)?);
    let quarter = rng.random_range(-1..=1);
    let yaw = f64::from(quarter) * FRAC_PI_2;
    let turned = if quarter == 0 { [size[0], size[1]] } else { [size[1], size[0]] };
    // The tool's own plate comes down into the bin with the box.
    let plate =
        site.tool.bodies.iter().fold([0.0_f64; 2], |most, b| {
            std::array::from_fn(|i| most[i].max(b.centre_m[i].abs() + 0.5 * b.size_m[i]))
        });
    let plate = if quarter == 0 { plate } else { [plate[1], plate[0]] };
    let room: [f64; 2] = std::array::from_fn(|i| 0.5 * bin.size[i] - (0.5 * turned[i]).max(plate[i]) - 0.012);
    if room[0] <= 0.0 || room[1] <= 0.0 {
        return None;
    }
    let centre = [rng.random_range(-room[0]..room[0]), rng.random_range(-room[1]..room[1])];
    let mut under = 0.0_f64;
    for j in 0..map.ny {
        for i in 0..map.nx {
            let at = map.centre(i, j);
            if (0..2).all(|a| (at[a] - centre[a]).abs() <= 0.5 * turned[a] + CELL_M) {
                under = under.max(f64::from(map.at(i, j)));
            }
        }
    }
    let top = under + size[2] + 0.005;
    if top > bin.size[2] + 0.05 {
        return None;
    }
    let at = bin.world_from.origin().coords + Vector3::new(centre[0], centre[1], top);
    Some(Drop {
        world_from_tool: Pose::from_parts(at, down(yaw)),
        touch_speed: 0.05,
        guard_m: 0.0,
        half_turn: true,
        approach_m: 0.0,
    })
}
