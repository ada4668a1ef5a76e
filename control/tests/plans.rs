//! Seeded pick-to-place problems: limits, collisions by another way of checking, sameness, refusals.

mod common;

use common::{Boxes, check_limits, down, problems, site};
use control::{Cell, Drop, HeldBox, Hold, JointAngles, Obstacles, PlanError, Planner, SegmentKind};
use firmware::CupSet;
use nalgebra::{Isometry3, UnitQuaternion, Vector3};
use scene::{HeightMap, Pose, frame};

#[test]
fn five_hundred_picks_keep_all_limits_and_touch_nothing() {
    let site = site();
    let mut planned = 0;
    for (seed, problem) in problems(&site, 500) {
        let reach = match site.planner.reach(&problem.from, &problem.hold, &problem.obstacles) {
            Ok(reach) => reach,
            Err(error) => {
                println!("problem {seed}: {error}");
                continue;
            }
        };
        check_limits(&site.robot, &reach, seed);
        assert_eq!(reach.start(), problem.from, "problem {seed}");
        let end = site.planner.forward(&reach.end());
        let wanted = problem.hold.world_from_tool.isometry() * Isometry3::translation(0.0, 0.0, problem.hold.press_m);
        let off = (end.origin().coords - wanted.translation.vector).norm();
        assert!(off < 1e-6, "problem {seed}: ends {off} m beside the item");
        // Brute force takes its time: every third problem.
        let boxes = (seed % 3 == 0).then(|| Boxes::new(&site, &problem));
        if let Some(boxes) = &boxes {
            boxes.check(&site, &reach, None, seed);
        }

        let carry = match site.planner.carry(&reach.end(), &problem.hold, &problem.drop, &problem.obstacles) {
            Ok(carry) => carry,
            Err(error) => {
                println!("problem {seed}: {error}");
                continue;
            }
        };
        check_limits(&site.robot, &carry, seed);
        if let Some(boxes) = &boxes {
            boxes.check(&site, &carry, Some(&problem.hold.held), seed);
        }
        // The item's acceleration, from samples two milliseconds apart, apart from how the planner does it.
        let centre = problem.hold.held.tool_from_box.origin();
        let place = |q: &JointAngles| site.planner.forward(q).point(&centre).coords;
        for (k, three) in carry.samples().windows(5).step_by(2).enumerate() {
            let bend = place(&three[4]) - 2.0 * place(&three[2]) + place(&three[0]);
            let Hold { max_acceleration: sideways, max_vertical, .. } = problem.hold;
            let acceleration = bend / 4e-6;
            let share = (acceleration.xy() / sideways).norm().hypot(acceleration.z / max_vertical);
            assert!(
                share <= 1.001,
                "problem {seed}, sample {}: {acceleration} of {sideways} and {max_vertical}",
                2 * k
            );
        }
        planned += 1;
    }
    assert!(planned >= 490, "{planned} of 500 planned");
}

#[test]
fn guarded_parts_are_slow_where_they_may_touch() {
    let site = site();
    for (seed, problem) in problems(&site, 20) {
        let Ok(reach) = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles) else { continue };
        let approach = reach.segments().last().unwrap();
        assert_eq!(approach.kind, SegmentKind::Approach);
        let from = approach.guarded_from.unwrap();
        let touch = problem.hold.world_from_tool.origin();
        let mut slow = 0;
        for k in approach.first..approach.last {
            let at = |k: usize| site.planner.forward(&reach.samples()[k]).origin();
            if (at(k) - touch).norm() < 0.0115 {
                let speed = (at(k + 1) - at(k)).norm() * 1e3;
                assert!(speed < 0.0502, "problem {seed}, sample {k}: {speed} m/s");
                assert!(k >= from, "problem {seed}: not guarded at sample {k}, only from {from}");
                slow += 1;
            }
        }
        assert!(slow > 50, "problem {seed}: {slow} slow samples");
    }
}

#[test]
fn the_same_question_gives_the_same_bits() {
    let site = site();
    for (seed, problem) in problems(&site, 10) {
        let plan = || {
            let reach = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles).unwrap();
            let carry = site.planner.carry(&reach.end(), &problem.hold, &problem.drop, &problem.obstacles).unwrap();
            let bits = |q: &JointAngles| q.0.map(f64::to_bits);
            let both = reach.samples().iter().chain(carry.samples());
            both.map(bits).collect::<Vec<_>>()
        };
        assert!(plan() == plan(), "problem {seed}");
    }
}

#[test]
fn contents_that_stand_high_are_gone_around_from_above() {
    let site = site();
    let (_, mut problem) = problems(&site, 1).next().unwrap();
    // A bottle in the tote, 50 mm over its rim, away from the item.
    let mut map = HeightMap::<frame::Tote>::over_floor([0.6, 0.4], 0.005, 0.02);
    for i in 54..62 {
        for j in 5..13 {
            map.set(i, j, 0.35);
        }
    }
    problem.obstacles.set_tote("tote-a", &map).unwrap();
    problem.tote = map;
    let at = Vector3::new(0.80, 0.50, 0.10);
    problem.hold.world_from_tool = Pose::from_parts(at, down(0.3));
    let reach = site.planner.reach(&site.cell.rest, &problem.hold, &problem.obstacles).unwrap();
    let carry = site.planner.carry(&reach.end(), &problem.hold, &problem.drop, &problem.obstacles).unwrap();
    let boxes = Boxes::new(&site, &problem);
    boxes.check(&site, &reach, None, 0);
    boxes.check(&site, &carry, Some(&problem.hold.held), 0);
}

#[test]
fn a_post_that_is_too_high_is_gone_around() {
    let mut site = site();
    let post = "\n[[obstacle]]\nname = \"post\"\ncentre_m = [0.95, 0.06, 0.70]\nsize_m = [0.06, 0.06, 1.40]\n";
    let cell = include_str!("../../src/cells/default.toml").to_owned() + post;
    site.cell = Cell::from_toml(&cell, "post.toml").unwrap();
    site.planner = Planner::new(&site.robot, &site.tool, &site.cell);
    let (mut planned, mut asked) = (0, 0);
    for (seed, problem) in problems(&site, 40) {
        let from = site.planner.inverse(&problem.hold.world_from_tool)[0];
        let carry = || site.planner.carry(&from, &problem.hold, &problem.drop, &problem.obstacles);
        asked += 1;
        let Ok(program) = carry() else { continue };
        check_limits(&site.robot, &program, seed);
        let mut boxes = Boxes::new(&site, &problem);
        boxes.add_post([0.95, 0.06], 0.06, 1.4);
        boxes.check(&site, &program, Some(&problem.hold.held), seed);
        assert!(program.samples() == carry().unwrap().samples(), "problem {seed}: not the same again");
        planned += 1;
    }
    println!("{planned} of {asked} around the post");
    assert!(planned >= 36, "{planned} of {asked}");
}

#[test]
fn a_tilted_hold_is_entered_from_above_and_approached_along_the_tool() {
    let site = site();
    let (_, mut problem) = problems(&site, 1).next().unwrap();
    let tilt = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), 0.3);
    problem.hold.world_from_tool = Pose::from_parts(Vector3::new(0.9, 0.42, 0.08), tilt * down(0.0));
    problem.obstacles = Obstacles::of_cell(&site.cell);
    let reach = site.planner.reach(&site.cell.rest, &problem.hold, &problem.obstacles).unwrap();
    check_limits(&site.robot, &reach, 0);
    let touch = problem.hold.world_from_tool;
    // The last 20 mm before touch run along the tool's axis.
    for q in reach.samples() {
        let seen = touch.inverse().point(&site.planner.forward(q).origin());
        if seen.z > -0.02 {
            let aside = seen.x.hypot(seen.y);
            assert!(aside < 1e-5, "{aside} m beside the axis at {} m", seen.z);
        }
    }
}

#[test]
fn retreat_and_go_to_get_out_of_a_bin_first() {
    let site = site();
    for (seed, problem) in problems(&site, 30) {
        let end = site.planner.inverse(&problem.drop.world_from_tool);
        let Some(from) = end.iter().find(|q| (q.0[0] - site.cell.rest.0[0]).abs() < 1.2) else { continue };
        let boxes = Boxes::new(&site, &problem);
        let up = site.planner.retreat(from, 0.0, &problem.obstacles).unwrap();
        check_limits(&site.robot, &up, seed);
        boxes.check(&site, &up, None, seed);
        assert!(up.segments().iter().all(|s| s.kind == SegmentKind::Retreat));
        let height = site.planner.forward(&up.end()).origin().z;
        assert!(height > 0.22, "problem {seed}: {height} m");
        let home = site.planner.go_to(from, &site.cell.rest, &problem.obstacles).unwrap();
        check_limits(&site.robot, &home, seed);
        boxes.check(&site, &home, None, seed);
        assert_eq!(home.end(), site.cell.rest);
    }
}

#[test]
fn refusals_name_what_is_wrong() {
    let site = site();
    let obstacles = Obstacles::of_cell(&site.cell);
    let hold = |at: [f64; 3]| Hold {
        world_from_tool: Pose::from_parts(Vector3::from(at), down(0.0)),
        touch_speed: 0.05,
        guard_m: 0.012,
        approach_m: 0.08,
        closed_m: 0.0,
        press_m: 0.006,
        cups: CupSet::ALL,
        max_acceleration: 8.0,
        max_vertical: 8.0,
        rest_share: 0.5,
        held: HeldBox {
            tool_from_box: Pose::from_translation(Vector3::new(0.0, 0.0, 0.03)),
            size_m: [0.12, 0.08, 0.06],
        },
        mass_kg: 0.3,
        expected_pa: 50_000,
    };
    let reach = |hold: &Hold| site.planner.reach(&site.cell.rest, hold, &obstacles).unwrap_err().to_string();
    assert_eq!(
        reach(&hold([2.5, 0.0, 0.1])),
        "tool at [2.500, 0.000, 0.094] m, end of approach, is out of the arm's reach"
    );
    let mut bad = hold([0.9, 0.42, 0.1]);
    bad.press_m = f64::NAN;
    assert_eq!(reach(&bad), "hold.press_m is NaN; must be from 0 to 0.1 m");
    let in_wall = hold([0.9, 0.22, 0.1]);
    assert_eq!(reach(&in_wall), "cups touches wall of tote-a in approach, at its end; 0 motions tried");
    let estimate = |holds: &[&Hold]| site.planner.estimate(holds, &site.cell.bins[0]);
    let good = hold([0.9, 0.42, 0.1]);
    let carries = estimate(&[&in_wall, &bad, &good]);
    assert!(carries[0].is_none() && carries[1].is_none() && carries[2].is_some(), "{carries:?}");
    let mut heavy = hold([0.9, 0.42, 0.1]);
    heavy.mass_kg = 23.2;
    let too_heavy =
        "25.100 kg at the flange, 23.200 held and 1.900 of the tool; at most the arm's payload of 25.000 kg";
    assert_eq!(reach(&heavy), too_heavy);
    assert_eq!(estimate(&[&heavy]), [None]);
    heavy.mass_kg = 23.1;
    assert!(estimate(&[&heavy])[0].is_some());
    heavy.mass_kg = f64::NAN;
    assert_eq!(reach(&heavy), "hold.mass_kg is NaN; must be from 0 to 1000 kg");
    let drop = Drop {
        world_from_tool: Pose::from_parts(Vector3::new(0.74, -0.16, 0.1), down(0.0)),
        touch_speed: 0.05,
        guard_m: 0.012,
        half_turn: false,
        approach_m: 0.05,
    };
    let hold = good;
    let program = site.planner.reach(&site.cell.rest, &hold, &obstacles).unwrap();
    let error = site.planner.carry(&program.end(), &hold, &drop, &obstacles).unwrap_err();
    assert_eq!(error.to_string(), "cups touches wall of bin-1 in lower, at its end; 0 motions tried");
    let heavy = Hold { mass_kg: 23.2, ..hold };
    let error = site.planner.carry(&program.end(), &heavy, &drop, &obstacles).unwrap_err();
    assert_eq!(error.to_string(), too_heavy);
    let outside = JointAngles([0.0, 0.0, 0.0, 0.0, 4.0, 0.0]);
    let error = site.planner.go_to(&outside, &site.cell.rest, &obstacles).unwrap_err();
    assert!(matches!(error, PlanError::JointLimit { joint: "J5", .. }), "{error}");
    let mut obstacles = obstacles.clone();
    let map = HeightMap::<frame::Tote>::over_floor([0.6, 0.4], 0.005, 0.0);
    assert_eq!(
        obstacles.set_tote("tote-z", &map).unwrap_err().to_string(),
        "height map is for \"tote-z\"; the cell has no such tote"
    );
}

#[test]
fn a_refined_carry_is_shorter_and_keeps_all_that_a_first_one_keeps() {
    let site = site();
    let (mut first_s, mut refined_s, mut planned) = (0.0, 0.0, 0);
    for (seed, problem) in problems(&site, 12) {
        let Ok(reach) = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles) else { continue };
        let from = reach.end();
        let carry = site.planner.carry(&from, &problem.hold, &problem.drop, &problem.obstacles).unwrap();
        let refined = site.planner.carry_refined(&from, &problem.hold, &problem.drop, &problem.obstacles).unwrap();
        assert!(refined.duration() <= carry.duration(), "problem {seed}");
        assert_eq!(refined.start(), from);
        let missed = site.planner.forward(&refined.end()).origin() - problem.drop.world_from_tool.origin();
        assert!(missed.norm() < 1e-6, "problem {seed}: ends {missed} m off");
        check_limits(&site.robot, &refined, seed);
        Boxes::new(&site, &problem).check(&site, &refined, Some(&problem.hold.held), seed);
        first_s += carry.duration().seconds();
        refined_s += refined.duration().seconds();
        planned += 1;
    }
    assert!(planned >= 10, "{planned} of 12 planned");
    assert!(refined_s < 0.95 * first_s, "{refined_s} s, {first_s} s at first");
}

#[test]
fn a_carry_like_another_begins_where_it_is_asked_to_and_is_refused_from_afar() {
    let site = site();
    let (_, problem) = problems(&site, 3).next().unwrap();
    let reach = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles).unwrap();
    let ahead = site.planner.carry_refined(&reach.end(), &problem.hold, &problem.drop, &problem.obstacles).unwrap();
    let like = |from: &JointAngles| {
        site.planner.carry_like(&ahead, from, &problem.hold, &problem.drop, &problem.obstacles).unwrap()
    };
    // Some millimetres before the end of the reach.
    let from = reach.samples()[reach.samples().len() - 60];
    let alike = like(&from).unwrap();
    assert_eq!(alike.start(), from);
    assert!(site.planner.forward(&alike.end()).origin() == site.planner.forward(&ahead.end()).origin());
    check_limits(&site.robot, &alike, 0);
    assert_eq!(like(&problem.from), None);
    let mut elsewhere = problem.drop;
    elsewhere.approach_m += 0.01;
    elsewhere.world_from_tool =
        Pose::from_isometry(Isometry3::translation(0.0, 0.0, 0.02) * elsewhere.world_from_tool.isometry());
    let other = site.planner.carry_like(&ahead, &from, &problem.hold, &elsewhere, &problem.obstacles).unwrap();
    assert_eq!(other, None);
}

#[test]
fn what_may_rest_turned_by_half_is_turned_where_the_tool_would_stand_in_a_wall() {
    let site = site();
    let (_, problem) = problems(&site, 1).next().unwrap();
    let from = site.planner.inverse(&problem.hold.world_from_tool)[0];
    // The tool holds one end of the box, which goes into the end of a bin with the tool towards the wall.
    let held =
        HeldBox { tool_from_box: Pose::from_translation(Vector3::new(-0.045, 0.0, 0.03)), size_m: [0.1, 0.06, 0.06] };
    let hold = Hold { held, ..problem.hold };
    let place = site.cell.bins[0].world_from.origin().coords + Vector3::new(0.19, 0.0, 0.07);
    let drop = Drop { world_from_tool: Pose::from_parts(place, down(0.0)), ..problem.drop };
    let carry = |half_turn| site.planner.carry(&from, &hold, &Drop { half_turn, ..drop }, &problem.obstacles);
    let refused = carry(false).unwrap_err().to_string();
    assert!(refused.contains("wall of bin-1"), "{refused}");
    let end = site.planner.forward(&carry(true).unwrap().end()) * held.tool_from_box;
    let asked = drop.world_from_tool * held.tool_from_box;
    assert!((asked.origin() - end.origin()).norm() < 1e-6);
    let angle = asked.isometry().rotation.angle_to(&end.isometry().rotation);
    assert!((angle - std::f64::consts::PI).abs() < 1e-6, "turned by {angle}");
}

#[test]
fn what_hangs_well_and_swings_badly_is_lifted_faster_than_it_is_carried() {
    let site = site();
    let mut lifts = [0.0; 2];
    for (_, problem) in problems(&site, 20) {
        let Some(from) = site.planner.inverse(&problem.hold.world_from_tool).into_iter().next() else { continue };
        let lift = |max_vertical| {
            let hold = Hold { max_acceleration: 2.0, max_vertical, ..problem.hold };
            let carry = site.planner.carry(&from, &hold, &problem.drop, &problem.obstacles).ok()?;
            Some(carry.duration().seconds())
        };
        let Some(each) = lift(2.0).zip(lift(10.0)) else { continue };
        lifts = [lifts[0] + each.0, lifts[1] + each.1];
    }
    assert!(lifts[1] < 0.9 * lifts[0], "{lifts:?} s");
}
