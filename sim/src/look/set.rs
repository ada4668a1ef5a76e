//! Sets of pictures with their truth, for training and for scoring.
//!
//! `OUT/images/NNNNNN.png` (colour), `OUT/depth/NNNNNN.png` (16 bit, millimetres, 0 is no reading),
//! `OUT/ids/NNNNNN.png` (8 bit: 0, or the `number` of the annotation that the pixel shows) and `OUT/coco.json`.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

use scene::{Intrinsics, Pose, RgbdImage, SkuName, frame};
use serde::Serialize;

use super::catalogue::{CatalogueError, write_catalogue};
use super::png;
use super::render::{Rendered, Renderer};
use super::stage::Placed;
use super::truth::TrueSku;

/// Why a set isn't written. The pictures before the one named are complete; `coco.json` isn't there.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A file or folder can't be written.
    #[error("set file {} is not writable: {why}", file.display())]
    Unwritable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
    /// An item of a SKU that the set wasn't made with.
    #[error("scene {scene}: item {id} is of SKU {sku}, which the set does not list")]
    UnknownSku {
        /// The scene's number, from 0.
        scene: usize,
        /// The item.
        id: u32,
        /// Its SKU.
        sku: SkuName,
    },
    /// More items than an 8-bit picture can number.
    #[error("scene {scene} shows {items} items; must be at most 255")]
    TooMany {
        /// The scene's number, from 0.
        scene: usize,
        /// How many.
        items: usize,
    },
    /// The catalogue beside the pictures can't be written.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
}

/// Writes a set scene by scene.
#[derive(Debug)]
pub struct SetWriter {
    out: PathBuf,
    categories: BTreeMap<SkuName, u32>,
    images: Vec<ImageEntry>,
    annotations: Vec<Annotation>,
}

/// One scene of a set.
#[derive(Debug, Clone, Copy)]
pub struct SetScene<'a> {
    /// The clean picture.
    pub rendered: &'a Rendered,
    /// What the camera gave.
    pub image: &'a RgbdImage,
    /// All items of the stage.
    pub items: &'a [Placed<'a>],
    /// SKUs that the tote is said to hold; more than lie in it, as in a real one.
    pub manifest: &'a [SkuName],
    /// Where the tote's floor is.
    pub world_from_tote: Pose<frame::World, frame::Tote>,
}

#[derive(Debug, Serialize)]
struct ImageEntry {
    id: usize,
    file_name: String,
    depth_file_name: String,
    ids_file_name: String,
    width: u32,
    height: u32,
    manifest: Vec<SkuName>,
    camera: Intrinsics,
    world_from_camera: Pose<frame::World, frame::Camera>,
    world_from_tote: Pose<frame::World, frame::Tote>,
    depth_unit_m: f64,
}

#[derive(Debug, Serialize)]
struct Annotation {
    id: usize,
    image_id: usize,
    category_id: u32,
    /// The value of its pixels in the ids picture.
    number: u8,
    /// The item's number in the world.
    item: u32,
    bbox: [usize; 4],
    area: usize,
    segmentation: RunLengths,
    iscrowd: u8,
    /// Visible pixels over those that would be without anything before them.
    visible: f64,
    world_from_item: Pose<frame::World, frame::Item>,
    size_m: [f64; 3],
}

#[derive(Debug, Serialize)]
struct RunLengths {
    size: [usize; 2],
    counts: String,
}

#[derive(Serialize)]
struct Coco<'a> {
    info: Info,
    images: &'a [ImageEntry],
    annotations: &'a [Annotation],
    categories: Vec<Category<'a>>,
}

#[derive(Serialize)]
struct Info {
    description: &'static str,
}

#[derive(Serialize)]
struct Category<'a> {
    id: u32,
    name: &'a SkuName,
}

impl SetWriter {
    /// A set of these SKUs in the folder `out`, which is made; their catalogue is written beside the pictures.
    ///
    /// # Errors
    /// [`SetError`] with the file.
    pub fn new(out: &Path, skus: &[TrueSku]) -> Result<Self, SetError> {
        for part in ["images", "depth", "ids"] {
            let file = out.join(part);
            fs::create_dir_all(&file).map_err(|e| SetError::Unwritable { file, why: e.to_string() })?;
        }
        write_catalogue(skus, &out.join("catalog"))?;
        let categories = skus.iter().zip(1..).map(|(s, id)| (s.sku.name.clone(), id)).collect();
        Ok(Self { out: out.to_path_buf(), categories, images: Vec::new(), annotations: Vec::new() })
    }

    /// Adds a scene; gives how many of its items can be seen.
    ///
    /// # Errors
    /// [`SetError`]; the scene isn't in the set.
    pub fn add(&mut self, scene: &SetScene<'_>) -> Result<usize, SetError> {
        let number = self.images.len();
        let (image, view) = (scene.image, &scene.rendered.view);
        let (width, height) = (image.width(), image.height());
        let mut pixels: BTreeMap<u32, Extent> = BTreeMap::new();
        for (i, &id) in scene.rendered.ids.iter().enumerate() {
            if id != super::stage::NO_ITEM {
                pixels.entry(id).or_default().add(i % width, i / width);
            }
        }
        if pixels.len() > 255 {
            return Err(SetError::TooMany { scene: number, items: pixels.len() });
        }
        let mut values = BTreeMap::new();
        let mut found = Vec::with_capacity(pixels.len());
        for item in scene.items {
            let Some(extent) = pixels.get(&item.id) else {
                continue;
            };
            let sku = &item.sku.sku.name;
            let Some(&category_id) = self.categories.get(sku) else {
                return Err(SetError::UnknownSku { scene: number, id: item.id, sku: sku.clone() });
            };
            let value = (values.len() + 1) as u8;
            values.insert(item.id, value);
            let whole = Renderer::unhidden_pixels(item, view).max(extent.area);
            found.push(Annotation {
                id: self.annotations.len() + found.len() + 1,
                image_id: number,
                category_id,
                number: value,
                item: item.id,
                bbox: extent.bbox(),
                area: extent.area,
                segmentation: RunLengths {
                    size: [height, width],
                    counts: run_lengths(&scene.rendered.ids, width, height, item.id),
                },
                iscrowd: 0,
                visible: (extent.area as f64 / whole as f64 * 1e4).round() / 1e4,
                world_from_item: item.world_from_item,
                size_m: item.sku.truth.size_m,
            });
        }
        let name = |folder: &str| format!("{folder}/{number:06}.png");
        let depth: Vec<u16> = image.depth_m.iter().map(|&z| millimetres(z)).collect();
        let ids: Vec<u8> = scene.rendered.ids.iter().map(|id| values.get(id).copied().unwrap_or(0)).collect();
        self.put(&name("images"), png::quick_rgb(width, height, &image.rgb))?;
        self.put(&name("depth"), png::quick_grey16(width, height, &depth))?;
        self.put(&name("ids"), png::grey8(width, height, &ids))?;
        let seen = found.len();
        self.annotations.extend(found);
        self.images.push(ImageEntry {
            id: number,
            file_name: format!("{number:06}.png"),
            depth_file_name: name("depth"),
            ids_file_name: name("ids"),
            width: width as u32,
            height: height as u32,
            manifest: scene.manifest.to_vec(),
            camera: view.intrinsics,
            world_from_camera: view.world_from_camera,
            world_from_tote: scene.world_from_tote,
            depth_unit_m: 0.001,
        });
        Ok(seen)
    }

    /// Writes `coco.json`.
    ///
    /// # Errors
    /// [`SetError`] with the file.
    pub fn finish(self) -> Result<(), SetError> {
        let file = self.out.join("coco.json");
        let categories = self.categories.iter().map(|(name, &id)| Category { id, name }).collect();
        let info = Info { description: "rendered totes; visible is a share, poses are xyz and quaternion xyzw" };
        let coco = Coco { info, images: &self.images, annotations: &self.annotations, categories };
        let write = || -> Result<(), String> {
            let mut into = BufWriter::new(fs::File::create(&file).map_err(|e| e.to_string())?);
            serde_json::to_writer(&mut into, &coco).map_err(|e| e.to_string())?;
            into.flush().map_err(|e| e.to_string())
        };
        write().map_err(|why| SetError::Unwritable { file: file.clone(), why })
    }

    fn put(&self, name: &str, bytes: Result<Vec<u8>, image::ImageError>) -> Result<(), SetError> {
        let file = self.out.join(name);
        let written = bytes.map_err(|e| e.to_string()).and_then(|b| fs::write(&file, b).map_err(|e| e.to_string()));
        written.map_err(|why| SetError::Unwritable { file, why })
    }
}

fn millimetres(z: f32) -> u16 {
    if z.is_finite() { (z * 1_000.0).round().clamp(0.0, 65_535.0) as u16 } else { 0 }
}

/// Box and count of an item's pixels.
#[derive(Debug, Clone, Copy)]
struct Extent {
    least: [usize; 2],
    most: [usize; 2],
    area: usize,
}

impl Default for Extent {
    fn default() -> Self {
        Self { least: [usize::MAX; 2], most: [0; 2], area: 0 }
    }
}

impl Extent {
    fn add(&mut self, x: usize, y: usize) {
        self.least = [self.least[0].min(x), self.least[1].min(y)];
        self.most = [self.most[0].max(x), self.most[1].max(y)];
        self.area += 1;
    }

    fn bbox(&self) -> [usize; 4] {
        let [x, y] = self.least;
        [x, y, self.most[0] - x + 1, self.most[1] - y + 1]
    }
}

/// COCO's compressed run lengths: column by column, beginning with what is outside; each count as characters of
/// 5 bits, from the third one on as the difference to the count two before.
fn run_lengths(ids: &[u32], width: usize, height: usize, id: u32) -> String {
    let mut counts: Vec<i64> = Vec::new();
    let (mut inside, mut run) = (false, 0i64);
    for x in 0..width {
        for y in 0..height {
            if (ids[y * width + x] == id) != inside {
                counts.push(run);
                run = 0;
                inside = !inside;
            }
            run += 1;
        }
    }
    counts.push(run);
    let mut text = String::new();
    for (i, &count) in counts.iter().enumerate() {
        let mut value = if i > 2 { count - counts[i - 2] } else { count };
        loop {
            let low = (value & 31) as u8;
            value >>= 5;
            let done = if low & 16 != 0 { value == -1 } else { value == 0 };
            text.push(char::from(48 + low + if done { 0 } else { 32 }));
            if done {
                break;
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_lengths_are_as_the_coco_tools_write_them() {
        // 3 × 2 pixels (height 2): columns [0 1] [1 1] [0 0] → counts 1, 3, 2.
        assert_eq!(run_lengths(&[0, 7, 0, 7, 7, 0], 3, 2, 7), "132");
        // One pixel far in: counts 40, 1, 9 → 40 = 8 + 32·1: "X1".
        let mut ids = vec![0; 50];
        ids[40] = 1;
        assert_eq!(run_lengths(&ids, 1, 50, 1), "X119");
    }
}
