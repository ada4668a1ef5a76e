//! The cell matrix as a text that is kept: a change of behaviour is seen in review as changed numbers.
//!
//! Some minutes long, so it runs when it is asked for, and `INSTA_UPDATE=always` keeps the new table:
//!
//! ```text
//! cargo test --release --test matrix -- --ignored
//! ```
#![cfg(test)]

use std::process::Command;

/// On another machine than the kept table's, floating point and the order of threads may differ, and with them single
/// picks: each cell may be off by so many points of `picked %`, and all together by so many.
const CELL_POINTS: f64 = 35.0;
const MEAN_POINTS: f64 = 6.0;
/// And the seconds of a pick, over all cells, by this share.
const SECONDS: f64 = 0.15;

/// Class, items, who found them and depth of each line, `picked %` and seconds a pick.
fn cells(table: &str) -> Vec<(String, f64, f64)> {
    let rows = table
        .lines()
        .skip_while(|line| !line.starts_with("class"))
        .skip(1)
        .take_while(|line| !line.starts_with("fault"));
    rows.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        (words[..4].join(" "), words[5].parse().unwrap(), words[7].parse().unwrap_or(f64::NAN))
    })
    .collect()
}

/// Whether a table is the kept one within what another machine may change; why not, otherwise.
fn compare(kept: &str, now: &str) -> Result<(), String> {
    let (kept, now) = (cells(kept), cells(now));
    let names = |cells: &[(String, f64, f64)]| cells.iter().map(|c| c.0.clone()).collect::<Vec<_>>();
    if names(&kept) != names(&now) {
        return Err("the tables have different rows".into());
    }
    for ((name, before, _), (_, after, _)) in kept.iter().zip(&now) {
        if (before - after).abs() > CELL_POINTS {
            return Err(format!("{name}: {after} % picked, {before} % kept, {CELL_POINTS} points allowed"));
        }
    }
    let mean = |cells: &[(String, f64, f64)], of: fn(&(String, f64, f64)) -> f64| {
        let known: Vec<f64> = cells.iter().map(of).filter(|v| v.is_finite()).collect();
        known.iter().sum::<f64>() / known.len() as f64
    };
    let (before, after) = (mean(&kept, |c| c.1), mean(&now, |c| c.1));
    if (before - after).abs() > MEAN_POINTS {
        return Err(format!("{after:.1} % picked over all, {before:.1} % kept, {MEAN_POINTS} points allowed"));
    }
    let (before, after) = (mean(&kept, |c| c.2), mean(&now, |c| c.2));
    if (after / before - 1.0).abs() > SECONDS {
        return Err(format!("{after:.2} s a pick over all, {before:.2} s kept, a share of {SECONDS} allowed"));
    }
    Ok(())
}

#[test]
fn tables_of_other_machines_are_compared_within_what_is_stated() {
    let table = |picked: f64, seconds: f64| {
        format!(
            "machine: 2 cores, x\nclass items\ndefault 5 networks none 10 {picked:.1} 90.0 {seconds:.2} 0 0 0 0\ndefault 15 networks bad 10 80.0 70.0 - 1 0 0 0"
        )
    };
    let check = |picked: f64, seconds: f64, words: Option<&str>| match (
        compare(&table(90.0, 5.0), &table(picked, seconds)),
        words,
    ) {
        (Ok(()), None) => {}
        (Err(why), Some(words)) => assert!(why.contains(words), "{why}"),
        (found, _) => panic!("{picked} %, {seconds} s: {found:?}"),
    };
    check(90.0, 5.0, None);
    check(80.0, 5.5, None);
    check(50.0, 5.0, Some("default 5 networks none: 50 % picked"));
    check(70.0, 5.0, Some("% picked over all"));
    check(90.0, 6.0, Some("s a pick over all"));
}

#[test]
#[ignore = "runs the cell for some minutes"]
fn the_matrix_is_the_kept_one() {
    let output = Command::new(env!("CARGO_BIN_EXE_nuthatch"))
        .args(["bench", "matrix"])
        .env("NUTHATCH_HOME", env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    let kept = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/snapshots/matrix__matrix.snap"));
    let machine = |text: &str| text.lines().find(|line| line.starts_with("machine:")).map(str::to_owned);
    match kept {
        Ok(kept) if machine(&kept) != machine(&table) => compare(&kept, &table).unwrap(),
        _ => insta::assert_snapshot!("matrix", table.trim_end()),
    }
}
