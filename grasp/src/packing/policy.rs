//! The constructive policy: of the places that a quick score likes, the one after which the bin is worth most.

use super::grid::{Grid, Rule, Size, Sweep};
use super::quick::Quick;
use super::stream::Set;
use super::value::{Sums, Value, Valued};

/// Which turns an item may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turns {
    /// As it comes.
    None,
    /// Also turned by 90° about the vertical.
    Yaw,
    /// All six.
    All,
}

impl Turns {
    /// The different ways in which an item may stand, and how many there are.
    #[must_use]
    pub fn of(self, [x, y, z]: Size) -> ([Size; 6], usize) {
        let all = [[x, y, z], [y, x, z], [x, z, y], [z, x, y], [y, z, x], [z, y, x]];
        let most = match self {
            Self::None => 1,
            Self::Yaw => 2,
            Self::All => 6,
        };
        let mut kept = [[0; 3]; 6];
        let mut count = 0;
        for way in &all[..most] {
            if !kept[..count].contains(way) {
                kept[count] = *way;
                count += 1;
            }
        }
        (kept, count)
    }
}

/// An item in the bin: lower corner and size as it stands, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Placed {
    /// The lower corner.
    pub at: [u8; 3],
    /// Along x, along y, up.
    pub size: Size,
}

impl Placed {
    /// Cells that it fills.
    #[must_use]
    pub fn volume(&self) -> u32 {
        self.size.iter().map(|v| u32::from(*v)).product()
    }
}

/// Places that are looked at together, the ones of the best quick scores first; within them the value decides.
const TOGETHER: usize = 24;
/// Places that a rollout chooses among.
const FEW: usize = 3;

/// How places are chosen.
#[derive(Debug, Clone)]
pub struct Policy {
    pub(crate) quick: Quick,
    pub(crate) value: Value,
}

impl Policy {
    /// The quick score of a set, with a value.
    #[must_use]
    pub fn new(set: Set, value: Value) -> Self {
        Self { quick: Quick::tuned(set), value }
    }

    /// What was learnt for a set.
    #[must_use]
    pub fn tuned(set: Set, rule: Rule, turns: Turns) -> Self {
        Self::new(set, Value::tuned(set, rule, turns))
    }

    /// The value of a bin.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The place for an item, or `None`; `admits` may refuse places.
    #[must_use]
    pub fn choose(
        &self,
        grid: &Grid,
        item: Size,
        rule: Rule,
        turns: Turns,
        admits: impl FnMut(&Placed) -> bool,
    ) -> Option<Placed> {
        let bin = self.value.valued(grid);
        self.best(&bin, item, rule, turns, 1, admits, &mut Sweep::default()).first().map(|p| p.1)
    }

    /// Up to so many admitted places with the value of the bin afterwards, the best first. More than the first group is
    /// looked at only where that has none.
    #[expect(clippy::too_many_arguments, reason = "the question is that long")]
    pub(crate) fn best(
        &self,
        bin: &Valued,
        item: Size,
        rule: Rule,
        turns: Turns,
        most: usize,
        mut admits: impl FnMut(&Placed) -> bool,
        room: &mut Sweep,
    ) -> Vec<(f32, Placed)> {
        let mut places = Vec::new();
        self.quick.rank(&bin.grid, item, rule, turns, room, &mut places);
        for group in places.chunks_mut(TOGETHER) {
            group.iter_mut().for_each(|(score, placed)| *score = self.value.after(bin, placed).0);
            group.sort_by(|a, b| b.0.total_cmp(&a.0));
            let found: Vec<_> = group.iter().filter(|p| admits(&p.1)).take(most).copied().collect();
            if !found.is_empty() {
                return found;
            }
        }
        Vec::new()
    }

    /// The place that a rollout chooses, and the sums afterwards.
    pub(crate) fn hasty(
        &self,
        bin: &Valued,
        item: Size,
        rule: Rule,
        turns: Turns,
        room: &mut Sweep,
    ) -> Option<(Placed, Sums)> {
        let (few, count) = self.quick.few::<FEW>(&bin.grid, item, rule, turns, room);
        let mut best = None;
        for placed in &few[..count] {
            let (value, sums) = self.value.after(bin, placed);
            if best.is_none_or(|(most, _, _)| value > most) {
                best = Some((value, *placed, sums));
            }
        }
        best.map(|(_, placed, sums)| (placed, sums))
    }
}

impl Grid {
    /// Puts an item down.
    pub fn put(&mut self, placed: &Placed) {
        self.raise(placed.at[0], placed.at[1], placed.size, placed.at[2] + placed.size[2]);
    }
}
