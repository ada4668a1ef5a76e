#![doc = include_str!("../README.md")]

mod braking;
mod camera_faults;
mod cell;
mod chain;
mod collision;
mod config;
mod contents;
mod device;
mod emulator;
mod estimate;
mod executor;
mod faults;
mod geometry;
mod hold;
mod link;
mod look;
mod motion;
mod obstacles;
mod path;
mod plan_error;
mod planner;
mod program;
mod refine;
mod robot;
mod route;
mod scale;
mod search;
mod spline;
mod stream_tool;
mod timing;
mod tool;
mod tool_client;
pub mod trial;
mod ur;
mod wrappers;

pub use camera_faults::{Black, Frozen, LateImages, Silent};
pub use cell::{Budgets, CameraMount, Cell, Container, FixedBox, Thresholds};
pub use config::ConfigError;
pub use device::{Arm, ArmState, JOINT_NAMES, JointAngles, LinkError, Setpoint, Tool};
pub use emulator::{EmulatedTool, Emulator, EmulatorError, Page};
pub use executor::{Executor, Motion, StartError, StopCause, TickInputs, TickOutputs};
pub use faults::{Late, Leaky, Off, Stuck, Switch};
pub use geometry::{Geometry, Opw, Ur};
pub use hold::{Drop, HeldBox, Hold};
pub use link::{
    Clock, FromWorld, LINK_VERSION, LONGEST_MESSAGE, MessageError, ToWorld, Turn, Turned, decode_message,
    encode_message,
};
pub use obstacles::{ObstacleError, Obstacles};
pub use plan_error::PlanError;
pub use planner::Planner;
pub use program::{Program, SAMPLE_NANOS, Segment, SegmentKind};
pub use robot::{JointLimits, LinkCapsule, RobotModel};
pub use scale::Scale;
pub use stream_tool::{AddressError, StreamCounters, StreamTool, ToolAddress};
pub use tool::{Pinch, ToolBody, ToolModel, Vacuum};
pub use tool_client::{Answer, ClientCounters, ToolClient, ToolError};
pub use wrappers::{Limited, Record, Recorded};
