#![doc = include_str!("../README.md")]

mod baseline;
mod bin_state;
mod bin_surface;
mod candidate;
mod facet;
mod fit;
mod hang;
mod held;
mod judge;
pub mod packing;
mod patch;
mod pattern;
mod place;
mod placement;
mod raster;
mod rejection;
mod search;
mod space;
mod suction;
mod target;
mod wrench;

pub use baseline::baseline_grasps;
pub use bin_state::{BinState, Content, bears_n, observe};
pub use candidate::{Candidate, CupFeatures, Features, Surroundings};
pub use hang::carried;
pub use place::{PlaceRule, placements, placements_in, plain_placement};
pub use placement::{Placement, half_extents};
pub use rejection::{PlaceRejection, Rejection, Weakest};
pub use search::{Carries, grasps};
