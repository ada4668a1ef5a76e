//! The one part of this program that knows of a simulated world: it makes it, hands out its devices, judges what was
//! done in it, and serves it to a runtime in another process. Nothing outside this folder, the benches and `render`
//! names the crate `sim`; `tests/edges.rs` holds that.

mod host;
mod inside;
mod score;
#[cfg(test)]
mod shifted;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use scene::Manifest;
use sim::look::{CatalogueError, TrueSku};
use sim::scenario::{Scenario, ScenarioError};
use sim::world::{World, WorldError};

use crate::bringup::{BringupError, Site, SiteFiles, folder_of, home, read};
use crate::cli::Strategy;
use crate::runtime::Runtime;
use crate::telemetry::Sink;

pub use host::{HostError, Passing, host, listen};
pub use inside::devices;

/// Why there is no simulated cell. Nothing has moved.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// No such scenario.
    #[error("scenario {name:?} is neither a file nor a shipped one; shipped: {shipped}")]
    NoScenario {
        /// What was asked for.
        name: String,
        /// Those that come with the program.
        shipped: String,
    },
    /// Scenario file.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// The world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// What a site knows.
    #[error(transparent)]
    Site(#[from] BringupError),
}

/// What a person chose on the command line.
#[derive(Debug, Clone)]
pub struct Chosen<'a> {
    /// Scenario: a file, or the name of a shipped one.
    pub scenario: &'a str,
    /// Cell file in place of the scenario's.
    pub cell: Option<&'a Path>,
    /// Orders file in place of the embedded one.
    pub orders: Option<&'a Path>,
}

/// A site and the simulated cell that stands for a real one.
pub struct Simulation {
    /// What truly lies in the totes, and what goes wrong.
    pub scenario: Scenario,
    /// What the runtime is given.
    pub site: Site,
    /// The true items: for the world alone.
    truth: Arc<Vec<TrueSku>>,
}

impl Simulation {
    /// Reads and checks every file of a run.
    ///
    /// # Errors
    /// [`SimulationError`] naming file, field, value and rule.
    pub fn load(chosen: &Chosen<'_>) -> Result<Self, SimulationError> {
        let simulation = Self::load_unchecked(chosen)?;
        simulation.site.check(&simulation.manifests())?;
        Ok(simulation)
    }

    /// As [`Self::load`], for who makes the world alone: orders and networks are not looked at.
    ///
    /// # Errors
    /// [`SimulationError`] naming file, field, value and rule.
    pub fn load_unchecked(chosen: &Chosen<'_>) -> Result<Self, SimulationError> {
        let (scenario, folder) = find_scenario(chosen.scenario)?;
        let named = (scenario.cell != "default").then(|| folder.join(&scenario.cell));
        let catalogue = match &scenario.catalogue {
            Some(path) if path.as_os_str() == sim::shipped::GOODS => Some(goods_folder()?),
            Some(path) => Some(folder.join(path)),
            None => None,
        };
        let site = Site::load(&SiteFiles {
            cell: chosen.cell.or(named.as_deref()),
            catalogue: catalogue.as_deref(),
            orders: chosen.orders,
        })?;
        let truth = Arc::new(sim::look::load_catalogue(site.catalogue())?);
        let mut simulation = Self { scenario, site, truth };
        // The example's orders are for the default catalogue's SKUs: of others, all are wanted.
        if catalogue.is_some() && chosen.orders.is_none() {
            let told = simulation.manifests();
            simulation.site.want_everything(&told, chosen.scenario);
        }
        Ok(simulation)
    }

    /// What the runtime is told that each tote holds.
    #[must_use]
    pub fn manifests(&self) -> BTreeMap<String, Manifest> {
        self.site.cell.totes.iter().map(|t| (t.name.clone(), self.scenario.manifest(&t.name))).collect()
    }

    /// The true items, for rendering.
    #[must_use]
    pub fn truth(&self) -> &Arc<Vec<TrueSku>> {
        &self.truth
    }

    /// The true items, to change them for a bench: what the site knows stays as it is.
    pub fn truth_mut(&mut self) -> &mut Vec<TrueSku> {
        Arc::make_mut(&mut self.truth)
    }

    /// A world with its items settled.
    ///
    /// # Errors
    /// [`WorldError`] for names that the scenario has and the cell or the catalogue has not.
    pub fn world(&self, seed: u64) -> Result<World, WorldError> {
        let site = &self.site;
        World::new(&self.scenario, &site.cell, &site.robot, &site.tool, self.truth.clone(), seed)
    }

    /// A world with its items settled, and a station in front of it, about to begin.
    ///
    /// # Errors
    /// [`SimulationError`]; nothing has moved.
    pub fn runtime<'a>(
        &self,
        seed: u64,
        strategy: Strategy,
        sinks: Vec<&'a mut dyn Sink>,
    ) -> Result<Runtime<'a>, SimulationError> {
        let devices = inside::devices(self.world(seed)?);
        Ok(self.site.begin(devices, &self.manifests(), strategy, sinks)?)
    }
}

/// A scenario and the folder that its paths start from.
fn find_scenario(name: &str) -> Result<(Scenario, PathBuf), SimulationError> {
    if let Some(text) = sim::shipped::scenario(name) {
        let folder = home()?.join("sim/scenarios");
        return Ok((Scenario::from_toml(text, &format!("sim/scenarios/{name}.toml"))?, folder));
    }
    let path = Path::new(name);
    if !path.is_file() {
        let names: Vec<&str> = sim::shipped::SCENARIOS.iter().map(|(name, _)| *name).collect();
        return Err(SimulationError::NoScenario { name: name.into(), shipped: names.join(", ") });
    }
    Ok((Scenario::from_toml(&read(path)?, name)?, folder_of(path)))
}

/// The goods, made when they are first wanted, in the user's cache: `NUTHATCH_CACHE`, else `nuthatch` in
/// `XDG_CACHE_HOME` or `~/.cache`, else in the folder for temporary files.
fn goods_folder() -> Result<PathBuf, SimulationError> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = from("NUTHATCH_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|d| d.join("nuthatch")))
        .or_else(|| from("HOME").map(|d| d.join(".cache/nuthatch")))
        .unwrap_or_else(|| std::env::temp_dir().join("nuthatch"));
    let program = std::env::current_exe().and_then(std::fs::metadata).and_then(|m| m.modified());
    let program = program.unwrap_or(std::time::SystemTime::UNIX_EPOCH);
    Ok(sim::shipped::goods_folder(&cache, program)?)
}
