//! How likely one grasp is to hold, the room around the tool not counted.

use core::f64::consts::PI;

use nalgebra::Vector3;

use crate::candidate::{CupFeatures, Features};
use crate::facet::Facet;
use crate::hang::{Hang, LEAST_ACCELERATION, Spring};
use crate::patch::Patches;
use crate::pattern::Pattern;
use crate::rejection::{Rejection, Weakest};
use crate::suction::{self, LEAST_BEND, SEALED_FLOOR_PA};
use crate::target::{Stance, Target};
use crate::wrench::{Allowed, Grip};

/// Face beside the lip: r_eff + 3 mm on the facet (estimate; lips fail 7 to 14 mm off, 2309.07360).
pub(crate) const MARGIN_M: f64 = 0.003;
/// … and on a face that is too narrow for it, least.
pub(crate) const MARGIN_LEAST_M: f64 = 0.0003;
const TILT_MOST: f64 = 55.0 * PI / 180.0;
/// Share of the probability that a face would lose at 90° (estimate: it swings when lifted, and errors of depth
/// become errors along the face).
const TILT_COST: f64 = 0.5;
/// What covers an item spoils the lift: a tenth of its face costs this tenfold share, and of its outline likewise (estimates).
const BURIED_COST: f64 = 1.4;
const OUTLINE_COST: f64 = 0.4;
const LEAN_MOST: f64 = 20.0 * PI / 180.0;
const RMS_MOST_M: f64 = 0.005;
const BLIND_MOST: f64 = 0.35;
const GAP_MOST_M: f64 = 0.005;
const BURIED_MOST: f64 = 0.6;
const OUTLINE_COVERED_MOST: f64 = 0.9;
/// The acceleration that ranks grasps, m/s².
const USUAL_ACCELERATION: f64 = 4.0;
/// Largest acceleration that a hold may allow, sideways and along the vertical, m/s²: less than gravity there, so that
/// what hangs goes on hanging when the tool slows down upwards. It bounces on the bellows else, and can't be weighed.
const MOST_ACCELERATION: [f64; 2] = [15.0, 8.0];
/// How far what is held may swing, radians: its acceleration is kept below that.
const SWING_MOST: f64 = 0.10;
/// Share by which the tilt that an item is expected to hang with may be wrong (estimate).
const TILT_UNSURE: f64 = 0.4;
/// Safety below which a grasp isn't tried, at the least acceleration.
const SAFETY_LEAST: f64 = 1.2;
/// Scatter of capacity over load, of its logarithm: mass, pressure, friction, centre of mass (estimate).
const HOLD_SIGMA: f64 = 0.3;

/// A grasp before anybody has looked at the room around.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trial {
    pub(crate) stance: Stance,
    pub(crate) pattern: usize,
    pub(crate) facet: usize,
    pub(crate) p: f64,
}

/// What is known of a trial's cups and load.
pub(crate) struct Judged {
    pub(crate) features: Features,
    /// How far the first cup is from the surface in the stance, metres.
    pub(crate) gap_m: f64,
    pub(crate) allowed: Allowed,
    /// The share of the probability that swinging leaves, with these cups alone.
    pub(crate) steady: f64,
}

impl Target<'_> {
    /// What is wrong with a spot whichever cups are used.
    pub(crate) fn suits(&self, facet: &Facet, normal: &Vector3<f64>) -> Result<(), Rejection> {
        let tilt = normal.z.clamp(-1.0, 1.0).acos();
        if tilt > TILT_MOST {
            return Err(Rejection::TooSteep { tilt_deg: tilt.to_degrees(), limit_deg: TILT_MOST.to_degrees() });
        }
        let least = LEAST_BEND * self.around.tool.cup_diameter_m;
        if let Some(radius) = self.bend_m(facet).filter(|r| *r < least) {
            return Err(Rejection::TooCurved { radius_mm: radius * 1e3, limit_mm: least * 1e3 });
        }
        for (share, limit) in [(self.buried, BURIED_MOST), (self.outline_covered, OUTLINE_COVERED_MOST)] {
            if share > limit {
                return Err(Rejection::Covered { share, limit });
            }
        }
        Ok(())
    }

    /// Probability of success, the room around not counted. Fills `into` when it is given.
    pub(crate) fn judge(
        &self,
        trial: &Trial,
        pattern: &Pattern,
        patches: &mut Patches<'_>,
        limit: f64,
        mut into: Option<&mut Judged>,
    ) -> Result<f64, Rejection> {
        let tool = self.around.tool;
        let number = pattern.cups.len();
        let supply = self.supplies[number.min(self.supplies.len() - 1)];
        if supply.expected_pa < SEALED_FLOOR_PA {
            return Err(Rejection::TooLeaky {
                cups: number,
                pressure_kpa: supply.expected_pa * 1e-3,
                limit_kpa: SEALED_FLOOR_PA * 1e-3,
            });
        }
        let stance = &trial.stance;
        let name = |i: usize| nth_cup(pattern.takes[0].cups, i);
        let half_rms = self.surface.half_rms_m * (1.0 + 0.5 * self.compliance);
        let bend = self.bend_m(&self.facets[trial.facet]).map_or(1.0, |r| suction::bends(r, tool.cup_diameter_m));
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
            let Some(mut patch) = patches.at(at.x, at.y) else {
                return Err(edge(i, -tool.r_eff_m));
            };
            // Down the tool's axis to a surface that is bent or leans.
            for _ in 0..2 {
                let gap = (at - patch.point).dot(&patch.normal) / patch.normal.dot(&stance.normal).max(0.3);
                if gap.abs() < 1e-6 {
                    break;
                }
                at -= stance.normal * gap;
                gaps[i] += gap;
                let Some(next) = patches.at(at.x, at.y) else {
                    return Err(edge(i, -tool.r_eff_m));
                };
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
        let mut safety = used.safety();
        // The load falls with the acceleration: at the least one it is looked at only where that may matter.
        if safety < self.surface.safety.max(1.5 * SAFETY_LEAST) || stance.normal.z < 0.99 {
            let at_rest = grip.at(LEAST_ACCELERATION, &downs);
            // It is carried as slowly as its safety asks.
            safety = safety.max(at_rest.safety().min(self.surface.safety));
            if at_rest.safety() < SAFETY_LEAST {
                return Err(Rejection::TooHeavy {
                    cups: number,
                    mass_kg: self.mass_kg,
                    weakest: at_rest.weakest(),
                    safety: at_rest.safety(),
                    limit: SAFETY_LEAST,
                });
            }
        }
        let holds = suction::normal(safety.ln() / HOLD_SIGMA);
        let hang = self.hang(stance, pattern, [0.0; 2], &[]);
        let (steady, _) = self.steadied(stance, &hang, USUAL_ACCELERATION);
        let uncovered = (1.0 - BURIED_COST * self.buried).max(0.0) * (1.0 - OUTLINE_COST * self.outline_covered);
        let mut upright = 1.0 - TILT_COST * (1.0 - stance.normal.z);
        if self.whole.lies_round {
            upright *= suction::stays(stance.normal.z.clamp(-1.0, 1.0).acos());
        }
        if let Some(judged) = into {
            judged.steady = steady;
            judged.gap_m = first;
            judged.allowed = grip.allowed(self.surface.safety, &downs, LEAST_ACCELERATION, MOST_ACCELERATION);
            let features = &mut judged.features;
            (features.on_face, features.seal, features.holds, features.uncovered) = (on_face, seal, holds, uncovered);
            features.force_n = grip.force_n;
            features.safety = safety;
            features.weakest = used.weakest();
        }
        Ok(on_face * seal * holds * steady * uncovered * upright)
    }

    /// From a stance to the centre of mass, tote frame, metres.
    fn lever(&self, stance: &Stance) -> Vector3<f64> {
        self.whole.tote_from_box.translation.vector - stance.point.coords
    }

    /// How far the centre of mass may be off the box's, metres.
    fn unsure_m(&self) -> f64 {
        0.003 + 0.03 * self.whole.size_m[0].max(self.whole.size_m[1])
    }

    /// How the item hangs on the cups of a pattern about `middle` and on idle ones, in the tool frame.
    pub(crate) fn hang(&self, stance: &Stance, pattern: &Pattern, middle: [f64; 2], idle: &[Spring]) -> Hang {
        let tool = self.around.tool;
        let supply = self.supplies[pattern.cups.len().min(self.supplies.len() - 1)];
        let mut springs = [Spring { at: [0.0; 2], force_n: 0.0, share: 0.0 }; 64];
        let mut count = 0;
        let holding = pattern.cups.iter().map(|cup| Spring {
            at: [middle[0] + cup[0], middle[1] + cup[1]],
            force_n: tool.a_eff_m2 * supply.carried_pa,
            share: 1.0,
        });
        for (slot, spring) in springs.iter_mut().zip(holding.chain(idle.iter().copied())) {
            *slot = spring;
            count += 1;
        }
        let centre = stance.in_tool(&self.lever(stance)) + Vector3::new(middle[0], middle[1], 0.0);
        Hang::of(tool, &springs[..count], self.mass_kg, &centre)
    }

    /// What swinging leaves of a hold: the share of its probability, and the acceleration sideways that it may have.
    pub(crate) fn steadied(&self, stance: &Stance, hang: &Hang, acceleration: f64) -> (f64, f64) {
        let below = -stance.normal.dot(&self.lever(stance));
        let most = SWING_MOST * hang.stiffness_nm / (2.0 * self.mass_kg * below.max(0.01));
        let acceleration = acceleration.min(most).max(LEAST_ACCELERATION);
        let usual = acceleration.min(USUAL_ACCELERATION);
        let swing = hang.swing(self.mass_kg, usual, below, self.unsure_m()) + TILT_UNSURE * hang.tilt();
        (suction::steady(swing), acceleration)
    }

    fn grip<'p>(&self, stance: &Stance, pattern: &'p Pattern, pressure_pa: f64) -> Grip<'p> {
        let tool = self.around.tool;
        Grip {
            pattern,
            force_n: tool.a_eff_m2 * pressure_pa,
            radius_m: tool.r_eff_m,
            friction: tool.friction * self.surface.friction_share,
            mass_kg: self.mass_kg,
            centre_m: stance.in_tool(&self.lever(stance)),
            unsure_m: self.unsure_m(),
        }
    }
}

/// Directions of gravity in the tool's axes: as the item is lifted, and with the tool upright.
fn downs(stance: &Stance) -> [Vector3<f64>; 2] {
    [stance.in_tool(&-Vector3::z()), Vector3::z()]
}

/// The number of the i-th cup of a set.
pub(crate) fn nth_cup(cups: u8, i: usize) -> usize {
    (0..8).filter(|c| cups & (1 << c) != 0).nth(i).unwrap_or_default()
}

pub(crate) fn empty_features(stance: &Stance) -> Features {
    Features {
        cups: Vec::new(),
        on_face: 0.0,
        seal: 0.0,
        holds: 0.0,
        steady: 0.0,
        room: 0.0,
        uncovered: 0.0,
        force_n: 0.0,
        safety: 0.0,
        weakest: Weakest::Pull,
        tilt_rad: stance.normal.z.clamp(-1.0, 1.0).acos(),
    }
}
