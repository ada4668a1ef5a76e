//! What is kept in the board's flash: limits and calibration, with a version and a checksum, through
//! [sequential-storage](https://docs.rs/sequential-storage), which spreads the wear and leaves the old
//! or the new when power is cut. What is broken or of another version counts as not there.

use core::future::Future;
use core::ops::Range;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use crc::{CRC_32_ISCSI, Crc};
use embedded_storage_async::nor_flash::NorFlash;
use sequential_storage::cache::Cache;
use sequential_storage::map::{MapConfig, MapStorage};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::limits::within;
use crate::{CUPS, ConfigSource, LimitError, Limits};

/// Version of what is stored; another one is not read.
const VERSION: u8 = 1;
/// The only key.
const KEY: u8 = 0;
/// Room for what is stored, and for a page's word that the storage aligns to.
const ROOM: usize = 160;
const CHECKSUM: usize = 4;
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// Corrections of the sensors. The default corrects nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// What each cup's sensor reads at ambient, in Pa; -5 000 to 5 000.
    pub cup_zero_pa: [i16; CUPS],
    /// What the manifold's sensor reads at ambient, in Pa; -5 000 to 5 000.
    pub manifold_zero_pa: i16,
    /// True load for 1 000 mN that the load cell reads, in mN; 500 to 2 000.
    pub load_permille: u16,
    /// Time in which a clean tool's closed manifold reaches 50 kPa, as a leak test found it; 0 where
    /// nobody has measured: then no filter is called clogged. At most 1 500.
    pub clean_evacuate_ms: u16,
}

impl Default for Calibration {
    fn default() -> Self {
        Self::NONE
    }
}

impl Calibration {
    /// Of a controller that is asleep; no check lets it through.
    pub(crate) const ZERO: Self =
        Self { cup_zero_pa: [0; CUPS], manifold_zero_pa: 0, load_permille: 0, clean_evacuate_ms: 0 };

    /// Corrects nothing.
    pub const NONE: Self = Self { load_permille: 1_000, ..Self::ZERO };

    /// Checks every range.
    ///
    /// # Errors
    /// The first field that breaks its range.
    pub fn check(&self) -> Result<(), LimitError> {
        for zero in self.cup_zero_pa {
            within("cup_zero_pa", zero, "Pa", -5_000, 5_000)?;
        }
        within("manifold_zero_pa", self.manifold_zero_pa, "Pa", -5_000, 5_000)?;
        within("load_permille", self.load_permille, "‰", 500, 2_000)?;
        within("clean_evacuate_ms", self.clean_evacuate_ms, "ms", 0, 1_500)
    }

    /// The load that a reading stands for.
    pub(crate) fn load_mn(&self, raw_mn: i32) -> i32 {
        let load = i64::from(raw_mn) * i64::from(self.load_permille) / 1_000;
        i32::try_from(load).unwrap_or(if load < 0 { i32::MIN } else { i32::MAX })
    }
}

/// The pressure that a reading in range stands for.
pub(crate) fn less_zero(raw_pa: u32, zero_pa: i16) -> u32 {
    raw_pa.saturating_add_signed(i32::from(zero_pa).saturating_neg())
}

/// All that is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Config {
    /// In force until a host sends its own.
    pub limits: Limits,
    /// In force until a host sends another.
    pub calibration: Calibration,
}

/// Why nothing was stored. What was stored before is still there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A value is out of range.
    #[error(transparent)]
    Range(#[from] LimitError),
    /// The flash refuses, or the range of it is no whole number of at least two of its pages.
    #[error("flash refused; {ROOM} bytes in two or more whole pages are needed")]
    Flash,
}

impl Config {
    fn to_bytes(self, room: &mut [u8; ROOM]) -> Option<&[u8]> {
        let (version, rest) = room.split_first_mut()?;
        *version = VERSION;
        let body = postcard::to_slice(&self, rest.get_mut(..ROOM - 1 - CHECKSUM)?).ok()?.len();
        let checksum = CRC.checksum(room.get(..=body)?).to_le_bytes();
        room.get_mut(body + 1..body + 1 + CHECKSUM)?.copy_from_slice(&checksum);
        room.get(..body + 1 + CHECKSUM)
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (kept, checksum) = bytes.split_last_chunk::<CHECKSUM>()?;
        let (&version, body) = kept.split_first()?;
        if version != VERSION || CRC.checksum(kept) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (config, rest) = postcard::take_from_bytes::<Self>(body).ok()?;
        (rest.is_empty() && config.limits.check().is_ok() && config.calibration.check().is_ok()).then_some(config)
    }

    /// Reads what is stored in a range of a flash; the defaults where nothing whole is there.
    pub fn load(flash: &mut impl NorFlash, range: Range<u32>) -> (Self, ConfigSource) {
        let Ok(map) = MapConfig::try_new(range) else { return (Self::default(), ConfigSource::Broken) };
        let mut storage = MapStorage::new(flash, map, Cache::new_uncached());
        let mut buffer = [0; ROOM];
        match at_once(storage.fetch_item::<&[u8]>(&mut buffer, &KEY)) {
            Some(Ok(None)) => (Self::default(), ConfigSource::Nothing),
            Some(Ok(Some(bytes))) => Self::from_bytes(bytes)
                .map_or((Self::default(), ConfigSource::Broken), |config| (config, ConfigSource::Stored)),
            Some(Err(_)) | None => (Self::default(), ConfigSource::Broken),
        }
    }

    /// Stores into a range of a flash; power may go at any moment.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn store(&self, flash: &mut impl NorFlash, range: Range<u32>) -> Result<(), StoreError> {
        self.limits.check()?;
        self.calibration.check()?;
        let mut room = [0; ROOM];
        let bytes = self.to_bytes(&mut room).ok_or(StoreError::Flash)?;
        let map = MapConfig::try_new(range).map_err(|_| StoreError::Flash)?;
        let mut storage = MapStorage::new(flash, map, Cache::new_uncached());
        let mut buffer = [0; ROOM];
        match at_once(storage.store_item(&mut buffer, &KEY, &bytes)) {
            Some(Ok(())) => Ok(()),
            Some(Err(_)) | None => Err(StoreError::Flash),
        }
    }
}

/// What a future gives that never waits, as those of a flash that blocks; none where it does wait.
fn at_once<F: Future>(future: F) -> Option<F::Output> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}
