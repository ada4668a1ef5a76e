//! What goes into a tick and what comes out.

use crate::{CUPS, Packet, Report};

/// What the board measured just before a tick. All zero by default: no vacuum, **no supply**.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Samples {
    /// Pressure at each cup, in Pa below ambient; what is above ambient reads 0. `u32::MAX` stands
    /// for a sensor that can't be read.
    pub cup_pa: [u32; CUPS],
    /// Pressure in the manifold, in Pa below ambient.
    pub manifold_pa: u32,
    /// Load cell as it reads, tool weight included: positive is pull, negative is push.
    pub load_mn: i32,
    /// How far each cup is pushed in, in µm.
    pub stroke_um: [u16; CUPS],
    /// The emergency stop is pressed.
    pub estop: bool,
    /// Compressed air is there.
    pub supply_ok: bool,
    /// A person asks to let go; only `SafeHolding` listens.
    pub release_input: bool,
}

/// What the board has to drive until the next tick. The default is what every output does
/// without power: valves on vacuum, the rest off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outputs {
    /// The vacuum generator runs.
    pub generator: bool,
    /// Current through each cup's 3/2 valve: true is vent gallery, false is vacuum.
    pub vent: [bool; CUPS],
    /// Compressed air into the vent gallery.
    pub blow_off: bool,
    /// Force of the pinch; 0 is unpowered, open.
    pub pinch_force_mn: u16,
    /// Brightness of the lamp, 0 to 100.
    pub light_percent: u8,
}

impl Outputs {
    /// All outputs in one word, so that nobody can see half of them: bits 0 to 5 the vents, 6 the
    /// generator, 7 blow-off, 8 to 15 the lamp, 16 to 31 the pinch.
    #[must_use]
    pub fn to_word(&self) -> u32 {
        let vents = self.vent.iter().enumerate().map(|(i, &vents)| u32::from(vents) << i).sum::<u32>();
        let others = u32::from(self.generator) << 6 | u32::from(self.blow_off) << 7;
        vents | others | u32::from(self.light_percent) << 8 | u32::from(self.pinch_force_mn) << 16
    }

    /// The outputs of a word.
    #[must_use]
    pub fn from_word(word: u32) -> Self {
        let [bits, light_percent, low, high] = word.to_le_bytes();
        Self {
            generator: bits & 1 << 6 != 0,
            vent: core::array::from_fn(|i| bits & 1 << i != 0),
            blow_off: bits & 1 << 7 != 0,
            pinch_force_mn: u16::from_le_bytes([low, high]),
            light_percent,
        }
    }
}

/// The reports of one tick, in the order in which to send them; the last is the `Status`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reports {
    packets: [Packet<Report>; Self::MAX],
    length: usize,
}

impl Reports {
    /// The most that one tick reports: hello and its answer, one event of each cup, one of each
    /// of seven other kinds, a fault, the end of a store, a leak test, the status.
    pub const MAX: usize = 2 + CUPS + 7 + 3 + 1;

    /// The packets in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Packet<Report>] {
        self.packets.get(..self.length).unwrap_or(&[])
    }

    /// The packets in order.
    pub fn iter(&self) -> core::slice::Iter<'_, Packet<Report>> {
        self.as_slice().iter()
    }

    pub(crate) fn new() -> Self {
        let filler = Packet { session: 0, seq: 0, body: Report::Done { seq: 0 } };
        Self { packets: [filler; Self::MAX], length: 0 }
    }

    /// Appends a report under the next number. [`MAX`](Self::MAX) is the most that a tick can say;
    /// were it ever passed, the gap in the numbers would tell the host.
    pub(crate) fn say(&mut self, seq: &mut u8, body: Report) {
        if let Some(slot) = self.packets.get_mut(self.length) {
            // The session is filled in where the packet is sent.
            *slot = Packet { session: 0, seq: *seq, body };
            self.length += 1;
        }
        *seq = seq.wrapping_add(1);
    }
}

impl<'a> IntoIterator for &'a Reports {
    type Item = &'a Packet<Report>;
    type IntoIter = core::slice::Iter<'a, Packet<Report>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// What one tick gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// What to drive.
    pub outputs: Outputs,
    /// What to send.
    pub reports: Reports,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_in_a_word_are_the_same_outputs_and_no_word_is_none() {
        let each = [
            (Outputs::default(), 0),
            (Outputs { vent: [true, false, false, false, false, true], ..Outputs::default() }, 0b10_0001),
            (Outputs { generator: true, blow_off: true, ..Outputs::default() }, 0xc0),
            (Outputs { light_percent: 100, pinch_force_mn: 60_000, ..Outputs::default() }, 60_000 << 16 | 100 << 8),
        ];
        for (outputs, word) in each {
            assert_eq!(outputs.to_word(), word);
            assert_eq!(Outputs::from_word(word), outputs);
        }
        assert_eq!(Outputs::from_word(u32::MAX).to_word(), u32::MAX);
    }
}
