//! What the board uses of an STM32G4 beside its HAL: ADC and UART by DMA, CAN FD, the tick, the supply's
//! detector. Register by register: the HAL's drivers are made for an executor, and its CAN alone costs 7 KB
//! more. Sources: RM0440 and the tables in `stm32-metapac`. **Linked, never run.**
#![no_std]

pub mod adc;
pub mod can;
pub mod supply;
pub mod tick;
pub mod uart;

use embassy_stm32::pac;

/// Both units that the drivers need have their clocks.
pub fn start_dma() {
    pac::RCC.ahb1enr().modify(|w| {
        w.set_dma1en(true);
        w.set_dmamux1en(true);
    });
}
