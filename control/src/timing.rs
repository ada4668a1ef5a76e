//! The border to rsruckig: jerk-limited timing of one number and of six joints.

use rsruckig::prelude::{InputParameter, Ruckig, RuckigError, Synchronization, ThrowErrorHandler, Trajectory};
use rsruckig::util::DataArrayOrVec;

/// Limits of a number that moves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) velocity: f64,
    pub(crate) acceleration: f64,
    pub(crate) jerk: f64,
}

impl Bounds {
    /// Time to change speed by `dv`, from and to no acceleration.
    pub(crate) fn time_to_change(&self, dv: f64) -> f64 {
        let dv = dv.abs();
        if dv <= self.acceleration * self.acceleration / self.jerk {
            2.0 * (dv / self.jerk).sqrt()
        } else {
            dv / self.acceleration + self.acceleration / self.jerk
        }
    }

    /// Way that a change of speed takes, from and to no acceleration.
    pub(crate) fn length_to_change(&self, from: f64, to: f64) -> f64 {
        0.5 * (from + to) * self.time_to_change(to - from)
    }

    /// The largest speed that a change from or to speed `other` reaches within `length`, at most the bound.
    pub(crate) fn speed_within(&self, length: f64, other: f64) -> f64 {
        let needs = |v: f64| self.length_to_change(v, other);
        if needs(self.velocity) <= length {
            return self.velocity;
        }
        let (mut low, mut high) = (other.min(self.velocity), self.velocity);
        if needs(low) > length {
            return 0.0;
        }
        for _ in 0..40 {
            let middle = 0.5 * (low + high);
            if needs(middle) <= length { low = middle } else { high = middle }
        }
        low
    }

    /// Least time from rest to rest, `length` away.
    pub(crate) fn time_to_move(&self, length: f64) -> f64 {
        let fastest = self.speed_within(0.5 * length, 0.0);
        if fastest <= 0.0 {
            return 0.0;
        }
        let even = length - 2.0 * self.length_to_change(0.0, fastest);
        2.0 * self.time_to_change(fastest) + even.max(0.0) / fastest
    }
}

/// Position, velocity and acceleration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct State<const N: usize> {
    pub(crate) x: [f64; N],
    pub(crate) v: [f64; N],
    pub(crate) a: [f64; N],
}

/// A timed motion from one state to another.
#[derive(Clone)]
pub(crate) struct Timed<const N: usize> {
    trajectory: Trajectory<N>,
    duration: f64,
}

impl<const N: usize> Timed<N> {
    /// The fastest motion within the bounds in which all numbers arrive together.
    pub(crate) fn between(from: &State<N>, to: &State<N>, bounds: &[Bounds; N]) -> Result<Self, RuckigError> {
        let mut input = InputParameter::<N>::new(None);
        input.synchronization = Synchronization::Time;
        input.current_position = DataArrayOrVec::Stack(from.x);
        input.current_velocity = DataArrayOrVec::Stack(from.v);
        input.current_acceleration = DataArrayOrVec::Stack(from.a);
        input.target_position = DataArrayOrVec::Stack(to.x);
        input.target_velocity = DataArrayOrVec::Stack(to.v);
        input.target_acceleration = DataArrayOrVec::Stack(to.a);
        input.max_velocity = DataArrayOrVec::Stack(bounds.map(|b| b.velocity));
        input.max_acceleration = DataArrayOrVec::Stack(bounds.map(|b| b.acceleration));
        input.max_jerk = DataArrayOrVec::Stack(bounds.map(|b| b.jerk));
        let mut otg = Ruckig::<N, ThrowErrorHandler>::new(None, 1e-3);
        let mut trajectory = Trajectory::new(None);
        otg.calculate(&input, &mut trajectory)?;
        let duration = trajectory.get_duration();
        Ok(Self { trajectory, duration })
    }

    pub(crate) fn duration(&self) -> f64 {
        self.duration
    }

    pub(crate) fn at(&self, time: f64) -> State<N> {
        let zero = || DataArrayOrVec::Stack([0.0; N]);
        let (mut x, mut v, mut a) = (zero(), zero(), zero());
        self.trajectory.at_time(
            time.clamp(0.0, self.duration),
            &mut Some(&mut x),
            &mut Some(&mut v),
            &mut Some(&mut a),
            &mut None,
            &mut None,
        );
        State { x: std::array::from_fn(|i| x[i]), v: std::array::from_fn(|i| v[i]), a: std::array::from_fn(|i| a[i]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_time_of_a_way_is_that_of_a_point_that_is_timed() {
        let bounds = Bounds { velocity: 2.0, acceleration: 5.0, jerk: 50.0 };
        for length in [0.0, 1e-6, 0.01, 0.03, 0.2, 0.9, 1.1, 4.0] {
            let at = |x| State { x: [x], v: [0.0], a: [0.0] };
            let timed = Timed::between(&at(0.0), &at(length), &[bounds]).unwrap().duration();
            assert!((bounds.time_to_move(length) - timed).abs() < 1e-9, "{length} m: {timed} s");
        }
    }
}
