//! The client and the firmware over a link that loses, doubles, delays and reorders: nothing is dropped by it alone.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::cell::RefCell;
use std::rc::Rc;

use control::{LinkError, Tool, ToolClient};
use firmware::wire::{Decoder, MAX_PACKET};
use firmware::{CUPS, CupSet, CupState, Gripper, Limits, Outputs, Report, Request, Samples, State};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Span, Timestamp};

const LOSS: f64 = 0.2;
const TWICE: f64 = 0.1;
const LONGEST_MS: u32 = 50;
const CUPS_USED: CupSet = CupSet(0b11);

/// One way of the link: packets with when they arrive.
#[derive(Default)]
struct Way(Vec<(u32, Vec<u8>)>);

impl Way {
    fn send(&mut self, packet: &[u8], now_ms: u32, rng: &mut ChaCha8Rng) {
        let copies = if rng.random_bool(LOSS) { 0 } else { 1 + usize::from(rng.random_bool(TWICE)) };
        for _ in 0..copies {
            self.0.push((now_ms + rng.random_range(0..=LONGEST_MS), packet.to_vec()));
        }
    }

    fn arrived(&mut self, now_ms: u32) -> Option<Vec<u8>> {
        let at = self.0.iter().position(|(due, _)| *due <= now_ms)?;
        Some(self.0.remove(at).1)
    }
}

struct Inner {
    rng: ChaCha8Rng,
    now_ms: u32,
    to_tool: Way,
    to_host: Way,
    gripper: Gripper,
    samples: Samples,
    outputs: Outputs,
    /// What the tool itself holds, as it says before anything is lost.
    holds: CupSet,
}

#[derive(Clone)]
struct Link(Rc<RefCell<Inner>>);

impl Link {
    /// A millisecond: an item lies under every cup, and whatever is on vacuum seals.
    fn tick(&self) -> Outputs {
        let inner = &mut *self.0.borrow_mut();
        inner.now_ms += 1;
        while let Some(packet) = inner.to_tool.arrived(inner.now_ms) {
            inner.gripper.receive(&packet);
        }
        for cup in 0..CUPS {
            let goal = if inner.outputs.vent[cup] { 0 } else { 60_000 };
            inner.samples.cup_pa[cup] = (3 * inner.samples.cup_pa[cup] + goal) / 4;
        }
        let (to_host, rng, now_ms) = (&mut inner.to_host, &mut inner.rng, inner.now_ms);
        let holds = &mut inner.holds;
        inner.outputs = inner.gripper.tick(now_ms, &inner.samples, |packet| {
            let mut decoder = Decoder::<Report, MAX_PACKET>::new();
            if let Some(Report::Status(status)) = packet.iter().find_map(|&b| decoder.push(b)).map(|p| p.body) {
                let held = |&cup: &usize| matches!(status.cups[cup].state, CupState::Sealed | CupState::Leaking);
                *holds = (0..CUPS).filter(held).collect();
            }
            to_host.send(packet, now_ms, rng);
        });
        inner.outputs
    }
}

impl Tool for Link {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        let inner = &mut *self.0.borrow_mut();
        inner.to_tool.send(packet, inner.now_ms, &mut inner.rng);
        Ok(())
    }
    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let inner = &mut *self.0.borrow_mut();
        let Some(packet) = inner.to_host.arrived(inner.now_ms) else { return Ok(None) };
        into[..packet.len()].copy_from_slice(&packet);
        Ok(Some(packet.len()))
    }
}

/// Picks and puts down for some seconds; gives how often an item was put down, and how often the session was lost.
fn run(seed: u64, seconds: u32) -> (u32, u32) {
    let samples = Samples { supply_ok: true, manifold_pa: 60_000, ..Samples::default() };
    let link = Link(Rc::new(RefCell::new(Inner {
        rng: ChaCha8Rng::seed_from_u64(seed),
        now_ms: 0,
        to_tool: Way::default(),
        to_host: Way::default(),
        gripper: Gripper::new(),
        samples,
        outputs: Outputs { vent: [true; CUPS], ..Outputs::default() },
        holds: CupSet::NONE,
    })));
    let mut client = ToolClient::new(link.clone(), Limits::default());
    let (mut put_down, mut sessions_lost) = (0, 0);
    // What the host wants: to let go, or to hold; and since when.
    let (mut lets_go, mut since, mut asked) = (false, 0, None);
    for ms in 1..=seconds * 1_000 {
        let held = link.0.borrow().holds;
        let outputs = link.tick();
        let now = Timestamp::ZERO + Span::from_millis(u64::from(ms));
        for cup in CUPS_USED.iter() {
            // Held and then vented: only while the host means to let go.
            let dropped = held.contains(cup) && outputs.vent[cup];
            assert!(!dropped || lets_go, "seed {seed}: cup {cup} was vented at {ms} ms, and nobody had asked");
        }
        client.poll(now).unwrap();
        while client.next_answer().is_some() {}
        let Some(status) = client.status().copied() else { continue };
        if !client.is_up() {
            continue;
        }
        if status.state != State::Active && ms - since > 200 {
            client.greet_again();
            (since, asked) = (ms, None);
            sessions_lost += 1;
            continue;
        }
        let all = |state| CUPS_USED.iter().all(|cup| status.cups[cup].state == state);
        let done = if lets_go { all(CupState::Vented) } else { all(CupState::Sealed) };
        if done && ms - since > 400 {
            put_down += u32::from(lets_go);
            (lets_go, since, asked) = (!lets_go, ms, None);
        } else if !done && asked.is_none_or(|asked| ms - asked > 250) {
            let request = if lets_go {
                Request::Release { cups: CUPS_USED, blow_ms: 50 }
            } else {
                Request::Seek { cups: CUPS_USED, expected_pa: 50_000 }
            };
            client.send(request, now).unwrap();
            asked = Some(ms);
        }
    }
    (put_down, sessions_lost)
}

#[test]
fn a_link_that_loses_doubles_delays_and_reorders_drops_no_item_by_itself() {
    let (mut put_down, mut sessions_lost) = (0, 0);
    for seed in 0..40 {
        let (items, sessions) = run(seed, 60);
        put_down += items;
        sessions_lost += sessions;
    }
    assert!(put_down > 1_000, "only {put_down} items put down, {sessions_lost} sessions lost");
}
