//! Every robot file that ships: against pinocchio and the data sheets, at its singularities, at work in a cell.
#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::BTreeMap;
use std::f64::consts::PI;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Boxes, Problem, Site, check_limits, down};
use control::{Cell, Drop, Geometry, HeldBox, Hold, JointAngles, Obstacles, Planner, RobotModel, ToolModel};
use firmware::CupSet;
use nalgebra::{Isometry3, Matrix6, Point3, Quaternion, Translation3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{HeightMap, Pose, frame};
use serde::Deserialize;

const CELL: &str = include_str!("../../src/cells/default.toml");
const TOOL: &str = include_str!("../tools/six-cup.toml");
const RECORDED: &str = include_str!("pinocchio.json");
const ARMS: [&str; 5] = ["fanuc-m20id-25", "fanuc-m20id-35", "abb-irb1200-7-07", "kuka-kr10-r1100", "ur10e"];

fn planner(name: &str, tool: &ToolModel) -> (RobotModel, Planner) {
    let robot = RobotModel::find(name, Path::new("")).unwrap();
    let cell = Cell::from_toml(CELL, "default.toml").unwrap();
    let planner = Planner::new(&robot, tool, &cell);
    (robot, planner)
}

fn six_cup() -> ToolModel {
    ToolModel::from_toml(TOOL, "six-cup.toml").unwrap()
}

// --- Against pinocchio

/// What the script writes.
#[derive(Deserialize)]
struct Recorded {
    pinocchio: String,
    flange_from_tool: [f64; 7],
    arms: BTreeMap<String, Vec<Answer>>,
}

#[derive(Deserialize)]
struct Answer {
    q: [f64; 6],
    /// Metres, quaternion x y z w.
    pose: [f64; 7],
    /// By rows, linear first, in the world.
    jacobian: [[f64; 6]; 6],
}

fn isometry([x, y, z, i, j, k, w]: [f64; 7]) -> Isometry3<f64> {
    Isometry3::from_parts(Translation3::new(x, y, z), UnitQuaternion::from_quaternion(Quaternion::new(w, i, j, k)))
}

/// Largest differences of position (metres), of the turn's matrix and of the Jacobian's elements, over all arms.
fn against(recorded: &Recorded) -> [f64; 3] {
    let tool = TOOL.replacen(
        "flange_from_tool = [0.0, 0.0, 0.27, 0.0, 0.0, 0.0, 1.0]",
        &format!("flange_from_tool = {:?}", recorded.flange_from_tool),
        1,
    );
    let tool = ToolModel::from_toml(&tool, "askew.toml").unwrap();
    assert!(recorded.arms.keys().all(|name| ARMS.contains(&name.as_str())));
    let mut all = [0.0_f64; 3];
    for name in ARMS {
        let (_, planner) = planner(name, &tool);
        let answers = &recorded.arms[name];
        assert_eq!(answers.len(), 20, "{name}");
        let mut worst = [0.0_f64; 3];
        for answer in answers {
            let q = JointAngles(answer.q);
            let (ours, theirs) = (*planner.forward(&q).isometry(), isometry(answer.pose));
            let turn = ours.rotation.to_rotation_matrix().matrix() - theirs.rotation.to_rotation_matrix().matrix();
            let jacobian = Matrix6::from_fn(|row, column| answer.jacobian[row][column]);
            let off = [
                (ours.translation.vector - theirs.translation.vector).norm(),
                turn.amax(),
                (planner.jacobian(&q) - jacobian).amax(),
            ];
            for (worst, off) in worst.iter_mut().zip(off) {
                *worst = worst.max(off);
            }
        }
        println!("{name}: position {:.1e} m, turn {:.1e}, Jacobian {:.1e}", worst[0], worst[1], worst[2]);
        all = std::array::from_fn(|i| all[i].max(worst[i]));
    }
    all
}

#[test]
fn poses_and_jacobians_are_those_that_pinocchio_gave() {
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    let pinned = include_str!("../../.ci/peers.txt").lines().any(|line| line == format!("pin=={}", recorded.pinocchio));
    assert!(pinned, "recorded with pinocchio {}", recorded.pinocchio);
    let worst = against(&recorded);
    // All lengths are below 2 m: some of the last digits of what was written.
    assert!(worst.iter().all(|off| *off < 2e-14), "{worst:?}");
}

/// Where pip puts pinocchio for `--target .local/peers`: its wheels bring a prefix of their own.
fn installed() -> Option<PathBuf> {
    let prefix = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.local/peers/cmeel.prefix/lib");
    let versions = std::fs::read_dir(prefix).ok()?;
    let packages = versions.filter_map(|entry| Some(entry.ok()?.path().join("site-packages")));
    packages.into_iter().find(|packages| packages.join("pinocchio").is_dir())
}

#[test]
fn the_script_still_gives_what_is_recorded() {
    let Some(packages) = installed() else {
        println!("skipped: pinocchio is not in .local/peers; make peers installs it");
        return;
    };
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.local/peers");
    let output = Command::new("python3")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/pinocchio_arms.py"))
        .env("PYTHONPATH", std::env::join_paths([peers, packages]).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let anew: Recorded = serde_json::from_slice(&output.stdout).unwrap();
    let worst = against(&anew);
    assert!(worst.iter().all(|off| *off < 2e-14), "{worst:?}");
    let recorded: Recorded = serde_json::from_str(RECORDED).unwrap();
    for (name, answers) in &recorded.arms {
        for (a, b) in answers.iter().zip(&anew.arms[name]) {
            assert_eq!(a.q, b.q, "{name}");
        }
    }
}

// --- Reach

/// The centre of the wrist: of a UR arm where J5's and J6's axes meet.
fn wrist(robot: &RobotModel, planner: &Planner, q: [f64; 6]) -> Vector3<f64> {
    let links = planner.links(&JointAngles(q));
    match robot.geometry {
        Geometry::Opw(_) => links[5].translation.vector,
        Geometry::Ur(ur) => (links[6] * Point3::new(0.0, ur.d6, 0.0)).coords,
    }
}

#[test]
fn the_arms_reach_as_far_as_their_data_sheets_say() {
    // UR gives its reach rounded.
    let sheets = [1.831, 1.831, 0.703, 1.101, 1.300];
    for ((name, sheet), within) in ARMS.iter().zip(sheets).zip([1e-3, 1e-3, 1e-3, 1e-3, 5e-3]) {
        let (robot, planner) = planner(name, &six_cup());
        // How far forward of J1's axis the wrist comes in the plane of the arm: by halving steps from the best of many.
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let forward = |q: [f64; 6]| wrist(&robot, &planner, q).x.abs();
        let mut best = [0.0; 6];
        let mut step = PI;
        for n in 0..60_000 {
            let mut q = best;
            for (angle, limits) in q.iter_mut().zip(&robot.joints).take(4).skip(1) {
                *angle = (*angle + rng.random_range(-step..step)).clamp(limits.min, limits.max);
            }
            if forward(q) > forward(best) {
                best = q;
            }
            if n % 3_000 == 2_999 {
                step *= 0.5;
            }
        }
        let reach = forward(best);
        println!("{name}: {reach:.4} m, data sheet {sheet:.3}");
        assert!((reach - sheet).abs() < within, "{name}: {reach}");
    }
}

// --- Singularities

/// The angle in `range` at which `of` changes its sign.
fn root(range: [f64; 2], of: impl Fn(f64) -> f64) -> f64 {
    let [mut low, mut high] = range;
    assert!(of(low) * of(high) < 0.0, "{} {}", of(low), of(high));
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if of(low) * of(middle) <= 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    low
}

#[test]
fn the_singularity_distance_is_nothing_at_the_known_ones_and_grows_beside_them() {
    for name in ARMS {
        let (robot, planner) = planner(name, &six_cup());
        // Wrist ahead, elbow up, tool leaning: J2 and J3 of the geometry at 40° and 60° from straight up.
        let joint = |i: usize, geometric: f64| (geometric + robot.offsets[i]) * f64::from(robot.signs[i]);
        let generic: [f64; 6] = match robot.geometry {
            Geometry::Opw(_) => [0.4, joint(1, 0.7), joint(2, 1.05), 0.5, 1.0, -0.3],
            Geometry::Ur(_) => [0.4, -1.2, 1.4, -1.0, 1.2, -0.3],
        };
        let distance = |q: [f64; 6]| planner.singularity_distance(&JointAngles(q));
        let with = |i: usize, angle: f64| {
            let mut q = generic;
            q[i] = angle;
            q
        };
        let stretched = match robot.geometry {
            Geometry::Opw(o) => joint(2, (-o.a2).atan2(o.c3)),
            Geometry::Ur(_) => 0.0,
        };
        // The wrist over J1's axis, for UR in the plane beside it.
        let over = |angle: f64| {
            let at = wrist(&robot, &planner, with(1, angle));
            at.x * generic[0].cos() + at.y * generic[0].sin()
        };
        let back = match robot.geometry {
            Geometry::Opw(_) => root([joint(1, -1.5), joint(1, 0.7)], over),
            Geometry::Ur(_) => root([-2.8, -1.2], over),
        };
        let singular = [("wrist", 4, 0.0), ("elbow", 2, stretched), ("shoulder", 1, back)];
        let far = distance(generic);
        println!("{name}: {far:.3} at a generic configuration");
        assert!(far > 0.08, "{name}: {far}");
        for (what, i, at) in singular {
            let here = distance(with(i, at));
            let beside = [-0.2, 0.2].map(|by| distance(with(i, at + by)));
            println!("  {what}: {here:.1e}, 0.2 rad beside it {:.3} and {:.3}", beside[0], beside[1]);
            assert!(here < 1e-9, "{name}, {what}: {here}");
            assert!(beside.iter().all(|d| *d > 0.01), "{name}, {what}: {beside:?}");
        }
    }
    let (_, planner) = planner("ur10e", &six_cup());
    assert_eq!(planner.singularity_distance(&JointAngles([f64::NAN; 6])), 0.0);
}

// --- At work

/// The default cell for a large arm; for a smaller one tote A and bin 1 are smaller and nearer: `ahead` of the arm and
/// `aside`, to the left and to the right. It rests above their middle.
fn site(name: &str) -> Site {
    let nearer = match name {
        "abb-irb1200-7-07" | "kuka-kr10-r1100" => Some((0.45, 0.25)),
        "ur10e" => Some((0.65, 0.30)),
        _ => None,
    };
    let mut text = CELL.replacen("robot = \"fanuc-m20id-25\"", &format!("robot = \"{name}\""), 1);
    if let Some((ahead, aside)) = nearer {
        for (from, to) in [
            ("world_from = [0.90, 0.42,", format!("world_from = [{ahead}, {aside},")),
            ("size_m = [0.600, 0.400, 0.300]", "size_m = [0.400, 0.300, 0.150]".into()),
            ("world_from = [0.74, -0.30,", format!("world_from = [{ahead}, -{aside},")),
            ("size_m = [0.400, 0.300, 0.220]", "size_m = [0.300, 0.200, 0.120]".into()),
        ] {
            assert!(text.contains(from), "{from}");
            text = text.replacen(from, &to, 1);
        }
    }
    let mut cell = Cell::from_toml(&text, "cell.toml").unwrap();
    let robot = RobotModel::find(&cell.robot, Path::new("")).unwrap();
    let tool = ToolModel::find(&cell.tool, Path::new("")).unwrap();
    let planner = Planner::new(&robot, &tool, &cell);
    if let Some((ahead, _)) = nearer {
        // Elbow up, nothing wound.
        let above = Pose::from_parts(Vector3::new(ahead - 0.03, 0.0, 0.42), down(0.0));
        let rests = planner.inverse(&above).into_iter().filter(|q| q.0.iter().all(|a| a.abs() <= PI));
        let elbow = |q: &JointAngles| planner.links(q)[3].translation.z;
        cell.rest = rests.max_by(|a, b| elbow(a).total_cmp(&elbow(b))).unwrap();
    }
    Site { cell, robot, tool, planner }
}

/// A carton in tote A, to be put into bin 1, with other things around it.
fn problem(site: &Site, seed: u64) -> Problem {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let size = [rng.random_range(0.07..0.12), rng.random_range(0.06..0.10), rng.random_range(0.03..0.08)];
    let (tote, bin) = (&site.cell.totes[0], &site.cell.bins[0]);
    let around = |rng: &mut ChaCha8Rng, inner: [f64; 3]| {
        let room = [0.5 * inner[0] - 0.09, 0.5 * inner[1] - 0.08].map(|room: f64| room.max(0.01));
        Vector3::new(rng.random_range(-room[0]..room[0]), rng.random_range(-room[1]..room[1]), 0.0)
    };
    let at = tote.world_from.origin().coords + around(&mut rng, tote.size) + Vector3::z() * size[2];
    let place = bin.world_from.origin().coords + around(&mut rng, bin.size) + Vector3::z() * (size[2] + 0.01);
    let mut map = HeightMap::<frame::Tote>::over_floor([tote.size[0], tote.size[1]], 0.005, 0.0);
    let origin = tote.world_from.origin();
    for j in 0..map.ny {
        for i in 0..map.nx {
            let [x, y] = map.centre(i, j);
            let near = (x + origin.x - at.x).hypot(y + origin.y - at.y) < 0.12;
            let z = if near { at.z } else { rng.random_range(0.0..0.08) };
            map.set(i, j, z.min(at.z) as f32);
        }
    }
    let mut obstacles = Obstacles::of_cell(&site.cell);
    obstacles.set_tote("tote-a", &map).unwrap();
    let yaw = rng.random_range(-0.3..0.3);
    Problem {
        from: site.cell.rest,
        hold: Hold {
            world_from_tool: Pose::from_parts(at, down(yaw)),
            touch_speed: 0.05,
            guard_m: 0.012,
            approach_m: 0.05,
            closed_m: 0.0,
            press_m: 0.004,
            cups: CupSet::ALL,
            max_acceleration: 8.0,
            max_vertical: 8.0,
            rest_share: 0.5,
            held: HeldBox {
                tool_from_box: Pose::from_translation(Vector3::new(0.0, 0.0, 0.5 * size[2])),
                size_m: size,
            },
            mass_kg: 0.4,
            expected_pa: 50_000,
        },
        drop: Drop {
            world_from_tool: Pose::from_parts(place, down(0.0)),
            touch_speed: 0.05,
            guard_m: 0.012,
            half_turn: false,
            approach_m: 0.05,
        },
        obstacles,
        tote: map,
    }
}

#[test]
fn every_arm_reaches_and_carries_within_its_limits_and_the_same_way_twice() {
    for name in ARMS {
        let site = site(name);
        let (mut planned, mut seconds) = (0, 0.0);
        for seed in 0..12 {
            let problem = problem(&site, seed);
            let plan = || {
                let reach = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles)?;
                let carry = site.planner.carry(&reach.end(), &problem.hold, &problem.drop, &problem.obstacles)?;
                Ok::<_, control::PlanError>([reach, carry])
            };
            let programs = match plan() {
                Ok(programs) => programs,
                Err(error) => {
                    println!("{name}, problem {seed}: {error}");
                    continue;
                }
            };
            for (program, held) in programs.iter().zip([None, Some(&problem.hold.held)]) {
                check_limits(&site.robot, program, seed);
                Boxes::new(&site, &problem).check(&site, program, held, seed);
            }
            let missed = site.planner.forward(&programs[1].end()).origin() - problem.drop.world_from_tool.origin();
            assert!(missed.norm() < 1e-6, "{name}, problem {seed}: ends {missed} m off");
            assert!(plan().unwrap() == programs, "{name}, problem {seed}");
            seconds += programs[1].duration().seconds();
            planned += 1;
        }
        println!("{name}: {planned} of 12 planned, mean carry {:.2} s", seconds / f64::from(planned));
        assert!(planned >= 11, "{name}: {planned} of 12 planned");
    }
}
