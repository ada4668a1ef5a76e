//! Holds the layout: which crate may use which, where each library may be used, what the root may hold.
#![cfg(test)]

mod tracked;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

/// One of our crates, and which others it uses in any section of its manifest.
struct Room {
    name: &'static str,
    folder: &'static str,
    uses: &'static [&'static str],
}

/// All of our crates. `control`, `grasp` and `sim` build without OpenCV and ONNX Runtime, and the planner
/// can't reach the simulator's truth.
const ROOMS: [Room; 7] = [
    Room { name: "scene", folder: "perception/scene", uses: &[] },
    Room { name: "firmware", folder: "firmware", uses: &[] },
    Room { name: "perception", folder: "perception", uses: &["scene"] },
    Room { name: "control", folder: "control", uses: &["firmware", "scene"] },
    Room { name: "grasp", folder: "grasp", uses: &["control", "scene"] },
    Room { name: "sim", folder: "sim", uses: &["control", "firmware", "scene"] },
    Room { name: "nuthatch", folder: "", uses: &["control", "firmware", "grasp", "perception", "scene", "sim"] },
];

/// Libraries that only one room may use, so that the others build and are read without them.
const KEPT_IN: [(&str, &str); 15] = [
    ("ort", "perception"),
    ("ndarray", "perception"),
    ("opencv", "perception"),
    ("zxing-cpp", "perception"),
    ("rs-opw-kinematics", "control"),
    ("rsruckig", "control"),
    ("parry3d", "control"),
    ("rapier3d", "sim"),
    ("gltf", "sim"),
    ("tobj", "sim"),
    ("rerun", "nuthatch"),
    ("tokio", "nuthatch"),
    ("crossbeam", "nuthatch"),
    ("clap", "nuthatch"),
    ("rusqlite", "nuthatch"),
];

/// Requirements that do not come from the workspace: it has default features on, a crate that inherits
/// can't turn them off, and `no_std` needs them off.
const OWN: [(&str, &str); 2] = [("firmware", "serde"), ("firmware", "thiserror")];

/// Boards have targets and a lock of their own.
const BOARDS: &str = "firmware/boards";

/// What may stand at the root; a folder ends with a slash.
const ROOT: [&str; 23] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "CHANGELOG.md",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "Makefile",
    "clippy.toml",
    "deny.toml",
    ".gitignore",
    ".gitattributes",
    ".ci/",
    ".cargo/",
    ".config/",
    "src/",
    "tests/",
    "benches/",
    "examples/",
    "perception/",
    "grasp/",
    "control/",
    "sim/",
    "firmware/",
];

const MAX_LINES: usize = 650;
const MAX_BYTES: u64 = 2 * 1024 * 1024;
/// Networks may be larger: both together stay under 30 MiB.
const MAX_NETWORK_BYTES: u64 = 15 * 1024 * 1024;

/// A dependency as a manifest states it.
#[derive(Debug, PartialEq)]
struct Requirement {
    package: String,
    from_workspace: bool,
}

/// Every requirement of a manifest: normal, dev, build, and those for one target only.
fn requirements(manifest: &Table) -> Vec<Requirement> {
    const SECTIONS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];
    let targets = manifest
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(Table::values)
        .filter_map(Value::as_table);
    std::iter::once(manifest)
        .chain(targets)
        .flat_map(|part| SECTIONS.iter().filter_map(|section| part.get(*section)?.as_table()))
        .flat_map(|section| section.iter())
        .map(|(key, value)| Requirement {
            package: value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned(),
            from_workspace: value.get("workspace").and_then(Value::as_bool) == Some(true),
        })
        .collect()
}

fn manifest(folder: &str) -> Table {
    let path = tracked::root().join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn is_room(name: &str) -> bool {
    ROOMS.iter().any(|room| room.name == name)
}

/// Fails with one fault a line.
fn none(faults: Vec<String>) {
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn requirements_of_every_section_are_seen() {
    let manifest: Table = r#"
        [dependencies]
        scene.workspace = true
        [dev-dependencies]
        eyes = { package = "perception", path = "../perception" }
        [build-dependencies]
        cc = "1"
        [target.'cfg(unix)'.dependencies]
        sim = { workspace = true, features = ["x"] }
    "#
    .parse()
    .unwrap();
    let found: BTreeMap<String, bool> =
        requirements(&manifest).into_iter().map(|r| (r.package, r.from_workspace)).collect();
    let expected = [("scene", true), ("perception", false), ("cc", false), ("sim", true)];
    assert_eq!(found, expected.map(|(name, inherited)| (name.to_owned(), inherited)).into());
}

#[test]
fn rooms_use_exactly_the_rooms_that_the_design_allows() {
    for room in ROOMS {
        let used: BTreeSet<String> =
            requirements(&manifest(room.folder)).into_iter().map(|r| r.package).filter(|name| is_room(name)).collect();
        let allowed: BTreeSet<String> = room.uses.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(used, allowed, "{} uses the left, and may use the right", room.name);
    }
}

/// What may name the simulator in `src`: who makes worlds, judges in them, serves, measures and draws them.
const KNOWS_SIM: [&str; 4] = ["src/simulated/", "src/bench/", "src/cli/render.rs", "src/cli/catalog.rs"];
/// And who may call those: the place that chooses whose devices are driven, and the two commands about worlds.
const CHOOSES: [&str; 3] = ["src/cli/run.rs", "src/cli/world.rs", "src/lib.rs"];

/// True where a line uses a crate or module of this name, not where a longer name ends so.
fn uses_module(line: &str, name: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let before_is_name = |at: usize| code[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
    let path = code.match_indices(&format!("{name}::")).any(|(at, _)| !before_is_name(at));
    path || code.trim_start().trim_start_matches("pub ").starts_with(&format!("mod {name};"))
}

#[test]
fn uses_of_a_module_are_told_from_longer_names_and_comments() {
    let check = |line: &str, expected: bool| assert_eq!(uses_module(line, "sim"), expected, "{line}");
    check("use sim::world::World;", true);
    check("    world: Rc<sim::World>,", true);
    check("pub mod sim;", true);
    check("use crate::maxim::Gun;", false);
    check("//! as sim::World does", false);
}

#[test]
fn the_runtime_of_a_world_in_another_process_holds_no_line_of_the_simulator() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for path in
        tracked::files().into_iter().filter(|p| p.starts_with("src") && p.extension().is_some_and(|e| e == "rs"))
    {
        let name = path.display().to_string();
        let is_one_of = |list: &[&str]| list.iter().any(|part| name.starts_with(part));
        if is_one_of(&KNOWS_SIM) {
            continue;
        }
        seen += 1;
        for (index, line) in tracked::text(&path).unwrap_or_default().lines().enumerate() {
            let forbidden = uses_module(line, "sim") || (uses_module(line, "simulated") && !is_one_of(&CHOOSES));
            if forbidden {
                faults.push(format!("{name}:{}: {}", index + 1, line.trim()));
            }
        }
    }
    assert!(seen > 20, "{seen} files looked at");
    none(faults);
}

#[test]
fn every_manifest_is_a_room_and_every_room_is_a_member() {
    let root = manifest("");
    let members: BTreeSet<&str> =
        root["workspace"]["members"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    let folders: BTreeSet<&str> = ROOMS.iter().map(|room| room.folder).filter(|folder| !folder.is_empty()).collect();
    assert_eq!(members, folders, "members of the workspace, and rooms");

    let known: BTreeSet<_> = ROOMS.iter().map(|room| Path::new(room.folder).join("Cargo.toml")).collect();
    let others = tracked::files().into_iter().filter(|path| path.ends_with("Cargo.toml") && !path.starts_with(BOARDS));
    none(
        others
            .filter(|path| !known.contains(path))
            .map(|path| format!("{}: is no room of the design", path.display()))
            .collect(),
    );
}

#[test]
fn libraries_stay_in_their_rooms() {
    let mut faults = Vec::new();
    for room in ROOMS {
        for requirement in requirements(&manifest(room.folder)) {
            if let Some((library, home)) = KEPT_IN.iter().find(|(library, _)| *library == requirement.package)
                && *home != room.name
            {
                faults.push(format!("{}: uses {library}, which stays in {home}", room.name));
            }
        }
    }
    none(faults);
}

#[test]
fn versions_stand_in_the_workspace_alone_and_each_is_used() {
    let mut faults = Vec::new();
    let mut used = BTreeSet::new();
    for room in ROOMS {
        for Requirement { package, from_workspace } in requirements(&manifest(room.folder)) {
            let own = OWN.contains(&(room.name, package.as_str()));
            match (from_workspace, own) {
                (false, false) => faults.push(format!("{}: {package} must be `workspace = true`", room.name)),
                (true, true) => faults.push(format!("{}: {package} needs no exception any more", room.name)),
                _ => {}
            }
            used.insert(package);
        }
    }
    for (key, value) in manifest("")["workspace"]["dependencies"].as_table().unwrap() {
        let package = value.get("package").and_then(Value::as_str).unwrap_or(key);
        if !used.contains(package) {
            faults.push(format!("Cargo.toml: {package} is used by no crate"));
        }
    }
    none(faults);
}

#[test]
fn crates_inherit_lints_licence_and_rust_version() {
    let mut faults = Vec::new();
    for room in ROOMS {
        let manifest = manifest(room.folder);
        for key in ["version", "edition", "rust-version", "license"] {
            if manifest["package"].get(key).and_then(|value| value.get("workspace")?.as_bool()) != Some(true) {
                faults.push(format!("{}: package.{key} must be `workspace = true`", room.name));
            }
        }
        if manifest.get("lints").and_then(|lints| lints.get("workspace")?.as_bool()) != Some(true) {
            faults.push(format!("{}: [lints] must be `workspace = true`", room.name));
        }
    }
    none(faults);
}

#[test]
fn the_root_holds_only_what_the_layout_names() {
    let entries: BTreeSet<String> = tracked::files()
        .iter()
        .map(|path| {
            let mut parts = path.iter().map(|part| part.to_string_lossy());
            let first = parts.next().unwrap_or_default();
            if parts.next().is_some() { format!("{first}/") } else { first.into_owned() }
        })
        .filter(|entry| !ROOT.contains(&entry.as_str()))
        .collect();
    none(entries.into_iter().map(|entry| format!("{entry}: has no place at the root")).collect());
}

#[test]
fn files_are_short_and_small() {
    let mut faults = Vec::new();
    for path in tracked::files() {
        let bytes = std::fs::metadata(tracked::root().join(&path)).unwrap().len();
        let network = path.extension().is_some_and(|e| e == "onnx");
        let most = if network { MAX_NETWORK_BYTES } else { MAX_BYTES };
        if bytes > most {
            faults.push(format!("{}: {bytes} bytes; at most {most}", path.display()));
        }
        let is_source =
            path.extension().is_some_and(|extension| extension == "rs" || extension == "py") || path.starts_with(".ci");
        let lines = if is_source { tracked::text(&path).unwrap_or_default().lines().count() } else { 0 };
        if lines > MAX_LINES {
            faults.push(format!("{}: {lines} lines; at most {MAX_LINES}: is it still one thing?", path.display()));
        }
    }
    none(faults);
}

/// The first path in a line that exists on somebody's machine only. Addresses on the web are none.
fn machine_path(line: &str) -> Option<&str> {
    const FOLDERS: [&str; 6] = ["home", "Users", "root", "tmp", "work", "farm"];
    line.split_whitespace()
        .filter(|word| !word.contains("://"))
        .find(|word| FOLDERS.iter().any(|folder| word.contains(&format!("/{folder}/"))))
}

#[test]
fn machine_paths_are_told_from_others() {
    let path = |folder: &str| format!("see {folder}/cell.toml");
    for folder in ["home", "Users", "root", "tmp", "work", "farm"] {
        let absolute = path(&format!("/{folder}/x"));
        assert_eq!(machine_path(&absolute), Some(&absolute[4..]));
    }
    assert_eq!(machine_path(&path("src/cells")), None);
    assert_eq!(machine_path(&path("https://example.org/home/x")), None);
}

#[test]
fn tracked_text_names_no_path_of_one_machine() {
    let mut faults = Vec::new();
    for path in tracked::files().iter().filter(|path| *path != Path::new("Cargo.lock")) {
        for (index, line) in tracked::text(path).unwrap_or_default().lines().enumerate() {
            if let Some(found) = machine_path(line) {
                faults.push(format!("{}:{}: {found}", path.display(), index + 1));
            }
        }
    }
    none(faults);
}
