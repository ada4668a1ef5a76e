//! Where items came to rest, and what became of them: read from the world's truth, for figures alone.

use control::Container;
use nalgebra::{Isometry3, Point3, Vector3};
use scene::frame::Bin;
use scene::{Shape, SkuName};
use sim::look::{TrueShape, TrueSku};
use sim::world::{Where, World, WorldFault};

use super::arrival::Arrival;

/// An item has toppled when it leans further than this from how it was put down, degrees; a bag drapes over what is below.
const TOPPLED_DEG: f64 = 30.0;
const TOPPLED_SOFT_DEG: f64 = 45.0;
/// Less than this above the rim is none, metres: the engine lets bodies sink into each other by a millimetre.
const ABOVE_M: f64 = 0.002;
/// Loads are averaged over so many milliseconds: contacts tremble.
const LOAD_MS: u32 = 200;

/// An item that was let go in a bin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Landed {
    pub(super) kind: usize,
    pub(super) sku: SkuName,
    /// Where the planner meant it to be, in the world.
    pub(super) meant: Isometry3<f64>,
    /// Where it was once it had come to rest, and at the end of the sequence.
    pub(super) rests: Isometry3<f64>,
    pub(super) ended: Isometry3<f64>,
    /// The item's axis that pointed up, and whether its positive end did.
    pub(super) up: (usize, bool),
    /// Between how it was meant to be turned and how it came to rest, radians; a turn about a cylinder's own axis is none.
    pub(super) error_rad: f64,
    /// What others press it down with at the end, newtons.
    pub(super) load_n: f64,
    pub(super) touched_early: bool,
    pub(super) toppled: bool,
    pub(super) crushed: bool,
    pub(super) above_rim: bool,
    pub(super) outside: bool,
}

impl Landed {
    /// One that has just come to rest.
    pub(super) fn new(
        arrival: &Arrival,
        sku: SkuName,
        meant: Isometry3<f64>,
        rests: Isometry3<f64>,
        touched_early: bool,
    ) -> Self {
        Self {
            kind: arrival.kind,
            sku,
            meant,
            rests,
            ended: rests,
            up: arrival.up,
            error_rad: 0.0,
            load_n: 0.0,
            touched_early,
            toppled: false,
            crushed: false,
            above_rim: false,
            outside: false,
        }
    }

    /// Between where it was meant to be and where it came to rest, metres.
    pub(super) fn error_m(&self) -> f64 {
        far_from(&self.meant, &self.rests)
    }
}

/// A bin at the end of its sequence.
#[derive(Debug, Clone)]
pub(super) struct Packed {
    pub(super) items: Vec<Landed>,
    /// Milliseconds of each decision, the last one without a place included.
    pub(super) ms: Vec<f64>,
    /// Why the item after them has no place; empty where none came.
    pub(super) refused: Vec<String>,
    /// True volume of what rests in the bin, not above its rim, as a share of the bin's up to the rim.
    pub(super) fill: f64,
}

impl Packed {
    /// Reads the truth; fails where the world does. Items are in the order in which they were put down, the world's only ones.
    pub(super) fn new(
        mut items: Vec<Landed>,
        ms: Vec<f64>,
        refused: Vec<String>,
        world: &mut World,
        skus: &[TrueSku],
        bin: &Container<Bin>,
    ) -> Result<Self, WorldFault> {
        let loads_n = world.loads_n(LOAD_MS)?;
        let mut filled_m3 = 0.0;
        let rim = bin.world_from.origin().z + bin.size[2];
        for ((item, truth), load_n) in items.iter_mut().zip(world.truth()).zip(loads_n) {
            let sku = &skus[item.kind];
            let round = matches!(sku.hull_shape, TrueShape::Cylinder { .. });
            item.ended = *truth.world_from_item.isometry();
            item.load_n = load_n;
            item.error_rad = turned(&item.meant, &item.rests, round);
            item.toppled = has_toppled(item, sku);
            item.crushed = truth.damaged.is_some() || load_n > grasp::bears_n(sku.sku.fragility);
            item.outside = truth.at != Where::Bin(bin.name.clone());
            item.above_rim = !item.outside && top(sku, &item.ended) > rim + ABOVE_M;
            if !item.outside && !item.above_rim {
                filled_m3 += volume_m3(sku);
            }
        }
        Ok(Self { items, ms, refused, fill: filled_m3 / bin.size.iter().product::<f64>() })
    }
}

/// How far apart the middles of two boxes are, metres.
pub(super) fn far_from(a: &Isometry3<f64>, b: &Isometry3<f64>) -> f64 {
    (a.translation.vector - b.translation.vector).norm()
}

/// The angle between two poses, radians; of a cylinder between its axes.
fn turned(a: &Isometry3<f64>, b: &Isometry3<f64>, round: bool) -> f64 {
    if round {
        let (a, b) = (a.rotation * Vector3::z(), b.rotation * Vector3::z());
        return a.dot(&b).abs().min(1.0).acos();
    }
    a.rotation.angle_to(&b.rotation)
}

/// A box or a standing cylinder topples by the axis that pointed up, a lying cylinder by one of its ends.
fn has_toppled(item: &Landed, sku: &TrueSku) -> bool {
    let (axis, positive) = item.up;
    let leans = if sku.truth.shape == Shape::Cylinder && axis != 2 {
        (item.ended.rotation * Vector3::z()).z.abs().min(1.0).asin()
    } else {
        let up = item.ended.rotation * Vector3::ith(axis, if positive { 1.0 } else { -1.0 });
        up.z.clamp(-1.0, 1.0).acos()
    };
    let most = if sku.truth.soft.is_some() { TOPPLED_SOFT_DEG } else { TOPPLED_DEG };
    leans.to_degrees() > most
}

/// True volume, m³.
pub(super) fn volume_m3(sku: &TrueSku) -> f64 {
    match &sku.hull_shape {
        TrueShape::Box { half } => 8.0 * half.iter().product::<f64>(),
        TrueShape::Cylinder { radius, half_height } => std::f64::consts::TAU * radius * radius * half_height,
        // A closed surface: the sum of what its triangles span with the origin.
        TrueShape::Mesh { .. } => {
            let at = |i: u32| Vector3::from(sku.mesh.positions[i as usize].map(f64::from));
            let spanned = |[a, b, c]: &[u32; 3]| at(*a).dot(&at(*b).cross(&at(*c))) / 6.0;
            sku.mesh.triangles.iter().map(spanned).sum::<f64>().abs()
        }
    }
}

/// The highest point of an item, metres in the world.
fn top(sku: &TrueSku, world_from_item: &Isometry3<f64>) -> f64 {
    let up = world_from_item.inverse_transform_vector(&Vector3::z());
    let reach = match &sku.hull_shape {
        TrueShape::Box { half } => Vector3::from(*half).dot(&up.abs()),
        TrueShape::Cylinder { radius, half_height } => radius * up.xy().norm() + half_height * up.z.abs(),
        TrueShape::Mesh { .. } => {
            let along = |p: &[f32; 3]| Point3::from(p.map(f64::from)).coords.dot(&up);
            sku.mesh.positions.iter().map(along).fold(f64::NEG_INFINITY, f64::max)
        }
    };
    world_from_item.translation.z + reach
}
