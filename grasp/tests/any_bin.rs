//! Places in a thousand random bins, judged by a checker that shares no code with the planner, and questions that make no
//! sense.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

mod held;
mod rendered;

use std::f64::consts::PI;

use control::{Container, Hold};
use grasp::{BinState, PlaceRejection, Placement, best_bins, observe, placements, placements_in};
use held::{floor, hold, tool};
use nalgebra::{Point3, UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rendered::{cell, sku};
use scene::frame::Bin;
use scene::{HeightMap, Material, Pose, Shape, Sku};

/// Bins of each of the four parts.
const BINS: u64 = 250;
/// What the README and the planner's documentation declare: gap to walls; floor; what smoothing and the map's own noise
/// may hide in a cell, with the share of cells in which so much; how far in an unseen cell is guessed; what carries.
const GAP_M: f64 = 0.011;
const FLOOR_M: f64 = 0.006;
const SMOOTHED_M: f64 = 0.012;
const NOISE_M: f64 = 0.010;
const NOISE_SHARE: f64 = 0.05;
const GUESSED_CELLS: usize = 4;
const CARRIES_M: f64 = 0.008;

/// Boxes on the floor and on each other, then holes and, if asked for, noise of a stereo camera.
fn random_map(bin: &Container<Bin>, rng: &mut ChaCha8Rng, noisy: bool) -> HeightMap<Bin> {
    let mut map = floor(bin);
    for _ in 0..rng.random_range(0..9) {
        let half = [rng.random_range(0.015..0.1), rng.random_range(0.015..0.1)];
        let at = [0, 1].map(|a| rng.random_range(-0.5..0.5) * bin.size[a]);
        let height = rng.random_range(0.01..0.15);
        let mut inside = Vec::new();
        for j in 0..map.ny {
            for i in 0..map.nx {
                let [x, y] = map.centre(i, j);
                if (x - at[0]).abs() < half[0] && (y - at[1]).abs() < half[1] {
                    inside.push((i, j));
                }
            }
        }
        let base = inside.iter().map(|&(i, j)| map.at(i, j)).fold(0.0, f32::max);
        for (i, j) in inside {
            map.set(i, j, base + height as f32);
        }
    }
    if noisy {
        let (w, h) = (map.nx / 3 + 2, map.ny / 3 + 2);
        let coarse: Vec<f64> = (0..w * h).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect();
        for j in 0..map.ny {
            for i in 0..map.nx {
                let z = map.at(i, j) + (0.0035 * coarse[j / 3 * w + i / 3]) as f32;
                map.set(i, j, z);
            }
        }
    }
    let missing = rng.random_range(0.0..0.2);
    for z in &mut map.z {
        if rng.random_bool(missing) {
            *z = f32::NAN;
        }
    }
    for _ in 0..rng.random_range(0..3) {
        let (i0, j0) = (rng.random_range(0..map.nx), rng.random_range(0..map.ny));
        let (w, d) = (rng.random_range(1..20), rng.random_range(1..20));
        for j in j0..(j0 + d).min(map.ny) {
            (i0..(i0 + w).min(map.nx)).for_each(|i| map.set(i, j, f32::NAN));
        }
    }
    map
}

/// Corners of least and greatest coordinates, from all eight corners of the box.
fn around(p: &Placement) -> [[f64; 3]; 2] {
    let mut span = [[f64::INFINITY; 3], [f64::NEG_INFINITY; 3]];
    for n in 0..8 {
        let side = |a: usize| if n >> a & 1 == 0 { -0.5 } else { 0.5 } * p.size_m[a];
        let corner = p.bin_from_box.point(&Point3::new(side(0), side(1), side(2)));
        for a in 0..3 {
            span[0][a] = span[0][a].min(corner[a]);
            span[1][a] = span[1][a].max(corner[a]);
        }
    }
    span
}

/// Whether a point lies in the convex hull of others, by Andrew's chain.
fn in_hull(mut points: Vec<[f64; 2]>, at: [f64; 2]) -> bool {
    let cross = |o: [f64; 2], a: [f64; 2], b: [f64; 2]| (a[0] - o[0]) * (b[1] - o[1]) - (a[1] - o[1]) * (b[0] - o[0]);
    points.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let chain = |points: &mut dyn Iterator<Item = [f64; 2]>| {
        let mut chain: Vec<[f64; 2]> = Vec::new();
        for p in points {
            while chain.len() >= 2 && cross(chain[chain.len() - 2], chain[chain.len() - 1], p) <= 0.0 {
                chain.pop();
            }
            chain.push(p);
        }
        chain.pop();
        chain
    };
    let mut hull = chain(&mut points.iter().copied());
    hull.extend(chain(&mut points.iter().rev().copied()));
    hull.len() >= 3 && (0..hull.len()).all(|i| cross(hull[i], hull[(i + 1) % hull.len()], at) >= 0.0)
}

/// What is wrong with an accepted place, by the map as it was given.
fn fault(p: &Placement, map: &HeightMap<Bin>, bin: &Container<Bin>, noisy: bool) -> Option<String> {
    let [low, high] = around(p);
    for a in 0..2 {
        if low[a] < -0.5 * bin.size[a] + GAP_M - 1e-6 || high[a] > 0.5 * bin.size[a] - GAP_M + 1e-6 {
            return Some(format!("from {low:?} to {high:?}: in a wall, or nearer than the gap"));
        }
    }
    if low[2] < -1e-6 || high[2] > bin.fill + 1e-6 {
        return Some(format!("from {} to {} m, with the floor at 0 and filled up to {}", low[2], high[2], bin.fill));
    }
    let base = low[2];
    let (hidden, often) = if noisy { (SMOOTHED_M + NOISE_M, SMOOTHED_M) } else { (FLOOR_M, FLOOR_M) };
    let carries = CARRIES_M + if noisy { SMOOTHED_M } else { FLOOR_M };
    let (mut cells, mut higher) = (0.0, 0.0);
    let mut carrying = Vec::new();
    for j in 0..map.ny {
        for i in 0..map.nx {
            let [x, y] = map.centre(i, j);
            if x <= low[0] || x >= high[0] || y <= low[1] || y >= high[1] {
                continue;
            }
            let near = |by: usize| {
                let rows = j.saturating_sub(by)..(j + by + 1).min(map.ny);
                rows.flat_map(move |j| (i.saturating_sub(by)..(i + by + 1).min(map.nx)).map(move |i| (i, j)))
                    .map(|(i, j)| f64::from(map.at(i, j)))
                    .filter(|z| z.is_finite())
            };
            let half = 0.5 * map.cell;
            let corners = [[x - half, y - half], [x + half, y - half], [x - half, y + half], [x + half, y + half]];
            let mut z = f64::from(map.at(i, j));
            if z.is_nan() {
                if near(GUESSED_CELLS).next().is_none() {
                    return Some(format!("cell ({i}, {j}) has not been seen, nor any within {GUESSED_CELLS} cells"));
                }
                // What is unseen is as high as the highest beside it; further in it may be as high as any within reach.
                let guess = near(GUESSED_CELLS).fold(f64::NAN, f64::max);
                z = near(1).fold(f64::NAN, f64::max);
                if z.is_nan() {
                    if guess >= base - carries {
                        carrying.extend(corners);
                    }
                    continue;
                }
            }
            cells += 1.0;
            if z > base + hidden + 1e-6 {
                return Some(format!("cell ({i}, {j}) is at {z} m, its base at {base} m"));
            }
            higher += f64::from(u8::from(z > base + often + 1e-6));
            if z >= base - carries {
                carrying.extend(corners);
            }
        }
    }
    // A cell or two are a greater share of a small footprint.
    if higher > (NOISE_SHARE * cells + 2.0_f64).ceil() {
        return Some(format!("{higher} of {cells} cells are higher than its base at {base} m"));
    }
    let at = p.bin_from_box.origin();
    (!in_hull(carrying, [at.x, at.y])).then(|| format!("nothing carries its centre at {:?}", [at.x, at.y]))
}

/// A quarter of the thousand bins.
fn check(part: u64) {
    let tool = tool();
    let mut placed = 0;
    for seed in part * BINS..(part + 1) * BINS {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut bin = cell().bins[0].clone();
        if rng.random_bool(0.3) {
            bin.fill = rng.random_range(0.02..bin.size[2]);
        }
        let noisy = seed % 2 == 0;
        let map = random_map(&bin, &mut rng, noisy);
        let size = [rng.random_range(0.02..0.25), rng.random_range(0.02..0.2), rng.random_range(0.01..0.15)];
        let off = [rng.random_range(-0.044..0.044), rng.random_range(-0.022..0.022)];
        let hold = hold(size, off, rng.random_range(-PI..PI), rng.random_range(0.01..2.0));
        let state = BinState::of(map.clone());
        let found = if rng.random_bool(0.5) {
            placements(&hold, &map, &bin, &tool, None)
        } else {
            placements_in(&hold, &state, &bin, &tool, None)
        };
        assert!(!found.is_empty(), "seed {seed}: neither a place nor a reason");
        for p in found.iter().filter(|p| p.rejected.is_none()) {
            placed += 1;
            let fault = fault(p, &map, &bin, noisy);
            assert!(fault.is_none(), "seed {seed}, {size:?} m: {fault:?}");
        }
    }
    assert!(placed > 500, "only {placed} places were judged");
}

#[test]
fn the_first_quarter_of_a_thousand_bins_has_only_places_that_the_checker_allows() {
    check(0);
}

#[test]
fn the_second_quarter_of_a_thousand_bins_has_only_places_that_the_checker_allows() {
    check(1);
}

#[test]
fn the_third_quarter_of_a_thousand_bins_has_only_places_that_the_checker_allows() {
    check(2);
}

#[test]
fn the_last_quarter_of_a_thousand_bins_has_only_places_that_the_checker_allows() {
    check(3);
}

#[test]
fn the_checker_finds_what_is_wrong() {
    let bin = cell().bins[0].clone();
    let mut map = floor(&bin);
    for j in 0..map.ny {
        (40..50).for_each(|i| map.set(i, j, 0.05));
    }
    let at = |x: f64, y: f64, z: f64| {
        let mut p =
            placements(&hold([0.06, 0.06, 0.05], [0.0; 2], 0.0, 0.3), &floor(&bin), &bin, &tool(), None)[0].clone();
        p.bin_from_box = Pose::from_parts(Vector3::new(x, y, z + 0.025), UnitQuaternion::identity());
        fault(&p, &map, &bin, false)
    };
    let says =
        |fault: Option<String>, words: &str| assert!(fault.as_ref().is_some_and(|f| f.contains(words)), "{fault:?}");
    assert_eq!(at(-0.1, 0.0, 0.0), None);
    assert_eq!(at(0.025, 0.0, 0.05), None);
    says(at(-0.165, 0.0, 0.0), "in a wall");
    says(at(-0.1, 0.0, 0.18), "filled up to");
    says(at(0.0, 0.0, 0.0), "its base at 0 m");
    says(at(-0.018, 0.0, 0.05), "nothing carries its centre");
}

#[test]
fn what_makes_no_sense_is_refused_with_the_value_and_the_rule() {
    let (bin, tool) = (cell().bins[0].clone(), tool());
    let good = hold([0.1, 0.08, 0.06], [0.0; 2], 0.0, 0.3);
    let with = |change: &dyn Fn(&mut Hold)| {
        let mut hold = good;
        change(&mut hold);
        hold
    };
    let check = |hold: &Hold, map: &HeightMap<Bin>, bin: &Container<Bin>, words: &str| {
        for found in
            [placements(hold, map, bin, &tool, None), placements_in(hold, &BinState::of(map.clone()), bin, &tool, None)]
        {
            let why = found[0].rejected.as_ref().map(ToString::to_string);
            assert!(why.as_ref().is_some_and(|why| why.contains(words)), "{words}: {why:?}");
            assert!(found.iter().all(|p| p.rejected.is_some()), "{words}: something was placed");
        }
    };
    let map = floor(&bin);
    check(&with(&|h| h.held.size_m[1] = 0.0), &map, &bin, "a side of the held box in m is 0; must be from 0.001 to 2");
    check(&with(&|h| h.held.size_m[2] = f64::NAN), &map, &bin, "a side of the held box in m is NaN");
    check(&with(&|h| h.held.size_m[0] = -0.1), &map, &bin, "is -0.1");
    check(&with(&|h| h.held.size_m[0] = 1e9), &map, &bin, "must be from 0.001 to 2");
    check(&with(&|h| h.mass_kg = f64::NAN), &map, &bin, "the held mass in kg is NaN; must be from 0.0001 to 50");
    check(&with(&|h| h.mass_kg = f64::INFINITY), &map, &bin, "the held mass in kg is inf");
    check(&with(&|h| h.closed_m = f64::NAN), &map, &bin, "closed by in m is NaN");
    check(
        &with(&|h| {
            h.held.tool_from_box = Pose::from_parts(Vector3::new(f64::NAN, 0.0, 0.0), UnitQuaternion::identity())
        }),
        &map,
        &bin,
        "a number of the held box's pose is NaN",
    );
    let mut short = map.clone();
    short.z.truncate(17);
    check(&good, &short, &bin, "the number of heights in the map is 17; must be from 4800 to 4800");
    let mut none = map.clone();
    (none.nx, none.ny) = (0, 0);
    none.z.clear();
    check(&good, &none, &bin, "the number of heights in the map is 0");
    let mut fine = map.clone();
    fine.cell = f64::NAN;
    check(&good, &fine, &bin, "the side of a cell in m is NaN");
    let flat = Container { size: [0.4, 0.3, f64::NAN], ..bin.clone() };
    check(&good, &map, &flat, "a side of the bin in m is NaN");
    // Larger than the bin, a bin that is full, and one that nobody has seen.
    check(&hold([0.5, 0.08, 0.06], [0.0; 2], 0.0, 0.3), &map, &bin, "doesn't fit into the bin");
    let mut full = map.clone();
    full.z.fill(0.19);
    check(&good, &full, &bin, "must stay below the rim");
    let mut blind = map.clone();
    blind.z.fill(f32::NAN);
    check(&good, &blind, &bin, "nobody has seen what lies there");
    blind.z.fill(f32::INFINITY);
    check(&good, &blind, &bin, "nobody has seen what lies there");
    // A place that was refused so goes through all that takes places.
    let nowhere = placements(&with(&|h| h.held.size_m = [f64::NAN; 3]), &map, &bin, &tool, None)[0].clone();
    let state = BinState::of(map.clone()).with(&nowhere, f64::NAN, None);
    assert_eq!(observe(&state, &map).surface.z.len(), map.z.len());
    assert!(!placements_in(&good, &state, &bin, &tool, None).is_empty());
}

#[test]
fn a_first_look_fills_a_bin_that_nobody_has_seen() {
    let (bin, tool) = (cell().bins[0].clone(), tool());
    let hold = hold([0.1, 0.08, 0.06], [0.0; 2], 0.0, 0.3);
    let unseen = BinState::unseen([bin.size[0], bin.size[1]], 0.005);
    let found = placements_in(&hold, &unseen, &bin, &tool, None);
    assert!(found.iter().all(|p| p.rejected == Some(PlaceRejection::Unseen)), "{found:?}");
    // Half of it is filled by whoever was here before.
    let mut half = floor(&bin);
    for j in 0..half.ny {
        (0..40).for_each(|i| half.set(i, j, 0.15));
    }
    let seen = observe(&unseen, &half);
    assert_eq!((seen.shifted, seen.contents.len()), (0, 0));
    let best = &placements_in(&hold, &seen, &bin, &tool, None)[0];
    assert_eq!(best.rejected, None);
    assert!(best.height_m < 0.001 && best.bin_from_box.origin().x > 0.05, "{best:?}");
}

#[test]
fn the_emptiest_bin_comes_first_and_one_without_a_place_last_with_its_reasons() {
    let (bin, tool) = (cell().bins[0].clone(), tool());
    let hold = hold([0.1, 0.08, 0.06], [0.0; 2], 0.0, 0.3);
    let at = |height: f32| {
        let mut map = floor(&bin);
        map.z.fill(height);
        BinState::of(map)
    };
    let (full, half, empty) = (at(0.19), at(0.10), at(0.0));
    let ranked = best_bins(&hold, &[(&full, &bin), (&half, &bin), (&empty, &bin), (&half, &bin)], &tool, None);
    assert_eq!(ranked.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [2, 1, 3, 0]);
    assert_eq!(ranked[0].1, placements_in(&hold, &empty, &bin, &tool, None));
    assert!(matches!(ranked[3].1[0].rejected, Some(PlaceRejection::AboveRim { .. })));
    assert!(best_bins(&hold, &[], &tool, None).is_empty());
}

#[test]
fn a_bin_is_filled_up_to_its_height_and_its_walls_still_stand_in_the_way() {
    let tool = tool();
    let bin = Container { fill: 0.08, ..cell().bins[0].clone() };
    let low = placements(&hold([0.1, 0.08, 0.06], [0.0; 2], 0.0, 0.3), &floor(&bin), &bin, &tool, None);
    let unfilled = Container { fill: bin.size[2], ..bin.clone() };
    assert_eq!(
        low[0],
        placements(&hold([0.1, 0.08, 0.06], [0.0; 2], 0.0, 0.3), &floor(&bin), &unfilled, &tool, None)[0]
    );
    let tall = placements(&hold([0.08, 0.06, 0.1], [0.0; 2], 0.0, 0.3), &floor(&bin), &bin, &tool, None);
    let wanted = PlaceRejection::AboveFill { top_mm: 100.0, fill_mm: 80.0 };
    assert!(tall.iter().all(|p| p.rejected == Some(wanted.clone())), "{tall:?}");
}

/// A jar of 70 × 70 × 110 mm that must stay upright.
fn jar() -> Sku {
    Sku { upright: true, ..sku("jar", [0.07, 0.07, 0.11], 0.3, Shape::Box, Material::Glass) }
}

#[test]
fn what_must_stay_upright_is_refused_with_another_side_up() {
    let (bin, tool) = (cell().bins[0].clone(), tool());
    let places =
        |size: [f64; 3], sku: &Sku| placements(&hold(size, [0.0; 2], 0.4, 0.3), &floor(&bin), &bin, &tool, Some(sku));
    assert_eq!(places([0.07, 0.07, 0.11], &jar())[0].rejected, None);
    let lying = places([0.11, 0.07, 0.07], &jar());
    let refused = |p: &Placement| matches!(p.rejected, Some(PlaceRejection::NotUpright { tilt_deg, .. }) if (tilt_deg - 90.0).abs() < 1e-6);
    assert!(lying.iter().all(refused), "{lying:?}");
    assert_eq!(places([0.11, 0.07, 0.07], &Sku { upright: false, ..jar() })[0].rejected, None);
    // Of a cube nobody can tell.
    let cube = Sku { size_m: [0.07; 3], ..jar() };
    assert_eq!(places([0.07; 3], &cube)[0].rejected, None);
}

#[test]
fn heavy_goes_below_light_and_nothing_tall_goes_onto_a_bag() {
    let (bin, tool) = (cell().bins[0].clone(), tool());
    let bag = sku("bag", [0.37, 0.27, 0.05], 0.4, Shape::Flat, Material::Film);
    let flat = hold([0.37, 0.27, 0.05], [0.0; 2], 0.0, 0.4);
    let under = placements(&flat, &floor(&bin), &bin, &tool, Some(&bag))[0].clone();
    assert_eq!(under.rejected, None);
    let state = BinState::of(floor(&bin)).with(&under, 0.4, Some(&bag));
    let tall = placements_in(&hold([0.05, 0.05, 0.12], [0.0; 2], 0.0, 0.2), &state, &bin, &tool, None);
    assert!(tall.iter().all(|p| p.rejected.is_some()), "{tall:?}");
    assert!(tall.iter().any(|p| matches!(p.rejected, Some(PlaceRejection::OnLoose { .. }))), "{tall:?}");
    let low = placements_in(&hold([0.1, 0.1, 0.05], [0.0; 2], 0.0, 0.2), &state, &bin, &tool, None);
    assert_eq!(low[0].rejected, None);

    // A light box in the corner that is lowest and cheapest: a heavier one may go on it, but beside it costs less.
    let light = sku("light", [0.24, 0.27, 0.03], 0.1, Shape::Box, Material::Carton);
    let first =
        placements(&hold([0.24, 0.27, 0.03], [0.0; 2], 0.0, 0.1), &floor(&bin), &bin, &tool, Some(&light))[0].clone();
    let state = BinState::of(floor(&bin)).with(&first, 0.1, Some(&light));
    let scores = |mass_kg: f64| {
        let found = placements_in(&hold([0.1, 0.1, 0.05], [0.0; 2], 0.0, mass_kg), &state, &bin, &tool, None);
        let best = |on: bool| {
            let there = |p: &&Placement| p.rejected.is_none() && (p.height_m > 0.02) == on;
            found.iter().filter(there).map(|p| p.score).fold(0.0, f64::max)
        };
        (best(true), best(false))
    };
    let ((light_on, light_beside), (heavy_on, heavy_beside)) = (scores(0.1), scores(1.0));
    assert!(light_on > 0.0 && (light_beside - heavy_beside).abs() < 1e-12, "{light_beside} {heavy_beside}");
    assert!(heavy_on < light_on - 0.02 && heavy_on < heavy_beside, "{heavy_on} {light_on} {heavy_beside}");
}

#[test]
fn an_item_that_bears_too_much_already_does_not_close_its_bin() {
    let (bin, tool) = (cell().bins[0].clone(), tool());
    let fragile = placements(&hold([0.1, 0.1, 0.05], [0.0; 2], 0.0, 0.1), &floor(&bin), &bin, &tool, None)[0].clone();
    let mut on_it = fragile.clone();
    on_it.bin_from_box =
        Pose::from_parts(fragile.bin_from_box.origin().coords + Vector3::z() * 0.05, UnitQuaternion::identity());
    let mut state = BinState::of(floor(&bin)).with(&fragile, 0.1, None).with(&on_it, 2.0, None);
    state.contents[0].bears_n = 5.0;
    let found = placements_in(&hold([0.1, 0.1, 0.05], [0.0; 2], 0.0, 0.3), &state, &bin, &tool, None);
    assert_eq!(found[0].rejected, None, "{found:?}");
    assert!(found[0].height_m < 0.01, "{:?}", found[0]);
}
