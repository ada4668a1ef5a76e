//! What a runtime and a cell that runs in another process say to each other: setpoints, packets and images as the
//! devices speak them, once a millisecond of the cell's time.
//!
//! ```text
//!  runtime                                   world
//!     │ Hello {version, clock}  ───────────▶   │  refused in words where either differs
//!     │   ◀───────────  Hello {version, clock, …}
//!     │ Turn {setpoint, packets, triggers} ─▶  │  a millisecond passes
//!     │   ◀───────────  Turned {now, arm, packets, images}
//! ```
//!
//! On the virtual clock a world moves on by one millisecond for each [`Turn`]. On the wall's it sends a [`Turned`] each
//! millisecond by itself and takes [`Turn`]s as they come. Bytes: [postcard](https://postcard.jamesmunns.com), a
//! CRC-32C in little-endian order, both COBS-encoded, one zero byte. Variants and fields are appended, never reordered.

use std::collections::BTreeMap;

use crc::{CRC_32_ISCSI, Crc, Table};
use scene::{Manifest, RgbdImage, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{ArmState, JOINT_NAMES, LinkError, Setpoint};

/// Version of this protocol; both ends refuse another one.
pub const LINK_VERSION: u16 = 2;
/// No message is longer than this once encoded, bytes: room for three images of 1280 × 720.
pub const LONGEST_MESSAGE: usize = 24 << 20;

const CHECKSUM: usize = 4;
const CRC: Crc<u32, Table<16>> = Crc::<u32, Table<16>>::new(&CRC_32_ISCSI);

/// Whose time the cell runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Clock {
    /// The runtime moves it on, a millisecond a turn: the same input gives the same output.
    Virtual,
    /// The wall's, paced by the world.
    Wall,
}

impl std::fmt::Display for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Virtual => "virtual",
            Self::Wall => "wall",
        })
    }
}

/// What a runtime says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum ToWorld {
    /// Comes first.
    Hello {
        /// [`LINK_VERSION`] of the runtime.
        version: u16,
        /// The clock that it means to run on.
        clock: Clock,
    },
    /// What the devices are told.
    Turn(Turn),
    /// Asks what the runtime's work came to, for its report.
    Judge,
    /// The tool's controller is an emulated board of the runtime's, which senses and drives through the shared page in
    /// this file ([`crate::Page`]). On the wall's clock only; comes right after `Hello`.
    Board {
        /// The file.
        page: String,
    },
}

/// What the devices are told in one millisecond, in this order.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// Where the arm shall go.
    pub setpoint: Option<Setpoint>,
    /// Stops the arm.
    pub stop: bool,
    /// Encoded packets of [`firmware::wire`] for the tool.
    pub packets: Vec<Vec<u8>>,
    /// Cameras that shall take an image now.
    pub triggers: Vec<String>,
    /// What the runtime says that it does, for whoever judges it; the world's devices don't hear it.
    pub claims: Vec<Vec<u8>>,
}

/// What a world says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum FromWorld {
    /// Answers a `Hello` that fits.
    Hello {
        /// [`LINK_VERSION`] of the world.
        version: u16,
        /// The clock that it runs on.
        clock: Clock,
        /// The seed that it was made from, for the report.
        seed: u64,
        /// What each tote should hold, as the warehouse's system has it; it may be wrong.
        manifests: BTreeMap<String, Manifest>,
    },
    /// Nothing more comes; why, in words.
    Refused {
        /// The rule that was broken.
        reason: String,
    },
    /// What the devices said. Boxed for its images.
    Turned(Box<Turned>),
    /// Answers `Judge`.
    Judged(Vec<u8>),
}

/// What the devices said in one millisecond.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Turned {
    /// The cell's time.
    pub now: Timestamp,
    /// The arm, or why it can't be reached.
    pub arm: Result<ArmState, LinkError>,
    /// Why the last turn's setpoint or a packet was not taken.
    pub refused: Option<LinkError>,
    /// Encoded packets from the tool.
    pub packets: Vec<Vec<u8>>,
    /// Images that have come in, by camera; `None` from a camera that does not answer.
    pub images: Vec<(String, Option<RgbdImage>)>,
}

/// Why bytes are no message. What they were is lost; the link can go on with the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Longer than [`LONGEST_MESSAGE`].
    #[error("message of {bytes} bytes; must be at most {LONGEST_MESSAGE}")]
    TooLong {
        /// Its length so far.
        bytes: usize,
    },
    /// Not COBS, or shorter than a checksum.
    #[error("message of {bytes} bytes is no frame")]
    Frame {
        /// Its length.
        bytes: usize,
    },
    /// The checksum differs.
    #[error("message of {bytes} bytes has a wrong checksum")]
    Checksum {
        /// Its length.
        bytes: usize,
    },
    /// The bytes are sound and mean nothing in this version.
    #[error("message of {bytes} bytes is none of version {LINK_VERSION}")]
    Meaning {
        /// Its length.
        bytes: usize,
    },
}

/// Writes a message after what `into` holds, its closing zero byte included.
///
/// # Errors
/// [`MessageError::TooLong`]; `into` is as it was.
pub fn encode_message<T: Serialize>(message: &T, into: &mut Vec<u8>) -> Result<(), MessageError> {
    // A vector grows without end and every type here has a form, so that postcard has nothing to refuse.
    let mut body = postcard::to_allocvec(message).map_err(|_| MessageError::TooLong { bytes: LONGEST_MESSAGE + 1 })?;
    body.extend_from_slice(&CRC.checksum(&body).to_le_bytes());
    let room = cobs::max_encoding_length(body.len());
    if room >= LONGEST_MESSAGE {
        return Err(MessageError::TooLong { bytes: room + 1 });
    }
    let from = into.len();
    into.resize(from + room, 0);
    let length = cobs::encode(&body, &mut into[from..]);
    into.truncate(from + length);
    into.push(0);
    Ok(())
}

/// The message in the bytes before a zero byte; the bytes are decoded in place.
///
/// # Errors
/// [`MessageError`] saying what is wrong with them.
pub fn decode_message<T: DeserializeOwned>(frame: &mut [u8]) -> Result<T, MessageError> {
    let bytes = frame.len();
    let length = cobs::decode_in_place(frame).map_err(|_| MessageError::Frame { bytes })?;
    let (body, checksum) = frame
        .get(..length)
        .and_then(|sound| sound.split_last_chunk::<CHECKSUM>())
        .ok_or(MessageError::Frame { bytes })?;
    if CRC.checksum(body) != u32::from_le_bytes(*checksum) {
        return Err(MessageError::Checksum { bytes });
    }
    match postcard::take_from_bytes(body) {
        Ok((message, [])) => Ok(message),
        _ => Err(MessageError::Meaning { bytes }),
    }
}

/// A [`LinkError`] on the wire: its words as text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum ToldError {
    Closed(String),
    Full(String, u32, u32),
    TooLong(String, u32, u32),
    Limit { joint: String, quantity: String, value: f64, unit: String, min: f64, max: f64 },
    Stopped(String),
}

/// The words that errors of devices hold; one that is none of them becomes the last.
const WORDS: [&str; 14] = [
    "arm",
    "tool",
    "world",
    "angle",
    "velocity",
    "acceleration",
    "jerk",
    "step without time",
    "rad",
    "rad/s",
    "rad/s²",
    "rad/s³",
    "camera",
    "device",
];

fn word(text: &str) -> &'static str {
    JOINT_NAMES.into_iter().chain(WORDS).find(|known| *known == text).unwrap_or("device")
}

impl From<LinkError> for ToldError {
    fn from(error: LinkError) -> Self {
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        match error {
            LinkError::Closed { device } => Self::Closed(device.into()),
            LinkError::Full { device, waiting, most } => Self::Full(device.into(), short(waiting), short(most)),
            LinkError::TooLong { device, bytes, room } => Self::TooLong(device.into(), short(bytes), short(room)),
            LinkError::Limit { joint, quantity, value, unit, min, max } => {
                Self::Limit { joint: joint.into(), quantity: quantity.into(), value, unit: unit.into(), min, max }
            }
            LinkError::Stopped { device } => Self::Stopped(device.into()),
        }
    }
}

/// By hand: words that live for ever can't be borrowed from a message.
impl<'de> Deserialize<'de> for LinkError {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ToldError::deserialize(deserializer).map(Self::from)
    }
}

impl From<ToldError> for LinkError {
    fn from(told: ToldError) -> Self {
        match told {
            ToldError::Closed(device) => Self::Closed { device: word(&device) },
            ToldError::Full(device, waiting, most) => {
                Self::Full { device: word(&device), waiting: waiting as usize, most: most as usize }
            }
            ToldError::TooLong(device, bytes, room) => {
                Self::TooLong { device: word(&device), bytes: bytes as usize, room: room as usize }
            }
            ToldError::Limit { joint, quantity, value, unit, min, max } => {
                Self::Limit { joint: word(&joint), quantity: word(&quantity), value, unit: word(&unit), min, max }
            }
            ToldError::Stopped(device) => Self::Stopped { device: word(&device) },
        }
    }
}

#[cfg(test)]
mod tests {
    use scene::{Intrinsics, Pose};

    use super::*;
    use crate::JointAngles;

    fn image() -> RgbdImage {
        RgbdImage {
            taken_at: Timestamp::from_nanos(7),
            intrinsics: Intrinsics { width: 3, height: 1, fx: 1.0, fy: 1.0, cx: 1.0, cy: 0.0 },
            world_from_camera: Pose::identity(),
            rgb: vec![0, 1, 2, 0, 0, 0, 255, 0, 9],
            depth_m: vec![1.25, f32::NAN, 0.0],
        }
    }

    fn turned() -> FromWorld {
        let arm = ArmState { at: Timestamp::ZERO, q: JointAngles([0.5; 6]), dq: [0.0; 6], stopped: true };
        FromWorld::Turned(Box::new(Turned {
            now: Timestamp::from_nanos(1_000_000),
            arm: Ok(arm),
            refused: Some(LinkError::Stopped { device: "arm" }),
            packets: vec![vec![1, 2, 0]],
            images: vec![("tote-a".into(), Some(image())), ("bins".into(), None)],
        }))
    }

    fn bytes<T: Serialize>(message: &T) -> Vec<u8> {
        let mut bytes = Vec::new();
        encode_message(message, &mut bytes).unwrap();
        assert_eq!(bytes.iter().filter(|b| **b == 0).count(), 1, "one zero byte, the last");
        bytes.pop();
        bytes
    }

    #[test]
    fn a_message_with_an_image_comes_back_as_it_was_holes_included() {
        let back: FromWorld = decode_message(&mut bytes(&turned())).unwrap();
        // NaN is equal to nothing: the second encoding says whether all bits are there.
        assert_eq!(bytes(&back), bytes(&turned()));
    }

    #[test]
    fn every_variant_has_the_bytes_that_it_had() {
        let check = |body: Vec<u8>, expected: &[u8]| assert_eq!(body, expected);
        let to = |message: &ToWorld| postcard::to_allocvec(message).unwrap();
        let from = |message: &FromWorld| postcard::to_allocvec(message).unwrap();
        check(to(&ToWorld::Hello { version: 1, clock: Clock::Wall }), &[0, 1, 1]);
        check(
            to(&ToWorld::Turn(Turn { stop: true, packets: vec![vec![5]], ..Turn::default() })),
            &[1, 0, 1, 1, 1, 5, 0, 0],
        );
        check(to(&ToWorld::Judge), &[2]);
        check(to(&ToWorld::Board { page: "p".into() }), &[3, 1, b'p']);
        let hello = FromWorld::Hello { version: 1, clock: Clock::Virtual, seed: 300, manifests: BTreeMap::new() };
        check(from(&hello), &[0, 1, 0, 172, 2, 0]);
        check(from(&FromWorld::Refused { reason: "no".into() }), &[1, 2, b'n', b'o']);
        let quiet = Turned {
            now: Timestamp::from_nanos(3),
            arm: Err(LinkError::Closed { device: "arm" }),
            refused: None,
            packets: Vec::new(),
            images: vec![("a".into(), None)],
        };
        check(from(&FromWorld::Turned(Box::new(quiet))), &[2, 3, 1, 0, 3, b'a', b'r', b'm', 0, 0, 1, 1, b'a', 0]);
        check(from(&FromWorld::Judged(vec![9])), &[3, 1, 9]);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let good = bytes(&ToWorld::Hello { version: LINK_VERSION, clock: Clock::Virtual });
        for bit in 0..8 * good.len() {
            let mut frame = good.clone();
            frame[bit / 8] ^= 1 << (bit % 8);
            assert!(decode_message::<ToWorld>(&mut frame).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn what_is_no_message_is_named() {
        let check = |mut frame: Vec<u8>, expected: &str| {
            assert_eq!(decode_message::<ToWorld>(&mut frame).unwrap_err().to_string(), expected);
        };
        check(vec![], "message of 0 bytes is no frame");
        check(vec![9, 1], "message of 2 bytes is no frame");
        check(bytes(&(2_u8, 7_u8)), "message of 7 bytes is none of version 2");
        check(bytes(&77_u8), "message of 6 bytes is none of version 2");
    }

    #[test]
    fn errors_of_devices_cross_the_link_with_their_words() {
        let check = |error: LinkError| {
            let mut frame = bytes(&error);
            assert_eq!(decode_message::<LinkError>(&mut frame).unwrap(), error);
        };
        check(LinkError::Stopped { device: "arm" });
        check(LinkError::Full { device: "tool", waiting: 64, most: 64 });
        check(LinkError::TooLong { device: "tool", bytes: 200, room: 112 });
        check(LinkError::Closed { device: "world" });
        let (joint, quantity, unit) = ("J3", "acceleration", "rad/s²");
        check(LinkError::Limit { joint, quantity, value: 9.0, unit, min: -1.0, max: 1.0 });
    }
}
