//! The print of a pack: fronts, sides with small print, barcodes, ends.

use std::f32::consts::TAU;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ean13::{QUIET, encode_ean13};
use super::hero::{self, Hero, star};
use super::lettering::{self, Pen};
use super::paint::{Area, Canvas, Rgb, around, box_distance, clouds, hsv, lit, luma, mix};

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

/// What stands behind the name of the brand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Badge {
    None,
    Ellipse,
    Banner,
    Pill,
    Shield,
}

pub(crate) const BADGES: [Badge; 5] = [Badge::None, Badge::Ellipse, Badge::Banner, Badge::Pill, Badge::Shield];

/// What all packs of a brand share.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Brand {
    pub name: String,
    pub pen: Pen,
    pub badge: Badge,
    pub ground: Ground,
    /// Colour of the pack, and of what stands out on it.
    pub base: Rgb,
    pub accent: Rgb,
    /// Height of the name over the height of a front, and where it stands, 0 top to 1 foot.
    pub letter_share: f32,
    pub name_at: f32,
}

/// One pack's print.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Artwork {
    pub brand: Brand,
    /// The kind's own colours.
    pub second: Rgb,
    pub third: Rgb,
    pub hero: Hero,
    pub product: String,
    pub amount: String,
    pub barcode: String,
    pub seed: u64,
}

fn ink_on(ground: Rgb) -> Rgb {
    if luma(ground) > 0.52 { lit(ground, 0.18) } else { mix(ground, [1.0; 3], 0.93) }
}

impl Artwork {
    fn rng(&self, face: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed ^ face.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn ground(&self, c: &mut Canvas, rng: &mut ChaCha8Rng) {
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

    /// The colour that the brand's ground mostly has.
    fn paper(&self) -> Rgb {
        if self.brand.ground == Ground::Kraft { [0.72, 0.56, 0.39] } else { self.brand.base }
    }

    fn brand_name(&self, c: &mut Canvas, centre: [f32; 2], height: f32, room: f32) {
        let pen = &self.brand.pen;
        let wide = lettering::width(&self.brand.name, 1.0, pen).max(0.1);
        let height = height.min(0.86 * room / wide);
        let half = 0.5 * wide * height;
        let plate = self.brand.accent;
        let (hx, hy) = (half + 0.45 * height, 0.95 * height);
        let area = around(centre, [hx, hy]);
        let ink = match self.brand.badge {
            Badge::None => ink_on(self.paper()),
            Badge::Ellipse => {
                c.ellipse(centre, [hx * 1.12 + 0.12 * height, hy * 1.15 + 0.1 * height], ink_on(plate));
                c.ellipse(centre, [hx * 1.12, hy * 1.15], plate);
                ink_on(plate)
            }
            Badge::Banner => {
                c.rect([-1.0, area[1], c.w() + 1.0, area[3]], plate);
                ink_on(plate)
            }
            Badge::Pill => {
                c.round_rect(area, hy, plate);
                ink_on(plate)
            }
            Badge::Shield => {
                let (x, y) = (centre[0], centre[1]);
                c.polygon(&[[x - hx, y - hy], [x + hx, y - hy], [x + hx, y + 0.8 * hy], [x, y + 1.5 * hy], [x - hx, y + 0.8 * hy]], plate);
                ink_on(plate)
            }
        };
        lettering::write_centred(c, &self.brand.name, centre[0], centre[1] + 0.5 * height, height, pen, ink);
    }

    /// The front of the pack. `k` tells one front from another of the same pack.
    pub fn front(&self, width: usize, height: usize) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let mut rng = self.rng(1);
        self.ground(&mut c, &mut rng);
        let (w, h) = (c.w(), c.h());
        let r = w.min(h);
        let up = self.brand.name_at < 0.5;
        let wide = w > 1.25 * h;
        let picture: Area = match (wide, up) {
            (true, true) => [0.5 * w, 0.34 * h, 0.96 * w, 0.95 * h],
            (true, false) => [0.04 * w, 0.06 * h, 0.46 * w, 0.7 * h],
            (false, true) => [0.1 * w, 0.36 * h, 0.9 * w, 0.8 * h],
            (false, false) => [0.08 * w, 0.07 * h, 0.92 * w, 0.52 * h],
        };
        hero::draw(&mut c, picture, self.hero, [self.second, self.third], &mut rng);
        let (name_x, room) = if wide && !up { (0.73 * w, 0.5 * w) } else { (0.5 * w, w) };
        let name_y = if wide && !up { 0.42 } else { self.brand.name_at };
        self.brand_name(&mut c, [name_x, name_y * h], self.brand.letter_share * h.min(1.4 * w), room);
        let pen = Pen { weight: 0.13, stretch: 0.85, slant: 0.0, ..self.brand.pen };
        let size = (0.085 * r).max(5.0);
        let (x, y) = if wide { (if up { 0.25 * w } else { 0.3 * w }, if up { 0.62 * h } else { 0.88 * h }) } else { (0.5 * w, 0.93 * h) };
        let under = c.rgb[(y as usize).min(c.height - 1) * c.width + (x as usize).min(c.width - 1)];
        let fit = size.min(size * 0.9 * (if wide { 0.46 * w } else { w }) / lettering::width(&self.product, size, &pen).max(1.0));
        lettering::write_centred(&mut c, &self.product, x, y, fit, &pen, ink_on(under));
        let spot = [if wide { 0.09 * w } else { 0.86 * w }, if up { 0.86 * h } else { 0.1 * h }];
        if rng.random_bool(0.5) {
            let burst = 0.11 * r;
            star(&mut c, spot, burst * 1.3, 0.05, self.third);
            c.ellipse(spot, [burst * 0.8; 2], self.third);
            lettering::write_centred(&mut c, &self.amount, spot[0], spot[1] + 0.2 * burst, 0.42 * burst, &pen, ink_on(self.third));
        } else {
            let at = c.rgb[(0.965 * h) as usize * c.width + (0.12 * w) as usize];
            lettering::write(&mut c, &self.amount, 0.04 * w, 0.97 * h, 0.05 * r, &pen, ink_on(at));
        }
        wear(&mut c, self.seed as u32);
        c
    }

    /// A side: the name again, or small print.
    pub fn side(&self, width: usize, height: usize, which: u64) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let mut rng = self.rng(10 + which);
        if rng.random_bool(0.75) {
            self.ground(&mut c, &mut rng);
        }
        let upright = c.h() > 1.9 * c.w();
        if upright {
            let mut lying = Canvas::new(c.height, c.width, self.paper());
            self.ground(&mut lying, &mut rng);
            self.side_print(&mut lying, which, &mut rng);
            c.stamp(&lying, 0, 0, true);
        } else {
            self.side_print(&mut c, which, &mut rng);
        }
        wear(&mut c, self.seed as u32 ^ which as u32);
        c
    }

    fn side_print(&self, c: &mut Canvas, which: u64, rng: &mut ChaCha8Rng) {
        let (w, h) = (c.w(), c.h());
        match (which % 4, w > 1.6 * h) {
            (0, _) => {
                let left = nutrition(c, [0.05 * w, 0.08 * h, 0.05 * w + (0.9 * h).min(0.45 * w), 0.92 * h], rng);
                small_print(c, [left + 0.05 * w, 0.1 * h, 0.95 * w, 0.9 * h], ink_on(self.paper()), rng);
            }
            (1, true) => {
                self.brand_name(c, [0.36 * w, 0.5 * h], 0.42 * h, 0.6 * w);
                hero::draw(c, [0.72 * w, 0.12 * h, 0.96 * w, 0.88 * h], self.hero, [self.second, self.third], rng);
            }
            (1, false) => {
                self.brand_name(c, [0.5 * w, 0.22 * h], 0.16 * h, w);
                hero::draw(c, [0.15 * w, 0.42 * h, 0.85 * w, 0.92 * h], self.hero, [self.second, self.third], rng);
            }
            (2, _) => {
                self.brand_name(c, [0.5 * w, 0.3 * h], 0.26 * h, w);
                small_print(c, [0.1 * w, 0.58 * h, 0.9 * w, 0.92 * h], ink_on(self.paper()), rng);
            }
            _ => {
                pictograms(c, [0.05 * w, 0.1 * h, 0.95 * w, 0.42 * h], rng);
                small_print(c, [0.06 * w, 0.5 * h, 0.94 * w, 0.92 * h], ink_on(self.paper()), rng);
            }
        }
    }

    /// The back: small print, a table and the barcode.
    pub fn back(&self, width: usize, height: usize) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let mut rng = self.rng(2);
        if rng.random_bool(0.6) {
            self.ground(&mut c, &mut rng);
        }
        let (w, h) = (c.w(), c.h());
        let ink = ink_on(self.paper());
        self.brand_name(&mut c, [0.5 * w, 0.12 * h], 0.1 * h, w);
        let plate = [0.05 * w, 0.24 * h, 0.95 * w, 0.95 * h];
        if luma(self.paper()) < 0.6 || rng.random_bool(0.4) {
            c.round_rect(plate, 0.02 * w, mix(self.paper(), [1.0; 3], 0.85));
        }
        let ink = if luma(self.paper()) < 0.6 { [0.15; 3] } else { ink };
        let right = nutrition(&mut c, [0.08 * w, 0.28 * h, 0.48 * w, 0.9 * h], &mut rng);
        small_print(&mut c, [right + 0.04 * w, 0.28 * h, 0.92 * w, 0.52 * h], ink, &mut rng);
        if !self.barcode(&mut c, [0.5 * w, 0.55 * h, 0.94 * w, 0.93 * h]) {
            pictograms(&mut c, [0.52 * w, 0.58 * h, 0.92 * w, 0.8 * h], &mut rng);
        }
        wear(&mut c, self.seed as u32 ^ 5);
        c
    }

    /// Draws the barcode where it fits with whole pixels a module; false when it doesn't.
    pub fn barcode(&self, c: &mut Canvas, area: Area) -> bool {
        let Some(bars) = encode_ean13(&self.barcode) else { return false };
        let modules = QUIET[0] + bars.len() + QUIET[1];
        let (x1, y1) = (area[2].min(c.w()) as usize, area[3].min(c.h()) as usize);
        let room = x1.min(c.width);
        if modules > room {
            return false;
        }
        // It may reach to the left over its area: half a symbol is none.
        let scale = ((0.45 * c.w()) as usize / modules).clamp(1, 3);
        let x0 = (area[0].max(0.0) as usize).min(room - modules * scale);
        let tall = ((y1.saturating_sub(area[1] as usize)).min(scale * 75)).max(8);
        let y0 = y1.saturating_sub(tall);
        for y in y0..y1 {
            for x in 0..modules * scale {
                let module = (x / scale).checked_sub(QUIET[0]);
                let quiet = y < y0 + 2 || y + 3 > y1;
                let dark = !quiet && module.and_then(|m| bars.get(m)).copied().unwrap_or(false);
                c.rgb[y * c.width + x0 + x] = if dark { [0.05; 3] } else { [0.97; 3] };
            }
        }
        true
    }

    /// An end of a box: flaps, a seam, or a little print.
    pub fn end(&self, width: usize, height: usize, which: u64) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let mut rng = self.rng(30 + which);
        let (w, h) = (c.w(), c.h());
        match rng.random_range(0..4) {
            0 => {
                self.ground(&mut c, &mut rng);
                self.brand_name(&mut c, [0.5 * w, 0.5 * h], 0.3 * h, w);
            }
            1 => {
                self.brand_name(&mut c, [0.5 * w, 0.4 * h], 0.28 * h, w);
                small_print(&mut c, [0.12 * w, 0.66 * h, 0.6 * w, 0.92 * h], ink_on(self.paper()), &mut rng);
            }
            2 => {
                self.ground(&mut c, &mut rng);
                hero::draw(&mut c, [0.3 * w, 0.1 * h, 0.7 * w, 0.9 * h], self.hero, [self.second, self.third], &mut rng);
            }
            _ => {
                c.rect([0.0, 0.0, w, h], mix(self.paper(), self.second, 0.6));
                lettering::write_centred(&mut c, &self.product, 0.5 * w, 0.58 * h, (0.16 * h).min(0.1 * w), &self.brand.pen, ink_on(mix(self.paper(), self.second, 0.6)));
            }
        }
        let seam = lit(self.paper(), 0.62);
        let y = if rng.random_bool(0.5) { 0.93 * h } else { 0.5 * h };
        c.line([0.0, y], [w, y], 0.9, seam);
        c.line([0.0, y + 1.2], [w, y + 1.2], 0.7, lit(self.paper(), 1.25));
        wear(&mut c, self.seed as u32 ^ (77 + which as u32));
        c
    }

    /// The label round a can or a tub: two fronts and two backs.
    pub fn label(&self, width: usize, height: usize) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let quarter = width / 4;
        let front = self.front(quarter + width / 12, height);
        let mut rng = self.rng(3);
        self.ground(&mut c, &mut rng);
        c.stamp(&front, 0, 0, false);
        c.stamp(&front, 2 * quarter, 0, false);
        let mut back = Canvas::new(width - 2 * quarter - front.width, height, mix(self.paper(), [1.0; 3], 0.5));
        let (w, h) = (back.w(), back.h());
        let right = nutrition(&mut back, [0.06 * w, 0.1 * h, 0.5 * w, 0.6 * h], &mut rng);
        small_print(&mut back, [right + 3.0, 0.1 * h, 0.94 * w, 0.6 * h], [0.15; 3], &mut rng);
        if !self.barcode(&mut back, [0.1 * w, 0.64 * h, 0.98 * w, 0.97 * h]) {
            pictograms(&mut back, [0.1 * w, 0.66 * h, 0.9 * w, 0.9 * h], &mut rng);
        }
        c.stamp(&back, 2 * quarter + front.width, 0, false);
        let (from, to) = (front.width as f32, (2 * quarter) as f32);
        small_print(&mut c, [from + 2.0, 0.2 * h, to - 2.0, 0.9 * h], ink_on(self.paper()), &mut rng);
        c
    }

    /// The metal end of a can: rings, and a tab on top.
    pub fn can_end(&self, side: usize, tab: bool) -> Canvas {
        let mut c = Canvas::new(side, side, [0.62, 0.63, 0.65]);
        let m = 0.5 * c.w();
        let seed = self.seed as u32;
        c.paint(around([m; 2], [m; 2]), |_, _| -1.0, |x, y| {
            let (dx, dy) = (x - m, y - m);
            let d = dx.hypot(dy) / m;
            let ring = if d > 0.9 { 0.75 } else { 0.08 * (d * 40.0).sin() * f32::from(u8::from(d > 0.55)) };
            let turned = clouds(d * 60.0, dy.atan2(dx) * 1.5, 2, seed) - 0.5;
            let step = if (d - 0.9).abs() < 0.035 || (d - 0.8).abs() < 0.02 { -0.3 } else { 0.0 };
            (lit([0.66, 0.67, 0.69], 1.0 + 0.3 * ring + 0.14 * turned + step), 1.0)
        });
        if tab {
            let t = [m, m * 0.72];
            c.ellipse([m, m * 0.45], [0.09 * m; 2], [0.5, 0.5, 0.52]);
            c.round_rect([t[0] - 0.17 * m, t[1] - 0.2 * m, t[0] + 0.17 * m, t[1] + 0.5 * m], 0.16 * m, [0.8, 0.81, 0.82]);
            c.round_rect([t[0] - 0.09 * m, t[1] + 0.08 * m, t[0] + 0.09 * m, t[1] + 0.4 * m], 0.09 * m, [0.42, 0.43, 0.45]);
        } else {
            let pen = Pen { weight: 0.12, stretch: 0.8, slant: 0.0, round: false, serif: false };
            lettering::write_centred(&mut c, "BB 04 27 L113", m, 1.04 * m, 0.11 * m, &pen, [0.3; 3]);
        }
        c
    }

    /// The plastic lid or foot of a tub.
    pub fn lid(&self, side: usize, top: bool) -> Canvas {
        let colour = if top { self.brand.accent } else { mix(self.paper(), [0.9; 3], 0.6) };
        let mut c = Canvas::new(side, side, lit(colour, 0.8));
        let m = 0.5 * c.w();
        c.ellipse([m; 2], [0.93 * m; 2], colour);
        c.frame(around([m; 2], [0.8 * m; 2]), 0.8 * m, 0.03 * m, lit(colour, 0.75));
        if top {
            self.brand_name(&mut c, [m, m], 0.26 * m, 1.4 * m);
            let mut rng = self.rng(4);
            if rng.random_bool(0.5) {
                small_print(&mut c, [0.6 * m, 1.35 * m, 1.4 * m, 1.6 * m], ink_on(colour), &mut rng);
            }
        } else {
            star(&mut c, [m, m], 0.16 * m, 0.1, lit(colour, 0.85));
        }
        c
    }

    /// Pressed seams at both ends of a pouch.
    pub fn crimp(&self, c: &mut Canvas) {
        let (w, h) = (c.w(), c.h());
        let (lying, deep) = (w > h, 0.045 * w.max(h));
        let foil = mix(self.paper(), [0.82; 3], 0.45);
        c.paint([0.0, 0.0, w, h], |x, y| {
            let along = if lying { x } else { y };
            let end = if lying { w } else { h };
            along.min(end - along) - deep
        }, |x, y| {
            let along = if lying { x } else { y };
            (lit(foil, 1.0 + 0.22 * (along * TAU / 4.0).sin()), 0.8)
        });
    }
}

/// Dims the rims a little and wears them here and there, so that two packs side by side show where one ends.
fn wear(c: &mut Canvas, seed: u32) {
    let (w, h) = (c.width, c.height);
    for y in 0..h {
        for x in 0..w {
            let edge = x.min(w - 1 - x).min(y).min(h - 1 - y);
            if edge < 2 {
                let worn = clouds(x as f32 * 0.07, y as f32 * 0.07, 2, seed) > 0.6;
                let share = if edge == 0 { 0.28 } else { 0.1 };
                let pixel = &mut c.rgb[y * w + x];
                *pixel = if worn { mix(*pixel, [0.9, 0.88, 0.84], 1.6 * share) } else { lit(*pixel, 1.0 - share) };
            }
        }
    }
}

/// A table of rows with a heavy frame; gives its right edge.
fn nutrition(c: &mut Canvas, area: Area, rng: &mut ChaCha8Rng) -> f32 {
    let (ink, paper) = ([0.08; 3], [0.97, 0.97, 0.95]);
    let area = [area[0], area[1], area[2].min(area[0] + 1.1 * (area[3] - area[1])), area[3]];
    c.rect(area, paper);
    c.frame(area, 0.0, 1.0, ink);
    let (w, h) = (area[2] - area[0], area[3] - area[1]);
    let rows = ((h / 5.5) as usize).clamp(3, 16);
    let step = h / rows as f32;
    c.rect([area[0] + 0.05 * w, area[1] + 0.2 * step, area[0] + 0.7 * w, area[1] + 0.75 * step], ink);
    for row in 1..rows {
        let y = area[1] + row as f32 * step;
        c.line([area[0] + 1.0, y], [area[2] - 1.0, y], if row == 1 { 1.4 } else { 0.5 }, ink);
        let (from, to) = (y + 0.32 * step, y + 0.72 * step);
        c.rect([area[0] + 0.06 * w, from, area[0] + w * rng.random_range(0.25..0.55), to], mix(ink, paper, 0.25));
        c.rect([area[0] + w * rng.random_range(0.72..0.82), from, area[2] - 0.06 * w, to], mix(ink, paper, 0.25));
    }
    area[2]
}

/// Lines of words too small to read.
fn small_print(c: &mut Canvas, area: Area, ink: Rgb, rng: &mut ChaCha8Rng) {
    if area[2] - area[0] < 6.0 {
        return;
    }
    let step = (0.012 * c.h().max(c.w())).clamp(3.0, 6.0);
    let mut y = area[1];
    while y + step < area[3] {
        let last = rng.random_bool(0.14);
        let end = if last { area[0] + (area[2] - area[0]) * rng.random_range(0.3..0.8) } else { area[2] };
        let mut x = area[0];
        while x < end {
            let word = step * rng.random_range(0.7..3.2);
            c.rect([x, y + 0.22 * step, (x + word).min(end), y + 0.68 * step], mix(ink, c.rgb[0], 0.2));
            x += word + 0.55 * step;
        }
        y += if last { 1.9 * step } else { step };
    }
}

/// A row of little signs: recycling, keep dry, fragile.
fn pictograms(c: &mut Canvas, area: Area, rng: &mut ChaCha8Rng) {
    let size = (area[3] - area[1]).min(0.2 * (area[2] - area[0])).max(4.0);
    let ink = ink_on(c.rgb[c.width * (area[1] as usize).min(c.height - 1) + (area[0] as usize).min(c.width - 1)]);
    let mut x = area[0];
    while x + size < area[2] {
        let m = [x + 0.5 * size, area[1] + 0.5 * size];
        let r = 0.42 * size;
        match rng.random_range(0..5) {
            0 => c.polygon(&[[m[0], m[1] - r], [m[0] + r, m[1] + 0.8 * r], [m[0] - r, m[1] + 0.8 * r]], ink),
            1 => c.frame(around(m, [r; 2]), r, 0.25 * r, ink),
            2 => {
                c.polygon(&[[m[0] - 0.5 * r, m[1] - r], [m[0] + 0.5 * r, m[1] - r], [m[0], m[1] + 0.1 * r]], ink);
                c.line(m, [m[0], m[1] + 0.9 * r], 0.2 * r, ink);
                c.line([m[0] - 0.5 * r, m[1] + 0.9 * r], [m[0] + 0.5 * r, m[1] + 0.9 * r], 0.2 * r, ink);
            }
            3 => c.frame(around(m, [r; 2]), 0.1 * r, 0.2 * r, ink),
            _ => star(c, m, r, 0.05, ink),
        }
        x += 1.25 * size;
    }
}

const SYLLABLES: [&str; 40] = [
    "lo", "ra", "mi", "ven", "ta", "co", "bel", "fi", "nor", "za", "pel", "du", "ka", "sto", "ri", "gra", "hel", "vi",
    "mon", "te", "bro", "la", "sun", "ne", "qui", "ar", "pol", "wen", "jo", "ti", "ous", "ex", "fen", "ly", "mar", "dor",
    "is", "cal", "un", "be",
];

/// A made-up word of `count` syllables.
pub(crate) fn word(count: usize, rng: &mut ChaCha8Rng) -> String {
    (0..count).filter_map(|_| SYLLABLES.choose(rng)).copied().collect()
}

/// A colour scheme: the pack, what stands out on it, and the kind's own two.
pub(crate) fn scheme(rng: &mut ChaCha8Rng) -> [Rgb; 4] {
    let hue = rng.random::<f32>();
    let step = [0.5, 0.33, 0.08, 0.15, 0.58][rng.random_range(0..5)];
    let mut other = |by: f32| hsv(hue + by, rng.random_range(0.45..0.95), rng.random_range(0.5..0.97));
    let (accent, second, third) = (other(step), other(0.06), other(step + 0.12));
    let base = match rng.random_range(0..10) {
        0..4 => hsv(hue, rng.random_range(0.55..1.0), rng.random_range(0.5..0.95)),
        4..6 => mix(hsv(hue, 0.08, 0.97), [0.97; 3], 0.6),
        6 => hsv(hue, rng.random_range(0.15..0.35), rng.random_range(0.8..0.97)),
        7 => hsv(hue, rng.random_range(0.3..0.9), rng.random_range(0.08..0.25)),
        8 => [rng.random_range(0.06..0.14); 3],
        _ => hsv(hue, rng.random_range(0.2..0.6), rng.random_range(0.4..0.7)),
    };
    [base, accent, second, third]
}
