//! Tool, items, vacuum and firmware for one millisecond after another; where the tool is comes from outside.

use control::{Page, ToolModel};
use firmware::{CUPS, Gripper, Outputs, Samples, page};
use nalgebra::{Isometry3, Point3, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

use super::cups::{self, Cup, CupTruth, Met, ToolMotion, Wrench};
use super::fingers::Fingers;
use super::grip;
use super::items::{ItemState, Place};
use super::mishap::Troubles;
use super::physics::{BodyId, GRAVITY, Physics, STEP_S, WallId};
use super::pneumatics::Pneumatics;
use super::ring::{LipTruth, Near, Target};
use super::senses::{MANIFOLD, ToolSenses};
use super::shape::Solid;
use super::tool::ToolLink;

/// Length of a tick and of a physics step, seconds.
const TICK_S: f64 = STEP_S;
/// Solids further from the tool than this are not looked at by the cups, metres.
const NEAR_M: f64 = 0.16;
/// The load cell's amplifier passes accelerations with this time constant, seconds.
const LOAD_FILTER_S: f64 = 0.005;

/// Scatter of a run's lips and goods around the leaks of the truth: standard deviation of the logarithm (estimate).
const LEAK_SIGMA: f64 = 0.15;

/// What acts on the tool from outside in one tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outside {
    /// The e-stop is pressed.
    pub estop: bool,
    /// A person asks to let go.
    pub release: bool,
    /// Compressed air is there.
    pub supply: bool,
}

/// Where the tool's controller runs.
enum Controller {
    /// In this process, a tick a millisecond of the cell.
    Here(Box<Gripper>),
    /// On an emulated board, by its own clock: what it senses and drives stands in a page that both share, and its link
    /// is its own.
    Elsewhere(Page),
}

/// The tool with everything that it may touch.
pub(crate) struct Rig {
    ticks: u64,
    mass_kg: f64,
    pub physics: Physics,
    pub items: Vec<ItemState>,
    pub places: Vec<Place>,
    /// The engine's walls of each place; none where nobody will move them.
    pub walls: Vec<Vec<WallId>>,
    /// What is wrong with the tool in this tick.
    pub troubles: Troubles,
    statics: Vec<Near>,
    pub cups: [Cup; CUPS],
    pneumatics: Pneumatics,
    fingers: Option<Fingers>,
    /// This run's pinch force as a share of what is asked for.
    pinch_share: f64,
    /// Force of what the fingers hold, in the world, newtons.
    on_fingers: Vector3<f64>,
    controller: Controller,
    outputs: Outputs,
    pub link: ToolLink,
    senses: ToolSenses,
    rng: ChaCha8Rng,
    pub world_from_tool: Isometry3<f64>,
    /// Where the tool was at the last physics step.
    stepped_from: Isometry3<f64>,
    tool_velocity: Vector3<f64>,
    tool_acceleration: Vector3<f64>,
    /// Room for [`Met`]s and [`Wrench`]es of a step.
    met: Vec<Met>,
    wrenches: Vec<Wrench>,
    near: Vec<Near>,
}

impl std::fmt::Debug for Rig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rig").field("ticks", &self.ticks).field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl Rig {
    /// Brings the tool into a world of items.
    pub fn new(
        tool: &ToolModel,
        world_from_tool: Isometry3<f64>,
        mut physics: Physics,
        items: Vec<ItemState>,
        places: Vec<Place>,
        senses: ToolSenses,
        mut rng: ChaCha8Rng,
    ) -> Self {
        physics.set_step(STEP_S);
        physics.add_tool(&world_from_tool, &rigid_boxes(tool));
        let pneumatics = Pneumatics::draw(tool, &mut rng);
        let cups = draw_cups(tool, &mut rng);
        let pinch_share = rng.random_range(0.95..1.05);
        let fingers = tool.pinch.as_ref().map(|pinch| {
            let friction = pinch.friction * rng.random_range(0.9..1.1);
            Fingers::add(&mut physics, pinch, friction, &world_from_tool)
        });
        let mut rig = Self {
            ticks: 0,
            mass_kg: tool.mass_kg,
            physics,
            items,
            statics: static_solids(&places),
            places,
            walls: Vec::new(),
            troubles: Troubles::default(),
            cups,
            pneumatics,
            fingers,
            pinch_share,
            on_fingers: Vector3::zeros(),
            controller: Controller::Here(Box::default()),
            outputs: Outputs { vent: [true; CUPS], ..Outputs::default() },
            link: ToolLink::default(),
            senses,
            rng,
            world_from_tool,
            stepped_from: world_from_tool,
            tool_velocity: Vector3::zeros(),
            tool_acceleration: Vector3::zeros(),
            met: Vec::new(),
            wrenches: Vec::new(),
            near: Vec::new(),
        };
        for item in &mut rig.items {
            item.read(&rig.physics);
        }
        rig
    }

    /// One millisecond, at whose end the tool is at `world_from_tool`.
    pub fn tick(&mut self, world_from_tool: &Isometry3<f64>, outside: &Outside) {
        self.ticks += 1;
        self.move_tool(world_from_tool);
        self.step_physics();
        let mut mouths = std::array::from_fn(|i| self.cups[i].mouth());
        self.troubles.open(&mut mouths);
        self.pneumatics.filter = self.troubles.flow;
        self.pneumatics.tick(&self.troubles.bend(&self.outputs), outside.supply, &mouths);
        self.run_firmware(outside);
    }

    fn move_tool(&mut self, world_from_tool: &Isometry3<f64>) {
        let before = self.world_from_tool.translation.vector;
        self.world_from_tool = *world_from_tool;
        let velocity = (world_from_tool.translation.vector - before) / TICK_S;
        let acceleration = (velocity - self.tool_velocity) / TICK_S;
        self.tool_velocity = velocity;
        self.tool_acceleration += (acceleration - self.tool_acceleration) * (TICK_S / LOAD_FILTER_S);
    }

    fn step_physics(&mut self) {
        let from = self.stepped_from;
        let to = self.world_from_tool;
        let tool = ToolMotion {
            world_from_tool: to,
            linear: (to.translation.vector - from.translation.vector) / STEP_S,
            angular: (to.rotation * from.rotation.inverse()).scaled_axis() / STEP_S,
        };
        self.stepped_from = to;
        self.look_round(&to);
        self.met.clear();
        self.met.extend(self.items.iter().map(|item| item.met.clone()));
        self.wrenches.clear();
        self.wrenches.resize(self.items.len(), Wrench::default());
        let pressures = self.pneumatics.cups_pa();
        cups::act(&mut self.cups, &tool, &self.near, &self.met, pressures, &mut self.wrenches, &mut self.rng);
        self.physics.move_tool(&to);
        if self.troubles.push_n > 0.0 {
            for (_, wrench) in self.items.iter().zip(&mut self.wrenches).filter(|(item, _)| item.cups != 0) {
                wrench.force.y += self.troubles.push_n;
            }
        }
        for (item, wrench) in self.items.iter_mut().zip(&self.wrenches) {
            if wrench.any {
                self.physics.set_wrench(item.body, &wrench.force, &wrench.torque);
            } else if item.pushed {
                self.physics.clear_wrench(item.body);
            }
            item.pushed = wrench.any;
        }
        if let Some(fingers) = &mut self.fingers {
            let force_n = f64::from(self.outputs.pinch_force_mn) * 1e-3 * self.pinch_share;
            fingers.drive(&mut self.physics, &to, force_n);
        }
        self.physics.step();
        if let Some(fingers) = &self.fingers {
            let bodies: Vec<BodyId> = self.items.iter().map(|item| item.body).collect();
            let felt = fingers.feel(&self.physics, &bodies);
            self.on_fingers = felt.force;
            for (item, n) in self.items.iter_mut().zip(felt.squeezed_n) {
                item.pinched_n = n;
            }
        }
        for (index, (item, wrench)) in self.items.iter_mut().zip(&self.wrenches).enumerate() {
            item.read_after_step(&self.physics, wrench);
            if let Some(loose) = item.met.surface.loose
                && item.comes_off(wrench.loose_n)
            {
                grip::come_off(&mut self.cups, index, loose.above_m);
            }
        }
        self.note_held();
    }

    /// Gathers the solids that the cups may reach from a pose of the tool.
    fn look_round(&mut self, world_from_tool: &Isometry3<f64>) {
        let tip = Point3::from(world_from_tool.translation.vector);
        let items = self.items.iter().enumerate().map(|(i, item)| item.near(i));
        let all = self.statics.iter().cloned().chain(items);
        self.near.clear();
        self.near.extend(all.filter(|near| {
            let local = near.world_from.inverse_transform_point(&tip).coords.abs();
            (local - near.solid.half_extents()).map(|x| x.max(0.0)).norm() < NEAR_M
        }));
    }

    /// Notes which cups hold which items, and which items hang there together.
    fn note_held(&mut self) {
        let held: Vec<(usize, usize)> =
            self.cups.iter().enumerate().flat_map(|(cup, c)| c.held().map(move |item| (cup, item))).collect();
        for (index, item) in self.items.iter_mut().enumerate() {
            let before = item.cups;
            item.cups = held.iter().filter(|(_, item)| *item == index).fold(0, |bits, (cup, _)| bits | 1 << cup);
            if item.cups == 0 {
                continue;
            }
            if before == 0 {
                item.held_with.clear();
            }
            for (_, other) in held.iter().filter(|(_, other)| *other != index) {
                let other = u32::try_from(*other).unwrap_or(u32::MAX);
                if !item.held_with.contains(&other) {
                    item.held_with.push(other);
                }
            }
        }
    }

    fn run_firmware(&mut self, outside: &Outside) {
        if !self.troubles.powered {
            self.outputs = Outputs::default();
            self.link.lose();
            if let Controller::Here(gripper) = &mut self.controller {
                // It starts anew when current comes back.
                **gripper = Gripper::new();
            }
            return;
        }
        let samples = self.sample(outside);
        let link = &mut self.link;
        self.outputs = match &mut self.controller {
            Controller::Here(gripper) => {
                while let Some(packet) = link.next_for_tool() {
                    gripper.receive(&packet);
                }
                let now_ms = u32::try_from(self.ticks & u64::from(u32::MAX)).unwrap_or(0);
                gripper.tick(now_ms, &samples, |report| link.report(report))
            }
            Controller::Elsewhere(shared) => {
                page::put_samples(shared, &samples);
                page::outputs(shared)
            }
        };
    }

    /// From now on the controller of an emulated board is the tool's; none brings the one of this process back, whose
    /// power comes now.
    pub fn controlled_by(&mut self, board: Option<Page>) {
        self.link.lose();
        self.controller = board.map_or_else(|| Controller::Here(Box::default()), Controller::Elsewhere);
    }

    fn sample(&mut self, outside: &Outside) -> Samples {
        let cups = *self.pneumatics.cups_pa();
        let (senses, troubles) = (&mut self.senses, &self.troubles);
        let cup_pa = std::array::from_fn(|i| troubles.read(i, senses.pressure(i, cups[i])));
        let manifold_pa = senses.pressure(MANIFOLD, self.pneumatics.manifold_pa());
        let axis = self.world_from_tool.transform_vector(&Vector3::z());
        let weight = self.mass_kg * (-GRAVITY * axis.z - self.tool_acceleration.dot(&axis));
        let pull: f64 = self.cups.iter().map(|cup| cup.pull_n).sum();
        let knocked = (self.physics.force_on_tool() + self.on_fingers).dot(&axis);
        let load_n = self.senses.load(weight + pull + knocked);
        Samples {
            cup_pa,
            manifold_pa,
            load_mn: (load_n * 1e3).round().clamp(-2e9, 2e9) as i32,
            stroke_um: std::array::from_fn(|i| (self.cups[i].compression * 1e6).clamp(0.0, 65_000.0) as u16),
            estop: outside.estop,
            supply_ok: outside.supply,
            release_input: outside.release,
        }
    }

    /// Moves a container.
    pub fn move_place(&mut self, index: usize, world_from: &Isometry3<f64>) {
        for wall in self.walls.get_mut(index).into_iter().flat_map(std::mem::take) {
            self.physics.remove_wall(wall);
        }
        let walls = &mut self.places[index].walls;
        walls.world_from = *world_from;
        let added = self.physics.add_walls(walls, walls.size.z);
        if let Some(walls) = self.walls.get_mut(index) {
            *walls = added;
        }
        self.statics = static_solids(&self.places);
    }

    /// Sets an item down somewhere at rest.
    pub fn place_item(&mut self, index: usize, world_from_item: &Isometry3<f64>) {
        let item = &mut self.items[index];
        self.physics.place(item.body, world_from_item);
        item.read(&self.physics);
    }

    /// The first item that has left the world.
    pub fn lost(&self) -> Option<usize> {
        self.items.iter().position(|item| !self.physics.is_in_world(item.body))
    }

    /// True pressures of the cups, pascals below ambient.
    pub fn cups_pa(&self) -> [f64; CUPS] {
        *self.pneumatics.cups_pa()
    }
}

/// True values of the cups, about ±10 % round the tool file's, the same for all but for stiffness and volume.
fn draw_cups(tool: &ToolModel, rng: &mut ChaCha8Rng) -> [Cup; CUPS] {
    let friction = tool.friction * rng.random_range(0.9..1.1);
    let tilt = rng.random_range(16.0_f64..20.0).to_radians();
    // Smallest radius of a cylinder that bellows follow: 0.65 to 1.0 d.
    let tightest = rng.random_range(0.70..0.90) * tool.cup_diameter_m;
    // Constants 1.1: 0.65 to 0.75 of the nominal area is left on soft parts, 0.82 on hard ones.
    let soft_share = rng.random_range(0.65..0.75) / 0.82;
    let leak_share = LogNormal::new(0.0, LEAK_SIGMA).map_or(1.0, |d| d.sample(rng));
    std::array::from_fn(|i| {
        let mut truth = CupTruth::nominal(tool, tool.cups.get(i).copied().unwrap_or([0.0; 2]));
        truth.stiffness *= rng.random_range(0.9..1.1);
        truth.volume *= rng.random_range(0.95..1.05);
        truth.lip = LipTruth::new(tool.r_eff_m, tool.stroke_m, tilt, tightest, tool.stiffness_n_per_m);
        Cup::new(CupTruth { friction, soft_share, leak_share, ..truth })
    })
}

/// The stiff parts of the tool as centre and half sides in its frame.
fn rigid_boxes(tool: &ToolModel) -> Vec<(Isometry3<f64>, Vector3<f64>)> {
    tool.bodies
        .iter()
        .filter(|body| body.rigid)
        .map(|body| {
            let [x, y, z] = body.centre_m;
            (Isometry3::translation(x, y, z), Vector3::from(body.size_m) * 0.5)
        })
        .collect()
}

/// Walls and floor as the cups see them.
fn static_solids(places: &[Place]) -> Vec<Near> {
    let fixed = |(world_from, half): (Isometry3<f64>, Vector3<f64>)| Near {
        target: Target::Fixed,
        solid: Solid::Box { half },
        world_from,
        stiffness: f64::INFINITY,
    };
    let floor = fixed((Isometry3::translation(0.5, 0.0, -0.25), Vector3::new(3.0, 3.0, 0.25)));
    places.iter().flat_map(|place| place.walls.boxes(place.walls.size.z)).map(fixed).chain([floor]).collect()
}
