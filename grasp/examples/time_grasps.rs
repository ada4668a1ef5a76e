//! How long the search for grasps and places takes: a heap of 26 things, the six items that a station expands.
//!
//! `cargo run --release -p grasp --example time_grasps`
#![expect(clippy::disallowed_methods, reason = "it measures, so it reads the wall's clock")]

#[path = "../tests/rendered/mod.rs"]
mod rendered;

use std::time::Instant;

use grasp::{grasps, placements};
use rendered::{STEREO, cell, heap, look};
use scene::{HeightMap, Span};

fn main() {
    let cell = cell();
    let bin = &cell.bins[0];
    let surface = HeightMap::over_floor([bin.size[0], bin.size[1]], 0.005, 0.0);
    let (mut items_ms, mut looks_ms, mut places_ms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut accepted, mut kept) = (0, 0);
    for seed in 0..20 {
        let look = look(&heap(seed), STEREO, seed);
        let mut wanted: Vec<_> = look.items.iter().collect();
        wanted.sort_by(|a, b| a.covered.total_cmp(&b.covered));
        let start = Instant::now();
        for item in wanted.into_iter().take(6) {
            let start = Instant::now();
            let found = grasps(item, &look.items, &look.around(), &|holds| vec![Some(Span::default()); holds.len()]);
            items_ms.push(start.elapsed().as_secs_f64() * 1e3);
            accepted += found.iter().filter(|c| c.rejected.is_none()).count();
            kept += found.len();
            if let Some(best) = found.first().filter(|c| c.rejected.is_none()) {
                let start = Instant::now();
                let places = placements(&best.hold, &surface, bin, &look.tool, None);
                places_ms.push(start.elapsed().as_secs_f64() * 1e3);
                assert!(!places.is_empty());
            }
        }
        looks_ms.push(start.elapsed().as_secs_f64() * 1e3);
    }
    for (name, times) in
        [("grasps of one item", items_ms), ("places of one item", places_ms), ("look, six items", looks_ms)]
    {
        print(name, times);
    }
    println!("{accepted} accepted of {kept} kept");
}

fn print(name: &str, mut times: Vec<f64>) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize];
    println!("{name}: p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms (n {})", at(0.5), at(0.99), at(1.0), times.len());
}
