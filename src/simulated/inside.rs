//! The simulated world in this process: its devices without a socket between, for speed.

use control::{Clock, LinkError};
use scene::Timestamp;
use sim::world::World;

use super::score::Scorer;
use crate::devices::{Devices, Time, TimeError};
use crate::judge::{Claim, Judge, Tally};

/// The world's virtual time: it moves on when it is asked to.
struct Lockstep(World);

impl Time for Lockstep {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn advance(&mut self) -> Result<Option<Timestamp>, TimeError> {
        self.0.step().map_err(|fault| TimeError::Ended { reason: fault.to_string() })?;
        Ok(Some(self.0.now()))
    }
}

/// Judges by the world's truth.
struct Bystander {
    world: World,
    scorer: Scorer,
}

impl Judge for Bystander {
    fn hear(&mut self, claim: Claim) -> Result<(), LinkError> {
        self.scorer.hear(&claim, self.world.world_from_tool().isometry(), &self.world.truth());
        Ok(())
    }

    fn tally(&mut self) -> Result<Tally, LinkError> {
        Ok(self.scorer.tally(&self.world.truth()))
    }
}

/// The devices of a world.
pub fn devices(world: World) -> Devices {
    let sim::world::Devices { arm, tool, cameras } = world.devices();
    Devices {
        clock: Clock::Virtual,
        arm,
        tool,
        cameras,
        judge: Box::new(Bystander { world: world.clone(), scorer: Scorer::default() }),
        time: Box::new(Lockstep(world)),
    }
}
