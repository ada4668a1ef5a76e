//! Pictures with outlined instances: COCO JSON, as `nuthatch render` and people write it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use scene::frame::{Camera, Tote, World};
use scene::{Intrinsics, Manifest, Mask, Pose, SkuName};
use serde::Deserialize;
use thiserror::Error;

use crate::outline::fill_polygons;

/// Why a COCO file is refused. Nothing was looked at.
#[derive(Debug, Error)]
pub enum CocoError {
    /// The file can't be read.
    #[error("COCO file {} is not readable: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        why: String,
    },
    /// The file is no JSON of that form.
    #[error("COCO file {}: {why}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// Line and rule, as the parser gives them.
        why: String,
    },
    /// A value breaks a rule.
    #[error("COCO file {}: {place} is {value}; must be {rule}", file.display())]
    Value {
        /// The file.
        file: PathBuf,
        /// Which list, row and key.
        place: String,
        /// The value.
        value: String,
        /// The rule that it breaks.
        rule: String,
    },
}

/// A picture and what is said of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Its number in the file.
    pub id: u64,
    /// The picture's file, from the folder of pictures.
    pub file: PathBuf,
    /// Width and height, pixels, where said.
    pub size: Option<(u32, u32)>,
    /// What the tote should hold, where said; a name that is given twice counts twice.
    pub manifest: Option<Manifest>,
    /// The depth picture, from the COCO file's folder, and its unit in metres.
    pub depth: Option<(PathBuf, f64)>,
    /// The camera, where said.
    pub camera: Option<Intrinsics>,
    /// Where it stood, where said.
    pub world_from_camera: Option<Pose<World, Camera>>,
    /// Where the tote's floor is, where said.
    pub world_from_tote: Option<Pose<World, Tote>>,
    /// What is outlined in it, in the file's order.
    pub instances: Vec<Instance>,
}

/// One outlined thing.
#[derive(Debug, Clone, PartialEq)]
pub struct Instance {
    /// Its number in the file.
    pub id: u64,
    /// What it is, as its category is called.
    pub category: Option<String>,
    /// Where it is.
    pub region: Region,
    /// Share of it that can be seen, 0…1: as the number says; full is 1, partly hidden 0.7, mostly hidden 0.3.
    pub visible: Option<f64>,
    /// Many things in one outline, or one whose name nobody is sure of: neither asked for nor wrong.
    pub ignored: bool,
}

impl Instance {
    /// The category as a SKU, where it can be one's name.
    #[must_use]
    pub fn sku(&self) -> Option<SkuName> {
        self.category.as_deref().and_then(|name| SkuName::new(name).ok())
    }
}

/// Where an instance is.
#[derive(Debug, Clone, PartialEq)]
pub enum Region {
    /// Polygons `[x, y, x, y, …]`, all of them together.
    Polygons(Vec<Vec<f64>>),
    /// Runs of pixels outside and inside in turn, column by column, in a picture of this height and width.
    Runs {
        /// Height and width, pixels.
        size: [u32; 2],
        /// Lengths of the runs.
        counts: Vec<u32>,
    },
    /// Left, top, width, height, pixels.
    Box([f64; 4]),
}

impl Region {
    /// Its pixels in a picture of this size; `None` where it has none there.
    #[must_use]
    pub fn mask(&self, width: u32, height: u32) -> Option<Mask> {
        match self {
            Self::Polygons(polygons) => fill_polygons(polygons, width, height),
            Self::Box([x, y, w, h]) => {
                fill_polygons(&[vec![*x, *y, x + w, *y, x + w, y + h, *x, y + h]], width, height)
            }
            Self::Runs { size, counts } => {
                let tall = u64::from(size[0]);
                let mut pixels = Vec::new();
                let mut at = 0u64;
                for (index, &count) in counts.iter().enumerate() {
                    if index % 2 == 1 {
                        let run = at..at + u64::from(count);
                        pixels.extend(run.map(|i| ((i / tall) as u32, (i % tall) as u32)));
                    }
                    at += u64::from(count);
                }
                pixels.retain(|&(u, v)| u < width && v < height);
                Mask::from_pixels(&pixels)
            }
        }
    }
}

#[derive(Deserialize)]
struct File {
    images: Vec<ImageRow>,
    #[serde(default)]
    annotations: Vec<AnnotationRow>,
    #[serde(default)]
    categories: Vec<Category>,
}

#[derive(Deserialize)]
struct ImageRow {
    id: u64,
    file_name: PathBuf,
    width: Option<u32>,
    height: Option<u32>,
    manifest: Option<Vec<String>>,
    depth_file_name: Option<PathBuf>,
    depth_unit_m: Option<f64>,
    camera: Option<Intrinsics>,
    world_from_camera: Option<Pose<World, Camera>>,
    world_from_tote: Option<Pose<World, Tote>>,
}

#[derive(Deserialize)]
struct AnnotationRow {
    id: u64,
    image_id: u64,
    category_id: Option<u64>,
    segmentation: Option<Segmentation>,
    bbox: Option<[f64; 4]>,
    #[serde(default)]
    iscrowd: u8,
    #[serde(default)]
    uncertain: bool,
    visible: Option<Visible>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Segmentation {
    Polygons(Vec<Vec<f64>>),
    Runs { size: [u32; 2], counts: Counts },
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Counts {
    Plain(Vec<u32>),
    Packed(String),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Visible {
    Share(f64),
    Word(String),
}

#[derive(Deserialize)]
struct Category {
    id: u64,
    name: String,
}

/// Reads a COCO file. Keys that are not asked for are let be.
///
/// # Errors
/// [`CocoError`] with file, row, key, value and rule.
pub fn load_coco(file: &Path) -> Result<Vec<Labelled>, CocoError> {
    let text = fs::read_to_string(file)
        .map_err(|error| CocoError::Unreadable { file: file.to_path_buf(), why: error.to_string() })?;
    let rows: File = serde_json::from_str(&text)
        .map_err(|error| CocoError::Syntax { file: file.to_path_buf(), why: error.to_string() })?;
    let refuse = |place: String, value: String, rule: &str| CocoError::Value {
        file: file.to_path_buf(),
        place,
        value,
        rule: rule.to_owned(),
    };
    if rows.images.is_empty() {
        return Err(refuse("images".into(), "empty".into(), "a list of at least one picture"));
    }
    let names: BTreeMap<u64, String> = rows.categories.into_iter().map(|c| (c.id, c.name)).collect();
    let mut images = Vec::with_capacity(rows.images.len());
    let mut places = BTreeMap::new();
    for (index, row) in rows.images.into_iter().enumerate() {
        if places.insert(row.id, index).is_some() {
            return Err(refuse(format!("images[{index}].id"), row.id.to_string(), "given once"));
        }
        images.push(image(index, row, &refuse)?);
    }
    let mut seen = BTreeSet::new();
    for (index, row) in rows.annotations.into_iter().enumerate() {
        let place = |key: &str| format!("annotations[{index}].{key}");
        let Some(&at) = places.get(&row.image_id) else {
            return Err(refuse(place("image_id"), row.image_id.to_string(), "the id of one of images"));
        };
        if !seen.insert(row.id) {
            return Err(refuse(place("id"), row.id.to_string(), "given once"));
        }
        let category = match row.category_id {
            None => None,
            Some(id) => match names.get(&id) {
                Some(name) => Some(name.clone()),
                None => return Err(refuse(place("category_id"), id.to_string(), "the id of one of categories")),
            },
        };
        let region = region(row.segmentation, row.bbox, &place, &refuse)?;
        let visible = row.visible.map(|visible| visible.share(&place, &refuse)).transpose()?;
        let ignored = row.iscrowd != 0 || row.uncertain;
        images[at].instances.push(Instance { id: row.id, category, region, visible, ignored });
    }
    Ok(images)
}

fn image(
    index: usize,
    row: ImageRow,
    refuse: &impl Fn(String, String, &str) -> CocoError,
) -> Result<Labelled, CocoError> {
    let place = |key: &str| format!("images[{index}].{key}");
    let manifest = row.manifest.map(|names| {
        let mut manifest = Manifest::new();
        for name in names {
            let sku = SkuName::new(&name).map_err(|_| {
                refuse(place("manifest"), format!("{name:?}"), "names of 1 to 64 characters of a-z, 0-9, - and _")
            })?;
            *manifest.entry(sku).or_insert(0) += 1;
        }
        Ok(manifest)
    });
    let unit_m = row.depth_unit_m.unwrap_or(0.001);
    if !(1e-6..=1.0).contains(&unit_m) {
        return Err(refuse(place("depth_unit_m"), unit_m.to_string(), "from 0.000001 to 1 m"));
    }
    if let Some(k) = &row.camera {
        check_camera(k).map_err(|(key, value, rule)| refuse(place(&format!("camera.{key}")), value, rule))?;
    }
    Ok(Labelled {
        id: row.id,
        file: row.file_name,
        size: row.width.zip(row.height),
        manifest: manifest.transpose()?,
        depth: row.depth_file_name.map(|file| (file, unit_m)),
        camera: row.camera,
        world_from_camera: row.world_from_camera,
        world_from_tote: row.world_from_tote,
        instances: Vec::new(),
    })
}

/// Refuses a pinhole that no camera has: key, value, rule.
///
/// # Errors
/// The first number that breaks its rule.
pub fn check_camera(k: &Intrinsics) -> Result<(), (&'static str, String, &'static str)> {
    let (width, height) = (f64::from(k.width), f64::from(k.height));
    for (key, value, least, most, rule) in [
        ("width", width, 16.0, 8192.0, "from 16 to 8192 pixels"),
        ("height", height, 16.0, 8192.0, "from 16 to 8192 pixels"),
        ("fx", k.fx, 0.1 * width, 50.0 * width, "from 0.1 to 50 widths of the picture, in pixels"),
        ("fy", k.fy, 0.1 * height, 50.0 * height, "from 0.1 to 50 heights of the picture, in pixels"),
        ("cx", k.cx, -width, 2.0 * width, "near the picture, in pixels"),
        ("cy", k.cy, -height, 2.0 * height, "near the picture, in pixels"),
    ] {
        if !(least..=most).contains(&value) {
            return Err((key, value.to_string(), rule));
        }
    }
    Ok(())
}

fn region(
    segmentation: Option<Segmentation>,
    bbox: Option<[f64; 4]>,
    place: &impl Fn(&str) -> String,
    refuse: &impl Fn(String, String, &str) -> CocoError,
) -> Result<Region, CocoError> {
    match segmentation {
        Some(Segmentation::Polygons(polygons)) if polygons.iter().any(|p| !p.is_empty()) => {
            if let Some(odd) = polygons.iter().find(|p| p.len() < 6 || p.len() % 2 == 1) {
                let value = format!("a polygon of {} numbers", odd.len());
                return Err(refuse(place("segmentation"), value, "polygons of x, y in turn, three corners or more"));
            }
            return Ok(Region::Polygons(polygons));
        }
        Some(Segmentation::Runs { size, counts }) => {
            let rule = "lengths of runs that together fill size, or their packed form";
            let counts = match counts {
                Counts::Plain(counts) => Some(counts),
                Counts::Packed(text) => unpacked(&text),
            };
            let sides = |size: &[u32; 2]| size.iter().all(|side| (1..=8192).contains(side));
            let filled = |counts: &Vec<u32>| counts.iter().map(|c| u64::from(*c)).sum::<u64>();
            return match counts {
                Some(counts) if filled(&counts) == u64::from(size[0]) * u64::from(size[1]) && sides(&size) => {
                    Ok(Region::Runs { size, counts })
                }
                Some(counts) => {
                    let value = format!("runs of {} pixels for {} × {}", filled(&counts), size[1], size[0]);
                    Err(refuse(place("segmentation"), value, rule))
                }
                None => Err(refuse(place("segmentation"), "no such text".into(), rule)),
            };
        }
        Some(Segmentation::Polygons(_)) | None => {}
    }
    match bbox {
        Some(bbox) if bbox[2] > 0.0 && bbox[3] > 0.0 && bbox.iter().all(|x| x.abs() < 1e6) => Ok(Region::Box(bbox)),
        Some(bbox) => Err(refuse(place("bbox"), format!("{bbox:?}"), "x, y, width, height, the last two over 0")),
        None => Err(refuse(place("bbox"), "missing, as is segmentation".into(), "there where no polygon is")),
    }
}

impl Visible {
    fn share(
        self,
        place: &impl Fn(&str) -> String,
        refuse: &impl Fn(String, String, &str) -> CocoError,
    ) -> Result<f64, CocoError> {
        let found = match &self {
            Self::Share(share) => Some(*share).filter(|share| (0.0..=1.0).contains(share)),
            Self::Word(word) => match word.as_str() {
                "full" => Some(1.0),
                "partly hidden" => Some(0.7),
                "mostly hidden" => Some(0.3),
                _ => None,
            },
        };
        let value = match self {
            Self::Share(share) => share.to_string(),
            Self::Word(word) => format!("{word:?}"),
        };
        found.ok_or_else(|| refuse(place("visible"), value, "from 0 to 1, or full, partly hidden or mostly hidden"))
    }
}

/// Runs from COCO's packed text: characters of five bits each, the sixth says that more follow; from the fourth run on the
/// difference to the run two before.
fn unpacked(text: &str) -> Option<Vec<u32>> {
    let mut counts: Vec<i64> = Vec::new();
    let mut bytes = text.bytes();
    while bytes.len() > 0 {
        let (mut value, mut shift) = (0i64, 0);
        loop {
            let five = bytes.next()?.checked_sub(48).filter(|b| *b < 64)?;
            value |= i64::from(five & 31) << shift;
            shift += 5;
            if five & 32 == 0 {
                if five & 16 != 0 {
                    value |= -1 << shift;
                }
                break;
            }
            if shift > 40 {
                return None;
            }
        }
        if counts.len() > 2 {
            value = value.checked_add(counts[counts.len() - 2])?;
        }
        counts.push(value);
    }
    counts.into_iter().map(|count| u32::try_from(count).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Vec<Labelled>, CocoError> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("coco.json");
        fs::write(&file, text).unwrap();
        load_coco(&file)
    }

    const IMAGE: &str =
        r#"{"id": 7, "file_name": "a.png", "width": 20, "height": 10, "manifest": ["tea", "can", "tea"]}"#;

    fn with(annotation: &str) -> String {
        format!(
            r#"{{"images": [{IMAGE}], "categories": [{{"id": 1, "name": "tea"}}, {{"id": 2, "name": "A thing"}}],
                "annotations": [{{"id": 3, "image_id": 7, {annotation}}}]}}"#
        )
    }

    #[test]
    fn polygons_runs_and_boxes_are_read() {
        let check = |annotation: &str, area: usize| {
            let images = load(&with(annotation)).unwrap();
            let mask = images[0].instances[0].region.mask(20, 10).unwrap();
            assert_eq!(mask.area(), area, "{annotation}");
            mask
        };
        check(r#""segmentation": [[2, 2, 6, 2, 6, 5, 2, 5], [10, 2, 12, 2, 12, 4, 10, 4]]"#, 16);
        check(r#""segmentation": [], "bbox": [1.5, 2, 4, 3]"#, 12);
        let plain = check(r#""segmentation": {"size": [10, 20], "counts": [12, 3, 185]}"#, 3);
        assert_eq!(plain.pixels().collect::<Vec<_>>(), [(1, 2), (1, 3), (1, 4)]);
        // 12, 3, 185 packed: 12 is "<", 3 is "3", 185 = 25 + 32·5 is "i5".
        assert_eq!(check(r#""segmentation": {"size": [10, 20], "counts": "<3i5"}"#, 3), plain);
    }

    #[test]
    fn manifests_names_and_shares_are_read() {
        let images = load(&with(r#""category_id": 2, "bbox": [1, 1, 2, 2], "visible": "partly hidden""#)).unwrap();
        let manifest = images[0].manifest.as_ref().unwrap();
        assert_eq!(manifest.iter().map(|(sku, n)| (sku.as_str(), *n)).collect::<Vec<_>>(), [("can", 1), ("tea", 2)]);
        let thing = &images[0].instances[0];
        assert_eq!((thing.category.as_deref(), thing.sku(), thing.visible), (Some("A thing"), None, Some(0.7)));
        let images = load(&with(r#""bbox": [1, 1, 2, 2], "visible": 0.25, "uncertain": true"#)).unwrap();
        assert_eq!((images[0].instances[0].visible, images[0].instances[0].ignored), (Some(0.25), true));
    }

    #[test]
    fn a_refused_file_names_row_value_and_rule() {
        let check = |text: &str, expected: &str| {
            let error = load(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error:?} lacks {expected:?}");
        };
        check("{", "coco.json: EOF");
        check(r#"{"images": []}"#, "images is empty; must be a list of at least one picture");
        check(&format!(r#"{{"images": [{IMAGE}, {IMAGE}]}}"#), "images[1].id is 7; must be given once");
        check(&with("\"bbox\": [0, 0, 1, 1]").replace("\"image_id\": 7", "\"image_id\": 8"), "image_id is 8");
        check(&with("\"category_id\": 9, \"bbox\": [0, 0, 1, 1]"), "annotations[0].category_id is 9; must be");
        check(&with("\"category_id\": 1"), "annotations[0].bbox is missing, as is segmentation");
        check(&with("\"bbox\": [0, 0, 0, 1]"), "annotations[0].bbox is [0.0, 0.0, 0.0, 1.0]; must be x, y, width");
        check(&with("\"segmentation\": [[1, 2, 3]]"), "segmentation is a polygon of 3 numbers; must be polygons");
        check(&with(r#""segmentation": {"size": [10, 20], "counts": [5]}"#), "runs of 5 pixels for 20 × 10");
        check(&with(r#""segmentation": {"size": [10, 20], "counts": "\u0001"}"#), "segmentation is no such text");
        check(&with(r#""bbox": [0, 0, 1, 1], "visible": "half""#), "visible is \"half\"; must be from 0 to 1, or full");
        check(&with(r#""bbox": [0, 0, 1, 1]"#).replace("\"can\"", "\"A can\""), "images[0].manifest is \"A can\"");
        let camera = r#""camera": {"width": 20, "height": 10, "fx": -1, "fy": 20, "cx": 10, "cy": 5}, "manifest""#;
        check(&with("\"bbox\": [0, 0, 1, 1]").replace("\"manifest\"", camera), "images[0].camera.height is 10");
    }
}
