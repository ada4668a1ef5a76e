//! `nuthatch why DIR PICK`: one pick as a page.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;

use super::{CliError, WhyArgs};
use crate::telemetry::PickRecord;

/// Why a pick can't be told.
#[derive(Debug, thiserror::Error)]
enum WhyError {
    #[error("{file}: {source}; the folder must be one that `nuthatch run --record` wrote")]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{file} line {line}: {source}")]
    Parse { file: PathBuf, line: usize, source: serde_json::Error },
    #[error("{file}: pick is {pick}; must be one of the {count} recorded, {range}")]
    NoSuchPick { file: PathBuf, pick: u32, count: usize, range: String },
}

pub fn why(args: &WhyArgs) -> Result<(), CliError> {
    let file = args.dir.join("picks.jsonl");
    let record = find(&file, args.pick).map_err(CliError::input)?;
    if args.json {
        println!("{}", serde_json::to_string(&record).map_err(CliError::fault)?);
    } else {
        print!("{}", page(&record));
    }
    Ok(())
}

fn find(file: &PathBuf, pick: u32) -> Result<PickRecord, WhyError> {
    let read = |source| WhyError::Read { file: file.clone(), source };
    let lines = BufReader::new(std::fs::File::open(file).map_err(read)?).lines();
    let mut seen = Vec::new();
    for (line, text) in lines.enumerate() {
        let record: PickRecord = serde_json::from_str(&text.map_err(read)?).map_err(|source| WhyError::Parse {
            file: file.clone(),
            line: line + 1,
            source,
        })?;
        if record.pick == pick {
            return Ok(record);
        }
        seen.push(record.pick);
    }
    let range = match (seen.iter().min(), seen.iter().max()) {
        (Some(first), Some(last)) => format!("{first} to {last}"),
        _ => "none".into(),
    };
    Err(WhyError::NoSuchPick { file: file.clone(), pick, count: seen.len(), range })
}

/// The page, in Markdown that reads well as plain text.
pub fn page(r: &PickRecord) -> String {
    let mut out = String::new();
    let kpa = |pa: &[u32]| pa.iter().map(|p| format!("{:.0}", f64::from(*p) * 1e-3)).collect::<Vec<_>>().join("  ");
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing into a String can't fail.
        let _ = out.write_fmt(text);
        out.push('\n');
    };
    line(format_args!("# {r}\n"));
    line(format_args!(
        "order {} · from {} to {} · began at {} · try {}",
        r.order,
        r.tote,
        r.bin,
        r.began_at,
        r.retry + 1
    ));
    if let Some(remark) = &r.remark {
        line(format_args!("{remark}"));
    }
    line(format_args!("\n## Believed"));
    for belief in &r.beliefs {
        let name = belief.sku.as_ref().map_or("none of the manifest's", |s| s.as_str());
        line(format_args!("  {:5.1} %  {name}", belief.p * 100.0));
    }
    let [x, y, z] = r.size_m.map(|v| v * 1e3);
    line(format_args!("  seen as {x:.0} × {y:.0} × {z:.0} mm, {:.0} % may be covered", r.covered * 100.0));
    let origin = r.world_from_item.origin();
    line(format_args!("  at x {:.3}, y {:.3}, z {:.3} m in the world", origin.x, origin.y, origin.z));

    line(format_args!("\n## Grasps considered"));
    for (i, c) in r.candidates.iter().enumerate() {
        let mark = if i == r.chosen { "→" } else { " " };
        let cups = c.cups.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let carry = c.carry_s.map_or_else(String::new, |s| format!(", carry about {s:.1} s"));
        let verdict = c.rejected.clone().unwrap_or_else(|| format!("score {:.3}{carry}", c.score));
        line(format_args!(
            "{mark} {i:3}  cups {cups:<11}  at {:.3}, {:.3}, {:.3} m  tilt {:4.1}°  {verdict}",
            c.at_m[0], c.at_m[1], c.at_m[2], c.tilt_deg
        ));
    }

    line(format_args!("\n## Placement"));
    let at = r.bin_from_box.origin();
    line(format_args!(
        "  in {} at x {:.3}, y {:.3}, centre {:.3} m above the floor, {:.0} % supported",
        r.bin,
        at.x,
        at.y,
        at.z,
        r.support * 100.0
    ));

    if let Some(over) = r.released_over_m {
        line(format_args!("  let go {:.0} mm above the planned drop", over * 1e3));
    }

    line(format_args!("\n## Motion"));
    line(format_args!("  at most {:.1} m/s² at the item sideways, {:.1} up", r.max_acceleration, r.max_vertical));
    for (segment, seconds) in &r.planned_s {
        line(format_args!("  {segment:<10} {seconds:6.3} s planned"));
    }

    line(format_args!("\n## Vacuum and weight"));
    line(format_args!("  expected       {:.0} kPa", f64::from(r.expected_pa) * 1e-3));
    line(format_args!("  after sealing  {} kPa (cups 0 to 5)", kpa(&r.sealed_pa)));
    line(format_args!("  lowest carried {} kPa", kpa(&r.lowest_pa)));
    let kg = |v: Option<f64>| v.map_or("not known".into(), |kg| format!("{kg:.3} kg"));
    line(format_args!("  weighed {}, nominal {}", kg(r.weighed_kg), kg(r.nominal_kg)));

    line(format_args!("\n## Outcome: {}", r.outcome));
    for (step, seconds) in &r.steps_s {
        line(format_args!("  {:<9} {seconds:6.3} s", step.to_string()));
    }
    out
}
