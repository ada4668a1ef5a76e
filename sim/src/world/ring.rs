//! A cup's lip against true shapes: where its ring touches, how far it is pressed, what it leaves open.

use std::f64::consts::PI;

use nalgebra::{Isometry3, Point3, Vector3};

use super::shape::Solid;

/// Points on the lip that are looked at.
pub(crate) const POINTS: usize = 24;
/// How far beyond the free lip a surface is looked for, metres.
pub(crate) const AHEAD_M: f64 = 0.006;
/// Height of the opening under a part of the lip that nothing lies under, metres.
const MISSED_GAP_M: f64 = 0.004;
/// Opening where the lip crosses from one thing to another, m²: a slit as high as the lip is thick.
const CROSSING_M2: f64 = 4e-6;
/// What a soft lip bridges without a gap when it only just touches, metres.
const LIP_FLEX_M: f64 = 0.000_4;
/// How much more it bridges when pressed by a millimetre, and at most, metres.
const LIP_FLEX_PRESSED: f64 = 0.2;
const LIP_FLEX_MOST_M: f64 = 0.001_2;

/// What a cup can touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// An item, by its place in the world's list.
    Item(usize),
    /// A wall, a floor.
    Fixed,
}

/// A solid that may be in reach of the cups.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Near {
    pub target: Target,
    pub solid: Solid,
    pub world_from: Isometry3<f64>,
}

/// What a lip of this run's cups puts up with. Drawn once a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LipTruth {
    /// Radius of the sealing ring, metres.
    pub radius: f64,
    /// Stroke of the bellows, metres.
    pub stroke: f64,
    /// Tilt that the bellows follows, radians.
    pub tilt: f64,
    /// Height difference of a saddle (a cylinder's side) that the ring follows, metres.
    pub saddle: f64,
}

/// One lip point that is pressed: on what, where, how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Press {
    pub target: Target,
    pub at: Point3<f64>,
    /// Compression of the bellows there, metres.
    pub depth: f64,
}

/// What the ring of one cup sees.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// What most of the ring lies on.
    pub target: Target,
    /// Points that are pressed; empty when the cup touches nothing.
    pub pressed: Vec<Press>,
    /// Mean compression under the ring, metres; negative when the cup does not reach all of it.
    pub compression: f64,
    /// Largest compression of a point, metres.
    pub deepest: f64,
    /// Outward normal of the surface under the ring, in the world.
    pub normal: Vector3<f64>,
    /// Area that the lip leaves open, m².
    pub gap_m2: f64,
    /// True when every point of the ring lies on `target`.
    pub whole: bool,
}

/// Looks along the cup's axis from every point of its ring. `cup` is the centre of its free lip in the tool's
/// frame, whose z is the axis. `None` when nothing is within stroke and look-ahead.
pub(crate) fn look(world_from_tool: &Isometry3<f64>, cup: [f64; 2], lip: &LipTruth, near: &[Near]) -> Option<Seen> {
    let axis = world_from_tool.transform_vector(&Vector3::z());
    let centre = world_from_tool.transform_point(&Point3::new(cup[0], cup[1], -0.5 * lip.stroke));
    let about = lip.radius + 0.5 * lip.stroke + AHEAD_M;
    let in_reach: Vec<&Near> = near
        .iter()
        .filter(|n| {
            let to = Point3::from(n.world_from.translation.vector);
            (to - centre).norm() < n.solid.bounding_radius() + about
        })
        .collect();
    if in_reach.is_empty() {
        return None;
    }
    let mut hits = [None; POINTS];
    for (i, slot) in hits.iter_mut().enumerate() {
        let (sin, cos) = angle(i).sin_cos();
        let from = world_from_tool.transform_point(&Point3::new(
            cup[0] + lip.radius * cos,
            cup[1] + lip.radius * sin,
            -lip.stroke,
        ));
        let mut best: Option<(f64, Target, Vector3<f64>)> = None;
        for n in &in_reach {
            if let Some(hit) = n.solid.cast(&n.world_from, &from, &axis, lip.stroke + AHEAD_M)
                && best.is_none_or(|(d, ..)| hit.distance < d)
            {
                best = Some((hit.distance, n.target, hit.normal));
            }
        }
        *slot = best.map(|(distance, target, normal)| Point {
            target,
            depth: lip.stroke - distance,
            at: from + axis * distance,
            normal,
        });
    }
    judge(&hits, lip, &axis)
}

#[derive(Debug, Clone, Copy)]
struct Point {
    target: Target,
    depth: f64,
    at: Point3<f64>,
    normal: Vector3<f64>,
}

fn angle(i: usize) -> f64 {
    2.0 * PI * i as f64 / POINTS as f64
}

fn judge(hits: &[Option<Point>; POINTS], lip: &LipTruth, axis: &Vector3<f64>) -> Option<Seen> {
    let target = most_common(hits)?;
    let arc = 2.0 * PI * lip.radius / POINTS as f64;
    let on_target = |p: &&Point| p.target == target;
    let points: Vec<(usize, &Point)> =
        hits.iter().enumerate().filter_map(|(i, p)| p.as_ref().filter(on_target).map(|p| (i, p))).collect();
    let count = points.len() as f64;
    let mean = points.iter().map(|(_, p)| p.depth).sum::<f64>() / count;
    let deepest = hits.iter().flatten().map(|p| p.depth).fold(f64::NEG_INFINITY, f64::max);
    let normal = points.iter().map(|(_, p)| p.normal).sum::<Vector3<f64>>();
    let normal = normal.try_normalize(1e-6).unwrap_or(-axis);
    let pressed: Vec<Press> = hits
        .iter()
        .flatten()
        .filter(|p| p.depth > 0.0)
        .map(|p| Press { target: p.target, at: p.at, depth: p.depth })
        .collect();
    let whole = points.len() == POINTS;
    let mut gap_m2 = 0.0;
    if whole {
        let flex = LIP_FLEX_M + (LIP_FLEX_PRESSED * mean.max(0.0)).min(LIP_FLEX_MOST_M);
        for (i, open) in unfollowed(&points, lip, mean).into_iter().enumerate() {
            // The bellows can't reach beyond its free length.
            let beyond = -points[i].1.depth;
            gap_m2 += arc * (open.max(beyond) - flex).max(0.0);
        }
    } else {
        for i in 0..POINTS {
            let here = hits[i].as_ref();
            gap_m2 += arc
                * match here {
                    Some(p) if p.target == target => (-p.depth - LIP_FLEX_M).max(0.0),
                    Some(p) => (p.depth - mean).abs().min(MISSED_GAP_M),
                    None => MISSED_GAP_M,
                };
            let next = hits[(i + 1) % POINTS].as_ref();
            if here.map(|p| p.target) != next.map(|p| p.target) {
                gap_m2 += CROSSING_M2;
            }
        }
    }
    Some(Seen { target, pressed, compression: mean, deepest, normal, gap_m2, whole })
}

/// How far each point of a whole ring stays open below the lip after tilt and saddle are followed, metres.
///
/// The heights round the ring are split into their mean, first harmonic (tilt), second (the side of a
/// cylinder) and the rest; each of the first three is followed up to its limit.
fn unfollowed(points: &[(usize, &Point)], lip: &LipTruth, mean: f64) -> Vec<f64> {
    let harmonic = |n: f64| {
        let (mut c, mut s) = (0.0, 0.0);
        for (i, p) in points {
            let a = angle(*i) * n;
            c += p.depth * a.cos();
            s += p.depth * a.sin();
        }
        (2.0 * c / POINTS as f64, 2.0 * s / POINTS as f64)
    };
    let (first, second) = (harmonic(1.0), harmonic(2.0));
    let followed = |size: f64, most: f64| if size > most { most / size } else { 1.0 };
    let tilt = followed(first.0.hypot(first.1), lip.tilt.tan() * lip.radius);
    let saddle = followed(2.0 * second.0.hypot(second.1), lip.saddle);
    points
        .iter()
        .map(|(i, p)| {
            let a = angle(*i);
            let lip_at = mean
                + tilt * (first.0 * a.cos() + first.1 * a.sin())
                + saddle * (second.0 * (2.0 * a).cos() + second.1 * (2.0 * a).sin());
            lip_at - p.depth
        })
        .collect()
}

fn most_common(hits: &[Option<Point>; POINTS]) -> Option<Target> {
    let mut best: Option<(usize, Target)> = None;
    for point in hits.iter().flatten() {
        let count = hits.iter().flatten().filter(|p| p.target == point.target).count();
        if best.is_none_or(|(most, _)| count > most) {
            best = Some((count, point.target));
        }
    }
    best.map(|(_, target)| target)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIP: LipTruth = LipTruth { radius: 0.012_75, stroke: 0.025, tilt: 0.31, saddle: 0.003_2 };

    /// A tool straight above a solid's face, the lip `press` metres past it, `off` metres from the centre.
    fn over(solid: Solid, turned: Isometry3<f64>, top: f64, press: f64, off: f64) -> Seen {
        let near = [Near { target: Target::Item(0), solid, world_from: turned }];
        let down = nalgebra::UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
        let tool = Isometry3::from_parts(nalgebra::Translation3::new(off, 0.0, top - press), down);
        look(&tool, [0.0, 0.0], &LIP, &near).unwrap()
    }

    fn carton() -> Solid {
        Solid::Box { half: Vector3::new(0.05, 0.05, 0.03) }
    }

    #[test]
    fn a_ring_on_a_face_closes_and_one_over_its_edge_stays_open() {
        let seen = over(carton(), Isometry3::identity(), 0.03, 0.002, 0.0);
        assert!(seen.whole && seen.gap_m2 < 1e-12, "{seen:?}");
        assert!((seen.compression - 0.002).abs() < 1e-9, "{} m", seen.compression);
        assert!((seen.normal - Vector3::z()).norm() < 1e-9);
        let edge = over(carton(), Isometry3::identity(), 0.03, 0.002, 0.042);
        assert!(!edge.whole && edge.gap_m2 > 2e-5, "{} mm²", edge.gap_m2 * 1e6);
    }

    #[test]
    fn a_tilt_within_the_bellows_is_followed_and_a_steep_one_is_not() {
        let check = |degrees: f64, closes: bool| {
            let turned = Isometry3::rotation(Vector3::y() * degrees.to_radians());
            let top = 0.03 / degrees.to_radians().cos();
            let seen = over(carton(), turned, top, 0.006, 0.0);
            assert_eq!(seen.gap_m2 < 1e-9, closes, "{degrees}°: {} mm²", seen.gap_m2 * 1e6);
        };
        check(0.0, true);
        check(12.0, true);
        check(28.0, false);
    }

    #[test]
    fn a_wide_can_is_sealed_on_its_side_and_a_thin_tube_is_not() {
        let check = |radius: f64, closes: bool| {
            let can = Solid::Cylinder { radius, half_height: 0.06 };
            let lying = Isometry3::rotation(Vector3::x() * (0.5 * PI));
            let seen = over(can, lying, radius, 0.005, 0.0);
            assert_eq!(seen.gap_m2 < 1e-9, closes, "radius {radius} m: {} mm²", seen.gap_m2 * 1e6);
        };
        check(0.040, true);
        check(0.030, true);
        check(0.015, false);
    }

    #[test]
    fn two_boxes_side_by_side_leave_a_slit() {
        let half = Vector3::new(0.03, 0.03, 0.03);
        let at = |x: f64, i: usize| Near {
            target: Target::Item(i),
            solid: Solid::Box { half },
            world_from: Isometry3::translation(x, 0.0, 0.0),
        };
        let down = nalgebra::UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
        let tool = Isometry3::from_parts(nalgebra::Translation3::new(0.004, 0.0, 0.028), down);
        let seen = look(&tool, [0.0, 0.0], &LIP, &[at(0.0301, 0), at(-0.0301, 1)]).unwrap();
        assert_eq!(seen.target, Target::Item(0));
        assert!(!seen.whole && seen.gap_m2 >= 2.0 * CROSSING_M2, "{} mm²", seen.gap_m2 * 1e6);
    }
}
