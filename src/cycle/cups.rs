//! What the cups say: sealed, lost, and by how much.

use firmware::{CupSet, CupState, State, Status};

use super::Cycle;

impl Cycle {
    pub(super) fn note_lowest(&mut self, tool: &Status) {
        if let Some(attempt) = &mut self.attempt {
            for (lowest, cup) in attempt.lowest_pa.iter_mut().zip(&tool.cups) {
                *lowest = (*lowest).min(cup.pressure_pa);
            }
        }
    }

    pub(super) fn all_sealed(&self, tool: &Status) -> bool {
        self.attempt.as_ref().is_some_and(|a| {
            let wanted = a.hold().cups;
            sealed_cups(tool, wanted) == wanted.count()
        })
    }

    pub(super) fn lost(&self, tool: &Status) -> bool {
        self.attempt.as_ref().is_some_and(|a| {
            let wanted = a.hold().cups;
            // Bellows breathe when the item swings: a fall of the pressure alone is no loss while vacuum is left.
            let holds = |i: usize| match tool.cups[i].state {
                CupState::Sealed | CupState::Leaking => true,
                CupState::Lost => tool.cups[i].pressure_pa >= self.rules.lost_pa,
                CupState::Vented | CupState::Seeking => false,
            };
            tool.state == State::SafeEmpty || !wanted.iter().any(holds)
        })
    }
}

pub(super) fn sealed_cups(tool: &Status, wanted: CupSet) -> u32 {
    let sealed = wanted.iter().filter(|&i| tool.cups[i].state == CupState::Sealed).count();
    u32::try_from(sealed).unwrap_or(u32::MAX)
}

pub(super) fn pressures(tool: &Status) -> [u32; firmware::CUPS] {
    tool.cups.map(|c| c.pressure_pa)
}
