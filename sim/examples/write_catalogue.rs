//! Writes a catalogue: the default one, or with `--count` as many SKUs of chance.
//!
//! `cargo run --release -p sim --example write_catalogue -- --out DIR [--seed N --count N]`

use std::error::Error;
use std::path::Path;

use sim::look::{Style, default_catalogue, generate, write_catalogue};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut out, mut seed, mut count) = (None, 0, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
        match word.as_str() {
            "--out" => out = Some(value),
            "--seed" => seed = value.parse()?,
            "--count" => count = Some(value.parse()?),
            _ => return Err(format!("{word} is unknown; must be --out, --seed or --count").into()),
        }
    }
    let out = out.ok_or("--out is missing; must be a folder")?;
    let skus = count.map_or_else(default_catalogue, |n| generate(seed, n, Style::Typical));
    write_catalogue(&skus, Path::new(&out))?;
    println!("{} SKUs in {out}", skus.len());
    Ok(())
}
