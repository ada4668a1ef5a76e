//! `nuthatch catalog`: what is wrong with a catalogue, and the goods that come with the program.

use std::path::PathBuf;

use perception::{Views, equal_views, load_catalogue};
use scene::SkuName;
use sim::look::{SkuReport, check_catalogue, goods_catalogue, write_catalogue};

use super::{Catalog, CheckArgs, CliError};

/// Why a catalogue can't be used.
#[derive(Debug, thiserror::Error)]
enum CatalogError {
    #[error("{refused} of {skus} SKUs in {} can't be used", dir.display())]
    Refused { refused: usize, skus: usize, dir: PathBuf },
}

pub fn catalog(command: &Catalog) -> Result<(), CliError> {
    let later = |flag: &str| CliError::Later {
        flag: flag.to_owned(),
        instead: "write NAME/sku.toml with a mesh beside it, then `nuthatch catalog check --make-views DIR`",
    };
    match command {
        Catalog::Check(args) => check(args),
        Catalog::Make(args) => {
            let skus = goods_catalogue();
            write_catalogue(&skus, &args.out).map_err(CliError::input)?;
            println!("{} SKUs in {}", skus.len(), args.out.display());
            Ok(())
        }
        Catalog::Add(args) => super::enrol::add(args),
        Catalog::Report(_) => Err(later("catalog report")),
    }
}

fn check(args: &CheckArgs) -> Result<(), CliError> {
    if args.dir.is_file() {
        return check_file(args);
    }
    let mut reports = check_catalogue(&args.dir, args.make_views).map_err(CliError::input)?;
    // What has views is recognised without a mesh; only simulating it needs one.
    for report in reports.iter_mut().filter(|report| report.views > 0) {
        report.findings.iter_mut().filter(|f| f.field == "mesh").for_each(|finding| finding.refused = false);
    }
    for report in &reports {
        println!("{}", line(report));
        for finding in &report.findings {
            let mark = if finding.refused { "refused" } else { "note" };
            let file = finding.file.strip_prefix(&args.dir).unwrap_or(&finding.file).display();
            println!("    {mark}: {file}: {} is {}; should be {}", finding.field, finding.value, finding.rule);
        }
    }
    let refused = reports.iter().filter(|r| r.is_refused()).count();
    let bytes: u64 = reports.iter().map(|r| r.bytes).sum();
    println!("{} SKUs, {refused} refused, {:.1} MB", reports.len(), bytes as f64 / 1e6);
    // Of a catalogue that can't be read the refusals are told above.
    let equal = load_catalogue(&args.dir).map_or_else(|_| Vec::new(), |(_, views)| tell_equal(&views));
    if args.json {
        println!("{}", serde_json::json!({ "skus": reports, "refused": refused, "bytes": bytes, "equal": equal }));
    }
    if refused > 0 {
        let error = CatalogError::Refused { refused, skus: reports.len(), dir: args.dir.clone() };
        return Err(CliError::input(error));
    }
    Ok(())
}

/// A catalogue in one file: it is refused as a whole, or every SKU of it can be used.
fn check_file(args: &CheckArgs) -> Result<(), CliError> {
    let (catalogue, views) = load_catalogue(&args.dir).map_err(CliError::input)?;
    for sku in catalogue.values() {
        let [x, y, z] = sku.size_m.map(|v| v * 1e3);
        let size = if sku.size_unknown { "no size".to_owned() } else { format!("{x:.0} × {y:.0} × {z:.0} mm") };
        let mass = sku.mass_kg.map_or_else(|| "no mass".to_owned(), |m| format!("{:.0} g", m * 1e3));
        let count = views.get(&sku.name).map_or(0, Vec::len);
        println!("{:28} {size:>18} {mass:>8} {count} views", sku.name.as_str());
    }
    println!("{} SKUs, 0 refused", catalogue.len());
    let equal = tell_equal(&views);
    if args.json {
        println!(
            "{}",
            serde_json::json!({ "skus": catalogue.values().collect::<Vec<_>>(), "refused": 0, "equal": equal })
        );
    }
    Ok(())
}

/// Prints and gives the SKUs that no picture can tell apart.
fn tell_equal(views: &Views) -> Vec<Vec<SkuName>> {
    let equal = equal_views(views);
    for group in &equal {
        let names: Vec<&str> = group.iter().map(SkuName::as_str).collect();
        println!("    note: {} have the same views; beliefs are split between them", names.join(", "));
    }
    equal
}

fn line(report: &SkuReport) -> String {
    let size = report.size_m.map_or_else(
        || "no size".to_owned(),
        |s| {
            let [x, y, z] = s.map(|v| v * 1e3);
            format!("{x:.0} × {y:.0} × {z:.0} mm")
        },
    );
    let mass = report.mass_kg.map_or_else(|| "no mass".to_owned(), |m| format!("{:.0} g", m * 1e3));
    let mesh = report.mesh.as_ref().map_or_else(|| "no mesh".to_owned(), |m| format!("{} triangles", m.triangles));
    let kb = report.bytes as f64 / 1e3;
    format!(
        "{:24} {size:>18} {mass:>8} {mesh:>15} {:>2} parts {}/6 views {kb:>6.0} kB",
        report.name, report.parts, report.views
    )
}
