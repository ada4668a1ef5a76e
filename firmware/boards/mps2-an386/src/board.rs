//! The board: sensors and valves in the shared page, the link by queues of bytes.

use core::sync::atomic::AtomicU32;

use firmware::board::Board;
use firmware::page::{self, TO_BOARD, TO_HOST, Words, at};
use firmware::{Outputs, Samples};
use heapless::spsc::{Consumer, Producer, Queue};

use cmsdk::{Clock, Interrupt, Watchdog};

/// Where the emulator maps the shared file: the board's PSRAM, Arm DAI 0386.
const PAGE: usize = 0x2100_0000;

/// Bytes that have come and wait for a step: four of the longest packets.
pub type FromHost = Queue<u8, 512>;
/// Bytes that wait for the line: a full status and nine more packets. What finds no room is not said,
/// and the gap in the numbers tells the host.
pub type ToHost = Queue<u8, 1_024>;

/// The shared page.
pub fn page() -> &'static [AtomicU32] {
    // SAFETY: RAM of its own, larger than the page, that nothing else in the image refers to; whoever
    // else writes there, the host, does so in whole words.
    unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(PAGE), page::BYTES / 4) }
}

/// Whether the host steps the image by a doorbell.
pub fn is_stepped(page: &[AtomicU32]) -> bool {
    page.word(at::MODE) != 0
}

/// Where the flash's power was cut, nothing is done any more.
pub fn end_where_power_is_cut() {
    if page().word(at::CUT) != 0 {
        cortex_m::interrupt::disable();
        loop {
            Watchdog::feed();
        }
    }
}

/// What the host wants to go wrong, for tests.
#[expect(clippy::panic, reason = "it is what a test asks for")]
pub fn provoked() {
    let wanted = page().word(at::PROVOKE);
    if wanted == 0 {
        return;
    }
    page().set_word(at::PROVOKE, 0);
    match wanted {
        1 => panic!("provoked"),
        2 => cortex_m::asm::udf(),
        3 => loop {
            cortex_m::asm::nop();
        },
        _ => {
            run_out_of_stack(wanted);
        }
    }
}

#[inline(never)]
#[expect(unconditional_recursion, reason = "it is what a test asks for")]
fn run_out_of_stack(depth: u32) -> u32 {
    let here = core::hint::black_box([depth; 16]);
    run_out_of_stack(here.iter().fold(1, |sum, word| sum ^ word)) ^ here.iter().fold(0, |sum, word| sum ^ word)
}

/// The emulated board.
pub struct Emulated {
    page: &'static [AtomicU32],
    stepped: bool,
    samples: Samples,
    from_host: Consumer<'static, u8>,
    to_host: Producer<'static, u8>,
    /// Bytes of this doorbell that were taken.
    taken: usize,
    ticks: u32,
}

impl Emulated {
    /// A board whose mode is the page's.
    pub fn new(page: &'static [AtomicU32], from_host: Consumer<'static, u8>, to_host: Producer<'static, u8>) -> Self {
        let stepped = is_stepped(page);
        Self { page, stepped, samples: Samples::default(), from_host, to_host, taken: 0, ticks: 0 }
    }

    /// Whether the host steps the image by a doorbell.
    pub fn is_stepped(&self) -> bool {
        self.stepped
    }

    /// The step that the host rang for is done.
    pub fn answer_doorbell(&mut self) {
        self.taken = 0;
        self.page.set_word(at::DONE, self.page.word(at::DONE).wrapping_add(1));
    }
}

impl Board for Emulated {
    fn now_ms(&mut self) -> u32 {
        if self.stepped { self.page.word(at::TIME) } else { Clock::now_ms() }
    }

    fn sample(&mut self) -> Samples {
        // Where the host is just writing, the last ones go on.
        self.samples = page::samples(self.page).unwrap_or(self.samples);
        self.samples
    }

    fn drive(&mut self, outputs: &Outputs, crashed: &Outputs) {
        cortex::set_if_crashed(crashed);
        self.page.set_word(at::OUTPUTS, outputs.to_word());
        self.ticks = self.ticks.wrapping_add(1);
        self.page.set_word(at::TICKS, self.ticks);
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        if self.stepped {
            let length = TO_BOARD.read(self.page, self.taken, into);
            self.taken += length;
            return length;
        }
        let mut length = 0;
        for place in into {
            let Some(byte) = self.from_host.dequeue() else { break };
            *place = byte;
            length += 1;
        }
        length
    }

    fn send(&mut self, packet: &[u8]) {
        if self.stepped {
            TO_HOST.append(self.page, packet);
            return;
        }
        if self.to_host.capacity() - self.to_host.len() >= packet.len() {
            for &byte in packet {
                // There is room, as was looked up.
                let _ = self.to_host.enqueue(byte);
            }
            rtic::pend(Interrupt::UART0_TX);
        }
    }
}
