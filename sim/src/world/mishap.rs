//! Faults that happen in the world itself: what they do to tool, arm and items from tick to tick. Those of links and
//! cameras are wrappers round the devices, see [`super::devices`].

use firmware::{CUPS, Outputs};
use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};

use super::core::Core;
use super::items::Where;
use super::physics::BondId;
use super::pneumatics::Mouth;
use crate::fault::{Fault, FaultKind};

/// How far beside its tote an item lands that is knocked out, metres.
const BESIDE_M: f64 = 0.12;

/// A fault of the scenario and what became of it.
#[derive(Debug, Clone)]
pub(crate) struct Running {
    pub fault: Fault,
    on: bool,
    bond: Option<BondId>,
}

impl From<&Fault> for Running {
    fn from(fault: &Fault) -> Self {
        Self { fault: fault.clone(), on: false, bond: None }
    }
}

/// What is wrong with the tool in one tick.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Troubles {
    /// More leak of each cup at 40 kPa, m³/s.
    leak: [f64; CUPS],
    /// Valves that stay where they are: towards the vent gallery or not.
    stuck: [Option<bool>; CUPS],
    /// What is left of the ejector's flow.
    pub flow: f64,
    /// What dead pressure sensors say, pascals.
    reads_pa: [Option<f64>; CUPS],
    /// Sideways force on what is held, newtons.
    pub push_n: f64,
    /// The tool has current.
    pub powered: bool,
}

impl Default for Troubles {
    fn default() -> Self {
        Self { leak: [0.0; CUPS], stuck: [None; CUPS], flow: 1.0, reads_pa: [None; CUPS], push_n: 0.0, powered: true }
    }
}

impl Troubles {
    /// What the valves do when the controller wants `outputs`.
    pub fn bend(&self, outputs: &Outputs) -> Outputs {
        // Without current every output falls back to its default.
        let mut bent = if self.powered { *outputs } else { Outputs::default() };
        for (vent, stuck) in bent.vent.iter_mut().zip(self.stuck) {
            *vent = stuck.unwrap_or(*vent);
        }
        bent
    }

    /// Cups with what leaks beside.
    pub fn open(&self, mouths: &mut [Mouth; CUPS]) {
        for (mouth, leak) in mouths.iter_mut().zip(self.leak) {
            mouth.leak.at_40_kpa += leak;
        }
    }

    /// What a cup's sensor says instead of what it reads.
    pub fn read(&self, cup: usize, pa: u32) -> u32 {
        self.reads_pa[cup].map_or(pa, |says| says as u32)
    }
}

/// What the e-stop, the supply and the power do in one tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mains {
    pub estop: bool,
    pub supply: bool,
}

impl Core {
    /// True while the fault of this number is on.
    pub fn is_on(&self, fault: usize) -> bool {
        self.faults.get(fault).is_some_and(|f| f.fault.is_on(self.now))
    }

    /// Lets the scenario's faults begin, act and end.
    pub(super) fn suffer(&mut self) -> Mains {
        let mut troubles = Troubles::default();
        let mut mains = Mains { estop: false, supply: true };
        for i in 0..self.faults.len() {
            let on = self.is_on(i);
            let before = std::mem::replace(&mut self.faults[i].on, on);
            let (begins, ends) = (on && !before, before && !on);
            if !on && !ends {
                continue;
            }
            match &self.faults[i].fault.kind {
                FaultKind::LeakingCup { cup, at_40_kpa } if on => troubles.leak[*cup] += at_40_kpa,
                FaultKind::StuckValve { cup, vents } if on => troubles.stuck[*cup] = Some(*vents),
                FaultKind::CloggedFilter { flow } if on => troubles.flow *= flow,
                FaultKind::DeadPressureSensor { cup, reads_pa } if on => troubles.reads_pa[*cup] = Some(*reads_pa),
                FaultKind::Struck { push_n } if on => troubles.push_n += push_n,
                FaultKind::SupplyLoss if on => mains.supply = false,
                FaultKind::EStop { reset } | FaultKind::ArmStop { reset } | FaultKind::PowerLoss { reset } => {
                    let reset = *reset;
                    mains.estop |= on && matches!(self.faults[i].fault.kind, FaultKind::EStop { .. });
                    troubles.powered &= !(on && matches!(self.faults[i].fault.kind, FaultKind::PowerLoss { .. }));
                    if on {
                        self.arm.stop();
                    } else if reset {
                        self.arm.reset();
                    }
                }
                FaultKind::ShiftedTote { tote, by_m, yaw } if begins => {
                    let (tote, by_m, yaw) = (Where::Tote(tote.clone()), *by_m, *yaw);
                    self.shift(&tote, by_m, yaw);
                }
                FaultKind::KnockedOut { tote, sku } if begins => {
                    let (tote, sku) = (Where::Tote(tote.clone()), sku.clone());
                    self.knock_out(&tote, |core, item| sku.as_ref().is_none_or(|sku| core.is_sku(item, sku)));
                }
                FaultKind::StuckTogether { tote, sku, holds_n } => {
                    let (tote, sku, holds_n) = (Where::Tote(tote.clone()), sku.clone(), *holds_n);
                    if begins {
                        self.faults[i].bond =
                            self.stick(&tote, |core, item| sku.as_ref().is_none_or(|sku| core.is_sku(item, sku)));
                    }
                    if let Some(bond) = self.faults[i].bond
                        && (ends || self.rig.physics.bond_pull_n(bond) > holds_n)
                    {
                        self.rig.physics.unbond(bond);
                        self.faults[i].bond = None;
                    }
                }
                // Links, cameras and manifests are wrong elsewhere.
                _ => {}
            }
        }
        self.rig.troubles = troubles;
        mains
    }

    fn is_sku(&self, item: usize, sku: &scene::SkuName) -> bool {
        self.catalogue[self.rig.items[item].sku].sku.name == *sku
    }

    /// The items that lie in a tote.
    fn lying_in(&self, tote: &Where) -> Vec<usize> {
        let rig = &self.rig;
        (0..rig.items.len()).filter(|&i| rig.items[i].place(&rig.places) == *tote).collect()
    }

    /// A tote moves with all that lies in it.
    fn shift(&mut self, tote: &Where, by_m: [f64; 2], yaw: f64) {
        let items = self.lying_in(tote);
        let Some(index) = self.rig.places.iter().position(|p| p.at == *tote) else { return };
        let old = self.rig.places[index].walls.world_from;
        let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
        let new = Translation3::new(by_m[0], by_m[1], 0.0) * old * turn;
        self.rig.move_place(index, &new);
        if let Some(tub) = self.studio.tubs.get_mut(index) {
            tub.world_from_tub = new;
        }
        let new_from_old = new * old.inverse();
        for item in items {
            let at = new_from_old * self.rig.items[item].met.world_from_item;
            self.rig.place_item(item, &at);
        }
    }

    /// The topmost item that fits lands on the table, away from the arm.
    fn knock_out(&mut self, tote: &Where, fits: impl Fn(&Self, usize) -> bool) {
        let Some(place) = self.rig.places.iter().find(|p| p.at == *tote) else { return };
        let middle = place.walls.world_from.translation.vector;
        let out = Vector3::new(middle.x, middle.y, 0.0).try_normalize(1e-6).unwrap_or_else(Vector3::x);
        let beside = middle + out * (0.5 * place.walls.size.xy().norm() + BESIDE_M);
        let height = |i: usize| self.rig.items[i].met.world_from_item.translation.z;
        let found =
            self.lying_in(tote).into_iter().filter(|&i| fits(self, i)).max_by(|&a, &b| height(a).total_cmp(&height(b)));
        let Some(item) = found else { return };
        let met = &self.rig.items[item].met;
        let up = met.matter.solid.half_extents().norm() + 0.005;
        let at = Isometry3::from_parts(Translation3::new(beside.x, beside.y, up), met.world_from_item.rotation);
        self.rig.place_item(item, &at);
    }

    /// Joins the two nearest items of a tote of which one fits.
    fn stick(&mut self, tote: &Where, fits: impl Fn(&Self, usize) -> bool) -> Option<BondId> {
        let items = self.lying_in(tote);
        let at = |i: usize| self.rig.items[i].met.world_from_item.translation.vector;
        let pairs = items.iter().flat_map(|&a| items.iter().map(move |&b| (a, b)));
        let (a, b) = pairs
            .filter(|&(a, b)| a < b && (fits(self, a) || fits(self, b)))
            .min_by(|x, y| (at(x.0) - at(x.1)).norm().total_cmp(&(at(y.0) - at(y.1)).norm()))?;
        let (a, b) = (self.rig.items[a].body, self.rig.items[b].body);
        Some(self.rig.physics.bond(a, b))
    }
}
