//! Straight ways of the tool through the world as ways of the joints.

use nalgebra::{Isometry3, Translation3, Vector3};

use crate::chain::Chain;
use crate::robot::JointLimits;
use crate::timing::Bounds;

/// Distance of two places at which the joints are computed, metres. Between them cubic Hermite
/// polynomials hold the tool on its line within a micrometre.
const KNOT_M: f64 = 0.02;
/// Share of the limits that the timing of a line is first tried with; what the curvature of the
/// joints' way adds is found by sampling.
const FIRST_TRY: f64 = 0.95;
/// The same for jerk, which curvature adds most to.
const FIRST_JERK: f64 = 0.9;

/// A line in the world, or two with a bend between; the tool keeps its orientation.
#[derive(Debug, Clone)]
pub(crate) struct Curve {
    from: Vector3<f64>,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, Copy)]
struct Part {
    /// Direction at its beginning and at its end, unit length.
    before: Vector3<f64>,
    after: Vector3<f64>,
    length: f64,
}

impl Curve {
    /// From `from` straight to `to`; `None` when they coincide.
    pub(crate) fn straight(from: Vector3<f64>, to: Vector3<f64>) -> Option<Self> {
        let way = to - from;
        let length = way.norm();
        (length > 1e-6).then(|| {
            let direction = way / length;
            Self { from, parts: vec![Part { before: direction, after: direction, length }] }
        })
    }

    /// From `from` towards `corner` and on to `to`, the corner cut so that the curvature has no
    /// step: the direction turns from one to the other by 3u² − 2u³ of the bend's length.
    pub(crate) fn cornered(from: Vector3<f64>, corner: Vector3<f64>, to: Vector3<f64>, cut: f64) -> Option<Self> {
        let (first, second) = (corner - from, to - corner);
        let (l1, l2) = (first.norm(), second.norm());
        if l1 < 1e-6 || l2 < 1e-6 || first.cross(&second).norm() < 1e-3 * l1 * l2 {
            return Self::straight(from, to);
        }
        let (before, after) = (first / l1, second / l2);
        // The bend's end is from + half its length along either direction: its integral is symmetric.
        let half = cut.min(0.5 * l1).min(0.5 * l2);
        let part = |before, after, length| Part { before, after, length };
        Some(Self {
            from,
            parts: vec![
                part(before, before, l1 - half),
                part(before, after, 2.0 * half),
                part(after, after, l2 - half),
            ],
        })
    }

    pub(crate) fn length(&self) -> f64 {
        self.parts.iter().map(|p| p.length).sum()
    }

    pub(crate) fn start(&self) -> Vector3<f64> {
        self.from
    }

    /// The directions that it turns between, unit length.
    pub(crate) fn directions(&self) -> impl Iterator<Item = &Vector3<f64>> {
        self.parts.iter().flat_map(|part| [&part.before, &part.after])
    }

    /// The nearest place on the curve, its s and the derivative by s there.
    pub(crate) fn nearest(&self, place: &Vector3<f64>) -> (f64, Vector3<f64>, Vector3<f64>) {
        const PIECES: usize = 24;
        let length = self.length();
        let pieces = if self.parts.len() == 1 { 1 } else { PIECES };
        let s_of = |k: usize| length * k as f64 / pieces as f64;
        let mut best = (f64::INFINITY, 0.0);
        let mut before = self.at(0.0).0;
        for k in 1..=pieces {
            let next = self.at(s_of(k)).0;
            let way = next - before;
            let share = ((place - before).dot(&way) / way.norm_squared().max(1e-18)).clamp(0.0, 1.0);
            let off = (place - (before + way * share)).norm_squared();
            if off < best.0 {
                best = (off, s_of(k - 1) + share * length / pieces as f64);
            }
            before = next;
        }
        let (there, tangent) = self.at(best.1);
        (best.1, there, tangent)
    }

    /// Place and derivative by s.
    fn at(&self, s: f64) -> (Vector3<f64>, Vector3<f64>) {
        let mut origin = self.from;
        let mut rest = s;
        let mut tangent = Vector3::zeros();
        for (i, part) in self.parts.iter().enumerate() {
            let u = (rest / part.length).clamp(0.0, 1.0);
            let w = u * u * (3.0 - 2.0 * u);
            let area = u * u * u * (1.0 - 0.5 * u);
            origin += part.length * ((u - area) * part.before + area * part.after);
            tangent = (1.0 - w) * part.before + w * part.after;
            rest -= part.length;
            if rest <= 0.0 || i + 1 == self.parts.len() {
                break;
            }
        }
        (origin, tangent)
    }
}

/// The joints' way along a [`Curve`]: cubic Hermite between knots.
#[derive(Clone)]
pub(crate) struct JointPath {
    spacing: f64,
    length: f64,
    /// Angles and their derivatives by s, rad/m, at each knot.
    knots: Vec<([f64; 6], [f64; 6])>,
}

/// How far along a curve the arm can follow.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Broken {
    pub(crate) after_m: f64,
}

/// Angles and three derivatives by s.
pub(crate) struct Along {
    pub(crate) q: [f64; 6],
    pub(crate) d1: [f64; 6],
    pub(crate) d2: [f64; 6],
    pub(crate) d3: [f64; 6],
}

impl JointPath {
    /// Follows the curve from its beginning, where the joints are at `start`, to its end.
    pub(crate) fn forwards(chain: &Chain, curve: &Curve, start: &[f64; 6]) -> Result<Self, Broken> {
        Self::follow(chain, curve, start, false)
    }

    /// Follows the curve backwards from its end, where the joints are at `end`; the path still runs forwards.
    pub(crate) fn backwards(chain: &Chain, curve: &Curve, end: &[f64; 6]) -> Result<Self, Broken> {
        Self::follow(chain, curve, end, true)
    }

    fn follow(chain: &Chain, curve: &Curve, known: &[f64; 6], from_end: bool) -> Result<Self, Broken> {
        let length = curve.length();
        let count = ((length / KNOT_M).ceil() as usize).max(2);
        let spacing = length / count as f64;
        let rotation = chain.tool(known).rotation;
        let mut knots = Vec::with_capacity(count + 1);
        let mut q = *known;
        let mut rates: Option<[f64; 6]> = None;
        for k in 0..=count {
            let s = spacing * if from_end { count - k } else { k } as f64;
            let (place, tangent) = curve.at(s);
            let step = if from_end { -spacing } else { spacing };
            let guess = match rates {
                Some(rates) => std::array::from_fn(|i| q[i] + step * rates[i]),
                None => q,
            };
            let pose = Isometry3::from_parts(Translation3::from(place), rotation);
            let broken = Broken { after_m: spacing * k as f64 };
            let (there, frames) = chain.follow(&guess, &pose).ok_or(broken)?;
            if chain.outside(&there).is_some() {
                return Err(broken);
            }
            let slope = chain.rates(&frames, &tangent).ok_or(broken)?;
            knots.push((there, slope));
            (q, rates) = (there, Some(slope));
        }
        if from_end {
            knots.reverse();
        }
        // The end that is known stays exactly what it was given as.
        let known_knot = if from_end { count } else { 0 };
        knots[known_knot].0 = *known;
        Ok(Self { spacing, length, knots })
    }

    pub(crate) fn length(&self) -> f64 {
        self.length
    }

    pub(crate) fn start(&self) -> [f64; 6] {
        self.knots[0].0
    }

    pub(crate) fn end(&self) -> [f64; 6] {
        self.knots[self.knots.len() - 1].0
    }

    pub(crate) fn at(&self, s: f64) -> Along {
        let h = self.spacing;
        let place = (s / h).clamp(0.0, (self.knots.len() - 1) as f64);
        let k = (place as usize).min(self.knots.len() - 2);
        let u = place - k as f64;
        let ((p, m), (p2, m2)) = (&self.knots[k], &self.knots[k + 1]);
        let mut along = Along { q: [0.0; 6], d1: [0.0; 6], d2: [0.0; 6], d3: [0.0; 6] };
        for i in 0..6 {
            let (a, b) = (h * m[i], h * m2[i]);
            let rise = p2[i] - p[i];
            let (c2, c3) = (3.0 * rise - 2.0 * a - b, a + b - 2.0 * rise);
            along.q[i] = p[i] + u * (a + u * (c2 + u * c3));
            along.d1[i] = (a + u * (2.0 * c2 + 3.0 * u * c3)) / h;
            along.d2[i] = (2.0 * c2 + 6.0 * u * c3) / (h * h);
            along.d3[i] = 6.0 * c3 / (h * h * h);
        }
        along
    }

    /// Bounds for the motion along the path that the joints can follow but for what the curvature
    /// of their way adds; speed at most `fastest` m/s and acceleration at most `hardest` m/s².
    pub(crate) fn bounds(&self, limits: &[JointLimits; 6], fastest: f64, hardest: f64) -> Bounds {
        let mut bounds = Bounds { velocity: fastest, acceleration: hardest, jerk: f64::MAX };
        for (_, slope) in &self.knots {
            for (slope, limit) in slope.iter().zip(limits) {
                let slope = slope.abs().max(1e-6);
                bounds.velocity = bounds.velocity.min(FIRST_TRY * limit.velocity / slope);
                bounds.acceleration = bounds.acceleration.min(FIRST_TRY * limit.acceleration / slope);
                bounds.jerk = bounds.jerk.min(FIRST_JERK * limit.jerk / slope);
            }
        }
        bounds
    }
}
