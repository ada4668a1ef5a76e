//! The search: places raced against each other by rollouts over what may come next.

use std::collections::HashSet;

use super::grid::{Grid, Rule, SIDE, Size, Sweep};
use super::policy::{Placed, Policy, Turns};
use super::value::Valued;

/// Places of one item that a beam goes on with from each of its states.
const FORK: usize = 12;
/// Volume of the bin, cells.
const CELLS: f32 = (SIDE as u32 * SIDE as u32 * SIDE as u32) as f32;

/// What the search may use, and how long.
#[derive(Debug, Clone)]
pub struct Search {
    /// Says which places are looked at, chooses in rollouts, and judges where they end.
    pub policy: Policy,
    /// When an item may stay.
    pub rule: Rule,
    /// How it may be turned.
    pub turns: Turns,
    /// Items placed in rollouts before it answers, and about as much work again for items that are known: 0, and the value
    /// alone decides.
    pub nodes: u32,
    /// How many places are raced.
    pub broad: usize,
    /// Items of a rollout.
    pub deep: usize,
    /// Rollouts that the value of a place counts as.
    pub prior: f32,
}

/// Where the item of now goes, and the bin further on.
struct Line {
    first: Placed,
    bin: Valued,
    value: f32,
    /// Over its rollouts.
    sum: f32,
}

impl Search {
    /// The place for an item, or `None` where it has none. `known` come after it, in this order. `futures` adds so many
    /// items that may come after those, other ones each time. `admits` may refuse places of the item of now; it is asked in
    /// the order of their values until enough are found.
    ///
    /// The budget counts nodes, not time: the same futures give the same place.
    #[must_use]
    pub fn choose(
        &self,
        grid: &Grid,
        now: Size,
        known: &[Size],
        futures: &mut dyn FnMut(usize, &mut Vec<Size>),
        admits: impl FnMut(&Placed) -> bool,
    ) -> Option<Placed> {
        let mut room = Sweep::default();
        let bin = self.policy.value.valued(grid);
        let most = if known.is_empty() { self.broad.max(1) } else { usize::MAX };
        let places = self.policy.best(&bin, now, self.rule, self.turns, most, admits, &mut room);
        let line = |(value, first)| Line { first, bin: self.policy.value.with(&bin, &first), value, sum: 0.0 };
        let mut lines: Vec<Line> = places.into_iter().map(line).collect();
        let beam = self.nodes as usize * 2 / (5 * known.len().max(1));
        for &item in known {
            let next = self.advance(&lines, item, beam.max(1), &mut room);
            if next.is_empty() {
                // Whatever is done now, the sequence ends with this item.
                return lines.first().map(|l| l.first);
            }
            lines = next;
        }
        // One line for each place of now: the best.
        let mut firsts = HashSet::new();
        lines.retain(|line| firsts.insert(line.first));
        lines.truncate(self.broad.max(1));
        self.race(lines, futures, &mut room)
    }

    /// The best so many states after one more known item, the best first. One costs two and a half nodes.
    fn advance(&self, lines: &[Line], item: Size, beam: usize, room: &mut Sweep) -> Vec<Line> {
        let mut found: Vec<(f32, usize, Placed)> = Vec::new();
        for (from, line) in lines.iter().enumerate() {
            let places = self.policy.best(&line.bin, item, self.rule, self.turns, FORK, |_| true, room);
            found.extend(places.into_iter().map(|(value, placed)| (value, from, placed)));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut kept: Vec<Line> = Vec::new();
        let mut seen = HashSet::new();
        for (value, from, placed) in found {
            if kept.len() >= beam {
                break;
            }
            let bin = self.policy.value.with(&lines[from].bin, &placed);
            if seen.insert(bin.grid.clone()) {
                kept.push(Line { first: lines[from].first, bin, value, sum: 0.0 });
            }
        }
        kept
    }

    /// Sequential halving (Karnin, Koren, Somekh, ICML 2013): each round shares its nodes among those left and keeps
    /// the better half. Rollout n of every line sees the same items; the value of a line counts as some rollouts.
    fn race(
        &self,
        mut lines: Vec<Line>,
        futures: &mut dyn FnMut(usize, &mut Vec<Size>),
        room: &mut Sweep,
    ) -> Option<Placed> {
        let rounds = lines.len().next_power_of_two().trailing_zeros().max(1);
        let share = self.nodes / rounds;
        let mut items: Vec<Size> = Vec::with_capacity(self.deep);
        while lines.len() > 1 {
            let mut spent = 0;
            while spent < share {
                items.clear();
                futures(self.deep, &mut items);
                for line in &mut lines {
                    let (volume, nodes) = self.roll(&line.bin, &items, room);
                    line.sum += volume;
                    spent += nodes.max(1);
                }
            }
            let merit = |line: &Line| line.sum + self.prior * line.value;
            lines.sort_by(|a, b| merit(b).total_cmp(&merit(a)));
            lines.truncate(lines.len().div_ceil(2));
        }
        lines.first().map(|l| l.first)
    }

    /// Share of the bin that goes in from here: what a rollout puts down, and the value of where it ends; and how many
    /// items it asked for. Nothing comes after an item without a place.
    fn roll(&self, bin: &Valued, items: &[Size], room: &mut Sweep) -> (f32, u32) {
        let mut bin = bin.clone();
        let (mut volume, mut nodes) = (0, 0);
        for &item in items {
            nodes += 1;
            let next = self.policy.hasty(&bin, item, self.rule, self.turns, room);
            let Some((placed, sums)) = next else { return (volume as f32 / CELLS, nodes) };
            volume += placed.volume();
            bin.grid.put(&placed);
            bin.sums = sums;
        }
        (volume as f32 / CELLS + self.policy.value.of_sums(&bin.sums), nodes)
    }
}
