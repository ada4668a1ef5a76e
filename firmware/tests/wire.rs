//! The decoder against noise.

use firmware::wire::{Decoder, MAX_PACKET, encode};
use firmware::{CupSet, Limits, Packet, Report, Request};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn request() -> impl Strategy<Value = Request> {
    prop_oneof![
        any::<u16>().prop_map(|version| Request::Hello { version }),
        any::<u16>().prop_map(|heartbeat_ms| Request::Limits(Limits { heartbeat_ms, ..Limits::default() })),
        Just(Request::Arm),
        (any::<u8>(), any::<u32>()).prop_map(|(cups, expected_pa)| Request::Seek { cups: CupSet(cups), expected_pa }),
        (any::<u8>(), any::<u16>()).prop_map(|(cups, blow_ms)| Request::Release { cups: CupSet(cups), blow_ms }),
        Just(Request::Tare),
        Just(Request::Heartbeat),
        Just(Request::Stop),
        Just(Request::Clear),
        any::<u16>().prop_map(|force_mn| Request::Pinch { force_mn }),
    ]
}

fn packet() -> impl Strategy<Value = Packet<Request>> {
    (any::<u16>(), any::<u8>(), request()).prop_map(|(session, seq, body)| Packet { session, seq, body })
}

fn encoded(packet: &Packet<Request>) -> Vec<u8> {
    let mut buffer = [0; MAX_PACKET];
    let length = encode(packet, &mut buffer).unwrap_or(0);
    buffer[..length].to_vec()
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2_000,
        rng_seed: RngSeed::Fixed(20_261_124),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn every_packet_comes_out_as_it_went_in(packets in prop::collection::vec(packet(), 0..20)) {
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        let stream: Vec<u8> = packets.iter().flat_map(encoded).collect();
        let found: Vec<_> = stream.iter().filter_map(|&byte| decoder.push(byte)).collect();
        prop_assert_eq!(found, packets);
        prop_assert_eq!(decoder.bad(), 0);
    }

    #[test]
    fn an_encoded_packet_holds_no_zero_but_the_last(packet in packet()) {
        let bytes = encoded(&packet);
        prop_assert_eq!(bytes.iter().position(|&byte| byte == 0), Some(bytes.len() - 1));
    }

    #[test]
    fn random_bytes_never_panic_and_never_make_a_packet(
        noise in prop::collection::vec(any::<u8>(), 0..2_000),
    ) {
        let mut requests = Decoder::<Request, MAX_PACKET>::new();
        let mut reports = Decoder::<Report, MAX_PACKET>::new();
        let mut tiny = Decoder::<Request, 3>::new();
        let mut none = Decoder::<Request, 0>::new();
        for &byte in &noise {
            prop_assert_eq!(requests.push(byte), None);
            prop_assert_eq!(reports.push(byte), None);
            prop_assert_eq!(tiny.push(byte), None);
            prop_assert_eq!(none.push(byte), None);
        }
        let stretches = noise.split_inclusive(|&b| b == 0).filter(|s| s.len() > 1);
        let closed = stretches.filter(|s| s.last() == Some(&0)).count();
        prop_assert_eq!(requests.bad() as usize, closed);
        prop_assert_eq!(none.bad() as usize, closed);
    }

    #[test]
    fn after_garbage_and_a_zero_the_next_packet_decodes(
        noise in prop::collection::vec(any::<u8>(), 0..500),
        packet in packet(),
    ) {
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        for &byte in noise.iter().chain(&[0]) {
            decoder.push(byte);
        }
        let found: Vec<_> = encoded(&packet).iter().filter_map(|&b| decoder.push(b)).collect();
        prop_assert_eq!(found, vec![packet]);
    }

    #[test]
    fn a_corrupted_packet_is_counted_and_dropped_and_the_next_one_decodes(
        first in packet(),
        second in packet(),
        at in any::<prop::sample::Index>(),
        flip in 1..=255u8,
    ) {
        let mut stream = encoded(&first);
        let at = at.index(stream.len());
        stream[at] ^= flip;
        let closing_byte_was_hit = at == stream.len() - 1;
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        let found: Vec<_> = stream.iter().filter_map(|&byte| decoder.push(byte)).collect();
        prop_assert_eq!(found, vec![]);
        // Without its closing byte the packet takes its successor with it, and no more.
        let next: Vec<_> = encoded(&second).iter().filter_map(|&b| decoder.push(b)).collect();
        prop_assert_eq!(next.len(), usize::from(!closing_byte_was_hit));
        let again: Vec<_> = encoded(&second).iter().filter_map(|&b| decoder.push(b)).collect();
        prop_assert_eq!(again, vec![second]);
        prop_assert!((1..=2).contains(&decoder.bad()));
    }

    #[test]
    fn a_cut_packet_is_dropped(packet in packet(), cut in any::<prop::sample::Index>()) {
        let mut stream = encoded(&packet);
        // At least the last byte before the closing zero is missing.
        stream.truncate(cut.index(stream.len() - 1));
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        let found: Vec<_> = stream.iter().chain(&[0]).filter_map(|&b| decoder.push(b)).collect();
        prop_assert_eq!(found, vec![]);
        prop_assert_eq!(decoder.bad(), u32::from(!stream.is_empty()));
    }
}
