//! `nuthatch bench perception`: how long a look takes, part by part, on pictures that were not looked at before.

use std::collections::BTreeMap;

use perception::{Shot, load_catalogue};
use scene::{Manifest, Mask, SkuName};
use serde::{Deserialize, Serialize};
use sim::look::Pool;

use super::peer::{Peer, PeerError};
use super::scenes::{Scenes, bar, shot};
use super::spread::quantile;
use crate::bringup::home;
use crate::cli::CliError;
use crate::cli::perceive::load_with;
use crate::cli::seeing::PerceptionArgs;
use crate::clock::Stopwatch;
use crate::report::{Machine, memory_and_threads};

/// Items of a picture.
const ITEMS: usize = 15;
/// Scenes that are rendered for each that is taken: those whose items are nearest to fifteen.
const SPARE: usize = 2;
/// Scenes that are taken, and of the reported length.
const SCENES: usize = 20;
const FULL: usize = 100;
const SKUS: usize = 120;
/// Each scene is looked at in so many lights: no picture comes twice.
const LIGHTS: [f64; 3] = [1.0, 0.85, 0.7];
/// Runs of the bare networks.
const RUNS: usize = 60;
/// Threads of inference of the default settings.
const THREADS: usize = 2;

const PYTHON: Peer = Peer { package: "onnxruntime", script: include_str!("infer_times.py"), limit_s: 120.0 };

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct PerceptionFigures {
    bench: &'static str,
    seed: u64,
    /// Pictures looked at, each once.
    n: usize,
    scenes: usize,
    machine: Machine,
    /// Mean number of items a picture, as labelled and of 100 pixels or more.
    items: f64,
    segment_ms_p50: f64,
    segment_ms_p99: f64,
    /// From outlines to beliefs, geometry and normals.
    identify_ms_per_item_p50: f64,
    frame_ms_p50: f64,
    frame_ms_p99: f64,
    frame_ms_max: f64,
    /// Both networks alone, on one picture and fifteen crops.
    networks_ms_p50: f64,
    /// That over the same in Python's ONNX Runtime.
    ratio_to_python: Option<f64>,
    python_ms_p50: Option<f64>,
    rss_mb_max: f64,
    /// How much the greatest resident memory grew over the second half of the pictures.
    rss_mb_growth: f64,
    /// Recall against milliseconds for three sizes of the input.
    sizes: Option<()>,
    /// Why a figure is null.
    why: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Told {
    models: std::path::PathBuf,
    crops: usize,
    runs: usize,
    threads: usize,
}

#[derive(Deserialize)]
struct Timed {
    ms: Vec<f64>,
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for models that can't be used, and networks that don't run.
pub fn run(args: &PerceptionArgs) -> Result<(), CliError> {
    let scenes = args.scenes.map_or(SCENES, |scenes| scenes as usize);
    let scenes = if args.full { scenes.max(FULL) } else { scenes };
    let set = Scenes::render(Pool::Training, args.seed, SKUS, SPARE * scenes).map_err(CliError::fault)?;
    let catalogue = load_catalogue(&set.catalog.clone().unwrap_or_default()).map_err(CliError::fault)?;
    let mut perception = load_with(catalogue, args.models.as_deref())?;
    let shots = shots(&set, scenes)?;
    for (_, _, manifest) in &shots {
        perception.prepare(manifest).map_err(CliError::fault)?;
    }
    let (mut segment, mut identify, mut frame) = (Vec::new(), Vec::new(), Vec::new());
    let mut rss = Vec::new();
    let bar = bar((LIGHTS.len() * shots.len()) as u64, "pictures looked at");
    for light in LIGHTS {
        for (shot, masks, manifest) in &shots {
            let (mut look, mut parts) = (dimmed(shot, light), dimmed(shot, light * 0.97));
            let since = Stopwatch::start();
            perception.look(&look.image, manifest, &look.world_from_tote, [0.6, 0.4, 0.3]).map_err(CliError::fault)?;
            frame.push(since.seconds() * 1e3);
            let since = Stopwatch::start();
            perception.find(&parts.image, &parts.world_from_tote).map_err(CliError::fault)?;
            segment.push(since.seconds() * 1e3);
            let since = Stopwatch::start();
            perception.look_at(&parts.image, masks, manifest, &parts.world_from_tote).map_err(CliError::fault)?;
            identify.push(since.seconds() * 1e3 / masks.len().max(1) as f64);
            // The next pictures are others, in memory of their own.
            (look.image.rgb, parts.image.rgb) = (Vec::new(), Vec::new());
            rss.push(memory_and_threads().0);
            bar.inc(1);
        }
    }
    bar.finish_and_clear();
    let mut bare = Vec::new();
    for _ in 0..RUNS {
        let since = Stopwatch::start();
        perception.infer(ITEMS).map_err(CliError::fault)?;
        bare.push(since.seconds() * 1e3);
    }
    let networks_ms_p50 = quantile(bare, 0.5);
    let mut why = BTreeMap::from([(
        "sizes",
        "both models are of one input size; others must be trained before they can be compared".to_owned(),
    )]);
    let python = match python(args) {
        Ok(times) => Some(quantile(times, 0.5)),
        Err(error) => {
            why.insert("ratio_to_python", error.to_string());
            None
        }
    };
    let last = rss.last().copied().unwrap_or(0.0);
    let figures = PerceptionFigures {
        bench: "perception",
        seed: args.seed,
        n: frame.len(),
        scenes,
        machine: Machine::this(),
        items: shots.iter().map(|(_, masks, _)| masks.len() as f64).sum::<f64>() / shots.len().max(1) as f64,
        segment_ms_p50: quantile(segment.clone(), 0.5),
        segment_ms_p99: quantile(segment, 0.99),
        identify_ms_per_item_p50: quantile(identify, 0.5),
        frame_ms_p50: quantile(frame.clone(), 0.5),
        frame_ms_p99: quantile(frame.clone(), 0.99),
        frame_ms_max: quantile(frame, 1.0),
        networks_ms_p50,
        ratio_to_python: python.map(|python| networks_ms_p50 / python),
        python_ms_p50: python,
        rss_mb_max: last,
        rss_mb_growth: last - rss.get(rss.len() / 2).copied().unwrap_or(last),
        sizes: None,
        why,
    };
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        print_table(&figures);
    }
    Ok(())
}

/// Pictures with their outlines and manifests: those whose items are nearest to fifteen.
fn shots(set: &Scenes, count: usize) -> Result<Vec<(Shot, Vec<Mask>, Manifest)>, CliError> {
    let mut order: Vec<usize> = (0..set.labelled.len()).collect();
    order.sort_by_key(|k| set.labelled[*k].instances.len().abs_diff(ITEMS));
    let mut shots = Vec::with_capacity(count);
    for labelled in order.into_iter().take(count).map(|k| &set.labelled[k]) {
        let (picture, depth) = set.picture(labelled).map_err(CliError::fault)?;
        let shot = shot(&picture, depth.as_ref(), labelled).map_err(CliError::fault)?;
        let masks = Scenes::masks(labelled, &picture, &shot).into_iter().flatten();
        let masks = masks.filter(|mask| mask.area() >= 100).collect();
        let lying: Vec<SkuName> = labelled.instances.iter().filter_map(perception::Instance::sku).collect();
        let manifest = lying.into_iter().map(|sku| (sku, 1)).collect();
        shots.push((shot, masks, manifest));
    }
    Ok(shots)
}

fn dimmed(shot: &Shot, light: f64) -> Shot {
    let mut shot = shot.clone();
    shot.image.rgb.iter_mut().for_each(|value| *value = (f64::from(*value) * light) as u8);
    shot
}

fn python(args: &PerceptionArgs) -> Result<Vec<f64>, PeerError> {
    let answer = |error: std::io::Error| PeerError::Answer { package: PYTHON.package, source: error };
    let home = home().map_err(|error| answer(std::io::Error::other(error.to_string())))?;
    let models = args.models.clone().unwrap_or_else(|| home.join("perception/models"));
    let models = std::fs::canonicalize(models).map_err(answer)?;
    let timed: Timed = PYTHON.ask(&home, &Told { models, crops: ITEMS, runs: RUNS, threads: THREADS })?;
    Ok(timed.ms)
}

fn print_table(figures: &PerceptionFigures) {
    println!("{} pictures of {:.1} items, each looked at once", figures.n, figures.items);
    let row = |name: &str, text: String| println!("  {name:<30} {text}");
    row(
        "a look (ms)",
        format!(
            "p50 {:.1}   p99 {:.1}   worst {:.1}",
            figures.frame_ms_p50, figures.frame_ms_p99, figures.frame_ms_max
        ),
    );
    row("outlines (ms)", format!("p50 {:.1}   p99 {:.1}", figures.segment_ms_p50, figures.segment_ms_p99));
    row("what an item is (ms an item)", format!("p50 {:.2}", figures.identify_ms_per_item_p50));
    row("both networks alone (ms)", format!("p50 {:.1}", figures.networks_ms_p50));
    match (figures.python_ms_p50, figures.ratio_to_python) {
        (Some(ms), Some(ratio)) => row("the same in Python (ms)", format!("p50 {ms:.1}   ours over it {ratio:.2}")),
        _ => row("the same in Python", "—".to_owned()),
    }
    row("memory (MB)", format!("{:.0}, grown by {:.1} in the second half", figures.rss_mb_max, figures.rss_mb_growth));
    for (name, why) in &figures.why {
        println!("  no {name}: {why}");
    }
}
