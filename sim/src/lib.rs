#![doc = include_str!("../README.md")]

pub mod look;
pub mod scenario;
pub mod sets;
pub mod shipped;
pub mod world;

pub use scenario::{Fault, FaultKind, Scenario, ScenarioError, SensorSwitches, ToteContents};
pub use world::{
    SettleError, SimArm, SimCamera, SimTool, TruthItem, Where, World, WorldError, WorldFault, settle_tote,
};
