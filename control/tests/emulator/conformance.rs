//! One recording through the library here and through the image there: the same bytes, the same outputs, tick by tick.
//!
//! The image is stepped: samples, time and the link's bytes are in the shared page, not on the UART, so that nothing
//! depends on when a byte comes. The library here is called directly; it shares no line of `page` but its flash.

use std::sync::atomic::AtomicU32;

use firmware::page::{self, Flash, TO_BOARD, TO_HOST, Words, at};
use firmware::wire::{Decoder, MAX_PACKET, encode};
use firmware::{
    Birth, Calibration, Config, ConfigSource, CupSet, Gripper, Limits, Outputs, Packet, Report, Request, Samples,
    VERSION,
};
use rand::{Rng, RngCore as _, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::machine::{Machine, SUPPLIED};
use crate::{CAN, KEPT};

const DOORBELLS: u32 = 20_000;

/// A host that mostly does what a host does, and a world that mostly answers its valves.
struct Recording {
    rng: ChaCha8Rng,
    now_ms: u32,
    session: u16,
    seq: u8,
    samples: Samples,
    /// Ticks left of a stretch in which nothing disturbs a leak test, after so many of [`CALM`] were sent.
    calm: u32,
    sent: usize,
}

/// A stretch of calm, in ticks; one begins after so many.
const CALM_TICKS: u32 = 2_500;
const CALM_EVERY: u32 = 6_000;
/// What makes a tool that may hold anything ready for a leak test.
const CALM: [Request; 7] = [
    Request::Hello { version: VERSION },
    Request::Limits(Limits { heartbeat_ms: 200, ..Limits::DEFAULT }),
    Request::Arm,
    Request::Release { cups: CupSet::ALL, blow_ms: 0 },
    Request::Pinch { force_mn: 0 },
    Request::LeakTest,
    Request::Health,
];

impl Recording {
    fn new(seed: u64) -> Self {
        // The clock wraps on the way.
        Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            now_ms: u32::MAX - 9_000,
            session: 0,
            seq: 0,
            samples: SUPPLIED,
            calm: 0,
            sent: 0,
        }
    }

    fn request(&mut self) -> Request {
        if self.calm > 0 {
            self.sent += 1;
            return CALM.get(self.sent - 1).copied().unwrap_or(Request::Heartbeat);
        }
        let rng = &mut self.rng;
        let cups = CupSet(rng.random_range(0..0x48));
        let limits = Limits { heartbeat_ms: rng.random_range(15..200), ..Limits::DEFAULT };
        match rng.random_range(0..40) {
            0 => Request::Hello { version: if rng.random_ratio(1, 6) { 9 } else { VERSION } },
            1..4 => Request::Limits(limits),
            4..9 => Request::Arm,
            9..15 => Request::Seek { cups, expected_pa: rng.random_range(0..110_000) },
            15..19 => Request::Release { cups, blow_ms: rng.random_range(0..300) },
            19 => Request::Pinch { force_mn: rng.random_range(0..3) * 12_000 },
            20 => Request::Clear,
            21 => Request::Stop,
            22 => Request::Tare,
            23..25 => Request::Disarm,
            25 => Request::Light { percent: rng.random_range(0..120) },
            26..28 => Request::LeakTest,
            28 => Request::Calibrate(Calibration { load_permille: rng.random_range(400..1_500), ..Calibration::NONE }),
            29..31 => Request::Store,
            31 => Request::Health,
            _ => Request::Heartbeat,
        }
    }

    /// What comes over the link before this tick.
    fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for _ in 0..self.rng.random_range(0_u32..8).saturating_sub(5) {
            let request = self.request();
            if matches!(request, Request::Hello { .. }) {
                self.session = self.rng.random_range(0..20);
            }
            if self.calm > 0 || !self.rng.random_ratio(1, 12) {
                self.seq = self.seq.wrapping_add(self.rng.random_range(1..3));
            }
            let mut buffer = [0; MAX_PACKET];
            let packet = Packet { session: self.session, seq: self.seq, body: request };
            let length = encode(&packet, &mut buffer).unwrap();
            if self.calm == 0 && self.rng.random_ratio(1, 30) {
                buffer[self.rng.random_range(0..length)] ^= 1 << self.rng.random_range(0..8);
            }
            bytes.extend(&buffer[..length]);
        }
        if self.rng.random_ratio(1, 40) {
            let mut noise = vec![0; self.rng.random_range(0..150)];
            self.rng.fill_bytes(&mut noise);
            bytes.extend(noise);
        }
        bytes
    }

    /// The world a little later.
    fn samples(&mut self, tick: u32, outputs: &Outputs) -> Samples {
        self.calm = self.calm.saturating_sub(1);
        if tick.is_multiple_of(CALM_EVERY) {
            (self.calm, self.sent) = (CALM_TICKS, 0);
        }
        let rng = &mut self.rng;
        let jumps = self.calm == 0 && rng.random_ratio(1, 500);
        self.now_ms = self.now_ms.wrapping_add(if jumps { rng.random_range(0..400) } else { 1 });
        let samples = &mut self.samples;
        let towards = |now: u32, goal: u32| now.saturating_add(goal / 8).saturating_sub(now / 8);
        samples.manifold_pa = towards(samples.manifold_pa, if outputs.generator { 80_000 } else { 5_000 });
        for (i, pressure) in samples.cup_pa.iter_mut().enumerate() {
            // Cup 5 never finds anything, and any cup may be knocked.
            let goal = if outputs.vent[i] || i == 5 || rng.random_ratio(1, 400) { 0 } else { samples.manifold_pa };
            *pressure = towards((*pressure).min(120_000), goal);
        }
        if rng.random_ratio(1, 100) {
            samples.cup_pa[rng.random_range(0..6)] = u32::MAX;
        }
        samples.load_mn = rng.random_range(-4_000..40_000);
        samples.stroke_um[rng.random_range(0..6)] = rng.random_range(0..3_000);
        samples.estop = if samples.estop { !rng.random_ratio(1, 20) } else { rng.random_ratio(1, 700) };
        samples.supply_ok = if samples.supply_ok { !rng.random_ratio(1, 900) } else { rng.random_ratio(1, 15) };
        samples.release_input ^= rng.random_ratio(1, 60);
        if self.calm > 0 {
            *samples = Samples { estop: false, supply_ok: true, release_input: false, ..*samples };
        }
        *samples
    }
}

/// Bytes as the packets that they are, for people.
fn read(bytes: &[u8]) -> Vec<Packet<Report>> {
    let mut decoder = Decoder::<Report, MAX_PACKET>::new();
    bytes.iter().filter_map(|&byte| decoder.push(byte)).collect()
}

#[test]
fn the_image_says_and_does_what_the_library_says_and_does() {
    let Some(machine) = Machine::start(|page| page.set_word(at::MODE, 1)) else { return };
    let page = machine.page();
    let flash: Vec<AtomicU32> = (0..page::BYTES / 4).map(|_| AtomicU32::new(0)).collect();
    Flash(&*flash).wipe();
    let mut library = Gripper::new();
    library.awake(Birth { capabilities: CAN, boots: 1, crash: None }, Config::default(), ConfigSource::Nothing);
    let mut recording = Recording::new(20_261_130);
    let mut outputs = Outputs::default();
    let (mut said, mut kinds) = (0, [false; 7]);
    for tick in 1..=DOORBELLS {
        let bytes = recording.bytes();
        let samples = recording.samples(tick, &outputs);
        TO_BOARD.clear(page);
        TO_HOST.clear(page);
        assert!(TO_BOARD.append(page, &bytes), "tick {tick}: {} bytes are too many", bytes.len());
        page::put_samples(page, &samples);
        page.set_word(at::TIME, recording.now_ms);
        machine.step();

        let mut expected = Vec::new();
        library.receive(&bytes);
        outputs = library.tick(recording.now_ms, &samples, |packet| expected.extend(packet));
        firmware::board::store(&mut library, &mut Flash(&*flash), KEPT);

        let mut found = vec![0; page::OUT_BYTES];
        let length = TO_HOST.read(page, 0, &mut found);
        found.truncate(length);
        let image = page::outputs(page);
        assert!(
            found == expected && image == outputs,
            "tick {tick} at {} ms, first difference:\nlibrary {outputs:?} {:#?}\nimage {image:?} {:#?}\nafter {samples:?} and {bytes:02x?}",
            recording.now_ms,
            read(&expected),
            read(&found),
        );
        for packet in read(&expected) {
            said += 1;
            kinds[match packet.body {
                Report::Hello { .. } => 0,
                Report::Done { .. } => 1,
                Report::Refused { .. } => 2,
                Report::Status(_) => 3,
                Report::Event(_) => 4,
                Report::LeakTest(_) => 5,
                Report::Health(_) => 6,
            }] = true;
        }
    }
    assert!(kinds.iter().all(|seen| *seen), "not every kind of report came up: {kinds:?}");
    assert!(said > DOORBELLS + DOORBELLS / 10, "{said} reports");
    assert_eq!(page.word(at::BOOTS), 1);
    let kept = Config::load(&mut Flash(page), KEPT);
    assert!(kept.1 == ConfigSource::Stored && kept == Config::load(&mut Flash(&*flash), KEPT), "{kept:?}");
}
