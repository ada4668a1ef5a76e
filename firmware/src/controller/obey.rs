//! What the controller does on a request, and what it refuses.

use super::{Blow, Controller};
use crate::cup::Cup;
use crate::leak_test::Test;
use crate::limits::FULL_VACUUM_PA;
use crate::{
    Birth, CUPS, Calibration, CupSet, CupState, Event, Health, Limits, Packet, Refusal, Report, Reports, Request,
    Samples, State, VERSION,
};

impl Controller {
    pub(super) fn obey(&mut self, now_ms: u32, samples: &Samples, request: &Packet<Request>, reports: &mut Reports) {
        let seq = request.seq;
        let safe_before = matches!(self.state, State::SafeEmpty | State::SafeHolding);
        let answer = match request.body {
            Request::Hello { version } => {
                let active_before = self.state == State::Active;
                let answer = self.hello(version);
                if active_before && answer.is_ok() {
                    self.tell(reports, Event::HostRestarted { at_ms: now_ms });
                }
                let Birth { capabilities, boots, .. } = self.birth;
                let hello = Report::Hello { version: VERSION, cups: CUPS as u8, capabilities, boots };
                reports.say(&mut self.seq, hello);
                answer
            }
            Request::Stop => {
                self.enter_safe();
                if !safe_before {
                    self.tell(reports, Event::Stopped { at_ms: now_ms });
                }
                Ok(())
            }
            Request::Seek { cups, expected_pa } => self.seek(now_ms, cups, expected_pa),
            Request::Release { cups, blow_ms } => self.release(now_ms, cups, blow_ms),
            Request::Pinch { force_mn } => self.pinch(force_mn),
            Request::Clear => self.clear(),
            Request::Limits(limits) => self.limit(&limits),
            Request::Arm => self.arm(samples),
            Request::Tare => self.greeted().map(|()| self.zero_mn = self.recent_load.mean()),
            Request::Heartbeat => self.greeted(),
            Request::Disarm => self.disarm(),
            Request::Light { percent } => self.light(percent),
            Request::LeakTest => self.leak_test(now_ms),
            Request::Calibrate(calibration) => self.calibrate(&calibration),
            Request::Store => self.begin_store(),
            Request::Health => {
                let health = self.health(now_ms);
                self.greeted().map(|()| reports.say(&mut self.seq, Report::Health(health)))
            }
        };
        if self.greeted {
            self.heard_ms = now_ms;
        }
        match answer {
            Ok(()) if request.body == Request::Heartbeat => {}
            Ok(()) => reports.say(&mut self.seq, Report::Done { seq }),
            Err(reason) => reports.say(&mut self.seq, Report::Refused { seq, reason }),
        }
    }

    fn greeted(&self) -> Result<(), Refusal> {
        if self.greeted { Ok(()) } else { Err(Refusal::NotGreeted) }
    }

    /// What every request that moves air or fingers needs.
    fn active(&self) -> Result<(), Refusal> {
        match self.state {
            State::SafeEmpty | State::SafeHolding => Err(Refusal::Locked),
            State::Boot => Err(Refusal::NotGreeted),
            State::Ready => self.greeted().and(Err(Refusal::NotArmed)),
            State::Active => self.greeted(),
        }
    }

    fn hello(&mut self, version: u16) -> Result<(), Refusal> {
        self.limited = false;
        if version != VERSION {
            self.greeted = false;
            if self.state == State::Ready {
                self.state = State::Boot;
            }
            return Err(Refusal::WrongVersion);
        }
        match self.state {
            State::Active => self.enter_safe(),
            State::Boot => self.state = State::Ready,
            State::Ready | State::SafeEmpty | State::SafeHolding => {}
        }
        self.greeted = true;
        Ok(())
    }

    fn limit(&mut self, limits: &Limits) -> Result<(), Refusal> {
        self.greeted()?;
        let busy = self.pinch_mn > 0 || self.cups.iter().any(Cup::on_vacuum);
        if self.state == State::Active && busy {
            return Err(Refusal::Holding);
        }
        limits.check().map_err(|_| Refusal::OutOfRange)?;
        self.limits = *limits;
        self.limited = true;
        Ok(())
    }

    fn arm(&mut self, samples: &Samples) -> Result<(), Refusal> {
        self.greeted()?;
        if self.state == State::Active {
            return Err(Refusal::AlreadyArmed);
        }
        if !self.limited {
            return Err(Refusal::NoLimits);
        }
        if samples.estop || !samples.supply_ok {
            return Err(Refusal::Locked);
        }
        self.state = State::Active;
        Ok(())
    }

    fn disarm(&mut self) -> Result<(), Refusal> {
        self.active()?;
        let holds = |cup: &Cup| cup.may_hold(&self.limits);
        if self.latched || self.pinch_mn > 0 || self.cups.iter().any(holds) {
            return Err(Refusal::Holding);
        }
        self.let_go();
        self.test = None;
        self.limited = false;
        self.state = State::Ready;
        Ok(())
    }

    fn light(&mut self, percent: u8) -> Result<(), Refusal> {
        self.greeted()?;
        if percent > 100 {
            return Err(Refusal::OutOfRange);
        }
        self.light_percent = percent;
        Ok(())
    }

    fn leak_test(&mut self, now_ms: u32) -> Result<(), Refusal> {
        self.active()?;
        if self.pinch_mn > 0 || self.cups.iter().any(Cup::on_vacuum) {
            return Err(Refusal::Holding);
        }
        self.blow = None;
        self.test = Some(Test::begin(now_ms));
        Ok(())
    }

    fn calibrate(&mut self, calibration: &Calibration) -> Result<(), Refusal> {
        self.greeted()?;
        if self.is_busy() {
            return Err(Refusal::Holding);
        }
        calibration.check().map_err(|_| Refusal::OutOfRange)?;
        self.calibration = *calibration;
        Ok(())
    }

    fn begin_store(&mut self) -> Result<(), Refusal> {
        self.greeted()?;
        if matches!(self.state, State::Active | State::SafeHolding) {
            return Err(Refusal::Holding);
        }
        self.store = true;
        Ok(())
    }

    fn health(&self, now_ms: u32) -> Health {
        Health {
            uptime_ms: now_ms.wrapping_sub(self.born_ms.unwrap_or(now_ms)),
            boots: self.birth.boots,
            crash: self.birth.crash,
            config: self.config,
            stack_free_bytes: self.stack_free_bytes,
            counters: self.counters,
        }
    }

    /// Something is, or may be, held.
    fn is_busy(&self) -> bool {
        self.state == State::SafeHolding || self.pinch_mn > 0 || self.cups.iter().any(Cup::on_vacuum)
    }

    fn seek(&mut self, now_ms: u32, cups: CupSet, expected_pa: u32) -> Result<(), Refusal> {
        self.active()?;
        if cups.is_empty() || !cups.is_valid() || expected_pa > FULL_VACUUM_PA {
            return Err(Refusal::OutOfRange);
        }
        self.latched = false;
        let limits = self.limits;
        for cup in self.chosen(cups) {
            cup.seek(now_ms, expected_pa, &limits);
        }
        Ok(())
    }

    fn release(&mut self, now_ms: u32, cups: CupSet, blow_ms: u16) -> Result<(), Refusal> {
        self.active()?;
        if cups.is_empty() || !cups.is_valid() {
            return Err(Refusal::OutOfRange);
        }
        self.latched = false;
        let released: CupSet = cups.iter().filter(|&i| self.cups.get(i).is_some_and(Cup::on_vacuum)).collect();
        for cup in self.chosen(cups) {
            cup.vent();
        }
        if !released.is_empty() {
            self.blow = Some(Blow { cups: released, since_ms: now_ms, for_ms: blow_ms });
        }
        Ok(())
    }

    fn pinch(&mut self, force_mn: u16) -> Result<(), Refusal> {
        self.active()?;
        if force_mn > self.limits.max_pinch_mn {
            return Err(Refusal::OutOfRange);
        }
        self.latched = false;
        self.pinch_mn = force_mn;
        Ok(())
    }

    fn clear(&mut self) -> Result<(), Refusal> {
        if self.state == State::SafeHolding {
            return Err(Refusal::Holding);
        }
        self.greeted()?;
        if self.estop {
            return Err(Refusal::Locked);
        }
        match self.state {
            State::SafeEmpty => self.state = State::Ready,
            State::Active => {
                let limits = self.limits;
                let lost = |cup: &Cup| cup.state() == CupState::Lost;
                if self.cups.iter().any(|cup| lost(cup) && cup.may_hold(&limits)) {
                    return Err(Refusal::Holding);
                }
                self.latched = false;
                for cup in self.cups.iter_mut().filter(|cup| lost(cup)) {
                    cup.vent();
                }
            }
            State::Boot | State::Ready | State::SafeHolding => {}
        }
        Ok(())
    }

    fn chosen(&mut self, cups: CupSet) -> impl Iterator<Item = &mut Cup> {
        let numbered = self.cups.iter_mut().enumerate();
        numbered.filter(move |(i, _)| cups.contains(*i)).map(|(_, cup)| cup)
    }
}
