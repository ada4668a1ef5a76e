//! The search for grasps: points of the visible surface × turns of the tool × sets of cups.

use core::f64::consts::PI;
use core::mem::discriminant;

use control::Hold;
use nalgebra::{Isometry3, Point3, Vector3};
use scene::Item;

use crate::candidate::{Candidate, CupFeatures, Features, Surroundings};
use crate::facet::Facet;
use crate::patch::Patches;
use crate::pattern::{Pattern, is_half_turn_alike};
use crate::raster::CELL_M;
use crate::rejection::{Rejection, Weakest};
use crate::space::{Ground, walls};
use crate::suction::{self, LEAST_BEND, SEALED_FLOOR_PA};
use crate::target::{APPROACH_M, Stance, Target};
use crate::wrench::Grip;

/// Points of a face that are tried, about.
const POINTS: f64 = 130.0;
/// Face beside the lip: r_eff + 3 mm on the facet (estimate; lips fail 7 to 14 mm off, 2309.07360).
const MARGIN_M: f64 = 0.003;
/// … and on a face that is too narrow for it, least.
const MARGIN_LEAST_M: f64 = 0.0003;
const TILT_MOST: f64 = 40.0 * PI / 180.0;
/// Share of the probability that a face would lose at 90° (estimate: it swings when lifted, and errors of depth
/// become errors along the face).
const TILT_COST: f64 = 0.5;
const LEAN_MOST: f64 = 20.0 * PI / 180.0;
const RMS_MOST_M: f64 = 0.005;
const BLIND_MOST: f64 = 0.35;
const GAP_MOST_M: f64 = 0.006;
const BURIED_MOST: f64 = 0.3;
const OUTLINE_COVERED_MOST: f64 = 0.85;
/// Clearances of the tool's rigid parts, metres.
const WALL_CLEAR_M: f64 = 0.004;
const NEIGHBOUR_CLEAR_M: f64 = 0.004;
/// An idle cup may meet a neighbour this far before the face, metres.
const RISE_MOST_M: f64 = 0.007;
/// By how much a height map's upper quartile lies above the surface, metres.
const RISE_BIAS_M: f64 = 0.002;
/// The acceleration that ranks grasps, and the range that a hold may allow, m/s².
const USUAL_ACCELERATION: f64 = 4.0;
const ACCELERATION: [f64; 2] = [2.0, 15.0];
/// Safety below which a grasp isn't tried, at the least acceleration.
const SAFETY_LEAST: f64 = 1.2;
/// Scatter of capacity over load, of its logarithm: mass, pressure, friction, centre of mass (estimate).
const HOLD_SIGMA: f64 = 0.3;
/// Kept for whoever asks why.
const ACCEPTED_MOST: usize = 40;
const REJECTED_OF_A_KIND: usize = 6;
/// Grasps whose room is looked at, at most.
const LOOKED_AT_MOST: usize = 150;
/// Accepted grasps of one spot, and its size, metres.
const AT_A_SPOT: usize = 3;
const SPOT_M: f64 = 0.009;

/// A grasp before anybody has looked at the room around.
#[derive(Debug, Clone, Copy)]
struct Trial {
    stance: Stance,
    pattern: usize,
    facet: usize,
    p: f64,
}

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

/// Suction grasps for one item, accepted ones first, the best first; then rejected ones with their reasons.
///
/// At most 40 accepted, no more than three within 9 mm, and six rejected of each kind. `items` are all
/// items of the look, `reach` says whether the arm gets there and is asked for accepted ones only. Empty
/// when less than 20 cells of 2.5 mm of the item are seen. Same input, same output; nothing is random.
#[must_use]
pub fn grasps(item: &Item, items: &[Item], around: &Surroundings<'_>, reach: &dyn Fn(&Hold) -> bool) -> Vec<Candidate> {
    let Some(target) = Target::of(item, items, around) else { return Vec::new() };
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
    search.finish(&mut patches, reach)
}

struct Search<'a> {
    target: &'a Target<'a>,
    /// The tote around the item.
    ground: Ground,
    turns: u32,
    refused: Refused,
    trials: Vec<Trial>,
}

/// What is known of a trial's cups and load.
struct Judged {
    features: Features,
    /// How far the first cup is from the surface in the stance, metres.
    gap_m: f64,
    acceleration: f64,
}

impl Search<'_> {
    fn try_facet(&mut self, index: usize, patches: &mut Patches<'_>) {
        let target = self.target;
        let facet = &target.facets[index];
        let tool = target.around.tool;
        let step = ((facet.count as f64 / POINTS).sqrt().round() as usize).clamp(2, 8);
        let Some(middle) = target.raster.at(facet.middle.x, facet.middle.y) else { return };
        let (mi, mj) = (middle % target.raster.nx % step, middle / target.raster.nx % step);
        let limit = MARGIN_M.min(facet.widest() - tool.r_eff_m - 0.2 * CELL_M).max(MARGIN_LEAST_M);
        for k in target.raster.inner() {
            let (i, j) = (k % target.raster.nx, k / target.raster.nx);
            if i % step != mi || j % step != mj || !facet.member[k] {
                continue;
            }
            let [x, y] = target.raster.centre(k);
            let Some(patch) = patches.at(x, y) else { continue };
            let stance = target.stance(patch.point, patch.normal);
            let trial = |stance, pattern| Trial { stance, pattern, facet: index, p: 0.0 };
            if let Err(why) = self.suits(facet, &patch.normal) {
                self.refused.push(trial(stance, 0), why);
                continue;
            }
            for (number, pattern) in target.patterns.iter().enumerate() {
                // One cup is the same whichever way the tool is turned.
                let turns = if pattern.cups.len() == 1 { 1 } else { self.turns };
                for turn in 0..turns {
                    let mut trial = trial(stance.turned(PI / 4.0 * f64::from(turn)), number);
                    match self.judge(&trial, pattern, patches, limit, None) {
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

    /// What is wrong with a spot whichever cups are used.
    fn suits(&self, facet: &Facet, normal: &Vector3<f64>) -> Result<(), Rejection> {
        let target = self.target;
        let tilt = normal.z.clamp(-1.0, 1.0).acos();
        if tilt > TILT_MOST {
            return Err(Rejection::TooSteep { tilt_deg: tilt.to_degrees(), limit_deg: TILT_MOST.to_degrees() });
        }
        let least = LEAST_BEND * target.around.tool.cup_diameter_m;
        if let Some(radius) = target.bend_m(facet).filter(|r| *r < least) {
            return Err(Rejection::TooCurved { radius_mm: radius * 1e3, limit_mm: least * 1e3 });
        }
        for (share, limit) in [(target.buried, BURIED_MOST), (target.outline_covered, OUTLINE_COVERED_MOST)] {
            if share > limit {
                return Err(Rejection::Covered { share, limit });
            }
        }
        Ok(())
    }

    /// Probability of success, the room around not counted. Fills `into` when it is given.
    fn judge(
        &self,
        trial: &Trial,
        pattern: &Pattern,
        patches: &mut Patches<'_>,
        limit: f64,
        mut into: Option<&mut Judged>,
    ) -> Result<f64, Rejection> {
        let target = self.target;
        let tool = target.around.tool;
        let number = pattern.cups.len();
        let supply = target.supplies[number.min(target.supplies.len() - 1)];
        if supply.expected_pa < SEALED_FLOOR_PA {
            return Err(Rejection::TooLeaky {
                cups: number,
                pressure_kpa: supply.expected_pa * 1e-3,
                limit_kpa: SEALED_FLOOR_PA * 1e-3,
            });
        }
        let stance = &trial.stance;
        let name = |i: usize| nth_cup(pattern.takes[0].cups, i);
        let half_rms = target.surface.half_rms_m * (1.0 + 0.5 * target.compliance);
        let bend = target.bend_m(&target.facets[trial.facet]).map_or(1.0, |r| suction::bends(r, tool.cup_diameter_m));
        let lip_at = |cup: &[f64; 2]| stance.point + stance.x * cup[0] + stance.y() * cup[1];
        let edge = |i: usize, m: f64| Rejection::OverEdge { cup: name(i), margin_mm: m * 1e3, limit_mm: limit * 1e3 };
        // Most sets of cups fail here, at the cost of a look-up each.
        for (i, cup) in pattern.cups.iter().enumerate() {
            let at = lip_at(cup);
            let margin = patches.margin(at.x, at.y);
            if margin < limit - 0.002 {
                return Err(edge(i, margin));
            }
        }
        let (mut margin, mut all, mut odds) = (f64::INFINITY, 1.0, 0.0);
        let mut gaps = [0.0; 8];
        let mut seals = [0.0; 8];
        for (i, cup) in pattern.cups.iter().enumerate() {
            let mut at = lip_at(cup);
            let Some(mut patch) = patches.at(at.x, at.y) else { return Err(edge(i, -tool.r_eff_m)) };
            // Down the tool's axis to a surface that is bent or leans.
            for _ in 0..2 {
                let gap = (at - patch.point).dot(&patch.normal) / patch.normal.dot(&stance.normal).max(0.3);
                if gap.abs() < 1e-6 {
                    break;
                }
                at -= stance.normal * gap;
                gaps[i] += gap;
                let Some(next) = patches.at(at.x, at.y) else { return Err(edge(i, -tool.r_eff_m)) };
                patch = next;
            }
            if patch.margin_m < limit {
                return Err(edge(i, patch.margin_m));
            }
            if patch.blind > BLIND_MOST {
                return Err(Rejection::NoDepth { cup: name(i), share: patch.blind, limit: BLIND_MOST });
            }
            let step_most = 0.5 * tool.stroke_m;
            if patch.step_m > step_most {
                return Err(Rejection::Step { cup: name(i), step_mm: patch.step_m * 1e3, limit_mm: step_most * 1e3 });
            }
            if patch.rms_m > RMS_MOST_M {
                return Err(Rejection::Uneven { cup: name(i), rms_mm: patch.rms_m * 1e3, limit_mm: RMS_MOST_M * 1e3 });
            }
            let lean = patch.normal.dot(&stance.normal).clamp(-1.0, 1.0).acos();
            if lean > LEAN_MOST {
                let (tilt_deg, limit_deg) = (lean.to_degrees(), LEAN_MOST.to_degrees());
                return Err(Rejection::CupLeans { cup: name(i), tilt_deg, limit_deg });
            }
            margin = margin.min(patch.margin_m);
            seals[i] = suction::follows(patch.rms_m, half_rms)
                * suction::stands(lean)
                * (1.0 - 0.6 * patch.blind)
                * bend
                * supply.tight;
            if let Some(judged) = &mut into {
                judged.features.cups.push(CupFeatures {
                    cup: name(i),
                    seal: seals[i],
                    margin_m: patch.margin_m,
                    rms_m: patch.rms_m,
                    tilt_rad: lean,
                    gap_m: gaps[i],
                });
            }
        }
        let first = gaps[..number].iter().copied().fold(f64::INFINITY, f64::min);
        for i in 0..number {
            let gap = gaps[i] - first;
            if gap > GAP_MOST_M {
                return Err(Rejection::OutOfTouch { cup: name(i), gap_mm: gap * 1e3, limit_mm: GAP_MOST_M * 1e3 });
            }
            let seal = (seals[i] * suction::touches(gap)).max(1e-9);
            all *= seal;
            odds += (1.0 - seal) / seal;
            if let Some(judged) = &mut into {
                judged.features.cups[i].seal = seal;
                judged.features.cups[i].gap_m = gap;
            }
        }
        // The station goes on when one of three cups or more is missing, slower by that share.
        let seal = if number >= 3 { (all * (1.0 + 0.8 * odds)).min(1.0) } else { all };
        let on_face = suction::on_face(margin);

        let grip = self.grip(stance, pattern, supply.expected_pa);
        let downs = downs(stance);
        let used = grip.at(USUAL_ACCELERATION, &downs[..1]);
        // The load falls with the acceleration: at the least one it is looked at only where that may matter.
        if used.safety() < 1.5 * SAFETY_LEAST || stance.normal.z < 0.99 {
            let at_rest = grip.at(ACCELERATION[0], &downs);
            if at_rest.safety() < SAFETY_LEAST {
                return Err(Rejection::TooHeavy {
                    cups: number,
                    mass_kg: target.mass_kg,
                    weakest: at_rest.weakest(),
                    safety: at_rest.safety(),
                    limit: SAFETY_LEAST,
                });
            }
        }
        let holds = suction::normal(used.safety().ln() / HOLD_SIGMA);
        let uncovered = (1.0 - target.buried) * (1.0 - 0.2 * target.outline_covered);
        let upright = 1.0 - TILT_COST * (1.0 - stance.normal.z);
        if let Some(judged) = into {
            judged.gap_m = first;
            judged.acceleration =
                grip.most_acceleration(target.surface.safety, &downs, ACCELERATION[0], ACCELERATION[1]);
            let features = &mut judged.features;
            (features.on_face, features.seal, features.holds, features.uncovered) = (on_face, seal, holds, uncovered);
            features.force_n = grip.force_n;
            features.safety = used.safety();
            features.weakest = used.weakest();
        }
        Ok(on_face * seal * holds * uncovered * upright)
    }

    fn grip<'p>(&self, stance: &Stance, pattern: &'p Pattern, pressure_pa: f64) -> Grip<'p> {
        let (target, tool) = (self.target, self.target.around.tool);
        let whole = &target.whole;
        let lever = whole.tote_from_box.translation.vector - stance.point.coords;
        Grip {
            pattern,
            force_n: tool.a_eff_m2 * pressure_pa,
            radius_m: tool.r_eff_m,
            friction: tool.friction * target.surface.friction_share,
            mass_kg: target.mass_kg,
            centre_m: stance.in_tool(&lever),
            unsure_m: 0.003 + 0.03 * whole.size_m[0].max(whole.size_m[1]),
        }
    }

    /// Looks at the room around the best trials, asks for reach, builds candidates.
    fn finish(mut self, patches: &mut [Patches<'_>], reach: &dyn Fn(&Hold) -> bool) -> Vec<Candidate> {
        // Better first; where equal, in the order of trying.
        let mut order: Vec<(f64, usize)> = self.trials.iter().enumerate().map(|(i, t)| (t.p, i)).collect();
        let few = order.len().min(20 * LOOKED_AT_MOST);
        let better = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if few < order.len() {
            order.select_nth_unstable_by(few, better);
            order.truncate(few);
        }
        order.sort_unstable_by(better);
        let mut accepted: Vec<Candidate> = Vec::new();
        let mut spots: Vec<Point3<f64>> = Vec::new();
        let mut without_room: Vec<(usize, Point3<f64>)> = Vec::new();
        let mut looked_at = 0;
        let trials = core::mem::take(&mut self.trials);
        for (_, index) in order {
            let trial = &trials[index];
            if accepted.len() >= ACCEPTED_MOST || looked_at >= LOOKED_AT_MOST {
                break;
            }
            let near = |p: &Point3<f64>| (p - trial.stance.point).norm() < SPOT_M;
            let taken = spots.iter().filter(|p| near(p)).count();
            let same = |(pattern, p): &&(usize, Point3<f64>)| *pattern == trial.pattern && near(p);
            if taken >= AT_A_SPOT || without_room.iter().filter(same).count() >= 2 {
                continue;
            }
            looked_at += 1;
            match self.place_tool(trial, &mut patches[trial.facet]) {
                Ok((candidate, other)) if reach(&candidate.hold) => {
                    if let Some(why) = other {
                        self.refused.push(*trial, why);
                    }
                    spots.push(trial.stance.point);
                    accepted.push(candidate);
                }
                Ok(_) => self.refused.push(*trial, Rejection::OutOfReach),
                Err(why) => {
                    without_room.push((trial.pattern, trial.stance.point));
                    self.refused.push(*trial, why);
                }
            }
        }
        accepted.sort_by(|a, b| b.score.total_cmp(&a.score));
        let refused = core::mem::take(&mut self.refused.0);
        accepted.extend(refused.into_iter().map(|(trial, why)| self.rejected(&trial, why)));
        accepted
    }

    /// The turn and the cups of the tool with which a trial has the most room, and why not those that come first.
    fn place_tool(&self, trial: &Trial, patches: &mut Patches<'_>) -> Result<(Candidate, Option<Rejection>), Rejection> {
        let target = self.target;
        let pattern = &target.patterns[trial.pattern];
        let mut judged = Judged {
            features: empty_features(&trial.stance),
            gap_m: 0.0,
            acceleration: ACCELERATION[0],
        };
        let p = self.judge(trial, pattern, patches, MARGIN_LEAST_M, Some(&mut judged))?;
        let mut stance = trial.stance;
        stance.point -= stance.normal * judged.gap_m;
        let turns: &[u32] = match (pattern.cups.len(), self.turns) {
            (1, 4) => &[0, 2, 1, 3],
            (1, _) => &[0, 2, 4, 6, 1, 3, 5, 7],
            _ => &[0],
        };
        let mut best: Option<(f64, u8, Isometry3<f64>)> = None;
        let mut first = None;
        'turns: for turn in turns {
            let stance = stance.turned(PI / 4.0 * f64::from(*turn));
            for take in &pattern.takes {
                let tool = stance.tool(take.middle);
                match self.room(&tool, take.cups) {
                    Ok(room) => {
                        if best.is_none_or(|(most, ..)| room > most + 1e-9) {
                            best = Some((room, take.cups, tool));
                        }
                        if room > 0.97 {
                            break 'turns;
                        }
                    }
                    Err(why) => first = first.or(Some((why, best.is_none()))),
                }
            }
        }
        match (best, first) {
            (Some((room, cups, tool)), first) => {
                let mut features = judged.features;
                features.room = room;
                for (i, cup) in features.cups.iter_mut().enumerate() {
                    cup.cup = nth_cup(cups, i);
                }
                let expected = target.supplies[pattern.cups.len()].expected_pa;
                let candidate = Candidate {
                    hold: target.hold(&tool, cups, judged.acceleration, expected),
                    score: p * room,
                    features,
                    rejected: None,
                };
                Ok((candidate, first.filter(|(_, before)| *before).map(|(why, _)| why)))
            }
            (None, Some((why, _))) => Err(why),
            (None, None) => Err(Rejection::OutOfReach),
        }
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
            hold: self.target.hold(&trial.stance.tool(take.middle), take.cups, ACCELERATION[0], expected),
            score: trial.p,
            features: empty_features(&trial.stance),
            rejected: Some(why),
        }
    }
}

/// Directions of gravity in the tool's axes: as the item is lifted, and with the tool upright.
fn downs(stance: &Stance) -> [Vector3<f64>; 2] {
    [stance.in_tool(&-Vector3::z()), Vector3::z()]
}

/// The number of the i-th cup of a set.
fn nth_cup(cups: u8, i: usize) -> usize {
    (0..8).filter(|c| cups & (1 << c) != 0).nth(i).unwrap_or_default()
}

fn empty_features(stance: &Stance) -> Features {
    Features {
        cups: Vec::new(),
        on_face: 0.0,
        seal: 0.0,
        holds: 0.0,
        room: 0.0,
        uncovered: 0.0,
        force_n: 0.0,
        safety: 0.0,
        weakest: Weakest::Pull,
        tilt_rad: stance.normal.z.clamp(-1.0, 1.0).acos(),
    }
}
