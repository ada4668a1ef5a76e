//! The search for grasps: points of the visible surface × turns of the tool × sets of cups.

use core::f64::consts::PI;
use core::mem::discriminant;

use control::Hold;
use nalgebra::{Isometry3, Point3};
use scene::{Item, Span};

use crate::candidate::{Candidate, Surroundings};
use crate::hang::{Hang, Spring};
use crate::judge::{Judged, MARGIN_LEAST_M, MARGIN_M, Trial, empty_features, nth_cup};
use crate::patch::Patches;
use crate::pattern::is_half_turn_alike;
use crate::raster::CELL_M;
use crate::rejection::Rejection;
use crate::space::{Ground, walls};
use crate::suction;
use crate::target::{APPROACH_M, Target};
use crate::wrench::Allowed;

/// Points of a face that are tried, about.
const POINTS: f64 = 130.0;
/// Clearances of the tool's rigid parts, metres.
const WALL_CLEAR_M: f64 = 0.002;
const NEIGHBOUR_CLEAR_M: f64 = 0.005;
/// An idle cup may meet a neighbour this far before the face, metres.
const RISE_MOST_M: f64 = 0.007;
/// By how much a height map's upper quartile lies above the surface, metres.
const RISE_BIAS_M: f64 = 0.002;
/// Kept for whoever asks why.
const ACCEPTED_MOST: usize = 40;
const REJECTED_OF_A_KIND: usize = 6;
/// Grasps whose room is looked at, at most.
const LOOKED_AT_MOST: usize = 150;
/// Parts of a lip that may lean on an item each for itself.
const LIP_PARTS: usize = 8;
/// Accepted grasps of one spot, and its size, metres.
const AT_A_SPOT: usize = 3;
const SPOT_M: f64 = 0.009;

/// Rejected trials, a few of each kind.
#[derive(Default)]
struct Refused(Vec<(Trial, Rejection)>);

impl Refused {
    fn push(&mut self, trial: Trial, why: Rejection) {
        let kind = discriminant(&why);
        let mut alike = 0;
        for (other, reason) in &self.0 {
            if discriminant(reason) == kind {
                alike += 1;
                if alike >= REJECTED_OF_A_KIND || (other.stance.point - trial.stance.point).norm() < 0.012 {
                    return;
                }
            }
        }
        self.0.push((trial, why));
    }
}

/// For each hold whether the arm gets there, and about how long it then carries: `control::Planner::estimate` for one bin.
pub type Carries<'a> = dyn Fn(&[&Hold]) -> Vec<Option<Span>> + 'a;

/// Suction grasps for one item, accepted ones first, the best first; then rejected ones with their reasons.
///
/// At most 40 accepted, no more than three within 9 mm, and six rejected of each kind. `items` are all
/// items of the look, `carries` is asked for accepted ones only. Empty when less than 20 cells of 2.5 mm of the item are
/// seen. Same input, same output; nothing is random.
#[must_use]
pub fn grasps(item: &Item, items: &[Item], around: &Surroundings<'_>, carries: &Carries<'_>) -> Vec<Candidate> {
    let Some(target) = Target::of(item, items, around) else {
        return Vec::new();
    };
    let mut search = Search {
        turns: if is_half_turn_alike(around.tool) { 4 } else { 8 },
        ground: Ground::of(around.surface, |x, y| target.raster.is_own(x, y)),
        target: &target,
        refused: Refused::default(),
        trials: Vec::new(),
    };
    let lip_m = around.tool.r_eff_m;
    let mut patches: Vec<Patches<'_>> =
        target.facets.iter().map(|facet| Patches::new(&target.raster, facet, lip_m, MARGIN_M)).collect();
    for (facet, patches) in patches.iter_mut().enumerate() {
        search.try_facet(facet, patches);
    }
    search.finish(&mut patches, carries)
}

/// A way for the tool to take a trial.
struct Taken {
    /// What room and swinging leave of the trial's probability.
    chance: f64,
    room: f64,
    steady: f64,
    cups: u8,
    tool: Isometry3<f64>,
    hang: Hang,
    allowed: Allowed,
    /// Cups on the item, holding or idle.
    on_item: f64,
}

struct Search<'a> {
    target: &'a Target<'a>,
    /// The tote around the item.
    ground: Ground,
    turns: u32,
    refused: Refused,
    trials: Vec<Trial>,
}

impl Search<'_> {
    fn try_facet(&mut self, index: usize, patches: &mut Patches<'_>) {
        let target = self.target;
        let facet = &target.facets[index];
        let tool = target.around.tool;
        let step = ((facet.count as f64 / POINTS).sqrt().round() as usize).clamp(2, 8);
        let Some(middle) = target.raster.at(facet.middle.x, facet.middle.y) else {
            return;
        };
        let (mi, mj) = (middle % target.raster.nx % step, middle / target.raster.nx % step);
        let limit = MARGIN_M.min(facet.widest() - tool.r_eff_m - 0.2 * CELL_M).max(MARGIN_LEAST_M);
        for k in target.raster.inner() {
            let (i, j) = (k % target.raster.nx, k / target.raster.nx);
            if i % step != mi || j % step != mj || !facet.member[k] {
                continue;
            }
            let [x, y] = target.raster.centre(k);
            let Some(patch) = patches.at(x, y) else {
                continue;
            };
            let stance = target.stance(patch.point, patch.normal);
            let trial = |stance, pattern| Trial { stance, pattern, facet: index, p: 0.0 };
            if let Err(why) = target.suits(facet, &patch.normal) {
                self.refused.push(trial(stance, 0), why);
                continue;
            }
            for (number, pattern) in target.patterns.iter().enumerate() {
                // One cup is the same whichever way the tool is turned.
                let turns = if pattern.cups.len() == 1 { 1 } else { self.turns };
                for turn in 0..turns {
                    let mut trial = trial(stance.turned(PI / 4.0 * f64::from(turn)), number);
                    match target.judge(&trial, pattern, patches, limit, None) {
                        Ok(p) => {
                            trial.p = p;
                            self.trials.push(trial);
                        }
                        Err(why) => self.refused.push(trial, why),
                    }
                }
            }
        }
    }

    /// Looks at the room around the best trials, asks for reach, builds candidates.
    fn finish(mut self, patches: &mut [Patches<'_>], carries: &Carries<'_>) -> Vec<Candidate> {
        // Better first; where equal, in the order of trying.
        let mut order: Vec<(f64, usize)> = self.trials.iter().enumerate().map(|(i, t)| (t.p, i)).collect();
        let few = order.len().min(20 * LOOKED_AT_MOST);
        let better = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if few < order.len() {
            order.select_nth_unstable_by(few, better);
            order.truncate(few);
        }
        order.sort_unstable_by(better);
        let trials = core::mem::take(&mut self.trials);
        let mut order = order.into_iter().map(|(_, index)| &trials[index]);
        let mut accepted: Vec<Candidate> = Vec::new();
        let mut spots: Vec<Point3<f64>> = Vec::new();
        let mut without_room: Vec<(usize, Point3<f64>)> = Vec::new();
        let mut looked_at = 0;
        loop {
            // As many as are still wanted, then all of them are asked for at once.
            let mut placed: Vec<(&Trial, Candidate)> = Vec::new();
            while accepted.len() + placed.len() < ACCEPTED_MOST && looked_at < LOOKED_AT_MOST {
                let Some(trial) = order.next() else { break };
                let near = |p: &Point3<f64>| (p - trial.stance.point).norm() < SPOT_M;
                let taken = spots.iter().chain(placed.iter().map(|(t, _)| &t.stance.point)).filter(|p| near(p)).count();
                let same = |(pattern, p): &&(usize, Point3<f64>)| *pattern == trial.pattern && near(p);
                if taken >= AT_A_SPOT || without_room.iter().filter(same).count() >= 2 {
                    continue;
                }
                looked_at += 1;
                match self.place_tool(trial, &mut patches[trial.facet]) {
                    Ok((candidate, other)) => {
                        if let Some(why) = other {
                            self.refused.push(*trial, why);
                        }
                        placed.push((trial, candidate));
                    }
                    Err(why) => {
                        without_room.push((trial.pattern, trial.stance.point));
                        self.refused.push(*trial, why);
                    }
                }
            }
            if placed.is_empty() {
                break;
            }
            let holds: Vec<&Hold> = placed.iter().map(|(_, candidate)| &candidate.hold).collect();
            let carries = carries(&holds);
            for ((trial, mut candidate), carry) in placed.into_iter().zip(carries) {
                if carry.is_none() {
                    self.refused.push(*trial, Rejection::OutOfReach);
                    continue;
                }
                candidate.carry = carry;
                spots.push(trial.stance.point);
                accepted.push(candidate);
            }
        }
        accepted.sort_by(|a, b| b.score.total_cmp(&a.score));
        let mut refused = core::mem::take(&mut self.refused.0);
        // What came nearest to being taken first.
        refused.sort_by_key(|(_, why)| nearness(why));
        accepted.extend(refused.into_iter().map(|(trial, why)| self.rejected(&trial, why)));
        accepted
    }

    /// The turn and the cups of the tool with which a trial has the most room, and why not those that come first.
    fn place_tool(
        &self,
        trial: &Trial,
        patches: &mut Patches<'_>,
    ) -> Result<(Candidate, Option<Rejection>), Rejection> {
        let target = self.target;
        let pattern = &target.patterns[trial.pattern];
        let mut judged =
            Judged { features: empty_features(&trial.stance), gap_m: 0.0, allowed: Allowed::LEAST, steady: 1.0 };
        let p = target.judge(trial, pattern, patches, MARGIN_LEAST_M, Some(&mut judged))?;
        let mut stance = trial.stance;
        stance.point -= stance.normal * judged.gap_m;
        let turns: &[u32] = match (pattern.cups.len(), self.turns) {
            (1, 4) => &[0, 2, 1, 3],
            (1, _) => &[0, 2, 4, 6, 1, 3, 5, 7],
            _ => &[0],
        };
        let mut best: Option<Taken> = None;
        let mut first = None;
        'turns: for turn in turns {
            let stance = stance.turned(PI / 4.0 * f64::from(*turn));
            for take in &pattern.takes {
                let tool = stance.tool(take.middle);
                match self.room(&tool, take.cups) {
                    Ok(room) => {
                        let idle = self.idle(&tool, take.cups, patches);
                        let hang = target.hang(&stance, pattern, take.middle, &idle);
                        let (steady, sideways) = target.steadied(&stance, &hang, judged.allowed.sideways);
                        let chance = room * steady / judged.steady;
                        if best.as_ref().is_none_or(|b| chance > b.chance + 1e-9) {
                            let on_item = pattern.cups.len() as f64 + idle.iter().map(|s| s.share).sum::<f64>();
                            best = Some(Taken {
                                chance,
                                room,
                                steady,
                                cups: take.cups,
                                tool,
                                hang,
                                allowed: Allowed { sideways, ..judged.allowed },
                                on_item,
                            });
                        }
                        if room > 0.97 && chance > 0.97 {
                            break 'turns;
                        }
                    }
                    Err(why) => first = first.or(Some((why, best.is_none()))),
                }
            }
        }
        match (best, first) {
            (Some(taken), first) => {
                let cups = taken.cups;
                let mut features = judged.features;
                features.room = taken.room;
                features.steady = taken.steady;
                for (i, cup) in features.cups.iter_mut().enumerate() {
                    cup.cup = nth_cup(cups, i);
                }
                let expected = target.supplies[pattern.cups.len()].expected_pa;
                let candidate = Candidate {
                    hold: target.hold(&taken.tool, cups, taken.allowed, expected, Some(&taken.hang), taken.on_item),
                    score: (p * taken.chance).min(1.0),
                    features,
                    carry: None,
                    rejected: None,
                };
                Ok((candidate, first.filter(|(_, before)| *before).map(|(why, _)| why)))
            }
            (None, Some((why, _))) => Err(why),
            (None, None) => Err(Rejection::OutOfReach),
        }
    }

    /// The parts of idle lips that lean on the item when other cups hold it, as springs.
    fn idle(&self, tool_at: &Isometry3<f64>, cups: u8, patches: &Patches<'_>) -> Vec<Spring> {
        let tool = self.target.around.tool;
        let share = 1.0 / LIP_PARTS as f64;
        let mut springs = Vec::with_capacity(32);
        for (_, cup) in tool.cups.iter().enumerate().filter(|(i, _)| cups & (1 << i) == 0) {
            for part in 0..LIP_PARTS {
                let (sin, cos) = (2.0 * PI * part as f64 * share).sin_cos();
                let at = [cup[0] + tool.r_eff_m * cos, cup[1] + tool.r_eff_m * sin];
                let lip = tool_at * Point3::new(at[0], at[1], 0.0);
                if patches.is_on(lip.x, lip.y) {
                    springs.push(Spring { at, force_n: 0.0, share });
                }
            }
        }
        springs
    }

    /// Probability that nothing is touched that should not be.
    fn room(&self, tool_at: &Isometry3<f64>, cups: u8) -> Result<f64, Rejection> {
        let target = self.target;
        let (tool, tote) = (target.around.tool, target.around.tote);
        let press = target.press_m;
        if let Some(clash) = walls(tool, tool_at, press, APPROACH_M, tote.size, WALL_CLEAR_M) {
            return Err(Rejection::HitsWall {
                body: clash.body,
                over_mm: clash.over_m * 1e3,
                limit_mm: WALL_CLEAR_M * 1e3,
            });
        }
        let seen = self.ground.under(tool, tool_at, press, NEIGHBOUR_CLEAR_M);
        if let Some(clash) = seen.clash {
            return Err(Rejection::HitsNeighbour {
                body: clash.body,
                over_mm: clash.over_m * 1e3,
                limit_mm: NEIGHBOUR_CLEAR_M * 1e3,
            });
        }
        let mut room = 1.0 - 0.1 * (1.0 - seen.clear_m / 0.008).clamp(0.0, 1.0);
        room *= 1.0 - 0.2 * seen.unseen;
        let mut points = [0.0; 64];
        for (cup, middle) in tool.cups.iter().enumerate().filter(|(i, _)| cups & (1 << i) == 0) {
            let count = self.ground.rises(tool_at, *middle, 0.5 * tool.cup_diameter_m, 0.0, &mut points);
            if count < 3 {
                continue;
            }
            let rises = &mut points[..count];
            rises.sort_unstable_by(f64::total_cmp);
            let rise = rises[count * 3 / 4] - RISE_BIAS_M;
            if rise > RISE_MOST_M {
                return Err(Rejection::IdleCupTouches { cup, rise_mm: rise * 1e3, limit_mm: RISE_MOST_M * 1e3 });
            }
            room *= suction::touches(rise);
        }
        Ok(room)
    }

    fn rejected(&self, trial: &Trial, why: Rejection) -> Candidate {
        let pattern = &self.target.patterns[trial.pattern];
        let take = pattern.takes[0];
        let expected = self.target.supplies[pattern.cups.len()].expected_pa;
        Candidate {
            hold: self.target.hold(
                &trial.stance.tool(take.middle),
                take.cups,
                Allowed::LEAST,
                expected,
                None,
                pattern.cups.len() as f64,
            ),
            score: trial.p,
            features: empty_features(&trial.stance),
            carry: None,
            rejected: Some(why),
        }
    }
}

/// Rejections in the order in which they are found, the last first: what a person asks for is why the best
/// grasp failed, not why a cup can't sit on the edge.
fn nearness(why: &Rejection) -> u8 {
    match why {
        Rejection::NoMotion | Rejection::OutOfReach | Rejection::Unlikely { .. } => 0,
        Rejection::HitsWall { .. } | Rejection::HitsNeighbour { .. } | Rejection::IdleCupTouches { .. } => 1,
        Rejection::TooHeavy { .. } | Rejection::TooLeaky { .. } => 2,
        Rejection::Covered { .. } | Rejection::TooCurved { .. } => 3,
        Rejection::OutOfTouch { .. }
        | Rejection::CupLeans { .. }
        | Rejection::Uneven { .. }
        | Rejection::Step { .. }
        | Rejection::NoDepth { .. } => 4,
        Rejection::TooSteep { .. } => 5,
        Rejection::OverEdge { .. } => 6,
    }
}
