//! The plain way, to compare with: the flattest patch nearest the middle, one cup, no model.

use control::Hold;
use nalgebra::{Point3, Vector3};
use scene::Item;

use crate::candidate::{Candidate, Features, Surroundings};
use crate::pattern::patterns;
use crate::rejection::Weakest;
use crate::target::Target;
use crate::wrench::{Allowed, GRAVITY};

/// Radius of a patch, metres: one cup.
const PATCH_M: f64 = 0.015;
/// Distance between the points that are tried, metres.
const SPACING_M: f64 = 0.010;
/// Patches whose variance is within this factor of the least, or below the floor, count as equally flat.
const AS_FLAT: f64 = 1.5;
const FLAT_FLOOR: f64 = 1e-3;
/// What the arm may do with any item, m/s².
const ALLOWED: Allowed = Allowed { sideways: 5.0, vertical: 5.0, rest_share: GRAVITY / (GRAVITY + 5.0) };
/// What the gripper is told to expect of any seal, pascals.
const EXPECTED_PA: f64 = 40_000.0;
const MOST: usize = 20;

/// Grasps as Dex-Net 3.0's and MIT-Princeton's plain baseline make them: one cup at the patch of least
/// normal variance nearest the item's centre, along the patch's mean normal, the tool's x along the tote's.
///
/// The tool's cup nearest its middle, a fixed acceleration, no model of seal, force, neighbours or walls;
/// none is rejected. The score is a rank, not a probability: 1 for the first, less for the next, at most 20.
#[must_use]
pub fn baseline_grasps(item: &Item, around: &Surroundings<'_>) -> Vec<Candidate> {
    let Some(target) = Target::of(item, &[], around) else {
        return Vec::new();
    };
    let patterns = patterns(around.tool);
    let Some(one) = patterns.first() else {
        return Vec::new();
    };
    let take = one.takes[0];
    let tote_from_world = around.tote.world_from.isometry().inverse();
    let points: Vec<(Point3<f64>, Vector3<f64>)> = item
        .cloud
        .iter()
        .zip(&item.normals)
        .map(|(p, n)| (tote_from_world * p, tote_from_world * n))
        .filter(|(p, n)| p.coords.iter().chain(n.iter()).all(|v| v.is_finite()))
        .collect();
    let count = points.len().max(1) as f64;
    let middle = Point3::from(points.iter().map(|(p, _)| p.coords).sum::<Vector3<f64>>() / count);
    let mut patches: Vec<Patch> = Vec::new();
    for (p, _) in points.iter().step_by((points.len() / 2000).max(1)) {
        if patches.iter().all(|patch| (patch.at - p).xy().norm() >= SPACING_M) {
            patches.extend(Patch::about(p, &points, &middle));
        }
    }
    let least = patches.iter().map(|p| p.variance).fold(f64::INFINITY, f64::min);
    let flat = |p: &Patch| p.variance <= (AS_FLAT * least).max(FLAT_FLOOR);
    patches.sort_by(|a, b| {
        let key = |p: &Patch| {
            if flat(p) { (false, p.off) } else { (true, p.variance) }
        };
        let (a, b) = (key(a), key(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    patches.truncate(MOST);
    let number = patches.len().max(1) as f64;
    patches
        .iter()
        .enumerate()
        .map(|(rank, patch)| {
            let mut stance = target.stance(patch.at, patch.normal);
            let along = Vector3::x() - patch.normal * patch.normal.x;
            stance.x = along.try_normalize(1e-6).unwrap_or(stance.x);
            let hold: Hold = target.hold(&stance.tool(take.middle), take.cups, ALLOWED, EXPECTED_PA, None, 1.0);
            Candidate {
                hold,
                score: 1.0 - 0.5 * rank as f64 / number,
                features: Features {
                    cups: Vec::new(),
                    on_face: 0.0,
                    seal: 0.0,
                    holds: 0.0,
                    steady: 0.0,
                    room: 0.0,
                    uncovered: 0.0,
                    force_n: around.tool.a_eff_m2 * EXPECTED_PA,
                    safety: 0.0,
                    weakest: Weakest::Pull,
                    tilt_rad: patch.normal.z.clamp(-1.0, 1.0).acos(),
                },
                carry: None,
                rejected: None,
            }
        })
        .collect()
}

struct Patch {
    at: Point3<f64>,
    normal: Vector3<f64>,
    /// 1 − |mean of the unit normals|.
    variance: f64,
    /// From the item's middle, metres.
    off: f64,
}

impl Patch {
    fn about(p: &Point3<f64>, points: &[(Point3<f64>, Vector3<f64>)], middle: &Point3<f64>) -> Option<Self> {
        let near = || points.iter().filter(|(q, _)| (q - p).norm() < PATCH_M);
        let count = near().count() as f64;
        if count < 20.0 {
            return None;
        }
        let normal = near().map(|(_, n)| n).sum::<Vector3<f64>>() / count;
        let at = Point3::from(near().map(|(q, _)| q.coords).sum::<Vector3<f64>>() / count);
        Some(Self { at, normal: normal.try_normalize(1e-3)?, variance: 1.0 - normal.norm(), off: (at - middle).norm() })
    }
}
