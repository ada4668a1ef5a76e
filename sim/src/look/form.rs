//! Closed shells from which items are put together: lofts, pillows, rounded boxes and bent rods.
//!
//! Every shell is closed: each of its edges, taken by place, belongs to two triangles that run it opposite ways.
//! A form may hold several shells, one in or through another, such as a blister's card, bubble and content.

use std::f32::consts::{FRAC_PI_2, TAU};

use super::mesh::{Mesh, Patch, SIDES};

/// Corners round a loft.
pub(crate) const ROUND: usize = 28;

/// Half of what two sheets keep between them where they lie on each other, metres.
const THIN: f32 = 0.000_3;

/// Shells that make up an item, and its convex parts. Metres.
#[derive(Debug, Clone, Default)]
pub(crate) struct Form {
    pub mesh: Mesh,
    pub parts: Vec<Vec<[f32; 3]>>,
}

/// An outline across a loft at one height: a superellipse |x/a|^e + |y/b|^e = 1 about (x, y).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ring {
    pub z: f32,
    pub a: f32,
    pub b: f32,
    /// 2 is an ellipse, large values come near a rectangle.
    pub e: f32,
    pub x: f32,
    pub y: f32,
}

impl Ring {
    /// A circle about the axis.
    pub fn round(z: f32, radius: f32) -> Self {
        Self { z, a: radius, b: radius, e: 2.0, x: 0.0, y: 0.0 }
    }

    /// A superellipse about the axis.
    pub fn oval(z: f32, a: f32, b: f32, e: f32) -> Self {
        Self { z, a, b, e, x: 0.0, y: 0.0 }
    }

    /// The same outline elsewhere.
    pub fn at(self, x: f32, y: f32) -> Self {
        Self { x, y, ..self }
    }

    /// `ROUND` places of equal arc length, from −y round by +x.
    fn corners(&self) -> Vec<[f32; 2]> {
        const FINE: usize = 16 * ROUND;
        let point = |i: usize| {
            let (sin, cos) = (i as f32 / FINE as f32 * TAU).sin_cos();
            let power = |v: f32| v.abs().powf(2.0 / self.e).copysign(v);
            [self.a * power(sin), -self.b * power(cos)]
        };
        let mut along = vec![0.0f32];
        for i in 1..=FINE {
            let (p, q) = (point(i - 1), point(i));
            along.push(along[i - 1] + (q[0] - p[0]).hypot(q[1] - p[1]));
        }
        let whole = along[FINE].max(1e-9);
        let mut i = 0;
        (0..ROUND)
            .map(|k| {
                let wanted = whole * k as f32 / ROUND as f32;
                while along[i + 1] < wanted {
                    i += 1;
                }
                let share = (wanted - along[i]) / (along[i + 1] - along[i]).max(1e-12);
                let (p, q) = (point(i), point(i + 1));
                [self.x + p[0] + (q[0] - p[0]) * share, self.y + p[1] + (q[1] - p[1]) * share]
            })
            .collect()
    }
}

/// Which rings of a loft bear which picture: first ring, last ring, picture.
pub(crate) type Band<'a> = (usize, usize, &'a Patch);

fn add(a: [f32; 3], b: [f32; 3], by: f32) -> [f32; 3] {
    [a[0] + b[0] * by, a[1] + b[1] * by, a[2] + b[2] * by]
}

fn cross(a: [f32; 3], b: [f32; 3]) -> [f32; 3] {
    [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
}

fn unit(a: [f32; 3]) -> [f32; 3] {
    let length = (a[0] * a[0] + a[1] * a[1] + a[2] * a[2]).sqrt();
    if length > 1e-12 { a.map(|v| v / length) } else { [0.0, 0.0, 1.0] }
}

impl Form {
    fn corner(&mut self, position: [f32; 3], normal: [f32; 3], uv: [f32; 2]) -> u32 {
        self.mesh.positions.push(position);
        self.mesh.normals.push(normal);
        self.mesh.uvs.push(uv);
        (self.mesh.positions.len() - 1) as u32
    }

    /// Rings joined from the first to the last, and a flat disc at either end. A profile that comes back inside
    /// itself makes a cup. Bands follow on each other and cover all rings; edges between bands are sharp.
    ///
    /// Parts: runs of rings that are convex. A cup's are taken from [`Self::cup_parts`].
    pub fn loft(&mut self, rings: &[Ring], bands: &[Band<'_>], ends: [&Patch; 2]) {
        self.loft_bent(rings, bands, ends, |_, _| 0.0);
    }

    /// As [`Self::loft`], with each corner moved outwards by what `bump` gives for its ring and place round.
    pub fn loft_bent(
        &mut self,
        rings: &[Ring],
        bands: &[Band<'_>],
        ends: [&Patch; 2],
        bump: impl Fn(usize, usize) -> f32,
    ) {
        let places: Vec<Vec<[f32; 3]>> = rings
            .iter()
            .enumerate()
            .map(|(j, ring)| {
                let corners = ring.corners();
                let lift = |(i, p): (usize, &[f32; 2])| {
                    let out = [p[0] - ring.x, p[1] - ring.y];
                    let by = bump(j, i) / out[0].hypot(out[1]).max(1e-4);
                    [p[0] + out[0] * by, p[1] + out[1] * by, ring.z]
                };
                corners.iter().enumerate().map(lift).collect()
            })
            .collect();
        for &(first, last, patch) in bands {
            let lengths: Vec<f32> = (first..=last)
                .map(
                    |j| if j == first { 0.0 } else { (rings[j].z - rings[j - 1].z).hypot(rings[j].a - rings[j - 1].a) },
                )
                .collect();
            let whole = lengths.iter().sum::<f32>().max(1e-9);
            let mut sum = 0.0;
            let base = self.mesh.positions.len() as u32;
            for j in first..=last {
                sum += lengths[j - first];
                for i in 0..=ROUND {
                    let k = i % ROUND;
                    let around = add(places[j][(k + 1) % ROUND], places[j][(k + ROUND - 1) % ROUND], -1.0);
                    let (low, high) = (j.max(first + 1) - 1, (j + 1).min(last));
                    let up = add(places[high][k], places[low][k], -1.0);
                    self.corner(
                        places[j][k],
                        unit(cross(around, up)),
                        patch.at(i as f32 / ROUND as f32, 1.0 - sum / whole),
                    );
                }
            }
            let wide = (ROUND + 1) as u32;
            for j in 0..(last - first) as u32 {
                for i in 0..ROUND as u32 {
                    let low = base + j * wide + i;
                    let high = low + wide;
                    self.mesh.triangles.extend([[low, low + 1, high + 1], [low, high + 1, high]]);
                }
            }
        }
        let last = rings.len() - 1;
        self.disc(&places[0], &rings[0], ends[0], false);
        self.disc(&places[last], &rings[last], ends[1], true);
        self.parts.extend(convex_runs(rings).into_iter().map(|(from, to)| {
            (from..=to).flat_map(|j| places[j].iter().step_by(2).copied().collect::<Vec<_>>()).collect()
        }));
    }

    fn disc(&mut self, places: &[[f32; 3]], ring: &Ring, patch: &Patch, top: bool) {
        let normal = [0.0, 0.0, if top { 1.0 } else { -1.0 }];
        let side = if top { 1.0 } else { -1.0 };
        let uv = |p: &[f32; 3]| {
            let s = 0.5 + 0.5 * (p[0] - ring.x) / ring.a.max(1e-6);
            let t = 0.5 - side * 0.5 * (p[1] - ring.y) / ring.b.max(1e-6);
            patch.at(s.clamp(0.0, 1.0), t.clamp(0.0, 1.0))
        };
        let centre = self.corner([ring.x, ring.y, ring.z], normal, patch.at(0.5, 0.5));
        let first = centre + 1;
        for p in places {
            self.corner(*p, normal, uv(p));
        }
        for i in 0..ROUND as u32 {
            let (a, b) = (first + i, first + (i + 1) % ROUND as u32);
            self.mesh.triangles.push(if top { [centre, a, b] } else { [centre, b, a] });
        }
    }

    /// Replaces the parts by those of a cup: its floor, and eight pieces of its wall, from the outer rings
    /// `0..inner` and the inner ones after them.
    pub fn cup_parts(&mut self, rings: &[Ring], inner: usize) {
        let last = rings.len() - 1;
        let floor = [rings[0], Ring { z: rings[last].z, ..rings[0] }];
        let flat = |ring: &Ring, step: usize| -> Vec<[f32; 3]> {
            ring.corners().iter().step_by(step).map(|p| [p[0], p[1], ring.z]).collect()
        };
        self.parts = vec![floor.iter().flat_map(|r| flat(r, 2)).collect()];
        const PIECES: usize = 7;
        let wide = ROUND / PIECES;
        for k in 0..PIECES {
            let of = |ring: &Ring| -> Vec<[f32; 3]> {
                let corners = flat(ring, 1);
                (0..=wide).step_by(2).map(|i| corners[(k * wide + i) % ROUND]).collect()
            };
            self.parts.push([0, inner - 1, inner, last].iter().flat_map(|&j| of(&rings[j])).collect());
        }
    }

    /// A sphere.
    pub fn ball(&mut self, centre: [f32; 3], radius: f32, patch: &Patch) {
        const RINGS: usize = 5;
        let rings: Vec<Ring> = (0..=RINGS)
            .map(|j| {
                let (sin, cos) = (FRAC_PI_2 * (2.0 * j as f32 / RINGS as f32 - 1.0)).sin_cos();
                Ring::round(centre[2] + radius * sin, (radius * cos).max(0.02 * radius)).at(centre[0], centre[1])
            })
            .collect();
        self.loft(&rings, &[(0, RINGS, patch)], [patch, patch]);
    }

    /// Two sheets over a rectangle that meet at its rim: `top` and `bottom` give their heights for (s, t) in
    /// −1…1, `outline` where that place lies. At the rim both are at height 0, elsewhere a little apart at least.
    pub fn pillow(
        &mut self,
        cells: [usize; 2],
        outline: impl Fn(f32, f32) -> [f32; 2],
        top: impl Fn(f32, f32) -> f32,
        bottom: impl Fn(f32, f32) -> f32,
        patches: [&Patch; 2],
    ) {
        let [nx, ny] = cells;
        let at = |i: usize, j: usize| [2.0 * i as f32 / nx as f32 - 1.0, 2.0 * j as f32 / ny as f32 - 1.0];
        let mut part = Vec::new();
        for (up, patch) in [(true, patches[0]), (false, patches[1])] {
            let place = |i: usize, j: usize| {
                let [s, t] = at(i, j);
                let [x, y] = outline(s, t);
                let rim = i == 0 || j == 0 || i == nx || j == ny;
                let (over, under) = (top(s, t), bottom(s, t));
                let middle = 0.5 * (over + under);
                let apart = (0.5 * (over - under)).max(THIN);
                [x, y, if rim { 0.0 } else { middle + if up { apart } else { -apart } }]
            };
            let base = self.mesh.positions.len() as u32;
            for j in 0..=ny {
                for i in 0..=nx {
                    let along = add(place((i + 1).min(nx), j), place(i.max(1) - 1, j), -1.0);
                    let across = add(place(i, (j + 1).min(ny)), place(i, j.max(1) - 1), -1.0);
                    let normal = if up { cross(along, across) } else { cross(across, along) };
                    let [s, t] = at(i, j);
                    let (u, v) = (0.5 + 0.5 * s, 0.5 - 0.5 * t);
                    self.corner(place(i, j), unit(normal), patch.at(u, if up { v } else { 1.0 - v }));
                    if i * 6 % nx < 6 && j * 6 % ny < 6 {
                        part.push(place(i, j));
                    }
                }
            }
            let wide = nx as u32 + 1;
            for j in 0..ny as u32 {
                for i in 0..nx as u32 {
                    let a = base + j * wide + i;
                    let (b, c, d) = (a + 1, a + wide + 1, a + wide);
                    // The diagonal runs from the rim's corner, so that no triangle lies in the rim alone.
                    let across = (2 * i >= nx as u32) != (2 * j >= ny as u32);
                    let cell = if across { [[a, b, d], [b, c, d]] } else { [[a, b, c], [a, c, d]] };
                    self.mesh.triangles.extend(cell.map(|[p, q, r]| if up { [p, q, r] } else { [p, r, q] }));
                }
            }
        }
        self.parts.push(part);
    }

    /// A box of half sides `half` about `centre` whose edges are rounded with `radius`; faces stand out by
    /// `bulge` in their middle, and every corner is moved by what `dent` gives for its place. Patch k is the
    /// picture of side k.
    pub fn rounded_box(
        &mut self,
        centre: [f32; 3],
        half: [f32; 3],
        radius: f32,
        bulge: f32,
        patches: &[Patch; 6],
        dent: impl Fn([f32; 3]) -> [f32; 3],
    ) {
        const LINES: usize = 6;
        let first = self.mesh.positions.len();
        let inner = half.map(|h| (h - radius).max(0.0));
        for ([out, right, up], patch) in SIDES.iter().zip(patches) {
            let axis = |d: &[f32; 3]| d.iter().position(|v| *v != 0.0).unwrap_or(0);
            let (n, r, u) = (axis(out), axis(right), axis(up));
            let line = |k: usize, along: usize| -> f32 {
                let share = [-1.0, -1.0, -0.34, 0.34, 1.0, 1.0][k];
                if k == 0 || k == LINES - 1 { share * half[along] } else { share * inner[along] }
            };
            let base = self.mesh.positions.len() as u32;
            for j in 0..LINES {
                for i in 0..LINES {
                    let mut on = [0.0; 3];
                    on[n] = out[n] * half[n];
                    on[r] = right[r] * line(i, r);
                    on[u] = up[u] * line(j, u);
                    let core: [f32; 3] = [0, 1, 2].map(|k| on[k].clamp(-inner[k], inner[k]));
                    let away = unit(add(on, core, -1.0));
                    let mut at = add(core, away, radius);
                    let (s, t) = (on[r] / half[r], on[u] / half[u]);
                    let (ws, wt) = ((1.0 - s * s).max(0.0), (1.0 - t * t).max(0.0));
                    at[n] += out[n] * bulge * ws * wt;
                    let mut normal = away;
                    normal[r] += 2.0 * bulge * s / half[r] * wt;
                    normal[u] += 2.0 * bulge * t / half[u] * ws;
                    let (s, t) = (right[r] * on[r] / half[r], up[u] * on[u] / half[u]);
                    let moved = add(at, dent(at), 1.0);
                    self.corner(add(centre, moved, 1.0), unit(normal), patch.at(0.5 + 0.5 * s, 0.5 - 0.5 * t));
                }
            }
            for j in 0..LINES as u32 - 1 {
                for i in 0..LINES as u32 - 1 {
                    let a = base + j * LINES as u32 + i;
                    let (b, c, d) = (a + 1, a + LINES as u32 + 1, a + LINES as u32);
                    self.mesh.triangles.extend([[a, b, c], [a, c, d]]);
                }
            }
        }
        self.parts.push(self.mesh.positions[first..].to_vec());
    }

    /// A rod of `radius` (one for each place) along `path`, with `sides` corners round and flat ends.
    pub fn rod(&mut self, path: &[[f32; 3]], radii: &[f32], sides: usize, patch: &Patch) {
        let last = path.len() - 1;
        let way = |j: usize| unit(add(path[(j + 1).min(last)], path[j.max(1) - 1], -1.0));
        let helper = if way(0)[2].abs() < 0.9 { [0.0, 0.0, 1.0] } else { [1.0, 0.0, 0.0] };
        let mut across = unit(cross(helper, way(0)));
        let mut rings: Vec<Vec<([f32; 3], [f32; 3])>> = Vec::new();
        for j in 0..=last {
            // The same direction carried along, so that the rod doesn't twist.
            let along = way(j);
            let lean: f32 = (0..3).map(|k| across[k] * along[k]).sum();
            across = unit(add(across, along, -lean));
            let other = cross(along, across);
            rings.push(
                (0..sides)
                    .map(|i| {
                        let (sin, cos) = (i as f32 / sides as f32 * TAU).sin_cos();
                        let out = add(across.map(|v| v * cos), other, sin);
                        (add(path[j], out, radii[j.min(radii.len() - 1)]), out)
                    })
                    .collect(),
            );
        }
        let base = self.mesh.positions.len() as u32;
        for (j, ring) in rings.iter().enumerate() {
            for i in 0..=sides {
                let (at, out) = ring[i % sides];
                self.corner(at, out, patch.at(j as f32 / last as f32, i as f32 / sides as f32));
            }
        }
        let wide = sides as u32 + 1;
        for j in 0..last as u32 {
            for i in 0..sides as u32 {
                let a = base + j * wide + i;
                let (b, c, d) = (a + 1, a + wide + 1, a + wide);
                self.mesh.triangles.extend([[a, b, c], [a, c, d]]);
            }
            let pair = [&rings[j as usize], &rings[j as usize + 1]];
            self.parts.push(pair.iter().flat_map(|r| r.iter().step_by(2).map(|p| p.0)).collect());
        }
        for (end, j) in [(false, 0), (true, last)] {
            let normal = if end { way(last) } else { way(0).map(|v| -v) };
            let centre = self.corner(path[j], normal, patch.at(if end { 1.0 } else { 0.0 }, 0.5));
            for (at, _) in &rings[j] {
                self.corner(*at, normal, patch.at(if end { 1.0 } else { 0.0 }, 0.5));
            }
            for i in 0..sides as u32 {
                let (a, b) = (centre + 1 + i, centre + 1 + (i + 1) % sides as u32);
                self.mesh.triangles.push(if end { [centre, a, b] } else { [centre, b, a] });
            }
        }
    }

    /// Moves everything so that the box around it is centred on the frame; gives that box's sides.
    pub fn centre(&mut self) -> [f32; 3] {
        let bound = |k: usize| {
            let each = self.mesh.positions.iter().map(|p| p[k]);
            (each.clone().fold(f32::MAX, f32::min), each.fold(f32::MIN, f32::max))
        };
        let bounds = [bound(0), bound(1), bound(2)];
        let middle = bounds.map(|(low, high)| 0.5 * (low + high));
        let parts = self.parts.iter_mut().flatten();
        for p in self.mesh.positions.iter_mut().chain(parts) {
            *p = add(*p, middle, -1.0);
        }
        bounds.map(|(low, high)| high - low)
    }

    /// Turns everything so that what ran along axis `from` runs along `to`, keeping right hands right.
    pub fn turn(&mut self, order: [usize; 3], signs: [f32; 3]) {
        let map = |p: &[f32; 3]| [0, 1, 2].map(|k| signs[k] * p[order[k]]);
        for p in self.mesh.positions.iter_mut().chain(&mut self.mesh.normals).chain(self.parts.iter_mut().flatten()) {
            *p = map(p);
        }
    }
}

/// Runs of rings whose hull is no larger than they are, within 1.5 mm.
fn convex_runs(rings: &[Ring]) -> Vec<(usize, usize)> {
    let convex = |from: usize, to: usize| {
        (from + 1..to).all(|k| {
            let chord = |i: usize, j: usize, of: fn(&Ring) -> f32| {
                let (a, b, m) = (&rings[i], &rings[j], &rings[k]);
                let share = (m.z - a.z) / (b.z - a.z).abs().max(1e-6).copysign(b.z - a.z);
                of(a) + (of(b) - of(a)) * share.clamp(0.0, 1.0) - of(m) < 0.0015
            };
            (from..k).all(|i| (k + 1..=to).all(|j| chord(i, j, |r| r.a) && chord(i, j, |r| r.b)))
        })
    };
    let mut runs = Vec::new();
    let mut from = 0;
    while from + 1 < rings.len() {
        let mut to = from + 1;
        while to + 1 < rings.len() && convex(from, to + 1) {
            to += 1;
        }
        runs.push((from, to));
        from = to;
    }
    runs
}
