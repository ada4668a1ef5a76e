//! Prints of ends: of boxes, cans, tubs and pouches.

use std::f32::consts::TAU;

use rand::Rng;

use super::artwork::{Artwork, ink_on};
use super::hero::{self, star};
use super::lettering::{self, Pen};
use super::paint::{Canvas, around, clouds, lit, mix};
use super::smallprint::{small_print, wear};

impl Artwork {
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
                hero::draw(
                    &mut c,
                    [0.3 * w, 0.1 * h, 0.7 * w, 0.9 * h],
                    self.hero,
                    [self.second, self.third],
                    &mut rng,
                );
            }
            _ => {
                c.rect([0.0, 0.0, w, h], mix(self.paper(), self.second, 0.6));
                lettering::write_centred(
                    &mut c,
                    &self.product,
                    0.5 * w,
                    0.58 * h,
                    (0.16 * h).min(0.1 * w),
                    &self.brand.pen,
                    ink_on(mix(self.paper(), self.second, 0.6)),
                );
            }
        }
        let seam = lit(self.paper(), 0.62);
        let y = if rng.random_bool(0.5) { 0.93 * h } else { 0.5 * h };
        c.line([0.0, y], [w, y], 0.9, seam);
        c.line([0.0, y + 1.2], [w, y + 1.2], 0.7, lit(self.paper(), 1.25));
        wear(&mut c, self.seed as u32 ^ (77 + which as u32));
        c
    }

    /// The metal end of a can: rings, and a tab on top.
    pub fn can_end(&self, side: usize, tab: bool) -> Canvas {
        let mut c = Canvas::new(side, side, [0.62, 0.63, 0.65]);
        let m = 0.5 * c.w();
        let seed = self.seed as u32;
        c.paint(
            around([m; 2], [m; 2]),
            |_, _| -1.0,
            |x, y| {
                let (dx, dy) = (x - m, y - m);
                let d = dx.hypot(dy) / m;
                let ring = if d > 0.9 { 0.75 } else { 0.08 * (d * 40.0).sin() * f32::from(u8::from(d > 0.55)) };
                let turned = clouds(d * 60.0, dy.atan2(dx) * 1.5, 2, seed) - 0.5;
                let step = if (d - 0.9).abs() < 0.035 || (d - 0.8).abs() < 0.02 { -0.3 } else { 0.0 };
                (lit([0.66, 0.67, 0.69], 1.0 + 0.3 * ring + 0.14 * turned + step), 1.0)
            },
        );
        if tab {
            let t = [m, m * 0.72];
            c.ellipse([m, m * 0.45], [0.09 * m; 2], [0.5, 0.5, 0.52]);
            c.round_rect(
                [t[0] - 0.17 * m, t[1] - 0.2 * m, t[0] + 0.17 * m, t[1] + 0.5 * m],
                0.16 * m,
                [0.8, 0.81, 0.82],
            );
            c.round_rect(
                [t[0] - 0.09 * m, t[1] + 0.08 * m, t[0] + 0.09 * m, t[1] + 0.4 * m],
                0.09 * m,
                [0.42, 0.43, 0.45],
            );
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
        c.paint(
            [0.0, 0.0, w, h],
            |x, y| {
                let along = if lying { x } else { y };
                let end = if lying { w } else { h };
                along.min(end - along) - deep
            },
            |x, y| {
                let along = if lying { x } else { y };
                (lit(foil, 1.0 + 0.22 * (along * TAU / 4.0).sin()), 0.8)
            },
        );
    }
}
