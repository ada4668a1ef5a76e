//! Named, seeded workloads that give the figures of the README on the user's own machine.

pub mod matrix;
mod mujoco;
pub mod pick;
pub mod sim;
mod spread;
