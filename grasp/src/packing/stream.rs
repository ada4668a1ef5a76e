//! The published streams of items, drawn from a seed.

use super::grid::{Grid, SIDE, Size};

/// SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
#[derive(Debug, Clone)]
pub struct Draws(u64);

impl Draws {
    /// Starts from a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is at least 1 and far below 2³².
    pub fn below(&mut self, n: usize) -> usize {
        (((self.bits() >> 32) * n as u64) >> 32) as usize
    }
}

/// A published set of sequences for a bin of 10 × 10 × 10 cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// Sides uniform in 2…5, without end (Zhao et al., AAAI 2021).
    Rs,
    /// The bin cut at random until every side is 2…5, ordered by the height of each piece's lower side.
    Cut1,
    /// The same, in an order in which each piece stands on those before it.
    Cut2,
    /// Sides uniform in 1…5, without end (Zhao et al., ICLR 2022, PCT), settings 1 and 2.
    Pct,
}

/// As many items as fill the bin twice, whatever they are.
const LONG_ENOUGH: usize = 250;

impl Set {
    /// One sequence. The same seed and index give the same one.
    #[must_use]
    pub fn sequence(self, seed: u64, index: u64) -> Vec<Size> {
        let mut draws = Draws::new(seed ^ index.wrapping_mul(0xd134_2543_de82_ef95));
        draws.bits();
        let mut sides = |least: u8, most: u8| -> Vec<Size> {
            let mut side = || least + draws.below(usize::from(most - least) + 1) as u8;
            (0..LONG_ENOUGH).map(|_| [side(), side(), side()]).collect()
        };
        match self {
            Self::Rs => sides(2, 5),
            Self::Pct => sides(1, 5),
            Self::Cut1 => by_height(&mut draws),
            Self::Cut2 => by_support(&mut draws),
        }
    }
}

/// A piece of the bin: its lower corner and size.
type Piece = ([u8; 3], Size);

/// Cuts the bin: of a piece's sides that are longer than 5, one at random, at a place uniform in 2…side − 2.
fn cut(draws: &mut Draws) -> Vec<Piece> {
    let mut whole: Vec<Piece> = vec![([0; 3], [SIDE; 3])];
    let mut done = Vec::new();
    while let Some((at, size)) = whole.pop() {
        let long: Vec<usize> = (0..3).filter(|&a| size[a] > 5).collect();
        if long.is_empty() {
            done.push((at, size));
            continue;
        }
        let axis = long[draws.below(long.len())];
        let first = 2 + draws.below(usize::from(size[axis]) - 3) as u8;
        let (mut low, mut high) = ((at, size), (at, size));
        low.1[axis] = first;
        high.0[axis] += first;
        high.1[axis] -= first;
        whole.extend([high, low]);
    }
    done
}

/// What begins at the same height comes as it was cut, as in the published sequences.
fn by_height(draws: &mut Draws) -> Vec<Size> {
    let mut pieces = cut(draws);
    pieces.sort_by_key(|p| p.0[2]);
    pieces.into_iter().map(|p| p.1).collect()
}

fn by_support(draws: &mut Draws) -> Vec<Size> {
    let mut left = cut(draws);
    let mut grid = Grid::default();
    let mut order = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let stands = |(at, size): &Piece| {
            (at[0]..at[0] + size[0]).all(|x| (at[1]..at[1] + size[1]).all(|y| grid.height(x, y) == at[2]))
        };
        let ready: Vec<usize> = (0..left.len()).filter(|&i| stands(&left[i])).collect();
        // The lowest piece left always stands.
        let (at, size) = left.remove(ready[draws.below(ready.len())]);
        grid.raise(at[0], at[1], size, at[2] + size[2]);
        order.push(size);
    }
    order
}

/// How often each size comes, each on its own: all that rollouts know of a stream.
#[derive(Debug, Clone)]
pub struct Types {
    sizes: Vec<Size>,
    /// Cumulative counts.
    up_to: Vec<u64>,
}

impl Types {
    /// Counted over some sequences.
    #[must_use]
    pub fn counted(sequences: impl Iterator<Item = Vec<Size>>) -> Self {
        let mut counts = std::collections::BTreeMap::<Size, u64>::new();
        for size in sequences.flatten() {
            *counts.entry(size).or_default() += 1;
        }
        let mut sum = 0;
        let up_to = counts.values().map(|n| {
            sum += n;
            sum
        });
        let up_to = up_to.collect();
        Self { sizes: counts.into_keys().collect(), up_to }
    }

    /// Every size with sides in a range equally often.
    #[must_use]
    pub fn uniform(least: u8, most: u8) -> Self {
        let sides = || least..=most;
        let all = sides().flat_map(|x| sides().flat_map(move |y| sides().map(move |z| [x, y, z])));
        Self::counted(core::iter::once(all.collect()))
    }

    /// Adds so many at random, each on its own.
    pub fn add(&self, count: usize, draws: &mut Draws, into: &mut Vec<Size>) {
        into.extend((0..count).filter_map(|_| self.draw(draws)));
    }

    /// One at random; `None` where there are no types.
    pub fn draw(&self, draws: &mut Draws) -> Option<Size> {
        let all = *self.up_to.last()?;
        let at = draws.below(all as usize) as u64;
        Some(self.sizes[self.up_to.partition_point(|n| *n <= at)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_pieces_fill_the_bin_and_have_sides_of_two_to_five() {
        for index in 0..200 {
            for set in [Set::Cut1, Set::Cut2] {
                let items = set.sequence(7, index);
                let volume: u32 = items.iter().map(|s| s.iter().map(|v| u32::from(*v)).product::<u32>()).sum();
                assert_eq!(volume, 1000);
                assert!(items.iter().flatten().all(|v| (2..=5).contains(v)), "{items:?}");
            }
        }
    }

    #[test]
    fn draws_of_types_follow_their_counts() {
        let types = Types::counted([vec![[2, 2, 2]; 3], vec![[3, 3, 3]]].into_iter());
        let mut draws = Draws::new(1);
        let small = (0..4000).filter(|_| types.draw(&mut draws) == Some([2, 2, 2])).count();
        assert!((2850..3150).contains(&small), "{small}");
        assert_eq!(Types::counted(core::iter::empty()).draw(&mut draws), None);
        assert_eq!(Set::Rs.sequence(3, 4), Set::Rs.sequence(3, 4));
    }
}
