//! The memory that the emulated board shares with its host: sensors in, valves out, and the words that
//! tests need. A table of word offsets and plain reads and writes, so that both ends are this code.
//!
//! Neither end sees half an update: outputs are one word, samples stand behind a number that is odd
//! while they are written.

use core::sync::atomic::{AtomicU32, Ordering};

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};

use crate::remains;
use crate::{Birth, CUPS, Outputs, Samples};

/// Version of this layout; the board writes it at its start, and a host checks it.
pub const LAYOUT: u32 = 1;
/// Length of the page, bytes.
pub const BYTES: usize = 4 * WORDS;
/// Room for the bytes of one doorbell towards the board, and from it: as much as one tick says.
pub const IN_BYTES: usize = 1_024;
/// See [`IN_BYTES`].
pub const OUT_BYTES: usize = 2_560;
/// A page of the flash, and all of it, bytes.
pub const FLASH_PAGE: usize = 2_048;
/// See [`FLASH_PAGE`].
pub const FLASH_BYTES: usize = 2 * FLASH_PAGE;
/// What is written at once: as the flash of an STM32G474, two words.
const FLASH_WRITE: usize = 8;

/// Offsets in words. Who writes is said in brackets.
pub mod at {
    /// (board) [`LAYOUT`](super::LAYOUT), last of all words at the start.
    pub const LAYOUT: usize = 0;
    /// (host, before the start) 0 runs freely, 1 makes one step a doorbell.
    pub const MODE: usize = 1;
    /// (board) Starts since power came.
    pub const BOOTS: usize = 2;
    /// (board) Ticks since this start.
    pub const TICKS: usize = 3;
    /// (board) The least room that the stack ever had, bytes.
    pub const STACK_FREE: usize = 4;
    /// (board) Size of the stack, bytes.
    pub const STACK: usize = 5;
    /// (board) What the last run died of, as [`remains::number`](crate::remains::number), then where,
    /// then in which start.
    pub const CRASH: usize = 6;
    /// (board) The outputs, as [`Outputs::to_word`](crate::Outputs::to_word).
    pub const OUTPUTS: usize = 9;
    /// (host) What shall go wrong: 1 panic, 2 fault, 3 hang, 4 run out of stack. The board takes it back.
    pub const PROVOKE: usize = 10;
    /// (host) Power goes after so many words written to or erased in the flash; 0 is never.
    pub const CUT_AFTER: usize = 11;
    /// (board) 1 once it went: nothing is done any more.
    pub const CUT: usize = 12;
    /// (board) The outputs that it drove when it last died.
    pub const DIED_WITH: usize = 13;
    /// (host) Odd while the samples are written.
    pub const SEQUENCE: usize = 15;
    /// (host) Cups, manifold, load, strokes, then a word of bits: e-stop, supply, release input.
    pub const SAMPLES: usize = 16;
    /// (host) Counts up for each step; (board) `DONE` follows it.
    pub const DOORBELL: usize = 32;
    /// See [`DOORBELL`].
    pub const DONE: usize = 33;
    /// (host) The time of the step, ms.
    pub const TIME: usize = 34;
    /// (host) Bytes for the step; (board) bytes that it said.
    pub const IN_LENGTH: usize = 35;
    /// See [`IN_LENGTH`].
    pub const OUT_LENGTH: usize = 36;
    /// The bytes towards the board.
    pub const IN: usize = 64;
    /// The bytes from the board.
    pub const OUT: usize = IN + super::IN_BYTES / 4;
    /// The flash.
    pub const FLASH: usize = OUT + super::OUT_BYTES / 4;
}

const WORDS: usize = at::FLASH + FLASH_BYTES / 4;

/// Words that two ends share. What is out of range reads 0 and is not written.
pub trait Words {
    /// A word; whatever was written before it at the other end is seen after it.
    fn word(&self, at: usize) -> u32;
    /// Writes a word; the other end sees what was written before it first.
    fn set_word(&self, at: usize, word: u32);
}

impl Words for [AtomicU32] {
    fn word(&self, at: usize) -> u32 {
        self.get(at).map_or(0, |word| word.load(Ordering::Acquire))
    }
    fn set_word(&self, at: usize, word: u32) {
        if let Some(place) = self.get(at) {
            place.store(word, Ordering::Release);
        }
    }
}

/// At the board's start: what it is and what became of the last run. Outputs are without current, as
/// pins are after a reset.
pub fn announce(page: &(impl Words + ?Sized), birth: &Birth, stack_bytes: u32) {
    page.set_word(at::OUTPUTS, Outputs::default().to_word());
    page.set_word(at::BOOTS, birth.boots);
    page.set_word(at::STACK, stack_bytes);
    let crash = birth.crash.map_or([0; 3], |crash| [remains::number(crash.kind), crash.at, crash.boot]);
    for (place, word) in (at::CRASH..).zip(crash) {
        page.set_word(place, word);
    }
    page.set_word(at::LAYOUT, LAYOUT);
}

/// The host's end of the samples.
pub fn put_samples(page: &(impl Words + ?Sized), samples: &Samples) {
    let number = page.word(at::SEQUENCE);
    page.set_word(at::SEQUENCE, number | 1);
    let load = u32::from_le_bytes(samples.load_mn.to_le_bytes());
    let bits = u32::from(samples.estop) | u32::from(samples.supply_ok) << 1 | u32::from(samples.release_input) << 2;
    let strokes = samples.stroke_um.map(u32::from);
    let words = samples.cup_pa.into_iter().chain([samples.manifold_pa, load]).chain(strokes).chain([bits]);
    for (place, word) in (at::SAMPLES..).zip(words) {
        page.set_word(place, word);
    }
    page.set_word(at::SEQUENCE, (number | 1).wrapping_add(1));
}

/// The board's end of the samples; none while the host writes them: the last ones go on then.
pub fn samples(page: &(impl Words + ?Sized)) -> Option<Samples> {
    let number = page.word(at::SEQUENCE);
    let manifold = at::SAMPLES + CUPS;
    let bits = page.word(manifold + 2 + CUPS);
    let samples = Samples {
        cup_pa: core::array::from_fn(|i| page.word(at::SAMPLES + i)),
        manifold_pa: page.word(manifold),
        load_mn: i32::from_le_bytes(page.word(manifold + 1).to_le_bytes()),
        stroke_um: core::array::from_fn(|i| u16::try_from(page.word(manifold + 2 + i)).unwrap_or(u16::MAX)),
        estop: bits & 1 != 0,
        supply_ok: bits & 2 != 0,
        release_input: bits & 4 != 0,
    };
    (number.is_multiple_of(2) && page.word(at::SEQUENCE) == number).then_some(samples)
}

/// The outputs that the board drives.
pub fn outputs(page: &(impl Words + ?Sized)) -> Outputs {
    Outputs::from_word(page.word(at::OUTPUTS))
}

/// Writes bytes from a byte offset on.
fn put_bytes(page: &(impl Words + ?Sized), offset: usize, bytes: &[u8]) {
    for (i, &byte) in (offset..).zip(bytes) {
        let shift = 8 * (i % 4);
        page.set_word(i / 4, page.word(i / 4) & !(0xff << shift) | u32::from(byte) << shift);
    }
}

fn get_bytes(page: &(impl Words + ?Sized), offset: usize, into: &mut [u8]) {
    for (i, byte) in (offset..).zip(into) {
        let [a, b, c, d] = page.word(i / 4).to_le_bytes();
        *byte = match i % 4 {
            0 => a,
            1 => b,
            2 => c,
            _ => d,
        };
    }
}

/// One way of the bytes that go with a doorbell: who writes appends, who reads takes all.
#[derive(Debug, Clone, Copy)]
pub struct Mailbox {
    length: usize,
    bytes: usize,
    room: usize,
}

/// From the host to the board.
pub const TO_BOARD: Mailbox = Mailbox { length: at::IN_LENGTH, bytes: at::IN, room: IN_BYTES };
/// From the board to the host.
pub const TO_HOST: Mailbox = Mailbox { length: at::OUT_LENGTH, bytes: at::OUT, room: OUT_BYTES };

impl Mailbox {
    /// Appends all of the bytes, or none where there is no room: false then.
    pub fn append(&self, page: &(impl Words + ?Sized), bytes: &[u8]) -> bool {
        let length = usize::try_from(page.word(self.length)).unwrap_or(usize::MAX);
        let fits = length.checked_add(bytes.len()).is_some_and(|end| end <= self.room);
        if fits {
            put_bytes(page, 4 * self.bytes + length, bytes);
            page.set_word(self.length, u32::try_from(length + bytes.len()).unwrap_or(u32::MAX));
        }
        fits
    }

    /// Takes up to `into.len()` bytes from place `from` on; gives how many.
    pub fn read(&self, page: &(impl Words + ?Sized), from: usize, into: &mut [u8]) -> usize {
        let length = usize::try_from(page.word(self.length)).unwrap_or(usize::MAX).min(self.room);
        let count = length.saturating_sub(from).min(into.len());
        get_bytes(page, 4 * self.bytes + from, into.get_mut(..count).unwrap_or(&mut []));
        count
    }

    /// Takes all bytes out.
    pub fn clear(&self, page: &(impl Words + ?Sized)) {
        page.set_word(self.length, 0);
    }
}

/// The flash in the page: erased it is all ones, written bits only become zeros. Its power can be cut.
#[derive(Debug)]
pub struct Flash<'a, W: Words + ?Sized>(pub &'a W);

/// Why the flash did nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlashFault {
    /// The power is cut.
    Cut,
    /// Not within the flash, or not whole words or pages.
    Place,
}

impl NorFlashError for FlashFault {
    fn kind(&self) -> NorFlashErrorKind {
        match self {
            Self::Cut => NorFlashErrorKind::Other,
            Self::Place => NorFlashErrorKind::OutOfBounds,
        }
    }
}

impl<W: Words + ?Sized> Flash<'_, W> {
    /// As it comes from the factory; the host's, before the start.
    pub fn wipe(&self) {
        for place in at::FLASH..WORDS {
            self.0.set_word(place, u32::MAX);
        }
    }

    fn range(from: u32, length: usize, unit: usize) -> Result<usize, FlashFault> {
        let from = usize::try_from(from).map_err(|_| FlashFault::Place)?;
        let inside = from.checked_add(length).is_some_and(|end| end <= FLASH_BYTES);
        let whole = from.is_multiple_of(unit) && length.is_multiple_of(unit);
        if inside && whole { Ok(from) } else { Err(FlashFault::Place) }
    }

    /// One word changes, unless the power is gone.
    fn change(&self, place: usize, word: u32) -> Result<(), FlashFault> {
        if self.0.word(at::CUT) != 0 {
            return Err(FlashFault::Cut);
        }
        self.0.set_word(at::FLASH + place, word);
        let left = self.0.word(at::CUT_AFTER);
        if left > 0 {
            self.0.set_word(at::CUT_AFTER, left - 1);
            self.0.set_word(at::CUT, u32::from(left == 1));
        }
        Ok(())
    }
}

impl<W: Words + ?Sized> ErrorType for Flash<'_, W> {
    type Error = FlashFault;
}

impl<W: Words + ?Sized> ReadNorFlash for Flash<'_, W> {
    const READ_SIZE: usize = 1;
    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), FlashFault> {
        let from = Self::range(offset, bytes.len(), Self::READ_SIZE)?;
        get_bytes(self.0, 4 * at::FLASH + from, bytes);
        Ok(())
    }
    fn capacity(&self) -> usize {
        FLASH_BYTES
    }
}

impl<W: Words + ?Sized> NorFlash for Flash<'_, W> {
    const WRITE_SIZE: usize = FLASH_WRITE;
    const ERASE_SIZE: usize = FLASH_PAGE;
    async fn erase(&mut self, from: u32, to: u32) -> Result<(), FlashFault> {
        let length = usize::try_from(to.saturating_sub(from)).map_err(|_| FlashFault::Place)?;
        let start = Self::range(from, length, FLASH_PAGE)? / 4;
        (start..start + length / 4).try_for_each(|place| self.change(place, u32::MAX))
    }
    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), FlashFault> {
        let start = Self::range(offset, bytes.len(), FLASH_WRITE)? / 4;
        let (words, _) = bytes.as_chunks::<4>();
        (start..).zip(words).try_for_each(|(place, word)| {
            let before = self.0.word(at::FLASH + place);
            self.change(place, before & u32::from_le_bytes(*word))
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use std::vec::Vec;

    use super::*;
    use crate::{Capabilities, Config, ConfigSource, Crash, CrashKind, Limits, StoreError};

    const SAMPLES: Samples = Samples {
        cup_pa: [1, 2, 3, 4, 5, u32::MAX],
        manifold_pa: 60_000,
        load_mn: -7,
        stroke_um: [9, 8, 7, 6, 5, u16::MAX],
        estop: true,
        supply_ok: false,
        release_input: true,
    };

    fn page() -> Vec<AtomicU32> {
        (0..WORDS).map(|_| AtomicU32::new(0)).collect()
    }

    #[test]
    fn samples_come_as_they_went_and_not_at_all_while_they_are_written() {
        let page = page();
        assert_eq!(samples(&*page), Some(Samples::default()));
        put_samples(&*page, &SAMPLES);
        assert_eq!(samples(&*page), Some(SAMPLES));
        page[at::SEQUENCE].fetch_add(1, Ordering::Relaxed);
        assert_eq!(samples(&*page), None);
        put_samples(&*page, &Samples::default());
        assert_eq!(samples(&*page), Some(Samples::default()), "a host that died while it wrote is forgotten");
    }

    #[test]
    fn the_samples_end_before_the_doorbell_and_the_ways_before_the_flash() {
        let page = page();
        put_samples(&*page, &Samples { release_input: true, ..SAMPLES });
        let last = at::SAMPLES + 2 * CUPS + 2;
        assert_eq!(page.iter().rposition(|word| word.load(Ordering::Relaxed) != 0), Some(last));
        assert!(last < at::DOORBELL && at::OUT_LENGTH < at::IN && BYTES <= 16_384);
    }

    #[test]
    fn a_mailbox_takes_whole_packets_until_it_is_full() {
        let page = page();
        let mut sent = Vec::new();
        for number in 0_u8..40 {
            let packet = [number; 77];
            if TO_BOARD.append(&*page, &packet) {
                sent.extend(packet);
            }
        }
        assert_eq!(sent.len(), IN_BYTES / 77 * 77);
        let (mut found, mut chunk) = (Vec::<u8>::new(), [0; 64]);
        loop {
            let length = TO_BOARD.read(&*page, found.len(), &mut chunk);
            found.extend(&chunk[..length]);
            if length == 0 {
                break;
            }
        }
        assert_eq!(found, sent);
        assert_eq!(TO_HOST.read(&*page, 0, &mut chunk), 0, "the other way is another one");
        TO_BOARD.clear(&*page);
        assert_eq!(TO_BOARD.read(&*page, 0, &mut chunk), 0);
    }

    #[test]
    fn what_the_board_is_stands_in_the_page_before_its_version() {
        let page = page();
        let crash = Crash { kind: CrashKind::HardFault, at: 0x1234, boot: 3 };
        announce(&*page, &Birth { capabilities: Capabilities::STORE, boots: 4, crash: Some(crash) }, 6_144);
        let words = [at::LAYOUT, at::BOOTS, at::STACK, at::CRASH, at::CRASH + 1, at::CRASH + 2];
        assert_eq!(words.map(|place| page.word(place)), [LAYOUT, 4, 6_144, 2, 0x1234, 3]);
    }

    #[test]
    fn the_flash_keeps_a_configuration_and_a_cut_at_any_word_leaves_the_old_or_the_new() {
        let config = |number: u16| {
            let limits = Limits { seek_timeout_ms: 1_000 + number, ..Limits::DEFAULT };
            Config { limits, ..Config::default() }
        };
        let range = 0..FLASH_BYTES as u32;
        let (mut new, mut old) = (0, 0);
        for cut in 1_u16..700 {
            let page = page();
            Flash(&*page).wipe();
            // So many stores before that the cut one erases a page in some cases.
            for number in 0..cut % 40 {
                config(number).store(&mut Flash(&*page), range.clone()).unwrap();
            }
            page[at::CUT_AFTER].store(u32::from(cut), Ordering::Relaxed);
            let stored = config(500).store(&mut Flash(&*page), range.clone());
            assert!(matches!(stored, Ok(()) | Err(StoreError::Flash)), "{stored:?}");
            // Power is back; what the cut left half done is mended while it is read.
            for place in [at::CUT, at::CUT_AFTER] {
                page[place].store(0, Ordering::Relaxed);
            }
            let (found, source) = Config::load(&mut Flash(&*page), range.clone());
            let before = (cut % 40).checked_sub(1).map_or(Config::default(), config);
            assert!(
                found == config(500) || stored.is_err() && found == before,
                "cut after {cut}: {source:?} {found:?}"
            );
            new += u32::from(found == config(500));
            old += u32::from(found == before);
        }
        assert!(new > 50 && old > 5, "{new} new, {old} old");
        assert_eq!(Config::load(&mut Flash(&*page()), range).1, ConfigSource::Broken, "a flash that is all zeros");
    }

    #[test]
    fn the_flash_refuses_what_is_not_in_it() {
        let page = page();
        let write = |offset, length| {
            let refused = Flash::<[AtomicU32]>::range(offset, length, FLASH_WRITE);
            assert_eq!(refused, Err(FlashFault::Place), "{offset} {length}");
        };
        Flash(&*page).wipe();
        write(4_092, 8);
        write(4, 8);
        write(0, 12);
        write(u32::MAX, 8);
        assert_eq!(Flash::<[AtomicU32]>::range(4_088, 8, FLASH_WRITE), Ok(4_088));
    }
}
