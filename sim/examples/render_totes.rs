//! Writes a set of totes with goods of chance, for training; with `--held-out` of families and print styles that
//! training never shows.
//!
//! `cargo run --release -p sim --example render_totes -- --seed N --skus 300 --scenes 3000 --out DIR [--held-out]`

use std::error::Error;
use std::path::PathBuf;

use sim::look::Pool;
use sim::sets::{SetOptions, render_set};

fn main() -> Result<(), Box<dyn Error>> {
    let mut options = SetOptions { seed: 0, pool: Pool::Training, skus: 300, scenes: 3_000 };
    let mut out = PathBuf::new();
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        if word == "--held-out" {
            options.pool = Pool::HeldOut;
            continue;
        }
        let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
        match word.as_str() {
            "--seed" => options.seed = value.parse()?,
            "--skus" => options.skus = value.parse()?,
            "--scenes" => options.scenes = value.parse()?,
            "--out" => out = value.into(),
            _ => return Err(format!("{word} is unknown; must be --seed, --skus, --scenes, --out or --held-out").into()),
        }
    }
    if out.as_os_str().is_empty() || options.skus == 0 {
        return Err("--out must be a folder and --skus at least 1".into());
    }
    let mut scenes = 0;
    let seen = render_set(&out, &options, || {
        scenes += 1;
        if scenes % 100 == 0 {
            println!("{scenes} scenes");
        }
    })?;
    println!("{scenes} scenes, {seen} items in {}", out.display());
    Ok(())
}
