//! How a packet becomes bytes: [postcard](https://postcard.jamesmunns.com), then its CRC-32C in
//! little-endian order, both together COBS-encoded, then one zero byte.

use core::marker::PhantomData;

use crc::{CRC_32_ISCSI, Crc};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::Packet;

/// Room for the longest encoded packet in either direction, the zero byte included.
pub const MAX_PACKET: usize = 112;

/// Longest packet before checksum, COBS (one byte for up to 254) and the zero byte.
const MAX_BODY: usize = MAX_PACKET - CHECKSUM - 2;
const CHECKSUM: usize = 4;
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// A packet that could not be encoded. Nothing was sent; the buffer holds rubbish.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// The body is longer than any packet of this protocol.
    #[error("packet {seq}: body is longer than {max} bytes")]
    TooLong {
        /// Number of the packet.
        seq: u8,
        /// The most that the protocol carries.
        max: usize,
    },
    /// The buffer is too small; [`MAX_PACKET`] bytes always suffice.
    #[error("packet {seq}: a buffer of {room} bytes is too small, {MAX_PACKET} always suffice")]
    NoRoom {
        /// Number of the packet.
        seq: u8,
        /// Size of the buffer.
        room: usize,
    },
}

/// Writes a packet into `into` and returns its length, the closing zero byte included; no other
/// byte is zero.
///
/// # Errors
/// [`WireError`] where the body or the buffer has the wrong size.
pub fn encode<T: Serialize>(packet: &Packet<T>, into: &mut [u8]) -> Result<usize, WireError> {
    let seq = packet.seq;
    let no_room = WireError::NoRoom { seq, room: into.len() };
    let mut scratch = [0; MAX_BODY];
    let body = postcard::to_slice(packet, &mut scratch).map_err(|_| WireError::TooLong { seq, max: MAX_BODY })?;
    let checksum = CRC.checksum(body).to_le_bytes();
    let mut cobs = cobs::CobsEncoder::new(into);
    cobs.push(body).map_err(|_| no_room)?;
    cobs.push(&checksum).map_err(|_| no_room)?;
    let length = cobs.finalize();
    *into.get_mut(length).ok_or(no_room)? = 0;
    Ok(length + 1)
}

/// Finds packets in a stream of bytes, using at most `N` bytes a packet; [`MAX_PACKET`] fits all.
///
/// Whatever is no packet (noise, wrong checksum, unknown variant, bytes left over, too long) is
/// dropped up to the next zero byte and counted once. Empty stretches between zero bytes are not
/// counted, so a sender may open with a zero byte to end what was half sent before.
#[derive(Debug, Clone)]
pub struct Decoder<T, const N: usize> {
    buffer: [u8; N],
    length: usize,
    overrun: bool,
    bad: u32,
    packets: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned, const N: usize> Default for Decoder<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: DeserializeOwned, const N: usize> Decoder<T, N> {
    /// A decoder that has seen nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { buffer: [0; N], length: 0, overrun: false, bad: 0, packets: PhantomData }
    }

    /// Takes the next byte; gives the packet that it closes, if it closes a good one.
    pub fn push(&mut self, byte: u8) -> Option<Packet<T>> {
        match self.next(byte) {
            Some(Found::Packet(packet)) => Some(packet),
            Some(Found::Unknown { .. }) | None => None,
        }
    }

    /// As [`push`](Self::push), and tells too of a whole packet whose body is unknown; it is counted
    /// as dropped.
    pub fn next(&mut self, byte: u8) -> Option<Found<T>> {
        if byte != 0 {
            if let Some(slot) = self.buffer.get_mut(self.length) {
                *slot = byte;
                self.length += 1;
            } else {
                self.overrun = true;
            }
            return None;
        }
        let length = core::mem::take(&mut self.length);
        let overrun = core::mem::take(&mut self.overrun);
        if length == 0 && !overrun {
            return None;
        }
        let found = match self.buffer.get_mut(..length) {
            Some(frame) if !overrun => unpack(frame),
            _ => None,
        };
        if !matches!(found, Some(Found::Packet(_))) {
            self.bad = self.bad.saturating_add(1);
        }
        found
    }

    /// How many packets were dropped so far; stays at its maximum.
    #[must_use]
    pub fn bad(&self) -> u32 {
        self.bad
    }
}

/// What a zero byte closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found<T> {
    /// A packet.
    Packet(Packet<T>),
    /// A packet with the right checksum whose body is none of ours: another version's.
    Unknown {
        /// Its session.
        session: u16,
        /// Its number.
        seq: u8,
    },
}

/// The packet in one COBS-encoded stretch without its zero byte.
fn unpack<T: DeserializeOwned>(encoded: &mut [u8]) -> Option<Found<T>> {
    let length = cobs::decode_in_place(encoded).ok()?;
    let (body, checksum) = encoded.get(..length)?.split_last_chunk::<CHECKSUM>()?;
    if CRC.checksum(body) != u32::from_le_bytes(*checksum) {
        return None;
    }
    match postcard::take_from_bytes(body) {
        Ok((packet, [])) => Some(Found::Packet(packet)),
        Ok(_) | Err(_) => {
            let ((session, seq), _) = postcard::take_from_bytes::<(u16, u8)>(body).ok()?;
            Some(Found::Unknown { session, seq })
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{CUPS, CupState, CupStatus, Faults, Limits, Report, Request, State, Status};

    fn bytes<T: Serialize>(seq: u8, body: T) -> Vec<u8> {
        let mut buffer = [0xaa; MAX_PACKET];
        let length = encode(&Packet { session: u16::MAX, seq, body }, &mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    fn check(stream: &[u8], packets: usize, bad: u32) {
        let mut decoder = Decoder::<Request, MAX_PACKET>::new();
        let found = stream.iter().filter(|&&byte| decoder.push(byte).is_some()).count();
        assert_eq!((found, decoder.bad()), (packets, bad), "stream {stream:02x?}");
    }

    #[test]
    fn the_checksum_is_the_castagnoli_crc_of_the_catalogues() {
        assert_eq!(CRC.checksum(b"123456789"), 0xe306_9283);
    }

    #[test]
    fn the_longest_packets_fit_the_buffer_and_the_next_size_is_refused() {
        let cup = CupStatus { state: CupState::Lost, pressure_pa: u32::MAX };
        let status = Status {
            time_ms: u32::MAX,
            state: State::SafeHolding,
            cups: [cup; CUPS],
            manifold_pa: u32::MAX,
            load_mn: i32::MIN,
            contact: true,
            generator: true,
            supply_ok: true,
            bad_packets: u32::MAX,
            pinch_mn: u16::MAX,
            stroke_um: [u16::MAX; CUPS],
            faults: Faults(u32::MAX),
            estop: true,
        };
        assert!(bytes(255, Report::Status(status)).len() <= MAX_PACKET);
        let limits = Limits {
            seal_floor_pa: u32::MAX,
            seal_fraction_percent: u8::MAX,
            seal_hold_ms: u16::MAX,
            lost_drop_pa: u32::MAX,
            lost_window_ms: u16::MAX,
            lost_floor_pa: u32::MAX,
            seek_timeout_ms: u16::MAX,
            heartbeat_ms: u16::MAX,
            generator_on_pa: u32::MAX,
            generator_off_pa: u32::MAX,
            contact_mn: i32::MIN,
            overload_mn: i32::MIN,
            max_blow_ms: u16::MAX,
            contact_um: u16::MAX,
            max_pinch_mn: u16::MAX,
        };
        assert!(bytes(255, Request::Limits(limits)).len() <= MAX_PACKET);
        let too_long = Packet { session: 0, seq: 9, body: [0xffu8; 32].map(|b| [b; 4]) };
        assert_eq!(encode(&too_long, &mut [0; 256]), Err(WireError::TooLong { seq: 9, max: MAX_BODY }));
    }

    #[test]
    fn a_buffer_that_is_too_small_is_an_error_at_every_size() {
        let packet = Packet { session: u16::MAX, seq: 1, body: Request::Arm };
        let needed = bytes(1, Request::Arm).len();
        for room in 0..needed {
            let mut buffer = [0; 16];
            assert_eq!(encode(&packet, &mut buffer[..room]), Err(WireError::NoRoom { seq: 1, room }));
        }
    }

    #[test]
    fn empty_stretches_are_no_packets_and_not_counted() {
        let mut stream = std::vec![0, 0, 0];
        stream.extend(bytes(1, Request::Arm));
        stream.push(0);
        check(&stream, 1, 0);
    }

    #[test]
    fn an_overlong_stretch_is_counted_once_and_the_next_packet_decodes() {
        let mut stream = std::vec![0x55; 10 * MAX_PACKET];
        stream.push(0);
        stream.extend(bytes(1, Request::Tare));
        check(&stream, 1, 1);
    }

    #[test]
    fn a_packet_with_bytes_left_over_is_dropped_though_its_checksum_fits() {
        check(&bytes(1, (Request::Arm, 7u8)), 0, 1);
    }

    #[test]
    fn a_variant_of_a_later_version_is_dropped_and_counted() {
        check(&bytes(1, 200u8), 0, 1);
    }

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let good = bytes(7, Request::Limits(Limits::default()));
        for bit in 0..8 * (good.len() - 1) {
            let mut stream = good.clone();
            stream[bit / 8] ^= 1 << (bit % 8);
            stream.extend([0]);
            let mut decoder = Decoder::<Request, MAX_PACKET>::new();
            assert!(stream.iter().all(|&byte| decoder.push(byte).is_none()), "bit {bit}");
            assert!(decoder.bad() >= 1, "bit {bit}");
        }
    }
}
