//! What a held item may weigh, and what its weight would then say of it.

use scene::{Belief, Catalogue, SkuName};

/// Spread of the load cell's answer over a carry, kilograms, and of items of one SKU, as a share of their mass.
const SCALE_KG: f64 = 0.008;
const ITEMS_SHARE: f64 = 0.03;
/// The window never becomes narrower than this about the nominal mass, kilograms.
const NARROWEST_KG: f64 = 0.012;
/// Alternatives less likely than this don't narrow the window.
const LEAST_BELIEF: f64 = 0.002;
/// Chance that what is none of the manifest's weighs what the SKU does.
const STRANGER_FITS: f64 = 0.2;
/// How well a weight fits what nobody has weighed; a fit below says that the weight is of something else.
const UNKNOWN_FITS: f64 = 0.05;
/// Chance that a weighing is nowhere near the item's own weight: it rubbed, or hung together with another (estimate).
const ASTRAY: f64 = 0.002;
/// What may hang on the tool where nobody knows the mass, kilograms.
const ANYTHING_KG: [f64; 2] = [0.0, 25.0];

/// From and to which weight an item is taken for `sku`, kilograms: the nominal mass with its tolerance, narrowed
/// halfway to any other SKU that the picture leaves possible.
#[must_use]
pub fn window(sku: &SkuName, beliefs: &[Belief], catalogue: &Catalogue, share: f64, least_kg: f64) -> [f64; 2] {
    let Some(nominal) = catalogue.get(sku).and_then(|s| s.mass_kg) else { return ANYTHING_KG };
    let half = (share * nominal).max(least_kg);
    let [mut low, mut high] = [nominal - half, nominal + half];
    for belief in beliefs.iter().filter(|b| b.p >= LEAST_BELIEF) {
        let other = belief.sku.as_ref().filter(|other| *other != sku);
        let Some(other_kg) = other.and_then(|o| catalogue.get(o)).and_then(|s| s.mass_kg) else { continue };
        let between = 0.5 * (nominal + other_kg);
        if other_kg > nominal {
            high = high.min(between.max(nominal + NARROWEST_KG));
        } else {
            low = low.max(between.min(nominal - NARROWEST_KG));
        }
    }
    [low, high]
}

/// Probability that an item is `sku`, once it has weighed something within `window`.
#[must_use]
pub fn after_weighing(sku: &SkuName, beliefs: &[Belief], catalogue: &Catalogue, window: [f64; 2]) -> f64 {
    let fits = |belief: &Belief| {
        let Some(other) = &belief.sku else { return STRANGER_FITS };
        catalogue.get(other).and_then(|s| s.mass_kg).map_or(1.0, |kg| {
            let spread = SCALE_KG.hypot(ITEMS_SHARE * kg);
            let below = |edge: f64| 1.0 / (1.0 + (-1.702 * (edge - kg) / spread).exp());
            below(window[1]) - below(window[0])
        })
    };
    let all: f64 = beliefs.iter().map(|b| b.p * fits(b)).sum();
    let own: f64 = beliefs.iter().filter(|b| b.sku.as_ref() == Some(sku)).map(|b| b.p * fits(b)).sum();
    if all > 0.0 { own / all } else { 0.0 }
}

/// Takes a weight into beliefs by Bayes' rule. A weight that fits none of them says that something else hung on the
/// tool as well, and nothing of the item.
pub fn learn(beliefs: &mut [Belief], kg: f64, catalogue: &Catalogue) {
    let fit = |belief: &Belief| {
        let nominal = belief.sku.as_ref().and_then(|s| catalogue.get(s)).and_then(|s| s.mass_kg)?;
        let off = (kg - nominal) / SCALE_KG.hypot(ITEMS_SHARE * nominal);
        Some((-0.5 * off * off).exp().max(ASTRAY))
    };
    let fits: Vec<f64> = beliefs.iter().map(|b| fit(b).unwrap_or(UNKNOWN_FITS)).collect();
    if !beliefs.iter().any(|b| fit(b).is_some_and(|f| f > UNKNOWN_FITS)) {
        return;
    }
    let all: f64 = beliefs.iter().zip(&fits).map(|(b, f)| b.p * f).sum();
    if all > 0.0 {
        for (belief, fit) in beliefs.iter_mut().zip(fits) {
            belief.p *= fit / all;
        }
        beliefs.sort_by(|a, b| b.p.total_cmp(&a.p).then(a.sku.cmp(&b.sku)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{Fragility, Material, Shape, Sku};

    fn name(text: &str) -> SkuName {
        SkuName::new(text).unwrap()
    }

    fn catalogue() -> Catalogue {
        [("corn", Some(0.40)), ("tomato", Some(0.465)), ("tea", None)]
            .into_iter()
            .map(|(sku, mass_kg)| Sku {
                name: name(sku),
                barcode: None,
                size_m: [0.07, 0.07, 0.1],
                mass_kg,
                shape: Shape::Cylinder,
                material: Material::Metal,
                fragility: Fragility::Normal,
                upright: false,
                size_unknown: false,
            })
            .map(|sku| (sku.name.clone(), sku))
            .collect()
    }

    fn beliefs(corn: f64, tomato: f64) -> Vec<Belief> {
        let of = |sku: Option<&str>, p| Belief { sku: sku.map(name), p };
        vec![of(Some("corn"), corn), of(Some("tomato"), tomato), of(None, 1.0 - corn - tomato)]
    }

    #[test]
    fn the_window_ends_halfway_to_what_the_picture_leaves_possible() {
        let catalogue = catalogue();
        let [low, high] = window(&name("corn"), &beliefs(0.6, 0.39), &catalogue, 0.2, 0.03);
        assert!((low - 0.32).abs() < 1e-9 && (high - 0.4325).abs() < 1e-9, "{low} {high}");
        let [_, alone] = window(&name("corn"), &beliefs(0.999, 0.001), &catalogue, 0.2, 0.03);
        assert!((alone - 0.48).abs() < 1e-9, "{alone}");
        assert_eq!(window(&name("tea"), &beliefs(0.6, 0.39), &catalogue, 0.2, 0.03), [0.0, 25.0]);
    }

    #[test]
    fn what_was_weighed_is_learnt_and_a_weight_of_something_else_is_not() {
        let catalogue = catalogue();
        let mut learnt = beliefs(0.9, 0.09);
        learn(&mut learnt, 0.468, &catalogue);
        assert_eq!(learnt[0].sku, Some(name("tomato")));
        assert!(learnt[0].p > 0.9 && (learnt.iter().map(|b| b.p).sum::<f64>() - 1.0).abs() < 1e-9, "{learnt:?}");
        let mut dragged = beliefs(0.9, 0.09);
        learn(&mut dragged, 0.83, &catalogue);
        assert_eq!(dragged, beliefs(0.9, 0.09));
    }

    #[test]
    fn weight_settles_what_the_picture_leaves_open() {
        let catalogue = catalogue();
        let beliefs = beliefs(0.6, 0.39);
        let corn = name("corn");
        let kg = window(&corn, &beliefs, &catalogue, 0.12, 0.03);
        let sure = after_weighing(&corn, &beliefs, &catalogue, kg);
        assert!(sure > 0.97, "{sure}");
        assert!(after_weighing(&corn, &beliefs, &catalogue, [0.0, 25.0]) < 0.62);
    }
}
