//! The supply: its detector, its reset, and what resets say.

use embassy_stm32::pac;
use firmware::CrashKind;

/// The brown-out level that the option bytes must have, 2.5 V, so that the detector at 2.9 V comes first.
const BROWN_OUT_LEVEL: u8 = 3;

/// From now on the interrupt `PVD_PVM` says that the supply is below 2.9 V, the detector's highest; it comes
/// through line 16.
pub fn watch() {
    pac::PWR.cr2().modify(|w| {
        w.set_pls(6);
        w.set_pvde(true);
    });
    pac::EXTI.rtsr(0).modify(|w| w.set_line(16, true));
    pac::EXTI.imr(0).modify(|w| w.set_line(16, true));
}

/// Whether a supply that sags further resets the processor before it runs wrong, as the option bytes have it.
pub fn is_brown_out_guarded() -> bool {
    pac::FLASH.optr().read().bor_lev() >= BROWN_OUT_LEVEL
}

/// What the reset flags say of the last run; they are taken back.
pub fn reset_cause() -> Option<CrashKind> {
    let flags = pac::RCC.csr().read();
    pac::RCC.csr().modify(|w| w.set_rmvf(true));
    if flags.iwdgrstf() {
        Some(CrashKind::Watchdog)
    } else if flags.borrstf() {
        Some(CrashKind::BrownOut)
    } else {
        None
    }
}
