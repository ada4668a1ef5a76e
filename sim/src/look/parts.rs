//! Convex parts that bodies collide as: `truth/parts.json`, lists of corners in the item's frame, metres.

use std::fs;
use std::path::Path;

use rapier3d::math::Vector;
use rapier3d::parry::transformation::try_convex_hull;

use super::catalogue::{CatalogueError, read};
use super::mesh::Mesh;
use crate::world::convex_parts;

/// A mesh that fills this share of its hull is one part.
const CONVEX: f64 = 0.97;

/// The convex parts that are kept beside a mesh, else worked out, and kept for the next time where the folder can be
/// written.
pub(crate) fn load_parts(file: &Path, mesh: &Mesh, volume_m3: f64) -> Result<Vec<Vec<[f64; 3]>>, CatalogueError> {
    if file.is_file() {
        let parts: Vec<Vec<[f64; 3]>> = serde_json::from_slice(&read(file)?)
            .map_err(|e| CatalogueError::Syntax { file: file.to_path_buf(), why: e.to_string() })?;
        let good = |p: &[f64; 3]| p.iter().all(|v| v.abs() <= 0.6);
        if parts.is_empty() || !parts.iter().all(|part| part.len() >= 4 && part.iter().all(good)) {
            return Err(CatalogueError::Value {
                file: file.to_path_buf(),
                field: "parts",
                value: format!("{} parts", parts.len()),
                rule: "one part or more of 4 corners or more, each within 0.6 m".to_owned(),
            });
        }
        return Ok(parts);
    }
    let parts = hull_of(mesh, volume_m3).map_or_else(|| convex_parts(mesh), |hull| vec![hull]);
    // To a hundredth of a millimetre: short numbers are read back as they were written.
    let parts: Vec<Vec<[f64; 3]>> =
        parts.iter().map(|part| part.iter().map(|p| p.map(|v| (v * 1e5).round() / 1e5)).collect()).collect();
    if let Ok(text) = serde_json::to_vec(&parts)
        && let Some(folder) = file.parent()
        && fs::create_dir_all(folder).is_ok()
    {
        // Without the file the parts are worked out again the next time; nothing else changes.
        let _kept = fs::write(file, text);
    }
    Ok(parts)
}

/// The corners of the hull of a mesh that is as good as convex.
fn hull_of(mesh: &Mesh, volume_m3: f64) -> Option<Vec<[f64; 3]>> {
    let points: Vec<Vector> = mesh.positions.iter().map(|&[x, y, z]| Vector::new(x, y, z)).collect();
    let (corners, faces) = try_convex_hull(&points).ok()?;
    let at = |i: u32| corners[i as usize].as_dvec3();
    let hull_m3: f64 = faces.iter().map(|&[a, b, c]| at(a).dot(at(b).cross(at(c))) / 6.0).sum();
    let convex = hull_m3 > 0.0 && volume_m3 > CONVEX * hull_m3;
    convex.then(|| corners.iter().map(|p| [f64::from(p.x), f64::from(p.y), f64::from(p.z)]).collect())
}
