//! The scorer: what truly happened, for figures only. It reads the simulator's truth; nothing that plans reads it.

use std::collections::{BTreeMap, BTreeSet};

use scene::SkuName;
use sim::world::{TruthItem, Where};

use crate::cycle::Attempt;
use crate::station::orders::Orders;

/// Counts successes, drops, wrong and damaged items from the world's truth.
#[derive(Debug, Clone)]
pub struct Scorer {
    /// What each bin's order wants.
    wants: BTreeMap<String, BTreeMap<SkuName, u32>>,
    in_bin: BTreeMap<u32, String>,
    /// Attempts, as the interface defines them.
    pub attempted: u32,
    /// Attempts after which the wanted item alone lay undamaged in its bin.
    pub succeeded: u32,
    /// Items that fell between lift and release.
    pub drops: u32,
    /// More than one item came with a pick.
    pub double_picks: u32,
    /// Of these, those that the cell took for one.
    pub double_picks_undetected: u32,
}

/// What lies in the bins at the end.
#[derive(Debug, Clone, Copy, Default)]
pub struct Delivered {
    /// Ordered items in their bins.
    pub right: u32,
    /// Items in bins whose order doesn't want them.
    pub wrong: u32,
    /// Damaged items anywhere.
    pub damaged: u32,
}

impl Scorer {
    /// Begins with empty bins.
    #[must_use]
    pub fn new(orders: &Orders) -> Self {
        Self {
            wants: orders.orders.iter().map(|o| (o.bin.clone(), o.lines.clone())).collect(),
            in_bin: BTreeMap::new(),
            attempted: 0,
            succeeded: 0,
            drops: 0,
            double_picks: 0,
            double_picks_undetected: 0,
        }
    }

    /// Scores one attempt, once the tool has left it.
    pub fn score(&mut self, attempt: &Attempt, truth: &[TruthItem]) {
        if !attempt.attempted {
            return;
        }
        self.attempted += 1;
        let mut new = Vec::new();
        for item in truth {
            if let Where::Bin(bin) = &item.at
                && self.in_bin.insert(item.id, bin.clone()).is_none()
            {
                new.push(item);
            }
        }
        let right = |i: &&TruthItem| {
            i.sku == attempt.choice.sku && !i.damaged && i.at == Where::Bin(attempt.choice.bin.clone())
        };
        match new.as_slice() {
            [one] if right(&one) => self.succeeded += 1,
            [_, _, ..] => {
                self.double_picks += 1;
                if attempt.released_in_bin {
                    self.double_picks_undetected += 1;
                }
            }
            _ => {}
        }
        if attempt.outcome == crate::telemetry::Outcome::Lost {
            self.drops += 1;
        }
    }

    /// What lies where at the end.
    #[must_use]
    pub fn delivered(&self, truth: &[TruthItem]) -> Delivered {
        let mut left = self.wants.clone();
        let mut delivered = Delivered::default();
        let mut damaged = BTreeSet::new();
        for item in truth {
            if item.damaged {
                damaged.insert(item.id);
            }
            let Where::Bin(bin) = &item.at else { continue };
            match left.get_mut(bin).and_then(|lines| lines.get_mut(&item.sku)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    delivered.right += 1;
                }
                _ => delivered.wrong += 1,
            }
        }
        delivered.damaged = damaged.len() as u32;
        delivered
    }
}
