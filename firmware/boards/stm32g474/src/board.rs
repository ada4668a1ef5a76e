//! The board: clocks, pins, the tick.

use core::sync::atomic::AtomicU32;

use embassy_stm32::pac;
use embassy_stm32::peripherals::IWDG;
use embassy_stm32::rcc::{Hse, HseMode, Pll, PllMul, PllPreDiv, PllQDiv, PllRDiv, PllSource, Sysclk, mux};
use embassy_stm32::time::Hertz;
use embassy_stm32::wdg::IndependentWatchdog;
use embassy_stm32::{Config, Peri};
use firmware::board::Board;
use firmware::{CUPS, Outputs, Samples};
use pac::gpio::vals::{Moder, Ospeedr, Pupdr};

use crate::analog;
use crate::link::Link;

/// The least room that the stack ever had, bytes.
pub static STACK_FREE: AtomicU32 = AtomicU32::new(0);

/// Vents of cups 0 to 5: PC6 to PC11. Generator PB0, blow-off PB1; a high pin switches current on.
const VENT: usize = 6;
const GENERATOR: usize = 0;
const BLOW_OFF: usize = 1;
/// Inputs: e-stop PB12, supply PB13, release PB14. The e-stop's loop is closed while all is well, the others
/// close when it is so.
const ESTOP: usize = 12;
const SUPPLY: usize = 13;
const RELEASE: usize = 14;
/// The pinch's force at full scale of its output.
const FULL_PINCH_MN: u32 = 60_000;
/// The watchdog runs down in this time, some percent more or less. Two pages of flash are erased in 50 ms at
/// most (data sheet DS12288, flash memory characteristics).
const WATCHDOG_US: u32 = 80_000;

/// 170 MHz from a crystal of 24 MHz, since CAN FD takes no less than one.
pub fn clocks() -> Config {
    let mut config = Config::default();
    config.rcc.hse = Some(Hse { freq: Hertz(24_000_000), mode: HseMode::Oscillator });
    config.rcc.pll = Some(Pll {
        source: PllSource::HSE,
        prediv: PllPreDiv::DIV6,
        mul: PllMul::MUL85,
        divp: None,
        divq: Some(PllQDiv::DIV2),
        divr: Some(PllRDiv::DIV2),
    });
    config.rcc.sys = Sysclk::PLL1_R;
    config.rcc.boost = true;
    config.rcc.mux.fdcansel = mux::Fdcansel::PLL1_Q;
    config
}

/// Drives the pins; in a crash too, so nothing but registers is needed.
pub fn drive(outputs: &Outputs) {
    pac::GPIOC.bsrr().write(|w| {
        for (cup, vents) in outputs.vent.into_iter().enumerate() {
            if vents { w.set_bs(VENT + cup, true) } else { w.set_br(VENT + cup, true) }
        }
    });
    pac::GPIOB.bsrr().write(|w| {
        for (pin, on) in [(GENERATOR, outputs.generator), (BLOW_OFF, outputs.blow_off)] {
            if on { w.set_bs(pin, true) } else { w.set_br(pin, true) }
        }
    });
    let pinch = (u32::from(outputs.pinch_force_mn) * 4_095 / FULL_PINCH_MN).min(4_095);
    pac::DAC1.dhr12r(0).write(|w| w.set_dhr(pinch as u16));
    pac::DAC1.dhr12r(1).write(|w| w.set_dhr(u16::from(outputs.light_percent.min(100)) * 40));
}

fn pins() {
    for pin in VENT..VENT + CUPS {
        pac::GPIOC.moder().modify(|w| w.set_moder(pin, Moder::OUTPUT));
    }
    for pin in [GENERATOR, BLOW_OFF] {
        pac::GPIOB.moder().modify(|w| w.set_moder(pin, Moder::OUTPUT));
    }
    for pin in [ESTOP, SUPPLY, RELEASE] {
        pac::GPIOB.moder().modify(|w| w.set_moder(pin, Moder::INPUT));
        pac::GPIOB.pupdr().modify(|w| w.set_pupdr(pin, Pupdr::PULL_UP));
    }
    // USART1 sends on PA9 and receives on PA10, FDCAN1 receives on PA11 and sends on PA12.
    for (pin, function) in [(9, 7), (10, 7), (11, 9), (12, 9)] {
        pac::GPIOA.afr(1).modify(|w| w.set_afr(pin - 8, function));
        pac::GPIOA.ospeedr().modify(|w| w.set_ospeedr(pin, Ospeedr::HIGH_SPEED));
        pac::GPIOA.pupdr().modify(|w| w.set_pupdr(pin, Pupdr::PULL_UP));
        pac::GPIOA.moder().modify(|w| w.set_moder(pin, Moder::ALTERNATE));
    }
    // DAC1: PA4 is the pinch's force, PA5 the lamp; analog as after a reset. 2 is for a bus above 160 MHz.
    pac::RCC.ahb2enr().modify(|w| w.set_dac1en(true));
    pac::DAC1.mcr().modify(|w| w.set_hfsel(2));
    pac::DAC1.cr().modify(|w| {
        w.set_en(0, true);
        w.set_en(1, true);
    });
}

/// The board.
pub struct Stm32 {
    link: Link,
    watchdog: IndependentWatchdog<'static, IWDG>,
}

impl Stm32 {
    /// Everything on, the watchdog too.
    pub fn new(iwdg: Peri<'static, IWDG>) -> Self {
        let mut watchdog = IndependentWatchdog::new(iwdg, WATCHDOG_US);
        watchdog.unleash();
        // From here on a crystal that fails is an interrupt that cannot be masked.
        pac::RCC.cr().modify(|w| w.set_csson(true));
        pins();
        g4::start_dma();
        analog::start();
        g4::supply::watch();
        let link = Link::start();
        g4::tick::start();
        Self { link, watchdog }
    }

    /// The loop has come round.
    pub fn feed(&mut self) {
        self.watchdog.pet();
    }
}

impl Board for Stm32 {
    fn now_ms(&mut self) -> u32 {
        g4::tick::now_ms()
    }

    fn sample(&mut self) -> Samples {
        let pins = pac::GPIOB.idr().read();
        let closed = |pin| pins.idr(pin) == pac::gpio::vals::Idr::LOW;
        let mut samples = Samples {
            estop: !closed(ESTOP),
            supply_ok: closed(SUPPLY),
            release_input: closed(RELEASE),
            ..Samples::default()
        };
        analog::sample(&mut samples);
        samples
    }

    fn drive(&mut self, outputs: &Outputs, crashed: &Outputs) {
        cortex::set_if_crashed(crashed);
        drive(outputs);
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        self.link.receive(into)
    }

    fn send(&mut self, packet: &[u8]) {
        self.link.send(packet);
    }
}
