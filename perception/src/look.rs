//! One look: image in, items out.

mod given;

use std::collections::BTreeMap;
use std::path::PathBuf;

use nalgebra::{Matrix3, Point3, Rotation3, UnitQuaternion};
use scene::frame::{Tote, World};
use scene::{Belief, Catalogue, Item, ItemId, Manifest, Mask, Material, Pose, RgbdImage, Shape, SkuName};

use crate::LookError;
use crate::belief::{self, Calibration, Seen};
use crate::catalogue::{Views, load_catalogue};
use crate::cover::Field;
use crate::fit::{Patch, Surface};
use crate::geometry::{Geometry, geometry, inside, middle};
use crate::grouping;
use crate::input;
use crate::join;
use crate::network::{LoadError, Network, TensorRule, environment};
use crate::{crop, normals};

/// Length of an embedding (training/networks.py).
const EMBEDDING: usize = 128;
/// Crops embedded in one run of the network.
const BATCH: usize = 32;
/// Least belief with which two parts become one item.
const JOINED_LEAST: f64 = 0.8;
/// Compliance of what nobody knows.
const UNKNOWN_COMPLIANCE: f64 = 0.3;

/// Where the files are.
#[derive(Debug, Clone)]
pub struct Files {
    /// The folder of `instances.onnx` and `identity.onnx`.
    pub models_dir: PathBuf,
    /// The ONNX Runtime library, 1.24 or newer.
    pub runtime_library: PathBuf,
    /// The catalogue: folders `NAME/{sku.toml, views/}`, or a `catalogue.json`.
    pub catalogue_dir: PathBuf,
}

/// What may be chosen; [`Settings::default`] is what the reported figures were made with.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// Threads of inference, 1 to 64.
    pub threads: usize,
    /// Items below this score are left out, 0…1.
    pub least_score: f64,
    /// Items of fewer pixels are left out.
    pub least_area_px: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self { threads: 2, least_score: 0.3, least_area_px: 100 }
    }
}

/// The outline of one item in an image, before anyone asked what it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Its visible pixels.
    pub mask: Mask,
    /// How sure the network is that this is one item, 0…1.
    pub score: f64,
}

/// The two networks and the catalogue, ready to look.
pub struct Perception {
    instances: Network,
    identity: Network,
    calibration: Calibration,
    catalogue: Catalogue,
    views: Views,
    /// Embeddings of a SKU's views in four quarter turns, made when a manifest first names it.
    gallery: BTreeMap<SkuName, Vec<f32>>,
    settings: Settings,
}

/// One item of a look as it becomes known.
struct Part {
    label: u16,
    found: Found,
    geometry: Geometry,
    middle: Point3<f64>,
    beliefs: Vec<Belief>,
}

/// Labels and items of one segmentation.
struct Segmented {
    labels: Vec<u16>,
    found: Vec<(u16, Found)>,
}

impl Perception {
    /// Loads ONNX Runtime (once a process), the models `instances.onnx` and `identity.onnx`, and the catalogue.
    ///
    /// # Errors
    /// [`LoadError`] names the file, what was found and the rule; it never panics over a missing or
    /// broken library.
    pub fn load(files: &Files, settings: &Settings) -> Result<Self, LoadError> {
        Self::with_catalogue(files, settings, load_catalogue(&files.catalogue_dir)?)
    }

    /// As [`load`](Self::load), with a catalogue that was loaded before, which may be empty: then only outlines are found.
    /// `catalogue_dir` is not looked at.
    ///
    /// # Errors
    /// [`LoadError`].
    pub fn with_catalogue(
        files: &Files,
        settings: &Settings,
        (catalogue, views): (Catalogue, Views),
    ) -> Result<Self, LoadError> {
        let refuse = |field, value: String, rule| LoadError::Setting { field, value, rule };
        if !(1..=64).contains(&settings.threads) {
            let value = settings.threads.to_string();
            return Err(refuse("threads", value, "from 1 to 64"));
        }
        if !(0.0..=1.0).contains(&settings.least_score) {
            let value = settings.least_score.to_string();
            return Err(refuse("least_score", value, "from 0 to 1"));
        }
        let environment = environment(&files.runtime_library)?;
        let instances = Network::load(
            &environment,
            &files.models_dir.join("instances.onnx"),
            settings.threads,
            &TensorRule { name: "image", shape: &[1, 5, 240, 320] },
            &TensorRule { name: "maps", shape: &[1, 5, 240, 320] },
        )?;
        let identity = Network::load(
            &environment,
            &files.models_dir.join("identity.onnx"),
            settings.threads,
            &TensorRule { name: "crops", shape: &[-1, 4, 96, 96] },
            &TensorRule { name: "vectors", shape: &[-1, 128] },
        )?;
        let calibration = Calibration {
            temperature: identity.number("temperature", 1e-3, 1.0, "a number from 0.001 to 1")?,
            none: identity.number("none", -1.0, 1.0, "a cosine from -1 to 1")?,
        };
        Ok(Self {
            instances,
            identity,
            calibration,
            catalogue,
            views,
            gallery: BTreeMap::new(),
            settings: settings.clone(),
        })
    }

    /// The catalogue that was loaded.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Embeds the reference views of the manifest's SKUs now, so that the first look takes as long as the others.
    ///
    /// # Errors
    /// [`LookError::UnknownSku`] and [`LookError::Network`].
    pub fn prepare(&mut self, manifest: &Manifest) -> Result<(), LookError> {
        for sku in manifest.keys() {
            if self.gallery.contains_key(sku) {
                continue;
            }
            let views = self
                .views
                .get(sku)
                .ok_or_else(|| LookError::UnknownSku { sku: sku.clone(), known: self.catalogue.len() })?;
            let mut crops = Vec::new();
            for view in views {
                for crop in crop::view_crops(view)? {
                    crops.extend(crop);
                }
            }
            let vectors = self.embed(&crops)?;
            self.gallery.insert(sku.clone(), vectors);
        }
        Ok(())
    }

    /// The items in a tote: where each is, how it lies, what it may be. The same image gives the same items.
    ///
    /// `tote_size` is the tote's inner size, metres; what lies outside it is left out. Items are ordered by
    /// the highest pixel (then leftmost) of their masks. An item without any depth has an empty cloud and a
    /// box at the tote's floor.
    ///
    /// # Errors
    /// [`LookError`]; nothing has moved.
    pub fn look(
        &mut self,
        image: &RgbdImage,
        manifest: &Manifest,
        world_from_tote: &Pose<World, Tote>,
        tote_size: [f64; 3],
    ) -> Result<Vec<Item>, LookError> {
        self.prepare(manifest)?;
        check_pose("world_from_tote", world_from_tote.is_finite())?;
        let heights = checked_heights(image, world_from_tote)?;
        let Segmented { mut labels, found } = self.segment(image, &heights)?;
        let field = Field { labels: &labels, heights: &heights, width: image.width() };
        let mut parts = Vec::new();
        for (label, found) in found {
            let geometry = geometry(image, &field, label, &found.mask)?;
            let middle = middle(image, world_from_tote, &found.mask, &geometry);
            if inside(&world_from_tote.inverse().point(&middle), tote_size) {
                parts.push(Part { label, found, geometry, middle, beliefs: Vec::new() });
            }
        }
        let masks: Vec<&Mask> = parts.iter().map(|part| &part.found.mask).collect();
        let cosines = self.cosines(image, &masks, manifest)?;
        for (part, cosines) in parts.iter_mut().zip(cosines) {
            part.beliefs = self.believe(manifest, &cosines, &part.geometry);
        }
        self.join(image, manifest, &heights, &mut labels, &mut parts)?;
        Ok(self.items(image, world_from_tote, &labels, parts))
    }

    /// The items of outlines and names that somebody else gives, cut from the depth that the camera saw: both networks
    /// stay unused. Outlines must not overlap; those whose middle is outside the tote are left out, order is kept.
    ///
    /// # Errors
    /// [`LookError`] for an outline beyond the image, a SKU that the catalogue does not have, and poses that are no number.
    pub fn cut(
        &self,
        image: &RgbdImage,
        named: &[(Mask, SkuName)],
        world_from_tote: &Pose<World, Tote>,
        tote_size: [f64; 3],
    ) -> Result<Vec<Item>, LookError> {
        check_pose("world_from_tote", world_from_tote.is_finite())?;
        let heights = checked_heights(image, world_from_tote)?;
        let width = image.width();
        let mut labels = vec![0u16; heights.len()];
        for ((index, (mask, sku)), label) in named.iter().enumerate().zip(1u16..) {
            check_mask(image, index, mask)?;
            if !self.catalogue.contains_key(sku) {
                return Err(LookError::UnknownSku { sku: sku.clone(), known: self.catalogue.len() });
            }
            mask.pixels().for_each(|(u, v)| labels[v as usize * width + u as usize] = label);
        }
        let field = Field { labels: &labels, heights: &heights, width };
        let mut parts = Vec::new();
        for ((mask, sku), label) in named.iter().zip(1u16..) {
            let geometry = geometry(image, &field, label, mask)?;
            let middle = middle(image, world_from_tote, mask, &geometry);
            if inside(&world_from_tote.inverse().point(&middle), tote_size) {
                let found = Found { mask: mask.clone(), score: 1.0 };
                let beliefs = vec![Belief { sku: Some(sku.clone()), p: 1.0 }, Belief { sku: None, p: 0.0 }];
                parts.push(Part { label, found, geometry, middle, beliefs });
            }
        }
        Ok(self.items(image, world_from_tote, &labels, parts))
    }

    /// Parts as items, each completed by what it is taken for.
    fn items(
        &self,
        image: &RgbdImage,
        world_from_tote: &Pose<World, Tote>,
        labels: &[u16],
        parts: Vec<Part>,
    ) -> Vec<Item> {
        let width = image.width();
        let mut items = Vec::with_capacity(parts.len());
        for (Part { label, found, geometry, middle, beliefs }, id) in parts.into_iter().zip(0u32..) {
            let same = |u: u32, v: u32| labels[v as usize * width + u as usize] == label;
            let normals = normals::normals(image, &geometry.cloud, &geometry.pixels, same, geometry.surface.as_ref());
            let (world_from_item, size_m) =
                self.complete(image, world_from_tote, &beliefs, &geometry, middle, &found.mask);
            let (material, compliance) = self.substance(&beliefs);
            items.push(Item {
                id: ItemId(id),
                taken_at: image.taken_at,
                score: found.score,
                mask: found.mask,
                beliefs,
                cloud: geometry.cloud,
                normals,
                world_from_item,
                size_m,
                material,
                compliance,
                covered: geometry.covered,
            });
        }
        items
    }

    /// The outlines of the items in an image, whatever they are, ordered like those of [`look`](Self::look).
    ///
    /// Works without depth (all NaN), less well. Nothing outside a tote is left out.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn find(&mut self, image: &RgbdImage, world_from_tote: &Pose<World, Tote>) -> Result<Vec<Found>, LookError> {
        check_pose("world_from_tote", world_from_tote.is_finite())?;
        let heights = checked_heights(image, world_from_tote)?;
        let segmented = self.segment(image, &heights)?;
        Ok(segmented.found.into_iter().map(|(_, found)| found).collect())
    }

    /// What outlined items may be, from the picture alone: beliefs of each mask, most likely first, sum 1.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn identify(
        &mut self,
        image: &RgbdImage,
        masks: &[Mask],
        manifest: &Manifest,
    ) -> Result<Vec<Vec<Belief>>, LookError> {
        self.prepare(manifest)?;
        check_size(image)?;
        for (index, mask) in masks.iter().enumerate() {
            check_mask(image, index, mask)?;
        }
        let masks: Vec<&Mask> = masks.iter().collect();
        let cosines = self.cosines(image, &masks, manifest)?;
        Ok(cosines.iter().map(|cosines| belief::beliefs(manifest, cosines, None, self.calibration)).collect())
    }

    fn segment(&mut self, image: &RgbdImage, heights: &[f32]) -> Result<Segmented, LookError> {
        let (width, height) = (image.width(), image.height());
        let (tensor, fit) = input::tensor(&image.rgb, width, height, heights)?;
        let shape = [1, input::CHANNELS, input::HEIGHT, input::WIDTH];
        let maps = self
            .instances
            .run(shape, &tensor)
            .map_err(|error| LookError::Network { network: "instances", why: error.to_string() })?;
        let groups = grouping::group(&maps, fit);
        let labels = grouping::enlarge(&groups.labels, fit, width, height);
        let mut pixels = vec![Vec::new(); groups.scores.len()];
        for (&label, i) in labels.iter().zip(0u32..) {
            if label != 0 {
                pixels[label as usize - 1].push((i % width as u32, i / width as u32));
            }
        }
        let mut found: Vec<(u16, Found)> = pixels
            .iter()
            .zip(groups.scores)
            .zip(1u16..)
            .filter(|((pixels, score), _)| {
                pixels.len() >= self.settings.least_area_px && *score >= self.settings.least_score
            })
            .filter_map(|((pixels, score), label)| {
                let mask = Mask::from_pixels(pixels)?;
                Some((label, Found { mask, score }))
            })
            .collect();
        let first = |mask: &Mask| mask.pixels().next().map(|(u, v)| (v, u));
        found.sort_by_key(|(_, found)| first(&found.mask));
        Ok(Segmented { labels, found })
    }

    /// Makes one item of two parts that together are a side of a SKU and look like it.
    fn join(
        &mut self,
        image: &RgbdImage,
        manifest: &Manifest,
        heights: &[f32],
        labels: &mut [u16],
        parts: &mut Vec<Part>,
    ) -> Result<(), LookError> {
        let field = Field { labels, heights, width: image.width() };
        let outlines: Vec<_> = parts.iter().map(|p| (p.label, &p.found.mask, p.geometry.surface.as_ref())).collect();
        let mut tried = Vec::new();
        for (a, b) in join::pairs(&field, &outlines) {
            let Some(mask) = join::joined(outlines[a].1, outlines[b].1) else { continue };
            let whole = geometry(image, &field, parts[a].label, &mask)?;
            let Some(surface) = &whole.surface else { continue };
            let pixel_m = (image.world_from_camera.origin() - surface.origin).norm() / image.intrinsics.fx;
            let area_m2 = mask.area() as f64 * pixel_m * pixel_m;
            let skus = join::sides_of(surface, area_m2, manifest, &self.catalogue);
            if !skus.is_empty() {
                tried.push((a, b, mask, skus));
            }
        }
        let masks: Vec<&Mask> = tried.iter().map(|(_, _, mask, _)| mask).collect();
        let cosines = self.cosines(image, &masks, manifest)?;
        let mut gone = vec![false; parts.len()];
        for ((a, b, mask, skus), cosines) in tried.into_iter().zip(cosines) {
            if gone[a] || gone[b] {
                continue;
            }
            let (label, other) = (parts[a].label, parts[b].label);
            let before = labels.to_vec();
            labels.iter_mut().filter(|l| **l == other).for_each(|l| *l = label);
            let field = Field { labels, heights, width: image.width() };
            let whole = geometry(image, &field, label, &mask)?;
            let beliefs = self.believe(manifest, &cosines, &whole);
            let sure = |beliefs: &[Belief]| beliefs.first().filter(|b| b.sku.is_some()).map_or(0.0, |b| b.p);
            let named = beliefs.first().and_then(|b| b.sku.as_ref()).is_some_and(|sku| skus.contains(&sku));
            // Two items side by side are each known for themselves.
            if !named || sure(&beliefs) < JOINED_LEAST || self.is_whole(&parts[a]) && self.is_whole(&parts[b]) {
                labels.copy_from_slice(&before);
                continue;
            }
            let score = parts[a].found.score.max(parts[b].found.score);
            let middle = nalgebra::center(&parts[a].middle, &parts[b].middle);
            parts[a] = Part { label, found: Found { mask, score }, geometry: whole, middle, beliefs };
            gone[b] = true;
        }
        let mut gone = gone.into_iter();
        parts.retain(|_| !gone.next().unwrap_or(false));
        Ok(())
    }

    /// True when a part is by itself a whole side of the SKU that it is taken for.
    fn is_whole(&self, part: &Part) -> bool {
        let sku = part.beliefs.first().and_then(|b| self.catalogue.get(b.sku.as_ref()?));
        let fits = |surface: &Surface| sku.is_some_and(|sku| belief::best_side(sku, &Seen::of(surface, 0.0)).2 <= 1.0);
        part.geometry.surface.as_ref().is_some_and(fits)
    }

    /// For each mask the best cosine to each SKU of the manifest, in its order.
    fn cosines(&mut self, image: &RgbdImage, masks: &[&Mask], manifest: &Manifest) -> Result<Vec<Vec<f64>>, LookError> {
        let mut crops = Vec::with_capacity(masks.len() * crop::CROP);
        for mask in masks {
            crops.extend(crop::item_crop(&image.rgb, image.width(), mask)?);
        }
        let vectors = self.embed(&crops)?;
        let best = |vector: &[f32], sku: &SkuName| {
            let gallery = self.gallery.get(sku).map_or(&[][..], Vec::as_slice);
            gallery
                .chunks_exact(EMBEDDING)
                .map(|view| {
                    let dot: f32 = view.iter().zip(vector).map(|(a, b)| a * b).sum();
                    f64::from(dot)
                })
                .fold(-1.0, f64::max)
        };
        Ok(vectors
            .chunks_exact(EMBEDDING)
            .map(|vector| manifest.keys().map(|sku| best(vector, sku)).collect())
            .collect())
    }

    fn embed(&mut self, crops: &[f32]) -> Result<Vec<f32>, LookError> {
        let refuse = |why: String| LookError::Network { network: "identity", why };
        let mut vectors = Vec::new();
        for batch in crops.chunks(BATCH * crop::CROP) {
            let count = batch.len() / crop::CROP;
            let shape = [count, crop::CHANNELS, crop::SIDE, crop::SIDE];
            let part = self.identity.run(shape, batch).map_err(|error| refuse(error.to_string()))?;
            if part.len() != count * EMBEDDING || part.iter().any(|x| !x.is_finite()) {
                return Err(refuse(format!(
                    "{} numbers for {count} crops; must be {EMBEDDING} finite ones a crop",
                    part.len()
                )));
            }
            vectors.extend(part);
        }
        Ok(vectors)
    }

    fn believe(&self, manifest: &Manifest, cosines: &[f64], geometry: &Geometry) -> Vec<Belief> {
        let misfits: Option<Vec<f64>> = geometry.surface.as_ref().map(|surface| {
            let seen = Seen::of(surface, geometry.covered);
            let misfit = |sku| self.catalogue.get(sku).map_or(0.0, |sku| belief::best_side(sku, &seen).2);
            manifest.keys().map(misfit).collect()
        });
        belief::beliefs(manifest, cosines, misfits.as_deref(), self.calibration)
    }

    /// Material of the likeliest SKU, compliance averaged over the beliefs.
    fn substance(&self, beliefs: &[Belief]) -> (Material, f64) {
        let known = |belief: &Belief| {
            let sku = belief.sku.as_ref()?;
            self.catalogue.get(sku)
        };
        let material = beliefs.iter().find_map(known).map_or(Material::Carton, |sku| sku.material);
        let compliance = beliefs.iter().map(|b| b.p * known(b).map_or(UNKNOWN_COMPLIANCE, belief::compliance)).sum();
        (material, compliance)
    }

    /// The item's box: what is seen, completed by the depth of the likeliest SKU.
    fn complete(
        &self,
        image: &RgbdImage,
        world_from_tote: &Pose<World, Tote>,
        beliefs: &[Belief],
        geometry: &Geometry,
        middle: Point3<f64>,
        mask: &Mask,
    ) -> (Pose<World, scene::frame::Item>, [f64; 3]) {
        let Some(surface) = &geometry.surface else {
            let distance = (image.world_from_camera.origin() - middle).norm();
            let pixel = distance / image.intrinsics.fx;
            let size = [mask.width, mask.height].map(|px| (f64::from(px) * pixel).max(0.005));
            let pose = Pose::from_parts(middle.coords, world_from_tote.rotation());
            return (pose, [size[0], size[1], size[0].min(size[1])]);
        };
        let above_floor =
            world_from_tote.inverse().point(&surface.world(surface.face.centre[0], surface.face.centre[1], 0.0)).z;
        let sku = beliefs.first().and_then(|belief| self.catalogue.get(belief.sku.as_ref()?));
        let side = sku.map(|sku| {
            let (sides, depth, _) = belief::best_side(sku, &Seen::of(surface, geometry.covered));
            (sides, depth)
        });
        let round = sku.is_some_and(|sku| sku.shape == Shape::Cylinder);
        let (Patch { centre, sides }, depth) = belief::completed(surface, side, round);
        // Nobody knows the depth of an unknown item: not below the floor, not more than its longer side.
        let depth = if depth.is_finite() { depth } else { above_floor.clamp(0.01, sides[0].max(sides[1]).max(0.02)) };
        // A round body's crest stands above the plane fitted to its top.
        let crest = match (&surface.quadric, round) {
            (Some(q), true) => q[0].clamp(0.0, 0.01),
            _ => 0.0,
        };
        let origin = surface.world(centre[0], centre[1], crest - 0.5 * depth);
        let axes = Matrix3::from_columns(&[surface.x, surface.y, surface.z]);
        let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(axes));
        (Pose::from_parts(origin.coords, rotation), [sides[0], sides[1], depth])
    }
}

/// Refuses a mask that is not within the image.
fn check_mask(image: &RgbdImage, index: usize, mask: &Mask) -> Result<(), LookError> {
    let (w, h) = (u64::from(mask.width), u64::from(mask.height));
    let fits = u64::from(mask.x) + w <= image.width() as u64
        && u64::from(mask.y) + h <= image.height() as u64
        && mask.bits.len() as u64 == w * h
        && !mask.bits.is_empty();
    if fits {
        return Ok(());
    }
    Err(LookError::Mask { index, x: mask.x, y: mask.y, width: mask.width, height: mask.height })
}

fn check_size(image: &RgbdImage) -> Result<(), LookError> {
    let k = image.intrinsics;
    let pixels = k.width as usize * k.height as usize;
    for (part, found, expected) in
        [("colour bytes", image.rgb.len(), 3 * pixels), ("depths", image.depth_m.len(), pixels)]
    {
        if found != expected || expected == 0 {
            return Err(LookError::Size { width: k.width, height: k.height, part, found, expected });
        }
    }
    Ok(())
}

fn check_pose(pose: &'static str, finite: bool) -> Result<(), LookError> {
    if finite { Ok(()) } else { Err(LookError::Pose { pose }) }
}

fn checked_heights(image: &RgbdImage, world_from_tote: &Pose<World, Tote>) -> Result<Vec<f32>, LookError> {
    check_size(image)?;
    check_pose("world_from_camera", image.world_from_camera.is_finite())?;
    Ok(input::heights(image, world_from_tote))
}
