//! The ground of a print: what is under everything else.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::artwork::Artwork;
use super::paint::{Canvas, box_distance, clouds, lit, mix};

/// Ground under everything else on a front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    Plain,
    Gradient,
    Split,
    Diagonal,
    Stripes,
    Dots,
    Band,
    Arc,
    Marble,
    Checks,
    Kraft,
}

pub(crate) const GROUNDS: [Ground; 11] = [
    Ground::Plain,
    Ground::Gradient,
    Ground::Split,
    Ground::Diagonal,
    Ground::Stripes,
    Ground::Dots,
    Ground::Band,
    Ground::Arc,
    Ground::Marble,
    Ground::Checks,
    Ground::Kraft,
];

impl Artwork {
    /// Paints the brand's ground over the whole of a face.
    pub fn ground(&self, c: &mut Canvas, rng: &mut ChaCha8Rng) {
        let (base, second) = (self.brand.base, self.second);
        let (w, h, all) = (c.w(), c.h(), c.all());
        let r = w.min(h);
        let fill = box_distance(all, -2.0);
        match self.brand.ground {
            Ground::Plain => {}
            Ground::Gradient => c.gradient(all, 1.57, base, mix(base, second, 0.75)),
            Ground::Split => c.rect([0.0, 0.58 * h, w, h + 1.0], second),
            Ground::Diagonal => {
                c.polygon(&[[-1.0, 0.75 * h], [w + 1.0, 0.4 * h], [w + 1.0, h + 1.0], [-1.0, h + 1.0]], second);
                c.line([-4.0, 0.75 * h], [w + 4.0, 0.4 * h], 0.035 * r, self.brand.accent);
            }
            Ground::Stripes => {
                let period = r * rng.random_range(0.1..0.26);
                let lean: f32 = [0.0, 1.0, -1.0][rng.random_range(0..3)];
                c.paint(all, fill, |x, y| {
                    let k = ((x + lean * y) / period).rem_euclid(1.0);
                    (mix(base, second, ((0.25 - (k - 0.5).abs()) * period + 0.5).clamp(0.0, 1.0)), 0.8)
                });
            }
            Ground::Dots => {
                let period = r * rng.random_range(0.12..0.24);
                let size = period * rng.random_range(0.18..0.36);
                c.paint(all, fill, |x, y| {
                    let row = (y / period).floor();
                    let dx = ((x / period + 0.5 * row.rem_euclid(2.0)).rem_euclid(1.0) - 0.5) * period;
                    let dy = ((y / period).rem_euclid(1.0) - 0.5) * period;
                    (mix(base, second, (size - dx.hypot(dy) + 0.5).clamp(0.0, 1.0)), 0.9)
                });
            }
            Ground::Band => {
                c.rect([-1.0, 0.0, w + 1.0, 0.2 * h], second);
                c.rect([-1.0, 0.84 * h, w + 1.0, h + 1.0], second);
                c.rect([-1.0, 0.2 * h, w + 1.0, 0.222 * h], self.brand.accent);
            }
            Ground::Arc => {
                let radius = w.max(h) * 0.9;
                c.ellipse([0.5 * w, h + 0.45 * radius], [radius * 1.04; 2], self.brand.accent);
                c.ellipse([0.5 * w, h + 0.45 * radius], [radius; 2], second);
            }
            Ground::Marble => {
                let seed = rng.random::<u32>();
                c.paint(all, fill, |x, y| {
                    let (s, t) = (x / r * 3.0, y / r * 3.0);
                    let k = (s + t + 4.0 * clouds(s, t, 3, seed)).sin().abs();
                    (mix(base, second, 0.8 * k * k), 1.0)
                });
            }
            Ground::Checks => {
                let period = r * rng.random_range(0.1..0.2);
                c.paint(all, fill, |x, y| {
                    let edge = |v: f32| (((v / period).rem_euclid(2.0) - 1.0).abs() - 0.5) * period;
                    let k = 0.5 * ((edge(x) + 0.5).clamp(0.0, 1.0) + (edge(y) + 0.5).clamp(0.0, 1.0));
                    (mix(base, second, 0.8 * k), 1.0)
                });
            }
            Ground::Kraft => {
                let seed = rng.random::<u32>();
                c.paint(all, fill, |x, y| {
                    let k = clouds(x * 0.09, y * 0.45, 2, seed);
                    (lit([0.72, 0.56, 0.39], 0.88 + 0.22 * k), 1.0)
                });
            }
        }
    }
}
