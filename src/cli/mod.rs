//! The command line: arguments, their help, and exit codes.

mod catalog;
mod enrol;
pub(crate) mod perceive;
mod render;
mod run;
pub(crate) mod seeing;
mod why;
mod world;

use std::path::PathBuf;
use std::process::ExitCode;

pub(crate) use run::report;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The runtime of a robot picking cell: sees items in totes, picks the wanted ones, fills orders.
#[derive(Debug, Parser)]
#[command(
    name = "nuthatch",
    version,
    propagate_version = true,
    arg_required_else_help = true,
    after_help = "\
Exit codes: 0 done, 1 finished with unfilled orders, 2 bad input (nothing has moved), 3 device or internal fault.
Start with `nuthatch run`: the simulated cell, its default tote and orders, no hardware needed."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Fill orders: look, choose, grasp, carry, place, until they are filled or nothing can be picked.
    Run(RunArgs),
    /// Measure on this machine: a named, seeded workload, its figures as a table or as JSON.
    #[command(subcommand)]
    Bench(Bench),
    /// Render images of a scenario with their ground truth: COCO instances, depth in millimetres, poses.
    Render(RenderArgs),
    /// Be the cell: arm, tool, cameras and items of a scenario behind a socket, for `nuthatch run --world`.
    World(WorldArgs),
    /// Look at a picture of a tote: what is where, what it is believed to be, what to do with it, what it is like to hold.
    Perceive(perceive::PerceiveArgs),
    /// Check a catalogue, or make the goods that come with the program.
    #[command(subcommand)]
    Catalog(Catalog),
    /// Print one recorded pick as a page: what was believed, considered, chosen, measured, and how it ended.
    Why(WhyArgs),
}

/// How grasps are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// The seal and wrench model with cups chosen for the item.
    Planned,
    /// The patch of least normal variance nearest the item's centre, one cup, untuned.
    Baseline,
}

/// A class of items after Dex-Net 3.0 (Mahler et al. 2018).
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Class {
    /// Boxes and cylinders with faces that a lip seals on.
    Basic,
    /// What a household has.
    Typical,
    /// Porous, perforated, creased and slim goods.
    Adversarial,
    /// All three.
    All,
}

/// Where a bench's items come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ItemsFrom {
    /// The networks find and name them.
    Networks,
    /// True outlines and names, with the depth that the camera saw: judges grasps and physics alone.
    Truth,
}

impl ItemsFrom {
    /// Its name in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Networks => "networks",
            Self::Truth => "truth",
        }
    }
}

/// The clock that the cell runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ClockKind {
    /// Lockstep with the simulated world: the same for the same seed, faster than real time.
    Virtual,
    /// The wall's.
    Wall,
}

/// Where the gripper's firmware runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ToolKind {
    /// In the world's process, as a library.
    World,
    /// As the image on an emulated microcontroller.
    Emulator,
}

impl From<ClockKind> for control::Clock {
    fn from(kind: ClockKind) -> Self {
        match kind {
            ClockKind::Virtual => Self::Virtual,
            ClockKind::Wall => Self::Wall,
        }
    }
}

/// `nuthatch run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch run                                   the default cell, tote and orders
  nuthatch run --seed 7 --rerun run.rrd          the same input gives the same motion; see it in Rerun
  nuthatch run --record out && nuthatch why out 3
  nuthatch run --orders my-orders.toml --scenario my-tote.toml
  nuthatch run --world cell.sock                 the cell of `nuthatch world --socket cell.sock`

Writes report.json into the folder of --record, else into the current one.")]
pub struct RunArgs {
    /// Seed of the simulated world: how items lie, what the sensors add, how cups scatter.
    #[arg(long, value_name = "N", conflicts_with = "world")]
    seed: Option<u64>,
    /// What lies in the totes: a file, or the name of a shipped scenario; `default` when left out.
    #[arg(long, value_name = "FILE|NAME", conflicts_with = "world")]
    scenario: Option<String>,
    /// The cell file, in place of the one that the scenario names.
    #[arg(long, value_name = "FILE")]
    cell: Option<PathBuf>,
    /// The orders file, in place of the embedded example.
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Socket of a world that runs in a process of its own (`nuthatch world`); nothing is simulated here then.
    #[arg(long, value_name = "SOCKET")]
    world: Option<PathBuf>,
    /// The clock to run on; `wall` needs --world, and a world on the same clock.
    #[arg(long, value_enum, default_value = "virtual")]
    clock: ClockKind,
    /// Write a Rerun recording of everything.
    #[arg(long, value_name = "FILE.rrd")]
    rerun: Option<PathBuf>,
    /// Open the Rerun viewer and show the run live (`make viewer` installs it).
    #[arg(long, conflicts_with = "rerun")]
    viewer: bool,
    /// Keep picks.jsonl and report.json in this folder, for `nuthatch why`.
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// How grasps are chosen.
    #[arg(long, value_enum, default_value = "planned")]
    strategy: Strategy,
    /// Where the gripper's firmware runs: in the world, or as its image on an emulated board, which is started for this run
    /// (`make firmware` builds it) and needs --world and --clock wall.
    #[arg(long, value_enum, default_value = "world")]
    tool: ToolKind,
    /// Go on for so many hours. Not there yet.
    #[arg(long, value_name = "H")]
    hours: Option<f64>,
    /// Print report.json as the last line instead of the table.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// Picks in the default scenario over many seeds, beside the plain baseline.
    Pick(PickArgs),
    /// Class of items × clutter × depth noise: picked, seconds a pick, drops, wrong items.
    Matrix(MatrixArgs),
    /// Speed of the simulated cell, of its physics and of its images; soundness of its piles.
    Sim(SimArgs),
    /// Online packing of published streams into a bin of 10 × 10 × 10 cells, beside plain heuristics.
    Packing(PackingArgs),
    /// Carries over tote walls: planning time, duration against the least possible, a second look for limits and collisions;
    /// beside Ruckig and OMPL where `make peers` has installed them.
    Motion(MotionArgs),
    /// Outlines of items against the truth: average precision, by kind of item, beside plane removal.
    Segment(seeing::SegmentArgs),
    /// Which SKU of a manifest an item is: recall, calibration, and what a bound on wrong deliveries costs in refusals.
    Identify(seeing::IdentifyArgs),
    /// How long a look takes, part by part; beside Python's ONNX Runtime where `make peers` has installed it.
    Perception(seeing::PerceptionArgs),
    /// The gripper's image on an emulated board: round trips, times to safety, sizes.
    Firmware(FirmwareArgs),
}

/// `nuthatch bench firmware`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch bench firmware
  nuthatch bench firmware --full --json

Needs the image (`make firmware`) and qemu-system-arm.")]
pub struct FirmwareArgs {
    /// Pick the default orders through the board as well, on the wall's clock: two minutes.
    #[arg(long)]
    pub full: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch bench motion`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch bench motion
  nuthatch bench motion --acceleration 0.5 --json
  nuthatch bench motion --cell mycell.toml --count 200")]
pub struct MotionArgs {
    /// A cell file in place of the default one.
    #[arg(long, value_name = "FILE")]
    pub cell: Option<PathBuf>,
    /// How many problems, from 1 to 100000.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub count: u64,
    /// Seed of the first problem; each next one has the next seed.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub seed: u64,
    /// Share of the arm's acceleration and jerk, from 0.1 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    pub acceleration: f64,
    /// The reported length: 10,000 problems.
    #[arg(long)]
    pub full: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// A published set of sequences.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PackingSet {
    /// Sides uniform in 2…5 (Zhao et al., AAAI 2021).
    Rs,
    /// The bin cut into pieces, ordered by height.
    Cut1,
    /// The bin cut into pieces, each after those that it stands on.
    Cut2,
    /// Sides uniform in 1…5, with stability (PCT, Zhao et al., ICLR 2022).
    Pct1,
    /// Sides uniform in 1…5, without.
    Pct2,
    /// The default cell's goods into its bins, one by one, by physics.
    Cell,
}

/// How items may be turned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Rotation {
    /// Not at all.
    None,
    /// By 90° about the vertical.
    Yaw,
    /// Any side down.
    All,
}

impl Rotation {
    /// Its name in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Yaw => "yaw",
            Self::All => "all",
        }
    }
}

/// `nuthatch bench packing`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch bench packing --set rs
  nuthatch bench packing --set cut2 --lookahead 10 --full --json
  nuthatch bench packing --set cell --pictures bins                          the default cell's goods and bins, by physics
  nuthatch bench packing --set rs --sequences mine.json --dump placed.jsonl   mine.json: [[[4,3,2],[5,5,2]], …]")]
pub struct PackingArgs {
    /// Which sequences, and which rule of stability.
    #[arg(long, value_enum)]
    pub set: PackingSet,
    /// Items of a JSON file in place of the set's: a list of sequences of [x, y, z], in cells.
    #[arg(long, value_name = "FILE")]
    pub sequences: Option<PathBuf>,
    /// How many of the next items are known. They come in their order all the same.
    #[arg(long, value_name = "K", default_value_t = 0)]
    pub lookahead: usize,
    /// The search's budget for a decision: items placed in rollouts, and as much work for known items; 0 to 10000000. Left
    /// out: what is reported.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=10_000_000))]
    pub nodes: Option<u32>,
    /// How items may be turned: none for rs, cut1 and cut2, yaw for pct1, all for pct2 when left out.
    #[arg(long, value_enum)]
    pub rotation: Option<Rotation>,
    /// Write where each item went, one JSON line each: lower corner and size after turning, in cells; of cell the poses that
    /// were meant and that it came to.
    #[arg(long, value_name = "FILE")]
    pub dump: Option<PathBuf>,
    /// Save the bin camera's picture of each full bin here; for cell alone.
    #[arg(long, value_name = "DIR")]
    pub pictures: Option<PathBuf>,
    /// How many sequences, from 1 to 100000: 100, of cell 20, when left out.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    pub count: Option<u64>,
    /// Seed of the sequences.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The reported length: 2,000 sequences, of cell 200.
    #[arg(long)]
    pub full: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch bench matrix`.
#[derive(Debug, Args)]
pub struct MatrixArgs {
    /// A class of items: a scenario's file or the name of a shipped one; may be given more than once. `default`, `basic`,
    /// `typical` and `adversarial` when left out. Its first tote with items is thinned, or filled up, to 5, 15 and 30 items.
    /// Scenarios with a catalogue of their own get items of true outlines and names, as `bench pick --class` does.
    #[arg(long, value_name = "FILE|NAME")]
    pub scenario: Vec<String>,
    /// How many seeds a cell of the table, from 1 to 100.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    pub seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub seed: u64,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch bench sim`.
#[derive(Debug, Args)]
pub struct SimArgs {
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub seed: u64,
    /// The reported length: five runs of the cell instead of one, 1,000 poured totes instead of 20.
    #[arg(long)]
    pub full: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch bench pick`.
#[derive(Debug, Args)]
pub struct PickArgs {
    /// How many seeds, from 1 to 1000; the reported ones start at --seed.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub seeds: u64,
    /// The first seed.
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub seed: u64,
    /// A class of items after Dex-Net 3.0, in place of the default scenario; `all` for one after another.
    #[arg(long, value_enum)]
    pub class: Option<Class>,
    /// Another scenario in place of the default one: a file, or the name of a shipped one.
    #[arg(long, value_name = "FILE|NAME", conflicts_with = "class")]
    pub scenario: Option<String>,
    /// Where the items of an image come from; when left out, the networks for the default catalogue's goods, and the truth
    /// for others, which the networks don't know yet.
    #[arg(long, value_enum)]
    pub items: Option<ItemsFrom>,
    /// Run one strategy alone; without it ours and the baseline run on the same seeds.
    #[arg(long, value_enum)]
    pub strategy: Option<Strategy>,
    /// Share of the arm's acceleration and jerk, from 0.1 to 1.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0, value_parser = share)]
    pub acceleration: f64,
    /// The reported length: 100 seeds.
    #[arg(long)]
    pub full: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    pub json: bool,
}

/// `nuthatch catalog`.
#[derive(Debug, Subcommand)]
pub enum Catalog {
    /// Say what is wrong with each SKU of a catalogue and how large it is; exit code 2 when one can't be used.
    Check(CheckArgs),
    /// Write the goods that come with the program, as a catalogue.
    Make(MakeArgs),
    /// Enrol a new SKU from a few photographs: no network is trained again.
    Add(enrol::AddArgs),
    /// Say which SKUs the tool can hold, and how. Not there yet.
    Report(LaterArgs),
}

/// `nuthatch catalog check`.
#[derive(Debug, Args)]
#[command(after_help = "\
A folder of its own becomes a SKU: NAME/sku.toml with views/. To be simulated too it needs one OBJ (metres, z up) or GLB mesh, and its texture (in the GLB,
map_Kd of the MTL, or texture.png). Views: views/0.png to 5.png, or let --make-views draw them from the mesh.")]
pub struct CheckArgs {
    /// The folder with one folder a SKU, or a catalogue.json.
    dir: PathBuf,
    /// Draw the reference views of SKUs that have none from their meshes.
    #[arg(long)]
    make_views: bool,
    /// Print one JSON object on the last line.
    #[arg(long)]
    json: bool,
}

/// `nuthatch catalog make`.
#[derive(Debug, Args)]
pub struct MakeArgs {
    /// The folder to write into; it is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// A command that a later version brings.
#[derive(Debug, Args)]
pub struct LaterArgs {
    /// The folder with one folder a SKU.
    dir: Option<PathBuf>,
}

/// `nuthatch render`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch render --scenario mixed --count 12 --out out/mixed
  nuthatch render --skus 300 --count 3000 --out out/train               goods of chance, for training
  nuthatch render --skus 60 --held-out --count 200 --out out/held-out   of families and prints never trained on")]
pub struct RenderArgs {
    /// What lies in the totes: a file, or the name of a shipped scenario.
    #[arg(long, value_name = "FILE|NAME", default_value = "default", conflicts_with = "skus")]
    scenario: String,
    /// Draw so many SKUs of chance instead, and totes of them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    skus: Option<u32>,
    /// Draw them from the families and print styles that training never shows.
    #[arg(long, requires = "skus")]
    held_out: bool,
    /// How many scenes, from 1 to 100000; each has the next seed.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    count: u32,
    /// The folder to write into; it is made.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Seed of the first scene.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// `nuthatch world`.
#[derive(Debug, Args)]
#[command(after_help = "\
Example, in two terminals:
  nuthatch world --socket cell.sock
  nuthatch run --world cell.sock

Serves one runtime after another until it is stopped. When its runtime goes, the arm brakes and the tool makes itself
safe by the host's silence; on the virtual clock time then stands until the next one comes.")]
pub struct WorldArgs {
    /// What lies in the totes: a file, or the name of a shipped scenario.
    #[arg(long, value_name = "FILE|NAME", default_value = "default")]
    scenario: String,
    /// The cell file, in place of the one that the scenario names.
    #[arg(long, value_name = "FILE")]
    cell: Option<PathBuf>,
    /// Where to listen; the file is made.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// Whose time the cell runs on: the runtime's, or the wall's.
    #[arg(long, value_enum, default_value = "virtual")]
    clock: ClockKind,
    /// On the wall's clock: let the cell's time wait so many milliseconds for a late setpoint, for machines that are busy
    /// with other things. A real arm waits for nobody.
    #[arg(long, value_name = "MS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=1000))]
    patience_ms: u64,
    /// Seed of the world; the scenario's when left out.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// `nuthatch why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The folder that `run --record` wrote.
    dir: PathBuf,
    /// The pick's number, as the terminal showed it.
    pick: u32,
    /// Print the record as JSON.
    #[arg(long)]
    json: bool,
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// All done.
    Done,
    /// Finished, but orders are unfilled.
    Unfilled,
}

/// Why a command ended early.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Input that can't be used; nothing has moved.
    #[error(transparent)]
    Input(Box<dyn std::error::Error + Send + Sync>),
    /// A device or this program is at fault.
    #[error(transparent)]
    Fault(Box<dyn std::error::Error + Send + Sync>),
    /// A flag that a later version brings.
    #[error("{flag} is not there yet: {instead}")]
    Later {
        /// The flag with its value.
        flag: String,
        /// What to do now.
        instead: &'static str,
    },
}

impl CliError {
    /// Wraps bad input.
    pub fn input(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Input(Box::new(error))
    }
    /// Wraps a fault.
    pub fn fault(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Fault(Box::new(error))
    }
}

/// Parses the arguments, runs the command, prints errors with their chain.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Printing to a closed terminal has nowhere to go.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let result = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Bench(Bench::Pick(args)) => crate::bench::pick::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Matrix(args)) => crate::bench::matrix::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Packing(args)) => crate::bench::packing::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Motion(args)) => crate::bench::motion::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Segment(args)) => crate::bench::segment::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Identify(args)) => crate::bench::identify::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Perception(args)) => crate::bench::perception::run(&args).map(|()| Exit::Done),
        Command::Bench(Bench::Firmware(args)) => crate::bench::firmware::run(&args).map(|()| Exit::Done),
        Command::Render(args) => render::render(&args).map(|()| Exit::Done),
        Command::Perceive(args) => perceive::perceive(&args).map(|()| Exit::Done),
        Command::World(args) => world::world(&args).map(|never| match never {}),
        Command::Bench(Bench::Sim(args)) => crate::bench::world::run(&args).map(|()| Exit::Done),
        Command::Catalog(args) => catalog::catalog(&args).map(|()| Exit::Done),
        Command::Why(args) => why::why(&args).map(|()| Exit::Done),
    };
    match result {
        Ok(Exit::Done) => ExitCode::SUCCESS,
        Ok(Exit::Unfilled) => ExitCode::from(1),
        Err(error) => {
            eprintln!("nuthatch: {}", chain(&error));
            ExitCode::from(if matches!(error, CliError::Fault(_)) { 3 } else { 2 })
        }
    }
}

/// An error and its causes on one line, each once.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// A share of the arm's acceleration.
fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if (0.1..=1.0).contains(&value) => Ok(value),
        _ => Err("must be a number from 0.1 to 1".into()),
    }
}
