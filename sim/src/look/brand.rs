//! Brands and prints of chance, of goods that nobody sells.

use rand::Rng;
use rand::seq::IndexedRandom;
use rand_chacha::ChaCha8Rng;

use super::artwork::{Artwork, BADGES, Brand};
use super::ean13::with_check_digit;
use super::ground::GROUNDS;
use super::hero::HEROES;
use super::lettering::Pen;
use super::paint::{Rgb, hsv, mix};

/// Words that stand on packs.
pub(crate) const PRODUCTS: [&str; 48] = [
    "tea", "coffee", "rice", "oats", "pasta", "soup", "beans", "tomato", "corn", "tuna", "cocoa", "biscuits",
    "crackers", "raisins", "nuts", "chips", "gum", "mints", "salt", "sugar", "flour", "honey", "soap", "lotion",
    "cream", "wipes", "plasters", "vitamins", "tissue", "candle", "tape", "glue", "pens", "cards", "puzzle", "bulb",
    "battery", "cable", "charger", "mouse", "filter", "screws", "sponge", "polish", "paint", "treats", "seeds", "toy",
];

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
