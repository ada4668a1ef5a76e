//! Everything that must be right before anything moves: files found, read, checked against each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use control::{Cell, ConfigError, Executor, Planner, RobotModel, Scale, ToolModel};
use perception::{Files, LoadError, Perception, Settings};
use scene::{Manifest, Span};

use crate::cli::Strategy;
use crate::cycle::{Cycle, Rules};
use crate::devices::Devices;
use crate::runtime::{Runtime, RuntimeError};
use crate::station::Station;
use crate::station::eyes::Eyes;
use crate::station::orders::{EXAMPLE, Orders, OrdersError};
use crate::telemetry::Sink;

/// An arm within this of its rest pose stands there: more than encoders err, less than a person sees.
const AT_REST_RAD: f64 = 1e-3;

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
    /// Robot, tool or cell file.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Orders file.
    #[error(transparent)]
    Orders(#[from] OrdersError),
    /// Models, ONNX Runtime, or the catalogue as a site knows it.
    #[error(transparent)]
    Perception(#[from] LoadError),
    /// The networks refuse the reference views.
    #[error(transparent)]
    Look(#[from] perception::LookError),
    /// A device.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

/// The files that a site is read from.
#[derive(Debug, Clone, Default)]
pub struct SiteFiles<'a> {
    /// Cell file in place of the embedded one.
    pub cell: Option<&'a Path>,
    /// Folder of the catalogue in place of the cell's.
    pub catalogue: Option<&'a Path>,
    /// Orders file in place of the embedded one.
    pub orders: Option<&'a Path>,
}

/// What a site knows, read and checked: no line of it tells a simulated cell from a real one.
pub struct Site {
    /// The cell.
    pub cell: Cell,
    /// Its arm.
    pub robot: RobotModel,
    /// Its tool.
    pub tool: ToolModel,
    /// What is wanted.
    pub orders: Orders,
    orders_file: String,
    catalogue: PathBuf,
    /// The catalogue as the site knows it: a copy without `truth/`.
    known: tempfile::TempDir,
    models: PathBuf,
    runtime_library: PathBuf,
}

impl Site {
    /// Reads and checks every file of a site.
    ///
    /// # Errors
    /// [`BringupError`] naming file, field, value and rule.
    pub fn load(files: &SiteFiles<'_>) -> Result<Self, BringupError> {
        let (cell, cell_file, cell_folder) = match files.cell {
            Some(path) => read_cell(path)?,
            None => {
                let file = "src/cells/default.toml";
                (Cell::from_toml(DEFAULT_CELL, file)?, file.to_owned(), home()?.join("src/cells"))
            }
        };
        let (robot, tool) = cell.models(&cell_file, &cell_folder)?;
        let (orders, orders_file) = match files.orders {
            Some(path) => (Orders::from_toml(&read(path)?, &path.display().to_string())?, path.display().to_string()),
            None => (Orders::from_toml(EXAMPLE, "src/orders/example.toml")?, "src/orders/example.toml".into()),
        };
        let catalogue = files.catalogue.map_or_else(|| cell_folder.join(&cell.catalogue), Path::to_path_buf);
        Ok(Self {
            models: cell_folder.join(&cell.models),
            runtime_library: cell_folder.join(&cell.runtime_library),
            known: known_copy(&catalogue)?,
            cell,
            robot,
            tool,
            orders,
            orders_file,
            catalogue,
        })
    }

    /// Wants all that the totes should hold, in place of the orders read. `file` is what messages call it.
    pub fn want_everything(&mut self, told: &BTreeMap<String, Manifest>, file: &str) {
        let bins: Vec<String> = self.cell.bins.iter().map(|b| b.name.clone()).collect();
        self.orders = Orders::of_everything(told.values(), &bins);
        self.orders_file = file.to_owned();
    }

    /// Checks orders against cell, catalogue and what the totes should hold, and that the networks load. `told` is the
    /// warehouse's word on the totes; manifests in the orders file go before it.
    ///
    /// # Errors
    /// [`BringupError`] naming file, field, value and rule.
    pub fn check(&self, told: &BTreeMap<String, Manifest>) -> Result<(), BringupError> {
        let (known, _) = perception::load_catalogue(self.known.path()).map_err(LoadError::from)?;
        let bins: Vec<String> = self.cell.bins.iter().map(|b| b.name.clone()).collect();
        self.orders.check(&self.orders_file, &bins, &known, self.manifests(told))?;
        self.perception().map(|_| ())
    }

    /// What each tote should hold: the orders file's word, else what is told.
    fn manifests<'a>(&'a self, told: &'a BTreeMap<String, Manifest>) -> &'a BTreeMap<String, Manifest> {
        if self.orders.manifest.is_empty() { told } else { &self.orders.manifest }
    }

    /// The folder with the catalogue, as it was given.
    #[must_use]
    pub fn catalogue(&self) -> &Path {
        &self.catalogue
    }

    /// The folder with the catalogue as the site knows it.
    #[must_use]
    pub fn known_catalogue(&self) -> &Path {
        self.known.path()
    }

    fn perception(&self) -> Result<Perception, BringupError> {
        let files = Files {
            models_dir: self.models.clone(),
            runtime_library: self.runtime_library.clone(),
            catalogue_dir: self.known.path().into(),
        };
        Ok(Perception::load(&files, &Settings { threads: self.cell.inference_threads.into(), ..Settings::default() })?)
    }

    /// A station in front of devices, about to begin. It works on the first tote that should hold something.
    ///
    /// # Errors
    /// [`BringupError`]; nothing has moved.
    pub fn begin<'a>(
        &self,
        devices: Devices,
        told: &BTreeMap<String, Manifest>,
        strategy: Strategy,
        sinks: Vec<&'a mut dyn Sink>,
    ) -> Result<Runtime<'a>, BringupError> {
        self.begin_with(devices, told, strategy, sinks, |perception| Box::new(perception))
    }

    /// As [`Self::begin`], with other eyes in place of the networks.
    ///
    /// # Errors
    /// [`BringupError`]; nothing has moved.
    pub fn begin_with<'a>(
        &self,
        mut devices: Devices,
        told: &BTreeMap<String, Manifest>,
        strategy: Strategy,
        sinks: Vec<&'a mut dyn Sink>,
        eyes: impl FnOnce(Perception) -> Box<dyn Eyes>,
    ) -> Result<Runtime<'a>, BringupError> {
        let cell = &self.cell;
        let manifests = self.manifests(told);
        let tote = cell.totes.iter().position(|t| manifests.get(&t.name).is_some_and(|m| !m.is_empty())).unwrap_or(0);
        let manifest = manifests.get(&cell.totes[tote].name).cloned().unwrap_or_default();
        let mut perception = self.perception()?;
        perception.prepare(&manifest)?;
        let station = Station::new(
            cell.clone(),
            &self.robot,
            self.tool.clone(),
            eyes(perception),
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
        devices.time.advance().map_err(RuntimeError::from)?;
        let stands = devices.arm.state().map_err(RuntimeError::from)?.q;
        // An arm that stands at rest is told its exact rest pose, whatever its encoders read.
        let at = if stands.largest_difference(&cell.rest) < AT_REST_RAD { cell.rest } else { stands };
        let cycle = Cycle::new(rules, Executor::new(&self.robot, at), scale);
        Ok(Runtime::new(devices, limits(), station, cycle, &self.orders, cell, tote, sinks)?)
    }
}

/// The folder that models and catalogues are found from: `NUTHATCH_HOME`, else the first of the current
/// folder, its parents, and the program's parents that has `perception/models`.
///
/// # Errors
/// [`BringupError::Home`] when there is none.
pub fn home() -> Result<PathBuf, BringupError> {
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

/// A cell, its name for messages, and the folder that its paths start from.
fn read_cell(path: &Path) -> Result<(Cell, String, PathBuf), BringupError> {
    let file = path.display().to_string();
    Ok((Cell::from_toml(&read(path)?, &file)?, file, folder_of(path)))
}

pub(crate) fn folder_of(path: &Path) -> PathBuf {
    path.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

pub(crate) fn read(path: &Path) -> Result<String, BringupError> {
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
