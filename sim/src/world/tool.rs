//! The simulated tool's link: bytes of packets to the firmware, bytes of its reports back.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use control::{LinkError, Tool};

use super::core::Core;

/// Packets that wait in either direction.
const QUEUE: usize = 64;

/// Both directions of the link.
#[derive(Debug, Default)]
pub(crate) struct ToolLink {
    to_tool: VecDeque<Vec<u8>>,
    to_host: VecDeque<Vec<u8>>,
}

impl ToolLink {
    /// The next packet for the tool.
    pub fn next_for_tool(&mut self) -> Option<Vec<u8>> {
        self.to_tool.pop_front()
    }

    /// Sends a report to the host; a host that doesn't listen loses the oldest.
    pub fn report(&mut self, packet: &[u8]) {
        if self.to_host.len() >= QUEUE {
            self.to_host.pop_front();
        }
        self.to_host.push_back(packet.to_vec());
    }

    /// Takes a packet from the host; tells how many wait when there is no room.
    pub fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        if self.to_tool.len() >= QUEUE {
            return Err(LinkError::Full { device: "tool", waiting: self.to_tool.len(), most: QUEUE });
        }
        self.to_tool.push_back(packet.to_vec());
        Ok(())
    }

    /// The next packet for the host.
    pub fn next_for_host(&mut self) -> Option<Vec<u8>> {
        self.to_host.pop_front()
    }

    /// Everything under way is lost.
    pub fn lose(&mut self) {
        self.to_tool.clear();
        self.to_host.clear();
    }
}

/// The tool of a simulated cell. It speaks packets only; the firmware library runs behind them.
///
/// At most 64 packets wait in either direction: a host that sends more is told, one that doesn't listen
/// loses the oldest reports.
#[derive(Debug, Clone)]
pub struct SimTool {
    pub(super) core: Rc<RefCell<Core>>,
}

impl Tool for SimTool {
    fn send(&mut self, packet: &[u8]) -> Result<(), LinkError> {
        self.core.borrow_mut().rig.link.send(packet)
    }

    fn receive(&mut self, into: &mut [u8]) -> Result<Option<usize>, LinkError> {
        let Some(packet) = self.core.borrow_mut().rig.link.next_for_host() else {
            return Ok(None);
        };
        let room = into.len();
        let Some(place) = into.get_mut(..packet.len()) else {
            return Err(LinkError::TooLong { device: "tool", bytes: packet.len(), room });
        };
        place.copy_from_slice(&packet);
        Ok(Some(packet.len()))
    }
}
