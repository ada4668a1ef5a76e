//! Disarm, light, leak test, calibration, store, health, and the faults that are seen in use.

use crate::bench::Bench;
use firmware::{CUPS, Calibration, CupSet, CupState, Event, Fault, LeakTest, Outputs, Refusal, Report, Request, State};

const A: CupSet = CupSet(1);

/// A manifold with a generator, a filter, a leak, and lines of cups in free air.
struct Air {
    pa: f64,
    /// Share of the vacuum still missing that a millisecond brings.
    pull: f64,
    leak: f64,
    shut: CupSet,
}

const CLEAN: Air = Air { pa: 0.0, pull: 0.012, leak: 0.0, shut: CupSet::NONE };

impl Air {
    fn tick(&mut self, outputs: &Outputs) -> u32 {
        let open = (0..CUPS).filter(|&i| !outputs.vent[i] && !self.shut.contains(i)).count() as f64;
        if outputs.generator {
            self.pa += (85_000.0 - self.pa) * self.pull;
        }
        self.pa -= self.pa * (self.leak + 0.01 * open);
        self.pa as u32
    }
}

/// Runs a leak test; its result and the faults told.
#[expect(clippy::panic, reason = "a test that does not end fails")]
fn leak_test(mut air: Air, clean_evacuate_ms: u16) -> (LeakTest, Vec<Fault>, Bench) {
    let mut bench = Bench::active();
    bench.ok(Request::Calibrate(Calibration { clean_evacuate_ms, ..Calibration::default() }));
    bench.ok(Request::LeakTest);
    for _ in 0..6_000 {
        bench.samples.manifold_pa = air.tick(&bench.outputs);
        assert!(!bench.outputs.blow_off);
        let packet = firmware::Packet { session: 0, seq: 0, body: Request::Heartbeat };
        let tick = bench.step(Some(&packet));
        let found =
            tick.reports.iter().find_map(|p| if let Report::LeakTest(test) = p.body { Some(test) } else { None });
        if let Some(test) = found {
            bench.alive(20);
            assert_eq!(bench.vented(), CupSet::ALL);
            assert!(!bench.outputs.generator);
            let fault = |event: &Event| if let Event::FaultFound { fault, .. } = *event { Some(fault) } else { None };
            let faults = bench.events.iter().filter_map(fault).collect();
            return (test, faults, bench);
        }
    }
    panic!("the leak test does not end");
}

#[test]
fn a_clean_tool_passes_and_says_how_fast_it_is() {
    let (test, faults, bench) = leak_test(CLEAN, 0);
    assert!(test.passed && test.answered == CupSet::ALL && test.fall_pa == 0, "{test:?}");
    assert!((60..90).contains(&test.evacuate_ms), "{test:?}");
    assert_eq!((faults, bench.status.faults.is_empty()), (vec![], true));
}

#[test]
fn a_clogged_filter_is_told_from_a_leaking_manifold() {
    let (test, faults, _) = leak_test(Air { pull: 0.004, ..CLEAN }, 75);
    assert!(!test.passed && test.fall_pa == 0, "{test:?}");
    assert_eq!(faults, [Fault::FilterClogged]);
    let (test, faults, _) = leak_test(Air { leak: 0.002, ..CLEAN }, 75);
    assert!(!test.passed && test.fall_pa > 5_000, "{test:?}");
    assert_eq!(faults, [Fault::ManifoldLeaks]);
    let (test, faults, _) = leak_test(Air { pull: 0.0, ..CLEAN }, 75);
    assert_eq!((test.evacuate_ms, faults), (u16::MAX, vec![Fault::NoVacuum]));
}

#[test]
fn a_line_that_draws_no_air_is_named() {
    let (test, faults, bench) = leak_test(Air { shut: CupSet(0b10_0010), ..CLEAN }, 0);
    assert_eq!(test.answered, CupSet(0b01_1101));
    assert_eq!(faults, [Fault::LineShut { cup: 1 }, Fault::LineShut { cup: 5 }]);
    assert!(bench.status.faults.contains(Fault::LineShut { cup: 5 }));
}

#[test]
fn a_leak_test_needs_an_empty_tool_and_ends_with_a_seek_or_a_safe_state() {
    let mut bench = Bench::holding(A);
    bench.refused(Request::LeakTest, Refusal::Holding);
    let mut bench = Bench::active();
    bench.ok(Request::LeakTest);
    assert!(bench.outputs.generator);
    bench.samples.estop = true;
    bench.tick(1);
    assert!(!bench.outputs.generator);
    assert_eq!(bench.status.state, State::SafeEmpty);
    let mut bench = Bench::active();
    bench.ok(Request::LeakTest);
    bench.ok(Request::Seek { cups: A, expected_pa: 0 });
    bench.alive(5_000);
    assert!(bench.status.faults.is_empty());
}

#[test]
fn disarm_leaves_active_when_nothing_is_held_and_arm_comes_once() {
    let mut bench = Bench::active();
    bench.refused(Request::Arm, Refusal::AlreadyArmed);
    bench.ok(Request::Seek { cups: CupSet::ALL, expected_pa: 0 });
    bench.ok(Request::Disarm);
    assert_eq!((bench.status.state, bench.vented()), (State::Ready, CupSet::ALL));
    bench.refused(Request::Disarm, Refusal::NotArmed);
    bench.refused(Request::Arm, Refusal::NoLimits);
    let mut bench = Bench::holding(A);
    bench.refused(Request::Disarm, Refusal::Holding);
    assert_eq!((bench.status.state, bench.sealed()), (State::Active, A));
}

#[test]
fn the_lamp_shines_as_told_and_no_brighter_than_it_can() {
    let mut bench = Bench::active();
    bench.ok(Request::Light { percent: 100 });
    bench.refused(Request::Light { percent: 101 }, Refusal::OutOfRange);
    bench.tick(200);
    assert_eq!(bench.outputs.light_percent, 100, "a safe state needs light too");
}

#[test]
fn calibration_shifts_what_is_read_and_is_refused_out_of_range_or_under_a_hold() {
    let mut bench = Bench::active();
    bench.press(CupSet::ALL, 1_000);
    bench.samples.load_mn = 10_000;
    let wild = Calibration { cup_zero_pa: [0, 0, 0, 0, 0, 5_001], ..Calibration::default() };
    bench.refused(Request::Calibrate(wild), Refusal::OutOfRange);
    let calibration =
        Calibration { cup_zero_pa: [1_000, -500, 2_000, 0, 0, 0], load_permille: 1_100, ..Calibration::default() };
    bench.ok(Request::Calibrate(calibration));
    bench.alive(5);
    let read: Vec<u32> = bench.status.cups.iter().map(|cup| cup.pressure_pa).collect();
    assert_eq!((read, bench.status.load_mn), (vec![0, 1_500, 0, 1_000, 1_000, 1_000], 11_000));
    let mut bench = Bench::holding(A);
    bench.refused(Request::Calibrate(calibration), Refusal::Holding);
    assert_eq!(
        Calibration { load_permille: 400, ..calibration }.check().unwrap_err().to_string(),
        "load_permille at 400 ‰ is outside [500, 2000] ‰"
    );
}

#[test]
fn storing_waits_for_a_tool_that_holds_nothing() {
    let mut bench = Bench::active();
    bench.refused(Request::Store, Refusal::Holding);
    bench.ok(Request::Disarm);
    bench.ok(Request::Store);
    let mut bench = Bench::holding(A);
    bench.tick(100);
    bench.ok(Request::Hello { version: firmware::VERSION });
    bench.refused(Request::Store, Refusal::Holding);
}

#[test]
fn health_tells_uptime_in_its_own_report() {
    let mut bench = Bench::active();
    bench.alive(90);
    let before = bench.now_ms;
    let packet = firmware::Packet { session: 0, seq: 0, body: Request::Health };
    let tick = bench.step(Some(&packet));
    let health =
        tick.reports.iter().find_map(|p| if let Report::Health(health) = p.body { Some(health) } else { None });
    assert_eq!(health.map(|h| (h.uptime_ms, h.boots, h.crash)), Some((98, 0, None)), "at {before} ms");
}

#[test]
fn a_cup_that_keeps_its_vacuum_though_vented_is_told_as_stuck() {
    let mut bench = Bench::holding(A);
    bench.ok(Request::Release { cups: A, blow_ms: 0 });
    bench.alive(600);
    assert!(bench.status.faults.contains(Fault::ValveStuck { cup: 0 }));
    let told = bench.events.iter().filter(|event| matches!(event, Event::FaultFound { .. })).count();
    assert_eq!(told, 1);
    bench.press(A, 0);
    bench.alive(5);
    assert!(bench.status.faults.is_empty());
}

#[test]
fn a_broken_sensor_neither_drops_a_hold_nor_makes_a_seal() {
    let mut bench = Bench::holding(A);
    bench.press(CupSet(0b11), u32::MAX);
    bench.alive(100);
    assert_eq!(bench.sealed(), A, "the last good pressure counts");
    assert!(bench.status.faults.contains(Fault::SensorRange { cup: 0 }));
    bench.samples.estop = true;
    bench.tick(1);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(!bench.vented().contains(0));
    bench.samples.estop = false;
    bench.arm_again();
    bench.ok(Request::Release { cups: A, blow_ms: 0 });
    bench.alive(10);
    bench.ok(Request::Seek { cups: CupSet(0b11), expected_pa: 0 });
    bench.alive(100);
    assert_eq!(bench.sealed(), CupSet::NONE);
}

#[test]
fn a_cup_that_nobody_can_read_at_the_start_is_held() {
    let mut bench = Bench::new();
    bench.press(A, u32::MAX);
    bench.tick(10);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(!bench.vented().contains(0));
}

#[test]
fn a_fall_that_the_manifold_shares_is_charged_to_the_cup_that_leaks_most() {
    // Cup 0 comes off; cup 1, on porous goods, sinks with the manifold and no further.
    let mut bench = Bench::holding(CupSet(0b11));
    bench.press(A, 0);
    bench.press(CupSet(0b10), 40_000);
    bench.samples.manifold_pa = 40_000;
    bench.alive(5);
    assert_eq!((bench.cups(CupState::Lost), bench.sealed()), (A, CupSet(0b10)));
    // Without the manifold's fall it would have come off too.
    let mut bench = Bench::holding(CupSet(0b11));
    bench.press(A, 0);
    bench.press(CupSet(0b10), 40_000);
    bench.alive(5);
    assert_eq!(bench.cups(CupState::Lost), CupSet(0b11));
}
