//! `nuthatch bench sim`: how fast the simulated cell is, what physics and images cost, and whether piles are sound.

use indicatif::{ProgressBar, ProgressStyle};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::Timestamp;
use serde::Serialize;
use sim::look::{
    self, Backdrop, Light, Placed, Renderer, Sensor, SoftKind, SoftTruth, TrueShape, TrueSku, Tub, View, sense,
};
use sim::world::{Pour, convex_parts};

use super::mujoco;
use crate::cli::{CliError, SimArgs, Strategy};
use crate::clock::{CoreWatch, Stopwatch};
use crate::report::{Machine, Stage, memory_and_threads};
use crate::simulated::{Chosen, Simulation};

/// Items of a run and of a poured tote, and how many of them are soft where some are.
const ITEMS: usize = 30;
const SOFT: usize = 10;
/// Meshes before the camera.
const MESHES: usize = 50;
/// Images that are timed.
const IMAGES: usize = 21;
/// Share of the energy poured that may come back within half a second.
const GIVEN_BACK: f64 = 0.005;
/// A pour that still moves after this is not at rest, seconds.
const LONGEST_S: f64 = 20.0;

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Clone, Serialize)]
struct SimFigures {
    bench: &'static str,
    seed: u64,
    /// Poured totes.
    n: u32,
    /// Runs of the cell.
    scenes: u64,
    machine: Machine,
    /// Cell seconds a second of one core, all of it: 30 rigid items, images, networks, planning. Cores are counted on all
    /// threads, so that a busy machine does not matter; wall seconds stand for them where the system does not tell.
    realtime_factor: f64,
    /// The same without the time from image in hand to items.
    realtime_factor_without_inference: f64,
    /// As the one before, 10 of the 30 items soft.
    realtime_factor_soft: f64,
    /// The same three by the wall's clock.
    wall: Factors,
    render_ms_p50: f64,
    sensor_ms_p50: f64,
    /// A step of 2 ms of 30 rigid items that fall and come to rest.
    physics_us_per_step_p50: f64,
    pour: PourRow,
    sound: Sound,
    rss_mb_max: f64,
}

/// Cell seconds a second.
#[derive(Debug, Clone, Copy, Serialize)]
struct Factors {
    realtime_factor: f64,
    realtime_factor_without_inference: f64,
    realtime_factor_soft: f64,
}

/// One pour of 30 rigid items in both engines, the same steps.
#[derive(Debug, Clone, Serialize)]
struct PourRow {
    world_s: f64,
    ours_s: f64,
    mujoco_s: Option<f64>,
    why: Option<String>,
}

/// What was wrong with poured totes of rigid items, meshes and soft items.
#[derive(Debug, Clone, Serialize)]
struct Sound {
    tunnelled_or_no_number: u32,
    /// The first that tunnelled or was no number; without one, the first that did not come to rest.
    first: Option<String>,
    not_at_rest: u32,
    energy_rose: u32,
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for files that can't be used and faults of a run.
pub fn run(args: &SimArgs) -> Result<(), CliError> {
    let mut simulation =
        Simulation::load(&Chosen { scenario: "default", cell: None, orders: None }).map_err(CliError::input)?;
    fill_up(&mut simulation);
    let (runs, pours) = if args.full { (5, 1_000) } else { (1, 20) };
    let bar = ProgressBar::new(2 * runs + u64::from(pours));
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} · {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar.set_message("poured totes");
    let rigid: Vec<TrueSku> = simulation.truth().iter().cycle().take(ITEMS).cloned().collect();
    let (physics_us_per_step_p50, pour) = time_pour(&rigid, args.seed);
    let sound = judge_pours(&mixed(&rigid), args.seed, pours, &bar);
    let (render_ms_p50, sensor_ms_p50) = time_images(simulation.truth(), args.seed);
    bar.set_message("rigid items");
    let hard = time_runs(&simulation, args.seed, runs, &bar)?;
    soften(simulation.truth_mut());
    bar.set_message("soft items among them");
    let soft = time_runs(&simulation, args.seed, runs, &bar)?;
    bar.finish_and_clear();
    let factors = |of: fn(&RunTimes) -> (f64, f64)| {
        let ((all, look), soft_part) = (of(&hard), of(&soft));
        Factors {
            realtime_factor: hard.cell_s / all,
            realtime_factor_without_inference: hard.cell_s / (all - look),
            realtime_factor_soft: soft.cell_s / (soft_part.0 - soft_part.1),
        }
    };
    let cores = factors(|run| run.core_s.zip(run.look_core_s).unwrap_or((run.wall_s, run.look_s)));
    let figures = SimFigures {
        bench: "sim",
        seed: args.seed,
        n: pours,
        scenes: runs,
        machine: Machine::this(),
        realtime_factor: cores.realtime_factor,
        realtime_factor_without_inference: cores.realtime_factor_without_inference,
        realtime_factor_soft: cores.realtime_factor_soft,
        wall: factors(|run| (run.wall_s, run.look_s)),
        render_ms_p50,
        sensor_ms_p50,
        physics_us_per_step_p50,
        pour,
        sound,
        rss_mb_max: memory_and_threads().0,
    };
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        print_table(&figures);
    }
    Ok(())
}

/// Brings the scenario's tote up to [`ITEMS`] items: one more of each SKU in order.
fn fill_up(simulation: &mut Simulation) {
    if let Some(tote) = simulation.scenario.tote.first_mut() {
        let lie = tote.contents.values().sum::<u32>() as usize;
        for count in tote.contents.values_mut().take(ITEMS.saturating_sub(lie)) {
            *count += 1;
        }
    }
}

/// A pack that gives way; what a site knows of it does not change. Middle of the constants for bags.
fn soft() -> SoftTruth {
    SoftTruth { kind: SoftKind::Bag, stiffness_n_per_m: 1_000.0, damping: 0.3, slosh_share: 0.4 }
}

/// Makes every third SKU soft: ten of the thirty items.
fn soften(truth: &mut [TrueSku]) {
    for sku in truth.iter_mut().step_by(ITEMS / SOFT) {
        sku.truth.soft = Some(soft());
    }
}

/// Of three items one stays as it is, one collides as the parts of its mesh, one is soft.
fn mixed(rigid: &[TrueSku]) -> Vec<TrueSku> {
    let change = |(i, sku): (usize, &TrueSku)| {
        let mut sku = sku.clone();
        match i % 3 {
            1 => sku.hull_shape = TrueShape::Mesh { parts: convex_parts(&sku.mesh) },
            2 => sku.truth.soft = Some(soft()),
            _ => {}
        }
        sku
    };
    rigid.iter().enumerate().map(change).collect()
}

/// Median microseconds of a step, and the row beside MuJoCo.
fn time_pour(items: &[TrueSku], seed: u64) -> (f64, PourRow) {
    let mut pour = Pour::new(&items.iter().collect::<Vec<_>>(), seed);
    let starts = pour.starts();
    let mut steps = Vec::new();
    while !pour.is_at_rest() || steps.is_empty() || pour.seconds() < 0.5 {
        let since = Stopwatch::start();
        pour.step();
        steps.push(since.seconds());
        if pour.seconds() > LONGEST_S {
            break;
        }
    }
    let ours_s = steps.iter().sum();
    let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
    let mujoco = crate::bringup::home()
        .map_err(|e| e.to_string())
        .and_then(|home| mujoco::pour(&home, &starts, Pour::STEP_S, count).map_err(|e| e.to_string()));
    let row = PourRow { world_s: pour.seconds(), ours_s, mujoco_s: mujoco.as_ref().ok().copied(), why: mujoco.err() };
    (median(steps) * 1e6, row)
}

/// Pours totes and counts what is wrong with them.
fn judge_pours(items: &[TrueSku], seed: u64, pours: u32, bar: &ProgressBar) -> Sound {
    let items: Vec<&TrueSku> = items.iter().collect();
    let mut sound = Sound { tunnelled_or_no_number: 0, first: None, not_at_rest: 0, energy_rose: 0 };
    for seed in seed..seed + u64::from(pours) {
        let mut pour = Pour::new(&items, seed);
        let poured = pour.energy_j();
        let mut energy = poured;
        let mut rose = false;
        let fault = loop {
            for _ in 0..250 {
                pour.step();
            }
            // What is pressed together and what swings inside of bags gives a little back.
            rose |= pour.energy_j() > energy + GIVEN_BACK * poured;
            energy = pour.energy_j();
            if let Err(fault) = pour.check() {
                break Some(fault);
            }
            if pour.seconds() > LONGEST_S || (pour.seconds() > 1.0 && pour.is_at_rest()) {
                break None;
            }
        };
        let moves = (fault.is_none() && !pour.is_at_rest()).then(|| pour.liveliest()).flatten();
        sound.not_at_rest += u32::from(moves.is_some());
        sound.energy_rose += u32::from(rose);
        let worst = fault.is_some() && sound.tunnelled_or_no_number == 0;
        sound.tunnelled_or_no_number += u32::from(fault.is_some());
        let wrong = fault.map(|fault| fault.to_string()).or_else(|| {
            let (item, joules) = moves?;
            Some(format!("item {item} still moves after {LONGEST_S} s, {joules:.1e} J"))
        });
        if let Some(wrong) = wrong.filter(|_| worst || sound.first.is_none()) {
            sound.first = Some(format!("seed {seed}: {wrong}"));
        }
        bar.inc(1);
    }
    sound
}

/// Median milliseconds of drawing and of sensing an image of a full tote.
fn time_images(truth: &[TrueSku], seed: u64) -> (f64, f64) {
    let kinds: Vec<&TrueSku> = truth.iter().cycle().take(MESHES).collect();
    let mut pour = Pour::new(&kinds, seed);
    while pour.seconds() < 3.0 {
        pour.step();
    }
    let items: Vec<Placed<'_>> = kinds
        .iter()
        .zip(pour.world_from_items())
        .zip(0_u32..)
        .map(|((sku, world_from_item), id)| Placed { sku, world_from_item, id })
        .collect();
    let tubs = [Tub { world_from_tub: nalgebra::Isometry3::identity(), size: [0.6, 0.4, 0.3], wall: 0.012 }];
    let (backdrop, light) = (Backdrop::drawn(seed), Light::drawn(seed));
    let stage = look::Stage { items: &items, tubs: &tubs, blocks: &[], backdrop: &backdrop, light: &light };
    let view = View::down([0.0, 0.0, 1.27], View::D415);
    let mut renderer = Renderer::new();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut drawn, mut sensed) = (Vec::new(), Vec::new());
    for _ in 0..IMAGES {
        let since = Stopwatch::start();
        let picture = renderer.render(&stage, &view);
        drawn.push(since.seconds());
        let since = Stopwatch::start();
        let image = sense(&picture, &Sensor::default(), Timestamp::ZERO, &mut rng);
        sensed.push(since.seconds());
        drop(image);
    }
    (median(drawn) * 1e3, median(sensed) * 1e3)
}

/// Sums over runs, seconds.
#[derive(Debug, Clone, Copy)]
struct RunTimes {
    cell_s: f64,
    wall_s: f64,
    look_s: f64,
    core_s: Option<f64>,
    look_core_s: Option<f64>,
}

/// Runs the whole cell, its items settled beforehand.
fn time_runs(simulation: &Simulation, seed: u64, runs: u64, bar: &ProgressBar) -> Result<RunTimes, CliError> {
    let mut sum = RunTimes { cell_s: 0.0, wall_s: 0.0, look_s: 0.0, core_s: Some(0.0), look_core_s: Some(0.0) };
    let add = |sum: Option<f64>, more: Option<f64>| sum.zip(more).map(|(sum, more)| sum + more);
    for seed in seed..seed + runs {
        let runtime = simulation.runtime(seed, Strategy::Planned, Vec::new()).map_err(CliError::input)?;
        let (since, cores) = (Stopwatch::start(), CoreWatch::start());
        let finished = runtime.run(&since).map_err(CliError::fault)?;
        sum.core_s = add(sum.core_s, cores.seconds());
        sum.look_core_s = add(sum.look_core_s, finished.look_core_s);
        sum.wall_s += since.seconds();
        sum.cell_s += finished.took.seconds();
        sum.look_s += finished.times.sum_s(Stage::Look);
        bar.inc(1);
    }
    Ok(sum)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn print_table(f: &SimFigures) {
    let row = |label: &str, value: String| println!("  {label:<44}{value:>14}");
    let pair = |core: f64, wall: f64| format!("{core:.1} ({wall:.1})");
    row("real time factor of a core (of the wall)", pair(f.realtime_factor, f.wall.realtime_factor));
    row("  without inference", pair(f.realtime_factor_without_inference, f.wall.realtime_factor_without_inference));
    row("  without, 10 of 30 items soft", pair(f.realtime_factor_soft, f.wall.realtime_factor_soft));
    row("image of 50 meshes, drawn, ms p50", format!("{:.1}", f.render_ms_p50));
    row("  sensed, ms p50", format!("{:.1}", f.sensor_ms_p50));
    row("step of 30 rigid items, µs p50", format!("{:.0}", f.physics_us_per_step_p50));
    row(&format!("pour of 30 rigid items, {:.1} s", f.pour.world_s), format!("{:.2} s", f.pour.ours_s));
    row("  in MuJoCo", f.pour.mujoco_s.map_or("—".into(), |s| format!("{s:.2} s")));
    row("poured totes", f.n.to_string());
    row("  with an item tunnelled or no number", f.sound.tunnelled_or_no_number.to_string());
    row("  that gained energy", f.sound.energy_rose.to_string());
    row("  not at rest after 20 s", f.sound.not_at_rest.to_string());
    row("memory, MB", format!("{:.0}", f.rss_mb_max));
    for why in f.pour.why.iter().chain(&f.sound.first) {
        println!("  {why}");
    }
}
