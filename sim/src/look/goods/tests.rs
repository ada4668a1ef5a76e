//! What holds for all goods.

use std::collections::{BTreeMap, BTreeSet};

use super::super::facts::MeshFacts;
use super::super::truth::TrueShape;
use super::draw::goods;
use super::*;

/// The most triangles of one mesh: 50 of them are rendered in time.
const MOST: usize = 3_000;

fn check(sku: &TrueSku) {
    let name = &sku.sku.name;
    let facts = MeshFacts::of(&sku.mesh);
    assert!(sku.mesh.positions.iter().chain(&sku.mesh.normals).flatten().all(|v| v.is_finite()), "{name}: not finite");
    assert_eq!(facts.fault(), None, "{name}");
    assert_eq!(facts.doubled_edges, 0, "{name}: edges of more than two triangles");
    assert!(facts.triangles <= MOST, "{name}: {} triangles", facts.triangles);
    assert!(sku.mesh.uvs.iter().flatten().all(|v| (0.0..=1.0).contains(v)), "{name}: texture coordinates");
    let long = |n: &[f32; 3]| n.iter().map(|v| v * v).sum::<f32>();
    assert!(sku.mesh.normals.iter().all(|n| (long(n) - 1.0).abs() < 1e-3), "{name}: normals of other lengths than 1");
    for (is, told) in facts.size_m.iter().zip(sku.truth.size_m) {
        assert!((is - told).abs() < 2e-3, "{name}: mesh {:?}, truth {:?}", facts.size_m, sku.truth.size_m);
    }
    assert_eq!(sku.sku.check(), Ok(()), "{name}");
    assert!(sku.texture.width() <= 512 && sku.texture.height() <= 512, "{name}");
    if let TrueShape::Mesh { parts } = &sku.hull_shape {
        assert!(!parts.is_empty() && parts.iter().all(|p| p.len() >= 4), "{name}: parts");
        // The parts reach as far as the mesh, within what bristles and folds stand over.
        for k in 0..3 {
            let reach = |by: f64| parts.iter().flatten().map(|p| by * p[k]).fold(f64::MIN, f64::max);
            let off = (reach(1.0) + reach(-1.0) - facts.size_m[k]).abs();
            assert!(off < 0.012, "{name}: parts are off by {off} m along {k}");
        }
    }
}

#[test]
fn the_goods_are_120_or_more_of_all_families_closed_and_of_the_size_they_claim() {
    let skus = goods_catalogue();
    assert!(skus.len() >= 120, "{} SKUs", skus.len());
    skus.iter().for_each(check);
    let names: BTreeSet<_> = skus.iter().map(|s| &s.sku.name).collect();
    let codes: BTreeSet<_> = skus.iter().map(|s| &s.sku.barcode).collect();
    assert_eq!((names.len(), codes.len()), (skus.len(), skus.len()));
    let families: BTreeSet<Family> = goods_families().iter().map(|g| g.1).collect();
    assert_eq!(families.len(), FAMILIES.len());
    let weightless = skus.iter().filter(|s| s.sku.mass_kg.is_none()).count();
    let wrong = |s: &&TrueSku| {
        let mass = s.sku.mass_kg.is_some_and(|m| (m / s.truth.mass_kg - 1.0).abs() > 0.09);
        mass || s.sku.size_m.iter().zip(s.truth.size_m).any(|(k, t)| (k / t - 1.0).abs() > 0.09)
    };
    let wrong = skus.iter().filter(wrong).count();
    // 5 % of each.
    assert!((5..=7).contains(&weightless) && (5..=7).contains(&wrong), "{weightless} without mass, {wrong} wrong");
    let mut classes: BTreeMap<Class, usize> = BTreeMap::new();
    for (_, class) in goods_classes() {
        *classes.entry(class).or_default() += 1;
    }
    assert!(classes.len() == 3 && classes.values().all(|&n| n >= 30), "{classes:?}");
}

#[test]
fn drawn_goods_are_closed_and_keep_to_their_ranges() {
    for (pool, count) in [(Pool::Training, 90), (Pool::HeldOut, 20)] {
        for sku in generate(31, count, pool) {
            check(&sku);
            let longest = sku.truth.size_m.into_iter().fold(0.0, f64::max);
            assert!((0.05..0.42).contains(&longest), "{}: {longest} m", sku.sku.name);
            assert!((0.012..2.7).contains(&sku.truth.mass_kg), "{}: {} kg", sku.sku.name, sku.truth.mass_kg);
        }
    }
}

#[test]
fn what_is_held_out_never_occurs_in_training() {
    let kinds = |pool| -> (BTreeSet<Family>, BTreeSet<PrintStyle>) {
        let all = goods(5, 4_000, pool);
        (all.iter().map(|g| g.family).collect(), all.iter().map(|g| g.print).collect())
    };
    let (training, held_out) = (kinds(Pool::Training), kinds(Pool::HeldOut));
    assert!(training.0.is_disjoint(&held_out.0) && training.1.is_disjoint(&held_out.1));
    assert!(held_out.0.len() >= 2 && held_out.1.len() >= 2, "{held_out:?}");
    // Nothing is left out of both.
    assert_eq!(training.0.len() + held_out.0.len(), FAMILIES.len());
    assert_eq!(training.1.len() + held_out.1.len(), PRINT_STYLES.len());
}

#[test]
fn drawn_goods_weigh_and_measure_as_goods_do() {
    let all = goods(9, 4_000, Pool::Training);
    let share = |count: usize| count as f64 / all.len() as f64;
    let boxes = |g: &&Good| matches!(g.family, Family::Carton | Family::Slender | Family::Tin);
    let soft = |g: &&Good| matches!(g.family, Family::Pouch | Family::Polybag | Family::SoftPack | Family::Cloth);
    let (boxes, soft) = (share(all.iter().filter(boxes).count()), share(all.iter().filter(soft).count()));
    assert!((0.36..0.48).contains(&boxes) && (0.17..0.28).contains(&soft), "boxes {boxes}, soft {soft}");
    let mut masses: Vec<f64> = all.iter().map(|g| g.mass_kg).collect();
    masses.sort_by(f64::total_cmp);
    let median = masses[masses.len() / 2];
    assert!((0.18..0.45).contains(&median), "median {median} kg");
    let slips = share(all.iter().filter(|g| matches!(g.slip, Slip::Mass(_) | Slip::Side(..))).count());
    let none = share(all.iter().filter(|g| g.slip == Slip::NoMass).count());
    assert!((0.035..0.065).contains(&slips) && (0.035..0.065).contains(&none), "{slips} wrong, {none} without mass");
}

#[test]
fn the_same_seed_gives_the_same_goods() {
    assert!(generate(3, 12, Pool::All) == generate(3, 12, Pool::All));
    assert!(generate(3, 12, Pool::All) != generate(4, 12, Pool::All));
}
