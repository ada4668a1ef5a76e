//! What holds whatever hosts, items and sensors do: seeded random runs against a rough plant,
//! judged by what goes in and out alone. A failure names its seed.

use crate::bench::Bench;
use firmware::{
    CUPS, Calibration, CupSet, CupState, Event, Limits, Outputs, Packet, Refusal, Report, Reports, Request, Samples,
    State, Status, VERSION,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const RUNS: u64 = 200;
const TICKS: u32 = 4_000;

/// One tick as an onlooker sees it.
struct Seen {
    request: Option<Request>,
    accepted: bool,
    events: Vec<Event>,
    before: (Status, Outputs),
    status: Status,
    outputs: Outputs,
    samples: Samples,
    /// Ticks since any request came in, and since the start.
    silent: u32,
    elapsed: u32,
    limits: Limits,
}

impl Seen {
    fn accepted(&self, is: impl Fn(&Request) -> bool) -> bool {
        self.accepted && self.request.as_ref().is_some_and(is)
    }

    fn released_by_hand(&self) -> bool {
        self.events.iter().any(|event| matches!(event, Event::ReleasedByHand { .. }))
    }

    fn is_safe(&self) -> bool {
        matches!(self.status.state, State::SafeEmpty | State::SafeHolding)
    }
}

fn limits(rng: &mut ChaCha8Rng) -> Limits {
    let limits = Limits {
        seal_hold_ms: rng.random_range(5..40),
        seek_timeout_ms: rng.random_range(100..800),
        heartbeat_ms: rng.random_range(20..200),
        max_blow_ms: rng.random_range(0..300),
        lost_window_ms: rng.random_range(5..=60),
        ..Limits::default()
    };
    assert_eq!(limits.check(), Ok(()));
    limits
}

fn request(rng: &mut ChaCha8Rng) -> Request {
    match rng.random_range(0..100) {
        0..3 => Request::Hello { version: VERSION },
        3 => Request::Hello { version: rng.random() },
        4..8 => Request::Limits(limits(rng)),
        8..14 => Request::Arm,
        14..34 => Request::Seek { cups: CupSet(rng.random_range(0..70)), expected_pa: rng.random_range(0..102_000) },
        34..37 => Request::Release { cups: CupSet(rng.random_range(0..70)), blow_ms: rng.random() },
        37 => Request::Stop,
        38..40 => Request::Clear,
        40..42 => Request::Tare,
        45 => [Request::Disarm, Request::LeakTest, Request::Store, Request::Health][rng.random_range(0..4)],
        46 => Request::Calibrate(Calibration { cup_zero_pa: rng.random(), ..Calibration::default() }),
        47 => Request::Light { percent: rng.random_range(0..150) },
        42..45 => Request::Pinch { force_mn: rng.random_range(0..3) * 10_000 },
        _ => Request::Heartbeat,
    }
}

/// A rough plant: cups that touch something reach vacuum, others not; sensors lie at times.
struct Plant {
    touches: [bool; CUPS],
    true_pa: [u32; CUPS],
}

impl Plant {
    fn tick(&mut self, outputs: &Outputs, samples: &mut Samples, rng: &mut ChaCha8Rng) {
        for cup in 0..CUPS {
            if rng.random_ratio(1, 700) {
                self.touches[cup] = !self.touches[cup];
            }
            let goal = match (outputs.vent[cup], self.touches[cup]) {
                (true, _) => 0,
                (false, false) => 3_000,
                (false, true) if outputs.generator => 65_000,
                (false, true) => self.true_pa[cup].saturating_sub(20),
            };
            self.true_pa[cup] = (7 * self.true_pa[cup] + goal) / 8;
            let noise = rng.random_range(0..200);
            samples.cup_pa[cup] = if rng.random_ratio(1, 200) { rng.random() } else { self.true_pa[cup] + noise };
        }
        samples.manifold_pa = if outputs.generator {
            (samples.manifold_pa + 300).min(85_000)
        } else {
            samples.manifold_pa.saturating_sub(rng.random_range(0..300))
        };
        samples.load_mn = rng.random_range(-6_000..30_000);
        samples.stroke_um = [rng.random_range(0..3_000); CUPS];
        samples.estop = if samples.estop { !rng.random_ratio(1, 20) } else { rng.random_ratio(1, 1500) };
        samples.supply_ok = if samples.supply_ok { !rng.random_ratio(1, 1500) } else { rng.random_ratio(1, 20) };
        let toggles = rng.random_ratio(1, if samples.release_input { 30 } else { 400 });
        samples.release_input ^= toggles;
    }
}

/// Runs one seed; `judge` sees every tick. A host that falls silent now and then, and that knows
/// how to come back, so that most time is spent active.
fn run(seed: u64, mut judge: impl FnMut(&Seen)) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut bench = Bench::new();
    bench.now_ms = rng.random();
    let mut plant = Plant { touches: rng.random(), true_pa: [0; CUPS] };
    if rng.random_ratio(1, 5) {
        plant.true_pa = [60_000; CUPS];
    }
    let (mut in_force, mut silent, mut silence_left) = (Limits::default(), 0, 0);
    for elapsed in 0..TICKS {
        let mut samples = bench.samples;
        plant.tick(&bench.outputs, &mut samples, &mut rng);
        bench.samples = samples;
        silence_left =
            if rng.random_ratio(1, 600) { rng.random_range(0..400) } else { u32::saturating_sub(silence_left, 1) };
        let speaks = silence_left == 0 && rng.random_ratio(1, 4);
        let body = speaks.then(|| match bench.status.state {
            State::Active => request(&mut rng),
            _ if rng.random_ratio(1, 2) => request(&mut rng),
            _ => match rng.random_range(0..3) {
                0 => Request::Hello { version: VERSION },
                1 => Request::Limits(limits(&mut rng)),
                _ => Request::Arm,
            },
        });
        silent = if body.is_some() { 0 } else { silent + 1 };
        let packet = body.map(|body| Packet { session: 0, seq: rng.random(), body });
        let before = (bench.status, bench.outputs);
        bench.events.clear();
        let tick = bench.step(packet.as_ref());
        check_reports(&tick.reports, packet.as_ref(), seed);
        let accepted = packet
            .is_some_and(|packet| tick.reports.iter().any(|report| report.body == Report::Done { seq: packet.seq }));
        if let (true, Some(Request::Limits(limits))) = (accepted, body) {
            in_force = limits;
        }
        judge(&Seen {
            request: body,
            accepted,
            events: bench.events.clone(),
            before,
            status: bench.status,
            outputs: bench.outputs,
            samples,
            silent,
            elapsed,
            limits: in_force,
        });
    }
}

fn check_reports(reports: &Reports, packet: Option<&Packet<Request>>, seed: u64) {
    let all = reports.as_slice();
    let statuses = all.iter().filter(|report| matches!(report.body, Report::Status(_))).count();
    assert_eq!(statuses, 1, "seed {seed}");
    assert!(matches!(all.last().map(|report| report.body), Some(Report::Status(_))), "seed {seed}");
    assert!(all.windows(2).all(|pair| pair[1].seq == pair[0].seq.wrapping_add(1)), "seed {seed}");
    let answers =
        all.iter().filter(|report| matches!(report.body, Report::Done { .. } | Report::Refused { .. })).count();
    match packet.map(|packet| packet.body) {
        None => assert_eq!(answers, 0, "seed {seed}"),
        Some(Request::Heartbeat) => assert!(answers <= 1, "seed {seed}"),
        Some(_) => assert_eq!(answers, 1, "seed {seed}"),
    }
}

#[test]
fn it_never_vents_a_cup_that_may_hold_without_an_accepted_release_or_a_person() {
    let (mut holds, mut releases) = (0, 0);
    for seed in 0..RUNS {
        run(seed, |seen| {
            for cup in 0..CUPS {
                let (before, now) = (seen.before.0.cups[cup], seen.status.cups[cup]);
                let vacuum = before.pressure_pa.min(now.pressure_pa);
                let held = match before.state {
                    CupState::Sealed | CupState::Leaking => true,
                    CupState::Lost => vacuum >= seen.limits.lost_floor_pa,
                    CupState::Vented | CupState::Seeking => false,
                };
                holds += u64::from(held);
                if held && seen.outputs.vent[cup] {
                    releases += 1;
                    let asked =
                        seen.accepted(|request| matches!(request, Request::Release { cups, .. } if cups.contains(cup)));
                    assert!(asked || seen.released_by_hand(), "seed {seed}, tick {}", seen.elapsed);
                }
            }
            let opened = seen.outputs.pinch_force_mn < seen.before.1.pinch_force_mn;
            let asked = seen.accepted(|request| matches!(request, Request::Pinch { .. }));
            assert!(!opened || asked || seen.released_by_hand(), "seed {seed}");
        });
    }
    assert!(holds > 100_000 && releases > 1_000, "only {holds} holds, {releases} releases");
}

#[test]
fn host_silence_leads_to_a_safe_state_within_the_heartbeat_and_five_milliseconds() {
    let mut silences = 0;
    for seed in 0..RUNS {
        run(seed, |seen| {
            let late = seen.silent > u32::from(seen.limits.heartbeat_ms) + 5;
            let told = seen.events.iter().any(|event| matches!(event, Event::HostSilent { .. }));
            silences += u32::from(told);
            if late {
                assert_ne!(seen.status.state, State::Active, "seed {seed}, tick {}", seen.elapsed);
                assert!(!seen.outputs.blow_off, "seed {seed}");
            }
            if told {
                assert!(seen.is_safe(), "seed {seed}");
            }
        });
    }
    assert!(silences > 100, "only {silences} silences");
}

#[test]
fn blow_off_never_runs_but_while_active_after_a_release_no_longer_than_allowed() {
    let mut blown = 0;
    for seed in 0..RUNS {
        let (mut released, mut ticks) = (CupSet::NONE, 0);
        run(seed, |seen| {
            if let (true, Some(Request::Release { cups, .. })) = (seen.accepted, seen.request) {
                let on = |cup: &usize| seen.before.0.cups[*cup].state != CupState::Vented;
                let fresh: CupSet = cups.iter().filter(on).collect();
                if !fresh.is_empty() {
                    (released, ticks) = (fresh, 0);
                }
            }
            if seen.outputs.blow_off {
                blown += 1;
                ticks += 1;
                assert_eq!(seen.status.state, State::Active, "seed {seed}, tick {}", seen.elapsed);
                assert!(!released.is_empty(), "seed {seed}");
                assert!(released.iter().all(|cup| seen.outputs.vent[cup]), "seed {seed}");
                assert!(ticks <= seen.limits.max_blow_ms, "seed {seed}: {ticks} ms");
            }
        });
    }
    assert!(blown > 10_000, "only {blown} ms blown");
}

#[test]
fn blow_off_is_never_active_in_safe_holding() {
    let mut ticks = 0;
    for seed in 0..RUNS {
        run(seed, |seen| {
            let holding = seen.status.state == State::SafeHolding;
            ticks += u32::from(holding);
            assert!(!(holding && seen.outputs.blow_off), "seed {seed}, tick {}", seen.elapsed);
        });
    }
    assert!(ticks > 10_000, "only {ticks} ms in safe holding");
}

#[test]
fn safe_holding_keeps_every_valve_and_the_pinch_until_arm_or_a_person() {
    for seed in 0..RUNS {
        run(seed, |seen| {
            if seen.before.0.state == State::SafeHolding && seen.elapsed > 5 {
                match seen.status.state {
                    State::SafeHolding => {
                        assert_eq!(seen.outputs.vent, seen.before.1.vent, "seed {seed}");
                        assert_eq!(seen.outputs.pinch_force_mn, seen.before.1.pinch_force_mn, "seed {seed}");
                    }
                    State::Active => {
                        assert!(seen.accepted(|r| *r == Request::Arm), "seed {seed}");
                        assert_eq!(seen.outputs.vent, seen.before.1.vent, "seed {seed}");
                    }
                    State::SafeEmpty => assert!(seen.released_by_hand(), "seed {seed}"),
                    State::Boot | State::Ready => panic!("seed {seed}: hold forgotten"),
                }
            }
        });
    }
}

#[test]
fn safe_empty_is_vented_without_generator_or_pinch_and_no_safe_state_seeks() {
    for seed in 0..RUNS {
        run(seed, |seen| {
            if seen.status.state == State::SafeEmpty && seen.elapsed >= 5 {
                let light_percent = seen.outputs.light_percent;
                let idle = Outputs { vent: [true; CUPS], light_percent, ..Outputs::default() };
                assert_eq!(seen.outputs, idle, "seed {seed}, tick {}", seen.elapsed);
            }
            let seeks = seen.status.cups.iter().any(|cup| cup.state == CupState::Seeking);
            assert!(!(seeks && seen.status.state != State::Active), "seed {seed}");
        });
    }
}

#[test]
fn the_e_stop_leads_to_a_safe_state_in_its_tick_and_nothing_arms_under_it() {
    for seed in 0..RUNS {
        run(seed, |seen| {
            if seen.samples.estop {
                assert!(seen.is_safe(), "seed {seed}, tick {}", seen.elapsed);
            }
        });
    }
}

#[test]
fn no_cup_seals_that_did_not_hold_the_floor_for_its_time() {
    for seed in 0..RUNS {
        let mut above = [0u16; CUPS];
        run(seed, |seen| {
            let cups = seen.status.cups.iter().zip(&seen.before.0.cups);
            for ((now, before), above) in cups.zip(&mut above) {
                let held = now.pressure_pa >= seen.limits.seal_floor_pa;
                *above = if held { above.saturating_add(1) } else { 0 };
                let fresh = now.state == CupState::Sealed && before.state != CupState::Sealed;
                assert!(!fresh || *above > seen.limits.seal_hold_ms, "seed {seed}");
            }
        });
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let record = |seed| {
        let mut ticks = Vec::new();
        run(seed, |seen| ticks.push((seen.status, seen.outputs, seen.events.clone())));
        ticks
    };
    for seed in 0..20 {
        assert!(record(seed) == record(seed), "seed {seed}");
    }
}

#[test]
fn no_samples_requests_or_clock_make_it_panic_or_say_too_much() {
    for seed in 0..200 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bench = Bench::new();
        let mut most = 0;
        let extreme = |rng: &mut ChaCha8Rng| match rng.random_range(0..4) {
            0 => 0,
            1 => u32::MAX,
            2 => 60_000,
            _ => rng.random(),
        };
        for _ in 0..5_000 {
            if rng.random_ratio(1, 50) {
                bench.now_ms = extreme(&mut rng);
            }
            if rng.random_ratio(1, 20) {
                bench.samples = Samples {
                    cup_pa: core::array::from_fn(|_| extreme(&mut rng)),
                    manifold_pa: extreme(&mut rng),
                    load_mn: extreme(&mut rng) as i32,
                    stroke_um: rng.random(),
                    estop: rng.random_ratio(1, 10),
                    supply_ok: !rng.random_ratio(1, 10),
                    release_input: rng.random_ratio(1, 5),
                };
            }
            let body = match rng.random_range(0..8) {
                0 => Request::Hello { version: VERSION },
                1 => Request::Limits(limits(&mut rng)),
                2 => Request::Limits(Limits {
                    seal_floor_pa: extreme(&mut rng),
                    contact_mn: extreme(&mut rng) as i32,
                    overload_mn: extreme(&mut rng) as i32,
                    generator_on_pa: extreme(&mut rng),
                    ..Limits::default()
                }),
                3 => Request::Arm,
                4 => Request::Seek { cups: CupSet(rng.random()), expected_pa: extreme(&mut rng) },
                _ => request(&mut rng),
            };
            let packet = Packet { session: 0, seq: rng.random(), body };
            let tick = bench.step(rng.random_ratio(4, 5).then_some(&packet));
            most = most.max(tick.reports.as_slice().len());
            let status_is_last = matches!(tick.reports.as_slice().last().map(|r| r.body), Some(Report::Status(_)));
            assert!(status_is_last, "seed {seed}: no room was left for the status");
        }
        assert!(most <= Reports::MAX, "seed {seed}: {most} reports in a tick");
    }
}

#[test]
fn a_release_in_a_safe_state_is_always_refused() {
    let mut refused = 0;
    for seed in 0..RUNS {
        run(seed, |seen| {
            let was_safe = matches!(seen.before.0.state, State::SafeEmpty | State::SafeHolding);
            if was_safe && matches!(seen.request, Some(Request::Release { .. })) {
                refused += 1;
                assert!(!seen.accepted, "seed {seed}: {}", Refusal::Locked);
            }
        });
    }
    assert!(refused > 100, "only {refused} tried");
}
