//! What is stored against power cuts and bit rot: the old, the new, or the defaults, never a mixture.

use embedded_storage_async::nor_flash::{ErrorType, NorFlash, NorFlashError, NorFlashErrorKind, ReadNorFlash};
use firmware::{Calibration, Config, ConfigSource, Limits, StoreError};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Two pages, as the board's; smaller, so that they fill up soon.
const PAGE: usize = 2_048;
const SIZE: usize = 2 * PAGE;
/// A word of the STM32G474's flash is 8 bytes.
const WORD: usize = 8;
const RANGE: std::ops::Range<u32> = 0..SIZE as u32;

#[derive(Debug)]
struct Cut;

impl NorFlashError for Cut {
    fn kind(&self) -> NorFlashErrorKind {
        NorFlashErrorKind::Other
    }
}

/// A flash whose current fails after so many bytes were written or erased.
#[derive(Clone)]
struct Flash {
    bytes: Vec<u8>,
    left: u32,
    spent: u32,
}

impl Flash {
    fn new() -> Self {
        Self { bytes: vec![0xff; SIZE], left: u32::MAX, spent: 0 }
    }

    fn spend(&mut self) -> Result<(), Cut> {
        self.left = self.left.checked_sub(1).ok_or(Cut)?;
        self.spent += 1;
        Ok(())
    }
}

impl ErrorType for Flash {
    type Error = Cut;
}

impl ReadNorFlash for Flash {
    const READ_SIZE: usize = 1;
    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), Cut> {
        let at = offset as usize;
        bytes.copy_from_slice(&self.bytes[at..at + bytes.len()]);
        Ok(())
    }
    fn capacity(&self) -> usize {
        SIZE
    }
}

impl NorFlash for Flash {
    const WRITE_SIZE: usize = WORD;
    const ERASE_SIZE: usize = PAGE;
    async fn erase(&mut self, from: u32, to: u32) -> Result<(), Cut> {
        for at in from..to {
            self.spend()?;
            self.bytes[at as usize] = 0xff;
        }
        Ok(())
    }
    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), Cut> {
        assert!((offset as usize).is_multiple_of(WORD) && bytes.len().is_multiple_of(WORD));
        for (at, byte) in (offset as usize..).zip(bytes) {
            self.spend()?;
            assert_eq!(self.bytes[at] & byte, *byte, "byte {at} is written without being erased");
            self.bytes[at] &= byte;
        }
        Ok(())
    }
}

fn config(number: u16) -> Config {
    Config {
        limits: Limits { seek_timeout_ms: 1_000 + number, ..Limits::default() },
        calibration: Calibration { clean_evacuate_ms: number, ..Calibration::default() },
    }
}

#[test]
fn an_empty_flash_gives_the_defaults_and_a_full_one_what_was_stored_last() {
    let mut flash = Flash::new();
    assert_eq!(Config::load(&mut flash, RANGE), (Config::default(), ConfigSource::Nothing));
    for number in 0..300 {
        config(number).store(&mut flash, RANGE).unwrap();
        assert_eq!(Config::load(&mut flash, RANGE), (config(number), ConfigSource::Stored));
    }
}

#[test]
fn a_power_cut_at_any_byte_of_a_write_leaves_the_old_or_the_new() {
    let mut flash = Flash::new();
    let (mut cuts, mut old_left, mut with_erase) = (0, 0, 0);
    // Enough stores that both pages are filled and erased again.
    for number in 1..140 {
        let before = flash.clone();
        flash.spent = 0;
        config(number).store(&mut flash, RANGE).unwrap();
        let needed = flash.spent;
        // Every byte of a plain write; of one that erases a page, every byte but the page's inner ones.
        with_erase += u32::from(needed > PAGE as u32);
        for left in (0..needed).filter(|left| needed < 400 || left % 61 == 0 || needed - left < 300) {
            let mut cut = Flash { left, ..before.clone() };
            assert_eq!(config(number).store(&mut cut, RANGE), Err(StoreError::Flash));
            cut.left = u32::MAX;
            let (found, source) = Config::load(&mut cut, RANGE);
            let old = if number == 1 { Config::default() } else { config(number - 1) };
            assert!(
                found == old || found == config(number),
                "cut after {left} of {needed} bytes: {source:?}, {found:?}"
            );
            // And the next store works all the same.
            config(number + 7).store(&mut cut, RANGE).unwrap();
            assert_eq!(Config::load(&mut cut, RANGE), (config(number + 7), ConfigSource::Stored), "after {left}");
            cuts += 1;
            old_left += u32::from(found == old);
        }
    }
    assert!(cuts > 5_000 && old_left > 1_000 && with_erase > 1, "{cuts} cuts, {old_left} old, {with_erase} erases");
}

#[test]
fn bit_rot_gives_the_defaults_or_what_was_stored_and_never_another_value() {
    let mut rng = ChaCha8Rng::seed_from_u64(20_261_127);
    let mut flash = Flash::new();
    config(1).store(&mut flash, RANGE).unwrap();
    config(2).store(&mut flash, RANGE).unwrap();
    for _ in 0..3_000 {
        let mut rotten = flash.clone();
        for _ in 0..rng.random_range(1..4) {
            let at = rng.random_range(0..300);
            rotten.bytes[at] ^= 1 << rng.random_range(0..8);
        }
        let (found, _) = Config::load(&mut rotten, RANGE);
        assert!([Config::default(), config(1), config(2)].contains(&found), "{found:?}");
    }
}

#[test]
fn what_is_out_of_range_is_not_stored_and_a_range_that_is_no_pages_is_refused() {
    let mut flash = Flash::new();
    let wild = Config { limits: Limits { heartbeat_ms: 5, ..Limits::default() }, ..Config::default() };
    let error = wild.store(&mut flash, RANGE).unwrap_err();
    assert_eq!(error.to_string(), "heartbeat_ms at 5 ms is outside [20, 500] ms");
    assert_eq!(config(1).store(&mut flash, 0..PAGE as u32), Err(StoreError::Flash));
    assert_eq!(Config::load(&mut flash, 0..100), (Config::default(), ConfigSource::Broken));
}
