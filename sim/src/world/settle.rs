//! Items dropped into a tote one after another, until all lie still in it.

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::{Pose, frame};

use super::matter::matters_of;
use super::physics::{BodyId, Physics, SETTLE_STEP_S, Walls};
use super::shape::Matter;
use crate::look::TrueSku;

/// Height of the chute over the tote while items fall in, metres.
const CHUTE_M: f64 = 1.5;
/// Physics steps between one item and the next.
const STEPS_BETWEEN: usize = 60;
/// Physics steps after which a pile that still moves is taken as it is.
const MOST_STEPS: usize = 2_500;
/// Places looked at for an item that comes in, and for one that must come back; the lowest is taken.
const PLACES: usize = 100;
const PLACES_BACK: usize = 20;
/// Share of the items that are laid along the tote's sides, and how far off that they are, radians.
const ALONG: f64 = 0.6;
const ASKEW: f64 = 0.08;
/// Largest tilt of an item as it comes in, radians; and the gap below it, metres.
const TILT: f64 = 0.05;
const GAP_M: f64 = 0.008;
/// How much unevenness below counts against height, both in metres.
const UNEVEN: f64 = 3.0;
/// How often an item that fell out is put back before the tote counts as too full.
const MOST_RETURNS: usize = 12;
/// How far the heap of a full tote may stand over its rim, metres.
const HEAP_M: f64 = 0.12;
/// Slower than this is at rest, m/s.
const REST_SPEED: f64 = 0.004;
/// Turning slower than this is at rest, rad/s.
const REST_TURN: f64 = 0.08;

/// Why items could not be laid into a tote. Nothing is left behind.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum SettleError {
    /// The pile grew over the rim and items went on falling out.
    #[error(
        "tote of {size_m:?} m: {outside} of {items} items fall out after {tries} tries; put in fewer or smaller ones"
    )]
    TooFull {
        /// Inner size of the tote, metres.
        size_m: [f64; 3],
        /// Items that lie outside.
        outside: usize,
        /// Items that should lie inside.
        items: usize,
        /// How often they were put back.
        tries: usize,
    },
    /// An item that can't lie in the tote.
    #[error("SKU {sku}: longest side {side_m:.3} m; must be at most {most_m:.3} m, the tote's diagonal")]
    TooLong {
        /// The SKU's name.
        sku: String,
        /// Its longest side, metres.
        side_m: f64,
        /// The longest that fits, metres.
        most_m: f64,
    },
}

/// Drops items into an empty tote and lets them come to rest: where each of them lies in the tote's frame.
///
/// `size` is the tote's inner size, `wall` the thickness of its walls, metres. The same items and the same
/// seed give the same poses bit for bit on one kind of machine.
///
/// # Errors
/// [`SettleError`] when they don't fit.
pub fn settle_tote(
    items: &[&TrueSku],
    size: [f64; 3],
    wall: f64,
    seed: u64,
) -> Result<Vec<Pose<frame::Tote, frame::Item>>, SettleError> {
    let longest = size[0].hypot(size[1]);
    for item in items {
        let side = item.truth.size_m.iter().copied().fold(0.0, f64::max);
        if side > longest {
            return Err(SettleError::TooLong { sku: item.sku.name.to_string(), side_m: side, most_m: longest });
        }
    }
    let mut physics = Physics::new(SETTLE_STEP_S);
    let walls = Walls { world_from: Isometry3::identity(), size: Vector3::from(size), wall };
    physics.add_walls(&walls, size[2]);
    let matters = matters_of(items);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let bodies = drop_in(&mut physics, &walls, &matters, &mut rng)?;
    Ok(bodies.iter().map(|&b| Pose::from_isometry(physics.pose(b))).collect())
}

/// Drops `matters` into a tote whose walls stand in `physics`; bodies in the order of `matters`.
pub(crate) fn drop_in(
    physics: &mut Physics,
    walls: &Walls,
    matters: &[Matter],
    rng: &mut ChaCha8Rng,
) -> Result<Vec<BodyId>, SettleError> {
    let mut order: Vec<usize> = (0..matters.len()).collect();
    for i in (1..order.len()).rev() {
        order.swap(i, rng.random_range(0..=i));
    }
    let chute = physics.add_walls(walls, CHUTE_M);
    let mut lying: Vec<(usize, BodyId)> = Vec::with_capacity(matters.len());
    for &i in &order {
        let at = Pile { physics, walls, matters, lying: &lying }.place_for(i, PLACES, rng);
        lying.push((i, physics.add_item(&matters[i], &at)));
        for _ in 0..STEPS_BETWEEN {
            physics.step();
        }
    }
    calm(physics, &lying);
    for wall in chute {
        physics.remove_wall(wall);
    }
    for &(_, body) in &lying {
        physics.wake(body);
    }
    for attempt in 0..MOST_RETURNS {
        calm(physics, &lying);
        // At first nothing shall stand over the rim either; a tote that is too full for that keeps a heap.
        let room = if attempt < MOST_RETURNS / 2 { 0.0 } else { HEAP_M };
        let outside: Vec<(usize, BodyId)> =
            lying.iter().copied().filter(|&(i, body)| !lies_in(physics, walls, &matters[i], body, room)).collect();
        if outside.is_empty() {
            break;
        }
        for (i, body) in outside {
            let others: Vec<(usize, BodyId)> = lying.iter().copied().filter(|&(_, b)| b != body).collect();
            let at = Pile { physics, walls, matters, lying: &others }.place_for(i, PLACES_BACK, rng);
            physics.place(body, &at);
            for _ in 0..STEPS_BETWEEN {
                physics.step();
            }
        }
    }
    let out = |&&(i, body): &&(usize, BodyId)| !lies_in(physics, walls, &matters[i], body, HEAP_M);
    let outside = lying.iter().filter(out).count();
    if outside > 0 {
        return Err(SettleError::TooFull {
            size_m: walls.size.into(),
            outside,
            items: matters.len(),
            tries: MOST_RETURNS,
        });
    }
    for &(_, body) in &lying {
        physics.rest(body);
    }
    lying.sort_unstable_by_key(|&(i, _)| i);
    Ok(lying.into_iter().map(|(_, body)| body).collect())
}

/// True when an item's centre lies over the floor, and nothing of it more than `room` metres over the rim.
fn lies_in(physics: &Physics, walls: &Walls, matter: &Matter, body: BodyId, room: f64) -> bool {
    let pose = physics.pose(body);
    let centre = pose.translation.vector;
    let top = centre.z + matter.solid.reach(&pose.inverse_transform_vector(&Vector3::z()));
    let rim = walls.world_from.translation.vector.z + walls.size.z;
    walls.holds(&centre.into(), walls.size.z) && top <= rim + room
}

/// Steps until every body is at rest for a while, or it has taken too long.
fn calm(physics: &mut Physics, lying: &[(usize, BodyId)]) {
    let mut still = 0;
    for _ in 0..MOST_STEPS {
        physics.step();
        let moving = lying.iter().any(|&(_, body)| {
            let motion = physics.motion(body);
            !physics.is_asleep(body) && (motion.linear.norm() > REST_SPEED || motion.angular.norm() > REST_TURN)
        });
        still = if moving { 0 } else { still + 1 };
        if still >= 60 {
            return;
        }
    }
}

/// What lies in the tote so far.
struct Pile<'a> {
    physics: &'a Physics,
    walls: &'a Walls,
    matters: &'a [Matter],
    lying: &'a [(usize, BodyId)],
}

impl Pile<'_> {
    /// Where an item may come in: of several random places the one that is lowest and flattest below it, as a
    /// person would choose.
    fn place_for(&self, item: usize, places: usize, rng: &mut ChaCha8Rng) -> Isometry3<f64> {
        // The side comes first: among places for any side, small ones would win, since they fit between others.
        let face = face_down(&self.matters[item].solid.half_extents(), rng);
        let (mut best, mut least) = self.random_place(item, &face, rng);
        for _ in 1..places {
            let (place, cost) = self.random_place(item, &face, rng);
            if cost < least {
                (best, least) = (place, cost);
            }
        }
        best
    }

    /// A random pose on the side of `face` just over what lies below, and how bad it is; any yaw.
    fn random_place(&self, item: usize, face: &UnitQuaternion<f64>, rng: &mut ChaCha8Rng) -> (Isometry3<f64>, f64) {
        let solid = &self.matters[item].solid;
        let walls = self.walls;
        let tilt = UnitQuaternion::from_euler_angles(rng.random_range(-TILT..TILT), rng.random_range(-TILT..TILT), 0.0);
        let mut yaw = if rng.random_bool(ALONG) {
            std::f64::consts::FRAC_PI_2 * f64::from(rng.random_range(0..4)) + rng.random_range(-ASKEW..ASKEW)
        } else {
            rng.random_range(-std::f64::consts::PI..std::f64::consts::PI)
        };
        let about_z = |yaw: f64| UnitQuaternion::from_euler_angles(0.0, 0.0, yaw);
        let turned = |yaw: f64| tilt * about_z(yaw) * face;
        let reach =
            |rotation: &UnitQuaternion<f64>, axis: &Vector3<f64>| solid.reach(&rotation.inverse_transform_vector(axis));
        let room = |rotation: &UnitQuaternion<f64>| {
            [
                0.5 * walls.size.x - reach(rotation, &Vector3::x()) - 0.004,
                0.5 * walls.size.y - reach(rotation, &Vector3::y()) - 0.004,
            ]
        };
        // A long item may only fit along one side of the tote: look for a yaw that does.
        for _ in 0..36 {
            if room(&turned(yaw)).iter().all(|r| *r > 0.0) {
                break;
            }
            yaw += std::f64::consts::PI / 36.0;
        }
        let rotation = turned(yaw);
        let [x, y] = room(&rotation).map(|r| if r > 0.0 { rng.random_range(-r..r) } else { 0.0 });
        let flat = walls.world_from * Isometry3::from_parts(Translation3::new(x, y, 0.0), about_z(yaw));
        let half = [Vector3::x_axis(), Vector3::y_axis()].map(|axis| reach(&rotation, &(about_z(yaw) * axis)));
        let (top, mean) = self.heights_under(&flat, half);
        let z = top + reach(&rotation, &Vector3::z()) + GAP_M;
        let at = flat.translation.vector.xy().push(z);
        let pose = Isometry3::from_parts(Translation3::from(at), walls.world_from.rotation * rotation);
        (pose, top + UNEVEN * (top - mean))
    }

    /// Highest and mean height of what lies under a rectangle, in the world.
    fn heights_under(&self, world_from_flat: &Isometry3<f64>, half: [f64; 2]) -> (f64, f64) {
        const GRID: usize = 6;
        let reach = half[0].hypot(half[1]);
        let centre = world_from_flat.translation.vector;
        let below: Vec<_> = self
            .lying
            .iter()
            .map(|&(i, body)| (&self.matters[i].solid, self.physics.pose(body)))
            .filter(|(solid, pose)| (pose.translation.vector - centre).xy().norm() < reach + solid.bounding_radius())
            .collect();
        let (mut top, mut sum) = (centre.z, 0.0);
        for i in 0..GRID * GRID {
            let share = |k: usize| 2.0 * k as f64 / (GRID - 1) as f64 - 1.0;
            let at = Point3::new(half[0] * share(i % GRID), half[1] * share(i / GRID), CHUTE_M);
            let from = world_from_flat * at;
            let depth = below
                .iter()
                .filter_map(|(solid, pose)| solid.cast(pose, &from, &-Vector3::z(), CHUTE_M))
                .fold(CHUTE_M, |least, hit| hit.distance.min(least));
            let height = from.z - depth;
            top = top.max(height);
            sum += height;
        }
        (top, sum / (GRID * GRID) as f64)
    }
}

/// The rotation that lays one of the six sides down, large sides more often: as the square of their area.
fn face_down(half: &Vector3<f64>, rng: &mut ChaCha8Rng) -> UnitQuaternion<f64> {
    let areas = [half.y * half.z, half.x * half.z, half.x * half.y].map(|a| a * a);
    let mut pick = rng.random_range(0.0..areas.iter().sum::<f64>());
    let axis = areas
        .iter()
        .position(|area| {
            pick -= area;
            pick < 0.0
        })
        .unwrap_or(2);
    let flip = if rng.random::<bool>() { std::f64::consts::PI } else { 0.0 };
    let quarter = std::f64::consts::FRAC_PI_2;
    match axis {
        0 => UnitQuaternion::from_euler_angles(0.0, quarter + flip, 0.0),
        1 => UnitQuaternion::from_euler_angles(quarter + flip, 0.0, 0.0),
        _ => UnitQuaternion::from_euler_angles(flip, 0.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::shape::Solid;

    /// Boxes and cylinders from 4 to 20 cm.
    fn goods(count: usize) -> Vec<Matter> {
        (0..count)
            .map(|i| {
                let size = 0.02 + 0.004 * (i % 7) as f64;
                let solid = if i % 4 == 3 {
                    Solid::Cylinder { radius: 0.9 * size, half_height: 0.05 }
                } else {
                    Solid::Box { half: Vector3::new(2.0 * size, 1.2 * size, size) }
                };
                Matter {
                    solid,
                    mass_kg: 0.3,
                    centre_of_mass: Vector3::zeros(),
                    friction: 0.45,
                    restitution: 0.2,
                    soft: None,
                }
            })
            .collect()
    }

    fn settled(count: usize, seed: u64) -> (Physics, Vec<BodyId>, Walls) {
        let mut physics = Physics::new(SETTLE_STEP_S);
        let walls = Walls { world_from: Isometry3::identity(), size: Vector3::new(0.6, 0.4, 0.3), wall: 0.012 };
        physics.add_walls(&walls, 0.3);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let bodies = drop_in(&mut physics, &walls, &goods(count), &mut rng).unwrap();
        (physics, bodies, walls)
    }

    #[test]
    fn items_settle_inside_the_tote_and_stay_at_rest() {
        for seed in 0..4 {
            let (mut physics, bodies, walls) = settled(28, seed);
            let before: Vec<_> = bodies.iter().map(|&b| physics.pose(b)).collect();
            for &body in &bodies {
                physics.wake(body);
            }
            for _ in 0..250 {
                physics.step();
            }
            let mut crept = 0;
            for ((&body, before), matter) in bodies.iter().zip(&before).zip(goods(28)) {
                let pose = physics.pose(body);
                let moved = (pose.translation.vector - before.translation.vector).norm();
                // Now and then a round one that the engine had put to sleep on a slope rolls on when it is woken, and
                // takes another along.
                crept += u32::from(moved > 0.002);
                assert!(moved < 0.01 && crept <= 2, "seed {seed}: an item crept {moved} m in half a second");
                assert!(walls.holds(&pose.translation.vector.into(), 0.42), "seed {seed}: {pose}");
                let reach = matter.solid.reach(&pose.inverse_transform_vector(&Vector3::z()));
                assert!(pose.translation.z - reach > -0.003, "seed {seed}: an item sank into the floor");
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_pile_bit_for_bit() {
        let poses = |seed| {
            let (physics, bodies, _) = settled(20, seed);
            bodies.iter().map(|&b| physics.pose(b)).collect::<Vec<_>>()
        };
        assert_eq!(poses(7), poses(7));
        assert_ne!(poses(7), poses(8));
    }

    #[test]
    fn a_tote_that_is_too_full_is_refused() {
        let mut physics = Physics::new(SETTLE_STEP_S);
        let walls = Walls { world_from: Isometry3::identity(), size: Vector3::new(0.16, 0.14, 0.05), wall: 0.01 };
        physics.add_walls(&walls, 0.1);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let error = drop_in(&mut physics, &walls, &goods(24), &mut rng).unwrap_err().to_string();
        assert!(error.starts_with("tote of [0.16, 0.14, 0.05] m: "), "{error}");
        assert!(error.ends_with("; put in fewer or smaller ones"), "{error}");
    }
}
