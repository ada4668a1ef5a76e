//! Boxes and what comes near them: cartons, books, tins, oval bottles, canisters.

use super::super::form::{Form, Ring};
use super::super::mesh::Patch;
use super::super::paint::{Canvas, Rgb, hash, lit, mix, noise};
use super::super::smallprint::wear;
use super::{Face, Good, Made, dress, prints};

/// The front's axis of a box: the thinnest side.
fn thin_axis(size: [f64; 3]) -> usize {
    (0..3).min_by(|&a, &b| size[a].total_cmp(&size[b])).unwrap_or(2)
}

fn six(patches: &[Patch]) -> [Patch; 6] {
    std::array::from_fn(|k| patches[k])
}

/// Faces of a box as [`super::super::mesh::SIDES`] has them: the front on the thin axis, sides elsewhere.
fn box_faces<'a>(good: &'a Good, size: [f32; 3]) -> Vec<Face<'a>> {
    let [x, y, z] = size;
    let thin = thin_axis(good.size_m);
    [[y, z], [y, z], [x, z], [x, z], [x, y], [x, y]]
        .into_iter()
        .enumerate()
        .map(|(k, face)| {
            let axis = k / 2;
            Face::new(face, move |w, h| {
                if axis == thin {
                    let front = k % 2 == 1 || good.art.seed.is_multiple_of(3);
                    if front {
                        prints::front(&good.art, good.print, w, h)
                    } else {
                        prints::back(&good.art, good.print, w, h)
                    }
                } else {
                    prints::side(&good.art, good.print, w, h, k as u64)
                }
                .into()
            })
        })
        .collect()
}

/// A folding carton: slightly rounded, faces a little bulged or sunk, one corner sometimes crushed.
pub(crate) fn carton(good: &Good) -> Made {
    let size = good.size_m.map(|s| s as f32);
    let faces = box_faces(good, size);
    let (texture, patches) = dress(&faces);
    let half = size.map(|s| 0.5 * s);
    let seed = good.art.seed as u32;
    let least = half.into_iter().fold(f32::MAX, f32::min);
    let bulge = least * (0.09 * hash(1, 1, seed) - 0.03);
    let crushed = hash(1, 2, seed) < 0.3;
    let corner = half.map(|h| h * if hash(1, 3, seed.wrapping_add((h * 1e5) as u32)) < 0.5 { 1.0 } else { -1.0 });
    let mut form = Form::default();
    form.rounded_box([0.0; 3], half, (0.05 * least).clamp(0.0006, 0.002), bulge, &six(&patches), |p| {
        let away: f32 = (0..3).map(|k| ((p[k] - corner[k]) / (0.5 * least)).powi(2)).sum();
        let by = if crushed { 0.16 * (-away).exp() } else { 0.0 };
        p.map(|v| -by * v.clamp(-0.02, 0.02))
    });
    Made { form, texture }
}

/// A book: covers that stand over the pages, a spine, page edges on three sides.
pub(crate) fn book(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let cover = 0.0013f32.min(0.2 * z);
    let pages = move |w: usize, h: usize| {
        let mut c = Canvas::new(w, h, [0.9, 0.88, 0.82]);
        let all = c.all();
        c.paint(
            all,
            |_, _| -1.0,
            |u, v| (lit([0.9, 0.88, 0.82], 0.8 + 0.2 * hash(v as i32, (u * 0.02) as i32, 5)), 1.0),
        );
        c.into()
    };
    let mut faces = vec![
        Face::new([x, y], |w, h| prints::front(&good.art, good.print, w, h).into()),
        Face::new([x, y], |w, h| prints::back(&good.art, good.print, w, h).into()),
        Face::new([y, z], |w, h| prints::side(&good.art, good.print, w, h, 1).into()),
        Face::plain([x, cover.max(0.004)], good.art.brand.base),
    ];
    faces.push(Face::new([x, z], pages));
    let (texture, p) = dress(&faces);
    let mut form = Form::default();
    let warp = 0.0015 * (hash(2, 1, good.art.seed as u32) - 0.3);
    let edge = p[3];
    for (side, front) in [(1.0, true), (-1.0, false)] {
        let at = [0.0, 0.0, side * (0.5 * z - 0.5 * cover)];
        let mut six = [edge; 6];
        six[5] = if front { p[0] } else { edge };
        six[4] = if front { edge } else { p[1] };
        form.rounded_box(at, [0.5 * x, 0.5 * y, 0.5 * cover], 0.3 * cover, 0.0, &six, |q| {
            [0.0, 0.0, warp * ((q[0] / x).powi(2) + (q[1] / y).powi(2)) * if front { 4.0 } else { 0.0 }]
        });
    }
    let inset = 0.003;
    let mut six = [p[4]; 6];
    six[0] = p[2];
    form.rounded_box(
        [-0.5 * inset, 0.0, 0.0],
        [0.5 * (x - inset), 0.5 * y - inset, 0.5 * z - 0.9 * cover],
        0.0008,
        0.0,
        &six,
        |_| [0.0; 3],
    );
    // One solid is enough for bodies.
    let all = form.parts.concat();
    form.parts = vec![all.into_iter().step_by(3).collect()];
    let corners: Vec<[f32; 3]> =
        (0..8).map(|k| [0, 1, 2].map(|a| if k >> a & 1 == 0 { -0.5 } else { 0.5 } * [x, y, z][a])).collect();
    form.parts = vec![corners];
    Made { form, texture }
}

/// A tin with rounded corners and a lid that stands over.
pub(crate) fn tin(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let lid = (0.28 * z).clamp(0.006, 0.02);
    let metal: Rgb = [0.7, 0.71, 0.72];
    let faces = [
        Face::new([2.0 * (x + y), z - lid], |w, h| {
            let mut c = prints::side(&good.art, good.print, w, h, 2);
            let seed = good.art.seed as u32;
            let all = c.all();
            c.paint(all, |_, _| -1.0, |u, v| (metal, 0.2 + 0.1 * noise(u * 0.1, v * 0.02, seed)));
            c.into()
        }),
        Face::new([2.0 * (x + y), lid], move |w, h| Canvas::new(w, h, metal).into()),
        Face::new([x, y], |w, h| prints::front(&good.art, good.print, w, h).into()),
        Face::plain([0.5 * x, 0.5 * y], metal),
    ];
    let (texture, p) = dress(&faces);
    let (a, b) = (0.5 * x, 0.5 * y);
    let ring = |height: f32, inset: f32| Ring::oval(height, a - inset, b - inset, 7.0);
    let mut form = Form::default();
    let body = [ring(0.0, 0.004), ring(0.0015, 0.0015), ring(z - lid, 0.0015), ring(z - 0.002, 0.0016)];
    form.loft(&body, &[(0, 1, &p[3]), (1, 3, &p[0])], [&p[3], &p[3]]);
    let top = [
        ring(z - lid, 0.0),
        ring(z - 0.0025, 0.0),
        ring(z - 0.0004, 0.0012),
        ring(z - 0.0004, 0.003),
        ring(z - 0.001, 0.0045),
        ring(z, 0.008),
    ];
    form.loft(&top, &[(0, 1, &p[1]), (1, 5, &p[1])], [&p[3], &p[2]]);
    Made { form, texture }
}

/// An oval bottle of opaque plastic with a cap that opens, lying along z.
pub(crate) fn flask(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let colour = if good.black { [0.07; 3] } else { mix(good.art.brand.base, [0.95; 3], 0.15) };
    let cap = if good.black { [0.12; 3] } else { good.art.brand.accent };
    let around = std::f32::consts::PI * 0.6 * (x + y);
    let faces = [
        Face::new([around, 0.62 * z], |w, h| {
            let mut c = prints::wrap(&good.art, good.print, w, h);
            // The label lies on the two broad sides.
            let (wide, all) = (c.w(), c.all());
            c.paint(
                all,
                |u, _| {
                    let share = (u / wide * 2.0).fract();
                    (0.1 - (share - 0.5).abs()) * wide
                },
                |_, _| (colour, 1.0),
            );
            c.into()
        }),
        Face::plain([around, 0.12 * z], colour),
        Face::plain([0.5 * around, 0.14 * z], cap),
        Face::new([0.3 * x, 0.3 * y.max(0.02)], move |w, h| {
            let mut c = Canvas::new(w, h, cap);
            let (cw, ch) = (c.w(), c.h());
            c.line([0.1 * cw, 0.5 * ch], [0.9 * cw, 0.5 * ch], 1.0, lit(cap, 0.5));
            wear(&mut c, 3);
            c.into()
        }),
    ];
    let (texture, p) = dress(&faces);
    let (a, b) = (0.5 * x, 0.5 * y);
    let neck = (0.45 * b).max(0.006);
    let ring = |s: f32, w: f32, d: f32, e: f32| Ring::oval(s * z, a * w, b * d, e);
    let mut form = Form::default();
    let body = [
        ring(0.0, 0.86, 0.8, 2.8),
        ring(0.012, 0.96, 0.93, 2.8),
        ring(0.05, 1.0, 1.0, 2.8),
        ring(0.38, 0.98, 1.0, 2.8),
        ring(0.66, 0.97, 0.97, 2.8),
        ring(0.74, 0.86, 0.85, 2.6),
        ring(0.8, 0.62, 0.7, 2.4),
        ring(0.835, neck / a * 1.25, neck / b * 1.1, 2.0),
        ring(0.85, neck / a * 1.2, neck / b * 1.05, 2.0),
    ];
    form.loft(&body, &[(0, 2, &p[1]), (2, 4, &p[0]), (4, 8, &p[1])], [&p[1], &p[1]]);
    let wide = (0.55 * a).max(1.3 * neck);
    let top = [
        Ring::oval(0.845 * z, wide * 0.96, neck * 1.5, 2.4),
        Ring::oval(0.86 * z, wide, neck * 1.55, 2.4),
        Ring::oval(0.985 * z, wide * 0.93, neck * 1.4, 2.4),
        Ring::oval(z, wide * 0.84, neck * 1.2, 2.4),
    ];
    form.loft(&top, &[(0, 1, &p[2]), (1, 3, &p[2])], [&p[3], &p[3]]);
    Made { form, texture }
}

/// A canister whose handle stands at its side.
pub(crate) fn jug(good: &Good) -> Made {
    let [x, y, z] = good.size_m.map(|s| s as f32);
    let colour = if good.black { [0.08; 3] } else { mix(good.art.brand.base, [0.92; 3], 0.45) };
    let body_wide = 0.74 * x;
    let around = 1.8 * (body_wide + y);
    let faces = [
        Face::new([around, 0.5 * z], |w, h| prints::wrap(&good.art, good.print, w, h).into()),
        Face::plain([around, 0.2 * z], colour),
        Face::plain([0.5 * y, 0.06 * z], good.art.brand.accent),
        Face::plain([0.3 * z, 0.05], lit(colour, 0.92)),
    ];
    let (texture, p) = dress(&faces);
    let (a, b) = (0.5 * body_wide, 0.5 * y);
    let ring = |s: f32, w: f32| Ring::oval(s * z, a * w, b * w, 4.0);
    let mut form = Form::default();
    let body = [
        ring(0.0, 0.9),
        ring(0.02, 0.99),
        ring(0.06, 1.0),
        ring(0.58, 1.0),
        ring(0.66, 0.97),
        ring(0.82, 0.55),
        ring(0.87, 0.3),
        ring(0.92, 0.3),
    ];
    form.loft(&body, &[(0, 2, &p[1]), (2, 3, &p[0]), (3, 7, &p[1])], [&p[1], &p[1]]);
    let cap = [ring(0.9, 0.36), ring(0.905, 0.38), ring(0.99, 0.37), ring(1.0, 0.33)];
    form.loft(&cap, &[(0, 3, &p[2])], [&p[2], &p[2]]);
    let (out, r) = (x - body_wide, 0.055 * z);
    let path: Vec<[f32; 3]> = (0..=8)
        .map(|k| {
            let t = k as f32 / 8.0 * std::f32::consts::PI;
            [a * 0.8 + (out + 0.2 * a - r) * t.sin().max(0.0).sqrt(), 0.0, z * (0.47 - 0.3 * t.cos())]
        })
        .collect();
    form.rod(&path, &[r], 8, &p[3]);
    Made { form, texture }
}
