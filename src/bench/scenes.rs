//! Labelled pictures for the benches of perception: rendered here, or somebody's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::{ProgressBar, ProgressStyle};
use perception::{
    CocoError, Depth, Labelled, Picture, PictureError, Shot, ShotError, load_coco, load_depth, load_picture,
};
use scene::{Mask, SkuName};
use sim::look::set::SetError;
use sim::look::{Pool, SoftKind, Truth};
use sim::sets::{SetOptions, render_set};

/// Inner length and width of the tote of rendered sets, metres.
const TOTE: [f64; 2] = [0.6, 0.4];
/// An item no thicker than this is thin, metres.
const THIN_M: f64 = 0.015;
/// A print of which this share is half transparent is clear.
const CLEAR_SHARE: f64 = 0.05;

/// Why there is nothing to measure on.
#[derive(Debug, thiserror::Error)]
pub(super) enum ScenesError {
    #[error(transparent)]
    Set(#[from] SetError),
    #[error(transparent)]
    Coco(#[from] CocoError),
    #[error(transparent)]
    Picture(#[from] PictureError),
    #[error("{}: {source}", file.display())]
    Shot { file: PathBuf, source: ShotError },
    #[error("{}: {why}", file.display())]
    Truth { file: PathBuf, why: String },
    #[error("{}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{} is labelled as {said_width} × {said_height} pixels; must be its {width} × {height}", file.display())]
    OtherSize { file: PathBuf, said_width: u32, said_height: u32, width: usize, height: usize },
    #[error("{} labels nothing in any picture", file.display())]
    Nothing { file: PathBuf },
}

/// What is true of a rendered SKU.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct About {
    pub(super) clear: bool,
    pub(super) bag: bool,
    pub(super) thin: bool,
    pub(super) is_box: bool,
}

/// Labelled pictures.
pub(super) struct Scenes {
    /// Of rendered ones the folder, which goes with them.
    rendered: Option<tempfile::TempDir>,
    pub(super) labelled: Vec<Labelled>,
    images: PathBuf,
    beside: PathBuf,
    /// Inner length and width of the tote, where known, metres.
    pub(super) tote: Option<[f64; 2]>,
    /// Of rendered ones.
    pub(super) about: BTreeMap<SkuName, About>,
    /// Of rendered ones.
    pub(super) catalog: Option<PathBuf>,
}

impl Scenes {
    /// Renders scenes of SKUs that no training set was made with: its seeds are others.
    pub(super) fn render(pool: Pool, seed: u64, skus: usize, scenes: usize) -> Result<Self, ScenesError> {
        let folder =
            tempfile::tempdir().map_err(|source| ScenesError::Folder { path: std::env::temp_dir(), source })?;
        let bar = bar(scenes as u64, "scenes rendered");
        render_set(folder.path(), &SetOptions { seed, pool, skus, scenes }, || bar.inc(1))?;
        bar.finish_and_clear();
        let labelled = load_coco(&folder.path().join("coco.json"))?;
        let catalog = folder.path().join("catalog");
        Ok(Self {
            labelled,
            images: folder.path().join("images"),
            beside: folder.path().to_path_buf(),
            tote: Some(TOTE),
            about: about(&catalog)?,
            catalog: Some(catalog),
            rendered: Some(folder),
        })
    }

    /// Somebody's labelled pictures; at least one of them labels something.
    pub(super) fn given(coco: &Path, images: &Path) -> Result<Self, ScenesError> {
        let labelled = load_coco(coco)?;
        if labelled.iter().all(|image| image.instances.is_empty()) {
            return Err(ScenesError::Nothing { file: coco.to_path_buf() });
        }
        let beside = coco.parent().unwrap_or(Path::new(".")).to_path_buf();
        Ok(Self {
            rendered: None,
            labelled,
            images: images.to_path_buf(),
            beside,
            tote: None,
            about: BTreeMap::new(),
            catalog: None,
        })
    }

    /// The folder of rendered ones: `coco.json`, `catalog` with its truth.
    pub(super) fn folder(&self) -> Option<&Path> {
        self.rendered.as_ref().map(tempfile::TempDir::path)
    }

    /// A picture, with its depth where the set has it.
    pub(super) fn picture(&self, labelled: &Labelled) -> Result<(Picture, Option<Depth>), ScenesError> {
        let picture = load_picture(&self.images.join(&labelled.file))?;
        if let Some((said_width, said_height)) = labelled.size
            && (said_width as usize, said_height as usize) != (picture.width, picture.height)
        {
            let (width, height) = (picture.width, picture.height);
            return Err(ScenesError::OtherSize { file: labelled.file.clone(), said_width, said_height, width, height });
        }
        let (Some((file, unit_m)), Some(camera)) = (&labelled.depth, labelled.camera) else {
            return Ok((picture, None));
        };
        let (width, height, depth_m) = load_depth(&self.beside.join(file), *unit_m)?;
        let (world_from_camera, world_from_tote) = (labelled.world_from_camera, labelled.world_from_tote);
        Ok((picture, Some(Depth { width, height, depth_m, camera, world_from_camera, world_from_tote })))
    }

    /// Each instance's pixels at the working size; `None` where it has none.
    pub(super) fn masks(labelled: &Labelled, picture: &Picture, shot: &Shot) -> Vec<Option<Mask>> {
        let own = |region: &perception::Region| region.mask(picture.width as u32, picture.height as u32);
        let working = |mask: Mask| shot.working(&mask).ok().flatten();
        labelled.instances.iter().map(|instance| own(&instance.region).and_then(working)).collect()
    }
}

/// A picture as the networks see it.
pub(super) fn shot(picture: &Picture, depth: Option<&Depth>, labelled: &Labelled) -> Result<Shot, ScenesError> {
    Shot::new(picture, depth).map_err(|source| ScenesError::Shot { file: labelled.file.clone(), source })
}

/// One line that moves, on standard error.
pub(super) fn bar(count: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(count);
    if let Ok(style) = ProgressStyle::with_template(&format!("{{bar:24}} {{pos}}/{{len}} {what} · {{eta}} left")) {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

fn about(catalog: &Path) -> Result<BTreeMap<SkuName, About>, ScenesError> {
    let (skus, _) = perception::load_catalogue(catalog)
        .map_err(|error| ScenesError::Truth { file: catalog.to_path_buf(), why: error.to_string() })?;
    let mut all = BTreeMap::new();
    for name in skus.into_keys() {
        let folder = catalog.join(name.as_str()).join("truth");
        let file = folder.join("truth.toml");
        let refuse = |why: String| ScenesError::Truth { file: file.clone(), why };
        let text = std::fs::read_to_string(&file).map_err(|error| refuse(error.to_string()))?;
        let truth: Truth = toml::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        let print = load_picture(&folder.join("texture.png"))?;
        let half = print.alpha.iter().flatten().filter(|a| (20..236).contains(*a)).count();
        let about = About {
            clear: half as f64 > CLEAR_SHARE * (print.width * print.height) as f64,
            bag: truth.soft.is_some_and(|soft| soft.kind == SoftKind::Bag),
            thin: truth.size_m.into_iter().fold(f64::INFINITY, f64::min) <= THIN_M,
            is_box: truth.shape == scene::Shape::Box && truth.soft.is_none(),
        };
        all.insert(name, about);
    }
    Ok(all)
}
