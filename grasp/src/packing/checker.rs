//! The rules once more, from the boxes alone: it shares no height map and no sweep with what chooses.

use super::grid::{Rule, SIDE};
use super::policy::Placed;
use super::stack::stands;

/// What is wrong with a packed bin; boxes are counted from 0 in the order in which they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A side of no length, or out of the bin.
    #[error("box {0} is not inside the bin of 10 × 10 × 10 cells")]
    Outside(usize),
    /// Two boxes share a cell.
    #[error("boxes {0} and {1} overlap")]
    Overlap(usize, usize),
    /// It hangs in the air.
    #[error("box {0} touches nothing below")]
    Hangs(usize),
    /// What stands over its footprint is higher than it lies: it can't have come down there.
    #[error("box {0} lies below box {1} that came before it")]
    Beneath(usize, usize),
    /// The set's rule refuses it.
    #[error("box {0} breaks the rule of stability")]
    Unstable(usize),
}

/// Looks at the boxes one after another, as they came.
///
/// # Errors
/// The first fault that is found.
pub fn check(boxes: &[Placed], rule: Rule) -> Result<(), Fault> {
    for (i, new) in boxes.iter().enumerate() {
        let ends = |b: &Placed, a: usize| u16::from(b.at[a]) + u16::from(b.size[a]);
        if (0..3).any(|a| new.size[a] == 0 || ends(new, a) > u16::from(SIDE)) {
            return Err(Fault::Outside(i));
        }
        let before = &boxes[..i];
        let beside = |b: &Placed, a: usize| ends(b, a) <= u16::from(new.at[a]) || ends(new, a) <= u16::from(b.at[a]);
        for (j, old) in before.iter().enumerate().filter(|(_, b)| !beside(b, 0) && !beside(b, 1)) {
            if !beside(old, 2) {
                return Err(Fault::Overlap(j, i));
            }
            if u16::from(old.at[2]) >= ends(new, 2) {
                return Err(Fault::Beneath(i, j));
            }
        }
        // The height of a column of cells: the highest box in it.
        let height = |x: u8, y: u8| {
            let covers =
                |b: &&Placed| x >= b.at[0] && x - b.at[0] < b.size[0] && y >= b.at[1] && y - b.at[1] < b.size[1];
            before.iter().filter(covers).map(|b| b.at[2] + b.size[2]).max().unwrap_or(0)
        };
        let (x0, y0) = (new.at[0], new.at[1]);
        let (x1, y1) = (x0 + new.size[0] - 1, y0 + new.size[1] - 1);
        let columns = (y0..=y1).flat_map(|y| (x0..=x1).map(move |x| (x, y)));
        let touching = columns.filter(|&(x, y)| height(x, y) == new.at[2]).count();
        if touching == 0 {
            return Err(Fault::Hangs(i));
        }
        let holds = match rule {
            Rule::Free => true,
            Rule::Centre => stands(&boxes[..=i]),
            Rule::Corners => {
                let corners = [height(x0, y0), height(x1, y0), height(x0, y1), height(x1, y1)];
                let highest = corners.iter().copied().max().unwrap_or(0);
                let level = corners.iter().filter(|c| **c == highest).count();
                let share = touching as f64 / (f64::from(new.size[0]) * f64::from(new.size[1]));
                let at_rest = highest == new.at[2];
                let enough =
                    share > 0.95 || (at_rest && level == 3 && share > 0.85) || (at_rest && level == 4 && share > 0.50);
                level >= 3 && enough
            }
        };
        if !holds {
            return Err(Fault::Unstable(i));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(boxes: &[([u8; 3], [u8; 3])], rule: Rule, expected: Result<(), Fault>) {
        let boxes: Vec<Placed> = boxes.iter().map(|&(at, size)| Placed { at, size }).collect();
        assert_eq!(check(&boxes, rule), expected, "{boxes:?}");
    }

    #[test]
    fn each_fault_is_found_and_named() {
        let rule = Rule::Corners;
        faults(&[([0, 0, 0], [3, 3, 3]), ([0, 0, 3], [3, 3, 3])], rule, Ok(()));
        faults(&[([8, 0, 0], [3, 3, 3])], rule, Err(Fault::Outside(0)));
        faults(&[([0, 0, 0], [3, 0, 3])], rule, Err(Fault::Outside(0)));
        faults(&[([0, 0, 0], [3, 3, 3]), ([2, 2, 2], [3, 3, 3])], rule, Err(Fault::Overlap(0, 1)));
        faults(&[([0, 0, 0], [3, 3, 3]), ([4, 4, 1], [3, 3, 3])], rule, Err(Fault::Hangs(1)));
        faults(&[([0, 0, 0], [3, 3, 3]), ([1, 0, 3], [3, 3, 3])], rule, Err(Fault::Unstable(1)));
        faults(&[([0, 0, 0], [3, 3, 3]), ([1, 0, 3], [3, 3, 3])], Rule::Free, Ok(()));
        faults(&[([0, 0, 4], [3, 3, 3])], Rule::Free, Err(Fault::Hangs(0)));
        faults(
            &[([0, 0, 0], [2, 2, 5]), ([0, 0, 5], [4, 4, 2]), ([2, 2, 0], [2, 2, 2])],
            Rule::Free,
            Err(Fault::Beneath(2, 1)),
        );
    }

    #[test]
    fn three_corners_and_five_sixths_are_too_little_and_four_with_two_thirds_enough() {
        // A slab of 3 × 2 on three corners: 5 of 6 cells.
        let three = [([0, 0, 0], [3, 1, 2]), ([0, 1, 0], [2, 1, 2]), ([0, 0, 2], [3, 2, 2])];
        faults(&three, Rule::Corners, Err(Fault::Unstable(2)));
        let four = [([0, 0, 0], [1, 2, 2]), ([2, 0, 0], [1, 2, 2]), ([0, 0, 2], [3, 2, 2])];
        faults(&four, Rule::Corners, Ok(()));
    }
}
