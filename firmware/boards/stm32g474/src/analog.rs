//! Pressures, load and strokes: what a volt means. The README has the wiring.

use core::sync::atomic::{AtomicU16, Ordering};

use embassy_stm32::pac;
use firmware::{CUPS, Samples};

/// ADC1, channels of PA0 to PA3 and PC0 to PC3: the cups, the manifold, the load cell.
const FIRST: [u8; CUPS + 2] = [1, 2, 3, 4, 6, 7, 8, 9];
/// ADC2, channels of PA6, PA7, PB2, PB15, PC4, PC5: the strokes.
const SECOND: [u8; CUPS] = [3, 4, 12, 15, 5, 11];
/// DMAMUX inputs of both.
const FIRST_REQUEST: u8 = 5;
const SECOND_REQUEST: u8 = 36;

/// The newest conversions, of 3.3 V for 4 096.
static PRESSURES: [AtomicU16; FIRST.len()] = [const { AtomicU16::new(0) }; FIRST.len()];
static STROKES: [AtomicU16; SECOND.len()] = [const { AtomicU16::new(0) }; SECOND.len()];

/// Pressure sensors give 0.33 V at ambient and 2.97 V at 100 kPa below.
const AMBIENT: u32 = 410;
const SPAN: u32 = 3_686 - AMBIENT;
const SPAN_PA: u32 = 100_000;
/// Below and above this no sensor gives: a wire is broken or shorted.
const LEAST: u32 = 205;
const MOST: u32 = 3_891;
/// The load cell's amplifier gives 1.65 V without load, and 0 or 3.3 V at 300 N of push or pull.
const NO_LOAD: i32 = 2_048;
const FULL_LOAD_MN: i32 = 300_000;
/// A stroke of 25 mm is 3.3 V.
const FULL_STROKE_UM: u32 = 25_000;

fn pressure_pa(raw: u32) -> u32 {
    if (LEAST..=MOST).contains(&raw) { raw.saturating_sub(AMBIENT) * SPAN_PA / SPAN } else { u32::MAX }
}

/// Fills in what the ADCs measure.
pub fn sample(into: &mut Samples) {
    let newest = |place: &AtomicU16| u32::from(place.load(Ordering::Relaxed));
    let [cups @ .., manifold, load] = &PRESSURES;
    into.cup_pa = cups.each_ref().map(|place| pressure_pa(newest(place)));
    into.manifold_pa = pressure_pa(newest(manifold));
    into.load_mn = (newest(load) as i32 - NO_LOAD) * FULL_LOAD_MN / NO_LOAD;
    into.stroke_um = STROKES.each_ref().map(|place| (newest(place) * FULL_STROKE_UM / 4_096) as u16);
}

/// Every channel some 20 000 times a second.
pub fn start() {
    g4::adc::enable();
    g4::adc::convert(pac::ADC1, &FIRST, 0, FIRST_REQUEST, &PRESSURES);
    g4::adc::convert(pac::ADC2, &SECOND, 1, SECOND_REQUEST, &STROKES);
}
