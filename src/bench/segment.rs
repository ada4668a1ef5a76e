//! `nuthatch bench segment`: outlines against the truth, on items that no network was trained on, beside the plain way.

use std::collections::BTreeMap;

use perception::{Depth, Labelled, Perception, Picture, Shot};
use scene::{Catalogue, Mask};
use serde::Serialize;
use sim::look::Pool;

use super::average_precision::{ALL, Groups, Tally, True};
use super::planes;
use super::scenes::{About, Scenes, bar, shot};
use crate::cli::CliError;
use crate::cli::perceive::load_with;
use crate::cli::seeing::SegmentArgs;
use crate::report::Machine;

/// Scenes, and of the reported length; half as many of held-out families.
const SCENES: u64 = 30;
const FULL: u64 = 300;
/// SKUs of the rendered scenes: each lies in a few of them.
const SKUS: usize = 120;
/// Instances of fewer visible pixels, or of which less is visible, are ignored.
const LEAST_PX: usize = 100;
const LEAST_VISIBLE: f64 = 0.1;
/// Neighbours this near touch, pixels.
const TOUCH_PX: i64 = 2;
/// Mean colours that differ by less, in each channel, are the same.
const SAME_COLOUR: f64 = 40.0;
/// A mean colour below this is black.
const BLACK: f64 = 48.0;

/// Groups of instances of a kind.
const TOUCHING: Groups = 1 << 1;
const SAME_BOXES: Groups = 1 << 2;
const CLEAR: Groups = 1 << 3;
const DARK: Groups = 1 << 4;
const BAG: Groups = 1 << 5;
const THIN: Groups = 1 << 6;
const KINDS: [(&str, Groups); 6] = [
    ("touching", TOUCHING),
    ("touching_same_colour_boxes", SAME_BOXES),
    ("clear", CLEAR),
    ("black", DARK),
    ("bags", BAG),
    ("thin", THIN),
];

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct SegmentFigures {
    bench: &'static str,
    set: String,
    seed: u64,
    /// Instances to be found.
    n: usize,
    scenes: usize,
    machine: Machine,
    #[serde(flatten)]
    figures: Figures,
    /// Of families and print styles that training never shows; rendered sets alone.
    held_out_families: Option<HeldOut>,
}

#[derive(Debug, Serialize)]
struct HeldOut {
    n: usize,
    scenes: usize,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Debug, Serialize)]
struct Figures {
    ap50: Option<f64>,
    ap50_ci95: Option<[f64; 2]>,
    ap75: Option<f64>,
    ap50_without_depth: Option<f64>,
    ap50_without_colour: Option<f64>,
    /// Plane removal and connected components; null without depth.
    plane_baseline_ap50: Option<f64>,
    by_kind: BTreeMap<&'static str, Kind>,
    /// Instances that count neither way.
    ignored: usize,
}

#[derive(Debug, Serialize)]
struct Kind {
    n: usize,
    ap50: Option<f64>,
    ap50_ci95: Option<[f64; 2]>,
    plane_baseline_ap50: Option<f64>,
}

/// Outlines of one set.
#[derive(Default)]
struct Measured {
    at_50: Tally,
    at_75: Tally,
    without_depth: Tally,
    without_colour: Tally,
    planes: Tally,
    cut: Tally,
    cut_planes: Tally,
    with_depth: bool,
    ignored: usize,
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for sets and models that can't be used, and networks that don't run.
pub fn run(args: &SegmentArgs) -> Result<(), CliError> {
    let mut perception = load_with((Catalogue::new(), BTreeMap::new()), args.models.as_deref())?;
    let scenes = args.scenes.unwrap_or(SCENES);
    let scenes = if args.full { scenes.max(FULL) } else { scenes } as usize;
    let (set, given, held_out) = match (&args.set.coco, &args.set.images) {
        (Some(coco), Some(images)) => {
            (coco.display().to_string(), Scenes::given(coco, images).map_err(CliError::input)?, None)
        }
        _ => {
            let render = |pool, scenes| Scenes::render(pool, args.seed, SKUS, scenes).map_err(CliError::fault);
            let held_out = render(Pool::HeldOut, scenes.div_ceil(2))?;
            ("rendered".to_owned(), render(Pool::Training, scenes)?, Some(held_out))
        }
    };
    let measured = measure(&mut perception, &given)?;
    let held_out = match held_out {
        None => None,
        Some(held_out) => {
            let measured = measure(&mut perception, &held_out)?;
            Some(HeldOut {
                n: measured.at_50.count(ALL),
                scenes: held_out.labelled.len(),
                figures: measured.figures(args.seed),
            })
        }
    };
    let figures = SegmentFigures {
        bench: "segment",
        set,
        seed: args.seed,
        n: measured.at_50.count(ALL),
        scenes: given.labelled.len(),
        machine: Machine::this(),
        figures: measured.figures(args.seed),
        held_out_families: held_out,
    };
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        println!("{}: {} instances to be found in {} pictures", figures.set, figures.n, figures.scenes);
        print_table(&figures.figures);
        if let Some(held_out) = &figures.held_out_families {
            println!("held-out families: {} instances in {} pictures", held_out.n, held_out.scenes);
            print_table(&held_out.figures);
        }
    }
    Ok(())
}

fn measure(perception: &mut Perception, scenes: &Scenes) -> Result<Measured, CliError> {
    let mut measured = Measured::default();
    let bar = bar(scenes.labelled.len() as u64, "pictures looked at");
    for labelled in &scenes.labelled {
        let (picture, depth) = scenes.picture(labelled).map_err(CliError::input)?;
        let whole = shot(&picture, depth.as_ref(), labelled).map_err(CliError::input)?;
        let masks = Scenes::masks(labelled, &picture, &whole);
        let instances = instances(labelled, &masks, &whole, &scenes.about);
        measured.ignored += instances.iter().filter(|i| i.ignored).count();
        let found = find(perception, &whole)?;
        measured.at_50.add(0.5, &found, &instances);
        measured.at_75.add(0.75, &found, &instances);
        measured.with_depth |= whole.has_depth;
        let plain = planes::find(&whole, scenes.tote);
        measured.planes.add(0.5, &plain, &instances);
        let mut changed = whole.clone();
        changed.image.depth_m.fill(f32::NAN);
        measured.without_depth.add(0.5, &find(perception, &changed)?, &instances);
        changed.image.depth_m.clone_from(&whole.image.depth_m);
        changed.image.rgb.fill(127);
        measured.without_colour.add(0.5, &find(perception, &changed)?, &instances);

        let right = right_half(&picture, depth.as_ref());
        let half = shot(&right.0, right.1.as_ref(), labelled).map_err(CliError::input)?;
        let cut = cut(&instances, whole.image.intrinsics.width - half.image.intrinsics.width);
        measured.cut.add(0.5, &find(perception, &half)?, &cut);
        measured.cut_planes.add(0.5, &planes::find(&half, scenes.tote), &cut);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(measured)
}

fn find(perception: &mut Perception, shot: &Shot) -> Result<Vec<(Mask, f64)>, CliError> {
    let found = perception.find(&shot.image, &shot.world_from_tote).map_err(CliError::fault)?;
    Ok(found.into_iter().map(|found| (found.mask, found.score)).collect())
}

/// The instances of a picture with their kinds.
fn instances(
    labelled: &Labelled,
    masks: &[Option<Mask>],
    shot: &Shot,
    about: &BTreeMap<scene::SkuName, About>,
) -> Vec<True> {
    let width = shot.image.width();
    let mut labels = vec![0usize; width * shot.image.height()];
    for (mask, label) in masks.iter().zip(1..) {
        mask.iter().flat_map(Mask::pixels).for_each(|(u, v)| labels[v as usize * width + u as usize] = label);
    }
    let known: Vec<About> = labelled
        .instances
        .iter()
        .map(|instance| instance.sku().and_then(|sku| about.get(&sku).copied()).unwrap_or_default())
        .collect();
    let colours: Vec<[f64; 3]> =
        masks.iter().map(|mask| mask.as_ref().map_or([255.0; 3], |mask| mean(&shot.image.rgb, width, mask))).collect();
    let mut all = Vec::new();
    for (k, (instance, mask)) in labelled.instances.iter().zip(masks).enumerate() {
        let Some(mask) = mask else { continue };
        let neighbours = neighbours(mask, k + 1, &labels, width);
        let same = |other: &usize| {
            let near = colours[k].iter().zip(colours[*other]).all(|(a, b)| (a - b).abs() < SAME_COLOUR);
            known[k].is_box && known[*other].is_box && near
        };
        let groups = [
            (!neighbours.is_empty(), TOUCHING),
            (neighbours.iter().any(same), SAME_BOXES),
            (known[k].clear, CLEAR),
            (colours[k].iter().all(|c| *c < BLACK), DARK),
            (known[k].bag, BAG),
            (known[k].thin, THIN),
        ];
        let groups = groups.into_iter().filter(|(is, _)| *is).fold(0, |sum, (_, bit)| sum | bit);
        let hidden = instance.visible.is_some_and(|visible| visible < LEAST_VISIBLE);
        let ignored = instance.ignored || hidden || mask.area() < LEAST_PX;
        all.push(True { mask: mask.clone(), ignored, groups });
    }
    all
}

fn mean(rgb: &[u8], width: usize, mask: &Mask) -> [f64; 3] {
    let mut sum = [0.0; 3];
    for (u, v) in mask.pixels() {
        let at = 3 * (v as usize * width + u as usize);
        for (sum, value) in sum.iter_mut().zip(&rgb[at..at + 3]) {
            *sum += f64::from(*value);
        }
    }
    sum.map(|sum| sum / mask.area().max(1) as f64)
}

/// Instances (from 0) whose pixels are within reach of a mask's.
fn neighbours(mask: &Mask, label: usize, labels: &[usize], width: usize) -> Vec<usize> {
    let height = (labels.len() / width) as i64;
    let mut found = Vec::new();
    for (u, v) in mask.pixels() {
        for (du, dv) in [(-TOUCH_PX, 0), (TOUCH_PX, 0), (0, -TOUCH_PX), (0, TOUCH_PX)] {
            let (x, y) = (i64::from(u) + du, i64::from(v) + dv);
            if (0..width as i64).contains(&x) && (0..height).contains(&y) {
                let other = labels[(y * width as i64 + x) as usize];
                if other != 0 && other != label && !found.contains(&(other - 1)) {
                    found.push(other - 1);
                }
            }
        }
    }
    found
}

/// The right half of a picture and of its depth.
fn right_half(picture: &Picture, depth: Option<&Depth>) -> (Picture, Option<Depth>) {
    let from = picture.width / 2;
    let rows =
        |values: usize| move |row: usize| (row * picture.width + from) * values..(row + 1) * picture.width * values;
    let (colours, depths) = (rows(3), rows(1));
    let width = picture.width - from;
    let rgb = (0..picture.height).flat_map(|row| picture.rgb[colours(row)].iter().copied()).collect();
    let half = Picture { width, height: picture.height, rgb, alpha: None };
    let depth = depth.map(|depth| {
        let mut camera = depth.camera;
        camera.width = width as u32;
        camera.cx -= from as f64;
        let depth_m = (0..depth.height).flat_map(|row| depth.depth_m[depths(row)].iter().copied()).collect();
        Depth { width, depth_m, camera, ..depth.clone() }
    });
    (half, depth)
}

/// The instances of the right half from column `from` on: those that the edge cuts are to be found, the others ignored.
fn cut(instances: &[True], from: u32) -> Vec<True> {
    let right = |instance: &True| {
        let pixels: Vec<(u32, u32)> =
            instance.mask.pixels().filter(|(u, _)| *u >= from).map(|(u, v)| (u - from, v)).collect();
        let mask = Mask::from_pixels(&pixels)?;
        let is_cut = mask.area() < instance.mask.area() && mask.x == 0;
        let ignored = instance.ignored || !is_cut || mask.area() < LEAST_PX;
        Some(True { mask, ignored, groups: instance.groups })
    };
    instances.iter().filter_map(right).collect()
}

impl Measured {
    fn figures(&self, seed: u64) -> Figures {
        let planes = |tally: &Tally, group| tally.precision(group).filter(|_| self.with_depth);
        let mut by_kind: BTreeMap<&str, Kind> = KINDS
            .into_iter()
            .map(|(name, group)| {
                let kind = Kind {
                    n: self.at_50.count(group),
                    ap50: self.at_50.precision(group),
                    ap50_ci95: self.at_50.ci95(group, seed),
                    plane_baseline_ap50: planes(&self.planes, group),
                };
                (name, kind)
            })
            .collect();
        let cut = Kind {
            n: self.cut.count(ALL),
            ap50: self.cut.precision(ALL),
            ap50_ci95: self.cut.ci95(ALL, seed),
            plane_baseline_ap50: planes(&self.cut_planes, ALL),
        };
        by_kind.insert("cut_by_edge", cut);
        Figures {
            ap50: self.at_50.precision(ALL),
            ap50_ci95: self.at_50.ci95(ALL, seed),
            ap75: self.at_75.precision(ALL),
            ap50_without_depth: self.without_depth.precision(ALL),
            ap50_without_colour: self.without_colour.precision(ALL).filter(|_| self.with_depth),
            plane_baseline_ap50: planes(&self.planes, ALL),
            by_kind,
            ignored: self.ignored,
        }
    }
}

fn print_table(figures: &Figures) {
    let show = |value: Option<f64>| value.map_or("—".to_owned(), |v| format!("{v:.3}"));
    let range = |ci: Option<[f64; 2]>| ci.map_or(String::new(), |[low, high]| format!(" [{low:.3}, {high:.3}]"));
    println!("  {:<28} {:>6} {:>24} {:>10}", "", "n", "AP50", "planes");
    let overall = show(figures.ap50) + &range(figures.ap50_ci95);
    println!("  {:<28} {:>6} {overall:>24} {:>10}", "all", "", show(figures.plane_baseline_ap50));
    for (name, kind) in &figures.by_kind {
        let ap50 = show(kind.ap50) + &range(kind.ap50_ci95);
        println!("  {:<28} {:>6} {ap50:>24} {:>10}", name.replace('_', " "), kind.n, show(kind.plane_baseline_ap50));
    }
    println!(
        "  AP75 {}; AP50 without depth {}, without colour {}; {} ignored",
        show(figures.ap75),
        show(figures.ap50_without_depth),
        show(figures.ap50_without_colour),
        figures.ignored
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: u32, y: u32) -> Mask {
        Mask { x, y, width: 20, height: 20, bits: vec![1; 400] }
    }

    #[test]
    fn neighbours_are_those_within_two_pixels() {
        let mut labels = vec![0; 200 * 100];
        let squares = [square(10, 10), square(31, 10), square(60, 10)];
        for (mask, label) in squares.iter().zip(1..) {
            mask.pixels().for_each(|(u, v)| labels[(v * 200 + u) as usize] = label);
        }
        assert_eq!(neighbours(&squares[0], 1, &labels, 200), [1]);
        assert_eq!(neighbours(&squares[1], 2, &labels, 200), [0]);
        assert!(neighbours(&squares[2], 3, &labels, 200).is_empty());
    }

    #[test]
    fn the_right_half_holds_what_the_edge_cuts_and_ignores_the_rest() {
        let whole = |x| True { mask: square(x, 10), ignored: false, groups: 0 };
        let cut = cut(&[whole(10), whole(92), whole(150)], 100);
        assert_eq!(cut.len(), 2);
        assert_eq!((cut[0].mask.x, cut[0].mask.area(), cut[0].ignored), (0, 240, false));
        assert_eq!((cut[1].mask.x, cut[1].ignored), (50, true));

        let rgb: Vec<u8> = (0..3 * 40 * 20).map(|i| (i / 3 % 40) as u8).collect();
        let (half, none) = right_half(&Picture { width: 40, height: 20, rgb, alpha: None }, None);
        assert_eq!((half.width, half.rgb.len(), half.rgb[0], none.is_none()), (20, 1200, 20, true));
    }
}
