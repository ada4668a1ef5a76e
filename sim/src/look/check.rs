//! What is wrong with a catalogue, SKU by SKU, and how large each is.

use std::fs;
use std::path::{Path, PathBuf};

use scene::Sku;
use serde::Serialize;

use super::catalogue::{CatalogueError, load_sku, parse, sku_folders, write_views};
use super::facts::MeshFacts;
use super::own::{mesh_file, read_own};
use super::truth::{TrueShape, TrueSku};

/// Reference views of a SKU, one a side.
const VIEWS: usize = 6;
/// A mesh of more triangles makes renders slow: 50 items of 3,000 fit their budget.
const MANY_TRIANGLES: usize = 3_000;
/// A side that differs by more than this share from `size_m` is worth a look.
const SIZE_SHARE: f64 = 0.08;
/// Densities of the enclosed volume that goods have, kilograms a cubic metre: foam to iron.
const DENSITIES: std::ops::Range<f64> = 10.0..9_000.0;

/// Something to know of a SKU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// It can't be used as it is; else it can, but somebody should know.
    pub refused: bool,
    /// The file.
    pub file: PathBuf,
    /// What of it.
    pub field: String,
    /// What it is.
    pub value: String,
    /// What it should be.
    pub rule: String,
}

/// One SKU of a catalogue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SkuReport {
    /// Its folder's name.
    pub name: String,
    /// What was found, refusals first.
    pub findings: Vec<Finding>,
    /// Its mesh, where that can be read.
    pub mesh: Option<MeshFacts>,
    /// Nominal size, metres, and mass, kilograms.
    pub size_m: Option<[f64; 3]>,
    /// Nominal mass, kilograms.
    pub mass_kg: Option<f64>,
    /// Convex parts that bodies collide as; 0 for boxes and cylinders.
    pub parts: usize,
    /// Reference views that are there.
    pub views: usize,
    /// Size of its files, bytes.
    pub bytes: u64,
}

impl SkuReport {
    /// True when the SKU can't be used.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.findings.iter().any(|f| f.refused)
    }
}

/// Checks every SKU of a catalogue; with `make_views`, draws reference views from the mesh where a usable SKU has
/// none. Convex parts that were not kept are worked out and kept.
///
/// # Errors
/// [`CatalogueError`] when the folder can't be read or holds no SKU, or a view can't be written. What is wrong with
/// a SKU is in its report.
pub fn check_catalogue(folder: &Path, make_views: bool) -> Result<Vec<SkuReport>, CatalogueError> {
    sku_folders(folder)?.iter().map(|f| check_sku(f, make_views)).collect()
}

fn check_sku(folder: &Path, make_views: bool) -> Result<SkuReport, CatalogueError> {
    let name = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let mut report =
        SkuReport { name, findings: Vec::new(), mesh: None, size_m: None, mass_kg: None, parts: 0, views: 0, bytes: 0 };
    let loaded = load_sku(folder);
    let known: Option<Sku> = parse(&folder.join("sku.toml")).ok();
    if let Some(sku) = &known {
        (report.size_m, report.mass_kg) = (Some(sku.size_m), sku.mass_kg);
    }
    match &loaded {
        Ok(sku) => look_at(sku, folder, &mut report),
        Err(error) => {
            report.findings.push(refusal(error, folder));
            // The mesh is worth a word even where something else is refused.
            report.mesh = mesh_file(folder).and_then(|f| read_own(&f)).ok().map(|(mesh, _)| MeshFacts::of(&mesh));
        }
    }
    if let Some(sku) = &known {
        let file = folder.join("sku.toml");
        if sku.mass_kg.is_none() {
            report.findings.push(remark(&file, "mass_kg", "none", "what it weighs, for the check after lifting"));
        }
        if sku.barcode.is_none() {
            report.findings.push(remark(&file, "barcode", "none", "an EAN-13, for the check before placing"));
        }
    }
    let views = folder.join("views");
    let count = || (0..VIEWS).filter(|k| views.join(format!("{k}.png")).is_file()).count();
    report.views = count();
    if report.views == 0
        && make_views
        && let Ok(sku) = &loaded
    {
        fs::create_dir_all(&views)
            .map_err(|e| CatalogueError::Unwritable { file: views.clone(), why: e.to_string() })?;
        write_views(sku, &views)?;
        report.views = count();
    }
    if report.views < VIEWS {
        let value = format!("{} of {VIEWS}", report.views);
        let mut finding = remark(&views, "views", &value, "0.png to 5.png: sides −x, +x, −y, +y, −z, +z");
        finding.refused = report.views == 0;
        report.findings.push(finding);
    }
    report.bytes = bytes_in(folder);
    report.findings.sort_by_key(|f| !f.refused);
    Ok(report)
}

fn look_at(sku: &TrueSku, folder: &Path, report: &mut SkuReport) {
    let facts = MeshFacts::of(&sku.mesh);
    let file = mesh_file(folder).unwrap_or_else(|_| folder.to_path_buf());
    if let TrueShape::Mesh { parts } = &sku.hull_shape {
        report.parts = parts.len();
    }
    for (axis, (is, known)) in ["x", "y", "z"].iter().zip(facts.size_m.iter().zip(sku.sku.size_m)) {
        if (is - known).abs() > (SIZE_SHARE * known).max(0.003) {
            let value = format!("{known:.3} m along {axis}");
            let rule = format!("about {is:.3} m, as the mesh has it");
            report.findings.push(remark(&folder.join("sku.toml"), "size_m", &value, &rule));
        }
    }
    if facts.triangles > MANY_TRIANGLES {
        let value = format!("{} triangles", facts.triangles);
        report.findings.push(remark(&file, "faces", &value, "at most 3000 triangles for renders in time"));
    }
    if let Some(fault) = facts.fault() {
        report.findings.push(remark(&file, "faces", &fault, "a closed surface"));
    } else if let Some(mass) = sku.sku.mass_kg {
        let density = mass / facts.volume_m3.max(1e-9);
        // Thin things are mostly air inside their box: only what is denser than iron or lighter than foam is absurd.
        if !DENSITIES.contains(&density) {
            let value = format!("{mass} kg in {:.1} cm³", facts.volume_m3 * 1e6);
            report.findings.push(remark(&folder.join("sku.toml"), "mass_kg", &value, "from 10 to 9000 kg/m³"));
        }
    }
    let uv_wide = sku.mesh.uvs.iter().fold([f32::MAX, f32::MIN], |r, uv| [r[0].min(uv[0]), r[1].max(uv[0])]);
    if uv_wide[1] - uv_wide[0] < 1e-4 {
        report.findings.push(remark(&file, "texture coordinates", "all the same", "an unwrapped mesh"));
    }
    report.mesh = Some(facts);
}

fn remark(file: &Path, field: &str, value: &str, rule: &str) -> Finding {
    let file = file.to_path_buf();
    Finding { refused: false, file, field: field.to_owned(), value: value.to_owned(), rule: rule.to_owned() }
}

fn refusal(error: &CatalogueError, folder: &Path) -> Finding {
    let (file, field, value, rule) = match error {
        CatalogueError::Unreadable { file, why } => (file, "file", why.clone(), "readable".to_owned()),
        CatalogueError::Unwritable { file, why } => (file, "file", why.clone(), "writable".to_owned()),
        CatalogueError::Syntax { file, why } => (file, "syntax", why.clone(), "what the format says".to_owned()),
        CatalogueError::Value { file, field, value, rule } => (file, *field, value.clone(), rule.clone()),
        CatalogueError::Mesh { file, source } => {
            (file, "mesh", format!("line {}: {:?}", source.line, source.found), source.rule.to_owned())
        }
        CatalogueError::Picture { file, found, rule } => (file, "picture", found.clone(), (*rule).to_owned()),
        CatalogueError::Empty { folder } => (folder, "folder", "0 SKUs".to_owned(), "one SKU or more".to_owned()),
    };
    let file = if file.as_os_str().is_empty() { folder.to_path_buf() } else { file.clone() };
    Finding { refused: true, file, field: field.to_owned(), value, rule }
}

fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .map(|e| match e.metadata() {
            Ok(m) if m.is_dir() => bytes_in(&e.path()),
            Ok(m) => m.len(),
            Err(_) => 0,
        })
        .sum()
}
