//! The executor over planned motions: what it commands, how it stops, that it doesn't allocate.
#![expect(clippy::panic, reason = "a test that can't go on fails")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell as Counter;
use std::sync::Arc;

use common::{problems, site};
use control::{
    ArmState, Executor, JointAngles, Motion, Program, RobotModel, SegmentKind, StartError, StopCause, TickInputs,
};
use scene::Timestamp;

struct Counting;

thread_local! {
    static ALLOCATIONS: Counter<usize> = const { Counter::new(0) };
}

// The one way to see allocations is to be the allocator.
#[expect(unsafe_code, reason = "a global allocator that counts and hands on to the system's")]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|n| n.set(n.get() + 1));
        // SAFETY: as for our own caller.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as for our own caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

fn inputs(tick: u64, at: JointAngles) -> TickInputs {
    let now = Timestamp::from_nanos(tick * 1_000_000);
    TickInputs { now, arm: ArmState { at: now, q: at, dq: [0.0; 6], stopped: false }, contact: false, stop: false }
}

/// Runs until it is over, with what `change` does to the inputs; gives the setpoints and the last state.
fn run(executor: &mut Executor, change: impl Fn(u64, Motion, &mut TickInputs)) -> (Vec<JointAngles>, Motion) {
    let mut setpoints = vec![executor.at()];
    let mut state = executor.state();
    for tick in 1..20_000 {
        let mut inputs = inputs(tick, executor.at());
        change(tick, state, &mut inputs);
        let out = executor.tick(&inputs);
        assert_eq!(out.setpoint.at, inputs.now);
        setpoints.push(out.setpoint.q);
        state = out.state;
        if state.is_over() {
            return (setpoints, state);
        }
    }
    panic!("still in {state:?} after 20 s");
}

/// Largest share of velocity, acceleration and jerk that setpoints use, at rest before and after.
fn shares(robot: &RobotModel, setpoints: &[JointAngles]) -> [f64; 3] {
    let last = setpoints.len() as isize - 1;
    let mut most = [0.0_f64; 3];
    for (i, limits) in robot.joints.iter().enumerate() {
        let at = |k: isize| setpoints[k.clamp(0, last) as usize].0[i];
        for k in 0..=last + 3 {
            let d1 = (at(k) - at(k - 1)) * 1e3;
            let d2 = (at(k) - 2.0 * at(k - 1) + at(k - 2)) * 1e6;
            let d3 = (at(k) - 3.0 * at(k - 1) + 3.0 * at(k - 2) - at(k - 3)) * 1e9;
            let each = [d1.abs() / limits.velocity, d2.abs() / limits.acceleration, d3.abs() / limits.jerk];
            most = std::array::from_fn(|n| most[n].max(each[n]));
        }
    }
    most
}

fn programs(count: u64) -> (common::Site, Vec<Arc<Program>>) {
    let site = site();
    let mut out = Vec::new();
    for (_, problem) in problems(&site, count) {
        let Ok(reach) = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles) else { continue };
        if let Ok(carry) = site.planner.carry(&reach.end(), &problem.hold, &problem.drop, &problem.obstacles) {
            out.push(Arc::new(carry));
        }
        out.push(Arc::new(reach));
    }
    (site, out)
}

#[test]
fn a_program_runs_from_its_start_to_its_end_within_the_limits() {
    let (site, programs) = programs(20);
    for program in programs {
        let mut executor = Executor::new(&site.robot, program.start());
        executor.start(program.clone()).unwrap();
        let (setpoints, state) = run(&mut executor, |_, _, _| {});
        assert_eq!(state, Motion::Done);
        assert_eq!(executor.at(), program.end());
        assert_eq!(setpoints.len(), program.samples().len() + 2);
        let worst = shares(&site.robot, &setpoints);
        assert!(worst.iter().all(|&s| s <= 1.0 + 1e-6), "{worst:?}");
        // What runs is what was checked, within what smoothing three samples does.
        let off = setpoints[2..].iter().zip(program.samples().iter().skip(1));
        let off = off.map(|(a, b)| a.largest_difference(b)).fold(0.0, f64::max);
        assert!(off < 6e-6, "{off} rad");
    }
}

/// Largest distance over the joints of a configuration from the straight way between two samples, radians.
fn beside(q: &JointAngles, samples: &[JointAngles]) -> f64 {
    let (a, b) = (&samples[0].0, &samples[1].0);
    let dot = |f: &dyn Fn(usize) -> f64| (0..6).map(f).sum::<f64>();
    let way = dot(&|i| (b[i] - a[i]).powi(2)).max(1e-18);
    let share = (dot(&|i| (q.0[i] - a[i]) * (b[i] - a[i])) / way).clamp(0.0, 1.0);
    (0..6).map(|i| (q.0[i] - a[i] - share * (b[i] - a[i])).abs()).fold(0.0, f64::max)
}

#[test]
fn a_stop_at_any_moment_keeps_the_limits_and_the_path() {
    let (site, programs) = programs(30);
    let (mut most, mut longest, mut stops) = ([0.0_f64; 3], 0, 0);
    for program in &programs {
        for at in (5..program.samples().len() as u64).step_by(19) {
            let mut executor = Executor::new(&site.robot, program.start());
            executor.start(program.clone()).unwrap();
            let (setpoints, state) = run(&mut executor, |tick, _, inputs| inputs.stop = tick >= at);
            assert!(matches!(state, Motion::Stopped(StopCause::Asked) | Motion::Done), "{state:?}");
            let worst = shares(&site.robot, &setpoints);
            assert!(worst.iter().all(|&s| s <= 1.0 + 1e-6), "stopped at {at}: {worst:?}");
            most = std::array::from_fn(|n| most[n].max(worst[n]));
            longest = longest.max(setpoints.len() as u64 - at);
            let end = executor.at();
            let near = program.samples().windows(2).map(|pair| beside(&end, pair)).fold(f64::MAX, f64::min);
            assert!(near < 2e-5, "{near} rad beside the path");
            stops += 1;
        }
    }
    println!("{stops} stops, most {most:?} of the limits, longest {longest} ms");
    assert!(longest < 800, "{longest} ms");
}

#[test]
fn contact_where_it_was_planned_ends_a_part_within_a_millimetre_and_a_half() {
    let site = site();
    let mut worst = 0.0_f64;
    for (seed, problem) in problems(&site, 40) {
        let Ok(reach) = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles) else { continue };
        let reach = Arc::new(reach);
        let mut executor = Executor::new(&site.robot, reach.start());
        executor.start(reach.clone()).unwrap();
        let touch = problem.hold.world_from_tool.inverse();
        let before = |at: JointAngles| touch.point(&site.planner.forward(&at).origin()).z;
        let start = Counter::new(None);
        let planner_before = |at| before(at);
        let (setpoints, state) = run(&mut executor, |_, state, inputs| {
            let depth = planner_before(inputs.arm.q);
            // Contact 10 mm early, all the time from then on; and nonsense while the arm is still far.
            let reached = state.in_segment(SegmentKind::Approach) && depth > -0.010;
            if reached && start.get().is_none() {
                start.set(Some(depth));
            }
            inputs.contact = reached || state.in_segment(SegmentKind::Reach);
        });
        assert_eq!(state, Motion::Contact, "problem {seed}");
        assert!(state.touched() && state.is_over());
        let shares = shares(&site.robot, &setpoints);
        assert!(shares.iter().all(|&s| s <= 1.0 + 1e-6), "problem {seed}: {shares:?}");
        let further = before(executor.at()) - start.get().unwrap();
        worst = worst.max(further);
        // A new program starts from where the arm now is.
        let up = site.planner.retreat(&executor.at(), 0.0, &problem.obstacles).unwrap();
        executor.start(Arc::new(up)).unwrap();
        assert_eq!(run(&mut executor, |_, _, _| {}).1, Motion::Done);
    }
    println!("at most {worst} m after contact");
    assert!(worst < 0.0015, "{worst} m");
}

#[test]
fn a_program_that_starts_elsewhere_or_too_early_is_refused() {
    let (site, programs) = programs(1);
    let program = &programs[0];
    let mut executor = Executor::new(&site.robot, JointAngles::default());
    assert_eq!(executor.state(), Motion::Idle);
    let error = executor.start(program.clone()).unwrap_err();
    let start = program.start().0[0];
    assert_eq!(
        error.to_string(),
        format!("program starts with J1 at {start:.6} rad, the arm is at 0.000000 rad; must agree within 1e-8 rad")
    );
    let mut executor = Executor::new(&site.robot, program.start());
    executor.start(program.clone()).unwrap();
    executor.tick(&inputs(1, program.start()));
    let error = executor.start(program.clone()).unwrap_err();
    assert_eq!(error, StartError::Moving { segment: SegmentKind::Lift });
    assert_eq!(error.to_string(), "a program can't start while the arm is in lift");
}

#[test]
fn an_arm_that_stops_by_itself_is_followed() {
    let (site, programs) = programs(1);
    let program = &programs[0];
    let mut executor = Executor::new(&site.robot, program.start());
    executor.start(program.clone()).unwrap();
    let elsewhere = JointAngles(program.samples()[300].0.map(|a| a + 0.001));
    let mut last = inputs(1, program.start());
    for tick in 1..400 {
        last = inputs(tick, if tick < 300 { executor.at() } else { elsewhere });
        last.arm.stopped = tick >= 300;
        executor.tick(&last);
    }
    assert_eq!(executor.state(), Motion::Stopped(StopCause::Arm));
    assert_eq!(executor.tick(&last).setpoint.q, elsewhere);
}

#[test]
fn a_tick_does_not_allocate() {
    let (site, programs) = programs(4);
    for program in programs {
        let mut executor = Executor::new(&site.robot, program.start());
        executor.start(program.clone()).unwrap();
        let before = ALLOCATIONS.get();
        for tick in 1..program.samples().len() as u64 {
            let mut inputs = inputs(tick, executor.at());
            inputs.stop = tick > 400;
            std::hint::black_box(executor.tick(&inputs));
        }
        assert_eq!(ALLOCATIONS.get() - before, 0);
    }
}
