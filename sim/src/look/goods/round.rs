//! Round things: cans, bottles, tubs, jars, tubes of balls.

use std::f32::consts::{PI, TAU};

use super::super::form::{Form, Ring};
use super::super::paint::{Canvas, Rgb, hash, lit, mix};
use super::{Face, Good, Made, Print, dress, prints};

/// A can: rolled rims, a label between them or bare metal.
pub(crate) fn can(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let r = 0.5 * x;
    let bead = (0.022 * z).clamp(0.0015, 0.004);
    let metal: Rgb = [0.66, 0.67, 0.69];
    let bare = good.art.seed.is_multiple_of(4);
    let faces = [
        Face::new([PI * x, z - 2.0 * bead], move |w, h| {
            let mut c = prints::wrap(&good.art, good.print, w, h);
            if bare {
                // A paper band that leaves metal free above and below.
                let (top, all) = (0.16 * c.h(), c.all());
                let tall = c.h();
                c.paint(
                    all,
                    |_, v| (v - top).min(tall - top - v),
                    |_, v| (lit(metal, 1.0 + 0.16 * (v * 0.9).sin()), 1.0),
                );
            }
            c.into()
        }),
        Face::plain([PI * x, 0.008], metal),
        Face::new([x, x], |w, _| good.art.can_end(w, false).into()),
        Face::new([x, x], |w, _| good.art.can_end(w, true).into()),
    ];
    let (texture, p) = dress(&faces);
    let at = |height: f32, radius: f32| Ring::round(height, radius);
    let mut form = Form::default();
    let rings = [
        at(0.0012, r - 0.003),
        at(0.0, r - 0.0013),
        at(0.0008, r - 0.0002),
        at(bead, r),
        at(bead + 0.001, r - 0.0012),
        at(z - bead - 0.001, r - 0.0012),
        at(z - bead, r),
        at(z - 0.0008, r - 0.0002),
        at(z, r - 0.0013),
        at(z - 0.0022, r - 0.003),
    ];
    form.loft(&rings, &[(0, 4, &p[1]), (4, 5, &p[0]), (5, 9, &p[1])], [&p[2], &p[3]]);
    form.parts = vec![rings[1..9].iter().flat_map(|ring| circle(ring.a, ring.z)).collect()];
    Made { form, texture }
}

fn circle(radius: f32, z: f32) -> Vec<[f32; 3]> {
    (0..16).map(|k| (k as f32 / 16.0 * TAU).sin_cos()).map(|(s, c)| [radius * s, radius * c, z]).collect()
}

/// A clear bottle with waist and ribs, tinted content, a label and a cap.
pub(crate) fn bottle(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let r = 0.5 * x;
    let seed = good.art.seed as u32;
    // Water, or a drink that has a colour of its own.
    let (tint, own) = if hash(3, 1, seed) < 0.5 {
        ([0.86, 0.91, 0.94], 0.10)
    } else {
        (mix(good.art.third, [0.45, 0.24, 0.08], 0.6), 0.42)
    };
    let cap = good.art.brand.accent;
    let label = (0.36, 0.64);
    let faces = [
        Face::new([PI * x, (label.1 - label.0) * z], |w, h| prints::wrap(&good.art, good.print, w, h).into()),
        Face::clear([PI * x, label.0 * z], tint, own),
        Face::clear([PI * x, 0.3 * z], tint, own),
        Face::plain([PI * 0.4 * x, 0.05 * z], cap),
        Face::clear([0.5 * x, 0.5 * x], tint, own),
    ];
    let (texture, p) = dress(&faces);
    let slim = 0.9 + 0.1 * hash(3, 2, seed);
    let at = |s: f32, w: f32| Ring::round(s * z, r * w);
    let neck = (0.013f32).min(0.45 * r) / r;
    let mut form = Form::default();
    let ribs = hash(3, 3, seed) < 0.6;
    let mut rings = vec![at(0.0, 0.72), at(0.012, 0.93), at(0.03, 1.0)];
    for k in 0..5 {
        let s = 0.06 + 0.055 * k as f32;
        rings.push(at(s, if ribs && k % 2 == 1 { 0.95 } else { 1.0 }));
    }
    rings.push(at(label.0, 0.985));
    let low = rings.len() - 1;
    rings.push(at(0.5, 0.985 * slim.max(0.95)));
    rings.push(at(label.1, 0.985));
    let high = rings.len() - 1;
    rings.extend([
        at(0.67, 1.0),
        at(0.72, 0.98),
        at(0.78, 0.86),
        at(0.84, 0.62),
        at(0.89, 1.25 * neck),
        at(0.92, neck),
        at(0.945, neck),
    ]);
    let last = rings.len() - 1;
    form.loft(&rings, &[(0, low, &p[1]), (low, high, &p[0]), (high, last, &p[2])], [&p[4], &p[4]]);
    let top = [at(0.93, 1.12 * neck), at(0.935, 1.2 * neck), at(0.99, 1.2 * neck), at(1.0, 1.1 * neck)];
    form.loft(&top, &[(0, 3, &p[3])], [&p[3], &p[3]]);
    Made { form, texture }
}

/// A tub that widens upwards, and its lid.
pub(crate) fn tub(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let r = 0.5 * x;
    let lid = (0.16 * z).clamp(0.006, 0.018);
    let taper = 0.86 + 0.12 * hash(4, 1, good.art.seed as u32);
    let shade = if good.black { [0.08; 3] } else { good.art.brand.accent };
    let faces = [
        Face::new([PI * x, z - lid], |w, h| prints::wrap(&good.art, good.print, w, h).into()),
        Face::new([PI * x, lid], move |w, h| {
            let mut c = Canvas::new(w, h, shade);
            let all = c.all();
            c.paint(all, |_, _| -1.0, |u, _| (lit(shade, 0.86 + 0.2 * (u * 1.3).sin().abs()), 1.0));
            c.into()
        }),
        Face::new([x, x], |w, _| good.art.lid(w, false).into()),
        Face::new([x, x], |w, _| good.art.lid(w, true).into()),
    ];
    let (texture, p) = dress(&faces);
    let at = |height: f32, radius: f32| Ring::round(height, radius);
    let mut form = Form::default();
    let w = r - 0.0015;
    let body =
        [at(0.001, 0.8 * taper * w), at(0.0, 0.93 * taper * w), at(0.003, taper * w), at(z - lid, w), at(z - 0.003, w)];
    form.loft(&body, &[(0, 2, &p[2]), (2, 4, &p[0])], [&p[2], &p[2]]);
    let top = [at(z - lid, r), at(z - 0.002, r), at(z, r - 0.0015), at(z, r - 0.005), at(z - 0.0012, r - 0.0065)];
    form.loft(&top, &[(0, 1, &p[1]), (1, 4, &p[1])], [&p[2], &p[3]]);
    Made { form, texture }
}

/// A jar: clear glass round its content, a label, a metal lid.
pub(crate) fn jar(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let r = 0.5 * x;
    let lid = (0.15 * z).clamp(0.008, 0.02);
    let seed = good.art.seed as u32;
    let filling = mix(good.art.third, good.art.second, 0.3);
    let faces = [
        Face::new([PI * x, 0.42 * z], |w, h| prints::wrap(&good.art, good.print, w, h).into()),
        Face::clear([PI * x, 0.3 * z], [0.88, 0.93, 0.92], 0.08),
        Face::new([PI * x, 0.8 * z], move |w, h| {
            let mut c = Canvas::new(w, h, filling);
            let (all, at) = (c.all(), seed);
            c.paint(
                all,
                |_, _| -1.0,
                |u, v| (lit(filling, 0.6 + 0.6 * super::super::paint::clouds(u * 0.06, v * 0.06, 3, at)), 1.0),
            );
            c.into()
        }),
        Face::plain([PI * x, lid], lit(good.art.brand.accent, 0.9)),
        Face::new([x, x], |w, _| good.art.lid(w, true).into()),
        Face::clear([0.4 * x, 0.4 * x], [0.88, 0.93, 0.92], 0.1),
    ];
    let (texture, p) = dress(&faces);
    let at = |height: f32, radius: f32| Ring::round(height, radius);
    let mut form = Form::default();
    let (t, n) = (z - lid, 0.86 * r);
    let glass = [
        at(0.0, 0.8 * r),
        at(0.002, 0.95 * r),
        at(0.006, r),
        at(0.2 * t, r),
        at(0.72 * t, r),
        at(0.84 * t, 0.99 * r),
        at(0.93 * t, 0.9 * r),
        at(z - 0.6 * lid, 0.84 * r),
    ];
    form.loft(&glass, &[(0, 3, &p[1]), (3, 4, &p[0]), (4, 7, &p[1])], [&p[5], &p[5]]);
    let outside = form.parts.len();
    let inner = 0.93;
    let content = [at(0.005, 0.7 * r), at(0.008, inner * r), at(0.7 * t, inner * r), at(0.86 * t, 0.85 * r)];
    form.loft(&content, &[(0, 3, &p[2])], [&p[2], &p[2]]);
    form.parts.truncate(outside);
    let top = [at(z - lid, n), at(z - 0.0025, n), at(z - 0.0003, n - 0.002), at(z, n - 0.004), at(z - 0.0008, 0.7 * n)];
    form.loft(&top, &[(0, 1, &p[3]), (1, 4, &p[3])], [&p[3], &p[4]]);
    Made { form, texture }
}

/// Balls in a clear tube with a printed sleeve and a lid.
pub(crate) fn clear_tube(good: &Good) -> Made {
    let [x, _, z] = good.size_m.map(|s| s as f32);
    let r = 0.5 * x;
    let ball = mix(good.art.third, [0.8, 0.9, 0.2], 0.6);
    let seed = good.art.seed as u32;
    let lid = good.art.brand.accent;
    let faces = [
        Face::new([PI * x, 0.9 * z], |w, h| {
            let print = prints::wrap(&good.art, good.print, w * 5 / 10, h);
            let mut colour = Canvas::new(w, h, [0.9, 0.93, 0.94]);
            let mut cover = Canvas::new(w, h, [0.09; 3]);
            colour.stamp(&print, 0, 0, false);
            cover.rect([0.0, 0.0, print.w(), cover.h()], [1.0; 3]);
            Print { colour, cover: Some(cover) }
        }),
        Face::new([PI * x, PI * x * 0.5], move |w, h| {
            let mut c = Canvas::new(w, h, ball);
            let all = c.all();
            c.paint(all, |_, _| -1.0, |u, v| (lit(ball, 0.75 + 0.35 * hash(u as i32, v as i32, seed)), 1.0));
            let (wide, tall) = (c.w(), c.h());
            c.line([0.0, 0.3 * tall], [wide, 0.7 * tall], 2.0, [0.93; 3]);
            c.into()
        }),
        Face::plain([PI * x, 0.012], lid),
        Face::new([x, x], |w, _| good.art.lid(w, true).into()),
    ];
    let (texture, p) = dress(&faces);
    let at = |height: f32, radius: f32| Ring::round(height, radius);
    let mut form = Form::default();
    let cap = 0.012f32.min(0.1 * z);
    let w = r - 0.001;
    let tube = [at(0.0, 0.85 * w), at(0.002, 0.97 * w), at(0.005, w), at(0.5 * z, w), at(z - 0.5 * cap, w)];
    form.loft(&tube, &[(0, 4, &p[0])], [&p[2], &p[2]]);
    let top = [at(z - cap, r), at(z - 0.0015, r), at(z, r - 0.002)];
    form.loft(&top, &[(0, 2, &p[2])], [&p[2], &p[3]]);
    let outside = form.parts.len();
    let radius = 0.94 * w;
    // Balls that touch would share corners.
    let pitch = 2.0 * radius + 0.0003;
    let count = (((z - cap) / pitch) as usize).max(1);
    for k in 0..count {
        form.ball([0.0, 0.0, 0.004 + radius + pitch * k as f32], radius, &p[1]);
    }
    form.parts.truncate(outside);
    Made { form, texture }
}
