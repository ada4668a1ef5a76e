//! The pinch, driven by packets: what friction holds, what force crushes, and that safe states keep hold.

use firmware::{Request, State};
use nalgebra::Vector3;
use scene::Fragility;

use super::items::Damage;
use super::rig_tests::{Bench, QUIET, TIGHT, carton, pose};

/// A carton of 80 × 60 × 60 mm between the open fingers, the lips 3 mm over it.
fn astride(mass_kg: f64, fragility: Fragility) -> Bench {
    let items = [(carton([0.08, 0.06, 0.06], mass_kg), [0.0; 2])];
    let mut bench = Bench::of(&items, TIGHT, fragility, [0.0; 2], 0.06, 0.0, 1);
    bench.run(340, Vector3::new(0.0, 0.0, -0.05));
    bench
}

fn pinch(bench: &mut Bench, force_mn: u16) {
    bench.send(Request::Pinch { force_mn });
    bench.run(500, Vector3::zeros());
}

#[test]
fn fingers_lift_and_weigh_what_friction_holds_and_let_it_fall_when_they_open() {
    let mut bench = astride(0.4, Fragility::Sturdy);
    pinch(&mut bench, 25_000);
    let squeezed = bench.rig.items[0].pinched_n;
    assert!((squeezed - 25.0).abs() < 2.5, "{squeezed} N");
    bench.lift();
    bench.run(300, Vector3::zeros());
    assert!(bench.height(0) > 0.2, "{} m", bench.height(0));
    let kg = f64::from(bench.status.load_mn) * 1e-3 / 9.806_65;
    assert!((kg - 0.4).abs() < 0.06, "{kg} kg");
    assert_eq!(bench.status.pinch_mn, 25_000);
    pinch(&mut bench, 0);
    bench.run(500, Vector3::zeros());
    assert!(bench.height(0) < 0.05 && bench.rig.items[0].pinched_n == 0.0, "{} m", bench.height(0));
}

#[test]
fn what_is_heavier_than_two_pads_of_friction_slides_out() {
    // Two pads of 0.8 at 8 N hold 12.8 N; the carton weighs 19.6 N.
    let mut bench = astride(2.0, Fragility::Sturdy);
    pinch(&mut bench, 8_000);
    bench.lift();
    assert!(bench.height(0) < 0.05, "{} m", bench.height(0));
}

#[test]
fn a_pinch_beyond_what_the_class_bears_is_damage() {
    let check = |fragility: Fragility, force_mn: u16, breaks: bool| {
        let mut bench = astride(0.3, fragility);
        pinch(&mut bench, force_mn);
        let damaged = bench.rig.items[0].damaged;
        assert_eq!(matches!(damaged, Some(Damage::PressedN(_))), breaks, "{fragility:?} at {force_mn} mN: {damaged:?}");
    };
    check(Fragility::Fragile, 5_000, false);
    check(Fragility::Fragile, 15_000, true);
    check(Fragility::Sturdy, 25_000, false);
}

#[test]
fn a_closed_pinch_keeps_its_force_when_the_host_falls_silent() {
    let mut bench = astride(0.4, Fragility::Sturdy);
    pinch(&mut bench, 25_000);
    bench.lift();
    for _ in 0..1_500 {
        // No heartbeats: the rig ticks alone.
        bench.rig.tick(&pose(bench.at, 0.0), &QUIET);
    }
    bench.run(1, Vector3::zeros());
    assert_eq!(bench.status.state, State::SafeHolding);
    assert!(bench.height(0) > 0.2 && bench.rig.items[0].pinched_n > 20.0);
}
