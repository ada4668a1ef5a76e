//! The bytes of every variant on the wire. A change here is a change of protocol: append variants,
//! never reorder, and raise `VERSION` where an old peer would misread.

use firmware::wire::{Decoder, MAX_PACKET, encode};
use firmware::{
    Calibration, Capabilities, ConfigSource, Counters, Crash, CrashKind, CupSet, CupState, CupStatus, Event, Fault,
    Faults, Health, LeakTest, Limits, Packet, Refusal, Report, Request, State, Status,
};
use serde::{Serialize, de::DeserializeOwned};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}

/// Holds the bytes of each body as packet 7, and that they decode to it again.
fn check<T>(table: &[(T, &str)])
where
    T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug + Copy,
{
    let mut found = String::new();
    let mut expected = String::new();
    for &(body, bytes) in table {
        let packet = Packet { session: 300, seq: 7, body };
        let mut buffer = [0xee; MAX_PACKET];
        let length = encode(&packet, &mut buffer).unwrap_or(0);
        found.push_str(&format!("{body:?}: {}\n", hex(&buffer[..length])));
        expected.push_str(&format!("{body:?}: {bytes}\n"));
        let mut decoder = Decoder::<T, MAX_PACKET>::new();
        let decoded: Vec<_> = buffer[..length].iter().filter_map(|&b| decoder.push(b)).collect();
        assert_eq!((decoded, decoder.bad()), (vec![packet], 0));
    }
    assert_eq!(found, expected, "bytes have changed; they are now:\n{found}");
}

#[test]
fn every_request_keeps_its_bytes() {
    let cups = CupSet(0b01_0010);
    // A match without a catch-all, so that a new variant can't be forgotten here.
    let listed = |request: &Request| match request {
        Request::Hello { .. } => 0,
        Request::Limits(_) => 1,
        Request::Arm => 2,
        Request::Seek { .. } => 3,
        Request::Release { .. } => 4,
        Request::Tare => 5,
        Request::Heartbeat => 6,
        Request::Stop => 7,
        Request::Clear => 8,
        Request::Pinch { .. } => 9,
        Request::Disarm => 10,
        Request::Light { .. } => 11,
        Request::LeakTest => 12,
        Request::Calibrate(_) => 13,
        Request::Store => 14,
        Request::Health => 15,
    };
    let table = [
        (Request::Hello { version: 1 }, "04 ac 02 07 06 01 f4 67 a6 2c 00"),
        (
            Request::Limits(Limits::default()),
            "27 ac 02 07 01 98 75 3c 19 c0 3e 1e 90 4e d8 04 64 e0 d4 03 f8 c9 04 f0 2e 80 b5 18 c8 01 dc 0b b0 ea 01 0c 59 02 8b 00",
        ),
        (Request::Arm, "09 ac 02 07 02 d9 2f bd 94 00"),
        (Request::Seek { cups, expected_pa: 60_000 }, "0d ac 02 07 03 12 e0 d4 03 6f 13 bd 55 00"),
        (Request::Release { cups, blow_ms: 150 }, "0c ac 02 07 04 12 96 01 1c b6 71 f0 00"),
        (Request::Tare, "09 ac 02 07 05 32 4b 77 40 00"),
        (Request::Heartbeat, "09 ac 02 07 06 c6 b8 27 53 00"),
        (Request::Stop, "09 ac 02 07 07 c5 3b 4c a1 00"),
        (Request::Clear, "09 ac 02 07 08 e1 07 5f ff 00"),
        (Request::Pinch { force_mn: 12_000 }, "0b ac 02 07 09 e0 5d 6f 70 45 7d 00"),
        (Request::Disarm, "09 ac 02 07 0a 16 77 64 1e 00"),
        (Request::Light { percent: 80 }, "0a ac 02 07 0b 50 05 55 1b 26 00"),
        (Request::LeakTest, "09 ac 02 07 0c fe 90 c5 38 00"),
        (
            Request::Calibrate(Calibration { cup_zero_pa: [-40, 0, 3, 0, 0, 900], ..Calibration::default() }),
            "06 ac 02 07 0d 4f 02 06 01 03 88 0e 03 e8 07 05 26 8f eb 99 00",
        ),
        (Request::Store, "09 ac 02 07 0e 09 e0 fe d9 00"),
        (Request::Health, "09 ac 02 07 0f 0a 63 95 2b 00"),
    ];
    assert!(table.iter().map(|(request, _)| listed(request)).eq(0..16));
    check(&table);
}

#[test]
fn every_report_keeps_its_bytes() {
    let listed = |report: &Report| match report {
        Report::Hello { .. } => 0,
        Report::Done { .. } => 1,
        Report::Refused { .. } => 2,
        Report::Status(_) => 3,
        Report::Event(_) => 4,
        Report::LeakTest(_) => 5,
        Report::Health(_) => 6,
    };
    let cup = |state, pressure_pa| CupStatus { state, pressure_pa };
    let status = Status {
        time_ms: 123_456,
        state: State::Active,
        cups: [
            cup(CupState::Vented, 0),
            cup(CupState::Seeking, 900),
            cup(CupState::Sealed, 61_000),
            cup(CupState::Leaking, 20_000),
            cup(CupState::Lost, 4_000),
            cup(CupState::Vented, 0),
        ],
        manifold_pa: 62_000,
        load_mn: -4_900,
        contact: true,
        generator: true,
        supply_ok: true,
        bad_packets: 3,
        pinch_mn: 300,
        stroke_um: [0, 1_500, 9_000, 9_100, 8, 0],
        faults: Faults(1 << 25),
        estop: true,
    };
    let test = LeakTest { evacuate_ms: 140, fall_pa: 900, answered: CupSet(0b11_1110), passed: false };
    let health = Health {
        uptime_ms: 3_600_000,
        boots: 2,
        crash: Some(Crash { kind: CrashKind::HardFault, at: 0x0800_1234, boot: 1 }),
        config: ConfigSource::Stored,
        stack_free_bytes: 5_000,
        counters: Counters { received: 70_000, bad: 3, repeated: 9, stale: 1, crowded_out: 0 },
    };
    let capabilities = Capabilities::PINCH.and(Capabilities::STORE);
    let table = [
        (Report::Hello { version: 2, cups: 6, capabilities, boots: 1 }, "04 ac 02 07 09 02 06 09 01 a7 6f 4b 92 00"),
        (Report::Done { seq: 41 }, "0a ac 02 07 01 29 92 29 60 95 00"),
        (Report::Refused { seq: 41, reason: Refusal::Locked }, "0b ac 02 07 02 29 04 f4 e8 cf 0c 00"),
        (
            Report::Status(status),
            "09 ac 02 07 03 c0 c4 07 02 01 0f 01 84 07 02 c8 dc 03 03 a0 9c 01 04 a0 1f 01 0c b0 e4 03 c7 4c 01 01 01 03 ac 02 08 dc 0b a8 46 8c 47 08 0a 80 80 80 10 01 ae a0 7d 6f 00",
        ),
        (Report::Event(Event::EStop { at_ms: 1_000 }), "0c ac 02 07 04 03 e8 07 0d f8 b1 48 00"),
        (Report::LeakTest(test), "0a ac 02 07 05 8c 01 84 07 3e 05 cd 02 d4 27 00"),
        (
            Report::Health(health),
            "1a ac 02 07 06 80 dd db 01 02 01 01 b4 a4 80 40 01 01 88 27 f0 a2 04 03 09 01 05 5f b1 c8 db 00",
        ),
    ];
    assert!(table.iter().map(|(report, _)| listed(report)).eq(0..7));
    check(&table);
}

#[test]
fn every_event_keeps_its_bytes() {
    let listed = |event: &Event| match event {
        Event::CupSealed { .. } => 0,
        Event::CupLost { .. } => 1,
        Event::HostSilent { .. } => 2,
        Event::EStop { .. } => 3,
        Event::SupplyLost { .. } => 4,
        Event::Overload { .. } => 5,
        Event::CupLeaking { .. } => 6,
        Event::SeekTimedOut { .. } => 7,
        Event::Stopped { .. } => 8,
        Event::HostRestarted { .. } => 9,
        Event::ReleasedByHand { .. } => 10,
        Event::FoundHolding { .. } => 11,
        Event::GeneratorContinuous { .. } => 12,
        Event::FaultFound { .. } => 13,
        Event::Stored { .. } => 14,
        Event::StoreFailed { .. } => 15,
    };
    let at_ms = 1_000;
    let table = [
        (Event::CupSealed { cup: 5, at_ms }, "04 ac 02 07 08 05 e8 07 e9 3f 22 e2 00"),
        (Event::CupLost { cup: 5, at_ms }, "0c ac 02 07 01 05 e8 07 51 95 67 3f 00"),
        (Event::HostSilent { at_ms }, "0b ac 02 07 02 e8 07 8a bf e9 08 00"),
        (Event::EStop { at_ms }, "0b ac 02 07 03 e8 07 f4 2d a8 ad 00"),
        (Event::SupplyLost { at_ms }, "0b ac 02 07 04 e8 07 9d 49 58 d9 00"),
        (Event::Overload { at_ms }, "0b ac 02 07 05 e8 07 e3 db 19 7c 00"),
        (Event::CupLeaking { cup: 5, at_ms }, "0c ac 02 07 06 05 e8 07 9b 2d 67 26 00"),
        (Event::SeekTimedOut { cup: 5, at_ms }, "0c ac 02 07 07 05 e8 07 23 87 22 fb 00"),
        (Event::Stopped { at_ms }, "0b ac 02 07 08 e8 07 42 d3 d7 7f 00"),
        (Event::HostRestarted { at_ms }, "0b ac 02 07 09 e8 07 3c 41 96 da 00"),
        (Event::ReleasedByHand { at_ms }, "0b ac 02 07 0a e8 07 4f 81 b8 30 00"),
        (Event::FoundHolding { at_ms }, "0b ac 02 07 0b e8 07 31 13 f9 95 00"),
        (Event::GeneratorContinuous { at_ms }, "0b ac 02 07 0c e8 07 58 77 09 e1 00"),
        (Event::FaultFound { fault: Fault::ValveStuck { cup: 3 }, at_ms }, "0d ac 02 07 0d 02 03 e8 07 2e 23 bb fa 00"),
        (Event::Stored { at_ms }, "0b ac 02 07 0e e8 07 55 25 66 ae 00"),
        (Event::StoreFailed { at_ms }, "0b ac 02 07 0f e8 07 2b b7 27 0b 00"),
    ];
    assert!(table.iter().map(|(event, _)| listed(event)).eq(0..16));
    check(&table);
}

#[test]
fn every_refusal_keeps_its_bytes_and_its_text() {
    let listed = |refusal: &Refusal| match refusal {
        Refusal::NotGreeted => 0,
        Refusal::WrongVersion => 1,
        Refusal::NotArmed => 2,
        Refusal::Holding => 3,
        Refusal::Locked => 4,
        Refusal::OutOfRange => 5,
        Refusal::NoLimits => 6,
        Refusal::AlreadyArmed => 7,
        Refusal::Stale => 8,
        Refusal::Unknown => 9,
    };
    let table = [
        (Refusal::NotGreeted, "04 ac 02 07 05 2e 5f 86 75 00"),
        (Refusal::WrongVersion, "09 ac 02 07 01 2d dc ed 87 00"),
        (Refusal::NotArmed, "09 ac 02 07 02 d9 2f bd 94 00"),
        (Refusal::Holding, "09 ac 02 07 03 da ac d6 66 00"),
        (Refusal::Locked, "09 ac 02 07 04 31 c8 1c b2 00"),
        (Refusal::OutOfRange, "09 ac 02 07 05 32 4b 77 40 00"),
        (Refusal::NoLimits, "09 ac 02 07 06 c6 b8 27 53 00"),
        (Refusal::AlreadyArmed, "09 ac 02 07 07 c5 3b 4c a1 00"),
        (Refusal::Stale, "09 ac 02 07 08 e1 07 5f ff 00"),
        (Refusal::Unknown, "09 ac 02 07 09 e2 84 34 0d 00"),
    ];
    assert!(table.iter().map(|(refusal, _)| listed(refusal)).eq(0..10));
    check(&table);
    let texts: Vec<String> = table.iter().map(|(refusal, _)| refusal.to_string()).collect();
    assert_eq!(
        texts,
        [
            "not greeted: a hello comes first",
            "wrong version: the gripper speaks version 2",
            "not armed: hello, limits and arm come first",
            "holding: a cup is on vacuum or the pinch is closed",
            "locked: safe state, e-stop or no supply",
            "out of range: a field of the request breaks its limit",
            "no limits: limits come between hello and arm",
            "already armed: arm comes once, disarm or a safe state before the next",
            "stale: a later request was obeyed before it",
            "unknown request: none of version 2",
        ]
    );
}

#[test]
fn every_fault_keeps_its_bytes_and_reads_as_text() {
    let listed = |fault: &Fault| match fault {
        Fault::SensorRange { .. } => 0,
        Fault::ManifoldSensorRange => 1,
        Fault::ValveStuck { .. } => 2,
        Fault::LineShut { .. } => 3,
        Fault::FilterClogged => 4,
        Fault::ManifoldLeaks => 5,
        Fault::NoVacuum => 6,
    };
    let table = [
        (Fault::SensorRange { cup: 5 }, "04 ac 02 07 06 05 eb f0 3c eb 00"),
        (Fault::ManifoldSensorRange, "09 ac 02 07 01 2d dc ed 87 00"),
        (Fault::ValveStuck { cup: 5 }, "0a ac 02 07 02 05 05 c0 79 cc 00"),
        (Fault::LineShut { cup: 5 }, "0a ac 02 07 03 05 72 58 db df 00"),
        (Fault::FilterClogged, "09 ac 02 07 04 31 c8 1c b2 00"),
        (Fault::ManifoldLeaks, "09 ac 02 07 05 32 4b 77 40 00"),
        (Fault::NoVacuum, "09 ac 02 07 06 c6 b8 27 53 00"),
    ];
    assert!(table.iter().map(|(fault, _)| listed(fault)).eq(0..7));
    check(&table);
    assert_eq!(table[3].0.to_string(), "cup 5 draws no air: valve stuck on vent or line shut");
    let crash = Crash { kind: CrashKind::Panic, at: 41, boot: 3 };
    assert_eq!(crash.to_string(), "boot 3 ended in a panic at line 41");
}

#[test]
fn every_state_keeps_its_bytes() {
    check(&[
        (State::Boot, "04 ac 02 07 05 2e 5f 86 75 00"),
        (State::Ready, "09 ac 02 07 01 2d dc ed 87 00"),
        (State::Active, "09 ac 02 07 02 d9 2f bd 94 00"),
        (State::SafeEmpty, "09 ac 02 07 03 da ac d6 66 00"),
        (State::SafeHolding, "09 ac 02 07 04 31 c8 1c b2 00"),
    ]);
    check(&[
        (CupState::Vented, "04 ac 02 07 05 2e 5f 86 75 00"),
        (CupState::Seeking, "09 ac 02 07 01 2d dc ed 87 00"),
        (CupState::Sealed, "09 ac 02 07 02 d9 2f bd 94 00"),
        (CupState::Leaking, "09 ac 02 07 03 da ac d6 66 00"),
        (CupState::Lost, "09 ac 02 07 04 31 c8 1c b2 00"),
    ]);
}

#[test]
fn events_read_as_text() {
    let texts = [
        (Event::CupSealed { cup: 2, at_ms: 5 }, "cup 2 sealed at 5 ms"),
        (Event::SeekTimedOut { cup: 2, at_ms: 5 }, "cup 2 found no seal in time at 5 ms"),
        (Event::HostSilent { at_ms: 5 }, "host silent at 5 ms"),
    ];
    for (event, text) in texts {
        assert_eq!(event.to_string(), text);
    }
}
