#![doc = include_str!("../README.md")]

pub mod bench;
pub mod bringup;
pub mod cli;
mod clock;
pub mod cycle;
pub mod progress;
pub mod record;
pub mod report;
pub mod runtime;
mod score;
pub mod show;
pub mod station;
pub mod task;
pub mod telemetry;
