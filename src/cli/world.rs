//! `nuthatch world`: the simulated cell as a process of its own.

use std::convert::Infallible;

use super::{CliError, WorldArgs};
use crate::simulated::{Chosen, Passing, Simulation, host, listen};

pub fn world(args: &WorldArgs) -> Result<Infallible, CliError> {
    let chosen = Chosen { scenario: &args.scenario, cell: args.cell.as_deref(), orders: None };
    let simulation = Simulation::load_unchecked(&chosen).map_err(CliError::input)?;
    let seed = args.seed.unwrap_or(simulation.scenario.seed);
    let world = simulation.world(seed).map_err(CliError::input)?;
    let listener = listen(&args.socket).map_err(CliError::input)?;
    eprintln!("world {} with seed {seed} listens at {}", simulation.scenario.name, args.socket.display());
    let passing = Passing { clock: args.clock.into(), patience_s: args.patience_ms as f64 * 1e-3 };
    Err(CliError::fault(host(&simulation, world, seed, passing, &listener, |line| eprintln!("world: {line}"))))
}
