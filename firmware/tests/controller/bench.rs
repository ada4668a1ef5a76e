//! A bench for the controller: a clock, samples that a test sets, requests with numbers.

use firmware::{
    Controller, CupSet, CupState, Event, Limits, Outputs, Packet, Refusal, Report, Request, Samples, State, Status,
    Tick, VERSION,
};

/// Far from zero and near the wrap of the clock, so that every test crosses it.
const START_MS: u32 = u32::MAX - 120;

/// One controller on the bench.
pub struct Bench {
    pub controller: Controller,
    pub samples: Samples,
    pub now_ms: u32,
    pub events: Vec<Event>,
    pub outputs: Outputs,
    pub status: Status,
    seq: u8,
}

impl Bench {
    /// Just after power-on, with compressed air.
    pub fn new() -> Self {
        Self {
            controller: Controller::new(),
            samples: Samples { supply_ok: true, ..Samples::default() },
            now_ms: START_MS,
            events: Vec::new(),
            outputs: Outputs::default(),
            status: Status::default(),
            seq: 0,
        }
    }

    /// Greeted, limited and armed.
    pub fn active() -> Self {
        let mut bench = Self::new();
        bench.tick(5);
        bench.arm_again();
        assert_eq!(bench.status.state, State::Active);
        bench
    }

    /// Active, with `cups` sealed at 60 kPa.
    pub fn holding(cups: CupSet) -> Self {
        let mut bench = Self::active();
        bench.ok(Request::Seek { cups, expected_pa: 60_000 });
        bench.press(cups, 60_000);
        bench.samples.manifold_pa = 60_000;
        bench.alive(40);
        assert_eq!(bench.sealed(), cups);
        bench.events.clear();
        bench
    }

    /// Hello, limits, arm.
    pub fn arm_again(&mut self) {
        self.ok(Request::Hello { version: VERSION });
        self.ok(Request::Limits(Limits::default()));
        self.ok(Request::Arm);
    }

    /// Sets the pressure at some cups.
    pub fn press(&mut self, cups: CupSet, pressure_pa: u32) {
        for cup in cups.iter() {
            self.samples.cup_pa[cup] = pressure_pa;
        }
    }

    /// Ticks without a request.
    pub fn tick(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.step(None);
        }
    }

    /// Ticks with a heartbeat in each.
    pub fn alive(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.request(Request::Heartbeat);
        }
    }

    /// One tick with a request; what answered it, if anything did.
    pub fn request(&mut self, body: Request) -> Option<Result<(), Refusal>> {
        self.seq = self.seq.wrapping_add(1);
        let packet = Packet { session: 0, seq: self.seq, body };
        let tick = self.step(Some(&packet));
        let mut answers = tick.reports.iter().filter_map(|report| match report.body {
            Report::Done { seq } if seq == packet.seq => Some(Ok(())),
            Report::Refused { seq, reason } if seq == packet.seq => Some(Err(reason)),
            _ => None,
        });
        let answer = answers.next();
        assert_eq!(answers.next(), None, "two answers to {body:?}");
        answer
    }

    /// One tick with a request that must be accepted.
    pub fn ok(&mut self, body: Request) {
        assert_eq!(self.request(body), Some(Ok(())), "{body:?}");
    }

    /// One tick with a request that must be refused.
    pub fn refused(&mut self, body: Request, reason: Refusal) {
        assert_eq!(self.request(body), Some(Err(reason)), "{body:?}");
    }

    /// One tick.
    pub fn step(&mut self, request: Option<&Packet<Request>>) -> Tick {
        let tick = self.controller.tick(self.now_ms, &self.samples, request);
        self.now_ms = self.now_ms.wrapping_add(1);
        self.outputs = tick.outputs;
        for report in &tick.reports {
            match report.body {
                Report::Event(event) => self.events.push(event),
                Report::Status(status) => self.status = status,
                _ => {}
            }
        }
        tick
    }

    /// The cups in a state.
    pub fn cups(&self, state: CupState) -> CupSet {
        let in_state = |cup: &usize| self.status.cups[*cup].state == state;
        (0..firmware::CUPS).filter(in_state).collect()
    }

    /// The sealed cups.
    pub fn sealed(&self) -> CupSet {
        self.cups(CupState::Sealed)
    }

    /// The cups whose valve is switched to the vent gallery.
    pub fn vented(&self) -> CupSet {
        (0..firmware::CUPS).filter(|&cup| self.outputs.vent[cup]).collect()
    }
}
