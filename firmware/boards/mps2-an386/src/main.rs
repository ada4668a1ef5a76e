//! The gripper on QEMU's mps2-an386. Sensors and valves are words in the memory that the emulator
//! shares with its host (`firmware::page`), the link is UART0. Everything that decides is the library's.
#![no_std]
#![no_main]

mod board;

use core::panic::PanicInfo;

use board::Emulated;
use cmsdk::Watchdog;
use cortex_m_rt::exception;
use firmware::page::{self, Flash, Words, at};
use firmware::{Capabilities, Config, CrashKind, Gripper, Outputs, remains};

/// The whole flash is the configuration's.
const KEPT: core::ops::Range<u32> = 0..page::FLASH_BYTES as u32;
/// What this tool can do.
const CAN: Capabilities =
    Capabilities::PINCH.and(Capabilities::LIGHT).and(Capabilities::LEAK_TEST).and(Capabilities::STORE);

#[rtic::app(device = cmsdk, peripherals = false)]
mod app {
    use super::*;
    use crate::board::{FromHost, ToHost};
    use cmsdk::{Clock, Interrupt, Timer, Uart};

    #[shared]
    struct Shared {
        /// Both its users have the same priority, and never meet.
        #[lock_free]
        gripper: &'static mut Gripper,
        #[lock_free]
        board: Emulated,
    }

    #[local]
    struct Local {
        received: heapless::spsc::Producer<'static, u8>,
        to_send: heapless::spsc::Consumer<'static, u8>,
    }

    #[init(local = [
        gripper: Gripper = Gripper::asleep(),
        from_host: FromHost = FromHost::new(),
        to_host: ToHost = ToHost::new(),
    ])]
    fn init(mut cx: init::Context) -> (Shared, Local) {
        cortex::guard_stack(&mut cx.core.MPU);
        Watchdog::start();
        Clock::start();
        let page = board::page();
        let (received, from_host) = cx.local.from_host.split();
        let (to_host, to_send) = cx.local.to_host.split();
        let gripper: &'static mut Gripper = cx.local.gripper;
        let birth = remains::wake(cortex::remains(), CAN, None);
        let (config, source) = Config::load(&mut Flash(page), KEPT);
        gripper.awake(birth, config, source);
        page::announce(page, &birth, cortex::stack_bytes() as u32);
        let board = Emulated::new(page, from_host, to_host);
        if !board.is_stepped() {
            Uart::enable();
            Timer::start();
        }
        (Shared { gripper, board }, Local { received, to_send })
    }

    /// A millisecond is over.
    #[task(binds = TIMER0, priority = 1, shared = [gripper, board])]
    fn tick(cx: tick::Context) {
        Timer::clear();
        cx.shared.gripper.set_stack_free(board::page().word(at::STACK_FREE));
        step(cx.shared.gripper, cx.shared.board);
        board::provoked();
        Watchdog::feed();
    }

    /// A packet has ended between two ticks; or the host has rung.
    #[task(binds = UART1_RX, priority = 1, shared = [gripper, board])]
    fn serve(cx: serve::Context) {
        let (gripper, board) = (cx.shared.gripper, cx.shared.board);
        if board.is_stepped() {
            step(gripper, board);
            board.answer_doorbell();
        } else {
            serve_between(gripper, board);
        }
    }

    #[task(binds = UART0_RX, priority = 2, local = [received])]
    fn receive(cx: receive::Context) {
        Uart::clear_received();
        while let Some(byte) = Uart::read() {
            // Where a byte finds no room its packet fails the checksum, and the host sends it again.
            let _ = cx.local.received.enqueue(byte);
            if byte == 0 {
                rtic::pend(Interrupt::UART1_RX);
            }
        }
    }

    #[task(binds = UART0_TX, priority = 2, local = [to_send])]
    fn send(cx: send::Context) {
        Uart::clear_sent();
        while Uart::has_room() {
            let Some(byte) = cx.local.to_send.dequeue() else { break };
            Uart::write(byte);
        }
    }

    #[idle]
    fn idle(_: idle::Context) -> ! {
        let page = board::page();
        let stepped = board::is_stepped(page);
        let mut rung = page.word(at::DONE);
        loop {
            page.set_word(at::STACK_FREE, cortex::stack_free_bytes() as u32);
            if !stepped {
                cortex_m::asm::wfi();
                continue;
            }
            while page.word(at::DOORBELL) == rung {
                board::provoked();
                Watchdog::feed();
            }
            rung = rung.wrapping_add(1);
            rtic::pend(Interrupt::UART1_RX);
        }
    }
}

/// What came between two ticks. A frame of its own, as that of `step`: together they are half of RAM.
#[inline(never)]
fn serve_between(gripper: &mut Gripper, board: &mut Emulated) {
    firmware::board::serve(gripper, board);
}

/// One millisecond, and what it wants kept.
#[inline(never)]
fn step(gripper: &mut Gripper, board: &mut Emulated) {
    firmware::board::step(gripper, board);
    firmware::board::store(gripper, &mut Flash(board::page()), KEPT);
    board::end_where_power_is_cut();
}

/// What is driven while dying; told a second time, since the reset takes it back at once.
fn drive(outputs: &Outputs) {
    board::page().set_word(at::OUTPUTS, outputs.to_word());
    board::page().set_word(at::DIED_WITH, outputs.to_word());
}

/// Once it is part of what calls it, the compiler sees that nobody reads the text, and leaves out what writes it.
#[allow(unused_attributes, reason = "the lint is wrong: it saves 2 KB")]
#[inline(always)]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex::die(CrashKind::Panic, info.location().map_or(0, core::panic::Location::line), drive)
}

/// By way of the assembly in `cortex`, on a stack of its own.
#[unsafe(no_mangle)]
extern "C" fn board_hard_fault(at: u32) -> ! {
    cortex::die(CrashKind::HardFault, at, drive)
}

/// The watchdog has run down.
#[exception]
unsafe fn NonMaskableInt() -> ! {
    cortex::die(CrashKind::Watchdog, 0, drive)
}
