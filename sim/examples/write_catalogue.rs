//! Writes a catalogue: the default one, the goods, or with `--count` as many SKUs of chance.
//!
//! `cargo run --release -p sim --example write_catalogue -- --out DIR [--of default|goods] [--seed N --count N]`

use std::error::Error;
use std::path::Path;

use sim::look::{Pool, default_catalogue, generate, goods_catalogue, write_catalogue};

fn main() -> Result<(), Box<dyn Error>> {
    let (mut out, mut of, mut seed, mut count) = (None, "default".to_owned(), 0, None);
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
        match word.as_str() {
            "--out" => out = Some(value),
            "--of" => of = value,
            "--seed" => seed = value.parse()?,
            "--count" => count = Some(value.parse()?),
            _ => return Err(format!("{word} is unknown; must be --out, --of, --seed or --count").into()),
        }
    }
    let out = out.ok_or("--out is missing; must be a folder")?;
    let skus = match (count, of.as_str()) {
        (Some(count), _) => generate(seed, count, Pool::All),
        (None, "default") => default_catalogue(),
        (None, "goods") => goods_catalogue(),
        (None, of) => return Err(format!("--of is {of}; must be default or goods").into()),
    };
    write_catalogue(&skus, Path::new(&out))?;
    println!("{} SKUs in {out}", skus.len());
    Ok(())
}
