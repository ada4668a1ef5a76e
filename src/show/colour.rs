//! Colours that mean something, and conversions of poses, all in one place.

use firmware::CupState;
use nalgebra::Isometry3;
use rerun::{Color, Transform3D};

use crate::cycle::Step;

/// `0xRRGGBB` as an opaque colour.
pub const fn rgb(hex: u32) -> u32 {
    hex << 8 | 0xff
}

pub const BACKGROUND: u32 = rgb(0x14181e);
pub const ARM: u32 = rgb(0xf0b429);
pub const WRIST: u32 = rgb(0x8f9aa8);
pub const TOOL: u32 = rgb(0x5b6673);
pub const GROUND: u32 = rgb(0x454d59);
pub const TOTE: u32 = rgb(0x5aa2e8);
pub const BIN: u32 = rgb(0x9d8ae6);
pub const FLOOR: u32 = rgb(0x2b313a);
pub const CAMERA: u32 = rgb(0x8b96a5);
pub const CHOSEN: u32 = rgb(0xffe14d);
pub const PLACEMENT: u32 = rgb(0x3ddc97);
pub const REJECTED: u32 = rgb(0xb4534b);
pub const REASON: u32 = rgb(0xff9a8f);
pub const FREE: u32 = rgb(0x62c4ff);
pub const GUARDED: u32 = rgb(0xff9d4d);
pub const LOADED: u32 = rgb(0x3ddc97);
pub const UNSEEN: u32 = rgb(0x3a414c);
pub const IDLE_CUP: u32 = rgb(0xaab4c0);

/// One colour a cup or a joint.
pub const SERIES: [u32; 6] = [rgb(0x62c4ff), rgb(0xff9d4d), rgb(0x3ddc97), rgb(0xff6b81), rgb(0xb79cff), rgb(0xffe14d)];

/// Colours for items by their number: neighbours differ.
const ITEMS: [u32; 12] = [
    0x4dabf7, 0xffa94d, 0x69db7c, 0xff8787, 0xb197fc, 0xffe066, 0x3bc9db, 0xf783ac, 0xa9e34b, 0xe599f7, 0x63e6be,
    0xffc078,
];

/// The colour of an item by its number.
pub fn item(number: u32) -> [u8; 3] {
    let [_, r, g, b] = ITEMS[number as usize % ITEMS.len()].to_be_bytes();
    [r, g, b]
}

/// A colour of the table above as Rerun takes it.
pub fn of(rgba: u32) -> Color {
    Color::from_u32(rgba)
}

/// The same with an alpha, 0…255.
pub fn faint(rgba: u32, alpha: u8) -> Color {
    let [r, g, b, _] = rgba.to_be_bytes();
    Color::from_unmultiplied_rgba(r, g, b, alpha)
}

/// Grey where it only takes part in the exhaust, blue while it seeks, green when it holds, orange and red when it doesn't.
pub fn cup(state: CupState) -> Color {
    of(match state {
        CupState::Vented => IDLE_CUP,
        CupState::Seeking => rgb(0x4dabf7),
        CupState::Sealed => rgb(0x2fd47a),
        CupState::Leaking => rgb(0xff9d4d),
        CupState::Lost => rgb(0xff4d4d),
    })
}

/// A probability of success from orange (0) over yellow to green (1).
pub fn score(score: f64) -> Color {
    let s = if score.is_finite() { score.clamp(0.0, 1.0) as f32 } else { 0.0 };
    let mix = |a: f32, b: f32, t: f32| (a + (b - a) * t) as u8;
    let (from, to, t) = if s < 0.5 {
        ([240.0, 120.0, 60.0], [250.0, 215.0, 80.0], s * 2.0)
    } else {
        ([250.0, 215.0, 80.0], [60.0, 220.0, 130.0], s * 2.0 - 1.0)
    };
    Color::from_rgb(mix(from[0], to[0], t), mix(from[1], to[1], t), mix(from[2], to[2], t))
}

/// A height from dark blue (0) over teal to light yellow (1).
pub fn height(share: f32) -> Color {
    const STOPS: [[f32; 3]; 4] =
        [[38.0, 54.0, 92.0], [38.0, 120.0, 142.0], [96.0, 186.0, 134.0], [244.0, 232.0, 140.0]];
    let at = share.clamp(0.0, 1.0) * 3.0;
    let (i, t) = ((at as usize).min(2), at - (at as usize).min(2) as f32);
    let mix = |k: usize| (STOPS[i][k] + (STOPS[i + 1][k] - STOPS[i][k]) * t) as u8;
    Color::from_rgb(mix(0), mix(1), mix(2))
}

/// Waiting grey, moving blue, at contact orange, with something in hand green, what went wrong red.
pub fn step(step: Step) -> u32 {
    match step {
        Step::Look | Step::Choose | Step::Plan => rgb(0x7d8896),
        Step::Reach | Step::Retreat => FREE,
        Step::Approach | Step::Seal => GUARDED,
        Step::Lift | Step::Carry | Step::Place => LOADED,
        Step::Release | Step::BlowOff => rgb(0xb79cff),
        Step::PutBack | Step::Clear => rgb(0xff6b81),
        Step::Done => rgb(0x454d59),
    }
}

/// A transform as Rerun takes it.
pub fn transform(a_from_b: &Isometry3<f64>) -> Transform3D {
    Transform3D::from_translation(position(a_from_b)).with_quaternion(quaternion(a_from_b))
}

/// The origin of B in A.
pub fn position(a_from_b: &Isometry3<f64>) -> [f32; 3] {
    vector(&a_from_b.translation.vector)
}

/// The rotation that takes B's axes to A's.
pub fn quaternion(a_from_b: &Isometry3<f64>) -> rerun::Quaternion {
    let q = a_from_b.rotation.coords;
    rerun::Quaternion::from_xyzw([q.x as f32, q.y as f32, q.z as f32, q.w as f32])
}

/// Three numbers in single precision.
pub fn vector(v: &nalgebra::Vector3<f64>) -> [f32; 3] {
    [v.x as f32, v.y as f32, v.z as f32]
}

/// Three numbers in single precision.
pub fn three(v: [f64; 3]) -> [f32; 3] {
    v.map(|x| x as f32)
}
