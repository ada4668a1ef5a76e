//! A world's devices as they are served to a runtime in another process: turns in, what the devices said out. Sockets
//! and clocks are whoever's who calls this.

use std::collections::BTreeMap;

use control::{Arm, LinkError, Page, Tool, Turn, Turned};
use scene::Camera;

use crate::world::{Devices, World, WorldFault};

/// Room for the longest packet that a tool sends, bytes.
const LONGEST_PACKET: usize = firmware::wire::MAX_PACKET;

/// A world that obeys turns.
pub struct Served {
    world: World,
    arm: Box<dyn Arm>,
    tool: Box<dyn Tool>,
    cameras: BTreeMap<String, Box<dyn Camera>>,
    /// Cameras whose image has not come yet.
    waiting: Vec<String>,
    /// Why the last turn was not obeyed.
    refused: Option<LinkError>,
    /// The tool's controller is an emulated board's.
    emulated: bool,
}

impl Served {
    /// Takes over a world's devices.
    #[must_use]
    pub fn new(world: World) -> Self {
        let Devices { arm, tool, cameras } = world.devices();
        Self { world, arm, tool, cameras, waiting: Vec::new(), refused: None, emulated: false }
    }

    /// The world itself, for who judges.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// A runtime has come: the arm takes setpoints again, as after a person's acknowledgement, unless something else
    /// still stops it.
    pub fn welcome(&mut self) {
        self.world.reset_arm();
        self.waiting.clear();
        self.refused = None;
    }

    /// Gives the tool the controller of an emulated board until the runtime goes.
    pub fn set_controller(&mut self, board: Page) {
        self.emulated = true;
        self.world.set_controller(Some(board));
    }

    /// Tells the devices what a turn holds.
    pub fn obey(&mut self, turn: &Turn) {
        let now = self.world.now();
        if turn.stop {
            let stopped = self.arm.stop();
            self.note(stopped);
        }
        if let Some(setpoint) = &turn.setpoint {
            let taken = self.arm.command(setpoint);
            self.note(taken);
        }
        for packet in &turn.packets {
            let sent = self.tool.send(packet);
            self.note(sent);
        }
        for name in &turn.triggers {
            if let Some(camera) = self.cameras.get_mut(name) {
                // A camera that can't be reached is found out when its image is fetched.
                let _ = camera.trigger(now);
                if !self.waiting.contains(name) {
                    self.waiting.push(name.clone());
                }
            }
        }
    }

    /// One millisecond passes.
    ///
    /// # Errors
    /// [`WorldFault`] when the world can't go on.
    pub fn step(&mut self) -> Result<Turned, WorldFault> {
        self.world.step()?;
        let now = self.world.now();
        let mut packets = Vec::new();
        let mut buffer = [0; LONGEST_PACKET];
        loop {
            match self.tool.receive(&mut buffer) {
                Ok(Some(length)) => packets.push(buffer[..length].to_vec()),
                Ok(None) => break,
                Err(error) => {
                    self.refused = Some(error);
                    break;
                }
            }
        }
        let mut images = Vec::new();
        let cameras = &mut self.cameras;
        self.waiting.retain(|name| {
            let fetched = cameras.get_mut(name).map_or(Ok(None), |camera| camera.fetch(now));
            match fetched {
                Ok(None) => true,
                Ok(image) => {
                    images.push((name.clone(), image));
                    false
                }
                Err(_) => {
                    images.push((name.clone(), None));
                    false
                }
            }
        });
        Ok(Turned { now, arm: self.arm.state(), refused: self.refused.take(), packets, images })
    }

    /// The runtime has gone: the arm brakes, nobody speaks to the tool, whose own deadline makes it safe. An emulated
    /// board went with the runtime; the controller that takes its place finds what hangs on the tool, as after a reset.
    pub fn abandon(&mut self) {
        if std::mem::take(&mut self.emulated) {
            self.world.set_controller(None);
        }
        let stopped = self.arm.stop();
        self.note(stopped);
        self.waiting.clear();
    }

    fn note(&mut self, result: Result<(), LinkError>) {
        if let Err(error) = result
            && self.refused.is_none()
        {
            self.refused = Some(error);
        }
    }
}
