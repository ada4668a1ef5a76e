//! The link: USART1 and FDCAN1 beside it. Both carry the same bytes; answers go where the last request
//! came from.

use g4::can::{Can, Rate};
use g4::uart::Uart;
use heapless::Deque;

/// The UART's clock over 2 Mbit/s.
const DIVIDER: u16 = 85;
/// 1 Mbit/s: 170 MHz / 2 / (1 + 63 + 21).
const ARBITRATION: Rate = Rate { prescaler: 2, before: 63, after: 21 };
/// 5 Mbit/s: 170 MHz / (1 + 24 + 9).
const DATA: Rate = Rate { prescaler: 1, before: 24, after: 9 };
/// The tool's identifier on the CAN; the host's frames may have any other.
const TOOL: u16 = 0x102;

/// Bytes from whoever speaks, and to them.
pub struct Link {
    uart: Uart,
    can: Can,
    waiting: Deque<u8, 768>,
    over_can: bool,
}

impl Link {
    pub fn start() -> Self {
        Self { uart: Uart::start(DIVIDER), can: Can::start(ARBITRATION, DATA), waiting: Deque::new(), over_can: false }
    }

    /// Takes bytes that have come, and gives how many; hands on what waits.
    pub fn receive(&mut self, into: &mut [u8]) -> usize {
        self.pump();
        let mut length = self.uart.receive(into);
        if length > 0 {
            self.over_can = false;
        }
        // A frame that does not fit stays for the next call.
        while let Some(more) = into.get_mut(length..).and_then(|rest| self.can.receive(rest)) {
            self.over_can = true;
            length += more;
        }
        length
    }

    /// Queues a packet, or drops it where there is no room: the gap in the numbers tells.
    pub fn send(&mut self, packet: &[u8]) {
        if self.waiting.capacity() - self.waiting.len() >= packet.len() {
            self.waiting.extend(packet.iter().copied());
        }
        self.pump();
    }

    fn pump(&mut self) {
        let waits = self.waiting.len();
        let next = || self.waiting.pop_front();
        if self.over_can { self.can.send(TOOL, waits, next) } else { self.uart.send(next) }
    }
}
