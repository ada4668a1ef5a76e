//! What a run leaves to the next in memory that no start clears: how often the board started, and
//! what the last run died of. Without power it is gone, which a checksum shows.

use core::sync::atomic::{AtomicU32, Ordering};

use crc::{CRC_32_ISCSI, Crc};

use crate::{Birth, Capabilities, Crash, CrashKind};

/// Words of memory: starts, how it died (0 for none), where, in which start, checksum.
pub const WORDS: usize = 5;
/// The order is that of the numbers in memory, which begin at 1.
const KINDS: [CrashKind; 4] = [CrashKind::Panic, CrashKind::HardFault, CrashKind::Watchdog, CrashKind::BrownOut];
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISCSI);

/// The number of a kind of crash where a word holds it; 0 is none.
#[must_use]
pub fn number(kind: CrashKind) -> u32 {
    (1..).zip(KINDS).find(|(_, known)| *known == kind).map_or(0, |(number, _)| number)
}

fn kind(number: u32) -> Option<CrashKind> {
    KINDS.get(usize::try_from(number).ok()?.checked_sub(1)?).copied()
}

fn checksum(words: [u32; WORDS - 1]) -> u32 {
    let mut digest = CRC.digest();
    for word in words {
        digest.update(&word.to_le_bytes());
    }
    digest.finalize()
}

fn read(memory: &[AtomicU32; WORDS]) -> Option<[u32; WORDS - 1]> {
    let [words @ .., sum] = memory.each_ref().map(|word| word.load(Ordering::Relaxed));
    (checksum(words) == sum).then_some(words)
}

fn write(memory: &[AtomicU32; WORDS], words: [u32; WORDS - 1]) {
    for (place, word) in memory.iter().zip(words.into_iter().chain([checksum(words)])) {
        place.store(word, Ordering::Relaxed);
    }
}

/// At each start: counts it and takes out what the last run died of. `cause` is what the processor's
/// reset flags say, for a death that leaves no words of its own; it counts for nothing where power had
/// gone and with it the memory, since flags tell power that comes and power that sags as one.
pub fn wake(memory: &[AtomicU32; WORDS], capabilities: Capabilities, cause: Option<CrashKind>) -> Birth {
    let [boots, died, at, boot] = read(memory).unwrap_or_default();
    let left = kind(died).map(|kind| Crash { kind, at, boot });
    let told = cause.filter(|_| boots > 0).map(|kind| Crash { kind, at: 0, boot: boots });
    let crash = left.or(told);
    let boots = boots.saturating_add(1);
    write(memory, [boots, 0, 0, 0]);
    Birth { capabilities, boots, crash }
}

/// While dying: leaves how and where.
pub fn leave(memory: &[AtomicU32; WORDS], died: CrashKind, at: u32) {
    let [boots, ..] = read(memory).unwrap_or_default();
    write(memory, [boots, number(died), at, boots]);
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: Capabilities = Capabilities(0);

    fn memory(words: [u32; WORDS]) -> [AtomicU32; WORDS] {
        words.map(AtomicU32::new)
    }

    #[test]
    fn power_that_comes_is_the_first_start_whatever_the_memory_holds() {
        for words in [[0; WORDS], [u32::MAX; WORDS], [7, 1, 99, 7, 3]] {
            let birth = wake(&memory(words), NOTHING, Some(CrashKind::BrownOut));
            assert_eq!((birth.boots, birth.crash), (1, None), "{words:?}");
        }
    }

    #[test]
    fn each_kind_of_crash_is_told_to_the_next_start_and_to_no_other() {
        let memory = memory([0; WORDS]);
        for (boot, kind) in (1..).zip(KINDS) {
            assert_eq!(wake(&memory, NOTHING, None).boots, boot * 2 - 1);
            leave(&memory, kind, 300 + boot);
            let crash = wake(&memory, NOTHING, None).crash;
            assert_eq!(crash, Some(Crash { kind, at: 300 + boot, boot: boot * 2 - 1 }));
        }
        assert_eq!(wake(&memory, NOTHING, None).crash, None);
    }

    #[test]
    fn a_death_that_leaves_no_words_is_told_by_the_flags_and_words_count_for_more() {
        let memory = memory([0; WORDS]);
        wake(&memory, NOTHING, None);
        let crash = wake(&memory, NOTHING, Some(CrashKind::Watchdog)).crash;
        assert_eq!(crash, Some(Crash { kind: CrashKind::Watchdog, at: 0, boot: 1 }));
        leave(&memory, CrashKind::Panic, 40);
        let crash = wake(&memory, NOTHING, Some(CrashKind::Watchdog)).crash;
        assert_eq!(crash, Some(Crash { kind: CrashKind::Panic, at: 40, boot: 2 }));
    }

    #[test]
    fn a_flipped_bit_in_the_memory_makes_it_the_memory_of_nobody() {
        let memory = memory([0; WORDS]);
        wake(&memory, NOTHING, None);
        leave(&memory, CrashKind::Panic, 40);
        for word in &memory {
            for bit in 0..32 {
                word.fetch_xor(1 << bit, Ordering::Relaxed);
                assert_eq!(read(&memory), None);
                word.fetch_xor(1 << bit, Ordering::Relaxed);
            }
        }
        assert_eq!(read(&memory), Some([1, 1, 40, 1]));
    }
}
