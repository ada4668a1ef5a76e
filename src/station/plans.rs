//! The station's motions: there, back with what is held, and out of the way; each is asked of the planner with what is
//! believed to lie in totes and bins.

use std::sync::Arc;

use control::{Drop, Hold, JointAngles, Obstacles, PlanError, Program};
use grasp::Placement;
use scene::{Pose, Timestamp, frame};

use super::Station;
use crate::telemetry::{Choice, Event};

/// Placements of a choice that the arm is asked to get to.
const PLACEMENTS_TRIED: usize = 5;
/// What is put back is let go this far above where it lay, metres.
const PUT_BACK_M: f64 = 0.015;
/// And this far from the walls of the tote, metres.
const PUT_BACK_CLEAR_M: f64 = 0.02;
/// And goes down there at this speed, m/s.
const PUT_BACK_SPEED: f64 = 0.04;
/// From so far above where it should lie, metres.
const PUT_BACK_GUARD_M: f64 = 0.012;
/// The tool goes up by this at least after letting go, metres; the planner adds what rims and contents ask.
const RETREAT_M: f64 = 0.05;

/// A carry that has been planned before it is known where exactly the cups touch.
pub(super) struct Ahead {
    pick: u32,
    /// Which of the choice's candidates, and of its placements.
    chosen: usize,
    placement: usize,
    program: Program,
    ready_at: Timestamp,
}

/// The placements of a choice that the arm may be asked to get to, the best first.
fn tried(choice: &Choice) -> impl Iterator<Item = &Placement> {
    choice.placements.iter().take_while(|p| p.rejected.is_none()).take(PLACEMENTS_TRIED)
}

impl Station {
    /// The way to the grasp, and the choice with the first placement where the item can be set down. The way on is planned
    /// while the arm is under way.
    ///
    /// # Errors
    /// [`PlanError`] when there is no way, or no such placement: nothing has moved, and the grasp is not chosen again in
    /// this look.
    pub fn plan_reach(
        &mut self,
        from: &JointAngles,
        choice: &Arc<Choice>,
        now: Timestamp,
    ) -> Result<(Arc<Program>, Arc<Choice>), PlanError> {
        let hold = &choice.candidates[choice.chosen].hold;
        let obstacles = self.obstacles();
        let mut first = None;
        let fits = |p: &Placement| match self.planner.check_drop(hold, &p.drop, &obstacles) {
            Ok(()) => true,
            Err(why) => {
                first.get_or_insert(why);
                false
            }
        };
        let there = tried(choice).position(fits);
        let none = PlanError::Input { what: "placements", value: 0.0, rule: "at least one" };
        let planned = match there {
            Some(index) => self.planner.reach(from, hold, &obstacles).map(|reach| (reach, index)),
            None => Err(first.unwrap_or(none)),
        };
        match planned {
            Ok((reach, index)) => {
                let program = Arc::new(reach);
                let mut choice = choice.clone();
                if index > 0 {
                    Arc::make_mut(&mut choice).placements.swap(0, index);
                }
                self.picture(now, choice.pick, &program);
                Ok((program, choice))
            }
            Err(why) => {
                let axis = hold.world_from_tool.direction(&nalgebra::Vector3::z());
                self.unreachable.push((choice.item, hold.world_from_tool.origin(), axis));
                self.ledger.note(&choice.sku, &format!("seen, but {why}"));
                Err(why)
            }
        }
    }

    /// A way to the grasp like one that began near by, with the same way on.
    pub fn reach_like(
        &mut self,
        like: &Program,
        from: &JointAngles,
        choice: &Arc<Choice>,
        now: Timestamp,
    ) -> Option<Arc<Program>> {
        let hold = &choice.candidates[choice.chosen].hold;
        let obstacles = self.obstacles();
        let program = Arc::new(self.planner.reach_like(like, from, hold, &obstacles).ok()??);
        self.picture(now, choice.pick, &program);
        Some(program)
    }

    /// A shorter way to the grasp, if there is one.
    pub fn refine_reach(&mut self, reach: &Arc<Program>, choice: &Arc<Choice>, now: Timestamp) -> Option<Arc<Program>> {
        let hold = &choice.candidates[choice.chosen].hold;
        let obstacles = self.obstacles();
        let refined = self.planner.reach_refined(&reach.start(), hold, &obstacles).ok()?;
        (refined.duration() < reach.duration()).then(|| {
            let program = Arc::new(refined);
            self.picture(now, choice.pick, &program);
            program
        })
    }

    /// Plans a short carry from where a reach should touch.
    pub fn refine_carry(&mut self, reach: &Arc<Program>, choice: &Arc<Choice>, now: Timestamp) {
        if self.ahead.as_ref().is_some_and(|ahead| ahead.pick == choice.pick && ahead.chosen == choice.chosen) {
            return;
        }
        let hold = &grasp::carried(&choice.candidates[choice.chosen].hold, 1.0);
        let axis = hold.world_from_tool.direction(&nalgebra::Vector3::z());
        let touch = hold.world_from_tool.origin();
        let touches = |q: &&JointAngles| (touch - self.planner.forward(q).origin()).dot(&axis) > 0.0;
        let slow = reach.segments().last().and_then(|part| part.slow_from).unwrap_or(0);
        let from = reach.samples()[slow..].iter().find(|q| !touches(q)).copied().unwrap_or(reach.end());
        let obstacles = self.obstacles();
        let carry = |p: &Placement| self.planner.carry_refined(&from, hold, &p.drop, &obstacles).ok();
        let Some((placement, program)) = tried(choice).enumerate().find_map(|(n, p)| Some((n, carry(p)?))) else {
            return;
        };
        let ready_at = now + self.cell.budgets.refine;
        self.ahead = Some(Ahead { pick: choice.pick, chosen: choice.chosen, placement, program, ready_at });
    }

    /// Lift, carry and lowering of what is held.
    ///
    /// # Errors
    /// [`PlanError`]: the arm stands, the vacuum holds.
    pub fn plan_carry(
        &mut self,
        from: &JointAngles,
        choice: &Choice,
        pull_share: f64,
        now: Timestamp,
    ) -> Result<Arc<Program>, PlanError> {
        let hold = grasp::carried(&choice.candidates[choice.chosen].hold, pull_share);
        let obstacles = self.obstacles();
        let ahead = self.ahead.take().filter(|ahead| ahead.pick == choice.pick && ahead.ready_at <= now);
        let placement = ahead.as_ref().map_or(0, |ahead| ahead.placement);
        let drop = choice.placements[placement].drop;
        if placement > 0 {
            self.elsewhere = Some((choice.pick, choice.placements[placement].clone()));
        }
        let alike = match ahead {
            Some(ahead) => self.planner.carry_like(&ahead.program, from, &hold, &drop, &obstacles)?,
            None => None,
        };
        let planned = alike.map_or_else(|| self.planner.carry(from, &hold, &drop, &obstacles), Ok);
        let program = match planned {
            Ok(program) => program,
            // The bin was looked at since the place was chosen: another place in it may do.
            Err(why) => self.carry_elsewhere(from, choice, &hold, &obstacles).ok_or(why)?,
        };
        let program = Arc::new(program);
        self.picture(now, choice.pick, &program);
        Ok(program)
    }

    /// The way to another place in the bin as it is now believed to be; remembers the place.
    fn carry_elsewhere(
        &mut self,
        from: &JointAngles,
        choice: &Choice,
        hold: &Hold,
        obstacles: &Obstacles,
    ) -> Option<Program> {
        let bin = self.bins.iter().position(|b| b.name == choice.bin)?;
        let sku = self.catalogue.get(&choice.sku);
        let placements = grasp::placements_in(hold, &self.bins[bin].state, &self.cell.bins[bin], &self.tool, sku);
        let accepted = placements.into_iter().take_while(|p| p.rejected.is_none()).take(PLACEMENTS_TRIED);
        for placement in accepted {
            if let Ok(program) = self.planner.carry(from, hold, &placement.drop, obstacles) {
                self.elsewhere = Some((choice.pick, placement));
                return Some(program);
            }
        }
        None
    }

    /// Where the item of a choice goes: the chosen place, or the other one that the carry had to take.
    pub(super) fn placement<'a>(&'a self, choice: &'a Choice) -> &'a Placement {
        match &self.elsewhere {
            Some((pick, placement)) if *pick == choice.pick => placement,
            _ => &choice.placements[0],
        }
    }

    /// Back to where the item was taken from.
    ///
    /// # Errors
    /// [`PlanError`]: the arm stands, the vacuum holds.
    pub fn plan_put_back(
        &mut self,
        from: &JointAngles,
        choice: &Choice,
        now: Timestamp,
    ) -> Result<Arc<Program>, PlanError> {
        let hold = &choice.candidates[choice.chosen].hold;
        // The surface still shows the item where it lay; the guarded way down needs no map. As it hangs now it must
        // stay clear of the walls.
        let tote = &self.cell.totes[self.tote];
        let tote_from_box = tote.world_from.inverse() * hold.world_from_tool * hold.held.tool_from_box;
        let half = grasp::half_extents(&tote_from_box, hold.held.size_m);
        let at = tote_from_box.origin();
        let inwards = |axis: usize| {
            let room = (0.5 * tote.size[axis] - half[axis] - PUT_BACK_CLEAR_M).max(0.0);
            at[axis].clamp(-room, room) - at[axis]
        };
        let shift =
            tote.world_from.direction(&nalgebra::Vector3::new(inwards(0), inwards(1), PUT_BACK_M + hold.closed_m));
        let up = Pose::<frame::World, frame::World>::from_translation(shift);
        let drop = Drop {
            world_from_tool: up * hold.world_from_tool,
            touch_speed: PUT_BACK_SPEED,
            guard_m: PUT_BACK_GUARD_M,
            half_turn: false,
            approach_m: hold.approach_m,
        };
        let program = Arc::new(self.planner.carry(from, hold, &drop, &self.bins_alone())?);
        self.picture(now, choice.pick, &program);
        Ok(program)
    }

    /// Straight up, out of the container.
    ///
    /// # Errors
    /// [`PlanError`]: the arm stands.
    pub fn plan_retreat(&mut self, from: &JointAngles) -> Result<Arc<Program>, PlanError> {
        let obstacles = self.obstacles();
        self.planner.retreat(from, RETREAT_M, &obstacles).map(Arc::new)
    }

    /// To the rest pose.
    ///
    /// # Errors
    /// [`PlanError`]: the arm stands.
    pub fn plan_clear(&mut self, from: &JointAngles) -> Result<Arc<Program>, PlanError> {
        let obstacles = self.obstacles();
        self.planner.go_to(from, &self.cell.rest, &obstacles).map(Arc::new)
    }

    pub(super) fn picture(&mut self, at: Timestamp, pick: u32, program: &Arc<Program>) {
        let tool_path =
            program.samples().iter().step_by(20).map(|q| self.planner.forward(q).origin().coords.into()).collect();
        self.events.push(Event::Path { at, pick, program: program.clone(), tool_path: Arc::new(tool_path) });
    }
}
