//! The catalogue: a folder of `NAME/sku.toml` and `NAME/views/0.png` … `5.png`, or a `catalogue.json`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use opencv::core::{Mat, MatTraitConst, MatTraitConstManual, Vector};
use opencv::imgcodecs;
use scene::{Catalogue, Sku, SkuName};
use thiserror::Error;

use crate::catalogue_file;
use crate::picture::PictureError;

/// How many reference views a SKU may have.
pub(crate) const VIEWS: usize = 6;

/// A reference picture of one side of an item: red, green, blue and alpha, row-major.
///
/// Where alpha is 128 or more is the item. View k of a folder shows the box's side −x, +x, −y, +y, −z, +z (0…5); the
/// photographs of a `catalogue.json` show sides that nobody named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct View {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// `4 × width × height` bytes.
    pub rgba: Vec<u8>,
}

/// The reference views of every SKU.
pub type Views = BTreeMap<SkuName, Vec<View>>;

/// Why a catalogue is refused. Nothing was loaded.
#[derive(Debug, Error)]
pub enum CatalogueError {
    /// The folder or a file in it can't be read.
    #[error("catalogue file {} is not readable: {why}", file.display())]
    Unreadable {
        /// The folder or file.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// An `sku.toml` doesn't parse: unknown key, missing key, wrong type.
    #[error("catalogue file {}: {why}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line and rule, as the parser gives them.
        why: String,
    },
    /// A value in an `sku.toml` is out of range.
    #[error("catalogue file {}: {field} is {value}; must be {rule}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// The key.
        field: &'static str,
        /// The value.
        value: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// A value in a `catalogue.json` is out of range.
    #[error("catalogue file {}: items[{index}].{field} is {value}; must be {rule}", file.display())]
    Item {
        /// The file.
        file: PathBuf,
        /// Which item, from 0.
        index: usize,
        /// The key.
        field: &'static str,
        /// The value.
        value: String,
        /// The rule that it breaks.
        rule: String,
    },
    /// A photograph can't be read.
    #[error("catalogue: {0}")]
    Picture(#[from] PictureError),
    /// A view is not a picture with an outline.
    #[error("catalogue file {}: view is {found}; must be {rule}", file.display())]
    View {
        /// The file.
        file: PathBuf,
        /// What it is.
        found: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// A folder or file without any SKU.
    #[error("catalogue {} holds 0 SKUs; must hold at least one folder with an sku.toml", folder.display())]
    Empty {
        /// The folder or file.
        folder: PathBuf,
    },
}

/// Reads a catalogue: every SKU folder of a folder, in order of name, or a `catalogue.json`. `truth/` is never opened.
///
/// A SKU has one to six views; a missing number is a side that nobody photographed. Of a `catalogue.json`, whose keys
/// beyond `items`, `name`, `dimensions_m` (any order), `weight_kg`, `type`, `photo` (one path or several, from the file's
/// folder) and `barcode` are let be, `name` and `photo` are needed; the item is cut from its plain ground.
///
/// # Errors
/// [`CatalogueError`] names the file, the value and the rule.
pub fn load_catalogue(path: &Path) -> Result<(Catalogue, Views), CatalogueError> {
    if path.is_file() { catalogue_file::load(path) } else { load_folder(path) }
}

fn load_folder(folder: &Path) -> Result<(Catalogue, Views), CatalogueError> {
    let unreadable = |file: &Path, error: &dyn std::fmt::Display| CatalogueError::Unreadable {
        file: file.to_path_buf(),
        why: error.to_string(),
    };
    let mut folders = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| unreadable(folder, &error))? {
        let path = entry.map_err(|error| unreadable(folder, &error))?.path();
        if path.join("sku.toml").is_file() {
            folders.push(path);
        }
    }
    folders.sort();
    let mut catalogue = Catalogue::new();
    let mut views = Views::new();
    for folder in folders {
        let sku = load_sku(&folder)?;
        views.insert(sku.name.clone(), load_views(&folder)?);
        catalogue.insert(sku.name.clone(), sku);
    }
    if catalogue.is_empty() {
        return Err(CatalogueError::Empty { folder: folder.to_path_buf() });
    }
    Ok((catalogue, views))
}

fn load_sku(folder: &Path) -> Result<Sku, CatalogueError> {
    let file = folder.join("sku.toml");
    let text = fs::read_to_string(&file)
        .map_err(|error| CatalogueError::Unreadable { file: file.clone(), why: error.to_string() })?;
    let sku: Sku = toml::from_str(&text)
        .map_err(|error| CatalogueError::Syntax { file: file.clone(), why: error.to_string().trim_end().to_owned() })?;
    sku.check().map_err(|error| CatalogueError::Value {
        file: file.clone(),
        field: error.field,
        value: error.value,
        rule: error.rule.into(),
    })?;
    let named = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if sku.name.as_str() != named {
        return Err(CatalogueError::Value {
            file,
            field: "name",
            value: format!("{:?}", sku.name.as_str()),
            rule: format!("the folder's name, {named:?}"),
        });
    }
    Ok(sku)
}

fn load_views(folder: &Path) -> Result<Vec<View>, CatalogueError> {
    let mut views = Vec::new();
    for k in 0..VIEWS {
        let file = folder.join("views").join(format!("{k}.png"));
        if file.is_file() {
            views.push(load_view(&file)?);
        }
    }
    if views.is_empty() {
        return Err(CatalogueError::View {
            file: folder.join("views").join("0.png"),
            found: "missing, as are the others".into(),
            rule: "there for at least one of 0.png to 5.png",
        });
    }
    Ok(views)
}

fn load_view(file: &Path) -> Result<View, CatalogueError> {
    let refuse = |found: String, rule: &'static str| CatalogueError::View { file: file.to_path_buf(), found, rule };
    let bytes = fs::read(file)
        .map_err(|error| CatalogueError::Unreadable { file: file.to_path_buf(), why: error.to_string() })?;
    let no_png = "a PNG of red, green, blue and alpha";
    let found: opencv::Result<(Mat, usize)> = (|| {
        let picture = imgcodecs::imdecode(&Vector::<u8>::from_slice(&bytes), imgcodecs::IMREAD_UNCHANGED)?;
        let channels = picture.channels() as usize;
        Ok((picture, channels))
    })();
    let (picture, channels) = found.map_err(|error| refuse(error.message, no_png))?;
    if picture.empty() {
        return Err(refuse("not a picture".into(), no_png));
    }
    if channels != 4 {
        return Err(refuse(format!("of {channels} channels"), no_png));
    }
    let (width, height) = (picture.cols() as usize, picture.rows() as usize);
    if !(16..=4096).contains(&width) || !(16..=4096).contains(&height) {
        return Err(refuse(format!("{width} × {height} pixels"), "16 to 4096 pixels a side"));
    }
    let data = picture.data_bytes().map_err(|error| refuse(error.message, "8 bits a channel"))?;
    if data.len() != 4 * width * height {
        return Err(refuse(format!("{} bits a channel", 2 * data.len() / (width * height)), "8 bits a channel"));
    }
    let mut rgba = data.to_vec();
    for pixel in rgba.chunks_exact_mut(4) {
        pixel.swap(0, 2);
    }
    if !rgba.chunks_exact(4).any(|pixel| pixel[3] >= 128) {
        return Err(refuse("transparent everywhere".into(), "opaque (alpha 128 or more) on the item"));
    }
    Ok(View { width, height, rgba })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEA: &str = "name = \"tea\"\nsize_m = [0.1, 0.08, 0.05]\nmass_kg = 0.2\nshape = \"box\"\n\
                       material = \"carton\"\nfragility = \"normal\"\n";

    /// A catalogue of one SKU with one view whose bytes are BGRA.
    fn catalogue(toml: &str, alpha: u8) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let views = folder.path().join("tea/views");
        fs::create_dir_all(&views).unwrap();
        fs::write(folder.path().join("tea/sku.toml"), toml).unwrap();
        let pixels = [10u8, 20, 30, alpha].repeat(32 * 16);
        let picture = Mat::from_slice(&pixels).unwrap();
        let picture = picture.reshape(4, 16).unwrap();
        let mut png = Vector::<u8>::new();
        imgcodecs::imencode(".png", &picture, &mut png, &Vector::new()).unwrap();
        fs::write(views.join("0.png"), png.as_slice()).unwrap();
        folder
    }

    fn check(toml: &str, alpha: u8, expected: &str) {
        let folder = catalogue(toml, alpha);
        let error = load_catalogue(folder.path()).unwrap_err().to_string();
        let error = error.replace(&folder.path().display().to_string(), "DIR");
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }

    #[test]
    fn a_catalogue_gives_skus_and_views_and_never_reads_truth() {
        let folder = catalogue(TEA, 255);
        let truth = folder.path().join("tea/truth");
        fs::create_dir_all(&truth).unwrap();
        fs::write(truth.join("truth.toml"), "this is = not ] toml").unwrap();
        let with = load_catalogue(folder.path()).unwrap();
        fs::remove_dir_all(&truth).unwrap();
        let without = load_catalogue(folder.path()).unwrap();
        assert_eq!(with, without);
        let views = with.1.values().next().unwrap();
        assert_eq!((views.len(), views[0].width, views[0].height), (1, 32, 16));
        assert_eq!(views[0].rgba[..4], [30, 20, 10, 255]);
    }

    #[test]
    fn a_refused_catalogue_names_file_value_and_rule() {
        check(
            &TEA.replace("0.08", "0.8"),
            255,
            "catalogue file DIR/tea/sku.toml: size_m is [0.1, 0.8, 0.05]; must be each side from 0.005 to 0.6 m",
        );
        check(
            &TEA.replace("\"tea\"", "\"coffee\""),
            255,
            "catalogue file DIR/tea/sku.toml: name is \"coffee\"; must be the folder's name, \"tea\"",
        );
        check(&format!("{TEA}colour = \"red\"\n"), 255, "unknown field `colour`");
        check(
            TEA,
            0,
            "catalogue file DIR/tea/views/0.png: view is transparent everywhere; \
             must be opaque (alpha 128 or more) on the item",
        );
    }

    #[test]
    fn an_empty_or_missing_folder_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let error = load_catalogue(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("holds 0 SKUs; must hold at least one folder with an sku.toml"));
        let error = load_catalogue(&folder.path().join("no")).unwrap_err().to_string();
        assert!(error.contains("is not readable"), "{error}");
    }

    #[test]
    fn a_broken_view_is_refused() {
        let folder = catalogue(TEA, 255);
        let view = folder.path().join("tea/views/0.png");
        fs::write(&view, b"no picture").unwrap();
        let error = load_catalogue(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("must be a PNG of red, green, blue and alpha"), "{error}");
        fs::remove_file(&view).unwrap();
        let error = load_catalogue(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("must be there for at least one of 0.png to 5.png"), "{error}");
    }
}
