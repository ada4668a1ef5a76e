#![doc = include_str!("../README.md")]

mod barcode;
mod belief;
mod catalogue;
mod container;
mod cover;
mod crop;
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

pub use barcode::{BarcodeRead, ScanEvidence, Symbology, after_scan, read_barcodes};
pub use catalogue::{CatalogueError, View, Views, load_catalogue};
pub use container::{ContainerDoubt, ContainerSeen, container_seen};
pub use error::LookError;
pub use height_map::height_map;
pub use look::{Files, Found, Perception, Settings};
pub use network::LoadError;
