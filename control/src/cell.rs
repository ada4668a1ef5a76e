//! The cell file: which arm and tool, where totes, bins and cameras stand, budgets and thresholds.

use std::path::{Path, PathBuf};

use scene::frame::{self, Frame};
use scene::{Intrinsics, Pose, Span};
use serde::{Deserialize, Serialize};

use crate::config::{Check, ConfigError, parse};
use crate::robot::RobotModel;
use crate::tool::ToolModel;
use crate::{JOINT_NAMES, JointAngles};

/// The least height up to which a bin may be filled, metres: flat goods lie in it.
const FILL_LEAST_M: f64 = 0.02;

/// A tote or a bin: four walls on a floor, open at the top.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(bound = "")]
pub struct Container<F: Frame> {
    /// Its name, unique among totes and bins.
    pub name: String,
    /// Where the centre of its inner floor is.
    pub world_from: Pose<frame::World, F>,
    /// Inner length (x), width (y) and height (z), metres.
    pub size: [f64; 3],
    /// Thickness of its walls, metres; they stand outside the inner size.
    pub wall: f64,
    /// Up to which height above its floor it may be filled, metres: its walls' where the file says nothing, and a tote's
    /// always.
    pub fill: f64,
}

/// A camera and where it is mounted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CameraMount {
    /// Its name.
    pub name: String,
    /// Its pinhole.
    pub intrinsics: Intrinsics,
    /// Distance of its two stereo eyes, metres.
    pub baseline_m: f64,
    /// Where it stands.
    pub world_from_camera: Pose<frame::World, frame::Camera>,
    /// Names of the totes and bins that it sees whole.
    pub sees: Vec<String>,
}

/// A box that stands in the cell, sides along the world's axes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedBox {
    /// What it is, for messages.
    pub name: String,
    /// Its centre in the world, metres.
    pub centre_m: [f64; 3],
    /// Its sides, metres.
    pub size_m: [f64; 3],
}

/// How long the stages may take; in simulation they take exactly this long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Budgets {
    /// From the exposure of an image to its items.
    pub look: Span,
    /// From items to a chosen grasp and placement.
    pub choose: Span,
    /// From a chosen grasp to motion, reach and carry together.
    pub plan: Span,
    /// From a motion to a shorter one, while something else goes on.
    pub refine: Span,
}

/// Where the station draws its lines.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Least probability of success for which a grasp is tried, 0…1.
    pub accept_probability: f64,
    /// Least belief that an item is the wanted SKU, 0…1.
    pub accept_belief: f64,
    /// Share of the nominal mass by which a weight may be off.
    pub weight_tolerance: f64,
    /// Mass by which a weight may be off in any case, kilograms.
    pub weight_tolerance_kg: f64,
    /// A load this far beyond what item and motion explain means that something was hit, newtons.
    pub collision_n: f64,
    /// How long cups may take to seal after contact, milliseconds.
    pub seal_timeout_ms: f64,
    /// How long released cups blow, milliseconds.
    pub blow_ms: f64,
    /// Longest wait for released cups to vent, milliseconds.
    pub release_timeout_ms: f64,
    /// Cups below this pressure hold nothing, pascals below ambient.
    pub released_pa: u32,
    /// A tote whose rim is off by more than this is not picked from, metres.
    #[serde(default = "tote_off_m")]
    pub tote_off_m: f64,
}

/// Where the file says nothing: less than what is kept free beside walls, more than a picture is wrong by.
fn tote_off_m() -> f64 {
    0.010
}

/// A cell that exists is valid: every number finite and in its range, every name known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// The arm's file: a name that [`RobotModel::find`] knows, or a path relative to the cell file.
    pub robot: String,
    /// The tool's file, likewise for [`ToolModel::find`].
    pub tool: String,
    /// Folder of the catalogue, relative to the cell file.
    pub catalogue: PathBuf,
    /// Folder of the networks, relative to the cell file.
    pub models: PathBuf,
    /// ONNX Runtime's shared library, relative to the cell file unless absolute.
    pub runtime_library: PathBuf,
    /// Threads of one inference.
    pub inference_threads: u8,
    /// Where the arm waits: out of the cameras' view, tool above everything.
    pub rest: JointAngles,
    /// Declared latencies.
    pub budgets: Budgets,
    /// Where lines are drawn.
    pub thresholds: Thresholds,
    /// Source totes.
    pub totes: Vec<Container<frame::Tote>>,
    /// Target bins.
    pub bins: Vec<Container<frame::Bin>>,
    /// Cameras.
    pub cameras: Vec<CameraMount>,
    /// What else stands in the way of the arm.
    pub obstacles: Vec<FixedBox>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    robot: String,
    tool: String,
    catalogue: PathBuf,
    models: PathBuf,
    runtime_library: PathBuf,
    inference_threads: u8,
    rest_deg: [f64; 6],
    budgets_ms: BudgetsMs,
    thresholds: Thresholds,
    tote: Vec<ContainerFile<frame::Tote>>,
    bin: Vec<ContainerFile<frame::Bin>>,
    camera: Vec<CameraMount>,
    #[serde(default)]
    obstacle: Vec<FixedBox>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BudgetsMs {
    look: f64,
    choose: f64,
    plan: f64,
    refine: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
struct ContainerFile<F: Frame> {
    name: String,
    world_from: Pose<frame::World, F>,
    size_m: [f64; 3],
    wall_m: f64,
    fill_height_m: Option<f64>,
}

impl Cell {
    /// Parses a cell file; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with file, field, value and rule.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        let raw: File = parse(text, file)?;
        let check = Check { file };
        if raw.robot.is_empty() || raw.tool.is_empty() {
            let field = if raw.robot.is_empty() { "robot" } else { "tool" };
            return Err(check.refuse(field, "empty", "the name of a shipped file or a path"));
        }
        check.ranges("rest_deg", &raw.rest_deg, -720.0..=720.0)?;
        for (field, value) in [
            ("budgets_ms.look", raw.budgets_ms.look),
            ("budgets_ms.choose", raw.budgets_ms.choose),
            ("budgets_ms.plan", raw.budgets_ms.plan),
            ("budgets_ms.refine", raw.budgets_ms.refine),
        ] {
            check.range(field, value, 0.0..=10_000.0)?;
        }
        check_thresholds(&check, &raw.thresholds)?;
        if !(1..=64).contains(&raw.inference_threads) {
            return Err(check.refuse("inference_threads", raw.inference_threads, "from 1 to 64"));
        }
        if raw.tote.is_empty() || raw.bin.is_empty() {
            let field = if raw.tote.is_empty() { "tote" } else { "bin" };
            return Err(check.refuse(field, "empty", "one or more"));
        }
        let totes = containers(&check, "tote", raw.tote)?;
        let bins = containers(&check, "bin", raw.bin)?;
        let names = || totes.iter().map(|t| t.name.as_str()).chain(bins.iter().map(|b| b.name.as_str()));
        check.distinct("name of a tote or bin", names())?;
        check.distinct("camera.name", raw.camera.iter().map(|c| c.name.as_str()))?;
        for (i, camera) in raw.camera.iter().enumerate() {
            check_camera(&check, i, camera)?;
            for seen in &camera.sees {
                if !names().any(|name| name == seen) {
                    return Err(check.refuse(
                        format!("camera[{i}].sees"),
                        format!("{seen:?}"),
                        "names of totes and bins",
                    ));
                }
            }
        }
        for (i, fixed) in raw.obstacle.iter().enumerate() {
            check.ranges(&format!("obstacle[{i}].centre_m"), &fixed.centre_m, -20.0..=20.0)?;
            check.ranges(&format!("obstacle[{i}].size_m"), &fixed.size_m, 0.001..=20.0)?;
        }
        Ok(Self {
            robot: raw.robot,
            tool: raw.tool,
            catalogue: raw.catalogue,
            models: raw.models,
            runtime_library: raw.runtime_library,
            inference_threads: raw.inference_threads,
            rest: JointAngles::from_degrees(raw.rest_deg),
            budgets: Budgets {
                look: Span::from_seconds(raw.budgets_ms.look * 1e-3),
                choose: Span::from_seconds(raw.budgets_ms.choose * 1e-3),
                plan: Span::from_seconds(raw.budgets_ms.plan * 1e-3),
                refine: Span::from_seconds(raw.budgets_ms.refine * 1e-3),
            },
            thresholds: raw.thresholds,
            totes,
            bins,
            cameras: raw.camera,
            obstacles: raw.obstacle,
        })
    }

    /// Loads the arm and the tool that the cell names and checks what needs both: the rest pose
    /// within the joints' limits, the tool's mass below the arm's payload. `folder` is the cell file's.
    ///
    /// # Errors
    /// [`ConfigError`] with file, field, value and rule.
    pub fn models(&self, file: &str, folder: &Path) -> Result<(RobotModel, ToolModel), ConfigError> {
        let robot = RobotModel::find(&self.robot, folder)?;
        let tool = ToolModel::find(&self.tool, folder)?;
        let check = Check { file };
        if tool.mass_kg >= robot.payload_kg {
            let rule = format!("below the payload of robot {:?}, {} kg", self.robot, robot.payload_kg);
            return Err(check.refuse("mass_kg of the tool", tool.mass_kg, rule));
        }
        for ((angle, joint), name) in self.rest.0.iter().zip(&robot.joints).zip(JOINT_NAMES) {
            check.range(
                &format!("rest_deg of {name}"),
                angle.to_degrees().round_to(1e-9),
                joint.min.to_degrees().round_to(1e-9)..=joint.max.to_degrees().round_to(1e-9),
            )?;
        }
        Ok((robot, tool))
    }

    /// The tote of this name.
    #[must_use]
    pub fn tote(&self, name: &str) -> Option<&Container<frame::Tote>> {
        self.totes.iter().find(|c| c.name == name)
    }

    /// The bin of this name.
    #[must_use]
    pub fn bin(&self, name: &str) -> Option<&Container<frame::Bin>> {
        self.bins.iter().find(|c| c.name == name)
    }

    /// The first camera that sees the tote or bin of this name.
    #[must_use]
    pub fn camera_over(&self, container: &str) -> Option<&CameraMount> {
        self.cameras.iter().find(|c| c.sees.iter().any(|s| s == container))
    }
}

/// Rounds to a multiple, so that degrees print as they were written.
trait RoundTo {
    fn round_to(self, step: f64) -> f64;
}
impl RoundTo for f64 {
    fn round_to(self, step: f64) -> f64 {
        (self / step).round() * step
    }
}

fn containers<F: Frame>(
    check: &Check<'_>,
    kind: &str,
    files: Vec<ContainerFile<F>>,
) -> Result<Vec<Container<F>>, ConfigError> {
    let mut out = Vec::with_capacity(files.len());
    for (i, raw) in files.into_iter().enumerate() {
        check.name(&format!("{kind}[{i}].name"), &raw.name)?;
        check.ranges(&format!("{kind}[{i}].size_m"), &raw.size_m, 0.05..=3.0)?;
        check.range(&format!("{kind}[{i}].wall_m"), raw.wall_m, 0.001..=0.1)?;
        let origin = raw.world_from.origin();
        check.ranges(&format!("{kind}[{i}].world_from"), origin.coords.as_slice(), -20.0..=20.0)?;
        let up = raw.world_from.direction(&nalgebra::Vector3::z());
        if up.z < 0.999_99 {
            return Err(check.refuse(
                format!("{kind}[{i}].world_from"),
                format!("tilted by {:.2}°", up.z.clamp(-1.0, 1.0).acos().to_degrees()),
                "upright within 0.25°",
            ));
        }
        let field = format!("{kind}[{i}].fill_height_m");
        let height = raw.size_m[2];
        let fill = match raw.fill_height_m {
            Some(fill) if kind != "bin" => return Err(check.refuse(field, fill, "left out: only bins have one")),
            Some(fill) => {
                check.range(&field, fill, FILL_LEAST_M..=height)?;
                fill
            }
            None => height,
        };
        let ContainerFile { name, world_from, size_m: size, wall_m: wall, .. } = raw;
        out.push(Container { name, world_from, size, wall, fill });
    }
    Ok(out)
}

fn check_thresholds(check: &Check<'_>, t: &Thresholds) -> Result<(), ConfigError> {
    check.range("thresholds.accept_probability", t.accept_probability, 0.0..=1.0)?;
    check.range("thresholds.accept_belief", t.accept_belief, 0.0..=1.0)?;
    check.range("thresholds.weight_tolerance", t.weight_tolerance, 0.0..=10.0)?;
    check.range("thresholds.weight_tolerance_kg", t.weight_tolerance_kg, 0.0..=10.0)?;
    check.range("thresholds.collision_n", t.collision_n, 5.0..=10_000.0)?;
    check.range("thresholds.seal_timeout_ms", t.seal_timeout_ms, 1.0..=10_000.0)?;
    check.range("thresholds.blow_ms", t.blow_ms, 0.0..=10_000.0)?;
    check.range("thresholds.release_timeout_ms", t.release_timeout_ms, 1.0..=10_000.0)?;
    check.range("thresholds.released_pa", f64::from(t.released_pa), 1.0..=100_000.0)?;
    check.range("thresholds.tote_off_m", t.tote_off_m, 0.001..=0.1)
}

fn check_camera(check: &Check<'_>, i: usize, camera: &CameraMount) -> Result<(), ConfigError> {
    check.name(&format!("camera[{i}].name"), &camera.name)?;
    let lens = &camera.intrinsics;
    let field = |name: &str| format!("camera[{i}].{name}");
    for (name, value) in [("width", lens.width), ("height", lens.height)] {
        check.range(&field(&format!("intrinsics.{name}")), f64::from(value), 16.0..=8192.0)?;
    }
    for (name, value) in [("fx", lens.fx), ("fy", lens.fy)] {
        check.range(&field(&format!("intrinsics.{name}")), value, 10.0..=100_000.0)?;
    }
    check.range(&field("intrinsics.cx"), lens.cx, 0.0..=f64::from(lens.width))?;
    check.range(&field("intrinsics.cy"), lens.cy, 0.0..=f64::from(lens.height))?;
    check.range(&field("baseline_m"), camera.baseline_m, 0.005..=2.0)?;
    let origin = camera.world_from_camera.origin();
    check.ranges(&field("world_from_camera"), origin.coords.as_slice(), -20.0..=20.0)
}
