//! Where a motion's nodes are: deep in a container on a straight way, or above rims and contents.

use nalgebra::Vector3;

use crate::chain::{Chain, Frames};
use crate::collision::{Checker, Sweep};
use crate::route::{Line, Route};
use crate::spline::{NODES, Spline};

/// Height by which a node may be lower than it should and still counts as above, metres: less than what is kept
/// beside what is checked.
pub(crate) const ABOUT: f64 = 1e-3;
/// How much further from a straight way than it should be a node may be, metres.
const BARELY: f64 = 2e-4;
/// Distance from a straight way that is kept at its deep end, metres, and what it grows by for each metre from there.
const BESIDE: [f64; 2] = [0.0003, 0.01];

/// The arm at each node, and what covers half of the way to the nodes before and after.
pub(crate) fn looked(chain: &Chain, spline: &Spline) -> Vec<(Frames, Sweep)> {
    let frames: Vec<_> = (0..NODES).map(|node| chain.frames(&spline.at_node(node).q)).collect();
    let sweep = |node: usize| {
        let beside = [node.saturating_sub(1), (node + 1).min(NODES - 1)].map(|other| &frames[other].tool);
        Sweep::between(&frames[node].tool, &beside)
    };
    (0..NODES).map(|node| (frames[node], sweep(node))).collect()
}

/// Where the tool is beside a straight way.
pub(crate) struct Off {
    pub(crate) aside: Vector3<f64>,
    pub(crate) tangent: Vector3<f64>,
    /// Distance along the way from its deep end, metres.
    pub(crate) deep: f64,
}

impl Off {
    pub(crate) fn new(line: &Line, place: &Vector3<f64>) -> Self {
        let (s, there, tangent) = line.curve.nearest(place);
        let deep = if tangent.z < 0.0 { line.curve.length() - s } else { s };
        Self { aside: place - there, tangent: tangent.normalize(), deep }
    }

    /// How far aside it may be, metres.
    pub(crate) fn most(&self) -> f64 {
        BESIDE[0] + BESIDE[1] * self.deep
    }
}

/// First node that is above rims and contents, and the last: where the way over begins and ends.
pub(crate) fn way_over(chain: &Chain, checker: &Checker<'_>, route: &Route, spline: &Spline) -> [usize; 2] {
    let tool = |node: usize| chain.tool(&spline.at_node(node).q);
    let is_above = |node: &usize| {
        let here = tool(*node);
        let beside = [node.saturating_sub(1), (node + 1).min(NODES - 1)].map(tool);
        checker.above(&here, 0.0, &Sweep::between(&here, &[&beside[0], &beside[1]])).0 >= -ABOUT
    };
    let leaves = route.up.as_ref().and_then(|_| (0..NODES).find(is_above)).unwrap_or(0);
    let enters = match route.down {
        Some(_) => (leaves..NODES).rev().find(is_above).unwrap_or(leaves),
        None => NODES - 1,
    };
    [leaves, enters]
}

/// By how much the worst node of the first (0) or the second half (1) of a motion misses what it should keep, metres: the
/// straight way while it is deep in a container, where nothing else is known to be free, and height from there on.
pub(crate) fn missed(chain: &Chain, checker: &Checker<'_>, route: &Route, spline: &Spline, side: usize) -> f64 {
    const HALF: usize = NODES / 2;
    let line = if side == 0 { &route.up } else { &route.down };
    // From the deep end on.
    let node = |k: usize| if side == 0 { k } else { NODES - 1 - k };
    let frames: Vec<_> = (0..=HALF + 1).map(|k| chain.frames(&spline.at_node(node(k)).q)).collect();
    let mut is_deep = line.is_some();
    let mut worst = 0.0_f64;
    for k in 0..=HALF {
        let tool = &frames[k].tool;
        let room = checker
            .above(tool, 0.0, &Sweep::between(tool, &[&frames[k.saturating_sub(1)].tool, &frames[k + 1].tool]))
            .0;
        is_deep &= room < -ABOUT;
        worst = worst.max(match line {
            Some(line) if is_deep => {
                let off = Off::new(line, &tool.translation.vector);
                off.aside.norm() - off.most() - BARELY
            }
            _ => -room - ABOUT,
        });
    }
    worst
}
