//! What is done in a world past its arm and its tool: items that are brought in one at a time, for those who measure where
//! they come to rest.

use scene::{Pose, SkuName, frame};

use super::items::ItemState;
use super::matter::{matters_of, surface_of};
use super::physics::{BodyId, GRAVITY, Physics};
use super::{World, WorldFault};

/// An item that was brought in.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PutDown {
    /// Which item it is from now on.
    pub id: u32,
    /// How far above the pose that was asked for it touched something and was let go, metres; 0 where the way was free.
    pub above_m: f64,
}

impl World {
    /// Brings a new item straight down to a pose, as something that feels contact would, and lets go of it at rest: there,
    /// or where it first touches something on the way, which begins `way_m` metres above. `None` where the catalogue has no
    /// such SKU. The arm and the tool have no part in it.
    pub fn put_down(
        &mut self,
        sku: &SkuName,
        world_from_item: &Pose<frame::World, frame::Item>,
        way_m: f64,
    ) -> Option<PutDown> {
        let mut core = self.core.borrow_mut();
        let kind = core.catalogue.iter().position(|known| known.sku.name == *sku)?;
        let alike = core.rig.items.iter().find(|item| item.sku == kind).map(|item| item.met.matter.clone());
        let matter = alike.or_else(|| matters_of(&[&core.catalogue[kind]]).pop())?;
        let (surface, fragility) = (surface_of(&core.catalogue[kind]), core.catalogue[kind].sku.fragility);
        let rig = &mut core.rig;
        let above_m = rig.physics.touches_above(&matter, world_from_item.isometry(), way_m);
        let at = nalgebra::Translation3::new(0.0, 0.0, above_m) * world_from_item.isometry();
        let body = rig.physics.add_item(&matter, &at);
        let mut item = ItemState::new(kind, body, matter, surface, fragility);
        item.read(&rig.physics);
        rig.items.push(item);
        Some(PutDown { id: u32::try_from(rig.items.len() - 1).unwrap_or(u32::MAX), above_m })
    }

    /// What other items press each item down with, newtons, in order of id: each hands its weight and its load down to what
    /// holds it up, in the shares of the engine's contacts over the next `ms` milliseconds, in which nothing sleeps.
    ///
    /// # Errors
    /// [`WorldFault`] as for [`Self::step`].
    pub fn loads_n(&mut self, ms: u32) -> Result<Vec<f64>, WorldFault> {
        let mut carry = Carry::new(self.core.borrow().rig.items.len());
        for _ in 0..ms {
            let mut core = self.core.borrow_mut();
            let bodies: Vec<BodyId> = core.rig.items.iter().map(|item| item.body).collect();
            bodies.iter().for_each(|&body| core.rig.physics.wake(body));
            core.tick()?;
            carry.add(&core.rig.physics, &bodies);
        }
        let weights: Vec<f64> =
            self.core.borrow().rig.items.iter().map(|item| item.met.matter.mass_kg * GRAVITY).collect();
        Ok(carry.loads_n(&weights))
    }
}

/// Who holds whom up.
struct Carry {
    /// For each item the upward pushes that it had of each other one, N·s.
    from: Vec<Vec<f64>>,
    /// And of all.
    all: Vec<f64>,
}

impl Carry {
    fn new(count: usize) -> Self {
        Self { from: vec![vec![0.0; count]; count], all: vec![0.0; count] }
    }

    /// Adds the pushes of the last step.
    fn add(&mut self, physics: &Physics, bodies: &[BodyId]) {
        for (i, &body) in bodies.iter().enumerate() {
            for (by, push) in physics.held_up_by(body) {
                self.all[i] += push;
                if let Some(j) = by.and_then(|by| bodies.iter().position(|&b| b == by)) {
                    self.from[i][j] += push;
                }
            }
        }
    }

    /// The shares alone count: the engine's pushes are up to a third larger than the weights that they hold (measured on
    /// a stack of cartons). Weights go down one item further each time.
    fn loads_n(&self, weights: &[f64]) -> Vec<f64> {
        let mut loads = vec![0.0; weights.len()];
        for _ in 0..weights.len() {
            let mut next = vec![0.0; weights.len()];
            for (i, weight) in weights.iter().enumerate().filter(|(i, _)| self.all[*i] > 0.0) {
                for (load, push) in next.iter_mut().zip(&self.from[i]) {
                    *load += (weight + loads[i]) * push / self.all[i];
                }
            }
            loads = next;
        }
        loads
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Isometry3;

    use super::*;
    use crate::world::physics::STEP_S;
    use crate::world::rig_tests::carton;

    #[test]
    fn what_comes_down_stops_where_it_first_touches() {
        let mut physics = Physics::new(STEP_S);
        let block = carton([0.1, 0.1, 0.05], 0.5);
        physics.add_item(&block, &Isometry3::translation(0.5, 0.0, 0.025));
        let above = |x: f64, z: f64| physics.touches_above(&block, &Isometry3::translation(x, 0.0, z), 0.1);
        assert!((above(0.5, 0.065) - 0.01).abs() < 1.5e-3, "{}", above(0.5, 0.065));
        assert!(above(0.5, 0.085).abs() < 1e-9, "{}", above(0.5, 0.085));
        assert!(above(0.65, 0.030).abs() < 1e-9, "{}", above(0.65, 0.030));
        // The floor stops it as well.
        assert!((above(0.65, 0.010) - 0.015).abs() < 1.5e-3, "{}", above(0.65, 0.010));
    }

    #[test]
    fn the_lowest_of_a_stack_bears_the_weight_of_the_others() {
        let mut physics = Physics::new(STEP_S);
        let block = carton([0.1, 0.1, 0.05], 0.5);
        let stack =
            [0.0, 1.0, 2.0].map(|n| physics.add_item(&block, &Isometry3::translation(0.5, 0.0, 0.025 + 0.0505 * n)));
        let mut carry = Carry::new(3);
        for step in 0..1200 {
            stack.iter().for_each(|body| physics.wake(*body));
            physics.step();
            if step >= 1000 {
                carry.add(&physics, &stack);
            }
        }
        let loads = carry.loads_n(&[0.5 * GRAVITY; 3]);
        for (load, above) in loads.into_iter().zip([2.0, 1.0, 0.0]) {
            let expected = above * 0.5 * GRAVITY;
            assert!((load - expected).abs() < 0.01 * GRAVITY, "{load} N under {above} blocks, not {expected} N");
        }
    }
}
