//! What an item may be: how it looks, how large it is, and "none of these".

use scene::{Belief, Fragility, Manifest, Material, Shape, Sku, SkuName};

use crate::fit::{Patch, Surface};

/// Most that an unlikely size takes from a log probability: a catalogue's size may be wrong.
const SIZE_MOST: f64 = 4.0;
/// The size term of "none of these", whose size nobody knows.
const SIZE_UNKNOWN: f64 = 1.5;
/// Spread of a measured side: a pixel or two at 1.3 m, and a share of the side, metres.
const SIDE_SPREAD_M: f64 = 0.004;
const SIDE_SPREAD_SHARE: f64 = 0.03;

/// What a SKU counts as of which none should be left: stock is miscounted now and then.
const GONE: f64 = 0.03;
/// How often an item is none of the manifest's, before anything is seen of it: 98 to 99 % of stock is where it should
/// be (WERC) …
const STRANGERS: f64 = 0.02;
/// … and in the set that "none of these" was fitted on (training/evaluate.py).
const STRANGERS_FITTED: f64 = 0.2;

/// How cosines become probabilities; training fits both numbers on held-out SKUs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Calibration {
    /// Cosines are divided by this.
    pub temperature: f64,
    /// The cosine at which an item is as likely none of the manifest's as that SKU.
    pub none: f64,
}

/// What geometry says of an item, for beliefs.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// Sides of the dominant face, metres, longer first.
    pub face: [f64; 2],
    /// Sides around everything visible, metres, longer first.
    pub whole: [f64; 2],
    /// True where another item may hide a part.
    pub hidden: bool,
}

impl Seen {
    pub(crate) fn of(surface: &Surface, covered: f64) -> Self {
        Self { face: descending(surface.face.sides), whole: descending(surface.whole.sides), hidden: covered > 0.05 }
    }
}

fn descending(sides: [f64; 2]) -> [f64; 2] {
    [sides[0].max(sides[1]), sides[0].min(sides[1])]
}

/// Which side of a SKU's box is seen: its two sides (longer first), the depth behind it, and how
/// badly that fits (0 well, [`SIZE_MOST`] not at all).
pub(crate) fn best_side(sku: &Sku, seen: &Seen) -> ([f64; 2], f64, f64) {
    let [x, y, z] = sku.size_m;
    if sku.size_unknown {
        return (descending([x, y]), z, SIZE_UNKNOWN);
    }
    let mut best = ([x, y], z, f64::INFINITY);
    for (a, b, depth) in [(x, y, z), (x, z, y), (y, z, x)] {
        let sides = descending([a, b]);
        // The crest of a round body is narrower than the body.
        let misfit = if sku.shape == Shape::Cylinder {
            misfit(sides, seen.whole, seen.hidden)
        } else {
            misfit(sides, seen.face, seen.hidden).min(misfit(sides, seen.whole, seen.hidden) + 0.5)
        };
        if misfit < best.2 {
            best = (sides, depth, misfit);
        }
    }
    (best.0, best.1, best.2.min(SIZE_MOST))
}

fn misfit(nominal: [f64; 2], seen: [f64; 2], hidden: bool) -> f64 {
    nominal
        .iter()
        .zip(seen)
        .map(|(&nominal, seen)| {
            let spread = SIDE_SPREAD_M + SIDE_SPREAD_SHARE * nominal;
            let off = (seen - nominal) / spread;
            let square = 0.5 * off * off;
            // A hidden part makes an item look smaller, never larger.
            if off < 0.0 && hidden { square.min(0.7) } else { square.min(SIZE_MOST) }
        })
        .sum()
}

/// Beliefs over the manifest's SKUs and "none of these", most likely first; they sum to 1.
///
/// `cosines` and `misfits` are in the manifest's order.
pub(crate) fn beliefs(
    manifest: &Manifest,
    cosines: &[f64],
    misfits: Option<&[f64]>,
    calibration: Calibration,
) -> Vec<Belief> {
    // An item is one of those that are left: each of them as likely as any other.
    let left: f64 = manifest.values().map(|&n| f64::from(n)).sum();
    let kinds = manifest.values().filter(|&&n| n > 0).count() as f64;
    let prior = |n: u32| (f64::from(n).max(GONE) * kinds.max(1.0) / left.max(1.0)).ln();
    let mut logs: Vec<(Option<SkuName>, f64)> = manifest
        .iter()
        .zip(cosines)
        .enumerate()
        .map(|(k, ((sku, &n), cosine))| {
            let size = misfits.map_or(0.0, |misfits| misfits[k]);
            let log = cosine / calibration.temperature - size + prior(n);
            (Some(sku.clone()), log)
        })
        .collect();
    let size = misfits.map_or(0.0, |_| SIZE_UNKNOWN);
    let odds = |p: f64| p / (1.0 - p);
    let fewer = (odds(STRANGERS) / odds(STRANGERS_FITTED)).ln();
    logs.push((None, calibration.none / calibration.temperature - size + fewer));
    let highest = logs.iter().map(|l| l.1).fold(f64::NEG_INFINITY, f64::max);
    let total: f64 = logs.iter().map(|l| (l.1 - highest).exp()).sum();
    let mut beliefs: Vec<Belief> =
        logs.into_iter().map(|(sku, log)| Belief { sku, p: (log - highest).exp() / total }).collect();
    beliefs.sort_by(|a, b| b.p.total_cmp(&a.p).then(a.sku.cmp(&b.sku)));
    beliefs
}

/// How far a material gives under a cup's press, 0 rigid … 1 limp (ours, from the contact stiffness of
/// cartons, bags, rigid plastic and plush).
pub(crate) fn compliance(sku: &Sku) -> f64 {
    let soft: f64 = match sku.material {
        Material::Glass | Material::Metal => 0.0,
        Material::Plastic => 0.05,
        Material::Carton => 0.1,
        Material::Mesh => 0.7,
        Material::Film => 0.75,
        Material::Fabric => 0.9,
    };
    if sku.fragility == Fragility::Fragile && sku.material == Material::Carton { soft + 0.1 } else { soft }
}

/// The box that completes what is seen by the depth of a SKU: centre over the plane (x, y), sides x, y, z.
pub(crate) fn completed(surface: &Surface, side: Option<([f64; 2], f64)>, round: bool) -> (Patch, f64) {
    let patch = if round { surface.whole } else { surface.face };
    let Some((nominal, depth)) = side else {
        return (patch, f64::NAN);
    };
    // The catalogue is more exact than a depth image; it is taken where both agree.
    let nominal = if patch.sides[0] >= patch.sides[1] { nominal } else { [nominal[1], nominal[0]] };
    let sides = core::array::from_fn(|k| {
        let near = 2.0 * (SIDE_SPREAD_M + SIDE_SPREAD_SHARE * nominal[k]);
        if (patch.sides[k] - nominal[k]).abs() <= near { nominal[k] } else { patch.sides[k] }
    });
    (Patch { centre: patch.centre, sides }, depth)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALIBRATION: Calibration = Calibration { temperature: 0.05, none: 0.5 };

    fn manifest(names: &[&str]) -> Manifest {
        names.iter().map(|name| (SkuName::new(name).unwrap(), 1)).collect()
    }

    fn sku(size_m: [f64; 3], shape: Shape) -> Sku {
        Sku {
            name: SkuName::new("tea").unwrap(),
            barcode: None,
            size_m,
            mass_kg: None,
            shape,
            material: Material::Carton,
            fragility: Fragility::Normal,
            upright: false,
            size_unknown: false,
        }
    }

    #[test]
    fn beliefs_sum_to_one_and_unlike_items_are_none_of_these() {
        let manifest = manifest(&["a", "b", "c"]);
        let known = beliefs(&manifest, &[0.2, 0.8, 0.3], None, CALIBRATION);
        assert_eq!(known[0].sku.as_ref().unwrap().as_str(), "b");
        assert!((known.iter().map(|b| b.p).sum::<f64>() - 1.0).abs() < 1e-12);
        let unknown = beliefs(&manifest, &[0.2, 0.3, 0.3], None, CALIBRATION);
        assert_eq!(unknown[0].sku, None);
        let empty = beliefs(&Manifest::new(), &[], None, CALIBRATION);
        assert_eq!((empty.len(), empty[0].p), (1, 1.0));
    }

    #[test]
    fn size_decides_between_two_that_look_alike() {
        let (large, small) = (sku([0.2, 0.1, 0.05], Shape::Box), sku([0.1, 0.05, 0.025], Shape::Box));
        let seen = Seen { face: [0.199, 0.101], whole: [0.2, 0.102], hidden: false };
        let ([long, short], depth, fits) = best_side(&large, &seen);
        assert_eq!((long, short, depth), (0.2, 0.1, 0.05));
        assert!(fits < 0.5, "{fits}");
        assert!(best_side(&small, &seen).2 >= SIZE_MOST);
        let unmeasured = Sku { size_unknown: true, ..small.clone() };
        assert_eq!(best_side(&unmeasured, &seen).2, SIZE_UNKNOWN);
        // Half of it hidden: the large one may look like the small one, not the other way round.
        let seen = Seen { face: [0.1, 0.05], whole: [0.1, 0.05], hidden: true };
        assert!(best_side(&large, &seen).2 < 2.0);
        assert!(best_side(&small, &seen).2 < 0.1);
    }
}
