//! The vacuum generator: runs while cups seek or leak, saves air while all are tight.

use crate::Limits;

/// More starts than this within [`READJUST_WINDOW_MS`] are too frequent: the goods are porous and
/// saving only wears the valve. Our estimate; makers of ejectors do the same and call it valve
/// protection.
const READJUSTS: u8 = 6;
const READJUST_WINDOW_MS: u32 = 3_000;

/// What the cups need of the generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// No cup is on vacuum.
    Nothing,
    /// Every cup on vacuum is sealed.
    Tight,
    /// A cup seeks, leaks or is lost.
    Flow,
}

#[derive(Debug, Clone)]
pub(crate) struct Generator {
    runs: bool,
    continuous: bool,
    readjusts: u8,
    window_ms: u32,
}

impl Generator {
    pub(crate) const NEW: Self = Self { runs: false, continuous: false, readjusts: 0, window_ms: 0 };

    pub(crate) fn runs(&self) -> bool {
        self.runs
    }

    pub(crate) fn stop(&mut self) {
        *self = Self::NEW;
    }

    /// Decides whether it runs; true in the tick in which saving is given up.
    pub(crate) fn update(&mut self, now_ms: u32, need: Need, manifold_pa: u32, limits: &Limits) -> bool {
        let run = match need {
            Need::Nothing => {
                self.stop();
                return false;
            }
            Need::Flow => true,
            Need::Tight if self.continuous || manifold_pa < limits.generator_on_pa => true,
            Need::Tight if manifold_pa > limits.generator_off_pa => false,
            Need::Tight => self.runs,
        };
        let starts = run && !self.runs;
        self.runs = run;
        if !starts {
            return false;
        }
        if self.readjusts == 0 || now_ms.wrapping_sub(self.window_ms) > READJUST_WINDOW_MS {
            self.window_ms = now_ms;
            self.readjusts = 0;
        }
        self.readjusts = self.readjusts.saturating_add(1);
        let gives_up = self.readjusts > READJUSTS && !self.continuous;
        self.continuous |= gives_up;
        gives_up
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(generator: &mut Generator, now: u32, need: Need, manifold: u32, expected: bool) {
        generator.update(now, need, manifold, &Limits::default());
        assert_eq!(generator.runs(), expected, "at {now} ms, {need:?}, manifold {manifold} Pa");
    }

    #[test]
    fn tight_cups_let_the_generator_rest_between_its_two_pressures() {
        let mut generator = Generator::NEW;
        check(&mut generator, 0, Need::Flow, 0, true);
        check(&mut generator, 1, Need::Tight, 50_000, true);
        check(&mut generator, 2, Need::Tight, 75_000, true);
        check(&mut generator, 3, Need::Tight, 75_001, false);
        check(&mut generator, 4, Need::Tight, 60_000, false);
        check(&mut generator, 5, Need::Tight, 59_999, true);
        check(&mut generator, 6, Need::Tight, 70_000, true);
        check(&mut generator, 7, Need::Nothing, 70_000, false);
    }

    #[test]
    fn a_leak_or_a_seek_keeps_the_generator_running_at_any_pressure() {
        let mut generator = Generator::NEW;
        for now in 0..100 {
            check(&mut generator, now, Need::Flow, 90_000, true);
        }
    }

    #[test]
    fn re_adjusting_too_often_makes_it_run_on_until_the_hold_ends() {
        let limits = Limits::default();
        let mut generator = Generator::NEW;
        let start = u32::MAX - 500;
        let mut gave_up = 0;
        for i in 0..20u32 {
            let now = start.wrapping_add(100 * i);
            gave_up += u32::from(generator.update(now, Need::Tight, 50_000, &limits));
            gave_up += u32::from(generator.update(now, Need::Tight, 80_000, &limits));
        }
        assert_eq!(gave_up, 1);
        assert!(generator.runs());
        generator.update(0, Need::Nothing, 0, &limits);
        check(&mut generator, 0, Need::Tight, 50_000, true);
        check(&mut generator, 0, Need::Tight, 80_000, false);
    }

    #[test]
    fn re_adjusting_now_and_then_goes_on_saving() {
        let mut generator = Generator::NEW;
        for i in 0..50 {
            check(&mut generator, 600 * i, Need::Tight, 50_000, true);
            check(&mut generator, 600 * i + 1, Need::Tight, 80_000, false);
        }
    }
}
