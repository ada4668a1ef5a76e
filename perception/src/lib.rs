#![doc = include_str!("../README.md")]

mod belief;
mod catalogue;
mod catalogue_file;
mod cover;
mod crop;
mod cut_out;
mod error;
mod fit;
mod geometry;
mod grouping;
mod height_map;
mod input;
mod join;
mod look;
mod network;
mod normals;
mod picture;

pub use catalogue::{CatalogueError, View, Views, load_catalogue};
pub use catalogue_file::equal_views;
pub use error::LookError;
pub use height_map::height_map;
pub use look::{Files, Found, Perception, Settings};
pub use network::LoadError;
pub use picture::{Picture, PictureError, load_depth, load_picture, rgba_png};
