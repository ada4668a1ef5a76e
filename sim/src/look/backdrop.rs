//! Plastic, tables and lamps, drawn from a seed.

use nalgebra::Vector3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::mesh::Patch;
use super::paint::{Area, Canvas, Rgb, clouds, hash, hsv, lit, mix};
use super::texture::Texture;
use crate::sensors::{Colour, Level};

/// The look of the tubs' plastic and of the table.
#[derive(Debug, Clone, PartialEq)]
pub struct Backdrop {
    /// Faces of a tub: floor, long wall, short wall, rim.
    pub(crate) plastic: Texture,
    pub(crate) gloss: f32,
    pub(crate) table: Texture,
    pub(crate) table_gloss: f32,
}

/// Side of the plastic's texture, pixels.
const SIDE: usize = 512;
/// Where its pictures lie: floor, long wall, short wall, rim; left, top, right, bottom in pixels.
const FACES: [[usize; 4]; 4] = [[4, 4, 364, 244], [4, 252, 364, 432], [372, 4, 508, 212], [372, 252, 508, 432]];

pub(crate) const FLOOR: usize = 0;
pub(crate) const LONG: usize = 1;
pub(crate) const SHORT: usize = 2;
pub(crate) const RIM: usize = 3;

/// Where a face of a tub lies in the plastic's texture.
pub(crate) fn patch(face: usize) -> Patch {
    let [left, top, right, bottom] = FACES[face].map(|v| v as f32 / SIDE as f32);
    Patch { left, top, right, bottom, turned: false }
}

impl Backdrop {
    /// A tote and a table of chance: plastics from light grey over the common blue, red, green and yellow to
    /// black; floors smooth, ribbed or waffled; tables of steel, coated board, wood and belt.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0xBAC_D509);
        let colour = draw_plastic(&mut rng);
        let mut sheet = Canvas::new(SIDE, SIDE, colour);
        let floor_kind = rng.random_range(0..4);
        let period = rng.random_range(14.0..34.0);
        for (face, area) in FACES.iter().enumerate() {
            let area: Area = area.map(|v| v as f32);
            let seed = rng.random();
            match face {
                FLOOR => paint_floor(&mut sheet, area, colour, floor_kind, period, seed),
                LONG | SHORT => paint_wall(&mut sheet, area, colour, period * 1.6, face == SHORT, &mut rng),
                _ => {}
            }
            scuff(&mut sheet, area, colour, &mut rng);
        }
        let plastic = Texture::new(SIDE, SIDE, sheet.to_bytes()).unwrap_or_else(Texture::grey);
        let (table, table_gloss) = paint_table(&mut rng);
        Self { plastic, gloss: rng.random_range(0.06..0.3), table, table_gloss }
    }
}

fn draw_plastic(rng: &mut ChaCha8Rng) -> Rgb {
    let mut v = |from: f32, to: f32| rng.random_range(from..to);
    match (v(0.0, 1.0) * 100.0) as u32 {
        0..28 => {
            let k = v(0.3, 0.72);
            [k, k, k * v(1.0, 1.06)]
        }
        28..48 => hsv(v(0.56, 0.63), v(0.55, 0.9), v(0.3, 0.7)),
        48..60 => hsv(v(0.98, 1.03), v(0.7, 0.92), v(0.45, 0.8)),
        60..68 => hsv(v(0.3, 0.45), v(0.45, 0.85), v(0.25, 0.6)),
        68..75 => hsv(v(0.11, 0.15), v(0.6, 0.95), v(0.7, 0.95)),
        75..87 => [v(0.06, 0.16); 3],
        87..93 => mix([0.86, 0.86, 0.84], [0.9, 0.86, 0.76], v(0.0, 1.0)),
        _ => hsv(v(0.04, 0.1), v(0.35, 0.6), v(0.4, 0.7)),
    }
}

/// Shades `area` by a relief: the slope of `height` (pixels) along x and y, lit from the upper left.
fn relief(sheet: &mut Canvas, area: Area, colour: Rgb, strength: f32, height: impl Fn(f32, f32) -> f32) {
    sheet.paint(area, super::paint::box_distance(area, -1.0), |x, y| {
        let slope = height(x + 0.7, y + 0.7) - height(x - 0.7, y - 0.7);
        (lit(colour, 1.0 + (strength * slope).clamp(-0.45, 0.3)), 1.0)
    });
}

/// 0 below, 1 above, a soft step of one pixel or two at 0.
fn step(v: f32) -> f32 {
    (0.5 + 0.4 * v).clamp(0.0, 1.0)
}

fn paint_floor(sheet: &mut Canvas, area: Area, colour: Rgb, kind: u32, period: f32, seed: u32) {
    let local = move |v: f32, from: f32| ((v - from) / period).rem_euclid(1.0) * period;
    match kind {
        0 => {}
        1 => relief(sheet, area, colour, 0.22, |x, _| step((local(x, area[0]) - 0.5 * period).abs() - 0.36 * period)),
        2 => relief(sheet, area, colour, 0.2, |x, y| {
            let near = |v: f32, from: f32| step((local(v, from) - 0.5 * period).abs() - 0.42 * period);
            near(x, area[0]).max(near(y, area[1]))
        }),
        _ => relief(sheet, area, colour, 0.16, |x, y| {
            let (dx, dy) = (local(x + y, 0.0) - 0.5 * period, local(x - y, 0.0) - 0.5 * period);
            step(dx.abs().max(dy.abs()) - 0.4 * period)
        }),
    }
    let inset = [area[0] + 5.0, area[1] + 5.0, area[2] - 5.0, area[3] - 5.0];
    sheet.frame(inset, 9.0, 1.6, lit(colour, if hash(1, 2, seed) > 0.5 { 0.8 } else { 1.12 }));
}

fn paint_wall(sheet: &mut Canvas, area: Area, colour: Rgb, period: f32, short: bool, rng: &mut ChaCha8Rng) {
    let (w, h) = (area[2] - area[0], area[3] - area[1]);
    if rng.random_bool(0.7) {
        let band = area[1] + h * rng.random_range(0.15..0.4);
        relief(sheet, area, colour, 0.2, |x, y| {
            let near = ((x - area[0] + 0.3 * period).rem_euclid(period) - 0.5 * period).abs();
            (step(2.0 - near) * step(y - band)).max(step(1.8 - (y - band).abs()))
        });
    }
    let top = area[1] + 0.03 * h;
    sheet.line([area[0], top], [area[2], top], 1.5, lit(colour, 1.18));
    if short && rng.random_bool(0.75) {
        let grip = [area[0] + 0.3 * w, area[1] + 0.1 * h, area[2] - 0.3 * w, area[1] + 0.24 * h];
        sheet.round_rect([grip[0] - 2.0, grip[1] - 2.0, grip[2] + 2.0, grip[3] + 2.0], 7.0, lit(colour, 1.12));
        sheet.round_rect(grip, 6.0, lit(colour, 0.22));
    }
    if rng.random_bool(0.2) {
        let (x, y) = (area[0] + w * rng.random_range(0.1..0.6), area[1] + h * rng.random_range(0.3..0.6));
        let label = [x, y, x + 0.26 * w.min(200.0), y + 0.2 * h];
        sheet.round_rect(label, 1.5, [0.93, 0.93, 0.9]);
        let mut bar = label[0] + 4.0;
        while bar < label[2] - 5.0 {
            let wide = rng.random_range(1.0..3.0);
            sheet.rect([bar, label[1] + 3.0, bar + wide, label[3] - 7.0], [0.08; 3]);
            bar += wide + rng.random_range(1.0..3.0);
        }
    }
}

fn scuff(sheet: &mut Canvas, area: Area, colour: Rgb, rng: &mut ChaCha8Rng) {
    let seed = rng.random::<u32>();
    let dirt = rng.random_range(0.03..0.16);
    sheet.paint(area, super::paint::box_distance(area, -1.0), |x, y| {
        let k = clouds(x * 0.02, y * 0.02, 4, seed) - 0.5;
        let grain = hash(x as i32, y as i32, seed) - 0.5;
        let by = 1.0 + dirt * 2.0 * k + 0.035 * grain;
        (if by > 1.0 { [0.6; 3] } else { [0.0; 3] }, (by - 1.0).abs().min(0.4))
    });
    let pale = if super::paint::luma(colour) > 0.6 { lit(colour, 0.8) } else { lit(colour, 1.35) };
    for _ in 0..rng.random_range(4..30) {
        let from = [rng.random_range(area[0]..area[2]), rng.random_range(area[1]..area[3])];
        let (sin, cos) = rng.random_range(0.0..6.3f32).sin_cos();
        let long = rng.random_range(4.0..46.0);
        let to = [(from[0] + long * cos).clamp(area[0], area[2]), (from[1] + long * sin).clamp(area[1], area[3])];
        let before = sheet.rgb[(from[1] as usize).min(SIDE - 1) * SIDE + (from[0] as usize).min(SIDE - 1)];
        sheet.line(from, to, 0.5, mix(before, pale, rng.random_range(0.1..0.6)));
    }
}

fn paint_table(rng: &mut ChaCha8Rng) -> (Texture, f32) {
    const WIDE: usize = 256;
    let mut c = Canvas::new(WIDE, WIDE, [0.5; 3]);
    let seed = rng.random::<u32>();
    let bright = rng.random_range(0.75..1.15f32);
    let kind = rng.random_range(0..5);
    let tint = hsv(rng.random::<f32>(), rng.random_range(0.0..0.25), rng.random_range(0.2..0.8));
    c.paint(
        c.all(),
        |_, _| -1.0,
        |x, y| {
            let colour = match kind {
                // Brushed steel.
                0 => lit([0.56, 0.57, 0.58], bright * (0.85 + 0.3 * clouds(x * 0.02, y * 0.8, 3, seed))),
                // Coated board.
                1 => lit(tint, bright * (0.94 + 0.12 * clouds(x * 0.05, y * 0.05, 3, seed))),
                // Wood.
                2 => lit(
                    [0.62, 0.47, 0.32],
                    bright * (0.7 + 0.5 * clouds(x * 0.012, y * 0.22 + clouds(x * 0.02, y * 0.02, 2, seed), 4, seed)),
                ),
                // A belt.
                3 => lit([0.11, 0.115, 0.12], bright * (0.8 + 0.4 * hash(x as i32 / 2, y as i32, seed))),
                // Rollers.
                _ => lit([0.5, 0.51, 0.53], bright * (0.35 + 0.75 * (std::f32::consts::PI * (y / 16.0).fract()).sin())),
            };
            (colour, 1.0)
        },
    );
    let gloss = if kind == 0 || kind == 4 { 0.4 } else { 0.12 };
    (Texture::new(WIDE, WIDE, c.to_bytes()).unwrap_or_else(Texture::grey), gloss)
}

/// One lamp: so far away that its direction is the same everywhere.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lamp {
    /// Towards it, unit length.
    pub to: Vector3<f32>,
    pub colour: Rgb,
    /// Half of the angle that it fills, radians.
    pub size: f32,
    /// Draws a shadow.
    pub shadow: bool,
}

/// The lamps over a stage and the camera's exposure.
#[derive(Debug, Clone, PartialEq)]
pub struct Light {
    pub(crate) lamps: Vec<Lamp>,
    pub(crate) sky: Rgb,
    /// How much crevices darken.
    pub(crate) depth: f32,
    pub(crate) exposure: f32,
    /// Gains of red, green and blue.
    pub(crate) balance: Rgb,
    pub(crate) vignette: f32,
    /// Contrast of the tone curve.
    pub(crate) contrast: f32,
    /// Seed of creases and fading that go with this stage.
    pub(crate) seed: u32,
}

impl Light {
    /// Two or three lamps overhead, a bright sky of ceiling and walls, an exposure and a white balance.
    #[must_use]
    pub fn drawn(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x11_6487);
        let warmth = rng.random_range(-1.0..1.0f32);
        let tone = [1.0 + 0.13 * warmth, 1.0, 1.0 - 0.16 * warmth];
        let count = rng.random_range(2..4);
        let lamps = (0..count)
            .map(|k| {
                let (sin, cos) = rng.random_range(0.0..6.3f32).sin_cos();
                let off = rng.random_range(0.08..0.75f32);
                let power = if k == 0 { rng.random_range(0.45..0.85) } else { rng.random_range(0.08..0.4) };
                Lamp {
                    to: Vector3::new(off * cos, off * sin, 1.0).normalize(),
                    colour: tone.map(|t| power * (t + rng.random_range(-0.03..0.03))),
                    size: rng.random_range(0.06..0.28),
                    shadow: k < 2,
                }
            })
            .collect();
        let sky = rng.random_range(0.28..0.55);
        Self {
            lamps,
            sky: tone.map(|t| sky * (0.5 + 0.5 * t)),
            depth: rng.random_range(0.75..1.25),
            exposure: rng.random_range(0.78..1.3),
            balance: [rng.random_range(0.93..1.07), 1.0, rng.random_range(0.92..1.08)],
            vignette: rng.random_range(0.02..0.22),
            contrast: rng.random_range(0.0..0.5),
            seed: rng.random(),
        }
    }

    /// The same light on a camera whose exposure and white balance are off by another share than the typical one's.
    #[must_use]
    pub fn off_by(self, colour: &Colour) -> Self {
        const TYPICAL: Colour = Colour::at(Level::Typical);
        let exposure = (colour.exposure_stops / TYPICAL.exposure_stops) as f32;
        let balance = (colour.white_balance / TYPICAL.white_balance) as f32;
        Self {
            exposure: self.exposure.powf(exposure),
            balance: self.balance.map(|gain| 1.0 + (gain - 1.0) * balance),
            ..self
        }
    }
}
