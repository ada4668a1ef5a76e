//! Suction against cases that can be worked out by hand, on a stand: a solid that can't move, cups and vacuum as
//! the tool file says, the tool moved by hand.

use std::f64::consts::PI;

use control::ToolModel;
use firmware::{CUPS, Outputs};
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::cups::{self, Cup, CupTruth, Met, ToolMotion, Wrench};
use super::hull::{Hull, convex_parts, solids};
use super::physics::STEP_S;
use super::pneumatics::Pneumatics;
use super::ring::{Near, Target};
use super::shape::{Matter, Soft, Solid};
use super::surface::Surface;

/// Radius of the sealing ring and area of the vacuum in the tool file.
const R: f64 = 0.012_75;
const AREA: f64 = 511e-6;
/// A leak too small to matter, m³/s at 40 kPa.
const TIGHT: Surface = Surface::plain(1e-9);

/// Cup 0 over the origin, the tool looking down; whatever it touches stays where it is.
pub(super) struct Stand {
    pub cups: [Cup; CUPS],
    pub air: Pneumatics,
    near: Vec<Near>,
    met: Met,
    pub wrench: Wrench,
    /// Where cup 0's free lip is, and how the tool is turned about it.
    pub at: Vector3<f64>,
    pub turn: UnitQuaternion<f64>,
    /// Which cups are on vacuum.
    pub on: u8,
    rng: ChaCha8Rng,
}

impl Stand {
    pub fn new(solid: &Solid, world_from: Isometry3<f64>, surface: Surface, soft: Option<Soft>) -> Self {
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let matter = Matter {
            solid: solid.clone(),
            mass_kg: 1e6,
            centre_of_mass: Vector3::zeros(),
            friction: 0.5,
            restitution: 0.0,
            soft,
        };
        let near = Near {
            target: Target::Item(0),
            solid: solid.clone(),
            world_from,
            stiffness: soft.map_or(f64::INFINITY, |soft| soft.stiffness),
        };
        Self {
            cups: std::array::from_fn(|i| Cup::new(CupTruth::nominal(&tool, tool.cups[i]))),
            air: Pneumatics::nominal(&tool),
            near: vec![near],
            met: Met {
                world_from_item: world_from,
                centre_of_mass: Point3::from(world_from.translation.vector),
                linear: Vector3::zeros(),
                angular: Vector3::zeros(),
                matter,
                surface,
            },
            wrench: Wrench::default(),
            at: Vector3::new(0.0, 0.0, 0.3),
            turn: UnitQuaternion::identity(),
            on: 1,
            rng: ChaCha8Rng::seed_from_u64(1),
        }
    }

    /// The tool's pose with cup 0's free lip at `at`.
    fn tool(&self) -> Isometry3<f64> {
        let turn = self.turn * UnitQuaternion::from_euler_angles(PI, 0.0, 0.0);
        let [x, y] = self.cups[0].truth.centre;
        Isometry3::from_parts(Translation3::from(self.at), turn) * Isometry3::translation(-x, -y, 0.0)
    }

    /// Some milliseconds at a speed of the tool.
    pub fn run(&mut self, ms: u32, speed: Vector3<f64>) {
        for _ in 0..ms {
            self.at += speed * STEP_S;
            let tool = ToolMotion { world_from_tool: self.tool(), linear: speed, angular: Vector3::zeros() };
            let mut wrenches = [Wrench::default()];
            let pressures = *self.air.cups_pa();
            let met = std::slice::from_ref(&self.met);
            cups::act(&mut self.cups, &tool, &self.near, met, &pressures, &mut wrenches, &mut self.rng);
            self.wrench = wrenches[0];
            let vent = std::array::from_fn(|i| self.on & 1 << i == 0);
            let outputs = Outputs { generator: true, vent, ..Outputs::default() };
            let mouths = std::array::from_fn(|i| self.cups[i].mouth());
            self.air.tick(&outputs, true, &mouths);
        }
    }

    /// Presses the free lip `press` metres past `top` and waits for the vacuum.
    pub fn seek(&mut self, top: f64, press: f64) {
        self.at.z = top - press;
        self.run(600, Vector3::zeros());
    }

    /// Draws the tool up at 10 mm/s until cup 0 lets go: the largest pull, newtons, and the pressure then, pascals.
    pub fn pull(&mut self) -> (f64, f64) {
        let mut most = (0.0, 0.0);
        for _ in 0..6_000 {
            self.run(1, Vector3::z() * 0.01);
            if self.cups[0].held().next().is_none() {
                break;
            }
            if self.cups[0].pull_n > most.0 {
                most = (self.cups[0].pull_n, self.air.cups_pa()[0]);
            }
        }
        most
    }

    pub fn holds(&self) -> bool {
        self.cups[0].held().next().is_some()
    }

    pub fn pa(&self) -> f64 {
        self.air.cups_pa()[0]
    }
}

/// A plate of 60 mm side whose top is at z = 0.
pub(super) fn plate() -> (Solid, Isometry3<f64>) {
    (Solid::Box { half: Vector3::new(0.03, 0.03, 0.01) }, Isometry3::translation(0.0, 0.0, -0.01))
}

fn on_plate(surface: Surface, soft: Option<Soft>) -> Stand {
    let (solid, world_from) = plate();
    let mut stand = Stand::new(&solid, world_from, surface, soft);
    stand.seek(0.0, 0.002);
    stand
}

#[test]
fn on_a_flat_plate_the_holding_force_is_pressure_times_area() {
    let mut stand = on_plate(TIGHT, None);
    assert!(stand.pa() > 75_000.0, "{} Pa", stand.pa());
    let (most_n, pa) = stand.pull();
    let off = most_n / (pa * AREA) - 1.0;
    assert!(off.abs() < 0.02, "{most_n} N at {pa} Pa: {off} off");
}

#[test]
fn on_a_soft_face_65_to_75_of_82_parts_of_the_area_are_left() {
    let soft = Soft { stiffness: 800.0, damping: 0.3, slosh_share: 0.0 };
    let (most_n, pa) = on_plate(TIGHT, Some(soft)).pull();
    let share = most_n / (pa * AREA);
    assert!((share - 0.70 / 0.82).abs() < 0.02, "{share}");
}

#[test]
fn a_known_hole_lets_the_pressure_settle_where_the_generators_curve_meets_it() {
    // Flow through a hole by ISO 6358 with b = 0.5: 1 mm passes 0.126 l/s for each bar of absolute pressure, choked
    // from half of it on (constants 2.3).
    let through = |area_mm2: f64, pa: f64| {
        let ratio = (101_325.0 - pa) / 101_325.0;
        let choked = area_mm2 / (0.25 * PI) * 0.126e-3 * 1.013_25;
        if ratio <= 0.5 { choked } else { choked * (1.0 - ((ratio - 0.5) / 0.5).powi(2)).sqrt() }
    };
    let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
    for hole_mm2 in [0.5, 1.0, 2.0] {
        let open_share = hole_mm2 * 1e-6 / (PI * R * R);
        let stand = on_plate(Surface { open_share, ..TIGHT }, None);
        let (cup, manifold) = (stand.pa(), stand.air.manifold_pa());
        let leaks = through(hole_mm2, cup);
        let draws = tool.vacuum.flow_m3_s(manifold);
        // The leak and the small one of the fittings, 0.1 l/min at 60 kPa.
        let off = (leaks + 1.7e-6 * manifold / 60e3) / draws - 1.0;
        assert!(off.abs() < 0.15, "{hole_mm2} mm²: {cup} Pa, {leaks} m³/s in, {draws} m³/s out: {off} off");
    }
}

#[test]
fn a_lip_lifts_from_a_moment_of_force_times_half_its_radius_and_is_off_at_twice_that() {
    for raised in [0.0, 0.001] {
        let mut stand = on_plate(TIGHT, None);
        stand.run(100, Vector3::z() * raised * 10.0);
        let closed = stand.cups[0].leak.gap_m2;
        let mut lifted = None;
        let mut off = None;
        for step in 0..6_000 {
            stand.turn = UnitQuaternion::from_euler_angles(0.0, 5e-5 * f64::from(step), 0.0);
            stand.run(1, Vector3::zeros());
            // What presses the lip on: the vacuum less the pull.
            let pressed = stand.pa() * AREA - stand.cups[0].pull_n;
            // Torque about the lip, which is where the stand turns.
            let at_lip = Vector3::new(0.0, 0.0, 0.01);
            let moment = (stand.wrench.torque - at_lip.cross(&stand.wrench.force)).norm();
            if !stand.holds() {
                off = off.or(Some(step));
                break;
            }
            if lifted.is_none() && stand.cups[0].leak.gap_m2 > closed + 1e-12 {
                let ratio = moment / (pressed * 0.5 * R);
                assert!((ratio - 1.0).abs() < 0.05, "lifts at {ratio} of F r / 2, raised {raised} m");
                lifted = Some(step);
            }
        }
        let (lifted, off) = (lifted.unwrap(), off.unwrap());
        assert!(off > lifted && off < 3 * lifted, "lifts at step {lifted}, off at {off}");
    }
}

#[test]
fn a_dome_seals_above_a_cups_diameter_and_leaks_below_two_thirds_of_it() {
    let gap = |radius: f64| {
        let mesh = solids::ball(radius);
        let solid = Solid::Mesh(Hull::new(&mesh, &convex_parts(&mesh)).unwrap().into());
        let mut stand = Stand::new(&solid, Isometry3::identity(), TIGHT, None);
        // Three millimetres past where the ring first touches.
        let ring = (radius * radius - R * R).sqrt();
        stand.seek(ring, 0.003);
        (stand.cups[0].leak.gap_m2, stand.pa())
    };
    for radius in [0.030, 0.036, 0.045, 0.080] {
        let (gap, pa) = gap(radius);
        assert!(gap < 1e-7 && pa > 60_000.0, "radius {radius} m: {} mm², {pa} Pa", gap * 1e6);
    }
    let mut last = f64::INFINITY;
    for radius in [0.0135, 0.015, 0.017, 0.018] {
        let (gap, pa) = gap(radius);
        assert!(gap > 1e-5 && pa < 20_000.0, "radius {radius} m: {} mm², {pa} Pa", gap * 1e6);
        assert!(gap <= last, "radius {radius} m leaks more than a smaller one");
        last = gap;
    }
}

#[test]
fn a_perforated_plate_costs_vacuum_and_a_mesh_is_not_held() {
    let reached = |open_share: f64| {
        let stand = on_plate(Surface { open_share, hole_m: 0.001, ..TIGHT }, None);
        (stand.pa(), stand.holds())
    };
    let mut last = f64::INFINITY;
    for open_share in [0.0, 0.005, 0.02, 0.05] {
        let (pa, _) = reached(open_share);
        assert!(pa <= last + 1.0, "{open_share}: {pa} Pa");
        last = pa;
    }
    assert!(reached(0.002).1, "a plate with 1 mm² of holes is held");
    // Constants 2.3: a tenth open is not holdable by an ejector.
    let (pa, held) = reached(0.10);
    assert!(!held && pa < 2_000.0, "{pa} Pa under a mesh");
}

#[test]
fn of_two_cups_one_that_leaks_lowers_the_other_unless_that_one_is_tight_already() {
    // Cup 0 on the plate, cup 2, 88 mm away, beyond it.
    let leaky = Surface::plain(1e-4);
    let mut stand = on_plate(leaky, None);
    let alone = stand.pa();
    stand.on = 0b101;
    stand.run(600, Vector3::zeros());
    let beside = stand.pa();
    assert!(beside < 0.7 * alone, "{alone} Pa alone, {beside} Pa beside an open cup");
    let mut tight = on_plate(Surface::plain(0.0), None);
    let alone = tight.pa();
    tight.on = 0b101;
    tight.run(600, Vector3::zeros());
    assert!((tight.pa() - alone).abs() < 500.0, "{alone} Pa, then {} Pa", tight.pa());
}

#[test]
fn folds_of_0_4_mm_leak_as_wrinkled_bags_do_and_differ_from_one_attempt_to_the_next() {
    // Constants 2.3: 5 to 40 l/min at 40 kPa, lognormal with sigma 0.8, for the wrinkled ones.
    let bag = Soft { stiffness: 800.0, damping: 0.3, slosh_share: 0.0 };
    let surface = Surface { wrinkle_m: 0.000_4, ..Surface::plain(2e-5) };
    let (solid, world_from) = plate();
    let mut stand = Stand::new(&solid, world_from, surface, Some(bag));
    stand.on = 0;
    let mut litres: Vec<f64> = (0..200)
        .map(|_| {
            stand.at.z = 0.05;
            stand.run(1, Vector3::zeros());
            stand.at.z = -0.003;
            stand.run(2, Vector3::zeros());
            let leak = stand.cups[0].leak;
            // 1 mm² passes 9.5 l/min at 40 kPa.
            leak.gap_m2 * 1e6 * 9.5 + leak.at_40_kpa * 60e3
        })
        .collect();
    litres.sort_by(f64::total_cmp);
    let [low, middle, high] = [20, 100, 180].map(|i: usize| litres[i]);
    assert!((4.0..25.0).contains(&middle), "median {middle} l/min");
    assert!(low < 0.6 * middle && high > 1.6 * middle && high < 60.0, "{low}, {middle}, {high} l/min");
}
