#![doc = include_str!("../README.md")]

pub mod frame;
mod height_map;
mod image;
mod item;
mod mask;
mod pose;
mod sku;
mod time;

pub use height_map::HeightMap;
pub use image::{Camera, CameraError, Intrinsics, RgbdImage};
pub use item::{Belief, Item, ItemId};
pub use mask::Mask;
pub use pose::Pose;
pub use sku::{Catalogue, Fragility, GUESSED_SIZE_M, Manifest, Material, Shape, Sku, SkuError, SkuName, is_ean13};
pub use time::{Span, Timestamp};
