#![doc = include_str!("../README.md")]

pub mod bench;
mod board;
pub mod bringup;
pub mod cli;
mod clock;
pub mod cycle;
mod desk;
mod devices;
mod judge;
pub mod progress;
pub mod record;
mod remote;
pub mod report;
pub mod runtime;
pub mod show;
pub mod simulated;
mod socket;
pub mod station;
pub mod task;
pub mod telemetry;
mod weighing;
