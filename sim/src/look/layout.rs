//! A stage's surfaces and triangles, put on the grid.

use nalgebra::{Isometry3, Point3, Vector3};
use scene::{Material, Shape};

use super::backdrop::{FLOOR, LONG, RIM, SHORT, patch};
use super::mesh::{Mesh, Patch, SIDES};
use super::paint::{Rgb, hash};
use super::raster::{Corner, Grid, Lens};
use super::stage::{NO_ITEM, Placed, Stage, Tub};
use super::texture::{Texture, WHOLE};
use super::view::View;

/// What a triangle's surface is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surface<'a> {
    pub id: u32,
    pub texture: Option<&'a Texture>,
    /// The texture repeats, every other time mirrored.
    pub tiled: bool,
    pub colour: Rgb,
    pub gloss: f32,
    /// Width of a mirrored lamp, radians.
    pub spread: f32,
    /// How far it mirrors as metal does, 0 to 1.
    pub metal: f32,
    /// Depth of creases: slope.
    pub creases: f32,
    /// Creases over the width of the texture.
    pub folds: f32,
    /// Its triangles are small: what one pixel of a block knows of the light holds for the block.
    pub fine: bool,
    /// It mirrors the panels of the ceiling.
    pub panels: bool,
    pub unmatched: f32,
    pub seed: u32,
}

/// Creases over the width of a texture where nothing says how long they are.
pub(crate) const FOLDS: f32 = 11.0;
/// Side of a tile of the table's texture, metres.
const TABLE_TILE: f64 = 0.35;
/// How far the table reaches, metres.
const TABLE: f64 = 3.0;
/// The table lies this far under the floors of the tubs.
const TABLE_Z: f64 = -0.012;

pub(crate) fn surface_of<'a>(item: &Placed<'a>, stage_seed: u32) -> Surface<'a> {
    let truth = &item.sku.truth;
    let material = item.sku.sku.material;
    let seed = item.id ^ stage_seed;
    let fade = 0.92 + 0.14 * hash(seed as i32, 3, 11);
    let gloss = truth.gloss as f32;
    Surface {
        id: item.id,
        texture: Some(&item.sku.texture),
        tiled: false,
        colour: [fade, fade, fade * (0.98 + 0.03 * hash(seed as i32, 4, 12))],
        gloss,
        spread: 0.05 + 0.22 * (1.0 - gloss),
        metal: match truth.metallic {
            Some(share) => share as f32,
            None if material == Material::Metal && item.sku.sku.shape == Shape::Cylinder => 1.0,
            None => 0.0,
        },
        creases: match (&truth.surface, material) {
            (Some(surface), _) if surface.wrinkle_m > 0.0 => {
                // The slope of a wave of that height and length, and more: folds are sharper than waves, and those under a
                // lip, which presses them, are smaller than those that are seen.
                (18.0 * surface.wrinkle_m / surface.wrinkle_length_m).min(0.45) as f32
            }
            (_, Material::Film) => 0.30,
            (_, Material::Fabric | Material::Mesh) => 0.22,
            (_, Material::Carton) => 0.012,
            _ => 0.0,
        },
        folds: match &truth.surface {
            Some(surface) => {
                let longest = truth.size_m.into_iter().fold(0.0, f64::max);
                // The texture holds front and back.
                (longest / surface.wrinkle_length_m).clamp(4.0, 40.0) as f32
            }
            None => FOLDS,
        },
        panels: truth.metallic.is_some(),
        fine: item.sku.mesh.triangles.len() > 200,
        unmatched: truth.depth_invalid_share as f32,
        seed,
    }
}

pub(crate) fn lens_of(view: &View) -> Lens {
    let i = &view.intrinsics;
    Lens { fx: i.fx, fy: i.fy, cx: i.cx, cy: i.cy }
}

/// The disc of the table that a view sees: centre and radius, metres.
pub(crate) fn seen_disc(view: &View) -> (Vector3<f32>, f32) {
    let (i, pose) = (&view.intrinsics, &view.world_from_camera);
    let eye = pose.origin();
    let reach = |u: f64, v: f64| {
        let far = pose.point(&i.unproject(u, v, 1.0)) - eye;
        let t = if far.z < -0.05 { (-eye.z / far.z).clamp(0.1, 4.0) } else { 2.0 };
        eye + far * t
    };
    let centre = reach(i.cx, i.cy);
    let corners =
        [(0.0, 0.0), (f64::from(i.width), 0.0), (0.0, f64::from(i.height)), (f64::from(i.width), f64::from(i.height))];
    let radius = corners.iter().map(|&(u, v)| (reach(u, v) - centre).norm()).fold(0.2, f64::max);
    (centre.coords.cast(), (radius.min(1.6) + 0.05) as f32)
}

/// Puts meshes on the grid.
pub(crate) struct Layout<'g, 'a> {
    pub grid: &'g mut Grid,
    pub lens: Lens,
    pub camera_from_world: Isometry3<f64>,
    pub surfaces: Vec<Surface<'a>>,
    /// What casts shadows, in the world.
    pub solid: Vec<[Vector3<f32>; 3]>,
}

impl<'a> Layout<'_, 'a> {
    /// Adds a mesh of the last surface, stretched by `scale` before it is placed.
    pub fn mesh(&mut self, mesh: &Mesh, world_from_mesh: &Isometry3<f64>, scale: [f64; 3]) {
        let surface = (self.surfaces.len() - 1) as u32;
        let camera_from_mesh = self.camera_from_world * world_from_mesh;
        let stretch = |p: &[f32; 3]| Point3::from(std::array::from_fn::<f64, 3, _>(|k| f64::from(p[k]) * scale[k]));
        let corner = |((p, n), &uv): ((&[f32; 3], &[f32; 3]), &[f32; 2])| {
            let at = camera_from_mesh.transform_point(&stretch(p)).into();
            let normal = world_from_mesh.rotation * Vector3::from(n.map(f64::from));
            Corner { at, uv, normal: normal.cast::<f32>().into() }
        };
        let corners: Vec<Corner> = mesh.positions.iter().zip(&mesh.normals).zip(&mesh.uvs).map(corner).collect();
        self.grid.add(&self.lens, &corners, &mesh.triangles, surface);
        let in_world = |p: &[f32; 3]| world_from_mesh.transform_point(&stretch(p)).coords.cast();
        let positions: Vec<Vector3<f32>> = mesh.positions.iter().map(in_world).collect();
        let cover = self.surfaces.last().and_then(|s| s.texture).filter(|t| t.has_cover());
        for triangle in &mesh.triangles {
            let middle = |k: usize| triangle.iter().map(|&i| mesh.uvs[i as usize][k]).sum::<f32>() / 3.0;
            // Light passes through what is clear, and through holes.
            if cover.is_none_or(|c| c.cover_at(middle(0), middle(1)) >= WHOLE) {
                self.solid.push(triangle.map(|i| positions[i as usize]));
            }
        }
    }

    /// Adds the table under everything.
    pub fn table(&mut self, stage: &'a Stage<'a>) {
        self.surfaces.push(Surface {
            id: NO_ITEM,
            texture: Some(&stage.backdrop.table),
            tiled: true,
            colour: [1.0; 3],
            gloss: stage.backdrop.table_gloss,
            spread: 0.3,
            metal: 0.0,
            creases: 0.0,
            folds: FOLDS,
            fine: false,
            panels: false,
            unmatched: 0.015,
            seed: 0,
        });
        let tiles = (2.0 * TABLE / TABLE_TILE) as f32;
        let all = Patch { left: 0.0, top: 0.0, right: tiles, bottom: tiles, turned: false };
        let cast = self.solid.len();
        self.mesh(
            &quad(SIDES[5], [TABLE as f32, TABLE as f32], [0.0, 0.0, TABLE_Z as f32], &all),
            &Isometry3::identity(),
            [1.0; 3],
        );
        self.solid.truncate(cast);
    }

    /// Adds a tote or a bin.
    pub fn tub(&mut self, tub: &Tub, stage: &'a Stage<'a>) {
        self.surfaces.push(Surface {
            id: NO_ITEM,
            texture: Some(&stage.backdrop.plastic),
            tiled: false,
            colour: [1.0; 3],
            gloss: stage.backdrop.gloss,
            spread: 0.2,
            metal: 0.0,
            creases: 0.0,
            folds: FOLDS,
            fine: false,
            panels: false,
            unmatched: 0.015,
            seed: 0,
        });
        for face in tub_faces(tub) {
            self.mesh(&face, &tub.world_from_tub, [1.0; 3]);
        }
    }
}

/// A rectangle with the directions `[out, right, up]` of [`SIDES`] and half sides along right and up.
fn quad([out, right, up]: [[f32; 3]; 3], half: [f32; 2], centre: [f32; 3], print: &Patch) -> Mesh {
    let at = |s: f32, t: f32| std::array::from_fn(|k| centre[k] + right[k] * half[0] * s + up[k] * half[1] * t);
    Mesh {
        positions: vec![at(-1., -1.), at(1., -1.), at(1., 1.), at(-1., 1.)],
        normals: vec![out; 4],
        uvs: vec![print.at(0., 1.), print.at(1., 1.), print.at(1., 0.), print.at(0., 0.)],
        triangles: vec![[0, 1, 2], [0, 2, 3]],
    }
}

/// Floor, four walls inside and outside, and the rim.
fn tub_faces(tub: &Tub) -> Vec<Mesh> {
    let [hx, hy] = [0, 1].map(|k| 0.5 * tub.size[k] as f32);
    let (height, wall) = (tub.size[2] as f32, tub.wall as f32);
    let mut faces = vec![quad(SIDES[5], [hx, hy], [0.0; 3], &patch(FLOOR))];
    for (k, side) in SIDES[..4].iter().enumerate() {
        let [out, _, _] = *side;
        let along_x = k >= 2;
        let (near, half) = if along_x { (hy, hx) } else { (hx, hy) };
        let middle = |off: f32, z: f32| [out[0] * off, out[1] * off, z];
        // Inside, the wall at +x looks to −x.
        let inner = SIDES[k ^ 1];
        let face = if along_x { LONG } else { SHORT };
        faces.push(quad(inner, [half, 0.5 * height], middle(near, 0.5 * height), &patch(face)));
        let rim = patch(RIM);
        faces.push(quad(
            *side,
            [half + wall, 0.5 * (height - TABLE_Z as f32)],
            middle(near + wall, 0.5 * (height + TABLE_Z as f32)),
            &rim,
        ));
        let (rx, ry) = if along_x { (hx + wall, 0.5 * wall) } else { (0.5 * wall, hy) };
        faces.push(quad(SIDES[5], [rx, ry], middle(near + 0.5 * wall, height), &rim));
    }
    faces
}
