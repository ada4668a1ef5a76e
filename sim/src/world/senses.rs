//! What the tool's sensors make of true pressures and loads.

use firmware::CUPS;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::physics::STEP_S;
use super::pneumatics::sensed_pa;
use crate::sensors::ToolSense;

/// The manifold's sensor comes after the cups'.
pub(crate) const MANIFOLD: usize = CUPS;

/// Sensors with this run's faults of manufacture.
#[derive(Debug, Clone)]
pub(crate) struct ToolSenses {
    knobs: ToolSense,
    rng: ChaCha8Rng,
    offset_pa: [f64; CUPS + 1],
    /// What has come through hose and sensor, pascals.
    felt_pa: [f64; CUPS + 1],
    /// How far the load cell's zero has wandered, newtons.
    drift_n: f64,
}

impl ToolSenses {
    /// Draws the offsets.
    pub fn new(knobs: ToolSense, mut rng: ChaCha8Rng) -> Self {
        let offset_pa = std::array::from_fn(|_| knobs.pressure_offset_pa * normal(&mut rng).clamp(-3.0, 3.0));
        Self { knobs, rng, offset_pa, felt_pa: [0.0; CUPS + 1], drift_n: 0.0 }
    }

    /// Reads a cup's true pressure, or the [`MANIFOLD`]'s, once a millisecond.
    pub fn pressure(&mut self, sensor: usize, true_pa: f64) -> u32 {
        let lag = self.knobs.pressure_lag_s;
        let share = if lag > 0.0 { 1.0 - (-STEP_S / lag).exp() } else { 1.0 };
        self.felt_pa[sensor] += share * (true_pa - self.felt_pa[sensor]);
        sensed_pa(self.felt_pa[sensor] + self.offset_pa[sensor], self.knobs.pressure_noise_pa, &mut self.rng)
    }

    /// Reads a true load, once a millisecond, newtons.
    pub fn load(&mut self, true_n: f64) -> f64 {
        if self.knobs.load_drift_n > 0.0 {
            self.drift_n += self.knobs.load_drift_n * STEP_S.sqrt() * normal(&mut self.rng);
        }
        // A uniform number of deviation 1.
        let scatter = 3.46 * (self.rng.random::<f64>() - 0.5);
        true_n + self.drift_n + self.knobs.load_noise_n * scatter
    }
}

fn normal(rng: &mut ChaCha8Rng) -> f64 {
    StandardNormal.sample(rng)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::sensors::Level;

    fn senses(knobs: ToolSense, seed: u64) -> ToolSenses {
        ToolSenses::new(knobs, ChaCha8Rng::seed_from_u64(seed))
    }

    const QUIET: ToolSense = ToolSense::at(Level::None);

    #[test]
    fn a_quiet_sensor_tells_the_truth_in_its_steps() {
        let mut senses = senses(QUIET, 1);
        assert!((f64::from(senses.pressure(2, 40_000.0)) - 40_000.0).abs() <= 14.5);
        assert_eq!(senses.load(3.25), 3.25);
    }

    #[test]
    fn the_hose_lags_by_its_time_constant() {
        let mut senses = senses(ToolSense { pressure_lag_s: 0.010, ..QUIET }, 1);
        let reached: Vec<u32> = (0..30).map(|_| senses.pressure(0, 50_000.0)).collect();
        assert!((f64::from(reached[9]) / 50_000.0 - 0.632).abs() < 0.01, "{} Pa after 10 ms", reached[9]);
        assert!((f64::from(reached[29]) / 50_000.0 - 0.950).abs() < 0.01, "{} Pa after 30 ms", reached[29]);
    }

    #[test]
    fn offsets_differ_from_sensor_to_sensor_and_stay() {
        let mut senses = senses(ToolSense { pressure_offset_pa: 600.0, ..QUIET }, 3);
        let read =
            |senses: &mut ToolSenses| -> Vec<u32> { (0..=MANIFOLD).map(|i| senses.pressure(i, 30_000.0)).collect() };
        let first = read(&mut senses);
        assert_eq!(first, read(&mut senses));
        let off: Vec<f64> = first.iter().map(|&pa| f64::from(pa) - 30_000.0).collect();
        assert!(off.iter().all(|v| v.abs() < 1_900.0) && off.iter().any(|v| v.abs() > 100.0), "{off:?}");
    }

    #[test]
    fn the_load_cell_wanders_with_the_root_of_time() {
        let ends: Vec<f64> = (0..200)
            .map(|seed| {
                let mut senses = senses(ToolSense { load_drift_n: 0.1, ..QUIET }, seed);
                (0..4_000).map(|_| senses.load(0.0)).last().unwrap_or(0.0)
            })
            .collect();
        let rms = (ends.iter().map(|v| v * v).sum::<f64>() / 200.0).sqrt();
        assert!((rms - 0.2).abs() < 0.03, "{rms} N after 4 s");
    }
}
