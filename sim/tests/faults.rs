//! Each fault of a scenario does what it says, seen at the devices' border.

#![expect(clippy::unwrap_used, reason = "a test that fails here says why")]

mod bench;

use bench::{Bench, ONE_BOX, Part, quiet};
use control::{Arm, LinkError};
use firmware::{CupSet, CupState, Event, Request, State};
use nalgebra::Vector3;
use scene::{Camera, RgbdImage};
use sim::Where;

fn fault(text: &str) -> String {
    format!("[[fault]]\n{text}\n")
}

/// Pressures that the tool tells, of the cups of a hold.
fn told(bench: &Bench, cups: CupSet) -> Vec<u32> {
    let status = bench.devices.tool.status().unwrap();
    cups.iter().map(|cup| status.cups[cup].pressure_pa).collect()
}

/// Whether nothing was let go: the box hangs on cups, or lies in a tote or bin, and did not come to the floor.
fn kept(bench: &Bench) -> bool {
    bench.item(0).at != Where::Floor && bench.item(0).damaged.is_none()
}

#[test]
fn a_leaking_cup_reaches_less_vacuum() {
    let mut sound = Bench::one_box("");
    let cup = sound.hold().cups.iter().next().unwrap();
    sound.seal();
    let mut torn = Bench::one_box(&fault(&format!("kind = \"leaking-cup\"\ncup = {cup}\nleak_l_min = 15\nat_s = 0")));
    torn.seal();
    let one = CupSet::single(cup);
    let (sound, torn) = (told(&sound, one)[0], told(&torn, one)[0]);
    assert!(sound > 40_000 && torn < sound - 8_000, "{sound} Pa sound, {torn} Pa torn");
}

#[test]
fn a_valve_stuck_to_the_vent_never_seals_and_one_stuck_to_vacuum_never_lets_go() {
    let cup = Bench::one_box("").hold().cups.iter().next().unwrap();
    let stuck = |to: &str| fault(&format!("kind = \"stuck-valve\"\ncup = {cup}\nto = \"{to}\"\nat_s = 0.05"));
    let mut vented = Bench::one_box(&stuck("vent"));
    let hold = vented.seal();
    let status = *vented.devices.tool.status().unwrap();
    assert_eq!(status.cups[cup].state, CupState::Seeking);
    assert!(hold.cups.iter().any(|c| status.cups[c].state == CupState::Sealed), "the others seal");
    let mut held = Bench::one_box(&stuck("vacuum"));
    let hold = held.seal();
    held.carry(&hold);
    let now = held.world.now();
    held.devices.tool.send(Request::Release { cups: CupSet::ALL, blow_ms: 60 }, now).unwrap();
    held.wait(150);
    let pressures = held.world.cup_pressures_pa();
    assert!(hold.cups.iter().all(|c| (pressures[c] > 20_000.0) == (c == cup)), "{pressures:?} Pa after the release");
    assert_eq!(held.item(0).cups, 1 << cup);
}

#[test]
fn a_clogged_filter_makes_the_vacuum_slow() {
    let reached = |flow: f64| {
        let mut bench = Bench::one_box(&fault(&format!("kind = \"clogged-filter\"\nflow = {flow}\nat_s = 0")));
        let hold = bench.seal();
        told(&bench, hold.cups)[0]
    };
    let (clear, clogged, shut) = (reached(1.0), reached(0.05), reached(0.0));
    assert!(clogged < clear - 5_000 && shut < 1_000, "{clear} Pa clear, {clogged} Pa clogged, {shut} Pa shut");
}

#[test]
fn a_dead_pressure_sensor_hides_a_seal() {
    let cup = Bench::one_box("").hold().cups.iter().next().unwrap();
    let mut bench =
        Bench::one_box(&fault(&format!("kind = \"dead-pressure-sensor\"\ncup = {cup}\nreads_pa = 560\nat_s = 0")));
    bench.seal();
    let told = bench.devices.tool.status().unwrap().cups[cup];
    let truly = bench.world.cup_pressures_pa()[cup];
    assert_eq!((told.state, told.pressure_pa), (CupState::Seeking, 560));
    assert!(truly > 40_000.0, "{truly} Pa truly");
}

/// The image of a camera that is asked now, and how many milliseconds later it came; none within two seconds.
fn photograph(bench: &mut Bench) -> Option<(RgbdImage, u64)> {
    let asked = bench.ms();
    let now = bench.world.now();
    bench.devices.cameras.get_mut("tote-a").unwrap().trigger(now).ok()?;
    for _ in 0..2_000 {
        let now = bench.world.now();
        if let Some(image) = bench.devices.cameras.get_mut("tote-a").unwrap().fetch(now).ok()? {
            assert_eq!(image.taken_at.nanos() / 1_000_000, asked);
            return Some((image, bench.ms() - asked));
        }
        bench.tick();
    }
    None
}

#[test]
fn cameras_freeze_go_black_fall_silent_are_late_and_lose_images() {
    // What the camera shows before, while the box has moved during the fault, and after it.
    let see = |text: &str| {
        let mut bench = Bench::one_box(&fault(&format!("{text}\nat_s = 1.0\nfor_s = 3.0")));
        let before = photograph(&mut bench);
        bench.lay(0, [0.75, 0.50]);
        bench.wait(1_000);
        let during = photograph(&mut bench);
        bench.wait(3_000);
        [before, during, photograph(&mut bench)]
    };
    let bright = |image: &RgbdImage| image.rgb.iter().filter(|v| **v > 40).count() > 10_000;
    let deep = |image: &RgbdImage| image.depth_m.iter().filter(|z| z.is_finite()).count() > 100_000;
    for which in ["", "\ncamera = \"tote-a\""] {
        let [before, during, after] = see(&format!("kind = \"frozen-camera\"{which}")).map(Option::unwrap);
        assert_eq!(before.0.rgb, during.0.rgb);
        assert_ne!(before.0.rgb, after.0.rgb);
    }
    let [before, during, after] = see("kind = \"black-camera\"").map(Option::unwrap);
    assert!(bright(&before.0) && deep(&before.0) && bright(&after.0) && deep(&after.0));
    assert!(during.0.rgb.iter().all(|v| *v == 0) && !deep(&during.0));
    let late = see("kind = \"late-camera\"\nby_s = 0.3").map(|seen| seen.unwrap().1);
    assert_eq!(late, [0, 300, 0]);
    for kind in ["lost-images", "cameras-silent"] {
        let [before, during, after] = see(&format!("kind = \"{kind}\""));
        assert!(before.is_some() && during.is_none() && after.is_some(), "{kind}");
    }
}

#[test]
fn a_shifted_tote_takes_its_items_along() {
    let mut bench = Bench::one_box(&fault(
        "kind = \"shifted-tote\"\ntote = \"tote-a\"\nby_m = [0.04, -0.03]\nyaw_deg = 3\nat_s = 0.2",
    ));
    let before = bench.item(0).world_from_item.origin();
    let (seen, _) = photograph(&mut bench).unwrap();
    bench.wait(400);
    let item = bench.item(0);
    let way = item.world_from_item.origin() - before;
    assert!((way - Vector3::new(0.04, -0.03, 0.0)).norm() < 0.002, "{way}");
    assert_eq!(item.at, Where::Tote("tote-a".into()));
    // The right wall's rim is nearer to the camera than the table: 40 mm are about 38 pixels there.
    let rim = |image: &RgbdImage| (0..640).rev().find(|&u| image.depth_at(u, 240).is_some_and(|z| z < 1.0));
    let (before, after) = (rim(&seen), rim(&photograph(&mut bench).unwrap().0));
    assert!(before.is_some() && before != after, "{before:?} then {after:?}");
}

#[test]
fn wrong_totes_and_manifests_are_told_as_if_they_were_right() {
    let totes = "[[tote]]\nname = \"tote-a\"\ncontents = { playing-cards-2-pack = 1 }\n\
                 [[tote]]\nname = \"tote-b\"\ncontents = { rice-500 = 1 }\n";
    let truly = |bench: &Bench, tote: &str| -> Vec<String> {
        let lies = bench.world.truth().into_iter().filter(|i| i.at == Where::Tote(tote.into()));
        lies.map(|i| i.sku.to_string()).collect()
    };
    let told = |bench: &Bench, tote: &str| -> Vec<String> {
        bench.world.manifest(tote).into_iter().map(|(sku, n)| format!("{sku} {n}")).collect()
    };
    let exchanged = Bench::new(
        &quiet(&format!("{totes}{}", fault("kind = \"wrong-tote\"\ntote = \"tote-a\"\nwith = \"tote-b\""))),
        1,
    );
    assert_eq!(
        (truly(&exchanged, "tote-a"), truly(&exchanged, "tote-b")),
        (vec!["rice-500".into()], vec!["playing-cards-2-pack".into()])
    );
    assert_eq!(told(&exchanged, "tote-a"), ["playing-cards-2-pack 1"]);
    let text = "kind = \"wrong-manifest\"\ntote = \"tote-a\"\nmissing = { playing-cards-2-pack = 1 }\nextra = { rice-500 = 2 }";
    let wrong = Bench::new(&quiet(&format!("{totes}{}", fault(text))), 1);
    assert_eq!(truly(&wrong, "tote-a"), ["playing-cards-2-pack"]);
    assert_eq!(told(&wrong, "tote-a"), ["rice-500 2"]);
}

#[test]
fn two_items_that_stick_come_up_together_until_they_are_pulled_apart() {
    // How far the box and its neighbour have come towards the bin, metres along y.
    let carried = |text: &str| {
        let totes = "[[tote]]\nname = \"tote-a\"\ncontents = { playing-cards-2-pack = 2 }\n";
        let mut bench = Bench::new(&quiet(&format!("{totes}{text}")), 3);
        bench.lay(0, [0.90, 0.42]);
        bench.lay(1, [0.90 - 0.037, 0.42 + 0.088]);
        bench.wait(250);
        let hold = bench.seal();
        bench.carry(&hold);
        let way = |id| 0.42 - bench.item(id).world_from_item.origin().y;
        (way(0), way(1))
    };
    let stuck = |holds_n: f64| {
        fault(&format!(
            "kind = \"stuck-together\"\ntote = \"tote-a\"\nsku = \"playing-cards-2-pack\"\nholds_n = {holds_n}\nat_s = 0.2"
        ))
    };
    let (first, alone) = carried("");
    assert!(first > 0.6 && alone < 0.0, "{first} m and {alone} m without a bond");
    let (first, parted) = carried(&stuck(0.05));
    assert!(first > 0.6 && parted < 0.1, "{first} m and {parted} m with a bond that holds 0.05 N");
    let (first, second) = carried(&stuck(1_000.0));
    assert!(first > 0.6 && second > 0.5, "{first} m and {second} m with a bond that holds");
}

#[test]
fn an_item_that_is_knocked_out_lies_on_the_table() {
    let mut bench =
        Bench::one_box(&fault("kind = \"knocked-out\"\ntote = \"tote-a\"\nsku = \"playing-cards-2-pack\"\nat_s = 0.2"));
    assert_eq!(bench.item(0).at, Where::Tote("tote-a".into()));
    bench.wait(1_000);
    assert_eq!(bench.item(0).at, Where::Floor);
    let z = bench.item(0).world_from_item.origin().z;
    assert!((0.0..0.1).contains(&z), "{z} m");
}

/// When a part of an undisturbed pick is half over, seconds.
fn middle_of(part: Part) -> f64 {
    let mut bench = Bench::one_box("");
    bench.pick();
    assert_eq!(bench.item(0).at, Where::Bin("bin-1".into()), "an undisturbed pick succeeds");
    let at = bench.began.iter().position(|(p, _)| *p == part).unwrap();
    let end = bench.began.get(at + 1).map_or(bench.ms(), |(_, ms)| *ms);
    0.5e-3 * (bench.began[at].1 + end) as f64
}

#[test]
fn a_blow_takes_what_is_held_off_the_cups() {
    let at_s = middle_of(Part::Carry);
    let ends = |push_n: f64| {
        let mut bench =
            Bench::one_box(&fault(&format!("kind = \"struck\"\npush_n = {push_n}\nat_s = {at_s}\nfor_s = 0.1")));
        bench.pick();
        bench.item(0).at
    };
    assert_eq!(ends(0.2), Where::Bin("bin-1".into()));
    assert_ne!(ends(200.0), Where::Bin("bin-1".into()));
}

#[test]
fn lost_packets_are_missed_and_too_many_lost_setpoints_stop_the_arm() {
    let mut bench = Bench::one_box(&fault("kind = \"lost-packets\"\nlink = \"tool\"\nshare = 0.2\nat_s = 0.05"));
    bench.wait(1_000);
    let missed = bench.devices.tool.counters().missed;
    // A status a millisecond: about 200 of them, and gaps are counted modulo 256.
    assert!((100..300).contains(&missed), "{missed} missed");
    let pick = |share: f64| {
        let mut bench =
            Bench::one_box(&fault(&format!("kind = \"lost-packets\"\nlink = \"arm\"\nshare = {share}\nat_s = 0.05")));
        bench.pick();
        bench.refused
    };
    assert_eq!(pick(0.1), None, "single ones are bridged");
    assert!(matches!(pick(0.9), Some(LinkError::Stopped { .. } | LinkError::Limit { .. })), "many are not");
}

#[test]
fn a_tool_that_is_cut_off_is_safe_and_comes_back() {
    let at_s = middle_of(Part::Carry);
    let mut bench = Bench::one_box(&fault(&format!("kind = \"tool-silent\"\nat_s = {at_s}\nfor_s = 1.5")));
    let hold = bench.seal();
    bench.carry(&hold);
    while bench.ms() < (at_s * 1e3) as u64 + 1_400 {
        bench.tick();
    }
    let heard = bench.devices.tool.heard_at().unwrap().seconds();
    assert!((heard - at_s).abs() < 0.01, "heard last at {heard} s, cut off at {at_s} s");
    assert_eq!(bench.item(0).at, Where::Held, "silence lets go of nothing");
    bench.wait(200);
    let status = bench.devices.tool.status().unwrap();
    assert_eq!(status.state, State::SafeHolding);
    assert!(bench.devices.tool.heard_at().unwrap().seconds() > at_s + 1.5);
}

#[test]
fn an_arm_that_is_cut_off_stops_and_its_state_is_stale() {
    let at_s = middle_of(Part::Carry);
    let mut bench = Bench::one_box(&fault(&format!("kind = \"arm-silent\"\nat_s = {at_s}\nfor_s = 0.5")));
    let hold = bench.seal();
    let mut stale = Vec::new();
    let mut tools = Vec::new();
    bench.carry(&hold);
    while bench.ms() < (at_s * 1e3) as u64 + 700 {
        bench.tick();
    }
    // Once more, looking on: the arm stands where it braked.
    for _ in 0..20 {
        stale.push(bench.devices.arm.state().unwrap().at);
        tools.push(bench.world.world_from_tool().origin());
        bench.tick();
    }
    assert!(bench.devices.arm.state().unwrap().stopped, "it came to know that no setpoints came");
    assert!((tools[0] - tools[19]).norm() < 1e-6);
    assert!(matches!(bench.refused, Some(LinkError::Stopped { .. })), "{:?}", bench.refused);
    assert!(kept(&bench));
    let mut cut = Bench::one_box(&fault("kind = \"arm-silent\"\nat_s = 0.2\nfor_s = 0.5"));
    cut.wait(200);
    let before = cut.devices.arm.state().unwrap().at;
    cut.wait(100);
    assert_eq!(cut.devices.arm.state().unwrap().at, before, "the state is an old one");
    cut.wait(600);
    assert!(cut.devices.arm.state().unwrap().at > before);
    assert_eq!(stale.len(), 20);
}

#[test]
fn late_ticks_shift_the_motion_and_beyond_the_bridge_stop_it() {
    let pick = |by_ms: u32| {
        let mut bench = Bench::one_box(&fault(&format!("kind = \"late-ticks\"\nby_ms = {by_ms}\nat_s = 0.05")));
        let hold = bench.seal();
        bench.carry(&hold);
        (bench.item(0).at, bench.refused)
    };
    assert_eq!(pick(3), (Where::Held, None));
    let (_, refused) = pick(40);
    assert!(refused.is_some(), "setpoints that are 40 ms late");
}

#[test]
fn a_protective_stop_ends_with_an_acknowledgement_only() {
    let at_s = middle_of(Part::Reach);
    for reset in [false, true] {
        let mut bench =
            Bench::one_box(&fault(&format!("kind = \"arm-stop\"\nreset = {reset}\nat_s = {at_s}\nfor_s = 1.0")));
        bench.seal();
        while bench.ms() < (at_s * 1e3) as u64 + 900 {
            bench.tick();
        }
        let state = bench.devices.arm.state().unwrap();
        assert!(state.stopped && state.dq.iter().all(|v| v.abs() < 1e-9));
        bench.wait(300);
        assert_eq!(bench.devices.arm.state().unwrap().stopped, !reset);
    }
}

#[test]
fn an_e_stop_in_any_step_stops_the_arm_and_drops_nothing() {
    for part in [Part::Reach, Part::Approach, Part::Seal, Part::Lift, Part::Carry, Part::Release, Part::Retreat] {
        let at_s = middle_of(part);
        let mut bench = Bench::one_box(&fault(&format!("kind = \"e-stop\"\nat_s = {at_s}\nfor_s = 30")));
        bench.pick();
        bench.wait(1_000);
        let state = bench.devices.arm.state().unwrap();
        let tool = bench.devices.tool.status().unwrap().state;
        assert!(state.stopped && state.dq.iter().all(|v| v.abs() < 1e-9), "{part:?}: the arm stands");
        assert!(matches!(tool, State::SafeEmpty | State::SafeHolding), "{part:?}: the tool is {tool:?}");
        assert!(bench.events.iter().any(|e| matches!(e, Event::EStop { .. })), "{part:?}");
        assert!(kept(&bench), "{part:?}: {:?}", bench.item(0));
        if matches!(part, Part::Lift | Part::Carry) {
            assert_eq!((bench.item(0).at, tool), (Where::Held, State::SafeHolding), "{part:?}");
        }
    }
}

#[test]
fn supply_that_is_lost_and_comes_back_is_told() {
    let mut bench = Bench::one_box(&fault("kind = \"supply-loss\"\nat_s = 0.2\nfor_s = 0.3"));
    bench.wait(300);
    assert!(!bench.devices.tool.status().unwrap().supply_ok);
    bench.wait(400);
    assert!(bench.devices.tool.status().unwrap().supply_ok);
    assert!(bench.events.iter().any(|e| matches!(e, Event::SupplyLost { .. })));
}

#[test]
fn after_a_power_loss_the_tool_starts_anew_and_finds_what_it_holds() {
    let at_s = middle_of(Part::Carry);
    let mut bench = Bench::one_box(&fault(&format!("kind = \"power-loss\"\nat_s = {at_s}\nfor_s = 0.4")));
    let hold = bench.seal();
    bench.carry(&hold);
    assert_eq!(bench.refused, Some(LinkError::Closed { device: "arm" }));
    let now = bench.world.now();
    let ended = bench.ms() > (at_s * 1e3) as u64 + 400;
    assert_eq!(bench.devices.cameras.get_mut("tote-a").unwrap().trigger(now).is_err(), !ended);
    while bench.ms() < (at_s * 1e3) as u64 + 600 {
        bench.tick();
    }
    assert!(bench.devices.arm.state().unwrap().stopped, "the drives have braked");
    assert_eq!(bench.item(0).at, Where::Held, "valves without current are on vacuum");
    assert!(bench.events.iter().any(|e| matches!(e, Event::FoundHolding { .. })), "{:?}", bench.events);
    let now = bench.world.now();
    bench.devices.tool.send(Request::Heartbeat, now).unwrap();
    bench.wait(50);
    let state = bench.devices.tool.status().unwrap().state;
    assert!(matches!(state, State::Boot | State::SafeHolding), "{state:?}: nobody has greeted it");
}

#[test]
fn the_same_faults_at_the_same_seed_give_the_same_run() {
    let run = || {
        let faults = fault("kind = \"lost-packets\"\nshare = 0.05\nat_s = 0.1");
        let mut bench = Bench::new(&format!("name = \"t\"\ncell = \"t\"\n{ONE_BOX}{faults}"), 4);
        bench.lay(0, [0.90, 0.42]);
        bench.pick();
        (bench.world.truth(), bench.world.cup_pressures_pa(), bench.devices.tool.counters().missed)
    };
    assert!(run() == run());
}
