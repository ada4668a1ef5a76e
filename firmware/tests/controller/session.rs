//! Who may ask for what, and when: hello, limits, arm, and what each refuses.

use crate::bench::Bench;
use firmware::{CUPS, Capabilities, CupSet, CupState, Event, Limits, Refusal, Report, Request, State, VERSION};

const SEEK: Request = Request::Seek { cups: CupSet::ALL, expected_pa: 60_000 };
const RELEASE: Request = Request::Release { cups: CupSet::ALL, blow_ms: 100 };
const HELLO: Request = Request::Hello { version: VERSION };
const LIMITS: fn() -> Request = || Request::Limits(Limits::default());

#[test]
fn before_hello_everything_but_stop_is_refused() {
    let mut bench = Bench::new();
    let pinch = Request::Pinch { force_mn: 1 };
    for request in [LIMITS(), Request::Arm, SEEK, RELEASE, Request::Tare, Request::Heartbeat, Request::Clear, pinch] {
        bench.refused(request, Refusal::NotGreeted);
        assert_eq!(bench.status.state, State::Boot);
    }
    bench.ok(Request::Stop);
    assert_eq!(bench.status.state, State::SafeEmpty);
}

#[test]
fn hello_comes_first_then_limits_then_arm() {
    let mut bench = Bench::new();
    bench.ok(HELLO);
    assert_eq!(bench.status.state, State::Ready);
    bench.refused(SEEK, Refusal::NotArmed);
    bench.refused(RELEASE, Refusal::NotArmed);
    bench.refused(Request::Arm, Refusal::NoLimits);
    bench.ok(LIMITS());
    bench.refused(SEEK, Refusal::NotArmed);
    bench.ok(Request::Arm);
    assert_eq!(bench.status.state, State::Active);
    bench.ok(SEEK);
}

#[test]
fn another_version_is_refused_and_told_ours() {
    let mut bench = Bench::new();
    let packet = firmware::Packet { session: 0, seq: 9, body: Request::Hello { version: VERSION + 1 } };
    let tick = bench.step(Some(&packet));
    let bodies: Vec<Report> = tick.reports.iter().map(|packet| packet.body).collect();
    assert_eq!(
        bodies[0],
        Report::Hello { version: VERSION, cups: CUPS as u8, capabilities: Capabilities::default(), boots: 0 }
    );
    assert_eq!(bodies[1], Report::Refused { seq: 9, reason: Refusal::WrongVersion });
    assert_eq!(bodies.len(), 3);
    bench.refused(LIMITS(), Refusal::NotGreeted);
}

#[test]
fn a_hello_of_another_version_ends_the_session_and_so_leads_to_a_safe_state() {
    let mut bench = Bench::active();
    bench.refused(Request::Hello { version: 0 }, Refusal::WrongVersion);
    bench.refused(SEEK, Refusal::NotGreeted);
    bench.alive(101);
    assert_eq!(bench.status.state, State::SafeEmpty);

    let mut bench = Bench::new();
    bench.ok(HELLO);
    bench.refused(Request::Hello { version: 0 }, Refusal::WrongVersion);
    assert_eq!(bench.status.state, State::Boot);
    bench.refused(LIMITS(), Refusal::NotGreeted);
}

#[test]
fn limits_outside_their_ranges_are_refused_and_change_nothing() {
    let mut bench = Bench::new();
    bench.ok(HELLO);
    let limits = Limits { heartbeat_ms: 10_000, ..Limits::default() };
    bench.refused(Request::Limits(limits), Refusal::OutOfRange);
    bench.refused(Request::Arm, Refusal::NoLimits);
    bench.ok(LIMITS());
    bench.refused(Request::Limits(limits), Refusal::OutOfRange);
    bench.ok(Request::Arm);
    bench.tick(100);
    assert_eq!(bench.status.state, State::SafeEmpty, "the old heartbeat still counts");
}

#[test]
fn limits_do_not_change_under_a_hold() {
    let mut bench = Bench::holding(CupSet(0b11));
    bench.refused(LIMITS(), Refusal::Holding);
    bench.ok(RELEASE);
    bench.ok(LIMITS());
    bench.ok(Request::Pinch { force_mn: 500 });
    bench.refused(LIMITS(), Refusal::Holding);
}

#[test]
fn sets_without_a_cup_or_with_a_cup_too_many_are_refused() {
    let mut bench = Bench::active();
    for cups in [CupSet::NONE, CupSet(0x40), CupSet(0xff)] {
        bench.refused(Request::Seek { cups, expected_pa: 0 }, Refusal::OutOfRange);
        bench.refused(Request::Release { cups, blow_ms: 0 }, Refusal::OutOfRange);
    }
    let beyond = Request::Seek { cups: CupSet::ALL, expected_pa: 101_326 };
    bench.refused(beyond, Refusal::OutOfRange);
    bench.refused(Request::Pinch { force_mn: 30_001 }, Refusal::OutOfRange);
    assert_eq!(bench.vented(), CupSet::ALL);
}

#[test]
fn arming_is_locked_while_the_e_stop_is_pressed_or_air_is_missing() {
    let mut bench = Bench::new();
    bench.ok(HELLO);
    bench.ok(LIMITS());
    bench.samples.supply_ok = false;
    bench.refused(Request::Arm, Refusal::Locked);
    bench.samples.supply_ok = true;
    bench.samples.estop = true;
    bench.tick(1);
    bench.ok(HELLO);
    bench.ok(LIMITS());
    bench.refused(Request::Arm, Refusal::Locked);
    bench.refused(Request::Clear, Refusal::Locked);
    bench.samples.estop = false;
    bench.ok(Request::Arm);
}

#[test]
fn a_hello_while_active_means_a_new_host_and_leads_to_a_safe_state() {
    let mut bench = Bench::holding(CupSet(1));
    bench.ok(HELLO);
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(matches!(bench.events[..], [Event::HostRestarted { .. }]));
    bench.refused(Request::Arm, Refusal::NoLimits);
    bench.ok(LIMITS());
    bench.ok(Request::Arm);
    assert_eq!(bench.sealed(), CupSet(1));
}

#[test]
fn clear_leaves_safe_empty_for_ready_and_vents_what_is_lost() {
    let mut bench = Bench::active();
    bench.ok(Request::Stop);
    bench.refused(Request::Clear, Refusal::NotGreeted);
    bench.ok(HELLO);
    bench.ok(Request::Clear);
    assert_eq!(bench.status.state, State::Ready);

    let mut bench = Bench::holding(CupSet(0b11));
    bench.press(CupSet(0b01), 0);
    bench.alive(5);
    assert_eq!(bench.cups(CupState::Lost), CupSet(0b01));
    assert!(!bench.vented().contains(0), "a lost cup stays on vacuum");
    bench.ok(Request::Clear);
    assert_eq!((bench.sealed(), bench.vented()), (CupSet(0b10), CupSet(0b11_1101)));
}

#[test]
fn clear_does_not_vent_a_cup_that_fell_fast_but_may_still_hold() {
    let mut bench = Bench::holding(CupSet(0b01));
    bench.press(CupSet(0b01), 30_000);
    bench.alive(5);
    assert_eq!(bench.cups(CupState::Lost), CupSet(0b01));
    bench.refused(Request::Clear, Refusal::Holding);
    assert!(!bench.vented().contains(0));
}

#[test]
fn asking_twice_does_no_more_than_asking_once() {
    let mut bench = Bench::active();
    for _ in 0..3 {
        bench.ok(SEEK);
    }
    bench.press(CupSet::ALL, 60_000);
    bench.alive(40);
    bench.ok(SEEK);
    assert_eq!(bench.sealed(), CupSet::ALL);
    bench.ok(RELEASE);
    bench.alive(50);
    bench.ok(RELEASE);
    bench.alive(48);
    assert!(bench.outputs.blow_off);
    bench.alive(1);
    assert!(!bench.outputs.blow_off, "the second release must not blow longer");
}

#[test]
fn repeating_a_seek_does_not_put_off_its_timeout() {
    let mut bench = Bench::active();
    bench.ok(SEEK);
    for _ in 0..599 {
        bench.ok(SEEK);
    }
    assert_eq!(bench.cups(CupState::Seeking), CupSet::ALL);
    bench.alive(1);
    assert_eq!(bench.vented(), CupSet::ALL);
    assert_eq!(bench.events.len(), CUPS);
}

#[test]
fn every_tick_ends_with_a_status_and_numbers_its_reports_without_a_gap() {
    let mut bench = Bench::new();
    let mut next = 0u8;
    for _ in 0..1_000 {
        let tick = bench.step(None);
        for report in &tick.reports {
            assert_eq!(report.seq, next);
            next = next.wrapping_add(1);
        }
        let last = tick.reports.as_slice().last().map(|packet| packet.body);
        assert!(matches!(last, Some(Report::Status(status))
            if status.time_ms == bench.now_ms.wrapping_sub(1)));
    }
}
