//! What an item is like to hold, with doubt.

use scene::{Belief, Catalogue, Fragility, Kind, KindBelief, Material, Sku};

/// Shares of [`Kind::ALL`] among goods of a material (estimates: the catalogue tells the surface, not the content).
fn shares(sku: &Sku) -> [f64; 9] {
    let mut shares = match sku.material {
        Material::Carton => [0.3, 0.65, 0.05, 0.0, 0.0, 0.0, 0.1, 0.02, 0.1],
        Material::Plastic => [0.6, 0.3, 0.08, 0.02, 0.0, 0.0, 0.1, 0.25, 0.3],
        Material::Metal => [0.93, 0.06, 0.01, 0.0, 0.0, 0.0, 0.02, 0.0, 0.8],
        Material::Glass => [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.9, 0.7, 0.7],
        Material::Film => [0.02, 0.13, 0.25, 0.6, 0.0, 0.0, 0.1, 0.3, 0.5],
        Material::Fabric => [0.0, 0.02, 0.13, 0.0, 0.8, 0.05, 0.0, 0.0, 0.01],
        Material::Mesh => [0.15, 0.1, 0.1, 0.05, 0.05, 0.55, 0.02, 0.0, 0.1],
    };
    match sku.fragility {
        Fragility::Fragile => shares[6] = 0.95,
        Fragility::Sturdy => shares[6] = 0.02,
        Fragility::Normal => {}
    }
    shares
}

/// How far each of the first six of [`Kind::ALL`] gives under a cup's press, 0 rigid … 1 limp (ours, as for materials).
const GIVES: [f64; 6] = [0.03, 0.15, 0.5, 0.75, 0.9, 0.7];

/// What a picture says of [`Kind::ALL`], from the network's logits: the first six exclude each other, the others don't.
pub(crate) fn seen(logits: &[f32]) -> [f64; 9] {
    let mut p = [0.0; 9];
    for (p, logit) in p.iter_mut().zip(logits) {
        *p = 1.0 / (1.0 + (-f64::from(*logit)).exp());
    }
    let sum: f64 = p[..6].iter().sum();
    p[..6].iter_mut().for_each(|p| *p /= sum.max(1e-12));
    p
}

/// What an item is like, most likely first: what the catalogue knows of each SKU, weighted by how much the item is believed
/// to be it, and what the picture shows for what is believed to be none of these.
pub(crate) fn kinds(catalogue: &Catalogue, beliefs: &[Belief], seen: &[f64; 9]) -> Vec<KindBelief> {
    let mut of = [0.0; 9];
    let mut add = |shares: &[f64; 9], weight: f64| of.iter_mut().zip(shares).for_each(|(sum, s)| *sum += weight * s);
    let mut unknown = 1.0;
    for belief in beliefs {
        if let Some(sku) = belief.sku.as_ref().and_then(|sku| catalogue.get(sku)) {
            add(&shares(sku), belief.p);
            unknown -= belief.p;
        }
    }
    add(seen, f64::max(unknown, 0.0));
    let mut kinds: Vec<KindBelief> =
        Kind::ALL.into_iter().zip(of).map(|(kind, p)| KindBelief { kind, p: p.clamp(0.0, 1.0) }).collect();
    kinds.sort_by(|a, b| b.p.total_cmp(&a.p).then(a.kind.cmp(&b.kind)));
    kinds
}

/// How far an item gives by what the picture shows.
pub(crate) fn compliance_seen(seen: &[f64; 9]) -> f64 {
    GIVES.iter().zip(seen).map(|(gives, p)| gives * p).sum()
}

/// The material that what the picture shows goes with best.
pub(crate) fn material_seen(seen: &[f64; 9]) -> Material {
    let likeliest = (0..6).fold(0, |best, k| if seen[k] > seen[best] { k } else { best });
    match Kind::ALL[likeliest] {
        Kind::Flexible | Kind::LooseBag => Material::Film,
        Kind::Cloth => Material::Fabric,
        Kind::PorousOrMesh => Material::Mesh,
        Kind::Rigid | Kind::SemiRigid | Kind::Fragile | Kind::Clear | Kind::Shiny => {
            if seen[7] > 0.5 || seen[8] > 0.5 { Material::Plastic } else { Material::Carton }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{Shape, SkuName};

    fn catalogue() -> Catalogue {
        [("jar", Material::Glass), ("sock", Material::Fabric)]
            .map(|(name, material)| {
                let name = SkuName::new(name).unwrap();
                let sku = Sku {
                    name: name.clone(),
                    barcode: None,
                    size_m: [0.1; 3],
                    size_unknown: false,
                    mass_kg: None,
                    shape: Shape::Box,
                    material,
                    fragility: Fragility::Normal,
                    upright: false,
                };
                (name, sku)
            })
            .into()
    }

    const SEEN: [f64; 9] = [0.1, 0.0, 0.2, 0.7, 0.0, 0.0, 0.3, 0.0, 0.9];

    fn of(beliefs: &[(Option<&str>, f64)], kind: Kind) -> f64 {
        let beliefs: Vec<Belief> =
            beliefs.iter().map(|(sku, p)| Belief { sku: sku.map(|s| SkuName::new(s).unwrap()), p: *p }).collect();
        kinds(&catalogue(), &beliefs, &SEEN).iter().find(|k| k.kind == kind).unwrap().p
    }

    #[test]
    fn beliefs_weigh_what_the_catalogue_knows() {
        assert_eq!(of(&[(Some("jar"), 1.0), (None, 0.0)], Kind::Rigid), 1.0);
        assert!((of(&[(Some("jar"), 0.5), (Some("sock"), 0.5)], Kind::Cloth) - 0.4).abs() < 1e-12);
        assert_eq!(of(&[(None, 1.0)], Kind::LooseBag), 0.7);
        assert_eq!(kinds(&Catalogue::new(), &[], &SEEN)[0], KindBelief { kind: Kind::Shiny, p: 0.9 });
    }

    #[test]
    fn a_picture_of_a_bag_says_film_that_gives_and_one_of_a_can_says_plastic_that_does_not() {
        let bag = seen(&[-4.0, -4.0, -1.0, 3.0, -5.0, -6.0, -2.0, 0.0, 1.0]);
        assert!((bag[..6].iter().sum::<f64>() - 1.0).abs() < 1e-12 && bag[8] > 0.7, "{bag:?}");
        assert_eq!(material_seen(&bag), Material::Film);
        assert!(compliance_seen(&bag) > 0.5);
        let can = seen(&[4.0, -4.0, -6.0, -6.0, -6.0, -6.0, -4.0, -4.0, 3.0]);
        assert_eq!(material_seen(&can), Material::Plastic);
        assert!(compliance_seen(&can) < 0.1);
    }

    #[test]
    fn kinds_that_exclude_each_other_sum_to_one() {
        for beliefs in [vec![(Some("jar"), 0.3), (Some("sock"), 0.6), (None, 0.1)], vec![(None, 1.0)]] {
            let sum: f64 = Kind::ALL[..6].iter().map(|kind| of(&beliefs, *kind)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        }
    }
}
