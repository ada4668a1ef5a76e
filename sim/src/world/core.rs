//! One millisecond of the whole cell: the arm moves, the tool goes with it.

use std::sync::Arc;

use control::{CameraMount, LinkCapsule, Planner, ToolModel};
use nalgebra::Isometry3;
use rand_chacha::ChaCha8Rng;
use scene::{Pose, Span, Timestamp, frame};

use super::WorldFault;
use super::arm::ArmPlant;
use super::camera::Studio;
use super::mishap::Running;
use super::rig::{Outside, Rig};
use crate::look::TrueSku;
use crate::sensors::Sensors;

/// One tick of the world.
const TICK: Span = Span::from_millis(1);

/// Inputs of a person's hand.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Switches {
    pub estop: bool,
    pub release: bool,
}

/// Everything there is.
pub(crate) struct Core {
    pub now: Timestamp,
    pub arm: ArmPlant,
    pub planner: Planner,
    pub tool_model: ToolModel,
    /// The space that the arm's links take, for drawing.
    pub capsules: Vec<LinkCapsule>,
    pub rig: Rig,
    pub catalogue: Arc<Vec<TrueSku>>,
    /// The cameras as calibration has them.
    pub cameras: Vec<CameraMount>,
    /// Where each of them truly stands.
    pub stand: Vec<Pose<frame::World, frame::Camera>>,
    pub studio: Studio,
    pub sensors: Sensors,
    pub faults: Vec<Running>,
    pub switches: Switches,
    /// Draws the noise of the cameras.
    pub rng: ChaCha8Rng,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("now", &self.now).field("items", &self.rig.items.len()).finish_non_exhaustive()
    }
}

impl Core {
    /// Where the arm has the tool.
    pub fn forward(&self) -> Isometry3<f64> {
        *self.planner.forward(&self.arm.angles()).isometry()
    }

    /// One millisecond.
    pub fn tick(&mut self) -> Result<(), WorldFault> {
        self.check()?;
        self.now = self.now + TICK;
        let mains = self.suffer();
        let estop = mains.estop || self.switches.estop;
        if estop {
            self.arm.stop();
        }
        self.arm.tick(self.now);
        let outside = Outside { estop, release: self.switches.release, supply: mains.supply };
        let world_from_tool = self.forward();
        self.rig.tick(&world_from_tool, &outside);
        self.check()
    }

    /// Every item is in the world.
    fn check(&self) -> Result<(), WorldFault> {
        let Some(id) = self.rig.lost() else { return Ok(()) };
        let item = &self.rig.items[id];
        Err(WorldFault::ItemLeft {
            id: u32::try_from(id).unwrap_or(u32::MAX),
            sku: self.catalogue[item.sku].sku.name.clone(),
            at: item.met.world_from_item.translation.vector.into(),
            now: self.now,
        })
    }
}
