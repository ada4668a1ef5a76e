//! The scorer: what truly happened, for figures only. It reads the simulator's truth; nothing that plans reads it.

use std::collections::{BTreeMap, BTreeSet};

use nalgebra::Isometry3;
use scene::SkuName;
use serde::Serialize;
use sim::world::{Damage, TruthItem, Where};

use crate::judge::{Claim, Ended, Tally, from_seven};
use crate::telemetry::Outcome;

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
#[derive(Debug, Clone, Default)]
pub struct Scorer {
    /// What each bin's order wants.
    wants: BTreeMap<String, BTreeMap<SkuName, u32>>,
    in_bin: BTreeMap<u32, String>,
    damaged: BTreeSet<u32>,
    held: BTreeSet<u32>,
    /// Items that an earlier attempt held last and that had not come to rest then: where they end is its doing.
    astray: BTreeSet<u32>,
    held_off: Vec<([f64; 3], f64)>,
    verdicts: Vec<Verdict>,
    attempted: u32,
    succeeded: u32,
    drops: u32,
    double_picks: u32,
    double_picks_undetected: u32,
}

impl Scorer {
    /// Takes a claim of the runtime's, with the tool and the items as they truly are at that moment.
    pub fn hear(&mut self, claim: &Claim, world_from_tool: &Isometry3<f64>, truth: &[TruthItem]) {
        match claim {
            Claim::Wants(wants) => {
                *self = Self { wants: wants.clone(), ..Self::default() };
                // What lies in bins already is nobody's doing.
                self.in_bin.extend(truth.iter().filter_map(|item| match &item.at {
                    Where::Bin(bin) => Some((item.id, bin.clone())),
                    _ => None,
                }));
                self.damaged.extend(truth.iter().filter(|item| item.damaged.is_some()).map(|item| item.id));
            }
            Claim::Holds { tool_from_box } => self.note(&from_seven(tool_from_box), world_from_tool, truth),
            Claim::Ended(ended) => self.score(ended, truth),
        }
    }

    /// Notes what hangs on the cups, and how far it is from what the cell believes.
    fn note(&mut self, tool_from_box: &Isometry3<f64>, world_from_tool: &Isometry3<f64>, truth: &[TruthItem]) {
        let believed = world_from_tool * tool_from_box;
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
    fn score(&mut self, attempt: &Ended, truth: &[TruthItem]) {
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
        let right =
            |i: &TruthItem| i.sku == attempt.sku && i.damaged.is_none() && i.at == Where::Bin(attempt.bin.clone());
        let success = matches!(new.as_slice(), [one] if right(one));
        self.succeeded += u32::from(success);
        if new.len() > 1 {
            self.double_picks += 1;
            self.double_picks_undetected += u32::from(attempt.released_in_bin);
        }
        self.drops += u32::from(attempt.outcome == Outcome::Lost);
        let ended = |i: &TruthItem| (i.sku.clone(), i.at.clone());
        self.verdicts.push(Verdict {
            pick: attempt.pick,
            believed: attempt.sku.clone(),
            outcome: attempt.outcome,
            success,
            held: truth.iter().filter(|i| held_ids.contains(&i.id)).map(ended).collect(),
            arrived: new.into_iter().map(ended).collect(),
            damaged,
            held_off,
        });
    }

    /// What it came to, with the items where they are now.
    #[must_use]
    pub fn tally(&self, truth: &[TruthItem]) -> Tally {
        let mut left = self.wants.clone();
        let mut tally = Tally {
            attempted: self.attempted,
            succeeded: self.succeeded,
            drops: self.drops,
            double_picks: self.double_picks,
            double_picks_undetected: self.double_picks_undetected,
            // Names, numbers and words: all of it has a form in JSON.
            verdicts: self.verdicts.iter().filter_map(|v| serde_json::to_string(v).ok()).collect(),
            ..Tally::default()
        };
        for item in truth {
            tally.damaged += u32::from(item.damaged.is_some());
            let Where::Bin(bin) = &item.at else { continue };
            match left.get_mut(bin).and_then(|lines| lines.get_mut(&item.sku)) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    tally.right += 1;
                }
                _ => tally.wrong += 1,
            }
        }
        tally
    }
}

/// The angle that is left when the boxes' axes are matched in the best way, radians.
fn between_axes(a: &Isometry3<f64>, b: &Isometry3<f64>) -> f64 {
    let turn = (a.rotation.inverse() * b.rotation).to_rotation_matrix();
    (0..3).map(|i| (0..3).map(|k| turn[(k, i)].abs()).fold(0.0, f64::max).min(1.0).acos()).fold(0.0, f64::max)
}
