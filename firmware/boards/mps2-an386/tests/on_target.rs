//! What only the target can show, run by `cargo test` in the emulator: see `.cargo/config.toml`. No harness;
//! the first failure ends the emulator with an exit code, and so does a fault. A failure is told by its
//! line: to print values would not fit the board's flash.
#![no_std]
#![no_main]

use core::panic::PanicInfo;
use core::sync::atomic::AtomicU32;

// For the vector table.
use cmsdk as _;

use firmware::page::{self, Flash, Words, at};
use firmware::wire::{Decoder, MAX_PACKET, encode};
use firmware::{Calibration, Capabilities, Config, ConfigSource, Crash, CrashKind, Gripper, Packet, Request, Samples};
use semihosting::{print, println, process::ExitCode};

/// Ordinary memory that this image uses for nothing else: where the shared page is.
fn memory() -> &'static [AtomicU32] {
    // SAFETY: the board's PSRAM, larger than the page; nothing else refers to it.
    unsafe { core::slice::from_raw_parts(core::ptr::with_exposed_provenance(0x2100_0000), page::BYTES / 4) }
}

#[cortex_m_rt::entry]
fn main() -> ! {
    // The macro makes a reference of it: the gripper never is on the stack.
    static mut GRIPPER: Gripper = Gripper::asleep();
    if let Some(mut core) = cortex_m::Peripherals::take() {
        cortex::guard_stack(&mut core.MPU);
    }
    // A reset in the middle, so that what must outlast one is seen to.
    let birth = firmware::remains::wake(cortex::remains(), Capabilities(0), None);
    if birth.boots == 1 {
        check("the first start finds nothing", || assert!(birth.crash.is_none()));
        check("the paint measures the stack", the_paint_measures_the_stack);
        check("a packet has the golden bytes", a_packet_has_the_golden_bytes);
        check("the store keeps across a power cut", the_store_keeps_across_a_power_cut);
        check("a tick fits the stack", || a_tick_fits_the_stack(GRIPPER));
        println!("a crash leaves its words ... (reset)");
        cortex::die(CrashKind::Panic, 77, |outputs| assert!(outputs.to_word() == 0));
    }
    check("a crash left its words", || {
        assert!(birth.boots == 2);
        assert!(birth.crash == Some(Crash { kind: CrashKind::Panic, at: 77, boot: 1 }));
    });
    ExitCode::SUCCESS.exit_process()
}

#[inline(never)]
fn check(name: &str, test: impl FnOnce()) {
    print!("{name} ... ");
    test();
    println!("ok");
}

/// Uses this many bytes of the stack, and returns.
#[inline(never)]
fn use_stack() {
    core::hint::black_box([0_u8; 3_000]);
}

#[inline(never)]
fn the_paint_measures_the_stack() {
    let before = cortex::stack_free_bytes();
    assert!(before > 4_000 && before < cortex::stack_bytes());
    use_stack();
    let after = cortex::stack_free_bytes();
    // What was free before was below the frame of this function.
    assert!(after + 2_500 < before && after + 4_000 > before);
}

#[inline(never)]
fn a_packet_has_the_golden_bytes() {
    // As in firmware/tests/golden.rs.
    const ARM: [u8; 10] = [0x09, 0xac, 0x02, 0x07, 0x02, 0xd9, 0x2f, 0xbd, 0x94, 0x00];
    let packet = Packet { session: 300, seq: 7, body: Request::Arm };
    let mut buffer = [0; MAX_PACKET];
    let length = encode(&packet, &mut buffer).unwrap_or(0);
    assert!(buffer.get(..length) == Some(&ARM[..]));
    let mut decoder = Decoder::<Request, MAX_PACKET>::new();
    assert!(ARM.iter().find_map(|&byte| decoder.push(byte)) == Some(packet));
}

#[inline(never)]
fn the_store_keeps_across_a_power_cut() {
    const KEPT: core::ops::Range<u32> = 0..page::FLASH_BYTES as u32;
    let memory = memory();
    let config =
        |load_permille| Config { calibration: Calibration { load_permille, ..Calibration::NONE }, ..Config::default() };
    Flash(memory).wipe();
    assert!(Config::load(&mut Flash(memory), KEPT) == (Config::default(), ConfigSource::Nothing));
    for load_permille in 600..700 {
        assert!(config(load_permille).store(&mut Flash(memory), KEPT) == Ok(()));
    }
    memory.set_word(at::CUT_AFTER, 5);
    assert!(config(900).store(&mut Flash(memory), KEPT).is_err());
    memory.set_word(at::CUT, 0);
    assert!(Config::load(&mut Flash(memory), KEPT) == (config(699), ConfigSource::Stored));
}

#[inline(never)]
fn a_tick_fits_the_stack(gripper: &mut Gripper) {
    let samples = Samples { supply_ok: true, ..Samples::default() };
    let mut length = 0;
    for now_ms in 0..50 {
        gripper.tick(now_ms, &samples, |packet| length += packet.len());
    }
    assert!(length > 50 * 20);
    assert!(cortex::stack_free_bytes() > 256);
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    println!("failed at line {}", info.location().map_or(0, core::panic::Location::line));
    ExitCode::FAILURE.exit_process()
}

#[unsafe(no_mangle)]
extern "C" fn board_hard_fault(at: u32) -> ! {
    println!("failed: hard fault at {at}");
    ExitCode::FAILURE.exit_process()
}
