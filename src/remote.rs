//! A cell in another process, as devices: what they are told is gathered over a millisecond and sent as one turn.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use control::{
    Arm, ArmState, Cell, Clock, EmulatedTool, Emulator, FromWorld, LINK_VERSION, LinkError, Setpoint, ToWorld, Tool,
    Turn, Turned, decode_message, encode_message,
};
use scene::{Camera, CameraError, Manifest, RgbdImage, Timestamp};

use crate::devices::{Devices, Time, TimeError};
use crate::judge::{Claim, Judge, Tally};
use crate::socket::{Socket, SocketError};

/// How long a world may take to settle before it listens, seconds.
const PATIENCE_S: f64 = 60.0;
/// After so long without a word the cell's time counts as standing.
const STANDS: Duration = Duration::from_millis(15);
/// Packets from the tool that wait to be read; a runtime that doesn't listen loses the oldest.
const QUEUE: usize = 64;

/// Why a world can't be driven. Nothing has moved.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// The socket.
    #[error("world: {0}")]
    Socket(#[from] SocketError),
    /// The world refuses, in its words.
    #[error("world refuses: {reason}")]
    Refused {
        /// What it says.
        reason: String,
    },
    /// Another version.
    #[error("world speaks version {world} of the link, the runtime version {runtime}; both must be the same")]
    Version {
        /// The world's.
        world: u16,
        /// Ours.
        runtime: u16,
    },
    /// Another clock.
    #[error("world runs on the {world} clock, the runtime on the {runtime} clock; start both with the same --clock")]
    Clock {
        /// The world's.
        world: Clock,
        /// Ours.
        runtime: Clock,
    },
    /// Nobody answers at the emulated board's link.
    #[error("emulated board: {0}")]
    Board(std::io::Error),
    /// The first answer was not `Hello`.
    #[error("world did not answer hello")]
    NoHello,
}

/// A cell that has answered.
pub struct Remote {
    /// Its devices.
    pub devices: Devices,
    /// The seed that it was made from.
    pub seed: u64,
    /// What its totes should hold.
    pub manifests: BTreeMap<String, Manifest>,
    line: Shared,
}

/// The runtime's end of the link.
struct Line {
    socket: Socket,
    clock: Clock,
    turn: Turn,
    now: Timestamp,
    arm: Result<ArmState, LinkError>,
    packets: VecDeque<Vec<u8>>,
    images: Vec<(String, Option<RgbdImage>)>,
}

const CLOSED: LinkError = LinkError::Closed { device: "world" };

impl Line {
    fn advance(&mut self) -> Result<Option<Timestamp>, TimeError> {
        let turn = std::mem::take(&mut self.turn);
        // On the wall's clock the world goes on by itself: nothing to say need not be said.
        if self.clock == Clock::Virtual || turn != Turn::default() {
            self.socket.send(&ToWorld::Turn(turn)).map_err(|_| CLOSED)?;
        }
        let message = match self.clock {
            Clock::Virtual => Some(self.socket.receive().map_err(|_| CLOSED)?),
            Clock::Wall => self.socket.wait().map_err(|_| CLOSED)?,
        };
        match message {
            None => Ok(None),
            Some(FromWorld::Turned(turned)) => Ok(Some(self.take(*turned)?)),
            Some(FromWorld::Refused { reason }) => Err(TimeError::Ended { reason }),
            Some(FromWorld::Hello { .. } | FromWorld::Judged(_)) => Err(CLOSED.into()),
        }
    }

    fn take(&mut self, turned: Turned) -> Result<Timestamp, LinkError> {
        self.now = turned.now;
        self.arm = turned.arm;
        for packet in turned.packets {
            if self.packets.len() == QUEUE {
                self.packets.pop_front();
            }
            self.packets.push_back(packet);
        }
        for (camera, image) in turned.images {
            self.images.retain(|(other, _)| *other != camera);
            self.images.push((camera, image));
        }
        turned.refused.map_or(Ok(self.now), Err)
    }
}

type Shared = Rc<RefCell<Line>>;

struct RemoteTime(Shared);

impl Time for RemoteTime {
    fn now(&self) -> Timestamp {
        self.0.borrow().now
    }
    fn advance(&mut self) -> Result<Option<Timestamp>, TimeError> {
        self.0.borrow_mut().advance()
    }
}

struct RemoteArm(Shared);

impl Arm for RemoteArm {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        self.0.borrow().arm
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        self.0.borrow_mut().turn.setpoint = Some(*setpoint);
        Ok(())
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        self.0.borrow_mut().turn.stop = true;
        Ok(())
    }
}

struct RemoteTool(Shared);

impl Tool for RemoteTool {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        self.0.borrow_mut().turn.packets.push(packet.to_vec());
        Ok(())
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let Some(packet) = self.0.borrow_mut().packets.pop_front() else { return Ok(None) };
        let room = into.len();
        let place =
            into.get_mut(..packet.len()).ok_or(LinkError::TooLong { device: "tool", bytes: packet.len(), room })?;
        place.copy_from_slice(&packet);
        Ok(Some(packet.len()))
    }
}

struct RemoteCamera {
    line: Shared,
    name: String,
}

impl Camera for RemoteCamera {
    fn trigger(&mut self, _now: Timestamp) -> Result<(), CameraError> {
        let mut line = self.line.borrow_mut();
        line.images.retain(|(camera, _)| *camera != self.name);
        line.turn.triggers.push(self.name.clone());
        Ok(())
    }
    fn fetch(&mut self, _now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        let mut line = self.line.borrow_mut();
        let Some(at) = line.images.iter().position(|(camera, _)| *camera == self.name) else { return Ok(None) };
        let (_, image) = line.images.remove(at);
        image.map(Some).ok_or_else(|| CameraError::Silent { camera: self.name.clone() })
    }
}

struct RemoteJudge(Shared);

impl Judge for RemoteJudge {
    fn hear(&mut self, claim: Claim) -> Result<(), LinkError> {
        let mut bytes = Vec::new();
        encode_message(&claim, &mut bytes).map_err(|_| CLOSED)?;
        bytes.pop();
        self.0.borrow_mut().turn.claims.push(bytes);
        Ok(())
    }

    fn tally(&mut self) -> Result<Tally, LinkError> {
        let mut line = self.0.borrow_mut();
        // What was said last must be heard before it is judged.
        if line.turn != Turn::default() {
            line.advance().map_err(|_| CLOSED)?;
        }
        line.socket.send(&ToWorld::Judge).map_err(|_| CLOSED)?;
        loop {
            match line.socket.receive().map_err(|_| CLOSED)? {
                FromWorld::Judged(mut bytes) => return decode_message(&mut bytes).map_err(|_| CLOSED),
                FromWorld::Turned(_) => {}
                FromWorld::Hello { .. } | FromWorld::Refused { .. } => return Err(CLOSED),
            }
        }
    }
}

impl Remote {
    /// Takes an emulated board for the tool, in place of the world's own controller. It has begun.
    ///
    /// # Errors
    /// [`RemoteError::Board`] where the board does not answer at its link; the world then has no runtime.
    pub fn take_board(&mut self, board: Emulator) -> Result<(), RemoteError> {
        let page = board.page_path().display().to_string();
        self.line.borrow_mut().socket.send(&ToWorld::Board { page })?;
        self.devices.tool = Box::new(EmulatedTool::connect(board).map_err(RemoteError::Board)?);
        Ok(())
    }
}

/// Connects to the world that listens at `path`; `cell` names the cameras that are there.
///
/// # Errors
/// [`RemoteError`] when nobody listens, or the two don't fit.
pub fn connect(path: &Path, clock: Clock, cell: &Cell) -> Result<Remote, RemoteError> {
    let mut socket = Socket::connect(path, PATIENCE_S)?;
    socket.send(&ToWorld::Hello { version: LINK_VERSION, clock })?;
    let (seed, manifests) = match socket.receive()? {
        FromWorld::Hello { version, .. } if version != LINK_VERSION => {
            return Err(RemoteError::Version { world: version, runtime: LINK_VERSION });
        }
        FromWorld::Hello { clock: world, .. } if world != clock => {
            return Err(RemoteError::Clock { world, runtime: clock });
        }
        FromWorld::Hello { seed, manifests, .. } => (seed, manifests),
        FromWorld::Refused { reason } => return Err(RemoteError::Refused { reason }),
        FromWorld::Turned(_) | FromWorld::Judged(_) => return Err(RemoteError::NoHello),
    };
    if clock == Clock::Wall {
        socket.time_out_after(STANDS)?;
    }
    let line = Rc::new(RefCell::new(Line {
        socket,
        clock,
        turn: Turn::default(),
        now: Timestamp::ZERO,
        arm: Err(CLOSED),
        packets: VecDeque::new(),
        images: Vec::new(),
    }));
    let camera =
        |name: &String| -> Box<dyn Camera> { Box::new(RemoteCamera { line: Rc::clone(&line), name: name.clone() }) };
    let devices = Devices {
        clock,
        cameras: cell.cameras.iter().map(|c| (c.name.clone(), camera(&c.name))).collect(),
        arm: Box::new(RemoteArm(Rc::clone(&line))),
        tool: Box::new(RemoteTool(Rc::clone(&line))),
        judge: Box::new(RemoteJudge(Rc::clone(&line))),
        time: Box::new(RemoteTime(Rc::clone(&line))),
    };
    Ok(Remote { devices, seed, manifests, line })
}
