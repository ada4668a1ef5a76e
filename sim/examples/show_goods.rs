//! Pictures of the goods: every SKU in its reference views, or twelve totes in one picture; or the time of a render.
//!
//! `cargo run --release -p sim --example show_goods -- OUT.png [totes|views|time] [SEED]`

#![expect(clippy::disallowed_methods, reason = "a picture is timed")]

use std::error::Error;

use image::{Rgb, RgbImage};
use nalgebra::Isometry3;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Pose, Timestamp};
use sim::look::{Backdrop, Light, Placed, Renderer, Sensor, Stage, TrueSku, Tub, View, goods_catalogue, sense};
use sim::world::settle_tote;

/// Inner size of a tote and its wall, metres.
const TOTE: [f64; 3] = [0.6, 0.4, 0.3];
const WALL: f64 = 0.012;

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let out = words.next().ok_or("the first argument must be the picture's file")?;
    let what = words.next().unwrap_or_else(|| "totes".to_owned());
    let seed: u64 = words.next().map_or(Ok(1), |w| w.parse())?;
    let started = std::time::Instant::now();
    let skus = goods_catalogue();
    eprintln!("{} SKUs in {:.1} s", skus.len(), started.elapsed().as_secs_f64());
    if what == "time" {
        time(&sim::look::default_catalogue(), seed)?;
        return time(&skus, seed);
    }
    let picture = if what == "views" { lined_up(&skus, seed) } else { twelve_totes(&skus, seed)? };
    picture.save(&out)?;
    Ok(())
}

fn render(items: &[Placed<'_>], seed: u64, view: &View) -> RgbImage {
    let tub = Tub { world_from_tub: Isometry3::identity(), size: TOTE, wall: WALL };
    let (backdrop, light) = (Backdrop::drawn(seed), Light::drawn(seed));
    let stage = Stage { items, tubs: &[tub], blocks: &[], backdrop: &backdrop, light: &light };
    let rendered = Renderer::new().render(&stage, view);
    let image = sense(&rendered, &Sensor::default(), Timestamp::ZERO, &mut ChaCha8Rng::seed_from_u64(seed));
    RgbImage::from_raw(image.width() as u32, image.height() as u32, image.rgb.clone()).unwrap_or_default()
}

/// Every SKU alone on the floor of a tote, cut out, in rows.
fn lined_up(skus: &[TrueSku], seed: u64) -> RgbImage {
    const CELL: u32 = 150;
    const ACROSS: u32 = 14;
    let rows = (skus.len() as u32).div_ceil(ACROSS);
    let mut sheet = RgbImage::new(CELL * ACROSS, CELL * rows);
    for (k, sku) in skus.iter().enumerate() {
        let mut rng = ChaCha8Rng::seed_from_u64(seed + k as u64);
        let Ok(poses) = settle_tote(&[sku], TOTE, WALL, rng.random()) else { continue };
        let pose = Isometry3::from_parts(
            nalgebra::Translation3::new(0.0, 0.0, poses[0].isometry().translation.z),
            poses[0].isometry().rotation,
        );
        let item = Placed { sku, world_from_item: Pose::from_isometry(pose), id: 0 };
        let longest = sku.truth.size_m.into_iter().fold(0.0, f64::max);
        let mut view = View::down([0.06 * longest, -0.9 * longest, 1.25 * longest + pose.translation.z], View::D415);
        let tilt = nalgebra::UnitQuaternion::from_euler_angles(0.62, 0.0, 0.0);
        view.world_from_camera = Pose::from_isometry(Isometry3::from_parts(
            view.world_from_camera.isometry().translation,
            tilt * view.world_from_camera.isometry().rotation,
        ));
        let scale = 0.30;
        view.intrinsics.fx *= scale * 1.05;
        view.intrinsics.fy *= scale * 1.05;
        (view.intrinsics.width, view.intrinsics.height) = (CELL, CELL);
        (view.intrinsics.cx, view.intrinsics.cy) = (74.5, 74.5);
        let picture = render(&[item], seed + (k as u64 % 3), &view);
        image::imageops::replace(
            &mut sheet,
            &picture,
            i64::from(k as u32 % ACROSS * CELL),
            i64::from(k as u32 / ACROSS * CELL),
        );
    }
    sheet
}

/// Twelve totes of ten to thirty items, four a row.
fn twelve_totes(skus: &[TrueSku], seed: u64) -> Result<RgbImage, Box<dyn Error>> {
    let mut sheet = RgbImage::from_pixel(4 * 640, 3 * 480, Rgb([0; 3]));
    for k in 0..12u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed * 100 + k);
        let mut chosen: Vec<&TrueSku> = skus.iter().collect();
        chosen.shuffle(&mut rng);
        chosen.truncate(rng.random_range(10..26));
        let poses = loop {
            match settle_tote(&chosen, TOTE, WALL, rng.random()) {
                Ok(poses) => break poses,
                Err(_) if chosen.len() > 4 => chosen.truncate(chosen.len() * 3 / 4),
                Err(error) => return Err(error.into()),
            }
        };
        let lies = chosen.iter().zip(&poses).zip(0u32..);
        let items: Vec<Placed<'_>> = lies
            .map(|((sku, pose), id)| Placed { sku, world_from_item: Pose::from_isometry(*pose.isometry()), id })
            .collect();
        let picture = render(&items, seed * 100 + k, &View::down([0.0, 0.0, 1.27], View::D415));
        image::imageops::replace(&mut sheet, &picture, (k % 4 * 640) as i64, (k / 4 * 480) as i64);
    }
    Ok(sheet)
}

/// Median and best time of rendering a tote of 50 items at 640 × 480.
/// One step of FNV-1a over a word.
fn mixed(hash: u64, word: u32) -> u64 {
    (hash ^ u64::from(word)).wrapping_mul(0x0100_0000_01b3)
}

fn hash<'a>(before: u64, values: impl Iterator<Item = &'a f32>) -> u64 {
    values.fold(before, |h, v| mixed(h, v.to_bits()))
}

/// Times pictures of a full tote, and tells whether a single byte of them has changed.
fn time(skus: &[TrueSku], seed: u64) -> Result<(), Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut chosen: Vec<&TrueSku> = skus.iter().filter(|s| s.truth.size_m.iter().product::<f64>() < 0.75e-3).collect();
    if chosen.len() < 50 {
        chosen.extend_from_within(..);
    }
    chosen.shuffle(&mut rng);
    chosen.truncate(50);
    let poses = settle_tote(&chosen, TOTE, WALL, seed)?;
    let lies = chosen.iter().zip(&poses).zip(0u32..);
    let items: Vec<Placed<'_>> = lies
        .map(|((sku, pose), id)| Placed { sku, world_from_item: Pose::from_isometry(*pose.isometry()), id })
        .collect();
    let tub = Tub { world_from_tub: Isometry3::identity(), size: TOTE, wall: WALL };
    let (backdrop, light) = (Backdrop::drawn(seed), Light::drawn(seed));
    let stage = Stage { items: &items, tubs: &[tub], blocks: &[], backdrop: &backdrop, light: &light };
    let view = View::down([0.0, 0.0, 1.27], View::D415);
    let mut renderer = Renderer::new();
    let (mut drawn, mut sensed) = (Vec::new(), Vec::new());
    let mut bytes = 0xcbf2_9ce4_8422_2325;
    for _ in 0..60 {
        let started = std::time::Instant::now();
        let picture = renderer.render(&stage, &view);
        drawn.push(started.elapsed().as_secs_f64() * 1e3);
        let started = std::time::Instant::now();
        let image = sense(&picture, &Sensor::default(), Timestamp::ZERO, &mut ChaCha8Rng::seed_from_u64(seed));
        sensed.push(started.elapsed().as_secs_f64() * 1e3);
        bytes = hash(bytes, picture.light.iter().flatten().chain(&picture.depth_true).chain(&picture.unmatched));
        bytes = hash(bytes, picture.depth_behind.iter().chain(&image.depth_m));
        bytes = image.rgb.iter().fold(bytes, |h, b| mixed(h, u32::from(*b)));
        bytes = picture.ids.iter().fold(bytes, |h, id| mixed(h, *id));
    }
    let triangles: usize = items.iter().map(|i| i.sku.mesh.triangles.len()).sum();
    println!("{} items, {triangles} triangles, all bytes {bytes:016x}", items.len());
    for (what, mut times) in [("render", drawn), ("sense", sensed)] {
        times.sort_by(f64::total_cmp);
        println!("    {what} p50 {:.1} ms, best {:.1} ms", times[30], times[0]);
    }
    Ok(())
}
