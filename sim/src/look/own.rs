//! SKUs that people bring: a folder with `sku.toml` and an OBJ or GLB mesh with its texture.
//!
//! The mesh is metres with z up (GLB: y up, as the format has it), and stands as it does in `sku.toml`'s `size_m`. It
//! may be `truth/mesh.{obj,glb}` or the only such file of the folder; the texture is the GLB's base colour, the MTL's
//! `map_Kd`, or `texture.{png,jpg}` beside the mesh. What is true beyond that is drawn by material from the name.

use std::fs;
use std::path::{Path, PathBuf};

use nalgebra::{Matrix4, Point3, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::{Material, Shape, Sku};

use super::build::draw_truth;
use super::catalogue::{CLOSED, CatalogueError, read};
use super::facts::MeshFacts;
use super::mesh::Mesh;
use super::parts::load_parts;
use super::texture::Texture;
use super::truth::{SolidKind, SurfaceTruth, TrueShape, TrueSku};

/// The most triangles of a mesh that is brought.
const MOST_TRIANGLES: usize = 200_000;
/// The longest side of its texture, pixels; larger ones are halved until they fit.
const LARGEST_TEXTURE: u32 = 2_048;
/// Mass of the box around goods that nobody weighed, kilograms a cubic metre (estimate).
const DENSITY: f64 = 400.0;

/// Makes a SKU of a folder without `truth/truth.toml`.
///
/// # Errors
/// [`CatalogueError`] with file, field, value and rule.
pub(crate) fn own_sku(folder: &Path, sku: Sku) -> Result<TrueSku, CatalogueError> {
    let file = mesh_file(folder)?;
    let (mut mesh, texture) = read_own(&file)?;
    let facts = MeshFacts::of(&mesh);
    let refuse = |field, value: String, rule: &str| {
        Err(CatalogueError::Value { file: file.clone(), field, value, rule: rule.to_owned() })
    };
    if facts.triangles > MOST_TRIANGLES {
        return refuse("faces", format!("{} triangles", facts.triangles), "at most 200000 triangles");
    }
    let longest = sku.size_m.into_iter().fold(0.0, f64::max);
    let size = facts.size_m.map(|s| (s * 1e4).round() / 1e4);
    if let Some((unit, factor)) = facts.mistaken_unit(longest) {
        let rule =
            format!("metres, near size_m of sku.toml, {:?}; it looks like {unit}: scale it by {factor}", sku.size_m);
        return refuse("size", format!("{size:?}"), &rule);
    }
    if !size.iter().all(|s| (0.005..=0.6).contains(s)) {
        return refuse("size", format!("{size:?}"), "each side from 0.005 to 0.6 m");
    }
    if let Some(found) = facts.fault() {
        return refuse("faces", found, CLOSED);
    }
    let Some(texture) = texture else {
        return refuse(
            "texture",
            "none".to_owned(),
            "the GLB's base colour texture, map_Kd of the OBJ's MTL, or texture.png or texture.jpg beside it",
        );
    };
    centre(&mut mesh);
    let mut rng = ChaCha8Rng::seed_from_u64(seed_of(sku.name.as_str()));
    let mass_kg = sku.mass_kg.unwrap_or_else(|| (facts.size_m.iter().product::<f64>() * DENSITY).clamp(0.005, 25.0));
    let round = sku.shape == Shape::Cylinder && (facts.size_m[0] - facts.size_m[1]).abs() < 1e-6;
    let shape = if sku.shape == Shape::Cylinder && !round { Shape::Box } else { sku.shape };
    let mut truth = draw_truth(shape, sku.material, facts.size_m, mass_kg, &mut rng);
    truth.solid = Some(SolidKind::Mesh);
    truth.metallic = Some(if sku.material == Material::Metal { 0.75 } else { 0.0 });
    truth.surface = match sku.material {
        Material::Film => Some(SurfaceTruth { wrinkle_m: 0.000_4, ..SurfaceTruth::default() }),
        Material::Fabric => {
            Some(SurfaceTruth { wrinkle_m: 0.000_5, wrinkle_length_m: 0.014, ..SurfaceTruth::default() })
        }
        Material::Mesh => Some(SurfaceTruth { open_share: 0.5, hole_m: 0.003, ..SurfaceTruth::default() }),
        _ => None,
    };
    let hull_shape = TrueShape::Mesh { parts: load_parts(&folder.join("truth/parts.json"), &mesh, facts.volume_m3)? };
    Ok(TrueSku { sku, mesh, hull_shape, texture, truth })
}

fn seed_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
}

/// The mesh of a folder.
pub(crate) fn mesh_file(folder: &Path) -> Result<PathBuf, CatalogueError> {
    for name in ["truth/mesh.obj", "truth/mesh.glb"] {
        if folder.join(name).is_file() {
            return Ok(folder.join(name));
        }
    }
    let unreadable = |e: std::io::Error| CatalogueError::Unreadable { file: folder.to_path_buf(), why: e.to_string() };
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let ending = path.extension().and_then(|e| e.to_str()).map(str::to_ascii_lowercase);
        if matches!(ending.as_deref(), Some("obj" | "glb")) {
            found.push(path);
        }
    }
    found.sort();
    match <[PathBuf; 1]>::try_from(found) {
        Ok([file]) => Ok(file),
        Err(found) => Err(CatalogueError::Value {
            file: folder.to_path_buf(),
            field: "mesh",
            value: format!("{} files that end in .obj or .glb", found.len()),
            rule: "truth/truth.toml with truth/mesh.obj, or one OBJ or GLB file".to_owned(),
        }),
    }
}

/// Mesh and texture of an OBJ or GLB file, as they stand in it.
pub(crate) fn read_own(file: &Path) -> Result<(Mesh, Option<Texture>), CatalogueError> {
    let glb = file.extension().is_some_and(|e| e.eq_ignore_ascii_case("glb"));
    // The limits of sizes hold for all files alike.
    read(file)?;
    let (mesh, texture) = if glb { read_glb(file)? } else { read_obj(file)? };
    let texture = match texture {
        Some(texture) => Some(texture),
        None => beside(file)?,
    };
    Ok((mesh, texture))
}

fn broken(file: &Path, why: impl std::fmt::Display) -> CatalogueError {
    CatalogueError::Syntax { file: file.to_path_buf(), why: why.to_string() }
}

fn read_obj(file: &Path) -> Result<(Mesh, Option<Texture>), CatalogueError> {
    let options = tobj::LoadOptions { triangulate: true, single_index: true, ..tobj::LoadOptions::default() };
    let (models, materials) = tobj::load_obj(file, &options).map_err(|e| broken(file, e))?;
    let mut mesh = Mesh::default();
    for model in &models {
        let part = &model.mesh;
        let base = mesh.positions.len() as u32;
        let triple = |values: &[f32]| -> Vec<[f32; 3]> { values.chunks_exact(3).map(|c| [c[0], c[1], c[2]]).collect() };
        let positions = triple(&part.positions);
        let uvs: Vec<[f32; 2]> = part.texcoords.chunks_exact(2).map(|c| [c[0], 1.0 - c[1]]).collect();
        let normals = triple(&part.normals);
        let count = positions.len();
        mesh.uvs.extend(if uvs.len() == count { uvs } else { vec![[0.5; 2]; count] });
        mesh.normals.extend(if normals.len() == count { normals } else { vec![[0.0; 3]; count] });
        mesh.positions.extend(positions);
        mesh.triangles.extend(part.indices.chunks_exact(3).map(|c| [c[0] + base, c[1] + base, c[2] + base]));
    }
    checked(file, &mut mesh)?;
    // A missing MTL is no fault: there may be a texture beside the mesh.
    let named = materials.ok().and_then(|all| all.into_iter().find_map(|m| m.diffuse_texture));
    let texture = match named {
        Some(name) => Some(open_texture(&file.with_file_name(name.replace('\\', "/")))?),
        None => None,
    };
    Ok((mesh, texture))
}

fn read_glb(file: &Path) -> Result<(Mesh, Option<Texture>), CatalogueError> {
    let (document, buffers, images) = gltf::import(file).map_err(|e| broken(file, e))?;
    let mut mesh = Mesh::default();
    let mut texture = None;
    let mut waiting: Vec<(gltf::Node<'_>, Matrix4<f64>)> = document
        .default_scene()
        .or_else(|| document.scenes().next())
        .into_iter()
        .flat_map(|scene| scene.nodes().collect::<Vec<_>>())
        .map(|node| (node, Matrix4::identity()))
        .collect();
    while let Some((node, parent)) = waiting.pop() {
        let local: [[f32; 4]; 4] = node.transform().matrix();
        let world = parent * Matrix4::from(local).map(f64::from);
        waiting.extend(node.children().map(|child| (child, world)));
        for primitive in node.mesh().into_iter().flat_map(|m| m.primitives().collect::<Vec<_>>()) {
            let base = mesh.positions.len() as u32;
            let reader = primitive.reader(|buffer| buffers.get(buffer.index()).map(|data| data.0.as_slice()));
            let Some(positions) = reader.read_positions() else { continue };
            // glTF has y up, items have z up.
            let up = |v: Vector3<f64>| [v.x as f32, -v.z as f32, v.y as f32];
            let place = |p: [f32; 3]| up(world.transform_point(&Point3::from(p.map(f64::from))).coords);
            mesh.positions.extend(positions.map(place));
            let count = mesh.positions.len() - base as usize;
            let mut normals: Vec<[f32; 3]> = reader
                .read_normals()
                .map(|all| {
                    all.map(|n| up(world.transform_vector(&Vector3::from(n.map(f64::from))).normalize())).collect()
                })
                .unwrap_or_default();
            normals.resize(count, [0.0; 3]);
            mesh.normals.extend(normals);
            let mut uvs: Vec<[f32; 2]> =
                reader.read_tex_coords(0).map(|all| all.into_f32().collect()).unwrap_or_default();
            uvs.resize(count, [0.5; 2]);
            mesh.uvs.extend(uvs);
            let indices: Vec<u32> = match reader.read_indices() {
                Some(all) => all.into_u32().collect(),
                None => (0..count as u32).collect(),
            };
            // A transform that mirrors turns triangles inside out.
            let flip = world.fixed_view::<3, 3>(0, 0).determinant() < 0.0;
            let corner = |c: &[u32]| if flip { [c[0], c[2], c[1]] } else { [c[0], c[1], c[2]] };
            mesh.triangles.extend(indices.chunks_exact(3).map(|c| corner(c).map(|i| i.saturating_add(base))));
            let colour = primitive.material().pbr_metallic_roughness().base_color_texture();
            if let (None, Some(colour)) = (&texture, colour)
                && let Some(data) = images.get(colour.texture().source().index())
            {
                texture = Some(decoded(file, data)?);
            }
        }
    }
    checked(file, &mut mesh)?;
    Ok((mesh, texture))
}

fn decoded(file: &Path, data: &gltf::image::Data) -> Result<Texture, CatalogueError> {
    use gltf::image::Format;
    let (w, h, bytes) = (data.width, data.height, data.pixels.clone());
    let picture = match data.format {
        Format::R8G8B8 => image::RgbImage::from_raw(w, h, bytes).map(image::DynamicImage::from),
        Format::R8G8B8A8 => image::RgbaImage::from_raw(w, h, bytes).map(image::DynamicImage::from),
        Format::R8 => image::GrayImage::from_raw(w, h, bytes).map(image::DynamicImage::from),
        _ => None,
    };
    let refuse = |found: String| CatalogueError::Picture { file: file.to_path_buf(), found, rule: PICTURE };
    fitted(picture.ok_or_else(|| refuse(format!("{:?}", data.format)))?).map_err(|e| refuse(e.to_string()))
}

const PICTURE: &str = "a PNG or JPEG of 8 bits a channel";

fn fitted(mut picture: image::DynamicImage) -> Result<Texture, image::ImageError> {
    while picture.width().max(picture.height()) > LARGEST_TEXTURE {
        let (w, h) = (picture.width() / 2, picture.height() / 2);
        picture = picture.resize_exact(w.max(1), h.max(1), image::imageops::FilterType::Triangle);
    }
    Texture::from_picture(picture)
}

fn open_texture(file: &Path) -> Result<Texture, CatalogueError> {
    let refuse = |found: String| CatalogueError::Picture { file: file.to_path_buf(), found, rule: PICTURE };
    let picture = image::load_from_memory(&read(file)?).map_err(|e| refuse(e.to_string()))?;
    fitted(picture).map_err(|e| refuse(e.to_string()))
}

/// A texture that lies beside a mesh.
fn beside(file: &Path) -> Result<Option<Texture>, CatalogueError> {
    let found =
        ["texture.png", "texture.jpg", "texture.jpeg"].iter().map(|n| file.with_file_name(n)).find(|f| f.is_file());
    found.map(|f| open_texture(&f)).transpose()
}

/// Refuses corners that aren't finite and triangles of corners that aren't there; gives normals where there are none,
/// and holds texture coordinates to the picture.
fn checked(file: &Path, mesh: &mut Mesh) -> Result<(), CatalogueError> {
    let refuse = |field, value: String, rule: &str| {
        Err(CatalogueError::Value { file: file.to_path_buf(), field, value, rule: rule.to_owned() })
    };
    if let Some(p) = mesh.positions.iter().find(|p| !p.iter().all(|v| v.is_finite())) {
        return refuse("position", format!("{p:?}"), "three finite numbers");
    }
    let count = mesh.positions.len();
    if let Some(t) = mesh.triangles.iter().find(|t| t.iter().any(|&i| i as usize >= count)) {
        return refuse("face", format!("{t:?}"), "corners that the file has");
    }
    for uv in &mut mesh.uvs {
        // Textures that repeat show their first copy.
        *uv = uv.map(|v| {
            if !v.is_finite() {
                0.5
            } else if (0.0..=1.0).contains(&v) {
                v
            } else {
                v.rem_euclid(1.0)
            }
        });
    }
    let long = |n: &[f32; 3]| n.iter().map(|v| v * v).sum::<f32>();
    let missing: Vec<bool> = mesh.normals.iter().map(|n| long(n).is_nan() || long(n) < 0.25).collect();
    if missing.contains(&true) {
        let mut sums = vec![Vector3::<f32>::zeros(); count];
        for t in &mesh.triangles {
            let [a, b, c] = t.map(|i| Vector3::from(mesh.positions[i as usize]));
            let normal = (b - a).cross(&(c - a));
            for &i in t {
                sums[i as usize] += normal;
            }
        }
        for (i, normal) in mesh.normals.iter_mut().enumerate() {
            if missing[i] {
                *normal = sums[i].try_normalize(1e-20).unwrap_or_else(Vector3::z).into();
            }
        }
    }
    Ok(())
}

/// Moves a mesh so that the box around it is centred on the frame.
fn centre(mesh: &mut Mesh) {
    let bound = |k: usize, pick: fn(f32, f32) -> f32, from: f32| mesh.positions.iter().map(|p| p[k]).fold(from, pick);
    let middle = [0, 1, 2].map(|k| 0.5 * (bound(k, f32::min, f32::MAX) + bound(k, f32::max, f32::MIN)));
    for p in &mut mesh.positions {
        *p = std::array::from_fn(|k| p[k] - middle[k]);
    }
}
