//! An ADC that converts its channels without end into memory.

use core::sync::atomic::AtomicU16;

use embassy_stm32::pac;
use pac::adc::{Adc, vals as adc};
use pac::adccommon::vals::Ckmode;
use pac::bdma::vals as dma;

/// Cycles of the processor in a microsecond.
const US: u32 = 170;

/// ADC1 and ADC2 at 42.5 MHz.
pub fn enable() {
    pac::RCC.ahb2enr().modify(|w| w.set_adc12en(true));
    pac::ADC12_COMMON.ccr().modify(|w| w.set_ckmode(Ckmode::SYNC_DIV4));
}

/// Converts up to nine channels in turn, 260 cycles each, for ever; DMA1's channel (from 0) writes each in
/// one go. `request` is the DMAMUX's input for this ADC.
pub fn convert(unit: Adc, channels: &[u8], dma_channel: usize, request: u8, into: &'static [AtomicU16]) {
    unit.cr().modify(|w| w.set_deeppwd(false));
    unit.cr().modify(|w| w.set_advregen(true));
    // The regulator takes 20 µs.
    cortex_m::asm::delay(20 * US);
    unit.cr().modify(|w| w.set_adcal(true));
    while unit.cr().read().adcal() {}
    cortex_m::asm::delay(US);
    unit.cr().modify(|w| w.set_aden(true));
    while !unit.isr().read().adrdy() {}
    for (place, &channel) in channels.iter().enumerate() {
        let n = usize::from(channel);
        if n < 10 {
            unit.smpr().modify(|w| w.set_smp(n, adc::SampleTime::CYCLES247_5));
        } else {
            unit.smpr2().modify(|w| w.set_smp(n - 10, adc::SampleTime::CYCLES247_5));
        }
        // Four places in the first register, five in the next.
        if place < 4 {
            unit.sqr1().modify(|w| w.set_sq(place, channel));
        } else {
            unit.sqr2().modify(|w| w.set_sq(place - 4, channel));
        }
    }
    unit.sqr1().modify(|w| w.set_l(channels.len() as u8 - 1));
    unit.cfgr().modify(|w| {
        w.set_cont(true);
        w.set_ovrmod(adc::Ovrmod::OVERWRITE);
        w.set_dmacfg(adc::Dmacfg::CIRCULAR);
        w.set_dmaen(adc::Dmaen::ENABLE);
    });
    pac::DMAMUX1.ccr(dma_channel).write(|w| w.set_dmareq_id(request));
    let channel = pac::DMA1.ch(dma_channel);
    channel.par().write_value(unit.dr().as_ptr().addr() as u32);
    channel.mar().write_value(into.as_ptr().addr() as u32);
    channel.ndtr().write(|w| w.set_ndt(into.len() as u16));
    channel.cr().write(|w| {
        w.set_minc(true);
        w.set_circ(true);
        w.set_psize(dma::Size::BITS16);
        w.set_msize(dma::Size::BITS16);
        w.set_en(true);
    });
    unit.cr().modify(|w| w.set_adstart(true));
}
