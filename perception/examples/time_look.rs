//! Times `Perception::look` on a drawn tote of twelve boxes: p50, p99 and worst.
//!
//! `cargo run --release -p perception --example time_look [LOOKS]`

use std::error::Error;
use std::time::Instant;

use perception::{Perception, Settings};

#[path = "../tests/fixture/mod.rs"]
mod fixture;

#[expect(clippy::disallowed_methods, reason = "what is measured is the wall's time")]
fn main() -> Result<(), Box<dyn Error>> {
    let looks: usize = std::env::args().nth(1).map_or(Ok(200), |text| text.parse())?;
    let catalogue = fixture::small_catalogue();
    let settings = Settings::default();
    let mut perception = Perception::load(&fixture::files(catalogue.path()), &settings)?;
    let (image, manifest) = (fixture::look().image, fixture::manifest());
    let tote = fixture::world_from_tote();
    perception.prepare(&manifest)?;
    let mut ms = Vec::with_capacity(looks.max(1));
    let mut items = 0;
    for _ in 0..looks.max(1) {
        let start = Instant::now();
        items = perception.look(&image, &manifest, &tote, fixture::TOTE)?.len();
        ms.push(1e3 * start.elapsed().as_secs_f64());
    }
    ms.sort_by(f64::total_cmp);
    let at = |share: f64| ms[((ms.len() - 1) as f64 * share).round() as usize];
    println!(
        "look: p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms; {} looks, {} threads, {items} items",
        at(0.5),
        at(0.99),
        at(1.0),
        ms.len(),
        settings.threads
    );
    Ok(())
}
