//! The controller from outside, through its public tick alone.

mod bench;
mod hold;
mod properties;
mod safe;
mod service;
mod session;
