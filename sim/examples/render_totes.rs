//! Writes a training set of totes: two of five with items dropped in and settled, the others laid on each other
//! greedily, which gives neat rows and is faster.
//!
//! `cargo run --release -p sim --example render_totes -- --seed N --skus 300 --scenes 3000 --out DIR`

use std::error::Error;
use std::path::Path;

use nalgebra::{Isometry3, Rotation3, Translation3, UnitQuaternion, Vector3};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Pose, SkuName, Timestamp};
use sim::look::set::{SetScene, SetWriter};
use sim::look::{
    Backdrop, Light, Placed, Renderer, Sensor, Stage, Style, TrueShape, TrueSku, Tub, View, generate, sense,
};
use sim::world::settle_tote;

/// Inner size of the tote, metres.
const TOTE: [f64; 3] = [0.6, 0.4, 0.3];
/// Cells of the height map, metres.
const CELL: f64 = 0.004;
/// Wall of the tote, metres.
const WALL: f64 = 0.012;
/// Share of the scenes whose items are dropped in.
const SETTLED: f64 = 0.4;
/// Backdrops that the scenes take turns with.
const BACKDROPS: u64 = 64;

struct Options {
    seed: u64,
    skus: usize,
    scenes: usize,
    out: String,
}

fn options() -> Result<Options, Box<dyn Error>> {
    let mut options = Options { seed: 0, skus: 300, scenes: 3_000, out: String::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let value = words.next().ok_or_else(|| format!("{word} has no value"))?;
        match word.as_str() {
            "--seed" => options.seed = value.parse()?,
            "--skus" => options.skus = value.parse()?,
            "--scenes" => options.scenes = value.parse()?,
            "--out" => options.out = value,
            _ => {
                return Err(format!("{word} is unknown; must be --seed, --skus, --scenes or --out").into());
            }
        }
    }
    if options.out.is_empty() || options.skus == 0 {
        return Err("--out must be a folder and --skus at least 1".into());
    }
    Ok(options)
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = options()?;
    let skus = generate(options.seed, options.skus, Style::Typical);
    let backdrops: Vec<Backdrop> = (0..BACKDROPS).map(|k| Backdrop::drawn(options.seed * 1_000 + k)).collect();
    let mut set = SetWriter::new(Path::new(&options.out), &skus)?;
    let mut renderer = Renderer::new();
    for scene in 0..options.scenes {
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(scene as u64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let kinds: Vec<&TrueSku> = (0..rng.random_range(3..=20)).filter_map(|_| skus.choose(&mut rng)).collect();
        let count = rng.random_range(5..=35);
        let items =
            if rng.random_bool(SETTLED) { dropped(&kinds, count, &mut rng) } else { scatter(&kinds, count, &mut rng) };
        let tub = Tub { world_from_tub: Isometry3::identity(), size: TOTE, wall: WALL };
        let light = Light::drawn(seed);
        let backdrop = &backdrops[rng.random_range(0..backdrops.len())];
        let view = jittered_view(&mut rng);
        let stage = Stage { items: &items, tubs: &[tub], blocks: &[], backdrop, light: &light };
        let rendered = renderer.render(&stage, &view);
        let mut sensor = Sensor::default();
        sensor.colour.blur = rng.random_range(0.05..0.2);
        let image = sense(&rendered, &sensor, Timestamp::ZERO, &mut rng);
        let manifest = manifest(&items, &skus, &mut rng);
        let world_from_tote = Pose::identity();
        set.add(&SetScene { rendered: &rendered, image: &image, items: &items, manifest: &manifest, world_from_tote })?;
        if (scene + 1) % 100 == 0 {
            println!("{} scenes", scene + 1);
        }
    }
    set.finish()?;
    Ok(())
}

/// The camera of the cell, off by what mounting and lenses differ.
fn jittered_view(rng: &mut ChaCha8Rng) -> View {
    let mut off = |most: f64| rng.random_range(-most..most);
    let eye = [off(0.015), off(0.015), 1.27 + off(0.03)];
    let mut view = View::down(eye, View::D415);
    let tilt = Rotation3::from_euler_angles(off(0.02), off(0.02), off(0.03));
    let pose = view.world_from_camera.isometry() * UnitQuaternion::from_rotation_matrix(&tilt);
    view.world_from_camera = Pose::from_isometry(pose);
    view
}

/// What the tote is said to hold: what lies in it and some that don't.
fn manifest(items: &[Placed<'_>], skus: &[TrueSku], rng: &mut ChaCha8Rng) -> Vec<SkuName> {
    let mut names: Vec<SkuName> = items.iter().map(|i| i.sku.sku.name.clone()).collect();
    names.extend((0..rng.random_range(0..5)).filter_map(|_| skus.choose(rng)).map(|s| s.sku.name.clone()));
    names.sort();
    names.dedup();
    names
}

/// Drops `count` items in, fewer while they don't fit.
fn dropped<'a>(kinds: &[&'a TrueSku], count: usize, rng: &mut ChaCha8Rng) -> Vec<Placed<'a>> {
    let mut chosen: Vec<&'a TrueSku> = (0..count).filter_map(|_| kinds.choose(rng).copied()).collect();
    while !chosen.is_empty() {
        if let Ok(poses) = settle_tote(&chosen, TOTE, WALL, rng.random()) {
            return chosen
                .iter()
                .zip(poses)
                .zip(0u32..)
                .map(|((sku, pose), id)| Placed { sku, world_from_item: Pose::from_isometry(*pose.isometry()), id })
                .collect();
        }
        chosen.truncate(chosen.len() * 2 / 3);
    }
    Vec::new()
}

/// Lays up to `count` items into a tote: each at the lowest of several places, often beside one of its kind.
fn scatter<'a>(kinds: &[&'a TrueSku], count: usize, rng: &mut ChaCha8Rng) -> Vec<Placed<'a>> {
    let (nx, ny) = ((TOTE[0] / CELL) as usize, (TOTE[1] / CELL) as usize);
    let mut heights = vec![0.0f64; nx * ny];
    let mut items: Vec<Placed<'a>> = Vec::new();
    let neat = rng.random_bool(0.4);
    let spots = rng.random_range(2..14);
    for _ in 0..3 * count {
        if items.len() >= count {
            break;
        }
        let last = items.last().filter(|_| rng.random_bool(if neat { 0.75 } else { 0.3 })).copied();
        let Some(sku) = last.map(|l| l.sku).or_else(|| kinds.choose(rng).copied()) else {
            break;
        };
        let mut best: Option<Isometry3<f64>> = None;
        for spot in 0..spots {
            let at = match &last {
                Some(last) if spot % 2 == 0 => beside(last, rng),
                _ => anywhere(sku, neat, rng),
            };
            if let Some(lies) = drop_on(&heights, nx, ny, sku, &at)
                && best.is_none_or(|b| lies.translation.z < b.translation.z - 1e-6)
            {
                best = Some(lies);
            }
        }
        let Some(lies) = best else { continue };
        columns(sku, &lies, nx, ny, |cell, _, top| heights[cell] = heights[cell].max(top));
        items.push(Placed { sku, world_from_item: Pose::from_isometry(lies), id: items.len() as u32 });
    }
    items
}

/// On a random side, turned at random, sometimes askew.
fn anywhere(sku: &TrueSku, neat: bool, rng: &mut ChaCha8Rng) -> Isometry3<f64> {
    let quarter = std::f64::consts::FRAC_PI_2;
    let z_down = match sku.hull_shape {
        // Cans stand or lie; boxes mostly lie on their largest side.
        TrueShape::Cylinder { .. } => rng.random_bool(0.5),
        TrueShape::Box { half } => rng.random_bool(if half[2] <= half[0].min(half[1]) { 0.8 } else { 0.35 }),
    };
    let side = if z_down {
        let turns = if rng.random_bool(0.5) { 0.0 } else { 2.0 * quarter };
        UnitQuaternion::from_axis_angle(&Vector3::x_axis(), turns)
    } else {
        let axis = if rng.random_bool(0.5) { Vector3::x_axis() } else { Vector3::y_axis() };
        let turned = UnitQuaternion::from_axis_angle(&axis, if rng.random_bool(0.5) { quarter } else { -quarter });
        let roll = if matches!(sku.hull_shape, TrueShape::Cylinder { .. }) {
            rng.random_range(0.0..std::f64::consts::TAU)
        } else {
            0.0
        };
        turned * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), roll)
    };
    let lean = match rng.random_range(0..100) {
        0..60 => rng.random_range(0.0..0.01),
        60..92 => rng.random_range(0.0..0.22),
        _ => rng.random_range(0.2..0.9),
    };
    let (sin, cos) = rng.random_range(0.0..std::f64::consts::TAU).sin_cos();
    let lean = UnitQuaternion::from_scaled_axis(Vector3::new(cos, sin, 0.0) * lean);
    let yaw = if neat {
        quarter * f64::from(rng.random_range(0..4)) + rng.random_range(-0.04..0.04)
    } else {
        rng.random_range(0.0..std::f64::consts::TAU)
    };
    let yaw = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), yaw);
    let at = [0, 1].map(|k| rng.random_range(-0.5 * TOTE[k]..0.5 * TOTE[k]));
    Isometry3::from_parts(Translation3::new(at[0], at[1], 0.0), lean * yaw * side)
}

/// Next to an item of the same kind, touching it or nearly.
fn beside(last: &Placed<'_>, rng: &mut ChaCha8Rng) -> Isometry3<f64> {
    let pose = last.world_from_item.isometry();
    let axis = rng.random_range(0..3);
    let mut step = Vector3::zeros();
    step[axis] = last.sku.truth.size_m[axis] + rng.random_range(0.0..0.003);
    let step = pose.rotation * step * if rng.random_bool(0.5) { 1.0 } else { -1.0 };
    let yaw = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), rng.random_range(-0.02..0.02));
    Isometry3::from_parts((pose.translation.vector + step).into(), yaw * pose.rotation)
}

/// The item lowered until it touches; `None` when it doesn't lie inside the tote.
fn drop_on(heights: &[f64], nx: usize, ny: usize, sku: &TrueSku, at: &Isometry3<f64>) -> Option<Isometry3<f64>> {
    let reach = reach(sku, &at.rotation);
    let middle = at.translation.vector;
    if middle.x.abs() + reach.x > 0.5 * TOTE[0] || middle.y.abs() + reach.y > 0.5 * TOTE[1] {
        return None;
    }
    let from = Isometry3::from_parts(Translation3::new(middle.x, middle.y, 0.0), at.rotation);
    let mut z = reach.z;
    columns(sku, &from, nx, ny, |cell, low, _| z = z.max(heights[cell] - low));
    let inside = z + reach.z < TOTE[2] + 0.03;
    inside.then(|| Isometry3::from_parts(Translation3::new(middle.x, middle.y, z + 0.0005), at.rotation))
}

/// Half of the sides of the upright box around a turned item.
fn reach(sku: &TrueSku, rotation: &UnitQuaternion<f64>) -> Vector3<f64> {
    let turned = rotation.to_rotation_matrix();
    let along = |k: usize| {
        let row = turned.matrix().row(k);
        match sku.hull_shape {
            TrueShape::Box { half } => (0..3).map(|i| row[i].abs() * half[i]).sum(),
            TrueShape::Cylinder { radius, half_height } => radius * row[0].hypot(row[1]) + half_height * row[2].abs(),
        }
    };
    Vector3::new(along(0), along(1), along(2))
}

/// Calls `each` with the cells under an item and its lowest and highest z over them.
fn columns(sku: &TrueSku, lies: &Isometry3<f64>, nx: usize, ny: usize, mut each: impl FnMut(usize, f64, f64)) {
    let reach = reach(sku, &lies.rotation);
    let middle = lies.translation.vector;
    let inverse = lies.inverse();
    let down = inverse.rotation * Vector3::z();
    let range = |k: usize, n: usize| {
        let cell = |v: f64| (((v + 0.5 * TOTE[k]) / CELL).max(0.0) as usize).min(n - 1);
        cell(middle[k] - reach[k])..=cell(middle[k] + reach[k])
    };
    for j in range(1, ny) {
        for i in range(0, nx) {
            let at = [i, j].map(|c| (c as f64 + 0.5) * CELL);
            let start = inverse.transform_point(&[at[0] - 0.5 * TOTE[0], at[1] - 0.5 * TOTE[1], 0.0].into()).coords;
            if let Some((low, high)) = cross(sku, &start, &down) {
                each(j * nx + i, low, high);
            }
        }
    }
}

/// Where a line enters and leaves an item, in its frame.
fn cross(sku: &TrueSku, start: &Vector3<f64>, along: &Vector3<f64>) -> Option<(f64, f64)> {
    let mut span = (f64::MIN, f64::MAX);
    let mut slab = |at: f64, step: f64, half: f64| {
        if step.abs() < 1e-9 {
            return at.abs() <= half;
        }
        let (a, b) = ((-half - at) / step, (half - at) / step);
        span = (span.0.max(a.min(b)), span.1.min(a.max(b)));
        span.0 < span.1
    };
    match sku.hull_shape {
        TrueShape::Box { half } => (0..3).all(|k| slab(start[k], along[k], half[k])).then_some(())?,
        TrueShape::Cylinder { radius, half_height } => {
            slab(start.z, along.z, half_height).then_some(())?;
            let (a, b) = (along.xy().norm_squared(), start.xy().dot(&along.xy()));
            let c = start.xy().norm_squared() - radius * radius;
            if a < 1e-12 {
                (c <= 0.0).then_some(())?;
            } else {
                let root = b * b - a * c;
                (root > 0.0).then_some(())?;
                let (low, high) = ((-b - root.sqrt()) / a, (-b + root.sqrt()) / a);
                span = (span.0.max(low), span.1.min(high));
            }
        }
    }
    (span.0 < span.1).then_some(span)
}
