//! The tool client against the firmware's own controller, and the wrappers.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod common;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use common::site;
use control::{
    Answer, Arm, ArmState, ClientCounters, JointAngles, Late, Leaky, Limited, LinkError, Record, Recorded, Setpoint,
    Stuck, Tool, ToolClient, ToolError,
};
use firmware::wire::{self, Decoder};
use firmware::{CupSet, Gripper, Limits, Refusal, Report, Request, Samples, State};
use scene::{Span, Timestamp};

/// The firmware behind the tool trait, ticked by whoever owns it.
#[derive(Clone)]
struct Bench(Rc<RefCell<Inner>>);

struct Inner {
    gripper: Gripper,
    reports: VecDeque<Vec<u8>>,
    version: Option<u16>,
}

impl Bench {
    fn new() -> Self {
        Self(Rc::new(RefCell::new(Inner { gripper: Gripper::new(), reports: VecDeque::new(), version: None })))
    }

    fn tick(&self, now_ms: u32) {
        let inner = &mut *self.0.borrow_mut();
        let samples = Samples { supply_ok: true, ..Samples::default() };
        let (lie, reports) = (inner.version, &mut inner.reports);
        inner.gripper.tick(now_ms, &samples, |bytes| {
            let mut decoder = Decoder::<Report, { wire::MAX_PACKET }>::new();
            let mut packet = bytes.iter().find_map(|&byte| decoder.push(byte)).unwrap();
            if let (Report::Hello { version, .. }, Some(lie)) = (&mut packet.body, lie) {
                *version = lie;
            }
            let mut buffer = [0; wire::MAX_PACKET];
            let length = wire::encode(&packet, &mut buffer).unwrap();
            reports.push_back(buffer[..length].to_vec());
        });
    }
}

impl Tool for Bench {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        self.0.borrow_mut().gripper.receive(packet);
        Ok(())
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let Some(packet) = self.0.borrow_mut().reports.pop_front() else { return Ok(None) };
        into[..packet.len()].copy_from_slice(&packet);
        Ok(Some(packet.len()))
    }
}

fn at(ms: u32) -> Timestamp {
    Timestamp::ZERO + Span::from_millis(u64::from(ms))
}

/// Runs client and firmware side by side for some milliseconds.
fn live<T: Tool>(bench: &Bench, client: &mut ToolClient<T>, from: u32, to: u32) -> Result<(), ToolError> {
    for ms in from..to {
        bench.tick(ms);
        client.poll(at(ms))?;
    }
    Ok(())
}

#[test]
fn the_client_greets_limits_and_arms_and_keeps_the_tool_awake() {
    let bench = Bench::new();
    let mut client = ToolClient::new(bench.clone(), Limits::default());
    let error = client.send(Request::Tare, at(0)).unwrap_err();
    assert_eq!(error.to_string(), "tool is not greeted and armed yet; tare was not sent");
    live(&bench, &mut client, 1, 2000).unwrap();
    assert!(client.is_up());
    assert_eq!(client.status().unwrap().state, State::Active);
    assert_eq!(client.counters(), ClientCounters { sessions: 1, ..ClientCounters::default() });
    let seq = client.send(Request::Seek { cups: CupSet::single(2), expected_pa: 50_000 }, at(2000)).unwrap();
    let wrong = client.send(Request::Seek { cups: CupSet(0xff), expected_pa: 50_000 }, at(2000)).unwrap();
    live(&bench, &mut client, 2001, 2100).unwrap();
    let answers: Vec<_> = std::iter::from_fn(|| client.next_answer()).collect();
    assert_eq!(answers, [Answer::Done { seq }, Answer::Refused { seq: wrong, reason: Refusal::OutOfRange }]);
}

#[test]
fn another_version_is_refused() {
    let bench = Bench::new();
    bench.0.borrow_mut().version = Some(7);
    let mut client = ToolClient::new(bench.clone(), Limits::default());
    let error = live(&bench, &mut client, 1, 2000).unwrap_err();
    assert_eq!(error.to_string(), "tool speaks version 7, the host version 2; both must be the same");
    assert!(!client.is_up());
}

#[test]
fn a_leaky_link_is_greeted_through_and_losses_are_told() {
    let bench = Bench::new();
    let mut client = ToolClient::new(Leaky::new(bench.clone(), 0.2, 5), Limits::default());
    live(&bench, &mut client, 1, 3000).unwrap();
    assert!(client.is_up());
    assert!(client.counters().missed > 100, "{:?}", client.counters());
    for n in 0..50 {
        let now = 3000 + n * 20;
        client.send(Request::Tare, at(now)).unwrap();
        live(&bench, &mut client, now + 1, now + 20).unwrap();
    }
    live(&bench, &mut client, 4000, 4500).unwrap();
    // A fifth of the requests and of the answers is lost on the way; each is sent again until it is answered, once. What
    // a later one overtook meanwhile is refused.
    let answers: Vec<_> = std::iter::from_fn(|| client.next_answer()).collect();
    assert_eq!(answers.len(), 50);
    let done = answers.iter().filter(|answer| matches!(answer, Answer::Done { .. })).count();
    let stale =
        answers.iter().filter(|answer| matches!(answer, Answer::Refused { reason: Refusal::Stale, .. })).count();
    assert!(done > 30 && done + stale == 50, "{answers:?}");
    assert!(client.counters().repeated > 10, "{:?}", client.counters());
    assert_eq!(client.status().unwrap().state, State::Active);
}

#[test]
fn a_request_after_many_heartbeats_is_no_old_one() {
    let bench = Bench::new();
    let mut client = ToolClient::new(bench.clone(), Limits::default());
    live(&bench, &mut client, 1, 100).unwrap();
    let mut now = 100;
    for _ in 0..4 {
        client.send(Request::Tare, at(now)).unwrap();
        live(&bench, &mut client, now + 1, now + 6_000).unwrap();
        now += 6_000;
        assert!(matches!(client.next_answer(), Some(Answer::Done { .. })), "at {now} ms");
    }
}

#[test]
fn a_tool_that_made_itself_safe_is_greeted_again_when_asked_and_not_before() {
    let bench = Bench::new();
    let mut client = ToolClient::new(Stuck::new(bench.clone()), Limits::default());
    live(&bench, &mut client, 1, 100).unwrap();
    client.tool_mut().hang(true);
    live(&bench, &mut client, 100, 300).unwrap();
    client.tool_mut().hang(false);
    live(&bench, &mut client, 300, 500).unwrap();
    assert_eq!(client.status().unwrap().state, State::SafeEmpty);
    assert!(matches!(client.next_answer(), Some(Answer::Refused { reason: Refusal::NotGreeted, .. })));
    client.greet_again();
    live(&bench, &mut client, 500, 600).unwrap();
    assert_eq!((client.is_up(), client.status().unwrap().state), (true, State::Active));
    assert_eq!(client.counters().sessions, 2);
}

#[test]
fn a_late_link_delays_both_ways() {
    let bench = Bench::new();
    let mut client = ToolClient::new(Late::new(bench.clone(), 20), Limits::default());
    live(&bench, &mut client, 1, 3000).unwrap();
    assert!(client.is_up());
    let behind = 2999 - client.status().unwrap().time_ms;
    assert!((19..=21).contains(&behind), "{behind} ms");
}

#[test]
fn a_stuck_link_is_silent_and_the_tool_goes_to_its_safe_state() {
    let bench = Bench::new();
    let mut client = ToolClient::new(Stuck::new(bench.clone()), Limits::default());
    live(&bench, &mut client, 1, 1000).unwrap();
    client.tool_mut().hang(true);
    live(&bench, &mut client, 1000, 1300).unwrap();
    assert_eq!(client.heard_at(), Some(at(999)));
    client.tool_mut().hang(false);
    live(&bench, &mut client, 1300, 1310).unwrap();
    assert_eq!(client.status().unwrap().state, State::SafeEmpty);
}

/// An arm that remembers what it was told.
#[derive(Clone, Default)]
struct Noted(Rc<RefCell<Vec<Setpoint>>>);

impl Arm for Noted {
    fn state(&mut self) -> Result<ArmState, LinkError> {
        let last = self.0.borrow().last().copied();
        Ok(ArmState {
            at: last.map_or(Timestamp::ZERO, |s| s.at),
            q: last.map_or(JointAngles::default(), |s| s.q),
            dq: [0.0; 6],
            stopped: false,
        })
    }
    fn command(&mut self, setpoint: &Setpoint) -> Result<(), LinkError> {
        self.0.borrow_mut().push(*setpoint);
        Ok(())
    }
    fn stop(&mut self) -> Result<(), LinkError> {
        Err(LinkError::Closed { device: "arm" })
    }
}

fn setpoint(ms: u32, j1: f64) -> Setpoint {
    Setpoint { at: at(ms), q: JointAngles([j1, 0.0, 0.0, 0.0, 0.0, 0.0]), dq: [0.0; 6] }
}

#[test]
fn a_limited_arm_refuses_what_breaks_a_limit_and_does_not_pass_it_on() {
    let site = site();
    let inner = Noted::default();
    let mut arm = Limited::new(inner.clone(), &site.robot, 0.01);
    arm.command(&setpoint(0, 0.5)).unwrap();
    arm.command(&setpoint(1, 0.5)).unwrap();
    let error = arm.command(&setpoint(2, 0.51)).unwrap_err();
    assert_eq!(error.to_string(), "setpoint of J1: velocity 10.0000 rad/s; must be from -3.6652 to 3.6652");
    let error = arm.command(&setpoint(2, 0.5001)).unwrap_err();
    assert_eq!(error.to_string(), "setpoint of J1: acceleration 100.0000 rad/s²; must be from -9.1630 to 9.1630");
    let error = arm.command(&setpoint(2, 0.500_001)).unwrap_err();
    assert!(error.to_string().starts_with("setpoint of J1: jerk 1000.0000 rad/s³"), "{error}");
    arm.reset();
    let error = arm.command(&setpoint(3, f64::NAN)).unwrap_err();
    assert!(error.to_string().starts_with("setpoint of J1: angle NaN rad"), "{error}");
    assert_eq!(inner.0.borrow().len(), 2);
}

#[test]
fn a_planned_motion_passes_a_limited_arm_whole() {
    let site = site();
    for (seed, problem) in common::problems(&site, 10) {
        let reach = site.planner.reach(&problem.from, &problem.hold, &problem.obstacles).unwrap();
        let mut arm = Limited::new(Noted::default(), &site.robot, 1e-6);
        for (k, q) in reach.samples().iter().enumerate() {
            let setpoint = Setpoint { at: at(u32::try_from(k).unwrap()), q: *q, dq: [0.0; 6] };
            arm.command(&setpoint).unwrap_or_else(|error| panic!("problem {seed}, sample {k}: {error}"));
        }
    }
}

#[test]
fn a_recorded_arm_shows_everything_errors_included() {
    let mut lines = Vec::new();
    let mut arm = Recorded::new(Late::new(Leaky::new(Noted::default(), 0.0, 1), 1), |record: Record<'_>| {
        lines.push(match record {
            Record::State(state) => format!("state {}", state.q.0[0]),
            Record::Command(setpoint) => format!("command {}", setpoint.q.0[0]),
            Record::Stop => "stop".into(),
            Record::Failed(error) => error.to_string(),
            Record::Sent(_) | Record::Received(_) => "packet".into(),
        });
    });
    arm.command(&setpoint(0, 0.25)).unwrap();
    arm.state().unwrap();
    arm.command(&setpoint(1, 0.5)).unwrap();
    arm.state().unwrap();
    arm.stop().unwrap_err();
    drop(arm);
    assert_eq!(lines, ["command 0.25", "state 0", "command 0.5", "state 0.25", "stop", "arm link is closed"]);
}
