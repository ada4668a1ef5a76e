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
