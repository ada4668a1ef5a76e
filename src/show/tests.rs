//! A made-up run through the sink. A recording is for looking at: its bytes are no golden input, so these
//! tests read it back and ask what is in it.

use std::collections::BTreeSet;
use std::path::Path;

use control::{Cell, Planner, RobotModel, ToolModel};
use rerun::external::re_log_encoding::DecoderApp;
use rerun::log::LogMsg;
use scene::Timestamp;

use super::{Rerun, ShowError, layout, paths, synthetic, words};
use crate::telemetry::{Event, Sink as _};

fn site() -> (Cell, RobotModel, ToolModel) {
    let cell = Cell::from_toml(crate::bringup::DEFAULT_CELL, "src/cells/default.toml").unwrap();
    let (robot, tool) = cell.models("src/cells/default.toml", Path::new("")).unwrap();
    (cell, robot, tool)
}

fn run(cell: &Cell, robot: &RobotModel, tool: &ToolModel) -> Vec<Event> {
    synthetic::events(cell, tool, &Planner::new(robot, tool, cell), 1)
}

/// Entity paths of a recording and of its blueprint, each as logged, and how often a blueprint is made active.
fn read(path: &Path) -> (BTreeSet<String>, BTreeSet<String>, usize) {
    let file = std::io::BufReader::new(std::fs::File::open(path).unwrap());
    let (mut drawn, mut layout, mut activated) = (BTreeSet::new(), BTreeSet::new(), 0);
    for message in DecoderApp::decode_lazy(file) {
        match message.unwrap() {
            LogMsg::ArrowMsg(store, message) => {
                let chunk = rerun::log::Chunk::from_arrow_msg(&message).unwrap();
                let path = chunk.entity_path().to_string();
                if store.is_recording() {
                    drawn.insert(path)
                } else {
                    layout.insert(path)
                };
            }
            LogMsg::BlueprintActivationCommand(_) => activated += 1,
            LogMsg::SetStoreInfo(_) => {}
        }
    }
    (drawn, layout, activated)
}

#[test]
fn a_recording_holds_every_event_and_opens_with_its_layout() {
    let (cell, robot, tool) = site();
    let events = run(&cell, &robot, &tool);
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("run.rrd");
    let mut show = Rerun::to_file(&file, &cell, &robot, &tool).unwrap();
    for event in &events {
        show.take(event);
    }
    let shown = show.close().unwrap();
    assert_eq!((shown.drawn, shown.dropped), (events.len() as u64, 0));

    let (drawn, layout, activated) = read(&file);
    assert_eq!(activated, 1, "the layout opens by itself");
    let views = layout.iter().filter(|path| path.starts_with("/view/") && path.matches('/').count() == 2).count();
    assert!(views >= 10, "{views} views in {layout:?}");
    let camera = &cell.cameras[0].name;
    let expected = [
        paths::link(6),
        paths::TOOL.into(),
        paths::CUPS.into(),
        paths::HELD.into(),
        paths::walls(paths::Kind::Tote, "tote-a"),
        paths::surface(paths::Kind::Tote, "tote-a"),
        paths::surface(paths::Kind::Bin, "bin-1"),
        paths::image(camera),
        paths::depth(camera),
        paths::masks(camera),
        paths::item_boxes(camera),
        paths::chosen_box(camera),
        paths::chosen_discs(camera),
        paths::cloud(camera),
        paths::items("tote-a"),
        paths::ACCEPTED.into(),
        paths::REJECTED.into(),
        paths::REASONS.into(),
        paths::CHOSEN.into(),
        paths::CHOSEN_CUPS.into(),
        paths::CHOSEN_APPROACH.into(),
        paths::CHOSEN_TOOL.into(),
        paths::PATH.into(),
        paths::PLACEMENT.into(),
        paths::CUP_PRESSURES.into(),
        paths::MANIFOLD.into(),
        paths::LOAD.into(),
        paths::ANGLES.into(),
        paths::SPEEDS.into(),
        paths::STEPS.into(),
        paths::STEP_LOG.into(),
        paths::PICK_LOG.into(),
        paths::WARNING_LOG.into(),
        paths::WHY.into(),
        paths::OUTCOME.into(),
    ];
    for path in expected {
        assert!(drawn.contains(&format!("/{path}")), "{path} is missing in {drawn:?}");
    }
}

#[test]
fn a_full_queue_drops_states_before_what_comes_once() {
    let (cell, ..) = site();
    let arm = control::ArmState { at: Timestamp::ZERO, q: cell.rest, dq: [0.0; 6], stopped: false };
    let state = Event::State { at: Timestamp::ZERO, arm, tool: None };
    let warning = Event::Warning { at: Timestamp::ZERO, text: "once".into() };
    // A queue that nobody empties.
    let (queue, _events) = crossbeam::channel::bounded(super::QUEUE);
    let mut show = Rerun { to: "test".into(), queue: Some(queue), thread: None, waits: false, dropped: 0 };
    for _ in 0..super::QUEUE {
        show.take(&state);
    }
    let dropped = show.dropped;
    assert_eq!(dropped, (super::QUEUE / 2 - 1) as u64);
    show.take(&warning);
    assert_eq!(show.dropped, dropped, "a warning still fits");
}

#[test]
fn a_file_that_cannot_be_made_is_named() {
    let (cell, robot, tool) = site();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("missing").join("run.rrd");
    let error = Rerun::to_file(&file, &cell, &robot, &tool).unwrap_err();
    assert!(matches!(error, ShowError::File { .. }));
    assert!(error.to_string().starts_with(&format!("recording {}: ", file.display())), "{error}");
}

#[test]
fn the_text_of_a_choice_names_item_grasp_reasons_and_place() {
    let (cell, robot, tool) = site();
    let choice = run(&cell, &robot, &tool)
        .into_iter()
        .find_map(|event| match event {
            Event::Choice { choice, .. } => Some(choice),
            _ => None,
        })
        .unwrap();
    let text = words::why(&choice);
    for part in ["# Pick 1: ", "| it is | p |", "## The grasp: ", "| cups | ", "## Grasps rejected: ", "## The place"] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
    assert_eq!(words::kind_of("cup 3 leans by 12.5°"), words::kind_of("cup 10 leans by 9°"));
}

#[test]
fn the_same_cell_gives_the_same_layout() {
    let (cell, _, _) = site();
    let tabs = |cell: &Cell| {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("layout.rrd");
        let stream = rerun::RecordingStreamBuilder::new("test").save(&file).unwrap();
        layout::send(&stream, cell, false).unwrap();
        drop(stream);
        read(&file).1
    };
    assert_eq!(tabs(&cell), tabs(&cell));
}
