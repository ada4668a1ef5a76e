//! The picture on the front of a pack: what is in it, or something nice.

use std::f32::consts::TAU;

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::paint::{Area, Canvas, Rgb, around, box_distance, clouds, ellipse_distance, hsv, lit, mix};

/// What a picture shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hero {
    Fruit,
    Bowl,
    Cup,
    Leaves,
    Rays,
    Hills,
    Shards,
    Photo,
    Mascot,
    Window,
    Gadget,
    Bars,
    Stars,
    Drops,
    Rings,
    Waves,
    Tools,
}

/// All of them.
pub(crate) const HEROES: [Hero; 17] = [
    Hero::Fruit,
    Hero::Bowl,
    Hero::Cup,
    Hero::Leaves,
    Hero::Rays,
    Hero::Hills,
    Hero::Shards,
    Hero::Photo,
    Hero::Mascot,
    Hero::Window,
    Hero::Gadget,
    Hero::Bars,
    Hero::Stars,
    Hero::Drops,
    Hero::Rings,
    Hero::Waves,
    Hero::Tools,
];

/// Draws a picture into `area` in two colours and what goes with them.
pub(crate) fn draw(canvas: &mut Canvas, area: Area, hero: Hero, colours: [Rgb; 2], rng: &mut ChaCha8Rng) {
    let [a, b] = colours;
    let centre = [0.5 * (area[0] + area[2]), 0.5 * (area[1] + area[3])];
    let (w, h) = (area[2] - area[0], area[3] - area[1]);
    let r = 0.5 * w.min(h);
    let seed = rng.random::<u32>();
    let mut turn = |spread: f32| rng.random_range(-spread..spread);
    match hero {
        Hero::Fruit => {
            let n = 3 + (turn(1.0).abs() * 9.0) as usize;
            for i in 0..n {
                let at = [centre[0] + turn(0.36) * w, centre[1] + turn(0.3) * h];
                let size = r * (0.34 + turn(0.12));
                canvas.ball(at, size, mix(a, b, (i % 3) as f32 * 0.18));
                leaf(
                    canvas,
                    [at[0], at[1] - size],
                    [at[0] + size * 0.8, at[1] - size * 1.3],
                    size * 0.2,
                    [0.2, 0.5, 0.15],
                );
            }
        }
        Hero::Bowl => {
            canvas.ellipse([centre[0], centre[1] + 0.1 * r], [0.95 * r, 0.34 * r], lit(a, 0.75));
            for i in 0..70 {
                let (s, c) = (turn(1.0) * TAU).sin_cos();
                let far = turn(1.0).abs().sqrt();
                let at = [centre[0] + 0.85 * r * far * c, centre[1] + 0.02 * r + 0.28 * r * far * s];
                canvas.ball(
                    at,
                    r * (0.09 + turn(0.03)),
                    lit(mix(b, [0.85, 0.6, 0.2], (i % 4) as f32 * 0.2), 1.0 + turn(0.2)),
                );
            }
            let base = centre[1] + 0.16 * r;
            let bowl = (0..=20).map(|i| {
                let (s, c) = (i as f32 / 20.0 * 0.5 * TAU).sin_cos();
                [centre[0] + 0.97 * r * c, base + 0.75 * r * s]
            });
            canvas.polygon(&bowl.collect::<Vec<_>>(), a);
            canvas.glow(
                around([centre[0], base + 0.4 * r], [0.9 * r, 0.3 * r]),
                [centre[0] - 0.4 * r, base + 0.2 * r],
                0.6 * r,
                [1.0; 3],
                0.35,
            );
        }
        Hero::Cup => {
            let (x, y) = (centre[0], centre[1] + 0.15 * r);
            canvas.ellipse([x, y + 0.62 * r], [0.95 * r, 0.16 * r], lit(a, 1.35));
            canvas.frame(around([x + 0.6 * r, y + 0.1 * r], [0.3 * r, 0.3 * r]), 0.3 * r, 0.1 * r, a);
            canvas.polygon(
                &[
                    [x - 0.62 * r, y - 0.3 * r],
                    [x + 0.62 * r, y - 0.3 * r],
                    [x + 0.42 * r, y + 0.6 * r],
                    [x - 0.42 * r, y + 0.6 * r],
                ],
                a,
            );
            canvas.ellipse([x, y - 0.3 * r], [0.62 * r, 0.16 * r], lit(a, 1.4));
            canvas.ellipse([x, y - 0.29 * r], [0.55 * r, 0.13 * r], b);
            for k in -1..=1 {
                let x = x + k as f32 * 0.22 * r;
                canvas.line([x, y - 0.5 * r], [x + 0.1 * r, y - 0.75 * r], 0.06 * r, mix(a, [1.0; 3], 0.6));
                canvas.line([x + 0.1 * r, y - 0.75 * r], [x - 0.02 * r, y - 0.98 * r], 0.06 * r, mix(a, [1.0; 3], 0.6));
            }
        }
        Hero::Leaves => {
            let n = 5 + (turn(1.0).abs() * 7.0) as usize;
            let start = turn(1.0);
            for i in 0..n {
                let (s, c) = ((start + i as f32 / n as f32) * TAU).sin_cos();
                let tip = [centre[0] + 0.48 * w.min(1.6 * h) * c, centre[1] + 0.48 * h.min(1.6 * w) * s];
                leaf(canvas, centre, tip, r * 0.22, lit(mix(a, b, (i % 2) as f32), 1.0 + turn(0.15)));
            }
        }
        Hero::Rays => {
            let n = 10.0 + (turn(1.0).abs() * 10.0).floor();
            canvas.paint(area, box_distance(area, 0.0), |x, y| {
                let angle = (y - centre[1]).atan2(x - centre[0]) / TAU * n;
                let sharp = ((angle.rem_euclid(1.0) - 0.5).abs() - 0.25) * 24.0;
                (mix(a, b, (0.5 + sharp).clamp(0.0, 1.0)), 0.9)
            });
            canvas.ball(centre, 0.34 * r, mix(b, [1.0, 0.9, 0.3], 0.5));
        }
        Hero::Hills => {
            canvas.gradient(area, 1.57, lit(b, 1.6), lit(b, 1.15));
            canvas.ball([centre[0] + turn(0.3) * w, area[1] + 0.28 * h], 0.18 * r, [1.0, 0.85, 0.4]);
            for layer in 0..3 {
                let base = area[1] + h * (0.45 + 0.18 * layer as f32);
                let colour = lit(a, 1.3 - 0.3 * layer as f32);
                let wave = 2.0 + turn(1.0).abs() * 3.0;
                let phase = turn(1.0) * TAU;
                let line = move |x: f32| base + 0.09 * h * ((x - area[0]) / w * wave * 2.0 + phase).sin();
                canvas.paint(area, |x, y| box_distance(area, 0.0)(x, y).max(line(x) - y), |_, _| (colour, 1.0));
            }
        }
        Hero::Shards => {
            for _ in 0..12 {
                let at = [centre[0] + turn(0.5) * w, centre[1] + turn(0.5) * h];
                let corners: [[f32; 2]; 3] = std::array::from_fn(|_| {
                    [(at[0] + turn(0.6) * r).clamp(area[0], area[2]), (at[1] + turn(0.6) * r).clamp(area[1], area[3])]
                });
                canvas.polygon(&corners, lit(mix(a, b, turn(1.0).abs()), 1.0 + turn(0.25)));
            }
        }
        Hero::Photo => {
            let grain = 1.5 + turn(1.0).abs() * 3.5;
            let third = hsv(turn(1.0), 0.55, 0.75);
            canvas.paint(area, box_distance(area, 0.05 * r), |x, y| {
                let (s, t) = ((x - area[0]) / r * grain, (y - area[1]) / r * grain);
                let (p, q) = (clouds(s, t, 4, seed), clouds(s + 9.0, t, 4, seed ^ 7));
                let base =
                    mix(mix(a, b, ((p - 0.35) * 4.0).clamp(0.0, 1.0)), third, ((q - 0.52) * 7.0).clamp(0.0, 1.0));
                (lit(base, 0.55 + 0.9 * clouds(s * 2.3, t * 2.3, 3, seed ^ 99)), 1.0)
            });
        }
        Hero::Mascot => {
            let skin = mix(a, [1.0, 0.85, 0.4], 0.4);
            for side in [-1.0, 1.0] {
                canvas.ball([centre[0] + side * 0.6 * r, centre[1] - 0.6 * r], 0.3 * r, lit(skin, 0.85));
            }
            canvas.ball(centre, 0.82 * r, skin);
            for side in [-1.0, 1.0] {
                let eye = [centre[0] + side * 0.3 * r, centre[1] - 0.15 * r];
                canvas.ellipse(eye, [0.2 * r, 0.26 * r], [0.98; 3]);
                canvas.ellipse([eye[0] + 0.05 * r, eye[1] + 0.04 * r], [0.1 * r, 0.14 * r], [0.06; 3]);
            }
            canvas.ellipse([centre[0], centre[1] + 0.38 * r], [0.36 * r, 0.2 * r], b);
            canvas.ellipse([centre[0], centre[1] + 0.28 * r], [0.4 * r, 0.17 * r], skin);
        }
        Hero::Window => {
            canvas.round_rect(area, 0.25 * r, lit(a, 0.5));
            let inner = [area[0] + 0.06 * r, area[1] + 0.06 * r, area[2] - 0.06 * r, area[3] - 0.06 * r];
            let grain = r * (0.09 + turn(0.04));
            for i in 0..((w * h / (grain * grain) * 0.7) as usize).min(500) {
                let at = [centre[0] + turn(0.5) * (w - 2.4 * grain), centre[1] + turn(0.5) * (h - 2.4 * grain)];
                canvas.ball(at, grain, lit(mix(b, [0.8, 0.55, 0.25], (i % 3) as f32 * 0.3), 1.0 + turn(0.2)));
            }
            canvas.frame(inner, 0.22 * r, 0.04 * r, [0.95; 3]);
        }
        Hero::Gadget => {
            let (hw, hh) = (0.42 * w, 0.4 * h);
            let body = around(centre, [hw, hh]);
            canvas.round_rect(
                [body[0] + 0.04 * r, body[1] + 0.06 * r, body[2] + 0.04 * r, body[3] + 0.06 * r],
                0.2 * r,
                lit(a, 0.3),
            );
            canvas.round_rect(body, 0.2 * r, [0.16, 0.17, 0.19]);
            let screen = around([centre[0], centre[1] - 0.12 * h], [0.8 * hw, 0.5 * hh]);
            canvas.gradient(screen, 0.8, lit(b, 1.4), lit(b, 0.5));
            for k in 0..3 {
                canvas.ball(
                    [centre[0] + (k as f32 - 1.0) * 0.4 * hw, centre[1] + 0.62 * hh],
                    0.12 * hh.min(hw),
                    mix(a, [0.9; 3], 0.5),
                );
            }
        }
        Hero::Bars => {
            let (nx, ny) = (3 + (turn(1.0).abs() * 2.0) as usize, 2 + (turn(1.0).abs() * 3.0) as usize);
            let (sx, sy) = (0.9 * w / nx as f32, 0.9 * h / ny as f32);
            for j in 0..ny {
                for i in 0..nx {
                    let x = area[0] + 0.05 * w + i as f32 * sx;
                    let y = area[1] + 0.05 * h + j as f32 * sy;
                    canvas.round_rect([x, y, x + sx, y + sy], 0.08 * sx, lit(a, 0.55));
                    canvas.round_rect([x + 0.06 * sx, y + 0.06 * sy, x + 0.9 * sx, y + 0.88 * sy], 0.08 * sx, a);
                    canvas.round_rect(
                        [x + 0.2 * sx, y + 0.2 * sy, x + 0.78 * sx, y + 0.74 * sy],
                        0.06 * sx,
                        lit(a, 1.15),
                    );
                }
            }
        }
        Hero::Stars => {
            for i in 0..14 {
                let at = [centre[0] + turn(0.46) * w, centre[1] + turn(0.46) * h];
                star(canvas, at, r * (0.16 + turn(0.09)), turn(1.0), lit(mix(a, b, (i % 2) as f32), 1.0 + turn(0.2)));
            }
        }
        Hero::Drops => {
            for _ in 0..9 {
                let at = [centre[0] + turn(0.4) * w, centre[1] + turn(0.36) * h];
                let size = r * (0.2 + turn(0.1));
                let colour = mix(a, b, turn(1.0).abs());
                canvas.polygon(
                    &[
                        [at[0] - 0.86 * size, at[1] - 0.4 * size],
                        [at[0] + 0.86 * size, at[1] - 0.4 * size],
                        [at[0], at[1] - 2.0 * size],
                    ],
                    lit(colour, 0.9),
                );
                canvas.ball(at, size, colour);
            }
        }
        Hero::Rings => {
            let period = r * (0.14 + turn(0.05));
            canvas.paint(area, ellipse_distance(centre, [0.5 * w, 0.5 * h]), |x, y| {
                let d = ((x - centre[0]) * h / w.max(h)).hypot((y - centre[1]) * w / w.max(h)) / period;
                (mix(a, b, ((d.rem_euclid(2.0) - 1.0).abs() * 6.0 - 2.5).clamp(0.0, 1.0)), 1.0)
            });
        }
        Hero::Waves => {
            let (period, lift, phase) = (h * (0.16 + turn(0.06)), r * (0.1 + turn(0.08)), turn(1.0) * TAU);
            canvas.paint(area, box_distance(area, 0.0), |x, y| {
                let k = (y + lift * (x / r * 2.4 + phase).sin() + lift * 0.6 * (x / r * 5.1).sin()) / period;
                (mix(a, b, ((k.rem_euclid(2.0) - 1.0).abs() * 8.0 - 3.5).clamp(0.0, 1.0)), 0.95)
            });
        }
        Hero::Tools => {
            for k in 0..4 {
                let x = area[0] + w * (0.2 + 0.2 * k as f32);
                let (top, foot) = (area[1] + h * (0.12 + turn(0.06).abs()), area[3] - 0.1 * h);
                canvas.line([x, top], [x, foot - 0.35 * h], 0.1 * r, [0.7, 0.72, 0.75]);
                canvas.line([x - 0.02 * r, top], [x - 0.02 * r, foot - 0.35 * h], 0.03 * r, [0.92; 3]);
                canvas.line([x, foot - 0.32 * h], [x, foot], 0.2 * r, mix(a, b, (k % 2) as f32));
                canvas.line(
                    [x - 0.04 * r, foot - 0.3 * h],
                    [x - 0.04 * r, foot],
                    0.05 * r,
                    lit(mix(a, b, (k % 2) as f32), 1.4),
                );
            }
        }
    }
}

fn leaf(canvas: &mut Canvas, from: [f32; 2], to: [f32; 2], half: f32, colour: Rgb) {
    let (dx, dy) = (to[0] - from[0], to[1] - from[1]);
    let length = dx.hypot(dy).max(1e-3);
    let (nx, ny) = (-dy / length * half, dx / length * half);
    let outline = (0..=16).map(|i| {
        let share = i as f32 / 8.0;
        let (along, side) = if share <= 1.0 { (share, 1.0) } else { (2.0 - share, -1.0) };
        let wide = side * (along * std::f32::consts::PI).sin();
        [from[0] + dx * along + nx * wide, from[1] + dy * along + ny * wide]
    });
    canvas.polygon(&outline.collect::<Vec<_>>(), colour);
    canvas.line(from, to, (0.14 * half).max(0.8), lit(colour, 1.3));
}

/// A star with five tips.
pub(crate) fn star(canvas: &mut Canvas, at: [f32; 2], radius: f32, turn: f32, colour: Rgb) {
    let corners: [[f32; 2]; 10] = std::array::from_fn(|i| {
        let (s, c) = ((turn + i as f32 / 10.0) * TAU).sin_cos();
        let r = if i % 2 == 0 { radius } else { 0.45 * radius };
        [at[0] + r * c, at[1] + r * s]
    });
    canvas.polygon(&corners, colour);
}
