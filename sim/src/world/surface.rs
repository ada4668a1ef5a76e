//! What an attempt finds under a lip: the leak, folds and holes of this time, drawn from the surface's truth.

use std::f64::consts::TAU;

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal, Poisson};

use super::ring::{POINTS, Target};

/// Leak of a lip on a painted wall or a tote's floor at 40 kPa, m³/s (estimate, 0.12 L/min).
const WALL_LEAK_M3_S: f64 = 2e-6;
/// Folds are drawn with harmonics round the ring up to this number: half of what the ring's points resolve.
const HARMONICS: usize = POINTS / 2;

/// How an item's surface takes a lip.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Surface {
    /// Median leak at 40 kPa through material and roughness, m³/s.
    pub at_40_kpa: f64,
    /// Standard deviation of its logarithm from attempt to attempt.
    pub sigma: f64,
    /// Chance that the lip lies over a seam, and what that leaks at 40 kPa, m³/s.
    pub seam_chance: f64,
    pub seam_at_40_kpa: f64,
    /// Rms height and typical length of folds, metres.
    pub wrinkle_m: f64,
    pub wrinkle_length_m: f64,
    /// Share of the surface that is holes, and the size of one, metres (0: too fine to count).
    pub open_share: f64,
    pub hole_m: f64,
    /// Chance that it clings to a lip after release.
    pub stick_chance: f64,
    /// A part that comes off.
    pub loose: Option<Loose>,
}

impl Surface {
    /// Smooth, closed, in one piece: leaks this much at 40 kPa, m³/s.
    #[cfg(test)]
    pub const fn plain(at_40_kpa: f64) -> Self {
        Self {
            at_40_kpa,
            sigma: 0.0,
            seam_chance: 0.0,
            seam_at_40_kpa: 0.0,
            wrinkle_m: 0.0,
            wrinkle_length_m: 0.02,
            open_share: 0.0,
            hole_m: 0.0,
            stick_chance: 0.0,
            loose: None,
        }
    }
}

/// A part of an item that comes off when the item hangs by it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Loose {
    /// What lies above this height in the item's frame is the part, metres.
    pub above_m: f64,
    /// Pull that takes it off, newtons.
    pub holds_n: f64,
}

/// One attempt of a cup on one target.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Attempt {
    pub target: Target,
    /// Flow through material, roughness and seams at 40 kPa, m³/s.
    pub leaking: f64,
    /// Area of the holes under the mouth, m².
    pub holes_m2: f64,
    /// Depth of the folds under each point of the ring, metres; negative where they stand proud.
    pub folds: Option<[f64; POINTS]>,
}

impl Attempt {
    /// Draws an attempt on an item's surface, or on something fixed without one. `mouth` is the area of the cup's
    /// mouth in m², `round` the length of its lip in metres, `run_share` what this run's leaks are of the truth's.
    pub fn draw(
        target: Target,
        surface: Option<&Surface>,
        mouth: f64,
        round: f64,
        run_share: f64,
        rng: &mut ChaCha8Rng,
    ) -> Self {
        let Some(surface) = surface else {
            return Self { target, leaking: WALL_LEAK_M3_S, holes_m2: 0.0, folds: None };
        };
        Self {
            target,
            leaking: run_share * draw_leak(surface, rng),
            holes_m2: draw_holes(surface, mouth, rng),
            folds: (surface.wrinkle_m > 0.0).then(|| draw_folds(surface, round, rng)),
        }
    }
}

/// Lognormal about the median, now and then a seam under the lip.
fn draw_leak(surface: &Surface, rng: &mut ChaCha8Rng) -> f64 {
    let scatter = LogNormal::new(0.0, surface.sigma.clamp(0.0, 3.0)).map_or(1.0, |d| d.sample(rng));
    let seam = if rng.random::<f64>() < surface.seam_chance { surface.seam_at_40_kpa } else { 0.0 };
    surface.at_40_kpa * scatter + seam
}

/// Area of the holes that happen to lie under the mouth: their number is Poisson's.
fn draw_holes(surface: &Surface, mouth: f64, rng: &mut ChaCha8Rng) -> f64 {
    let open = surface.open_share * mouth;
    let hole = 0.125 * TAU * surface.hole_m * surface.hole_m;
    if hole <= 0.0 || open <= 0.0 {
        return open;
    }
    Poisson::new(open / hole).map_or(open, |d| (d.sample(rng) * hole).min(mouth))
}

/// A Gaussian height profile round the ring, periodic, of the surface's rms and correlated over a quarter of the
/// folds' length (estimate): its spectrum is the Gaussian's, without the mean, which a lip follows.
fn draw_folds(surface: &Surface, round: f64, rng: &mut ChaCha8Rng) -> [f64; POINTS] {
    let length = 0.25 * surface.wrinkle_length_m.max(1e-3);
    let power: [f64; HARMONICS] = std::array::from_fn(|n| {
        let wave = TAU * (n + 1) as f64 * length / round;
        (-0.5 * wave * wave).exp()
    });
    let all: f64 = power.iter().sum();
    let Ok(normal) = Normal::new(0.0, 1.0) else { return [0.0; POINTS] };
    let mut folds = [0.0; POINTS];
    for (n, power) in power.iter().enumerate() {
        let size = surface.wrinkle_m * (power / all).sqrt();
        let (c, s): (f64, f64) = (normal.sample(rng), normal.sample(rng));
        for (i, fold) in folds.iter_mut().enumerate() {
            let (sin, cos) = (TAU * (n + 1) as f64 * i as f64 / POINTS as f64).sin_cos();
            *fold += size * (c * cos + s * sin);
        }
    }
    folds
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const MOUTH: f64 = 5.1e-4;
    const ROUND: f64 = 0.08;

    fn attempts(surface: &Surface) -> impl Iterator<Item = Attempt> + '_ {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        (0..400).map(move |_| Attempt::draw(Target::Item(0), Some(surface), MOUTH, ROUND, 1.0, &mut rng))
    }

    #[test]
    fn folds_have_the_rms_of_the_truth_and_neighbours_are_alike_over_their_length_only() {
        let surface = Surface { wrinkle_m: 0.000_6, ..Surface::plain(1e-5) };
        let (mut square, mut near, mut far) = (0.0, 0.0, 0.0);
        for attempt in attempts(&surface) {
            let folds = attempt.folds.unwrap();
            for i in 0..POINTS {
                square += folds[i] * folds[i];
                near += folds[i] * folds[(i + 1) % POINTS];
                far += folds[i] * folds[(i + 6) % POINTS];
            }
        }
        let rms = (square / (400.0 * POINTS as f64)).sqrt();
        assert!((rms / 0.000_6 - 1.0).abs() < 0.05, "{rms} m");
        assert!(near / square > 0.7 && (far / square).abs() < 0.2, "{} and {}", near / square, far / square);
    }

    #[test]
    fn the_holes_under_a_mouth_are_its_open_share_in_the_mean_and_come_one_by_one() {
        let surface = Surface { open_share: 0.02, hole_m: 0.001, ..Surface::plain(0.0) };
        let hole = 0.25 * std::f64::consts::PI * 1e-6;
        let areas: Vec<f64> = attempts(&surface).map(|a| a.holes_m2).collect();
        let mean = areas.iter().sum::<f64>() / 400.0;
        assert!((mean / (0.02 * MOUTH) - 1.0).abs() < 0.05, "{mean} m²");
        assert!(areas.iter().all(|a| (a / hole - (a / hole).round()).abs() < 1e-6));
    }
}
