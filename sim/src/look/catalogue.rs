//! Catalogue folders: `NAME/{sku.toml, views/0.png…5.png, truth/{mesh.obj, texture.png, truth.toml}}`.

use std::fs;
use std::path::{Path, PathBuf};

use scene::{Shape, Sku};
use serde::de::DeserializeOwned;

use super::facts::MeshFacts;
use super::mesh::{Mesh, ObjError};
use super::own::own_sku;
use super::parts::load_parts;
use super::png;
use super::portraits::{SIDE, portraits};
use super::texture::Texture;
use super::truth::{SolidKind, TrueShape, TrueSku, Truth};

/// Why a catalogue isn't read or written. Nothing was loaded; of a catalogue that is being written, the SKUs
/// before the one named are complete.
#[derive(Debug, thiserror::Error)]
pub enum CatalogueError {
    /// A folder or file can't be read.
    #[error("catalogue file {} is not readable: {why}", file.display())]
    Unreadable {
        /// The folder or file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// A folder or file can't be written.
    #[error("catalogue file {} is not writable: {why}", file.display())]
    Unwritable {
        /// The folder or file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// Not TOML, an unknown key, a missing key, or a value of the wrong kind.
    #[error("catalogue file {}: {why}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line and rule, as the parser gives them.
        why: String,
    },
    /// A value out of range.
    #[error("catalogue file {}: {field} is {value}; must be {rule}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The key.
        field: &'static str,
        /// The value found.
        value: String,
        /// The rule it breaks.
        rule: String,
    },
    /// A mesh that can't be used.
    #[error("catalogue file {}: {source}", file.display())]
    Mesh {
        /// The file.
        file: PathBuf,
        /// The line and its rule.
        source: ObjError,
    },
    /// A picture that can't be used.
    #[error("catalogue file {}: picture is {found}; must be {rule}", file.display())]
    Picture {
        /// The file.
        file: PathBuf,
        /// What it is.
        found: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A folder without any SKU.
    #[error("catalogue {} holds 0 SKUs; must hold at least one folder with an sku.toml", folder.display())]
    Empty {
        /// The folder.
        folder: PathBuf,
    },
}

/// The longest side of a texture that is read, pixels.
const LARGEST_TEXTURE: u32 = 4_096;
/// The largest file that is read, bytes.
const LARGEST_FILE: u64 = 64 << 20;
/// How far a mesh may lie off its box, metres.
const MESH_SLACK: f64 = 0.002;

/// Reads every SKU folder of a catalogue with its truth, in order of name.
///
/// # Errors
/// [`CatalogueError`] with the file, the field, the value and the rule.
pub fn load_catalogue(folder: &Path) -> Result<Vec<TrueSku>, CatalogueError> {
    sku_folders(folder)?.iter().map(|f| load_sku(f)).collect()
}

/// The SKU folders of a catalogue, in order of name; at least one.
pub(crate) fn sku_folders(folder: &Path) -> Result<Vec<PathBuf>, CatalogueError> {
    let unreadable =
        |why: std::io::Error| CatalogueError::Unreadable { file: folder.to_path_buf(), why: why.to_string() };
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.join("sku.toml").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    if folders.is_empty() {
        return Err(CatalogueError::Empty { folder: folder.to_path_buf() });
    }
    Ok(folders)
}

pub(crate) fn load_sku(folder: &Path) -> Result<TrueSku, CatalogueError> {
    let file = folder.join("sku.toml");
    let sku: Sku = parse(&file)?;
    sku.check().map_err(|e| CatalogueError::Value {
        file: file.clone(),
        field: e.field,
        value: e.value.clone(),
        rule: e.rule.to_owned(),
    })?;
    let called = folder.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    if sku.name.as_str() != called {
        let (value, rule) = (sku.name.to_string(), format!("its folder's name, {called}"));
        return Err(CatalogueError::Value { file, field: "name", value, rule });
    }
    let file = folder.join("truth/truth.toml");
    if !file.is_file() {
        return own_sku(folder, sku);
    }
    let truth: Truth = parse(&file)?;
    check_truth(&truth, &file)?;
    let mesh = load_mesh(&folder.join("truth/mesh.obj"), &truth)?;
    let texture = load_texture(&folder.join("truth/texture.png"))?;
    let hull_shape = match truth.solid {
        None => TrueShape::new(truth.shape, truth.size_m),
        Some(SolidKind::Box) => TrueShape::new(Shape::Box, truth.size_m),
        Some(SolidKind::Cylinder) => TrueShape::new(Shape::Cylinder, truth.size_m),
        Some(SolidKind::Mesh) => {
            let facts = MeshFacts::of(&mesh);
            if let Some(found) = facts.fault() {
                let (field, rule) = ("faces", CLOSED.to_owned());
                return Err(CatalogueError::Value { file: folder.join("truth/mesh.obj"), field, value: found, rule });
            }
            TrueShape::Mesh { parts: load_parts(&folder.join("truth/parts.json"), &mesh, facts.volume_m3)? }
        }
    };
    Ok(TrueSku { sku, mesh, hull_shape, texture, truth })
}

/// The rule of a mesh that rings and bodies meet.
pub(crate) const CLOSED: &str =
    "a closed surface, each edge in two triangles that run it opposite ways, counter-clockwise seen from outside";

pub(crate) fn read(file: &Path) -> Result<Vec<u8>, CatalogueError> {
    let unreadable = |why: String| CatalogueError::Unreadable { file: file.to_path_buf(), why };
    let length = fs::metadata(file).map_err(|e| unreadable(e.to_string()))?.len();
    if length > LARGEST_FILE {
        return Err(unreadable(format!("{length} bytes; must be at most {LARGEST_FILE}")));
    }
    fs::read(file).map_err(|e| unreadable(e.to_string()))
}

pub(crate) fn read_text(file: &Path) -> Result<String, CatalogueError> {
    String::from_utf8(read(file)?)
        .map_err(|e| CatalogueError::Unreadable { file: file.to_path_buf(), why: e.utf8_error().to_string() })
}

pub(crate) fn parse<T: DeserializeOwned>(file: &Path) -> Result<T, CatalogueError> {
    toml::from_str(&read_text(file)?)
        .map_err(|e| CatalogueError::Syntax { file: file.to_path_buf(), why: e.to_string().trim_end().to_owned() })
}

fn check_truth(truth: &Truth, file: &Path) -> Result<(), CatalogueError> {
    let refuse = |field, value: String, rule: &str| {
        Err(CatalogueError::Value { file: file.to_path_buf(), field, value, rule: rule.to_owned() })
    };
    let size = truth.size_m;
    if !size.iter().all(|s| (0.005..=0.6).contains(s)) {
        return refuse("size_m", format!("{size:?}"), "each side from 0.005 to 0.6 m");
    }
    if truth.shape == Shape::Cylinder && (size[0] - size[1]).abs() > 1e-6 {
        return refuse("size_m", format!("{size:?}"), "the same in x and y for a cylinder");
    }
    let centre = truth.centre_of_mass_m;
    if !centre.iter().zip(size).all(|(c, s)| c.abs() <= 0.5 * s) {
        return refuse("centre_of_mass_m", format!("{centre:?}"), "inside the box of size_m");
    }
    let leak = &truth.leak;
    let ranges = [
        ("mass_kg", truth.mass_kg, 0.001, 25.0, "from 0.001 to 25 kg"),
        ("friction", truth.friction, 0.01, 2.0, "from 0.01 to 2"),
        ("restitution", truth.restitution, 0.0, 1.0, "from 0 to 1"),
        ("roughness_m", truth.roughness_m, 0.0, 0.01, "from 0 to 0.01 m"),
        ("gloss", truth.gloss, 0.0, 1.0, "from 0 to 1"),
        ("depth_invalid_share", truth.depth_invalid_share, 0.0, 1.0, "from 0 to 1"),
        ("leak.median_l_per_min", leak.median_l_per_min, 0.0, 10_000.0, "from 0 to 10000 l/min"),
        ("leak.sigma", leak.sigma, 0.0, 3.0, "from 0 to 3"),
        ("leak.seam_chance", leak.seam_chance, 0.0, 1.0, "from 0 to 1"),
        ("leak.seam_l_per_min", leak.seam_l_per_min, 0.0, 10_000.0, "from 0 to 10000 l/min"),
    ];
    let metallic = truth.metallic.map(|v| ("metallic", v, 0.0, 1.0, "from 0 to 1"));
    let surface = truth.surface.iter().flat_map(|s| {
        [
            ("surface.wrinkle_m", s.wrinkle_m, 0.0, 0.02, "from 0 to 0.02 m"),
            ("surface.wrinkle_length_m", s.wrinkle_length_m, 0.001, 0.5, "from 0.001 to 0.5 m"),
            ("surface.open_share", s.open_share, 0.0, 0.99, "from 0 to 0.99"),
            ("surface.hole_m", s.hole_m, 0.0, 0.1, "from 0 to 0.1 m"),
            ("surface.stick_chance", s.stick_chance, 0.0, 1.0, "from 0 to 1"),
        ]
    });
    let soft = truth.soft.iter().flat_map(|s| {
        [
            ("soft.stiffness_n_per_m", s.stiffness_n_per_m, 10.0, 1e6, "from 10 to 1000000 N/m"),
            ("soft.damping", s.damping, 0.0, 5.0, "from 0 to 5"),
            ("soft.slosh_share", s.slosh_share, 0.0, 1.0, "from 0 to 1"),
        ]
    });
    let loose = truth.loose.iter().flat_map(|l| {
        [
            ("loose.above_m", l.above_m, -0.3, 0.3, "from -0.3 to 0.3 m"),
            ("loose.holds_n", l.holds_n, 0.0, 1_000.0, "from 0 to 1000 N"),
        ]
    });
    let ranges = ranges.into_iter().chain(metallic).chain(surface).chain(soft).chain(loose);
    for (field, value, least, most, rule) in ranges {
        if !(least..=most).contains(&value) {
            return refuse(field, value.to_string(), rule);
        }
    }
    Ok(())
}

fn load_mesh(file: &Path, truth: &Truth) -> Result<Mesh, CatalogueError> {
    let mesh = Mesh::from_obj(&read_text(file)?)
        .map_err(|source| CatalogueError::Mesh { file: file.to_path_buf(), source })?;
    for k in 0..3 {
        let least = mesh.positions.iter().map(|p| f64::from(p[k])).fold(f64::MAX, f64::min);
        let most = mesh.positions.iter().map(|p| f64::from(p[k])).fold(f64::MIN, f64::max);
        let half = 0.5 * truth.size_m[k];
        if (most - half).abs() > MESH_SLACK || (least + half).abs() > MESH_SLACK {
            return Err(CatalogueError::Value {
                file: file.to_path_buf(),
                field: ["extent along x", "extent along y", "extent along z"][k],
                value: format!("{least:.4} to {most:.4} m"),
                rule: format!("{:.4} to {half:.4} m as size_m of truth.toml says, within 0.002 m", -half),
            });
        }
    }
    Ok(mesh)
}

pub(crate) fn load_texture(file: &Path) -> Result<Texture, CatalogueError> {
    let refuse = |found: String| CatalogueError::Picture {
        file: file.to_path_buf(),
        found,
        rule: "a PNG of 1 to 4096 pixels a side",
    };
    let bytes = read(file)?;
    let reader = image::ImageReader::with_format(std::io::Cursor::new(&bytes), image::ImageFormat::Png);
    let (width, height) = reader.into_dimensions().map_err(|e| refuse(e.to_string()))?;
    if width.max(height) > LARGEST_TEXTURE {
        return Err(refuse(format!("{width} × {height} pixels")));
    }
    Texture::from_png(&bytes).map_err(|e| refuse(e.to_string()))
}

/// Writes SKUs as catalogue folders, with six reference pictures each. What stands there of the same name is
/// written over.
///
/// # Errors
/// [`CatalogueError::Unwritable`] with the file.
pub fn write_catalogue(skus: &[TrueSku], folder: &Path) -> Result<(), CatalogueError> {
    for sku in skus {
        let at = folder.join(sku.sku.name.as_str());
        for part in ["views", "truth"] {
            let part = at.join(part);
            fs::create_dir_all(&part)
                .map_err(|e| CatalogueError::Unwritable { file: part.clone(), why: e.to_string() })?;
        }
        let header = "# What a site knows of this SKU. SI units; size_m is x, y, z of its box.\n";
        put(&at.join("sku.toml"), to_toml(header, &sku.sku))?;
        let header = "# What is true of it; only the simulator reads this. Leak: 30 mm cup, 40 kPa below ambient.\n";
        put(&at.join("truth/truth.toml"), to_toml(header, &sku.truth))?;
        put(&at.join("truth/mesh.obj"), Ok(sku.mesh.to_obj().into_bytes()))?;
        if let TrueShape::Mesh { parts } = &sku.hull_shape {
            put(&at.join("truth/parts.json"), serde_json::to_vec(parts).map_err(|e| e.to_string()))?;
        }
        put(&at.join("truth/texture.png"), sku.texture.to_png().map_err(|e| e.to_string()))?;
        write_views(sku, &at.join("views"))?;
    }
    Ok(())
}

/// Writes the six reference pictures of a SKU into a folder that is there.
pub(crate) fn write_views(sku: &TrueSku, folder: &Path) -> Result<(), CatalogueError> {
    for (k, view) in portraits(sku).iter().enumerate() {
        let bytes = png::rgba(SIDE, SIDE, view).map_err(|e| e.to_string());
        put(&folder.join(format!("{k}.png")), bytes)?;
    }
    Ok(())
}

fn to_toml<T: serde::Serialize>(header: &str, value: &T) -> Result<Vec<u8>, String> {
    toml::to_string(value).map(|text| format!("{header}{text}").into_bytes()).map_err(|e| e.to_string())
}

fn put(file: &Path, bytes: Result<Vec<u8>, String>) -> Result<(), CatalogueError> {
    bytes
        .and_then(|bytes| fs::write(file, bytes).map_err(|e| e.to_string()))
        .map_err(|why| CatalogueError::Unwritable { file: file.to_path_buf(), why })
}
