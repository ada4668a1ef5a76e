//! Named, seeded workloads that give the figures of the README on the user's own machine.

pub mod matrix;
pub mod pick;
mod spread;
