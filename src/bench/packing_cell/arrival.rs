//! Items as they come to a bin: what kind, held by which side and cups, and how far off the hold is from what is believed.

use control::{HeldBox, Hold, ToolModel};
use nalgebra::{Isometry3, Matrix3, Rotation3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Pose, Shape, Sku};

/// How far a held item is from what is believed of it when the way down into the bin begins, one standard deviation: along
/// the tool's x and y, along its z with the mean (negative is drawn up further), metres, and about each axis, degrees.
/// Source: `held_off` of the 82 successful picks of `nuthatch run --seed` 7, 100, 101, 102 with `--record`, whose medians
/// are 0.8, 1.1 and 1.8 mm, and 1.8° between nearest axes. One of them was off by 33 mm; such are not drawn here.
const BESIDE_M: f64 = 0.0013;
const ALONG_M: [f64; 2] = [-0.0013, 0.0029];
const TURNED_DEG: f64 = 1.3;
/// Pressure that cups usually reach on these goods, pascals.
const USUAL_PA: f64 = 50e3;
/// Lips stay so far from the edges of a face, metres.
const MARGIN_M: f64 = 0.003;
/// Density of what nobody has weighed, kg/m³: an estimate, the middle of what the planner takes.
const DENSITY: f64 = 500.0;
const GRAVITY: f64 = 9.806_65;

/// An item on its way to a bin.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// Which of the world's SKUs.
    pub(super) kind: usize,
    /// What is believed.
    pub(super) hold: Hold,
    /// The item's axis that points up, and whether its positive end does.
    pub(super) up: (usize, bool),
    /// How far the truth is off, in the tool's axes.
    beside: Vector3<f64>,
    turned: UnitQuaternion<f64>,
}

impl Arrival {
    /// Where the item truly hangs. The held box has the item's own axes.
    pub(super) fn tool_from_item(&self) -> Isometry3<f64> {
        let believed = self.hold.held.tool_from_box.isometry();
        Isometry3::from_parts(
            Translation3::from(believed.translation.vector + self.beside),
            self.turned * believed.rotation,
        )
    }
}

/// Draws the items of a sequence, each of a kind of `kinds`.
pub(super) fn arrivals(kinds: &[usize], skus: &[&Sku], tool: &ToolModel, seed: u64, count: usize) -> Vec<Arrival> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..count)
        .map(|_| {
            let kind = kinds[rng.random_range(0..kinds.len())];
            let up = (side_up(skus[kind].size_m, &mut rng), rng.random());
            let hold = hold(skus[kind], up, tool, &mut rng);
            let beside = Vector3::new(
                BESIDE_M * normal(&mut rng),
                BESIDE_M * normal(&mut rng),
                ALONG_M[0] + ALONG_M[1] * normal(&mut rng),
            );
            let turn = Vector3::from_fn(|_, _| TURNED_DEG.to_radians() * normal(&mut rng));
            Arrival { kind, hold, up, beside, turned: UnitQuaternion::from_scaled_axis(turn) }
        })
        .collect()
}

/// A standard normal deviate (Box and Muller 1958).
fn normal(rng: &mut ChaCha8Rng) -> f64 {
    let (a, b): (f64, f64) = (rng.random(), rng.random());
    (-2.0 * (1.0 - a).ln()).sqrt() * (std::f64::consts::TAU * b).cos()
}

/// The axis that points up: a side lies up in a tote with a chance that goes with the square of its area, as totes are filled.
fn side_up([x, y, z]: [f64; 3], rng: &mut ChaCha8Rng) -> usize {
    let areas = [y * z, x * z, x * y].map(|a| a * a);
    let mut pick = rng.random_range(0.0..areas.iter().sum::<f64>());
    let found = areas.iter().position(|area| {
        pick -= area;
        pick < 0.0
    });
    found.unwrap_or(2)
}

/// Held by the middle of its upper side with as many cups as fit on it, whichever of the tool's.
fn hold(sku: &Sku, up: (usize, bool), tool: &ToolModel, rng: &mut ChaCha8Rng) -> Hold {
    let (axis, positive) = up;
    let (b, c) = ((axis + 1) % 3, (axis + 2) % 3);
    let sides = [sku.size_m[b], sku.size_m[c]];
    let mut best: Vec<(Vec<usize>, usize)> = Vec::new();
    for quarter in 0..2 {
        let along = if quarter == 0 { sides } else { [sides[1], sides[0]] };
        for cups in windows(tool) {
            let span = [0, 1].map(|a| spread(tool, &cups, a));
            let more = tool.cup_diameter_m + 2.0 * MARGIN_M;
            let fits = match (sku.shape, axis) {
                // A lid; a round side, whose cups stand along its axis.
                (Shape::Cylinder, 2) => span[0].hypot(span[1]) + more <= along[0],
                (Shape::Cylinder, _) => {
                    let across = usize::from((b == 2) == (quarter == 0));
                    span[across] < 1e-6 && span[1 - across] + more <= along[1 - across]
                }
                _ => (0..2).all(|a| span[a] + more <= along[a]),
            };
            // What is too small for one cup is held by one all the same: the cell would have.
            if !fits && cups.len() > 1 {
                continue;
            }
            let most = best.first().map_or(0, |(cups, _)| cups.len());
            if cups.len() > most {
                best.clear();
            }
            if cups.len() >= most {
                best.push((cups, quarter));
            }
        }
    }
    let (cups, quarter) = best.swap_remove(rng.random_range(0..best.len()));
    let n = cups.len() as f64;
    let middle = [0, 1].map(|a| cups.iter().map(|&i| tool.cups[i][a]).sum::<f64>() / n);
    let mass_kg = sku.mass_kg.unwrap_or_else(|| DENSITY * sku.volume_m3());
    let stiffness = n * tool.stiffness_n_per_m;
    let closed_m = ((n * USUAL_PA * tool.a_eff_m2 - mass_kg * GRAVITY) / stiffness).clamp(0.0, tool.stroke_m);
    let mut columns = [Vector3::zeros(); 3];
    columns[axis] = Vector3::z() * if positive { -1.0 } else { 1.0 };
    columns[b] = if quarter == 0 { Vector3::x() } else { Vector3::y() };
    columns[c] = columns[axis].cross(&columns[b]);
    let turn = Rotation3::from_matrix_unchecked(Matrix3::from_columns(&columns));
    let at = Vector3::new(middle[0], middle[1], 0.5 * sku.size_m[axis] - closed_m);
    let yaw = rng.random_range(-std::f64::consts::PI..std::f64::consts::PI);
    let downwards = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
        * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI);
    Hold {
        // Where it took hold tells only by how much the wrist must turn.
        world_from_tool: Pose::from_parts(Vector3::new(0.9, 0.42, 0.1), downwards),
        approach_m: 0.06,
        press_m: 0.01,
        touch_speed: 0.05,
        guard_m: 0.012,
        cups: cups.into_iter().collect(),
        max_acceleration: 5.0,
        max_vertical: 8.0,
        rest_share: 0.5,
        held: HeldBox {
            tool_from_box: Pose::from_parts(at, UnitQuaternion::from_rotation_matrix(&turn)),
            size_m: sku.size_m,
        },
        closed_m,
        mass_kg,
        expected_pa: USUAL_PA as u32,
    }
}

/// Sets of cups that fill a rectangle of the tool's.
fn windows(tool: &ToolModel) -> Vec<Vec<usize>> {
    let lines = |a: usize| {
        let mut at: Vec<f64> = tool.cups.iter().map(|c| c[a]).collect();
        at.sort_by(f64::total_cmp);
        at.dedup_by(|a, b| (*a - *b).abs() < 1e-6);
        at
    };
    let ranges = |at: &[f64]| -> Vec<[f64; 2]> {
        (0..at.len()).flat_map(|i| (i..at.len()).map(move |k| (i, k))).map(|(i, k)| [at[i], at[k]]).collect()
    };
    let within = |v: f64, [low, high]: [f64; 2]| v > low - 1e-6 && v < high + 1e-6;
    let mut found: Vec<Vec<usize>> = Vec::new();
    for x in ranges(&lines(0)) {
        for y in ranges(&lines(1)) {
            let cups: Vec<usize> =
                (0..tool.cups.len()).filter(|&i| within(tool.cups[i][0], x) && within(tool.cups[i][1], y)).collect();
            if !cups.is_empty() && !found.contains(&cups) {
                found.push(cups);
            }
        }
    }
    found
}

/// How far apart cups are along an axis of the tool, metres.
fn spread(tool: &ToolModel, cups: &[usize], axis: usize) -> f64 {
    let at = || cups.iter().map(|&i| tool.cups[i][axis]);
    at().fold(f64::NEG_INFINITY, f64::max) - at().fold(f64::INFINITY, f64::min)
}
