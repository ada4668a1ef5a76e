//! FDCAN1: CAN FD frames of up to 64 bytes, polled.

use embassy_stm32::pac;

/// Bytes of the longest frame, and of the longest of the older CAN.
const MOST: u8 = 64;
const MOST_OLD: u8 = 8;
/// A frame has one of these lengths; this is the order of their codes.
const LENGTHS: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 20, 24, 32, 48, 64];
/// Words of one element in the message RAM: two of header, then the bytes. Three elements a queue.
const ELEMENT: usize = 18;

/// One rate, in units of its prescaled clock: 1 of synchronisation, `before` and `after` the sample.
#[derive(Clone, Copy)]
pub struct Rate {
    /// The clock is divided by this.
    pub prescaler: u8,
    /// Units before the sample.
    pub before: u8,
    /// Units after it, and the most that a resynchronisation jumps.
    pub after: u8,
}

/// FDCAN1; there is one.
pub struct Can(());

impl Can {
    /// Takes every frame. Its pins and its clock are set before.
    pub fn start(arbitration: Rate, data: Rate) -> Self {
        let can = pac::FDCAN1;
        pac::RCC.apb1enr1().modify(|w| w.set_fdcanen(true));
        can.cccr().modify(|w| w.set_init(true));
        while !can.cccr().read().init() {}
        can.cccr().modify(|w| w.set_cce(true));
        for word in 0..3 * ELEMENT {
            pac::FDCANRAM1.rxfifo0(word).write_value(0);
            pac::FDCANRAM1.txbuf(word).write_value(0);
        }
        can.nbtp().write(|w| {
            w.set_nbrp(u16::from(arbitration.prescaler - 1));
            w.set_ntseg1(arbitration.before - 1);
            w.set_ntseg2(arbitration.after - 1);
            w.set_nsjw(arbitration.after - 1);
        });
        can.dbtp().write(|w| {
            w.set_dbrp(data.prescaler - 1);
            w.set_dtseg1(data.before - 1);
            w.set_dtseg2(data.after - 1);
            w.set_dsjw(data.after - 1);
            w.set_tdc(true);
        });
        // The second sample comes as late in the bit as the first, counted from the measured delay.
        can.tdcr().write(|w| w.set_tdco((data.before + 1) * data.prescaler));
        // No filters: whatever comes goes to the first queue, but for frames without bytes.
        can.rxgfc().write(|w| {
            w.set_rrfs(true);
            w.set_rrfe(true);
        });
        can.cccr().modify(|w| {
            w.set_fdoe(true);
            w.set_brse(true);
        });
        can.cccr().modify(|w| w.set_init(false));
        Self(())
    }

    /// Takes the oldest frame; none where there is none or it does not fit.
    pub fn receive(&mut self, into: &mut [u8]) -> Option<usize> {
        let can = pac::FDCAN1;
        // After too many errors it leaves the bus, and comes back as soon as it is told to.
        if can.cccr().read().init() {
            can.cccr().modify(|w| w.set_init(false));
        }
        let queue = can.rxfs(0).read();
        if queue.ffl() == 0 {
            return None;
        }
        let at = usize::from(queue.fgi()) * ELEMENT;
        let header = pac::FDCANRAM1.rxfifo0(at + 1).read();
        // Whatever the code says, without the FD bit it is a frame of the older CAN.
        let most = if header & 1 << 21 != 0 { MOST } else { MOST_OLD };
        let length = LENGTHS.get(header as usize >> 16 & 15).map_or(0, |&length| usize::from(length.min(most)));
        for (word, places) in (at + 2..).zip(into.get_mut(..length)?.chunks_mut(4)) {
            let bytes = pac::FDCANRAM1.rxfifo0(word).read().to_le_bytes();
            for (place, byte) in places.iter_mut().zip(bytes) {
                *place = byte;
            }
        }
        can.rxfa(0).write(|w| w.set_fai(queue.fgi()));
        Some(length)
    }

    /// Sends as many of `waiting` bytes as there is room for, in frames with an 11-bit identifier. None is
    /// filled up: bytes make a frame of the greatest length that they fill.
    pub fn send(&mut self, id: u16, mut waiting: usize, mut bytes: impl FnMut() -> Option<u8>) {
        let can = pac::FDCAN1;
        while waiting > 0 {
            let queue = can.txfqs().read();
            if queue.tfqf() {
                return;
            }
            let code = LENGTHS.iter().rposition(|&length| usize::from(length) <= waiting).unwrap_or(0);
            let length = LENGTHS.get(code).map_or(0, |&length| usize::from(length));
            let at = usize::from(queue.tfqpi()) * ELEMENT;
            pac::FDCANRAM1.txbuf(at).write_value(u32::from(id) << 18);
            // With FD and its higher rate.
            pac::FDCANRAM1.txbuf(at + 1).write_value((code as u32) << 16 | 1 << 21 | 1 << 20);
            let mut left = length;
            for word in 0..length.div_ceil(4) {
                let mut four = [0; 4];
                for place in four.iter_mut().take(left) {
                    *place = bytes().unwrap_or(0);
                }
                left = left.saturating_sub(4);
                pac::FDCANRAM1.txbuf(at + 2 + word).write_value(u32::from_le_bytes(four));
            }
            can.txbar().write(|w| w.set_ar(usize::from(queue.tfqpi()), true));
            waiting -= length;
        }
    }
}
