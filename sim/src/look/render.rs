//! From a stage to clean light on the sensor, true depth and item numbers.

use nalgebra::{Matrix3, Point3, Vector3};

use super::backdrop::{Lamp, RIM, patch};
use super::layout::{FOLDS, Layout, Surface, lens_of, seen_disc, surface_of};
use super::mesh::Mesh;
use super::paint::{Rgb, hash, noise_slope};
use super::raster::{Drawn, Grid, Lens, NONE, covered};
use super::shadow::{Crevices, Shadow};
use super::stage::{NO_ITEM, Placed, Stage};
use super::texture::Texture;
use super::view::View;

/// A picture before any sensor: what a perfect camera would measure.
#[derive(Debug, Clone, PartialEq)]
pub struct Rendered {
    /// Where it was taken from.
    pub view: View,
    /// Light on each pixel: linear red, green, blue; 1 is the sensor's white.
    pub light: Vec<[f32; 3]>,
    /// Depth along the optical axis at each pixel's centre, metres; NaN where there is nothing. Of clear things
    /// it is that of their outside.
    pub depth_true: Vec<f32>,
    /// Where a pixel shows something clear: the depth of what is seen through it. Empty when nothing is clear,
    /// else NaN elsewhere.
    pub depth_behind: Vec<f32>,
    /// The item that each pixel's centre shows, [`NO_ITEM`] for none.
    pub ids: Vec<u32>,
    /// How likely stereo finds no match at each pixel, 0 to 1.
    pub unmatched: Vec<f32>,
    /// How much the rims of the picture darken, 0 to 1.
    pub(crate) vignette: f32,
    pub(crate) contrast: f32,
}

/// Renders stages; keeps its memory between pictures.
#[derive(Debug, Clone, Default)]
pub struct Renderer {
    grid: Grid,
    crevices: Crevices,
    to_linear: Vec<f32>,
}

/// Light on a piece of surface: it shows its print times `by`, and `plus` on top.
#[derive(Debug, Clone, Copy)]
struct Lit {
    triangle: u32,
    by: Vector3<f32>,
    plus: Vector3<f32>,
    /// How likely stereo finds no match.
    unmatched: f32,
    /// Cosine between the normal and the way to the eye.
    facing: f32,
    normal: Vector3<f32>,
    /// Texels of its print that fall on a pixel.
    texels: f32,
}

impl Default for Lit {
    fn default() -> Self {
        let none = Vector3::zeros();
        Self { triangle: NONE, by: none, plus: none, unmatched: 0.0, facing: 1.0, normal: none, texels: 1.0 }
    }
}

/// Some rows of a picture.
struct Strip<'p> {
    /// The first of them.
    first: usize,
    light: &'p mut [Rgb],
    unmatched: &'p mut [f32],
    depth: &'p mut [f32],
    ids: &'p mut [u32],
}

impl<'p> Strip<'p> {
    /// The first `rows` rows of a picture, and the others.
    fn cut(picture: &'p mut Rendered, rows: usize, width: usize) -> (Self, Self) {
        let at = rows * width;
        let (light, light_below) = picture.light.split_at_mut(at);
        let (unmatched, unmatched_below) = picture.unmatched.split_at_mut(at);
        let (depth, depth_below) = picture.depth_true.split_at_mut(at);
        let (ids, ids_below) = picture.ids.split_at_mut(at);
        let below =
            Self { first: rows, light: light_below, unmatched: unmatched_below, depth: depth_below, ids: ids_below };
        (Self { first: 0, light, unmatched, depth, ids }, below)
    }
}

/// What is seen through something clear shifts by this much where its surface is steep, metres.
const BEND_M: f32 = 0.007;

/// All of a stage that shading asks.
struct Shading<'a> {
    surfaces: Vec<Surface<'a>>,
    stage: &'a Stage<'a>,
    shadows: Vec<Option<Shadow>>,
    lens: Lens,
    rotation: Matrix3<f32>,
    eye: Vector3<f32>,
}

impl Renderer {
    /// A renderer without pictures.
    #[must_use]
    pub fn new() -> Self {
        let to_linear = (0..=1023).map(|i| {
            let v = i as f32 / 1023.0;
            if v <= 0.04045 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
        });
        Self { to_linear: to_linear.collect(), ..Self::default() }
    }

    /// Renders a stage as a camera sees it. The same stage and view give the same bytes.
    pub fn render(&mut self, stage: &Stage<'_>, view: &View) -> Rendered {
        let (width, height) = (view.intrinsics.width as usize, view.intrinsics.height as usize);
        let pixels = width * height;
        let mut picture = Rendered {
            view: *view,
            light: vec![[0.0; 3]; pixels],
            depth_true: vec![0.0; pixels],
            depth_behind: Vec::new(),
            ids: vec![NO_ITEM; pixels],
            unmatched: vec![0.0; pixels],
            vignette: stage.light.vignette,
            contrast: stage.light.contrast,
        };
        if pixels == 0 {
            return picture;
        }
        self.grid.clear(width, height);
        let shading = self.lay_out(stage, view);
        let rotation = shading.rotation;
        self.crevices.measure(width, height, |u, v| {
            let (x, y) = (2 * u + 1, 2 * v + 1);
            let inverse = self.grid.inverse[y * self.grid.width + x].max(1e-3);
            let at = shading.in_camera(x as f32, y as f32, 1.0 / inverse);
            (rotation * at).z + shading.eye.z
        });
        // Two threads, each with half of the rows; no pixel knows of another, but for those of its 2 × 2 block.
        let half = (height / 4 * 2).max(1).min(height);
        let (mut above, mut below) = Strip::cut(&mut picture, half, width);
        let this = &*self;
        std::thread::scope(|scope| {
            scope.spawn(|| this.rows(&shading, &mut below));
            this.rows(&shading, &mut above);
        });
        if !self.grid.clear.is_empty() {
            let sample = |i: usize| (2 * (i / width) + 1) * self.grid.width + 2 * (i % width) + 1;
            let behind =
                |i: usize| self.grid.clear_at(sample(i)).map_or(f32::NAN, |_| 1.0 / self.grid.inverse[sample(i)]);
            picture.depth_behind = (0..pixels).map(behind).collect();
        }
        picture
    }

    /// How many pixels an item would cover if nothing hid it.
    #[must_use]
    pub fn unhidden_pixels(item: &Placed<'_>, view: &View) -> usize {
        let camera_from_item = view.camera_from_world() * item.world_from_item.isometry();
        let (width, height) = (view.intrinsics.width as usize, view.intrinsics.height as usize);
        covered(&lens_of(view), &item.sku.mesh, &item.sku.texture, width, height, |p| {
            camera_from_item.transform_point(&Point3::from(p.map(f64::from))).into()
        })
    }

    fn lay_out<'a>(&mut self, stage: &'a Stage<'a>, view: &View) -> Shading<'a> {
        let camera_from_world = view.camera_from_world();
        let lens = lens_of(view);
        let mut layout =
            Layout { grid: &mut self.grid, lens, camera_from_world, surfaces: Vec::new(), solid: Vec::new() };
        layout.table(stage);
        for tub in stage.tubs {
            layout.tub(tub, stage);
        }
        let blank = Mesh::cuboid([0.5; 3], &[patch(RIM); 6]);
        for block in stage.blocks {
            layout.surfaces.push(Surface {
                id: NO_ITEM,
                texture: None,
                tiled: false,
                colour: block.colour.map(|c| self.to_linear[usize::from(c) * 4]),
                gloss: 0.2,
                spread: 0.2,
                metal: 0.0,
                creases: 0.0,
                folds: FOLDS,
                fine: false,
                panels: false,
                unmatched: 0.03,
                seed: 0,
            });
            layout.mesh(&blank, &block.world_from_block, block.half.map(|h| 2.0 * h));
        }
        for item in stage.items {
            layout.surfaces.push(surface_of(item, stage.light.seed));
            layout.mesh(&item.sku.mesh, item.world_from_item.isometry(), [1.0; 3]);
        }
        let (surfaces, solid) = (layout.surfaces, layout.solid);
        self.grid.fill(|s| surfaces[s as usize].texture.filter(|t| t.has_cover()));
        let (centre, radius) = seen_disc(view);
        let shadows = std::thread::scope(|scope| {
            let cast = |l: &Lamp| Shadow::cast(l.to, l.size, centre, radius, &solid);
            let lamps = stage.light.lamps.iter();
            // All but the last in threads of their own; there are two at most.
            let last = stage.light.lamps.iter().rposition(|l| l.shadow);
            let started: Vec<_> = lamps
                .enumerate()
                .map(|(i, lamp)| (lamp, (lamp.shadow && Some(i) != last).then(|| scope.spawn(move || cast(lamp)))))
                .collect();
            let own = last.map(|i| cast(&stage.light.lamps[i]));
            let mut own = own.into_iter();
            started
                .into_iter()
                .map(|(lamp, thread)| match thread {
                    Some(thread) => Some(thread.join().unwrap_or_else(|_| cast(lamp))),
                    None if lamp.shadow => own.next(),
                    None => None,
                })
                .collect()
        });
        let pose = view.world_from_camera.isometry();
        Shading {
            surfaces,
            stage,
            shadows,
            lens,
            rotation: pose.rotation.to_rotation_matrix().matrix().cast(),
            eye: pose.translation.vector.cast(),
        }
    }

    /// The pixels of some rows, the first of them even.
    fn rows(&self, shading: &Shading<'_>, strip: &mut Strip<'_>) {
        let light = shading.stage.light;
        let gain: Rgb = [0, 1, 2].map(|k| light.exposure * light.balance[k]);
        let width = (self.grid.width - 1) / 2;
        let mut blocks = vec![Lit::default(); width.div_ceil(2)];
        let rows = strip.light.len() / width;
        for (row, v) in (strip.first..strip.first + rows).enumerate() {
            for u in 0..width {
                let fresh = u % 2 == 0 && v % 2 == 0;
                let (light, unmatched, depth, id) = self.pixel(shading, u, v, &mut blocks[u / 2], fresh);
                let at = row * width + u;
                strip.light[at] = [light[0] * gain[0], light[1] * gain[1], light[2] * gain[2]];
                strip.unmatched[at] = unmatched;
                strip.depth[at] = depth;
                strip.ids[at] = id;
            }
        }
    }

    /// Light, chance of no match, depth and item of one pixel.
    ///
    /// Light changes slowly: what `block` knows of the pixel's triangle is taken unless it must be `fresh`.
    fn pixel(&self, shading: &Shading<'_>, u: usize, v: usize, block: &mut Lit, fresh: bool) -> (Rgb, f32, f32, u32) {
        let wide = self.grid.width;
        let centre = (2 * v + 1) * wide + 2 * u + 1;
        let middle = self.grid.triangle[centre];
        if !self.grid.clear.is_empty() && self.touches_clear(u, v) {
            return self.clear_pixel(shading, u, v);
        }
        let row = |y: usize| &self.grid.triangle[y * wide + 2 * u..y * wide + 2 * u + 3];
        let rows = [row(2 * v), row(2 * v + 1), row(2 * v + 2)];
        let inside = rows.iter().all(|r| r.iter().all(|&t| t == middle));
        let Some(drawn) = self.grid.drawn.get(middle as usize) else {
            return ([0.0; 3], 1.0, f32::NAN, NO_ITEM);
        };
        let surface = &shading.surfaces[drawn.surface as usize];
        let depth = 1.0 / self.grid.inverse[centre];
        let known = block.triangle == middle
            || (surface.fine
                && self
                    .grid
                    .drawn
                    .get(block.triangle as usize)
                    .is_some_and(|d| d.group == drawn.group && d.round.is_some()));
        if fresh || !known {
            *block = self.lit(shading, drawn, 2 * u + 1, 2 * v + 1);
            block.triangle = middle;
        }
        let light = self.shade(surface, drawn, block, 2 * u + 1, 2 * v + 1);
        let dark = 0.06 * (1.0 - light[1] * 14.0).clamp(0.0, 1.0);
        let unmatched = (block.unmatched + dark).min(1.0);
        if inside {
            return (light, unmatched, depth, surface.id);
        }
        // Triangles of one smooth face have no edge between them.
        let alike = |&t: &u32| self.grid.groups.get(t as usize) == Some(&drawn.group);
        if drawn.round.is_some() && rows.iter().all(|r| r.iter().all(alike)) {
            return (light, unmatched, depth, surface.id);
        }
        // A tent over nine samples; each face is shaded once, where it weighs most.
        let mut groups: [(u32, f32, Rgb); 9] = [(drawn.group, 4.0, light); 9];
        let mut count = 1;
        for (j, samples) in rows.iter().enumerate() {
            for (i, &triangle) in samples.iter().enumerate() {
                let weight = ((2 - i.abs_diff(1)) * (2 - j.abs_diff(1))) as f32;
                if i == 1 && j == 1 || triangle == NONE {
                    continue;
                }
                let Some(other) = self.grid.drawn.get(triangle as usize) else {
                    continue;
                };
                if let Some(known) = groups[..count].iter_mut().find(|g| g.0 == other.group) {
                    known.1 += weight;
                } else {
                    let (x, y) = (2 * u + i, 2 * v + j);
                    let lit = self.lit(shading, other, x, y);
                    let light = self.shade(&shading.surfaces[other.surface as usize], other, &lit, x, y);
                    groups[count] = (other.group, weight, light);
                    count += 1;
                }
            }
        }
        let total: f32 = groups[..count].iter().map(|g| g.1).sum();
        let mixed = [0, 1, 2].map(|k| groups[..count].iter().map(|g| g.1 * g.2[k]).sum::<f32>() / total);
        (mixed, unmatched, depth, surface.id)
    }

    /// True when something clear is in front at the pixel's centre or at a sample beside it.
    fn touches_clear(&self, u: usize, v: usize) -> bool {
        let wide = self.grid.width;
        (0..9).any(|k| self.grid.clear_at((2 * v + k / 3) * wide + 2 * u + k % 3).is_some())
    }

    /// As [`Self::pixel`] where something clear is in front.
    fn clear_pixel(&self, s: &Shading<'_>, u: usize, v: usize) -> (Rgb, f32, f32, u32) {
        let wide = self.grid.width;
        let mut groups: [(u32, f32, Rgb); 9] = [(NONE, 0.0, [0.0; 3]); 9];
        let mut count = 0;
        let mut unmatched = 0.0;
        // The centre first: its light is that of its group.
        for k in [4, 1, 3, 5, 7, 0, 2, 6, 8] {
            let (i, j) = (k % 3, k / 3);
            let (x, y) = (2 * u + i, 2 * v + j);
            let weight = ((2 - i.abs_diff(1)) * (2 - j.abs_diff(1))) as f32;
            let sample = y * wide + x;
            let clear = self.grid.clear_at(sample);
            let Some(drawn) = self.grid.drawn.get(clear.unwrap_or(self.grid.triangle[sample]) as usize) else {
                continue;
            };
            let group = drawn.group * 2 + u32::from(clear.is_some());
            if let Some(known) = groups[..count].iter_mut().find(|g| g.0 == group) {
                known.1 += weight;
                continue;
            }
            let lit = self.lit(s, drawn, x, y);
            let light = if clear.is_some() {
                self.through(s, drawn, &lit, x, y)
            } else {
                self.shade(&s.surfaces[drawn.surface as usize], drawn, &lit, x, y)
            };
            if k == 4 {
                unmatched = if clear.is_some() { (0.25 + 2.0 * lit.unmatched).min(0.95) } else { lit.unmatched };
            }
            groups[count] = (group, weight, light);
            count += 1;
        }
        let total: f32 = groups[..count].iter().map(|g| g.1).sum::<f32>().max(1e-6);
        let mixed = [0, 1, 2].map(|k| groups[..count].iter().map(|g| g.1 * g.2[k]).sum::<f32>() / total);
        let centre = (2 * v + 1) * wide + 2 * u + 1;
        let clear = self.grid.clear_at(centre);
        let front = clear.unwrap_or(self.grid.triangle[centre]);
        let Some(drawn) = self.grid.drawn.get(front as usize) else {
            return (mixed, 1.0, f32::NAN, NO_ITEM);
        };
        let inverse = if clear.is_some() { self.grid.clear_inverse[centre] } else { self.grid.inverse[centre] };
        (mixed, unmatched, 1.0 / inverse, s.surfaces[drawn.surface as usize].id)
    }

    /// Light that comes through something clear and from it: what is behind, shifted where the surface is steep
    /// and dimmed by its own colour, and what its outside mirrors.
    fn through(&self, s: &Shading<'_>, drawn: &Drawn, lit: &Lit, gx: usize, gy: usize) -> Rgb {
        let surface = &s.surfaces[drawn.surface as usize];
        let (x, y) = (gx as f32, gy as f32);
        let z = 1.0 / drawn.inverse.at(x, y).max(1e-3);
        let (u, v) = (drawn.uz.at(x, y) * z, drawn.vz.at(x, y) * z);
        let own = surface.texture.map_or(1.0, |t| f32::from(t.cover_at(u, v)) / 255.0);
        let tint = self.albedo(surface, u, v, lit.texels);
        let in_camera = s.rotation.tr_mul(&lit.normal);
        let shift = 2.0 * s.lens.fx as f32 * BEND_M / z;
        let wide = self.grid.width;
        let moved = |at: f32, by: f32, most: usize| (at - by * shift).clamp(0.0, (most - 1) as f32) as usize;
        let (bx, by) = (moved(x, in_camera.x, wide), moved(y, in_camera.y, self.grid.height));
        let behind = match self.grid.drawn.get(self.grid.triangle[by * wide + bx] as usize) {
            Some(drawn) => {
                let light = self.lit(s, drawn, bx, by);
                Vector3::from(self.shade(&s.surfaces[drawn.surface as usize], drawn, &light, bx, by))
            }
            None => Vector3::zeros(),
        };
        let away = 1.0 - lit.facing;
        let pass = (1.0 - own) * (0.93 - 0.45 * away * away);
        // Clear plastic mirrors more than its few per cent show: it has two sides.
        let shine = lit.plus * 1.5;
        (behind.component_mul(&tint.map(f32::sqrt)) * pass + tint.component_mul(&lit.by) * (0.85 * own) + shine).into()
    }

    /// What a surface makes of its print at a sample.
    #[inline]
    fn shade(&self, surface: &Surface<'_>, drawn: &Drawn, lit: &Lit, gx: usize, gy: usize) -> Rgb {
        let (x, y) = (gx as f32, gy as f32);
        let z = 1.0 / drawn.inverse.at(x, y).max(1e-3);
        let (u, v) = (drawn.uz.at(x, y) * z, drawn.vz.at(x, y) * z);
        (self.albedo(surface, u, v, lit.texels).component_mul(&lit.by) + lit.plus).into()
    }

    /// The light on a surface at a sample.
    fn lit(&self, s: &Shading<'_>, drawn: &Drawn, gx: usize, gy: usize) -> Lit {
        let (x, y) = (gx as f32, gy as f32);
        let surface = &s.surfaces[drawn.surface as usize];
        let z = 1.0 / drawn.inverse.at(x, y).max(1e-3);
        let at = s.rotation * s.in_camera(x, y, z) + s.eye;
        let mut normal = match &drawn.round {
            Some([nx, ny, nz]) => Vector3::new(nx.at(x, y), ny.at(x, y), nz.at(x, y)).normalize(),
            None => Vector3::from(drawn.normal),
        };
        let smooth = normal;
        let (u, v) = (drawn.uz.at(x, y) * z, drawn.vz.at(x, y) * z);
        if surface.creases > 0.0 {
            normal = creased(normal, u, v, surface);
        }
        let texels = surface.texture.map_or(1.0, |texture| texels_a_pixel(drawn, texture, u, v, z));
        let open = self.crevices.open((x - 1.0) * 0.5, (y - 1.0) * 0.5, at.z);
        let eye = (s.eye - at).normalize();
        let facing = normal.dot(&eye).max(0.02);
        let light = s.stage.light;
        let open_deep = 1.0 - light.depth * (1.0 - open);
        // Walls and neighbours throw light back: what faces sideways gets more than half of the sky.
        let sky = Vector3::from(light.sky);
        let mut lit = sky * ((0.76 + 0.24 * normal.z) * open_deep.max(0.08));
        let mirror = normal * (2.0 * facing) - eye;
        let away = 1.0 - facing;
        let grazing = away * away * away * away * away;
        let metal = surface.metal;
        let facing_share = if surface.panels { 0.05 } else { 0.12 };
        let fresnel = surface.gloss * (facing_share + 0.88 * grazing + 0.5 * metal);
        // A ceiling with brighter strips, as things that shine show it.
        let bright = || 0.5 + 0.9 * ((mirror.x * 7.0).sin() * (mirror.y * 5.0).cos()).max(0.0);
        let strips = if metal >= 1.0 { bright() } else { 0.8 };
        let mut shine = sky * (fresnel * strips * (0.35 + 0.65 * mirror.z.max(0.0)) * open_deep.max(0.1));
        let mut glint = 0.0f32;
        for (lamp, shadow) in light.lamps.iter().zip(&s.shadows) {
            let cosine = normal.dot(&lamp.to);
            if cosine <= 0.0 {
                continue;
            }
            let through = shadow.as_ref().map_or(0.35 + 0.65 * open, |shadow| shadow.lit(&at));
            let reach = through * (0.55 + 0.45 * open);
            let colour = Vector3::from(lamp.colour);
            lit += colour * (cosine * reach);
            let width = lamp.size + surface.spread;
            let off = (1.0 - mirror.dot(&lamp.to)).max(0.0) * 2.0 / (width * width);
            if off < 6.0 {
                let peak = surface.gloss * (0.25 + fresnel) * 0.055 / (width * width) * (-off).exp() * reach;
                glint += peak * lamp.colour[1];
                shine += colour * peak;
            }
        }
        if surface.panels && surface.gloss > 0.12 {
            let mirrors = (0.045 + 0.9 * grazing) * (1.0 - metal) + 0.55 * metal;
            let bright = panels(&mirror, surface.spread, light.seed) * mirrors * surface.gloss * (0.3 + 0.7 * open);
            shine += sky * bright;
            glint += 0.25 * bright;
        }
        let steep = ((0.35 - facing) * 1.2).clamp(0.0, 0.35);
        let (by, plus) = (lit * (1.0 - 0.25 * metal) + shine * metal, shine * (1.0 - metal) + shine * (0.4 * metal));
        let unmatched = surface.unmatched + steep + (glint - 0.25).clamp(0.0, 0.6);
        Lit { triangle: NONE, by, plus, unmatched, facing, normal: smooth, texels }
    }

    /// The print at a place of its texture, linear.
    #[inline]
    fn albedo(&self, surface: &Surface<'_>, u: f32, v: f32, texels: f32) -> Vector3<f32> {
        let own = Vector3::from(surface.colour);
        let Some(texture) = surface.texture else {
            return own;
        };
        let (u, v) = if surface.tiled { (mirrored(u), mirrored(v)) } else { (u, v) };
        let [r, g, b] = texture.sample(u, v, texels);
        let linear = |c: f32| self.to_linear[(c * (1023.0 / 255.0)) as i32 as usize];
        own.component_mul(&Vector3::new(linear(r), linear(g), linear(b)))
    }
}

/// How many texels of a print fall on a pixel at a depth of `z`, a little sharper than their mean across and down.
fn texels_a_pixel(drawn: &Drawn, texture: &Texture, u: f32, v: f32, z: f32) -> f32 {
    // A pixel is two samples wide.
    let (w, h) = (2.0 * z * texture.width() as f32, 2.0 * z * texture.height() as f32);
    let step = |du: f32, dv: f32, inverse: f32| {
        let (a, b) = ((du - u * inverse) * w, (dv - v * inverse) * h);
        (a * a + b * b).sqrt()
    };
    0.45 * (step(drawn.uz.dx, drawn.vz.dx, drawn.inverse.dx) + step(drawn.uz.dy, drawn.vz.dy, drawn.inverse.dy))
}

impl Shading<'_> {
    fn in_camera(&self, gx: f32, gy: f32, z: f32) -> Vector3<f32> {
        let (fx, fy) = (self.lens.fx as f32, self.lens.fy as f32);
        let (u, v) = (0.5 * (gx - 1.0), 0.5 * (gy - 1.0));
        Vector3::new((u - self.lens.cx as f32) / fx * z, (v - self.lens.cy as f32) / fy * z, z)
    }
}

/// What a ceiling with rows of lamp panels throws back along a direction, over its mean; `spread` blurs.
fn panels(mirror: &Vector3<f32>, spread: f32, seed: u32) -> f32 {
    if mirror.z < 0.08 {
        return 0.0;
    }
    let (sin, cos) = (hash(3, 1, seed) * 3.1).sin_cos();
    let (x, y) = (mirror.x / mirror.z, mirror.y / mirror.z);
    let across = (x * cos + y * sin) / (0.7 + 0.5 * hash(3, 2, seed)) + hash(3, 3, seed);
    let along = (y * cos - x * sin) / (1.3 + hash(3, 4, seed)) + hash(3, 5, seed);
    // Distance from the middle of the nearest panel, in shares of the way to the next one.
    let off = |v: f32, half: f32| {
        let d = (v - v.round()).abs();
        let soft = 0.03 + 0.55 * spread;
        ((half + soft - d) / (2.0 * soft)).clamp(0.0, 1.0)
    };
    let far = 1.0 / (1.0 + 0.25 * (x * x + y * y));
    6.5 * off(across, 0.11) * off(along, 0.36) * far
}

/// Forth and back between 0 and 1; v is not below 0.
fn mirrored(v: f32) -> f32 {
    let half = 0.5 * v.max(0.0);
    ((half - (half as i32) as f32) * 2.0 - 1.0).abs()
}

/// The normal of a creased film: two sizes of folds over the print.
fn creased(normal: Vector3<f32>, u: f32, v: f32, surface: &Surface<'_>) -> Vector3<f32> {
    let (x, y) = (u * surface.folds, v * surface.folds);
    let ([broad, broad_x, broad_y], [fine, fine_x, fine_y]) =
        (noise_slope(x, y, surface.seed), noise_slope(2.7 * x, 2.7 * y, surface.seed ^ 1));
    // The height is 1 - |2n - 1| of the broad noise and 0.35 of that of the fine one.
    let (broad, fine) = (-2.0 * (2.0 * broad - 1.0).signum(), -2.0 * 0.35 * 2.7 * (2.0 * fine - 1.0).signum());
    let (du, dv) = (broad * broad_x + fine * fine_x, broad * broad_y + fine * fine_y);
    let along = if normal.z.abs() < 0.9 { Vector3::z() } else { Vector3::x() };
    let side = normal.cross(&along).normalize();
    (normal + (side * du + normal.cross(&side) * dv) * surface.creases).normalize()
}
