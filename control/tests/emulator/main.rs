//! The firmware's image on an emulated Cortex-M4F, behind the driver that a real tool has.
//!
//! `make firmware` builds the image. Without it, or without `qemu-system-arm`, these tests are skipped with a message;
//! where `CI` or `NUTHATCH_NEEDS_EMULATOR` is set they fail.
#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod conformance;
mod machine;

use std::sync::atomic::AtomicU32;

use control::Tool;
use firmware::page::{Flash, Words, at};
use firmware::wire::{Decoder, MAX_PACKET};
use firmware::{
    Calibration, Capabilities, Config, ConfigSource, Crash, CrashKind, CupSet, CupState, Event, Outputs, Report,
    Request, Samples, State,
};
use machine::{LIMITS, Machine, Rig, SUPPLIED};

/// The whole flash is the configuration's.
const KEPT: std::ops::Range<u32> = 0..firmware::page::FLASH_BYTES as u32;
/// The cup that holds in these tests.
const CUP: usize = 2;

/// Cup 2 has a good seal.
const SEALED: Samples = Samples { cup_pa: [0, 0, 60_000, 0, 0, 0], manifold_pa: 65_000, ..SUPPLIED };

/// Seeks with cup 2, whose pressure comes as the valve opens.
fn seal(rig: &mut Rig) {
    rig.ask(Request::Seek { cups: CupSet::single(CUP), expected_pa: 60_000 });
    rig.until("that valve alone is on vacuum and the generator runs", |rig| {
        let outputs = rig.outputs();
        holds(&outputs) && outputs.generator
    });
    rig.held = Some(CUP);
    rig.put(&SEALED);
    rig.until("the cup is sealed", |rig| rig.status().cups[CUP].state == CupState::Sealed);
    assert_eq!(rig.status().cups[CUP].pressure_pa, 60_000);
}

/// Cup 2 alone is on vacuum and nothing blows. The tool says so a moment before it does so: who asks waits.
fn holds(outputs: &Outputs) -> bool {
    outputs.vent == [true, true, false, true, true, true] && !outputs.blow_off
}

/// The health that the tool tells now.
fn health(rig: &mut Rig) -> firmware::Health {
    rig.ask(Request::Health);
    *rig.client.health().unwrap()
}

#[test]
fn the_image_is_greeted_and_tells_how_it_is() {
    let Some(machine) = Machine::start(|_| ()) else { return };
    let mut rig = Rig::greet(machine);
    assert_eq!(rig.client.boots(), Some(1));
    let first = rig.machine.page().word(at::TICKS);
    rig.until("it ticks", |rig| rig.machine.page().word(at::TICKS) > first + 100);
    let health = health(&mut rig);
    assert_eq!((health.boots, health.crash, health.config), (1, None, ConfigSource::Nothing));
    assert!(health.uptime_ms > 0 && health.counters.bad == 0, "{health:?}");
    let (free, size) = (rig.machine.page().word(at::STACK_FREE), rig.machine.page().word(at::STACK));
    assert!(0 < free && free < size && health.stack_free_bytes >= free, "{free} of {size} bytes of the stack are free");
    rig.ask(Request::Light { percent: 70 });
    rig.until("the lamp shines", |rig| rig.outputs().light_percent == 70);
    assert_eq!(rig.client.counters().bad, 0);
}

#[test]
fn a_cup_that_seals_goes_on_holding_when_the_host_falls_silent() {
    let Some(machine) = Machine::start(|_| ()) else { return };
    let mut rig = Rig::greet(machine);
    seal(&mut rig);
    // From here on nothing is sent; what comes is still read.
    let Rig { mut machine, mut client, .. } = rig;
    let (mut decoder, mut buffer) = (Decoder::<Report, MAX_PACKET>::new(), [0; MAX_PACKET]);
    let (mut silent, mut last) = (false, None);
    machine.until("silence has led to the safe state", |_| {
        while let Some(length) = client.tool_mut().receive(&mut buffer).unwrap() {
            for report in buffer[..length].iter().filter_map(|&byte| decoder.push(byte)) {
                match report.body {
                    Report::Event(Event::HostSilent { .. }) => silent = true,
                    Report::Status(status) => last = Some(status),
                    _ => {}
                }
            }
        }
        last.is_some_and(|status| status.state == State::SafeHolding)
    });
    assert!(silent && last.unwrap().cups[CUP].state == CupState::Sealed);
    machine.until("cup 2 alone holds", |machine| holds(&firmware::page::outputs(machine.page())));
    assert_eq!(machine.page().word(at::BOOTS), 1);
}

#[test]
fn the_e_stop_input_leads_to_the_safe_state_of_what_is_held() {
    let Some(machine) = Machine::start(|_| ()) else { return };
    let mut rig = Rig::greet(machine);
    seal(&mut rig);
    rig.put(&Samples { estop: true, ..SEALED });
    rig.until("it is safe", |rig| rig.state() == Some(State::SafeHolding));
    rig.until("cup 2 alone holds", |rig| holds(&rig.outputs()));
    assert!(rig.events.iter().any(|event| matches!(event, Event::EStop { .. })), "{:?}", rig.events);
    rig.put(&SEALED);
    rig.client.greet_again();
    rig.until("it is armed again", |rig| rig.state() == Some(State::Active));
    rig.held = None;
    rig.ask(Request::Release { cups: CupSet::single(CUP), blow_ms: 0 });
    rig.put(&Samples { estop: true, ..SUPPLIED });
    rig.until("it is safe and empty", |rig| rig.state() == Some(State::SafeEmpty));
    rig.until("all is off", |rig| rig.outputs() == Outputs { vent: [true; 6], ..Outputs::default() });
}

#[test]
fn whatever_the_image_dies_of_what_is_held_stays_held_and_the_host_is_told() {
    let Some(machine) = Machine::start(|_| ()) else { return };
    let mut rig = Rig::greet(machine);
    seal(&mut rig);
    let deaths = [CrashKind::Panic, CrashKind::HardFault, CrashKind::Watchdog, CrashKind::HardFault];
    for (boot, (kind, what)) in (1..).zip(deaths.into_iter().zip(1..)) {
        rig.machine.page().set_word(at::DIED_WITH, u32::MAX);
        rig.machine.page().set_word(at::PROVOKE, what);
        rig.until("it has begun again", |rig| rig.machine.page().word(at::BOOTS) == boot + 1);
        let died_with = Outputs::from_word(rig.machine.page().word(at::DIED_WITH));
        assert!(holds(&died_with), "{what}: {died_with:?}");
        rig.until("it has found what hangs there", |rig| rig.state() == Some(State::SafeHolding));
        rig.until("cup 2 alone holds", |rig| holds(&rig.outputs()));
        rig.client.greet_again();
        rig.until("it is armed again", |rig| rig.state() == Some(State::Active));
        assert_eq!(rig.client.boots(), Some(boot + 1));
        let crash = health(&mut rig).crash;
        assert!(crash.is_some_and(|crash| (crash.kind, crash.boot) == (kind, boot)), "{what}: {crash:?}");
        // A panic tells its line, a fault its place in the flash, where the stack still had room for it.
        assert_eq!(crash.is_some_and(|Crash { at, .. }| at > 0), what <= 2, "{what}: {crash:?}");
        rig.until("cup 2 alone holds", |rig| holds(&rig.outputs()));
    }
    assert_eq!(rig.events.iter().filter(|event| matches!(event, Event::FoundHolding { .. })).count(), 4);
}

/// Has a calibration stored, which an idle tool does.
fn store(rig: &mut Rig, manifold_zero_pa: i16) {
    rig.ask(Request::Calibrate(Calibration { manifold_zero_pa, ..Calibration::NONE }));
    rig.ask(Request::Disarm);
    rig.ask(Request::Store);
}

#[test]
fn what_is_stored_is_there_when_power_returns() {
    let Some(machine) = Machine::start(|_| ()) else { return };
    let mut rig = Rig::greet(machine);
    store(&mut rig, 900);
    rig.until("it is stored", |rig| rig.events.iter().any(|event| matches!(event, Event::Stored { .. })));
    let kept = Config { limits: LIMITS, calibration: Calibration { manifold_zero_pa: 900, ..Calibration::NONE } };
    assert_eq!(Config::load(&mut Flash(rig.machine.page()), KEPT), (kept, ConfigSource::Stored));
    let mut rig = Rig::greet(rig.machine.again(|_| ()));
    let health = health(&mut rig);
    assert_eq!((health.boots, health.config), (1, ConfigSource::Stored));
    rig.put(&Samples { manifold_pa: 1_000, ..SUPPLIED });
    rig.until("the calibration is in force", |rig| rig.status().manifold_pa == 100);
}

#[test]
fn a_power_cut_while_storing_leaves_the_old_or_the_new() {
    let config = |manifold_zero_pa| Config {
        calibration: Calibration { manifold_zero_pa, ..Calibration::NONE },
        limits: LIMITS,
    };
    let needed = {
        let page: Vec<AtomicU32> = (0..firmware::page::BYTES / 4).map(|_| AtomicU32::new(0)).collect();
        Flash(&*page).wipe();
        config(300).store(&mut Flash(&*page), KEPT).unwrap();
        page.set_word(at::CUT_AFTER, 1_000);
        config(700).store(&mut Flash(&*page), KEPT).unwrap();
        1_000 - page.word(at::CUT_AFTER)
    };
    let (mut old, mut new) = (0, 0);
    for cut in [1, 2, 3, needed / 2, needed - 1, needed] {
        let Some(machine) = Machine::start(|page| config(300).store(&mut Flash(page), KEPT).unwrap()) else { return };
        let mut rig = Rig::greet(machine);
        rig.machine.page().set_word(at::CUT_AFTER, cut);
        rig.ask(Request::Calibrate(Calibration { manifold_zero_pa: 700, ..Calibration::NONE }));
        rig.ask(Request::Disarm);
        let now = rig.now();
        rig.client.send(Request::Store, now).unwrap();
        rig.until("power is cut", |rig| rig.machine.page().word(at::CUT) == 1);
        let mut rig = Rig::greet(rig.machine.again(|page| page.set_word(at::CUT, 0)));
        rig.put(&Samples { manifold_pa: 1_000, ..SUPPLIED });
        rig.until("the manifold is read", |rig| rig.status().manifold_pa > 0);
        assert_eq!(health(&mut rig).config, ConfigSource::Stored, "cut after {cut} words");
        match rig.status().manifold_pa {
            700 => old += 1,
            300 => new += 1,
            other => assert_eq!(other, 700, "cut after {cut} words: neither the old nor the new"),
        }
    }
    assert!(old > 0 && new > 0, "{old} old, {new} new");
}

/// What the image can do, as it tells at its greeting.
const CAN: Capabilities =
    Capabilities::PINCH.and(Capabilities::LIGHT).and(Capabilities::LEAK_TEST).and(Capabilities::STORE);
