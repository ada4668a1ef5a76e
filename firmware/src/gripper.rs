//! The controller behind its wire: bytes in, bytes out.

use crate::wire::{self, Decoder, MAX_PACKET};
use crate::{Controller, Outputs, Packet, Request, Samples};

/// Requests that may wait for their tick.
const WAITING: usize = 8;

/// A [`Controller`] with its decoder and a short queue of requests: all that a board or a
/// simulated tool needs between its link and its pins.
///
/// One request is obeyed a tick, in order of arrival, except that a `Stop` overtakes: those that
/// wait before it are dropped without an answer. A request that finds the queue full is dropped
/// and counted as a bad packet.
#[derive(Debug, Clone)]
pub struct Gripper {
    controller: Controller,
    decoder: Decoder<Request, MAX_PACKET>,
    waiting: [Option<Packet<Request>>; WAITING],
    crowded_out: u32,
}

impl Default for Gripper {
    fn default() -> Self {
        Self::new()
    }
}

impl Gripper {
    /// A gripper just after power-on.
    #[must_use]
    pub fn new() -> Self {
        Self { controller: Controller::new(), decoder: Decoder::new(), waiting: [None; WAITING], crowded_out: 0 }
    }

    /// Takes bytes as they came from the link, in pieces of any size.
    pub fn receive(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if let Some(packet) = self.decoder.push(byte) {
                self.wait(packet);
            }
        }
    }

    /// One millisecond: see [`Controller::tick`]. Calls `send` once for each encoded report.
    pub fn tick(&mut self, now_ms: u32, samples: &Samples, mut send: impl FnMut(&[u8])) -> Outputs {
        let request = self.waiting[0].take();
        self.waiting.rotate_left(1);
        self.controller.set_bad_packets(self.decoder.bad().saturating_add(self.crowded_out));
        let tick = self.controller.tick(now_ms, samples, request.as_ref());
        for report in &tick.reports {
            let mut buffer = [0; MAX_PACKET];
            // Every report fits, which a test holds; the gap in numbers would tell otherwise.
            if let Ok(length) = wire::encode(report, &mut buffer) {
                send(buffer.get(..length).unwrap_or(&[]));
            }
        }
        tick.outputs
    }

    fn wait(&mut self, packet: Packet<Request>) {
        if packet.body == Request::Stop {
            self.waiting = [None; WAITING];
        }
        match self.waiting.iter_mut().find(|slot| slot.is_none()) {
            Some(slot) => *slot = Some(packet),
            None => self.crowded_out = self.crowded_out.saturating_add(1),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{Report, State, VERSION};

    const SUPPLIED: Samples = Samples {
        cup_pa: [0; 6],
        manifold_pa: 0,
        load_mn: 0,
        stroke_um: [0; 6],
        estop: false,
        supply_ok: true,
        release_input: false,
    };

    fn put(gripper: &mut Gripper, seq: u8, body: Request) {
        let mut buffer = [0; MAX_PACKET];
        let length = wire::encode(&Packet { seq, body }, &mut buffer).unwrap();
        gripper.receive(&buffer[..length]);
    }

    fn tick(gripper: &mut Gripper, now_ms: u32) -> Vec<Report> {
        let mut decoder = Decoder::<Report, MAX_PACKET>::new();
        let mut reports = Vec::new();
        gripper.tick(now_ms, &SUPPLIED, |bytes| {
            reports.extend(bytes.iter().filter_map(|&b| decoder.push(b)).map(|p| p.body));
        });
        assert_eq!(decoder.bad(), 0);
        reports
    }

    fn status(reports: &[Report]) -> crate::Status {
        match reports.last() {
            Some(Report::Status(status)) => *status,
            other => panic!("{other:?} is no status"),
        }
    }

    #[test]
    fn requests_that_arrive_together_are_obeyed_in_order_one_a_tick() {
        let mut gripper = Gripper::new();
        put(&mut gripper, 1, Request::Hello { version: VERSION });
        put(&mut gripper, 2, Request::Limits(crate::Limits::default()));
        put(&mut gripper, 3, Request::Arm);
        let done = |reports: &[Report], seq| reports.contains(&Report::Done { seq });
        for seq in 1..=3 {
            assert!(done(&tick(&mut gripper, u32::from(seq)), seq), "request {seq}");
        }
        assert_eq!(status(&tick(&mut gripper, 4)).state, State::Active);
    }

    #[test]
    fn a_stop_overtakes_what_waits() {
        let mut gripper = Gripper::new();
        for seq in 0..5 {
            put(&mut gripper, seq, Request::Hello { version: VERSION });
        }
        put(&mut gripper, 9, Request::Stop);
        let reports = tick(&mut gripper, 1);
        assert!(reports.contains(&Report::Done { seq: 9 }));
        assert_eq!(status(&tick(&mut gripper, 2)).state, State::SafeEmpty);
    }

    #[test]
    fn noise_and_requests_beyond_the_queue_are_counted_in_the_status() {
        let mut gripper = Gripper::new();
        gripper.receive(&[7, 7, 7, 0]);
        for seq in 0..10 {
            put(&mut gripper, seq, Request::Heartbeat);
        }
        assert_eq!(status(&tick(&mut gripper, 1)).bad_packets, 3);
    }
}
