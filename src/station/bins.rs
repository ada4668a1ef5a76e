//! The bins as the station believes them to be: what was put there, and what a look says of it.

use std::sync::Arc;

use control::Container;
use grasp::{BinState, Lies, Placement};
use scene::{HeightMap, RgbdImage, Timestamp, frame};

use super::{CELL_M, Station};
use crate::telemetry::{Choice, Event, Outcome, PickRecord};

/// One bin as the station believes it to be.
#[derive(Debug, Clone)]
pub(super) struct OpenBin {
    pub(super) name: String,
    /// What a look has told, with what was put there since.
    pub(super) state: Arc<BinState>,
    /// The same before the newest release, to confirm that against.
    before: Arc<BinState>,
    /// When the newest release was.
    put_at: Timestamp,
}

impl OpenBin {
    /// A bin into which nobody has looked.
    pub(super) fn unseen(bin: &Container<frame::Bin>) -> Self {
        let state = Arc::new(BinState::unseen([bin.size[0], bin.size[1]], CELL_M));
        Self { name: bin.name.clone(), before: state.clone(), state, put_at: Timestamp::ZERO }
    }
}

/// A released pick that waits for its bin to be looked at.
#[derive(Debug)]
pub(super) struct Waiting {
    record: PickRecord,
    placement: Placement,
    /// The bin before the release.
    before: Option<Arc<BinState>>,
}

impl Station {
    /// The tool has let go in a bin: the bin is believed to hold the item from now on, with what it weighed, or else the
    /// catalogue's mass, or else what the hold was reckoned with, kilograms.
    pub fn released(&mut self, choice: &Choice, weighed_kg: Option<f64>, now: Timestamp) {
        let placement = self.placement(choice).clone();
        let sku = self.catalogue.get(&choice.sku);
        let hold = &choice.candidates[choice.chosen].hold;
        let weighed_kg = weighed_kg.filter(|kg| *kg > 0.0 && kg.is_finite());
        let mass_kg = weighed_kg.or_else(|| sku.and_then(|s| s.mass_kg)).unwrap_or(hold.mass_kg);
        self.obstacles = None;
        if let Some(bin) = self.bins.iter_mut().find(|b| b.name == choice.bin) {
            bin.before = bin.state.clone();
            bin.state = Arc::new(bin.state.with(&placement, mass_kg, sku));
            bin.put_at = now;
            let surface = bin.state.surface.clone();
            self.events.push(Event::BinSurface { at: now, bin: bin.name.clone(), surface });
        }
    }

    /// What was believed to lie in a bin hangs on the tool still.
    pub(super) fn not_released(&mut self, bin: &str) {
        self.obstacles = None;
        if let Some(bin) = self.bins.iter_mut().find(|b| b.name == bin) {
            bin.state = bin.before.clone();
        }
    }

    /// Has a released pick wait for [`Station::confirm`].
    pub(super) fn wait(&mut self, record: PickRecord, placement: Placement) {
        let before = self.bins.iter().find(|b| b.name == record.bin).map(|b| b.before.clone());
        self.waiting = Some(Waiting { record, placement, before });
    }

    /// Looks into the bins: the newest surfaces, and how the released item lies, which settles its pick. After a pick that
    /// lost its item, and before the first one, there is nothing to settle, only surfaces.
    pub fn confirm(&mut self, pick: u32, camera: &str, image: &Arc<RgbdImage>) {
        self.events.push(Event::Image { at: image.taken_at, camera: camera.into(), image: image.clone() });
        let seen: Vec<HeightMap<frame::Bin>> = self
            .cell
            .bins
            .iter()
            .map(|container| perception::height_map(image, &container.world_from, container.size, CELL_M))
            .collect();
        let mut newest = None;
        if let Some(Waiting { record, placement, before }) = self.waiting.take_if(|w| w.record.pick == pick) {
            let bin = self.bins.iter().position(|b| b.name == record.bin);
            let lies = match bin.zip(before.as_ref()) {
                Some((bin, before)) => placement.lies(&before.surface, &seen[bin]),
                None => Lies::NotSeen,
            };
            newest = bin.map(|bin| (bin, placement, lies));
            self.settle_as(record, lies);
        }
        self.obstacles = None;
        for (index, (bin, seen)) in self.bins.iter_mut().zip(&seen).enumerate() {
            if bin.put_at > image.taken_at {
                // Something has been put there since: the image doesn't show it.
                continue;
            }
            let believed = match &newest {
                Some((at, placement, lies)) if *at == index => believed(bin, placement, *lies),
                _ => (*bin.state).clone(),
            };
            bin.state = Arc::new(grasp::observe(&believed, seen));
            let surface = bin.state.surface.clone();
            self.events.push(Event::BinSurface { at: image.taken_at, bin: bin.name.clone(), surface });
        }
    }

    /// Settles a released pick by how its item lies.
    fn settle_as(&mut self, mut record: PickRecord, lies: Lies) {
        let remark = match lies {
            Lies::AsPlaced | Lies::NotSeen => None,
            Lies::Moved { .. } | Lies::Tipped { .. } | Lies::Unread => Some(lies.to_string()),
        };
        let remarks: Vec<String> = record.remark.take().into_iter().chain(remark).collect();
        record.remark = (!remarks.is_empty()).then(|| remarks.join("; "));
        if lies.is_there() {
            if matches!(lies, Lies::Tipped { .. }) {
                record.outcome = Outcome::Tipped;
            }
            self.ledger.deliver(&record.order, &record.sku);
            if let Some(left) = self.manifest.get_mut(&record.sku) {
                *left = left.saturating_sub(1);
            }
        } else {
            record.outcome = Outcome::NotSeenInBin;
            self.ledger.give_back(&record.order, &record.sku, "released, but not seen in its bin");
        }
        self.settle(record);
    }
}

/// What a bin is believed to hold, given how its newest item lies, before the look is taken in: one that lies otherwise is
/// of unknown kind from now on, one that is not seen has never been there. Both count as shifted, once.
fn believed(bin: &OpenBin, placement: &Placement, lies: Lies) -> BinState {
    match lies {
        Lies::AsPlaced | Lies::Unread => (*bin.state).clone(),
        Lies::Moved { .. } | Lies::Tipped { .. } => bin.state.without(placement),
        Lies::NotSeen => BinState { shifted: bin.before.shifted + 1, ..(*bin.before).clone() },
    }
}
