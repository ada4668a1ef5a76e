//! Seeded pick-to-place problems, the least time that each could take, and a second way to see whether a motion is
//! right: what `nuthatch bench motion` holds the planner against. Nothing here shares code with the planner's checks
//! or its timing of straight ways; [`Transfer`] alone shows the timing itself, to be held against another's.

mod bound;
mod problem;
mod recheck;
mod rrt;
mod transfer;

pub use bound::{Bound, Way, bound};
pub use problem::{Problem, Site};
pub use recheck::{Finding, Recheck};
pub use rrt::{reachable, way_is_free};
pub use transfer::Transfer;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use nalgebra::Translation3;
    use scene::Pose;

    use super::*;
    use crate::program::{Program, SegmentKind};
    use crate::{Cell, JointAngles, Planner};

    fn with_site(test: impl FnOnce(&Site<'_>)) {
        let text = include_str!("../../../src/cells/default.toml");
        let cell = Cell::from_toml(text, "default.toml").unwrap();
        let (robot, tool) = cell.models("default.toml", Path::new(".")).unwrap();
        let planner = Planner::new(&robot, &tool, &cell);
        test(&Site { cell: &cell, robot: &robot, tool: &tool, planner: &planner });
    }

    fn carry(site: &Site<'_>, problem: &Problem) -> Program {
        site.planner.carry(&problem.from, &problem.hold, &problem.drop, &problem.obstacles).unwrap()
    }

    /// The goal of a problem moved along x until it stands in its bin's wall.
    fn in_the_wall(site: &Site<'_>, problem: &Problem) -> Pose<scene::frame::World, scene::frame::Tool> {
        let at = problem.drop.world_from_tool.origin();
        let far = |b: &&crate::Container<scene::frame::Bin>| (b.world_from.origin() - at).xy().norm();
        let bin = site.cell.bins.iter().min_by(|a, b| far(a).total_cmp(&far(b))).unwrap();
        let wall = bin.world_from.origin().x + 0.5 * (bin.size[0] + bin.wall);
        let shift = Translation3::new(wall - at.x, 0.0, 0.0);
        Pose::from_isometry(shift * problem.drop.world_from_tool.isometry())
    }

    #[test]
    fn no_carry_is_faster_than_its_bound_and_the_second_look_finds_nothing() {
        with_site(|site| {
            for seed in 0..20 {
                let problem = Problem::draw(site, seed).unwrap();
                let program = carry(site, &problem);
                let bound = bound(site, &problem).unwrap();
                assert!(program.duration().seconds() > bound.least_s, "problem {seed}");
                assert!(bound.stop_to_stop_s > bound.least_s, "problem {seed}");
                let recheck = Recheck::new(site, &problem);
                assert_eq!(recheck.beyond_limits(&program), None, "problem {seed}");
                assert_eq!(recheck.collides(&program), None, "problem {seed}");
            }
        });
    }

    #[test]
    fn an_estimate_is_near_the_refined_carry_and_slower_where_less_is_allowed() {
        with_site(|site| {
            let mut ratios = Vec::new();
            for seed in 0..12 {
                let problem = Problem::draw(site, seed).unwrap();
                let goal = problem.drop.world_from_tool.origin();
                let far = |b: &&crate::Container<scene::frame::Bin>| (b.world_from.origin() - goal).xy().norm();
                let bin = site.cell.bins.iter().min_by(|a, b| far(a).total_cmp(&far(b))).unwrap();
                let hold = problem.hold;
                let slower = crate::Hold { max_acceleration: 1.0, max_vertical: 1.0, ..hold };
                let estimates = site.planner.estimate(&[&hold, &slower], bin);
                let [Some(usual), Some(slow)] = estimates[..] else { continue };
                assert!(slow > usual, "problem {seed}: {slow:?}, {usual:?}");
                let (from, drop, obstacles) = (&problem.from, &problem.drop, &problem.obstacles);
                let refined = site.planner.carry_refined(from, &hold, drop, obstacles).unwrap().duration();
                ratios.push(usual.seconds() / refined.seconds());
            }
            ratios.sort_by(f64::total_cmp);
            // A single one may be far off: what it has to go around is not looked at.
            assert!(ratios.len() >= 10 && (0.9..1.1).contains(&ratios[ratios.len() / 2]), "{ratios:?}");
        });
    }

    #[test]
    fn the_second_look_sees_what_is_too_fast() {
        with_site(|site| {
            let problem = Problem::draw(site, 3).unwrap();
            let program = carry(site, &problem);
            // Every second sample: twice as fast.
            let samples: Vec<_> = program.samples().iter().step_by(2).copied().collect();
            let last = samples.len() - 1;
            let segments =
                vec![crate::Segment { kind: SegmentKind::Carry, first: 0, last, guarded_from: None, slow_from: None }];
            let rise = vec![0.0; samples.len()];
            let recheck = Recheck::new(site, &problem);
            let finding = recheck.beyond_limits(&Program::new(samples, segments, rise));
            assert!(matches!(finding, Some(Finding::Limit { .. })), "{finding:?}");
        });
    }

    #[test]
    fn the_second_look_sees_walls_and_contents() {
        with_site(|site| {
            let problem = Problem::draw(site, 3).unwrap();
            let recheck = Recheck::new(site, &problem);
            let at = |goal: &Pose<scene::frame::World, scene::frame::Tool>, kind| {
                let ends: Vec<JointAngles> = site.planner.inverse(goal);
                ends.first().and_then(|q| recheck.touched(q, kind))
            };
            let goal = problem.drop.world_from_tool;
            assert_eq!(at(&goal, SegmentKind::Lower), None);
            let (_, wall) = at(&in_the_wall(site, &problem), SegmentKind::Lower).unwrap();
            assert!(wall.starts_with("wall of bin-"), "{wall}");
            // 40 mm lower is the floor, or what lies on it.
            let lower = Pose::from_isometry(Translation3::new(0.0, 0.0, -0.04) * goal.isometry());
            let (_, below) = at(&lower, SegmentKind::Carry).unwrap();
            assert!(below.contains("of bin-"), "{below}");
        });
    }

    #[test]
    fn there_is_a_way_where_ours_finds_one_and_none_into_a_wall() {
        with_site(|site| {
            let mut problem = Problem::draw(site, 3).unwrap();
            let mut looks = 0;
            assert!(reachable(site, &problem, 1, || {
                looks += 1;
                looks < 20_000
            }));
            problem.drop.world_from_tool = in_the_wall(site, &problem);
            assert!(!reachable(site, &problem, 1, || panic!("a goal in a wall needs no sample")));
        });
    }

    #[test]
    fn a_way_is_free_where_all_of_it_is_and_whichever_end_comes_first() {
        with_site(|site| {
            let problem = Problem::draw(site, 3).unwrap();
            let recheck = Recheck::new(site, &problem);
            let into_wall = site.planner.inverse(&in_the_wall(site, &problem))[0];
            let rest = site.cell.rest;
            assert!(way_is_free(&recheck, &rest, &rest));
            assert!(!way_is_free(&recheck, &into_wall, &into_wall));
            assert!(!way_is_free(&recheck, &rest, &into_wall) && !way_is_free(&recheck, &into_wall, &rest));
            // The ends are free, and the straight way of the joints between them goes through walls.
            let end = site.planner.inverse(&problem.drop.world_from_tool)[0];
            assert!(way_is_free(&recheck, &problem.from, &problem.from) && way_is_free(&recheck, &end, &end));
            assert!(!way_is_free(&recheck, &problem.from, &end));
        });
    }

    #[test]
    fn a_transfer_at_rest_takes_as_long_the_other_way_round() {
        with_site(|site| {
            let mut moving = 0;
            for seed in 0..100 {
                let there = Transfer::draw(site.robot, seed);
                let back = Transfer { from: there.to, to: there.from, ..there };
                let [there_s, back_s] = [&there, &back].map(|t| t.duration(site.robot).unwrap());
                if there.velocity == [0.0; 6] {
                    assert!((there_s - back_s).abs() < 1e-9, "transfer {seed}: {there_s} s, {back_s} s back");
                } else {
                    moving += 1;
                }
            }
            assert!((15..35).contains(&moving), "{moving} of 100 begin while the arm moves");
        });
    }
}
