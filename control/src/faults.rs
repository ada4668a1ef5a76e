//! Wrappers around devices that are devices and fail on demand.
//!
//! They work on simulated and on real devices, and stack: `Recorded::new(Leaky::new(tool, …), …)`. Cameras have
//! their own: [`Frozen`](crate::Frozen), [`Black`](crate::Black), [`Silent`](crate::Silent), [`LateImages`](crate::LateImages).

use std::collections::VecDeque;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{Arm, ArmState, LinkError, Setpoint, Tool};

/// Tells a wrapper whether its fault is on just now.
pub type Switch = Box<dyn FnMut() -> bool>;

/// A link that loses packets at random, in both directions. On a camera it loses images.
pub struct Leaky<D> {
    pub(crate) device: D,
    share: f64,
    rng: ChaCha8Rng,
    lost: u64,
    switch: Option<Switch>,
}

impl<D> Leaky<D> {
    /// Loses `share` (0…1) of all packets, the same ones for the same seed.
    pub fn new(device: D, share: f64, seed: u64) -> Self {
        Self {
            device,
            share: if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 },
            rng: ChaCha8Rng::seed_from_u64(seed),
            lost: 0,
            switch: None,
        }
    }
    /// Loses only while `switch` says so; always without one.
    #[must_use]
    pub fn switched(mut self, switch: Switch) -> Self {
        self.switch = Some(switch);
        self
    }
    /// Packets and setpoints lost so far.
    pub fn lost(&self) -> u64 {
        self.lost
    }
    pub(crate) fn loses(&mut self) -> bool {
        let loses = self.switch.as_mut().is_none_or(|on| on()) && self.rng.random_bool(self.share);
        self.lost += u64::from(loses);
        loses
    }
}

impl<T: Tool> Tool for Leaky<T> {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        if self.loses() { Ok(()) } else { self.device.send(packet) }
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        while let Some(length) = self.device.receive(into)? {
            if !self.loses() {
                return Ok(Some(length));
            }
        }
        Ok(None)
    }
}

impl<A: Arm> Arm for Leaky<A> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        self.device.state()
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        if self.loses() { Ok(()) } else { self.device.command(setpoint) }
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        self.device.stop()
    }
}

/// A link that delays: packets and setpoints arrive a number of polls later. Polled once a
/// millisecond, that is milliseconds. A stop is never delayed.
pub struct Late<D> {
    device: D,
    polls: usize,
    round: usize,
    out: VecDeque<(usize, Vec<u8>)>,
    back: VecDeque<(usize, Vec<u8>)>,
    setpoints: VecDeque<Setpoint>,
    switch: Option<Switch>,
}

impl<D> Late<D> {
    /// Delays by `polls`: for a tool, calls of `receive` that end empty; for an arm, calls of `command`.
    pub fn new(device: D, polls: usize) -> Self {
        let (out, back, setpoints) = (VecDeque::new(), VecDeque::new(), VecDeque::new());
        Self { device, polls, round: 0, out, back, setpoints, switch: None }
    }
    /// Delays only while `switch` says so; always without one. What waits when it goes off arrives at once.
    #[must_use]
    pub fn switched(mut self, switch: Switch) -> Self {
        self.switch = Some(switch);
        self
    }
    fn delay(&mut self) -> usize {
        if self.switch.as_mut().is_none_or(|on| on()) { self.polls } else { 0 }
    }
}

impl<T: Tool> Tool for Late<T> {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        let due = self.round + self.delay();
        self.out.push_back((due, packet.to_vec()));
        Ok(())
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let delay = self.delay();
        if delay == 0 {
            self.out.iter_mut().chain(&mut self.back).for_each(|(due, _)| *due = self.round);
        }
        while self.out.front().is_some_and(|(due, _)| *due <= self.round) {
            if let Some((_, packet)) = self.out.pop_front() {
                self.device.send(&packet)?;
            }
        }
        while let Some(length) = self.device.receive(into)? {
            self.back.push_back((self.round + delay, into[..length].to_vec()));
        }
        if self.back.front().is_some_and(|(due, _)| *due <= self.round)
            && let Some((_, packet)) = self.back.pop_front()
        {
            let room = into.len();
            let target =
                into.get_mut(..packet.len()).ok_or(LinkError::TooLong { device: "tool", bytes: packet.len(), room })?;
            target.copy_from_slice(&packet);
            return Ok(Some(packet.len()));
        }
        self.round += 1;
        Ok(None)
    }
}

impl<A: Arm> Arm for Late<A> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        self.device.state()
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        let delay = self.delay();
        self.setpoints.push_back(*setpoint);
        while self.setpoints.len() > delay {
            if let Some(due) = self.setpoints.pop_front() {
                self.device.command(&due)?;
            }
        }
        Ok(())
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        self.device.stop()
    }
}

/// A device that hangs while told to: what is sent vanishes, nothing new is heard.
pub struct Stuck<D> {
    device: D,
    stuck: bool,
    last: Option<ArmState>,
    switch: Option<Switch>,
}

impl<D> Stuck<D> {
    /// A device that works until [`Stuck::hang`].
    pub fn new(device: D) -> Self {
        Self { device, stuck: false, last: None, switch: None }
    }
    /// Hangs while `switch` says so, too.
    #[must_use]
    pub fn switched(mut self, switch: Switch) -> Self {
        self.switch = Some(switch);
        self
    }
    fn hangs(&mut self) -> bool {
        self.stuck || self.switch.as_mut().is_some_and(|on| on())
    }
    /// Hangs from now on, or comes back.
    pub fn hang(&mut self, stuck: bool) {
        self.stuck = stuck;
    }
}

impl<T: Tool> Tool for Stuck<T> {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        if self.hangs() { Ok(()) } else { self.device.send(packet) }
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        if self.hangs() { Ok(None) } else { self.device.receive(into) }
    }
}

impl<A: Arm> Arm for Stuck<A> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        if self.hangs()
            && let Some(last) = self.last
        {
            return Ok(last);
        }
        let state = self.device.state()?;
        self.last = Some(state);
        Ok(state)
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        if self.hangs() { Ok(()) } else { self.device.command(setpoint) }
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        if self.hangs() { Ok(()) } else { self.device.stop() }
    }
}

/// A device without power: its link is closed while `switch` says so.
pub struct Off<D> {
    device: D,
    name: &'static str,
    switch: Switch,
}

impl<D> Off<D> {
    /// A device that is called `name` in the error.
    pub fn new(device: D, name: &'static str, switch: Switch) -> Self {
        Self { device, name, switch }
    }
    fn powered(&mut self) -> Result<&mut D, LinkError> {
        if (self.switch)() { Err(LinkError::Closed { device: self.name }) } else { Ok(&mut self.device) }
    }
}

impl<T: Tool> Tool for Off<T> {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        self.powered()?.send(packet)
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        self.powered()?.receive(into)
    }
}

impl<A: Arm> Arm for Off<A> {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        self.powered()?.state()
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        self.powered()?.command(setpoint)
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        self.powered()?.stop()
    }
}
