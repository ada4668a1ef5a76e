//! Named, seeded workloads that give the figures of the README on the user's own machine.

mod given;
pub mod matrix;
pub mod motion;
mod mujoco;
pub mod packing;
pub mod pick;
mod spread;
pub mod world;
