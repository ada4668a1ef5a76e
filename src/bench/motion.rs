//! `nuthatch bench motion`: carries from cluttered totes into part-filled bins, against the least time that joints and
//! grasp allow, and looked at a second time; beside them two peers (`motion_peers.rs`).

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::Path;

use control::trial::{Bound, Finding, Problem, Recheck, Site, bound, reachable};
use control::{Planner, Program, SegmentKind};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::motion_peers::MotionPeers;
use super::spread::{quantile, ratio_ci95};
use crate::cli::{CliError, MotionArgs};
use crate::clock::Stopwatch;
use crate::report::Machine;

/// How long a sampling planner may look for a way where ours finds none, seconds.
const LOOK_FOR_S: f64 = 10.0;
/// Holds that are asked for at once: as many as one item's search accepts.
const AT_ONCE: usize = 40;

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct MotionFigures {
    bench: &'static str,
    seed: u64,
    /// Problems.
    n: usize,
    scenes: usize,
    machine: Machine,
    first_plan_us_p50: f64,
    first_plan_us_p99: f64,
    first_plan_us_max: f64,
    /// First plan and sweeps together.
    refined_ms_p50: f64,
    refined_ms_p99: f64,
    /// Of the reachable.
    solved: f64,
    /// Problems with a way by our planner, or by RRT-Connect where ours finds none.
    reachable: usize,
    limit_violations: usize,
    collisions: usize,
    duration_first_s_mean: f64,
    duration_s_mean: f64,
    /// Of the refined: deep in the tote, over rims and contents, deep in the bin.
    lift_s_mean: f64,
    carry_s_mean: f64,
    lower_s_mean: f64,
    bound_s_mean: f64,
    /// Reach and time of a hold as grasp planning asks for them, forty at once; the estimate against the refined carry.
    estimate_us_mean: f64,
    estimate_vs_refined_p5: f64,
    estimate_vs_refined_p95: f64,
    duration_vs_bound_first: f64,
    duration_vs_bound_first_p95: f64,
    duration_vs_bound: f64,
    duration_vs_bound_ci95: Option<[f64; 2]>,
    duration_vs_bound_p95: f64,
    duration_vs_stop_to_stop: f64,
    duration_vs_stop_to_stop_p95: f64,
    same_bytes: bool,
    /// Why there was no motion, most frequent first, among the reachable.
    unsolved: Vec<(String, usize)>,
    /// The first of what the second look found.
    first_finding: Option<String>,
    /// Ruckig's timing beside ours, OMPL's paths beside our motions.
    peers: MotionPeers,
}

/// What became of one problem.
struct Solved {
    us: f64,
    refined_ms: f64,
    first_s: f64,
    duration_s: f64,
    /// Lift, carry, lower.
    parts_s: [f64; 3],
    bound: Bound,
    estimate: Option<Estimate>,
}

/// What was reckoned for a carry before it was planned.
#[derive(Clone, Copy)]
struct Estimate {
    us: f64,
    carry_s: f64,
}

impl Estimate {
    /// Asked as grasp planning does: many holds at once, for the bin that the goal is in.
    fn of(site: &Site<'_>, problem: &Problem) -> Option<Self> {
        let goal = problem.drop.world_from_tool.origin();
        let far = |bin: &control::Container<_>| (bin.world_from.origin() - goal).xy().norm();
        let bin = site.cell.bins.iter().min_by(|a, b| far(a).total_cmp(&far(b)))?;
        let since = Stopwatch::start();
        let carries = site.planner.estimate(&[&problem.hold; AT_ONCE], bin);
        let us = since.seconds() * 1e6 / AT_ONCE as f64;
        Some(Self { us, carry_s: (*carries.first()?)?.seconds() })
    }
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for a cell that can't be used, and where no problem of the seeds is solved.
pub fn run(args: &MotionArgs) -> Result<(), CliError> {
    let (cell, folder) = args.cell().map_err(CliError::input)?;
    let (robot, tool) = cell.models("cell", &folder).map_err(CliError::input)?;
    let robot = robot.with_acceleration_share(args.acceleration);
    let planner = Planner::new(&robot, &tool, &cell);
    let site = Site { cell: &cell, robot: &robot, tool: &tool, planner: &planner };
    let count = if args.full { args.count.max(10_000) } else { args.count };
    let bar = ProgressBar::new(count);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} problems · {msg} · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    let mut tally = Tally::default();
    for seed in args.seed..args.seed.saturating_add(count) {
        if let Some(problem) = Problem::draw(&site, seed) {
            tally.take(&site, &problem, seed);
        }
        bar.set_message(format!("{} solved", tally.solved.len()));
        bar.inc(1);
    }
    bar.set_message("the peers");
    // Where no home is found, what is installed is looked for in the current folder.
    let home = crate::bringup::home().unwrap_or_default();
    let peers = MotionPeers::beside(&site, args.seed..args.seed.saturating_add(count), &home);
    bar.finish_and_clear();
    let figures = tally.figures(args.seed, peers).ok_or_else(|| CliError::fault(NoneSolved { count }))?;
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        print_table(&figures);
    }
    Ok(())
}

#[derive(Debug, thiserror::Error)]
#[error("none of {count} problems was solved: nothing can be said of motions in this cell")]
struct NoneSolved {
    count: u64,
}

#[derive(Default)]
struct Tally {
    drawn: usize,
    solved: Vec<Solved>,
    unsolved: Vec<(String, usize)>,
    limits: usize,
    collisions: usize,
    finding: Option<String>,
    differed: bool,
}

impl Tally {
    fn take(&mut self, site: &Site<'_>, problem: &Problem, seed: u64) {
        self.drawn += 1;
        let plan = || site.planner.carry(&problem.from, &problem.hold, &problem.drop, &problem.obstacles);
        let refine = || site.planner.carry_refined(&problem.from, &problem.hold, &problem.drop, &problem.obstacles);
        let since = Stopwatch::start();
        let planned = plan();
        let us = since.seconds() * 1e6;
        let program = match planned {
            Ok(program) => program,
            Err(error) => {
                let looking = Stopwatch::start();
                if reachable(site, problem, seed, || looking.seconds() < LOOK_FOR_S) {
                    // The kind of failure without its numbers.
                    let text = error.to_string();
                    let kind: String = text.chars().filter(|c| !c.is_ascii_digit()).collect();
                    match self.unsolved.iter_mut().find(|(k, _)| *k == kind) {
                        Some((_, n)) => *n += 1,
                        None => self.unsolved.push((kind, 1)),
                    }
                }
                return;
            }
        };
        let since = Stopwatch::start();
        // What has a first plan has a refined one: at worst the first.
        let refined = refine().unwrap_or_else(|_| program.clone());
        let refined_ms = since.seconds() * 1e3;
        let recheck = Recheck::new(site, problem);
        let mut note = |finding: Finding| {
            self.finding.get_or_insert_with(|| format!("problem {seed}: {finding:?}"));
        };
        for planned in [&program, &refined] {
            if let Some(finding) = recheck.beyond_limits(planned) {
                self.limits += 1;
                note(finding);
            }
            if let Some(finding) = recheck.collides(planned) {
                self.collisions += 1;
                note(finding);
            }
        }
        self.differed |= plan().is_ok_and(|again| digest(&again) != digest(&program));
        self.differed |= refine().is_ok_and(|again| digest(&again) != digest(&refined));
        if let Some(bound) = bound(site, problem) {
            let part = |kind| refined.duration_of(kind).seconds();
            let parts_s = [SegmentKind::Lift, SegmentKind::Carry, SegmentKind::Lower].map(part);
            let [first_s, duration_s] = [&program, &refined].map(|p| p.duration().seconds());
            let estimate = Estimate::of(site, problem);
            self.solved.push(Solved { us, refined_ms, first_s, duration_s, parts_s, bound, estimate });
        }
    }

    fn figures(mut self, seed: u64, peers: MotionPeers) -> Option<MotionFigures> {
        let solved = &self.solved;
        if solved.is_empty() {
            return None;
        }
        let n = solved.len() as f64;
        let mean = |of: &dyn Fn(&Solved) -> f64| solved.iter().map(of).sum::<f64>() / n;
        let part = |of: &dyn Fn(&Solved) -> f64, share: f64| {
            let mut all: Vec<f64> = solved.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[((n * share) as usize).min(all.len() - 1)]
        };
        let us = |s: &Solved| s.us;
        let first_to_bound = |s: &Solved| s.first_s / s.bound.least_s;
        let to_bound = |s: &Solved| s.duration_s / s.bound.least_s;
        let to_stops = |s: &Solved| s.duration_s / s.bound.stop_to_stop_s;
        let estimates: Vec<(Estimate, f64)> =
            solved.iter().filter_map(|s| s.estimate.map(|e| (e, s.duration_s))).collect();
        let against_part =
            |share: f64| quantile(estimates.iter().map(|(e, refined_s)| e.carry_s / refined_s).collect(), share);
        let ratios: Vec<_> = solved.iter().map(|s| (to_bound(s), 1.0)).collect();
        let failed: usize = self.unsolved.iter().map(|(_, n)| n).sum();
        self.unsolved.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
        Some(MotionFigures {
            bench: "motion",
            seed,
            n: self.drawn,
            scenes: self.drawn,
            machine: Machine::this(),
            first_plan_us_p50: part(&us, 0.5),
            first_plan_us_p99: part(&us, 0.99),
            first_plan_us_max: part(&us, 1.0),
            refined_ms_p50: part(&|s| s.refined_ms, 0.5),
            refined_ms_p99: part(&|s| s.refined_ms, 0.99),
            solved: n / (n + failed as f64),
            reachable: solved.len() + failed,
            limit_violations: self.limits,
            collisions: self.collisions,
            duration_first_s_mean: mean(&|s| s.first_s),
            duration_s_mean: mean(&|s| s.duration_s),
            lift_s_mean: mean(&|s| s.parts_s[0]),
            carry_s_mean: mean(&|s| s.parts_s[1]),
            lower_s_mean: mean(&|s| s.parts_s[2]),
            bound_s_mean: mean(&|s| s.bound.least_s),
            estimate_us_mean: estimates.iter().map(|(e, _)| e.us).sum::<f64>() / estimates.len().max(1) as f64,
            estimate_vs_refined_p5: against_part(0.05),
            estimate_vs_refined_p95: against_part(0.95),
            duration_vs_bound_first: mean(&first_to_bound),
            duration_vs_bound_first_p95: part(&first_to_bound, 0.95),
            duration_vs_bound: mean(&to_bound),
            duration_vs_bound_ci95: ratio_ci95(&ratios, seed),
            duration_vs_bound_p95: part(&to_bound, 0.95),
            duration_vs_stop_to_stop: mean(&to_stops),
            duration_vs_stop_to_stop_p95: part(&to_stops, 0.95),
            same_bytes: !self.differed,
            unsolved: self.unsolved,
            first_finding: self.finding,
            peers,
        })
    }
}

/// Every bit of a motion's samples in one number.
fn digest(program: &Program) -> u64 {
    let mut hasher = DefaultHasher::new();
    for q in program.samples() {
        q.0.map(f64::to_bits).hash(&mut hasher);
    }
    hasher.finish()
}

fn print_table(f: &MotionFigures) {
    println!("motion: {} carries from cluttered totes into bins, from seed {}, one core", f.n, f.seed);
    println!("  solved of the {} reachable      {:>9.4}", f.reachable, f.solved);
    println!(
        "  first plan p50 / p99 / max, µs  {:>9.0} / {:.0} / {:.0}",
        f.first_plan_us_p50, f.first_plan_us_p99, f.first_plan_us_max
    );
    println!("  refined p50 / p99, ms           {:>9.0} / {:.0}", f.refined_ms_p50, f.refined_ms_p99);
    println!("  limits broken, collisions       {:>9} / {}", f.limit_violations, f.collisions);
    println!(
        "  duration first / refined / bound, s {:>5.3} / {:.3} / {:.3}",
        f.duration_first_s_mean, f.duration_s_mean, f.bound_s_mean
    );
    println!(
        "  refined: lift, carry, lower     {:>9.3} / {:.3} / {:.3}",
        f.lift_s_mean, f.carry_s_mean, f.lower_s_mean
    );
    println!(
        "  first vs bound mean / p95       {:>9.3} / {:.3}",
        f.duration_vs_bound_first, f.duration_vs_bound_first_p95
    );
    println!("  refined vs bound mean / p95     {:>9.3} / {:.3}", f.duration_vs_bound, f.duration_vs_bound_p95);
    println!(
        "  refined vs stop to stop mean / p95  {:>5.3} / {:.3}",
        f.duration_vs_stop_to_stop, f.duration_vs_stop_to_stop_p95
    );
    println!(
        "  estimate of a hold, µs; vs refined p5 / p95  {:>5.0}; {:.2} / {:.2}",
        f.estimate_us_mean, f.estimate_vs_refined_p5, f.estimate_vs_refined_p95
    );
    println!("  same bytes when asked twice     {:>9}", f.same_bytes);
    for (kind, n) in &f.unsolved {
        println!("  {n} times no motion: {kind}");
    }
    if let Some(finding) = &f.first_finding {
        println!("  {finding}");
    }
    f.peers.print();
}

impl MotionArgs {
    /// The cell and the folder that its names are relative to.
    fn cell(&self) -> Result<(control::Cell, std::path::PathBuf), MotionCellError> {
        let Some(path) = &self.cell else {
            let cell = control::Cell::from_toml(include_str!("../cells/default.toml"), "default.toml")?;
            return Ok((cell, Path::new(".").to_owned()));
        };
        let text = std::fs::read_to_string(path)
            .map_err(|source| MotionCellError::Unreadable { path: path.clone(), source })?;
        let cell = control::Cell::from_toml(&text, &path.display().to_string())?;
        Ok((cell, path.parent().unwrap_or(Path::new(".")).to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
enum MotionCellError {
    #[error("{}: can't be read", path.display())]
    Unreadable { path: std::path::PathBuf, source: std::io::Error },
    #[error(transparent)]
    Refused(#[from] control::ConfigError),
}
