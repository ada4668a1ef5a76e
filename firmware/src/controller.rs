//! The 1 kHz loop: samples and a request in, valve commands and reports out.

use crate::cup::Cup;
use crate::filter::{Mean16, Median5};
use crate::generator::{Generator, Need};
use crate::limits::FULL_VACUUM_PA;
use crate::{
    CUPS, CupSet, CupState, Event, Limits, Outputs, Packet, Refusal, Report, Reports, Request, Samples, State, Status,
    Tick, VERSION,
};

/// Ticks after power-on in which valves keep their idle position; what is under vacuum then is
/// held. As many as the median is long.
const START_TICKS: u8 = 5;
/// Compressed air must be missing this long; a pressure switch chatters (our estimate).
const SUPPLY_DEBOUNCE_MS: u32 = 10;
/// A person must hold the release input this long; a spike must not drop an item (our estimate).
const RELEASE_INPUT_MS: u32 = 20;

/// A blow-off under way.
#[derive(Debug, Clone, Copy)]
struct Blow {
    cups: CupSet,
    since_ms: u32,
    /// As asked for; the limit caps it every tick, since new limits may come meanwhile.
    for_ms: u16,
}

/// The gripper's controller. Call [`tick`](Self::tick) once a millisecond; missed ticks cost
/// precision, never safety, since every time is measured.
#[derive(Debug, Clone)]
pub struct Controller {
    state: State,
    limits: Limits,
    greeted: bool,
    limited: bool,
    heard_ms: u32,
    /// `SafeHolding` was entered, and no command has come after the arm since.
    latched: bool,
    cups: [Cup; CUPS],
    generator: Generator,
    blow: Option<Blow>,
    pinch_mn: u16,
    manifold: Median5<u32>,
    manifold_pa: u32,
    load: Median5<i32>,
    raw_load_mn: i32,
    recent_load: Mean16,
    zero_mn: i32,
    strokes: [Median5<u16>; CUPS],
    contact: bool,
    overloaded: bool,
    estop: bool,
    supply_missing_since: Option<u32>,
    supply_lost: bool,
    release_input: ReleaseInput,
    ticks: u8,
    seq: u8,
    bad_packets: u32,
}

/// The input of a person. It must be seen at rest in the safe state first, so that one that
/// sticks does not release at once.
#[derive(Debug, Clone, Copy, Default)]
struct ReleaseInput {
    rested: bool,
    pressed_since: Option<u32>,
}

impl Default for Controller {
    fn default() -> Self {
        Self::new()
    }
}

impl Controller {
    /// A controller just after power-on.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: State::Boot,
            limits: Limits::default(),
            greeted: false,
            limited: false,
            heard_ms: 0,
            latched: false,
            cups: core::array::from_fn(|_| Cup::default()),
            generator: Generator::default(),
            blow: None,
            pinch_mn: 0,
            manifold: Median5::default(),
            manifold_pa: 0,
            load: Median5::default(),
            raw_load_mn: 0,
            recent_load: Mean16::default(),
            zero_mn: 0,
            strokes: core::array::from_fn(|_| Median5::default()),
            contact: false,
            overloaded: false,
            estop: false,
            supply_missing_since: None,
            supply_lost: false,
            release_input: ReleaseInput::default(),
            ticks: 0,
            seq: 0,
            bad_packets: 0,
        }
    }

    /// Tells how many packets the board's decoder has dropped so far, for the next status.
    pub fn set_bad_packets(&mut self, total: u32) {
        self.bad_packets = total;
    }

    /// One millisecond: takes the newest samples and at most one request, decides, answers.
    ///
    /// `now_ms` may wrap. A clock that jumps counts as elapsed time, so it leads to a safe state.
    pub fn tick(&mut self, now_ms: u32, samples: &Samples, request: Option<&Packet<Request>>) -> Tick {
        let mut reports = Reports::new();
        self.filter(samples);
        self.start(now_ms, &mut reports);
        self.watch_estop(now_ms, samples.estop, &mut reports);
        self.watch_supply(now_ms, samples.supply_ok, &mut reports);
        if let Some(request) = request {
            self.obey(now_ms, samples, request, &mut reports);
        }
        self.watch_host(now_ms, &mut reports);
        for (number, cup) in (0..).zip(&mut self.cups) {
            if let Some(event) = cup.update(number, now_ms, &self.limits) {
                reports.say(&mut self.seq, Report::Event(event));
            }
        }
        self.watch_release_input(now_ms, samples.release_input, &mut reports);
        self.watch_overload(now_ms, &mut reports);
        self.end_blow(now_ms);
        if self.generator.update(now_ms, self.need(), self.manifold_pa, &self.limits) {
            self.tell(&mut reports, Event::GeneratorContinuous { at_ms: now_ms });
        }
        let status = self.status(now_ms, samples);
        reports.say(&mut self.seq, Report::Status(status));
        Tick { outputs: self.outputs(), reports }
    }

    fn filter(&mut self, samples: &Samples) {
        for (cup, &raw) in self.cups.iter_mut().zip(&samples.cup_pa) {
            cup.sample(raw);
        }
        self.manifold_pa = self.manifold.push(samples.manifold_pa);
        self.raw_load_mn = self.load.push(samples.load_mn);
        self.recent_load.push(samples.load_mn);
        let mut pushed_in = false;
        for ((median, &raw), cup) in self.strokes.iter_mut().zip(&samples.stroke_um).zip(&self.cups) {
            // The bellows of a sealed cup fold by themselves.
            let free = matches!(cup.state(), CupState::Vented | CupState::Seeking);
            pushed_in |= median.push(raw) > self.limits.contact_um && free;
        }
        // `check` keeps contact_mn positive, so the negation can't overflow.
        let pushed = self.load_mn() < -self.limits.contact_mn;
        self.contact = pushed || pushed_in;
    }

    fn load_mn(&self) -> i32 {
        self.raw_load_mn.saturating_sub(self.zero_mn)
    }

    /// A controller that restarts with an item in the air must not drop it.
    fn start(&mut self, now_ms: u32, reports: &mut Reports) {
        if self.ticks >= START_TICKS {
            return;
        }
        self.ticks += 1;
        if self.ticks < START_TICKS {
            return;
        }
        let mut found = false;
        for cup in &mut self.cups {
            found |= cup.decide(&self.limits);
        }
        if found {
            if self.state != State::Active {
                self.state = State::SafeHolding;
                self.release_input = ReleaseInput::default();
            }
            self.latched = true;
            self.tell(reports, Event::FoundHolding { at_ms: now_ms });
        }
    }

    fn watch_estop(&mut self, now_ms: u32, pressed: bool, reports: &mut Reports) {
        let rises = pressed && !self.estop;
        self.estop = pressed;
        if rises {
            self.enter_safe();
            self.tell(reports, Event::EStop { at_ms: now_ms });
        }
    }

    fn watch_supply(&mut self, now_ms: u32, ok: bool, reports: &mut Reports) {
        if ok {
            self.supply_missing_since = None;
            self.supply_lost = false;
            return;
        }
        let since = *self.supply_missing_since.get_or_insert(now_ms);
        if !self.supply_lost && now_ms.wrapping_sub(since) >= SUPPLY_DEBOUNCE_MS {
            self.supply_lost = true;
            if self.state == State::Active {
                self.enter_safe();
            }
            self.tell(reports, Event::SupplyLost { at_ms: now_ms });
        }
    }

    fn watch_host(&mut self, now_ms: u32, reports: &mut Reports) {
        let silent_ms = now_ms.wrapping_sub(self.heard_ms);
        if self.state == State::Active && silent_ms >= u32::from(self.limits.heartbeat_ms) {
            self.enter_safe();
            self.tell(reports, Event::HostSilent { at_ms: now_ms });
        }
    }

    fn watch_release_input(&mut self, now_ms: u32, pressed: bool, reports: &mut Reports) {
        if self.state != State::SafeHolding {
            self.release_input = ReleaseInput::default();
            return;
        }
        if !pressed {
            self.release_input = ReleaseInput { rested: true, pressed_since: None };
            return;
        }
        if !self.release_input.rested {
            return;
        }
        let since = *self.release_input.pressed_since.get_or_insert(now_ms);
        if now_ms.wrapping_sub(since) >= RELEASE_INPUT_MS {
            self.let_go();
            self.latched = false;
            self.state = State::SafeEmpty;
            self.tell(reports, Event::ReleasedByHand { at_ms: now_ms });
        }
    }

    fn watch_overload(&mut self, now_ms: u32, reports: &mut Reports) {
        let limit = self.limits.overload_mn.unsigned_abs();
        let load = self.raw_load_mn.unsigned_abs();
        if load > limit && !self.overloaded {
            self.overloaded = true;
            self.tell(reports, Event::Overload { at_ms: now_ms });
        } else if load < limit - limit / 8 {
            self.overloaded = false;
        }
    }

    /// Vents every cup and opens the pinch; nothing blows.
    fn let_go(&mut self) {
        for cup in &mut self.cups {
            cup.vent();
        }
        self.pinch_mn = 0;
        self.blow = None;
        self.generator.stop();
    }

    /// Enters the safe state that fits what is held, and ends the session. Never lets go.
    fn enter_safe(&mut self) {
        self.greeted = false;
        self.limited = false;
        if matches!(self.state, State::SafeEmpty | State::SafeHolding) {
            return;
        }
        self.blow = None;
        self.release_input = ReleaseInput::default();
        let holds = |cup: &Cup| cup.may_hold(&self.limits);
        if self.latched {
            // Still in the hold of an earlier safe state: nothing at all changes.
            self.state = State::SafeHolding;
        } else if self.pinch_mn > 0 || self.cups.iter().any(holds) {
            let limits = self.limits;
            for cup in self.cups.iter_mut().filter(|cup| cup.on_vacuum()) {
                if !cup.may_hold(&limits) {
                    cup.vent();
                }
            }
            self.state = State::SafeHolding;
            self.latched = true;
        } else {
            for cup in self.cups.iter_mut().filter(|cup| cup.on_vacuum()) {
                cup.vent();
            }
            self.generator.stop();
            self.state = State::SafeEmpty;
        }
    }

    fn obey(&mut self, now_ms: u32, samples: &Samples, request: &Packet<Request>, reports: &mut Reports) {
        let seq = request.seq;
        let safe_before = matches!(self.state, State::SafeEmpty | State::SafeHolding);
        let answer = match request.body {
            Request::Hello { version } => {
                let active_before = self.state == State::Active;
                let answer = self.hello(version);
                if active_before && answer.is_ok() {
                    self.tell(reports, Event::HostRestarted { at_ms: now_ms });
                }
                let hello = Report::Hello { version: VERSION, cups: CUPS as u8 };
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
        if !self.limited {
            return Err(Refusal::NoLimits);
        }
        if samples.estop || !samples.supply_ok {
            return Err(Refusal::Locked);
        }
        self.state = State::Active;
        Ok(())
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

    /// Blow-off ends with its time, with the active state, and where a released cup is on vacuum
    /// again.
    fn end_blow(&mut self, now_ms: u32) {
        let goes_on = |blow: &Blow| {
            let vented = |i| self.cups.get(i).is_some_and(Cup::vents);
            self.state == State::Active
                && blow.cups.iter().all(vented)
                && now_ms.wrapping_sub(blow.since_ms) < u32::from(blow.for_ms.min(self.limits.max_blow_ms))
        };
        self.blow = self.blow.filter(goes_on);
    }

    fn need(&self) -> Need {
        let mut need = Need::Nothing;
        for cup in &self.cups {
            need = match (cup.state(), need) {
                (CupState::Vented, _) => need,
                (CupState::Sealed, Need::Nothing | Need::Tight) => Need::Tight,
                _ => Need::Flow,
            };
        }
        need
    }

    fn outputs(&self) -> Outputs {
        let mut vent = [false; CUPS];
        for (vents, cup) in vent.iter_mut().zip(&self.cups) {
            *vents = cup.vents();
        }
        Outputs { generator: self.generator.runs(), vent, blow_off: self.blow.is_some(), pinch_force_mn: self.pinch_mn }
    }

    fn status(&self, now_ms: u32, samples: &Samples) -> Status {
        Status {
            time_ms: now_ms,
            state: self.state,
            cups: core::array::from_fn(|i| self.cups.get(i).map(Cup::status).unwrap_or_default()),
            manifold_pa: self.manifold_pa,
            load_mn: self.load_mn(),
            contact: self.contact,
            generator: self.generator.runs(),
            supply_ok: samples.supply_ok,
            bad_packets: self.bad_packets,
            pinch_mn: self.pinch_mn,
        }
    }

    fn tell(&mut self, reports: &mut Reports, event: Event) {
        reports.say(&mut self.seq, Report::Event(event));
    }
}
