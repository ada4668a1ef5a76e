//! `report.json`: what a run came to. Names are relied on from outside.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::telemetry::{Outcome, PickRecord};

/// The slow stages whose latency is declared in the cell file, and the tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stage {
    /// From image in hand to items.
    Look,
    /// Item, grasp and placement.
    Choose,
    /// One motion program.
    Plan,
    /// A motion made shorter, while something else goes on.
    Refine,
    /// One millisecond of cycle and executor.
    Tick,
}

impl Stage {
    /// Its name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Look => "look",
            Self::Choose => "choose",
            Self::Plan => "plan",
            Self::Refine => "refine",
            Self::Tick => "tick",
        }
    }
}

/// Wall times of stages, milliseconds.
#[derive(Debug, Clone, Default)]
pub struct StageTimes(BTreeMap<Stage, Vec<f32>>);

impl StageTimes {
    /// Adds one measurement, seconds.
    pub fn add(&mut self, stage: Stage, seconds: f64) {
        self.0.entry(stage).or_default().push((seconds * 1e3) as f32);
    }

    /// Adds all of another run's.
    pub fn merge(&mut self, other: &Self) {
        for (stage, times) in &other.0 {
            self.0.entry(*stage).or_default().extend(times);
        }
    }

    /// All of a stage's time, seconds.
    #[must_use]
    pub fn sum_s(&self, stage: Stage) -> f64 {
        self.0.get(&stage).into_iter().flatten().map(|ms| f64::from(*ms) * 1e-3).sum()
    }

    /// Median, 99th percentile and worst of a stage; zeros when it never ran.
    #[must_use]
    pub fn spread(&self, stage: Stage) -> Spread {
        let mut sorted = self.0.get(&stage).cloned().unwrap_or_default();
        sorted.sort_by(f32::total_cmp);
        let at = |share: f64| {
            let index = (share * (sorted.len().saturating_sub(1)) as f64).round() as usize;
            sorted.get(index).map_or(0.0, |v| f64::from(*v))
        };
        Spread { p50: at(0.5), p99: at(0.99), max: at(1.0) }
    }
}

/// Median, 99th percentile and worst, milliseconds.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Spread {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
    /// Worst.
    pub max: f64,
}

/// A line of an order that was not filled, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfilled {
    /// The order.
    pub order: String,
    /// The SKU.
    pub sku: String,
    /// How many are missing.
    pub missing: u32,
    /// Why.
    pub reason: String,
}

/// The machine that it ran on.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that the program may use.
    pub cores: usize,
    /// The processor's name, as the system tells it.
    pub cpu: String,
}

impl Machine {
    /// Asks the system; what it does not tell is "unknown".
    #[must_use]
    pub fn this() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let cpu = std::fs::read_to_string("/proc/cpuinfo")
            .ok()
            .and_then(|text| {
                let line = text.lines().find(|l| l.starts_with("model name"))?;
                Some(line.split_once(':')?.1.trim().to_owned())
            })
            .unwrap_or_else(|| std::env::consts::ARCH.to_owned());
        Self { cores, cpu }
    }
}

/// What a run came to. `wall_s`, `start_s`, `rss_mb_max`, `threads`, `stage_ms` and `machine` are
/// measured on the wall; everything else is the same for the same input.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The seed of the scenario.
    pub seed: u64,
    /// How often the tool was told to seal on an item.
    pub picks_attempted: u32,
    /// How often the wanted item came to rest in its bin, undamaged and alone, as the scorer saw it.
    pub picks_succeeded: u32,
    /// Items in a bin that its order does not want.
    pub wrong_items: u32,
    /// Items lost between lift and release.
    pub drops: u32,
    /// Items damaged.
    pub damaged: u32,
    /// Orders with every line filled.
    pub orders_filled: u32,
    /// Orders in the file.
    pub orders_total: u32,
    /// Items that orders wanted.
    pub items_ordered: u32,
    /// Of these, how many lie in their bins.
    pub items_delivered: u32,
    /// How many more than one item came up with a pick.
    pub double_picks: u32,
    /// Of these, how many the cell did not notice.
    pub double_picks_undetected: u32,
    /// Items delivered an hour of the cell's time.
    pub picks_per_hour: f64,
    /// The cell's time from start to end, seconds.
    pub cell_s: f64,
    /// What could not be filled, and why.
    pub unfilled: Vec<Unfilled>,
    /// Attempts by how they ended, as the cell itself saw it.
    pub outcomes: BTreeMap<Outcome, u32>,
    /// Wall time of the whole run, seconds.
    pub wall_s: f64,
    /// Wall time before the first motion, seconds.
    pub start_s: f64,
    /// Largest resident memory, megabytes.
    pub rss_mb_max: f64,
    /// Threads at the end.
    pub threads: u32,
    /// Measured latency of the stages, milliseconds.
    pub stage_ms: BTreeMap<String, Spread>,
    /// The machine.
    pub machine: Machine,
}

/// The table that the terminal shows at the end.
impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "  orders filled     {} of {}", self.orders_filled, self.orders_total)?;
        writeln!(f, "  items delivered   {} of {}", self.items_delivered, self.items_ordered)?;
        writeln!(f, "  picks             {} attempted, {} succeeded", self.picks_attempted, self.picks_succeeded)?;
        writeln!(f, "  wrong / dropped / damaged   {} / {} / {}", self.wrong_items, self.drops, self.damaged)?;
        writeln!(f, "  picks an hour     {:.0} (cell time {:.1} s)", self.picks_per_hour, self.cell_s)?;
        for (stage, spread) in &self.stage_ms {
            writeln!(
                f,
                "  {stage:<7} ms        p50 {:8.3}   p99 {:8.3}   worst {:8.3}",
                spread.p50, spread.p99, spread.max
            )?;
        }
        write!(
            f,
            "  wall {:.1} s, start {:.2} s, memory {:.0} MB, {} threads",
            self.wall_s, self.start_s, self.rss_mb_max, self.threads
        )?;
        for line in &self.unfilled {
            write!(f, "\n  unfilled: {} of {} in order {}: {}", line.missing, line.sku, line.order, line.reason)?;
        }
        Ok(())
    }
}

/// Counts what the cell itself saw of its picks.
#[must_use]
pub fn outcomes(picks: &[PickRecord]) -> BTreeMap<Outcome, u32> {
    let mut counts = BTreeMap::new();
    for pick in picks {
        *counts.entry(pick.outcome).or_default() += 1;
    }
    counts
}

/// Largest resident memory in megabytes and the number of threads, as Linux tells them; zeros elsewhere.
#[must_use]
pub fn memory_and_threads() -> (f64, u32) {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let number = |key: &str| {
        let line = status.lines().find(|l| l.starts_with(key))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    (number("VmHWM:").unwrap_or(0.0) / 1024.0, number("Threads:").unwrap_or(0.0) as u32)
}
