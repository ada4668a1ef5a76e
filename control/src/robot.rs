//! The arm as its file describes it: geometry, limits, the space its links take.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::{Check, ConfigError, parse};
use crate::geometry::{Geometry, Opw, Ur};

/// Limits of one joint.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct JointLimits {
    /// Least angle, radians.
    pub min: f64,
    /// Largest angle, radians.
    pub max: f64,
    /// Largest speed, rad/s.
    pub velocity: f64,
    /// Largest acceleration, rad/s².
    pub acceleration: f64,
    /// Largest jerk, rad/s³.
    pub jerk: f64,
}

/// A round-ended cylinder that a link stays inside of, in the frame of its link.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkCapsule {
    /// The link: 0 is the base, 1 to 6 turn with J1 to J6.
    pub link: usize,
    /// One end of the axis, metres. Link frames stand at the joint's axis; see [`crate::Planner::links`].
    pub from: [f64; 3],
    /// Other end of the axis, metres.
    pub to: [f64; 3],
    /// Radius, metres.
    pub radius: f64,
}

/// An arm: `robots/NAME.toml`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RobotModel {
    /// What people call it.
    pub name: String,
    /// Link lengths.
    #[serde(flatten)]
    pub geometry: Geometry,
    /// Taken from each angle after its sign to give the geometry's angle, radians.
    pub offsets: [f64; 6],
    /// Sense of rotation of each joint, +1 or −1.
    pub signs: [i8; 6],
    /// Limits of J1 to J6.
    pub joints: [JointLimits; 6],
    /// Largest mass at the flange, kilograms.
    pub payload_kg: f64,
    /// The space that the links take.
    pub capsules: Vec<LinkCapsule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    payload_kg: f64,
    opw: Option<Opw>,
    ur: Option<Ur>,
    offsets_deg: [f64; 6],
    signs: [i8; 6],
    limits_deg: [[f64; 2]; 6],
    speed_deg_s: [f64; 6],
    acceleration_time_s: f64,
    jerk_time_s: f64,
    capsule: Vec<LinkCapsule>,
}

/// The robot files that come with the crate: name and text.
const SHIPPED: [(&str, &str); 5] = [
    ("fanuc-m20id-25", include_str!("../robots/fanuc-m20id-25.toml")),
    ("fanuc-m20id-35", include_str!("../robots/fanuc-m20id-35.toml")),
    ("abb-irb1200-7-07", include_str!("../robots/abb-irb1200-7-07.toml")),
    ("kuka-kr10-r1100", include_str!("../robots/kuka-kr10-r1100.toml")),
    ("ur10e", include_str!("../robots/ur10e.toml")),
];

impl RobotModel {
    /// Parses a robot file; `file` is its name in messages.
    ///
    /// # Errors
    /// [`ConfigError`] with file, field, value and rule.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, ConfigError> {
        let raw: File = parse(text, file)?;
        let check = Check { file };
        check.range("payload_kg", raw.payload_kg, 0.1..=2000.0)?;
        let geometry = Geometry::from_tables(&check, raw.opw, raw.ur)?;
        check.ranges("offsets_deg", &raw.offsets_deg, -360.0..=360.0)?;
        for (i, sign) in raw.signs.iter().enumerate() {
            if sign.abs() != 1 {
                return Err(check.refuse(format!("signs[{i}]"), sign, "1 or -1"));
            }
        }
        check.ranges("speed_deg_s", &raw.speed_deg_s, 1.0..=2000.0)?;
        check.range("acceleration_time_s", raw.acceleration_time_s, 0.01..=10.0)?;
        check.range("jerk_time_s", raw.jerk_time_s, 0.005..=10.0)?;
        for (i, [min, max]) in raw.limits_deg.iter().enumerate() {
            let field = format!("limits_deg[{i}]");
            check.ranges(&field, &[*min, *max], -720.0..=720.0)?;
            if min >= max {
                return Err(check.refuse(field, format!("[{min}, {max}]"), "the least first, then the largest"));
            }
        }
        for (i, capsule) in raw.capsule.iter().enumerate() {
            if capsule.link > 6 {
                return Err(check.refuse(format!("capsule[{i}].link"), capsule.link, "from 0 to 6"));
            }
            check.range(&format!("capsule[{i}].radius"), capsule.radius, 0.001..=2.0)?;
            check.ranges(&format!("capsule[{i}].from"), &capsule.from, -5.0..=5.0)?;
            check.ranges(&format!("capsule[{i}].to"), &capsule.to, -5.0..=5.0)?;
        }
        let joints = std::array::from_fn(|i| {
            let velocity = raw.speed_deg_s[i].to_radians();
            let acceleration = velocity / raw.acceleration_time_s;
            JointLimits {
                min: raw.limits_deg[i][0].to_radians(),
                max: raw.limits_deg[i][1].to_radians(),
                velocity,
                acceleration,
                jerk: acceleration / raw.jerk_time_s,
            }
        });
        Ok(Self {
            name: raw.name,
            geometry,
            offsets: raw.offsets_deg.map(f64::to_radians),
            signs: raw.signs,
            joints,
            payload_kg: raw.payload_kg,
            capsules: raw.capsule,
        })
    }

    /// A robot file that comes with the crate, by name, or one on disk, relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] when it can't be read or is refused.
    pub fn find(name: &str, folder: &Path) -> Result<Self, ConfigError> {
        crate::config::find(name, folder, &SHIPPED, Self::from_toml)
    }

    /// The same arm with all accelerations and jerks times `share`, for runs that ask how much these matter.
    #[must_use]
    pub fn with_acceleration_share(mut self, share: f64) -> Self {
        for joint in &mut self.joints {
            joint.acceleration *= share;
            joint.jerk *= share;
        }
        self
    }
}
