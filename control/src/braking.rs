//! How a running program slows down along its own path.
//!
//! The program is read at a rate r that falls from 1 to 0. A joint then has the acceleration
//! `d2 r² + d1 r'` and the jerk `d3 r³ + 3 d2 r r' + d1 r''`, where d1 to d3 are the program's own
//! derivatives. At a constant rate below one both are smaller than the program's own, so a way to
//! go on within the limits always exists: let r' go back to zero. Each tick brakes as hard as it
//! can while that way back, looked at tick by tick, stays open.

use crate::executor::{Point, read};
use crate::program::{Program, SAMPLE_S};
use crate::robot::RobotModel;

/// Shares of the limits that braking uses; the rest is for time going in steps, which blurs a step
/// of the program's jerk over three ticks.
const ACCELERATION_SHARE: f64 = 0.97;
const JERK_SHARE: f64 = 0.896;
/// Largest bend of the rate, 1/s²: a stop from full rate takes 0.05 s at least. With 4,000 the steps of a tick break the limits.
const MOST_BEND: f64 = 1600.0;
/// Samples between two looks ahead.
const STRIDE: f64 = 2.0;
/// Looks ahead at most; what takes longer counts as closed.
const LOOKS: usize = 250;
/// Share of the rate that must be left when its change is back at zero, so that a standstill can
/// be reached more gently than that.
const LEFT: f64 = 0.03;
/// Bends that are tried, as shares of the hardest that this tick allows.
const BENDS: [f64; 6] = [1.0, 0.75, 0.5, 0.3, 0.15, 0.05];
/// Bends of the way back, as shares of the hardest that the joints' jerk allows now.
const WAYS_BACK: [f64; 3] = [0.85, 0.5, 0.2];

/// How fast the program is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    /// Samples a tick, 0…1.
    pub(crate) value: f64,
    /// Its derivative, 1/s, never above zero.
    change: f64,
    /// The bend, 1/s², with which the change is known to go back to zero within the limits.
    back: f64,
    /// Ticks until the rate and its change are both zero; 0 while that isn't settled.
    landing: u16,
}

impl Rate {
    pub(crate) const FULL: Self = Self { value: 1.0, change: 0.0, back: MOST_BEND, landing: 0 };
    pub(crate) const STILL: Self = Self { value: 0.0, change: 0.0, back: MOST_BEND, landing: 0 };

    /// The next of the ticks that are left. The bend falls or grows by the same amount each tick, so
    /// that rate and change are zero after the last one, to rounding.
    fn land(&self) -> Self {
        if self.landing < 2 {
            return Self::STILL;
        }
        let n = f64::from(self.landing);
        // The change is the sum of the bends, the rate that of the changes: two conditions, for the
        // mean bend and for its slope over the ticks.
        let mean = -self.change / (n * SAMPLE_S);
        let miss = self.value + 0.5 * (n - 1.0) * self.change * SAMPLE_S;
        let slope = 12.0 * miss / (SAMPLE_S * SAMPLE_S * n * (n * n - 1.0));
        let next = self.after(mean - 0.5 * (n - 1.0) * slope, SAMPLE_S);
        Self { value: next.value.max(0.0), landing: self.landing - 1, ..next }
    }

    /// The rate `seconds` later under a bend.
    fn after(&self, bend: f64, seconds: f64) -> Self {
        let change = (self.change + bend * seconds).min(0.0);
        Self { value: self.value + change * seconds, change, ..*self }
    }
}

/// Limits of a stop.
#[derive(Debug, Clone)]
pub(crate) struct Brake {
    acceleration: [f64; 6],
    jerk: [f64; 6],
}

impl Brake {
    pub(crate) fn new(robot: &RobotModel) -> Self {
        Self {
            acceleration: robot.joints.map(|j| j.acceleration * ACCELERATION_SHARE),
            jerk: robot.joints.map(|j| j.jerk * JERK_SHARE),
        }
    }

    /// The rate of the next tick.
    pub(crate) fn next(&self, program: &Program, sigma: f64, rate: &Rate) -> Rate {
        if rate.landing > 0 {
            return rate.land();
        }
        let here = read(program, sigma);
        let steepest = (0..6).fold(MOST_BEND, |b, i| b.min(self.jerk[i] / here.d1[i].abs().max(1e-9)));
        // The jerk of what is commanded is a mean over three ticks: the bend must suit the
        // program's own jerk on all of them.
        let around = [-1.0, 1.0, 2.0].map(|ticks| read(program, sigma + ticks * rate.value));
        let hardest = around.iter().chain([&here]).fold(-MOST_BEND, |b, p| b.max(self.hardest(p, rate)));
        for share in BENDS {
            let bend = hardest * share;
            let next = rate.after(bend, SAMPLE_S);
            if hardest >= 0.0 || next.value <= 0.0 {
                continue;
            }
            for back in WAYS_BACK {
                let back = back * steepest;
                if self.is_open(program, sigma + next.value, &next, back) {
                    return Rate { back, ..next };
                }
            }
        }
        // There is no room to brake harder and come back: on to a standstill, if that is open.
        // With one bend, rate and change come to zero together in so many ticks.
        let ticks = 1.0 + 2.0 * rate.value / (-rate.change * SAMPLE_S).max(1e-12);
        if (4.0..f64::from(u16::MAX)).contains(&ticks) {
            let ticks = ticks.ceil();
            // Whole ticks take a little more bend at first.
            let bend = -rate.change / (ticks * SAMPLE_S);
            if self.lands(program, sigma, rate, bend, 1.0 + 3.0 / (ticks + 1.0)) {
                let landing = Rate { landing: ticks as u16, ..*rate };
                return landing.land();
            }
        }
        // The way back that was seen to be open a tick ago.
        rate.after(rate.back, SAMPLE_S)
    }

    /// The lowest bend that keeps the jerk of every joint at a point; zero or more when none does.
    fn hardest(&self, here: &Point, rate: &Rate) -> f64 {
        let (r, a) = (rate.value, rate.change);
        let mut lowest = -MOST_BEND;
        for i in 0..6 {
            let slope = here.d1[i];
            if slope.abs() < 1e-9 {
                continue;
            }
            let own = here.d3[i] * r * r * r;
            let most = self.jerk[i].max(own.abs());
            let jerk = own + 3.0 * here.d2[i] * r * a;
            let (one, other) = ((-most - jerk) / slope, (most - jerk) / slope);
            lowest = lowest.max(one.min(other));
        }
        lowest
    }

    /// True when every joint keeps its limits at this rate under a bend.
    fn holds(&self, p: &Point, rate: &Rate, bend: f64) -> bool {
        let (r, a) = (rate.value, rate.change);
        (0..6).all(|i| {
            // What the program itself does at this rate is allowed in any case.
            let (own_acceleration, own_jerk) = (p.d2[i] * r * r, p.d3[i] * r * r * r);
            let acceleration = own_acceleration + p.d1[i] * a;
            let jerk = own_jerk + 3.0 * p.d2[i] * r * a + p.d1[i] * bend;
            acceleration.abs() <= self.acceleration[i].max(own_acceleration.abs()) + 1e-9
                && jerk.abs() <= self.jerk[i].max(own_jerk.abs()) + 1e-7
        })
    }

    /// True when the change of the rate can go back to zero under `bend` before the rate does.
    fn is_open(&self, program: &Program, sigma: f64, from: &Rate, bend: f64) -> bool {
        let mut rate = *from;
        let mut sigma = sigma - rate.value;
        for _ in 0..LOOKS {
            if !self.holds(&read(program, sigma), &rate, bend) {
                return false;
            }
            if rate.change >= 0.0 {
                return true;
            }
            rate = rate.after(bend, STRIDE * SAMPLE_S);
            if rate.value <= LEFT * from.value {
                return false;
            }
            sigma += rate.value * STRIDE;
        }
        false
    }

    /// True when rate and change can go to zero together under `bend`, and `more` times as much holds too.
    fn lands(&self, program: &Program, sigma: f64, from: &Rate, bend: f64, more: f64) -> bool {
        let mut rate = *from;
        let mut sigma = sigma - rate.value;
        for _ in 0..LOOKS {
            if !self.holds(&read(program, sigma), &rate, bend * more) {
                return false;
            }
            rate = rate.after(bend, STRIDE * SAMPLE_S);
            if rate.change >= 0.0 || rate.value <= 0.0 {
                return true;
            }
            sigma += rate.value * STRIDE;
        }
        false
    }
}
