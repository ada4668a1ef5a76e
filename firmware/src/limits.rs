//! The thresholds that a host sends, and the ranges that the gripper accepts.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Highest pressure below ambient that makes sense, in Pa: all of the atmosphere.
pub(crate) const FULL_VACUUM_PA: u32 = 101_325;

/// Thresholds and times, from the tool file. The default fits the six-cup tool; pressures are in
/// Pa below ambient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// A seal is never claimed below this; 5 000 to 60 000.
    pub seal_floor_pa: u32,
    /// Share of the expected pressure that makes a seal; 30 to 95.
    pub seal_fraction_percent: u8,
    /// How long the threshold must be held; 5 to 500.
    pub seal_hold_ms: u16,
    /// A fall by more than this within [`lost_window_ms`](Self::lost_window_ms) is a loss;
    /// 2 000 to 40 000.
    pub lost_drop_pa: u32,
    /// Window of the fall; 5 to 60.
    pub lost_window_ms: u16,
    /// Below this a sealed cup is lost; 2 000 to `seal_floor_pa`.
    pub lost_floor_pa: u32,
    /// A cup that does not seal within this is vented; 50 to 10 000, above `seal_hold_ms`.
    pub seek_timeout_ms: u16,
    /// Longest silence of the host while active; 20 to 500.
    pub heartbeat_ms: u16,
    /// With tight cups the generator starts below this manifold pressure; at least
    /// `seal_floor_pa`.
    pub generator_on_pa: u32,
    /// With tight cups the generator stops above this manifold pressure; at least 1 000 above
    /// `generator_on_pa`, at most 95 000.
    pub generator_off_pa: u32,
    /// A push beyond this is contact; 200 to 50 000.
    pub contact_mn: i32,
    /// A raw load beyond this, pull or push, is an overload; above `contact_mn`, at most
    /// 1 000 000. The raw load includes the tool's own weight.
    pub overload_mn: i32,
    /// Longest blow-off; 0 to 1 000.
    pub max_blow_ms: u16,
    /// A stroke beyond this of a cup that is not sealed is contact; 200 to 25 000.
    pub contact_um: u16,
    /// Highest pinch force; 0 to 60 000.
    pub max_pinch_mn: u16,
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Limits that the gripper refuses. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{field} at {value} {unit} is outside [{min}, {max}] {unit}")]
pub struct LimitError {
    /// Name of the field of [`Limits`].
    pub field: &'static str,
    /// What it was set to.
    pub value: i64,
    /// Its unit.
    pub unit: &'static str,
    /// Least value allowed, given the other fields.
    pub min: i64,
    /// Greatest value allowed, given the other fields.
    pub max: i64,
}

impl Limits {
    /// Of a controller that is asleep; no check lets them through.
    pub(crate) const ZERO: Self = Self {
        seal_floor_pa: 0,
        seal_fraction_percent: 0,
        seal_hold_ms: 0,
        lost_drop_pa: 0,
        lost_window_ms: 0,
        lost_floor_pa: 0,
        seek_timeout_ms: 0,
        heartbeat_ms: 0,
        generator_on_pa: 0,
        generator_off_pa: 0,
        contact_mn: 0,
        overload_mn: 0,
        max_blow_ms: 0,
        contact_um: 0,
        max_pinch_mn: 0,
    };

    /// What fits the six-cup tool.
    pub const DEFAULT: Self = Self {
        seal_floor_pa: 15_000,
        seal_fraction_percent: 60,
        seal_hold_ms: 25,
        lost_drop_pa: 8_000,
        lost_window_ms: 30,
        lost_floor_pa: 10_000,
        seek_timeout_ms: 600,
        heartbeat_ms: 100,
        generator_on_pa: 60_000,
        generator_off_pa: 75_000,
        contact_mn: 3_000,
        overload_mn: 200_000,
        max_blow_ms: 200,
        contact_um: 1_500,
        max_pinch_mn: 30_000,
    };

    /// Checks every range; the gripper refuses with `OutOfRange` what fails here.
    ///
    /// # Errors
    /// The first field that breaks its range.
    pub fn check(&self) -> Result<(), LimitError> {
        let seal_floor = i64::from(self.seal_floor_pa);
        let on = i64::from(self.generator_on_pa);
        let hold = i64::from(self.seal_hold_ms);
        let contact = i64::from(self.contact_mn);
        within("seal_floor_pa", seal_floor, "Pa", 5_000, 60_000)?;
        within("seal_fraction_percent", self.seal_fraction_percent, "%", 30, 95)?;
        within("seal_hold_ms", hold, "ms", 5, 500)?;
        within("lost_drop_pa", self.lost_drop_pa, "Pa", 2_000, 40_000)?;
        within("lost_window_ms", self.lost_window_ms, "ms", 5, 60)?;
        within("lost_floor_pa", self.lost_floor_pa, "Pa", 2_000, seal_floor)?;
        within("seek_timeout_ms", self.seek_timeout_ms, "ms", (hold + 1).max(50), 10_000)?;
        within("heartbeat_ms", self.heartbeat_ms, "ms", 20, 500)?;
        within("generator_on_pa", on, "Pa", seal_floor, 94_000)?;
        within("generator_off_pa", self.generator_off_pa, "Pa", on + 1_000, 95_000)?;
        within("contact_mn", contact, "mN", 200, 50_000)?;
        within("overload_mn", self.overload_mn, "mN", contact + 1, 1_000_000)?;
        within("max_blow_ms", self.max_blow_ms, "ms", 0, 1_000)?;
        within("contact_um", self.contact_um, "µm", 200, 25_000)?;
        within("max_pinch_mn", self.max_pinch_mn, "mN", 0, 60_000)
    }

    /// The pressure that makes a seal where `expected_pa` is expected, in Pa below ambient:
    /// the floor, or the fraction of the expectation where that is more. An expectation beyond
    /// full vacuum counts as full vacuum.
    #[must_use]
    pub fn seal_threshold_pa(&self, expected_pa: u32) -> u32 {
        let fraction = u32::from(self.seal_fraction_percent.min(100));
        let wanted = expected_pa.min(FULL_VACUUM_PA) * fraction / 100;
        wanted.max(self.seal_floor_pa)
    }
}

pub(crate) fn within(
    field: &'static str,
    value: impl Into<i64>,
    unit: &'static str,
    min: i64,
    max: i64,
) -> Result<(), LimitError> {
    let value = value.into();
    if (min..=max).contains(&value) { Ok(()) } else { Err(LimitError { field, value, unit, min, max }) }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;

    use super::*;

    fn check(change: impl FnOnce(&mut Limits), expected: &str) {
        let mut limits = Limits::default();
        change(&mut limits);
        let found = limits.check().err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_default_limits_are_within_their_ranges() {
        check(|_| (), "");
    }

    #[test]
    fn a_limit_outside_its_range_is_named_with_value_and_range() {
        check(|l| l.seal_floor_pa = 500, "seal_floor_pa at 500 Pa is outside [5000, 60000] Pa");
        check(|l| l.heartbeat_ms = 501, "heartbeat_ms at 501 ms is outside [20, 500] ms");
        check(|l| l.seal_fraction_percent = 0, "seal_fraction_percent at 0 % is outside [30, 95] %");
        check(|l| l.lost_window_ms = 61, "lost_window_ms at 61 ms is outside [5, 60] ms");
        check(|l| l.contact_mn = i32::MIN, "contact_mn at -2147483648 mN is outside [200, 50000] mN");
    }

    #[test]
    fn limits_that_contradict_each_other_are_refused() {
        check(|l| l.lost_floor_pa = 15_001, "lost_floor_pa at 15001 Pa is outside [2000, 15000] Pa");
        check(|l| l.generator_off_pa = l.generator_on_pa, "generator_off_pa at 60000 Pa is outside [61000, 95000] Pa");
        check(
            |l| {
                l.seal_hold_ms = 300;
                l.seek_timeout_ms = 300;
            },
            "seek_timeout_ms at 300 ms is outside [301, 10000] ms",
        );
        check(|l| l.overload_mn = l.contact_mn, "overload_mn at 3000 mN is outside [3001, 1000000] mN");
    }

    #[test]
    fn the_seal_threshold_is_the_floor_or_the_fraction_whichever_is_more() {
        let limits = Limits::default();
        assert_eq!(limits.seal_threshold_pa(0), 15_000);
        assert_eq!(limits.seal_threshold_pa(25_000), 15_000);
        assert_eq!(limits.seal_threshold_pa(50_000), 30_000);
        assert_eq!(limits.seal_threshold_pa(u32::MAX), 60_795);
    }
}
