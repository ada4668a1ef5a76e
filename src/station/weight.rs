//! What a held item may weigh.

use scene::{Belief, Catalogue, SkuName};

/// The window never becomes narrower than this about the nominal mass, kilograms.
const NARROWEST_KG: f64 = 0.012;
/// Alternatives less likely than this don't narrow the window.
const LEAST_BELIEF: f64 = 0.002;
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
}
