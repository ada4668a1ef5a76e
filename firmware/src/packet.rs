//! What travels between the host and the gripper. Variants and fields are appended, never
//! reordered; `tests/golden.rs` holds the bytes of each.

use core::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{CUPS, CupSet, Limits};

/// One packet: a number and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet<T> {
    /// Counts up by one a packet and wraps. A host names it to find the answer, the gripper so
    /// that a host can count lost reports.
    pub seq: u8,
    /// What the packet says.
    pub body: T,
}

/// What a host asks for. Each is answered by one [`Report::Done`] or [`Report::Refused`] except
/// [`Heartbeat`](Self::Heartbeat), which only a refusal answers. Each may be repeated where the
/// answer was lost: doing it twice does no more than doing it once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Opens a session. Everything else but [`Stop`](Self::Stop) is refused before. While the
    /// controller is active it means that the host started anew: a safe state follows.
    Hello {
        /// The host's [`VERSION`](crate::VERSION).
        version: u16,
    },
    /// Thresholds and times for this session; needed once after each `Hello`. Refused with
    /// [`Refusal::Holding`] while active with a cup on vacuum or the pinch closed.
    Limits(Limits),
    /// Leaves `Ready`, `SafeEmpty` or `SafeHolding` for `Active`; cups keep what they do.
    Arm,
    /// Puts cups on vacuum. Those that hold or may hold (sealed, leaking, lost with vacuum left)
    /// stay as they are; those that seek already take the new expectation, keep their deadline.
    Seek {
        /// Which cups; at least one.
        cups: CupSet,
        /// What a good seal on this item reaches, in Pa below ambient; 0 where nobody knows.
        expected_pa: u32,
    },
    /// Vents cups, then blows off. The one request that lets go of a sealed cup.
    Release {
        /// Which cups; at least one.
        cups: CupSet,
        /// How long to blow, capped by [`Limits::max_blow_ms`]; ignored where none of the cups
        /// was on vacuum.
        blow_ms: u16,
    },
    /// Makes the mean load of the last 16 ticks the new zero.
    Tare,
    /// The host lives. Every other request says so too.
    Heartbeat,
    /// Enters the safe state that fits what is held and ends the session; obeyed always.
    Stop,
    /// Gives up what is lost: vents lost cups while active, leaves `SafeEmpty` for `Ready`.
    /// Refused with [`Refusal::Holding`] where something may still be held.
    Clear,
    /// Closes the pinch with this force; 0 opens it.
    Pinch {
        /// Force between the fingers, at most [`Limits::max_pinch_mn`].
        force_mn: u16,
    },
}

/// What one cup does. Only the controller decides it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum CupState {
    /// Open to the vent gallery.
    #[default]
    Vented,
    /// On vacuum, not sealed so far.
    Seeking,
    /// On vacuum, at or above the seal threshold.
    Sealed,
    /// Was sealed and is below the seal threshold, yet not lost: the item still hangs on it.
    Leaking,
    /// Was sealed and fell fast or far. On vacuum still; seals again where the vacuum returns.
    Lost,
}

/// What the controller as a whole does; see the state diagram in the README.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum State {
    /// No host has said `Hello` since power came.
    #[default]
    Boot,
    /// A host said `Hello`; not armed.
    Ready,
    /// Armed: cups and pinch obey, the heartbeat deadline runs.
    Active,
    /// Safe and nothing held: generator off, cups vented, pinch unpowered.
    SafeEmpty,
    /// Safe and something held: it goes on being held, release and blow-off are locked.
    SafeHolding,
}

/// State and pressure of one cup.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CupStatus {
    /// What the cup does.
    pub state: CupState,
    /// Filtered pressure at the cup, in Pa below ambient.
    pub pressure_pa: u32,
}

/// The whole tool at one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Status {
    /// The tick's time on the gripper's clock; wraps after 49.7 days.
    pub time_ms: u32,
    /// What the controller does.
    pub state: State,
    /// Each cup.
    pub cups: [CupStatus; CUPS],
    /// Filtered pressure in the manifold, in Pa below ambient.
    pub manifold_pa: u32,
    /// Filtered load since the last tare: positive is pull (an item hangs), negative is push.
    pub load_mn: i32,
    /// Whether the tool is pushed, by load or by the stroke of a cup that is not sealed.
    pub contact: bool,
    /// Whether the vacuum generator runs.
    pub generator: bool,
    /// Whether compressed air is there.
    pub supply_ok: bool,
    /// Packets from the host that were dropped since power came; stays at its maximum.
    pub bad_packets: u32,
    /// Force that the pinch is told to hold; 0 is open.
    pub pinch_mn: u16,
}

/// Why a request was refused. Nothing has changed then, except that a `Hello` of another version
/// ends the session of its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// No `Hello` since power came or since a safe state was entered.
    #[error("not greeted: a hello comes first")]
    NotGreeted,
    /// `Hello` with another version.
    #[error("wrong version: the gripper speaks version {}", crate::VERSION)]
    WrongVersion,
    /// Needs `Arm` first.
    #[error("not armed: hello, limits and arm come first")]
    NotArmed,
    /// Not while something is, or may be, held.
    #[error("holding: a cup is on vacuum or the pinch is closed")]
    Holding,
    /// Safe state, e-stop pressed or supply missing.
    #[error("locked: safe state, e-stop or no supply")]
    Locked,
    /// A field is outside its range.
    #[error("out of range: a field of the request breaks its limit")]
    OutOfRange,
    /// `Arm` needs `Limits` sent after the last `Hello`.
    #[error("no limits: limits come between hello and arm")]
    NoLimits,
}

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
        }
    }
}

/// What the gripper says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Report {
    /// Answers a `Hello`, the refused one too, before its `Done` or `Refused`.
    Hello {
        /// The gripper's [`VERSION`](crate::VERSION).
        version: u16,
        /// Number of cups.
        cups: u8,
    },
    /// The request with this number is accepted and in effect.
    Done {
        /// Number of the request.
        seq: u8,
    },
    /// The request with this number is refused.
    Refused {
        /// Number of the request.
        seq: u8,
        /// Why.
        reason: Refusal,
    },
    /// Once every tick, as the last report of it.
    Status(Status),
    /// Something that happened in this tick.
    Event(Event),
}
