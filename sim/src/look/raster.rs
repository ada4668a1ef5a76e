//! Triangles to samples: which triangle is nearest, on a grid of two samples a pixel.
//!
//! Sample (2u + 1, 2v + 1) is the centre of pixel (u, v); the samples between lie half-way to its neighbours,
//! so that edges can be smoothed with a tent over nine samples.

use std::ops::Range;

use super::mesh::Mesh;
use super::texture::{HOLE, Texture, WHOLE};

/// A value that is linear over the grid: at (x, y) it is `c + x·dx + y·dy`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Plane {
    pub dx: f32,
    pub dy: f32,
    pub c: f32,
}

impl Plane {
    pub fn at(&self, x: f32, y: f32) -> f32 {
        self.c + x * self.dx + y * self.dy
    }

    fn through(at: &[[f64; 2]; 3], values: [f64; 3], inverse_area: f64) -> Self {
        let [a, b, c] = at;
        let (v1, v2) = (values[1] - values[0], values[2] - values[0]);
        let dx = (v1 * (c[1] - a[1]) - v2 * (b[1] - a[1])) * inverse_area;
        let dy = (v2 * (b[0] - a[0]) - v1 * (c[0] - a[0])) * inverse_area;
        Self { dx: dx as f32, dy: dy as f32, c: (values[0] - a[0] * dx - a[1] * dy) as f32 }
    }
}

/// A corner in the camera's frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Corner {
    /// In the camera's frame, metres.
    pub at: [f64; 3],
    pub uv: [f32; 2],
    /// Outward direction in the world.
    pub normal: [f32; 3],
}

/// A corner on the grid.
#[derive(Debug, Clone, Copy)]
struct Projected {
    corner: Corner,
    at: [f64; 2],
    inverse_z: f64,
}

/// A triangle that faces the camera: what filling asks of it.
#[derive(Debug, Clone, Copy)]
struct Outline {
    surface: u32,
    /// Which of the grid's corners.
    corners: [u32; 3],
    inverse: Plane,
}

/// A triangle in the picture.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(crate) struct Drawn {
    /// Which surface of the stage.
    pub surface: u32,
    /// Surface and face: where two of these meet is an edge.
    pub group: u32,
    /// 1/z, u/z and v/z.
    pub inverse: Plane,
    pub uz: Plane,
    pub vz: Plane,
    /// The normal where it is the same all over.
    pub normal: [f32; 3],
    /// The normal over z where it isn't.
    pub round: Option<[Plane; 3]>,
}

/// No triangle.
pub(crate) const NONE: u32 = u32::MAX;
/// Nearer than this nothing is drawn, metres.
const NEAR: f64 = 0.05;

/// The grid of samples.
#[derive(Debug, Clone, Default)]
pub(crate) struct Grid {
    pub width: usize,
    pub height: usize,
    /// 1/z of the nearest triangle.
    pub inverse: Vec<f32>,
    /// Which triangle of `drawn`.
    pub triangle: Vec<u32>,
    /// The same of the nearest clear triangle; empty while nothing clear is drawn.
    pub clear_inverse: Vec<f32>,
    pub clear: Vec<u32>,
    /// The triangles; those that are seen nowhere stay empty.
    pub drawn: Vec<Drawn>,
    /// The group of each of `drawn`, close together for the many look-ups at edges.
    pub groups: Vec<u32>,
    outlines: Vec<Outline>,
    corners: Vec<Projected>,
}

/// Some rows of the grid.
struct Band<'g> {
    rows: Range<usize>,
    width: usize,
    inverse: &'g mut [f32],
    triangle: &'g mut [u32],
    clear_inverse: &'g mut [f32],
    clear: &'g mut [u32],
}

/// From camera coordinates to the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lens {
    pub fx: f64,
    pub fy: f64,
    pub cx: f64,
    pub cy: f64,
}

impl Grid {
    /// Empties the grid for a picture of `width` × `height` pixels.
    pub fn clear(&mut self, width: usize, height: usize) {
        self.width = 2 * width + 1;
        self.height = 2 * height + 1;
        let samples = self.width * self.height;
        self.inverse.clear();
        self.inverse.resize(samples, 0.0);
        self.triangle.clear();
        self.triangle.resize(samples, NONE);
        self.clear_inverse.clear();
        self.clear.clear();
        self.drawn.clear();
        self.groups.clear();
        self.outlines.clear();
        self.corners.clear();
    }

    /// The clear triangle before everything opaque at a sample, if there is one.
    #[inline]
    pub fn clear_at(&self, sample: usize) -> Option<u32> {
        let triangle = *self.clear.get(sample)?;
        (triangle != NONE && self.clear_inverse[sample] > self.inverse[sample]).then_some(triangle)
    }

    /// Adds triangles of one surface, cut at the near plane; counter-clockwise from the front.
    pub fn add(&mut self, lens: &Lens, corners: &[Corner], triangles: &[[u32; 3]], surface: u32) {
        let first = self.corners.len() as u32;
        self.corners.extend(corners.iter().map(|corner| lens.project(corner)));
        for triangle in triangles {
            let picked = triangle.map(|i| corners[i as usize]);
            if picked.iter().all(|c| c.at[2] > NEAR) {
                self.add_whole(triangle.map(|i| first + i), surface);
            } else {
                self.add_cut(lens, &picked, surface);
            }
        }
    }

    fn add_cut(&mut self, lens: &Lens, corners: &[Corner; 3], surface: u32) {
        let first = self.corners.len() as u32;
        for (i, a) in corners.iter().enumerate() {
            let b = &corners[(i + 1) % 3];
            if a.at[2] > NEAR {
                self.corners.push(lens.project(a));
            }
            if (a.at[2] > NEAR) != (b.at[2] > NEAR) {
                let t = (NEAR * 1.001 - a.at[2]) / (b.at[2] - a.at[2]);
                let s = t as f32;
                self.corners.push(lens.project(&Corner {
                    at: std::array::from_fn(|k| a.at[k] + (b.at[k] - a.at[k]) * t),
                    uv: std::array::from_fn(|k| a.uv[k] + (b.uv[k] - a.uv[k]) * s),
                    normal: std::array::from_fn(|k| a.normal[k] + (b.normal[k] - a.normal[k]) * s),
                }));
            }
        }
        for last in first + 2..self.corners.len() as u32 {
            self.add_whole([first, last - 1, last], surface);
        }
    }

    fn add_whole(&mut self, corners: [u32; 3], surface: u32) {
        let picked = corners.map(|i| &self.corners[i as usize]);
        let at = picked.map(|p| p.at);
        let area = twice_area(&at);
        // Image y runs down: what is counter-clockwise from the front has a negative area here.
        if area >= -1e-9 || area.is_nan() {
            return;
        }
        let inverse = Plane::through(&at, picked.map(|p| p.inverse_z), 1.0 / area);
        self.outlines.push(Outline { surface, corners, inverse });
    }

    /// Draws all that was added, in that order; `cover` gives the texture of a surface that has holes or is clear.
    /// Two threads, each with half of the rows; no sample knows of another.
    pub fn fill<'t>(&mut self, cover: impl Fn(u32) -> Option<&'t Texture> + Sync) {
        let (width, height, half) = (self.width, self.height, self.height / 2);
        if self.outlines.iter().any(|o| cover(o.surface).is_some()) {
            self.clear_inverse.resize(self.inverse.len(), 0.0);
            self.clear.resize(self.inverse.len(), NONE);
        }
        let cut = half * width;
        let clear_cut = cut.min(self.clear.len());
        let (inverse, below_inverse) = self.inverse.split_at_mut(cut);
        let (triangle, below_triangle) = self.triangle.split_at_mut(cut);
        let (clear_inverse, below_clear_inverse) = self.clear_inverse.split_at_mut(clear_cut);
        let (clear, below_clear) = self.clear.split_at_mut(clear_cut);
        let mut above = Band { rows: 0..half, width, inverse, triangle, clear_inverse, clear };
        let mut below = Band {
            rows: half..height,
            width,
            inverse: below_inverse,
            triangle: below_triangle,
            clear_inverse: below_clear_inverse,
            clear: below_clear,
        };
        let (outlines, corners, cover) = (&self.outlines, &self.corners, &cover);
        let (seen, seen_below) = std::thread::scope(|scope| {
            let below = scope.spawn(move || below.fill(outlines, corners, cover));
            (above.fill(outlines, corners, cover), below.join().unwrap_or_else(|_| vec![true; outlines.len()]))
        });
        self.drawn.resize(outlines.len(), Drawn::default());
        self.groups.resize(outlines.len(), NONE);
        for (number, outline) in outlines.iter().enumerate().filter(|(number, _)| seen[*number] || seen_below[*number])
        {
            let drawn = outline.drawn(corners);
            self.groups[number] = drawn.group;
            self.drawn[number] = drawn;
        }
    }
}

impl Outline {
    /// All that is linear over the triangle.
    fn drawn(&self, corners: &[Projected]) -> Drawn {
        let picked = self.corners.map(|i| &corners[i as usize]);
        let at = picked.map(|p| p.at);
        let one = 1.0 / twice_area(&at);
        let over_z = |k: &dyn Fn(&Corner) -> f32| {
            Plane::through(&at, picked.map(|p| f64::from(k(&p.corner)) * p.inverse_z), one)
        };
        let normal = picked[0].corner.normal;
        let flat = picked.iter().all(|p| p.corner.normal == normal);
        let axis = (0..3).max_by(|&a, &b| normal[a].abs().total_cmp(&normal[b].abs())).unwrap_or(0);
        let face = if flat { 2 * axis as u32 + u32::from(normal[axis] > 0.0) } else { 6 };
        Drawn {
            surface: self.surface,
            group: self.surface * 8 + face,
            inverse: self.inverse,
            uz: over_z(&|c| c.uv[0]),
            vz: over_z(&|c| c.uv[1]),
            normal,
            round: (!flat).then(|| [over_z(&|c| c.normal[0]), over_z(&|c| c.normal[1]), over_z(&|c| c.normal[2])]),
        }
    }
}

impl Lens {
    fn project(&self, corner: &Corner) -> Projected {
        let [x, y, z] = corner.at;
        let at = [2.0 * (self.fx * x / z + self.cx) + 1.0, 2.0 * (self.fy * y / z + self.cy) + 1.0];
        Projected { corner: *corner, at, inverse_z: 1.0 / z }
    }
}

/// Twice the area of a triangle, by the sense in which it runs.
fn twice_area(at: &[[f64; 2]; 3]) -> f64 {
    (at[1][0] - at[0][0]) * (at[2][1] - at[0][1]) - (at[2][0] - at[0][0]) * (at[1][1] - at[0][1])
}

impl Band<'_> {
    /// Draws the triangles; tells which of them are seen.
    fn fill<'t>(
        &mut self,
        outlines: &[Outline],
        corners: &[Projected],
        cover: &(impl Fn(u32) -> Option<&'t Texture> + Sync),
    ) -> Vec<bool> {
        for (number, outline) in outlines.iter().enumerate() {
            let at = outline.corners.map(|i| corners[i as usize].at);
            match cover(outline.surface) {
                Some(cover) => self.fill_covered(&outline.drawn(corners), &at, number as u32, cover),
                None => self.fill_opaque(outline.inverse, &at, number as u32),
            }
        }
        let mut seen = vec![false; outlines.len()];
        for &triangle in self.triangle.iter().chain(&*self.clear) {
            if let Some(seen) = seen.get_mut(triangle as usize) {
                *seen = true;
            }
        }
        seen
    }

    fn fill_opaque(&mut self, inverse: Plane, at: &[[f64; 2]; 3], number: u32) {
        let (width, top) = (self.width, self.rows.start);
        spans(at, width, self.rows.clone(), |y, from, to| {
            let row = (y - top) * width;
            let first = inverse.at(0.0, y as f32);
            let depths = &mut self.inverse[row + from..row + to];
            let ids = &mut self.triangle[row + from..row + to];
            // Without branches, and with numbers that convert fast: four samples at a time.
            for (x, (depth, id)) in (from as i32..).zip(depths.iter_mut().zip(ids)) {
                let here = first + x as f32 * inverse.dx;
                let nearer = here > *depth;
                *depth = if nearer { here } else { *depth };
                *id = if nearer { number } else { *id };
            }
        });
    }

    /// Draws a triangle that has holes or is clear in parts.
    fn fill_covered(&mut self, drawn: &Drawn, at: &[[f64; 2]; 3], number: u32, cover: &Texture) {
        let Drawn { inverse, uz, vz, .. } = *drawn;
        let (width, top) = (self.width, self.rows.start);
        spans(at, width, self.rows.clone(), |y, from, to| {
            for x in from..to {
                let (sample, gx, gy) = ((y - top) * width + x, x as f32, y as f32);
                let here = inverse.at(gx, gy);
                if here <= self.inverse[sample] {
                    continue;
                }
                let z = 1.0 / here;
                let found = cover.cover_at(uz.at(gx, gy) * z, vz.at(gx, gy) * z);
                if found >= WHOLE {
                    self.inverse[sample] = here;
                    self.triangle[sample] = number;
                } else if found >= HOLE && here > self.clear_inverse[sample] {
                    self.clear_inverse[sample] = here;
                    self.clear[sample] = number;
                }
            }
        });
    }
}

/// Calls `each` with (row, first, past the last) of the samples inside a triangle, for some rows. Two triangles
/// with a common edge share no sample and leave none out.
pub(crate) fn spans(at: &[[f64; 2]; 3], width: usize, rows: Range<usize>, mut each: impl FnMut(usize, usize, usize)) {
    let low = at.iter().map(|p| p[1]).fold(f64::MAX, f64::min);
    let high = at.iter().map(|p| p[1]).fold(f64::MIN, f64::max);
    let first = up(low, rows.start, rows.end);
    let past = up(high, rows.start, rows.end);
    if first >= past {
        return;
    }
    // Each edge from its upper end, whichever way it runs, so that both its triangles compute the same.
    let edges: [[f64; 4]; 3] = std::array::from_fn(|i| {
        let (a, b) = (at[i], at[(i + 1) % 3]);
        let (a, b) = if (a[1], a[0]) <= (b[1], b[0]) { (a, b) } else { (b, a) };
        [a[0], a[1], b[1], (b[0] - a[0]) / (b[1] - a[1])]
    });
    for y in first..past {
        let row = y as f64;
        let (mut left, mut right) = (f64::MAX, f64::MIN);
        for [x0, y0, y1, slope] in edges {
            if y0 <= row && row < y1 {
                let x = x0 + (row - y0) * slope;
                left = left.min(x);
                right = right.max(x);
            }
        }
        let (from, to) = (up(left, 0, width), up(right, 0, width));
        if from < to {
            each(y, from, to);
        }
    }
}

/// The next whole number from `v` on, within `least` and `most`.
#[inline]
fn up(v: f64, least: usize, most: usize) -> usize {
    let v = v.clamp(least as f64, most as f64);
    // By way of i32: `ceil` is a call on plain x86-64.
    let whole = v as i32;
    whole as usize + usize::from(f64::from(whole) < v)
}

/// How many pixel centres a mesh covers when nothing hides it; holes of `texture` don't count.
pub(crate) fn covered(
    lens: &Lens,
    mesh: &Mesh,
    texture: &Texture,
    width: usize,
    height: usize,
    to_camera: impl Fn([f32; 3]) -> [f64; 3],
) -> usize {
    let at: Vec<[f64; 3]> = mesh.positions.iter().map(|&p| to_camera(p)).collect();
    let mut seen = vec![false; width * height];
    for corners in &mesh.triangles {
        let points = corners.map(|i| at[i as usize]);
        if points.iter().any(|p| p[2] <= NEAR) {
            continue;
        }
        let flat = points.map(|[x, y, z]| [lens.fx * x / z + lens.cx, lens.fy * y / z + lens.cy]);
        let area = twice_area(&flat);
        if area >= 0.0 {
            continue;
        }
        // Over a triangle this small, texture coordinates are as good as linear in the picture.
        let uvs = corners.map(|i| mesh.uvs[i as usize]);
        let plane = |k: usize| Plane::through(&flat, uvs.map(|uv| f64::from(uv[k])), 1.0 / area);
        let (u, v) = (plane(0), plane(1));
        spans(&flat, width, 0..height, |y, from, to| {
            for x in from..to {
                let (px, py) = (x as f32, y as f32);
                let solid = !texture.has_cover() || texture.cover_at(u.at(px, py), v.at(px, py)) >= HOLE;
                seen[y * width + x] |= solid;
            }
        });
    }
    seen.into_iter().filter(|&s| s).count()
}
