//! Masks to polygons and back.
//!
//! Coordinates are those of COCO: pixel (u, v) covers u … u + 1 and v … v + 1. A polygon is `[x, y, x, y, …]`.

use std::collections::BTreeMap;

use opencv::core::{Point2f, Vector};
use opencv::imgproc;
use scene::Mask;

/// The pixels whose centres lie within any of the polygons (each by the even-odd rule), in an image of this size; `None`
/// for none. Coordinates that are not finite, and a last one without its pair, are passed over.
#[must_use]
pub fn fill_polygons(polygons: &[Vec<f64>], width: u32, height: u32) -> Option<Mask> {
    let mut pixels = Vec::new();
    for polygon in polygons {
        fill_one(polygon, width, height, &mut pixels);
    }
    pixels.sort_unstable_by_key(|&(u, v)| (v, u));
    pixels.dedup();
    Mask::from_pixels(&pixels)
}

fn fill_one(polygon: &[f64], width: u32, height: u32, pixels: &mut Vec<(u32, u32)>) {
    let points: Vec<(f64, f64)> =
        polygon.chunks_exact(2).map(|p| (p[0], p[1])).filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    let Some(last) = points.last() else { return };
    let top = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min).clamp(0.0, f64::from(height)) as u32;
    let bottom = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max).ceil().clamp(0.0, f64::from(height));
    let mut crossings = Vec::new();
    for v in top..bottom as u32 {
        let y = f64::from(v) + 0.5;
        crossings.clear();
        let mut from = *last;
        for &to in &points {
            if (from.1 <= y) != (to.1 <= y) {
                crossings.push(from.0 + (y - from.1) / (to.1 - from.1) * (to.0 - from.0));
            }
            from = to;
        }
        crossings.sort_unstable_by(f64::total_cmp);
        for pair in crossings.chunks_exact(2) {
            // Centres from the first crossing (within) to the second (outside).
            let column = |x: f64| (x - 0.5).ceil().clamp(0.0, f64::from(width)) as u32;
            pixels.extend((column(pair[0])..column(pair[1])).map(|u| (u, v)));
        }
    }
}

/// The outlines of a mask, one polygon for each patch (4 neighbours), in reading order of their first pixels. A hole is
/// joined to its outline by a seam of no width, so that filling gives the mask back.
///
/// `tolerance_px` is how far corners may be rounded off, pixels; 0 follows every pixel.
///
/// # Errors
/// [`LookError::Image`](crate::LookError::Image): what OpenCV says of a polygon that it can't simplify.
pub fn outlines(mask: &Mask, tolerance_px: f64) -> Result<Vec<Vec<f64>>, crate::LookError> {
    let (holes, outer): (Vec<Vec<Corner>>, Vec<Vec<Corner>>) = loops(mask).into_iter().partition(|l| area(l) < 0);
    let mut polygons: Vec<Vec<(f32, f32)>> = Vec::with_capacity(outer.len());
    for corners in &outer {
        polygons.push(simplified(corners, tolerance_px)?);
    }
    for hole in &holes {
        // The patch of a hole is the innermost outline around it: the one of least area.
        let around = (0..outer.len()).filter(|&k| holds(&outer[k], hole)).min_by_key(|&k| area(&outer[k]));
        if let Some(k) = around {
            let hole = simplified(hole, tolerance_px)?;
            join(&mut polygons[k], &hole);
        }
    }
    let flat = |polygon: Vec<(f32, f32)>| polygon.into_iter().flat_map(|(x, y)| [f64::from(x), f64::from(y)]).collect();
    Ok(polygons.into_iter().map(flat).collect())
}

/// A corner between pixels, in the image.
type Corner = (i64, i64);

/// The edges between inside and outside as closed ways with the inside on their right, collinear corners left out.
fn loops(mask: &Mask) -> Vec<Vec<Corner>> {
    let inside = |u: i64, v: i64| {
        u32::try_from(u).is_ok_and(|u| u32::try_from(v).is_ok_and(|v| mask.contains(mask.x + u, mask.y + v)))
    };
    // Edges by the corner that they begin at; a corner where two patches meet has two.
    let mut edges: BTreeMap<Corner, Vec<Corner>> = BTreeMap::new();
    for v in 0..i64::from(mask.height) {
        for u in (0..i64::from(mask.width)).filter(|&u| inside(u, v)) {
            let sides = [
                ((u, v - 1), (u, v), (u + 1, v)),
                ((u + 1, v), (u + 1, v), (u + 1, v + 1)),
                ((u, v + 1), (u + 1, v + 1), (u, v + 1)),
                ((u - 1, v), (u, v + 1), (u, v)),
            ];
            for (beyond, (x0, y0), (x1, y1)) in sides {
                if !inside(beyond.0, beyond.1) {
                    edges.entry((y0, x0)).or_default().push((y1, x1));
                }
            }
        }
    }
    let mut found = Vec::new();
    while let Some((&start, _)) = edges.first_key_value() {
        let mut corners: Vec<Corner> = vec![start];
        let mut way = (0, 0);
        let mut at = start;
        while let Some(next) = edges.get_mut(&at) {
            // Where two edges begin, the right turn keeps patches that touch at a corner apart.
            let right = next.iter().position(|to| (to.0 - at.0, to.1 - at.1) == (way.1, -way.0)).unwrap_or(0);
            let to = next.swap_remove(right);
            if next.is_empty() {
                edges.remove(&at);
            }
            let step = (to.0 - at.0, to.1 - at.1);
            if step == way {
                corners.pop();
            }
            corners.push(to);
            (way, at) = (step, to);
            if at == start {
                break;
            }
        }
        corners.pop();
        found.push(corners.into_iter().map(|(y, x)| (x + i64::from(mask.x), y + i64::from(mask.y))).collect());
    }
    found
}

/// Twice the area, positive for an outline and negative for a hole.
fn area(corners: &[Corner]) -> i64 {
    let next = corners.iter().cycle().skip(1);
    corners.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum()
}

/// True where the pixel right below and right of a hole's first corner lies in the outline.
fn holds(outer: &[Corner], hole: &[Corner]) -> bool {
    let Some(&(x, y)) = hole.iter().min_by_key(|c| (c.1, c.0)) else { return false };
    let next = outer.iter().cycle().skip(1);
    let right = outer.iter().zip(next).filter(|(a, b)| a.0 == b.0 && a.0 > x && (a.1 <= y) != (b.1 <= y));
    right.count() % 2 == 1
}

fn simplified(corners: &[Corner], tolerance_px: f64) -> opencv::Result<Vec<(f32, f32)>> {
    let exact: Vec<(f32, f32)> = corners.iter().map(|&(x, y)| (x as f32, y as f32)).collect();
    if tolerance_px <= 0.0 || exact.len() <= 4 {
        return Ok(exact);
    }
    let curve: Vector<Point2f> = exact.iter().map(|&(x, y)| Point2f::new(x, y)).collect();
    let mut rounded = Vector::<Point2f>::new();
    imgproc::approx_poly_dp(&curve, &mut rounded, tolerance_px, true)?;
    if rounded.len() < 3 {
        return Ok(exact);
    }
    Ok(rounded.iter().map(|p| (p.x, p.y)).collect())
}

/// Puts a hole into an outline, at the corners of the two that are nearest to each other.
fn join(outer: &mut Vec<(f32, f32)>, hole: &[(f32, f32)]) {
    let apart = |i: usize, j: usize| (outer[i].0 - hole[j].0).hypot(outer[i].1 - hole[j].1);
    let pairs = (0..outer.len()).flat_map(|i| (0..hole.len()).map(move |j| (i, j)));
    let Some((i, j)) = pairs.min_by(|a, b| apart(a.0, a.1).total_cmp(&apart(b.0, b.1))) else { return };
    let seam = outer[i];
    let detour: Vec<(f32, f32)> = hole[j..].iter().chain(&hole[..=j]).copied().chain([seam]).collect();
    outer.splice(i + 1..i + 1, detour);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `#` is inside; the picture's corner is at (3, 5).
    fn mask(rows: &[&str]) -> Mask {
        let pixels: Vec<(u32, u32)> = rows
            .iter()
            .zip(5u32..)
            .flat_map(|(row, v)| row.bytes().zip(3u32..).filter(|(b, _)| *b == b'#').map(move |(_, u)| (u, v)))
            .collect();
        Mask::from_pixels(&pixels).unwrap()
    }

    #[test]
    fn masks_with_holes_islands_and_touching_corners_come_back_exactly() {
        let check = |rows: &[&str], polygons: usize| {
            let mask = mask(rows);
            let outlines = outlines(&mask, 0.0).unwrap();
            assert_eq!(outlines.len(), polygons, "{outlines:?}");
            assert_eq!(fill_polygons(&outlines, 40, 40), Some(mask));
        };
        check(&["###", "###"], 1);
        check(&["#..", ".#.", "..#"], 3);
        check(&["#####", "#...#", "#.#.#", "#...#", "#####"], 2);
        check(&["####", "#.##", "##.#", "####"], 1);
        check(&["#.#", ".#.", "#.#"], 5);
    }

    #[test]
    fn a_square_has_its_four_corners() {
        assert_eq!(outlines(&mask(&["##", "##"]), 0.0).unwrap(), [[3.0, 5.0, 5.0, 5.0, 5.0, 7.0, 3.0, 7.0]]);
    }

    #[test]
    fn rounded_corners_change_few_pixels_and_need_few_points() {
        let disc: Vec<(u32, u32)> = (0..80u32)
            .flat_map(|v| (0..80u32).map(move |u| (u, v)))
            .filter(|&(u, v)| {
                let r = (f64::from(u) - 40.0).hypot(f64::from(v) - 40.0);
                (12.0..35.0).contains(&r)
            })
            .collect();
        let mask = Mask::from_pixels(&disc).unwrap();
        let rounded = outlines(&mask, 0.8).unwrap();
        let points: usize = rounded.iter().map(|p| p.len() / 2).sum();
        let back = fill_polygons(&rounded, 80, 80).unwrap();
        let same = back.pixels().filter(|&(u, v)| mask.contains(u, v)).count();
        let iou = same as f64 / (back.area() + mask.area() - same) as f64;
        assert!(points < 90 && iou > 0.97, "{points} points, IoU {iou:.3}");
    }

    #[test]
    fn polygons_count_the_pixels_whose_centres_they_hold_and_stop_at_the_image() {
        let area = |polygon: &[f64]| fill_polygons(&[polygon.to_vec()], 20, 20).map_or(0, |mask| mask.area());
        assert_eq!(area(&[2.0, 2.0, 6.0, 2.0, 6.0, 5.0, 2.0, 5.0]), 12);
        assert_eq!(area(&[2.6, 2.6, 6.4, 2.6, 6.4, 5.4, 2.6, 5.4]), 6);
        assert_eq!(area(&[-50.0, -50.0, 50.0, -50.0, 50.0, 50.0, -50.0, 50.0]), 400);
        assert_eq!(area(&[30.0, 30.0, 40.0, 30.0, 40.0, 40.0]), 0);
        assert_eq!(area(&[1.0, f64::NAN, 3.0]), 0);
        assert_eq!(area(&[]), 0);
    }
}
