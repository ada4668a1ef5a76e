//! What the simulated cell learns of a rendered item after the picture: its weight, and its barcode at the scan station.

use std::collections::BTreeMap;
use std::path::Path;

use nalgebra::{Quaternion, UnitQuaternion, Vector3};
use perception::{after_scan, after_weight, read_barcodes};
use scene::{Belief, Catalogue, SkuName};
use sim::look::{TrueSku, load_catalogue};
use sim::scan::scan;

use super::spread::next_u64;
use crate::cli::CliError;

/// Spread of a weighing over a carry, kilograms.
const WEIGHED_KG: f64 = 0.008;

/// The true goods of a rendered set, and how its items lie.
pub(super) struct Evidence {
    goods: BTreeMap<SkuName, TrueSku>,
    /// By annotation: the axis that stands nearest to upright, and whether its positive end is up. It is held there.
    up: BTreeMap<u64, (usize, bool)>,
    /// What was read before.
    codes: BTreeMap<(SkuName, (usize, bool)), Vec<String>>,
}

/// What is believed in the end.
pub(super) struct Learnt {
    pub(super) beliefs: Vec<Belief>,
    /// A code spoke against a strong belief: a person decides.
    pub(super) contradicts: bool,
}

impl Evidence {
    /// Reads the truth of a rendered set.
    pub(super) fn load(folder: &Path) -> Result<Self, CliError> {
        let text = std::fs::read_to_string(folder.join("coco.json")).map_err(CliError::fault)?;
        let coco: serde_json::Value = serde_json::from_str(&text).map_err(CliError::fault)?;
        let items = coco["annotations"].as_array().into_iter().flatten();
        let up = items.filter_map(|item| Some((item["id"].as_u64()?, upward(&item["world_from_item"])?))).collect();
        let goods = load_catalogue(&folder.join("catalog")).map_err(CliError::fault)?;
        let goods = goods.into_iter().map(|sku| (sku.sku.name.clone(), sku)).collect();
        Ok(Self { goods, up, codes: BTreeMap::new() })
    }

    /// Lifts and weighs an item, and shows it to the scan camera where that leaves it below `sure`.
    pub(super) fn after(
        &mut self,
        (item, sku): (u64, &SkuName),
        beliefs: &[Belief],
        catalogue: &Catalogue,
        sure: f64,
    ) -> Option<Learnt> {
        let good = self.goods.get(sku)?;
        let kg = good.truth.mass_kg + WEIGHED_KG * normal(item);
        let mut learnt = Learnt { beliefs: after_weight(beliefs, kg, catalogue), contradicts: false };
        if learnt.beliefs.first().is_some_and(|first| first.sku.is_some() && first.p >= sure) {
            return Some(learnt);
        }
        let held = *self.up.get(&item)?;
        let codes = self.codes.entry((sku.clone(), held)).or_insert_with(|| codes(good, held));
        for code in codes {
            let scanned = after_scan(&learnt.beliefs, code, catalogue);
            learnt = Learnt { beliefs: scanned.beliefs, contradicts: learnt.contradicts || scanned.contradicts };
        }
        Some(learnt)
    }
}

/// A number that is about normally distributed, mean 0 and standard deviation 1: a sum of twelve even ones.
fn normal(seed: u64) -> f64 {
    let mut state = seed;
    (0..12).map(|_| (next_u64(&mut state) >> 11) as f64 / (1u64 << 53) as f64 - 0.5).sum()
}

/// The codes of the first picture in which there are any, of an item that is held so.
fn codes(sku: &TrueSku, held: (usize, bool)) -> Vec<String> {
    // A picture that can't be read is one without a code.
    let read = scan(sku, held, 0).map(|p| read_barcodes(&p.grey, p.width, p.height).unwrap_or_default());
    let first = read.into_iter().find(|codes| !codes.is_empty());
    first.into_iter().flatten().map(|code| code.text).collect()
}

/// Which axis of a pose (x, y, z, quaternion i, j, k, w) stands nearest to upright, and whether its positive end is up.
fn upward(pose: &serde_json::Value) -> Option<(usize, bool)> {
    let numbers: Vec<f64> = pose.as_array()?.iter().filter_map(serde_json::Value::as_f64).collect();
    let &[_, _, _, i, j, k, w] = numbers.as_slice() else { return None };
    let turn = UnitQuaternion::from_quaternion(Quaternion::new(w, i, j, k));
    let up = turn.inverse_transform_vector(&Vector3::z());
    Some((up.iamax(), up[up.iamax()] > 0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_axis_that_stands_is_the_one_that_is_held() {
        let pose = |i: f64, w: f64| serde_json::json!([0.1, 0.2, 0.3, i, 0.0, 0.0, w]);
        assert_eq!(upward(&pose(0.0, 1.0)), Some((2, true)));
        assert_eq!(upward(&pose(1.0, 0.0)), Some((2, false)));
        // A quarter turn about x lifts y.
        let half = core::f64::consts::FRAC_PI_4;
        assert_eq!(upward(&pose(half.sin(), half.cos())), Some((1, true)));
        assert_eq!(upward(&serde_json::json!([1.0])), None);
    }
}
