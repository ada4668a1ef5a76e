//! Time: TIM3 ticks at 1 kHz, and TIM2 counts its ticks in hardware, so that no masked interrupt loses a
//! millisecond.

use embassy_stm32::pac;

/// Both begin, at a clock of 170 MHz.
pub fn start() {
    pac::RCC.apb1enr1().modify(|w| {
        w.set_tim2en(true);
        w.set_tim3en(true);
    });
    pac::TIM3.psc().write_value(169);
    pac::TIM3.arr().write(|w| w.set_arr(999));
    pac::TIM3.cr2().modify(|w| w.set_mms(pac::timer::vals::Mms::UPDATE));
    pac::TIM3.dier().modify(|w| w.set_uie(true));
    // Trigger input 2 of TIM2 is TIM3: RM0440, table of the internal triggers.
    pac::TIM2.smcr().modify(|w| {
        w.set_ts(pac::timer::vals::Ts::ITR2);
        w.set_sms(pac::timer::vals::Sms::EXT_CLOCK_MODE);
    });
    pac::TIM2.cr1().modify(|w| w.set_cen(true));
    pac::TIM3.cr1().modify(|w| w.set_cen(true));
}

/// TIM3's interrupt is answered.
pub fn clear() {
    pac::TIM3.sr().write(|_| ());
}

/// Milliseconds since the start; they wrap.
pub fn now_ms() -> u32 {
    pac::TIM2.cnt().read()
}
