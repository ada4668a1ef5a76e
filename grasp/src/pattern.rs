//! The sets of neighbouring cups that may hold an item together.

use control::ToolModel;

/// One way for a pattern to be taken up by the tool.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Take {
    /// Bit i is cup i.
    pub(crate) cups: u8,
    /// The middle of the cups in the tool frame, metres.
    pub(crate) middle: [f64; 2],
}

/// Cups that lie as the corners, sides and middles of a rectangle, whichever of the tool's they are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Pattern {
    /// Cups about their middle, metres.
    pub(crate) cups: Vec<[f64; 2]>,
    /// Greatest |x| and |y| of them, metres.
    pub(crate) reach: [f64; 2],
    /// Sum of x² and of y² over them, m².
    pub(crate) spread: [f64; 2],
    /// Which cups of the tool lie so; those nearest the tool's middle first.
    pub(crate) takes: Vec<Take>,
}

/// All patterns of a tool, the small ones first. A pattern holds every cup inside its own outline, so
/// that no idle cup lies between two that hold.
pub(crate) fn patterns(tool: &ToolModel) -> Vec<Pattern> {
    const NEAR_M: f64 = 1e-4;
    let count = tool.cups.len().min(8);
    let mut found: Vec<Pattern> = Vec::new();
    for bits in 1..1_u16 << count {
        let cups = bits as u8;
        let of = |i: &usize| cups & (1 << i) != 0;
        let members: Vec<[f64; 2]> = (0..count).filter(of).map(|i| tool.cups[i]).collect();
        let low = |axis: usize| members.iter().map(|c| c[axis]).fold(f64::INFINITY, f64::min) - NEAR_M;
        let high = |axis: usize| members.iter().map(|c| c[axis]).fold(f64::NEG_INFINITY, f64::max) + NEAR_M;
        let (x, y) = (low(0)..=high(0), low(1)..=high(1));
        if (0..count).any(|i| !of(&i) && x.contains(&tool.cups[i][0]) && y.contains(&tool.cups[i][1])) {
            continue;
        }
        let n = members.len() as f64;
        let middle = [0, 1].map(|axis| members.iter().map(|c| c[axis]).sum::<f64>() / n);
        let about: Vec<[f64; 2]> = members.iter().map(|c| [c[0] - middle[0], c[1] - middle[1]]).collect();
        let same = |p: &Pattern| {
            p.cups.len() == about.len()
                && p.cups.iter().zip(&about).all(|(a, b)| (a[0] - b[0]).hypot(a[1] - b[1]) < NEAR_M)
        };
        let take = Take { cups, middle };
        match found.iter_mut().find(|p| same(p)) {
            Some(pattern) => pattern.takes.push(take),
            None => found.push(Pattern {
                reach: [0, 1].map(|axis| about.iter().map(|c| c[axis].abs()).fold(0.0, f64::max)),
                spread: [0, 1].map(|axis| about.iter().map(|c| c[axis] * c[axis]).sum()),
                cups: about,
                takes: vec![take],
            }),
        }
    }
    let from_middle = |t: &Take| t.middle[0].hypot(t.middle[1]);
    for pattern in &mut found {
        pattern.takes.sort_by(|a, b| from_middle(a).total_cmp(&from_middle(b)).then(a.cups.cmp(&b.cups)));
    }
    found.sort_by_key(|p| p.cups.len());
    found
}

/// True when half a turn about its axis leaves the tool as it was.
pub(crate) fn is_half_turn_alike(tool: &ToolModel) -> bool {
    let has = |x: f64, y: f64| tool.cups.iter().any(|c| (c[0] - x).hypot(c[1] - y) < 1e-4);
    tool.cups.iter().all(|c| has(-c[0], -c[1])) && tool.bodies.iter().all(|b| b.centre_m[0].hypot(b.centre_m[1]) < 1e-3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_cups_give_six_patterns_that_can_be_taken_in_eighteen_ways() {
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        let patterns = patterns(&tool);
        let counts: Vec<_> = patterns.iter().map(|p| (p.cups.len(), p.takes.len())).collect();
        assert_eq!(counts, [(1, 6), (2, 4), (2, 3), (3, 2), (4, 2), (6, 1)]);
        assert!(patterns[0].takes[0].middle[0].abs() < 1e-9, "{:?}", patterns[0].takes[0]);
        assert!(is_half_turn_alike(&tool));
    }
}
