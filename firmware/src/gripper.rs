//! The controller behind its wire: bytes in, bytes out.

use crate::session::{Admission, Session};
use crate::wire::{self, Decoder, Found, MAX_PACKET};
use crate::{
    Birth, Config, ConfigSource, Controller, Counters, Outputs, Packet, Refusal, Report, Request, Samples, Tick,
};

/// Requests and answers that may wait for their tick.
const WAITING: usize = 8;

/// With a number of its own for each, so that nothing is 0: see [`Controller::asleep`].
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
enum Waiting {
    Nothing,
    Request(Packet<Request>),
    /// What was said before, or says why a request is not obeyed.
    Answer(Report),
}

/// A [`Controller`] with its decoder, its host's session and a short queue of requests: all that a
/// board or a simulated tool needs between its link and its pins.
///
/// One request is obeyed a tick, in order of arrival, except that a `Stop` overtakes: those that
/// wait before it are dropped without an answer. A request that finds the queue full is dropped
/// and counted. A request of a number that was answered is answered again and not obeyed again.
#[derive(Debug, Clone)]
pub struct Gripper {
    controller: Controller,
    decoder: Decoder<Request, MAX_PACKET>,
    session: Session,
    waiting: [Waiting; WAITING],
    counters: Counters,
}

impl Default for Gripper {
    fn default() -> Self {
        Self::new()
    }
}

impl Gripper {
    /// A gripper just after power-on, about which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self { controller: Controller::new(), ..Self::asleep() }
    }

    /// A gripper that waits for [`awake`](Self::awake), for a board's static: see [`Controller::asleep`].
    #[must_use]
    pub const fn asleep() -> Self {
        Self {
            controller: Controller::asleep(),
            decoder: Decoder::new(),
            session: Session::NEW,
            waiting: [Waiting::Nothing; WAITING],
            counters: Counters::ZERO,
        }
    }

    /// Tells what the board knows of itself and what its flash kept; before the first tick.
    pub fn awake(&mut self, birth: Birth, kept: Config, source: ConfigSource) {
        self.controller.awake(birth, kept, source);
    }

    /// Takes bytes as they came from the link, in pieces of any size.
    pub fn receive(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.decoder.next(byte) {
                Some(Found::Packet(packet)) => self.admit(&packet),
                Some(Found::Unknown { seq, .. }) => {
                    self.wait(Waiting::Answer(Report::Refused { seq, reason: Refusal::Unknown }));
                }
                None => {}
            }
        }
    }

    /// One millisecond: see [`Controller::tick`]. Calls `send` once for each encoded report.
    pub fn tick(&mut self, now_ms: u32, samples: &Samples, mut send: impl FnMut(&[u8])) -> Outputs {
        let request = self.next(&mut send);
        let tick = self.controller.tick(now_ms, samples, request.as_ref());
        self.report(request.as_ref(), &tick, &mut send);
        tick.outputs
    }

    /// Between two ticks: obeys one request that waits, if one does, without a new sample and without
    /// a status. Gives the outputs then.
    pub fn serve(&mut self, now_ms: u32, samples: &Samples, mut send: impl FnMut(&[u8])) -> Option<Outputs> {
        let request = self.next(&mut send)?;
        let tick = self.controller.serve(now_ms, samples, &request);
        self.report(Some(&request), &tick, &mut send);
        Some(tick.outputs)
    }

    /// The next request; says what waits in its place.
    fn next(&mut self, send: &mut impl FnMut(&[u8])) -> Option<Packet<Request>> {
        let first = core::mem::replace(&mut self.waiting[0], Waiting::Nothing);
        self.waiting.rotate_left(1);
        self.counters.bad = self.decoder.bad();
        self.controller.set_counters(self.counters);
        match first {
            Waiting::Nothing => None,
            Waiting::Request(packet) => Some(packet),
            Waiting::Answer(body) => {
                let seq = self.controller.next_number();
                self.send(Packet { session: self.session.number(), seq, body }, send);
                None
            }
        }
    }

    fn report(&mut self, request: Option<&Packet<Request>>, tick: &Tick, send: &mut impl FnMut(&[u8])) {
        for report in &tick.reports {
            let refused = match report.body {
                Report::Done { .. } => Some(None),
                Report::Refused { reason, .. } => Some(Some(reason)),
                _ => None,
            };
            if let (Some(refused), Some(request)) = (refused, request) {
                self.session.keep(request, refused);
            }
            self.send(Packet { session: self.session.number(), ..*report }, send);
        }
    }

    /// What to drive if the board dies before the next tick: what holds goes on holding.
    #[must_use]
    pub fn if_crashed(&self) -> Outputs {
        self.controller.if_crashed()
    }

    /// What a host wants written into the flash, once for each such wish; tell what became of it
    /// with [`stored`](Self::stored).
    pub fn take_store(&mut self) -> Option<Config> {
        self.controller.take_store()
    }

    /// What became of the wish of [`take_store`](Self::take_store).
    pub fn stored(&mut self, written: bool) {
        self.controller.set_stored(written);
    }

    /// Tells the least room that the board's stack ever had, bytes.
    pub fn set_stack_free(&mut self, bytes: u32) {
        self.controller.set_stack_free(bytes);
    }

    fn send(&self, report: Packet<Report>, send: &mut impl FnMut(&[u8])) {
        let mut buffer = [0; MAX_PACKET];
        // Every report fits, which a test holds; the gap in numbers would tell otherwise.
        if let Ok(length) = wire::encode(&report, &mut buffer) {
            send(buffer.get(..length).unwrap_or(&[]));
        }
    }

    fn admit(&mut self, packet: &Packet<Request>) {
        self.counters.received = self.counters.received.saturating_add(1);
        match self.session.admit(packet, &mut self.counters) {
            Admission::Obey => {
                if packet.body == Request::Stop {
                    self.waiting = [Waiting::Nothing; WAITING];
                }
                if !self.wait(Waiting::Request(*packet)) {
                    self.session.turn_away(packet);
                }
            }
            Admission::Answer(report) => {
                self.wait(Waiting::Answer(report));
            }
            Admission::Drop => {}
        }
    }

    fn wait(&mut self, entry: Waiting) -> bool {
        let slot = self.waiting.iter_mut().find(|slot| matches!(slot, Waiting::Nothing));
        if slot.is_none() {
            self.counters.crowded_out = self.counters.crowded_out.saturating_add(1);
        }
        slot.map(|slot| *slot = entry).is_some()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::string::ToString;
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
        let length = wire::encode(&Packet { session: 5, seq, body }, &mut buffer).unwrap();
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

    #[test]
    fn a_request_that_comes_again_is_answered_again_and_not_obeyed_again() {
        let mut gripper = Gripper::new();
        let light = Request::Light { percent: 7 };
        put(&mut gripper, 1, Request::Hello { version: VERSION });
        put(&mut gripper, 2, light);
        tick(&mut gripper, 1);
        tick(&mut gripper, 2);
        put(&mut gripper, 3, Request::Light { percent: 8 });
        tick(&mut gripper, 3);
        put(&mut gripper, 2, light);
        let mut said = Vec::new();
        let mut decoder = Decoder::<Report, MAX_PACKET>::new();
        let outputs = gripper.tick(4, &SUPPLIED, |bytes| said.extend(bytes.iter().filter_map(|&b| decoder.push(b))));
        assert_eq!(outputs.light_percent, 8);
        assert_eq!(said[0].body, Report::Done { seq: 2 });
        assert!(said.iter().all(|packet| packet.session == 5));
        assert_eq!(said[1].seq, said[0].seq + 1, "reports are numbered without a gap");
    }

    #[test]
    fn a_good_packet_that_is_no_request_of_this_version_is_refused_by_name() {
        let mut gripper = Gripper::new();
        let mut buffer = [0; MAX_PACKET];
        let length = wire::encode(&Packet { session: 5, seq: 77, body: 200u8 }, &mut buffer).unwrap();
        gripper.receive(&buffer[..length]);
        let reports = tick(&mut gripper, 1);
        assert_eq!(reports[0], Report::Refused { seq: 77, reason: Refusal::Unknown });
        assert_eq!(Refusal::Unknown.to_string(), "unknown request: none of version 2");
    }
}
