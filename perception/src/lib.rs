#![doc = include_str!("../README.md")]

mod belief;
mod catalogue;
mod catalogue_file;
mod coco;
mod cover;
mod crop;
mod cut_out;
mod decide;
mod error;
mod fit;
mod floor;
mod geometry;
mod grouping;
mod height_map;
mod input;
mod join;
mod look;
mod network;
mod normals;
mod outline;
mod picture;
mod shot;
mod substance;

pub use catalogue::{CatalogueError, View, Views, load_catalogue};
pub use catalogue_file::equal_views;
pub use coco::{CocoError, Instance, Labelled, Region, check_camera, load_coco};
pub use decide::{Decision, decide};
pub use error::LookError;
pub use floor::floor;
pub use height_map::height_map;
pub use look::{Files, Found, Perception, Settings};
pub use network::LoadError;
pub use outline::{fill_polygons, outlines};
pub use picture::{Picture, PictureError, load_depth, load_picture, rgba_png};
pub use shot::{Depth, Shot, ShotError};
pub use substance::{Kind, KindBelief, kinds};
