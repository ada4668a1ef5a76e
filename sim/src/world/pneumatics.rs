//! Pressures in manifold and cups: ejector curve, check valves, 3/2 valves, orifices, leaks, blow-off.
//!
//! Pressures are pascals below ambient (blown cups are negative), flows m³/s of free air, volumes isothermal:
//! `dp/dt = ambient / V · (flow out − flow in)`.

use control::ToolModel;
use firmware::{CUPS, Outputs};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal};

/// Ambient pressure at sea level, pascals.
pub(crate) const AMBIENT_PA: f64 = 101_325.0;
/// Density of free air at 20 °C, kg/m³.
const AIR: f64 = 1.204;
/// Discharge coefficient of a short orifice; with [`AIR`] a 1 mm hole passes 7.5 L/min at 40 kPa,
/// as the ISO 6358 form with b = 0.5 gives.
const DISCHARGE: f64 = 0.62;
/// Beyond this difference the flow through a hole no longer grows (critical ratio about 0.53).
const CHOKED_PA: f64 = 48_000.0;
/// Below this difference flow is laminar, in proportion to it.
const LAMINAR_PA: f64 = 500.0;
/// Valves switch this long after their current, milliseconds.
const VALVE_MS: u32 = 8;
/// Pressure of the blow-off in the vent gallery, above ambient, pascals.
const BLOW_PA: f64 = 10_000.0;
/// Share of the orifice's area that the unblown vent gallery (a filter) leaves open, and with a throttled blow.
const VENT_SHARE: f64 = 0.12;
const BLOW_SHARE: f64 = 0.5;
/// The ejector comes up with this time constant, seconds.
const EJECTOR_S: f64 = 0.012;
/// Leak of manifold, fittings and the ejector's check valve at 60 kPa, m³/s (0.1 L/min).
const FITTINGS_M3_S: f64 = 1.7e-6;
/// Sub-steps of a millisecond.
const SUBSTEPS: u32 = 4;

/// What lets air into a cup.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Leak {
    /// Open area between lip and item, m².
    pub gap_m2: f64,
    /// Flow through material, seams and under a rough lip at 40 kPa, m³/s.
    pub at_40_kpa: f64,
}

impl Leak {
    /// A cup in free air: its mouth is open.
    pub const fn open(area_m2: f64) -> Self {
        Self { gap_m2: area_m2, at_40_kpa: 0.0 }
    }

    /// Flow per pascal at `pressure`, m³/(s·Pa).
    fn conductance(&self, pressure: f64) -> f64 {
        orifice(self.gap_m2, pressure) + self.at_40_kpa / 40_000.0
    }
}

/// A cup's mouth in one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mouth {
    /// What lets air in.
    pub leak: Leak,
    /// Volume behind it, m³.
    pub volume_m3: f64,
    /// How fast the bellows give up volume, m³/s; only while the lip is on something.
    pub squeezing_m3_s: f64,
}

/// Flow per pascal through a hole of `area` at a pressure difference; see [`CHOKED_PA`] and [`LAMINAR_PA`].
fn orifice(area: f64, difference: f64) -> f64 {
    let difference = difference.abs().max(LAMINAR_PA);
    DISCHARGE * area * (2.0 * difference.min(CHOKED_PA) / AIR).sqrt() / difference
}

/// A 3/2 valve or the like: what it was told and what it does.
#[derive(Debug, Clone, Copy, Default)]
struct Valve {
    told: bool,
    since_ms: u32,
    does: bool,
}

impl Valve {
    fn tick(&mut self, told: bool) {
        if told == self.told {
            self.since_ms = self.since_ms.saturating_add(1);
        } else {
            self.told = told;
            self.since_ms = 0;
        }
        if self.since_ms >= VALVE_MS {
            self.does = self.told;
        }
    }
}

/// The vacuum side of the tool with this run's true values.
#[derive(Debug, Clone)]
pub(crate) struct Pneumatics {
    ejector: control::Vacuum,
    flow_share: f64,
    orifice_m2: f64,
    hold_s: f64,
    manifold_volume: f64,
    /// Leak of manifold and fittings at 60 kPa, m³/s.
    fittings: f64,
    vent: [Valve; CUPS],
    blow: Valve,
    generator: Valve,
    /// How far the ejector has come up, 0…1.
    running: f64,
    /// What a clogged filter leaves of the ejector's flow, 0…1.
    pub filter: f64,
    /// Seconds since the supply was lost.
    without_supply_s: f64,
    cup_pa: [f64; CUPS],
    manifold_pa: f64,
}

impl Pneumatics {
    /// The vacuum side exactly as the tool file says.
    pub fn nominal(tool: &ToolModel) -> Self {
        Self {
            ejector: tool.vacuum.clone(),
            flow_share: 1.0,
            orifice_m2: 0.25 * std::f64::consts::PI * tool.vacuum.orifice_m * tool.vacuum.orifice_m,
            hold_s: tool.vacuum.hold_s,
            manifold_volume: tool.vacuum.manifold_volume_m3,
            fittings: FITTINGS_M3_S,
            vent: [Valve::default(); CUPS],
            blow: Valve::default(),
            generator: Valve::default(),
            running: 0.0,
            filter: 1.0,
            without_supply_s: 0.0,
            cup_pa: [0.0; CUPS],
            manifold_pa: 0.0,
        }
    }

    /// Draws true values about ±10 % around the tool file's: the generator's curve along both axes, orifice, times,
    /// volumes, and what fittings leak.
    pub fn draw(tool: &ToolModel, rng: &mut ChaCha8Rng) -> Self {
        let mut about_one = |sigma: f64| {
            // The parameters are constants in range, so the distribution exists.
            LogNormal::new(0.0, sigma).map_or(1.0, |d| d.sample(rng)).clamp(0.85, 1.15)
        };
        let mut drawn = Self::nominal(tool);
        drawn.flow_share = about_one(0.05);
        let vacuum_share = about_one(0.03).min(1.05);
        for point in &mut drawn.ejector.ejector {
            point[0] = (point[0] * vacuum_share).min(0.95 * AMBIENT_PA);
        }
        drawn.orifice_m2 *= about_one(0.02).powi(2);
        drawn.hold_s *= about_one(0.05);
        drawn.manifold_volume *= about_one(0.05);
        drawn.fittings *= about_one(0.1);
        drawn
    }

    /// True pressures of the cups, pascals below ambient.
    pub fn cups_pa(&self) -> &[f64; CUPS] {
        &self.cup_pa
    }

    /// True pressure of the manifold, pascals below ambient.
    pub fn manifold_pa(&self) -> f64 {
        self.manifold_pa
    }

    /// One millisecond.
    pub fn tick(&mut self, outputs: &Outputs, supply: bool, mouths: &[Mouth; CUPS]) {
        for (valve, told) in self.vent.iter_mut().zip(outputs.vent) {
            valve.tick(told);
        }
        self.blow.tick(outputs.blow_off);
        self.generator.tick(outputs.generator);
        self.without_supply_s = if supply { 0.0 } else { self.without_supply_s + 1e-3 };
        // The reservoir feeds the ejector for a while.
        let fed = self.without_supply_s < self.hold_s;
        let dt = 1e-3 / f64::from(SUBSTEPS);
        for _ in 0..SUBSTEPS {
            self.substep(dt, fed, supply, mouths);
        }
    }

    fn substep(&mut self, dt: f64, fed: bool, supply: bool, mouths: &[Mouth; CUPS]) {
        let goal = f64::from(u8::from(self.generator.does && fed));
        self.running += (goal - self.running) * (dt / EJECTOR_S);
        let blown = self.blow.does && supply;
        let gallery = if blown { -BLOW_PA } else { 0.0 };
        let vent_area = self.orifice_m2 * if blown { BLOW_SHARE } else { VENT_SHARE };
        let mut into_manifold = 0.0;
        for ((pressure, mouth), valve) in self.cup_pa.iter_mut().zip(mouths).zip(&self.vent) {
            let volume = mouth.volume_m3;
            let per_cup = dt * AMBIENT_PA / volume;
            // Closing bellows press what air there is together, opening ones thin it out.
            *pressure -= dt * (AMBIENT_PA - *pressure) / volume * mouth.squeezing_m3_s;
            // Secant conductances make the step implicit: stable however small the volume.
            let leaking = mouth.leak.conductance(*pressure);
            if valve.does {
                let g = orifice(vent_area, *pressure - gallery);
                *pressure = (*pressure + per_cup * g * gallery) / (1.0 + per_cup * (g + leaking));
            } else if self.manifold_pa > *pressure {
                // The check valve lets air pass towards the manifold only.
                let g = orifice(self.orifice_m2, self.manifold_pa - *pressure);
                *pressure = (*pressure + per_cup * g * self.manifold_pa) / (1.0 + per_cup * (g + leaking));
                into_manifold += g * (self.manifold_pa - *pressure).max(0.0);
            } else {
                *pressure /= 1.0 + per_cup * leaking;
            }
        }
        let drawn = self.running * self.flow_share * self.filter * self.ejector.flow_m3_s(self.manifold_pa.max(0.0));
        let fittings = self.fittings * self.manifold_pa / 60_000.0;
        self.manifold_pa += dt * AMBIENT_PA / self.manifold_volume * (drawn - into_manifold - fittings);
        self.manifold_pa = self.manifold_pa.max(0.0);
    }
}

/// Reads a true value as a sensor does: noise (standard deviation), steps, nothing below zero.
pub(crate) fn sensed_pa(true_pa: f64, noise_pa: f64, rng: &mut ChaCha8Rng) -> u32 {
    const STEP_PA: f64 = 28.0;
    // The sum of three uniform numbers: near enough to a normal one and cheap; variance 3/12.
    let sum: f64 = (0..3).map(|_| rng.random::<f64>() - 0.5).sum();
    let value = true_pa + noise_pa * 2.0 * sum;
    ((value / STEP_PA).round().max(0.0) * STEP_PA).min(AMBIENT_PA) as u32
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    const TIGHT: Mouth = Mouth { leak: Leak { gap_m2: 0.0, at_40_kpa: 2e-6 }, volume_m3: 8e-6, squeezing_m3_s: 0.0 };
    const OPEN: Mouth = Mouth { leak: Leak::open(5e-4), ..TIGHT };

    fn drawn() -> Pneumatics {
        let tool = ToolModel::find("six-cup", std::path::Path::new(".")).unwrap();
        Pneumatics::draw(&tool, &mut ChaCha8Rng::seed_from_u64(4))
    }

    /// Generator on, the cups of `on` on vacuum, the others vented.
    fn suck(on: u8) -> Outputs {
        Outputs { generator: true, vent: std::array::from_fn(|i| on & 1 << i == 0), ..Outputs::default() }
    }

    #[test]
    fn a_hole_of_1_mm_passes_7_5_litres_a_minute_at_40_kpa() {
        let area = 0.25 * std::f64::consts::PI * 1e-6;
        let litres = orifice(area, 40_000.0) * 40_000.0 * 60e3;
        assert!((litres - 7.5).abs() < 0.3, "{litres} L/min");
    }

    #[test]
    fn a_tight_cup_reaches_40_kpa_within_60_ms_and_beyond_60_kpa_in_the_end() {
        let mut air = drawn();
        let mut mouths = [OPEN; CUPS];
        mouths[2] = TIGHT;
        let mut reached = None;
        for ms in 0..1_000 {
            air.tick(&suck(0b100), true, &mouths);
            if reached.is_none() && air.cups_pa()[2] > 40_000.0 {
                reached = Some(ms);
            }
        }
        assert!(reached.is_some_and(|ms| (15..60).contains(&ms)), "{reached:?} ms");
        assert!(air.cups_pa()[2] > 60_000.0, "{} Pa", air.cups_pa()[2]);
        assert!(air.cups_pa()[0].abs() < 1.0, "a vented cup has {} Pa", air.cups_pa()[0]);
    }

    #[test]
    fn a_sealed_cup_keeps_its_vacuum_behind_the_check_valve_when_another_opens() {
        let mut air = drawn();
        let mut mouths = [OPEN; CUPS];
        mouths[0] = Mouth { leak: Leak { gap_m2: 0.0, at_40_kpa: 0.0 }, ..TIGHT };
        for _ in 0..500 {
            air.tick(&suck(0b1), true, &mouths);
        }
        let before = air.cups_pa()[0];
        for _ in 0..500 {
            air.tick(&suck(0b11), true, &mouths);
        }
        assert!(air.manifold_pa() < 0.8 * before, "manifold {} Pa", air.manifold_pa());
        assert!((air.cups_pa()[0] - before).abs() < 500.0, "{before} Pa, then {} Pa", air.cups_pa()[0]);
    }

    #[test]
    fn without_supply_the_reservoir_holds_a_leaking_cup_about_two_seconds() {
        let mut air = drawn();
        let mut mouths = [OPEN; CUPS];
        mouths[0] = Mouth { leak: Leak { gap_m2: 0.0, at_40_kpa: 3e-5 }, ..TIGHT };
        for _ in 0..500 {
            air.tick(&suck(0b1), true, &mouths);
        }
        let mut held = 0;
        while air.cups_pa()[0] > 30_000.0 {
            air.tick(&suck(0b1), false, &mouths);
            held += 1;
            assert!(held < 10_000, "held for ever");
        }
        assert!((1_700..3_200).contains(&held), "{held} ms");
    }

    #[test]
    fn a_blown_cup_on_an_item_is_above_ambient_within_40_ms() {
        let mut air = drawn();
        let mut mouths = [OPEN; CUPS];
        mouths[0] = TIGHT;
        for _ in 0..500 {
            air.tick(&suck(0b1), true, &mouths);
        }
        let blow = Outputs { generator: false, vent: [true; CUPS], blow_off: true, ..Outputs::default() };
        for _ in 0..40 {
            air.tick(&blow, true, &mouths);
        }
        assert!(air.cups_pa()[0] < 0.0, "{} Pa", air.cups_pa()[0]);
    }
}
