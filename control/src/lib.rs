#![doc = include_str!("../README.md")]

mod bound;
mod braking;
mod cell;
mod chain;
mod collision;
mod config;
mod device;
mod executor;
mod faults;
mod hold;
mod motion;
mod obstacles;
mod path;
mod planner;
mod program;
mod robot;
mod timing;
mod tool;
mod tool_client;

pub use bound::least_time;
pub use cell::{Budgets, CameraMount, Cell, Container, FixedBox, Thresholds};
pub use config::ConfigError;
pub use device::{Arm, ArmState, JOINT_NAMES, JointAngles, LinkError, Setpoint, Tool};
pub use executor::{Executor, Motion, StartError, StopCause, TickInputs, TickOutputs};
pub use faults::{Late, Leaky, Limited, Record, Recorded, Stuck};
pub use hold::{Drop, HeldBox, Hold};
pub use obstacles::{ObstacleError, Obstacles};
pub use planner::{PlanError, Planner};
pub use program::{Program, SAMPLE_NANOS, Segment, SegmentKind};
pub use robot::{JointLimits, LinkCapsule, Opw, RobotModel};
pub use tool::{ToolBody, ToolModel, Vacuum};
pub use tool_client::{Answer, ToolClient, ToolError};
