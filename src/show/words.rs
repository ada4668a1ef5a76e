//! A choice and its outcome in words, as markdown: the answer to "why did it do that?".

use std::collections::BTreeMap;
use std::fmt::Write as _;

use grasp::Candidate;
use nalgebra::Vector3;
use scene::Item;

use crate::telemetry::{Choice, PickRecord};

/// Other grasps in the table.
const RUNNERS_UP: usize = 5;

/// Why this item, this grasp, this place.
pub fn why(choice: &Choice) -> String {
    let mut out = format!(
        "# Pick {}: {}\n\nfrom **{}** to **{}** for order **{}**\n\n",
        choice.pick, choice.sku, choice.tote, choice.bin, choice.order
    );
    if let Some(item) = choice.items.iter().find(|i| i.id == choice.item) {
        push(&mut out, what(item));
    }
    if let Some(candidate) = choice.candidates.get(choice.chosen) {
        push(&mut out, chosen(candidate, choice));
    }
    push(&mut out, runners_up(choice));
    push(&mut out, refusals(choice));
    push(&mut out, placement(choice));
    out
}

fn push(out: &mut String, section: String) {
    if !section.is_empty() {
        out.push_str(&section);
        out.push('\n');
    }
}

fn what(item: &Item) -> String {
    let mut out = format!("## Item {}\n\n| it is | p |\n|---|---|\n", item.id.0);
    for belief in item.beliefs.iter().take(4) {
        let sku = belief.sku.as_ref().map_or("none of these", |sku| sku.as_str());
        line(&mut out, format_args!("| {sku} | {:.2} |", belief.p));
    }
    let [x, y, z] = item.size_m.map(|side| side * 1e3);
    line(&mut out, format_args!(""));
    line(
        &mut out,
        format_args!(
            "{x:.0} × {y:.0} × {z:.0} mm · {} · compliance {:.2} · {:.0} % covered · one item with {:.2}",
            format!("{:?}", item.material).to_lowercase(),
            item.compliance,
            100.0 * item.covered,
            item.score
        ),
    );
    out
}

fn chosen(candidate: &Candidate, choice: &Choice) -> String {
    let hold = &candidate.hold;
    let accepted = choice.candidates.iter().filter(|c| c.rejected.is_none()).count();
    let mut out = format!(
        "## The grasp: {:.2}\n\nrank {} of {accepted} accepted, {} considered\n\n| | |\n|---|---|\n",
        candidate.score,
        choice.chosen + 1,
        choice.candidates.len()
    );
    line(&mut out, format_args!("| cups | {} |", cups(candidate)));
    line(&mut out, format_args!("| tilt | {:.1}° |", tilt_deg(candidate)));
    line(&mut out, format_args!("| vacuum expected | {:.1} kPa |", f64::from(hold.expected_pa) * 1e-3));
    line(
        &mut out,
        format_args!("| acceleration allowed | {:.1} m/s², up {:.1} |", hold.max_acceleration, hold.max_vertical),
    );
    line(&mut out, format_args!("| mass | {:.0} g |", hold.mass_kg * 1e3));
    line(&mut out, format_args!("| approach, press | {:.0} mm, {:.0} mm |", hold.approach_m * 1e3, hold.press_m * 1e3));
    let f = &candidate.features;
    line(&mut out, format_args!("| safety | {:.1} against {} |", f.safety, f.weakest));
    out.push_str(
        "\nThe score is made of:\n\n| on the face | seals | holds | room | nothing on it |\n|---|---|---|---|---|\n",
    );
    line(
        &mut out,
        format_args!("| {:.2} | {:.2} | {:.2} | {:.2} | {:.2} |", f.on_face, f.seal, f.holds, f.room, f.uncovered),
    );
    out.push_str("\n| cup | seals | from edge | uneven | leans |\n|---|---|---|---|---|\n");
    for cup in &f.cups {
        line(
            &mut out,
            format_args!(
                "| {} | {:.2} | {:.1} mm | {:.1} mm | {:.1}° |",
                cup.cup,
                cup.seal,
                cup.margin_m * 1e3,
                cup.rms_m * 1e3,
                cup.tilt_rad.to_degrees()
            ),
        );
    }
    out
}

fn runners_up(choice: &Choice) -> String {
    let others: Vec<_> = choice
        .candidates
        .iter()
        .enumerate()
        .filter(|(i, c)| *i != choice.chosen && c.rejected.is_none())
        .take(RUNNERS_UP)
        .collect();
    if others.is_empty() {
        return "No other grasp was accepted.\n".into();
    }
    let mut out = String::from("## Next in rank\n\n| rank | score | cups | tilt |\n|---|---|---|---|\n");
    for (i, candidate) in others {
        line(
            &mut out,
            format_args!("| {} | {:.2} | {} | {:.1}° |", i + 1, candidate.score, cups(candidate), tilt_deg(candidate)),
        );
    }
    out
}

fn refusals(choice: &Choice) -> String {
    let grasps = choice.candidates.iter().filter_map(|c| c.rejected.as_ref().map(ToString::to_string));
    table("Grasps rejected", grasps)
}

fn placement(choice: &Choice) -> String {
    let mut out = String::from("## The place\n\n");
    match choice.placements.first().filter(|p| p.rejected.is_none()) {
        Some(place) => {
            let at = place.bin_from_box.origin().coords * 1e3;
            let accepted = choice.placements.iter().filter(|p| p.rejected.is_none()).count();
            line(
                &mut out,
                format_args!(
                    "box at ({:.0}, {:.0}, {:.0}) mm in {} · {:.0} % supported · first of {accepted} accepted, {} considered\n",
                    at.x,
                    at.y,
                    at.z,
                    choice.bin,
                    100.0 * place.support,
                    choice.placements.len()
                ),
            );
        }
        None => out.push_str("none\n\n"),
    }
    let refused = choice.placements.iter().filter_map(|p| p.rejected.as_ref().map(ToString::to_string));
    push(&mut out, table("Places rejected", refused));
    out
}

/// Reasons counted, the most frequent first; each kind with its first wording.
fn table(title: &str, reasons: impl Iterator<Item = String>) -> String {
    let mut groups: BTreeMap<String, (usize, String)> = BTreeMap::new();
    for reason in reasons {
        groups.entry(kind_of(&reason)).or_insert((0, reason)).0 += 1;
    }
    if groups.is_empty() {
        return String::new();
    }
    let mut rows: Vec<_> = groups.into_values().collect();
    rows.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let total: usize = rows.iter().map(|(count, _)| count).sum();
    let mut out = format!("## {title}: {total}\n\n| count | why, for example |\n|---|---|\n");
    for (count, reason) in rows {
        line(&mut out, format_args!("| {count} | {} |", reason.replace('|', "/")));
    }
    out
}

/// A reason without its numbers: what two refusals have in common.
pub fn kind_of(reason: &str) -> String {
    reason.chars().filter(|c| !c.is_ascii_digit() && !matches!(c, '.' | '-' | '−' | '+')).collect()
}

/// What came of a pick.
pub fn outcome(record: &PickRecord) -> String {
    let mut out = format!(
        "# Pick {}: {} {}\n\n{:.2} s from **{}** to **{}** for order **{}**\n\n",
        record.pick,
        record.sku,
        record.outcome,
        record.seconds(),
        record.tote,
        record.bin,
        record.order
    );
    if let Some(remark) = &record.remark {
        line(&mut out, format_args!("> {remark}\n"));
    }
    if record.retry > 0 {
        line(&mut out, format_args!("tried {} times before\n", record.retry));
    }
    out.push_str("| step | s |\n|---|---|\n");
    for (step, seconds) in &record.steps_s {
        line(&mut out, format_args!("| {step} | {seconds:.3} |"));
    }
    let expected = f64::from(record.expected_pa) * 1e-3;
    line(&mut out, format_args!("\n| cup | sealed kPa (expected {expected:.1}) | lowest kPa |\n|---|---|---|"));
    for (cup, (sealed, lowest)) in record.sealed_pa.iter().zip(&record.lowest_pa).enumerate() {
        line(&mut out, format_args!("| {cup} | {:.1} | {:.1} |", f64::from(*sealed) * 1e-3, f64::from(*lowest) * 1e-3));
    }
    let grams = |kg: Option<f64>| kg.map_or("–".into(), |kg| format!("{:.0} g", kg * 1e3));
    line(&mut out, format_args!("\nweighed {} · nominal {}", grams(record.weighed_kg), grams(record.nominal_kg)));
    out
}

/// Numbers of the cups that shall seal.
fn cups(candidate: &Candidate) -> String {
    candidate.hold.cups.iter().map(|cup| cup.to_string()).collect::<Vec<_>>().join(" ")
}

/// Angle of the tool's axis from straight down, degrees.
fn tilt_deg(candidate: &Candidate) -> f64 {
    let axis = candidate.hold.world_from_tool.direction(&Vector3::z());
    (-axis.z).clamp(-1.0, 1.0).acos().to_degrees()
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string can't fail.
    let _ = writeln!(out, "{text}");
}
