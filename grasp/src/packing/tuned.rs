//! Weights of the policies: found by an evolution strategy (sep-CMA-ES, Ros and Hansen 2008) on the utilisation of the
//! policy alone, over sequences of other seeds than any bench reports.

use super::grid::Rule;
use super::policy::{Policy, Turns, WEIGHTS};
use super::search::Search;
use super::stream::{Set, Types};

/// Seed and number of the sequences from which the types of cut sets are counted.
const TYPES_SEED: u64 = 4242;
const TYPES_FROM: u64 = 1000;

/// Sequences without end, whatever the order.
#[rustfmt::skip]
const RANDOM: [f32; WEIGHTS] = [
    -1.398, 0.153, 6.639, 3.845, 0.169, 11.957, 1.331, 1.989, 0.785, 0.441, -2.676, 2.593, -2.05, 1.21,
    1.445, 1.201, -9.353, -20.678, -12.603, -14.741, -16.326, -14.653, -24.549, 1.677, -4.723, 0.22, -3.138,
    -0.365, 7.006, 0.078, 2.186, 3.849, -2.223, -11.058,
];

impl Policy {
    /// The policy for a set.
    #[must_use]
    pub fn tuned(set: Set) -> Self {
        match set {
            Set::Rs | Set::Cut1 | Set::Cut2 | Set::Pct => Self(RANDOM),
        }
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

impl Search {
    /// The search for a set, within the budget that is reported.
    #[must_use]
    pub fn tuned(set: Set, rule: Rule, turns: Turns) -> Self {
        let (policy, types) = (Policy::tuned(set), Types::of(set));
        Self { policy, types, rule, turns, nodes: 6000, broad: 16, beam: 200 }
    }
}
