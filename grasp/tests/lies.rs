//! How an item lies after it was let go, told from noisy height maps with holes.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use control::Drop;
use grasp::{Lies, Placement};
use nalgebra::{UnitQuaternion, Vector3};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::frame::Bin;
use scene::{HeightMap, Pose};

const BIN: [f64; 2] = [0.4, 0.3];
const RUNS: u64 = 200;

/// An upright box of these sides with the middle of its base at (x, y, z).
fn placed(at: [f64; 3], size_m: [f64; 3]) -> Placement {
    let centre = Vector3::new(at[0], at[1], at[2] + 0.5 * size_m[2]);
    let drop =
        Drop { world_from_tool: Pose::identity(), touch_speed: 0.05, guard_m: 0.01, half_turn: true, approach_m: 0.06 };
    Placement {
        bin_from_box: Pose::from_parts(centre, UnitQuaternion::identity()),
        size_m,
        drop,
        height_m: at[2],
        support: 1.0,
        score: 1.0,
        rejected: None,
    }
}

/// A bin with some boxes on its floor, none within 15 mm of `free`, which is `[x, y, half x, half y]`.
fn contents(rng: &mut ChaCha8Rng, free: [f64; 4]) -> HeightMap<Bin> {
    let mut map = HeightMap::over_floor(BIN, 0.005, 0.0);
    for _ in 0..rng.random_range(0..4) {
        let size = [rng.random_range(0.05..0.12), rng.random_range(0.05..0.12), rng.random_range(0.03..0.15)];
        let at = [rng.random_range(-0.14..0.14), rng.random_range(-0.09..0.09), 0.0];
        let clear = |a: usize| (at[a] - free[a]).abs() > 0.5 * size[a] + free[2 + a] + 0.015;
        if clear(0) || clear(1) {
            placed(at, size).add_to(&mut map);
        }
    }
    map
}

/// What a camera gives of it: σ = 3.5 mm that hangs together over three cells, an offset, 10 to 20 % of the cells unread.
fn seen(map: &HeightMap<Bin>, rng: &mut ChaCha8Rng) -> HeightMap<Bin> {
    let (w, h) = (map.nx / 3 + 2, map.ny / 3 + 2);
    let coarse: Vec<f64> = (0..w * h).map(|_| (0..12).map(|_| rng.random::<f64>()).sum::<f64>() - 6.0).collect();
    let (offset, missing) = (rng.random_range(-0.003..0.003), rng.random_range(0.1..0.2));
    let mut out = map.clone();
    for j in 0..map.ny {
        for i in 0..map.nx {
            let noise = 0.0035 * coarse[j / 3 * w + i / 3] + offset;
            out.set(i, j, if rng.random_bool(missing) { f32::NAN } else { map.at(i, j) + noise as f32 });
        }
    }
    out
}

/// Of so many runs, what is said of an item that ends as `ends` says; `size` draws its sides.
fn told(
    size: impl Fn(&mut ChaCha8Rng) -> [f64; 3],
    ends: impl Fn(&Placement, &mut ChaCha8Rng) -> Option<Placement>,
) -> Vec<(u64, [f64; 3], Lies)> {
    let run = |seed: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let size = size(&mut rng);
        let place = placed([rng.random_range(-0.05..0.05), rng.random_range(-0.03..0.03), 0.0], size);
        let at = place.bin_from_box.origin();
        let longest = size.into_iter().fold(0.0, f64::max);
        let bin = contents(&mut rng, [at.x, at.y, longest, longest]);
        let before = seen(&bin, &mut rng);
        let mut with = bin;
        if let Some(end) = ends(&place, &mut rng) {
            end.add_to(&mut with);
        }
        (seed, size, place.lies(&before, &seen(&with, &mut rng)))
    };
    (0..RUNS).map(run).collect()
}

/// At least this share of the runs must say what `is` says, and none what `never` says.
fn check(runs: &[(u64, [f64; 3], Lies)], least: f64, is: impl Fn(Lies) -> bool, never: impl Fn(Lies) -> bool) {
    let wrong: Vec<_> = runs.iter().filter(|(_, _, lies)| !is(*lies)).collect();
    let share = 1.0 - wrong.len() as f64 / runs.len() as f64;
    assert!(share >= least, "{share} of the runs, {least} wanted; wrong: {wrong:?}");
    assert!(runs.iter().all(|(_, _, lies)| !never(*lies)), "{wrong:?}");
}

fn any(rng: &mut ChaCha8Rng) -> [f64; 3] {
    [rng.random_range(0.05..0.15), rng.random_range(0.05..0.12), rng.random_range(0.012..0.15)]
}

/// At least 1.6 times as tall as wide.
fn tall(rng: &mut ChaCha8Rng) -> [f64; 3] {
    let side = rng.random_range(0.05..0.09);
    [side, rng.random_range(0.05..0.09), side * rng.random_range(1.6..2.2)]
}

#[test]
fn an_item_at_its_place_is_said_to_be_there() {
    let runs = told(any, |place, _| Some(place.clone()));
    check(&runs, 0.98, |l| l == Lies::AsPlaced, |l| l == Lies::NotSeen);
}

#[test]
fn an_item_that_is_not_there_is_not_seen() {
    let runs = told(any, |_, _| None);
    check(&runs, 0.99, |l| l == Lies::NotSeen, |l| l == Lies::AsPlaced);
}

#[test]
fn an_item_beside_its_place_is_said_to_have_moved_and_by_how_much() {
    let moved = |place: &Placement, rng: &mut ChaCha8Rng| {
        let at = place.bin_from_box.origin();
        let (yaw, by) = (rng.random_range(0.0..std::f64::consts::TAU), 0.025);
        Some(placed([at.x + by * yaw.cos(), at.y + by * yaw.sin(), 0.0], place.size_m))
    };
    let narrow =
        |rng: &mut ChaCha8Rng| [rng.random_range(0.05..0.1), rng.random_range(0.05..0.1), rng.random_range(0.03..0.1)];
    let runs = told(narrow, moved);
    check(
        &runs,
        0.95,
        |l| matches!(l, Lies::Moved { by_mm } if (by_mm - 25.0).abs() < 8.0),
        |l| matches!(l, Lies::NotSeen | Lies::Tipped { .. }),
    );
}

#[test]
fn an_item_that_has_fallen_over_is_said_to_have_tipped_with_both_heights() {
    let fallen = |place: &Placement, rng: &mut ChaCha8Rng| {
        let ([x, y, z], at) = (place.size_m, place.bin_from_box.origin());
        let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
        // Over its lower edge: what was its height lies along x now.
        Some(placed([at.x + side * 0.5 * (x + z), at.y, 0.0], [z, y, x]))
    };
    let runs = told(tall, fallen);
    let tipped = |l: Lies| matches!(l, Lies::Tipped { expected_mm, seen_mm } if seen_mm < expected_mm - 20.0);
    check(&runs, 0.95, tipped, |l| matches!(l, Lies::AsPlaced | Lies::Moved { .. }));
}

#[test]
fn a_flat_item_that_stands_on_its_edge_is_said_to_have_tipped_up() {
    let flat = |rng: &mut ChaCha8Rng| {
        [rng.random_range(0.08..0.14), rng.random_range(0.06..0.12), rng.random_range(0.03..0.04)]
    };
    let on_edge = |place: &Placement, _: &mut ChaCha8Rng| {
        let ([x, y, z], at) = (place.size_m, place.bin_from_box.origin());
        Some(placed([at.x, at.y, 0.0], [z, y, x]))
    };
    let runs = told(flat, on_edge);
    let tipped = |l: Lies| matches!(l, Lies::Tipped { expected_mm, seen_mm } if seen_mm > expected_mm + 20.0);
    check(&runs, 0.95, tipped, |l| matches!(l, Lies::AsPlaced));
}

#[test]
fn what_settles_within_its_outline_has_not_tipped() {
    let bag = |rng: &mut ChaCha8Rng| {
        [rng.random_range(0.1..0.15), rng.random_range(0.08..0.12), rng.random_range(0.05..0.08)]
    };
    let runs = told(bag, |place, _| {
        let ([x, y, z], at) = (place.size_m, place.bin_from_box.origin());
        Some(placed([at.x, at.y, 0.0], [x, y, 0.6 * z]))
    });
    check(&runs, 0.98, |l| l == Lies::AsPlaced, |l| matches!(l, Lies::Tipped { .. } | Lies::NotSeen));
}

#[test]
fn shiny_goods_give_too_few_readings_and_maps_of_other_cells_say_nothing() {
    let place = placed([0.0; 3], [0.1, 0.1, 0.1]);
    let before = HeightMap::over_floor(BIN, 0.005, 0.0);
    let mut dark = before.clone();
    for j in 0..dark.ny {
        for i in 0..dark.nx {
            let [x, y] = dark.centre(i, j);
            if x.abs() < 0.05 && y.abs() < 0.05 {
                dark.set(i, j, f32::NAN);
            }
        }
    }
    assert_eq!(place.lies(&before, &dark), Lies::Unread);
    assert_eq!(place.lies(&before, &HeightMap::over_floor(BIN, 0.01, 0.1)), Lies::NotSeen);
    assert_eq!(placed([0.0; 3], [0.1, 0.1, 0.0]).lies(&before, &before), Lies::NotSeen);
    assert_eq!(placed([0.0; 3], [f64::NAN; 3]).lies(&before, &before), Lies::NotSeen);
    assert_eq!(placed([2.0, 0.0, 0.0], [0.1, 0.1, 0.1]).lies(&before, &before), Lies::Unread);
}
