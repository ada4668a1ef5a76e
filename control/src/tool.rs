//! The tool as its file describes it: cups, bodies, suction.

use std::path::Path;

use scene::{Pose, frame};
use serde::{Deserialize, Serialize};

use crate::config::{Check, ConfigError, parse};

/// A box that belongs to the tool, axes along the tool's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolBody {
    /// What it is, for messages.
    pub name: String,
    /// Its centre in the tool frame, metres.
    pub centre_m: [f64; 3],
    /// Its sides, metres.
    pub size_m: [f64; 3],
    /// False for the cups: they give way, so what lies in the tote may touch them.
    pub rigid: bool,
}

/// The vacuum side of the tool, data-sheet values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vacuum {
    /// The ejector's suction over vacuum: `[pressure below ambient in Pa, flow in m³/s of free air]`, falling.
    pub ejector: Vec<[f64; 2]>,
    /// Volume of one cup with its line, m³.
    pub cup_volume_m3: f64,
    /// Volume of the manifold with its hose, m³.
    pub manifold_volume_m3: f64,
    /// Diameter of the orifice in each cup's line, metres.
    pub orifice_m: f64,
    /// How long reservoir and check valves hold after loss of supply, seconds.
    pub hold_s: f64,
}

/// Two fingers that close along the tool's y axis, data-sheet values. Their force comes by packet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pinch {
    /// Distance of the pads' inner faces, open, metres.
    pub open_m: f64,
    /// And closed on nothing, metres.
    pub closed_m: f64,
    /// Sides of a pad along x, y and z of the tool, metres.
    pub pad_m: [f64; 3],
    /// How far the pads' tips reach beyond the plane of the lips when slid out, metres.
    pub reach_m: f64,
    /// How fast each pad closes, m/s.
    pub close_m_per_s: f64,
    /// How long the fingers take to slide out, seconds.
    pub slide_s: f64,
    /// Mass of one finger, kilograms; the tool's mass counts it.
    pub finger_kg: f64,
    /// Friction of the pads.
    pub friction: f64,
}

/// A tool: `tools/NAME.toml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ToolModel {
    /// What people call it.
    pub name: String,
    /// Where the plane of the lips is.
    pub flange_from_tool: Pose<frame::Flange, frame::Tool>,
    /// Centres of the cups in the tool's xy plane, metres; the index is the cup's number.
    pub cups: Vec<[f64; 2]>,
    /// Nominal diameter of a cup, metres.
    pub cup_diameter_m: f64,
    /// Radius of the circle on which a lip seals, metres.
    pub r_eff_m: f64,
    /// Area that the vacuum of one cup acts on, m².
    pub a_eff_m2: f64,
    /// How far a cup gives way along its axis, metres.
    pub stroke_m: f64,
    /// Stiffness of a cup along its axis, N/m.
    pub stiffness_n_per_m: f64,
    /// Friction of a lip on dry goods.
    pub friction: f64,
    /// Mass of the tool, kilograms.
    pub mass_kg: f64,
    /// Its centre of mass in the tool frame, metres.
    pub centre_of_mass_m: [f64; 3],
    /// Age of a load when it is read: amplifier and filter, seconds.
    pub load_delay_s: f64,
    /// The vacuum side.
    pub vacuum: Vacuum,
    /// Its fingers, where it has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pinch: Option<Pinch>,
    /// The space that it takes.
    pub bodies: Vec<ToolBody>,
}

/// The tool files that come with the crate: name and text.
const SHIPPED: [(&str, &str); 1] = [("six-cup", include_str!("../tools/six-cup.toml"))];

impl ToolModel {
    /// Parses a tool file; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with file, field, value and rule.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        let tool: Self = parse(text, file)?;
        let check = Check { file };
        if tool.cups.len() != firmware::CUPS {
            return Err(check.refuse("cups", format!("{} cups", tool.cups.len()), format!("{}", firmware::CUPS)));
        }
        for (i, cup) in tool.cups.iter().enumerate() {
            check.ranges(&format!("cups[{i}]"), cup, -1.0..=1.0)?;
        }
        check.range("cup_diameter_m", tool.cup_diameter_m, 0.002..=0.2)?;
        check.range("r_eff_m", tool.r_eff_m, 0.001..=0.5 * tool.cup_diameter_m)?;
        let disc = core::f64::consts::PI * tool.r_eff_m * tool.r_eff_m;
        check.range("a_eff_m2", tool.a_eff_m2, 0.1 * disc..=1.2 * disc)?;
        check.range("stroke_m", tool.stroke_m, 0.0..=0.1)?;
        check.range("stiffness_n_per_m", tool.stiffness_n_per_m, 1.0..=1e6)?;
        check.range("friction", tool.friction, 0.0..=2.0)?;
        check.range("mass_kg", tool.mass_kg, 0.01..=100.0)?;
        check.ranges("centre_of_mass_m", &tool.centre_of_mass_m, -1.0..=1.0)?;
        check.range("load_delay_s", tool.load_delay_s, 0.0..=0.01)?;
        let vacuum = &tool.vacuum;
        check.range("vacuum.cup_volume_m3", vacuum.cup_volume_m3, 1e-8..=1e-2)?;
        check.range("vacuum.manifold_volume_m3", vacuum.manifold_volume_m3, 1e-8..=1e-1)?;
        check.range("vacuum.orifice_m", vacuum.orifice_m, 1e-4..=0.05)?;
        check.range("vacuum.hold_s", vacuum.hold_s, 0.0..=600.0)?;
        if vacuum.ejector.len() < 2 {
            return Err(check.refuse("vacuum.ejector", format!("{} points", vacuum.ejector.len()), "2 points or more"));
        }
        for (i, point) in vacuum.ejector.iter().enumerate() {
            check.range(&format!("vacuum.ejector[{i}][0]"), point[0], 0.0..=101_325.0)?;
            check.range(&format!("vacuum.ejector[{i}][1]"), point[1], 0.0..=1.0)?;
        }
        for (i, pair) in vacuum.ejector.windows(2).enumerate() {
            if pair[1][0] <= pair[0][0] || pair[1][1] > pair[0][1] {
                return Err(check.refuse(
                    format!("vacuum.ejector[{}]", i + 1),
                    format!("{:?} after {:?}", pair[1], pair[0]),
                    "at more vacuum and no more flow than the point before",
                ));
            }
        }
        if let Some(pinch) = &tool.pinch {
            check.range("pinch.open_m", pinch.open_m, 0.001..=0.5)?;
            check.range("pinch.closed_m", pinch.closed_m, 0.0..=pinch.open_m)?;
            check.ranges("pinch.pad_m", &pinch.pad_m, 1e-3..=0.2)?;
            check.range("pinch.reach_m", pinch.reach_m, 0.0..=0.3)?;
            check.range("pinch.close_m_per_s", pinch.close_m_per_s, 1e-3..=2.0)?;
            check.range("pinch.slide_s", pinch.slide_s, 0.01..=5.0)?;
            check.range("pinch.finger_kg", pinch.finger_kg, 0.01..=5.0)?;
            check.range("pinch.friction", pinch.friction, 0.0..=2.0)?;
        }
        for (i, body) in tool.bodies.iter().enumerate() {
            check.ranges(&format!("bodies[{i}].centre_m"), &body.centre_m, -2.0..=2.0)?;
            check.ranges(&format!("bodies[{i}].size_m"), &body.size_m, 1e-3..=2.0)?;
        }
        Ok(tool)
    }

    /// A tool file that comes with the crate, by name, or one on disk, relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] when it can't be read or is refused.
    pub fn find(name: &str, folder: &Path) -> Result<Self, ConfigError> {
        crate::config::find(name, folder, &SHIPPED, Self::from_toml)
    }

    /// Where the tool's frame is on the flange, the other way round.
    #[must_use]
    pub fn tool_from_flange(&self) -> Pose<frame::Tool, frame::Flange> {
        self.flange_from_tool.inverse()
    }
}

impl Vacuum {
    /// Flow of the ejector at a pressure below ambient, m³/s of free air; straight between the points of the file.
    #[must_use]
    pub fn flow_m3_s(&self, pressure_pa: f64) -> f64 {
        let mut before = match self.ejector.first() {
            Some(first) => *first,
            None => return 0.0,
        };
        for &point in &self.ejector {
            if pressure_pa < point[0] {
                let span = point[0] - before[0];
                let share = if span > 0.0 { (pressure_pa - before[0]) / span } else { 1.0 };
                return before[1] + share.clamp(0.0, 1.0) * (point[1] - before[1]);
            }
            before = point;
        }
        before[1]
    }

    /// The pressure below ambient that the ejector reaches against no leak, pascals.
    #[must_use]
    pub fn end_vacuum_pa(&self) -> f64 {
        self.ejector.iter().find(|point| point[1] <= 0.0).or(self.ejector.last()).map_or(0.0, |point| point[0])
    }
}
