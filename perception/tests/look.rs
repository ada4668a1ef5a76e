//! `Perception::look` on a tote of twelve boxes that no network was trained on.

#![allow(clippy::unwrap_used, reason = "a test that can't load has failed")]

use std::fs;

use perception::{Perception, Settings};
use scene::{Belief, Item, Manifest, Mask};

mod fixture;
use fixture::{Look, TOTE, files, look, manifest, name, small_catalogue, world_from_tote};

fn load(catalogue: &std::path::Path) -> Perception {
    Perception::load(&files(catalogue), &Settings::default()).map_err(|error| error.to_string()).unwrap()
}

/// The lying item that most of an item's mask shows, with their intersection over union.
fn truth_of(item: &Item, look: &Look) -> Option<(usize, f64)> {
    let mut hits = vec![0usize; look.skus.len()];
    for (u, v) in item.mask.pixels() {
        if let Some(id) = look.ids[v as usize * 640 + u as usize] {
            hits[id] += 1;
        }
    }
    let (id, both) = hits.into_iter().enumerate().max_by_key(|hit| hit.1)?;
    let area = look.ids.iter().filter(|&&i| i == Some(id)).count();
    Some((id, both as f64 / (area + item.mask.area() - both) as f64))
}

/// The outline of each lying item.
fn true_masks(look: &Look) -> Vec<Mask> {
    let mut pixels = vec![Vec::new(); look.skus.len()];
    for (id, i) in look.ids.iter().zip(0u32..) {
        pixels.get_mut(id.unwrap_or(usize::MAX)).into_iter().for_each(|p: &mut Vec<_>| p.push((i % 640, i / 640)));
    }
    pixels.iter().map(|pixels| Mask::from_pixels(pixels).unwrap()).collect()
}

#[test]
fn items_cut_from_given_outlines_are_where_their_depth_is() {
    let catalogue = small_catalogue();
    let perception = load(catalogue.path());
    let look = look();
    let named: Vec<_> = true_masks(&look).into_iter().zip(look.skus.iter().map(|&k| name(k))).collect();
    let items = perception.cut(&look.image, &named, &world_from_tote(), TOTE).unwrap();
    assert_eq!(items.len(), 12);
    for ((item, (mask, sku)), centre) in items.iter().zip(&named).zip(&look.centres) {
        assert_eq!((item.best().unwrap(), &item.mask), ((sku, 1.0), mask));
        let off = (item.world_from_item.origin() - centre).norm();
        assert!(off < 0.02, "{sku} is {off:.3} m off");
    }
    let beyond = Mask { x: 630, y: 0, width: 20, height: 1, bits: vec![1; 20] };
    let error = perception.cut(&look.image, &[(beyond, name(0))], &world_from_tote(), TOTE).unwrap_err();
    assert!(error.to_string().contains("630"), "{error}");
    let stranger = (named[0].0.clone(), scene::SkuName::new("tea").unwrap());
    assert!(perception.cut(&look.image, &[stranger], &world_from_tote(), TOTE).is_err());
}

#[test]
fn most_items_are_found_recognised_and_placed() {
    let catalogue = small_catalogue();
    let mut perception = load(catalogue.path());
    let look = look();
    let items = perception.look(&look.image, &manifest(), &world_from_tote(), TOTE).unwrap();
    let (mut found, mut right, mut placed) = (0, 0, 0);
    for item in &items {
        let Some((id, iou)) = truth_of(item, &look) else {
            continue;
        };
        if iou < 0.5 {
            continue;
        }
        found += 1;
        right += usize::from(item.best().map(|b| b.0.clone()) == Some(name(look.skus[id])));
        let off = (item.world_from_item.origin() - look.centres[id]).norm();
        placed += usize::from(off < 0.02);
        println!(
            "item {id}: iou {iou:.2}, score {:.2}, {:?}, {off:.3} m off, covered {:.2}",
            item.score, item.beliefs[0], item.covered
        );
    }
    assert!(found >= 9, "found {found} of 12, at least 9 expected");
    assert!(right >= 7, "recognised {right} of {found}, at least 7 expected");
    assert!(placed >= 6, "placed {placed} of {found} within 20 mm, at least 6 expected");
    assert!(items.len() <= 16, "{} items, at most 16 expected", items.len());
}

#[test]
fn what_an_item_says_of_itself_holds_together() {
    let catalogue = small_catalogue();
    let mut perception = load(catalogue.path());
    let look = look();
    let eye = look.image.world_from_camera.origin();
    for item in perception.look(&look.image, &manifest(), &world_from_tote(), TOTE).unwrap() {
        let sum: f64 = item.beliefs.iter().map(|b| b.p).sum();
        assert!((sum - 1.0).abs() < 1e-9, "beliefs sum to {sum}");
        assert_eq!(item.beliefs.len(), manifest().len() + 1);
        assert!(item.beliefs.windows(2).all(|pair| pair[0].p >= pair[1].p));
        assert_eq!(item.cloud.len(), item.normals.len());
        for (point, normal) in item.cloud.iter().zip(&item.normals) {
            assert!((normal.norm() - 1.0).abs() < 1e-6 && normal.dot(&(eye - point)) >= 0.0);
        }
        assert!(item.world_from_item.is_finite());
        assert!(item.size_m.iter().all(|&side| side > 0.0 && side < 1.0));
        for share in [item.score, item.compliance, item.covered] {
            assert!((0.0..=1.0).contains(&share), "{share} is not in 0…1");
        }
        assert_eq!(item.taken_at, look.image.taken_at);
    }
}

#[test]
fn the_same_image_gives_the_same_items_with_and_without_truth() {
    let catalogue = small_catalogue();
    let look = look();
    let see =
        |perception: &mut Perception| perception.look(&look.image, &manifest(), &world_from_tote(), TOTE).unwrap();
    let truth = catalogue.path().join(name(0).as_str()).join("truth");
    fs::create_dir_all(&truth).unwrap();
    fs::write(truth.join("truth.toml"), "not ] toml").unwrap();
    let mut perception = load(catalogue.path());
    let first = see(&mut perception);
    assert_eq!(first, see(&mut perception));
    fs::remove_dir_all(&truth).unwrap();
    assert_eq!(first, see(&mut load(catalogue.path())));
}

#[test]
fn an_item_that_the_manifest_lacks_is_less_surely_one_of_its_skus_than_one_that_it_has() {
    let catalogue = small_catalogue();
    let mut perception = load(catalogue.path());
    let look = look();
    let lying: Vec<usize> = (0..look.skus.len()).collect();
    let masks = true_masks(&look);
    // The cell takes what is believed by 0.8 and more (its `accept_belief`); strangers are taken to be rare.
    let is_none = |beliefs: &Vec<Belief>| beliefs[0].sku.is_none() || beliefs[0].p < 0.8;
    let known = perception.identify(&look.image, &masks, &manifest()).unwrap();
    // Odd SKUs are left out of the manifest.
    let even: Manifest = manifest().into_iter().filter(|(sku, _)| (0..8).step_by(2).any(|k| *sku == name(k))).collect();
    let halved = perception.identify(&look.image, &masks, &even).unwrap();
    let odd: Vec<usize> = lying.iter().copied().filter(|&id| look.skus[id] % 2 == 1).collect();
    let refused = odd.iter().filter(|&&id| is_none(&halved[id])).count();
    let wrongly = known.iter().filter(|b| is_none(b)).count();
    println!("refused {refused} of {} unknown, {wrongly} of 12 known", odd.len());
    assert!(2 * refused >= odd.len(), "refused {refused} of {}", odd.len());
    assert!(wrongly <= 4, "refused {wrongly} of 12 known, at most 4 expected");
}

#[test]
fn bad_input_is_refused_with_field_value_and_rule() {
    let catalogue = small_catalogue();
    let mut perception = load(catalogue.path());
    let mut look = look();
    let mut unknown = manifest();
    unknown.insert(scene::SkuName::new("tea").unwrap(), 1);
    let error = perception.look(&look.image, &unknown, &world_from_tote(), TOTE).unwrap_err();
    assert_eq!(error.to_string(), "manifest names SKU tea; must be one of the catalogue's 8");
    look.image.depth_m.pop();
    let error = perception.look(&look.image, &manifest(), &world_from_tote(), TOTE).unwrap_err();
    assert_eq!(error.to_string(), "image of 640 × 480 pixels has 307199 depths; must be 307200");
}

#[test]
fn an_image_without_depth_is_looked_at_all_the_same() {
    let catalogue = small_catalogue();
    let mut perception = load(catalogue.path());
    let mut look = look();
    look.image.depth_m.fill(f32::NAN);
    let items = perception.look(&look.image, &manifest(), &world_from_tote(), TOTE).unwrap();
    for item in items {
        assert!(item.cloud.is_empty() && item.world_from_item.is_finite());
    }
}
