//! What an item is like to hold, with doubt.

use scene::{Belief, Catalogue, Fragility, Material, Sku};
use serde::{Deserialize, Serialize};

/// What an item is like. The first six exclude each other, porous or mesh among them; the last three may be true beside any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Gives nowhere.
    Rigid,
    /// Keeps its shape, gives under a cup.
    SemiRigid,
    /// Bends as a whole.
    Flexible,
    /// Film around loose content.
    LooseBag,
    /// Woven or knitted.
    Cloth,
    /// Holds no vacuum.
    PorousOrMesh,
    /// Breaks under a press that others bear.
    Fragile,
    /// Seen through: depth cameras err on it.
    Clear,
    /// Mirrors lamps: depth cameras err on it.
    Shiny,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rigid,
        Self::SemiRigid,
        Self::Flexible,
        Self::LooseBag,
        Self::Cloth,
        Self::PorousOrMesh,
        Self::Fragile,
        Self::Clear,
        Self::Shiny,
    ];
}

/// How likely an item is of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KindBelief {
    /// The kind.
    pub kind: Kind,
    /// Its probability, 0…1.
    pub p: f64,
}

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

/// What an item is like, most likely first: what the catalogue knows of each SKU, weighted by how much the item is believed
/// to be it; what is believed to be none of these counts as the mean of the catalogue. Empty without a catalogue.
#[must_use]
pub fn kinds(catalogue: &Catalogue, beliefs: &[Belief]) -> Vec<KindBelief> {
    if catalogue.is_empty() {
        return Vec::new();
    }
    let mut of = [0.0; 9];
    let mut add = |shares: [f64; 9], weight: f64| of.iter_mut().zip(shares).for_each(|(sum, s)| *sum += weight * s);
    let mut unknown = 1.0;
    for belief in beliefs {
        if let Some(sku) = belief.sku.as_ref().and_then(|sku| catalogue.get(sku)) {
            add(shares(sku), belief.p);
            unknown -= belief.p;
        }
    }
    for sku in catalogue.values() {
        add(shares(sku), unknown.max(0.0) / catalogue.len() as f64);
    }
    let mut kinds: Vec<KindBelief> =
        Kind::ALL.into_iter().zip(of).map(|(kind, p)| KindBelief { kind, p: p.clamp(0.0, 1.0) }).collect();
    kinds.sort_by(|a, b| b.p.total_cmp(&a.p).then(a.kind.cmp(&b.kind)));
    kinds
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

    fn of(beliefs: &[(Option<&str>, f64)], kind: Kind) -> f64 {
        let beliefs: Vec<Belief> =
            beliefs.iter().map(|(sku, p)| Belief { sku: sku.map(|s| SkuName::new(s).unwrap()), p: *p }).collect();
        kinds(&catalogue(), &beliefs).iter().find(|k| k.kind == kind).unwrap().p
    }

    #[test]
    fn beliefs_weigh_what_the_catalogue_knows() {
        assert_eq!(of(&[(Some("jar"), 1.0), (None, 0.0)], Kind::Rigid), 1.0);
        assert!((of(&[(Some("jar"), 0.5), (Some("sock"), 0.5)], Kind::Cloth) - 0.4).abs() < 1e-12);
        assert!((of(&[(None, 1.0)], Kind::Rigid) - 0.5).abs() < 1e-12);
        assert!(kinds(&Catalogue::new(), &[]).is_empty());
    }

    #[test]
    fn kinds_that_exclude_each_other_sum_to_one() {
        for beliefs in [vec![(Some("jar"), 0.3), (Some("sock"), 0.6), (None, 0.1)], vec![(None, 1.0)]] {
            let sum: f64 = Kind::ALL[..6].iter().map(|kind| of(&beliefs, *kind)).sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
        }
    }
}
