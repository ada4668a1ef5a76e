//! `nuthatch run`: bring up, run, report.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{CliError, ClockKind, Exit, RunArgs, ToolKind};
use crate::bringup::{Site, SiteFiles};
use crate::clock::Stopwatch;
use crate::progress::Progress;
use crate::record::{RecordError, Recorder};
use crate::remote::Remote;
use crate::report::{Machine, Report, Stage, memory_and_threads, outcomes};
use crate::runtime::Finished;
use crate::show::Rerun;
use crate::simulated::{Chosen, Simulation};
use crate::telemetry::Sink;

/// Whose devices are driven. The one place that chooses.
enum Driven {
    /// A simulated world's in this process.
    Inside(Box<Simulation>),
    /// Those behind a socket.
    Behind(Box<Site>, Box<Remote>),
}

impl Driven {
    fn find(args: &RunArgs) -> Result<Self, CliError> {
        let (cell, orders) = (args.cell.as_deref(), args.orders.as_deref());
        let Some(socket) = &args.world else {
            let scenario = args.scenario.as_deref().unwrap_or("default");
            let simulation = Simulation::load(&Chosen { scenario, cell, orders }).map_err(CliError::input)?;
            return Ok(Self::Inside(Box::new(simulation)));
        };
        let site = Site::load(&SiteFiles { cell, catalogue: None, orders }).map_err(CliError::input)?;
        let board = match args.tool {
            ToolKind::World => None,
            ToolKind::Emulator => Some(crate::board::start().map_err(CliError::input)?),
        };
        let mut remote = crate::remote::connect(socket, args.clock.into(), &site.cell).map_err(CliError::input)?;
        if let Some(board) = board {
            remote.take_board(board).map_err(CliError::input)?;
        }
        site.check(&remote.manifests).map_err(CliError::input)?;
        Ok(Self::Behind(Box::new(site), Box::new(remote)))
    }

    fn site(&self) -> &Site {
        match self {
            Self::Inside(simulation) => &simulation.site,
            Self::Behind(site, _) => site,
        }
    }
}

pub fn run(args: &RunArgs) -> Result<Exit, CliError> {
    let since = Stopwatch::start();
    refuse_later(args)?;
    let driven = Driven::find(args)?;
    let site = driven.site();

    let mut progress = Progress::new(site.orders.items());
    let mut recorder = args.record.as_deref().map(Recorder::create).transpose().map_err(CliError::input)?;
    let mut show = match &args.rerun {
        Some(file) => Some(Rerun::to_file(file, &site.cell, &site.robot, &site.tool).map_err(CliError::input)?),
        None if args.viewer => Some(Rerun::to_viewer(&site.cell, &site.robot, &site.tool).map_err(CliError::input)?),
        None => None,
    };
    let mut sinks: Vec<&mut dyn Sink> = vec![&mut progress];
    sinks.extend(recorder.as_mut().map(|s| s as &mut dyn Sink));
    sinks.extend(show.as_mut().map(|s| s as &mut dyn Sink));

    let (seed, runtime) = match driven {
        Driven::Inside(simulation) => {
            let seed = args.seed.unwrap_or(simulation.scenario.seed);
            (seed, simulation.runtime(seed, args.strategy, sinks).map_err(CliError::input)?)
        }
        Driven::Behind(site, remote) => {
            let Remote { devices, seed, manifests, .. } = *remote;
            (seed, site.begin(devices, &manifests, args.strategy, sinks).map_err(CliError::input)?)
        }
    };
    let finished = runtime.run(&since).map_err(CliError::fault)?;

    progress.close();
    if let Some(recorder) = recorder {
        recorder.close().map_err(CliError::fault)?;
    }
    if let Some(show) = show {
        show.close().map_err(CliError::fault)?;
    }
    let report = report(seed, &finished, &since);
    if let Some(dir) = &args.record {
        crate::record::write_verdicts(dir, &finished.tally.verdicts).map_err(CliError::fault)?;
    }
    write(&report, args.record.as_deref().unwrap_or(Path::new("."))).map_err(CliError::fault)?;
    if args.json {
        println!("{}", serde_json::to_string(&report).map_err(CliError::fault)?);
    } else {
        println!("{report}");
    }
    Ok(if report.orders_filled == report.orders_total { Exit::Done } else { Exit::Unfilled })
}

/// Flags that are known but not built yet are refused in words, before anything is read.
fn refuse_later(args: &RunArgs) -> Result<(), CliError> {
    let later = |flag: String, instead| Err(CliError::Later { flag, instead });
    if args.clock == ClockKind::Wall && args.world.is_none() {
        return later("--clock wall without --world".into(), "start `nuthatch world --clock wall` and name its socket");
    }
    if args.tool == ToolKind::Emulator && args.clock != ClockKind::Wall {
        return later(
            "--tool emulator without --clock wall".into(),
            "start `nuthatch world --clock wall`, and name its socket and that clock here: the board's clock is the wall's",
        );
    }
    if let Some(hours) = args.hours {
        return later(format!("--hours {hours}"), "leave it out: a run ends when its orders are filled");
    }
    Ok(())
}

/// Sums up a run.
pub fn report(seed: u64, finished: &Finished, since: &Stopwatch) -> Report {
    let ledger = finished.station.ledger();
    let (orders_filled, orders_total, _, items_ordered) = ledger.totals();
    let cell_s = finished.took.seconds();
    let (rss_mb_max, threads) = memory_and_threads();
    let stages = [Stage::Look, Stage::Choose, Stage::Plan, Stage::Refine, Stage::Tick];
    Report {
        seed,
        picks_attempted: finished.tally.attempted,
        picks_succeeded: finished.tally.succeeded,
        wrong_items: finished.tally.wrong,
        drops: finished.tally.drops,
        damaged: finished.tally.damaged,
        orders_filled,
        orders_total,
        items_ordered,
        items_delivered: finished.tally.right,
        double_picks: finished.tally.double_picks,
        double_picks_undetected: finished.tally.double_picks_undetected,
        picks_per_hour: if cell_s > 0.0 { f64::from(finished.tally.succeeded) / cell_s * 3600.0 } else { 0.0 },
        cell_s,
        unfilled: ledger.unfilled(),
        outcomes: outcomes(finished.station.records()),
        wall_s: since.seconds(),
        start_s: finished.start_s,
        rss_mb_max,
        threads,
        stage_ms: stages.iter().map(|s| (s.name().to_owned(), finished.times.spread(*s))).collect::<BTreeMap<_, _>>(),
        machine: Machine::this(),
    }
}

/// Writes the whole file or leaves the old one.
fn write(report: &Report, dir: &Path) -> Result<(), RecordError> {
    let path: PathBuf = dir.join("report.json");
    let whole = dir.join(".report.json.new");
    let fault = |source| RecordError { path: path.clone(), source };
    let mut text = serde_json::to_vec_pretty(report).map_err(std::io::Error::from).map_err(fault)?;
    text.push(b'\n');
    std::fs::write(&whole, text).map_err(fault)?;
    std::fs::rename(&whole, &path).map_err(fault)
}
