//! Plans picks from tote A into the bins and prints how long planning and the motions take.
//!
//! ```text
//! cargo run --release -p control --example plan_times -- 500
//! ```
#![expect(clippy::disallowed_methods, reason = "what it prints is how long things take on this machine")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use control::{ArmState, Cell, Drop, Executor, HeldBox, Hold, Obstacles, Planner, SegmentKind, TickInputs};
use firmware::CupSet;
use nalgebra::{UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Pose, Timestamp};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(500), |n| n.parse())?;
    let cell = Cell::from_toml(include_str!("../../src/cells/default.toml"), "default.toml")?;
    let (robot, tool) = cell.models("default.toml", Path::new("."))?;
    let planner = Planner::new(&robot, &tool, &cell);
    let obstacles = Obstacles::of_cell(&cell);
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut rows: Vec<(&str, Vec<f64>)> = Vec::new();
    let mut note = |name, value| match rows.iter_mut().find(|(n, _)| *n == name) {
        Some((_, values)) => values.push(value),
        None => rows.push((name, vec![value])),
    };
    let mut failed = 0;
    for n in 0..count {
        let size = [0.14, 0.09, rng.random_range(0.03..0.15)];
        let at = Vector3::new(
            rng.random_range(0.70..1.10),
            rng.random_range(0.31..0.53),
            size[2] + rng.random_range(0.0..0.08),
        );
        let down = |yaw: f64| {
            UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw)
                * UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI)
        };
        let hold = Hold {
            world_from_tool: Pose::from_parts(at, down(rng.random_range(-1.5..1.5))),
            touch_speed: 0.05,
            approach_m: 0.08,
            closed_m: 0.0,
            press_m: 0.006,
            cups: CupSet::ALL,
            max_acceleration: rng.random_range(5.0..12.0),
            held: HeldBox {
                tool_from_box: Pose::from_translation(Vector3::new(0.0, 0.0, 0.5 * size[2])),
                size_m: size,
            },
            mass_kg: 0.4,
            expected_pa: 50_000,
        };
        let bin = cell.bins[n % cell.bins.len()].world_from.origin().coords;
        let place = bin + Vector3::new(rng.random_range(-0.1..0.1), rng.random_range(-0.06..0.06), size[2] + 0.01);
        let drop = Drop {
            world_from_tool: Pose::from_parts(place, down(rng.random_range(-1.5..1.5))),
            touch_speed: 0.05,
            approach_m: 0.05,
        };
        let begun = Instant::now();
        std::hint::black_box(planner.reachable(&hold));
        note("reachable, ms", begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let reach = planner.reach(&cell.rest, &hold, &obstacles);
        note("plan reach, ms", begun.elapsed().as_secs_f64() * 1e3);
        let begun = Instant::now();
        let carry = reach.as_ref().ok().map(|r| planner.carry(&r.end(), &hold, &drop, &obstacles));
        note("plan carry, ms", begun.elapsed().as_secs_f64() * 1e3);
        match (reach, carry) {
            (Ok(reach), Some(Ok(carry))) => {
                for kind in [SegmentKind::Reach, SegmentKind::Approach] {
                    note(
                        if kind == SegmentKind::Reach { "reach, s" } else { "approach, s" },
                        reach.duration_of(kind).seconds(),
                    );
                }
                note("lift, s", carry.duration_of(SegmentKind::Lift).seconds());
                note("carry, s", carry.duration_of(SegmentKind::Carry).seconds());
                note("lower, s", carry.duration_of(SegmentKind::Lower).seconds());
                note("pick, s", reach.duration().seconds() + carry.duration().seconds());
                // A stop at full speed is what a tick has most to do for.
                let mut executor = Executor::new(&robot, carry.start());
                executor.start(Arc::new(carry.clone()))?;
                let half = carry.samples().len() as u64 / 2;
                for tick in 0..half + 600 {
                    let now = Timestamp::from_nanos(tick * 1_000_000);
                    let arm = ArmState { at: now, q: executor.at(), dq: [0.0; 6], stopped: false };
                    let begun = Instant::now();
                    std::hint::black_box(executor.tick(&TickInputs { now, arm, contact: false, stop: tick > half }));
                    note(
                        if tick > half { "stopping tick, ms" } else { "tick, ms" },
                        begun.elapsed().as_secs_f64() * 1e3,
                    );
                }
                let begun = Instant::now();
                let back = planner.reach(&carry.end(), &hold, &obstacles)?;
                note("plan reach from a bin, ms", begun.elapsed().as_secs_f64() * 1e3);
                note("reach from a bin, all, s", back.duration().seconds());
            }
            (reach, carry) => {
                failed += 1;
                println!(
                    "pick {n}: {:?} {:?}",
                    reach.err().map(|e| e.to_string()),
                    carry.and_then(Result::err).map(|e| e.to_string())
                );
            }
        }
    }
    println!("{count} picks, {failed} without a plan\n{:28} {:>8} {:>8} {:>8}", "", "p50", "p99", "worst");
    for (name, values) in &mut rows {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
        println!("{name:28} {:8.3} {:8.3} {:8.3}", at(0.5), at(0.99), at(1.0));
    }
    Ok(())
}
