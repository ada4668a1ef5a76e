//! `nuthatch bench packing`: the published streams into a bin of 10 × 10 × 10 cells, ours beside four plain heuristics.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use grasp::packing::{
    Draws, Fault, Grid, Heuristic, Placed, Plain, Policy, Rule, SIDE, Search, Set, Size, Turns, Types, check, stands,
};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::spread::{quantile, ratio_ci95};
use crate::cli::{CliError, PackingArgs, PackingSet, Rotation};
use crate::clock::Stopwatch;
use crate::report::Machine;

/// Items of a rollout that knows the generator, and what the value counts as beside such rollouts.
const KNOWN_DEEP: usize = 8;
const KNOWN_PRIOR: f32 = 30.0;
/// Cells of the bin.
const CELLS: f64 = 1000.0;

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct PackingFigures {
    bench: &'static str,
    set: &'static str,
    rule: &'static str,
    seed: u64,
    n: usize,
    scenes: usize,
    sequences: usize,
    lookahead: usize,
    rotation: &'static str,
    /// The search's budget for a decision.
    nodes: u32,
    machine: Machine,
    #[serde(flatten)]
    ours: Row,
    /// The constructive policy without the search: the place of the highest value.
    policy: Row,
    /// The search with rollouts that know how the set's sequences are made; only where that is more than how often each
    /// size comes.
    knows_generator: Option<Row>,
    heuristics: BTreeMap<&'static str, Row>,
}

/// One way of packing, over all sequences.
#[derive(Debug, Serialize)]
struct Row {
    utilisation: f64,
    utilisation_ci95: Option<[f64; 2]>,
    /// Items that found a place.
    items: usize,
    ms_per_decision_mean: f64,
    ms_per_decision_p50: f64,
    ms_per_decision_p99: f64,
}

/// Sequences that can't be packed, or a placement that the checker refuses.
#[derive(Debug, thiserror::Error)]
enum PackingError {
    #[error("{}: can't be read", path.display())]
    Unreadable { path: PathBuf, source: std::io::Error },
    #[error("{}: must be a list of sequences of [x, y, z]", path.display())]
    NotSequences { path: PathBuf, source: serde_json::Error },
    #[error("{}: has no sequences", path.display())]
    Empty { path: PathBuf },
    #[error("{}: [{sequence}][{index}] is {size:?} cells; each side must be 1 to 10", path.display())]
    Size { path: PathBuf, sequence: usize, index: usize, size: [i64; 3] },
    #[error("--pictures needs --set cell; other sets have no camera")]
    NoPictures,
    #[error("{}: can't be written", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("sequence {sequence} of {way} is packed wrongly")]
    Wrong { way: &'static str, sequence: usize, source: Fault },
}

/// What a set is.
struct Problem {
    rule: Rule,
    turns: Turns,
    lookahead: usize,
    seed: u64,
    types: Types,
}

/// Which way of packing is measured.
enum Way<'a> {
    Search(&'a Search),
    /// With rollouts over sequences of a set.
    Knowing(&'a Search, Set),
    Policy(&'a Policy),
    Plain(Heuristic),
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for sequences that can't be read, and where the independent checker refuses a placement.
pub fn run(args: &PackingArgs) -> Result<(), CliError> {
    let (name, set, rule, said, usual) = match args.set {
        PackingSet::Rs => ("rs", Set::Rs, Rule::Corners, CORNERS, Rotation::None),
        PackingSet::Cut1 => ("cut1", Set::Cut1, Rule::Corners, CORNERS, Rotation::None),
        PackingSet::Cut2 => ("cut2", Set::Cut2, Rule::Corners, CORNERS, Rotation::None),
        PackingSet::Pct1 => ("pct1", Set::Pct, Rule::Centre, EQUILIBRIUM, Rotation::Yaw),
        PackingSet::Cell => return super::packing_cell::run(args),
        PackingSet::Pct2 => ("pct2", Set::Pct, Rule::Free, "ends inside the bin", Rotation::All),
    };
    let rotation = args.rotation.unwrap_or(usual);
    let turns = match rotation {
        Rotation::None => Turns::None,
        Rotation::Yaw => Turns::Yaw,
        Rotation::All => Turns::All,
    };
    let problem = Problem { rule, turns, lookahead: args.lookahead, seed: args.seed, types: Types::of(set) };
    if args.pictures.is_some() {
        return Err(CliError::input(PackingError::NoPictures));
    }
    let count = args.count.unwrap_or(100);
    let count = if args.full { count.max(2000) } else { count };
    let sequences = match &args.sequences {
        Some(path) => read(path).map_err(CliError::input)?,
        None => (0..count).map(|i| set.sequence(args.seed, i)).collect(),
    };
    let mut search = Search::tuned(set, rule, turns);
    search.nodes = args.nodes.unwrap_or(search.nodes);
    let knowing = matches!(set, Set::Cut1 | Set::Cut2) && args.sequences.is_none();
    let search_knowing = Search { deep: KNOWN_DEEP, prior: KNOWN_PRIOR, ..search.clone() };
    let bar = bar(sequences.len() * (2 + usize::from(knowing) + Heuristic::ALL.len()));
    let measure = |way: &Way, name| measure(&problem, way, name, &sequences, &bar);
    let (ours, packed) = measure(&Way::Search(&search), "ours")?;
    if let Some(path) = &args.dump {
        dump(path, &packed).map_err(CliError::input)?;
    }
    let (policy, _) = measure(&Way::Policy(&search.policy), "policy")?;
    let knows_generator = match knowing {
        true => Some(measure(&Way::Knowing(&search_knowing, set), "knows_generator")?.0),
        false => None,
    };
    let mut heuristics = BTreeMap::new();
    for heuristic in Heuristic::ALL {
        let (row, _) = measure(&Way::Plain(heuristic), heuristic.name())?;
        heuristics.insert(heuristic.name(), row);
    }
    let figures = PackingFigures {
        bench: "packing",
        set: name,
        rule: said,
        seed: args.seed,
        n: sequences.len(),
        scenes: sequences.len(),
        sequences: sequences.len(),
        lookahead: args.lookahead,
        rotation: rotation.name(),
        nodes: search.nodes,
        machine: Machine::this(),
        ours,
        policy,
        knows_generator,
        heuristics,
    };
    bar.finish_and_clear();
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        print_table(&figures);
    }
    Ok(())
}

const CORNERS: &str = "three corners of the footprint at its highest corner's height, and more than 95 % of it at the \
                       resting height, or 85 % with three corners there, or 50 % with four (Zhao et al., AAAI 2021)";
const EQUILIBRIUM: &str = "after each item every box of the stack balances on what carries it, with what it carries: by \
                           PCT's shares of the load, and by forces that push and never pull, for the whole stack";

/// Packs all sequences one way, on one thread; the checker looks at each.
fn measure(
    problem: &Problem,
    way: &Way,
    name: &'static str,
    sequences: &[Vec<Size>],
    bar: &ProgressBar,
) -> Result<(Row, Vec<Vec<Placed>>), CliError> {
    bar.set_message(name);
    let mut ms = Vec::new();
    let mut packed = Vec::with_capacity(sequences.len());
    for (number, sequence) in sequences.iter().enumerate() {
        let boxes = pack(problem, way, number as u64, sequence, &mut ms);
        check(&boxes, problem.rule)
            .map_err(|source| CliError::fault(PackingError::Wrong { way: name, sequence: number, source }))?;
        packed.push(boxes);
        bar.inc(1);
    }
    let filled: Vec<(f64, f64)> =
        packed.iter().map(|b| (b.iter().map(|p| f64::from(p.volume())).sum(), CELLS)).collect();
    let row = Row {
        utilisation: filled.iter().map(|f| f.0).sum::<f64>() / (CELLS * filled.len().max(1) as f64),
        utilisation_ci95: ratio_ci95(&filled, problem.seed),
        items: packed.iter().map(Vec::len).sum(),
        ms_per_decision_mean: ms.iter().sum::<f64>() / ms.len().max(1) as f64,
        ms_per_decision_p50: quantile(ms.clone(), 0.5),
        ms_per_decision_p99: quantile(ms, 0.99),
    };
    Ok((row, packed))
}

/// Packs one sequence until an item has no place.
fn pack(problem: &Problem, way: &Way, number: u64, sequence: &[Size], ms: &mut Vec<f64>) -> Vec<Placed> {
    let (rule, turns) = (problem.rule, problem.turns);
    let mut grid = Grid::default();
    let mut boxes: Vec<Placed> = Vec::new();
    let mut plain = match way {
        Way::Plain(heuristic) => Some(Plain::new(*heuristic)),
        Way::Search(_) | Way::Knowing(..) | Way::Policy(_) => None,
    };
    // What rollouts draw from shares nothing with what drew the sequence.
    let mut draws = Draws::new(problem.seed ^ 0x005e_ed0f_f0e5 ^ number.wrapping_mul(0x9fb2_1c65_1e98_df25));
    for (i, &item) in sequence.iter().enumerate() {
        let known = &sequence[i + 1..sequence.len().min((i + 1).saturating_add(problem.lookahead))];
        let since = Stopwatch::start();
        let admits = |placed: &Placed| {
            rule != Rule::Centre || {
                let mut all = boxes.clone();
                all.push(*placed);
                stands(&all)
            }
        };
        let place = match (way, &plain) {
            (Way::Search(search), _) => {
                let mut futures = |count: usize, into: &mut Vec<Size>| problem.types.add(count, &mut draws, into);
                search.choose(&grid, item, known, &mut futures, admits)
            }
            (Way::Knowing(search, set), _) => {
                let so_far = sequence[..=i].iter().chain(known).map(volume).sum();
                let mut futures = |count, into: &mut Vec<Size>| rest_of_another(*set, so_far, count, &mut draws, into);
                search.choose(&grid, item, known, &mut futures, admits)
            }
            (Way::Policy(policy), _) => policy.choose(&grid, item, rule, turns, admits),
            (Way::Plain(_), plain) => plain.as_ref().and_then(|p| p.choose(&grid, item, rule, turns, admits)),
        };
        ms.push(since.seconds() * 1e3);
        let Some(placed) = place else { break };
        grid.put(&placed);
        if let Some(plain) = &mut plain {
            plain.put(&placed);
        }
        boxes.push(placed);
    }
    boxes
}

fn volume(size: &Size) -> u32 {
    size.iter().map(|v| u32::from(*v)).product()
}

/// Items of another sequence of a set, from where as much of the bin has come as in this one.
fn rest_of_another(set: Set, so_far: u32, count: usize, draws: &mut Draws, into: &mut Vec<Size>) {
    let other = set.sequence(draws.bits(), 0);
    let mut come = 0;
    let rest = other.iter().skip_while(|size| {
        let before = come;
        come += volume(size);
        before < so_far
    });
    into.extend(rest.take(count));
}

/// One line that moves, on standard error.
fn bar(sequences: usize) -> ProgressBar {
    let bar = ProgressBar::new(sequences as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} sequences · {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

fn read(path: &Path) -> Result<Vec<Vec<Size>>, PackingError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| PackingError::Unreadable { path: path.to_owned(), source })?;
    let given: Vec<Vec<[i64; 3]>> =
        serde_json::from_str(&text).map_err(|source| PackingError::NotSequences { path: path.to_owned(), source })?;
    if given.is_empty() {
        return Err(PackingError::Empty { path: path.to_owned() });
    }
    let mut sequences = Vec::with_capacity(given.len());
    for (sequence, items) in given.into_iter().enumerate() {
        let mut sizes = Vec::with_capacity(items.len());
        for (index, size) in items.into_iter().enumerate() {
            if size.iter().any(|v| !(1..=i64::from(SIDE)).contains(v)) {
                return Err(PackingError::Size { path: path.to_owned(), sequence, index, size });
            }
            sizes.push(size.map(|v| v as u8));
        }
        sequences.push(sizes);
    }
    Ok(sequences)
}

fn dump(path: &Path, packed: &[Vec<Placed>]) -> Result<(), PackingError> {
    let unwritable = |source| PackingError::Unwritable { path: path.to_owned(), source };
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).map_err(unwritable)?);
    for (sequence, boxes) in packed.iter().enumerate() {
        for (index, Placed { at, size }) in boxes.iter().enumerate() {
            let line = serde_json::json!({ "sequence": sequence, "index": index, "size": size, "at": at });
            writeln!(file, "{line}").map_err(unwritable)?;
        }
    }
    file.flush().map_err(unwritable)
}

fn print_table(f: &PackingFigures) {
    let PackingFigures { set, n, lookahead, rotation, .. } = f;
    println!("packing {set}: {n} sequences from seed {}, lookahead {lookahead}, rotation {rotation}", f.seed);
    println!("  rule: {}", f.rule);
    println!("  {:26} {:>11} {:>17} {:>7} {:>28}", "", "utilisation", "95 %", "items", "ms a decision mean/p50/p99");
    let line = |name: &str, row: &Row| {
        let [low, high] = row.utilisation_ci95.unwrap_or([f64::NAN; 2]);
        println!(
            "  {name:26} {:>11.4} {:>17} {:>7} {:>28}",
            row.utilisation,
            format!("{low:.4} to {high:.4}"),
            row.items,
            format!(
                "{:.3} / {:.3} / {:.3}",
                row.ms_per_decision_mean, row.ms_per_decision_p50, row.ms_per_decision_p99
            )
        );
    };
    line("ours", &f.ours);
    line("ours, no search", &f.policy);
    f.knows_generator.iter().for_each(|row| line("knowing how it is made", row));
    for (name, row) in &f.heuristics {
        line(&name.replace('_', " "), row);
    }
}
