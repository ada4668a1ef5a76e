//! What packs bear beside their pictures: tables, small print, signs, barcodes, worn rims.

use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::artwork::ink_on;
use super::ean13::{QUIET, encode_ean13};
use super::hero::star;
use super::paint::{Area, Canvas, Rgb, around, clouds, lit, mix};

/// Dims the rims a little and wears them here and there, so that two packs side by side show where one ends.
pub(crate) fn wear(c: &mut Canvas, seed: u32) {
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
pub(crate) fn nutrition(c: &mut Canvas, area: Area, rng: &mut ChaCha8Rng) -> f32 {
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
pub(crate) fn small_print(c: &mut Canvas, area: Area, ink: Rgb, rng: &mut ChaCha8Rng) {
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
pub(crate) fn pictograms(c: &mut Canvas, area: Area, rng: &mut ChaCha8Rng) {
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

/// Draws the barcode where it fits with whole pixels a module; false when it doesn't.
pub(crate) fn barcode(c: &mut Canvas, digits: &str, area: Area) -> bool {
    let Some(bars) = encode_ean13(digits) else {
        return false;
    };
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
