//! Items poured into a tote from above: the workload that speed and soundness of the physics are measured on.

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Pose, frame};

use super::matter::matters_of;
use super::physics::{BodyId, GRAVITY, Physics, SETTLE_STEP_S, Walls};
use super::shape::{Matter, Solid};
use crate::look::TrueSku;

/// Inner size and wall of the tote, metres; its walls go on upwards as a chute.
const TOTE_M: [f64; 3] = [0.6, 0.4, 0.3];
const WALL_M: f64 = 0.012;
const CHUTE_M: f64 = 4.0;
/// Items of a layer side by side along x and y, and the gap between layers, metres.
const COLUMNS: [usize; 2] = [2, 2];
const GAP_M: f64 = 0.01;
/// Largest yaw and tilt of an item as it starts, radians.
const YAW: f64 = 0.15;
const TILT: f64 = 0.1;
/// A rigid item at rest may be this deep in floor or wall, metres: a carton of 20 N/mm (constants 3) gives way so far
/// under the 10 kg of a full tote. While others fall on it, it is pressed in further for a moment; what is soft is
/// squashed by what lies on it.
const DEEPEST_M: f64 = 0.006;
/// Less energy of motion than this is rest, joules an item.
const REST_J: f64 = 1e-5;

/// What is wrong with a pour. It can't go on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum PourFault {
    /// A place that is no number.
    #[error("item {item}: place is no number after {seconds:.2} s")]
    NoNumber {
        /// Which item, from 0.
        item: usize,
        /// When.
        seconds: f64,
    },
    /// An item whose middle is behind a wall or under the floor, or that rests in one.
    #[error(
        "item {item}: {depth_m:.4} m deep in the tote's {surface} after {seconds:.2} s; must be at most 0.006 m at rest and never with its middle"
    )]
    Tunnelled {
        /// Which item, from 0.
        item: usize,
        /// Where.
        surface: &'static str,
        /// How deep, metres.
        depth_m: f64,
        /// When.
        seconds: f64,
    },
}

/// How an item starts, for others who pour the same.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Start {
    /// True for a cylinder along z, else a box.
    pub round: bool,
    /// Half sides of the box around it, metres.
    pub half_m: [f64; 3],
    /// Where its frame is, metres.
    pub at_m: [f64; 3],
    /// How it is turned: w, x, y, z.
    pub turn_wxyz: [f64; 4],
    /// Mass, kilograms.
    pub mass_kg: f64,
}

/// Items on their way into a tote. One step is [`Pour::STEP_S`]; the same items and seed give the same pour.
#[derive(Debug)]
pub struct Pour {
    physics: Physics,
    items: Vec<(Matter, BodyId)>,
    /// Which of the given items each is.
    order: Vec<usize>,
    starts: Vec<Isometry3<f64>>,
    steps: u32,
}

impl Pour {
    /// Length of a step, seconds: that with which totes are filled.
    pub const STEP_S: f64 = SETTLE_STEP_S;

    /// Hangs the items over a tote in layers of four, long sides along the tote, a little askew.
    #[must_use]
    pub fn new(items: &[&TrueSku], seed: u64) -> Self {
        Self::of(matters_of(items), seed)
    }

    pub(crate) fn of(matters: Vec<Matter>, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut physics = Physics::new(Self::STEP_S);
        let size = Vector3::new(TOTE_M[0], TOTE_M[1], CHUTE_M);
        physics.add_walls(&Walls { world_from: Isometry3::identity(), size, wall: WALL_M }, CHUTE_M);
        let mut order: Vec<usize> = (0..matters.len()).collect();
        for i in (1..order.len()).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        let mut matters: Vec<Option<Matter>> = matters.into_iter().map(Some).collect();
        let ordered: Vec<Matter> = order.iter().filter_map(|&i| matters[i].take()).collect();
        let mut pour = Self { physics, items: Vec::new(), order, starts: Vec::new(), steps: 0 };
        let mut floor = 0.0;
        for layer in ordered.chunks(COLUMNS[0] * COLUMNS[1]) {
            let turns: Vec<UnitQuaternion<f64>> = layer.iter().map(|matter| lying(matter, &mut rng)).collect();
            let reach = |k: usize| layer[k].solid.reach(&turns[k].inverse_transform_vector(&Vector3::z()));
            let half = (0..layer.len()).map(reach).fold(0.0, f64::max);
            for (k, matter) in layer.iter().enumerate() {
                let [x, y] = [k % COLUMNS[0], k / COLUMNS[0]];
                let cell =
                    |k: usize, axis: usize| (k as f64 + 0.5) / COLUMNS[axis] as f64 * TOTE_M[axis] - 0.5 * TOTE_M[axis];
                let at = Translation3::new(cell(x, 0), cell(y, 1), floor + GAP_M + half);
                let at = Isometry3::from_parts(at, turns[k]);
                pour.items.push((matter.clone(), pour.physics.add_item(matter, &at)));
                pour.starts.push(at);
            }
            floor += 2.0 * half + GAP_M;
        }
        pour
    }

    /// Two milliseconds.
    pub fn step(&mut self) {
        self.physics.step();
        self.steps += 1;
    }

    /// How the items start.
    #[must_use]
    pub fn starts(&self) -> Vec<Start> {
        let start = |((matter, _), at): (&(Matter, BodyId), &Isometry3<f64>)| Start {
            round: matches!(matter.solid, Solid::Cylinder { .. }),
            half_m: matter.solid.half_extents().into(),
            at_m: at.translation.vector.into(),
            turn_wxyz: [at.rotation.w, at.rotation.i, at.rotation.j, at.rotation.k],
            mass_kg: matter.mass_kg,
        };
        self.items.iter().zip(&self.starts).map(start).collect()
    }

    /// Where the items are, in the order in which they were given.
    #[must_use]
    pub fn world_from_items(&self) -> Vec<Pose<frame::World, frame::Item>> {
        let mut poses = vec![Pose::identity(); self.items.len()];
        for (&index, (_, body)) in self.order.iter().zip(&self.items) {
            poses[index] = Pose::from_isometry(self.physics.pose(*body));
        }
        poses
    }

    /// Seconds that have passed in it.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        f64::from(self.steps) * Self::STEP_S
    }

    /// Energy of motion and of height, joules, with what swings inside of bags.
    #[must_use]
    pub fn energy_j(&self) -> f64 {
        let of = |(matter, body): &(Matter, BodyId)| {
            let body_j = matter.core_kg() * GRAVITY * self.physics.centre_of_mass(*body).z;
            self.physics.kinetic_j(*body) + body_j + self.physics.content_j(*body)
        };
        self.items.iter().map(of).sum()
    }

    /// True when everything lies still.
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        self.items.iter().all(|(_, body)| self.physics.is_asleep(*body) || self.physics.kinetic_j(*body) < REST_J)
    }

    /// Which of the given items has the most energy of motion, and how much, joules.
    #[must_use]
    pub fn liveliest(&self) -> Option<(usize, f64)> {
        let moving =
            self.order.iter().zip(&self.items).map(|(&index, (_, body))| (index, self.physics.kinetic_j(*body)));
        moving.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    /// Every item is where it can be.
    ///
    /// # Errors
    /// [`PourFault`] with the item.
    pub fn check(&self) -> Result<(), PourFault> {
        let seconds = self.seconds();
        let at_rest = self.is_at_rest();
        for (item, (matter, body)) in self.items.iter().enumerate() {
            let pose = self.physics.pose(*body);
            let rests = at_rest && matter.soft.is_none();
            if !self.physics.is_in_world(*body) && pose.translation.vector.iter().any(|x| !x.is_finite()) {
                return Err(PourFault::NoNumber { item, seconds });
            }
            let reach = |axis: &Vector3<f64>| matter.solid.reach(&pose.inverse_transform_vector(axis));
            let at = pose.translation.vector;
            // How far the middle is inside of each surface, and how far the item reaches from it.
            let inside = |axis: usize| 0.5 * TOTE_M[axis] - at[axis].abs();
            let towards = |axis: usize| reach(&Vector3::ith(axis, at[axis].signum()));
            let surfaces = [
                ("floor", at.z, reach(&-Vector3::z())),
                ("x wall", inside(0), towards(0)),
                ("y wall", inside(1), towards(1)),
            ];
            for (surface, inside, reach) in surfaces {
                let depth_m = reach - inside;
                if inside < 0.0 || (rests && depth_m > DEEPEST_M) {
                    return Err(PourFault::Tunnelled { item, surface, depth_m, seconds });
                }
            }
        }
        Ok(())
    }
}

/// A rotation that lays the longest side along x and the shortest up, a little askew.
fn lying(matter: &Matter, rng: &mut ChaCha8Rng) -> UnitQuaternion<f64> {
    let half = matter.solid.half_extents();
    let (long, short) = (half.imax(), half.imin());
    let short = if long == short { (long + 1) % 3 } else { short };
    let (x, z) = (Vector3::ith(long, 1.0), Vector3::ith(short, 1.0));
    let axes = nalgebra::Matrix3::from_rows(&[x.transpose(), z.cross(&x).transpose(), z.transpose()]);
    let flat = UnitQuaternion::from_matrix(&axes);
    let mut off = |most: f64| rng.random_range(-most..most);
    UnitQuaternion::from_euler_angles(off(TILT), off(TILT), off(YAW)) * flat
}

#[cfg(test)]
mod slow {
    use super::*;
    use crate::world::hull::{Hull, convex_parts, solids};
    use crate::world::shape::Soft;

    /// Boxes, cylinders, bottles, balls and bags.
    fn goods() -> Vec<Matter> {
        let bottle = solids::turned(&[[0.028, -0.08], [0.028, 0.03], [0.012, 0.05], [0.012, 0.08]], 24);
        let ball = solids::ball(0.035);
        let [bottle, ball] =
            [bottle, ball].map(|mesh| Solid::Mesh(Hull::new(&mesh, &convex_parts(&mesh)).unwrap().into()));
        (0..30)
            .map(|i| {
                let size = 0.018 + 0.004 * f64::from(i % 7);
                let (solid, soft) = match i % 6 {
                    0 => (bottle.clone(), None),
                    1 => (ball.clone(), None),
                    2 => (Solid::Cylinder { radius: 0.9 * size, half_height: 0.05 }, None),
                    3 => {
                        let soft = Soft { stiffness: 800.0, damping: 0.3, slosh_share: 0.4 };
                        (Solid::Box { half: Vector3::new(0.07, 0.05, 0.018) }, Some(soft))
                    }
                    _ => (Solid::Box { half: Vector3::new(2.0 * size, 1.2 * size, size) }, None),
                };
                Matter {
                    solid,
                    mass_kg: 0.05 + 0.05 * f64::from(i % 9),
                    centre_of_mass: Vector3::zeros(),
                    friction: 0.5,
                    restitution: 0.25,
                    soft,
                }
            })
            .collect()
    }

    #[test]
    fn thirty_mixed_items_come_to_rest_in_the_tote_whatever_the_seed() {
        for seed in 0..6 {
            let mut pour = Pour::of(goods(), seed);
            let mut before = pour.energy_j();
            // What is pressed together gives a little back.
            let given_back = 0.005 * before;
            let mut seconds = 0;
            while !pour.is_at_rest() || seconds < 2 {
                for _ in 0..20 {
                    for _ in 0..25 {
                        pour.step();
                    }
                    pour.check().unwrap_or_else(|fault| panic!("seed {seed}: {fault}"));
                }
                seconds += 1;
                let energy = pour.energy_j();
                assert!(energy < before + given_back, "seed {seed}: {before} J, a second later {energy} J");
                before = energy;
                assert!(seconds < 20, "seed {seed}: still moves after 20 s");
            }
        }
    }
}
