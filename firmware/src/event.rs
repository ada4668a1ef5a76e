//! What the gripper tells when it happens.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::Fault;

/// Something that happened, told once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    /// A cup reached its seal threshold and held it.
    CupSealed {
        /// Which cup.
        cup: u8,
        /// When.
        at_ms: u32,
    },
    /// A cup that was sealed fell fast or far.
    CupLost {
        /// Which cup.
        cup: u8,
        /// When.
        at_ms: u32,
    },
    /// No request within the heartbeat deadline while active.
    HostSilent {
        /// When.
        at_ms: u32,
    },
    /// The e-stop input rose.
    EStop {
        /// When.
        at_ms: u32,
    },
    /// Compressed air was missing for longer than the debounce.
    SupplyLost {
        /// When.
        at_ms: u32,
    },
    /// The raw load, which no tare shifts, went beyond its limit.
    Overload {
        /// When.
        at_ms: u32,
    },
    /// A sealed cup fell below its seal threshold.
    CupLeaking {
        /// Which cup.
        cup: u8,
        /// When.
        at_ms: u32,
    },
    /// A cup did not seal within its time and was vented.
    SeekTimedOut {
        /// Which cup.
        cup: u8,
        /// When.
        at_ms: u32,
    },
    /// The host asked for a stop.
    Stopped {
        /// When.
        at_ms: u32,
    },
    /// `Hello` while active: the host started anew, or another one came.
    HostRestarted {
        /// When.
        at_ms: u32,
    },
    /// A person's release input let go of everything.
    ReleasedByHand {
        /// When.
        at_ms: u32,
    },
    /// The controller started with cups under vacuum, and holds them.
    FoundHolding {
        /// When.
        at_ms: u32,
    },
    /// The vacuum had to be re-adjusted too often; the generator runs on until the hold ends.
    GeneratorContinuous {
        /// When.
        at_ms: u32,
    },
    /// Something is wrong with the tool, told when it is first seen.
    FaultFound {
        /// What.
        fault: Fault,
        /// When.
        at_ms: u32,
    },
    /// Limits and calibration are in the flash.
    Stored {
        /// When.
        at_ms: u32,
    },
    /// The flash refused; what was stored before stays.
    StoreFailed {
        /// When.
        at_ms: u32,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::CupSealed { cup, at_ms } => write!(f, "cup {cup} sealed at {at_ms} ms"),
            Self::CupLost { cup, at_ms } => write!(f, "cup {cup} lost at {at_ms} ms"),
            Self::HostSilent { at_ms } => write!(f, "host silent at {at_ms} ms"),
            Self::EStop { at_ms } => write!(f, "e-stop at {at_ms} ms"),
            Self::SupplyLost { at_ms } => write!(f, "supply lost at {at_ms} ms"),
            Self::Overload { at_ms } => write!(f, "overload at {at_ms} ms"),
            Self::CupLeaking { cup, at_ms } => write!(f, "cup {cup} leaking at {at_ms} ms"),
            Self::SeekTimedOut { cup, at_ms } => {
                write!(f, "cup {cup} found no seal in time at {at_ms} ms")
            }
            Self::Stopped { at_ms } => write!(f, "stopped by the host at {at_ms} ms"),
            Self::HostRestarted { at_ms } => write!(f, "host restarted at {at_ms} ms"),
            Self::ReleasedByHand { at_ms } => write!(f, "released by hand at {at_ms} ms"),
            Self::FoundHolding { at_ms } => {
                write!(f, "cups found under vacuum at start, held, at {at_ms} ms")
            }
            Self::GeneratorContinuous { at_ms } => {
                write!(f, "generator continuous, re-adjusted too often, at {at_ms} ms")
            }
            Self::FaultFound { fault, at_ms } => write!(f, "{fault}, at {at_ms} ms"),
            Self::Stored { at_ms } => write!(f, "limits and calibration stored at {at_ms} ms"),
            Self::StoreFailed { at_ms } => write!(f, "flash refused limits and calibration at {at_ms} ms"),
        }
    }
}
