//! The gripper controller and its wire protocol.
