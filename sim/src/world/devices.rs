//! The devices of a world as a runtime gets them: those of the cell in the wrappers that the scenario's faults ask for.

use std::collections::BTreeMap;
use std::rc::Rc;

use control::{Arm, Black, Frozen, Late, LateImages, Leaky, Off, Silent, Stuck, Switch, Tool};
use scene::{Camera, Span};

use super::World;
use crate::fault::{FaultKind, Link};

/// The devices of a simulated cell.
pub struct Devices {
    /// The arm.
    pub arm: Box<dyn Arm>,
    /// The tool.
    pub tool: Box<dyn Tool>,
    /// The cameras by name.
    pub cameras: BTreeMap<String, Box<dyn Camera>>,
}

impl World {
    /// All devices of the cell, with what the scenario has go wrong on their links. They are handles into this world.
    #[must_use]
    pub fn devices(&self) -> Devices {
        let names: Vec<String> = self.core.borrow().cameras.iter().map(|c| c.name.clone()).collect();
        let mut devices = Devices {
            arm: Box::new(self.arm()),
            tool: Box::new(self.tool()),
            cameras: names.into_iter().filter_map(|name| Some((name.clone(), self.late_camera(&name)?))).collect(),
        };
        for number in 0..self.scenario.fault.len() {
            devices = self.with_fault(devices, number);
        }
        devices
    }

    /// A camera whose images are as late, and as often lost, as its knobs say.
    fn late_camera(&self, name: &str) -> Option<Box<dyn Camera>> {
        let knobs = &self.scenario.sensors.images;
        let camera: Box<dyn Camera> = Box::new(self.camera(name)?);
        let seed = self.link_seed(name);
        let lost: Box<dyn Camera> =
            if knobs.drop_chance > 0.0 { Box::new(Leaky::new(camera, knobs.drop_chance, seed)) } else { camera };
        let (by, jitter) = (Span::from_seconds(knobs.late_s), Span::from_seconds(knobs.jitter_s));
        let late = knobs.late_s > 0.0 || knobs.jitter_s > 0.0;
        Some(if late { Box::new(LateImages::new(lost, by, jitter, seed ^ 1)) } else { lost })
    }

    /// The devices with one fault of the scenario in front of them, where it is one of a link or a camera.
    fn with_fault(&self, devices: Devices, number: usize) -> Devices {
        let switch = || -> Switch {
            let core = Rc::clone(&self.core);
            Box::new(move || core.borrow().is_on(number))
        };
        let Devices { mut arm, mut tool, mut cameras } = devices;
        let kind = &self.scenario.fault[number].kind;
        let seed = |what: &str| self.link_seed(what).wrapping_add(number as u64);
        match kind {
            FaultKind::LostPackets { link, share } => {
                if *link != Link::Arm {
                    tool = Box::new(Leaky::new(tool, *share, seed("tool")).switched(switch()));
                }
                if *link != Link::Tool {
                    arm = Box::new(Leaky::new(arm, *share, seed("arm")).switched(switch()));
                }
            }
            FaultKind::ToolSilent => tool = Box::new(Leaky::new(tool, 1.0, 0).switched(switch())),
            FaultKind::ArmSilent => arm = Box::new(Stuck::new(arm).switched(switch())),
            FaultKind::LateTicks { by_ms } => {
                arm = Box::new(Late::new(arm, *by_ms).switched(switch()));
                tool = Box::new(Late::new(tool, *by_ms).switched(switch()));
            }
            FaultKind::PowerLoss { .. } => {
                arm = Box::new(Off::new(arm, "arm", switch()));
                tool = Box::new(Leaky::new(tool, 1.0, 0).switched(switch()));
            }
            _ => {}
        }
        let wrap = |(name, camera): (String, Box<dyn Camera>)| {
            let camera: Box<dyn Camera> = match kind {
                FaultKind::FrozenCamera(c) if c.hold(&name) => Box::new(Frozen::new(camera, switch())),
                FaultKind::BlackCamera(c) if c.hold(&name) => Box::new(Black::new(camera, switch())),
                FaultKind::LateCamera { cameras, by_s } if cameras.hold(&name) => {
                    let by = Span::from_seconds(*by_s);
                    Box::new(LateImages::new(camera, by, Span::from_nanos(0), 0).switched(switch()))
                }
                FaultKind::LostImages { cameras, share } if cameras.hold(&name) => {
                    Box::new(Leaky::new(camera, *share, seed(&name)).switched(switch()))
                }
                FaultKind::CamerasSilent(c) if c.hold(&name) => Box::new(Silent::new(camera, &name, switch())),
                FaultKind::PowerLoss { .. } => Box::new(Silent::new(camera, &name, switch())),
                _ => camera,
            };
            (name, camera)
        };
        cameras = cameras.into_iter().map(wrap).collect();
        Devices { arm, tool, cameras }
    }

    /// Seed of what a link loses: another one for each link and world (FNV-1a over its name).
    fn link_seed(&self, link: &str) -> u64 {
        link.bytes().fold(0xcbf2_9ce4_8422_2325 ^ self.seed, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
    }
}
