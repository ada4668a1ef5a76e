//! USART1 by DMA: a ring of what comes, one stretch of what goes.

use core::sync::atomic::{AtomicU8, Ordering};

use embassy_stm32::pac;
use pac::bdma::vals as dma;

/// DMA1's channels (from 0), and the DMAMUX's inputs for them.
const COMES: usize = 2;
const GOES: usize = 3;
const COMES_REQUEST: u8 = 24;
const GOES_REQUEST: u8 = 25;
/// 1.3 ms at 2 Mbit/s. What the ring has no room for is lost, and its packet fails the checksum.
const RING: usize = 256;

static COME: [AtomicU8; RING] = [const { AtomicU8::new(0) }; RING];
static GO: [AtomicU8; RING] = [const { AtomicU8::new(0) }; RING];

/// USART1; there is one.
pub struct Uart {
    /// Place in the ring up to which bytes were taken.
    taken: usize,
}

impl Uart {
    /// 8 bits, no parity, one stop bit; `divider` is its clock over the bits a second. Its interrupt says
    /// that the line fell still after bytes.
    pub fn start(divider: u16) -> Self {
        pac::RCC.apb2enr().modify(|w| w.set_usart1en(true));
        let uart = pac::USART1;
        uart.brr().write(|w| w.set_brr(divider));
        uart.cr3().write(|w| {
            w.set_dmar(true);
            w.set_dmat(true);
            w.set_ovrdis(true);
        });
        let receive = pac::DMA1.ch(COMES);
        pac::DMAMUX1.ccr(COMES).write(|w| w.set_dmareq_id(COMES_REQUEST));
        receive.par().write_value(uart.rdr().as_ptr().addr() as u32);
        receive.mar().write_value(COME.as_ptr().addr() as u32);
        receive.ndtr().write(|w| w.set_ndt(RING as u16));
        receive.cr().write(|w| {
            w.set_minc(true);
            w.set_circ(true);
            w.set_en(true);
        });
        pac::DMAMUX1.ccr(GOES).write(|w| w.set_dmareq_id(GOES_REQUEST));
        pac::DMA1.ch(GOES).par().write_value(uart.tdr().as_ptr().addr() as u32);
        uart.cr1().write(|w| {
            w.set_idleie(true);
            w.set_te(true);
            w.set_re(true);
            w.set_ue(true);
        });
        Self { taken: 0 }
    }

    /// The interrupt is answered.
    pub fn clear_idle() {
        pac::USART1.icr().write(|w| w.set_idle(true));
    }

    /// Takes bytes that have come; gives how many.
    pub fn receive(&mut self, into: &mut [u8]) -> usize {
        let filled = (RING - usize::from(pac::DMA1.ch(COMES).ndtr().read().ndt())) % RING;
        let mut length = 0;
        for place in into {
            if self.taken == filled {
                break;
            }
            *place = COME.get(self.taken).map_or(0, |byte| byte.load(Ordering::Relaxed));
            self.taken = (self.taken + 1) % RING;
            length += 1;
        }
        length
    }

    /// Sends as many bytes as it takes at once; none while it still sends.
    pub fn send(&mut self, mut bytes: impl FnMut() -> Option<u8>) {
        let channel = pac::DMA1.ch(GOES);
        if channel.ndtr().read().ndt() > 0 && channel.cr().read().en() {
            return;
        }
        let mut length = 0;
        for place in &GO {
            let Some(byte) = bytes() else { break };
            place.store(byte, Ordering::Relaxed);
            length += 1;
        }
        if length == 0 {
            return;
        }
        channel.cr().write(|_| ());
        channel.mar().write_value(GO.as_ptr().addr() as u32);
        channel.ndtr().write(|w| w.set_ndt(length));
        // What was stored must be in memory before the DMA reads it.
        cortex_m::asm::dmb();
        channel.cr().write(|w| {
            w.set_dir(dma::Dir::FROM_MEMORY);
            w.set_minc(true);
            w.set_en(true);
        });
    }
}
