//! What can be wrong with the tool itself, and how it is seen from pressures alone.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::{CUPS, Limits};

/// A pressure beyond this is no pressure: the atmosphere and a tenth, Pa below ambient. A board
/// reports a broken wire as `u32::MAX`.
pub(crate) const HIGHEST_PA: u32 = 111_000;
/// So many samples in a row out of range are a broken sensor; fewer are noise and ignored.
const BROKEN_SAMPLES: u8 = 5;
/// A vented cup loses its vacuum within tens of milliseconds through its open line; what is still
/// there after this does not obey (our estimate, three times the longest seen in the simulator).
const VENT_ANSWER_MS: u32 = 500;

/// One thing that is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fault {
    /// The cup's pressure sensor reads what no pressure can be; the last good value counts.
    SensorRange {
        /// Which cup.
        cup: u8,
    },
    /// The manifold's sensor reads what no pressure can be; the last good value counts.
    ManifoldSensorRange,
    /// The cup was vented and its pressure did not fall: valve stuck on vacuum, or sensor dead.
    ValveStuck {
        /// Which cup.
        cup: u8,
    },
    /// The cup was put on vacuum in the leak test and drew no air: valve stuck on vent, or line shut.
    LineShut {
        /// Which cup.
        cup: u8,
    },
    /// The leak test evacuated the closed manifold too slowly, and it was tight: the filter is clogged.
    FilterClogged,
    /// The leak test saw the closed manifold lose its vacuum.
    ManifoldLeaks,
    /// The leak test saw no vacuum within its time: no generator, or a large leak.
    NoVacuum,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SensorRange { cup } => write!(f, "pressure sensor of cup {cup} out of range"),
            Self::ManifoldSensorRange => f.write_str("pressure sensor of the manifold out of range"),
            Self::ValveStuck { cup } => write!(f, "cup {cup} keeps vacuum though vented: valve stuck or sensor dead"),
            Self::LineShut { cup } => write!(f, "cup {cup} draws no air: valve stuck on vent or line shut"),
            Self::FilterClogged => f.write_str("filter clogged"),
            Self::ManifoldLeaks => f.write_str("manifold leaks"),
            Self::NoVacuum => f.write_str("generator makes no vacuum"),
        }
    }
}

/// A set of [`Fault`]s: bits 0 to 7 sensors of cups, 8 to 15 stuck valves, 16 to 23 shut lines, from
/// 24 on the rest in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Faults(pub u32);

impl Faults {
    fn bit(fault: Fault) -> u32 {
        let place = match fault {
            Fault::SensorRange { cup } => u32::from(cup & 7),
            Fault::ValveStuck { cup } => 8 + u32::from(cup & 7),
            Fault::LineShut { cup } => 16 + u32::from(cup & 7),
            Fault::ManifoldSensorRange => 24,
            Fault::FilterClogged => 25,
            Fault::ManifoldLeaks => 26,
            Fault::NoVacuum => 27,
        };
        1 << place
    }

    /// Whether this is wrong.
    #[must_use]
    pub fn contains(self, fault: Fault) -> bool {
        self.0 & Self::bit(fault) != 0
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Sets or takes away one.
    pub(crate) fn set(&mut self, fault: Fault, wrong: bool) {
        if wrong { self.0 |= Self::bit(fault) } else { self.0 &= !Self::bit(fault) }
    }
}

/// Every fault there is, in the order in which they are told.
fn all() -> impl Iterator<Item = Fault> {
    let cups = (0..).take(CUPS);
    cups.flat_map(|cup| [Fault::SensorRange { cup }, Fault::ValveStuck { cup }, Fault::LineShut { cup }]).chain([
        Fault::ManifoldSensorRange,
        Fault::FilterClogged,
        Fault::ManifoldLeaks,
        Fault::NoVacuum,
    ])
}

/// The first fault of `now` that is not among `told`; it counts as told from then on. What is gone
/// is forgotten, so that it is told again when it returns.
pub(crate) fn next_untold(now: Faults, told: &mut Faults) -> Option<Fault> {
    told.0 &= now.0;
    let found = all().find(|&fault| now.contains(fault) && !told.contains(fault));
    if let Some(fault) = found {
        told.set(fault, true);
    }
    found
}

/// One pressure sensor: passes on what can be a pressure, and notes when that stops.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ranged {
    last_pa: u32,
    wild: u8,
}

impl Ranged {
    pub(crate) const NEW: Self = Self { last_pa: 0, wild: 0 };

    /// The sample, or the last good one where this can't be a pressure.
    pub(crate) fn push(&mut self, raw_pa: u32) -> u32 {
        if raw_pa > HIGHEST_PA {
            self.wild = self.wild.saturating_add(1);
        } else {
            self.wild = 0;
            self.last_pa = raw_pa;
        }
        self.last_pa
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.wild >= BROKEN_SAMPLES
    }

    /// Forgets the last good sample of a broken sensor: a vented cup has none.
    pub(crate) fn forget(&mut self) {
        if self.is_broken() {
            self.last_pa = 0;
        }
    }
}

/// Whether a vented cup's pressure obeys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct VentWatch {
    since: Option<u32>,
    stuck: bool,
}

impl VentWatch {
    pub(crate) const NEW: Self = Self { since: None, stuck: false };

    /// Gives whether the valve is stuck.
    pub(crate) fn update(&mut self, now_ms: u32, vents: bool, pressure_pa: u32, limits: &Limits) -> bool {
        if !vents || pressure_pa < limits.lost_floor_pa {
            self.since = None;
            // Only a fall after venting shows that it obeys again.
            self.stuck &= !vents;
        } else {
            let since = *self.since.get_or_insert(now_ms);
            self.stuck |= now_ms.wrapping_sub(since) >= VENT_ANSWER_MS;
        }
        self.stuck
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_a_bit_of_its_own_and_is_told_once_until_it_returns() {
        let mut every = Faults::default();
        let mut count = 0;
        for fault in all() {
            assert!(!every.contains(fault), "{fault}");
            every.set(fault, true);
            count += 1;
        }
        let mut told = Faults::default();
        assert_eq!((0..100).filter(|_| next_untold(every, &mut told).is_some()).count(), count);
        assert_eq!(next_untold(Faults::default(), &mut told), None);
        assert!(next_untold(every, &mut told).is_some());
    }

    #[test]
    fn what_can_be_no_pressure_leaves_the_last_good_one() {
        let mut sensor = Ranged::NEW;
        sensor.push(60_000);
        for wild in [u32::MAX, 111_001, u32::MAX, u32::MAX] {
            assert_eq!(sensor.push(wild), 60_000);
            assert!(!sensor.is_broken());
        }
        assert_eq!(sensor.push(u32::MAX), 60_000);
        assert!(sensor.is_broken());
        sensor.forget();
        assert_eq!(sensor.push(u32::MAX), 0);
        assert_eq!(sensor.push(111_000), 111_000);
        assert!(!sensor.is_broken());
    }

    #[test]
    fn a_vented_cup_that_keeps_its_vacuum_half_a_second_is_stuck() {
        let limits = Limits::default();
        let mut watch = VentWatch::NEW;
        let start = u32::MAX - 100;
        for ms in 0..500 {
            assert!(!watch.update(start.wrapping_add(ms), true, 60_000, &limits));
        }
        assert!(watch.update(start.wrapping_add(500), true, 60_000, &limits));
        assert!(watch.update(start.wrapping_add(501), false, 60_000, &limits), "a seek does not clear it");
        assert!(!watch.update(start.wrapping_add(502), true, 9_999, &limits), "a fall does");
    }
}
