//! SKUs that nobody sells, of any number.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use scene::{Fragility, Material, Shape, SkuName};

use super::artwork::{Artwork, BADGES, Brand};
use super::build::{Design, build};
use super::ean13::with_check_digit;
use super::ground::GROUNDS;
use super::hero::HEROES;
use super::lettering::Pen;
use super::paint::{Rgb, hsv, mix};
use super::truth::TrueSku;

/// What kinds of SKUs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Cartons and cans that cups hold well.
    Basic,
    /// As a warehouse has them: cartons, cans, tubs, flat packs of board, blister and film.
    Typical,
    /// What cups hold badly: porous, wrinkled, thin, slim.
    Adversarial,
}

const PRODUCTS: [&str; 48] = [
    "tea", "coffee", "rice", "oats", "pasta", "soup", "beans", "tomato", "corn", "tuna", "cocoa", "biscuits",
    "crackers", "raisins", "nuts", "chips", "gum", "mints", "salt", "sugar", "flour", "honey", "soap", "lotion",
    "cream", "wipes", "plasters", "vitamins", "tissue", "candle", "tape", "glue", "pens", "cards", "puzzle", "bulb",
    "battery", "cable", "charger", "mouse", "filter", "screws", "sponge", "polish", "paint", "treats", "seeds", "toy",
];

/// Draws `count` SKUs with names of their own. Sides from 15 to 230 mm, masses from 0.05 to 1.2 kg.
///
/// About a third of them belong to a brand that was there before: same lettering and colours, another kind.
#[must_use]
pub fn generate(seed: u64, count: usize, style: Style) -> Vec<TrueSku> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5EED_5C05);
    let mut brands: Vec<Brand> = Vec::new();
    let mut last: Option<Design> = None;
    let mut names = BTreeSet::new();
    let mut skus = Vec::with_capacity(count);
    while skus.len() < count {
        let twin = last.as_ref().filter(|_| rng.random_bool(0.14));
        let brand = match (twin, brands.choose(&mut rng)) {
            (Some(twin), _) => twin.art.brand.clone(),
            (None, Some(known)) if rng.random_bool(0.25) => known.clone(),
            _ => {
                let brand = draw_brand(&mut rng);
                brands.push(brand.clone());
                brand
            }
        };
        let mut design = draw_design(brand, style, &mut rng);
        if let Some(twin) = twin {
            // The same pack of another kind.
            (design.shape, design.material, design.can) = (twin.shape, twin.material, twin.can);
            (design.size_m, design.front, design.fragility) = (twin.size_m, twin.front, twin.fragility);
            design.mass_kg = twin.mass_kg;
        }
        if names.insert(design.name.clone()) {
            skus.push(build(&design, &mut rng));
            last = Some(design);
        }
    }
    skus
}

/// A brand of chance.
pub(crate) fn draw_brand(rng: &mut ChaCha8Rng) -> Brand {
    let [base, accent, _, _] = scheme(rng);
    let mut name = word(rng.random_range(2..4), rng);
    match rng.random_range(0..3) {
        0 => name = name.to_uppercase(),
        1 => name = name[..1].to_uppercase() + &name[1..],
        _ => {}
    }
    Brand {
        name,
        pen: Pen {
            weight: rng.random_range(0.09..0.26),
            stretch: rng.random_range(0.7..1.15),
            slant: [0.0, 0.0, 0.18, 0.3][rng.random_range(0..4)],
            round: rng.random_bool(0.65),
            serif: rng.random_bool(0.25),
        },
        badge: BADGES[rng.random_range(0..BADGES.len())],
        ground: GROUNDS[rng.random_range(0..GROUNDS.len())],
        base,
        accent,
        letter_share: rng.random_range(0.11..0.24),
        name_at: if rng.random_bool(0.7) { rng.random_range(0.14..0.24) } else { rng.random_range(0.66..0.76) },
    }
}

/// A print of chance for a brand.
pub(crate) fn draw_artwork(brand: Brand, product: &str, amount: String, rng: &mut ChaCha8Rng) -> Artwork {
    let [_, _, second, third] = scheme(rng);
    let digits: [u8; 12] =
        std::array::from_fn(|i| if i == 0 { rng.random_range(2..10) } else { rng.random_range(0..10) });
    Artwork {
        brand,
        second,
        third,
        hero: HEROES[rng.random_range(0..HEROES.len())],
        product: if rng.random_bool(0.5) { product.to_uppercase() } else { product.to_owned() },
        amount,
        barcode: with_check_digit(digits),
        seed: rng.random(),
    }
}

fn draw_design(brand: Brand, style: Style, rng: &mut ChaCha8Rng) -> Design {
    let (shape, material) = draw_kind(style, rng);
    let size_m = draw_size(shape, style, rng).map(|s| (s * 1e3).round() / 1e3);
    let volume: f64 = size_m.iter().product();
    let density = match material {
        Material::Metal | Material::Glass => rng.random_range(500.0..1_000.0),
        Material::Film | Material::Fabric | Material::Mesh => rng.random_range(120.0..500.0),
        _ => rng.random_range(180.0..650.0),
    };
    let mass_kg = (volume * density).clamp(0.05, 1.2);
    let product = PRODUCTS[rng.random_range(0..PRODUCTS.len())];
    let grams = (mass_kg * 100.0).round() * 10.0;
    let amount = if rng.random_bool(0.6) { format!("{grams}g") } else { format!("{} pcs", rng.random_range(2..60)) };
    let number = rng.random_range(100..1_000);
    let first = brand.name.to_lowercase();
    let name = SkuName::new(&format!("{first}-{product}-{number}"));
    let thin = (0..3).min_by(|&a, &b| size_m[a].total_cmp(&size_m[b])).unwrap_or(1);
    Design {
        name: name.unwrap_or_else(|_| fallback_name(number)),
        shape,
        material,
        fragility: match rng.random_range(0..10) {
            0..3 => Fragility::Sturdy,
            3..9 => Fragility::Normal,
            _ => Fragility::Fragile,
        },
        size_m,
        mass_kg,
        can: material == Material::Metal,
        front: if shape == Shape::Flat { 2 } else { thin },
        art: draw_artwork(brand, product, amount, rng),
    }
}

#[expect(clippy::expect_used, reason = "letters, digits and one dash are a name")]
fn fallback_name(number: u32) -> SkuName {
    SkuName::new(&format!("sku-{number}")).expect("a name of letters and digits")
}

fn draw_kind(style: Style, rng: &mut ChaCha8Rng) -> (Shape, Material) {
    let draw = rng.random_range(0..100);
    match (style, draw) {
        (Style::Basic, 0..66) => (Shape::Box, Material::Carton),
        (Style::Basic, 66..80) => (Shape::Box, Material::Plastic),
        (Style::Basic, _) => (Shape::Cylinder, Material::Metal),
        (Style::Typical, 0..44) => (Shape::Box, Material::Carton),
        (Style::Typical, 44..54) => (Shape::Box, Material::Plastic),
        (Style::Typical, 54..57) => (Shape::Box, Material::Metal),
        (Style::Typical, 57..66) => (Shape::Cylinder, Material::Metal),
        (Style::Typical, 66..76) => (Shape::Cylinder, Material::Plastic),
        (Style::Typical, 76..80) => (Shape::Cylinder, Material::Carton),
        (Style::Typical, 80..87) => (Shape::Flat, Material::Carton),
        (Style::Typical, 87..92) => (Shape::Flat, Material::Plastic),
        (Style::Typical, _) => (Shape::Flat, Material::Film),
        (Style::Adversarial, 0..25) => (Shape::Flat, Material::Film),
        (Style::Adversarial, 25..45) => (Shape::Box, Material::Fabric),
        (Style::Adversarial, 45..55) => (Shape::Flat, Material::Mesh),
        (Style::Adversarial, 55..75) => (Shape::Cylinder, Material::Plastic),
        (Style::Adversarial, 75..88) => (Shape::Box, Material::Carton),
        (Style::Adversarial, _) => (Shape::Cylinder, Material::Metal),
    }
}

fn draw_size(shape: Shape, style: Style, rng: &mut ChaCha8Rng) -> [f64; 3] {
    let longest = LogNormal::new(0.145f64.ln(), 0.32).map_or(0.145, |d| d.sample(rng)).clamp(0.06, 0.23);
    let slim = style == Style::Adversarial;
    match shape {
        Shape::Box => {
            let middle = longest * rng.random_range(0.45..0.95);
            let short = (middle * rng.random_range(0.25..0.9)).max(0.02);
            // It stands on its foot, lies, or stands on its long side.
            let [x, y, z] = [longest, middle.max(0.03), short];
            [[x, y, z], [y, z, x], [x, z, y], [z, y, x]][rng.random_range(0..4)]
        }
        Shape::Cylinder => {
            let least = if slim { 0.016 } else { 0.030 };
            let radius = rng.random_range(least..if slim { 0.028 } else { 0.052 });
            let tall = 2.0 * radius * rng.random_range(0.45..2.4f64);
            // The longest side is 60 mm at least.
            let least = if radius < 0.03 { 0.06 } else { 0.03 };
            let height = tall.clamp(least, 0.22);
            [2.0 * radius, 2.0 * radius, height]
        }
        Shape::Flat => {
            let thick = rng.random_range(0.015..if slim { 0.02 } else { 0.034 });
            let wide = longest.max(0.09) * rng.random_range(0.55..0.95);
            let (a, b) = (longest.max(0.09), wide.max(0.05));
            if rng.random_bool(0.5) { [a, b, thick] } else { [b, a, thick] }
        }
    }
}

const SYLLABLES: [&str; 40] = [
    "lo", "ra", "mi", "ven", "ta", "co", "bel", "fi", "nor", "za", "pel", "du", "ka", "sto", "ri", "gra", "hel", "vi",
    "mon", "te", "bro", "la", "sun", "ne", "qui", "ar", "pol", "wen", "jo", "ti", "ous", "ex", "fen", "ly", "mar",
    "dor", "is", "cal", "un", "be",
];

/// A made-up word of `count` syllables.
pub(crate) fn word(count: usize, rng: &mut ChaCha8Rng) -> String {
    (0..count).filter_map(|_| SYLLABLES.choose(rng)).copied().collect()
}

/// A colour scheme: the pack, what stands out on it, and the kind's own two.
pub(crate) fn scheme(rng: &mut ChaCha8Rng) -> [Rgb; 4] {
    let hue = rng.random::<f32>();
    let step = [0.5, 0.33, 0.08, 0.15, 0.58][rng.random_range(0..5)];
    let mut other = |by: f32| hsv(hue + by, rng.random_range(0.45..0.95), rng.random_range(0.5..0.97));
    let (accent, second, third) = (other(step), other(0.06), other(step + 0.12));
    let base = match rng.random_range(0..10) {
        0..4 => hsv(hue, rng.random_range(0.55..1.0), rng.random_range(0.5..0.95)),
        4..6 => mix(hsv(hue, 0.08, 0.97), [0.97; 3], 0.6),
        6 => hsv(hue, rng.random_range(0.15..0.35), rng.random_range(0.8..0.97)),
        7 => hsv(hue, rng.random_range(0.3..0.9), rng.random_range(0.08..0.25)),
        8 => [rng.random_range(0.06..0.14); 3],
        _ => hsv(hue, rng.random_range(0.2..0.6), rng.random_range(0.4..0.7)),
    };
    [base, accent, second, third]
}
