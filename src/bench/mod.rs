//! Named, seeded workloads that give the figures of the README on the user's own machine.

pub mod firmware;
mod given;
pub mod matrix;
pub mod motion;
mod motion_peers;
mod mujoco;
pub mod packing;
pub mod packing_cell;
mod peer;
pub mod pick;
mod spread;
pub mod world;
