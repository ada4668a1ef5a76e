//! `nuthatch bench pick`: a scenario over many seeds, ours and the plain baseline on the same.

use std::collections::BTreeMap;

use control::Planner;
use control::trial::{Site, Way, bound};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::spread::ratio_ci95;
use crate::cli::{Class, CliError, ItemsFrom, PickArgs, Strategy};
use crate::clock::Stopwatch;
use crate::report::{Machine, Report, Stage, StageTimes};
use crate::simulated::{Chosen, Simulation};
use crate::task::Step;
use crate::telemetry::PickRecord;

/// The classes: name of the scenario, and Dex-Net 3.0's success in percent with one cup on a real arm (Mahler et al. 2018).
const CLASSES: [(Class, &str, u32); 3] =
    [(Class::Basic, "basic", 98), (Class::Typical, "typical", 82), (Class::Adversarial, "adversarial", 58)];
/// What stays at the top where the figures stand under `classes`.
const OF_ALL: [&str; 7] = ["bench", "seed", "scenes", "machine", "strategy", "items", "classes"];

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Clone, Serialize)]
struct PickFigures {
    bench: &'static str,
    /// Where the items of an image came from.
    items: ItemsFrom,
    seed: u64,
    /// Attempts.
    n: u32,
    scenes: u64,
    machine: Machine,
    strategy: &'static str,
    attempt_success: f64,
    attempt_success_ci95: Option<[f64; 2]>,
    cleared: f64,
    cleared_ci95: Option<[f64; 2]>,
    /// Ordered items that were not delivered, by reason.
    refused: BTreeMap<String, u32>,
    wrong_items: u32,
    drops: u32,
    damaged: u32,
    double_picks: u32,
    double_picks_undetected: u32,
    /// Null when a measured p99 is above its declared budget, with `why`, which names the rate that the declared
    /// latencies give.
    picks_per_hour: Option<f64>,
    why: Option<String>,
    bound_picks_per_hour: Option<f64>,
    of_bound: Option<f64>,
    budgets_ms: BTreeMap<String, Budget>,
    /// Filled where several were run.
    classes: Option<BTreeMap<String, PickFigures>>,
    baseline: Option<Box<PickFigures>>,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Budget {
    declared: f64,
    p99: f64,
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for files that can't be used, and faults of a run.
pub fn run(args: &PickArgs) -> Result<(), CliError> {
    let seeds = if args.full { args.seeds.max(100) } else { args.seeds };
    let chosen: Vec<(&str, Option<u32>)> = CLASSES
        .iter()
        .filter(|(class, ..)| args.class.is_some_and(|asked| asked == Class::All || asked == *class))
        .map(|(_, name, dex_net)| (*name, Some(*dex_net)))
        .collect();
    let alone = args.scenario.as_deref().unwrap_or("default");
    let chosen = if chosen.is_empty() { vec![(alone, None)] } else { chosen };
    let strategies = match args.strategy {
        Some(alone) => vec![alone],
        None => vec![Strategy::Planned, Strategy::Baseline],
    };
    let bar = ProgressBar::new(seeds * (strategies.len() * chosen.len()) as u64);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} scenes · {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    let mut classes = BTreeMap::new();
    for (scenario, dex_net) in chosen {
        let mut simulation =
            Simulation::load(&Chosen { scenario, cell: None, orders: None }).map_err(CliError::input)?;
        simulation.site.robot = simulation.site.robot.with_acceleration_share(args.acceleration);
        let known = simulation.scenario.catalogue.is_none();
        let items = args.items.unwrap_or(if known { ItemsFrom::Networks } else { ItemsFrom::Truth });
        let mut figures = Vec::new();
        for strategy in &strategies {
            figures.push(measure(&simulation, items, *strategy, args.seed, seeds, &bar)?);
        }
        let mut first = figures.remove(0);
        first.baseline = figures.pop().map(Box::new);
        if !args.json {
            bar.suspend(|| {
                print_table(scenario, &first);
                if let Some(percent) = dex_net {
                    println!("  Dex-Net 3.0, one cup, real arm: {percent} %");
                }
            });
        }
        classes.insert(scenario.to_owned(), first);
    }
    bar.finish_and_clear();
    if args.json {
        println!("{}", as_json(classes).map_err(CliError::fault)?);
    }
    Ok(())
}

/// One set of figures as it is; several under `classes`, with null in their place at the top.
fn as_json(mut classes: BTreeMap<String, PickFigures>) -> Result<String, serde_json::Error> {
    let several = classes.len() > 1;
    let Some(mut first) = classes.first_entry().map(|e| e.get().clone()) else { return Ok(String::new()) };
    if !several {
        return serde_json::to_string(&first);
    }
    first.classes = Some(std::mem::take(&mut classes));
    let mut all = serde_json::to_value(&first)?;
    for (name, value) in all.as_object_mut().into_iter().flatten() {
        if !OF_ALL.contains(&name.as_str()) {
            *value = serde_json::Value::Null;
        }
    }
    serde_json::to_string(&all)
}

fn measure(
    simulation: &Simulation,
    items: ItemsFrom,
    strategy: Strategy,
    seed: u64,
    seeds: u64,
    bar: &ProgressBar,
) -> Result<PickFigures, CliError> {
    let mut reports: Vec<Report> = Vec::new();
    let mut times = StageTimes::default();
    let (mut bound_s, mut bound_n) = (0.0, 0);
    let given = &simulation.site;
    let planner = Planner::new(&given.robot, &given.tool, &given.cell);
    let site = Site { cell: &given.cell, robot: &given.robot, tool: &given.tool, planner: &planner };
    for seed in seed..seed + seeds {
        let since = Stopwatch::start();
        let runtime = items.runtime(simulation, seed, strategy)?;
        let finished = runtime.run(&since).map_err(CliError::fault)?;
        times.merge(&finished.times);
        for bound in finished.station.records().iter().filter_map(|record| least_s(&site, record)) {
            bound_s += bound;
            bound_n += 1;
        }
        let report = crate::cli::report(seed, &finished, &since);
        bar.inc(1);
        bar.set_message(format!(
            "{} seed {seed}: {} of {} succeeded, {} of {} delivered",
            name(strategy),
            report.picks_succeeded,
            report.picks_attempted,
            report.items_delivered,
            report.items_ordered
        ));
        reports.push(report);
    }
    let sum = |of: fn(&Report) -> u32| reports.iter().map(of).sum::<u32>();
    let scenes = |over: fn(&Report) -> u32, under: fn(&Report) -> u32| -> Vec<(f64, f64)> {
        reports.iter().map(|r| (f64::from(over(r)), f64::from(under(r)))).collect()
    };
    let attempts = sum(|r| r.picks_attempted);
    let succeeded = sum(|r| r.picks_succeeded);
    let mut refused = BTreeMap::new();
    for line in reports.iter().flat_map(|r| &r.unfilled) {
        *refused.entry(line.reason.clone()).or_default() += line.missing;
    }
    let declared = simulation.site.cell.budgets;
    let budgets: BTreeMap<String, Budget> = [
        (Stage::Look, declared.look.seconds() * 1e3),
        (Stage::Choose, declared.choose.seconds() * 1e3),
        (Stage::Plan, declared.plan.seconds() * 1e3),
        (Stage::Refine, declared.refine.seconds() * 1e3),
    ]
    .into_iter()
    .map(|(stage, declared)| (stage.name().to_owned(), Budget { declared, p99: times.spread(stage).p99 }))
    .collect();
    let broken: Vec<String> = budgets
        .iter()
        .filter(|(_, b)| b.p99 > b.declared)
        .map(|(stage, b)| format!("{stage} took {:.1} ms (p99), {:.1} ms are declared", b.p99, b.declared))
        .collect();
    let hours = reports.iter().map(|r| r.cell_s).sum::<f64>() / 3600.0;
    let rate = (hours > 0.0).then(|| f64::from(succeeded) / hours);
    let bound = (bound_n > 0).then(|| 3600.0 / (bound_s / f64::from(bound_n)));
    let picks_per_hour = rate.filter(|_| broken.is_empty());
    Ok(PickFigures {
        bench: "pick",
        items,
        seed,
        n: attempts,
        scenes: seeds,
        machine: Machine::this(),
        strategy: name(strategy),
        attempt_success: share(succeeded, attempts),
        attempt_success_ci95: ratio_ci95(&scenes(|r| r.picks_succeeded, |r| r.picks_attempted), seed),
        cleared: share(sum(|r| r.items_delivered), sum(|r| r.items_ordered)),
        cleared_ci95: ratio_ci95(&scenes(|r| r.items_delivered, |r| r.items_ordered), seed),
        refused,
        wrong_items: sum(|r| r.wrong_items),
        drops: sum(|r| r.drops),
        damaged: sum(|r| r.damaged),
        double_picks: sum(|r| r.double_picks),
        double_picks_undetected: sum(|r| r.double_picks_undetected),
        picks_per_hour,
        why: (!broken.is_empty()).then(|| match rate.zip(bound) {
            Some((rate, bound)) => format!(
                "{}; with the declared latencies it is {rate:.0} an hour, {:.2} of the bound",
                broken.join("; "),
                rate / bound
            ),
            None => broken.join("; "),
        }),
        bound_picks_per_hour: bound,
        of_bound: picks_per_hour.zip(bound).map(|(rate, bound)| rate / bound),
        budgets_ms: budgets,
        classes: None,
        baseline: None,
    })
}

/// The least time of a placed pick, seconds: the bound of the ways there and back, and what physics took to seal and to
/// release. The item is weighed on the way; nothing counts for computing.
fn least_s(site: &Site<'_>, record: &PickRecord) -> Option<f64> {
    let way = record.way.filter(|_| record.outcome.is_delivered())?;
    let at = |q| site.planner.forward(q);
    let there = bound(site, Way { from: way.from, to: vec![at(&way.grasp)], held: None })?;
    let held = Some((&way.held, [record.max_acceleration, record.max_vertical]));
    let back = bound(site, Way { from: way.grasp, to: vec![at(&way.drop)], held })?;
    let waited = record.seconds_in(|step| matches!(step, Step::Seal | Step::Release));
    Some(there.least_s + back.least_s + (waited - site.cell.budgets.plan.seconds()).max(0.0))
}

fn share(of: u32, all: u32) -> f64 {
    if all == 0 { 0.0 } else { f64::from(of) / f64::from(all) }
}

fn name(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Planned => "planned",
        Strategy::Baseline => "baseline",
    }
}

fn print_table(scenario: &str, figures: &PickFigures) {
    let all: Vec<&PickFigures> = std::iter::once(figures).chain(figures.baseline.as_deref()).collect();
    let row = |label: &str, cell: &dyn Fn(&PickFigures) -> String| {
        print!("  {label:<26}");
        for f in &all {
            print!("{:>26}", cell(f));
        }
        println!();
    };
    let percent = |share: f64, ci: Option<[f64; 2]>| match ci {
        Some([low, high]) => format!("{:.1} % [{:.1}, {:.1}]", share * 100.0, low * 100.0, high * 100.0),
        None => format!("{:.1} %", share * 100.0),
    };
    println!("{scenario}, items: {}", figures.items.name());
    row("", &|f| f.strategy.to_owned());
    row("attempts", &|f| f.n.to_string());
    row("attempt success", &|f| percent(f.attempt_success, f.attempt_success_ci95));
    row("cleared", &|f| percent(f.cleared, f.cleared_ci95));
    row("wrong items", &|f| f.wrong_items.to_string());
    row("dropped / damaged", &|f| format!("{} / {}", f.drops, f.damaged));
    row("double picks (undetected)", &|f| format!("{} ({})", f.double_picks, f.double_picks_undetected));
    row("picks an hour", &|f| f.picks_per_hour.map_or("—".into(), |v| format!("{v:.0}")));
    row("motion-only bound", &|f| f.bound_picks_per_hour.map_or("—".into(), |v| format!("{v:.0}")));
    for (stage, budget) in &figures.budgets_ms {
        println!("  {stage:<7} p99 {:.2} ms of {:.0} ms declared", budget.p99, budget.declared);
    }
    for f in all {
        if let Some(why) = &f.why {
            println!("  {}: no picks an hour: {why}", f.strategy);
        }
        for (reason, count) in &f.refused {
            println!("  {}: {count} not delivered: {reason}", f.strategy);
        }
    }
}
