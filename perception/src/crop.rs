//! Upright crops: what the identity network sees of an item or of a reference view.

use opencv::core::{BORDER_CONSTANT, Mat, MatTraitConst, MatTraitConstManual, Point2f, Scalar, Size, Vector};
use opencv::imgproc;
use scene::Mask;

use crate::View;

/// Side of a crop, pixels (training/networks.py).
pub(crate) const SIDE: usize = 96;
/// Colour and mask.
pub(crate) const CHANNELS: usize = 4;
/// Numbers in one crop.
pub(crate) const CROP: usize = CHANNELS * SIDE * SIDE;
/// How far a crop reaches past the item's rectangle: side over longest side (training/data.py).
const REACH: f64 = 1.04;

/// The smallest rectangle around points: centre, long and short side, angle of the long side to x (radians).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rectangle {
    pub x: f64,
    pub y: f64,
    pub long: f64,
    pub short: f64,
    pub angle: f64,
}

/// The smallest rectangle around points; `None` for none.
pub(crate) fn rectangle(points: &[(f32, f32)]) -> opencv::Result<Option<Rectangle>> {
    if points.is_empty() {
        return Ok(None);
    }
    let points: Vector<Point2f> = points.iter().map(|&(x, y)| Point2f::new(x, y)).collect();
    let found = imgproc::min_area_rect(&points)?;
    let (mut long, mut short) = (f64::from(found.size.width), f64::from(found.size.height));
    let mut angle = f64::from(found.angle).to_radians();
    if short > long {
        (long, short) = (short, long);
        angle += core::f64::consts::FRAC_PI_2;
    }
    Ok(Some(Rectangle { x: f64::from(found.center.x), y: f64::from(found.center.y), long, short, angle }))
}

/// The crop of an item of an RGB image, long side level, `CHANNELS × SIDE × SIDE`.
pub(crate) fn item_crop(rgb: &[u8], width: usize, mask: &Mask) -> opencv::Result<Vec<f32>> {
    // Only pixels with a neighbour outside matter for the rectangle: the ends of each row.
    let mut ends = Vec::with_capacity(2 * mask.height as usize);
    for (row, y) in mask.bits.chunks_exact(mask.width as usize).zip(0u32..) {
        let first = row.iter().position(|&bit| bit != 0);
        let last = row.iter().rposition(|&bit| bit != 0);
        if let (Some(first), Some(last)) = (first, last) {
            ends.push((first as f32, y as f32));
            ends.push((last as f32, y as f32));
        }
    }
    let Some(mut around) = rectangle(&ends)? else {
        return Ok(vec![0.0; CROP]);
    };
    around.long += 1.0;
    around.short += 1.0;
    // The item's box with two more pixels of colour around it, so that edges don't blend with black.
    let height = rgb.len() / 3 / width;
    let pad = 2;
    let (x0, y0) = (mask.x as usize, mask.y as usize);
    let (left, top) = (x0.min(pad), y0.min(pad));
    let box_w = left + mask.width as usize + pad.min(width - x0 - mask.width as usize);
    let box_h = top + mask.height as usize + pad.min(height - y0 - mask.height as usize);
    let mut rgba = vec![0u8; 4 * box_w * box_h];
    for y in 0..box_h {
        for x in 0..box_w {
            let (u, v) = (x0 - left + x, y0 - top + y);
            let to = 4 * (y * box_w + x);
            let from = 3 * (v * width + u);
            rgba[to..to + 3].copy_from_slice(&rgb[from..from + 3]);
            rgba[to + 3] = 255 * u8::from(mask.contains(u as u32, v as u32));
        }
    }
    around.x += left as f64;
    around.y += top as f64;
    Ok(as_input(&cut(&rgba, box_h, around)?, 0))
}

/// The crops of a reference view in four quarter turns.
pub(crate) fn view_crops(view: &View) -> opencv::Result<Vec<Vec<f32>>> {
    let inside = |i: &usize| view.rgba[4 * i + 3] >= 128;
    let pixels: Vec<usize> = (0..view.width * view.height).filter(inside).collect();
    let span = |of: fn(usize, usize) -> usize| {
        let low = pixels.iter().map(|&i| of(i, view.width)).min().unwrap_or(0);
        let high = pixels.iter().map(|&i| of(i, view.width)).max().unwrap_or(0);
        (0.5 * (low + high) as f64, (high - low + 1) as f64)
    };
    let ((x, w), (y, h)) = (span(|i, width| i % width), span(|i, width| i / width));
    let around = Rectangle {
        x,
        y,
        long: w.max(h),
        short: w.min(h),
        angle: if w >= h { 0.0 } else { core::f64::consts::FRAC_PI_2 },
    };
    let rgba = cut(&view.rgba, view.height, around)?;
    Ok((0..4).map(|turns| as_input(&rgba, turns)).collect())
}

/// A square around a rectangle of an RGBA picture, sampled twice as fine and averaged: fine print doesn't alias.
fn cut(rgba: &[u8], rows: usize, around: Rectangle) -> opencv::Result<Vec<u8>> {
    let scale = around.long * REACH / (2 * SIDE) as f64;
    let (c, s) = (around.angle.cos() * scale, around.angle.sin() * scale);
    let middle = SIDE as f64 - 0.5;
    let back = [c, -s, around.x - c * middle + s * middle, s, c, around.y - s * middle - c * middle];
    let back = Mat::from_slice(&back)?;
    let back = back.reshape(1, 2)?;
    let picture = Mat::from_slice(rgba)?;
    let picture = picture.reshape(4, rows as i32)?;
    let mut fine = Mat::default();
    imgproc::warp_affine(
        &picture,
        &mut fine,
        &back,
        Size::new(2 * SIDE as i32, 2 * SIDE as i32),
        imgproc::INTER_LINEAR | imgproc::WARP_INVERSE_MAP,
        BORDER_CONSTANT,
        Scalar::all(0.0),
    )?;
    let mut square = Mat::default();
    imgproc::resize(&fine, &mut square, Size::new(SIDE as i32, SIDE as i32), 0.0, 0.0, imgproc::INTER_AREA)?;
    Ok(square.data_bytes()?.to_vec())
}

/// Colour minus grey, times four, nothing outside the mask; the mask. After so many quarter turns.
fn as_input(rgba: &[u8], turns: usize) -> Vec<f32> {
    let plane = SIDE * SIDE;
    let mut input = vec![0.0; CROP];
    for y in 0..SIDE {
        for x in 0..SIDE {
            let (u, v) = match turns {
                0 => (x, y),
                1 => (y, SIDE - 1 - x),
                2 => (SIDE - 1 - x, SIDE - 1 - y),
                _ => (SIDE - 1 - y, x),
            };
            let pixel = &rgba[4 * (v * SIDE + u)..][..4];
            if pixel[3] >= 128 {
                let to = y * SIDE + x;
                for channel in 0..3 {
                    input[channel * plane + to] = (f32::from(pixel[channel]) / 255.0 - 0.5) * 4.0;
                }
                input[3 * plane + to] = 1.0;
            }
        }
    }
    input
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_of_an_item_looks_like_its_view() {
        // A view whose left half is red, and an image in which the item lies turned by a quarter.
        let (w, h) = (80usize, 40usize);
        let mut rgba = vec![0u8; 4 * w * h];
        for (i, pixel) in rgba.chunks_exact_mut(4).enumerate() {
            pixel.copy_from_slice(&[if i % w < w / 2 { 255 } else { 0 }, 0, 0, 255]);
        }
        let view = View { width: w, height: h, rgba };
        let mut rgb = vec![90u8; 3 * 200 * 200];
        let mut pixels = Vec::new();
        for v in 60u32..140 {
            for u in 80u32..120 {
                pixels.push((u, v));
                let red = if v < 100 { 255 } else { 0 };
                rgb[3 * (v * 200 + u) as usize..][..3].copy_from_slice(&[red, 0, 0]);
            }
        }
        let mask = Mask::from_pixels(&pixels).unwrap();
        let crop = item_crop(&rgb, 200, &mask).unwrap();
        let away = |other: &Vec<f32>| -> f32 {
            let sum: f32 = crop.iter().zip(other).map(|(a, b)| (a - b).abs()).sum();
            sum / CROP as f32
        };
        let nearest = view_crops(&view).unwrap().iter().map(away).fold(f32::INFINITY, f32::min);
        assert!(nearest < 0.05, "nearest view is {nearest} away");
    }

    #[test]
    fn the_rectangle_around_points_has_its_long_side_first() {
        let points = [(0.0, 0.0), (2.0, 0.0), (2.0, 6.0), (0.0, 6.0)];
        let found = rectangle(&points).unwrap().unwrap();
        assert!((found.long - 6.0).abs() < 1e-5 && (found.short - 2.0).abs() < 1e-5);
        assert!(found.angle.cos().abs() < 1e-5);
        assert!(rectangle(&[]).unwrap().is_none());
    }
}
