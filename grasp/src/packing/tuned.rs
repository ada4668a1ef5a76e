//! What was found for each set, on sequences of other seeds than any bench reports: the values of bins by
//! `examples/learn_packing.rs`, the weights of the quick scores by an evolution strategy (sep-CMA-ES, Ros and Hansen 2008)
//! on the utilisation of the quick score alone.

use super::grid::Rule;
use super::policy::{Policy, Turns};
use super::quick::{Quick, WEIGHTS};
use super::search::Search;
use super::stream::{Set, Types};
use super::value::Value;

/// Seed and number of the sequences from which the types of cut sets are counted.
const TYPES_SEED: u64 = 4242;
const TYPES_FROM: u64 = 1000;

/// Sides of 2…5 without end; the quick score alone packs 51 % of its tuning sequences.
#[rustfmt::skip]
const RS: [f32; WEIGHTS] = [
    -1.398, 0.153, 6.639, 3.845, 0.169, 11.957, 1.331, 1.989, 0.785, 0.441, -2.676, 2.593, -2.05, 1.21,
    1.445, 1.201, -9.353, -20.678, -12.603, -14.741, -16.326, -14.653, -24.549, 1.677, -4.723, 0.22, -3.138,
    -0.365, 7.006, 0.078, 2.186, 3.849, -2.223, -11.058,
];

/// Cut pieces by height: 75 %.
#[rustfmt::skip]
const CUT1: [f32; WEIGHTS] = [
    1.971, 2.601, 10.672, 0.005, 0.676, 10.57, -5.894, -4.922, 12.122, -2.462, -1.905, 1.742, 7.986, 0.866,
    0.967, 5.954, -11.718, -22.91, -13.434, -15.892, -16.324, -15.125, -28.489, 1.282, -4.796, 0.365, -3.782,
    1.339, 0.827, -0.275, -0.416, -1.037, -12.902, -11.327,
];

/// Cut pieces by what they stand on: 66 %.
#[rustfmt::skip]
const CUT2: [f32; WEIGHTS] = [
    -1.841, 1.283, 6.46, 3.696, 0.819, 11.882, -1.897, 1.211, 0.467, -0.18, -2.509, 1.938, -0.092, -0.585,
    1.795, 1.465, -10.846, -22.105, -12.732, -13.096, -16.301, -16.077, -25.183, 1.641, -4.618, 0.122,
    -3.976, -0.582, 7.334, 0.533, 2.623, 3.743, -2.832, -10.307,
];

/// Sides of 1…5, all six turns, no stability: 87 %.
#[rustfmt::skip]
const PCT: [f32; WEIGHTS] = [
    -2.078, 2.155, 3.09, -0.179, 0.069, 5.236, 0.804, -1.269, -0.45, 0.487, -1.716, 0.741, 1.728, -4.213,
    -6.719, -0.535, -9.85, -9.841, -12.624, -13.436, -16.389, -18.884, -21.218, 1.185, 3.989, -0.608, -1.983,
    -1.419, 6.559, -2.48, 0.029, -2.428, -2.112, 0.048,
];

impl Quick {
    /// The quick score for a set.
    pub(crate) fn tuned(set: Set) -> Self {
        Self(match set {
            Set::Rs => RS,
            Set::Cut1 => CUT1,
            Set::Cut2 => CUT2,
            Set::Pct => PCT,
        })
    }
}

impl Types {
    /// How often each size comes in a set.
    #[must_use]
    pub fn of(set: Set) -> Self {
        match set {
            Set::Rs => Self::uniform(2, 5),
            Set::Pct => Self::uniform(1, 5),
            Set::Cut1 | Set::Cut2 => Self::counted((0..TYPES_FROM).map(|i| set.sequence(TYPES_SEED, i))),
        }
    }
}

impl Value {
    /// What was learnt for a set: with the item as it comes, or for more turns where there are any.
    #[must_use]
    pub fn tuned(set: Set, rule: Rule, turns: Turns) -> Self {
        let bytes: &[u8] = match (set, rule, turns) {
            (Set::Rs, _, Turns::None) => include_bytes!("values/rs.bin"),
            (Set::Rs, _, _) => include_bytes!("values/rs_yaw.bin"),
            (Set::Cut1, _, Turns::None) => include_bytes!("values/cut1.bin"),
            (Set::Cut1, _, _) => include_bytes!("values/cut1_yaw.bin"),
            (Set::Cut2, _, Turns::None) => include_bytes!("values/cut2.bin"),
            (Set::Cut2, _, _) => include_bytes!("values/cut2_yaw.bin"),
            (Set::Pct, Rule::Centre, _) => include_bytes!("values/pct1_yaw.bin"),
            (Set::Pct, _, _) => include_bytes!("values/pct2_all.bin"),
        };
        #[expect(clippy::expect_used, reason = "a test reads every file")]
        Self::from_bytes(bytes).expect("a network of values")
    }
}

impl Search {
    /// The search for a set, within the budget that is reported.
    ///
    /// CUT-1 comes from the floor up, and items drawn each on its own mislead where they are more than two: 75 % packed with
    /// five of them, 81 % by the value alone, over 200 sequences of seed 7.
    #[must_use]
    pub fn tuned(set: Set, rule: Rule, turns: Turns) -> Self {
        let (deep, prior) = match set {
            Set::Cut1 => (2, 300.0),
            Set::Rs | Set::Cut2 | Set::Pct => (5, 30.0),
        };
        // A node costs a sweep for each way in which an item may stand; where stacks are judged, that takes half of the time.
        let nodes = match (rule, turns) {
            (Rule::Centre, _) => 3000,
            (_, Turns::None) => 10_000,
            (_, Turns::Yaw) => 6000,
            (_, Turns::All) => 2000,
        };
        let policy = Policy::tuned(set, rule, turns);
        Self { policy, rule, turns, nodes, broad: 12, deep, prior }
    }
}
