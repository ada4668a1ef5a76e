//! A set of suction cups.

use serde::{Deserialize, Serialize};

use crate::CUPS;

/// A set of cups: bit *i* stands for cup *i*. Bits from [`CUPS`] on mean no cup; a set that has
/// one of them is not [valid](Self::is_valid) and requests that hold it are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct CupSet(pub u8);

impl CupSet {
    /// No cup.
    pub const NONE: Self = Self(0);
    /// Every cup of the tool.
    pub const ALL: Self = Self((1 << CUPS) - 1);

    /// The set of one cup; [`NONE`](Self::NONE) where the tool has no such cup.
    #[must_use]
    pub const fn single(cup: usize) -> Self {
        if cup < CUPS { Self(1 << cup) } else { Self::NONE }
    }

    /// Whether cup number `cup` is in the set; never so from [`CUPS`] on.
    #[must_use]
    pub const fn contains(self, cup: usize) -> bool {
        cup < CUPS && self.0 & (1 << cup) != 0
    }

    /// This set and that cup; unchanged where the tool has no such cup.
    #[must_use]
    pub const fn with(self, cup: usize) -> Self {
        Self(self.0 | Self::single(cup).0)
    }

    /// The cups that are in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Number of cups of the tool in the set.
    #[must_use]
    pub const fn count(self) -> u32 {
        (self.0 & Self::ALL.0).count_ones()
    }

    /// Whether no cup of the tool is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.count() == 0
    }

    /// Whether every bit stands for a cup that the tool has.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.0 & !Self::ALL.0 == 0
    }

    /// The cups in the set, in ascending order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..CUPS).filter(move |&cup| self.contains(cup))
    }
}

impl FromIterator<usize> for CupSet {
    fn from_iter<I: IntoIterator<Item = usize>>(cups: I) -> Self {
        cups.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_knows_its_cups_in_ascending_order() {
        let set: CupSet = [4, 0, 2].into_iter().collect();
        assert_eq!(set, CupSet(0b1_0101));
        assert!(set.iter().eq([0, 2, 4]));
        assert_eq!(set.count(), 3);
        assert!(set.contains(4) && !set.contains(1));
    }

    #[test]
    fn a_cup_that_the_tool_does_not_have_is_in_no_set() {
        assert_eq!(CupSet::single(6), CupSet::NONE);
        assert_eq!(CupSet::single(usize::MAX), CupSet::NONE);
        assert!(!CupSet(0xff).contains(6));
        assert_eq!(CupSet(0xff).count(), 6);
        assert!(!CupSet(0x40).is_valid());
        assert!(CupSet(0x40).is_empty());
        assert!(CupSet::ALL.is_valid() && CupSet::ALL.count() == 6);
    }
}
