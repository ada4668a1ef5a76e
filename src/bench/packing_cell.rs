//! `nuthatch bench packing --set cell`: whole bins filled in the simulated world, ours beside plain rules.
//!
//! The planner gets what it gets in a cell: nominal facts of the SKU and the height map of the bin camera's picture. What is
//! true of an item is read after it was let go, for figures alone.

mod arrival;
mod landed;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use control::{Container, Hold, ToolModel};
use grasp::{BinState, PlaceRule, Placement, observe, placements, placements_in, plain_placement};
use indicatif::{ProgressBar, ProgressStyle};
use nalgebra::Translation3;
use scene::frame::Bin;
use scene::{Camera as _, CameraError, HeightMap, Pose, Sku, SkuName};
use serde::Serialize;
use sim::world::{SimCamera, World};

use self::arrival::{Arrival, arrivals};
use self::landed::{Landed, Packed, far_from};
use super::spread::{quantile, ratio_ci95};
use crate::cli::{CliError, PackingArgs};
use crate::clock::Stopwatch;
use crate::judge::to_seven;
use crate::report::Machine;
use crate::simulated::{Chosen, Simulation};
use crate::station::CELL_M;

/// Sequences of a run, and of the reported one.
const SEQUENCES: u64 = 20;
const SEQUENCES_FULL: u64 = 200;
/// A sequence is over after so many items, placed or not.
const ITEMS_MOST: usize = 60;
/// The straight way down begins so far above the drop, metres: the planner's least.
const WAY_M: f64 = 0.06;
/// The next look comes once nothing has moved by so much (metres) over so many milliseconds, and not before or after these;
/// the station looks about a second after a release.
const STILL_M: f64 = 1e-4;
const STILL_MS: usize = 50;
const WAIT_MS: [usize; 2] = [200, 2000];

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct CellFigures {
    bench: &'static str,
    set: &'static str,
    rule: &'static str,
    seed: u64,
    n: usize,
    scenes: usize,
    sequences: usize,
    machine: Machine,
    #[serde(flatten)]
    ours: Row,
    heuristics: BTreeMap<&'static str, Plain>,
}

/// A plain rule on the same sequences.
#[derive(Debug, Serialize)]
struct Plain {
    #[serde(flatten)]
    row: Row,
    /// Our bin fill less this one, paired by sequence.
    ours_more: f64,
    ours_more_ci95: Option<[f64; 2]>,
}

/// One way of packing, over all sequences.
#[derive(Debug, Serialize)]
struct Row {
    /// True volume of what rests in the bin, not above its rim, as a share of the bin's up to the rim; mean over bins.
    bin_fill: f64,
    bin_fill_ci95: Option<[f64; 2]>,
    /// The same under the name that the other sets give it.
    utilisation: f64,
    utilisation_ci95: Option<[f64; 2]>,
    /// Items that were let go.
    items: usize,
    /// Share of them that lean further from how they were put down than their kind may, at the end.
    toppled: f64,
    /// Share of them that is damaged, or bears more than its class of goods may, at the end.
    crushed: f64,
    /// Items that reach above the rim, and that lie outside of the bin, at the end.
    above_rim: usize,
    outside: usize,
    /// Items that touched something further above their drop than a guarded way expects.
    touched_early: usize,
    /// Between the place that was meant and where the item came to rest.
    error_mm_p50: f64,
    error_mm_p95: f64,
    error_deg_p50: f64,
    error_deg_p95: f64,
    /// How far later ones have moved an item.
    shifted_by_later_mm_p95: f64,
    ms_per_decision_mean: f64,
    ms_per_decision_p50: f64,
    ms_per_decision_p99: f64,
}

const RULE: &str =
    "a place for the item as it is held, which the planner accepts by what the bin camera saw; then physics";

/// Why a bin is not packed.
#[derive(Debug, thiserror::Error)]
enum CellError {
    #[error(
        "{flag} does not apply to --set cell; its items are the default cell's goods, one known at a time, as they are held"
    )]
    DoesNotApply { flag: &'static str },
    #[error("bin {bin}: no camera of the cell sees it; must be in `sees` of one")]
    NoCamera { bin: String },
    #[error("camera {camera} gave no image of bin {bin}")]
    NoImage { camera: String, bin: String, source: Option<CameraError> },
    #[error("scenario {scenario} has no items in its totes; must have one or more")]
    NoItems { scenario: String },
    #[error("SKU {sku} is not in the world's catalogue")]
    UnknownSku { sku: String },
    #[error("{}: can't be written", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("{}: can't be written", path.display())]
    Picture { path: PathBuf, source: image::ImageError },
}

/// Which way of packing is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Ours,
    Plain(PlaceRule),
}

impl Way {
    fn all() -> impl Iterator<Item = Self> {
        std::iter::once(Self::Ours).chain(PlaceRule::ALL.map(Self::Plain))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Plain(rule) => rule.name(),
        }
    }
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for flags of other sets, files that can't be used, and faults of the world.
pub fn run(args: &PackingArgs) -> Result<(), CliError> {
    let others = [
        ("--sequences", args.sequences.is_some()),
        ("--lookahead", args.lookahead != 0),
        ("--nodes", args.nodes.is_some()),
        ("--rotation", args.rotation.is_some()),
    ];
    if let Some((flag, _)) = others.into_iter().find(|(_, given)| *given) {
        return Err(CliError::input(CellError::DoesNotApply { flag }));
    }
    let count = args.count.unwrap_or(SEQUENCES);
    let count = if args.full { count.max(SEQUENCES_FULL) } else { count };
    let cell = PackedCell::load()?;
    let bar = ProgressBar::new(count * Way::all().count() as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} bins · {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    let mut packed: Vec<(Way, Vec<Packed>)> = Way::all().map(|way| (way, Vec::new())).collect();
    for number in 0..count {
        let arriving = cell.arrivals(args.seed, number)?;
        for (way, bins) in &mut packed {
            let bin = cell.pack(*way, args.seed, number, &arriving, args.pictures.as_deref())?;
            bar.inc(1);
            bar.set_message(format!("{} bin {number}: {} items, {:.3} full", way.name(), bin.items.len(), bin.fill));
            bins.push(bin);
        }
    }
    bar.finish_and_clear();
    if let Some(path) = &args.dump {
        dump(path, &packed).map_err(CliError::input)?;
    }
    let figures = figures(args.seed, &packed);
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        print_table(&figures);
    }
    Ok(())
}

/// The default cell with nothing in its totes, and what would lie in them.
struct PackedCell {
    simulation: Simulation,
    /// Indices into the true SKUs, each as often as the scenario has it.
    kinds: Vec<usize>,
}

impl PackedCell {
    fn load() -> Result<Self, CliError> {
        let chosen = Chosen { scenario: "default", cell: None, orders: None };
        let mut simulation = Simulation::load_unchecked(&chosen).map_err(CliError::input)?;
        let totes = std::mem::take(&mut simulation.scenario.tote);
        let lying = totes.iter().flat_map(|tote| &tote.contents);
        let known = |sku: &SkuName| simulation.truth().iter().position(|t| t.sku.name == *sku);
        let kinds: Vec<usize> = lying
            .filter_map(|(sku, count)| Some(std::iter::repeat_n(known(sku)?, *count as usize)))
            .flatten()
            .collect();
        if kinds.is_empty() {
            return Err(CliError::input(CellError::NoItems { scenario: simulation.scenario.name }));
        }
        Ok(Self { simulation, kinds })
    }

    /// The items of a sequence, the same for every way of packing.
    fn arrivals(&self, seed: u64, number: u64) -> Result<Vec<Arrival>, CliError> {
        let skus: Vec<&Sku> = self.simulation.truth().iter().map(|t| &t.sku).collect();
        Ok(arrivals(&self.kinds, &skus, &self.simulation.site.tool, mixed(seed, number), ITEMS_MOST))
    }

    /// Packs one bin until an item has no place.
    fn pack(
        &self,
        way: Way,
        seed: u64,
        number: u64,
        arriving: &[Arrival],
        pictures: Option<&Path>,
    ) -> Result<Packed, CliError> {
        let site = &self.simulation.site;
        let bin = &site.cell.bins[number as usize % site.cell.bins.len()];
        let mut world = self.simulation.world(mixed(seed, number)).map_err(CliError::input)?;
        let mut eye = Eye::over(bin, site.cell.cameras.iter(), &world).map_err(CliError::input)?;
        let mut belief = Belief::of(way, eye.look(&world)?);
        let mut ms = Vec::new();
        let mut items: Vec<Landed> = Vec::new();
        let mut refused = Vec::new();
        for arrival in arriving {
            let sku = &self.simulation.truth()[arrival.kind].sku;
            let since = Stopwatch::start();
            let place = belief.choose(&arrival.hold, bin, &site.tool, sku);
            ms.push(since.seconds() * 1e3);
            let Some(place) = place else {
                refused = belief.refusals(&arrival.hold, bin, &site.tool, sku);
                break;
            };
            // The bellows open by what the vacuum has closed them; what is held comes down by that.
            let dropped = place.drop.world_from_tool.isometry() * arrival.tool_from_item();
            let let_go = Translation3::new(0.0, 0.0, -arrival.hold.closed_m) * dropped;
            let put = world
                .put_down(&sku.name, &Pose::from_isometry(let_go), WAY_M)
                .ok_or_else(|| CliError::fault(CellError::UnknownSku { sku: sku.name.to_string() }))?;
            settle(&mut world)?;
            let meant = *(bin.world_from * place.bin_from_box).isometry();
            let rests = world.truth().get(put.id as usize).map_or(meant, |t| *t.world_from_item.isometry());
            let touched_early = put.above_m > place.drop.guard_m;
            items.push(Landed::new(arrival, sku.name.clone(), meant, rests, touched_early));
            belief.update(&place, arrival.hold.mass_kg, sku, eye.look(&world)?);
        }
        if let Some(folder) = pictures {
            eye.save(&folder.join(format!("{}-{number}.png", way.name()))).map_err(CliError::input)?;
        }
        Packed::new(items, ms, refused, &mut world, self.simulation.truth(), bin).map_err(CliError::fault)
    }
}

/// What a way of packing believes of a bin.
enum Belief {
    Known(BinState),
    /// Heights alone, measured where anybody saw them, else believed; and the rule that places are taken by.
    Heights(PlaceRule, HeightMap<Bin>),
}

impl Belief {
    fn of(way: Way, seen: HeightMap<Bin>) -> Self {
        match way {
            Way::Ours => Self::Known(BinState::of(seen)),
            Way::Plain(rule) => Self::Heights(rule, seen),
        }
    }

    fn choose(&self, hold: &Hold, bin: &Container<Bin>, tool: &ToolModel, sku: &Sku) -> Option<Placement> {
        match self {
            Self::Known(state) => {
                placements_in(hold, state, bin, tool, Some(sku)).into_iter().next().filter(|p| p.rejected.is_none())
            }
            Self::Heights(rule, heights) => plain_placement(*rule, hold, heights, bin, tool, Some(sku)),
        }
    }

    /// Why an item has no place: one reason of each place that was looked at and kept.
    fn refusals(&self, hold: &Hold, bin: &Container<Bin>, tool: &ToolModel, sku: &Sku) -> Vec<String> {
        let places = match self {
            Self::Known(state) => placements_in(hold, state, bin, tool, Some(sku)),
            Self::Heights(_, heights) => placements(hold, heights, bin, tool, Some(sku)),
        };
        places.iter().filter_map(|place| Some(format!("{sku}: {}", place.rejected.as_ref()?, sku = sku.name))).collect()
    }

    /// After a release and a look.
    fn update(&mut self, place: &Placement, mass_kg: f64, sku: &Sku, seen: HeightMap<Bin>) {
        match self {
            Self::Known(state) => *state = observe(&state.with(place, mass_kg, Some(sku)), &seen),
            Self::Heights(_, heights) => {
                place.add_to(heights);
                for (old, new) in heights.z.iter_mut().zip(&seen.z).filter(|(_, new)| new.is_finite()) {
                    *old = *new;
                }
            }
        }
    }
}

/// The camera over a bin.
struct Eye<'a> {
    bin: &'a Container<Bin>,
    name: String,
    camera: SimCamera,
    newest: Option<scene::RgbdImage>,
}

impl<'a> Eye<'a> {
    fn over<'b>(
        bin: &'a Container<Bin>,
        mut cameras: impl Iterator<Item = &'b control::CameraMount>,
        world: &World,
    ) -> Result<Self, CellError> {
        let sees = cameras.find(|c| c.sees.contains(&bin.name));
        let (name, camera) = sees
            .and_then(|c| Some((c.name.clone(), world.camera(&c.name)?)))
            .ok_or_else(|| CellError::NoCamera { bin: bin.name.clone() })?;
        Ok(Self { bin, name, camera, newest: None })
    }

    /// The bin's heights as the station makes them of an image.
    fn look(&mut self, world: &World) -> Result<HeightMap<Bin>, CliError> {
        let no = |camera: &str, source| {
            CliError::fault(CellError::NoImage { camera: camera.to_owned(), bin: self.bin.name.clone(), source })
        };
        self.camera.trigger(world.now()).map_err(|e| no(&self.name, Some(e)))?;
        let image = self.camera.fetch(world.now()).map_err(|e| no(&self.name, Some(e)))?;
        let image = image.ok_or_else(|| no(&self.name, None))?;
        let map = perception::height_map(&image, &self.bin.world_from, self.bin.size, CELL_M);
        self.newest = Some(image);
        Ok(map)
    }

    /// Writes the newest image's colours as PNG.
    fn save(&self, path: &Path) -> Result<(), CellError> {
        let Some(image) = &self.newest else { return Ok(()) };
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)
                .map_err(|source| CellError::Unwritable { path: folder.to_owned(), source })?;
        }
        let (width, height) = (image.intrinsics.width, image.intrinsics.height);
        image::save_buffer(path, &image.rgb, width, height, image::ExtendedColorType::Rgb8)
            .map_err(|source| CellError::Picture { path: path.to_owned(), source })
    }
}

/// Lets the world go on until nothing moves, or it has taken too long.
fn settle(world: &mut World) -> Result<(), CliError> {
    let places = |world: &World| -> Vec<_> { world.truth().iter().map(|t| *t.world_from_item.isometry()).collect() };
    let [least, most] = WAIT_MS;
    let (mut waited, mut before) = (0, places(world));
    while waited < most {
        for _ in 0..STILL_MS {
            world.step().map_err(CliError::fault)?;
        }
        waited += STILL_MS;
        let now = places(world);
        let moved = before.iter().zip(&now).map(|(a, b)| far_from(a, b)).fold(0.0, f64::max);
        if waited >= least && moved < STILL_M {
            break;
        }
        before = now;
    }
    Ok(())
}

/// One number of two.
fn mixed(seed: u64, number: u64) -> u64 {
    let mut state = seed.wrapping_mul(0x9fb2_1c65_1e98_df25) ^ number;
    super::spread::next_u64(&mut state)
}

fn figures(seed: u64, packed: &[(Way, Vec<Packed>)]) -> CellFigures {
    let bins_of = |way: Way| packed.iter().find(|(w, _)| *w == way).map_or(&[][..], |(_, bins)| bins);
    let ours = bins_of(Way::Ours);
    let heuristics = PlaceRule::ALL.map(|rule| {
        let bins = bins_of(Way::Plain(rule));
        let more: Vec<(f64, f64)> = ours.iter().zip(bins).map(|(a, b)| (a.fill - b.fill, 1.0)).collect();
        let plain = Plain {
            row: row(bins, seed),
            ours_more: more.iter().map(|m| m.0).sum::<f64>() / more.len().max(1) as f64,
            ours_more_ci95: ratio_ci95(&more, seed),
        };
        (rule.name(), plain)
    });
    CellFigures {
        bench: "packing",
        set: "cell",
        rule: RULE,
        seed,
        n: ours.len(),
        scenes: ours.len(),
        sequences: ours.len(),
        machine: Machine::this(),
        ours: row(ours, seed),
        heuristics: heuristics.into_iter().collect(),
    }
}

fn row(bins: &[Packed], seed: u64) -> Row {
    let items = || bins.iter().flat_map(|bin| &bin.items);
    let count = |of: fn(&Landed) -> bool| items().filter(|i| of(i)).count();
    let n = items().count();
    let share = |of: fn(&Landed) -> bool| count(of) as f64 / n.max(1) as f64;
    let part = |of: fn(&Landed) -> f64, share| quantile(items().map(of).collect(), share);
    let ms: Vec<f64> = bins.iter().flat_map(|bin| bin.ms.iter().copied()).collect();
    let fills: Vec<(f64, f64)> = bins.iter().map(|bin| (bin.fill, 1.0)).collect();
    let bin_fill = fills.iter().map(|f| f.0).sum::<f64>() / fills.len().max(1) as f64;
    let bin_fill_ci95 = ratio_ci95(&fills, seed);
    Row {
        bin_fill,
        bin_fill_ci95,
        utilisation: bin_fill,
        utilisation_ci95: bin_fill_ci95,
        items: n,
        toppled: share(|i| i.toppled),
        crushed: share(|i| i.crushed),
        above_rim: count(|i| i.above_rim),
        outside: count(|i| i.outside),
        touched_early: count(|i| i.touched_early),
        error_mm_p50: part(|i| i.error_m() * 1e3, 0.5),
        error_mm_p95: part(|i| i.error_m() * 1e3, 0.95),
        error_deg_p50: part(|i| i.error_rad.to_degrees(), 0.5),
        error_deg_p95: part(|i| i.error_rad.to_degrees(), 0.95),
        shifted_by_later_mm_p95: part(|i| far_from(&i.rests, &i.ended) * 1e3, 0.95),
        ms_per_decision_mean: ms.iter().sum::<f64>() / ms.len().max(1) as f64,
        ms_per_decision_p50: quantile(ms.clone(), 0.5),
        ms_per_decision_p99: quantile(ms, 0.99),
    }
}

fn dump(path: &Path, packed: &[(Way, Vec<Packed>)]) -> Result<(), CellError> {
    let unwritable = |source| CellError::Unwritable { path: path.to_owned(), source };
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(unwritable)?);
    for (way, bins) in packed {
        for (sequence, bin) in bins.iter().enumerate() {
            for (index, item) in bin.items.iter().enumerate() {
                let line = serde_json::json!({
                    "way": way.name(), "sequence": sequence, "index": index, "sku": item.sku,
                    "world_from_meant": to_seven(&item.meant), "world_from_item": to_seven(&item.rests),
                    "world_from_item_at_end": to_seven(&item.ended),
                    "error_mm": item.error_m() * 1e3, "error_deg": item.error_rad.to_degrees(),
                    "toppled": item.toppled, "crushed": item.crushed, "load_n": item.load_n,
                    "above_rim": item.above_rim, "outside": item.outside, "touched_early": item.touched_early,
                });
                writeln!(file, "{line}").map_err(unwritable)?;
            }
            if !bin.refused.is_empty() {
                let (name, index) = (way.name(), bin.items.len());
                let line =
                    serde_json::json!({ "way": name, "sequence": sequence, "index": index, "refused": bin.refused });
                writeln!(file, "{line}").map_err(unwritable)?;
            }
        }
    }
    file.flush().map_err(unwritable)
}

fn print_table(f: &CellFigures) {
    println!("packing cell: {} bins from seed {}", f.n, f.seed);
    println!("  rule: {}", f.rule);
    let rows: Vec<(String, &Row)> = std::iter::once(("ours".to_owned(), &f.ours))
        .chain(f.heuristics.iter().map(|(name, plain)| (name.replace('_', " "), &plain.row)))
        .collect();
    let line = |label: &str, value: &dyn Fn(&Row) -> String| {
        print!("  {label:<34}");
        for (_, row) in &rows {
            print!("{:>26}", value(row));
        }
        println!();
    };
    print!("  {:<34}", "");
    for (name, _) in &rows {
        print!("{name:>26}");
    }
    println!();
    let within = |value: f64, ci: Option<[f64; 2]>| match ci {
        Some([low, high]) => format!("{value:.3} [{low:.3}, {high:.3}]"),
        None => format!("{value:.3}"),
    };
    line("bin fill", &|r| within(r.bin_fill, r.bin_fill_ci95));
    line("items", &|r| r.items.to_string());
    line("toppled / crushed, share", &|r| format!("{:.3} / {:.3}", r.toppled, r.crushed));
    line("above the rim / outside", &|r| format!("{} / {}", r.above_rim, r.outside));
    line("touched early", &|r| r.touched_early.to_string());
    line("error, mm p50 / p95", &|r| format!("{:.1} / {:.1}", r.error_mm_p50, r.error_mm_p95));
    line("error, degrees p50 / p95", &|r| format!("{:.1} / {:.1}", r.error_deg_p50, r.error_deg_p95));
    line("moved by later ones, mm p95", &|r| format!("{:.1}", r.shifted_by_later_mm_p95));
    line("ms a decision p50 / p99", &|r| format!("{:.1} / {:.1}", r.ms_per_decision_p50, r.ms_per_decision_p99));
    for (name, plain) in &f.heuristics {
        println!("  ours more than {}: {}", name.replace('_', " "), within(plain.ours_more, plain.ours_more_ci95));
    }
}

#[cfg(test)]
mod tests;
