#![doc = include_str!("../README.md")]

mod baseline;
mod bin_state;
mod bin_surface;
mod bins;
mod candidate;
mod facet;
mod fit;
mod hang;
mod held;
mod judge;
mod lies;
pub mod packing;
mod patch;
mod pattern;
mod place;
mod place_input;
mod placement;
mod raster;
mod rejection;
mod search;
mod space;
mod stack;
mod suction;
mod target;
mod wrench;

pub use baseline::baseline_grasps;
pub use bin_state::{BinState, Content, bears_n, observe};
pub use bins::best_bins;
pub use candidate::{Candidate, CupFeatures, Features, Surroundings};
pub use hang::carried;
pub use lies::Lies;
pub use place::{PlaceRule, placements, placements_in, plain_placement};
pub use placement::{Placement, half_extents};
pub use rejection::{PlaceRejection, Rejection, Weakest};
pub use search::{Carries, grasps};
