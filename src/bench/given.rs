//! Items cut from true outlines and names, with the depth that the camera saw: for figures that judge grasps and physics
//! alone, of goods that the networks do not know. Both strategies are given the same.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use control::Container;
use perception::{LookError, Perception};
use scene::{Camera, CameraError, Catalogue, Item, Manifest, Mask, RgbdImage, SkuName, Timestamp, frame};
use serde::Serialize;
use sim::World;

use crate::cli::{CliError, ItemsFrom, Strategy};
use crate::runtime::Runtime;
use crate::simulated::{Simulation, devices};
use crate::station::eyes::Eyes;

/// Outlines of fewer pixels are left out, as the networks leave them out.
const LEAST_PX: usize = 100;
/// Images whose outlines are kept: those that are under way.
const KEPT: usize = 8;

/// Outlines and names by the time of their image.
type Outlines = Arc<Mutex<BTreeMap<Timestamp, Vec<(Mask, SkuName)>>>>;

impl ItemsFrom {
    /// A cell about to begin, whose station finds items so.
    pub(super) fn runtime(
        self,
        simulation: &Simulation,
        seed: u64,
        strategy: Strategy,
    ) -> Result<Runtime<'_>, CliError> {
        match self {
            Self::Networks => simulation.runtime(seed, strategy, Vec::new()).map_err(CliError::input),
            Self::Truth => given(simulation, seed, strategy),
        }
    }
}

impl Serialize for ItemsFrom {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

fn given(simulation: &Simulation, seed: u64, strategy: Strategy) -> Result<Runtime<'_>, CliError> {
    let world = simulation.world(seed).map_err(CliError::input)?;
    let outlines = Outlines::default();
    let mut devices = devices(world.clone());
    for (name, camera) in &mut devices.cameras {
        *camera =
            Box::new(Onlooker { world: world.clone(), name: name.clone(), image: None, outlines: outlines.clone() });
    }
    let eyes = |perception| -> Box<dyn Eyes> { Box::new(Told { perception, outlines }) };
    simulation.site.begin_with(devices, &simulation.manifests(), strategy, Vec::new(), eyes).map_err(CliError::input)
}

/// A camera beside which somebody notes what is what.
struct Onlooker {
    world: World,
    name: String,
    image: Option<RgbdImage>,
    outlines: Outlines,
}

impl Camera for Onlooker {
    fn trigger(&mut self, _now: Timestamp) -> Result<(), CameraError> {
        let Some((image, seen)) = self.world.photograph(&self.name) else {
            return Err(CameraError::Silent { camera: self.name.clone() });
        };
        let named = seen.into_iter().filter(|(mask, _)| mask.area() >= LEAST_PX).collect();
        let mut outlines = self.outlines.lock().unwrap_or_else(PoisonError::into_inner);
        outlines.insert(image.taken_at, named);
        if outlines.len() > KEPT {
            outlines.pop_first();
        }
        self.image = Some(image);
        Ok(())
    }

    fn fetch(&mut self, _now: Timestamp) -> Result<Option<RgbdImage>, CameraError> {
        Ok(self.image.take())
    }
}

/// Is told outlines and names, and cuts the items out.
struct Told {
    perception: Perception,
    outlines: Outlines,
}

impl Eyes for Told {
    fn catalogue(&self) -> &Catalogue {
        self.perception.catalogue()
    }

    fn look(
        &mut self,
        image: &RgbdImage,
        _manifest: &Manifest,
        tote: &Container<frame::Tote>,
    ) -> Result<Vec<Item>, LookError> {
        let outlines = self.outlines.lock().unwrap_or_else(PoisonError::into_inner);
        let named = outlines.get(&image.taken_at).map_or(&[][..], Vec::as_slice);
        self.perception.cut(image, named, &tote.world_from, tote.size)
    }
}
