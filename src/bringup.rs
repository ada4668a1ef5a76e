//! Everything that must be right before anything moves: files found, read, checked against each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use control::{Cell, ConfigError, Executor, Planner, RobotModel, Scale, ToolClient, ToolModel};
use perception::{Files, LoadError, Perception, Settings};
use scene::{Manifest, Span};
use sim::look::{CatalogueError, TrueSku};
use sim::scenario::{Scenario, ScenarioError};
use sim::world::{World, WorldError};

use crate::cli::Strategy;
use crate::cycle::{Cycle, Rules};
use crate::runtime::{Runtime, RuntimeError};
use crate::score::Scorer;
use crate::station::Station;
use crate::station::orders::{EXAMPLE, Orders, OrdersError};
use crate::telemetry::Sink;

/// The cell file that comes with the program.
pub const DEFAULT_CELL: &str = include_str!("cells/default.toml");

/// Why the cell was not brought up. Nothing has moved.
#[derive(Debug, thiserror::Error)]
pub enum BringupError {
    /// A file can't be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The program's own files are not where they are looked for.
    #[error("{missing} not found from {from} upwards; run from the repository, or set NUTHATCH_HOME to it")]
    Home {
        /// What is looked for.
        missing: &'static str,
        /// Where the search began.
        from: PathBuf,
    },
    /// No such scenario.
    #[error("scenario {name:?} is neither a file nor a shipped one; shipped: {shipped}")]
    NoScenario {
        /// What was asked for.
        name: String,
        /// Those that come with the program.
        shipped: String,
    },
    /// Robot, tool or cell file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Scenario file.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// Catalogue.
    #[error(transparent)]
    Catalogue(#[from] CatalogueError),
    /// Orders file.
    #[error(transparent)]
    Orders(#[from] OrdersError),
    /// Models, ONNX Runtime, or the catalogue as a site knows it.
    #[error(transparent)]
    Perception(#[from] LoadError),
    /// The networks refuse the reference views.
    #[error(transparent)]
    Look(#[from] perception::LookError),
    /// The simulated world.
    #[error(transparent)]
    World(#[from] WorldError),
    /// A device.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
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

/// All that a run needs, read and checked.
pub struct Site {
    /// What truly lies in the totes.
    pub scenario: Scenario,
    /// The cell.
    pub cell: Cell,
    /// Its arm.
    pub robot: RobotModel,
    /// Its tool.
    pub tool: ToolModel,
    /// What is wanted.
    pub orders: Orders,
    /// The true items: for the world alone.
    truth: Arc<Vec<TrueSku>>,
    /// The catalogue as the site knows it: a copy without `truth/`.
    known: tempfile::TempDir,
    models: PathBuf,
    runtime_library: PathBuf,
}

impl Site {
    /// Reads and checks every file of a run.
    ///
    /// # Errors
    /// [`BringupError`] naming file, field, value and rule.
    pub fn load(chosen: &Chosen<'_>) -> Result<Self, BringupError> {
        let home = home()?;
        let (scenario, scenario_folder) = if let Some(text) = sim::shipped::scenario(chosen.scenario) {
            (Scenario::from_toml(text, &format!("sim/scenarios/{}.toml", chosen.scenario))?, home.join("sim/scenarios"))
        } else {
            let path = Path::new(chosen.scenario);
            if !path.is_file() {
                let names: Vec<&str> = sim::shipped::SCENARIOS.iter().map(|(name, _)| *name).collect();
                return Err(BringupError::NoScenario { name: chosen.scenario.into(), shipped: names.join(", ") });
            }
            (Scenario::from_toml(&read(path)?, chosen.scenario)?, folder_of(path))
        };
        let (cell, cell_file, cell_folder) = match chosen.cell {
            Some(path) => read_cell(path)?,
            None if scenario.cell == "default" => {
                let file = "src/cells/default.toml";
                (Cell::from_toml(DEFAULT_CELL, file)?, file.to_owned(), home.join("src/cells"))
            }
            None => read_cell(&scenario_folder.join(&scenario.cell))?,
        };
        let (robot, tool) = cell.models(&cell_file, &cell_folder)?;
        let (orders, orders_file) = match chosen.orders {
            Some(path) => (Orders::from_toml(&read(path)?, &path.display().to_string())?, path.display().to_string()),
            None if scenario.catalogue.is_none() => {
                (Orders::from_toml(EXAMPLE, "src/orders/example.toml")?, "src/orders/example.toml".into())
            }
            // The example's orders are for the default catalogue's SKUs: of others, all are wanted.
            None => {
                let told: Vec<Manifest> = cell.totes.iter().map(|t| scenario.manifest(&t.name)).collect();
                let bins: Vec<String> = cell.bins.iter().map(|b| b.name.clone()).collect();
                (Orders::of_everything(&told, &bins), chosen.scenario.to_owned())
            }
        };
        let catalogue = match &scenario.catalogue {
            Some(path) if path.as_os_str() == sim::shipped::GOODS => goods_folder()?,
            Some(path) => scenario_folder.join(path),
            None => cell_folder.join(&cell.catalogue),
        };
        let truth = Arc::new(sim::look::load_catalogue(&catalogue)?);
        let known = known_copy(&catalogue)?;
        let site = Self {
            models: cell_folder.join(&cell.models),
            runtime_library: cell_folder.join(&cell.runtime_library),
            scenario,
            cell,
            robot,
            tool,
            orders,
            truth,
            known,
        };
        site.check(&orders_file)?;
        Ok(site)
    }

    /// Checks orders against cell, catalogue and manifests, and that the networks load.
    fn check(&self, orders_file: &str) -> Result<(), BringupError> {
        let (known, _) = perception::load_catalogue(self.known.path()).map_err(LoadError::from)?;
        let bins: Vec<String> = self.cell.bins.iter().map(|b| b.name.clone()).collect();
        self.orders.check(orders_file, &bins, &known, &self.manifests())?;
        self.perception().map(|_| ())
    }

    /// What each tote should hold: the orders file's word, else the scenario's.
    fn manifests(&self) -> BTreeMap<String, Manifest> {
        if self.orders.manifest.is_empty() {
            let told = |name: &String| (name.clone(), self.scenario.manifest(name));
            self.cell.totes.iter().map(|t| told(&t.name)).collect()
        } else {
            self.orders.manifest.clone()
        }
    }

    /// The folder with the catalogue as the site knows it.
    #[must_use]
    pub fn known_catalogue(&self) -> &Path {
        self.known.path()
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

    fn perception(&self) -> Result<Perception, BringupError> {
        let files = Files {
            models_dir: self.models.clone(),
            runtime_library: self.runtime_library.clone(),
            catalogue_dir: self.known.path().into(),
        };
        Ok(Perception::load(&files, &Settings { threads: self.cell.inference_threads.into(), ..Settings::default() })?)
    }

    /// A world with its items settled.
    ///
    /// # Errors
    /// [`BringupError`] for names that the scenario has and the cell or the catalogue has not.
    pub fn world(&self, seed: u64) -> Result<World, BringupError> {
        Ok(World::new(&self.scenario, &self.cell, &self.robot, &self.tool, self.truth.clone(), seed)?)
    }

    /// A world with its items settled, and a station in front of it, about to begin.
    ///
    /// # Errors
    /// [`BringupError`]; nothing has moved.
    pub fn runtime<'a>(
        &self,
        seed: u64,
        strategy: Strategy,
        sinks: Vec<&'a mut dyn Sink>,
    ) -> Result<Runtime<'a>, BringupError> {
        let cell = &self.cell;
        // The station works on the first tote that should hold something.
        let manifests = self.manifests();
        let tote = cell.totes.iter().position(|t| manifests.get(&t.name).is_some_and(|m| !m.is_empty())).unwrap_or(0);
        let manifest = manifests.get(&cell.totes[tote].name).cloned().unwrap_or_default();
        let world = self.world(seed)?;
        let mut perception = self.perception()?;
        perception.prepare(&manifest)?;
        let station = Station::new(
            cell.clone(),
            self.robot.clone(),
            self.tool.clone(),
            perception,
            &self.orders,
            tote,
            manifest,
            strategy,
        );
        let ms = |v: f64| Span::from_seconds(v * 1e-3);
        let rules = Rules {
            seal_timeout: ms(cell.thresholds.seal_timeout_ms),
            collision_n: cell.thresholds.collision_n,
            lost_pa: limits().lost_floor_pa,
            blow: ms(cell.thresholds.blow_ms),
            release_timeout: ms(cell.thresholds.release_timeout_ms),
            released_pa: cell.thresholds.released_pa,
        };
        let scale = Scale::new(Planner::new(&self.robot, &self.tool, cell), &self.tool);
        let cycle = Cycle::new(rules, Executor::new(&self.robot, cell.rest), scale);
        let tool = ToolClient::new(world.tool(), limits());
        Ok(Runtime::new(world, tool, station, cycle, Scorer::new(&self.orders), cell, tote, sinks)?)
    }
}

/// The folder that models and catalogues are found from: `NUTHATCH_HOME`, else the first of the current
/// folder, its parents, and the program's parents that has `perception/models`.
pub(crate) fn home() -> Result<PathBuf, BringupError> {
    if let Some(home) = std::env::var_os("NUTHATCH_HOME") {
        return Ok(home.into());
    }
    let current = std::env::current_dir().map_err(|source| BringupError::Read { path: ".".into(), source })?;
    let program = std::env::current_exe().unwrap_or_else(|_| current.clone());
    current
        .ancestors()
        .chain(program.ancestors())
        .find(|folder| folder.join("perception/models").is_dir())
        .map(Path::to_path_buf)
        .ok_or(BringupError::Home { missing: "perception/models", from: current })
}

/// The goods, made when they are first wanted, in the user's cache: `NUTHATCH_CACHE`, else `nuthatch` in
/// `XDG_CACHE_HOME` or `~/.cache`, else in the folder for temporary files.
fn goods_folder() -> Result<PathBuf, BringupError> {
    let from = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = from("NUTHATCH_CACHE")
        .or_else(|| from("XDG_CACHE_HOME").map(|d| d.join("nuthatch")))
        .or_else(|| from("HOME").map(|d| d.join(".cache/nuthatch")))
        .unwrap_or_else(|| std::env::temp_dir().join("nuthatch"));
    let program = std::env::current_exe().and_then(std::fs::metadata).and_then(|m| m.modified()).ok();
    Ok(sim::shipped::goods_folder(&cache, program)?)
}

/// A cell, its name for messages, and the folder that its paths start from.
fn read_cell(path: &Path) -> Result<(Cell, String, PathBuf), BringupError> {
    let file = path.display().to_string();
    Ok((Cell::from_toml(&read(path)?, &file)?, file, folder_of(path)))
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

fn read(path: &Path) -> Result<String, BringupError> {
    std::fs::read_to_string(path).map_err(|source| BringupError::Read { path: path.into(), source })
}

/// Copies what a site knows of each SKU, `sku.toml` and `views/`, so that nothing that plans can find the truth.
fn known_copy(catalogue: &Path) -> Result<tempfile::TempDir, BringupError> {
    let fault = |path: &Path| {
        let path = path.to_path_buf();
        move |source| BringupError::Read { path, source }
    };
    let copy = tempfile::tempdir().map_err(fault(&std::env::temp_dir()))?;
    for sku in std::fs::read_dir(catalogue).map_err(fault(catalogue))? {
        let sku = sku.map_err(fault(catalogue))?;
        let (from, to) = (sku.path(), copy.path().join(sku.file_name()));
        if !from.is_dir() {
            continue;
        }
        std::fs::create_dir(&to).map_err(fault(&to))?;
        let file = from.join("sku.toml");
        std::fs::copy(&file, to.join("sku.toml")).map_err(fault(&file))?;
        let views = from.join("views");
        std::fs::create_dir(to.join("views")).map_err(fault(&to))?;
        for view in std::fs::read_dir(&views).map_err(fault(&views))? {
            let view = view.map_err(fault(&views))?;
            std::fs::copy(view.path(), to.join("views").join(view.file_name())).map_err(fault(&view.path()))?;
        }
    }
    Ok(copy)
}

/// What the tool is held to. A seek begins while the tool still comes down, which may take most of two seconds.
fn limits() -> firmware::Limits {
    firmware::Limits { seek_timeout_ms: 3_000, ..firmware::Limits::default() }
}
