//! A cell with boxes in its tote and a script that picks one, through the devices as a runtime gets them.

#![allow(dead_code, reason = "each test file uses its part")]

use std::path::Path;
use std::sync::Arc;

use control::{
    Arm, Cell, Drop, Executor, HeldBox, Hold, LinkError, Obstacles, Planner, Program, RobotModel, SegmentKind,
    TickInputs, Tool, ToolClient, ToolModel,
};
use firmware::{CupSet, Event, Limits, Request};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use scene::Pose;
use sim::look::default_catalogue;
use sim::world::Devices;
use sim::{Scenario, TruthItem, World};

/// The cell of `pick.rs`, as small.
pub const CELL: &str = r#"
robot = "fanuc-m20id-25"
tool = "six-cup"
catalogue = "catalogue"
models = "models"
runtime_library = "libonnxruntime.so"
inference_threads = 1
rest_deg = [0.0, -6.3, -53.0, 0.0, -43.3, 0.0]
[budgets_ms]
look = 100
choose = 15
plan = 2
refine = 200

[thresholds]
accept_probability = 0.5
accept_belief = 0.8
weight_tolerance = 0.25
weight_tolerance_kg = 0.03
collision_n = 30.0
seal_timeout_ms = 600
blow_ms = 80
release_timeout_ms = 400
released_pa = 3000

[[tote]]
name = "tote-a"
world_from = [0.90, 0.42, 0.0, 0.0, 0.0, 0.0, 1.0]
size_m = [0.600, 0.400, 0.300]
wall_m = 0.012

[[tote]]
name = "tote-b"
world_from = [0.33, 0.95, 0.0, 0.0, 0.0, 0.0, 1.0]
size_m = [0.600, 0.400, 0.300]
wall_m = 0.012

[[bin]]
name = "bin-1"
world_from = [0.74, -0.30, 0.0, 0.0, 0.0, 0.0, 1.0]
size_m = [0.400, 0.300, 0.220]
wall_m = 0.008

[[camera]]
name = "tote-a"
intrinsics = { width = 640, height = 480, fx = 940.0, fy = 940.0, cx = 319.5, cy = 239.5 }
baseline_m = 0.055
world_from_camera = [0.90, 0.42, 1.27, 1.0, 0.0, 0.0, 0.0]
sees = ["tote-a"]
"#;

/// One box that six cups have room on.
pub const ONE_BOX: &str = "[[tote]]\nname = \"tote-a\"\ncontents = { playing-cards-2-pack = 1 }\n";

/// A part of the scripted pick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    Reach,
    Approach,
    Seal,
    Lift,
    Carry,
    Release,
    Retreat,
}

pub struct Bench {
    pub world: World,
    pub devices: Devices2,
    pub executor: Executor,
    planner: Planner,
    obstacles: Obstacles,
    half: [f64; 3],
    mass_kg: f64,
    /// When each part began, milliseconds.
    pub began: Vec<(Part, u64)>,
    /// The first error of a device.
    pub refused: Option<LinkError>,
    pub events: Vec<Event>,
}

/// The devices, the tool with its client.
pub struct Devices2 {
    pub arm: Box<dyn Arm>,
    pub tool: ToolClient<Box<dyn Tool>>,
    pub cameras: std::collections::BTreeMap<String, Box<dyn scene::Camera>>,
}

/// A scenario of `body` with noise-free sensors; what is in `body` goes first.
pub fn quiet(body: &str) -> String {
    format!("name = \"t\"\ncell = \"t\"\nsensors = {{ level = \"none\" }}\n{body}")
}

impl Bench {
    pub fn new(scenario: &str, seed: u64) -> Self {
        let scenario = Scenario::from_toml(scenario, "test.toml").unwrap();
        let cell = Cell::from_toml(CELL, "cell.toml").unwrap();
        let robot = RobotModel::find(&cell.robot, Path::new(".")).unwrap();
        let tool = ToolModel::find(&cell.tool, Path::new(".")).unwrap();
        let catalogue = Arc::new(default_catalogue());
        let cards = catalogue.iter().find(|s| s.sku.name.as_str() == "playing-cards-2-pack").unwrap();
        let (half, mass_kg) = (cards.truth.size_m.map(|side| 0.5 * side), cards.truth.mass_kg);
        let world = World::new(&scenario, &cell, &robot, &tool, Arc::clone(&catalogue), seed).unwrap();
        let Devices { arm, tool, cameras } = world.devices();
        let limits = Limits { seek_timeout_ms: 2_000, ..Limits::default() };
        Self {
            devices: Devices2 { arm, tool: ToolClient::new(tool, limits), cameras },
            executor: Executor::new(&robot, cell.rest),
            planner: Planner::new(&robot, &ToolModel::find(&cell.tool, Path::new(".")).unwrap(), &cell),
            obstacles: Obstacles::of_cell(&cell),
            world,
            half,
            mass_kg,
            began: Vec::new(),
            refused: None,
            events: Vec::new(),
        }
    }

    /// A bench whose item 0, a box, lies flat in the middle of its tote.
    pub fn one_box(faults: &str) -> Self {
        let mut bench = Self::new(&quiet(&format!("{ONE_BOX}{faults}")), 3);
        bench.lay(0, [0.90, 0.42]);
        bench.wait(50);
        bench
    }

    /// Lays a box flat on the floor of its tote.
    pub fn lay(&mut self, id: u32, [x, y]: [f64; 2]) {
        let turn = UnitQuaternion::from_euler_angles(0.0, 0.0, 0.4);
        assert!(self.world.place(id, &Pose::from_parts(Vector3::new(x, y, self.half[2] + 0.001), turn)));
    }

    pub fn ms(&self) -> u64 {
        self.world.now().nanos() / 1_000_000
    }

    pub fn item(&self, id: usize) -> TruthItem {
        self.world.truth()[id].clone()
    }

    /// One millisecond; true while the arm moves.
    pub fn tick(&mut self) -> control::Motion {
        let now = self.world.now();
        let tool = self.devices.tool.poll(now);
        assert!(tool.is_ok(), "{tool:?}");
        while let Some(event) = self.devices.tool.next_event() {
            self.events.push(event);
        }
        let motion = match self.devices.arm.state() {
            Ok(arm) => {
                let contact = self.devices.tool.status().is_some_and(|s| s.contact);
                let out = self.executor.tick(&TickInputs { now, arm, contact, stop: false });
                if let Err(error) = self.devices.arm.command(&out.setpoint) {
                    self.refused.get_or_insert(error);
                }
                out.state
            }
            Err(error) => {
                self.refused.get_or_insert(error);
                self.executor.state()
            }
        };
        self.world.step().unwrap();
        motion
    }

    pub fn wait(&mut self, ms: u32) {
        for _ in 0..ms {
            self.tick();
        }
    }

    /// How the box is held: from above at its middle, by every cup that is over it.
    pub fn hold(&self) -> Hold {
        let pose = self.item(0).world_from_item;
        let flip = Isometry3::from_parts(
            Translation3::new(0.0, 0.0, self.half[2]),
            UnitQuaternion::from_euler_angles(std::f64::consts::PI, 0.0, 0.0),
        );
        let world_from_tool = *pose.isometry() * flip;
        let tool = ToolModel::find("six-cup", Path::new(".")).unwrap();
        let over = |[x, y]: [f64; 2]| x.abs() + 0.014 < self.half[0] && y.abs() + 0.014 < self.half[1];
        let bits = tool.cups.iter().enumerate().filter(|(_, at)| over(**at)).fold(0, |bits, (i, _)| bits | 1 << i);
        Hold {
            world_from_tool: Pose::from_isometry(world_from_tool),
            touch_speed: 0.05,
            guard_m: 0.012,
            approach_m: 0.06,
            closed_m: 0.0,
            press_m: 0.002,
            cups: CupSet(bits),
            max_acceleration: 5.0,
            max_vertical: 8.0,
            rest_share: 0.5,
            held: HeldBox { tool_from_box: Pose::from_isometry(flip.inverse()), size_m: self.half.map(|h| 2.0 * h) },
            mass_kg: self.mass_kg,
            expected_pa: 50_000,
        }
    }

    fn begin(&mut self, part: Part) {
        let now = self.ms();
        if self.began.last().is_none_or(|(last, _)| *last != part) {
            self.began.push((part, now));
        }
    }

    fn run(&mut self, program: Program, before: Part, segment: SegmentKind, after: Part, seek: Option<Request>) {
        let mut seek = seek;
        if self.executor.start(Arc::new(program)).is_err() {
            return;
        }
        self.begin(before);
        loop {
            let state = self.tick();
            if state.in_segment(segment) {
                self.begin(after);
                if let Some(seek) = seek.take() {
                    let now = self.world.now();
                    // A locked or silent tool refuses; the test looks at what came of it.
                    let _ = self.devices.tool.send(Request::Tare, now);
                    let _ = self.devices.tool.send(seek, now);
                }
            }
            if state.is_over() {
                return;
            }
        }
    }

    /// Reaches for the box and seals.
    pub fn seal(&mut self) -> Hold {
        let hold = self.hold();
        let reach = self.planner.reach(&self.executor.at(), &hold, &self.obstacles).unwrap();
        let seek = Request::Seek { cups: hold.cups, expected_pa: hold.expected_pa };
        self.run(reach, Part::Reach, SegmentKind::Approach, Part::Approach, Some(seek));
        self.begin(Part::Seal);
        self.wait(250);
        hold
    }

    /// Lifts what it holds and carries it over the bin.
    pub fn carry(&mut self, hold: &Hold) {
        let down = UnitQuaternion::from_euler_angles(std::f64::consts::PI, 0.0, 0.0);
        let over = Isometry3::from_parts(Translation3::new(0.74, -0.30, 2.0 * self.half[2] + 0.012), down);
        let drop = Drop {
            world_from_tool: Pose::from_isometry(over),
            touch_speed: 0.05,
            guard_m: 0.012,
            half_turn: false,
            approach_m: 0.08,
        };
        if let Ok(carry) = self.planner.carry(&self.executor.at(), hold, &drop, &self.obstacles) {
            self.run(carry, Part::Lift, SegmentKind::Carry, Part::Carry, None);
        }
    }

    /// Lets go and goes up.
    pub fn release(&mut self) {
        self.begin(Part::Release);
        let now = self.world.now();
        let _ = self.devices.tool.send(Request::Release { cups: CupSet::ALL, blow_ms: 60 }, now);
        self.wait(150);
        if let Ok(up) = self.planner.retreat(&self.executor.at(), 0.1, &self.obstacles) {
            self.run(up, Part::Retreat, SegmentKind::Retreat, Part::Retreat, None);
        }
        self.wait(400);
    }

    /// The whole pick.
    pub fn pick(&mut self) {
        let hold = self.seal();
        self.carry(&hold);
        self.release();
    }
}
