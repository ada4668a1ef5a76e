//! Tests of the module as a whole: pictures, sensors, catalogues.

use std::fs;
use std::path::Path;

use nalgebra::{Isometry3, Point3, UnitQuaternion, Vector3};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use scene::{Pose, Timestamp, frame};

use super::set::{SetScene, SetWriter};
use super::*;

fn tote() -> Tub {
    Tub { world_from_tub: Isometry3::identity(), size: [0.6, 0.4, 0.3], wall: 0.012 }
}

fn lying(at: [f64; 3], turn: [f64; 3]) -> Pose<frame::World, frame::Item> {
    let [roll, pitch, yaw] = turn;
    Pose::from_parts(Vector3::from(at), UnitQuaternion::from_euler_angles(roll, pitch, yaw))
}

/// Renders items in a tote under the cell's camera.
fn picture(items: &[Placed<'_>], seed: u64) -> Rendered {
    let stage =
        Stage { items, tubs: &[tote()], blocks: &[], backdrop: &Backdrop::drawn(seed), light: &Light::drawn(seed) };
    Renderer::new().render(&stage, &View::down([0.0, 0.0, 1.27], View::D415))
}

/// Depth at which a pixel's ray meets a box: the slab test, in the box's own frame.
fn analytic(view: &View, pose: &Isometry3<f64>, half: [f64; 3], u: usize, v: usize) -> Option<f64> {
    let toward = view.intrinsics.unproject(u as f64, v as f64, 1.0).coords;
    let in_item = pose.inverse() * view.world_from_camera.isometry();
    let (start, step) = (in_item * Point3::origin(), in_item * toward);
    let (mut enter, mut leave) = (f64::MIN, f64::MAX);
    for k in 0..3 {
        let (a, b) = ((-half[k] - start[k]) / step[k], (half[k] - start[k]) / step[k]);
        (enter, leave) = (enter.max(a.min(b)), leave.min(a.max(b)));
    }
    (enter < leave).then_some(enter)
}

#[test]
fn the_depth_of_a_tilted_box_is_that_of_its_faces() {
    let skus = default_catalogue();
    let sku = skus.iter().find(|s| matches!(s.hull_shape, TrueShape::Box { .. })).unwrap();
    let pose = lying([0.05, -0.03, 0.15], [0.4, 0.3, 0.7]);
    let rendered = picture(&[Placed { sku, world_from_item: pose, id: 7 }], 1);
    let TrueShape::Box { half } = sku.hull_shape.clone() else { panic!("a box") };
    let (mut seen, mut worst) = (0, 0.0f64);
    for (i, &id) in rendered.ids.iter().enumerate() {
        let expected = analytic(&rendered.view, pose.isometry(), half, i % 640, i / 640);
        if id == 7 {
            seen += 1;
            // A pixel whose centre lies on the outline may miss the box by rounding.
            if let Some(z) = expected {
                worst = worst.max((z - f64::from(rendered.depth_true[i])).abs());
            }
        }
        let inner =
            expected.is_some() && rendered.ids[i.saturating_sub(1)] == 7 && rendered.ids[(i + 1).min(307_199)] == 7;
        assert!(!inner || id == 7, "pixel {} {} is not the box's", i % 640, i / 640);
    }
    assert!(seen > 3_000, "{seen} pixels");
    assert!(worst < 2e-5, "off by {worst} m");
}

#[test]
fn the_empty_tote_has_its_floor_and_rim_at_their_depths() {
    let rendered = picture(&[], 3);
    let at = |u: usize, v: usize| rendered.depth_true[v * 640 + u];
    assert!((at(320, 240) - 1.27).abs() < 1e-4, "{}", at(320, 240));
    // The rim's middle, 306 mm left of the centre at 0.97 m: 320 − 296.5.
    assert!((at(23, 240) - 0.97).abs() < 1e-4, "{}", at(23, 240));
    assert!(rendered.ids.iter().all(|&id| id == NO_ITEM));
    assert!(rendered.light.iter().flatten().all(|v| v.is_finite() && *v >= 0.0));
}

fn some_items(skus: &[TrueSku]) -> Vec<Placed<'_>> {
    (0..12)
        .map(|i| {
            let at = [0.08 * f64::from(i % 6) - 0.2, 0.09 * f64::from(i / 6) - 0.05, 0.06 + 0.01 * f64::from(i)];
            let pose = lying(at, [0.1 * f64::from(i), 0.05, f64::from(i)]);
            Placed { sku: &skus[i as usize % skus.len()], world_from_item: pose, id: 100 + i as u32 }
        })
        .collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let run = |seed: u64| {
        let skus = generate(seed, 6, Pool::All);
        let rendered = picture(&some_items(&skus), seed);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let image = sense(&rendered, &Sensor::default(), Timestamp::ZERO, &mut rng);
        let depth: Vec<u32> = image.depth_m.iter().map(|z| z.to_bits()).collect();
        (skus, image.rgb, depth)
    };
    let (first, again, other) = (run(5), run(5), run(6));
    assert!(first == again);
    assert!(first.0 != other.0 && first.1 != other.1);
}

#[test]
fn masks_of_a_set_part_the_pixels_that_show_items() {
    let skus = generate(11, 5, Pool::All);
    let items = some_items(&skus);
    let rendered = picture(&items, 11);
    let image = sense(&rendered, &Sensor::default(), Timestamp::ZERO, &mut ChaCha8Rng::seed_from_u64(1));
    let folder = tempfile::tempdir().unwrap();
    let mut set = SetWriter::new(folder.path(), &skus).unwrap();
    let manifest: Vec<_> = skus.iter().map(|s| s.sku.name.clone()).collect();
    let scene = SetScene {
        rendered: &rendered,
        image: &image,
        items: &items,
        manifest: &manifest,
        world_from_tote: Pose::identity(),
    };
    let seen = set.add(&scene).unwrap();
    set.finish().unwrap();
    let coco: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("coco.json")).unwrap()).unwrap();
    let annotations = coco["annotations"].as_array().unwrap();
    assert_eq!(annotations.len(), seen);
    let ids = image::open(folder.path().join("ids/000000.png")).unwrap().into_luma8();
    let mut total = 0;
    for annotation in annotations {
        let number = annotation["number"].as_u64().unwrap();
        let area = annotation["area"].as_u64().unwrap();
        assert_eq!(ids.pixels().filter(|p| u64::from(p.0[0]) == number).count() as u64, area);
        let visible = annotation["visible"].as_f64().unwrap();
        assert!(visible > 0.0 && visible <= 1.0, "{visible}");
        total += area;
    }
    assert_eq!(rendered.ids.iter().filter(|&&id| id != NO_ITEM).count() as u64, total);
    assert_eq!(coco["categories"].as_array().unwrap().len(), 5);
    assert_eq!(load_catalogue(&folder.path().join("catalog")).unwrap().len(), 5);
}

#[test]
fn a_box_alone_is_wholly_visible() {
    let skus = default_catalogue();
    let item = Placed { sku: &skus[0], world_from_item: lying([0.0, 0.0, 0.04], [0.0, 0.0, 0.3]), id: 1 };
    let rendered = picture(&[item], 2);
    let seen = rendered.ids.iter().filter(|&&id| id == 1).count();
    let whole = Renderer::unhidden_pixels(&item, &rendered.view);
    assert!(seen.abs_diff(whole) <= 2, "{seen} of {whole}");
}

#[test]
fn the_shadow_left_of_a_box_is_as_wide_as_the_formula_says() {
    // D415 at 1 m with a step of 0.1 m: 5.7 px.
    assert!((shadow_band_px(940.0, 0.055, 0.9, 1.0) - 5.744).abs() < 0.01);
    let skus = default_catalogue();
    let sku = skus.iter().find(|s| s.sku.name.as_str() == "rice-500").unwrap();
    let rendered = picture(&[Placed { sku, world_from_item: lying([0.0, 0.0, 0.075], [0.0; 3]), id: 1 }], 4);
    let mut sensor = Sensor::quiet();
    sensor.depth.shadow = 1.0;
    let image = sense(&rendered, &sensor, Timestamp::ZERO, &mut ChaCha8Rng::seed_from_u64(1));
    let row = 240 * 640;
    let left = (0..640).find(|&u| rendered.ids[row + u] == 1).unwrap();
    let right = (0..640).rev().find(|&u| rendered.ids[row + u] == 1).unwrap();
    let band = (0..left).rev().take_while(|&u| image.depth_m[row + u].is_nan()).count();
    let expected = shadow_band_px(940.0, 0.055, 1.27 - 0.150, 1.27);
    assert!((band as f64 - expected).abs() <= 1.5, "{band} px, not {expected:.2} px");
    assert!(image.depth_m[row + right + 1].is_finite(), "no shadow at the right");
}

#[test]
fn depth_noise_has_the_deviation_of_its_disparity() {
    let rendered = picture(&[], 9);
    let image = sense(&rendered, &Sensor::default(), Timestamp::ZERO, &mut ChaCha8Rng::seed_from_u64(2));
    let mut errors = Vec::new();
    for v in 150..330 {
        for u in 150..490 {
            if let Some(z) = image.depth_at(u, v) {
                errors.push(z - 1.27);
            }
        }
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    let deviation = (errors.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / errors.len() as f64).sqrt();
    // z²·s / (f·B), and the step of 1/32 px on top.
    let expected = 1.27f64.powi(2) / (940.0 * 0.055) * (0.08f64.powi(2) + 1.0 / 32.0f64.powi(2) / 12.0).sqrt();
    assert!(mean.abs() < 3e-4, "mean {mean}");
    assert!((deviation / expected - 1.0).abs() < 0.15, "{deviation} m, not {expected} m");
    assert!(errors.len() > 55_000, "{} of 61200 pixels have depth", errors.len());
}

/// The digits of the first EAN-13 symbol that rows or columns of a texture hold.
fn read_barcode(texture: &Texture) -> Option<String> {
    let (w, h) = (texture.width(), texture.height());
    let dark = |x: usize, y: usize| texture.rgb()[(y * w + x) * 3 + 1] < 128;
    for upright in [true, false] {
        let (long, lines) = if upright { (w, h) } else { (h, w) };
        for line in (0..lines).step_by(2) {
            let bits: Vec<bool> = (0..long).map(|i| if upright { dark(i, line) } else { dark(line, i) }).collect();
            for scale in 1..=3 {
                for from in 0..long.saturating_sub(95 * scale) {
                    let mut bars: [bool; 95] = std::array::from_fn(|m| bits[from + m * scale + scale / 2]);
                    for _ in 0..2 {
                        if let Some(digits) = decode_ean13(&bars) {
                            return Some(digits);
                        }
                        bars.reverse();
                    }
                }
            }
        }
    }
    None
}

#[test]
fn the_barcode_on_a_print_reads_as_the_skus_barcode() {
    let mut read = 0;
    for sku in default_catalogue() {
        if let Some(digits) = read_barcode(&sku.texture) {
            assert_eq!(Some(digits), sku.sku.barcode, "{}", sku.sku.name);
            read += 1;
        }
    }
    assert!(read >= 12, "{read} of 14 prints bear a barcode");
}

#[test]
fn a_catalogue_that_is_written_is_read_back_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let mut skus = generate(23, 14, Pool::All);
    skus.extend(generate(23, 6, Pool::HeldOut));
    assert!(skus.iter().any(|s| s.texture.has_cover()) && skus.iter().any(|s| s.truth.solid.is_some()));
    write_catalogue(&skus, folder.path()).unwrap();
    skus.sort_by(|a, b| a.sku.name.cmp(&b.sku.name));
    let read = load_catalogue(folder.path()).unwrap();
    assert_eq!(read.len(), skus.len());
    for (a, b) in read.iter().zip(&skus) {
        assert!(a == b, "{} changed", b.sku.name);
    }
}

#[test]
fn a_refused_catalogue_names_file_field_value_and_rule() {
    let sku: Vec<TrueSku> = default_catalogue().into_iter().filter(|s| s.sku.name.as_str() == "tea-box-250").collect();
    let check = |spoil: &dyn Fn(&Path), expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        write_catalogue(&sku, folder.path()).unwrap();
        spoil(&folder.path().join("tea-box-250"));
        let text = load_catalogue(folder.path()).unwrap_err().to_string();
        let text = text.replace(&folder.path().display().to_string(), "C");
        assert!(text.starts_with(expected), "{text}");
    };
    let change = |file: &'static str, from: &'static str, to: &'static str| {
        move |sku: &Path| {
            let text = fs::read_to_string(sku.join(file)).unwrap();
            let line = text.lines().find(|l| l.starts_with(from)).unwrap();
            fs::write(sku.join(file), text.replace(line, to)).unwrap();
        }
    };
    check(
        &change("sku.toml", "size_m", "size_m = [0.14, -0.076, 0.066]"),
        "catalogue file C/tea-box-250/sku.toml: size_m is [0.14, -0.076, 0.066]; must be each side from 0.005 to 0.6 m",
    );
    check(
        &change("sku.toml", "name", "name = \"coffee\""),
        "catalogue file C/tea-box-250/sku.toml: name is coffee; must be its folder's name, tea-box-250",
    );
    check(
        &change("truth/truth.toml", "friction", "friction = nan"),
        "catalogue file C/tea-box-250/truth/truth.toml: friction is NaN; must be from 0.01 to 2",
    );
    check(
        &change("truth/truth.toml", "gloss", "glos = 0.3"),
        "catalogue file C/tea-box-250/truth/truth.toml: TOML parse error at line",
    );
    check(&change("truth/mesh.obj", "f ", "f 1/1/1 2/2/2 99/1/1"), "catalogue file C/tea-box-250/truth/mesh.obj: line");
    check(
        &change("truth/mesh.obj", "v ", "v 0.1 0.2"),
        "catalogue file C/tea-box-250/truth/mesh.obj: line 2 is \"v 0.1 0.2\"; must be v and three finite numbers",
    );
    check(
        &change("truth/truth.toml", "size_m", "size_m = [0.12, 0.07, 0.066]"),
        "catalogue file C/tea-box-250/truth/mesh.obj: extent along z is -0.0310 to 0.0310 m; must be -0.0330 to 0.0330 m",
    );
    check(
        &|sku: &Path| fs::write(sku.join("truth/texture.png"), b"no picture").unwrap(),
        "catalogue file C/tea-box-250/truth/texture.png: picture is",
    );
    check(
        &|sku: &Path| fs::remove_file(sku.join("truth/mesh.obj")).unwrap(),
        "catalogue file C/tea-box-250/truth/mesh.obj is not readable: ",
    );
    check(
        &|sku: &Path| fs::remove_file(sku.join("sku.toml")).unwrap(),
        "catalogue C holds 0 SKUs; must hold at least one folder with an sku.toml",
    );
}

#[test]
fn broken_meshes_are_refused_and_never_panic() {
    for text in ["", "f", "f 0/0/0 1/1/1 2/2/2", "v inf 0 0", "vt 1", "v 1 2 3\nvt 0 0\nvn 0 0 1\nf 1/1/1 1/1/1"] {
        assert!(Mesh::from_obj(text).is_err(), "{text:?}");
    }
}
