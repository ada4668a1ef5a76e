//! `nuthatch perceive` on pictures of every kind, and what it refuses.
#![cfg(test)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::{DynamicImage, GrayImage, ImageBuffer, Luma, Rgb, RgbImage};
use serde_json::Value;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn perceive(dir: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_nuthatch"))
        .arg("perceive")
        .args(arguments)
        .current_dir(dir)
        .env("NUTHATCH_HOME", root())
        .output()
        .unwrap()
}

/// The JSON objects that were printed.
fn seen(dir: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = perceive(dir, &[arguments, &["--json"]].concat());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Expects exit code 2 and the words in the message, on a line without a panic.
fn refused(dir: &Path, arguments: &[&str], words: &[&str]) {
    let output = perceive(dir, arguments);
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {message}");
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "{arguments:?}: {word:?} is not in: {message}");
    }
}

/// What is printed on one of two items, at s, t (0…1).
fn print(item: usize, s: f64, t: f64) -> [u8; 3] {
    let band = (s * 6.0) as usize + 6 * ((t * 4.0) as usize);
    if item == 0 {
        if band.is_multiple_of(2) { [210, 40, 30] } else { [240, 220, 60] }
    } else if (s - 0.5).hypot(t - 0.5) < 0.3 {
        [250, 250, 250]
    } else {
        [20, 90, 160]
    }
}

/// Left, top, right, bottom of the two items in a tote of 640 × 480 pixels.
const AT: [[u32; 4]; 2] = [[120, 120, 270, 220], [360, 240, 460, 360]];

fn tote(width: u32, height: u32) -> RgbImage {
    ImageBuffer::from_fn(width, height, |x, y| {
        let (u, v) = (f64::from(x) * 640.0 / f64::from(width), f64::from(y) * 480.0 / f64::from(height));
        for (item, [x0, y0, x1, y1]) in AT.into_iter().enumerate() {
            let (s, t) = ((u - f64::from(x0)) / f64::from(x1 - x0), (v - f64::from(y0)) / f64::from(y1 - y0));
            if (0.0..1.0).contains(&s) && (0.0..1.0).contains(&t) {
                return Rgb(print(item, s, t));
            }
        }
        let grain = ((x * 7919 + y * 104_729) % 9) as u8;
        Rgb([96 + grain, 100 + grain, 106 + grain])
    })
}

/// A folder with a tote, its depth and camera, outlines of its two items, and a catalogue of their photographs.
fn site() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    tote(640, 480).save(at("tote.png")).unwrap();
    for item in 0..2 {
        let photo: RgbImage = ImageBuffer::from_fn(200, 160, |x, y| {
            let (s, t) = ((f64::from(x) - 25.0) / 150.0, (f64::from(y) - 30.0) / 100.0);
            let inside = (0.0..1.0).contains(&s) && (0.0..1.0).contains(&t);
            Rgb(if inside { print(item, s, t) } else { [2, 2, 2] })
        });
        photo.save(at(&format!("{item}.jpg"))).unwrap();
    }
    let depth: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_fn(640, 480, |x, y| {
        let on = AT.iter().any(|[x0, y0, x1, y1]| (*x0..*x1).contains(&x) && (*y0..*y1).contains(&y));
        Luma([if on { 1200 } else { 1260 } + ((x * 31 + y * 17) % 3) as u16])
    });
    depth.save(at("depth.png")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(at(name), text).unwrap();
    write("camera.json", r#"{"width": 640, "height": 480, "fx": 940, "fy": 940, "cx": 319.5, "cy": 239.5}"#);
    write("camera.toml", "width = 640\nheight = 480\nfx = 940.0\nfy = 940.0\ncx = 319.5\ncy = 239.5\n");
    write(
        "catalogue.json",
        r#"{"items": [
            {"name": "check_box", "dimensions_m": [0.06, 0.2, 0.13], "weight_kg": 0.2, "type": "box", "photo": "0.jpg"},
            {"name": "dot_can", "type": "cylinder", "photo": "1.jpg"}]}"#,
    );
    let polygon = |[x0, y0, x1, y1]: [u32; 4]| format!("[{x0}, {y0}, {x1}, {y0}, {x1}, {y1}, {x0}, {y1}]");
    let [a, b] = AT;
    write(
        "labels.json",
        &format!(
            r#"{{"images": [{{"id": 4, "file_name": "tote.png", "width": 640, "height": 480,
                "manifest": ["check_box", "dot_can"]}}],
                "annotations": [{{"id": 11, "image_id": 4, "segmentation": [{}]}},
                {{"id": 12, "image_id": 4, "bbox": [{}, {}, {}, {}]}}]}}"#,
            polygon(a),
            b[0],
            b[1],
            b[2] - b[0],
            b[3] - b[1]
        ),
    );
    dir
}

const CATALOG: [&str; 2] = ["--catalog", "catalogue.json"];

fn believed(instance: &Value) -> (Option<&str>, f64) {
    let first = &instance["beliefs"][0];
    (first["sku"].as_str(), first["p"].as_f64().unwrap())
}

#[test]
fn regions_keep_their_numbers_and_are_named() {
    let dir = site();
    let found = seen(dir.path(), &[&CATALOG[..], &["--image", "tote.png", "--regions", "labels.json"]].concat());
    let instances = found[0]["instances"].as_array().unwrap();
    assert_eq!(instances.iter().map(|i| i["id"].as_u64().unwrap()).collect::<Vec<_>>(), [11, 12]);
    assert_eq!(believed(&instances[0]).0, Some("check_box"), "{}", instances[0]);
    assert_eq!(believed(&instances[1]).0, Some("dot_can"), "{}", instances[1]);
    for (instance, [x0, y0, x1, y1]) in instances.iter().zip(AT) {
        let sides: Vec<f64> = instance["box_xywh_px"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let expected = [x0, y0, x1 - x0, y1 - y0].map(f64::from);
        assert!(sides.iter().zip(expected).all(|(is, should)| (is - should).abs() <= 8.0), "{sides:?} {expected:?}");
        let sum: f64 = instance["beliefs"].as_array().unwrap().iter().map(|b| b["p"].as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-9, "beliefs sum to {sum}");
        assert_eq!(instance["material"].as_array().unwrap().len(), 9);
        assert!(["accept", "look_again", "scan", "refuse"].contains(&instance["decision"].as_str().unwrap()));
    }
}

#[test]
fn pictures_of_every_kind_and_size_are_looked_at() {
    let dir = site();
    let at = |name: &str| dir.path().join(name);
    let plain = DynamicImage::ImageRgb8(tote(640, 480));
    plain.to_rgb16().save(at("wide.png")).unwrap();
    plain.to_luma8().save(at("grey.png")).unwrap();
    plain.to_luma16().save(at("grey16.png")).unwrap();
    plain.to_rgba8().save(at("alpha.png")).unwrap();
    plain.to_rgb8().save(at("tote.jpg")).unwrap();
    tote(1600, 900).save(at("large.png")).unwrap();
    tote(90, 120).save(at("small.png")).unwrap();
    GrayImage::new(33, 700).save(at("black.png")).unwrap();
    let names = ["wide.png", "grey.png", "grey16.png", "alpha.png", "tote.jpg", "large.png", "small.png", "black.png"];
    let images: Vec<&str> = names.iter().flat_map(|name| ["--image", name]).collect();
    let found = seen(dir.path(), &[&CATALOG[..], &images].concat());
    assert_eq!(found.len(), names.len());
    for (name, found) in names.iter().zip(found) {
        assert_eq!((found["image"].as_str(), found["depth"].as_bool()), (Some(*name), Some(false)));
        let (w, h) = (found["width"].as_f64().unwrap(), found["height"].as_f64().unwrap());
        for polygon in found["instances"].as_array().unwrap().iter().flat_map(|i| i["polygon_px"].as_array().unwrap()) {
            let numbers: Vec<f64> = polygon.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            let inside = numbers.chunks(2).all(|p| (0.0..=w).contains(&p[0]) && (0.0..=h).contains(&p[1]));
            assert!(inside && numbers.len() >= 6, "{name}: {numbers:?}");
        }
    }
}

#[test]
fn depth_takes_part_where_it_has_readings_and_a_picture_is_drawn() {
    let dir = site();
    let with = |depth: &str, camera: &str| {
        let files = ["--image", "tote.png", "--depth", depth, "--camera", camera, "--picture", "found.png"];
        seen(dir.path(), &[&CATALOG[..], &files].concat()).remove(0)
    };
    for camera in ["camera.json", "camera.toml"] {
        assert_eq!(with("depth.png", camera)["depth"].as_bool(), Some(true));
    }
    let nothing: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::new(640, 480);
    nothing.save(dir.path().join("nothing.png")).unwrap();
    assert_eq!(with("nothing.png", "camera.json")["depth"].as_bool(), Some(false));
    let drawn = image::open(dir.path().join("found.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (1280, 960));
}

#[test]
fn skus_with_equal_references_share_the_belief() {
    let dir = site();
    let twins = r#"{"items": [{"name": "twin_a", "photo": "0.jpg"}, {"name": "twin_b", "photo": "0.jpg"}]}"#;
    std::fs::write(dir.path().join("twins.json"), twins).unwrap();
    let labels = std::fs::read_to_string(dir.path().join("labels.json")).unwrap();
    std::fs::write(
        dir.path().join("labels.json"),
        labels.replace("\"check_box\", \"dot_can\"", "\"twin_a\", \"twin_b\""),
    )
    .unwrap();
    let found =
        seen(dir.path(), &["--catalog", "twins.json", "--image", "tote.png", "--regions", "labels.json"]).remove(0);
    let first = &found["instances"][0];
    let p = |k: usize| first["beliefs"][k]["p"].as_f64().unwrap();
    assert!((p(0) - p(1)).abs() < 1e-12 && p(0) > 0.3, "{first}");
    assert_ne!(first["decision"].as_str(), Some("accept"));
}

#[test]
fn what_cannot_be_looked_at_is_refused_with_file_value_and_rule() {
    let dir = site();
    let at = |name: &str| dir.path().join(name);
    let with = |more: &[&str], words: &[&str]| {
        refused(dir.path(), &[&CATALOG[..], &["--image", "tote.png"], more].concat(), words);
    };
    with(&["--manifest", ""], &["--manifest is empty", "at least one SKU"]);
    with(&["--manifest", "check_box,no-such"], &["manifest names SKU no-such", "one of the 2 of catalogue.json"]);
    with(&["--manifest", "Check Box"], &["--manifest", "\"Check Box\"", "a-z, 0-9, - and _"]);
    with(&["--wrong-at-most", "2"], &["0.000001 to 0.5"]);
    with(&["--depth", "depth.png"], &["--camera"]);
    let small: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::new(320, 240);
    small.save(at("small.png")).unwrap();
    let depth = |depth: &str, words: &[&str]| with(&["--depth", depth, "--camera", "camera.json"], words);
    depth("small.png", &["depth picture is 320 × 240 pixels; must be the picture's 640 × 480"]);
    depth("tote.png", &["tote.png is 3 channels of 8 bits", "one channel of 16 bits"]);
    let camera = |text: &str, words: &[&str]| {
        std::fs::write(at("other.json"), text).unwrap();
        with(&["--depth", "depth.png", "--camera", "other.json"], words);
    };
    camera(r#"{"width": 640}"#, &["other.json", "missing field `height`"]);
    let whole = std::fs::read_to_string(at("camera.json")).unwrap();
    camera(&whole.replace("940,", "-940,"), &["camera fx is -940; must be from 0.1 to 50 widths"]);
    camera(&whole.replace("640,", "320,"), &["camera is 320 × 480 pixels; must be the picture's 640 × 480"]);
    camera(&whole.replace('{', "{\"world_from_tot\": 3, "), &["unknown field `world_from_tot`"]);

    let labels = std::fs::read_to_string(at("labels.json")).unwrap();
    let regions = |text: &str, words: &[&str]| {
        std::fs::write(at("other.json"), text).unwrap();
        with(&["--regions", "other.json"], words);
    };
    regions(&labels.replace("tote.png", "bin.png"), &["other.json has no picture tote.png"]);
    regions(&labels.replace("480", "400"), &["says 640 × 400 pixels of tote.png; must be its 640 × 480"]);
    regions(&labels.replace("\"dot_can\"", "\"dot_cam\""), &["manifest names SKU dot_cam"]);
    regions("{}", &["other.json", "missing field `images`"]);

    refused(dir.path(), &["--image", "no.png", "--catalog", "catalogue.json"], &["no.png is not readable"]);
    refused(dir.path(), &["--image", "labels.json", "--catalog", "catalogue.json"], &["neither PNG nor JPEG"]);
    std::fs::create_dir(at("empty")).unwrap();
    refused(dir.path(), &["--image", "tote.png", "--catalog", "empty"], &["empty holds 0 SKUs"]);
    refused(dir.path(), &["--image", "tote.png", "--catalog", "nowhere"], &["nowhere is not readable"]);
    let two = ["--image", "tote.png", "--image", "tote.png", "--depth", "depth.png", "--camera", "camera.json"];
    refused(dir.path(), &[&CATALOG[..], &two].concat(), &["--image is given 2 times"]);
}

/// Runs `nuthatch bench …` on the labelled tote.
fn bench(dir: &Path, arguments: &[&str]) -> Output {
    let given = ["--coco", "named.json", "--images", "."];
    Command::new(env!("CARGO_BIN_EXE_nuthatch"))
        .arg("bench")
        .args([arguments, &given].concat())
        .current_dir(dir)
        .env("NUTHATCH_HOME", root())
        .output()
        .unwrap()
}

#[test]
fn benches_measure_on_labelled_pictures_of_others() {
    let dir = site();
    let labels = std::fs::read_to_string(dir.path().join("labels.json")).unwrap();
    let named = labels
        .replace("\"id\": 11,", "\"id\": 11, \"category_id\": 1, \"visible\": \"full\",")
        .replace("\"id\": 12,", "\"id\": 12, \"category_id\": 2, \"visible\": \"partly hidden\",")
        .replace(
            "{\"images\"",
            "{\"categories\": [{\"id\": 1, \"name\": \"check_box\"}, {\"id\": 2, \"name\": \"other\"}], \"images\"",
        );
    std::fs::write(dir.path().join("named.json"), named).unwrap();
    let figures = |arguments: &[&str]| -> Value {
        let output = bench(dir.path(), arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {errors}");
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let identify =
        figures(&["identify", "--catalog", "catalogue.json", "--picture", "curve.svg", "--seed", "3", "--json"]);
    assert_eq!(
        (identify["n"].as_u64(), identify["scenes"].as_u64(), identify["seed"].as_u64()),
        (Some(2), Some(1), Some(3))
    );
    assert_eq!((identify["known_visible"].as_u64(), identify["unknown"].as_u64()), (Some(1), Some(1)));
    assert_eq!(identify["recall_at_1"].as_f64(), Some(1.0), "{identify}");
    for setting in ["1e-2", "1e-3", "1e-4"] {
        assert!(identify["by_setting"][setting]["unknown_refused"].is_number(), "{identify}");
    }
    let fields = ["ece", "log_loss", "log_loss_softmax", "refused", "look_again", "unknown_refused", "accepted"];
    assert!(fields.iter().all(|field| identify.get(field).is_some()), "{identify}");
    assert!(std::fs::read_to_string(dir.path().join("curve.svg")).unwrap().contains("</svg>"));

    let segment = figures(&["segment", "--json"]);
    assert_eq!((segment["n"].as_u64(), segment["ignored"].as_u64()), (Some(2), Some(0)));
    let fields = ["ap50", "ap50_ci95", "ap75", "ap50_without_depth", "by_kind", "machine"];
    assert!(fields.iter().all(|field| segment.get(field).is_some()), "{segment}");
    assert!(segment["plane_baseline_ap50"].is_null() && segment["held_out_families"].is_null(), "{segment}");

    let output = bench(dir.path(), &["identify"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--coco needs --catalog"));
    tote(320, 240).save(dir.path().join("tote.png")).unwrap();
    let output = bench(dir.path(), &["segment"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(message.contains("tote.png is labelled as 640 × 480 pixels; must be its 320 × 240"), "{message}");
    std::fs::remove_file(dir.path().join("tote.png")).unwrap();
    let output = bench(dir.path(), &["segment"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("tote.png is not readable"));
}

#[test]
fn models_of_other_shapes_and_opsets_and_models_cut_short_are_refused() {
    let dir = site();
    let models = dir.path().join("models");
    std::fs::create_dir(&models).unwrap();
    let own = |name: &str| std::fs::read(root().join("perception/models").join(name)).unwrap();
    let check = |instances: &[u8], identity: &[u8], words: &[&str]| {
        std::fs::write(models.join("instances.onnx"), instances).unwrap();
        std::fs::write(models.join("identity.onnx"), identity).unwrap();
        refused(dir.path(), &[&CATALOG[..], &["--image", "tote.png", "--models", "models"]].concat(), words);
    };
    let (instances, identity) = (own("instances.onnx"), own("identity.onnx"));
    check(&identity, &identity, &["instances.onnx: input tensor 0 is crops", "must be image"]);
    check(&instances, &instances, &["identity.onnx: input tensor 0 is image", "must be crops"]);
    for share in [1, 2, 3] {
        check(&instances[..instances.len() * share / 4], &identity, &["instances.onnx is not usable"]);
        check(&instances, &identity[..identity.len() * share / 4], &["identity.onnx is not usable"]);
    }
    // The version of the default operator set: field 8 of the model, in it field 2.
    let place = |bytes: &[u8]| {
        let starts = [&[0x42, 0x02, 0x10][..], &[0x42, 0x04, 0x0a, 0x00, 0x10]];
        starts.iter().find_map(|s| bytes.windows(s.len()).rposition(|w| w == *s).map(|at| at + s.len()))
    };
    let mut newer = instances.clone();
    let at = place(&newer).expect("the model says its operator set");
    newer[at] = 120;
    check(&newer, &identity, &["instances.onnx is not usable", "must be an ONNX file that perception/training wrote"]);
}
