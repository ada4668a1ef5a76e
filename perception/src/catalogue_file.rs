//! A catalogue in one file: `catalogue.json`, with names, dimensions, weights and one or a few photographs of each SKU.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use scene::{Catalogue, Fragility, GUESSED_SIZE_M, Material, Shape, Sku, SkuName};
use serde::Deserialize;

use crate::catalogue::{CatalogueError, VIEWS, View, Views};
use crate::cut_out::cut_out;
use crate::picture::load_picture;

/// Keys beyond these are let be: such files carry what others need.
#[derive(Deserialize)]
struct Listed {
    items: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    #[serde(default)]
    dimensions_m: Option<Vec<f64>>,
    #[serde(default)]
    weight_kg: Option<f64>,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    photo: Photos,
    #[serde(default)]
    barcode: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Photos {
    One(PathBuf),
    Several(Vec<PathBuf>),
}

/// Reads a `catalogue.json`; photographs are found from its folder.
pub(crate) fn load(file: &Path) -> Result<(Catalogue, Views), CatalogueError> {
    let text = fs::read_to_string(file)
        .map_err(|error| CatalogueError::Unreadable { file: file.to_path_buf(), why: error.to_string() })?;
    let listed: Listed = serde_json::from_str(&text)
        .map_err(|error| CatalogueError::Syntax { file: file.to_path_buf(), why: error.to_string() })?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut catalogue = Catalogue::new();
    let mut views = Views::new();
    for (index, entry) in listed.items.into_iter().enumerate() {
        let (sku, photos) = checked(file, index, entry)?;
        let cut = photos.iter().map(|photo| load_photo(&folder.join(photo))).collect::<Result<_, _>>()?;
        if catalogue.contains_key(&sku.name) {
            return Err(refusal(file, index, "name", sku.name.to_string(), "given once".into()));
        }
        views.insert(sku.name.clone(), cut);
        catalogue.insert(sku.name.clone(), sku);
    }
    if catalogue.is_empty() {
        return Err(CatalogueError::Empty { folder: file.to_path_buf() });
    }
    Ok((catalogue, views))
}

fn refusal(file: &Path, index: usize, field: &'static str, value: String, rule: String) -> CatalogueError {
    CatalogueError::Item { file: file.to_path_buf(), index, field, value, rule }
}

fn checked(file: &Path, index: usize, entry: Entry) -> Result<(Sku, Vec<PathBuf>), CatalogueError> {
    let refuse = |field, value: String, rule: &str| refusal(file, index, field, value, rule.to_owned());
    let name = SkuName::new(&entry.name)
        .map_err(|_| refuse("name", format!("{:?}", entry.name), "1 to 64 characters of a-z, 0-9, - and _"))?;
    let photos = match entry.photo {
        Photos::One(photo) => vec![photo],
        Photos::Several(photos) => photos,
    };
    if !(1..=VIEWS).contains(&photos.len()) {
        return Err(refuse("photo", format!("{} photographs", photos.len()), "1 to 6 of them"));
    }
    let sides: Option<[f64; 3]> = match &entry.dimensions_m {
        None => None,
        Some(sides) => Some(
            <[f64; 3]>::try_from(sides.as_slice())
                .map_err(|_| refuse("dimensions_m", format!("{sides:?}"), "three lengths in metres"))?,
        ),
    };
    let (material, shape) = substance(entry.kind.as_deref());
    let sku = Sku {
        name,
        barcode: entry.barcode,
        size_m: sides.map_or(GUESSED_SIZE_M, |sides| ordered(sides, shape)),
        size_unknown: sides.is_none(),
        mass_kg: entry.weight_kg,
        shape,
        material,
        fragility: Fragility::Normal,
        upright: false,
    };
    sku.check().map_err(|error| {
        let field = match error.field {
            "size_m" => "dimensions_m",
            "mass_kg" => "weight_kg",
            other => other,
        };
        refuse(field, error.value, error.rule)
    })?;
    Ok((sku, photos))
}

/// Dimensions come in any order. A box lies on its largest face; the axis of a round item is the side that differs most
/// from the other two, since those are its diameter.
fn ordered(mut sides: [f64; 3], shape: Shape) -> [f64; 3] {
    sides.sort_by(|a, b| b.total_cmp(a));
    let [a, b, c] = sides;
    match shape {
        Shape::Cylinder if a / b > b / c => [b, c, a],
        Shape::Box | Shape::Flat | Shape::Cylinder => sides,
    }
}

/// What `type` says of material and shape. Of other words, and of none, nothing is known: plastic is what most goods show.
fn substance(kind: Option<&str>) -> (Material, Shape) {
    match kind.unwrap_or_default() {
        "box" => (Material::Carton, Shape::Box),
        "book" => (Material::Carton, Shape::Flat),
        "clamshell" => (Material::Plastic, Shape::Flat),
        "cylinder" => (Material::Plastic, Shape::Cylinder),
        "wrapped" => (Material::Film, Shape::Box),
        "deformable" | "bag" => (Material::Film, Shape::Flat),
        "cloth" => (Material::Fabric, Shape::Flat),
        _ => (Material::Plastic, Shape::Box),
    }
}

/// The view that a photograph of one item alone gives: on a plain ground of any colour, or with a transparent one.
///
/// # Errors
/// [`CatalogueError`] with the file, what was found and the rule.
pub fn load_photo(file: &Path) -> Result<View, CatalogueError> {
    let refuse = |found: String| CatalogueError::View {
        file: file.to_path_buf(),
        found,
        rule: "a photograph of one item on a plain ground",
    };
    let picture = load_picture(file)?;
    cut_out(&picture).map_err(|error| refuse(error.message))?.map_err(refuse)
}

/// SKUs whose views are the same to the byte, in groups of two or more: no picture can tell them apart.
#[must_use]
pub fn equal_views(views: &Views) -> Vec<Vec<SkuName>> {
    let mut groups: BTreeMap<Vec<&View>, Vec<SkuName>> = BTreeMap::new();
    for (name, views) in views {
        let mut seen: Vec<&View> = views.iter().collect();
        seen.sort_unstable();
        groups.entry(seen).or_default().push(name.clone());
    }
    let mut equal: Vec<Vec<SkuName>> = groups.into_values().filter(|names| names.len() > 1).collect();
    equal.sort();
    equal
}

#[cfg(test)]
mod tests {
    use super::*;
    use opencv::core::{Mat, MatTraitConst, Vector};
    use opencv::imgcodecs;

    /// A folder with one photograph of a red square on black, and a `catalogue.json` of this text.
    fn catalogue(text: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let mut bgr = vec![0u8; 3 * 80 * 80];
        for (i, pixel) in bgr.chunks_exact_mut(3).enumerate() {
            if (20..60).contains(&(i % 80)) && (30..50).contains(&(i / 80)) {
                pixel.copy_from_slice(&[20, 30, 200]);
            }
        }
        let picture = Mat::from_slice(&bgr).unwrap();
        let picture = picture.reshape(3, 80).unwrap();
        let mut bytes = Vector::<u8>::new();
        imgcodecs::imencode(".jpg", &picture, &mut bytes, &Vector::new()).unwrap();
        fs::write(folder.path().join("a.jpg"), bytes.as_slice()).unwrap();
        fs::write(folder.path().join("void.png"), crate::picture::rgba_png(80, &[0, 0, 0, 255].repeat(6400)).unwrap())
            .unwrap();
        let file = folder.path().join("catalogue.json");
        fs::write(&file, text).unwrap();
        (folder, file)
    }

    fn refused(text: &str, expected: &str) {
        let (_folder, file) = catalogue(text);
        let error = crate::load_catalogue(&file).unwrap_err().to_string();
        assert!(error.contains(expected), "{error:?} lacks {expected:?}");
    }

    #[test]
    fn a_catalogue_of_photographs_gives_skus_with_their_own_names() {
        let (_folder, file) = catalogue(
            r#"{"source": "x", "items": [
                {"name": "tall_can", "dimensions_m": [0.06, 0.12, 0.061], "weight_kg": 0.3, "type": "cylinder",
                 "photo": "a.jpg", "colour": "red"},
                {"name": "thing-2", "photo": ["a.jpg", "a.jpg"]}]}"#,
        );
        let (skus, views) = crate::load_catalogue(&file).unwrap();
        let [can, thing] = ["tall_can", "thing-2"].map(|name| SkuName::new(name).unwrap());
        assert_eq!((skus[&can].size_m, skus[&can].shape), ([0.061, 0.06, 0.12], Shape::Cylinder));
        assert_eq!((skus[&can].mass_kg, skus[&can].size_unknown), (Some(0.3), false));
        assert_eq!((skus[&thing].mass_kg, skus[&thing].size_unknown), (None, true));
        assert_eq!((views[&can].len(), views[&thing].len()), (1, 2));
        let inside = views[&can][0].rgba.chunks_exact(4).filter(|p| p[3] >= 128).count();
        assert!((700..=1000).contains(&inside), "{inside} pixels of 800");
        assert!(equal_views(&views).is_empty());
    }

    #[test]
    fn skus_with_the_same_photograph_are_told() {
        let (_folder, file) =
            catalogue(r#"{"items": [{"name": "a", "photo": "a.jpg"}, {"name": "b", "photo": "a.jpg"}]}"#);
        let (_, views) = crate::load_catalogue(&file).unwrap();
        let [a, b] = ["a", "b"].map(|name| SkuName::new(name).unwrap());
        assert_eq!(equal_views(&views), [[a, b]]);
    }

    #[test]
    fn a_refused_catalogue_file_names_item_value_and_rule() {
        let item = |more: &str| format!(r#"{{"items": [{{"name": "a", "photo": "a.jpg", {more}}}]}}"#);
        refused(
            &item(r#""dimensions_m": [0.1, 7, 0.1]"#),
            "catalogue.json: items[0].dimensions_m is [7.0, 0.1, 0.1]; must be each side from 0.005 to 0.6 m",
        );
        refused(&item(r#""dimensions_m": [0.1, 0.2]"#), "items[0].dimensions_m is [0.1, 0.2]; must be three lengths");
        refused(&item(r#""weight_kg": -1"#), "items[0].weight_kg is -1; must be from 0.001 to 25 kg");
        refused(&item(r#""barcode": "123""#), "items[0].barcode is 123; must be 13 digits");
        refused(r#"{"items": [{"name": "A b", "photo": "a.jpg"}]}"#, r#"items[0].name is "A b"; must be 1 to 64"#);
        refused(r#"{"items": [{"name": "a", "photo": []}]}"#, "items[0].photo is 0 photographs; must be 1 to 6");
        refused(r#"{"items": [{"name": "a"}]}"#, "missing field `photo`");
        refused(r#"{"items": [{"name": "a", "photo": "no.jpg"}]}"#, "no.jpg is not readable");
        refused(
            r#"{"items": [{"name": "a", "photo": "void.png"}]}"#,
            "void.png: view is 0.0 % item; must be a photograph of one item on a plain ground",
        );
        refused(
            r#"{"items": [{"name": "a", "photo": "a.jpg"}, {"name": "a", "photo": "a.jpg"}]}"#,
            "items[1].name is a; must be given once",
        );
        refused(r#"{"items": []}"#, "holds 0 SKUs");
        refused("[", "catalogue.json: EOF");
    }
}
