//! Named, seeded workloads that give the figures of the README on the user's own machine.

mod average_precision;
mod evidence;
pub mod firmware;
mod given;
pub mod identify;
mod identify_figures;
pub mod matrix;
pub mod motion;
mod motion_peers;
mod mujoco;
pub mod packing;
pub mod packing_cell;
mod peer;
pub mod perception;
pub mod pick;
mod planes;
mod scenes;
pub mod segment;
mod spread;
pub mod world;
