//! What is learnt of an item after it was seen: its weight, its barcode. Each is taken into the beliefs by Bayes' rule.

use scene::{Belief, Catalogue, SkuName};

/// How often a code that is read is not the item's own: misread in spite of its check digit, or its neighbour's (estimate;
/// a check digit alone lets one misread of ten through).
const ASTRAY: f64 = 1e-3;
/// The chance of a code that nobody has on file, for an item whose code nobody has on file.
const UNFILED: f64 = 0.5;
/// A belief of this much is strong: what speaks against it is told, whatever comes of it.
const STRONG: f64 = 0.99;
/// Spread of the load cell's answer over a carry, kilograms, and of items of one SKU, as a share of their mass.
const SCALE_KG: f64 = 0.008;
const ITEMS_SHARE: f64 = 0.03;
/// What weighs an unknown item: any order of magnitude from the first to the last is as likely, kilograms (ours).
const STRANGERS_KG: [f64; 2] = [0.02, 2.5];
/// Chance that what is none of the manifest's weighs what the SKU does, for windows of the usual width.
const STRANGER_FITS: f64 = 0.2;
/// Chance that a weighing is nowhere near the item's own weight: it rubbed, or hung together with another (estimate).
const WEIGHED_ASTRAY: f64 = 0.002;

/// The standard deviation with which an item of so many kilograms is weighed.
fn spread_kg(nominal_kg: f64) -> f64 {
    SCALE_KG.hypot(ITEMS_SHARE * nominal_kg)
}

/// Probability density of the weight of an item that nobody knows, a kilogram.
fn stranger_density(kg: f64) -> f64 {
    let [least, most] = STRANGERS_KG;
    1.0 / (kg.clamp(least, most) * (most / least).ln())
}

/// Takes a weight, kilograms, into beliefs. A weight that fits no SKU better than it fits a stranger says that something
/// else hung on the tool as well, and nothing of the item: then, and where it is not finite, they stay as they are.
#[must_use]
pub fn after_weight(beliefs: &[Belief], kg: f64, catalogue: &Catalogue) -> Vec<Belief> {
    let stranger = stranger_density(kg);
    let density = |belief: &Belief| {
        let nominal = belief.sku.as_ref().and_then(|sku| catalogue.get(sku)).and_then(|sku| sku.mass_kg)?;
        let spread = spread_kg(nominal);
        let off = (kg - nominal) / spread;
        Some((-0.5 * off * off).exp() / (spread * (2.0 * core::f64::consts::PI).sqrt()))
    };
    if !beliefs.iter().filter_map(density).any(|own| own > stranger) {
        return beliefs.to_vec();
    }
    updated(beliefs, |belief| density(belief).map_or(stranger, |own| own + WEIGHED_ASTRAY * stranger))
}

/// Probability that an item is `sku`, once it will have weighed something within `window_kg`.
#[must_use]
pub fn sure_within(sku: &SkuName, beliefs: &[Belief], catalogue: &Catalogue, window_kg: [f64; 2]) -> f64 {
    let fits = |belief: &Belief| {
        let Some(other) = &belief.sku else { return STRANGER_FITS };
        catalogue.get(other).and_then(|s| s.mass_kg).map_or(1.0, |kg| {
            let below = |edge: f64| 1.0 / (1.0 + (-1.702 * (edge - kg) / spread_kg(kg)).exp());
            below(window_kg[1]) - below(window_kg[0])
        })
    };
    let after = updated(beliefs, fits);
    after.iter().filter(|b| b.sku.as_ref() == Some(sku)).map(|b| b.p).sum()
}

/// What became of beliefs when a code was taken into them.
#[derive(Debug, Clone, PartialEq)]
pub struct ScanEvidence {
    /// The beliefs, most likely first; they sum to 1.
    pub beliefs: Vec<Belief>,
    /// The code is not that of what was strongly believed (0.99 or more): a person should know, whichever of the two is
    /// right.
    pub contradicts: bool,
}

/// Takes a code into beliefs by Bayes' rule: an item bears its own code, but for one reading in a thousand, which may be
/// any code of the manifest. Codes are compared with the catalogue's EAN-13; a SKU without one may bear any that no other
/// SKU has.
#[must_use]
pub fn after_scan(beliefs: &[Belief], code: &str, catalogue: &Catalogue) -> ScanEvidence {
    let own =
        |belief: &Belief| belief.sku.as_ref().and_then(|sku| catalogue.get(sku)).and_then(|s| s.barcode.as_deref());
    let is_filed = beliefs.iter().any(|belief| own(belief) == Some(code));
    let stray = ASTRAY / beliefs.len().max(1) as f64;
    let chance = |belief: &Belief| match own(belief) {
        Some(filed) if filed == code => 1.0 - ASTRAY,
        Some(_) => stray,
        None if is_filed => stray,
        None => UNFILED,
    };
    let strong = beliefs.first().filter(|belief| belief.p >= STRONG && belief.sku.is_some());
    let contradicts = strong.is_some_and(|belief| chance(belief) <= stray);
    ScanEvidence { beliefs: updated(beliefs, chance), contradicts }
}

/// Bayes' rule: beliefs times what the evidence says of each, most likely first; as they are where it rules out all.
fn updated(beliefs: &[Belief], likelihood: impl Fn(&Belief) -> f64) -> Vec<Belief> {
    let all: f64 = beliefs.iter().map(|belief| belief.p * likelihood(belief)).sum();
    let mut after = beliefs.to_vec();
    if all > 0.0 {
        after.iter_mut().for_each(|belief| belief.p *= likelihood(belief) / all);
        after.sort_by(|a, b| b.p.total_cmp(&a.p).then(a.sku.cmp(&b.sku)));
    }
    after
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{Fragility, Material, Shape, Sku};

    fn catalogue() -> Catalogue {
        [("tea", Some("8607549050460")), ("soup", Some("4006381333931")), ("bag", None)]
            .map(|(name, barcode)| {
                let name = SkuName::new(name).unwrap();
                let sku = Sku {
                    name: name.clone(),
                    barcode: barcode.map(Into::into),
                    size_m: [0.1; 3],
                    size_unknown: false,
                    mass_kg: None,
                    shape: Shape::Box,
                    material: Material::Carton,
                    fragility: Fragility::Normal,
                    upright: false,
                };
                (name, sku)
            })
            .into()
    }

    fn beliefs(of: &[(&str, f64)]) -> Vec<Belief> {
        of.iter().map(|&(name, p)| Belief { sku: SkuName::new(name).ok(), p }).collect()
    }

    #[test]
    fn a_code_settles_doubt_and_a_contradiction_is_told_whoever_wins() {
        let best = |evidence: &ScanEvidence| {
            let first = &evidence.beliefs[0];
            (first.sku.as_ref().map_or("", SkuName::as_str).to_owned(), first.p)
        };
        let doubtful = beliefs(&[("tea", 0.6), ("soup", 0.3), ("bag", 0.05), ("", 0.05)]);
        let soup = after_scan(&doubtful, "4006381333931", &catalogue());
        assert_eq!(best(&soup).0, "soup");
        assert!(best(&soup).1 > 0.998 && !soup.contradicts, "{soup:?}");
        assert!((soup.beliefs.iter().map(|b| b.p).sum::<f64>() - 1.0).abs() < 1e-12);

        // Strong evidence stands against a misread, and what would outvote it is told.
        let strong = beliefs(&[("tea", 0.999_99), ("soup", 4e-9), ("bag", 3e-6), ("", 7e-6)]);
        let stands = after_scan(&strong, "4006381333931", &catalogue());
        assert!(best(&stands).0 == "tea" && best(&stands).1 > 0.99 && stands.contradicts, "{stands:?}");
        let weaker = beliefs(&[("tea", 0.992), ("soup", 0.006), ("bag", 0.001), ("", 0.001)]);
        let flips = after_scan(&weaker, "4006381333931", &catalogue());
        assert!(best(&flips).0 == "soup" && flips.contradicts, "{flips:?}");

        // A code that nobody has on file is the bag's, or a stranger's.
        let other = after_scan(&doubtful, "9999999999994", &catalogue());
        let of = |name: Option<&str>| {
            let is = |b: &&Belief| b.sku.as_ref().map(SkuName::as_str) == name;
            other.beliefs.iter().find(is).map_or(0.0, |b| b.p)
        };
        assert!((of(Some("bag")) - 0.5).abs() < 0.01 && (of(None) - 0.5).abs() < 0.01, "{other:?}");
    }

    #[test]
    fn beliefs_that_are_empty_or_zero_stay_as_they_are() {
        assert_eq!(after_scan(&[], "1", &catalogue()).beliefs, vec![]);
        let zero = beliefs(&[("tea", 0.0)]);
        assert_eq!(after_scan(&zero, "4006381333931", &catalogue()).beliefs, zero);
    }

    /// Like the others, with weights: corn 0.40 kg, tomato 0.465 kg, and tea that nobody weighed.
    fn cans() -> Catalogue {
        let weighed = [("corn", Some(0.40)), ("tomato", Some(0.465)), ("tea", None)];
        let like = catalogue().into_values().next().unwrap();
        let sku = |(name, mass_kg)| Sku { name: SkuName::new(name).unwrap(), mass_kg, ..like.clone() };
        weighed.map(sku).map(|sku| (sku.name.clone(), sku)).into()
    }

    #[test]
    fn what_was_weighed_is_learnt_and_a_weight_of_something_else_is_not() {
        let first = beliefs(&[("corn", 0.9), ("tomato", 0.09), ("", 0.01)]);
        let learnt = after_weight(&first, 0.468, &cans());
        assert_eq!(learnt[0].sku, SkuName::new("tomato").ok());
        assert!(learnt[0].p > 0.9 && (learnt.iter().map(|b| b.p).sum::<f64>() - 1.0).abs() < 1e-9, "{learnt:?}");
        for kg in [0.83, 0.0, f64::NAN] {
            assert_eq!(after_weight(&first, kg, &cans()), first, "{kg}");
        }
    }

    #[test]
    fn a_weight_that_fits_tells_against_strangers_and_against_what_was_never_weighed() {
        let first = beliefs(&[("corn", 0.5), ("tea", 0.3), ("", 0.2)]);
        let learnt = after_weight(&first, 0.402, &cans());
        assert!(learnt[0].sku == SkuName::new("corn").ok() && learnt[0].p > 0.96, "{learnt:?}");
    }

    #[test]
    fn weight_settles_what_the_picture_leaves_open() {
        let beliefs = beliefs(&[("corn", 0.6), ("tomato", 0.39), ("", 0.01)]);
        let corn = SkuName::new("corn").unwrap();
        let sure = sure_within(&corn, &beliefs, &cans(), [0.352, 0.4325]);
        assert!(sure > 0.97, "{sure}");
        assert!(sure_within(&corn, &beliefs, &cans(), [0.0, 25.0]) < 0.62);
    }
}
