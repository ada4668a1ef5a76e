//! `nuthatch perceive`: what is in a picture, on pictures of anybody's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use perception::{
    CocoError, Decision, Depth, Files, KindBelief, Labelled, Mark, Perception, Picture, PictureError, Region, Settings,
    Shot, ShotError, annotate, decide, kinds, load_catalogue, load_coco, load_depth, load_picture,
};
use scene::frame::{Camera, Tote, World};
use scene::{Belief, Intrinsics, Item, Manifest, Mask, Pose, SkuName};
use serde::{Deserialize, Serialize};

use super::CliError;
use crate::bringup::home;
use crate::clock::Stopwatch;

/// `nuthatch perceive`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch perceive --image tote.jpg --catalog mine/catalogue.json --picture found.png
  nuthatch perceive --image tote.png --depth depth.png --camera camera.json --catalog perception/catalog/default \\
      --manifest tea-box-250,soap-bar-100 --json
  nuthatch perceive --image tote.jpg --catalog mine/catalogue.json --regions labels.json --json

Pictures are PNG or JPEG of any size from 16 to 8192 pixels a side, 8 or 16 bits, grey or colour. One factor brings them
within 640 x 480, which the networks know; boxes and polygons are in the picture's own pixels, (0, 0) its upper left corner.
Depth is a PNG of one channel of 16 bits in millimetres, 0 for no reading, on the picture's pixels. Without depth, or with
none that holds readings, colour alone is used.

The camera is JSON or TOML: width, height, fx, fy, cx, cy in pixels, and where known world_from_camera and world_from_tote,
each [x, y, z, qx, qy, qz, qw] in metres, the world's z up. Without world_from_camera it looks straight down; without
world_from_tote the tote's floor is the farthest plane that dominates the middle of the depth picture.

A catalogue is a folder of NAME/sku.toml with views/, or a catalogue.json: {\"items\": [{\"name\", \"dimensions_m\", \"weight_kg\",
\"type\", \"photo\"}]}, of which name and photo are needed, the photograph on a plain ground.

Decisions: accept, as believed enough; look_again, since others lie on it; scan its barcode; refuse, since it is none of the
manifest's or nobody's guess.")]
pub struct PerceiveArgs {
    /// The picture; may be given more than once: then --json prints one object a line.
    #[arg(long, value_name = "FILE", required = true)]
    image: Vec<PathBuf>,
    /// Its depth in millimetres.
    #[arg(long, value_name = "FILE", requires = "camera")]
    depth: Option<PathBuf>,
    /// The camera of picture and depth.
    #[arg(long, value_name = "FILE", requires = "depth")]
    camera: Option<PathBuf>,
    /// The SKUs: a folder, or a catalogue.json.
    #[arg(long, value_name = "PATH")]
    catalog: PathBuf,
    /// What the tote should hold, a name given twice counts twice; the --regions file's manifest, else the whole catalogue,
    /// when left out.
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    manifest: Option<Vec<String>>,
    /// COCO JSON with polygons or boxes of what is asked for, in place of what the network finds.
    #[arg(long, value_name = "FILE")]
    regions: Option<PathBuf>,
    /// At most this share of what is accepted may be wrong, from 0.000001 to 0.5.
    #[arg(long, value_name = "SHARE", default_value_t = 1e-4, value_parser = wrong_share)]
    wrong_at_most: f64,
    /// Write the picture with outlines and names as a PNG; of several pictures the last.
    #[arg(long, value_name = "FILE.png")]
    picture: Option<PathBuf>,
    /// The folder of instances.onnx and identity.onnx, in place of those that come with the program.
    #[arg(long, value_name = "DIR")]
    models: Option<PathBuf>,
    /// Print JSON in place of the table.
    #[arg(long)]
    json: bool,
}

/// Why a picture was not looked at.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PerceiveError {
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error(transparent)]
    Coco(#[from] CocoError),
    #[error("{}: {source}", file.display())]
    Shot { file: PathBuf, source: ShotError },
    #[error("camera file {}: {why}", file.display())]
    Camera { file: PathBuf, why: String },
    #[error("--manifest is empty; must name at least one SKU, or be left out for the whole catalogue")]
    NoManifest,
    #[error("--manifest: {why}")]
    Name { why: String },
    #[error("manifest names SKU {sku}; must be one of the {known} of {}", catalog.display())]
    UnknownSku { sku: SkuName, known: usize, catalog: PathBuf },
    #[error("regions file {} has no picture {image}; must list it in images[].file_name", file.display())]
    NotListed { file: PathBuf, image: String },
    #[error(
        "regions file {} says {said_width} × {said_height} pixels of {image}; must be its {width} × {height}",
        file.display()
    )]
    OtherSize { file: PathBuf, image: String, said_width: u32, said_height: u32, width: usize, height: usize },
    #[error("--depth and --camera belong to one picture; --image is given {images} times")]
    OneDepth { images: usize },
    #[error("{}: can't be written", file.display())]
    Unwritable { file: PathBuf, source: std::io::Error },
}

/// A camera file: unknown keys are refused, since a misspelt pose would go unseen.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CameraFile {
    width: u32,
    height: u32,
    fx: f64,
    fy: f64,
    cx: f64,
    cy: f64,
    world_from_camera: Option<Pose<World, Camera>>,
    world_from_tote: Option<Pose<World, Tote>>,
}

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct Seen {
    image: String,
    width: usize,
    height: usize,
    /// True where depth took part.
    depth: bool,
    instances: Vec<SeenInstance>,
    /// From the picture in hand to items, milliseconds; loading and reference views are not in it.
    ms: f64,
}

#[derive(Debug, Serialize)]
struct SeenInstance {
    id: u64,
    score: f64,
    box_xywh_px: [f64; 4],
    polygon_px: Vec<Vec<f64>>,
    beliefs: Vec<Belief>,
    decision: Decision,
    material: Vec<KindBelief>,
}

pub fn perceive(args: &PerceiveArgs) -> Result<(), CliError> {
    if args.depth.is_some() && args.image.len() > 1 {
        return Err(CliError::input(PerceiveError::OneDepth { images: args.image.len() }));
    }
    let named = args.manifest.as_deref().map(manifest_of).transpose().map_err(CliError::input)?;
    let regions = args.regions.as_deref().map(load_coco).transpose().map_err(CliError::input)?;
    let mut pictures = Vec::with_capacity(args.image.len());
    for file in &args.image {
        let picture = load_picture(file).map_err(CliError::input)?;
        let depth = depth_of(args, file).map_err(CliError::input)?;
        let shot = Shot::new(&picture, depth.as_ref())
            .map_err(|source| CliError::input(PerceiveError::Shot { file: file.clone(), source }))?;
        let labelled = match (&args.regions, &regions) {
            (Some(from), Some(listed)) => Some(listed_in(from, listed, file, &picture).map_err(CliError::input)?),
            _ => None,
        };
        pictures.push((file, picture, shot, labelled));
    }
    let mut perception = load(&args.catalog, args.models.as_deref())?;
    for (file, picture, shot, labelled) in &pictures {
        let said = labelled.and_then(|labelled| labelled.manifest.clone());
        let everything = || perception.catalogue().keys().map(|sku| (sku.clone(), 1)).collect();
        let manifest: Manifest = named.clone().or(said).unwrap_or_else(everything);
        if let Some(sku) = manifest.keys().find(|sku| !perception.catalogue().contains_key(*sku)) {
            let (sku, known) = (sku.clone(), perception.catalogue().len());
            return Err(CliError::input(PerceiveError::UnknownSku { sku, known, catalog: args.catalog.clone() }));
        }
        perception.prepare(&manifest).map_err(CliError::fault)?;
        let since = Stopwatch::start();
        let items = look(&mut perception, shot, &manifest, *labelled, picture).map_err(CliError::fault)?;
        let ms = since.seconds() * 1e3;
        let instances = items
            .iter()
            .map(|(id, item)| instance(*id, item, shot, &perception, args.wrong_at_most))
            .collect::<Result<Vec<_>, _>>()
            .map_err(CliError::fault)?;
        let (width, height) = (picture.width, picture.height);
        let seen = Seen { image: file.display().to_string(), width, height, depth: shot.has_depth, instances, ms };
        if args.json {
            println!("{}", serde_json::to_string(&seen).map_err(CliError::fault)?);
        } else {
            print_table(&seen, manifest.len());
        }
        if let Some(into) = &args.picture {
            let png = annotate(picture, &marks(&seen)).map_err(CliError::fault)?;
            std::fs::write(into, png)
                .map_err(|source| CliError::input(PerceiveError::Unwritable { file: into.clone(), source }))?;
        }
    }
    Ok(())
}

/// The models that come with the program, or of another folder, with a catalogue.
pub(crate) fn load(catalog: &Path, models: Option<&Path>) -> Result<Perception, CliError> {
    let catalogue = load_catalogue(catalog).map_err(CliError::input)?;
    load_with(catalogue, models)
}

/// As [`load`], with a catalogue that was read before.
pub(crate) fn load_with(
    catalogue: (scene::Catalogue, perception::Views),
    models: Option<&Path>,
) -> Result<Perception, CliError> {
    let home = home().map_err(CliError::input)?;
    let runtime_library = std::env::var_os("NUTHATCH_ONNXRUNTIME")
        .map_or_else(|| home.join(".local/onnxruntime/libonnxruntime.so"), PathBuf::from);
    let models_dir = models.map_or_else(|| home.join("perception/models"), Path::to_path_buf);
    let files = Files { models_dir, runtime_library, catalogue_dir: PathBuf::new() };
    Perception::with_catalogue(&files, &Settings::default(), catalogue).map_err(CliError::input)
}

fn wrong_share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (1e-6..=0.5).contains(&value) => Ok(value),
        _ => Err("must be a number from 0.000001 to 0.5".into()),
    }
}

fn manifest_of(names: &[String]) -> Result<Manifest, PerceiveError> {
    let mut manifest = Manifest::new();
    for name in names.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
        let sku = SkuName::new(name).map_err(|why| PerceiveError::Name { why })?;
        *manifest.entry(sku).or_insert(0) += 1;
    }
    if manifest.is_empty() { Err(PerceiveError::NoManifest) } else { Ok(manifest) }
}

fn depth_of(args: &PerceiveArgs, image: &Path) -> Result<Option<Depth>, PerceiveError> {
    let (Some(depth), Some(camera)) = (&args.depth, &args.camera) else { return Ok(None) };
    let (width, height, depth_m) = load_depth(depth, 0.001)?;
    let file = read_camera(camera)?;
    for (name, finite) in [
        ("world_from_camera", file.world_from_camera.is_none_or(|pose| pose.is_finite())),
        ("world_from_tote", file.world_from_tote.is_none_or(|pose| pose.is_finite())),
    ] {
        if !finite {
            let why = format!("{name} of {} has a number that is not finite", image.display());
            return Err(PerceiveError::Camera { file: camera.clone(), why });
        }
    }
    let CameraFile { width: w, height: h, fx, fy, cx, cy, world_from_camera, world_from_tote } = file;
    let camera = Intrinsics { width: w, height: h, fx, fy, cx, cy };
    Ok(Some(Depth { width, height, depth_m, camera, world_from_camera, world_from_tote }))
}

fn read_camera(file: &Path) -> Result<CameraFile, PerceiveError> {
    let refuse = |why: String| PerceiveError::Camera { file: file.to_path_buf(), why };
    let text = std::fs::read_to_string(file).map_err(|error| refuse(error.to_string()))?;
    if text.trim_start().starts_with('{') {
        serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))
    } else {
        toml::from_str(&text).map_err(|error| refuse(error.to_string().trim_end().to_owned()))
    }
}

/// What a COCO file says of a picture: the row of its path, else of its name.
fn listed_in<'a>(
    from: &Path,
    listed: &'a [Labelled],
    image: &Path,
    picture: &Picture,
) -> Result<&'a Labelled, PerceiveError> {
    let row = listed
        .iter()
        .find(|row| image.ends_with(&row.file))
        .or_else(|| listed.iter().find(|row| row.file.file_name() == image.file_name()));
    let name = image.display().to_string();
    let row = row.ok_or_else(|| PerceiveError::NotListed { file: from.to_path_buf(), image: name.clone() })?;
    match row.size {
        Some((w, h)) if (w as usize, h as usize) != (picture.width, picture.height) => Err(PerceiveError::OtherSize {
            file: from.to_path_buf(),
            image: name,
            said_width: w,
            said_height: h,
            width: picture.width,
            height: picture.height,
        }),
        _ => Ok(row),
    }
}

/// Items with their numbers: those of the regions where there are any, else counted from 0.
fn look(
    perception: &mut Perception,
    shot: &Shot,
    manifest: &Manifest,
    labelled: Option<&Labelled>,
    picture: &Picture,
) -> Result<Vec<(u64, Item)>, perception::LookError> {
    let Some(labelled) = labelled else {
        // Nobody says how large the tote is: nothing is left out for lying outside it.
        let items = perception.look(&shot.image, manifest, &shot.world_from_tote, [1e3; 3])?;
        return Ok(items.into_iter().map(|item| (u64::from(item.id.0), item)).collect());
    };
    let size = (picture.width as u32, picture.height as u32);
    let scale = f64::from(shot.image.intrinsics.width) / f64::from(size.0);
    let mut masks: BTreeMap<usize, Mask> = BTreeMap::new();
    let mut boxes = Vec::new();
    for (index, instance) in labelled.instances.iter().enumerate() {
        match &instance.region {
            Region::Box(sides) => boxes.push((index, sides.map(|side| side * scale))),
            region => {
                let own = region.mask(size.0, size.1);
                let mask = own.map(|own| shot.working(&own)).transpose()?.flatten();
                masks.extend(mask.map(|mask| (index, mask)));
            }
        }
    }
    let sides: Vec<[f64; 4]> = boxes.iter().map(|(_, sides)| *sides).collect();
    if !sides.is_empty() {
        let outlined = perception.outline_boxes(&shot.image, &sides, &shot.world_from_tote)?;
        masks.extend(boxes.iter().zip(outlined).filter_map(|((index, _), mask)| Some((*index, mask?))));
    }
    let ids: Vec<u64> = masks.keys().map(|index| labelled.instances[*index].id).collect();
    let masks: Vec<Mask> = masks.into_values().collect();
    let items = perception.look_at(&shot.image, &masks, manifest, &shot.world_from_tote)?;
    Ok(ids.into_iter().zip(items).collect())
}

fn instance(
    id: u64,
    item: &Item,
    shot: &Shot,
    perception: &Perception,
    wrong_most: f64,
) -> Result<SeenInstance, perception::LookError> {
    let polygons = shot.own_polygons(&item.mask)?;
    let along = |k: usize| polygons.iter().flat_map(move |p| p.iter().skip(k).step_by(2).copied());
    let least = |k| along(k).fold(f64::INFINITY, f64::min);
    let most = |k| along(k).fold(f64::NEG_INFINITY, f64::max);
    let round = |x: f64| (x * 10.0).round() / 10.0;
    // Without depth every neighbour may lie on an item: that says nothing.
    let covered = if shot.has_depth { item.covered } else { 0.0 };
    let box_xywh_px = [least(0), least(1), round(most(0) - least(0)), round(most(1) - least(1))];
    Ok(SeenInstance {
        id,
        score: item.score,
        box_xywh_px,
        polygon_px: polygons,
        beliefs: item.beliefs.clone(),
        decision: decide(&item.beliefs, covered, wrong_most),
        material: kinds(perception.catalogue(), &item.beliefs),
    })
}

fn print_table(seen: &Seen, manifest: usize) {
    let what = if seen.depth { "colour and depth" } else { "colour alone" };
    println!(
        "{}: {} × {} pixels, {what}, {} SKUs in the manifest; {} items in {:.0} ms",
        seen.image,
        seen.width,
        seen.height,
        manifest,
        seen.instances.len(),
        seen.ms
    );
    if seen.instances.is_empty() {
        return;
    }
    println!(
        "{:>6} {:>6} {:>24}  {:<28} {:>7}  {:<10}  like",
        "id", "score", "x, y, w × h (px)", "believed", "p", "next"
    );
    for item in &seen.instances {
        let [x, y, w, h] = item.box_xywh_px;
        let place = format!("{x:.0}, {y:.0}, {w:.0} × {h:.0}");
        let (name, p) = best(item);
        let like: Vec<String> =
            item.material.iter().take(2).map(|kind| format!("{} {:.2}", word(&kind.kind), kind.p)).collect();
        println!(
            "{:>6} {:>6.2} {place:>24}  {name:<28} {p:>7.4}  {:<10}  {}",
            item.id,
            item.score,
            word(&item.decision),
            like.join(", ")
        );
    }
}

fn best(item: &SeenInstance) -> (&str, f64) {
    item.beliefs.first().map_or(("none of these", 1.0), |belief| {
        (belief.sku.as_ref().map_or("none of these", SkuName::as_str), belief.p)
    })
}

/// The word that JSON has for it.
fn word(of: &impl Serialize) -> String {
    serde_json::to_value(of).ok().and_then(|value| Some(value.as_str()?.to_owned())).unwrap_or_default()
}

fn marks(seen: &Seen) -> Vec<Mark> {
    let mark = |item: &SeenInstance| {
        let (name, p) = best(item);
        let lines = vec![name.to_owned(), format!("{:.1} %  {}", 100.0 * p, word(&item.decision).replace('_', " "))];
        Mark { polygons: item.polygon_px.clone(), lines, faint: false }
    };
    seen.instances.iter().map(mark).collect()
}
