//! The simulated cameras: what stands before them is drawn as it truly is, then sensed.

use std::cell::RefCell;
use std::rc::Rc;

use control::CameraMount;
use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::StandardNormal;
use scene::{Camera, CameraError, Pose, RgbdImage, Timestamp, frame};

use super::core::Core;
use crate::look::{Block, Placed, Rendered, Renderer, Sensor, Stage, View, sense, smear};
use crate::sensors::Mount;

/// Colour of the arm's links and of the tool, sRGB.
const LINK_COLOUR: [u8; 3] = [232, 182, 28];
const TOOL_COLOUR: [u8; 3] = [120, 124, 130];
/// A camera that looks sideways was calibrated over a place so far away, metres.
const LOOKS_AT_M: f64 = 1.2;
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
}

impl Camera for SimCamera {
    fn trigger(&mut self, _now: Timestamp) -> Result<(), CameraError> {
        self.image = Some(self.core.borrow_mut().photograph(&self.mount, |_, image, _| image));
        Ok(())
    }

    fn fetch(&mut self, _now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        Ok(self.image.take())
    }
}

/// A short way in the world as pixels to the right and down; none behind the camera.
fn on_image(view: &View, at: &Point3<f64>, way_m: &Vector3<f64>) -> [f32; 2] {
    let camera_from_world = view.world_from_camera.inverse();
    let (at, way) = (camera_from_world.point(at), camera_from_world.direction(way_m));
    if at.z < 0.05 {
        return [0.0; 2];
    }
    let i = &view.intrinsics;
    [
        (i.fx * (way.x * at.z - at.x * way.z) / (at.z * at.z)) as f32,
        (i.fy * (way.y * at.z - at.y * way.z) / (at.z * at.z)) as f32,
    ]
}

/// Where a camera truly stands: shifted, and turned about the place where it looks, since calibration fits best there.
pub(super) fn truly_stands(
    mount: &CameraMount,
    off: &Mount,
    rng: &mut ChaCha8Rng,
) -> Pose<frame::World, frame::Camera> {
    let mut draw = |deviation: f64| Vector3::from_fn(|_, _| deviation * rng.sample::<f64, _>(StandardNormal));
    let (shift, turn) = (draw(off.shift_m), draw(off.turn_deg.to_radians()));
    let told = mount.world_from_camera;
    let (eye, axis) = (told.origin(), told.direction(&Vector3::z()));
    let reach = if axis.z < -0.5 { (eye.z / -axis.z).clamp(0.1, 10.0) } else { LOOKS_AT_M };
    let looked_at = Translation3::from(eye.coords + axis * reach);
    let off = Translation3::from(shift) * looked_at * UnitQuaternion::from_scaled_axis(turn) * looked_at.inverse();
    Pose::from_isometry(off * told.isometry())
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
        let told = mount.world_from_camera;
        let stands = self.cameras.iter().position(|c| c.name == mount.name).and_then(|i| self.stand.get(i).copied());
        let view = View { intrinsics: mount.intrinsics, world_from_camera: stands.unwrap_or(told) };
        let mut picture = self.studio.renderer.render(&stage, &view);
        for (item, placed) in self.rig.items.iter().zip(&placed) {
            let way_m = item.met.linear * self.sensors.colour.exposure_s;
            smear(
                &mut picture,
                placed.id,
                on_image(&view, &item.met.world_from_item.translation.vector.into(), &way_m),
            );
        }
        let sensor = Sensor { baseline_m: mount.baseline_m, colour: self.sensors.colour, depth: self.sensors.depth };
        let mut image = sense(&picture, &sensor, self.now, &mut self.rng);
        // The runtime gets what calibration says.
        image.world_from_camera = told;
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
