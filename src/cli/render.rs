//! `nuthatch render`: images of a scenario with their ground truth.

use indicatif::{ProgressBar, ProgressStyle};
use sim::look::Pool;
use sim::look::set::SetWriter;
use sim::sets::{SetOptions, render_set};

use super::{CliError, RenderArgs};
use crate::simulated::{Chosen, Simulation};

/// Why nothing is rendered.
#[derive(Debug, thiserror::Error)]
enum RenderError {
    #[error("scenario {scenario} puts nothing into a tote that a camera of the cell sees")]
    NothingSeen { scenario: String },
}

pub fn render(args: &RenderArgs) -> Result<(), CliError> {
    if let Some(skus) = args.skus {
        return render_goods(args, skus);
    }
    let simulation = Simulation::load_unchecked(&Chosen { scenario: &args.scenario, cell: None, orders: None })
        .map_err(CliError::input)?;
    let filled = |name: &String| !simulation.scenario.manifest(name).is_empty();
    let seen = simulation.site.cell.cameras.iter().find_map(|c| {
        let tote = simulation.site.cell.totes.iter().find(|t| c.sees.contains(&t.name) && filled(&t.name))?;
        Some((c.name.clone(), tote.name.clone()))
    });
    let Some((camera, tote)) = seen else {
        return Err(CliError::input(RenderError::NothingSeen { scenario: args.scenario.clone() }));
    };
    let first = args.seed.unwrap_or(simulation.scenario.seed);
    let mut set = SetWriter::new(&args.out, simulation.truth()).map_err(CliError::input)?;
    let bar = scenes_bar(args.count);
    for seed in first..first + u64::from(args.count) {
        let mut world = simulation.world(seed).map_err(CliError::input)?;
        world.add_to(&mut set, &camera, &tote).map_err(CliError::fault)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    set.finish().map_err(CliError::fault)?;
    println!("{} scenes of {tote} by camera {camera} in {}", args.count, args.out.display());
    Ok(())
}

fn scenes_bar(count: u32) -> ProgressBar {
    let bar = ProgressBar::new(u64::from(count));
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {pos}/{len} scenes · {eta} left") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

/// Totes of goods of chance.
fn render_goods(args: &RenderArgs, skus: u32) -> Result<(), CliError> {
    let pool = if args.held_out { Pool::HeldOut } else { Pool::Training };
    let options = SetOptions { seed: args.seed.unwrap_or(1), pool, skus: skus as usize, scenes: args.count as usize };
    let bar = scenes_bar(args.count);
    let seen = render_set(&args.out, &options, || bar.inc(1)).map_err(CliError::input)?;
    bar.finish_and_clear();
    println!("{} scenes, {seen} items of {skus} SKUs in {}", args.count, args.out.display());
    Ok(())
}
