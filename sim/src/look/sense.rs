//! The camera's sensors: noise of colour, and stereo that finds depth with errors and holes.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use scene::{RgbdImage, Timestamp};

use super::render::Rendered;
use super::shadow::blur;
use crate::sensors::{Colour, Depth, Level};

/// A camera's true properties; the knobs are described where they are set, in [`crate::sensors`]. The default is the
/// typical D415-like stereo camera.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sensor {
    /// Distance between its two eyes, metres.
    pub baseline_m: f64,
    /// Colour; its exposure and white balance are the light's.
    pub colour: Colour,
    /// Depth.
    pub depth: Depth,
}

impl Default for Sensor {
    fn default() -> Self {
        Self { baseline_m: 0.055, colour: Colour::at(Level::Typical), depth: Depth::at(Level::Typical) }
    }
}

impl Sensor {
    /// A sensor that measures without error.
    #[must_use]
    pub fn quiet() -> Self {
        Self { colour: Colour::at(Level::None), depth: Depth::at(Level::None), ..Self::default() }
    }
}

/// Width of the band left of a near edge that the right eye doesn't see, pixels:
/// f · B · (1/z_near − 1/z_far).
#[must_use]
pub fn shadow_band_px(focal_px: f64, baseline_m: f64, near_m: f64, far_m: f64) -> f64 {
    focal_px * baseline_m * (1.0 / near_m - 1.0 / far_m)
}

/// What the camera gives for a clean picture. Deterministic for the state of `rng`.
///
/// Depth: disparity with noise that is correlated over about 7 pixels, in steps; nothing where the right eye
/// sees something else (left of near edges), where the material gives no match, and here and there; near
/// surfaces grow by a pixel or two over their edges. NaN is "no reading".
pub fn sense(picture: &Rendered, sensor: &Sensor, taken_at: Timestamp, rng: &mut ChaCha8Rng) -> RgbdImage {
    let mut image = RgbdImage {
        taken_at,
        intrinsics: picture.view.intrinsics,
        world_from_camera: picture.view.world_from_camera,
        rgb: Vec::new(),
        depth_m: Vec::new(),
    };
    if !picture.light.is_empty() {
        image.rgb = sense_colour(picture, sensor, rng);
        image.depth_m = sense_depth(picture, sensor, rng);
    }
    image
}

/// What a camera without depth gives for a clean picture: grey, row-major, a byte a pixel.
pub(crate) fn sense_grey(picture: &Rendered, sensor: &Sensor, rng: &mut ChaCha8Rng) -> Vec<u8> {
    // ITU-R BT.601, 2.5.1.
    let grey = |p: &[u8]| ((299 * u32::from(p[0]) + 587 * u32::from(p[1]) + 114 * u32::from(p[2])) / 1000) as u8;
    sense_colour(picture, sensor, rng).chunks_exact(3).map(grey).collect()
}

/// Two samples of a bell curve of deviation 1 out of 64 random bits: sums of bytes, held within ±3.5.
fn bells(rng: &mut ChaCha8Rng) -> [f32; 2] {
    let bits = rng.random::<u64>();
    // Pairs of bytes added side by side, then the pairs.
    let pairs = (bits & 0x00FF_00FF_00FF_00FF) + (bits >> 8 & 0x00FF_00FF_00FF_00FF);
    let sums = (pairs & 0x0000_FFFF_0000_FFFF) + (pairs >> 16 & 0x0000_FFFF_0000_FFFF);
    // Four even bytes: mean 510, variance 4 · (256² − 1) / 12.
    let bell = |sum: u32| (sum as f32 - 510.0) * (1.0 / 147.8);
    [bell(sums as u32), bell((sums >> 32) as u32)]
}

fn sense_colour(picture: &Rendered, sensor: &Sensor, rng: &mut ChaCha8Rng) -> Vec<u8> {
    let (width, height) = (picture.view.intrinsics.width as usize, picture.view.intrinsics.height as usize);
    let curve = tone_curve(picture.contrast);
    let top = (curve.len() - 1) as f32;
    let shot = (1.0 / sensor.colour.full_well_e) as f32;
    let read = (sensor.colour.read_e / sensor.colour.full_well_e).powi(2) as f32;
    let side = sensor.colour.blur as f32;
    let (cx, cy) = (0.5 * width as f32, 0.5 * height as f32);
    let corner = 1.0 / (cx * cx + cy * cy);
    let across = |row: &[[f32; 3]], into: &mut Vec<[f32; 3]>| {
        into.clear();
        for x in 0..width {
            let (l, m, r) = (row[x.saturating_sub(1)], row[x], row[(x + 1).min(width - 1)]);
            let mix = |k: usize| m[k] * (1.0 - 2.0 * side) + (l[k] + r[k]) * side;
            into.push([mix(0), mix(1), mix(2)]);
        }
    };
    let row = |y: usize| &picture.light[y * width..(y + 1) * width];
    let (mut above, mut here, mut below) = (Vec::new(), Vec::new(), Vec::new());
    across(row(0), &mut above);
    across(row(0), &mut here);
    let mut bytes = Vec::with_capacity(3 * width * height);
    for y in 0..height {
        across(row((y + 1).min(height - 1)), &mut below);
        let dy = y as f32 - cy;
        for x in 0..width {
            let dx = x as f32 - cx;
            let fall = 1.0 - picture.vignette * (dx * dx + dy * dy) * corner;
            let [a, b] = bells(rng);
            let [c, _] = bells(rng);
            for (k, bell) in [a, b, c].into_iter().enumerate() {
                let clean = (here[x][k] * (1.0 - 2.0 * side) + (above[x][k] + below[x][k]) * side) * fall;
                let noisy = clean + bell * (clean.max(0.0) * shot + read).sqrt();
                bytes.push(curve[(noisy.clamp(0.0, 1.5) * (top / 1.5)) as i32 as usize]);
            }
        }
        std::mem::swap(&mut above, &mut here);
        std::mem::swap(&mut here, &mut below);
    }
    bytes
}

/// From linear light 0…1.5 to a byte: a soft shoulder, contrast, sRGB.
fn tone_curve(contrast: f32) -> Vec<u8> {
    (0..=6_000)
        .map(|i| {
            let v = i as f32 / 4_000.0;
            let soft = if v < 0.7 { v } else { 0.7 + 0.3 * (1.0 - (-(v - 0.7) / 0.3).exp()) };
            let srgb = if soft <= 0.003_130_8 { 12.92 * soft } else { 1.055 * soft.powf(1.0 / 2.4) - 0.055 };
            let bent = srgb + contrast * 0.5 * (srgb * srgb * (3.0 - 2.0 * srgb) - srgb);
            (bent.clamp(0.0, 1.0) * 255.0).round() as u8
        })
        .collect()
}

/// Nearer than this the other side of an edge is the same surface, metres.
const EDGE_M: f32 = 0.004;

fn sense_depth(picture: &Rendered, sensor: &Sensor, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let i = &picture.view.intrinsics;
    let (width, height) = (i.width as usize, i.height as usize);
    let by_z = (i.fx * sensor.baseline_m) as f32;
    // Channel 0: error of disparity; 1: where matches get lost; 2: how far near surfaces grow.
    let mut fields: Vec<[f32; 3]> = Vec::with_capacity(width * height);
    for _ in 0..width * height {
        let [a, b] = bells(rng);
        let [c, _] = bells(rng);
        fields.push([a, b, c]);
    }
    let knobs = &sensor.depth;
    let window = ((knobs.window_px - 1.0) / 2.0).round() as usize;
    blur(&mut fields, width, height, window);
    // A mean of n independent values has 1/√n of their deviation.
    let scale = (2 * window + 1) as f32;
    let step = knobs.disparity_step_px as f32;
    let spread = knobs.disparity_noise_px as f32;
    let (growth, furthest) = (knobs.edge_growth as f32, 2.0 * knobs.edge_growth.max(1.0) as f32);
    let (holes, through, flying) = (knobs.holes as f32, knobs.through as f32, knobs.flying as f32);
    let seen = visible_to_both(picture, by_z * knobs.shadow as f32);
    let mut depth = vec![f32::NAN; width * height];
    for y in 0..height {
        for x in 0..width {
            let at = y * width + x;
            let [error, lost, grow] = [fields[at][0] * scale, fields[at][1] * scale, fields[at][2] * scale];
            // Windows that reach over an edge match the nearer side.
            let reach = ((grow + 1.2) * 0.9 * growth).clamp(0.0, furthest) as i32 as usize;
            let behind = picture.depth_true[at];
            let mut z = behind;
            let mut source = at;
            for k in 1..=reach {
                let left = (x >= k).then(|| at - k);
                let right = (x + k < width).then(|| at + k);
                let up = (y >= k).then(|| at - k * width);
                let down = (y + k < height).then(|| at + k * width);
                for near in [left, right, up, down] {
                    let Some(near) = near else { continue };
                    if picture.depth_true[near] < z - EDGE_M {
                        z = picture.depth_true[near];
                        source = near;
                    }
                }
            }
            if !z.is_finite() || (source == at && !seen[at]) {
                continue;
            }
            let share = picture.unmatched[source] * holes;
            // The limit is above 0 below a half, and above 1.0 below 0.15: most need not ask for it.
            let least = if share < 0.15 {
                1.0
            } else if share < 0.49 {
                0.0
            } else {
                f32::MIN
            };
            if share > 0.002 && lost > least && lost > limit(share) {
                continue;
            }
            // Whole windows match what shows through: those furthest from matching nothing.
            if through > 0.0
                && let Some(far) = picture.depth_behind.get(source).filter(|far| far.is_finite())
                && lost <= limit(1.0 - through * (1.0 - share))
            {
                z = *far;
            }
            if flying > 0.0 && source != at && behind.is_finite() && rng.random::<f32>() < flying {
                // The window holds both sides and finds something between.
                z += (behind - z) * rng.random::<f32>();
            }
            let disparity = by_z / z + error * spread;
            let stepped = (disparity / step + 0.5) as i32 as f32 * step;
            if stepped > step {
                depth[at] = by_z / stepped;
            }
        }
    }
    depth
}

/// The value that a bell curve of deviation 1 is above with chance `share` (Abramowitz and Stegun 26.2.22).
fn limit(share: f32) -> f32 {
    let p = share.clamp(1e-4, 1.0 - 1e-4);
    let (tail, sign) = if p <= 0.5 { (p, 1.0) } else { (1.0 - p, -1.0) };
    let t = (-2.0 * tail.ln()).sqrt();
    sign * (t - (2.30753 + 0.27061 * t) / (1.0 + 0.99229 * t + 0.04481 * t * t))
}

/// For each pixel: the right eye sees the same surface. What is `d = f·B/z` to the left there must not be
/// covered by something nearer that lies further right here.
fn visible_to_both(picture: &Rendered, by_z: f32) -> Vec<bool> {
    let width = picture.view.intrinsics.width as usize;
    let mut seen = Vec::with_capacity(picture.depth_true.len());
    for row in picture.depth_true.chunks_exact(width) {
        let from = seen.len();
        seen.resize(from + width, true);
        let mut least = f32::MAX;
        for (x, &z) in row.iter().enumerate().rev() {
            if z.is_finite() {
                let there = x as f32 - by_z / z;
                // Steep surfaces crowd together without hiding each other: allow half a pixel.
                seen[from + x] = there < least + 0.5;
                least = least.min(there);
            }
        }
    }
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clear_things_show_nothing_their_outside_or_what_is_behind_them() {
        use rand::SeedableRng;
        let mut view = crate::look::View::down([0.0, 0.0, 1.2], crate::look::View::D415);
        (view.intrinsics.width, view.intrinsics.height) = (160, 120);
        let pixels = 160 * 120;
        let picture = Rendered {
            view,
            light: vec![[0.5; 3]; pixels],
            depth_true: vec![1.0; pixels],
            depth_behind: vec![1.1; pixels],
            ids: vec![0; pixels],
            unmatched: vec![0.4; pixels],
            vignette: 0.0,
            contrast: 0.0,
        };
        let shares = |through: f64| {
            let mut sensor = Sensor::default();
            sensor.depth.through = through;
            let image = sense(&picture, &sensor, Timestamp::ZERO, &mut ChaCha8Rng::seed_from_u64(5));
            let share = |is: &dyn Fn(f32) -> bool| {
                image.depth_m.iter().filter(|z| is(**z)).count() as f64 / image.depth_m.len() as f64
            };
            [share(&|z| z.is_nan()), share(&|z| z < 1.05), share(&|z| z > 1.05)]
        };
        for (through, expected) in [(0.0, [0.4, 0.6, 0.0]), (0.5, [0.4, 0.3, 0.3])] {
            let found = shares(through);
            let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(off < 0.06, "{through}: {found:.2?}, {expected:?} expected");
        }
    }

    #[test]
    fn bells_have_deviation_one() {
        use rand::SeedableRng;
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let all: Vec<f32> = (0..50_000).flat_map(|_| bells(&mut rng)).collect();
        let mean = all.iter().sum::<f32>() / all.len() as f32;
        let variance = all.iter().map(|v| (v - mean).powi(2)).sum::<f32>() / all.len() as f32;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }

    #[test]
    fn the_limit_of_a_share_is_passed_by_that_share() {
        for (share, expected) in [(0.5, 0.0), (0.158_7, 1.0), (0.022_75, 2.0), (0.841_3, -1.0)] {
            assert!((limit(share) - expected).abs() < 0.01, "{share}: {} not {expected}", limit(share));
        }
    }
}
