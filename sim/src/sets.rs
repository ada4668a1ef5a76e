//! Sets of pictures of totes with goods of chance: for training, and for scoring on what was never trained on.

use std::path::Path;

use nalgebra::{Isometry3, Rotation3, UnitQuaternion};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use scene::{Pose, SkuName, Timestamp};

use crate::look::set::{SetError, SetScene, SetWriter};
use crate::look::{Backdrop, Light, Placed, Pool, Renderer, Sensor, Stage, TrueSku, Tub, View, generate, sense};
use crate::world::settle_tote;

/// Inner size of the tote and its wall, metres.
const TOTE: [f64; 3] = [0.6, 0.4, 0.3];
const WALL: f64 = 0.012;
/// Backdrops that the scenes take turns with.
const BACKDROPS: u64 = 64;
/// Goods that fill this share of the tote's volume are as much as a person lays in: 0.3 to 0.7 (estimate).
const FILL: std::ops::Range<f64> = 0.15..0.6;
/// Share of its box that the goods of a tote fill when they lie in a heap.
const HEAP: f64 = 0.55;

/// What a set is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SetOptions {
    /// Seed of goods and scenes.
    pub seed: u64,
    /// Which goods are drawn.
    pub pool: Pool,
    /// How many SKUs.
    pub skus: usize,
    /// How many scenes.
    pub scenes: usize,
}

/// Draws goods and renders totes of them into `out`; `done` hears of every scene. Gives how many items can be seen.
///
/// Each scene holds 5 to 35 items of 3 to 20 SKUs, dropped in and come to rest, under a camera, lamps and in a tote of
/// chance. The same options give the same bytes.
///
/// # Errors
/// [`SetError`] with the file; the scenes before are complete, `coco.json` isn't there.
pub fn render_set(out: &Path, options: &SetOptions, mut done: impl FnMut()) -> Result<usize, SetError> {
    let skus = generate(options.seed, options.skus, options.pool);
    let backdrops: Vec<Backdrop> =
        (0..BACKDROPS.min(options.scenes as u64)).map(|k| Backdrop::drawn(options.seed * 1_000 + k)).collect();
    let mut set = SetWriter::new(out, &skus)?;
    let mut renderer = Renderer::new();
    let mut seen = 0;
    for scene in 0..options.scenes {
        let seed = options.seed.wrapping_mul(1_000_003).wrapping_add(scene as u64);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let items = drop_goods(&skus, &mut rng);
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
        let scene =
            SetScene { rendered: &rendered, image: &image, items: &items, manifest: &manifest, world_from_tote };
        seen += set.add(&scene)?;
        done();
    }
    set.finish()?;
    Ok(seen)
}

/// Lets items of some of the SKUs fall into a tote, fewer while they don't fit.
fn drop_goods<'a>(skus: &'a [TrueSku], rng: &mut ChaCha8Rng) -> Vec<Placed<'a>> {
    let kinds: Vec<&TrueSku> = (0..rng.random_range(3..=20)).filter_map(|_| skus.choose(rng)).collect();
    let count = rng.random_range(5..=35);
    let mut room = rng.random_range(FILL) * HEAP * TOTE.iter().product::<f64>();
    let mut chosen: Vec<&TrueSku> = Vec::new();
    while chosen.len() < count {
        let Some(&sku) = kinds.choose(rng) else { break };
        room -= sku.truth.size_m.iter().product::<f64>();
        if room < 0.0 && chosen.len() >= 5 {
            break;
        }
        chosen.push(sku);
    }
    while !chosen.is_empty() {
        if let Ok(poses) = settle_tote(&chosen, TOTE, WALL, rng.random()) {
            let lies = chosen.iter().zip(poses).zip(0u32..);
            return lies
                .map(|((sku, pose), id)| Placed { sku, world_from_item: Pose::from_isometry(*pose.isometry()), id })
                .collect();
        }
        chosen.truncate(chosen.len() * 2 / 3);
    }
    Vec::new()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_options_give_the_same_set_and_other_pools_other_goods() {
        let run = |pool| {
            let folder = tempfile::tempdir().unwrap();
            let options = SetOptions { seed: 4, pool, skus: 8, scenes: 2 };
            let mut scenes = 0;
            let seen = render_set(folder.path(), &options, || scenes += 1).unwrap();
            assert!(scenes == 2 && seen >= 6, "{scenes} scenes, {seen} items");
            let read = |file: &str| std::fs::read(folder.path().join(file)).unwrap();
            (read("coco.json"), read("images/000001.png"), read("depth/000001.png"))
        };
        let (first, again, other) = (run(Pool::Training), run(Pool::Training), run(Pool::HeldOut));
        assert!(first == again);
        assert!(first.0 != other.0 && first.1 != other.1);
    }
}
