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

/// Share of the limits that braking uses; the rest is for time going in steps.
const SHARE: f64 = 0.97;
/// Largest bend of the rate, 1/s²: a stop from full rate takes 0.1 s at least.
const MOST_BEND: f64 = 400.0;
/// Samples between two looks ahead.
const STRIDE: f64 = 2.0;
/// Looks ahead at most; what takes longer counts as closed.
const LOOKS: usize = 250;
/// Bends that are tried, as shares of the hardest that this tick allows.
const BENDS: [f64; 6] = [1.0, 0.75, 0.5, 0.25, 0.08, 0.0];
/// Bends of the way back, as shares of the hardest that the joints' jerk allows now.
const WAYS_BACK: [f64; 2] = [0.85, 0.4];

/// How fast the program is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    /// Samples a tick, 0…1.
    pub(crate) value: f64,
    /// Its derivative, 1/s, never above zero.
    change: f64,
    /// The bend, 1/s², with which the change is known to go back to zero within the limits.
    back: f64,
}

impl Rate {
    pub(crate) const FULL: Self = Self {
        value: 1.0,
        change: 0.0,
        back: MOST_BEND,
    };
    pub(crate) const STILL: Self = Self {
        value: 0.0,
        change: 0.0,
        back: MOST_BEND,
    };

    fn ended(&self) -> Self {
        Self {
            value: 0.0,
            change: 0.0,
            back: self.back,
        }
    }

    /// The rate `seconds` later under a bend.
    fn after(&self, bend: f64, seconds: f64) -> Self {
        let change = (self.change + bend * seconds).min(0.0);
        Self {
            value: self.value + change * seconds,
            change,
            back: self.back,
        }
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
            acceleration: robot.joints.map(|j| j.acceleration * SHARE),
            jerk: robot.joints.map(|j| j.jerk * SHARE),
        }
    }

    /// The rate of the next tick.
    pub(crate) fn next(&self, program: &Program, sigma: f64, rate: &Rate) -> Rate {
        let here = read(program, sigma);
        if rate.change < 0.0 {
            // Rate and change to zero together, in `ticks` steps of one bend.
            let ticks = 1.0 + 2.0 * rate.value / (-rate.change * SAMPLE_S);
            if ticks < 1.5 {
                return Rate::STILL;
            }
            let bend = -rate.change / (ticks * SAMPLE_S);
            if self.lands(program, sigma, rate, bend) {
                if std::env::var_os("DEBUG").is_some() { println!("{sigma:.1} {:.4} {:.2} land {bend:.1}", rate.value, rate.change); }
                return Rate {
                    back: bend,
                    ..rate.after(bend, SAMPLE_S)
                };
            }
        }
        let steepest = (0..6).fold(MOST_BEND, |b, i| b.min(self.jerk[i] / here.d1[i].abs().max(1e-9)));
        let hardest = self.hardest(&here, rate);
        for share in BENDS {
            let bend = hardest * share;
            let next = rate.after(bend, SAMPLE_S);
            if hardest >= 0.0 || next.value <= 0.0 {
                continue;
            }
            for back in WAYS_BACK {
                let back = back * steepest;
                if self.is_open(program, sigma + next.value, &next, back) {
                if std::env::var_os("DEBUG").is_some() { println!("{sigma:.1} {:.4} {:.2} open {share} {bend:.1} back {back:.1} steepest {steepest:.1}", rate.value, rate.change); }
                    return Rate { back, ..next };
                }
            }
        }
                if std::env::var_os("DEBUG").is_some() { println!("{sigma:.1} {:.4} {:.2} fall hardest {hardest:.1} back {:.1} steepest {steepest:.1} a {:.2?} j {:.2?}", rate.value, rate.change, rate.back, std::array::from_fn::<f64,6,_>(|i| (here.d2[i]*rate.value*rate.value+here.d1[i]*rate.change)/self.acceleration[i]), std::array::from_fn::<f64,6,_>(|i| here.d3[i]*rate.value.powi(3)/self.jerk[i])); }
        // The way back that was seen to be open a tick ago.
        rate.after(rate.back, SAMPLE_S)
    }

    /// The lowest bend that keeps the jerk of every joint; zero or more when none does.
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
        let mut sigma = sigma;
        for _ in 0..LOOKS {
            if !self.holds(&read(program, sigma), &rate, bend) {
                return false;
            }
            if rate.change >= 0.0 {
                return true;
            }
            rate = rate.after(bend, STRIDE * SAMPLE_S);
            if rate.value <= 0.0 {
                return false;
            }
            sigma += rate.value * STRIDE;
        }
        false
    }

    /// True when rate and change can go to zero together under `bend`.
    fn lands(&self, program: &Program, sigma: f64, from: &Rate, bend: f64) -> bool {
        let mut rate = *from;
        let mut sigma = sigma;
        for _ in 0..LOOKS {
            if !self.holds(&read(program, sigma), &rate, bend) {
                return false;
            }
            rate = rate.after(bend, STRIDE * SAMPLE_S);
            if rate.change >= 0.0 || rate.value <= 0.0 {
                // The last tick falls between two: it may have to bend half as much again.
                return self.holds(&read(program, sigma), &rate.ended(), 1.6 * bend);
            }
            sigma += rate.value * STRIDE;
        }
        false
    }
}
