//! What a board is to the library, and the loop that runs on it.

use core::ops::Range;

use embedded_storage_async::nor_flash::NorFlash;

use crate::{Gripper, Outputs, Samples};

/// Bytes that are taken from the link at once.
const CHUNK: usize = 64;

/// A board: pins, clock and link. Nothing waits, but for `send`, which may wait for room in its queue.
pub trait Board {
    /// A free-running millisecond counter; it may wrap.
    fn now_ms(&mut self) -> u32;
    /// The newest samples.
    fn sample(&mut self) -> Samples;
    /// Drives the outputs until the next call. `crashed` is what the board drives by itself should it
    /// panic or fault before that.
    fn drive(&mut self, outputs: &Outputs, crashed: &Outputs);
    /// Takes received bytes and gives how many.
    fn receive(&mut self, into: &mut [u8]) -> usize;
    /// Sends the bytes of one packet, or none of them where there is no room.
    fn send(&mut self, packet: &[u8]);
}

fn hear(gripper: &mut Gripper, board: &mut impl Board) {
    let mut chunk = [0; CHUNK];
    loop {
        let length = board.receive(&mut chunk).min(CHUNK);
        gripper.receive(chunk.get(..length).unwrap_or(&[]));
        if length < CHUNK {
            break;
        }
    }
}

/// Between two ticks: a request that has come is obeyed and answered at once.
pub fn serve(gripper: &mut Gripper, board: &mut impl Board) {
    hear(gripper, board);
    let (now_ms, samples) = (board.now_ms(), board.sample());
    if let Some(outputs) = gripper.serve(now_ms, &samples, |packet| board.send(packet)) {
        board.drive(&outputs, &gripper.if_crashed());
    }
}

/// One millisecond on a board: what came in, one tick, what goes out.
pub fn step(gripper: &mut Gripper, board: &mut impl Board) {
    hear(gripper, board);
    let (now_ms, samples) = (board.now_ms(), board.sample());
    let outputs = gripper.tick(now_ms, &samples, |packet| board.send(packet));
    board.drive(&outputs, &gripper.if_crashed());
}

/// After a step: what a host wants kept goes into the flash, and the next tick tells what became of it.
pub fn store(gripper: &mut Gripper, flash: &mut impl NorFlash, range: Range<u32>) {
    if let Some(config) = gripper.take_store() {
        gripper.stored(config.store(flash, range).is_ok());
    }
}
