//! The simulated cell: bodies, cups, vacuum, firmware and cameras behind the device traits.
//!
//! ```text
//!  setpoints ─▶ arm ─▶ tool pose ─▶ cup rings (rays) ─▶ forces ─▶ rigid bodies (1 ms)
//!                                        │ gaps                       │ item poses
//!  packets ─▶ firmware ─▶ valves ─▶ pressures (1 ms) ◀────────────────┘
//!     ▲          ▲                       │ noise, steps
//!     └─ reports ┴──── samples ◀─────────┘
//! ```

mod arm;
mod by_hand;
mod camera;
mod core;
mod cups;
mod devices;
mod fingers;
mod grip;
#[cfg(test)]
mod handling_tests;
mod hull;
mod items;
mod matter;
mod mishap;
mod physics;
#[cfg(test)]
mod pinch_tests;
mod pneumatics;
mod pour;
mod rig;
#[cfg(test)]
mod rig_tests;
mod ring;
mod senses;
mod settle;
mod shape;
#[cfg(test)]
mod suction_tests;
#[cfg(test)]
mod suctionnet_tests;
mod surface;
mod tool;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use control::{Cell, Container, Page, Planner, RobotModel, ToolModel};
use firmware::CUPS;
use nalgebra::Vector3;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::frame::Frame;
use scene::{Manifest, Mask, Pose, RgbdImage, SkuName, Timestamp, frame};

use self::arm::ArmPlant;
use self::camera::Studio;
use self::core::{Core, Switches};
use self::items::{ItemState, Place};
use self::mishap::Running;
use self::physics::{Physics, SETTLE_STEP_S, Walls};
use self::rig::Rig;
use self::senses::ToolSenses;
use crate::look::set::{SetError, SetScene, SetWriter};
use crate::look::{Backdrop, Light, Placed, Renderer, TrueSku, Tub};
use crate::scenario::Scenario;

pub use self::arm::SimArm;
pub use self::by_hand::PutDown;
pub use self::camera::SimCamera;
pub use self::devices::Devices;
pub use self::hull::convex_parts;
pub use self::items::{Damage, TruthItem, Where};
pub use self::pour::{Pour, PourFault, Start};
pub use self::settle::{SettleError, settle_tote};
pub use self::tool::SimTool;

/// Why a world could not be made. There is none then.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorldError {
    /// The scenario names a tote that the cell has not.
    #[error("scenario {scenario}: tote {tote:?}; must be one of the cell's: {known}")]
    UnknownTote {
        /// The scenario's name.
        scenario: String,
        /// The tote it names.
        tote: String,
        /// The totes there are.
        known: String,
    },
    /// The scenario names a SKU that the catalogue has not.
    #[error("scenario {scenario}: SKU {sku} of tote {tote}; must be in the catalogue of {known} SKUs")]
    UnknownSku {
        /// The scenario's name.
        scenario: String,
        /// The tote it should lie in.
        tote: String,
        /// The SKU.
        sku: SkuName,
        /// How many SKUs the catalogue has.
        known: usize,
    },
    /// The items do not fit.
    #[error("scenario {scenario}, tote {tote}: {source}")]
    Settle {
        /// The scenario's name.
        scenario: String,
        /// The tote.
        tote: String,
        /// Why.
        source: SettleError,
    },
    /// A fault names a camera that the cell has not.
    #[error("scenario {scenario}: camera {camera:?} of a fault; must be one of the cell's: {known}")]
    UnknownCamera {
        /// The scenario's name.
        scenario: String,
        /// The camera it names.
        camera: String,
        /// The cameras there are.
        known: String,
    },
    /// The motion side refuses the arm.
    #[error("arm: {0}")]
    Arm(String),
}

/// Why a world can't go on. It stands as it was when that happened; every further step says the same.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum WorldFault {
    /// An item is where nothing of the cell is, or its place is no number.
    #[error(
        "item {id} ({sku}) left the world at {at:.3?} m, {now}; must stay within 3 m of the table's middle, from 0.02 m under it to 4 m over it"
    )]
    ItemLeft {
        /// The item.
        id: u32,
        /// What kind it is.
        sku: SkuName,
        /// Where it was seen last, metres.
        at: [f64; 3],
        /// When.
        now: Timestamp,
    },
}

/// A simulated cell. It and its devices are handles and may be cloned; all of it lives on one thread.
#[derive(Debug, Clone)]
pub struct World {
    core: Rc<RefCell<Core>>,
    scenario: Rc<Scenario>,
    seed: u64,
}

impl World {
    /// Builds the cell, drops the scenario's items into their totes and lets them come to rest.
    ///
    /// `seed` is mixed with the scenario's own; the same pair gives the same world bit for bit on one kind of
    /// machine.
    ///
    /// # Errors
    /// [`WorldError`] for names that don't exist and totes that are too full.
    pub fn new(
        scenario: &Scenario,
        cell: &Cell,
        robot: &RobotModel,
        tool: &ToolModel,
        catalogue: Arc<Vec<TrueSku>>,
        seed: u64,
    ) -> Result<Self, WorldError> {
        let mut named = scenario.fault.iter().filter_map(|fault| fault.kind.camera());
        if let Some(camera) = named.find(|&name| cell.cameras.iter().all(|c| c.name != name)) {
            return Err(WorldError::UnknownCamera {
                scenario: scenario.name.clone(),
                camera: camera.to_owned(),
                known: cell.cameras.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
            });
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ scenario.seed);
        let mut physics = Physics::new(SETTLE_STEP_S);
        let places: Vec<Place> = cell
            .totes
            .iter()
            .map(|t| Place { at: Where::Tote(t.name.clone()), walls: walls_of(t) })
            .chain(cell.bins.iter().map(|b| Place { at: Where::Bin(b.name.clone()), walls: walls_of(b) }))
            .collect();
        let walls = places.iter().map(|place| physics.add_walls(&place.walls, place.walls.size.z)).collect();
        let mut items = Vec::new();
        for tote in &scenario.tote {
            let mut pile = ChaCha8Rng::seed_from_u64(rng.random());
            let at = Where::Tote(tote.name.clone());
            let Some(place) = places.iter().find(|p| p.at == at) else {
                return Err(WorldError::UnknownTote {
                    scenario: scenario.name.clone(),
                    tote: tote.name.clone(),
                    known: cell.totes.iter().map(|t| t.name.as_str()).collect::<Vec<_>>().join(", "),
                });
            };
            let kinds = kinds_of(scenario, &tote.name, &scenario.truly_in(&tote.name), &catalogue)?;
            let matters = matter::matters_of(&kinds.iter().map(|&k| &catalogue[k]).collect::<Vec<_>>());
            let bodies = settle::drop_in(&mut physics, &place.walls, &matters, &mut pile).map_err(|source| {
                WorldError::Settle { scenario: scenario.name.clone(), tote: tote.name.clone(), source }
            })?;
            for ((kind, body), matter) in kinds.into_iter().zip(bodies).zip(matters) {
                let sku = &catalogue[kind];
                let surface = matter::surface_of(sku);
                items.push(ItemState::new(kind, body, matter, surface, sku.sku.fragility));
            }
        }
        let studio = Studio {
            renderer: Renderer::new(),
            backdrop: Backdrop::drawn(rng.random()),
            light: Light::drawn(rng.random()).off_by(&scenario.sensors.colour),
            tubs: cell.totes.iter().map(Tub::from).chain(cell.bins.iter().map(Tub::from)).collect(),
        };
        let planner = Planner::new(robot, tool, cell);
        let tool_rng = ChaCha8Rng::seed_from_u64(rng.random());
        // Each kind of sensor draws for itself, so that a knob of one changes nothing of another, nor of the truth.
        let mut apart = || ChaCha8Rng::seed_from_u64(rng.random());
        let senses = ToolSenses::new(scenario.sensors.tool, apart());
        let arm = ArmPlant::new(robot.joints, &cell.rest, scenario.sensors.arm, apart());
        let mut mounting = apart();
        let stand =
            cell.cameras.iter().map(|c| camera::truly_stands(c, &scenario.sensors.mount, &mut mounting)).collect();
        let world_from_tool = *planner.forward(&arm.angles()).isometry();
        let mut tool_rig = Rig::new(tool, world_from_tool, physics, items, places, senses, tool_rng);
        tool_rig.walls = walls;
        let core = Core {
            now: Timestamp::ZERO,
            arm,
            planner,
            tool_model: tool.clone(),
            capsules: robot.capsules.clone(),
            rig: tool_rig,
            catalogue,
            cameras: cell.cameras.clone(),
            stand,
            studio,
            sensors: scenario.sensors,
            faults: scenario.fault.iter().map(Running::from).collect(),
            switches: Switches::default(),
            rng,
        };
        Ok(Self { core: Rc::new(RefCell::new(core)), scenario: Rc::new(scenario.clone()), seed })
    }

    /// Adds what a camera sees of a tote just now to a set of images, with its truth; false when the cell has no
    /// such camera or tote.
    ///
    /// # Errors
    /// [`SetError`] when the set can't be written.
    pub fn add_to(&mut self, set: &mut SetWriter, camera: &str, tote: &str) -> Result<bool, SetError> {
        let manifest: Vec<SkuName> = self.manifest(tote).into_keys().collect();
        let mut core = self.core.borrow_mut();
        let at = Where::Tote(tote.to_owned());
        let Some(world_from_tote) = core.rig.places.iter().find(|p| p.at == at).map(|p| p.walls.world_from) else {
            return Ok(false);
        };
        let Some(mount) = core.cameras.iter().find(|c| c.name == camera).cloned() else {
            return Ok(false);
        };
        core.photograph(&mount, |rendered, image, items| {
            let world_from_tote = Pose::from_isometry(world_from_tote);
            set.add(&SetScene { rendered, image: &image, items, manifest: &manifest, world_from_tote }).map(|_| true)
        })
    }

    /// One millisecond passes.
    ///
    /// # Errors
    /// [`WorldFault`] when an item has left the world: nothing that follows could be believed.
    pub fn step(&mut self) -> Result<(), WorldFault> {
        self.core.borrow_mut().tick()
    }

    /// The world's time.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.core.borrow().now
    }

    /// The arm.
    #[must_use]
    pub fn arm(&self) -> SimArm {
        SimArm { core: Rc::clone(&self.core) }
    }

    /// The tool.
    #[must_use]
    pub fn tool(&self) -> SimTool {
        SimTool { core: Rc::clone(&self.core) }
    }

    /// The camera of this name; `None` when the cell has none.
    #[must_use]
    pub fn camera(&self, name: &str) -> Option<SimCamera> {
        let core = self.core.borrow();
        let mount = core.cameras.iter().find(|c| c.name == name)?.clone();
        Some(SimCamera::new(Rc::clone(&self.core), mount))
    }

    /// Takes an image with a camera, and tells the visible outline and the name of each item in it; `None` when the cell
    /// has no such camera.
    #[must_use]
    pub fn photograph(&mut self, camera: &str) -> Option<(RgbdImage, Vec<(Mask, SkuName)>)> {
        let mut core = self.core.borrow_mut();
        let mount = core.cameras.iter().find(|c| c.name == camera)?.clone();
        Some(core.photograph(&mount, |rendered, image, items| {
            let width = image.intrinsics.width.max(1);
            let mut pixels = vec![Vec::new(); items.len()];
            for (id, at) in rendered.ids.iter().zip(0u32..) {
                if let Some(pixels) = pixels.get_mut(*id as usize) {
                    pixels.push((at % width, at / width));
                }
            }
            let outline = |(item, pixels): (&Placed<'_>, &Vec<(u32, u32)>)| {
                Some((Mask::from_pixels(pixels)?, item.sku.sku.name.clone()))
            };
            let seen = items.iter().zip(&pixels).filter_map(outline).collect();
            (image, seen)
        }))
    }

    /// Where every item truly is, in order of id.
    #[must_use]
    pub fn truth(&self) -> Vec<TruthItem> {
        let core = self.core.borrow();
        core.rig
            .items
            .iter()
            .enumerate()
            .map(|(i, item)| TruthItem {
                id: u32::try_from(i).unwrap_or(u32::MAX),
                sku: core.catalogue[item.sku].sku.name.clone(),
                at: item.place(&core.rig.places),
                world_from_item: Pose::from_isometry(item.met.world_from_item),
                damaged: item.damaged,
                held_with: item.held_with.clone(),
                cups: item.cups,
            })
            .collect()
    }

    /// What the runtime is told that a tote holds: the scenario's contents with its errors.
    #[must_use]
    pub fn manifest(&self, tote: &str) -> Manifest {
        self.scenario.manifest(tote)
    }

    /// Where the tool truly is.
    #[must_use]
    pub fn world_from_tool(&self) -> Pose<frame::World, frame::Tool> {
        Pose::from_isometry(self.core.borrow().rig.world_from_tool)
    }

    /// True pressures of the cups, pascals below ambient; a blown cup is negative.
    #[must_use]
    pub fn cup_pressures_pa(&self) -> [f64; CUPS] {
        self.core.borrow().rig.cups_pa()
    }

    /// Puts an item somewhere by hand, at rest; false when there is no item of this id.
    pub fn place(&mut self, id: u32, world_from_item: &Pose<frame::World, frame::Item>) -> bool {
        let mut core = self.core.borrow_mut();
        let known = (id as usize) < core.rig.items.len();
        if known {
            core.rig.place_item(id as usize, world_from_item.isometry());
        }
        known
    }

    /// Gives the tool the controller of an emulated board, which senses and drives through this page by its own clock;
    /// none gives it back the one in this process, whose power comes with that.
    pub fn set_controller(&mut self, board: Option<Page>) {
        self.core.borrow_mut().rig.controlled_by(board);
    }

    /// Presses or releases the e-stop. The arm stays stopped until [`Self::reset_arm`].
    pub fn set_estop(&mut self, pressed: bool) {
        self.core.borrow_mut().switches.estop = pressed;
    }

    /// Presses or releases the button that lets go of what is held.
    pub fn set_release_input(&mut self, pressed: bool) {
        self.core.borrow_mut().switches.release = pressed;
    }

    /// True while the arm moves by setpoints.
    #[must_use]
    pub fn arm_moves(&self) -> bool {
        self.core.borrow().arm.moves()
    }

    /// A person acknowledges the arm's stop: it takes setpoints again.
    pub fn reset_arm(&mut self) {
        self.core.borrow_mut().arm.reset();
    }
}

/// Walls of a container for the engine.
fn walls_of<F: Frame>(container: &Container<F>) -> Walls {
    Walls { world_from: *container.world_from.isometry(), size: Vector3::from(container.size), wall: container.wall }
}

/// The items of a tote as places in the catalogue, in order of SKU.
fn kinds_of(
    scenario: &Scenario,
    tote: &str,
    contents: &std::collections::BTreeMap<SkuName, u32>,
    catalogue: &[TrueSku],
) -> Result<Vec<usize>, WorldError> {
    let mut kinds = Vec::new();
    for (name, count) in contents {
        let Some(kind) = catalogue.iter().position(|sku| sku.sku.name == *name) else {
            return Err(WorldError::UnknownSku {
                scenario: scenario.name.clone(),
                tote: tote.to_owned(),
                sku: name.clone(),
                known: catalogue.len(),
            });
        };
        kinds.extend((0..*count).map(|_| kind));
    }
    Ok(kinds)
}
