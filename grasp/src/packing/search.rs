//! The search: candidate places raced against each other by rollouts over what may come next.

use super::grid::{Grid, Rule, Size, Sweep};
use super::policy::{Placed, Policy, Turns};
use super::stream::{Draws, Types};

/// Items in a rollout beyond those known; no bin takes so many.
const FAR: usize = 64;
/// Places of one item that a beam goes on with from each of its states.
const FORK: usize = 12;

/// What the search may use, and how long.
#[derive(Debug, Clone)]
pub struct Search {
    /// Plays the rollouts and says which places are looked at.
    pub policy: Policy,
    /// What rollouts draw from.
    pub types: Types,
    /// When an item may stay.
    pub rule: Rule,
    /// How it may be turned.
    pub turns: Turns,
    /// Places decided in rollouts before it answers.
    pub nodes: u32,
    /// How many of the policy's best places are raced.
    pub broad: usize,
    /// States kept while known items are put down ahead.
    pub beam: usize,
}

/// Where the item of now goes, and what the bin would be like further on.
#[derive(Clone)]
struct Line {
    first: Placed,
    grid: Grid,
    score: f32,
    gained: u32,
    /// Sum over its rollouts.
    sum: u64,
}

impl Search {
    /// The place for an item, or `None` where it has none. `known` come after it, in this order. `admits` may refuse
    /// places of the item of now; it is asked in the order of the policy's score until enough are found.
    ///
    /// Deterministic: rollouts draw from `seed`, and the budget counts nodes, not time.
    #[must_use]
    pub fn choose(
        &self,
        grid: &Grid,
        now: Size,
        known: &[Size],
        seed: u64,
        mut admits: impl FnMut(&Placed) -> bool,
    ) -> Option<Placed> {
        let mut room = Sweep::default();
        let mut places = Vec::new();
        self.policy.rank(grid, now, self.rule, self.turns, &mut room, &mut places);
        let mut lines = Vec::with_capacity(self.broad);
        for (score, placed) in places.drain(..) {
            if lines.len() >= self.broad.max(1) {
                break;
            }
            if admits(&placed) {
                let mut after = grid.clone();
                after.put(&placed);
                lines.push(Line { first: placed, grid: after, score, gained: 0, sum: 0 });
            }
        }
        if lines.len() < 2 {
            return lines.first().map(|l| l.first);
        }
        for &item in known {
            if self.beam == 0 || lines.iter().all(|l| l.first == lines[0].first) {
                break;
            }
            let next = self.advance(&lines, item, &mut room);
            if next.is_empty() {
                // None goes further: the first one is where the policy's sum is best.
                return lines
                    .iter()
                    .max_by(|a, b| a.gained.cmp(&b.gained).then(a.score.total_cmp(&b.score)))
                    .map(|l| l.first);
            }
            lines = next;
        }
        self.race(lines, if self.beam == 0 { known } else { &[] }, seed, &mut room)
    }

    /// The best states after one more known item.
    fn advance(&self, lines: &[Line], item: Size, room: &mut Sweep) -> Vec<Line> {
        let mut places = Vec::new();
        let mut found: Vec<(f32, usize, Placed)> = Vec::new();
        for (from, line) in lines.iter().enumerate() {
            self.policy.rank(&line.grid, item, self.rule, self.turns, room, &mut places);
            found.extend(places.iter().take(FORK).map(|(score, placed)| (line.score + score, from, *placed)));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut kept: Vec<Line> = Vec::with_capacity(self.beam);
        let mut seen = std::collections::HashSet::new();
        for (score, from, placed) in found {
            if kept.len() >= self.beam {
                break;
            }
            let mut grid = lines[from].grid.clone();
            grid.put(&placed);
            if seen.insert(grid.clone()) {
                let gained = lines[from].gained + placed.volume();
                kept.push(Line { first: lines[from].first, grid, score, gained, sum: 0 });
            }
        }
        kept
    }

    /// Sequential halving (Karnin, Koren, Somekh, ICML 2013): each round shares its nodes among those left and keeps
    /// the better half. Rollout n of every line sees the same items.
    fn race(&self, mut lines: Vec<Line>, known: &[Size], seed: u64, room: &mut Sweep) -> Option<Placed> {
        let mut draws = Draws::new(seed);
        let mut futures: Vec<Vec<Size>> = Vec::new();
        let rounds = lines.len().next_power_of_two().trailing_zeros().max(1);
        let share = self.nodes / rounds;
        let mut played = 0;
        while lines.len() > 1 {
            let mut spent = 0;
            while spent < share {
                if futures.len() == played {
                    let drawn = (0..FAR).filter_map(|_| self.types.draw(&mut draws));
                    futures.push(known.iter().copied().chain(drawn).collect());
                }
                for line in &mut lines {
                    let (volume, nodes) = self.roll(&line.grid, &futures[played], room);
                    line.sum += u64::from(volume + line.gained);
                    spent += nodes;
                }
                played += 1;
            }
            lines.sort_by(|a, b| b.sum.cmp(&a.sum).then(b.score.total_cmp(&a.score)));
            lines.truncate(lines.len().div_ceil(2));
        }
        lines.first().map(|l| l.first)
    }

    /// Volume that the policy puts down until an item has no place, and how many it asked for.
    fn roll(&self, grid: &Grid, items: &[Size], room: &mut Sweep) -> (u32, u32) {
        let mut grid = grid.clone();
        let (mut volume, mut nodes) = (0, 0);
        for &item in items {
            nodes += 1;
            let Some(placed) = self.policy.best(&grid, item, self.rule, self.turns, room) else { break };
            volume += placed.volume();
            grid.put(&placed);
        }
        (volume, nodes)
    }
}
