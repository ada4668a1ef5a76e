//! Four plain heuristics to compare with, as published, untuned.

use super::grid::{Grid, Rule, SIDE, Size, Sweep};
use super::policy::{Placed, Turns};

/// A heuristic that places an item by a fixed order of the places that the rule admits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heuristic {
    /// The lowest place, then the least y, then the least x (Karabulut and İnceoğlu 2004).
    DeepestBottomLeft,
    /// The least sum of heights afterwards (Wang and Hauser, ICRA 2019).
    HeightMap,
    /// The most area of its sides and base that touches walls and items.
    LateralContact,
    /// Corners of empty maximal spaces, the space that it fills best first (Ha et al., EvoApplications 2017).
    EmptySpaces,
}

/// An empty maximal space: its lower and upper corner.
type Space = ([u8; 3], [u8; 3]);

/// A heuristic and what it keeps of a bin.
#[derive(Debug, Clone)]
pub struct Plain {
    heuristic: Heuristic,
    spaces: Vec<Space>,
}

impl Heuristic {
    /// All four.
    pub const ALL: [Self; 4] = [Self::DeepestBottomLeft, Self::HeightMap, Self::LateralContact, Self::EmptySpaces];

    /// Its name in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeepestBottomLeft => "deepest_bottom_left",
            Self::HeightMap => "height_map_minimisation",
            Self::LateralContact => "lateral_contact",
            Self::EmptySpaces => "empty_maximal_spaces",
        }
    }
}

impl Plain {
    /// For an empty bin.
    #[must_use]
    pub fn new(heuristic: Heuristic) -> Self {
        Self { heuristic, spaces: vec![([0; 3], [SIDE; 3])] }
    }

    /// The place for an item, or `None`. `admits` may refuse places.
    #[must_use]
    pub fn choose(
        &self,
        grid: &Grid,
        item: Size,
        rule: Rule,
        turns: Turns,
        mut admits: impl FnMut(&Placed) -> bool,
    ) -> Option<Placed> {
        let mut room = Sweep::default();
        let mut ranked: Vec<([i32; 4], Placed)> = Vec::new();
        grid.each_way(item, rule, turns, &mut room, |size, room| {
            grid.look_around(size, room);
            for &place in &room.places {
                let placed = Placed { at: room.at(place), size };
                let [x, y, z] = placed.at.map(i32::from);
                let area = i32::from(size[0]) * i32::from(size[1]);
                let (i, j) = (usize::from(placed.at[0]), usize::from(placed.at[1]));
                let first = match self.heuristic {
                    Heuristic::DeepestBottomLeft => Some(0),
                    Heuristic::HeightMap => Some(area * (z + i32::from(size[2])) - i32::from(room.sum[j][i])),
                    Heuristic::LateralContact => Some(-i32::from(room.beside[j][i]) - i32::from(room.support[j][i])),
                    Heuristic::EmptySpaces => self.left(&placed),
                };
                if let Some(first) = first {
                    ranked.push(([first, z, y, x], placed));
                }
            }
        });
        ranked.sort_by_key(|r| r.0);
        ranked.into_iter().map(|r| r.1).find(|p| admits(p))
    }

    /// Volume left in the smallest space that it would fill a lower corner of.
    fn left(&self, placed: &Placed) -> Option<i32> {
        let fits = |(low, high): &&Space| {
            let at_corner = |a: usize| placed.at[a] == low[a] || placed.at[a] + placed.size[a] == high[a];
            let inside = (0..3).all(|a| placed.at[a] >= low[a] && placed.at[a] + placed.size[a] <= high[a]);
            inside && placed.at[2] == low[2] && at_corner(0) && at_corner(1)
        };
        let volume = |(low, high): &Space| (0..3).map(|a| i32::from(high[a] - low[a])).product::<i32>();
        self.spaces.iter().filter(fits).map(volume).min().map(|v| v - placed.volume() as i32)
    }

    /// Takes note of where an item went.
    pub fn put(&mut self, placed: &Placed) {
        if self.heuristic != Heuristic::EmptySpaces {
            return;
        }
        let (low, high) = (placed.at, [0, 1, 2].map(|a| placed.at[a] + placed.size[a]));
        let mut cut: Vec<Space> = Vec::new();
        for space in &self.spaces {
            let (l, h) = space;
            if (0..3).any(|a| high[a] <= l[a] || low[a] >= h[a]) {
                cut.push(*space);
                continue;
            }
            for a in 0..3 {
                if low[a] > l[a] {
                    let mut part = *space;
                    part.1[a] = low[a];
                    cut.push(part);
                }
                if high[a] < h[a] {
                    let mut part = *space;
                    part.0[a] = high[a];
                    cut.push(part);
                }
            }
        }
        cut.sort_unstable();
        cut.dedup();
        let within = |a: &Space, b: &Space| (0..3).all(|i| a.0[i] >= b.0[i] && a.1[i] <= b.1[i]);
        self.spaces = cut.iter().filter(|s| !cut.iter().any(|o| o != *s && within(s, o))).copied().collect();
    }
}
