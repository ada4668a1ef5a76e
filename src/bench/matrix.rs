//! `nuthatch bench matrix`: class of items × clutter × depth noise, so that a change of behaviour is seen as changed
//! numbers. `tests/matrix.rs` keeps the table.

use std::collections::BTreeMap;
use std::fmt;

use indicatif::{ProgressBar, ProgressStyle};
use scene::SkuName;
use serde::Serialize;
use sim::sensors::{Depth, Level};

use super::spread::next_u64;
use crate::cli::{CliError, ItemsFrom, MatrixArgs, Strategy};
use crate::clock::Stopwatch;
use crate::report::Machine;
use crate::simulated::{Chosen, Simulation};
use crate::station::orders::{Order, Orders};

/// Classes of items: shipped scenarios.
const CLASSES: [&str; 4] = ["default", "basic", "typical", "adversarial"];
/// How many items lie in the tote.
const CLUTTER: [usize; 3] = [5, 15, 30];
/// How far depth lies; everything else is as the scenario has it.
const NOISE: [(&str, Level); 3] = [("none", Level::None), ("typical", Level::Typical), ("bad", Level::Bad)];
/// Items that are ordered of a tote, so that a cell of the table costs a few seconds.
const ORDERED: usize = 8;

/// One cell of the table.
#[derive(Debug, Clone, Default, Serialize)]
struct Row {
    class: String,
    items: usize,
    /// Where the items of its images came from.
    items_from: Option<ItemsFrom>,
    depth: &'static str,
    scenes: u64,
    attempts: u32,
    succeeded: u32,
    ordered: u32,
    delivered: u32,
    cell_s: f64,
    drops: u32,
    wrong_items: u32,
    damaged: u32,
    /// Runs that ended with a fault, and how.
    faults: Vec<String>,
}

/// What `--json` prints.
#[derive(Debug, Clone, Serialize)]
struct Matrix {
    bench: &'static str,
    seed: u64,
    n: u32,
    scenes: u64,
    machine: Machine,
    cells: Vec<Row>,
}

/// Runs the workload and prints its table.
///
/// # Errors
/// [`CliError`] for files that can't be used.
pub fn run(args: &MatrixArgs) -> Result<(), CliError> {
    let shipped = CLASSES.map(str::to_owned);
    let classes = if args.scenario.is_empty() { &shipped[..] } else { &args.scenario };
    let bar = ProgressBar::new(classes.len() as u64 * (CLUTTER.len() * NOISE.len()) as u64 * args.seeds);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} scenes · {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    let mut cells = Vec::new();
    for class in classes {
        let chosen = Chosen { scenario: class, cell: None, orders: None };
        let mut simulation = Simulation::load_unchecked(&chosen).map_err(CliError::input)?;
        let whole = simulation.scenario.clone();
        // The networks know the default catalogue's kind of goods, and no others yet.
        let from = if whole.catalogue.is_some() { ItemsFrom::Truth } else { ItemsFrom::Networks };
        for items in CLUTTER {
            for (depth, level) in NOISE {
                let mut row = Row {
                    class: whole.name.clone(),
                    items,
                    items_from: Some(from),
                    depth,
                    scenes: args.seeds,
                    ..Row::default()
                };
                for seed in args.seed..args.seed + args.seeds {
                    bar.set_message(format!("{class}, {items} items, depth noise {depth}, seed {seed}"));
                    simulation.scenario = whole.clone();
                    simulation.scenario.sensors.depth = Depth::at(level);
                    let orders = thin(&mut simulation, items, seed);
                    simulation.site.orders = orders;
                    measure(&simulation, from, seed, &mut row)?;
                    bar.inc(1);
                }
                cells.push(row);
            }
        }
    }
    bar.finish_and_clear();
    let matrix = Matrix {
        bench: "matrix",
        seed: args.seed,
        n: cells.iter().map(|c| c.attempts).sum(),
        scenes: args.seeds * cells.len() as u64,
        machine: Machine::this(),
        cells,
    };
    println!("{matrix}");
    if args.json {
        println!("{}", serde_json::to_string(&matrix).map_err(CliError::fault)?);
    }
    Ok(())
}

/// Leaves so many items in the first tote that holds any, drawn from what the scenario has, again and again where it has
/// fewer; gives orders for some of them, dealt out over the bins.
fn thin(simulation: &mut Simulation, items: usize, seed: u64) -> Orders {
    let Some(full) = simulation.scenario.tote.iter().position(|t| !t.contents.is_empty()) else {
        return Orders { orders: Vec::new(), manifest: BTreeMap::new() };
    };
    let contents = &simulation.scenario.tote[full].contents;
    let all: Vec<SkuName> =
        contents.iter().flat_map(|(sku, n)| std::iter::repeat_n(sku.clone(), *n as usize)).collect();
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < items {
        let mut round = all.clone();
        // Fisher and Yates.
        for i in (1..round.len()).rev() {
            round.swap(i, (next_u64(&mut state) % (i as u64 + 1)) as usize);
        }
        drawn.extend(round.into_iter().take(items - drawn.len()));
    }
    let count = |of: &mut dyn Iterator<Item = &SkuName>| {
        let mut counts = BTreeMap::new();
        of.for_each(|sku| *counts.entry(sku.clone()).or_insert(0) += 1);
        counts
    };
    for (i, tote) in simulation.scenario.tote.iter_mut().enumerate() {
        tote.told.clear();
        tote.contents = if i == full { count(&mut drawn.iter()) } else { BTreeMap::new() };
    }
    let wanted = &drawn[..items.min(ORDERED)];
    let bins = &simulation.site.cell.bins;
    let order = |(i, bin): (usize, &control::Container<scene::frame::Bin>)| {
        let lines = count(&mut wanted.iter().skip(i).step_by(bins.len()));
        (!lines.is_empty()).then(|| Order { name: format!("order-{}", i + 1), bin: bin.name.clone(), lines })
    };
    Orders { orders: bins.iter().enumerate().filter_map(order).collect(), manifest: BTreeMap::new() }
}

fn measure(simulation: &Simulation, from: ItemsFrom, seed: u64, row: &mut Row) -> Result<(), CliError> {
    let since = Stopwatch::start();
    row.ordered += simulation.site.orders.items();
    let runtime = from.runtime(simulation, seed, Strategy::Planned)?;
    match runtime.run(&since) {
        Ok(finished) => {
            let tally = &finished.tally;
            row.attempts += tally.attempted;
            row.succeeded += tally.succeeded;
            row.delivered += tally.right;
            row.cell_s += finished.took.seconds();
            row.drops += tally.drops;
            row.wrong_items += tally.wrong;
            row.damaged += tally.damaged;
        }
        // A cell that stops is a figure of the table, not the end of it.
        Err(error) => row.faults.push(format!("seed {seed}: {error}")),
    }
    Ok(())
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seeds = self.cells.first().map_or(0, |row| row.scenes);
        writeln!(f, "machine: {} cores, {}", self.machine.cores, self.machine.cpu)?;
        writeln!(f, "{seeds} seeds from {}, up to {ORDERED} items ordered a scene", self.seed)?;
        write!(
            f,
            "class         items  found by  depth    attempts  picked %  delivered %  s a pick  drops  wrong  damaged  faults"
        )?;
        let percent = |of: u32, all: u32| if all == 0 { 0.0 } else { 100.0 * f64::from(of) / f64::from(all) };
        for row in &self.cells {
            let seconds =
                if row.succeeded == 0 { "-".into() } else { format!("{:.2}", row.cell_s / f64::from(row.succeeded)) };
            write!(
                f,
                "\n{:<12} {:>6}  {:<8}  {:<7} {:>9} {:>9.1} {:>12.1} {seconds:>9} {:>6} {:>6} {:>8} {:>7}",
                row.class,
                row.items,
                row.items_from.map_or("", ItemsFrom::name),
                row.depth,
                row.attempts,
                percent(row.succeeded, row.attempts),
                percent(row.delivered, row.ordered),
                row.drops,
                row.wrong_items,
                row.damaged,
                row.faults.len(),
            )?;
        }
        for row in &self.cells {
            for fault in &row.faults {
                write!(f, "\nfault: {}, {} items, depth {}, {fault}", row.class, row.items, row.depth)?;
            }
        }
        Ok(())
    }
}
