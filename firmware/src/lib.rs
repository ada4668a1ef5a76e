#![doc = include_str!("../README.md")]
#![no_std]
#![forbid(unsafe_code)]

pub mod board;
mod config;
mod controller;
mod cup;
mod cup_set;
mod event;
mod fault;
mod filter;
mod generator;
mod gripper;
mod health;
mod leak_test;
mod limits;
mod packet;
pub mod page;
pub mod remains;
mod session;
mod tick;
pub mod wire;

pub use config::{Calibration, Config, StoreError};
pub use controller::Controller;
pub use cup_set::CupSet;
pub use event::Event;
pub use fault::{Fault, Faults};
pub use gripper::Gripper;
pub use health::{Birth, Capabilities, ConfigSource, Counters, Crash, CrashKind, Health};
pub use leak_test::LeakTest;
pub use limits::{LimitError, Limits};
pub use packet::{CupState, CupStatus, Packet, Refusal, Report, Request, State, Status};
pub use tick::{Outputs, Reports, Samples, Tick};

/// Number of suction cups on the tool.
pub const CUPS: usize = 6;

/// Version of the packets; both ends refuse another one at `Hello`.
pub const VERSION: u16 = 2;
