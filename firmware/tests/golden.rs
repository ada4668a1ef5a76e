//! The bytes of every variant on the wire. A change here is a change of protocol: append variants,
//! never reorder, and raise `VERSION` where an old peer would misread.

use firmware::wire::{Decoder, MAX_PACKET, encode};
use firmware::{CupSet, CupState, CupStatus, Event, Limits, Packet, Refusal, Report, Request, State, Status};
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
        let packet = Packet { seq: 7, body };
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
    };
    let table = [
        (Request::Hello { version: 1 }, "02 07 06 01 10 44 ff e6 00"),
        (
            Request::Limits(Limits::default()),
            "25 07 01 98 75 3c 19 c0 3e 1e 90 4e d8 04 64 e0 d4 03 f8 c9 04 f0 2e 80 b5 18 c8 01 dc 0b b0 ea 01 f1 3f e8 2c 00",
        ),
        (Request::Arm, "07 07 02 60 ce 37 6a 00"),
        (Request::Seek { cups, expected_pa: 60_000 }, "0b 07 03 12 e0 d4 03 b5 f1 9e 04 00"),
        (Request::Release { cups, blow_ms: 150 }, "0a 07 04 12 96 01 4c bf 49 f6 00"),
        (Request::Tare, "07 07 05 8b aa fd be 00"),
        (Request::Heartbeat, "07 07 06 7f 59 ad ad 00"),
        (Request::Stop, "07 07 07 7c da c6 5f 00"),
        (Request::Clear, "07 07 08 58 e6 d5 01 00"),
        (Request::Pinch { force_mn: 12_000 }, "09 07 09 e0 5d 49 16 25 59 00"),
    ];
    assert!(table.iter().map(|(request, _)| listed(request)).eq(0..10));
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
    };
    let table = [
        (Report::Hello { version: 1, cups: 6 }, "02 07 07 01 06 92 8c 64 64 00"),
        (Report::Done { seq: 41 }, "08 07 01 29 76 0a 39 5f 00"),
        (Report::Refused { seq: 41, reason: Refusal::Locked }, "09 07 02 29 04 d2 8e af 28 00"),
        (
            Report::Status(status),
            "07 07 03 c0 c4 07 02 01 0f 01 84 07 02 c8 dc 03 03 a0 9c 01 04 a0 1f 01 10 b0 e4 03 c7 4c 01 01 01 03 ac 02 13 b7 eb 69 00",
        ),
        (Report::Event(Event::EStop { at_ms: 1_000 }), "0a 07 04 03 e8 07 5d f1 89 4e 00"),
    ];
    assert!(table.iter().map(|(report, _)| listed(report)).eq(0..5));
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
    };
    let at_ms = 1_000;
    let table = [
        (Event::CupSealed { cup: 5, at_ms }, "02 07 08 05 e8 07 b9 36 1a e4 00"),
        (Event::CupLost { cup: 5, at_ms }, "0a 07 01 05 e8 07 01 9c 5f 39 00"),
        (Event::HostSilent { at_ms }, "09 07 02 e8 07 ac d9 89 2c 00"),
        (Event::EStop { at_ms }, "09 07 03 e8 07 d2 4b c8 89 00"),
        (Event::SupplyLost { at_ms }, "09 07 04 e8 07 bb 2f 38 fd 00"),
        (Event::Overload { at_ms }, "09 07 05 e8 07 c5 bd 79 58 00"),
        (Event::CupLeaking { cup: 5, at_ms }, "0a 07 06 05 e8 07 cb 24 5f 20 00"),
        (Event::SeekTimedOut { cup: 5, at_ms }, "0a 07 07 05 e8 07 73 8e 1a fd 00"),
        (Event::Stopped { at_ms }, "09 07 08 e8 07 64 b5 b7 5b 00"),
        (Event::HostRestarted { at_ms }, "09 07 09 e8 07 1a 27 f6 fe 00"),
        (Event::ReleasedByHand { at_ms }, "09 07 0a e8 07 69 e7 d8 14 00"),
        (Event::FoundHolding { at_ms }, "09 07 0b e8 07 17 75 99 b1 00"),
        (Event::GeneratorContinuous { at_ms }, "09 07 0c e8 07 7e 11 69 c5 00"),
    ];
    assert!(table.iter().map(|(event, _)| listed(event)).eq(0..13));
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
    };
    let table = [
        (Refusal::NotGreeted, "02 07 05 97 be 0c 8b 00"),
        (Refusal::WrongVersion, "07 07 01 94 3d 67 79 00"),
        (Refusal::NotArmed, "07 07 02 60 ce 37 6a 00"),
        (Refusal::Holding, "07 07 03 63 4d 5c 98 00"),
        (Refusal::Locked, "07 07 04 88 29 96 4c 00"),
        (Refusal::OutOfRange, "07 07 05 8b aa fd be 00"),
        (Refusal::NoLimits, "07 07 06 7f 59 ad ad 00"),
    ];
    assert!(table.iter().map(|(refusal, _)| listed(refusal)).eq(0..7));
    check(&table);
    let texts: Vec<String> = table.iter().map(|(refusal, _)| refusal.to_string()).collect();
    assert_eq!(
        texts,
        [
            "not greeted: a hello comes first",
            "wrong version: the gripper speaks version 1",
            "not armed: hello, limits and arm come first",
            "holding: a cup is on vacuum or the pinch is closed",
            "locked: safe state, e-stop or no supply",
            "out of range: a field of the request breaks its limit",
            "no limits: limits come between hello and arm",
        ]
    );
}

#[test]
fn every_state_keeps_its_bytes() {
    check(&[
        (State::Boot, "02 07 05 97 be 0c 8b 00"),
        (State::Ready, "07 07 01 94 3d 67 79 00"),
        (State::Active, "07 07 02 60 ce 37 6a 00"),
        (State::SafeEmpty, "07 07 03 63 4d 5c 98 00"),
        (State::SafeHolding, "07 07 04 88 29 96 4c 00"),
    ]);
    check(&[
        (CupState::Vented, "02 07 05 97 be 0c 8b 00"),
        (CupState::Seeking, "07 07 01 94 3d 67 79 00"),
        (CupState::Sealed, "07 07 02 60 ce 37 6a 00"),
        (CupState::Leaking, "07 07 03 63 4d 5c 98 00"),
        (CupState::Lost, "07 07 04 88 29 96 4c 00"),
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
