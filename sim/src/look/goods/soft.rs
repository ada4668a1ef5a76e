//! Goods in film and cloth: pouches, bags, packs, towels, nets, squeezed tubes.

use rand::Rng;

use super::super::artwork::ink_on;
use super::super::form::{Form, Ring};
use super::super::lettering;
use super::super::paint::{Canvas, Rgb, box_distance, clouds, hash, hsv, lit, mix, noise};
use super::super::smallprint::barcode;
use super::{Face, Good, Made, Print, dress, prints};

/// How full a pillow is at (s, t): 1 in the middle, 0 at its rim.
fn puff(s: f32, t: f32) -> f32 {
    ((1.0 - s.abs().powf(2.8)).max(0.0).powf(0.62)) * ((1.0 - t.abs().powf(3.4)).max(0.0).powf(0.55))
}

/// Ridged noise, −0.5 to 0.5: long folds.
fn fold(s: f32, t: f32, size: f32, seed: u32) -> f32 {
    let n = noise(s * size + 7.0, t * size * 0.8 + 3.0, seed);
    0.5 - (2.0 * n - 1.0).abs() + 0.4 * (noise(s * size * 2.3, t * size * 2.3 + 9.0, seed ^ 5) - 0.5)
}

/// A rim that wavers.
fn waver(half: [f32; 2], by: f32, seed: u32) -> impl Fn(f32, f32) -> [f32; 2] {
    move |s, t| {
        let (u, v) = (noise(t * 2.2 + 4.0, s + 9.0, seed) - 0.5, noise(s * 2.2 + 2.0, t + 5.0, seed ^ 3) - 0.5);
        let waist = [1.0 - 0.045 * (1.0 - t * t) * s * s, 1.0 - 0.03 * (1.0 - s * s) * t * t];
        [half[0] * s * waist[0] + by * u * s.abs(), half[1] * t * waist[1] + by * v * t.abs()]
    }
}

/// A pouch of foil with crimped ends.
pub(crate) fn pouch(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let faces = [
        Face::new([x, y], |w, h| {
            let mut c = prints::front(&good.art, good.print, w, h);
            good.art.crimp(&mut c);
            c.into()
        }),
        Face::new([x, y], |w, h| {
            let mut c = prints::back(&good.art, good.print, w, h);
            good.art.crimp(&mut c);
            let (wide, tall) = (c.w(), c.h());
            c.line([0.5 * wide, 0.0], [0.5 * wide, tall], 1.5, lit(good.art.paper(), 0.7));
            c.into()
        }),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let along_x = x >= y;
    let lumps = 0.10 + 0.12 * hash(6, 1, seed);
    let swell = move |s: f32, t: f32, seed: u32| {
        let (s, t) = if along_x { (s, t) } else { (t, s) };
        // Flat where it is crimped.
        let (end, rim) = ((s.abs() / 0.9).min(1.0), t);
        puff(end, rim) * (1.0 + lumps * 2.0 * (clouds(s * 2.4 + 3.0, t * 2.4, 2, seed) - 0.5))
            + 0.10 * fold(s, t, 2.6, seed) * (1.0 - end.powi(6))
    };
    form.pillow(
        [20, 16],
        waver([0.5 * x, 0.5 * y], 0.004, seed),
        |s, t| 0.47 * z * swell(s, t, seed),
        |s, t| -0.44 * z * swell(s, t, seed ^ 77),
        [&p[0], &p[1]],
    );
    Made { form, texture }
}

/// A bag of clear film with loose content, a printed header or a label.
pub(crate) fn polybag(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let header = hash(6, 2, seed) < 0.55;
    let colours: Vec<Rgb> = if hash(6, 3, seed) < 0.35 || good.black {
        vec![[0.16, 0.16, 0.17], [0.1, 0.1, 0.11], [0.3, 0.3, 0.32]]
    } else {
        let [one, two, three] = prints::natural(seed);
        if hash(6, 5, seed) < 0.6 {
            vec![one, two, three]
        } else {
            vec![good.art.second, good.art.third, [0.88; 3], two]
        }
    };
    let grain = 0.07 + 0.1 * hash(6, 4, seed);
    let film = |front: bool| {
        move |w: usize, h: usize| {
            let mut colour = Canvas::new(w, h, [0.9, 0.92, 0.94]);
            let mut cover = Canvas::new(w, h, [0.06; 3]);
            let (cw, ch) = (colour.w(), colour.h());
            // Milky welds at the rims.
            let all = cover.all();
            let rim = box_distance([0.03 * cw, 0.03 * ch, 0.97 * cw, 0.97 * ch], 2.0);
            cover.paint(all, |u, v| -rim(u, v), |_, _| ([0.2; 3], 1.0));
            let area = if header { [0.0, 0.0, cw, 0.3 * ch] } else { [0.2 * cw, 0.32 * ch, 0.72 * cw, 0.68 * ch] };
            let (pw, ph) = ((area[2] - area[0]) as usize, (area[3] - area[1]) as usize);
            let print = if front {
                prints::front(&good.art, good.print, pw, ph)
            } else {
                prints::back(&good.art, good.print, pw, ph)
            };
            if front || header {
                colour.stamp(&print, area[0] as usize, area[1] as usize, false);
                cover.rect(
                    [area[0].floor(), area[1].floor(), area[0].floor() + pw as f32, area[1].floor() + ph as f32],
                    [1.0; 3],
                );
            }
            Print { colour, cover: Some(cover) }
        }
    };
    let faces = [
        Face::new([x, y], film(true)),
        Face::new([x, y], film(false)),
        Face::new([0.8 * x, 0.7 * y], |w, h| {
            let mut rng = good.art.rng(91);
            prints::heap(w, h, &colours, grain, seed, &mut rng).into()
        }),
        Face::new([0.8 * x, 0.7 * y], |w, h| {
            let mut rng = good.art.rng(92);
            prints::heap(w, h, &colours, grain, seed, &mut rng).into()
        }),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let low = if header { -0.17 } else { 0.0 };
    let fill = |s: f32, t: f32| puff((s / 0.9).clamp(-1.0, 1.0), ((t - low) / 0.8).clamp(-1.0, 1.0));
    form.pillow(
        [20, 18],
        waver([0.5 * x, 0.5 * y], 0.010, seed),
        |s, t| z * (0.47 * fill(s, t) + 0.02 + 0.10 * fold(s, t, 3.2, seed) * (1.0 - s.abs().max(t.abs()).powi(4))),
        |s, t| -z * (0.36 * fill(s, t) + 0.02 + 0.05 * fold(s, t, 3.2, seed ^ 1)),
        [&p[0], &p[1]],
    );
    let outside = form.parts.len();
    let lump = |s: f32, t: f32, seed: u32| puff(s, t) * (0.72 + 0.5 * (clouds(s * 3.5 + 3.0, t * 3.5, 2, seed) - 0.3));
    let shift = 0.5 * y * low * 0.9;
    form.pillow(
        [14, 12],
        |s, t| [0.40 * x * s, 0.34 * y * t + shift],
        |s, t| 0.42 * z * lump(s, t, seed).min(1.0),
        |s, t| -0.33 * z * lump(s, t, seed ^ 9).min(1.0),
        [&p[2], &p[3]],
    );
    form.parts.truncate(outside);
    Made { form, texture }
}

/// Socks, wipes, tissues: cloth in printed film with clear seams.
pub(crate) fn soft_pack(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let cloth = if good.black {
        [0.09; 3]
    } else if hash(7, 1, seed) < 0.6 {
        [0.93; 3]
    } else {
        good.art.third
    };
    // The film is printed over some of the front, and shows the cloth elsewhere.
    let bare = if hash(7, 2, seed) < 0.6 { 0.18 + 0.3 * hash(7, 3, seed) } else { 0.0 };
    let face = |front: bool| {
        move |w: usize, h: usize| {
            let print = if front {
                prints::front(&good.art, good.print, w, h)
            } else {
                prints::back(&good.art, good.print, w, h)
            };
            let mut colour = print;
            let (cw, ch) = (colour.w(), colour.h());
            if bare > 0.0 {
                let knit = prints::knit(w, h, cloth, seed);
                let from = (1.0 - bare) * ch;
                for y in (from as usize)..h {
                    for x in 0..w {
                        // A dim line where the two halves of the cloth meet.
                        let dim = if (x as f32 - 0.52 * cw).abs() < 1.5 { 0.6 } else { 1.0 };
                        colour.rgb[y * w + x] = lit(knit.rgb[y * w + x], dim);
                    }
                }
            }
            let mut cover = Canvas::new(w, h, [1.0; 3]);
            let all = cover.all();
            let rim = box_distance([0.035 * cw, 0.035 * ch, 0.965 * cw, 0.965 * ch], 3.0);
            cover.paint(all, |u, v| -rim(u, v), |_, _| ([0.28; 3], 1.0));
            colour.paint(all, |u, v| -rim(u, v), |_, _| ([0.88, 0.9, 0.92], 0.8));
            Print { colour, cover: Some(cover) }
        }
    };
    let faces = [Face::new([x, y], face(true)), Face::new([x, y], face(false))];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let swell = move |s: f32, t: f32, seed: u32| {
        let (a, b) = ((s / 0.93).clamp(-1.0, 1.0), (t / 0.93).clamp(-1.0, 1.0));
        let full = ((1.0 - a.powi(6)).max(0.0) * (1.0 - b.powi(6)).max(0.0)).powf(0.42);
        full * (0.88 + 0.2 * (clouds(s * 1.7 + 5.0, t * 1.7, 2, seed) - 0.5)) + 0.09 * fold(s, t, 3.0, seed) * full
    };
    form.pillow(
        [22, 18],
        waver([0.5 * x, 0.5 * y], 0.007, seed),
        |s, t| 0.5 * z * swell(s, t, seed),
        |s, t| -0.47 * z * swell(s, t, seed ^ 31),
        [&p[0], &p[1]],
    );
    Made { form, texture }
}

/// Folded cloth with a paper band.
pub(crate) fn cloth(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let colour = if good.black {
        [0.07; 3]
    } else {
        hsv(hash(8, 1, seed), 0.1 + 0.6 * hash(8, 2, seed), 0.3 + 0.6 * hash(8, 3, seed))
    };
    let banded = hash(8, 4, seed) < 0.7;
    let face = |top: bool| {
        move |w: usize, h: usize| {
            let mut c = prints::knit(w, h, colour, seed);
            if banded && top {
                let (cw, ch) = (c.w(), c.h());
                let band = [0.33 * cw, 0.0, 0.62 * cw, ch];
                let mut paper =
                    Canvas::new(((band[2] - band[0]) as usize).max(8), h, mix(good.art.brand.base, [0.95; 3], 0.3));
                let (pw, ph) = (paper.w(), paper.h());
                let ink = ink_on(paper.rgb[0]);
                let size = (0.12 * ph)
                    .min(0.8 * pw / lettering::width(&good.art.brand.name, 1.0, &good.art.brand.pen).max(0.1));
                lettering::write_centred(
                    &mut paper,
                    &good.art.brand.name,
                    0.5 * pw,
                    0.4 * ph,
                    size,
                    &good.art.brand.pen,
                    ink,
                );
                barcode(&mut paper, &good.art.barcode, [0.1 * pw, 0.62 * ph, 0.95 * pw, 0.9 * ph]);
                c.stamp(&paper, band[0] as usize, 0, false);
            }
            c.into()
        }
    };
    let side = |w: usize, h: usize| {
        let mut c = prints::knit(w, h, colour, seed ^ 4);
        let all = c.all();
        let (along, layers) = (if w > h { 0 } else { 1 }, 4.0);
        let deep = if along == 0 { c.h() } else { c.w() };
        c.paint(
            all,
            |_, _| -1.0,
            |u, v| {
                let k = if along == 0 { v } else { u } / deep * layers + 0.4 * noise(u * 0.05, v * 0.05, seed);
                ([0.0; 3], 0.55 * (1.0 - 2.0 * (k.fract() - 0.5).abs()).powi(6))
            },
        );
        c.into()
    };
    let faces = [
        Face::new([y, z], side),
        Face::new([y, z], side),
        Face::new([x, z], side),
        Face::new([x, z], side),
        Face::new([x, y], face(false)),
        Face::new([x, y], face(true)),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let half = [0.5 * x, 0.5 * y, 0.5 * z];
    form.rounded_box([0.0; 3], half, 0.42 * z, 0.06 * z, &std::array::from_fn(|k| p[k]), |q| {
        let (s, t) = (q[0] / x * 5.0 + 20.0, q[1] / y * 5.0 + 20.0);
        let wave = [noise(s, t, seed), noise(t, s, seed ^ 1), noise(s * 1.6, t * 1.6, seed ^ 2)].map(|n| n - 0.5);
        [0.03 * x * wave[0], 0.03 * y * wave[1], 0.16 * z * wave[2] * (q[2] / (0.5 * z))]
    });
    Made { form, texture }
}

/// Fruit in a net with a label.
pub(crate) fn net_bag(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let fruit = hsv(0.02 + 0.2 * hash(9, 1, seed), 0.75 + 0.2 * hash(9, 2, seed), 0.7 + 0.25 * hash(9, 3, seed));
    let strand = [good.art.brand.accent, [0.85, 0.2, 0.15], [0.2, 0.5, 0.25]][(seed % 3) as usize];
    let net = |front: bool| {
        move |w: usize, h: usize| {
            let mut colour = Canvas::new(w, h, strand);
            let mut cover = prints::net(w, h, (0.011 / x * w as f32).max(4.0), 0.2, true);
            if front {
                let (cw, ch) = (colour.w(), colour.h());
                let print = prints::front(&good.art, good.print, (0.42 * cw) as usize, (0.3 * ch) as usize);
                let at = [(0.3 * cw).floor(), (0.36 * ch).floor()];
                colour.stamp(&print, at[0] as usize, at[1] as usize, false);
                cover.rect([at[0], at[1], at[0] + print.w(), at[1] + print.h()], [1.0; 3]);
            }
            Print { colour, cover: Some(cover) }
        }
    };
    let faces = [
        Face::new([x, y], net(true)),
        Face::new([x, y], net(false)),
        Face::new([0.3 * x, 0.15 * x], move |w, h| {
            let mut c = Canvas::new(w, h, fruit);
            let all = c.all();
            c.paint(
                all,
                |_, _| -1.0,
                |u, v| {
                    (
                        lit(
                            fruit,
                            0.82 + 0.16 * clouds(u * 0.15, v * 0.15, 2, seed) + 0.1 * hash(u as i32, v as i32, seed),
                        ),
                        1.0,
                    )
                },
            );
            c.into()
        }),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    form.pillow(
        [14, 12],
        waver([0.5 * x, 0.5 * y], 0.006, seed),
        |s, t| 0.5 * z * puff(s, t).max(0.05),
        |s, t| -0.5 * z * puff(s, t).max(0.05),
        [&p[0], &p[1]],
    );
    let outside = form.parts.len();
    let radius = 0.40 * z;
    let (nx, ny) =
        (((0.92 * x / (2.0 * radius)) as usize).clamp(1, 3), ((0.92 * y / (2.0 * radius)) as usize).clamp(1, 2));
    let mut rng = good.art.rng(93);
    for j in 0..ny {
        for i in 0..nx {
            let at = |k: usize, n: usize, size: f32| (k as f32 - 0.5 * (n as f32 - 1.0)) * (0.86 * size / n as f32);
            let mut off = || rng.random_range(-0.1..0.1f32) * radius;
            let (dx, dy, dz) = (off(), off(), off());
            form.ball([at(i, nx, x) + dx, at(j, ny, y) + dy, 0.5 * dz], radius * 0.97, &p[2]);
        }
    }
    form.parts.truncate(outside);
    Made { form, texture }
}

/// A squeezed tube: round at its cap, flat at its crimp; along z.
pub(crate) fn tube(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let (a, b) = (0.5 * x, 0.5 * y);
    let faces = [
        Face::new([2.0 * x, 0.86 * z], |w, h| {
            let mut c = prints::wrap(&good.art, good.print, h, w);
            let mut turned = Canvas::new(w, h, good.art.paper());
            // The print runs along the tube.
            turned.stamp(&c, 0, 0, true);
            c = turned;
            c.into()
        }),
        Face::plain([2.0 * x, 0.1 * z], good.art.brand.accent),
        Face::plain([y, y], lit(good.art.brand.accent, 0.85)),
    ];
    let (texture, p) = dress(&faces);
    let dented = 0.25 * hash(9, 5, seed);
    let ring = |s: f32, w: f32, d: f32| Ring::oval(s * z, w, d, 2.2);
    let mut form = Form::default();
    let cap = 0.12;
    let rings = [
        ring(cap - 0.005, 0.35 * b, 0.35 * b),
        ring(cap, 0.75 * b, 0.75 * b),
        ring(cap + 0.03, 0.92 * b.max(0.8 * a), b),
        ring(0.4, 0.9 * a, b),
        ring(0.6, 0.94 * a, (0.86 - dented) * b),
        ring(0.8, 0.98 * a, 0.5 * b),
        ring(0.95, a, 0.0013),
        ring(1.0, a, 0.0012),
    ];
    form.loft(&rings, &[(0, 2, &p[1]), (2, 6, &p[0]), (6, 7, &p[0])], [&p[2], &p[1]]);
    let top = [ring(0.0, 0.55 * b, 0.55 * b), ring(0.01, 0.62 * b, 0.62 * b), ring(cap, 0.72 * b, 0.72 * b)];
    form.loft(&top, &[(0, 2, &p[1])], [&p[2], &p[2]]);
    Made { form, texture }
}
