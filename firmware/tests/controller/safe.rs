//! The two safe states: what leads there, what they keep, and what alone leads out.

use crate::bench::Bench;
use firmware::{CupSet, CupState, Event, Limits, Refusal, Request, State, VERSION};

const RELEASE: Request = Request::Release { cups: CupSet::ALL, blow_ms: 100 };
const HELD: CupSet = CupSet(0b00_0011);
const SEEKING: CupSet = CupSet(0b00_1100);

/// Two cups sealed, two seek, the pinch closed.
fn busy() -> Bench {
    let mut bench = Bench::holding(HELD);
    bench.ok(Request::Seek { cups: SEEKING, expected_pa: 0 });
    bench.ok(Request::Pinch { force_mn: 4_000 });
    bench
}

fn check_holding(bench: &Bench) {
    assert_eq!(bench.status.state, State::SafeHolding);
    assert_eq!(bench.vented(), CupSet(CupSet::ALL.0 & !HELD.0), "seeking cups vent, held ones stay");
    assert_eq!(bench.outputs.pinch_force_mn, 4_000, "the pinch keeps its force");
    assert!(!bench.outputs.blow_off);
}

fn check_empty(bench: &Bench) {
    assert_eq!(bench.status.state, State::SafeEmpty);
    assert_eq!(bench.vented(), CupSet::ALL);
    assert!(!bench.outputs.generator && !bench.outputs.blow_off);
    assert_eq!(bench.outputs.pinch_force_mn, 0);
}

#[test]
fn host_silence_while_holding_holds_on_at_the_deadline_and_not_before() {
    let mut bench = busy();
    bench.tick(99);
    assert_eq!(bench.status.state, State::Active);
    bench.tick(1);
    check_holding(&bench);
    assert!(matches!(bench.events[..], [Event::HostSilent { .. }]));
    bench.tick(100_000);
    check_holding(&bench);
}

#[test]
fn host_silence_with_nothing_held_lets_everything_rest() {
    let mut bench = Bench::active();
    bench.ok(Request::Seek { cups: SEEKING, expected_pa: 0 });
    assert!(bench.outputs.generator);
    bench.tick(100);
    check_empty(&bench);
}

#[test]
fn the_e_stop_leads_to_the_safe_state_that_fits_in_the_same_tick() {
    let mut bench = busy();
    bench.samples.estop = true;
    bench.tick(1);
    check_holding(&bench);
    assert!(matches!(bench.events[..], [Event::EStop { .. }]));
    let mut bench = Bench::active();
    bench.samples.estop = true;
    bench.tick(1);
    check_empty(&bench);
}

#[test]
fn a_release_in_the_very_tick_of_the_e_stop_is_locked() {
    let mut bench = busy();
    bench.samples.estop = true;
    bench.refused(RELEASE, Refusal::Locked);
    check_holding(&bench);
}

#[test]
fn a_stop_and_a_loss_of_air_hold_on_too() {
    let mut bench = busy();
    bench.ok(Request::Stop);
    check_holding(&bench);
    let mut bench = busy();
    bench.samples.supply_ok = false;
    bench.alive(10);
    assert_eq!(bench.status.state, State::Active, "a pressure switch may chatter");
    assert!(!bench.status.supply_ok);
    bench.alive(1);
    check_holding(&bench);
    assert!(matches!(bench.events[..], [Event::SupplyLost { .. }]));
}

#[test]
fn a_closed_pinch_alone_is_something_held() {
    let mut bench = Bench::active();
    bench.ok(Request::Pinch { force_mn: 900 });
    bench.tick(100);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert_eq!(bench.outputs.pinch_force_mn, 900);
    assert_eq!(bench.vented(), CupSet::ALL);
    assert!(!bench.outputs.generator);
}

#[test]
fn a_leaking_cup_is_something_held() {
    let mut bench = Bench::holding(CupSet(1));
    for step in 0..40 {
        bench.press(CupSet(1), 60_000 - 1_000 * step);
        bench.alive(8);
    }
    assert_eq!(bench.cups(CupState::Leaking), CupSet(1));
    bench.tick(100);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(!bench.vented().contains(0));
    assert!(bench.outputs.generator);
}

#[test]
fn a_cup_that_fell_fast_but_kept_vacuum_is_something_held() {
    let mut bench = Bench::holding(CupSet(1));
    bench.press(CupSet(1), 30_000);
    bench.alive(4);
    assert_eq!(bench.cups(CupState::Lost), CupSet(1));
    bench.samples.estop = true;
    bench.tick(1);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(!bench.vented().contains(0));
}

#[test]
fn a_cup_lost_before_is_vented_and_does_not_make_a_hold() {
    let mut bench = Bench::holding(HELD);
    bench.press(CupSet(1), 0);
    bench.alive(5);
    bench.tick(100);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(bench.vented().contains(0) && !bench.vented().contains(1));
    let mut bench = Bench::holding(CupSet(1));
    bench.press(CupSet(1), 0);
    bench.alive(5);
    bench.tick(100);
    check_empty(&bench);
}

#[test]
fn holding_stays_even_if_every_cup_is_lost_meanwhile() {
    let mut bench = Bench::holding(HELD);
    bench.tick(100);
    bench.press(HELD, 0);
    bench.tick(10_000);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert_eq!(bench.cups(CupState::Lost), HELD);
    assert_eq!(bench.vented(), CupSet(CupSet::ALL.0 & !HELD.0));
    assert!(bench.outputs.generator);
    bench.press(HELD, 60_000);
    bench.tick(100);
    assert_eq!(bench.sealed(), HELD, "vacuum that returns is a seal again");
}

#[test]
fn the_generator_goes_on_being_regulated_while_holding() {
    let mut bench = Bench::holding(HELD);
    bench.tick(100);
    for (manifold_pa, runs) in [(76_000, false), (61_000, false), (59_000, true), (74_000, true)] {
        bench.samples.manifold_pa = manifold_pa;
        bench.tick(5);
        assert_eq!(bench.outputs.generator, runs, "manifold at {manifold_pa} Pa");
    }
}

#[test]
fn release_seek_pinch_and_clear_are_locked_while_holding() {
    let mut bench = busy();
    bench.tick(100);
    for _ in 0..2 {
        bench.refused(RELEASE, Refusal::Locked);
        bench.refused(Request::Seek { cups: SEEKING, expected_pa: 0 }, Refusal::Locked);
        bench.refused(Request::Pinch { force_mn: 0 }, Refusal::Locked);
        bench.refused(Request::Clear, Refusal::Holding);
        check_holding(&bench);
        bench.ok(Request::Hello { version: VERSION });
    }
}

#[test]
fn the_session_of_before_the_safe_state_is_over() {
    let mut bench = busy();
    bench.tick(100);
    bench.refused(Request::Heartbeat, Refusal::NotGreeted);
    bench.refused(Request::Arm, Refusal::NotGreeted);
    bench.refused(Request::Limits(Limits::default()), Refusal::NotGreeted);
    check_holding(&bench);
}

#[test]
fn hello_and_arm_change_nothing_and_the_release_after_them_lets_go() {
    let mut bench = busy();
    bench.tick(100);
    bench.arm_again();
    assert_eq!(bench.status.state, State::Active);
    assert_eq!((bench.sealed(), bench.outputs.pinch_force_mn), (HELD, 4_000));
    assert_eq!(bench.vented(), CupSet(CupSet::ALL.0 & !HELD.0));
    bench.ok(RELEASE);
    assert_eq!(bench.vented(), CupSet::ALL);
    assert!(bench.outputs.blow_off);
}

#[test]
fn silence_after_hello_and_arm_goes_back_to_holding_until_a_command_has_come() {
    let mut bench = Bench::holding(HELD);
    bench.tick(100);
    bench.press(HELD, 0);
    bench.tick(10);
    bench.arm_again();
    bench.tick(100);
    assert_eq!(bench.status.state, State::SafeHolding, "hello and arm are no command");
    assert_eq!(bench.vented(), CupSet(CupSet::ALL.0 & !HELD.0));
    bench.arm_again();
    bench.ok(Request::Clear);
    bench.tick(100);
    check_empty(&bench);
}

#[test]
fn another_e_stop_while_holding_ends_the_session_and_keeps_the_hold() {
    let mut bench = busy();
    bench.tick(100);
    bench.ok(Request::Hello { version: VERSION });
    bench.ok(Request::Limits(Limits::default()));
    bench.samples.estop = true;
    bench.tick(1);
    bench.samples.estop = false;
    bench.refused(Request::Arm, Refusal::NotGreeted);
    check_holding(&bench);
}

#[test]
fn a_persons_release_input_lets_go_without_blowing() {
    let mut bench = busy();
    bench.tick(100);
    bench.events.clear();
    bench.samples.release_input = true;
    bench.tick(20);
    check_holding(&bench);
    bench.tick(1);
    check_empty(&bench);
    assert!(matches!(bench.events[..], [Event::ReleasedByHand { .. }]));
}

#[test]
fn a_persons_release_input_works_while_the_e_stop_is_pressed_and_without_air() {
    let mut bench = busy();
    bench.samples.estop = true;
    bench.samples.supply_ok = false;
    bench.tick(50);
    check_holding(&bench);
    bench.samples.release_input = true;
    bench.tick(21);
    check_empty(&bench);
}

#[test]
fn a_spike_or_a_stuck_release_input_does_not_let_go() {
    let mut bench = busy();
    bench.samples.release_input = true;
    bench.tick(1_000);
    check_holding(&bench);
    for _ in 0..100 {
        bench.samples.release_input = false;
        bench.tick(1);
        bench.samples.release_input = true;
        bench.tick(20);
    }
    check_holding(&bench);
}

#[test]
fn a_release_input_while_active_is_not_heard() {
    let mut bench = busy();
    bench.samples.release_input = true;
    bench.alive(500);
    assert_eq!(bench.sealed(), HELD);
    assert_eq!(bench.outputs.pinch_force_mn, 4_000);
}

#[test]
fn blow_off_ends_with_the_active_state() {
    for stop in [Request::Stop, Request::Hello { version: VERSION }] {
        let mut bench = Bench::holding(HELD);
        bench.ok(Request::Release { cups: CupSet(1), blow_ms: 200 });
        assert!(bench.outputs.blow_off);
        bench.ok(stop);
        assert_eq!(bench.status.state, State::SafeHolding);
        assert!(!bench.outputs.blow_off);
    }
}

#[test]
fn a_controller_that_starts_under_vacuum_holds_and_never_vents() {
    let mut bench = Bench::new();
    bench.press(HELD, 55_000);
    for _ in 0..4 {
        bench.tick(1);
        assert_eq!(bench.vented(), CupSet::NONE);
    }
    bench.tick(1);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert_eq!(bench.vented(), CupSet(CupSet::ALL.0 & !HELD.0));
    assert!(matches!(bench.events[..], [Event::FoundHolding { .. }]));
    assert!(bench.outputs.generator);
    bench.arm_again();
    bench.ok(RELEASE);
    assert_eq!(bench.vented(), CupSet::ALL);
}

#[test]
fn a_controller_that_starts_with_the_e_stop_pressed_holds_all_the_same() {
    let mut bench = Bench::new();
    bench.press(HELD, 55_000);
    bench.samples.estop = true;
    for _ in 0..100 {
        bench.tick(1);
        assert!(HELD.iter().all(|cup| !bench.vented().contains(cup)));
    }
    assert_eq!(bench.status.state, State::SafeHolding);
}

#[test]
fn a_clock_that_jumps_counts_as_silence() {
    let mut bench = busy();
    bench.alive(3);
    bench.now_ms = bench.now_ms.wrapping_sub(50);
    bench.tick(1);
    check_holding(&bench);
}
