//! What an arm and a tool must be to be driven: states, setpoints, two small traits.

use scene::Timestamp;
use serde::{Deserialize, Serialize};

use crate::link::ToldError;

/// Angles of J1 to J6, radians, in the robot maker's sense of rotation and zero.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JointAngles(pub [f64; 6]);

impl JointAngles {
    /// From degrees.
    #[must_use]
    pub fn from_degrees(degrees: [f64; 6]) -> Self {
        Self(degrees.map(f64::to_radians))
    }
    /// In degrees, for people.
    #[must_use]
    pub fn degrees(&self) -> [f64; 6] {
        self.0.map(f64::to_degrees)
    }
    /// True when every angle is finite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.0.iter().all(|v| v.is_finite())
    }
    /// The largest difference of one joint to `other`, radians.
    #[must_use]
    pub fn largest_difference(&self, other: &Self) -> f64 {
        self.0.iter().zip(&other.0).fold(0.0, |worst: f64, (a, b)| worst.max((a - b).abs()))
    }
}

/// The arm as it was at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArmState {
    /// When the arm was so.
    pub at: Timestamp,
    /// Measured joint angles.
    pub q: JointAngles,
    /// Measured joint velocities, rad/s.
    pub dq: [f64; 6],
    /// True when the arm has been stopped and takes no setpoints.
    pub stopped: bool,
}

/// Where the arm shall be at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setpoint {
    /// When the arm shall be there.
    pub at: Timestamp,
    /// Joint angles.
    pub q: JointAngles,
    /// Joint velocities, rad/s.
    pub dq: [f64; 6],
}

/// Why a device could not be talked to. The device goes on as its own protection decides:
/// an arm without setpoints stops, a tool without packets goes to its safe state.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error, Serialize)]
#[serde(into = "ToldError")]
pub enum LinkError {
    /// The other side has gone.
    #[error("{device} link is closed")]
    Closed {
        /// The device's name.
        device: &'static str,
    },
    /// The queue to the device is full; the packet was not taken.
    #[error("{device} link holds {waiting} packets; at most {most}")]
    Full {
        /// The device's name.
        device: &'static str,
        /// Packets that wait.
        waiting: usize,
        /// Packets that fit.
        most: usize,
    },
    /// A received packet does not fit in the buffer that it was asked into; it is lost.
    #[error("{device} packet has {bytes} bytes; the buffer takes {room}")]
    TooLong {
        /// The device's name.
        device: &'static str,
        /// Length of the packet, bytes.
        bytes: usize,
        /// Room in the buffer, bytes.
        room: usize,
    },
    /// The setpoint breaks a limit of the arm; it was not passed on.
    #[error("setpoint of {joint}: {quantity} {value:.4} {unit}; must be from {min:.4} to {max:.4}")]
    Limit {
        /// The joint, `J1` to `J6`.
        joint: &'static str,
        /// What is too large: angle, velocity, acceleration or jerk.
        quantity: &'static str,
        /// Its value.
        value: f64,
        /// Its unit.
        unit: &'static str,
        /// Least value allowed.
        min: f64,
        /// Largest value allowed.
        max: f64,
    },
    /// The device is stopped and takes no command.
    #[error("{device} is stopped")]
    Stopped {
        /// The device's name.
        device: &'static str,
    },
}

/// An arm that follows setpoints, one a millisecond. Calls return at once.
pub trait Arm {
    /// The newest state of the arm.
    ///
    /// # Errors
    /// [`LinkError`] when the arm can't be reached; it stops by itself.
    fn state(&mut self) -> Result<ArmState, LinkError>;

    /// The next setpoint.
    ///
    /// # Errors
    /// [`LinkError`] when the setpoint was not taken; the arm holds or stops by itself.
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError>;

    /// Stops the arm as fast as its drives allow. It takes no setpoints afterwards.
    ///
    /// # Errors
    /// [`LinkError`] when the arm can't be reached; it stops by itself.
    fn stop(&mut self) -> Result<(), LinkError>;
}

/// A tool that exchanges whole encoded packets of [`firmware::wire`]. Calls return at once.
pub trait Tool {
    /// Sends one encoded packet, its trailing zero byte included.
    ///
    /// # Errors
    /// [`LinkError`] when the packet was not taken.
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError>;

    /// Takes the oldest received packet into `into` and gives its length; `None` when there is none.
    ///
    /// # Errors
    /// [`LinkError`] when the tool can't be reached, or the packet is longer than `into`.
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError>;
}

impl<A: Arm + ?Sized> Arm for Box<A> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        (**self).state()
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        (**self).command(setpoint)
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        (**self).stop()
    }
}

impl<T: Tool + ?Sized> Tool for Box<T> {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        (**self).send(packet)
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        (**self).receive(into)
    }
}

/// The names of the joints in messages.
pub const JOINT_NAMES: [&str; 6] = ["J1", "J2", "J3", "J4", "J5", "J6"];
