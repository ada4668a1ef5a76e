#![doc = include_str!("../README.md")]

pub mod fault;
pub mod look;
pub mod scan;
pub mod scenario;
pub mod sensors;
pub mod serve;
pub mod sets;
pub mod shipped;
pub mod world;

pub use fault::{Fault, FaultKind};
pub use scenario::{Scenario, ScenarioError, ToteContents};
pub use sensors::{Level, Sensors};
pub use world::{
    PutDown, SettleError, SimArm, SimCamera, SimTool, TruthItem, Where, World, WorldError, WorldFault, settle_tote,
};
