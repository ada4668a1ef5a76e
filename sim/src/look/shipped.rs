//! The catalogue that comes with the repository.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::{Fragility, Material, Shape, SkuName};

use super::artwork::Badge;
use super::brand::{draw_artwork, draw_brand};
use super::build::{Design, build};
use super::ground::Ground;
use super::hero::Hero;
use super::truth::TrueSku;

use Fragility::{Fragile, Normal, Sturdy};
use Material::{Carton, Film, Metal, Plastic};
use Shape::{Box, Cylinder, Flat};

/// Name; shape, material, fragility; size in mm; mass in g; print.
type Row = (&'static str, Shape, Material, Fragility, [u32; 3], u32, Print);
/// Brand, seed of its lettering, ground, badge, picture, and hues of pack and kind as red, green, blue.
type Print = (&'static str, u64, Ground, Badge, Hero, [[u8; 3]; 4]);

#[rustfmt::skip]
const ROWS: [Row; 14] = [
    ("tea-box-250", Box, Carton, Normal, [120, 70, 62], 285,
        ("Fenley", 3, Ground::Gradient, Badge::Ellipse, Hero::Cup, [[18, 96, 72], [196, 150, 46], [120, 170, 60], [140, 62, 22]])),
    ("mint-tea-box-250", Box, Carton, Normal, [120, 70, 62], 285,
        ("Fenley", 3, Ground::Gradient, Badge::Ellipse, Hero::Leaves, [[24, 60, 110], [196, 150, 46], [60, 160, 110], [130, 200, 90]])),
    ("oat-biscuits-300", Box, Carton, Fragile, [164, 58, 56], 330,
        ("NORMAR", 8, Ground::Band, Badge::Banner, Hero::Bars, [[224, 178, 40], [160, 24, 30], [190, 130, 70], [120, 60, 20]])),
    ("rice-500", Box, Carton, Normal, [106, 52, 150], 535,
        ("Zabel", 12, Ground::Diagonal, Badge::Pill, Hero::Bowl, [[240, 236, 226], [196, 30, 40], [30, 110, 170], [236, 220, 170]])),
    ("spaghetti-500", Box, Carton, Normal, [210, 70, 42], 530,
        ("Dorela", 21, Ground::Plain, Badge::Shield, Hero::Window, [[22, 52, 140], [214, 36, 40], [240, 200, 70], [226, 180, 80]])),
    ("soap-bar-3-pack", Box, Carton, Sturdy, [92, 60, 80], 310,
        ("Luvi", 5, Ground::Dots, Badge::None, Hero::Drops, [[236, 196, 210], [180, 40, 110], [250, 230, 240], [90, 160, 200]])),
    ("light-bulb-2-pack", Box, Carton, Fragile, [106, 58, 98], 140,
        ("HELCO", 30, Ground::Split, Badge::None, Hero::Rays, [[34, 38, 44], [250, 190, 20], [240, 150, 20], [255, 240, 190]])),
    ("usb-charger-20w", Box, Plastic, Normal, [84, 46, 108], 150,
        ("Quimon", 17, Ground::Plain, Badge::None, Hero::Gadget, [[238, 240, 242], [30, 90, 200], [90, 100, 120], [40, 150, 230]])),
    ("tomato-can-400", Cylinder, Metal, Sturdy, [70, 70, 104], 465,
        ("Pelta", 40, Ground::Arc, Badge::Ellipse, Hero::Fruit, [[196, 28, 30], [250, 220, 120], [210, 40, 30], [240, 120, 40]])),
    ("sweetcorn-can-340", Cylinder, Metal, Sturdy, [78, 78, 74], 400,
        ("Pelta", 40, Ground::Arc, Badge::Ellipse, Hero::Window, [[30, 120, 60], [250, 220, 120], [40, 140, 70], [250, 205, 50]])),
    ("vitamin-tub-120", Cylinder, Plastic, Normal, [64, 64, 104], 170,
        ("Tivara", 51, Ground::Stripes, Badge::Pill, Hero::Rings, [[246, 246, 248], [240, 110, 30], [250, 170, 80], [70, 170, 120]])),
    ("playing-cards-2-pack", Flat, Carton, Sturdy, [118, 88, 36], 200,
        ("ROUSEX", 64, Ground::Checks, Badge::Shield, Hero::Stars, [[150, 20, 34], [20, 24, 60], [110, 10, 24], [240, 210, 120]])),
    ("coffee-pouch-200", Flat, Film, Normal, [152, 104, 38], 215,
        ("Granel", 72, Ground::Marble, Badge::Banner, Hero::Hills, [[52, 34, 26], [210, 160, 80], [110, 70, 40], [200, 90, 40]])),
    ("toothbrush-4-pack", Flat, Plastic, Normal, [172, 84, 36], 95,
        ("Venly", 83, Ground::Gradient, Badge::Pill, Hero::Tools, [[60, 180, 200], [230, 40, 90], [240, 250, 252], [40, 90, 180]])),
];

/// The 14 SKUs of the default catalogue: cartons, cans, a tub and flat packs, two pairs of one brand.
#[must_use]
pub fn default_catalogue() -> Vec<TrueSku> {
    ROWS.iter().filter_map(|row| design(row).map(|d| build(&d, &mut ChaCha8Rng::seed_from_u64(d.art.seed)))).collect()
}

fn design(row: &Row) -> Option<Design> {
    let &(name, shape, material, fragility, size_mm, grams, (brand_name, seed, ground, badge, hero, colours)) = row;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut brand = draw_brand(&mut rng);
    let [base, accent, second, third] = colours.map(|c| c.map(|v| f32::from(v) / 255.0));
    brand.name = brand_name.to_owned();
    (brand.ground, brand.badge, brand.base, brand.accent) = (ground, badge, base, accent);
    let product = name.split('-').next()?;
    let mut rng = ChaCha8Rng::seed_from_u64(name.bytes().fold(7, |h, b| h * 31 % 1_000_003 + u64::from(b)));
    let mut art = draw_artwork(brand, product, format!("{grams}g"), &mut rng);
    (art.hero, art.second, art.third) = (hero, second, third);
    let size_m = size_mm.map(|mm| f64::from(mm) / 1e3);
    let thin = (0..3).min_by_key(|&k| size_mm[k])?;
    Some(Design {
        name: SkuName::new(name).ok()?,
        shape,
        material,
        fragility,
        size_m,
        mass_kg: f64::from(grams) / 1e3,
        can: material == Metal,
        front: if shape == Flat { 2 } else { thin },
        art,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_catalogue_holds_14_skus_of_different_names_and_barcodes() {
        let skus = default_catalogue();
        assert_eq!(skus.len(), 14);
        for (i, sku) in skus.iter().enumerate() {
            assert_eq!(sku.sku.check(), Ok(()));
            for other in &skus[i + 1..] {
                assert_ne!(sku.sku.name, other.sku.name);
                assert_ne!(sku.sku.barcode, other.sku.barcode);
            }
        }
    }
}
