//! Holding, against what the constants say of 30 mm cups; the tool is moved by hand, packets are all it hears.

use control::ToolModel;
use firmware::{CupSet, CupState, Event, Limits, Packet, Report, Request, Status, VERSION, wire};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::Fragility;

use super::items::ItemState;
use super::physics::{Physics, STEP_S};
use super::rig::{Outside, Rig};
use super::senses::ToolSenses;
use super::shape::{Matter, Solid};
use super::surface::Surface;
use crate::sensors::{Level, ToolSense};

pub(super) const QUIET: Outside = Outside { estop: false, release: false, supply: true };
/// A good carton: 0.6 L/min at 40 kPa.
pub(super) const TIGHT: Surface = Surface { sigma: 0.3, ..Surface::plain(1e-5) };

/// One item on the table, a tool above it, a host that speaks packets.
pub(super) struct Bench {
    pub rig: Rig,
    seq: u8,
    decoder: wire::Decoder<Report, { wire::MAX_PACKET }>,
    pub status: Status,
    pub events: Vec<Event>,
    /// Where the tool's lips are; the tool looks straight down.
    pub at: Vector3<f64>,
    yaw: f64,
    ms: u32,
}

pub(super) fn carton(sides: [f64; 3], mass_kg: f64) -> Matter {
    Matter {
        solid: Solid::Box { half: Vector3::from(sides) * 0.5 },
        mass_kg,
        centre_of_mass: Vector3::zeros(),
        friction: 0.5,
        restitution: 0.2,
        soft: None,
    }
}

impl Bench {
    /// Items stand on the table at (x, y); the lips are 20 mm over `top` and over (x, y) = `over`.
    pub fn new(items: &[(Matter, [f64; 2])], over: [f64; 2], top: f64, yaw: f64, seed: u64) -> Self {
        Self::of(items, TIGHT, Fragility::Sturdy, over, top, yaw, seed)
    }

    /// As [`Self::new`], with a surface and a fragility of all items.
    pub fn of(
        items: &[(Matter, [f64; 2])],
        surface: Surface,
        fragility: Fragility,
        over: [f64; 2],
        top: f64,
        yaw: f64,
        seed: u64,
    ) -> Self {
        let mut physics = Physics::new(STEP_S);
        let states = items
            .iter()
            .map(|(matter, [x, y])| {
                let at = Isometry3::translation(*x, *y, matter.solid.half_extents().z);
                ItemState::new(0, physics.add_item(matter, &at), matter.clone(), surface, fragility)
            })
            .collect();
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let at = Vector3::new(over[0], over[1], top + 0.02);
        let rng = ChaCha8Rng::seed_from_u64(seed);
        let senses = ToolSenses::new(ToolSense::at(Level::Typical), ChaCha8Rng::seed_from_u64(seed + 1));
        let mut bench = Self {
            rig: Rig::new(&tool, pose(at, yaw), physics, states, Vec::new(), senses, rng),
            seq: 0,
            decoder: wire::Decoder::new(),
            status: Status::default(),
            events: Vec::new(),
            at,
            yaw,
            ms: 0,
        };
        bench.run(10, Vector3::zeros());
        for request in [Request::Hello { version: VERSION }, Request::Limits(Limits::default()), Request::Arm] {
            bench.send(request);
        }
        bench.run(20, Vector3::zeros());
        bench.send(Request::Tare);
        bench.run(20, Vector3::zeros());
        bench
    }

    pub fn send(&mut self, body: Request) {
        let mut bytes = [0; wire::MAX_PACKET];
        let length = wire::encode(&Packet { session: 1, seq: self.seq, body }, &mut bytes).unwrap();
        self.seq = self.seq.wrapping_add(1);
        self.rig.link.send(&bytes[..length]).unwrap();
    }

    /// Moves the tool with `speed` m/s for some milliseconds.
    pub fn run(&mut self, ms: u32, speed: Vector3<f64>) {
        for _ in 0..ms {
            self.ms += 1;
            if self.ms.is_multiple_of(40) {
                self.send(Request::Heartbeat);
            }
            self.at += speed * 1e-3;
            self.rig.tick(&pose(self.at, self.yaw), &QUIET);
            while let Some(packet) = self.rig.link.next_for_host() {
                for byte in packet {
                    match self.decoder.push(byte).map(|p| p.body) {
                        Some(Report::Status(status)) => self.status = status,
                        Some(Report::Event(event)) => self.events.push(event),
                        _ => {}
                    }
                }
            }
        }
    }

    /// Down until the lips are 1.5 mm past the face, cups seeking, and a wait for the seal.
    pub fn grab(&mut self, cups: CupSet) {
        self.send(Request::Seek { cups, expected_pa: 50_000 });
        self.run(430, Vector3::new(0.0, 0.0, -0.05));
        self.run(150, Vector3::zeros());
    }

    /// 20 cm up with at most 0.4 m/s, 4 m/s².
    pub fn lift(&mut self) {
        for i in 0..100_u32 {
            self.run(1, Vector3::z() * 0.004 * f64::from(i));
        }
        self.run(400, Vector3::z() * 0.4);
        for i in (0..100_u32).rev() {
            self.run(1, Vector3::z() * 0.004 * f64::from(i));
        }
    }

    pub fn height(&self, item: usize) -> f64 {
        self.rig.items[item].met.world_from_item.translation.z
    }

    pub fn state(&self, cup: usize) -> CupState {
        self.status.cups[cup].state
    }
}

/// The tool at a place, looking down, turned about the vertical.
pub(super) fn pose(at: Vector3<f64>, yaw: f64) -> Isometry3<f64> {
    let down = UnitQuaternion::from_euler_angles(std::f64::consts::PI, 0.0, 0.0);
    Isometry3::from_parts(Translation3::from(at), UnitQuaternion::from_euler_angles(0.0, 0.0, yaw) * down)
}

/// Where the tool must be so that a cup is over a point of the table, without yaw.
pub(super) fn so_that(cup: usize, over: [f64; 2]) -> [f64; 2] {
    let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
    // Looking down turns y round.
    [over[0] - tool.cups[cup][0], over[1] + tool.cups[cup][1]]
}

#[test]
fn a_cup_on_a_flat_carton_seals_beyond_40_kpa() {
    let mut bench = Bench::new(&[(carton([0.06, 0.04, 0.08], 0.5), [0.0; 2])], so_that(1, [0.0; 2]), 0.08, 0.0, 1);
    bench.grab(CupSet::single(1));
    assert_eq!(bench.state(1), CupState::Sealed);
    let pa = bench.status.cups[1].pressure_pa;
    assert!(pa > 40_000, "{pa} Pa");
    assert_eq!(bench.rig.items[0].cups, 0b10);
}

#[test]
fn a_cup_half_over_an_edge_does_not_seal() {
    let matter = carton([0.2, 0.2, 0.08], 0.5);
    let mut bench = Bench::new(&[(matter, [0.0; 2])], so_that(0, [0.1, 0.0]), 0.08, 0.0, 1);
    bench.grab(CupSet::single(0));
    assert_eq!(bench.state(0), CupState::Seeking);
    let pa = bench.status.cups[0].pressure_pa;
    assert!(pa < 5_000, "{pa} Pa");
}

#[test]
fn half_a_kilogram_on_one_centred_cup_is_lifted_and_weighed() {
    let mut bench = Bench::new(&[(carton([0.06, 0.04, 0.08], 0.5), [0.0; 2])], so_that(1, [0.0; 2]), 0.08, 0.0, 1);
    bench.grab(CupSet::single(1));
    bench.lift();
    bench.run(400, Vector3::zeros());
    assert!(bench.height(0) > 0.2, "{} m", bench.height(0));
    let kg = f64::from(bench.status.load_mn) * 1e-3 / 9.806_65;
    assert!((kg - 0.5).abs() < 0.1, "{kg} kg");
    assert!(bench.rig.items[0].damaged.is_none());
}

#[test]
fn half_a_kilogram_60_mm_off_the_only_cup_peels_off() {
    // Cup 0 is the last one over the light end: no idle cup can brace the carton.
    let matter = carton([0.15, 0.04, 0.08], 0.5);
    let mut bench = Bench::new(&[(matter, [0.0; 2])], so_that(0, [0.06, 0.0]), 0.08, 0.0, 1);
    bench.grab(CupSet::single(0));
    assert_eq!(bench.state(0), CupState::Sealed);
    bench.lift();
    bench.run(800, Vector3::zeros());
    assert!(bench.height(0) < 0.1, "{} m", bench.height(0));
    assert!(bench.events.iter().any(|e| matches!(e, Event::CupLost { cup: 0, .. })), "{:?}", bench.events);
}

#[test]
fn cups_share_the_manifold_so_an_open_one_weakens_another() {
    let matter = carton([0.2, 0.2, 0.08], 0.5);
    let reach = |cups: CupSet, over: [f64; 2]| {
        let mut bench = Bench::new(&[(matter.clone(), [0.0; 2])], over, 0.08, 0.0, 1);
        bench.grab(cups);
        // The open cup seeks still: it gives up 600 ms after it began.
        let weak = bench.rig.cups_pa()[3];
        assert_eq!(bench.state(3), CupState::Sealed, "{weak} Pa: as tight as the manifold lets it be");
        bench.run(300, Vector3::zeros());
        [weak, bench.rig.cups_pa()[3]]
    };
    // Cup 3 on the carton, cup 5 beyond its edge in free air.
    let over = so_that(3, [0.06, 0.0]);
    let [alone, _] = reach(CupSet::single(3), over);
    let [with_open, left_alone] = reach(CupSet(0b10_1000), over);
    assert!(alone > 55_000.0 && with_open < 0.7 * alone, "{alone} Pa alone, {with_open} Pa beside an open cup");
    assert!(left_alone > 55_000.0, "{left_alone} Pa once the open cup has given up");
}

#[test]
fn six_cups_carry_two_kilograms_and_a_release_lets_them_fall() {
    let mut bench = Bench::new(&[(carton([0.2, 0.16, 0.08], 2.0), [0.0; 2])], [0.0; 2], 0.08, 0.0, 1);
    bench.grab(CupSet::ALL);
    bench.lift();
    bench.run(200, Vector3::zeros());
    assert_eq!(bench.rig.items[0].cups, 0b11_1111);
    assert!(bench.height(0) > 0.2);
    bench.send(Request::Release { cups: CupSet::ALL, blow_ms: 50 });
    bench.run(90, Vector3::zeros());
    assert_eq!(bench.rig.items[0].cups, 0, "held after 90 ms, {:?} Pa", bench.rig.cups_pa());
    bench.run(500, Vector3::zeros());
    assert!(bench.height(0) < 0.05, "{} m", bench.height(0));
}

#[test]
fn a_light_item_on_six_cups_hangs_still() {
    let mut bench = Bench::new(&[(carton([0.14, 0.1, 0.03], 0.04), [0.0; 2])], [0.0; 2], 0.03, 0.0, 1);
    bench.grab(CupSet::ALL);
    bench.lift();
    bench.run(300, Vector3::zeros());
    let met = &bench.rig.items[0].met;
    assert_eq!(bench.rig.items[0].cups, 0b11_1111);
    assert!(met.linear.norm() < 0.005 && met.angular.norm() < 0.05, "{} m/s", met.linear.norm());
}

#[test]
fn two_items_under_the_cups_come_up_together_and_the_truth_says_so() {
    let matter = carton([0.05, 0.1, 0.06], 0.3);
    let items = [(matter.clone(), [-0.0445, 0.0]), (matter, [0.0445, 0.0])];
    let mut bench = Bench::new(&items, [0.0; 2], 0.06, 0.0, 1);
    bench.grab(CupSet(0b10_1101));
    bench.lift();
    bench.run(100, Vector3::zeros());
    assert_eq!((bench.rig.items[0].cups, bench.rig.items[1].cups), (0b00_1001, 0b10_0100));
    assert_eq!((&bench.rig.items[0].held_with[..], &bench.rig.items[1].held_with[..]), (&[1][..], &[0][..]));
}

#[test]
fn sealed_cups_hold_on_when_the_host_falls_silent() {
    let mut bench = Bench::new(&[(carton([0.06, 0.04, 0.08], 0.5), [0.0; 2])], so_that(1, [0.0; 2]), 0.08, 0.0, 1);
    bench.grab(CupSet::single(1));
    bench.lift();
    bench.ms = 1;
    for _ in 0..2_000 {
        // No heartbeats: the rig ticks alone.
        bench.rig.tick(&pose(bench.at, bench.yaw), &QUIET);
    }
    assert_eq!(bench.rig.items[0].cups, 0b10);
}

#[test]
fn the_same_seed_gives_the_same_pick_bit_for_bit() {
    let pick = || {
        let mut bench = Bench::new(&[(carton([0.2, 0.16, 0.08], 1.0), [0.0; 2])], [0.01, 0.02], 0.08, 0.3, 9);
        bench.grab(CupSet::ALL);
        bench.lift();
        (bench.rig.items[0].met.world_from_item, bench.rig.cups_pa(), bench.status)
    };
    assert_eq!(pick(), pick());
}
