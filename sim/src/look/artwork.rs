//! The print of a pack: fronts, sides with small print, barcodes, ends.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::ground::Ground;
use super::hero::{self, Hero, star};
use super::lettering::{self, Pen};
use super::paint::{Area, Canvas, Rgb, around, lit, luma, mix};
use super::smallprint::{barcode, nutrition, pictograms, small_print, wear};

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

/// What can be read on a ground.
pub(crate) fn ink_on(ground: Rgb) -> Rgb {
    if luma(ground) > 0.52 { lit(ground, 0.18) } else { mix(ground, [1.0; 3], 0.93) }
}

impl Artwork {
    pub(crate) fn rng(&self, face: u64) -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(self.seed ^ face.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The colour that the brand's ground mostly has.
    pub fn paper(&self) -> Rgb {
        if self.brand.ground == Ground::Kraft { [0.72, 0.56, 0.39] } else { self.brand.base }
    }

    pub(crate) fn brand_name(&self, c: &mut Canvas, centre: [f32; 2], height: f32, room: f32) {
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
                c.polygon(
                    &[
                        [x - hx, y - hy],
                        [x + hx, y - hy],
                        [x + hx, y + 0.8 * hy],
                        [x, y + 1.5 * hy],
                        [x - hx, y + 0.8 * hy],
                    ],
                    plate,
                );
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
        let (x, y) = if wide {
            (if up { 0.25 * w } else { 0.3 * w }, if up { 0.62 * h } else { 0.88 * h })
        } else {
            (0.5 * w, 0.93 * h)
        };
        let under = c.rgb[(y as usize).min(c.height - 1) * c.width + (x as usize).min(c.width - 1)];
        let fit = size
            .min(size * 0.9 * (if wide { 0.46 * w } else { w }) / lettering::width(&self.product, size, &pen).max(1.0));
        lettering::write_centred(&mut c, &self.product, x, y, fit, &pen, ink_on(under));
        let spot = [if wide { 0.09 * w } else { 0.86 * w }, if up { 0.86 * h } else { 0.1 * h }];
        if rng.random_bool(0.5) {
            let burst = 0.11 * r;
            star(&mut c, spot, burst * 1.3, 0.05, self.third);
            c.ellipse(spot, [burst * 0.8; 2], self.third);
            lettering::write_centred(
                &mut c,
                &self.amount,
                spot[0],
                spot[1] + 0.2 * burst,
                0.42 * burst,
                &pen,
                ink_on(self.third),
            );
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

    /// The back: small print, and some of a table, a picture and the barcode.
    pub fn back(&self, width: usize, height: usize) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let mut rng = self.rng(2);
        if rng.random_bool(0.6) {
            self.ground(&mut c, &mut rng);
        }
        let (w, h) = (c.w(), c.h());
        self.brand_name(&mut c, [0.5 * w, 0.12 * h], 0.1 * h, w);
        let dark = luma(self.paper()) < 0.6;
        let plate = [0.05 * w, 0.24 * h, 0.95 * w, 0.95 * h];
        if dark && rng.random_bool(0.6) || rng.random_bool(0.3) {
            c.round_rect(plate, 0.02 * w, mix(self.paper(), [1.0; 3], 0.85));
        }
        let under = c.rgb[(0.5 * h) as usize * c.width + (0.07 * w) as usize];
        let ink = ink_on(under);
        let mut left = 0.08 * w;
        let foot = rng.random_range(0.55..0.9) * h;
        if rng.random_bool(0.55) {
            let right = rng.random_range(0.3..0.46) * w;
            left = nutrition(&mut c, [left, 0.28 * h, right, foot], &mut rng) + 0.04 * w;
        } else if rng.random_bool(0.6) {
            let area = [left, 0.28 * h, 0.42 * w, foot];
            hero::draw(&mut c, area, self.hero, [self.second, self.third], &mut rng);
            left = 0.46 * w;
        }
        small_print(&mut c, [left, 0.28 * h, 0.92 * w, 0.54 * h], ink, &mut rng);
        if !barcode(&mut c, &self.barcode, [0.56 * w, 0.6 * h, 0.94 * w, 0.93 * h]) {
            pictograms(&mut c, [0.52 * w, 0.58 * h, 0.92 * w, 0.8 * h], &mut rng);
        }
        wear(&mut c, self.seed as u32 ^ 5);
        c
    }

    /// The label round a can or a tub: two fronts, small print between them, and the barcode.
    pub fn label(&self, width: usize, height: usize) -> Canvas {
        let mut c = Canvas::new(width, height, self.paper());
        let mut rng = self.rng(3);
        self.ground(&mut c, &mut rng);
        let front = self.front(width * 13 / 50, height);
        let half = width / 2;
        c.stamp(&front, 0, 0, false);
        c.stamp(&front, half, 0, false);
        let mut back = Canvas::new(half - front.width, height, mix(self.paper(), [1.0; 3], 0.5));
        let (w, h) = (back.w(), back.h());
        let ink = ink_on(back.rgb[0]);
        let right = nutrition(&mut back, [0.06 * w, 0.08 * h, 0.5 * w, 0.58 * h], &mut rng);
        small_print(&mut back, [right + 3.0, 0.08 * h, 0.94 * w, 0.58 * h], ink, &mut rng);
        if !barcode(&mut back, &self.barcode, [0.02 * w, 0.62 * h, w, 0.97 * h]) {
            pictograms(&mut back, [0.1 * w, 0.66 * h, 0.9 * w, 0.9 * h], &mut rng);
        }
        c.stamp(&back, half + front.width, 0, false);
        let (from, to) = (front.width as f32, half as f32);
        let area = [from + 0.1 * w, 0.2 * h, to - 0.1 * w, 0.9 * h];
        small_print(&mut c, area, ink_on(self.paper()), &mut rng);
        c
    }
}
