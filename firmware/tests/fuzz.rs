//! Random bytes into the decoder, random commands and sensors into the controller. `NUTHATCH_FULL=1` makes a hundred
//! times as many: 10⁷ streams, 10⁶ sequences.

use firmware::wire::{Decoder, MAX_PACKET, encode};
use firmware::{
    CUPS, CupSet, CupState, Gripper, Limits, Outputs, Packet, Report, Request, Samples, State, Status, VERSION,
};
use rand::{Rng, RngCore as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn times(usual: u64) -> u64 {
    if std::env::var_os("NUTHATCH_FULL").is_some() { usual * 100 } else { usual }
}

fn request(rng: &mut ChaCha8Rng) -> Request {
    let cups = CupSet(rng.random_range(0..0x48));
    match rng.random_range(0..24) {
        0..4 => Request::Hello { version: if rng.random_ratio(1, 8) { rng.random() } else { VERSION } },
        4..7 => Request::Limits(Limits { heartbeat_ms: rng.random_range(15..60), ..Limits::default() }),
        7..10 => Request::Arm,
        10..14 => Request::Seek { cups, expected_pa: rng.random_range(0..110_000) },
        14..16 => Request::Release { cups, blow_ms: rng.random() },
        16 => Request::Pinch { force_mn: rng.random_range(0..3) * 12_000 },
        17 => Request::Clear,
        18 => Request::Stop,
        19 => Request::LeakTest,
        20 => Request::Disarm,
        _ => Request::Heartbeat,
    }
}

#[expect(clippy::unwrap_used, reason = "every packet fits the largest buffer")]
fn bytes(packet: &Packet<Request>, buffer: &mut [u8; MAX_PACKET]) -> usize {
    encode(packet, buffer).unwrap()
}

#[test]
fn noise_makes_no_packet_and_after_it_the_second_packet_at_the_latest_is_heard() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_127);
    let mut buffer = [0; MAX_PACKET];
    let mut noise = [0; 64];
    for stream in 0..times(100_000) {
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        let length = rng.random_range(0..noise.len());
        rng.fill_bytes(&mut noise[..length]);
        assert!(noise[..length].iter().all(|&byte| decoder.push(byte).is_none()), "stream {stream}: {noise:02x?}");
        let packet = Packet { session: rng.random(), seq: rng.random(), body: request(&mut rng) };
        let length = bytes(&packet, &mut buffer);
        let heard = (0..2).any(|_| buffer[..length].iter().filter_map(|&byte| decoder.push(byte)).any(|p| p == packet));
        assert!(heard, "stream {stream}");
    }
}

#[test]
fn a_flipped_bit_is_never_another_packet() {
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    let mut buffer = [0; MAX_PACKET];
    for stream in 0..times(100_000) {
        let packet = Packet { session: rng.random(), seq: rng.random(), body: request(&mut rng) };
        let length = bytes(&packet, &mut buffer);
        let bit = rng.random_range(0..8 * length);
        buffer[bit / 8] ^= 1 << (bit % 8);
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        let found = buffer[..length].iter().find_map(|&byte| decoder.push(byte));
        assert_eq!(found, None, "stream {stream}, bit {bit} of {packet:?}");
    }
}

/// What a run of a few hundred milliseconds must never show.
fn check(seed: u64) -> (bool, bool) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut gripper = Gripper::new();
    let mut samples = Samples { supply_ok: true, ..Samples::default() };
    let mut buffer = [0; MAX_PACKET];
    let (mut status, mut outputs) = (Status::default(), Outputs::default());
    let (mut empty, mut holding) = (false, false);
    let mut session: u16 = rng.random();
    let mut now_ms: u32 = rng.random();
    let mut seq = 0u8;
    // Greeted, armed and seeking at first, so that there is something to hold.
    let opening = [
        Request::Hello { version: VERSION },
        Request::Limits(Limits::default()),
        Request::Arm,
        Request::Seek { cups: CupSet(0b111), expected_pa: 0 },
    ];
    for step in 0..120_usize {
        now_ms = now_ms.wrapping_add(if rng.random_ratio(1, 60) { rng.random_range(0..300) } else { 1 });
        let body = match opening.get(step) {
            Some(body) => Some(*body),
            None => rng.random_ratio(1, 3).then(|| request(&mut rng)),
        };
        if let Some(body) = body {
            seq = seq.wrapping_add(if rng.random_ratio(1, 10) { rng.random_range(0..4) } else { 1 });
            session = if rng.random_ratio(1, 40) { rng.random() } else { session };
            let length = bytes(&Packet { session, seq, body }, &mut buffer);
            if rng.random_ratio(1, 20) {
                buffer[rng.random_range(0..length)] ^= 1 << rng.random_range(0..8);
            }
            gripper.receive(&buffer[..length]);
        }
        for cup in 0..CUPS {
            let goal = if outputs.vent[cup] { 0 } else { 60_000 };
            let wild = rng.random_ratio(1, 50);
            samples.cup_pa[cup] = if wild { rng.random() } else { (samples.cup_pa[cup].min(90_000) + goal) / 2 };
        }
        samples.manifold_pa = rng.random_range(0..90_000);
        samples.estop ^= rng.random_ratio(1, 80);
        samples.supply_ok ^= rng.random_ratio(1, 80);
        let before = (status, outputs);
        let mut decoder = Decoder::<Report, MAX_PACKET>::new();
        outputs = gripper.tick(now_ms, &samples, |packet| {
            for report in packet.iter().filter_map(|&byte| decoder.push(byte)) {
                if let Report::Status(new) = report.body {
                    status = new;
                }
            }
        });
        assert_eq!(decoder.bad(), 0, "seed {seed}");
        match status.state {
            State::SafeEmpty if step > 5 => {
                empty = true;
                assert!(outputs.vent == [true; CUPS] && !outputs.generator, "seed {seed}, step {step}: {outputs:?}");
                assert!(!outputs.blow_off && outputs.pinch_force_mn == 0, "seed {seed}, step {step}");
            }
            State::SafeHolding if step > 5 => {
                holding = true;
                assert!(!outputs.blow_off, "seed {seed}, step {step}");
                assert!(outputs.pinch_force_mn >= before.1.pinch_force_mn, "seed {seed}, step {step}");
                for cup in 0..CUPS {
                    let held = matches!(before.0.cups[cup].state, CupState::Sealed | CupState::Leaking);
                    assert!(!(held && outputs.vent[cup]), "seed {seed}, step {step}: cup {cup} let go");
                    assert!(outputs.vent[cup] || !before.1.vent[cup], "seed {seed}, step {step}: cup {cup} seeks");
                }
            }
            _ => {}
        }
    }
    (empty, holding)
}

#[test]
fn no_sequence_of_commands_and_sensors_breaks_a_safe_state() {
    let (mut empty, mut holding) = (0, 0);
    let sequences = times(10_000);
    for seed in 0..sequences {
        let (was_empty, was_holding) = check(seed);
        empty += u64::from(was_empty);
        holding += u64::from(was_holding);
    }
    assert!(empty > sequences / 100 && holding > sequences / 2, "{empty} empty, {holding} holding of {sequences}");
}
