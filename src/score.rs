//! The scorer: what truly happened, for figures only. It reads the simulator's truth; nothing that plans reads it.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::Isometry3;
use scene::SkuName;
use serde::Serialize;
use sim::world::{Damage, TruthItem, Where};

use crate::cycle::Attempt;
use crate::station::orders::Orders;
use crate::telemetry::{Choice, Outcome};

/// What truly became of one attempt: a line of `verdicts.jsonl`.
#[derive(Debug, Clone, Serialize)]
pub struct Verdict {
    /// The pick's number.
    pub pick: u32,
    /// What the cell took the item for.
    pub believed: SkuName,
    /// How the cell thinks that it ended, before the bin was looked at.
    pub outcome: Outcome,
    /// The wanted item came to rest in its bin, undamaged and alone.
    pub success: bool,
    /// What the cups held after the lift, and where each ended.
    pub held: Vec<(SkuName, Where)>,
    /// What came into bins.
    pub arrived: Vec<(SkuName, Where)>,
    /// What was damaged, and how.
    pub damaged: Vec<(SkuName, Damage)>,
    /// How far the held box was from the believed one, when the cups had sealed, when the way down into the bin
    /// began, and when they let go: millimetres between centres, along the tool's axes, and degrees between the nearest axes.
    pub held_off: Vec<([f64; 3], f64)>,
}

/// Counts successes, drops, wrong and damaged items from the world's truth.
#[derive(Debug, Clone)]
pub struct Scorer {
    /// What each bin's order wants.
    wants: BTreeMap<String, BTreeMap<SkuName, u32>>,
    in_bin: BTreeMap<u32, String>,
    damaged: BTreeSet<u32>,
    held: BTreeSet<u32>,
    /// Items that an earlier attempt held last and that had not come to rest then: where they end is its doing.
    astray: BTreeSet<u32>,
    held_off: Vec<([f64; 3], f64)>,
    /// Every attempt, in order.
    pub verdicts: Vec<Verdict>,
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
            damaged: BTreeSet::new(),
            held: BTreeSet::new(),
            astray: BTreeSet::new(),
            held_off: Vec::new(),
            verdicts: Vec::new(),
            attempted: 0,
            succeeded: 0,
            drops: 0,
            double_picks: 0,
            double_picks_undetected: 0,
        }
    }

    /// Notes what hangs on the cups, and how far it is from what the cell believes.
    pub fn note(&mut self, choice: &Choice, world_from_tool: &Isometry3<f64>, truth: &[TruthItem]) {
        let believed = world_from_tool * choice.candidates[choice.chosen].hold.held.tool_from_box.isometry();
        for item in truth.iter().filter(|i| i.cups != 0) {
            self.held.insert(item.id);
            let off = world_from_tool.inverse_transform_vector(
                &(item.world_from_item.isometry().translation.vector - believed.translation.vector),
            );
            self.held_off
                .push(((off * 1e3).into(), between_axes(&believed, item.world_from_item.isometry()).to_degrees()));
        }
    }

    /// Scores one attempt, once the tool has left it.
    pub fn score(&mut self, attempt: &Attempt, truth: &[TruthItem]) {
        let held_ids = std::mem::take(&mut self.held);
        let held_off = std::mem::take(&mut self.held_off);
        if !attempt.attempted {
            return;
        }
        self.attempted += 1;
        let mut new = Vec::new();
        let mut damaged = Vec::new();
        for item in truth {
            if let Where::Bin(bin) = &item.at
                && self.in_bin.insert(item.id, bin.clone()).is_none()
                && (held_ids.contains(&item.id) || !self.astray.remove(&item.id))
            {
                new.push(item);
            }
            if let Some(how) = item.damaged
                && self.damaged.insert(item.id)
            {
                damaged.push((item.sku.clone(), how));
            }
        }
        let falling = truth.iter().filter(|i| held_ids.contains(&i.id) && i.at == Where::Held);
        self.astray.extend(falling.map(|i| i.id));
        let right = |i: &TruthItem| {
            i.sku == attempt.choice.sku && i.damaged.is_none() && i.at == Where::Bin(attempt.choice.bin.clone())
        };
        let success = matches!(new.as_slice(), [one] if right(one));
        self.succeeded += u32::from(success);
        if new.len() > 1 {
            self.double_picks += 1;
            self.double_picks_undetected += u32::from(attempt.released_in_bin);
        }
        self.drops += u32::from(attempt.outcome == Outcome::Lost);
        let ended = |i: &TruthItem| (i.sku.clone(), i.at.clone());
        self.verdicts.push(Verdict {
            pick: attempt.choice.pick,
            believed: attempt.choice.sku.clone(),
            outcome: attempt.outcome,
            success,
            held: truth.iter().filter(|i| held_ids.contains(&i.id)).map(ended).collect(),
            arrived: new.into_iter().map(ended).collect(),
            damaged,
            held_off,
        });
    }

    /// What lies where at the end.
    #[must_use]
    pub fn delivered(&self, truth: &[TruthItem]) -> Delivered {
        let mut left = self.wants.clone();
        let mut delivered = Delivered::default();
        let mut damaged = BTreeSet::new();
        for item in truth {
            if item.damaged.is_some() {
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

/// The angle that is left when the boxes' axes are matched in the best way, radians.
fn between_axes(a: &Isometry3<f64>, b: &Isometry3<f64>) -> f64 {
    let turn = (a.rotation.inverse() * b.rotation).to_rotation_matrix();
    (0..3).map(|i| (0..3).map(|k| turn[(k, i)].abs()).fold(0.0, f64::max).min(1.0).acos()).fold(0.0, f64::max)
}
