//! Holding and letting go while active: seals, generator, blow-off, load and contact.

use crate::bench::Bench;
use firmware::{CupSet, CupState, Event, Refusal, Request, State};

const TWO: CupSet = CupSet(0b11);

#[test]
fn cups_seal_seek_and_vent_each_for_itself() {
    let mut bench = Bench::active();
    bench.samples.manifold_pa = 60_000;
    bench.ok(Request::Seek { cups: CupSet(0b111), expected_pa: 50_000 });
    assert_eq!(bench.vented(), CupSet(0b11_1000));
    assert!(bench.outputs.generator);
    bench.press(CupSet(0b001), 30_000);
    bench.press(CupSet(0b010), 29_000);
    bench.alive(100);
    assert_eq!(bench.sealed(), CupSet(0b001));
    assert_eq!(bench.cups(CupState::Seeking), CupSet(0b110));
    bench.alive(500);
    assert_eq!(bench.vented(), CupSet(0b11_1110), "cups without a seal give up");
    bench.ok(Request::Release { cups: CupSet(0b001), blow_ms: 0 });
    assert_eq!(bench.vented(), CupSet::ALL);
    assert!(!bench.outputs.generator && !bench.outputs.blow_off);
}

#[test]
fn a_seal_is_judged_by_the_vacuum_that_the_other_cups_leave_in_the_manifold() {
    // Where the manifold has 30 kPa nobody seals better than that, whatever the host expects: 60 % of it are a seal.
    let seals = |manifold_pa: u32| {
        let mut bench = Bench::active();
        bench.samples.manifold_pa = manifold_pa;
        bench.ok(Request::Seek { cups: CupSet(0b111), expected_pa: 60_000 });
        bench.press(CupSet(0b001), 28_000);
        bench.press(CupSet(0b010), 18_000);
        bench.press(CupSet(0b100), 17_900);
        bench.alive(100);
        bench.sealed()
    };
    assert_eq!(seals(30_000), CupSet(0b011));
    assert_eq!(seals(60_000), CupSet::NONE);
    assert_eq!(seals(u32::MAX), CupSet::NONE, "what can't be read says nothing");
    // The floor stays.
    assert_eq!(seals(10_000), CupSet(0b111));
}

#[test]
fn a_seek_leaves_sealed_cups_as_they_are() {
    let mut bench = Bench::holding(TWO);
    bench.ok(Request::Seek { cups: CupSet(0b110), expected_pa: 90_000 });
    assert_eq!(bench.sealed(), TWO);
    assert_eq!(bench.cups(CupState::Seeking), CupSet(0b100));
}

#[test]
fn a_leak_or_a_seek_beside_tight_cups_keeps_the_generator_running() {
    let mut bench = Bench::holding(TWO);
    bench.samples.manifold_pa = 80_000;
    bench.alive(5);
    assert!(!bench.outputs.generator, "tight cups need no air");
    bench.ok(Request::Seek { cups: CupSet(0b100), expected_pa: 0 });
    assert!(bench.outputs.generator);
    bench.ok(Request::Release { cups: CupSet(0b100), blow_ms: 0 });
    assert!(!bench.outputs.generator);
}

#[test]
fn too_frequent_re_adjusting_is_told_once() {
    let mut bench = Bench::holding(TWO);
    for _ in 0..20 {
        bench.samples.manifold_pa = 80_000;
        bench.alive(20);
        bench.samples.manifold_pa = 50_000;
        bench.alive(20);
    }
    assert!(matches!(bench.events[..], [Event::GeneratorContinuous { .. }]));
    bench.samples.manifold_pa = 80_000;
    bench.alive(20);
    assert!(bench.outputs.generator);
}

#[test]
fn blow_off_is_capped_and_needs_a_cup_that_was_on_vacuum() {
    let mut bench = Bench::holding(TWO);
    bench.ok(Request::Release { cups: CupSet(0b10_0000), blow_ms: 100 });
    assert!(!bench.outputs.blow_off, "that cup was vented");
    bench.ok(Request::Release { cups: TWO, blow_ms: u16::MAX });
    let mut blown = 0;
    while bench.outputs.blow_off {
        blown += 1;
        bench.alive(1);
    }
    assert_eq!(blown, 200);
}

#[test]
fn blow_off_ends_when_a_released_cup_goes_back_to_vacuum() {
    let mut bench = Bench::holding(TWO);
    bench.ok(Request::Release { cups: TWO, blow_ms: 100 });
    bench.ok(Request::Seek { cups: CupSet(0b100), expected_pa: 0 });
    assert!(bench.outputs.blow_off, "that cup was not released, its valve shuts the gallery out");
    bench.ok(Request::Seek { cups: CupSet(0b001), expected_pa: 0 });
    assert!(!bench.outputs.blow_off);
}

#[test]
fn a_tare_takes_the_mean_of_the_noise_as_zero() {
    let mut bench = Bench::active();
    for i in 0..64 {
        bench.samples.load_mn = 18_600 + if i % 2 == 0 { 200 } else { -200 };
        bench.alive(1);
    }
    bench.samples.load_mn = 18_600;
    bench.ok(Request::Tare);
    bench.alive(5);
    assert!(bench.status.load_mn.abs() <= 25, "{} mN", bench.status.load_mn);
    bench.samples.load_mn = 18_600 + 4_905;
    bench.alive(5);
    assert!((4_880..=4_930).contains(&bench.status.load_mn), "{} mN", bench.status.load_mn);
}

#[test]
fn a_push_is_contact_and_a_pull_is_not() {
    let mut bench = Bench::active();
    for (load_mn, contact) in [(-3_000, false), (-3_001, true), (3_001, false), (0, false)] {
        bench.samples.load_mn = load_mn;
        bench.alive(5);
        assert_eq!(bench.status.contact, contact, "{load_mn} mN");
    }
}

#[test]
fn the_stroke_of_a_free_cup_is_contact_and_that_of_a_sealed_one_is_not() {
    let mut bench = Bench::holding(TWO);
    bench.samples.stroke_um[0] = 20_000;
    bench.alive(5);
    assert!(!bench.status.contact, "the bellows of a sealed cup fold by themselves");
    bench.samples.stroke_um[4] = 1_501;
    bench.alive(5);
    assert!(bench.status.contact);
}

#[test]
fn an_overload_is_told_once_and_no_tare_hides_it() {
    let mut bench = Bench::active();
    bench.samples.load_mn = 150_000;
    bench.alive(20);
    bench.ok(Request::Tare);
    bench.alive(20);
    assert_eq!((bench.status.load_mn, bench.events.len()), (0, 0));
    bench.samples.load_mn = 200_001;
    bench.alive(20);
    bench.ok(Request::Tare);
    bench.alive(20);
    assert!(matches!(bench.events[..], [Event::Overload { .. }]));
    bench.samples.load_mn = 0;
    bench.alive(20);
    bench.samples.load_mn = i32::MIN;
    bench.alive(20);
    assert_eq!(bench.events.len(), 2);
}

#[test]
fn single_wild_samples_change_nothing() {
    let mut bench = Bench::holding(TWO);
    let quiet = bench.samples;
    for i in 0..300 {
        if i % 5 == 0 {
            bench.samples.cup_pa = [if i % 2 == 0 { u32::MAX } else { 0 }; 6];
            bench.samples.manifold_pa = u32::MAX;
            bench.samples.load_mn = i32::MIN;
            bench.samples.stroke_um = [u16::MAX; 6];
        } else {
            bench.samples = quiet;
        }
        bench.alive(1);
        assert!(!bench.status.contact && bench.outputs.generator);
    }
    assert_eq!((bench.sealed(), &bench.events[..]), (TWO, &[][..]));
}

#[test]
fn the_pinch_closes_holds_and_opens_on_request_alone() {
    let mut bench = Bench::active();
    bench.ok(Request::Pinch { force_mn: 12_000 });
    bench.alive(50);
    assert_eq!(bench.outputs.pinch_force_mn, 12_000);
    bench.ok(Request::Release { cups: CupSet::ALL, blow_ms: 0 });
    assert_eq!(bench.outputs.pinch_force_mn, 12_000);
    bench.refused(Request::Pinch { force_mn: u16::MAX }, Refusal::OutOfRange);
    assert_eq!((bench.status.pinch_mn, bench.status.state), (12_000, State::Active));
    bench.ok(Request::Pinch { force_mn: 0 });
    assert_eq!(bench.outputs.pinch_force_mn, 0);
}
