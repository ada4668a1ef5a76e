//! Goods of many families: what they are, which are kept from training, and how one is made.
//!
//! ```text
//! table / draw ─▶ Good ─▶ shape (form, prints) ─▶ mesh, texture, parts
//!                   └────▶ values ──────────────▶ truth, and what the site knows of it
//! ```

mod draw;
mod open;
mod prints;
mod rigid;
mod round;
mod soft;
mod table;
#[cfg(test)]
mod tests;
mod values;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Fragility, Material, Shape, Sku, SkuName};
use serde::{Deserialize, Serialize};

use super::artwork::Artwork;
use super::atlas::Atlas;
use super::form::Form;
use super::mesh::Patch;
use super::paint::Canvas;
use super::texture::Texture;
use super::truth::{SolidKind, TrueShape, TrueSku};

pub use draw::generate;
pub use table::{goods_catalogue, goods_classes, goods_families};

/// What kind of thing an item is: its shape, its parts and how it is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// A folding carton.
    Carton,
    /// A long thin carton: candles, foil, pencils.
    Slender,
    /// A can of metal with a label.
    Can,
    /// A clear bottle with a label and a cap.
    Bottle,
    /// An opaque, oval bottle with a cap that opens.
    Flask,
    /// A round tub with a lid.
    Tub,
    /// A jar of glass with content and a metal lid.
    Jar,
    /// A book or a notebook.
    Book,
    /// A card with a clear bubble over goods.
    Blister,
    /// A pouch of foil with crimped ends.
    Pouch,
    /// A bag of clear film with loose content.
    Polybag,
    /// Cloth or tissue in printed film.
    SoftPack,
    /// Folded cloth with a paper band.
    Cloth,
    /// Fruit in a net.
    NetBag,
    /// A squeezed tube with a cap.
    Tube,
    /// A handle with bristles.
    Brush,
    /// A clear tube with balls.
    ClearTube,
    /// A pail with a bail that swings.
    Bucket,
    /// A perforated basket.
    Basket,
    /// A shiny tin with a lid.
    Tin,
    /// A cup of wire mesh. Never in training.
    MeshCup,
    /// A moulded tray. Never in training.
    Tray,
    /// A canister with a handle at its side. Never in training.
    Jug,
}

/// How a print looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrintStyle {
    /// Brand, picture, small print, as most packs have it.
    Packaged,
    /// A photograph all over, and a strip with the brand.
    Photo,
    /// One colour with a paper label.
    Label,
    /// One pattern all over.
    Pattern,
    /// Brown board with a stamp.
    Kraft,
    /// One colour, no print.
    Plain,
    /// Lines of large letters. Never in training.
    Poster,
    /// A drawing with measures and tables on white. Never in training.
    Technical,
}

/// Difficulty for suction, after the three classes of Dex-Net 3.0 (Mahler et al. 2018): basic are boxes and
/// cylinders with faces that a lip seals on; typical is what a household has; adversarial are porous, perforated,
/// creased or slim ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Faces that a lip seals on.
    Basic,
    /// What a household has.
    Typical,
    /// Porous, perforated, creased, slim.
    Adversarial,
}

/// Which goods may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pool {
    /// Families and print styles that networks may be trained on.
    Training,
    /// Those that are kept from them, each SKU of both a held-out family and a held-out style.
    HeldOut,
    /// All of them.
    All,
}

/// All families.
pub const FAMILIES: [Family; 23] = [
    Family::Carton,
    Family::Slender,
    Family::Can,
    Family::Bottle,
    Family::Flask,
    Family::Tub,
    Family::Jar,
    Family::Book,
    Family::Blister,
    Family::Pouch,
    Family::Polybag,
    Family::SoftPack,
    Family::Cloth,
    Family::NetBag,
    Family::Tube,
    Family::Brush,
    Family::ClearTube,
    Family::Bucket,
    Family::Basket,
    Family::Tin,
    Family::MeshCup,
    Family::Tray,
    Family::Jug,
];

/// All print styles.
pub const PRINT_STYLES: [PrintStyle; 8] = [
    PrintStyle::Packaged,
    PrintStyle::Photo,
    PrintStyle::Label,
    PrintStyle::Pattern,
    PrintStyle::Kraft,
    PrintStyle::Plain,
    PrintStyle::Poster,
    PrintStyle::Technical,
];

impl Family {
    /// True for those that never occur in training.
    #[must_use]
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::MeshCup | Self::Tray | Self::Jug)
    }

    /// The nominal shape that a site would write down.
    #[must_use]
    pub fn shape(self) -> Shape {
        match self {
            Self::Can | Self::Bottle | Self::Tub | Self::Jar | Self::ClearTube | Self::Bucket | Self::MeshCup => {
                Shape::Cylinder
            }
            Self::Book | Self::Blister | Self::Pouch | Self::Polybag | Self::SoftPack | Self::Cloth | Self::Tray => {
                Shape::Flat
            }
            _ => Shape::Box,
        }
    }

    /// What it is made of, outside.
    #[must_use]
    pub fn material(self) -> Material {
        match self {
            Self::Carton | Self::Slender | Self::Book => Material::Carton,
            Self::Can | Self::Tin => Material::Metal,
            Self::Jar => Material::Glass,
            Self::Pouch | Self::Polybag | Self::SoftPack => Material::Film,
            Self::Cloth => Material::Fabric,
            Self::NetBag | Self::MeshCup => Material::Mesh,
            _ => Material::Plastic,
        }
    }
}

impl PrintStyle {
    /// True for those that never occur in training.
    #[must_use]
    pub fn is_held_out(self) -> bool {
        matches!(self, Self::Poster | Self::Technical)
    }
}

/// A kind of goods before it is made.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Good {
    pub name: SkuName,
    pub family: Family,
    pub print: PrintStyle,
    /// Wanted sides of its box, metres; what is made may be off by a little.
    pub size_m: [f64; 3],
    pub mass_kg: f64,
    pub fragility: Fragility,
    pub art: Artwork,
    /// Black where it would have a colour.
    pub black: bool,
    /// What the site gets wrong.
    pub slip: Slip,
}

/// What a site has wrong of a SKU.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Slip {
    /// Nothing.
    None,
    /// The mass is off by this factor.
    Mass(f64),
    /// The side along this axis is off by this factor.
    Side(usize, f64),
    /// Nobody weighed it.
    NoMass,
}

/// A print of one face, and its cover where not all of it is opaque.
pub(crate) struct Print {
    pub colour: Canvas,
    pub cover: Option<Canvas>,
}

impl From<Canvas> for Print {
    fn from(colour: Canvas) -> Self {
        Self { colour, cover: None }
    }
}

/// A face that wants a print: its size in metres, and who paints it at so many pixels.
pub(crate) struct Face<'a> {
    pub size: [f64; 2],
    pub paint: Box<dyn Fn(usize, usize) -> Print + 'a>,
}

impl<'a> Face<'a> {
    pub fn new(size: [f32; 2], paint: impl Fn(usize, usize) -> Print + 'a) -> Self {
        Self { size: size.map(|s| f64::from(s.max(0.002))), paint: Box::new(paint) }
    }

    /// One colour.
    pub fn plain(size: [f32; 2], colour: super::paint::Rgb) -> Self {
        Self::new(size, move |w, h| Canvas::new(w, h, colour).into())
    }

    /// Clear, with this colour of its own and so much of it, 0 to 1.
    pub fn clear(size: [f32; 2], colour: super::paint::Rgb, own: f32) -> Self {
        Self::new(size, move |w, h| Print {
            colour: Canvas::new(w, h, colour),
            cover: Some(Canvas::new(w, h, [own.clamp(0.05, 0.95); 3])),
        })
    }
}

/// Paints all faces into one texture; patch k is that of face k.
pub(crate) fn dress(faces: &[Face<'_>]) -> (Texture, Vec<Patch>) {
    let sizes: Vec<[f64; 2]> = faces.iter().map(|f| f.size).collect();
    let plan = Atlas::plan(&sizes);
    let (mut colours, mut covers, mut covered) = (Vec::new(), Vec::new(), false);
    for (face, slot) in faces.iter().zip(&plan.slots) {
        let print = (face.paint)(slot.width, slot.height);
        covered |= print.cover.is_some();
        covers.push(print.cover.unwrap_or_else(|| Canvas::new(slot.width, slot.height, [1.0; 3])));
        colours.push(print.colour);
    }
    if covered { plan.fill_covered(&colours, &covers) } else { plan.fill(&colours) }
}

/// A form in its print.
pub(crate) struct Made {
    pub form: Form,
    pub texture: Texture,
}

fn make(good: &Good) -> Made {
    match good.family {
        Family::Carton | Family::Slender => rigid::carton(good),
        Family::Book => rigid::book(good),
        Family::Tin => rigid::tin(good),
        Family::Flask => rigid::flask(good),
        Family::Jug => rigid::jug(good),
        Family::Can => round::can(good),
        Family::Bottle => round::bottle(good),
        Family::Tub => round::tub(good),
        Family::Jar => round::jar(good),
        Family::ClearTube => round::clear_tube(good),
        Family::Tube => soft::tube(good),
        Family::Pouch => soft::pouch(good),
        Family::Polybag => soft::polybag(good),
        Family::SoftPack => soft::soft_pack(good),
        Family::Cloth => soft::cloth(good),
        Family::NetBag => soft::net_bag(good),
        Family::Blister => open::blister(good),
        Family::Brush => open::brush(good),
        Family::Bucket => open::bucket(good),
        Family::Basket => open::basket(good),
        Family::MeshCup => open::mesh_cup(good),
        Family::Tray => open::tray(good),
    }
}

/// Makes a SKU: mesh, print, true values, and what the site knows of it.
pub(crate) fn build_good(good: &Good) -> TrueSku {
    let Made { mut form, texture } = make(good);
    let size = form.centre();
    let mut rng = ChaCha8Rng::seed_from_u64(good.art.seed ^ 0x9_0015);
    let truth = values::draw(good, size.map(f64::from), &mut rng);
    let millimetres = |v: f64| (v * 1e3).round() / 1e3;
    let mut sku = Sku {
        name: good.name.clone(),
        barcode: Some(good.art.barcode.clone()),
        size_m: truth.size_m.map(millimetres),
        mass_kg: Some(millimetres(truth.mass_kg / rng.random_range(0.98..1.02)).max(0.001)),
        shape: good.family.shape(),
        material: good.family.material(),
        fragility: good.fragility,
        upright: false,
        size_unknown: false,
    };
    match good.slip {
        Slip::None => {}
        Slip::Mass(by) => sku.mass_kg = sku.mass_kg.map(|m| millimetres(m * by).max(0.001)),
        Slip::Side(axis, by) => sku.size_m[axis] = millimetres(sku.size_m[axis] * by).clamp(0.005, 0.6),
        Slip::NoMass => sku.mass_kg = None,
    }
    // To a hundredth of a millimetre, as the file has it.
    let fine = |v: f32| (f64::from(v) * 1e5).round() / 1e5;
    let hull_shape = if truth.solid == Some(SolidKind::Mesh) {
        TrueShape::Mesh { parts: form.parts.iter().map(|part| part.iter().map(|p| p.map(fine)).collect()).collect() }
    } else {
        TrueShape::new(truth.shape, truth.size_m)
    };
    TrueSku { sku, mesh: form.mesh, hull_shape, texture, truth }
}
