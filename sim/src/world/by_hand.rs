//! What is done in a world past its arm and its tool: items that are brought in one at a time, for those who measure where
//! they come to rest.

use scene::{Pose, SkuName, frame};

use super::items::ItemState;
use super::matter::{matters_of, surface_of};
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

    /// What other items press each item down with, newtons, in order of id: the vertical part of the engine's contacts, on
    /// average over the next `ms` milliseconds, in which nothing sleeps. Walls and floor don't count.
    ///
    /// # Errors
    /// [`WorldFault`] as for [`Self::step`].
    pub fn loads_n(&mut self, ms: u32) -> Result<Vec<f64>, WorldFault> {
        let mut sums = vec![0.0; self.core.borrow().rig.items.len()];
        for _ in 0..ms {
            let mut core = self.core.borrow_mut();
            let rig = &mut core.rig;
            for item in &rig.items {
                rig.physics.wake(item.body);
            }
            core.tick()?;
            for (sum, item) in sums.iter_mut().zip(&core.rig.items) {
                *sum += core.rig.physics.pressed_down_n(item.body);
            }
        }
        Ok(sums.into_iter().map(|sum| sum / f64::from(ms.max(1))).collect())
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Isometry3;

    use crate::world::physics::{GRAVITY, Physics, STEP_S};
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
        let mut loads = [0.0; 3];
        for step in 0..1200 {
            stack.iter().for_each(|body| physics.wake(*body));
            physics.step();
            if step >= 1000 {
                stack.iter().zip(&mut loads).for_each(|(body, load)| *load += physics.pressed_down_n(*body) / 200.0);
            }
        }
        for (load, above) in loads.into_iter().zip([2.0, 1.0, 0.0]) {
            let expected = above * 0.5 * GRAVITY;
            assert!((load - expected).abs() < 0.05 * 0.5 * GRAVITY, "{load} N under {above} blocks, not {expected} N");
        }
    }
}
