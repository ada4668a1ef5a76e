//! The gripper on an STM32G474RE. **Linked, never run.** Sensors through two ADCs by DMA, valves at pins,
//! the link a UART by DMA and FDCAN1 beside it. Everything that decides is the library's.
#![no_std]
#![no_main]

mod analog;
mod board;
mod link;

use core::panic::PanicInfo;

use board::Stm32;
use cortex_m_rt::exception;
use embassy_embedded_hal::adapter::BlockingAsync;
use embassy_stm32::flash::{Blocking, Flash};
use firmware::{Capabilities, Config, CrashKind, Gripper, remains};

/// The processor waits for the flash; the library stores only while nothing is held.
type Kept = BlockingAsync<Flash<'static, Blocking>>;

/// The last two pages of the flash, from its start: the end of the second bank.
const KEPT: core::ops::Range<u32> = 0x7_f000..0x8_0000;
/// What this tool can do, but for [`Capabilities::BROWN_OUT`].
const CAN: Capabilities =
    Capabilities::PINCH.and(Capabilities::LIGHT).and(Capabilities::LEAK_TEST).and(Capabilities::STORE);

#[rtic::app(device = embassy_stm32::pac, peripherals = false)]
mod app {
    use core::sync::atomic::Ordering;

    use super::*;

    #[shared]
    struct Shared {
        /// Both its users have the same priority, and never meet.
        #[lock_free]
        gripper: &'static mut Gripper,
        #[lock_free]
        board: Stm32,
    }

    #[local]
    struct Local {
        kept: Kept,
    }

    #[init(local = [gripper: Gripper = Gripper::asleep()])]
    fn init(mut cx: init::Context) -> (Shared, Local) {
        cortex::guard_stack(&mut cx.core.MPU);
        let cause = g4::supply::reset_cause();
        let p = embassy_stm32::init(board::clocks());
        let gripper: &'static mut Gripper = cx.local.gripper;
        let mut kept = BlockingAsync::new(Flash::new_blocking(p.FLASH));
        let can = if g4::supply::is_brown_out_guarded() { CAN.and(Capabilities::BROWN_OUT) } else { CAN };
        let birth = remains::wake(cortex::remains(), can, cause);
        let (config, source) = Config::load(&mut kept, KEPT);
        gripper.awake(birth, config, source);
        let board = Stm32::new(p.IWDG);
        (Shared { gripper, board }, Local { kept })
    }

    /// A millisecond is over.
    #[task(binds = TIM3, priority = 1, shared = [gripper, board], local = [kept])]
    fn tick(cx: tick::Context) {
        g4::tick::clear();
        let (gripper, board) = (cx.shared.gripper, cx.shared.board);
        gripper.set_stack_free(board::STACK_FREE.load(Ordering::Relaxed));
        step(gripper, board);
        firmware::board::store(gripper, cx.local.kept, KEPT);
        board.feed();
    }

    /// The line fell still after bytes: most likely a packet.
    #[task(binds = USART1, priority = 1, shared = [gripper, board])]
    fn serve(cx: serve::Context) {
        g4::uart::Uart::clear_idle();
        serve_between(cx.shared.gripper, cx.shared.board);
    }

    /// The supply sags below the detector's threshold.
    #[task(binds = PVD_PVM, priority = 3)]
    fn sag(_: sag::Context) {
        cortex::die(CrashKind::BrownOut, 0, board::drive);
    }

    #[idle]
    fn idle(_: idle::Context) -> ! {
        loop {
            board::STACK_FREE.store(cortex::stack_free_bytes() as u32, Ordering::Relaxed);
            cortex_m::asm::wfi();
        }
    }
}

/// Frames of their own: together they are half of RAM.
#[inline(never)]
fn step(gripper: &mut Gripper, board: &mut Stm32) {
    firmware::board::step(gripper, board);
}

#[inline(never)]
fn serve_between(gripper: &mut Gripper, board: &mut Stm32) {
    firmware::board::serve(gripper, board);
}

/// Once it is part of what calls it, the compiler sees that nobody reads the text, and leaves out what writes it.
#[allow(unused_attributes, reason = "the lint is wrong: it saves 2 KB")]
#[inline(always)]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    cortex::die(CrashKind::Panic, info.location().map_or(0, core::panic::Location::line), board::drive)
}

/// By way of the assembly in `cortex`, on a stack of its own.
#[unsafe(no_mangle)]
extern "C" fn board_hard_fault(at: u32) -> ! {
    cortex::die(CrashKind::HardFault, at, board::drive)
}

/// The clock's security system: the crystal has failed.
#[exception]
unsafe fn NonMaskableInt() -> ! {
    cortex::die(CrashKind::HardFault, 0, board::drive)
}
