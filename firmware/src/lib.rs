#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

mod controller;
mod cup;
mod cup_set;
mod filter;
mod generator;
mod gripper;
mod limits;
mod packet;
mod tick;
pub mod wire;

pub use controller::Controller;
pub use cup_set::CupSet;
pub use gripper::Gripper;
pub use limits::{LimitError, Limits};
pub use packet::{CupState, CupStatus, Event, Packet, Refusal, Report, Request, State, Status};
pub use tick::{Outputs, Reports, Samples, Tick};

/// Number of suction cups on the tool.
pub const CUPS: usize = 6;

/// Version of the packets; both ends refuse another one at `Hello`.
pub const VERSION: u16 = 1;
