//! A cup's lip against true shapes: where its ring touches, how far it is pressed, what it leaves open.

use std::f64::consts::PI;
use std::sync::LazyLock;

use nalgebra::{Isometry3, Point3, Vector3};

use super::shape::Solid;

/// Points on the lip that are looked at.
pub(crate) const POINTS: usize = 24;
/// How far beyond the free lip a surface is looked for, metres.
pub(crate) const AHEAD_M: f64 = 0.006;
/// Height of the opening under a part of the lip that nothing lies under, metres.
const MISSED_GAP_M: f64 = 0.004;
/// Opening where the lip crosses from one thing to another, m²: a slit as high as the lip is thick. Where two
/// items lie flush under one lip the slit between them is measured instead.
const CROSSING_M2: f64 = 4e-6;
/// Steps of the search for the edge of an item under the lip: a 128th of a point's distance, 0.03 mm.
const EDGE_STEPS: usize = 7;
/// What a soft lip bridges without a gap when it only just touches, metres.
const LIP_FLEX_M: f64 = 0.000_4;
/// How much more it bridges when pressed by a millimetre, and at most, metres.
const LIP_FLEX_PRESSED: f64 = 0.2;
const LIP_FLEX_MOST_M: f64 = 0.001_2;
/// Width of the lip, metres: constants 1.2 give 2 to 5 mm. Where the surface falls away more steeply than the lip
/// can fold, it opens by that.
const LIP_WIDTH_M: f64 = 0.003;
/// A step under the lip leaves a wedge open of this width, metres: two crossings of 0.1 to 0.5 mm then pass the 3 to
/// 15 l/min at 40 kPa that constants 2.3 give for label steps.
const STEP_WEDGE_M: f64 = 0.001_5;
/// How far a soft face may come up to a lip that presses it, metres (estimate).
const GIVE_MOST_M: f64 = 0.004;

/// What a cup can touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// An item, by its place in the world's list.
    Item(usize),
    /// A wall, a floor.
    Fixed,
}

/// A solid that may be in reach of the cups.
#[derive(Debug, Clone)]
pub(crate) struct Near {
    pub target: Target,
    pub solid: Solid,
    pub world_from: Isometry3<f64>,
    /// Stiffness of its faces, N/m; infinite when rigid.
    pub stiffness: f64,
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
    /// Steepest fall of the surface outward from the ring that the lip folds down to: the tangent of its angle.
    pub fall: f64,
    /// Nominal stiffness of the bellows, N/m: what a soft face is pressed with.
    pub stiffness: f64,
}

impl LipTruth {
    /// A lip of a ring that follows cylinders and balls down to a radius of `tightest` metres.
    pub fn new(radius: f64, stroke: f64, tilt: f64, tightest: f64, stiffness: f64) -> Self {
        let deep = (tightest * tightest - radius * radius).max(1e-9).sqrt();
        Self { radius, stroke, tilt, saddle: tightest - deep, fall: radius / deep, stiffness }
    }
}

/// One lip point that is pressed: on what, where, how far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Press {
    pub target: Target,
    pub at: Point3<f64>,
    /// Compression of the bellows there, metres.
    pub depth: f64,
}

/// What a lip lies on, and where: the whole ring, or one of two items that it spans.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Part {
    pub target: Target,
    /// Share of the ring.
    pub share: f64,
    /// Where its force acts in the tool's plane, metres from the cup's axis.
    pub off: [f64; 2],
    /// Mean compression there, metres.
    pub compression: f64,
    /// Outward normal of the surface there, in the world.
    pub normal: Vector3<f64>,
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
    /// True when every point of the ring lies on `target`, or on it and one other item.
    pub whole: bool,
    /// What a closed lip would hold: one part, or two where it spans two items.
    pub parts: Vec<Part>,
}

impl Seen {
    /// What it would hold besides `target`.
    #[cfg(test)]
    pub fn other(&self) -> Option<Target> {
        self.parts.get(1).map(|part| part.target)
    }
}

/// Looks along the cup's axis from every point of its ring. `cup` is the centre of its free lip in the tool's
/// frame, whose z is the axis; `folds` are those of the attempt on a target. `None` when nothing is within stroke
/// and look-ahead.
pub(crate) fn look(
    world_from_tool: &Isometry3<f64>,
    cup: [f64; 2],
    lip: &LipTruth,
    near: &[Near],
    folds: Option<(Target, &[f64; POINTS])>,
) -> Option<Seen> {
    let axis = world_from_tool.transform_vector(&Vector3::z());
    let centre = world_from_tool.transform_point(&Point3::new(cup[0], cup[1], -0.5 * lip.stroke));
    let about = lip.radius + 0.5 * lip.stroke + AHEAD_M;
    let in_reach: Vec<&Near> = near
        .iter()
        .filter(|n| {
            let beyond = n.world_from.inverse_transform_point(&centre).coords.abs() - n.solid.half_extents();
            beyond.map(|x| x.max(0.0)).norm() < about
        })
        .collect();
    if in_reach.is_empty() {
        return None;
    }
    let ring = Ring { world_from_tool, cup, lip, axis, near: in_reach };
    let hits: [Option<Point>; POINTS] = std::array::from_fn(|i| ring.cast_at(DIRECTIONS[i]));
    ring.judge(&hits, folds)
}

#[derive(Debug, Clone, Copy)]
struct Point {
    target: Target,
    depth: f64,
    at: Point3<f64>,
    normal: Vector3<f64>,
    /// Stiffness of what it lies on, N/m.
    stiffness: f64,
}

/// The ring of a cup over what is in its reach.
struct Ring<'a> {
    world_from_tool: &'a Isometry3<f64>,
    cup: [f64; 2],
    lip: &'a LipTruth,
    axis: Vector3<f64>,
    near: Vec<&'a Near>,
}

/// Sine and cosine of the angle of each point.
static DIRECTIONS: LazyLock<[(f64, f64); POINTS]> = LazyLock::new(|| std::array::from_fn(|i| angle(i).sin_cos()));
/// And of the angle half-way to the next.
static BETWEEN: LazyLock<[(f64, f64); POINTS]> =
    LazyLock::new(|| std::array::from_fn(|i| (angle(i) + PI / POINTS as f64).sin_cos()));

fn angle(i: usize) -> f64 {
    2.0 * PI * i as f64 / POINTS as f64
}

impl Ring<'_> {
    /// What lies under the ring at an angle.
    fn cast(&self, angle: f64) -> Option<Point> {
        self.cast_at(angle.sin_cos())
    }

    /// As [`Self::cast`], of the sine and cosine of the angle.
    fn cast_at(&self, (sin, cos): (f64, f64)) -> Option<Point> {
        let lip = self.lip;
        let from = self.world_from_tool.transform_point(&Point3::new(
            self.cup[0] + lip.radius * cos,
            self.cup[1] + lip.radius * sin,
            -lip.stroke,
        ));
        let mut best: Option<(f64, &Near, Vector3<f64>)> = None;
        for n in &self.near {
            if let Some(hit) = n.solid.cast(&n.world_from, &from, &self.axis, lip.stroke + AHEAD_M)
                && best.as_ref().is_none_or(|(d, ..)| hit.distance < *d)
            {
                best = Some((hit.distance, n, hit.normal));
            }
        }
        best.map(|(distance, near, normal)| Point {
            target: near.target,
            depth: lip.stroke - distance,
            at: from + self.axis * distance,
            normal,
            stiffness: near.stiffness,
        })
    }

    fn judge(&self, hits: &[Option<Point>; POINTS], folds: Option<(Target, &[f64; POINTS])>) -> Option<Seen> {
        let lip = self.lip;
        let target = most_common(hits)?;
        let arc = 2.0 * PI * lip.radius / POINTS as f64;
        let deepest = hits.iter().flatten().map(|p| p.depth).fold(f64::NEG_INFINITY, f64::max);
        let pressed: Vec<Press> = hits
            .iter()
            .flatten()
            .filter(|p| p.depth > 0.0)
            .map(|p| Press { target: p.target, at: p.at, depth: p.depth })
            .collect();
        let slit = self.slit(hits, target);
        let lies_on = |p: &Point| p.target == target || slit.is_some_and(|(other, _)| p.target == other);
        let points: Vec<(usize, &Point)> =
            hits.iter().enumerate().filter_map(|(i, p)| p.as_ref().filter(|p| lies_on(p)).map(|p| (i, p))).collect();
        let mean = points.iter().map(|(_, p)| p.depth).sum::<f64>() / points.len() as f64;
        let normal = points.iter().map(|(_, p)| p.normal).sum::<Vector3<f64>>();
        let normal = normal.try_normalize(1e-6).unwrap_or(-self.axis);
        // Of a press the bellows takes its share, a soft face the rest.
        let face = points.iter().map(|(_, p)| p.stiffness).fold(f64::INFINITY, f64::min);
        let give = mean.max(0.0) * lip.stiffness / (lip.stiffness + face);
        let pressed_in = mean.max(0.0) - give;
        let flex = LIP_FLEX_M + (LIP_FLEX_PRESSED * pressed_in).min(LIP_FLEX_MOST_M);
        let fold = |i: usize, p: &Point| match folds {
            Some((folded, folds)) if folded == p.target => (folds[i] - flex).max(0.0),
            _ => 0.0,
        };
        let whole = points.len() == POINTS;
        let mut gap_m2 = 0.0;
        if whole {
            for (k, open) in unfollowed(&points, lip, mean).into_iter().enumerate() {
                let (i, p) = points[k];
                // The bellows can't reach beyond its free length.
                let open = open.max(-p.depth).max(self.falls(i, p, &normal));
                // A soft face comes up to the lip as far as the bellows presses it in.
                gap_m2 += arc * ((open - flex - give.min(GIVE_MOST_M)).max(0.0) + fold(i, p));
            }
            gap_m2 += slit.map_or(0.0, |(_, area)| area) + STEP_WEDGE_M * self.steps(&points);
        } else {
            for i in 0..POINTS {
                let here = hits[i].as_ref();
                gap_m2 += arc
                    * match here {
                        Some(p) if p.target == target => (-p.depth - LIP_FLEX_M).max(0.0) + fold(i, p),
                        Some(p) => (p.depth - mean).abs().min(MISSED_GAP_M),
                        None => MISSED_GAP_M,
                    };
                let next = hits[(i + 1) % POINTS].as_ref();
                if here.map(|p| p.target) != next.map(|p| p.target) {
                    gap_m2 += CROSSING_M2;
                }
            }
        }
        let parts = match slit.filter(|_| whole) {
            Some((other, _)) => vec![self.part(&points, target, false), self.part(&points, other, false)],
            None => vec![self.part(&points, target, true)],
        };
        Some(Seen { target, pressed, compression: mean, deepest, normal, gap_m2, whole, parts })
    }

    /// How far the surface falls away under the lip's width beyond what the lip folds down to, metres.
    fn falls(&self, i: usize, point: &Point, normal: &Vector3<f64>) -> f64 {
        let (sin, cos) = DIRECTIONS[i];
        let outward = self.world_from_tool.transform_vector(&Vector3::new(cos, sin, 0.0));
        let outward = outward - normal * normal.dot(&outward);
        let fall = point.normal.dot(&outward) / point.normal.dot(normal).max(0.05);
        LIP_WIDTH_M * (fall - self.lip.fall).max(0.0)
    }

    /// Sum of the steps between neighbouring points of a whole ring, metres: what their heights differ by beyond what the
    /// slopes at both, or a kink between them, would give.
    fn steps(&self, points: &[(usize, &Point)]) -> f64 {
        let chord = 2.0 * self.lip.radius * (PI / POINTS as f64).sin();
        (0..POINTS)
            .map(|i| {
                let (here, next) = (points[i].1, points[(i + 1) % POINTS].1);
                let (sin, cos) = BETWEEN[i];
                let along = self.world_from_tool.transform_vector(&Vector3::new(-sin, cos, 0.0));
                let rise = |p: &Point| chord * p.normal.dot(&along) / p.normal.dot(&self.axis).min(-0.05);
                let (a, b) = (rise(here), rise(next));
                let rises = next.depth - here.depth;
                (rises - a.max(b)).max(a.min(b) - rises).max(0.0)
            })
            .sum()
    }

    /// The part of a ring that lies on one target.
    fn part(&self, points: &[(usize, &Point)], target: Target, alone: bool) -> Part {
        let own: Vec<_> = points.iter().filter(|(_, p)| p.target == target).collect();
        let count = own.len().max(1) as f64;
        let normal = own.iter().map(|(_, p)| p.normal).sum::<Vector3<f64>>();
        // The centroid of half a disc is at two thirds of that of half its rim.
        let off = |of: fn(f64) -> f64| {
            own.iter().map(|(i, _)| self.lip.radius * of(angle(*i))).sum::<f64>() / count * 2.0 / 3.0
        };
        Part {
            target,
            share: if alone { 1.0 } else { count / POINTS as f64 },
            off: if alone { [0.0; 2] } else { [off(f64::cos), off(f64::sin)] },
            compression: own.iter().map(|(_, p)| p.depth).sum::<f64>() / count,
            normal: normal.try_normalize(1e-6).unwrap_or(-self.axis),
        }
    }

    /// The other item and the area of the slit, m², where the whole ring lies on two items: the slit is as wide as
    /// their edges are apart and as long as the mouth is there. Each edge is found by halving.
    fn slit(&self, hits: &[Option<Point>; POINTS], target: Target) -> Option<(Target, f64)> {
        let on = |p: &Option<Point>| p.as_ref().map(|p| p.target);
        let other = on(hits.iter().find(|p| on(p) != Some(target))?)?;
        let two = hits.iter().all(|p| on(p) == Some(target) || on(p) == Some(other));
        let crossings: Vec<usize> = (0..POINTS).filter(|&i| on(&hits[i]) != on(&hits[(i + 1) % POINTS])).collect();
        if !two || crossings.len() != 2 || target == Target::Fixed || other == Target::Fixed {
            return None;
        }
        let edge = |of: Target, mut inside: f64, mut outside: f64| {
            for _ in 0..EDGE_STEPS {
                let middle = 0.5 * (inside + outside);
                if self.cast(middle).is_some_and(|p| p.target == of) {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
            let (sin, cos) = inside.sin_cos();
            nalgebra::Vector2::new(cos, sin) * self.lip.radius
        };
        let edges = |of: Target| {
            [crossings[0], crossings[1]].map(|i| {
                let (here, next) = (angle(i), angle(i + 1));
                if on(&hits[i]) == Some(of) { edge(of, here, next) } else { edge(of, next, here) }
            })
        };
        let (own, others) = (edges(target), edges(other));
        let along = own[1] - own[0];
        let length = along.norm();
        if length < 1e-6 {
            return None;
        }
        let apart = |p: &nalgebra::Vector2<f64>| (p - own[0]).perp(&along).abs() / length;
        Some((other, 0.5 * (apart(&others[0]) + apart(&others[1])) * length))
    }
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

    fn lip() -> LipTruth {
        LipTruth::new(0.012_75, 0.025, 0.31, 0.027, 2_000.0)
    }

    /// A tool straight above a solid's face, the lip `press` metres past it, `off` metres from the centre.
    fn over(solid: Solid, turned: Isometry3<f64>, top: f64, press: f64, off: f64) -> Seen {
        let near = [Near { target: Target::Item(0), solid, world_from: turned, stiffness: f64::INFINITY }];
        let down = nalgebra::UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
        let tool = Isometry3::from_parts(nalgebra::Translation3::new(off, 0.0, top - press), down);
        look(&tool, [0.0, 0.0], &lip(), &near, None).unwrap()
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

    /// Two boxes beside each other, `apart` metres, the second one lower by `step`.
    fn between(apart: f64, step: f64) -> Seen {
        let half = Vector3::new(0.03, 0.03, 0.03);
        let at = |x: f64, z: f64, i: usize| Near {
            target: Target::Item(i),
            solid: Solid::Box { half },
            world_from: Isometry3::translation(x, 0.0, z),
            stiffness: f64::INFINITY,
        };
        let down = nalgebra::UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
        let tool = Isometry3::from_parts(nalgebra::Translation3::new(0.004, 0.0, 0.028), down);
        let x = 0.03 + 0.5 * apart;
        look(&tool, [0.0, 0.0], &lip(), &[at(x, 0.0, 0), at(-x, -step, 1)], None).unwrap()
    }

    #[test]
    fn between_two_flush_items_the_leak_is_the_slit_and_the_lip_spans_both() {
        for apart in [0.000_2, 0.000_5] {
            let seen = between(apart, 0.0);
            assert_eq!((seen.target, seen.other()), (Target::Item(0), Some(Target::Item(1))));
            // The mouth is 2 √(r² − 4²) mm long there.
            let slit = apart * 2.0 * (0.012_75_f64.powi(2) - 0.004_f64.powi(2)).sqrt();
            let off = (seen.gap_m2 - slit).abs();
            assert!(off < 1.5e-6, "{} mm², slit {} mm²", seen.gap_m2 * 1e6, slit * 1e6);
            let shares: f64 = seen.parts.iter().map(|p| p.share).sum();
            assert!((shares - 1.0).abs() < 1e-9 && seen.parts[0].share > seen.parts[1].share);
        }
        let stepped = between(0.000_2, 0.003);
        assert!(stepped.gap_m2 > 2e-5, "{} mm²", stepped.gap_m2 * 1e6);
    }

    #[test]
    fn a_soft_face_comes_up_to_the_lip_and_folds_in_it_do_not() {
        let small = Solid::Cylinder { radius: 0.016, half_height: 0.06 };
        let lying = Isometry3::rotation(Vector3::x() * (0.5 * PI));
        let down = nalgebra::UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
        let tool = Isometry3::from_parts(nalgebra::Translation3::new(0.0, 0.0, 0.016 - 0.006), down);
        let gap = |stiffness: f64, folds: Option<&[f64; POINTS]>| {
            let near = [Near { target: Target::Item(0), solid: small.clone(), world_from: lying, stiffness }];
            let folds = folds.map(|folds| (Target::Item(0), folds));
            look(&tool, [0.0, 0.0], &lip(), &near, folds).unwrap().gap_m2
        };
        let (hard, soft) = (gap(f64::INFINITY, None), gap(800.0, None));
        assert!(hard > 2.0 * soft + 1e-6, "{} and {} mm²", hard * 1e6, soft * 1e6);
        let folds = std::array::from_fn(|i| if i % 4 == 0 { 0.004 } else { 0.0 });
        let folded = gap(800.0, Some(&folds));
        assert!(folded > soft + 3e-5, "{} mm²", folded * 1e6);
    }
}
