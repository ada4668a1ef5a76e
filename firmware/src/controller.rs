//! The 1 kHz loop: samples and a request in, valve commands and reports out.

mod obey;

use crate::config::less_zero;
use crate::cup::{Cup, Shared};
use crate::fault::{Ranged, next_untold};
use crate::filter::{History, Mean16, Median5};
use crate::generator::{Generator, Need};
use crate::leak_test::Test;
use crate::{
    Birth, CUPS, Calibration, Config, ConfigSource, Counters, CupSet, CupState, Event, Fault, Faults, Limits, Outputs,
    Packet, Report, Reports, Request, Samples, State, Status, Tick,
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
    counters: Counters,
    stroke_um: [u16; CUPS],
    light_percent: u8,
    calibration: Calibration,
    manifold_sensor: Ranged,
    manifold_history: History,
    test: Option<Test>,
    faults: Faults,
    told: Faults,
    birth: Birth,
    config: ConfigSource,
    born_ms: Option<u32>,
    stack_free_bytes: u32,
    /// A store was asked for and not yet taken by the board; then what became of it.
    store: bool,
    stored: bool,
    store_failed: bool,
}

/// The input of a person. It must be seen at rest in the safe state first, so that one that
/// sticks does not release at once.
#[derive(Debug, Clone, Copy)]
struct ReleaseInput {
    rested: bool,
    pressed_since: Option<u32>,
}

impl ReleaseInput {
    const NEW: Self = Self { rested: false, pressed_since: None };
}

impl Default for Controller {
    fn default() -> Self {
        Self::new()
    }
}

impl Controller {
    /// A controller just after power-on, with the default limits.
    #[must_use]
    pub fn new() -> Self {
        let mut new = Self::asleep();
        new.awake(Birth::UNKNOWN, Config::default(), ConfigSource::Nothing);
        new
    }

    /// A controller that waits for [`awake`](Self::awake). It is constant and too large to be moved over a
    /// small stack, so a board has it in a static from the start; and every bit of it is 0, which costs no
    /// flash: 5 KB less.
    #[must_use]
    pub const fn asleep() -> Self {
        Self {
            state: State::Boot,
            limits: Limits::ZERO,
            greeted: false,
            limited: false,
            heard_ms: 0,
            latched: false,
            cups: [const { Cup::NEW }; CUPS],
            generator: Generator::NEW,
            blow: None,
            pinch_mn: 0,
            manifold: Median5::NEW,
            manifold_pa: 0,
            load: Median5::NEW,
            raw_load_mn: 0,
            recent_load: Mean16::NEW,
            zero_mn: 0,
            strokes: [Median5::NEW; CUPS],
            contact: false,
            overloaded: false,
            estop: false,
            supply_missing_since: None,
            supply_lost: false,
            release_input: ReleaseInput::NEW,
            ticks: 0,
            seq: 0,
            counters: Counters::ZERO,
            stroke_um: [0; CUPS],
            light_percent: 0,
            calibration: Calibration::ZERO,
            manifold_sensor: Ranged::NEW,
            manifold_history: History::NEW,
            test: None,
            faults: Faults(0),
            told: Faults(0),
            birth: Birth::UNKNOWN,
            config: ConfigSource::Nothing,
            born_ms: None,
            stack_free_bytes: 0,
            store: false,
            stored: false,
            store_failed: false,
        }
    }

    /// Tells what the board knows and what its flash kept; before the first tick.
    pub fn awake(&mut self, birth: Birth, kept: Config, source: ConfigSource) {
        self.limits = kept.limits;
        self.calibration = kept.calibration;
        self.birth = birth;
        self.config = source;
    }

    /// Tells how the link has fared so far, for the next reports.
    pub(crate) fn set_counters(&mut self, counters: Counters) {
        self.counters = counters;
    }

    /// Tells the least room that the stack ever had, bytes.
    pub(crate) fn set_stack_free(&mut self, bytes: u32) {
        self.stack_free_bytes = bytes;
    }

    /// What to write into the flash, once after each accepted `Store`.
    pub(crate) fn take_store(&mut self) -> Option<Config> {
        core::mem::take(&mut self.store).then_some(Config { limits: self.limits, calibration: self.calibration })
    }

    /// What became of it.
    pub(crate) fn set_stored(&mut self, written: bool) {
        self.stored = written;
        self.store_failed = !written;
    }

    /// What to drive if the board dies now: what holds goes on holding, the rest is safe.
    pub(crate) fn if_crashed(&self) -> Outputs {
        let holds = |cup: &Cup| cup.on_vacuum() && (self.latched || cup.may_hold(&self.limits)) || cup.is_undecided();
        let mut vent = [true; CUPS];
        for (vents, cup) in vent.iter_mut().zip(&self.cups) {
            *vents = !holds(cup);
        }
        // Nobody regulates any more: what holds is better sucked at for ever than lost.
        let generator = vent.contains(&false) && self.ticks >= START_TICKS;
        Outputs { generator, vent, blow_off: false, pinch_force_mn: self.pinch_mn, light_percent: 0 }
    }

    /// The number of the next report, for one that is said between two ticks.
    pub(crate) fn next_number(&mut self) -> u8 {
        let seq = self.seq;
        self.seq = seq.wrapping_add(1);
        seq
    }

    /// One millisecond: takes the newest samples and at most one request, decides, answers.
    ///
    /// `now_ms` may wrap. A clock that jumps counts as elapsed time, so it leads to a safe state.
    pub fn tick(&mut self, now_ms: u32, samples: &Samples, request: Option<&Packet<Request>>) -> Tick {
        let mut reports = Reports::new();
        self.born_ms.get_or_insert(now_ms);
        self.filter(now_ms, samples);
        self.start(now_ms, &mut reports);
        self.watch_estop(now_ms, samples.estop, &mut reports);
        self.watch_supply(now_ms, samples.supply_ok, &mut reports);
        if let Some(request) = request {
            self.obey(now_ms, samples, request, &mut reports);
        }
        self.watch_host(now_ms, &mut reports);
        self.update_cups(now_ms, &mut reports);
        self.watch_release_input(now_ms, samples.release_input, &mut reports);
        self.watch_overload(now_ms, &mut reports);
        self.end_blow(now_ms);
        if self.generator.update(now_ms, self.need(), self.manifold_pa, &self.limits) {
            self.tell(&mut reports, Event::GeneratorContinuous { at_ms: now_ms });
        }
        self.run_test(now_ms, &mut reports);
        self.watch_faults(now_ms, &mut reports);
        if core::mem::take(&mut self.stored) {
            self.tell(&mut reports, Event::Stored { at_ms: now_ms });
        }
        if core::mem::take(&mut self.store_failed) {
            self.tell(&mut reports, Event::StoreFailed { at_ms: now_ms });
        }
        let status = self.status(now_ms, samples);
        reports.say(&mut self.seq, Report::Status(status));
        Tick { outputs: self.outputs(), reports }
    }

    /// Between two ticks: obeys a request at once. Nothing is sampled and no status is said.
    pub(crate) fn serve(&mut self, now_ms: u32, samples: &Samples, request: &Packet<Request>) -> Tick {
        let mut reports = Reports::new();
        self.obey(now_ms, samples, request, &mut reports);
        self.end_blow(now_ms);
        Tick { outputs: self.outputs(), reports }
    }

    fn filter(&mut self, now_ms: u32, samples: &Samples) {
        let zeros = self.calibration.cup_zero_pa;
        for ((cup, &raw), zero) in self.cups.iter_mut().zip(&samples.cup_pa).zip(zeros) {
            cup.sample(raw, zero);
        }
        let ranged = self.manifold_sensor.push(samples.manifold_pa);
        self.manifold_pa = self.manifold.push(less_zero(ranged, self.calibration.manifold_zero_pa));
        self.manifold_history.push(now_ms, self.manifold_pa);
        let load_mn = self.calibration.load_mn(samples.load_mn);
        self.raw_load_mn = self.load.push(load_mn);
        self.recent_load.push(load_mn);
        let mut pushed_in = false;
        for (i, (median, cup)) in self.strokes.iter_mut().zip(&self.cups).enumerate() {
            // The bellows of a sealed cup fold by themselves.
            let free = matches!(cup.state(), CupState::Vented | CupState::Seeking);
            let stroke_um = median.push(samples.stroke_um.get(i).copied().unwrap_or(0));
            pushed_in |= stroke_um > self.limits.contact_um && free;
            if let Some(told) = self.stroke_um.get_mut(i) {
                *told = stroke_um;
            }
        }
        // `check` keeps contact_mn positive, so the negation can't overflow.
        let pushed = self.load_mn() < -self.limits.contact_mn;
        self.contact = pushed || pushed_in;
    }

    /// A cup that leaks lowers the manifold, and with it every other cup that leaks a little: such a
    /// fall is charged to the cup with the least vacuum, not to those that only followed. And where it has lowered the
    /// manifold, a cup that is as tight as can be has no more vacuum than is there.
    fn update_cups(&mut self, now_ms: u32, reports: &mut Reports) {
        let lowest = self.cups.iter().filter(|cup| cup.on_vacuum()).map(Cup::pressure_pa).min().unwrap_or(0);
        let peak = self.manifold_history.peak(now_ms, self.limits.lost_window_ms);
        let fall = peak.saturating_sub(self.manifold_pa);
        // What can't be read says nothing.
        let supply_pa = if self.manifold_sensor.is_broken() { u32::MAX } else { self.manifold_pa };
        for (number, cup) in (0..).zip(&mut self.cups) {
            let lost_pa = if cup.pressure_pa() > lowest { fall } else { 0 };
            let shared = Shared { lost_pa, supply_pa };
            if let Some(event) = cup.update(number, now_ms, shared, &self.limits) {
                reports.say(&mut self.seq, Report::Event(event));
            }
        }
    }

    fn run_test(&mut self, now_ms: u32, reports: &mut Reports) {
        if self.state != State::Active || self.cups.iter().any(Cup::on_vacuum) {
            self.test = None;
        }
        let Some(test) = &mut self.test else { return };
        if let Some(mut found) = test.update(now_ms, self.manifold_pa) {
            self.test = None;
            for (fault, wrong) in found.judge(&self.calibration) {
                self.faults.set(fault, wrong);
            }
            // A lost report can be asked for again only by another test; the faults stay in the status.
            reports.say(&mut self.seq, Report::LeakTest(found));
        }
    }

    fn watch_faults(&mut self, now_ms: u32, reports: &mut Reports) {
        let tested = self.test.map_or(CupSet::NONE, |test| test.wants().on_vacuum);
        for (i, (number, cup)) in (0..).zip(&mut self.cups).enumerate() {
            let vents = cup.vents() && !tested.contains(i);
            cup.watch_vent(now_ms, vents, &self.limits);
            self.faults.set(Fault::ValveStuck { cup: number }, cup.valve_is_stuck());
            self.faults.set(Fault::SensorRange { cup: number }, cup.sensor_is_broken());
        }
        self.faults.set(Fault::ManifoldSensorRange, self.manifold_sensor.is_broken());
        if let Some(fault) = next_untold(self.faults, &mut self.told) {
            self.tell(reports, Event::FaultFound { fault, at_ms: now_ms });
        }
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
                self.release_input = ReleaseInput::NEW;
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
            self.release_input = ReleaseInput::NEW;
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
        self.test = None;
        self.release_input = ReleaseInput::NEW;
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

    fn generator_runs(&self) -> bool {
        self.generator.runs() || self.test.is_some_and(|test| test.wants().generator)
    }

    fn outputs(&self) -> Outputs {
        let wants = self.test.as_ref().map(Test::wants);
        let tested = wants.map_or(CupSet::NONE, |wants| wants.on_vacuum);
        let mut vent = [false; CUPS];
        for (i, (vents, cup)) in vent.iter_mut().zip(&self.cups).enumerate() {
            *vents = cup.vents() && !tested.contains(i);
        }
        Outputs {
            generator: self.generator_runs(),
            vent,
            blow_off: self.blow.is_some(),
            pinch_force_mn: self.pinch_mn,
            light_percent: self.light_percent,
        }
    }

    fn status(&self, now_ms: u32, samples: &Samples) -> Status {
        Status {
            time_ms: now_ms,
            state: self.state,
            cups: core::array::from_fn(|i| self.cups.get(i).map(Cup::status).unwrap_or_default()),
            manifold_pa: self.manifold_pa,
            load_mn: self.load_mn(),
            contact: self.contact,
            generator: self.generator_runs(),
            supply_ok: samples.supply_ok,
            bad_packets: self.counters.bad.saturating_add(self.counters.crowded_out),
            pinch_mn: self.pinch_mn,
            stroke_um: self.stroke_um,
            faults: self.faults,
            estop: samples.estop,
        }
    }

    fn tell(&mut self, reports: &mut Reports, event: Event) {
        reports.say(&mut self.seq, Report::Event(event));
    }
}
