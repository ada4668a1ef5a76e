//! Whether there is a way at all: RRT-Connect (Kuffner and LaValle, "RRT-Connect: An efficient approach to
//! single-query path planning", ICRA 2000), asked where the planner finds nothing.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::problem::{Problem, Site};
use super::recheck::Recheck;
use crate::JointAngles;
use crate::program::SegmentKind;

/// Longest step of any joint between two looks, radians.
const STEP: f64 = 0.03;
/// Steps of one extension.
const STEPS: usize = 10;

/// Configurations that one end can be gone to from; who asks whether there is a way needs no parents.
struct Tree {
    nodes: Vec<[f64; 6]>,
}

enum Reached {
    Nothing,
    Part(usize),
    All(usize),
}

/// Whether the joints can go from the grasp to any branch of the goal with nothing touched, as the second look sees
/// it on the way out of a container. `go_on` is asked before each sample; when it says no the answer is no.
#[must_use]
pub fn reachable(site: &Site<'_>, problem: &Problem, seed: u64, mut go_on: impl FnMut() -> bool) -> bool {
    let recheck = Recheck::new(site, problem);
    let free = |q: &[f64; 6]| recheck.touched(&JointAngles(*q), SegmentKind::Lift).is_none();
    let goals = problem.goals().into_iter().flat_map(|goal| site.planner.inverse(&goal));
    let goals: Vec<_> = goals.map(|q| q.0).filter(|q| free(q)).collect();
    if goals.is_empty() || !free(&problem.from.0) {
        return false;
    }
    let mut trees = [Tree { nodes: vec![problem.from.0] }, Tree { nodes: goals }];
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let joints = &site.robot.joints;
    let mut turn = 0;
    while go_on() {
        let sample: [f64; 6] = std::array::from_fn(|i| rng.random_range(joints[i].min..joints[i].max));
        let from = trees[turn].nearest(&sample);
        if let Reached::Part(new) | Reached::All(new) = trees[turn].extend(from, &sample, &free) {
            let target = trees[turn].nodes[new];
            let other = &mut trees[1 - turn];
            let mut at = other.nearest(&target);
            loop {
                match other.extend(at, &target, &free) {
                    Reached::All(_) => return true,
                    Reached::Part(next) => at = next,
                    Reached::Nothing => break,
                }
            }
        }
        turn = 1 - turn;
    }
    false
}

/// Whether nothing is touched on the straight way of the joints from one configuration to another, both included, looked
/// at as [`reachable`] does: with the same step and the same leniency.
#[must_use]
pub fn way_is_free(recheck: &Recheck<'_>, from: &JointAngles, to: &JointAngles) -> bool {
    let longest = from.0.iter().zip(&to.0).fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
    let count = (longest / STEP).ceil().max(1.0) as usize;
    let at = |k: usize| std::array::from_fn(|i| from.0[i] + (k as f64 / count as f64) * (to.0[i] - from.0[i]));
    // Ends, then halves, then quarters: what stands in the way is soonest met by wide steps.
    let mut stride = count.next_power_of_two();
    let mut order = vec![0, count];
    while stride > 1 {
        order.extend((stride / 2..count).step_by(stride));
        stride /= 2;
    }
    order.into_iter().all(|k| recheck.touched(&JointAngles(at(k)), SegmentKind::Lift).is_none())
}

impl Tree {
    fn nearest(&self, q: &[f64; 6]) -> usize {
        let far = |n: &[f64; 6]| n.iter().zip(q).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
        let all = self.nodes.iter().enumerate().map(|(k, n)| (k, far(n)));
        all.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(k, _)| k)
    }

    /// Goes from a node towards `q` by an extension at most.
    fn extend(&mut self, from: usize, q: &[f64; 6], free: &impl Fn(&[f64; 6]) -> bool) -> Reached {
        let start = self.nodes[from];
        let longest = start.iter().zip(q).fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
        let count = (longest / STEP).ceil().max(1.0);
        let mut last = None;
        for k in 1..=(count as usize).min(STEPS) {
            let share = k as f64 / count;
            let next = std::array::from_fn(|i| start[i] + share * (q[i] - start[i]));
            if !free(&next) {
                break;
            }
            last = Some((k, next));
        }
        let Some((k, node)) = last else { return Reached::Nothing };
        self.nodes.push(node);
        let new = self.nodes.len() - 1;
        if k == count as usize { Reached::All(new) } else { Reached::Part(new) }
    }
}
