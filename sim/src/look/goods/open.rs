//! Things that are open, thin or put together: blisters, brushes, pails, baskets, cups of wire, trays.

use std::f32::consts::PI;

use super::super::form::{Form, Ring};
use super::super::paint::{Canvas, Rgb, hash, hsv, lit, mix, noise};
use super::{Face, Good, Made, Print, dress, prints};

/// A printed card with a hole to hang it by, and a clear bubble over goods.
pub(crate) fn blister(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let card = |front: bool| {
        move |w: usize, h: usize| {
            let mut colour = if front {
                // The picture stands above the bubble, what is under it is plain.
                let mut c = prints::front(&good.art, good.print, w, h * 2 / 5);
                let mut all = Canvas::new(w, h, mix(good.art.brand.base, [0.95; 3], 0.25));
                std::mem::swap(&mut c, &mut all);
                c.stamp(&all, 0, 0, false);
                c
            } else {
                prints::back(&good.art, good.print, w, h)
            };
            let mut cover = Canvas::new(w, h, [1.0; 3]);
            let hole = [0.5 * cover.w(), 0.045 * cover.h()];
            let radii = [0.07 * cover.w(), 0.016 * cover.h()];
            cover.ellipse(hole, radii, [0.0; 3]);
            colour.ellipse(hole, [radii[0] + 1.5, radii[1] + 1.5], [0.6; 3]);
            Print { colour, cover: Some(cover) }
        }
    };
    let goods: Rgb = if good.black || hash(11, 1, seed) < 0.3 { [0.09, 0.09, 0.1] } else { good.art.second };
    let bubble_size = [0.86 * x, 0.56 * y];
    let faces = [
        Face::new([x, y], card(true)),
        Face::new([x, y], card(false)),
        Face::plain([0.01, 0.01], [0.85; 3]),
        Face::clear([bubble_size[0] + bubble_size[1], z], [0.88, 0.92, 0.95], 0.1),
        Face::clear(bubble_size, [0.88, 0.92, 0.95], 0.1),
        Face::new([bubble_size[0], 0.5 * z], move |w, h| {
            let mut c = Canvas::new(w, h, goods);
            let (wide, tall, all) = (c.w(), c.h(), c.all());
            c.paint(all, |_, _| -1.0, |u, v| (lit(goods, 0.85 + 0.2 * noise(u * 0.1, v * 0.1, seed)), 1.0));
            c.rect([0.3 * wide, 0.0, 0.4 * wide, tall], good.art.third);
            c.rect([0.72 * wide, 0.0, 0.76 * wide, tall], [0.9; 3]);
            c.into()
        }),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let thick = 0.0009;
    let warp = 0.002 * (hash(11, 2, seed) - 0.5);
    let mut six = [p[2]; 6];
    (six[4], six[5]) = (p[1], p[0]);
    form.rounded_box([0.0, 0.0, 0.5 * thick], [0.5 * x, 0.5 * y, 0.5 * thick], 0.3 * thick, 0.0, &six, |q| {
        [0.0, 0.0, warp * (2.0 * q[0] / x).powi(2)]
    });
    let middle = -0.16 * y;
    let (a, b) = (0.5 * bubble_size[0], 0.5 * bubble_size[1]);
    let ring = |height: f32, by: f32| Ring::oval(height, a * by, b * by, 5.0).at(0.0, middle);
    let rings = [
        ring(0.3 * thick, 1.0),
        ring(0.0016, 1.0),
        ring(0.0018, 0.95),
        ring(0.75 * z, 0.87),
        ring(0.95 * z, 0.83),
        ring(z, 0.74),
    ];
    form.loft(&rings, &[(0, 2, &p[3]), (2, 5, &p[3])], [&p[4], &p[4]]);
    let outside = form.parts.len();
    // What is sold: some rods side by side, or one thing.
    let count = if hash(11, 3, seed) < 0.5 { 2 + (hash(11, 4, seed) * 4.0) as usize } else { 1 };
    let room = 1.6 * a / count as f32;
    for k in 0..count {
        let at = (k as f32 - 0.5 * (count as f32 - 1.0)) * room;
        let r = (0.46 * room).min(0.42 * z);
        let long = 0.74 * b;
        if count > 1 {
            let path: Vec<[f32; 3]> =
                (0..=4).map(|i| [at, middle + long * (0.5 * i as f32 - 1.0), 0.1 * z + r]).collect();
            form.rod(&path, &[0.7 * r, r, 0.94 * r, 0.8 * r, 0.35 * r], 10, &p[5]);
        } else {
            let shape = |height: f32, by: f32| Ring::oval(height, 0.72 * a * by, 0.74 * b * by, 3.0).at(0.0, middle);
            form.loft(
                &[shape(0.1 * z, 0.9), shape(0.3 * z, 1.0), shape(0.7 * z, 0.94), shape(0.84 * z, 0.7)],
                &[(0, 3, &p[5])],
                [&p[5], &p[5]],
            );
        }
    }
    form.parts.truncate(outside);
    Made { form, texture }
}

/// A handle with a head of bristles, along x.
pub(crate) fn brush(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let handle = if good.black { [0.1; 3] } else { mix(good.art.brand.base, [0.93; 3], 0.5) };
    let grip = mix(good.art.brand.accent, [0.2; 3], 0.4);
    let hair: Rgb = if hash(12, 1, seed) < 0.7 { [0.9, 0.9, 0.88] } else { good.art.third };
    let faces = [
        Face::new([x, 0.05], move |w, h| {
            let mut c = Canvas::new(w, h, handle);
            let (wide, tall) = (c.w(), c.h());
            c.rect([0.06 * wide, 0.0, 0.34 * wide, tall], grip);
            for k in 0..6 {
                let at = (0.1 + 0.035 * k as f32) * wide;
                c.line([at, 0.0], [at, tall], 1.4, lit(grip, 0.6));
            }
            c.rect([0.5 * wide, 0.1 * tall, 0.62 * wide, 0.8 * tall], good.art.brand.accent);
            c.into()
        }),
        Face::new([0.1, 0.1], move |w, h| {
            let mut c = Canvas::new(w, h, hair);
            let all = c.all();
            c.paint(
                all,
                |_, _| -1.0,
                |u, v| {
                    let tuft = hash((u * 0.5) as i32, (v * 0.12) as i32, seed);
                    (lit(hair, 0.5 + 0.5 * tuft + 0.15 * hash(u as i32, v as i32, seed)), 1.0)
                },
            );
            c.into()
        }),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let head = (0.28 * x).min(0.12);
    let (ry, rz) = (0.5 * y, 0.5 * z);
    let thin = 0.3 * ry.min(rz);
    let path: Vec<[f32; 3]> = (0..=7)
        .map(|k| {
            let s = k as f32 / 7.0;
            [x * (s - 0.5) * (1.0 - 0.5 * head / x) - 0.2 * head, 0.0, 0.12 * z * (s * PI).sin()]
        })
        .collect();
    form.rod(
        &path,
        &[0.7 * thin, 1.3 * thin, 1.45 * thin, 1.2 * thin, 0.8 * thin, 0.7 * thin, 0.75 * thin, 0.9 * thin],
        10,
        &p[0],
    );
    let body = form.parts.len();
    // A head that tapers, along z, and turned to lie along x.
    let mut bristles = Form::default();
    let ring = |s: f32, by: f32| Ring::oval(s * head, 0.86 * rz * by, 0.86 * ry * by, 2.0);
    let rings = [
        ring(0.0, 0.35),
        ring(0.12, 0.8),
        ring(0.3, 0.95),
        ring(0.55, 1.0),
        ring(0.8, 0.86),
        ring(0.95, 0.55),
        ring(1.0, 0.25),
    ];
    let spike = 0.3 * ry.min(rz);
    bristles.loft_bent(&rings, &[(0, 6, &p[1])], [&p[1], &p[1]], |j, i| {
        if j == 0 { 0.0 } else { spike * (hash(i as i32, j as i32, seed) - 0.5) }
    });
    // (x, y, z) ← (z, y, −x).
    bristles.turn([2, 1, 0], [1.0, 1.0, -1.0]);
    for at in &mut bristles.mesh.positions {
        at[0] += 0.5 * x - head;
    }
    let base = form.mesh.positions.len() as u32;
    form.mesh.positions.extend(bristles.mesh.positions);
    form.mesh.normals.extend(bristles.mesh.normals);
    form.mesh.uvs.extend(bristles.mesh.uvs);
    form.mesh.triangles.extend(bristles.mesh.triangles.iter().map(|t| t.map(|i| i + base)));
    let head_part = form.mesh.positions[base as usize..].iter().step_by(3).copied().collect();
    form.parts.truncate(body);
    form.parts.push(head_part);
    Made { form, texture }
}

/// Outer wall up, rim, inner wall down, inner floor.
fn cup_rings(size: [f32; 3], wall: f32, foot: f32, e: f32) -> ([Ring; 8], usize) {
    let [a, b, z] = [0.5 * size[0], 0.5 * size[1], size[2]];
    let ring = |height: f32, by: f32, off: f32| Ring::oval(height, a * by - off, b * by - off, e);
    let mid = 0.5 * (foot + 1.0);
    (
        [
            ring(0.0, foot, 0.0),
            ring(0.5 * z, mid, 0.0),
            ring(0.94 * z, 1.0 - 0.06 * (1.0 - foot), 0.0),
            ring(z, 1.0, 0.0),
            ring(z, 1.0, wall),
            ring(0.94 * z, 1.0 - 0.06 * (1.0 - foot), wall),
            ring(0.5 * z, mid, wall),
            ring(wall, foot, wall),
        ],
        4,
    )
}

/// A pail with a bail that swings.
pub(crate) fn bucket(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let colour = if good.black { [0.08; 3] } else { good.art.brand.base };
    let round = 0.9 * x;
    let tall = 0.86 * z;
    let faces = [
        Face::new([PI * x, tall], |w, h| {
            let print = prints::front(&good.art, good.print, w / 3, h * 2 / 3);
            let mut c = Canvas::new(w, h, colour);
            c.stamp(&print, w / 8, h / 6, false);
            c.stamp(&print, w / 8 + w / 2, h / 6, false);
            let wide = c.w();
            c.rect([0.0, 0.0, wide, 0.07 * h as f32], lit(colour, 0.85));
            c.into()
        }),
        Face::plain([PI * x, 0.5 * tall], lit(colour, 0.9)),
        Face::plain([0.4 * x, 0.4 * x], lit(colour, 0.82)),
        Face::plain([x, 0.01], [0.72, 0.73, 0.75]),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let (rings, inner) = cup_rings([round, round, tall], 0.0022, 0.78, 2.0);
    form.loft(&rings, &[(0, 3, &p[0]), (3, 4, &p[1]), (4, 7, &p[1])], [&p[2], &p[2]]);
    form.cup_parts(&rings, inner);
    let r = 0.5 * x - 0.0025;
    let lean = 0.15 + 0.5 * hash(13, 1, good.art.seed as u32);
    let path: Vec<[f32; 3]> = (0..=10)
        .map(|k| {
            let t = PI * k as f32 / 10.0;
            let up = t.sin();
            [r * t.cos(), -lean * r * up, 0.9 * tall + (z - 0.9 * tall - 0.0025) * up]
        })
        .collect();
    form.rod(&path, &[0.0022], 6, &p[3]);
    Made { form, texture }
}

/// A basket of plastic with rows of holes.
pub(crate) fn basket(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let colour = if good.black {
        [0.08; 3]
    } else {
        hsv(hash(14, 1, seed), 0.15 + 0.5 * hash(14, 2, seed), 0.5 + 0.45 * hash(14, 3, seed))
    };
    let pitch = 0.011 + 0.006 * hash(14, 4, seed);
    let holes = move |size: [f32; 2], label: bool| {
        move |w: usize, h: usize| {
            let mut canvas = Canvas::new(w, h, colour);
            let mut cover = Canvas::new(w, h, [1.0; 3]);
            let step = [pitch / size[0] * w as f32, pitch / size[1] * h as f32];
            let (nx, ny) = ((w as f32 / step[0]) as usize, (h as f32 / step[1]) as usize);
            for j in 1..ny {
                for i in 0..nx {
                    let at = [(i as f32 + 0.5) * step[0], (j as f32 + 0.3) * step[1]];
                    if at[1] > 0.88 * h as f32 {
                        continue;
                    }
                    cover.ellipse(at, [0.3 * step[0], 0.3 * step[1]], [0.0; 3]);
                    canvas.ellipse(at, [0.36 * step[0], 0.36 * step[1]], lit(colour, 0.7));
                }
            }
            if label {
                let print = prints::front(&good.art, good.print, w / 9, h / 2);
                canvas.stamp(&print, w / 5, h / 4, false);
                let (left, top) = ((w / 5) as f32, (h / 4) as f32);
                cover.rect([left, top, left + print.w(), top + print.h()], [1.0; 3]);
            }
            Print { colour: canvas, cover: Some(cover) }
        }
    };
    let around = 2.0 * (x + y);
    let faces = [
        Face::new([around, z], holes([around, z], true)),
        Face::new([around, z], holes([around, z], false)),
        Face::new([x, y], holes([x, y], false)),
        Face::plain([0.1, 0.01], lit(colour, 1.05)),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let (rings, inner) = cup_rings([x, y, z], 0.0025, 0.84, 6.0);
    form.loft(&rings, &[(0, 3, &p[0]), (3, 4, &p[3]), (4, 7, &p[1])], [&p[2], &p[2]]);
    form.cup_parts(&rings, inner);
    Made { form, texture }
}

/// A cup of woven wire with solid rims.
pub(crate) fn mesh_cup(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let wire: Rgb = if good.black || hash(15, 1, seed) < 0.6 { [0.05; 3] } else { [0.6, 0.61, 0.63] };
    let mesh = move |size: [f32; 2]| {
        move |w: usize, h: usize| {
            let colour = Canvas::new(w, h, wire);
            let cover = prints::net(w, h, (0.0034 / size[0] * w as f32).max(4.0), 0.34, true);
            Print { colour, cover: Some(cover) }
        }
    };
    let around = PI * x;
    let faces = [
        Face::new([around, 0.88 * z], mesh([around, 0.88 * z])),
        Face::plain([around, 0.06 * z], lit(wire, 1.1)),
        Face::plain([x, x], lit(wire, 1.15)),
        Face::new([0.03, 0.02], |w, h| prints::front(&good.art, good.print, w, h).into()),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let (rings, inner) = cup_rings([x, x, z], 0.0016, 0.86, 2.0);
    form.loft(&rings, &[(0, 2, &p[0]), (2, 3, &p[1]), (3, 4, &p[1]), (4, 5, &p[1]), (5, 7, &p[0])], [&p[2], &p[2]]);
    form.cup_parts(&rings, inner);
    // A price tag on the wire.
    let r = 0.5 * 0.93 * x;
    let tag = r * 0.9972;
    let half = [0.012f32.min(0.3 * x), 0.0006, 0.009];
    let mut six = [p[1]; 6];
    six[2] = p[3];
    form.rounded_box([0.0, -tag, 0.5 * z], half, 0.0002, 0.0, &six, |_| [0.0; 3]);
    form.parts.pop();
    Made { form, texture }
}

/// A moulded tray with two rows of wells, and a label.
pub(crate) fn tray(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let seed = good.art.seed as u32;
    let colour = if good.black { [0.1; 3] } else { mix(good.art.brand.base, [0.93; 3], 0.8) };
    let faces = [
        Face::new([x, y], |w, h| {
            let mut c = Canvas::new(w, h, colour);
            let print = prints::front(&good.art, good.print, w / 4, h * 4 / 5);
            c.stamp(&print, w / 30, h / 10, false);
            c.into()
        }),
        Face::plain([x, y], lit(colour, 0.95)),
    ];
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let wells = [5.0 + (hash(16, 1, seed) * 2.0).floor(), 2.0];
    let deep = move |s: f32, t: f32| {
        let well = |v: f32, count: f32| {
            let k = ((0.5 + 0.5 * v) * 1.12 - 0.06).clamp(0.0, 0.9999) * count;
            let near = 1.0 - (2.0 * (k.fract() - 0.5)).abs();
            (near * 3.4).clamp(0.0, 1.0)
        };
        let rim = ((1.0 - s.abs()) * 12.0).clamp(0.0, 1.0) * ((1.0 - t.abs()) * 8.0).clamp(0.0, 1.0);
        // A label lies over the first wells.
        let labelled = if s < -0.4 { 0.12 } else { 1.0 };
        -z * (0.12 + 0.84 * well(s, wells[0]) * well(t, wells[1]) * labelled) * rim
    };
    form.pillow(
        [30, 16],
        |s, t| {
            let corner = 1.0 - 0.06 * (s * t).abs().powi(6);
            [0.5 * x * s * corner, 0.5 * y * t * corner]
        },
        move |s, t| deep(s, t) + 0.0006,
        move |s, t| deep(s, t) - 0.0012,
        [&p[0], &p[1]],
    );
    Made { form, texture }
}
