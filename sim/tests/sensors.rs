//! Knobs of the sensors, seen at the devices' border. Those of pressure, encoders and smearing stand beside their code.

#![expect(clippy::unwrap_used, reason = "a test that fails here says why")]

mod bench;

use bench::{Bench, ONE_BOX};
use scene::{Camera, RgbdImage};

fn image(sensors: &str, seed: u64) -> RgbdImage {
    let mut bench = Bench::new(&format!("name = \"t\"\ncell = \"t\"\n{ONE_BOX}[sensors]\n{sensors}"), seed);
    bench.lay(0, [0.90, 0.42]);
    bench.wait(20);
    let now = bench.world.now();
    let camera = bench.devices.cameras.get_mut("tote-a").unwrap();
    camera.trigger(now).unwrap();
    camera.fetch(now).unwrap().unwrap()
}

/// Mean and deviation of the tote floor's height as the image has it, and the share of pixels without a reading, beside
/// the box.
fn floor(image: &RgbdImage) -> (f64, f64, f64) {
    let pixels = || (115..165).flat_map(|v| (230..330).map(move |u| (u, v)));
    let heights: Vec<f64> = pixels().filter_map(|(u, v)| Some(image.world_point(u, v)?.z)).collect();
    let mean = heights.iter().sum::<f64>() / heights.len() as f64;
    let deviation = (heights.iter().map(|z| (z - mean).powi(2)).sum::<f64>() / heights.len() as f64).sqrt();
    (mean, deviation, 1.0 - heights.len() as f64 / 5_000.0)
}

#[test]
fn depth_scatters_with_the_square_of_the_distance_as_its_level_says() {
    // σ = z² s / (f B) at 1.27 m: 2.5 mm for 0.08 pixels.
    let expected = |px: f64| 1.27 * 1.27 * px / (940.0 * 0.055);
    let check = |level: &str, px: f64| {
        let (_, deviation, _) =
            floor(&image(&format!("depth = {{ level = \"{level}\" }}\nmount = {{ level = \"none\" }}"), 1));
        assert!((deviation / expected(px) - 1.0).abs() < 0.25, "{level}: {deviation} m, {} m expected", expected(px));
    };
    check("typical", 0.08);
    check("bad", 0.16);
    let (mean, deviation, holes) = floor(&image("level = \"none\"", 1));
    assert!(mean.abs() < 5e-4 && deviation < 5e-4 && holes == 0.0, "{mean} m, {deviation} m, {holes}");
}

#[test]
fn noise_of_depth_is_alike_within_the_matching_window_and_not_beyond() {
    let image = image("depth = { disparity_step_px = 0.001 }\nmount = { level = \"none\" }", 2);
    let z = |u: usize, v: usize| image.depth_at(u, v).unwrap_or(1.27) - 1.27;
    let alike = |apart: usize| {
        let mut sums = (0.0, 0.0);
        for v in 115..165 {
            for u in 230..330 {
                sums = (sums.0 + z(u, v) * z(u + apart, v), sums.1 + z(u, v).powi(2));
            }
        }
        sums.0 / sums.1
    };
    assert!(alike(1) > 0.6 && alike(3) > 0.2 && alike(12).abs() < 0.2, "{} {} {}", alike(1), alike(3), alike(12));
}

#[test]
fn a_camera_truly_stands_elsewhere_than_it_is_told_by_what_the_knobs_say() {
    let off = |mount: &str| -> Vec<f64> {
        (0..6).map(|seed| floor(&image(&format!("level = \"none\"\nmount = {{ {mount} }}"), seed)).0).collect()
    };
    let rms = |v: &[f64]| (v.iter().map(|x| x * x).sum::<f64>() / v.len() as f64).sqrt();
    let shifted = rms(&off("shift_m = 0.005"));
    assert!((0.002..0.009).contains(&shifted), "{shifted} m of 5 mm");
    let told = image("mount = { level = \"bad\" }", 1).world_from_camera;
    assert_eq!(told, image("mount = { level = \"none\" }", 1).world_from_camera, "what it is told does not change");
    // Turned about the place where it looks, the middle of the floor stays and its sides rise and fall.
    let turned = rms(&off("turn_deg = 1.0"));
    assert!(turned < 0.006, "{turned} m beside the middle");
}

#[test]
fn exposure_and_white_balance_are_off_as_far_as_the_knobs_say() {
    let mean = |image: &RgbdImage, channel: usize| {
        image.rgb.iter().skip(channel).step_by(3).map(|v| f64::from(*v)).sum::<f64>() / (image.rgb.len() / 3) as f64
    };
    // The same lamps and goods, another exposure.
    let off = |stops: f64, seed: u64| {
        let seen =
            |stops: f64| mean(&image(&format!("level = \"none\"\ncolour = {{ exposure_stops = {stops} }}"), seed), 1);
        (seen(stops) - seen(0.0)).abs()
    };
    let (little, much): (f64, f64) =
        (0..3).map(|seed| (off(0.2, seed), off(1.0, seed))).fold((0.0, 0.0), |a, b| (a.0 + b.0, a.1 + b.1));
    assert!(little > 3.0 && much > 2.0 * little, "{little} with 0.2 stops, {much} with 1");
    let tint = |share: f64, seed: u64| {
        let seen = image(&format!("level = \"none\"\ncolour = {{ white_balance = {share} }}"), seed);
        mean(&seen, 0) - mean(&seen, 2)
    };
    let shifts = (0..3).map(|seed| (tint(0.3, seed) - tint(0.0, seed)).abs()).sum::<f64>();
    assert!(shifts > 15.0, "{shifts} of three worlds");
}

#[test]
fn late_images_come_within_their_jitter_and_lost_ones_never() {
    let mut bench = Bench::new(
        &format!(
            "name = \"t\"\ncell = \"t\"\n{ONE_BOX}[sensors.images]\nlate_s = 0.05\njitter_s = 0.02\ndrop_chance = 0.3\n"
        ),
        7,
    );
    let mut came = Vec::new();
    for _ in 0..20 {
        let asked = bench.ms();
        let now = bench.world.now();
        bench.devices.cameras.get_mut("tote-a").unwrap().trigger(now).unwrap();
        for _ in 0..100 {
            bench.tick();
            let now = bench.world.now();
            if bench.devices.cameras.get_mut("tote-a").unwrap().fetch(now).unwrap().is_some() {
                came.push(bench.ms() - asked);
            }
        }
    }
    assert!((8..20).contains(&came.len()), "{} of 20 came", came.len());
    assert!(came.iter().all(|ms| (50..=71).contains(ms)), "{came:?}");
    assert!(came.iter().max() > came.iter().min());
}

#[test]
fn the_load_cell_feels_what_swings_on_the_cups() {
    // Two runs that differ in a push from the side alone, at 8 s, while the box hangs over the bin.
    let loads = |faults: &str| -> Vec<f64> {
        let mut bench = Bench::one_box(faults);
        let hold = bench.seal();
        bench.carry(&hold);
        assert!(bench.ms() < 7_800, "carried at {} ms", bench.ms());
        while bench.ms() < 7_800 {
            bench.tick();
        }
        let load = |bench: &mut Bench| {
            bench.tick();
            f64::from(bench.devices.tool.status().unwrap().load_mn) * 1e-3
        };
        (0..600).map(|_| load(&mut bench)).collect()
    };
    let still = loads("");
    let swinging = loads("[[fault]]\nkind = \"struck\"\npush_n = 3\nat_s = 8.0\nfor_s = 0.05\n");
    let apart: Vec<f64> = still.iter().zip(&swinging).map(|(a, b)| (a - b).abs()).collect();
    assert!(apart[..190].iter().all(|v| *v == 0.0), "the same before the push");
    let most = apart.iter().copied().fold(0.0, f64::max);
    assert!(most > 0.05, "{most} N at most");
}
