//! The files that people write: what ships is taken, what is wrong is refused by name.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::path::Path;

use control::{Cell, RobotModel, ToolModel};

const CELL: &str = include_str!("../../src/cells/default.toml");
const ROBOT: &str = include_str!("../robots/fanuc-m20id-25.toml");
const UR: &str = include_str!("../robots/ur10e.toml");
const TOOL: &str = include_str!("../tools/six-cup.toml");

#[test]
fn what_ships_is_taken() {
    let cell = Cell::from_toml(CELL, "src/cells/default.toml").unwrap();
    assert_eq!((cell.totes.len(), cell.bins.len(), cell.cameras.len()), (2, 4, 3));
    assert_eq!(cell.budgets.look.nanos(), 100_000_000);
    assert_eq!(cell.camera_over("bin-3").unwrap().name, "bins");
    let (robot, tool) = cell.models("src/cells/default.toml", Path::new(".")).unwrap();
    // Acceleration = speed / 0.4 s, jerk = acceleration / 0.1 s.
    for (joint, speed) in robot.joints.iter().zip([210.0_f64, 210.0, 265.0, 420.0, 420.0, 720.0]) {
        assert!((joint.velocity - speed.to_radians()).abs() < 1e-12);
        assert!((joint.acceleration - joint.velocity / 0.4).abs() < 1e-9);
        assert!((joint.jerk - joint.acceleration / 0.1).abs() < 1e-9);
    }
    assert_eq!(tool.cups.len(), firmware::CUPS);
    assert!((tool.vacuum.flow_m3_s(15e3) - 7.915e-4).abs() < 1e-6);
    assert_eq!(tool.vacuum.flow_m3_s(90e3), 0.0);
    assert_eq!(tool.vacuum.end_vacuum_pa(), 85e3);
}

fn check_cell(from: &str, to: &str, expected: &str) {
    assert!(CELL.contains(from), "{from:?} is not in the file");
    let error = Cell::from_toml(&CELL.replacen(from, to, 1), "src/cells/default.toml").unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_refused_cell_names_file_field_value_and_rule() {
    check_cell("look = 100", "look = -5", "src/cells/default.toml: budgets_ms.look is -5; must be from 0 to 10000");
    check_cell("look = 100", "look = nan", "src/cells/default.toml: budgets_ms.look is NaN; must be from 0 to 10000");
    check_cell(
        "size_m = [0.600, 0.400, 0.300]",
        "size_m = [0.600, 0.400, 30.0]",
        "src/cells/default.toml: tote[0].size_m[2] is 30; must be from 0.05 to 3",
    );
    check_cell(
        "name = \"bin-2\"",
        "name = \"bin-1\"",
        "src/cells/default.toml: name of a tote or bin is \"bin-1\" twice; must be different for each",
    );
    check_cell(
        "name = \"bin-2\"",
        "name = \"Bin 2\"",
        "src/cells/default.toml: bin[1].name is \"Bin 2\"; must be 1 to 32 characters of a-z, 0-9 and -",
    );
    check_cell(
        "sees = [\"tote-b\"]",
        "sees = [\"tote-c\"]",
        "src/cells/default.toml: camera[1].sees is \"tote-c\"; must be names of totes and bins",
    );
    check_cell(
        "inference_threads = 2",
        "inference_threads = 0",
        "src/cells/default.toml: inference_threads is 0; must be from 1 to 64",
    );
    check_cell(
        "world_from = [0.90, 0.42, 0.0, 0.0, 0.0, 0.0, 1.0]",
        "world_from = [0.90, 0.42, 0.0, 0.1, 0.0, 0.0, 0.995]",
        "src/cells/default.toml: tote[0].world_from is tilted by 11.48°; must be upright within 0.25°",
    );
}

#[test]
fn a_bin_may_be_filled_up_to_what_its_file_says_and_up_to_its_walls_else() {
    let bin = "name = \"bin-1\"\n";
    let with = |key: &str| CELL.replacen(bin, &format!("{bin}{key}\n"), 1);
    let filled = Cell::from_toml(&with("fill_height_m = 0.15"), "c.toml").unwrap();
    assert_eq!((filled.bins[0].fill, filled.bins[1].fill), (0.15, filled.bins[1].size[2]));
    assert_eq!(filled.totes[0].fill, filled.totes[0].size[2]);
    let check = |to: &str, expected: &str| {
        let file = "src/cells/default.toml";
        let error = Cell::from_toml(&with(to), file).unwrap_err();
        assert_eq!(error.to_string(), format!("{file}: {expected}"));
    };
    check("fill_height_m = 0.3", "bin[0].fill_height_m is 0.3; must be from 0.02 to 0.22");
    check("fill_height_m = 0.01", "bin[0].fill_height_m is 0.01; must be from 0.02 to 0.22");
    check("fill_height_m = nan", "bin[0].fill_height_m is NaN; must be from 0.02 to 0.22");
    check_cell(
        "name = \"tote-a\"\nworld_from",
        "name = \"tote-a\"\nfill_height_m = 0.2\nworld_from",
        "src/cells/default.toml: tote[0].fill_height_m is 0.2; must be left out: only bins have one",
    );
}

#[test]
fn an_unknown_or_missing_key_is_refused_with_its_line() {
    let check = |from: &str, to: &str, start: &str| {
        let error = Cell::from_toml(&CELL.replacen(from, to, 1), "c.toml").unwrap_err().to_string();
        assert!(error.starts_with(start), "{error}");
    };
    check("plan = 2", "plan = 2\nthink = 3", "c.toml:18: unknown field `think`");
    check("plan = 2", "", "c.toml:14: missing field `plan`");
    check("look = 100", "look = \"long\"", "c.toml:15: invalid type");
}

#[test]
fn a_rest_pose_outside_the_joints_is_refused() {
    let text = CELL.replacen("rest_deg = [0.0,", "rest_deg = [190.0,", 1);
    let cell = Cell::from_toml(&text, "c.toml").unwrap();
    let error = cell.models("c.toml", Path::new(".")).unwrap_err();
    assert_eq!(error.to_string(), "c.toml: rest_deg of J1 is 190; must be from -185 to 185");
}

#[test]
fn a_tool_that_the_arm_cannot_carry_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("heavy.toml"), TOOL.replacen("mass_kg = 1.9", "mass_kg = 25.0", 1)).unwrap();
    let text = CELL.replacen("tool = \"six-cup\"", "tool = \"heavy.toml\"", 1);
    let error = Cell::from_toml(&text, "c.toml").unwrap().models("c.toml", folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "c.toml: mass_kg of the tool is 25; must be below the payload of robot \"fanuc-m20id-25\", 25 kg"
    );
}

fn check_robot(text: &str, from: &str, to: &str, expected: &str) {
    assert!(text.contains(from), "{from:?} is not in the file");
    let error = RobotModel::from_toml(&text.replacen(from, to, 1), "r.toml").unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[test]
fn a_robot_has_one_geometry_with_lengths_that_can_be() {
    let one = "must be exactly one of [opw] and [ur]";
    check_robot(
        ROBOT,
        &ROBOT[ROBOT.find("[opw]").unwrap()..ROBOT.find("# Ours, from the drawing").unwrap()],
        "",
        &format!("r.toml: geometry is missing; {one}"),
    );
    let table = &UR[UR.find("[ur]").unwrap()..UR.find("# Ours, from the outlines").unwrap()];
    check_robot(ROBOT, "[opw]", &format!("{table}\n[opw]"), &format!("r.toml: geometry is both [opw] and [ur]; {one}"));
    check_robot(UR, "d1 = 0.1807", "d1 = -0.1807", "r.toml: ur.d1 is -0.1807; must be from 0 to 5");
    // Millimetres.
    check_robot(UR, "a2 = -0.6127", "a2 = -612.7", "r.toml: ur.a2 is -612.7; must be from -5 to -0.01");
    check_robot(UR, "a3 = -0.57155", "a3 = 0.57155", "r.toml: ur.a3 is 0.57155; must be from -5 to -0.01");
    check_robot(UR, "d5 = 0.11985", "d5 = nan", "r.toml: ur.d5 is NaN; must be from 0 to 5");
    check_robot(ROBOT, "c2 = 0.840", "c2 = inf", "r.toml: opw.c2 is inf; must be from 0 to 5");
    // Lengths of the other family.
    check_robot(
        UR,
        "d5 = 0.11985",
        "c4 = 0.09",
        "r.toml:25: unknown field `c4`, expected one of `d1`, `a2`, `a3`, `d4`, `d5`, `d6`",
    );
    check_robot(
        UR,
        "[ur]",
        "[opw]",
        "r.toml:23: unknown field `a3`, expected one of `a1`, `a2`, `b`, `c1`, `c2`, `c3`, `c4`",
    );
    let unknown = "unknown field `weight_kg`, expected one of `name`, `payload_kg`, `opw`, `ur`, `offsets_deg`, `signs`, `limits_deg`, `speed_deg_s`, `acceleration_time_s`, `jerk_time_s`, `capsule`";
    check_robot(UR, "payload_kg", "weight_kg", &format!("r.toml:6: {unknown}"));
}

#[test]
fn numbers_of_a_robot_that_cannot_be_are_refused() {
    let first = "must be the least first, then the largest";
    check_robot(UR, "[-165, 165]", "[180, -180]", &format!("r.toml: limits_deg[2] is [180, -180]; {first}"));
    check_robot(UR, "[-165, 165]", "[90, 90]", &format!("r.toml: limits_deg[2] is [90, 90]; {first}"));
    check_robot(UR, "[-165, 165]", "[-180, nan]", "r.toml: limits_deg[2][1] is NaN; must be from -720 to 720");
    check_robot(UR, "[-165, 165]", "[-inf, 180]", "r.toml: limits_deg[2][0] is -inf; must be from -720 to 720");
    check_robot(UR, "[120, 120,", "[120, nan,", "r.toml: speed_deg_s[1] is NaN; must be from 1 to 2000");
    check_robot(UR, "[120, 120,", "[120, -120,", "r.toml: speed_deg_s[1] is -120; must be from 1 to 2000");
    check_robot(UR, "payload_kg = 12.5", "payload_kg = inf", "r.toml: payload_kg is inf; must be from 0.1 to 2000");
    check_robot(
        UR,
        "offsets_deg = [0.0",
        "offsets_deg = [nan",
        "r.toml: offsets_deg[0] is NaN; must be from -360 to 360",
    );
    check_robot(UR, "time_s = 0.4", "time_s = nan", "r.toml: acceleration_time_s is NaN; must be from 0.01 to 10");
    check_robot(UR, "link = 6", "link = 7", "r.toml: capsule[11].link is 7; must be from 0 to 6");
    check_robot(UR, "radius = 0.105", "radius = nan", "r.toml: capsule[0].radius is NaN; must be from 0.001 to 2");
    check_robot(
        UR,
        "from = [0.0, 0.0, 0.05]",
        "from = [0.0, 0.0, inf]",
        "r.toml: capsule[0].from[2] is inf; must be from -5 to 5",
    );
}

#[test]
fn refused_robots_and_tools_are_named_too() {
    let robot = |from: &str, to: &str| {
        assert!(ROBOT.contains(from), "{from:?}");
        RobotModel::from_toml(&ROBOT.replacen(from, to, 1), "r.toml").unwrap_err().to_string()
    };
    assert_eq!(
        robot("[-185, 185]", "[185, -185]"),
        "r.toml: limits_deg[0] is [185, -185]; must be the least first, then the largest"
    );
    assert_eq!(robot("[1, 1, -1,", "[1, 2, -1,"), "r.toml: signs[1] is 2; must be 1 or -1");
    assert_eq!(robot("jerk_time_s = 0.1", "jerk_time_s = 0.0"), "r.toml: jerk_time_s is 0; must be from 0.005 to 10");
    let tool = |from: &str, to: &str| {
        assert!(TOOL.contains(from), "{from:?}");
        ToolModel::from_toml(&TOOL.replacen(from, to, 1), "t.toml").unwrap_err().to_string()
    };
    assert_eq!(tool("[-0.044, -0.022], ", ""), "t.toml: cups is 5 cups; must be 6");
    assert_eq!(tool("mass_kg = 1.9", "mass_kg = inf"), "t.toml: mass_kg is inf; must be from 0.01 to 100");
    assert_eq!(
        tool("[20e3, 5.83e-4]", "[5e3, 5.83e-4]"),
        "t.toml: vacuum.ejector[2] is [5000.0, 0.000583] after [10000.0, 0.001]; must be at more vacuum and no more flow than the point before"
    );
    let missing = RobotModel::find("no-such.toml", Path::new("nowhere")).unwrap_err();
    assert_eq!(missing.to_string(), "nowhere/no-such.toml: can't be read");
}
