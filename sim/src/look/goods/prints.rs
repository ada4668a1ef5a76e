//! Print styles, and the looks of what bears no print: film, cloth, glass, wire.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::super::artwork::{Artwork, ink_on};
use super::super::brand::word;
use super::super::hero::{self, star};
use super::super::lettering::{self, Pen};
use super::super::paint::{Canvas, Rgb, around, clouds, hash, hsv, lit, luma, mix};
use super::super::smallprint::{barcode, nutrition, pictograms, small_print, wear};
use super::PrintStyle;

/// A front in a style.
pub(crate) fn front(art: &Artwork, style: PrintStyle, width: usize, height: usize) -> Canvas {
    let mut c = Canvas::new(width, height, art.paper());
    let mut rng = art.rng(71);
    match style {
        PrintStyle::Packaged => return art.front(width, height),
        PrintStyle::Photo => photo(&mut c, art, &mut rng),
        PrintStyle::Label => label(&mut c, art, &mut rng),
        PrintStyle::Pattern => pattern(&mut c, art, &mut rng),
        PrintStyle::Kraft => kraft(&mut c, art, &mut rng),
        PrintStyle::Plain => plain(&mut c, art, &mut rng),
        PrintStyle::Poster => poster(&mut c, art, &mut rng),
        PrintStyle::Technical => technical(&mut c, art, &mut rng),
    }
    wear(&mut c, art.seed as u32);
    c
}

/// A back in a style.
pub(crate) fn back(art: &Artwork, style: PrintStyle, width: usize, height: usize) -> Canvas {
    match style {
        PrintStyle::Packaged | PrintStyle::Photo => art.back(width, height),
        _ => {
            let mut c = ground(art, style, width, height);
            let (w, h) = (c.w(), c.h());
            let mut rng = art.rng(72);
            let plate = [0.3 * w, 0.55 * h, 0.94 * w, 0.94 * h];
            c.rect(plate, [0.95; 3]);
            if !barcode(&mut c, &art.barcode, [0.4 * w, 0.6 * h, 0.9 * w, 0.92 * h]) {
                small_print(&mut c, [0.34 * w, 0.6 * h, 0.9 * w, 0.9 * h], [0.1; 3], &mut rng);
            }
            small_print(&mut c, [0.06 * w, 0.1 * h, 0.7 * w, 0.4 * h], ink_on(art.paper()), &mut rng);
            wear(&mut c, art.seed as u32 ^ 9);
            c
        }
    }
}

/// A side or an end in a style; `which` tells one from another.
pub(crate) fn side(art: &Artwork, style: PrintStyle, width: usize, height: usize, which: u64) -> Canvas {
    match style {
        PrintStyle::Packaged | PrintStyle::Photo => art.side(width, height, which),
        _ => {
            let mut c = ground(art, style, width, height);
            let mut rng = art.rng(80 + which);
            let (w, h) = (c.w(), c.h());
            if rng.random_bool(0.6) {
                art.brand_name(&mut c, [0.5 * w, 0.5 * h], (0.4 * h).min(0.2 * w), 0.8 * w);
            } else {
                small_print(&mut c, [0.1 * w, 0.2 * h, 0.9 * w, 0.8 * h], ink_on(art.paper()), &mut rng);
            }
            wear(&mut c, art.seed as u32 ^ which as u32);
            c
        }
    }
}

/// The label round a bottle, a can or a tub.
pub(crate) fn wrap(art: &Artwork, style: PrintStyle, width: usize, height: usize) -> Canvas {
    if style == PrintStyle::Packaged {
        return art.label(width, height);
    }
    let mut c = ground(art, style, width, height);
    let front = front(art, style, width * 2 / 5, height);
    c.stamp(&front, 0, 0, false);
    c.stamp(&front, width / 2, 0, false);
    let from = width as f32 * 0.9;
    let mut rng = art.rng(73);
    small_print(
        &mut c,
        [from, 0.1 * height as f32, 0.99 * width as f32, 0.6 * height as f32],
        ink_on(art.paper()),
        &mut rng,
    );
    barcode(&mut c, &art.barcode, [from, 0.65 * height as f32, width as f32, 0.95 * height as f32]);
    c
}

/// What a style has under everything.
fn ground(art: &Artwork, style: PrintStyle, width: usize, height: usize) -> Canvas {
    let mut c = Canvas::new(width, height, art.paper());
    let mut rng = art.rng(74);
    match style {
        PrintStyle::Kraft => board(&mut c, art.seed as u32),
        PrintStyle::Pattern => motif(&mut c, art, &mut rng),
        PrintStyle::Technical => c = Canvas::new(width, height, [0.93, 0.94, 0.95]),
        PrintStyle::Packaged | PrintStyle::Photo => art.ground(&mut c, &mut rng),
        _ => {}
    }
    c
}

/// Brown board with fibres.
pub(crate) fn board(c: &mut Canvas, seed: u32) {
    c.paint(
        c.all(),
        |_, _| -1.0,
        |x, y| {
            let long = clouds(x * 0.03, y * 0.5, 2, seed);
            let fleck = if hash(x as i32, y as i32, seed) > 0.985 { 0.8 } else { 1.0 };
            (lit([0.68, 0.53, 0.37], fleck * (0.9 + 0.2 * long)), 1.0)
        },
    );
}

/// Something like a photograph of what is inside: heaps of blobs of two or three colours with light and shade.
fn photo(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    let seed = rng.random::<u32>();
    let (w, h) = (c.w(), c.h());
    let [one, two, three] = natural(seed);
    let far = mix(one, [0.1, 0.08, 0.06], 0.6);
    c.paint(c.all(), |_, _| -1.0, |x, y| (mix(far, two, clouds(x * 0.012, y * 0.012, 4, seed)), 1.0));
    let size = w.min(h) * rng.random_range(0.06..0.2);
    let count = (w * h / (size * size) * 1.1) as usize;
    for k in 0..count.min(260) {
        let near = k as f32 / count as f32;
        let at = [rng.random_range(0.0..w), h * (0.12 + 0.95 * near * rng.random_range(0.6..1.0f32))];
        let tone = if rng.random_bool(0.15) { three } else { mix(one, two, rng.random::<f32>()) };
        let tone = lit(tone, rng.random_range(0.5..1.05));
        let r = size * (0.45 + 0.35 * near) * rng.random_range(0.7..1.2f32);
        c.ellipse([at[0] + 0.15 * r, at[1] + 0.25 * r], [r, 0.8 * r], lit(tone, 0.3));
        match seed % 4 {
            0 => c.ball(at, r, tone),
            1 => {
                let (sin, cos) = rng.random_range(0.0..6.3f32).sin_cos();
                let [dx, dy] = [0.9 * r * cos, 0.9 * r * sin];
                c.line([at[0] - dx, at[1] - dy], [at[0] + dx, at[1] + dy], 0.8 * r, lit(tone, 0.7));
                c.line([at[0] - dx, at[1] - dy - 0.12 * r], [at[0] + dx, at[1] + dy - 0.12 * r], 0.45 * r, tone);
            }
            2 => {
                let turn = rng.random_range(0.0..6.3f32);
                let corner = |k: usize| {
                    let (sin, cos) = (turn + k as f32 * 1.257 + 0.5 * hash(k as i32, 1, seed)).sin_cos();
                    [at[0] + r * cos, at[1] + 0.8 * r * sin]
                };
                c.polygon(&[corner(0), corner(1), corner(2), corner(3), corner(4)], tone);
                c.polygon(&[corner(0), corner(1), at], lit(tone, 1.25));
                c.polygon(&[corner(3), corner(4), at], lit(tone, 0.7));
            }
            _ => {
                c.ellipse(at, [r, 0.55 * r], tone);
                c.ellipse([at[0] - 0.1 * r, at[1] - 0.12 * r], [0.7 * r, 0.25 * r], lit(tone, 1.2));
            }
        }
    }
    let top = rng.random_bool(0.6);
    let strip = if top { [0.0, 0.0, w, 0.27 * h] } else { [0.0, 0.7 * h, w, h] };
    c.rect(strip, art.brand.base);
    let middle = 0.5 * (strip[1] + strip[3]);
    art.brand_name(c, [0.5 * w, middle - 0.03 * h], 0.12 * h.min(1.5 * w), 0.95 * w);
    let pen = Pen { weight: 0.12, stretch: 0.8, slant: 0.0, ..art.brand.pen };
    lettering::write_centred(
        c,
        &art.product,
        0.5 * w,
        middle + 0.1 * h,
        (0.06 * h).min(0.09 * w),
        &pen,
        ink_on(art.brand.base),
    );
}

/// Colours of food, wood and stone.
pub(crate) fn natural(seed: u32) -> [Rgb; 3] {
    const TONES: [[u8; 3]; 14] = [
        [196, 140, 72],
        [120, 70, 34],
        [222, 184, 120],
        [170, 40, 34],
        [214, 96, 30],
        [232, 176, 48],
        [92, 128, 48],
        [150, 168, 70],
        [236, 224, 196],
        [84, 46, 30],
        [60, 84, 46],
        [204, 120, 110],
        [120, 116, 110],
        [70, 54, 90],
    ];
    let pick = |k: i32| TONES[(hash(k, 21, seed) * 13.99) as usize].map(|v| f32::from(v) / 255.0);
    [pick(1), pick(2), pick(3)]
}

fn label(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    let (w, h) = (c.w(), c.h());
    let seed = art.seed as u32;
    c.paint(c.all(), |_, _| -1.0, |x, y| (lit(art.paper(), 0.94 + 0.1 * clouds(x * 0.02, y * 0.02, 3, seed)), 1.0));
    let (x, y) = (rng.random_range(0.06..0.2) * w, rng.random_range(0.08..0.3) * h);
    let area = [x, y, x + rng.random_range(0.6..0.75) * w, y + rng.random_range(0.45..0.6) * h];
    c.round_rect(area, 0.02 * w, [0.95, 0.95, 0.93]);
    let (aw, ah) = (area[2] - area[0], area[3] - area[1]);
    c.rect([area[0], area[1], area[2], area[1] + 0.22 * ah], art.brand.accent);
    let pen = art.brand.pen;
    let name = |c: &mut Canvas, text: &str, y: f32, size: f32, ink: Rgb| {
        let size = size.min(size * 0.9 * aw / lettering::width(text, size, &pen).max(1.0));
        lettering::write_centred(c, text, area[0] + 0.5 * aw, y, size, &pen, ink);
    };
    name(c, &art.brand.name, area[1] + 0.18 * ah, 0.15 * ah, ink_on(art.brand.accent));
    name(c, &art.product, area[1] + 0.42 * ah, 0.13 * ah, [0.08; 3]);
    if !barcode(c, &art.barcode, [area[0] + 0.3 * aw, area[1] + 0.5 * ah, area[2] - 0.05 * aw, area[3] - 0.05 * ah]) {
        small_print(
            c,
            [area[0] + 0.08 * aw, area[1] + 0.55 * ah, area[2] - 0.1 * aw, area[3] - 0.06 * ah],
            [0.1; 3],
            rng,
        );
    }
}

fn pattern(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    motif(c, art, rng);
    let (w, h) = (c.w(), c.h());
    if rng.random_bool(0.6) {
        let half = [rng.random_range(0.2..0.36) * w, rng.random_range(0.1..0.2) * h];
        let at = [0.5 * w, rng.random_range(0.25..0.6) * h];
        let plate = mix(art.brand.base, [0.96; 3], 0.75);
        c.round_rect(around(at, half), 0.3 * half[1], plate);
        let pen = art.brand.pen;
        let size = (0.9 * half[1]).min(1.7 * half[0] / lettering::width(&art.brand.name, 1.0, &pen).max(0.1));
        lettering::write_centred(c, &art.brand.name, at[0], at[1] + 0.4 * size, size, &pen, ink_on(plate));
    }
}

/// One pattern all over: speckles, blooms, stripes of two widths, scales, a plaid.
fn motif(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    let seed = art.seed as u32;
    let (base, second, third) = (art.brand.base, art.second, art.third);
    let r = c.w().min(c.h());
    let kind = (art.seed >> 8) % 5;
    let period = r * (0.08 + 0.12 * hash(1, 2, seed));
    match kind {
        0 => c.paint(
            c.all(),
            |_, _| -1.0,
            |x, y| {
                let v = clouds(x * 0.16, y * 0.16, 3, seed);
                (if v > 0.56 { mix(base, [0.97; 3], 0.9) } else { lit(base, 0.8) }, 1.0)
            },
        ),
        1 => {
            c.rect(c.all(), base);
            let (w, h) = (c.w(), c.h());
            for _ in 0..((w * h / (period * period)) as usize).min(220) {
                let at = [rng.random_range(0.0..w), rng.random_range(0.0..h)];
                let ink = [second, third, lit(base, 1.4)][rng.random_range(0..3)];
                star(c, at, period * rng.random_range(0.3..0.6), rng.random_range(0.0..0.5), ink);
            }
        }
        2 => c.paint(
            c.all(),
            |_, _| -1.0,
            |x, y| {
                let k = ((x + 0.4 * y) / period).rem_euclid(2.0);
                (
                    if k < 0.9 {
                        base
                    } else if k < 1.1 {
                        [0.95; 3]
                    } else if k < 1.7 {
                        second
                    } else {
                        third
                    },
                    1.0,
                )
            },
        ),
        3 => c.paint(
            c.all(),
            |_, _| -1.0,
            |x, y| {
                let row = (y / (0.5 * period)).floor();
                let dx = (x / period + 0.5 * row).rem_euclid(1.0) - 0.5;
                let dy = (y / (0.5 * period)).fract();
                let d = (dx * dx * 4.0 + (dy - 1.0) * (dy - 1.0)).sqrt();
                (if (d * 4.0) as i32 % 2 == 0 { mix(base, second, 0.25 * dy) } else { second }, 1.0)
            },
        ),
        _ => c.paint(
            c.all(),
            |_, _| -1.0,
            |x, y| {
                let band = |v: f32| (v / period).rem_euclid(1.0) < 0.45;
                let ink = match (band(x), band(y)) {
                    (true, true) => lit(second, 0.75),
                    (false, false) => base,
                    _ => mix(base, second, 0.5),
                };
                (lit(ink, if (x * 0.5 + y * 0.5) as i32 % 3 == 0 { 0.93 } else { 1.0 }), 1.0)
            },
        ),
    }
}

fn kraft(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    board(c, art.seed as u32);
    let (w, h) = (c.w(), c.h());
    let ink = mix([0.1, 0.08, 0.07], art.brand.accent, 0.35);
    let pen = art.brand.pen;
    let size = (0.2 * h).min(0.8 * w / lettering::width(&art.brand.name, 1.0, &pen).max(0.1));
    lettering::write_centred(c, &art.brand.name, 0.5 * w, 0.42 * h, size, &pen, ink);
    lettering::write_centred(c, &art.product, 0.5 * w, 0.42 * h + 0.8 * size, 0.45 * size, &pen, ink);
    pictograms(c, [0.08 * w, 0.74 * h, 0.6 * w, 0.92 * h], rng);
    if rng.random_bool(0.5) {
        c.rect([0.0, 0.46 * h, w, 0.56 * h], mix([0.72, 0.6, 0.44], [0.9; 3], 0.15));
    }
}

fn plain(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    let seed = rng.random::<u32>();
    let base = art.paper();
    c.paint(c.all(), |_, _| -1.0, |x, y| (lit(base, 0.95 + 0.08 * clouds(x * 0.03, y * 0.03, 3, seed)), 1.0));
    let (w, h) = (c.w(), c.h());
    let pen = Pen { weight: 0.1, ..art.brand.pen };
    let size = (0.08 * h).min(0.5 * w / lettering::width(&art.brand.name, 1.0, &pen).max(0.1));
    let ink = if luma(base) > 0.4 { lit(base, 0.7) } else { mix(base, [1.0; 3], 0.3) };
    lettering::write_centred(c, &art.brand.name, 0.5 * w, 0.5 * h, size, &pen, ink);
}

fn poster(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    let (w, h) = (c.w(), c.h());
    let lines = rng.random_range(3..6);
    let step = h / (lines as f32 + 0.4);
    for k in 0..lines {
        let top = (k as f32 + 0.2) * step;
        let bar = [art.brand.base, art.second, art.third, art.brand.accent][k % 4];
        c.rect([0.0, top - 0.2 * step, w, top + step], bar);
        let text = if k == 0 { art.brand.name.clone() } else { word(rng.random_range(2..4), rng).to_uppercase() };
        let pen = Pen { weight: rng.random_range(0.16..0.28), ..art.brand.pen };
        let size = (0.8 * step).min(0.94 * w / lettering::width(&text, 1.0, &pen).max(0.1));
        lettering::write_centred(c, &text, 0.5 * w, top + 0.85 * step, size, &pen, ink_on(bar));
    }
}

fn technical(c: &mut Canvas, art: &Artwork, rng: &mut ChaCha8Rng) {
    let (w, h) = (c.w(), c.h());
    c.rect(c.all(), [0.94, 0.95, 0.96]);
    let fine = hsv(0.58, 0.25, 0.8);
    let step = (w.min(h) / 14.0).max(5.0);
    for k in 0..(w.max(h) / step) as usize {
        let v = k as f32 * step;
        c.line([v, 0.0], [v, h], 0.5, fine);
        c.line([0.0, v], [w, v], 0.5, fine);
    }
    let ink = [0.1, 0.12, 0.2];
    let m = [0.42 * w, 0.42 * h];
    let r = 0.26 * w.min(h);
    c.frame(around(m, [r, 0.7 * r]), 0.15 * r, 1.6, ink);
    c.frame(around(m, [0.5 * r; 2]), 0.5 * r, 1.4, ink);
    c.line([m[0] - 1.3 * r, m[1]], [m[0] + 1.3 * r, m[1]], 0.7, ink);
    c.line([m[0], m[1] - r], [m[0], m[1] + r], 0.7, ink);
    c.line([m[0] - r, m[1] + 0.95 * r], [m[0] + r, m[1] + 0.95 * r], 0.9, ink);
    c.rect([0.0, 0.0, w, 0.11 * h], art.brand.accent);
    let pen = Pen { weight: 0.13, ..art.brand.pen };
    let size = (0.07 * h).min(0.6 * w / lettering::width(&art.product, 1.0, &pen).max(0.1));
    lettering::write(c, &art.product, 0.05 * w, 0.09 * h, size, &pen, ink_on(art.brand.accent));
    nutrition(c, [0.56 * w, 0.62 * h, 0.96 * w, 0.96 * h], rng);
    hero::draw(c, [0.06 * w, 0.72 * h, 0.4 * w, 0.95 * h], art.hero, [mix(art.second, [0.5; 3], 0.7), [0.6; 3]], rng);
}

/// Woven or knitted cloth in a colour.
pub(crate) fn knit(width: usize, height: usize, colour: Rgb, seed: u32) -> Canvas {
    let mut c = Canvas::new(width, height, colour);
    let striped = hash(5, 1, seed) > 0.6;
    let other = hsv(hash(5, 2, seed), 0.5, 0.7);
    c.paint(
        c.all(),
        |_, _| -1.0,
        |x, y| {
            let rib = 0.5 + 0.5 * (x * 1.9).sin();
            let loops = hash(x as i32, y as i32, seed);
            let soft = clouds(x * 0.02, y * 0.02, 4, seed);
            let base = if striped && (y / 30.0) as i32 % 4 == 0 { mix(colour, other, 0.8) } else { colour };
            (lit(base, 0.78 + 0.09 * rib + 0.1 * loops + 0.16 * soft), 1.0)
        },
    );
    c
}

/// Film over goods of several colours, as a bag of clear film shows them.
pub(crate) fn heap(
    width: usize,
    height: usize,
    colours: &[Rgb],
    grain: f32,
    seed: u32,
    rng: &mut ChaCha8Rng,
) -> Canvas {
    let mut c = Canvas::new(width, height, lit(colours[0], 0.3));
    let (w, h) = (c.w(), c.h());
    let r = grain * w.min(h);
    let count = ((w * h / (r * r)) as usize).min(700);
    for k in 0..count {
        let at = [rng.random_range(0.0..w), rng.random_range(0.0..h)];
        let tone = lit(colours[rng.random_range(0..colours.len())], rng.random_range(0.6..1.1));
        match (seed >> 3) % 3 {
            0 => c.ball(at, r * rng.random_range(0.6..0.9), tone),
            1 => {
                let (sin, cos) = rng.random_range(0.0..6.3f32).sin_cos();
                let to = [at[0] + 2.2 * r * cos, at[1] + 2.2 * r * sin];
                c.line([at[0] + 1.0, at[1] + 1.5], [to[0] + 1.0, to[1] + 1.5], 0.75 * r, lit(tone, 0.35));
                c.line(at, to, 0.6 * r, tone);
                c.line([at[0], at[1] - 0.1 * r], [to[0], to[1] - 0.1 * r], 0.14 * r, lit(tone, 1.5));
            }
            _ => {
                let half = [r * rng.random_range(0.5..0.9), r * rng.random_range(0.4..0.7)];
                let area = around(at, half);
                c.round_rect([area[0] + 1.0, area[1] + 1.5, area[2] + 1.0, area[3] + 1.5], 0.2 * r, lit(tone, 0.3));
                c.round_rect(area, 0.2 * r, lit(tone, 0.7 + 0.5 * hash(k as i32, 7, seed)));
            }
        }
    }
    c
}

/// A cover of holes on a grid: the share of the period that a strand takes, and whether rows are set off.
pub(crate) fn net(width: usize, height: usize, period: f32, strand: f32, diamonds: bool) -> Canvas {
    let mut c = Canvas::new(width, height, [0.0; 3]);
    c.paint(
        c.all(),
        |_, _| -1.0,
        |x, y| {
            let (a, b) = if diamonds { (x + y, x - y) } else { (x, y) };
            let near = |v: f32| ((v / period).rem_euclid(1.0) - 0.5).abs() > 0.5 - 0.5 * strand;
            ([f32::from(u8::from(near(a) || near(b))); 3], 1.0)
        },
    );
    c
}
