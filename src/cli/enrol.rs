//! `nuthatch catalog add`: a new SKU from a few photographs, without training.

use std::path::{Path, PathBuf};

use clap::Args;
use perception::{CatalogueError, View, Views, equal_views, load_catalogue, load_photo, rgba_png};
use scene::{Catalogue, Fragility, GUESSED_SIZE_M, Manifest, Material, Shape, Sku, SkuName};

use super::CliError;
use super::perceive::load_with;
use crate::clock::Stopwatch;

/// `nuthatch catalog add`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  nuthatch catalog add --sku tea_box --images front.jpg,back.jpg,side.jpg --dims 0.12,0.08,0.05 --mass 0.2 --material carton
  nuthatch catalog add --sku sock-red --images sock.png --out mine

Writes NAME/sku.toml and NAME/views/0.png … into the catalogue. Each photograph shows one item alone: on a plain ground of any
colour (white or black is best), or as a PNG whose ground is transparent. A size or mass that nobody gives says nothing of what an
item is. Afterwards it is told which SKU of the catalogue looks most alike: what looks the same can't be told apart by a picture.")]
pub struct AddArgs {
    /// Its name: 1 to 64 of a-z, 0-9, - and _.
    #[arg(long, value_name = "NAME")]
    sku: String,
    /// One to six photographs, of different sides.
    #[arg(long, value_name = "FILE,…", value_delimiter = ',', required = true)]
    images: Vec<PathBuf>,
    /// Sides of its box, metres, the height last where it is round or must stay upright.
    #[arg(long, value_name = "X,Y,Z", value_delimiter = ',')]
    dims: Option<Vec<f64>>,
    /// Its mass, kilograms.
    #[arg(long, value_name = "KG")]
    mass: Option<f64>,
    /// carton, plastic, metal, glass, film, fabric or mesh; plastic when left out.
    #[arg(long, value_name = "NAME", default_value = "plastic")]
    material: String,
    /// Its EAN-13.
    #[arg(long, value_name = "DIGITS")]
    barcode: Option<String>,
    /// It is round, about its z.
    #[arg(long)]
    round: bool,
    /// The catalogue's folder; it is made.
    #[arg(long, value_name = "DIR", default_value = "catalog")]
    out: PathBuf,
}

/// Why a SKU was not added. The catalogue is as it was.
#[derive(Debug, thiserror::Error)]
enum AddError {
    #[error("--sku: {why}")]
    Name { why: String },
    #[error("--{flag} is {value}; must be {rule}")]
    Value { flag: &'static str, value: String, rule: String },
    #[error("SKU {sku} is in {} already; remove its folder to add it anew", folder.display())]
    Known { sku: SkuName, folder: PathBuf },
    #[error("the photographs of {sku} are those of {other}; two SKUs that look the same can't be told apart")]
    Same { sku: SkuName, other: SkuName },
    #[error(transparent)]
    Photo(#[from] CatalogueError),
    #[error("{}: {why}", file.display())]
    Unwritable { file: PathBuf, why: String },
}

pub fn add(args: &AddArgs) -> Result<(), CliError> {
    let since = Stopwatch::start();
    let sku = checked(args).map_err(CliError::input)?;
    let name = sku.name.clone();
    let folder = args.out.join(name.as_str());
    if folder.exists() {
        return Err(CliError::input(AddError::Known { sku: name, folder: args.out.clone() }));
    }
    let views: Vec<View> =
        args.images.iter().map(|file| load_photo(file)).collect::<Result<_, _>>().map_err(CliError::input)?;
    let (mut catalogue, mut all) = others(&args.out).map_err(CliError::input)?;
    catalogue.insert(name.clone(), sku.clone());
    all.insert(name.clone(), views.clone());
    if let Some(group) = equal_views(&all).into_iter().find(|group| group.contains(&name))
        && let Some(other) = group.into_iter().find(|other| *other != name)
    {
        return Err(CliError::input(AddError::Same { sku: name, other }));
    }
    write(&folder, &sku, &views).map_err(CliError::input)?;
    println!("{name}: {} views in {}, {:.1} s", views.len(), folder.display(), since.seconds());
    if catalogue.len() > 1 {
        println!("{}", likeness(&name, catalogue, all));
    }
    Ok(())
}

/// The SKUs that are there; none where nothing is.
fn others(out: &Path) -> Result<(Catalogue, Views), CatalogueError> {
    match load_catalogue(out) {
        Err(CatalogueError::Empty { .. }) => Ok((Catalogue::new(), Views::new())),
        Err(CatalogueError::Unreadable { .. }) if !out.exists() => Ok((Catalogue::new(), Views::new())),
        other => other,
    }
}

fn checked(args: &AddArgs) -> Result<Sku, AddError> {
    let refuse = |flag, value: String, rule: &str| AddError::Value { flag, value, rule: rule.to_owned() };
    let name = SkuName::new(&args.sku).map_err(|why| AddError::Name { why })?;
    if !(1..=6).contains(&args.images.len()) {
        return Err(refuse("images", format!("{} photographs", args.images.len()), "1 to 6 of them"));
    }
    let size_m = match &args.dims {
        None => None,
        Some(dims) => Some(
            <[f64; 3]>::try_from(dims.as_slice())
                .map_err(|_| refuse("dims", format!("{dims:?}"), "three lengths in metres"))?,
        ),
    };
    let material: Material = serde_json::from_value(args.material.clone().into()).map_err(|_| {
        refuse("material", args.material.clone(), "carton, plastic, metal, glass, film, fabric or mesh")
    })?;
    let sku = Sku {
        name,
        barcode: args.barcode.clone(),
        size_m: size_m.unwrap_or(GUESSED_SIZE_M),
        size_unknown: size_m.is_none(),
        mass_kg: args.mass,
        shape: if args.round { Shape::Cylinder } else { Shape::Box },
        material,
        fragility: Fragility::Normal,
        upright: false,
    };
    sku.check().map_err(|error| {
        let flag = match error.field {
            "size_m" => "dims",
            "mass_kg" => "mass",
            other => other,
        };
        refuse(flag, error.value, error.rule)
    })?;
    Ok(sku)
}

/// Writes the folder under another name first: a half-written SKU is never seen.
fn write(folder: &Path, sku: &Sku, views: &[View]) -> Result<(), AddError> {
    let unwritable = |file: &Path| {
        let file = file.to_path_buf();
        move |why: String| AddError::Unwritable { file, why }
    };
    let new = folder.with_file_name(format!(".{}.new", sku.name));
    let into = new.join("views");
    std::fs::create_dir_all(&into).map_err(|e| unwritable(&into)(e.to_string()))?;
    for (view, k) in views.iter().zip(0..) {
        let file = into.join(format!("{k}.png"));
        let png = rgba_png(view.width, &view.rgba).map_err(|e| unwritable(&file)(e.to_string()))?;
        std::fs::write(&file, png).map_err(|e| unwritable(&file)(e.to_string()))?;
    }
    let file = new.join("sku.toml");
    let text = toml::to_string(sku).map_err(|e| unwritable(&file)(e.to_string()))?;
    let header = "# What a site knows of this SKU. SI units; size_m is x, y, z of its box.\n";
    std::fs::write(&file, format!("{header}{text}")).map_err(|e| unwritable(&file)(e.to_string()))?;
    std::fs::rename(&new, folder).map_err(|e| unwritable(folder)(e.to_string()))
}

/// A sentence on the SKU that looks most alike. The SKU is in the catalogue whatever this comes to.
fn likeness(name: &SkuName, catalogue: Catalogue, views: Views) -> String {
    let everything: Manifest = catalogue.keys().map(|sku| (sku.clone(), 1)).collect();
    let found = load_with((catalogue, views), None)
        .map_err(|error| error.to_string())
        .and_then(|mut perception| perception.most_alike(name, &everything).map_err(|error| error.to_string()));
    match found {
        Ok(Some((other, cosine))) => format!("most alike: {other}, cosine {cosine:.2} (1 is the same)"),
        Ok(None) => "nothing to compare it with".to_owned(),
        Err(why) => format!("not compared with the others: {why}"),
    }
}
