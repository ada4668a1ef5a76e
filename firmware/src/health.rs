//! What the gripper knows of itself: what it can do, how it has fared, what it died of.

use core::fmt;

use serde::{Deserialize, Serialize};

/// What a tool can do: a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capabilities(pub u16);

impl Capabilities {
    /// A two-finger pinch.
    pub const PINCH: Self = Self(1);
    /// A lamp.
    pub const LIGHT: Self = Self(2);
    /// The leak test.
    pub const LEAK_TEST: Self = Self(4);
    /// A flash that keeps limits and calibration.
    pub const STORE: Self = Self(8);
    /// A supply that sags makes the tool safe and resets it before anything runs wrong.
    pub const BROWN_OUT: Self = Self(16);

    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are there.
    #[must_use]
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// Where limits and calibration came from at the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ConfigSource {
    /// The defaults: nothing is stored.
    #[default]
    Nothing,
    /// The flash.
    Stored,
    /// The defaults: what is stored is broken or of another version.
    Broken,
}

/// Why the board started anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CrashKind {
    /// A panic.
    // From 1, so that no crash is 0: see `Controller::asleep`.
    Panic = 1,
    /// The processor faulted.
    HardFault,
    /// The loop did not come round in time.
    Watchdog,
    /// The supply of the board sagged.
    BrownOut,
}

/// What is left of a run that died.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Crash {
    /// How it died.
    pub kind: CrashKind,
    /// The line of a panic, the program counter of a fault, else 0.
    pub at: u32,
    /// Which boot it was.
    pub boot: u32,
}

impl fmt::Display for Crash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, at, boot } = self;
        match kind {
            CrashKind::Panic => write!(f, "boot {boot} ended in a panic at line {at}"),
            CrashKind::HardFault => write!(f, "boot {boot} ended in a hard fault at {at:#010x}"),
            CrashKind::Watchdog => write!(f, "boot {boot} was ended by the watchdog"),
            CrashKind::BrownOut => write!(f, "boot {boot} was ended by a brown-out"),
        }
    }
}

/// What a board knows of itself when it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Birth {
    /// What it can do.
    pub capabilities: Capabilities,
    /// Starts since power came, this one included; 0 where nobody counts.
    pub boots: u32,
    /// What the last run died of.
    pub crash: Option<Crash>,
}

/// Counters, all since this start; they stay at their maximum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Good packets.
    pub received: u32,
    /// Packets that were no packets.
    pub bad: u32,
    /// Requests that had been answered and were answered again.
    pub repeated: u32,
    /// Requests that came too late.
    pub stale: u32,
    /// Requests that found the queue full.
    pub crowded_out: u32,
}

impl Birth {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { capabilities: Capabilities(0), boots: 0, crash: None };
}

impl Counters {
    /// Nothing has come.
    pub(crate) const ZERO: Self = Self { received: 0, bad: 0, repeated: 0, stale: 0, crowded_out: 0 };
}

/// How the gripper fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// Since this start; wraps after 49.7 days.
    pub uptime_ms: u32,
    /// Starts since power came.
    pub boots: u32,
    /// What the last run died of.
    pub crash: Option<Crash>,
    /// Where limits and calibration came from.
    pub config: ConfigSource,
    /// The least room that the stack ever had; 0 where nobody measures.
    pub stack_free_bytes: u32,
    /// Counters of the link.
    pub counters: Counters,
}
