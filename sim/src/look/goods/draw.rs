//! Goods that nobody sells, of any number.

use std::collections::BTreeSet;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};
use scene::{Fragility, SkuName};

use super::super::artwork::Brand;
use super::super::brand::{PRODUCTS, draw_artwork, draw_brand};
use super::super::truth::TrueSku;
use super::values::densities;
use super::{FAMILIES, Family, Good, PRINT_STYLES, Pool, PrintStyle, Slip, build_good};

/// Draws `count` SKUs with names of their own. Sides from 12 to 380 mm, masses from 15 g to 2.5 kg.
///
/// How often families occur follows what parcels hold (boxes 40 to 45 %, soft 20 to 25, bottles, jars, cans and
/// tubes 15 to 20, blisters and books 8 to 10 each: estimates), the longest side is lognormal around 170 mm. About a
/// third belong to a brand that was there before; one of seven is the same pack of another kind. One of twenty has a
/// mass or a side that the site has wrong by 10 to 30 %, one of twenty no mass.
#[must_use]
pub fn generate(seed: u64, count: usize, pool: Pool) -> Vec<TrueSku> {
    goods(seed, count, pool).iter().map(build_good).collect()
}

/// What [`generate`] makes.
pub(crate) fn goods(seed: u64, count: usize, pool: Pool) -> Vec<Good> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed ^ 0x5EED_600D);
    let mut brands: Vec<Brand> = Vec::new();
    let mut names = BTreeSet::new();
    let mut goods: Vec<Good> = Vec::with_capacity(count);
    while goods.len() < count {
        let twin = goods.last().filter(|_| rng.random_bool(0.14)).cloned();
        let brand = match (&twin, brands.choose(&mut rng)) {
            (Some(twin), _) => twin.art.brand.clone(),
            (None, Some(known)) if rng.random_bool(0.25) => known.clone(),
            _ => {
                let brand = draw_brand(&mut rng);
                brands.push(brand.clone());
                brand
            }
        };
        let mut good = draw(brand, pool, &mut rng);
        if let Some(twin) = twin {
            good = Good { name: good.name, art: good.art, slip: good.slip, ..twin };
        }
        if names.insert(good.name.clone()) {
            goods.push(good);
        }
    }
    goods
}

/// How often a family occurs, of about a hundred.
fn weight(family: Family) -> u32 {
    match family {
        Family::Carton => 33,
        Family::Slender => 6,
        Family::Tin | Family::Bottle | Family::Flask | Family::Tub | Family::Tube | Family::Cloth => 3,
        Family::Pouch | Family::Blister | Family::Book => 8,
        Family::Polybag => 7,
        Family::SoftPack | Family::Can => 5,
        Family::Jar | Family::Brush => 2,
        Family::ClearTube | Family::NetBag | Family::Bucket | Family::Basket => 1,
        Family::MeshCup | Family::Tray | Family::Jug => 1,
    }
}

fn style_weight(style: PrintStyle) -> u32 {
    match style {
        PrintStyle::Packaged => 46,
        PrintStyle::Photo => 16,
        PrintStyle::Label | PrintStyle::Pattern | PrintStyle::Plain => 10,
        PrintStyle::Kraft => 4,
        PrintStyle::Poster | PrintStyle::Technical => 6,
    }
}

fn allowed(pool: Pool, held_out: bool) -> bool {
    match pool {
        Pool::Training => !held_out,
        Pool::HeldOut => held_out,
        Pool::All => true,
    }
}

fn chosen<T: Copy>(all: &[T], weigh: impl Fn(T) -> u32, rng: &mut ChaCha8Rng) -> Option<T> {
    let total: u32 = all.iter().map(|&t| weigh(t)).sum();
    let mut at = rng.random_range(0..total.max(1));
    all.iter().copied().find(|&t| {
        let here = weigh(t);
        let found = at < here;
        at = at.saturating_sub(here);
        found
    })
}

fn draw(brand: Brand, pool: Pool, rng: &mut ChaCha8Rng) -> Good {
    let family = chosen(&FAMILIES, |f| if allowed(pool, f.is_held_out()) { weight(f) } else { 0 }, rng);
    let print = chosen(&PRINT_STYLES, |s| if allowed(pool, s.is_held_out()) { style_weight(s) } else { 0 }, rng);
    let (family, print) = (family.unwrap_or(Family::Carton), print.unwrap_or(PrintStyle::Packaged));
    let size_m = draw_size(family, rng).map(|s| (s * 1e3).round() / 1e3);
    let (least, most) = densities(family);
    let mass_kg = (size_m.iter().product::<f64>() * rng.random_range(least..most)).clamp(0.015, 2.5);
    let product = PRODUCTS[rng.random_range(0..PRODUCTS.len())];
    let grams = (mass_kg * 1e3).round();
    let amount = if rng.random_bool(0.6) { format!("{grams}g") } else { format!("{} pcs", rng.random_range(2..60)) };
    let number = rng.random_range(100..10_000);
    let name = SkuName::new(&format!("{}-{product}-{number}", brand.name.to_lowercase()));
    let mut art = draw_artwork(brand, product, amount, rng);
    let black = rng.random_bool(0.08);
    if black {
        art.brand.base = [rng.random_range(0.04..0.1); 3];
    }
    let factor = {
        let off = rng.random_range(0.1..0.3);
        if rng.random_bool(0.5) { 1.0 + off } else { 1.0 - off }
    };
    Good {
        name: name.unwrap_or_else(|_| fallback_name(number)),
        family,
        print,
        size_m,
        mass_kg,
        fragility: match rng.random_range(0..10) {
            0..3 => Fragility::Sturdy,
            3..8 => Fragility::Normal,
            _ => Fragility::Fragile,
        },
        art,
        black,
        slip: match rng.random_range(0..40) {
            0 => Slip::Mass(factor),
            1 => Slip::Side(rng.random_range(0..3), factor),
            2..4 => Slip::NoMass,
            _ => Slip::None,
        },
    }
}

#[expect(clippy::expect_used, reason = "letters, digits and one dash are a name")]
fn fallback_name(number: u32) -> SkuName {
    SkuName::new(&format!("sku-{number}")).expect("a name of letters and digits")
}

fn draw_size(family: Family, rng: &mut ChaCha8Rng) -> [f64; 3] {
    let longest = LogNormal::new(0.170f64.ln(), 0.35).map_or(0.17, |d| d.sample(rng)).clamp(0.08, 0.30);
    let mut share = |from: f64, to: f64| rng.random_range(from..to);
    match family {
        Family::Carton => {
            let middle = (longest * share(0.45, 0.95)).max(0.035);
            let short = (middle * share(0.22, 0.9)).max(0.02);
            let [x, y, z] = [longest.min(0.26), middle.min(0.22), short];
            [[x, y, z], [y, z, x], [x, z, y], [z, y, x]][(share(0.0, 4.0) as usize).min(3)]
        }
        Family::Slender => [longest.max(0.16), share(0.03, 0.09), share(0.016, 0.045)],
        Family::Book => {
            let long = longest.clamp(0.14, 0.27);
            [long * share(0.65, 0.82), long, share(0.009, 0.04)]
        }
        Family::Tin => [share(0.07, 0.2), share(0.06, 0.15), share(0.02, 0.1)],
        Family::Can => {
            let d = share(0.052, 0.1);
            [d, d, d * share(0.4, 1.7)]
        }
        Family::Bottle => {
            let d = share(0.05, 0.085);
            [d, d, d * share(2.3, 3.4)]
        }
        Family::Flask => {
            let x = share(0.05, 0.095);
            [x, x * share(0.5, 0.8), x * share(2.1, 2.9)]
        }
        Family::Jug => {
            let z = share(0.17, 0.27);
            [z * share(0.56, 0.66), z * share(0.32, 0.42), z]
        }
        Family::Tub => {
            let d = share(0.055, 0.125);
            [d, d, d * share(0.6, 1.7)]
        }
        Family::Jar => {
            let d = share(0.055, 0.09);
            [d, d, d * share(1.1, 1.8)]
        }
        Family::ClearTube => {
            let d = share(0.045, 0.08);
            [d, d, d * share(2.2, 3.6)]
        }
        Family::Tube => {
            let x = share(0.038, 0.062);
            [x, x * share(0.65, 0.85), x * share(2.6, 3.4)]
        }
        Family::Pouch => {
            let long = longest.clamp(0.12, 0.27);
            [long * share(0.55, 0.85), long, long * share(0.16, 0.34)]
        }
        Family::Polybag => {
            let long = longest.clamp(0.11, 0.26);
            [long * share(0.6, 0.95), long, long * share(0.14, 0.28)]
        }
        Family::SoftPack => {
            let long = longest.clamp(0.14, 0.29);
            [long * share(0.5, 0.85), long, long * share(0.18, 0.32)]
        }
        Family::Cloth => {
            let long = longest.clamp(0.14, 0.25);
            [long, long * share(0.6, 0.9), long * share(0.13, 0.26)]
        }
        Family::NetBag => {
            let z = share(0.05, 0.08);
            [z * share(2.2, 3.2), z * share(1.3, 2.4), z]
        }
        Family::Blister => {
            let long = longest.clamp(0.11, 0.24);
            [long * share(0.45, 0.85), long, share(0.014, 0.042)]
        }
        Family::Brush => {
            let y = share(0.034, 0.08);
            [share(0.18, 0.37), y, y * share(0.85, 1.0)]
        }
        Family::Bucket => {
            let d = share(0.11, 0.17);
            [d, d, d * share(1.0, 1.25)]
        }
        Family::Basket => [share(0.13, 0.24), share(0.1, 0.17), share(0.06, 0.11)],
        Family::MeshCup => {
            let d = share(0.075, 0.14);
            [d, d, d * share(0.95, 1.25)]
        }
        Family::Tray => [share(0.2, 0.3), share(0.09, 0.13), share(0.025, 0.04)],
    }
}
