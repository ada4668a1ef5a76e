//! The reference pictures of a SKU: six sides on plain grey.

use super::mesh::SIDES;
use super::raster::{Corner, Drawn, Grid, Lens};
use super::truth::TrueSku;

/// Side of a reference picture, pixels.
pub(crate) const SIDE: usize = 160;
/// Pixels that the item's longer side in the picture fills.
const FILLED: f64 = 150.0;
/// From this far away, metres: nearly without perspective.
const AWAY: f64 = 12.0;

/// A reference picture: red, green, blue and alpha, `4 × side × side` bytes; alpha is 255 on the item.
///
/// Picture k shows the side −x, +x, −y, +y, −z, +z (0…5), z upwards for the first four, y downwards for −z and
/// upwards for +z. It is lit evenly, without shine.
pub(crate) fn portraits(sku: &TrueSku) -> Vec<Vec<u8>> {
    let mut grid = Grid::default();
    SIDES.iter().map(|side| portrait(sku, side, &mut grid)).collect()
}

fn portrait(sku: &TrueSku, [out, right, up]: &[[f32; 3]; 3], grid: &mut Grid) -> Vec<u8> {
    let size = sku.truth.size_m;
    let along = |axis: &[f32; 3]| -> f64 { (0..3).map(|k| f64::from(axis[k].abs()) * size[k]).sum() };
    let deep = along(out);
    let scale = FILLED / along(right).max(along(up));
    let focal = scale * (AWAY - 0.5 * deep);
    let middle = 0.5 * SIDE as f64 - 0.5;
    let lens = Lens { fx: focal, fy: focal, cx: middle, cy: middle };
    grid.clear(SIDE, SIDE);
    let dot = |a: &[f32; 3], b: &[f32; 3]| -> f64 { (0..3).map(|k| f64::from(a[k]) * f64::from(b[k])).sum() };
    let mesh = &sku.mesh;
    let corner = |((p, &normal), &uv): ((&[f32; 3], &[f32; 3]), &[f32; 2])| Corner {
        at: [dot(p, right), -dot(p, up), AWAY - dot(p, out)],
        uv,
        normal,
    };
    let corners: Vec<Corner> = mesh.positions.iter().zip(&mesh.normals).zip(&mesh.uvs).map(corner).collect();
    grid.add(&lens, &corners, &mesh.triangles, 0);
    grid.fill(|_| Some(&sku.texture).filter(|t| t.has_cover()));
    let mut bytes = Vec::with_capacity(4 * SIDE * SIDE);
    for v in 0..SIDE {
        for u in 0..SIDE {
            bytes.extend(pixel(sku, grid, u, v, out));
        }
    }
    bytes
}

fn pixel(sku: &TrueSku, grid: &Grid, u: usize, v: usize, out: &[f32; 3]) -> [u8; 4] {
    const PLAIN: f32 = 190.0;
    let (mut sum, mut total) = ([0.0f32; 3], 0.0f32);
    for (j, i) in (0..9).map(|k| (k / 3, k % 3)) {
        let weight = ((2 - usize::abs_diff(i, 1)) * (2 - usize::abs_diff(j, 1))) as f32;
        let (x, y) = (2 * u + i, 2 * v + j);
        let sample = y * grid.width + x;
        let whole = grid.drawn.get(grid.triangle[sample] as usize);
        let Some(drawn) = whole else {
            if let Some(drawn) = grid.clear_at(sample).and_then(|t| grid.drawn.get(t as usize)) {
                let (colour, own) = film(sku, drawn, x as f32, y as f32);
                for k in 0..3 {
                    sum[k] += weight * (PLAIN * 0.9 + (colour[k] - PLAIN * 0.9) * own);
                }
                total += weight;
            }
            continue;
        };
        let (gx, gy) = (x as f32, y as f32);
        let z = 1.0 / drawn.inverse.at(gx, gy);
        let (s, t) = (drawn.uz.at(gx, gy) * z, drawn.vz.at(gx, gy) * z);
        let slope = |over: f32, d: f32, inverse: f32, size: usize| (d - over * inverse) * z * 2.0 * size as f32;
        let (w, h) = (sku.texture.width(), sku.texture.height());
        let across = slope(s, drawn.uz.dx, drawn.inverse.dx, w).hypot(slope(t, drawn.vz.dx, drawn.inverse.dx, h));
        let down = slope(s, drawn.uz.dy, drawn.inverse.dy, w).hypot(slope(t, drawn.vz.dy, drawn.inverse.dy, h));
        let normal = match &drawn.round {
            Some(planes) => [0, 1, 2].map(|k| planes[k].at(gx, gy) * z),
            None => drawn.normal,
        };
        let facing: f32 = (0..3).map(|k| normal[k] * out[k]).sum();
        let shade = 0.55 + 0.43 * facing.clamp(0.0, 1.0);
        let colour = sku.texture.sample(s, t, 0.45 * (across + down));
        let over = grid.clear_at(sample).and_then(|t| grid.drawn.get(t as usize)).map(|d| film(sku, d, gx, gy));
        for k in 0..3 {
            let mut seen = colour[k] * shade;
            if let Some((film, own)) = over {
                // What is under clear film is a little paler.
                seen = seen * 0.88 + 18.0 + (film[k] - seen * 0.88) * own;
            }
            sum[k] += weight * seen;
        }
        total += weight;
    }
    let alpha = if total >= 8.0 { 255 } else { 0 };
    let [r, g, b] = sum.map(|c| ((c + (16.0 - total) * PLAIN) / 16.0).round().clamp(0.0, 255.0) as u8);
    // Beside the item nothing but grey, which packs well.
    if total == 0.0 { [PLAIN as u8, PLAIN as u8, PLAIN as u8, 0] } else { [r, g, b, alpha] }
}

/// Colour and own share of clear film at a sample.
fn film(sku: &TrueSku, drawn: &Drawn, x: f32, y: f32) -> ([f32; 3], f32) {
    let z = 1.0 / drawn.inverse.at(x, y);
    let (u, v) = (drawn.uz.at(x, y) * z, drawn.vz.at(x, y) * z);
    (sku.texture.sample(u, v, 1.0), f32::from(sku.texture.cover_at(u, v)) / 255.0)
}
