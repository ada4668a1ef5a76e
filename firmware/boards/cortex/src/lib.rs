//! What the boards share below their pins: how much of the stack was ever used, the memory that a
//! crash leaves its words in, and the way down. The library has no `unsafe`; what must have it and is
//! the same on every board is here.
#![no_std]

use core::sync::atomic::{AtomicU32, Ordering};

use cortex_m::peripheral::{MPU, SCB};
use firmware::{CrashKind, Outputs, remains};

unsafe extern "C" {
    /// From the boards' memory.x, by way of cortex-m-rt.
    static _stack_end: u32;
    static _stack_start: u32;
    /// From the boards' memory.x: memory that no start clears and no variable is in.
    static _remains: u32;
}

/// What to drive should the board die now, as [`Outputs::to_word`]: with neither more nor less than
/// this a crash makes the tool safe. Before the first step: as without power, so that nothing drops.
static IF_CRASHED: AtomicU32 = AtomicU32::new(0);

/// Tells what to drive should the board die before the next call.
pub fn set_if_crashed(outputs: &Outputs) {
    IF_CRASHED.store(outputs.to_word(), Ordering::Release);
}

/// The memory for [`remains`].
#[must_use]
pub fn remains() -> &'static [AtomicU32; remains::WORDS] {
    // SAFETY: memory.x keeps these words of RAM, aligned, free of variables and of the stack, so that
    // nothing but this function refers to them; every access is atomic, and any bits are a word.
    unsafe { &*(&raw const _remains).cast() }
}

/// Size of the stack, bytes.
#[must_use]
pub fn stack_bytes() -> usize {
    // Addresses only; nothing is read.
    (&raw const _stack_start).addr() - (&raw const _stack_end).addr()
}

/// The least room that the stack ever had, bytes: so much of its paint is whole.
#[must_use]
pub fn stack_free_bytes() -> usize {
    let end = &raw const _stack_end;
    let whole = (0..stack_bytes() / 4).take_while(|&i| {
        // SAFETY: within the stack's memory and aligned. Volatile, since whoever interrupts writes there;
        // a word in use is no more than compared.
        unsafe { end.add(i).read_volatile() == cortex_m_rt::STACK_PAINT_VALUE }
    });
    whole.count() * 4
}

/// Makes the 64 KiB below the stack memory that faults, so that a stack that runs out does: some
/// processors have nothing there, and some, as the emulated one, take any write. Armv7-M Architecture
/// Reference Manual, DDI 0403, B3.5.
pub fn guard_stack(mpu: &mut MPU) {
    const BYTES: u32 = 0x1_0000;
    /// Nobody may execute or touch; a size of 2^(15 + 1) bytes; on.
    const NO_ACCESS: u32 = 1 << 28 | 15 << 1 | 1;
    /// The base address names the region too: number 0.
    const NUMBERED: u32 = 1 << 4;
    /// On, in faults too, and everywhere else as without it.
    const ON: u32 = 1 | 1 << 1 | 1 << 2;
    let bottom = (&raw const _stack_end).addr() as u32;
    // SAFETY: the region holds no code and no variable, so the program means the same with it.
    unsafe {
        mpu.rbar.write(bottom.wrapping_sub(BYTES) | NUMBERED);
        mpu.rasr.write(NO_ACCESS);
        mpu.ctrl.write(ON);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// The way down: the outputs of the safe state of what is held, words for the next run, reset.
pub fn die(kind: CrashKind, at: u32, drive: impl Fn(&Outputs)) -> ! {
    cortex_m::interrupt::disable();
    drive(&Outputs::from_word(IF_CRASHED.load(Ordering::Acquire)));
    remains::leave(remains(), kind, at);
    SCB::sys_reset()
}

// A hard fault may mean that the stack has run out, so what dies takes the whole stack anew, and is
// given where the fault was: word 6 of what the processor put on the stack, if there it could.
core::arch::global_asm!(
    ".section .HardFault.boards, \"ax\"",
    ".global HardFault",
    ".type HardFault, %function",
    ".thumb_func",
    "HardFault:",
    "mrs r0, msp",
    "ldr r1, =_stack_start",
    "ldr r2, =_stack_end",
    "msr msp, r1",
    "subs r1, #32",
    "cmp r0, r1",
    "bhi 1f",
    "cmp r0, r2",
    "blo 1f",
    "ldr r0, [r0, #24]",
    "b board_hard_fault",
    "1:",
    "movs r0, #0",
    "b board_hard_fault",
);
