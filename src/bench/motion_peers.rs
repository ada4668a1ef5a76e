//! Two peers beside the planner: Ruckig in C++, whose timing ours is a translation of, and OMPL's RRT-Connect. The
//! planner gives a timed motion that was checked sample by sample with distances kept; OMPL gives a path: configurations
//! with nothing overlapping on the straight ways of the joints between them, neither timed nor shortened.

use std::io::{self, BufRead, Write};
use std::ops::Range;
use std::path::Path;

use control::JointAngles;
use control::trial::{Problem, Recheck, Site, Transfer, way_is_free};
use serde::{Deserialize, Serialize};

use super::peer::{Peer, PeerError};
use super::spread::quantile;
use crate::clock::Stopwatch;

/// Joint motions that are timed: every kind of profile comes up, and it is done within a second.
const TRANSFERS: u64 = 1_000;
/// Problems that OMPL is given, of the bench's the first: enough for a p99, and it takes some ten seconds.
const PROBLEMS: u64 = 200;
/// How long OMPL may look for a path, seconds, checks and pipe included: what MoveIt gives a planner by default.
const LOOK_FOR_S: f64 = 5.0;
/// How long a problem may take on the mean, seconds; several times what it does.
const MEAN_S: f64 = 1.0;
/// Starting Python, and drawing problems.
const BESIDES_S: f64 = 60.0;

const RUCKIG: Peer = Peer { package: "ruckig", script: include_str!("ruckig_times.py"), limit_s: BESIDES_S };
const OMPL: Peer =
    Peer { package: "ompl", script: include_str!("ompl_paths.py"), limit_s: BESIDES_S + PROBLEMS as f64 * MEAN_S };

/// Figures of the peers, or why there are none.
#[derive(Debug, Serialize)]
pub(super) struct MotionPeers {
    ruckig: Option<RuckigRow>,
    ruckig_why: Option<String>,
    ompl: Option<OmplRow>,
    ompl_why: Option<String>,
}

/// Six joints from anywhere to rest anywhere, under the arm's limits.
#[derive(Debug, Serialize)]
struct RuckigRow {
    n: usize,
    /// Transfers that one of the two refuses and the other times; they count in no difference.
    refused_by_ours: usize,
    refused_by_theirs: usize,
    /// Of our duration from theirs, as a share of theirs.
    relative_difference_max: f64,
    relative_difference_mean: f64,
    /// Filling in the question included.
    ours_us_mean: f64,
    /// Of `calculate()` alone, called from Python and timed there.
    theirs_us_mean: f64,
}

/// Paths from the grasp to any branch of the goal, RRT-Connect as OMPL sets it up by itself. What a way is checked for is
/// the second look's, not the planner's: nothing overlaps, no distance is kept, what is held may lean on walls all the
/// way. Times are of all problems: without a path, the time it was given.
#[derive(Debug, Serialize)]
struct OmplRow {
    n: usize,
    limit_s: f64,
    /// Of all problems, reachable or not.
    success: f64,
    /// As it ran, each way between two configurations asked through a pipe.
    time_ms_p50: f64,
    time_ms_p99: f64,
    /// As if the checks were in its own process.
    without_pipe_ms_p50: f64,
    without_pipe_ms_p99: f64,
    /// As if the checks took no time.
    without_checks_ms_p50: f64,
    without_checks_ms_p99: f64,
    ways_checked_mean: f64,
    /// Our first plan of the same problems: a timed, checked motion.
    ours_success: f64,
    ours_ms_p50: f64,
    ours_ms_p99: f64,
}

impl MotionPeers {
    /// Asks both peers, as installed under `home`. The problems of `seeds` are drawn anew, the first [`PROBLEMS`] of them.
    pub(super) fn beside(site: &Site<'_>, seeds: Range<u64>, home: &Path) -> Self {
        let (ruckig, ompl) = (ask_ruckig(site, seeds.start, home), ask_ompl(site, seeds, home));
        let why = |error: Option<&PeerError>| error.map(ToString::to_string);
        let (ruckig_why, ompl_why) = (why(ruckig.as_ref().err()), why(ompl.as_ref().err()));
        Self { ruckig: ruckig.ok(), ruckig_why, ompl: ompl.ok(), ompl_why }
    }

    pub(super) fn print(&self) {
        if let Some(row) = &self.ruckig {
            println!(
                "  {} durations against Ruckig's, relative difference max / mean  {:.1e} / {:.1e}; µs {:.1}, theirs {:.1}",
                row.n, row.relative_difference_max, row.relative_difference_mean, row.ours_us_mean, row.theirs_us_mean
            );
        }
        if let Some(row) = &self.ompl {
            println!(
                "  {} problems: paths by OMPL {:.2} within {} s, ms p50 / p99  {:.1} / {:.0}, without checks and pipe {:.1} / {:.0}",
                row.n,
                row.success,
                row.limit_s,
                row.time_ms_p50,
                row.time_ms_p99,
                row.without_checks_ms_p50,
                row.without_checks_ms_p99
            );
            println!(
                "    timed motions by our first plan {:.2}, ms p50 / p99  {:.2} / {:.2}",
                row.ours_success, row.ours_ms_p50, row.ours_ms_p99
            );
        }
        for why in self.ruckig_why.iter().chain(&self.ompl_why) {
            println!("  {why}");
        }
    }
}

/// What the script is told of Ruckig's transfers.
#[derive(Debug, Serialize)]
struct Transfers {
    velocity: [f64; 6],
    acceleration: [f64; 6],
    jerk: [f64; 6],
    motions: Vec<Moving>,
}

#[derive(Debug, Serialize)]
struct Moving {
    from: [f64; 6],
    velocity: [f64; 6],
    acceleration: [f64; 6],
    to: [f64; 6],
}

#[derive(Debug, Deserialize)]
struct Durations {
    durations_s: Vec<Option<f64>>,
    us: Vec<f64>,
}

fn ask_ruckig(site: &Site<'_>, seed: u64, home: &Path) -> Result<RuckigRow, PeerError> {
    let transfers: Vec<_> = (seed..seed.saturating_add(TRANSFERS)).map(|s| Transfer::draw(site.robot, s)).collect();
    let joints = &site.robot.joints;
    let told = Transfers {
        velocity: joints.map(|j| j.velocity),
        acceleration: joints.map(|j| j.acceleration),
        jerk: joints.map(|j| j.jerk),
        motions: transfers
            .iter()
            .map(|&Transfer { from, velocity, acceleration, to }| Moving { from, velocity, acceleration, to })
            .collect(),
    };
    let theirs: Durations = RUCKIG.ask(home, &told)?;
    let since = Stopwatch::start();
    let ours: Vec<_> = transfers.iter().map(|t| t.duration(site.robot)).collect();
    let ours_us_mean = since.seconds() * 1e6 / ours.len() as f64;
    let pairs = || ours.iter().zip(&theirs.durations_s);
    let differences: Vec<f64> = pairs().filter_map(|(a, b)| a.zip(*b)).map(|(a, b)| (a - b).abs() / b).collect();
    Ok(RuckigRow {
        n: ours.len(),
        refused_by_ours: pairs().filter(|(a, b)| a.is_none() && b.is_some()).count(),
        refused_by_theirs: pairs().filter(|(a, b)| a.is_some() && b.is_none()).count(),
        relative_difference_max: differences.iter().copied().fold(0.0, f64::max),
        relative_difference_mean: mean(&differences),
        ours_us_mean,
        theirs_us_mean: mean(&theirs.us),
    })
}

/// The first line that OMPL's script is told.
#[derive(Debug, Serialize)]
struct Setting {
    seed: u32,
    limit_s: f64,
    ranges: [[f64; 2]; 6],
}

/// A line for each problem.
#[derive(Debug, Serialize)]
struct Wanted {
    start: [f64; 6],
    goals: Vec<[f64; 6]>,
}

/// A line that it answers.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
enum Said {
    /// Is this way free? It waits for the answer.
    Asks { from: [f64; 6], to: [f64; 6] },
    /// The problem is done.
    Ends { found: bool, seconds: f64, asking_s: f64 },
}

/// What became of one problem.
#[derive(Debug, Clone, Copy)]
struct Looked {
    found: bool,
    seconds: f64,
    /// Of them, waiting for answers, and what the answers took without the pipe.
    asking_s: f64,
    checking_s: f64,
    ways: u32,
    ours_found: bool,
    ours_s: f64,
}

fn ask_ompl(site: &Site<'_>, seeds: Range<u64>, home: &Path) -> Result<OmplRow, PeerError> {
    let looked = OMPL.talk(home, |mut to, mut from| {
        let setting = Setting {
            // Zero would be no seed.
            seed: (seeds.start as u32).max(1),
            limit_s: LOOK_FOR_S,
            ranges: site.robot.joints.map(|j| [j.min, j.max]),
        };
        say(&mut to, &setting)?;
        let first = seeds.take(PROBLEMS as usize).filter_map(|seed| Problem::draw(site, seed));
        first.map(|problem| look_for(site, &problem, &mut to, &mut from)).collect::<io::Result<Vec<_>>>()
    })?;
    let share = |of: fn(&Looked) -> bool| looked.iter().filter(|l| of(l)).count() as f64 / looked.len() as f64;
    let ms = |of: fn(&Looked) -> f64, part| quantile(looked.iter().map(|l| of(l) * 1e3).collect(), part);
    let [time, without_pipe, without_checks, ours]: [fn(&Looked) -> f64; 4] =
        [|l| l.seconds, |l| l.seconds - l.asking_s + l.checking_s, |l| l.seconds - l.asking_s, |l| l.ours_s];
    Ok(OmplRow {
        n: looked.len(),
        limit_s: LOOK_FOR_S,
        success: share(|l| l.found),
        time_ms_p50: ms(time, 0.5),
        time_ms_p99: ms(time, 0.99),
        without_pipe_ms_p50: ms(without_pipe, 0.5),
        without_pipe_ms_p99: ms(without_pipe, 0.99),
        without_checks_ms_p50: ms(without_checks, 0.5),
        without_checks_ms_p99: ms(without_checks, 0.99),
        ways_checked_mean: mean(&looked.iter().map(|l| f64::from(l.ways)).collect::<Vec<_>>()),
        ours_success: share(|l| l.ours_found),
        ours_ms_p50: ms(ours, 0.5),
        ours_ms_p99: ms(ours, 0.99),
    })
}

/// Gives OMPL a problem and answers its questions until it ends.
fn look_for(site: &Site<'_>, problem: &Problem, to: &mut impl Write, from: &mut impl BufRead) -> io::Result<Looked> {
    let since = Stopwatch::start();
    let ours = site.planner.carry(&problem.from, &problem.hold, &problem.drop, &problem.obstacles);
    let ours_s = since.seconds();
    let goals = problem.goals().iter().flat_map(|goal| site.planner.inverse(goal)).map(|q| q.0).collect();
    say(to, &Wanted { start: problem.from.0, goals })?;
    let recheck = Recheck::new(site, problem);
    let (mut line, mut checking_s, mut ways) = (String::new(), 0.0, 0);
    loop {
        line.clear();
        from.read_line(&mut line)?;
        match serde_json::from_str(&line)? {
            Said::Asks { from, to: end } => {
                let since = Stopwatch::start();
                let free = way_is_free(&recheck, &JointAngles(from), &JointAngles(end));
                checking_s += since.seconds();
                ways += 1;
                say(to, &free)?;
            }
            Said::Ends { found, seconds, asking_s } => {
                return Ok(Looked { found, seconds, asking_s, checking_s, ways, ours_found: ours.is_ok(), ours_s });
            }
        }
    }
}

/// A line of JSON.
fn say(to: &mut impl Write, what: &impl Serialize) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use control::{Cell, Planner};
    use serde_json::json;

    use super::*;

    fn with_site(test: impl FnOnce(&Site<'_>)) {
        let cell = Cell::from_toml(crate::bringup::DEFAULT_CELL, "default.toml").unwrap();
        let (robot, tool) = cell.models("default.toml", Path::new(".")).unwrap();
        let planner = Planner::new(&robot, &tool, &cell);
        test(&Site { cell: &cell, robot: &robot, tool: &tool, planner: &planner });
    }

    #[test]
    fn without_peers_their_fields_are_null_and_say_why() {
        with_site(|site| {
            let home = tempfile::tempdir().unwrap();
            let peers = MotionPeers::beside(site, 1000..1005, home.path());
            let why = |name| format!("{name} is not in .local/peers; make peers installs it");
            let expected =
                json!({ "ruckig": null, "ruckig_why": why("ruckig"), "ompl": null, "ompl_why": why("ompl") });
            assert_eq!(serde_json::to_value(&peers).unwrap(), expected);
        });
    }

    #[test]
    fn a_problem_is_a_line_and_each_question_is_answered_by_one() {
        with_site(|site| {
            let problem = Problem::draw(site, 1003).unwrap();
            let start = problem.from.0;
            // A way that stays at the start, one through the floor, and the end.
            let mut down = start;
            down[1] += 1.5;
            let said = format!(
                "{}\n{}\n{}\n",
                json!({ "from": start, "to": start }),
                json!({ "from": start, "to": down }),
                json!({ "found": true, "seconds": 0.5, "asking_s": 0.25 })
            );
            let mut told = Vec::new();
            let looked = look_for(site, &problem, &mut told, &mut Cursor::new(said)).unwrap();
            assert_eq!((looked.found, looked.seconds, looked.asking_s, looked.ways), (true, 0.5, 0.25, 2));
            let told = String::from_utf8(told).unwrap();
            let lines: Vec<&str> = told.lines().collect();
            assert!(lines[0].starts_with("{\"start\":[") && lines[0].contains("\"goals\":[["), "{}", lines[0]);
            assert_eq!(lines[1..], ["true", "false"]);
        });
    }

    #[test]
    fn a_peer_that_stops_in_the_middle_of_a_problem_is_an_error() {
        with_site(|site| {
            let problem = Problem::draw(site, 1003).unwrap();
            assert!(look_for(site, &problem, &mut Vec::new(), &mut Cursor::new("")).is_err());
        });
    }
}
