//! The simulated cameras: what stands before them is drawn as it truly is, then sensed.

use std::cell::RefCell;
use std::rc::Rc;

use control::CameraMount;
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use scene::{Camera, CameraError, Pose, RgbdImage, Timestamp};

use super::core::Core;
use crate::look::{Block, Placed, Rendered, Renderer, Sensor, Stage, View, sense};
use crate::scenario::FaultKind;

/// Colour of the arm's links and of the tool, sRGB.
const LINK_COLOUR: [u8; 3] = [232, 182, 28];
const TOOL_COLOUR: [u8; 3] = [120, 124, 130];
/// Colour of the cups, sRGB.
const CUP_COLOUR: [u8; 3] = [60, 90, 150];

/// A camera of a simulated cell.
///
/// The image asked for shows the world at the moment of [`Camera::trigger`] and is there at once; how long
/// looking takes is charged by the runtime's budgets. The arm and the tool are drawn as boxes.
#[derive(Debug, Clone)]
pub struct SimCamera {
    core: Rc<RefCell<Core>>,
    mount: CameraMount,
    image: Option<RgbdImage>,
}

impl SimCamera {
    pub(super) fn new(core: Rc<RefCell<Core>>, mount: CameraMount) -> Self {
        Self { core, mount, image: None }
    }

    fn silent(&self) -> Result<(), CameraError> {
        if self.core.borrow().suffers(FaultKind::CamerasSilent) {
            return Err(CameraError::Silent { camera: self.mount.name.clone() });
        }
        Ok(())
    }
}

impl Camera for SimCamera {
    fn trigger(&mut self, _now: Timestamp) -> Result<(), CameraError> {
        self.image = None;
        self.silent()?;
        self.image = Some(self.core.borrow_mut().photograph(&self.mount, |_, image, _| image));
        Ok(())
    }

    fn fetch(&mut self, _now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        if let Err(error) = self.silent() {
            self.image = None;
            return Err(error);
        }
        Ok(self.image.take())
    }
}

/// What the cameras share.
#[derive(Debug)]
pub(crate) struct Studio {
    pub renderer: Renderer,
    pub backdrop: crate::look::Backdrop,
    pub light: crate::look::Light,
    pub tubs: Vec<crate::look::Tub>,
}

impl Core {
    /// Draws and senses the world as it is now, and hands on the clean picture, the image, and what stood where.
    pub(super) fn photograph<R>(
        &mut self,
        mount: &CameraMount,
        take: impl FnOnce(&Rendered, RgbdImage, &[Placed<'_>]) -> R,
    ) -> R {
        let blocks = self.blocks();
        let placed: Vec<Placed<'_>> = self
            .rig
            .items
            .iter()
            .enumerate()
            .map(|(i, item)| Placed {
                sku: &self.catalogue[item.sku],
                world_from_item: Pose::from_isometry(item.met.world_from_item),
                id: u32::try_from(i).unwrap_or(u32::MAX - 1),
            })
            .collect();
        let stage = Stage {
            items: &placed,
            tubs: &self.studio.tubs,
            blocks: &blocks,
            backdrop: &self.studio.backdrop,
            light: &self.studio.light,
        };
        let picture = self.studio.renderer.render(&stage, &View::from(mount));
        let sensor = if self.sensors.image_noise {
            Sensor { baseline_m: mount.baseline_m, ..Sensor::default() }
        } else {
            Sensor { baseline_m: mount.baseline_m, ..Sensor::quiet() }
        };
        let image = sense(&picture, &sensor, self.now, &mut self.rng);
        take(&picture, image, &placed)
    }

    /// Arm and tool as boxes.
    fn blocks(&self) -> Vec<Block> {
        let links = self.planner.links(&self.arm.angles());
        let mut blocks: Vec<Block> = self
            .capsules
            .iter()
            .map(|capsule| {
                let (from, to) = (Point3::from(capsule.from), Point3::from(capsule.to));
                let way = to - from;
                let turn = UnitQuaternion::rotation_between(&Vector3::z(), &way)
                    .unwrap_or_else(|| UnitQuaternion::from_axis_angle(&Vector3::x_axis(), std::f64::consts::PI));
                let link_from_block =
                    Isometry3::from_parts(Translation3::from(nalgebra::center(&from, &to).coords), turn);
                Block {
                    world_from_block: links[capsule.link.min(6)] * link_from_block,
                    // A square bar of about the same section as the round one.
                    half: [0.85 * capsule.radius, 0.85 * capsule.radius, 0.5 * way.norm() + 0.7 * capsule.radius],
                    colour: LINK_COLOUR,
                }
            })
            .collect();
        for body in self.tool_model.bodies.iter().filter(|body| body.rigid) {
            let [x, y, z] = body.centre_m;
            blocks.push(Block {
                world_from_block: self.rig.world_from_tool * Isometry3::translation(x, y, z),
                half: body.size_m.map(|side| 0.5 * side),
                colour: TOOL_COLOUR,
            });
        }
        for cup in &self.rig.cups {
            let length = 0.03 - cup.compression;
            let [x, y] = cup.truth.centre;
            blocks.push(Block {
                world_from_block: self.rig.world_from_tool * Isometry3::translation(x, y, 0.5 * length - 0.03),
                half: [0.012, 0.012, 0.5 * length.max(0.002)],
                colour: CUP_COLOUR,
            });
        }
        blocks
    }
}
