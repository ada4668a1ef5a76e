//! The peripherals of Arm's CMSDK on the MPS2 with AN386, as far as the image uses them, and the
//! interrupts that RTIC binds. No crate covers them: written from the documents named here.
//!
//! Addresses, interrupts and the FPGA's counter: Arm DAI 0386, "Application note AN386, Cortex-M4 on
//! V2M-MPS2". Fields of timer, UART and watchdog: Arm DDI 0479, "Cortex-M System Design Kit", the
//! chapter on APB components.
#![no_std]

use cortex_m::interrupt::InterruptNumber;

/// All clocks of the board come from this one, Hz.
pub const CLOCK_HZ: u32 = 25_000_000;
/// Bits of an interrupt's priority.
pub const NVIC_PRIO_BITS: u8 = 3;

/// Interrupts, by their place in the vector table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
#[expect(non_camel_case_types, reason = "names of the data sheet, and of symbols")]
pub enum Interrupt {
    /// A byte has come.
    UART0_RX = 0,
    /// There is room for a byte.
    UART0_TX = 1,
    /// Of a port that is not used: pended by software.
    UART1_RX = 2,
    /// A millisecond is over.
    TIMER0 = 8,
}
/// RTIC's name for them.
pub use Interrupt as interrupt;

// SAFETY: the numbers are those of the data sheet, and each is given once.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

unsafe extern "C" {
    fn UART0_RX();
    fn UART0_TX();
    fn UART1_RX();
    fn TIMER0();
}

/// An entry of the vector table.
pub union Vector {
    handler: unsafe extern "C" fn(),
    unused: usize,
}

/// The table, as far as it is used.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
pub static __INTERRUPTS: [Vector; 9] = [
    Vector { handler: UART0_RX },
    Vector { handler: UART0_TX },
    Vector { handler: UART1_RX },
    Vector { unused: 0 },
    Vector { unused: 0 },
    Vector { unused: 0 },
    Vector { unused: 0 },
    Vector { unused: 0 },
    Vector { handler: TIMER0 },
];

/// One register.
#[derive(Debug, Clone, Copy)]
struct Register(usize);

impl Register {
    fn read(self) -> u32 {
        // SAFETY: every `Register` of this file is an aligned device register of the data sheet, which
        // has no effect on memory.
        unsafe { core::ptr::with_exposed_provenance::<u32>(self.0).read_volatile() }
    }
    fn write(self, value: u32) {
        // SAFETY: as in `read`.
        unsafe { core::ptr::with_exposed_provenance_mut::<u32>(self.0).write_volatile(value) }
    }
}

/// UART0, 0x4000_4000: the link.
#[derive(Debug)]
pub struct Uart;

impl Uart {
    const DATA: Register = Register(0x4000_4000);
    /// Bit 0: the transmit buffer is full; bit 1: a byte has come.
    const STATE: Register = Register(0x4000_4004);
    /// Bits 0 and 1: transmit, receive; bits 2 and 3: their interrupts.
    const CTRL: Register = Register(0x4000_4008);
    /// Bits 0 and 1: interrupts, cleared by writing ones.
    const INTCLEAR: Register = Register(0x4000_400c);
    const BAUDDIV: Register = Register(0x4000_4010);

    /// Both ways on, with interrupts. 16 is the least divider: the emulator has no line to be slow on.
    pub fn enable() {
        Self::BAUDDIV.write(16);
        Self::CTRL.write(0b1111);
    }
    /// Before bytes are read or written in its interrupt: what happens from here on calls again. Each access to a register
    /// takes the emulator's own lock, so it is done once and not for each byte.
    pub fn clear_received() {
        Self::INTCLEAR.write(0b10);
    }
    /// See [`Uart::clear_received`].
    pub fn clear_sent() {
        Self::INTCLEAR.write(0b01);
    }
    /// The byte that has come, if one has.
    pub fn read() -> Option<u8> {
        (Self::STATE.read() & 0b10 != 0).then(|| Self::DATA.read().to_le_bytes()[0])
    }
    /// Whether a byte can be written.
    pub fn has_room() -> bool {
        Self::STATE.read() & 0b01 == 0
    }
    /// Sends a byte.
    pub fn write(byte: u8) {
        Self::DATA.write(u32::from(byte));
    }
}

/// Timer 0, 0x4000_0000: the tick.
#[derive(Debug)]
pub struct Timer;

impl Timer {
    /// Bit 0: on; bit 3: interrupt.
    const CTRL: Register = Register(0x4000_0000);
    const VALUE: Register = Register(0x4000_0004);
    const RELOAD: Register = Register(0x4000_0008);
    const INTCLEAR: Register = Register(0x4000_000c);

    /// Interrupts a thousand times a second.
    pub fn start() {
        Self::RELOAD.write(CLOCK_HZ / 1_000 - 1);
        Self::VALUE.write(CLOCK_HZ / 1_000 - 1);
        Self::CTRL.write(0b1001);
    }
    /// Takes the interrupt back.
    pub fn clear() {
        Self::INTCLEAR.write(1);
    }
}

/// The FPGA's free-running counter, 0x4002_8018: milliseconds, whatever ticks were lost.
#[derive(Debug)]
pub struct Clock;

impl Clock {
    const COUNTER: Register = Register(0x4002_8018);
    /// The counter counts up once in so many clocks and one.
    const PRESCALE: Register = Register(0x4002_801c);

    /// Counts milliseconds from here on.
    pub fn start() {
        Self::PRESCALE.write(CLOCK_HZ / 1_000 - 1);
    }
    /// Milliseconds; wraps after 49.7 days.
    pub fn now_ms() -> u32 {
        Self::COUNTER.read()
    }
}

/// The watchdog, 0x4000_8000: the non-maskable interrupt when it has run down, reset after as long again.
#[derive(Debug)]
pub struct Watchdog;

impl Watchdog {
    const LOAD: Register = Register(0x4000_8000);
    /// Bit 0: interrupt and count; bit 1: reset.
    const CONTROL: Register = Register(0x4000_8008);
    const INTCLEAR: Register = Register(0x4000_800c);
    /// Other registers take writes only after this word.
    const LOCK: Register = Register(0x4000_8c00);
    const UNLOCK: u32 = 0x1acc_e551;

    /// Runs down in a second. On a loaded host the emulator stands still for hundreds of milliseconds.
    pub fn start() {
        Self::LOCK.write(Self::UNLOCK);
        Self::LOAD.write(CLOCK_HZ);
        Self::CONTROL.write(0b11);
    }
    /// Begins anew.
    pub fn feed() {
        Self::INTCLEAR.write(1);
    }
}
