//! What travels between the host and the gripper. Variants and fields are appended, never
//! reordered; `tests/golden.rs` holds the bytes of each.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{CUPS, Calibration, Capabilities, CupSet, Event, Faults, Health, LeakTest, Limits};

/// One packet: whose session it belongs to, a number, and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packet<T> {
    /// Chosen by the host, another one for each greeting; the gripper's reports carry that of the
    /// last accepted `Hello`, 0 before. What comes late from an earlier session is not obeyed.
    pub session: u16,
    /// Counts up by one a packet and wraps. A host names it to find the answer and sends a request
    /// again under the same number, the gripper so that a host can count lost reports.
    pub seq: u8,
    /// What the packet says.
    pub body: T,
}

/// What a host asks for. Each is answered by one [`Report::Done`] or [`Report::Refused`] except
/// [`Heartbeat`](Self::Heartbeat), which only a refusal answers. Where the answer was lost, the same
/// number is sent again: it is answered again and done once.
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
    /// Leaves `Ready`, `SafeEmpty` or `SafeHolding` for `Active`; cups keep what they do. Refused
    /// with [`Refusal::AlreadyArmed`] while active.
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
    /// Leaves `Active` for `Ready`; cups that seek are vented. Refused with [`Refusal::Holding`]
    /// where something is, or may be, held.
    Disarm,
    /// Brightness of the lamp at the tool.
    Light {
        /// 0 is off; at most 100.
        percent: u8,
    },
    /// Tries generator, manifold and valves with every cup in free air; about a second. Refused
    /// with [`Refusal::Holding`] unless all cups are vented. [`Report::LeakTest`] follows.
    LeakTest,
    /// Corrections of the sensors, in force at once. Refused with [`Refusal::Holding`] like `Limits`.
    Calibrate(Calibration),
    /// Writes the limits and the calibration in force into the flash; an [`Event`] tells the end.
    /// Refused with [`Refusal::Holding`] while active and in `SafeHolding`: writing stalls the board.
    Store,
    /// Asks for [`Report::Health`].
    Health,
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
    /// Filtered stroke of each cup, in µm.
    pub stroke_um: [u16; CUPS],
    /// What is wrong with the tool.
    pub faults: Faults,
    /// The e-stop is pressed.
    pub estop: bool,
}

/// Why a request was refused. Nothing has changed then, except that a `Hello` of another version
/// ends the session of its predecessor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Error)]
pub enum Refusal {
    /// No `Hello` since power came or since a safe state was entered.
    #[error("not greeted: a hello comes first")]
    // From 1, so that no refusal is 0: see `Controller::asleep`.
    NotGreeted = 1,
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
    /// `Arm` while active.
    #[error("already armed: arm comes once, disarm or a safe state before the next")]
    AlreadyArmed,
    /// A later request of the session was obeyed already: this one comes too late.
    #[error("stale: a later request was obeyed before it")]
    Stale,
    /// The checksum is right and the request is none of this version.
    #[error("unknown request: none of version {}", crate::VERSION)]
    Unknown,
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
        /// What this tool can do.
        capabilities: Capabilities,
        /// Starts since power came; more than 1 tells of a reset.
        boots: u32,
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
    /// What a leak test came to.
    LeakTest(LeakTest),
    /// Answers `Health`, before its `Done`.
    Health(Health),
}
