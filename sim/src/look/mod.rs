//! What items look like: their meshes and prints, pictures of them, and sets of pictures for training.
//!
//! ```text
//! generate / load_catalogue ─▶ TrueSku ─▶ Stage ─▶ Renderer ─▶ Rendered ─▶ sense ─▶ RgbdImage
//!                                                                 └──────────▶ set::SetWriter (COCO)
//! ```
//!
//! Everything is a function of its arguments and seeds: the same ones give the same bytes.

mod artwork;
mod atlas;
mod backdrop;
mod brand;
mod build;
mod catalogue;
mod check;
mod ean13;
mod ends;
mod facts;
mod form;
mod goods;
mod ground;
mod hero;
mod layout;
mod lettering;
mod mesh;
mod own;
#[cfg(test)]
mod own_tests;
mod paint;
mod parts;
mod png;
mod portraits;
mod raster;
mod render;
mod sense;
pub mod set;
mod shadow;
mod shipped;
mod smallprint;
mod smear;
mod stage;
#[cfg(test)]
mod tests;
mod texture;
mod truth;
mod view;

pub use backdrop::{Backdrop, Light};
pub use catalogue::{CatalogueError, load_catalogue, write_catalogue};
pub use check::{Finding, SkuReport, check_catalogue};
pub use ean13::{decode_ean13, encode_ean13};
pub use facts::MeshFacts;
pub use goods::{
    Class, FAMILIES, Family, PRINT_STYLES, Pool, PrintStyle, generate, goods_catalogue, goods_classes, goods_families,
};
pub use mesh::{Mesh, ObjError};
pub use render::{Rendered, Renderer};
pub(crate) use sense::sense_grey;
pub use sense::{Sensor, sense, shadow_band_px};
pub use shipped::default_catalogue;
pub(crate) use smear::smear;
pub use stage::{Block, NO_ITEM, Placed, Stage, Tub};
pub use texture::Texture;
pub use truth::{
    LeakModel, LoosePart, LooseTruth, SoftKind, SoftTruth, SolidKind, SurfaceTruth, TrueShape, TrueSku, Truth,
};
pub use view::View;
