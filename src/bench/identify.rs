//! `nuthatch bench identify`: which SKU of a manifest an item is, how honest the doubt is, and what a setting costs.

use std::path::PathBuf;

use perception::{Labelled, LookError, Perception, load_catalogue};
use scene::{Belief, Manifest, Mask, SkuName};
use serde::Serialize;
use sim::look::Pool;

use super::average_precision::overlap;
use super::evidence::Evidence;
use super::identify_figures::{Figures, Judged, SETTINGS, curve_svg, print_table};
use super::scenes::{Scenes, bar, shot};
use super::spread::next_u64;
use crate::cli::CliError;
use crate::cli::perceive::load_with;
use crate::cli::seeing::{IdentifyArgs, Masks};
use crate::report::Machine;

/// Scenes, and of the reported length, so that 30,000 items or more are accepted; half as many of held-out families.
const SCENES: usize = 30;
const FULL: usize = 4500;
/// Scenes and SKUs that are rendered at a time.
const AT_ONCE: usize = 100;
const SKUS: usize = 120;
/// SKUs in a manifest.
const MANIFEST: usize = 20;
/// Share of a scene's SKUs that its manifest does not name: more than one item in ten is unknown.
const UNKNOWN: f64 = 0.13;
/// Of the items visible by half or more, this share is shown once more with most of the outline cut away.
const SHOWN_HIDDEN: f64 = 0.5;
/// Share of the outline that is left of those.
const LEFT: std::ops::Range<f64> = 0.15..0.45;
/// Items of fewer visible pixels, or of which less is visible, are left out.
const LEAST_PX: usize = 100;
const LEAST_VISIBLE: f64 = 0.1;
/// Our outlines are those of the labelled items that they overlap by so much.
const SAME: f64 = 0.5;

/// What `--json` prints: names are relied on from outside.
#[derive(Debug, Serialize)]
struct IdentifyFigures {
    bench: &'static str,
    set: String,
    masks: &'static str,
    seed: u64,
    /// Instances, unknown ones included.
    n: usize,
    scenes: usize,
    machine: Machine,
    #[serde(flatten)]
    figures: Figures,
    /// With weight and scan of the rendered goods.
    after_evidence: Option<Figures>,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
    held_out_families: Option<Figures>,
    held_out_families_after_evidence: Option<Figures>,
}

#[derive(Debug, thiserror::Error)]
enum IdentifyError {
    #[error("--coco needs --catalog: the SKUs of the pictures")]
    NoCatalog,
    #[error("{}: can't be written", path.display())]
    Unwritable { path: PathBuf, source: std::io::Error },
    #[error("picture {}: {source}", file.display())]
    Look { file: PathBuf, source: LookError },
}

/// Runs the workload and prints its figures.
///
/// # Errors
/// [`CliError`] for sets, catalogues and models that can't be used, and networks that don't run.
pub fn run(args: &IdentifyArgs) -> Result<(), CliError> {
    let scenes = args.scenes.map_or(SCENES, |scenes| scenes as usize);
    let scenes = if args.full { scenes.max(FULL) } else { scenes };
    let (set, seen, held_out) = match (&args.set.coco, &args.set.images) {
        (Some(coco), Some(images)) => {
            let catalog = args.catalog.as_ref().ok_or_else(|| CliError::input(IdentifyError::NoCatalog))?;
            let catalogue = load_catalogue(catalog).map_err(CliError::input)?;
            let mut perception = load_with(catalogue, args.models.as_deref())?;
            let given = Scenes::given(coco, images).map_err(CliError::input)?;
            let everything: Manifest = perception.catalogue().keys().map(|sku| (sku.clone(), 1)).collect();
            let manifest = |labelled: &Labelled| labelled.manifest.clone().unwrap_or_else(|| everything.clone());
            let mut seen = Seen::default();
            measure(&mut perception, &given, args, manifest, None, &mut seen)?;
            (coco.display().to_string(), seen, None)
        }
        _ => {
            let seen = rendered(args, Pool::Training, scenes)?;
            ("rendered".to_owned(), seen, Some(rendered(args, Pool::HeldOut, scenes.div_ceil(2))?))
        }
    };
    let judged = &seen.judged;
    if let Some(path) = &args.picture {
        std::fs::write(path, curve_svg(judged))
            .map_err(|source| CliError::input(IdentifyError::Unwritable { path: path.clone(), source }))?;
    }
    let figures = IdentifyFigures {
        bench: "identify",
        set,
        masks: if args.masks == Masks::Own { "own" } else { "given" },
        seed: args.seed,
        n: judged.len(),
        scenes: seen.scenes,
        machine: Machine::this(),
        figures: Figures::of(judged, args.seed),
        after_evidence: seen.after_evidence(args.seed),
        why: seen.after.is_empty().then_some("after_evidence: nobody knows what given pictures' items weigh"),
        held_out_families: held_out.as_ref().map(|seen| Figures::of(&seen.judged, args.seed)),
        held_out_families_after_evidence: held_out.as_ref().and_then(|seen| seen.after_evidence(args.seed)),
    };
    if args.json {
        println!("{}", serde_json::to_string(&figures).map_err(CliError::fault)?);
    } else {
        let IdentifyFigures { set, masks, n, scenes, .. } = &figures;
        println!("{set}, outlines {masks}: {n} instances in {scenes} pictures");
        print_table(&figures.figures);
        let others = [
            ("with weight and scan", &figures.after_evidence),
            ("held-out families", &figures.held_out_families),
            ("held-out families, with weight and scan", &figures.held_out_families_after_evidence),
        ];
        for (name, figures) in others {
            if let Some(figures) = figures {
                println!("{name}");
                print_table(figures);
            }
        }
    }
    Ok(())
}

/// The items of a set.
#[derive(Default)]
struct Seen {
    /// As the picture says.
    judged: Vec<Judged>,
    /// The same items with weight and scan; empty where nobody knows those.
    after: Vec<Judged>,
    scenes: usize,
}

impl Seen {
    fn after_evidence(&self, seed: u64) -> Option<Figures> {
        (!self.after.is_empty()).then(|| Figures::of(&self.after, seed))
    }
}

/// Items of scenes that are rendered a hundred at a time, with other SKUs each time.
fn rendered(args: &IdentifyArgs, pool: Pool, scenes: usize) -> Result<Seen, CliError> {
    let mut all = Seen::default();
    for (from, seed) in (0..scenes).step_by(AT_ONCE).zip(args.seed..) {
        let part = Scenes::render(pool, seed, SKUS, AT_ONCE.min(scenes - from)).map_err(CliError::fault)?;
        let catalog = part.catalog.clone().unwrap_or_default();
        let catalogue = load_catalogue(&catalog).map_err(CliError::fault)?;
        let names: Vec<SkuName> = catalogue.0.keys().cloned().collect();
        let mut perception = load_with(catalogue, args.models.as_deref())?;
        let manifest = |labelled: &Labelled| drawn_manifest(labelled, &names, seed);
        let evidence = part.folder().map(Evidence::load).transpose()?;
        measure(&mut perception, &part, args, manifest, evidence, &mut all)?;
    }
    Ok(all)
}

/// Twenty SKUs: most of those that lie in the tote, and others, first of all those of the same brands, which look alike.
fn drawn_manifest(labelled: &Labelled, names: &[SkuName], seed: u64) -> Manifest {
    let mut state = seed.wrapping_mul(0x9e37_79b9) ^ labelled.id;
    let mut lying: Vec<SkuName> = labelled.instances.iter().filter_map(perception::Instance::sku).collect();
    lying.sort();
    lying.dedup();
    let (unknown, known): (Vec<SkuName>, Vec<SkuName>) = lying.into_iter().partition(|_| share(&mut state) < UNKNOWN);
    let mut manifest: Manifest = known.into_iter().take(MANIFEST).map(|sku| (sku, 1)).collect();
    let brand = |sku: &SkuName| sku.as_str().split('-').next().unwrap_or_default().to_owned();
    let brands: Vec<String> = manifest.keys().map(brand).collect();
    let others = names.iter().filter(|sku| !unknown.contains(sku) && !manifest.contains_key(sku));
    let (mut alike, mut others): (Vec<_>, Vec<_>) = others.partition(|sku| brands.contains(&brand(sku)));
    while manifest.len() < MANIFEST && alike.len() + others.len() > 0 {
        let from = if alike.is_empty() { &mut others } else { &mut alike };
        let k = (next_u64(&mut state) % from.len() as u64) as usize;
        manifest.insert(from.swap_remove(k).clone(), 1);
    }
    manifest
}

/// A number from 0 to 1.
fn share(state: &mut u64) -> f64 {
    (next_u64(state) >> 11) as f64 / (1u64 << 53) as f64
}

fn measure(
    perception: &mut Perception,
    scenes: &Scenes,
    args: &IdentifyArgs,
    manifest: impl Fn(&Labelled) -> Manifest,
    mut evidence: Option<Evidence>,
    all: &mut Seen,
) -> Result<(), CliError> {
    let bar = bar(scenes.labelled.len() as u64, "pictures looked at");
    let first = all.scenes;
    all.scenes += scenes.labelled.len();
    for (labelled, scene) in scenes.labelled.iter().zip(first..) {
        let (picture, depth) = scenes.picture(labelled).map_err(CliError::input)?;
        let shot = shot(&picture, depth.as_ref(), labelled).map_err(CliError::input)?;
        let manifest = manifest(labelled);
        let look = |source| CliError::input(IdentifyError::Look { file: labelled.file.clone(), source });
        let masks = Scenes::masks(labelled, &picture, &shot);
        let mut asked = asked(labelled, &masks, &manifest);
        let found = match args.masks {
            Masks::Given => {
                if scenes.catalog.is_some() {
                    show_hidden(&mut asked, args.seed ^ scene as u64);
                }
                asked.iter().map(|item| Some(item.mask.clone())).collect()
            }
            Masks::Own => {
                let found = perception.find(&shot.image, &shot.world_from_tote).map_err(look)?;
                matched(&asked, found.into_iter().map(|found| (found.mask, found.score)).collect())
            }
        };
        let outlines: Vec<Mask> = found.iter().flatten().cloned().collect();
        let items = perception.look_at(&shot.image, &outlines, &manifest, &shot.world_from_tote).map_err(look)?;
        let cosines = perception.likeness(&shot.image, &outlines, &manifest).map_err(look)?;
        let mut seen = items.into_iter().zip(cosines);
        let names: Vec<&SkuName> = manifest.keys().collect();
        for (item, mask) in asked.into_iter().zip(found) {
            let (beliefs, covered, cosines) = match mask.and_then(|_| seen.next()) {
                Some((item, cosines)) => (item.beliefs, if shot.has_depth { item.covered } else { 0.0 }, cosines),
                None => (Vec::new(), 0.0, Vec::new()),
            };
            let judged = judge(scene, &item, &beliefs, covered, cosines, &names);
            if let Some(evidence) = &mut evidence {
                let lifted = item.lifted.as_ref().filter(|_| judged.seen && item.visible >= 0.5);
                let sure = 1.0 - SETTINGS[2].1;
                let learnt =
                    lifted.and_then(|(id, sku)| evidence.after((*id, sku), &beliefs, perception.catalogue(), sure));
                all.after.push(learnt.map_or_else(
                    || judged.clone(),
                    |learnt| Judged {
                        contradicts: learnt.contradicts,
                        ..judge(scene, &item, &learnt.beliefs, covered, judged.cosines.clone(), &names)
                    },
                ));
            }
            all.judged.push(judged);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(())
}

/// An item that is asked for.
struct Asked {
    mask: Mask,
    /// Its SKU, where the manifest names it.
    sku: Option<SkuName>,
    visible: f64,
    /// Its annotation and what it truly is: of an item that can be lifted.
    lifted: Option<(u64, SkuName)>,
}

fn asked(labelled: &Labelled, masks: &[Option<Mask>], manifest: &Manifest) -> Vec<Asked> {
    let item = |(instance, mask): (&perception::Instance, &Option<Mask>)| {
        let visible = instance.visible.unwrap_or(1.0);
        let mask = mask.clone().filter(|mask| mask.area() >= LEAST_PX && visible >= LEAST_VISIBLE)?;
        let lifted = instance.sku().map(|sku| (instance.id, sku));
        let sku = instance.sku().filter(|sku| manifest.contains_key(sku));
        (!instance.ignored).then_some(Asked { mask, sku, visible, lifted })
    };
    labelled.instances.iter().zip(masks).filter_map(item).collect()
}

/// Shows some of the items once more, most of their outline cut away along a line.
fn show_hidden(asked: &mut Vec<Asked>, seed: u64) {
    let mut state = seed;
    let mut more = Vec::new();
    for item in asked.iter().filter(|item| item.visible >= 0.5) {
        let (drawn, angle, left) = (share(&mut state), share(&mut state), share(&mut state));
        if drawn >= SHOWN_HIDDEN {
            continue;
        }
        let (s, c) = (angle * core::f64::consts::TAU).sin_cos();
        let mut pixels: Vec<(u32, u32)> = item.mask.pixels().collect();
        pixels.sort_by(|a, b| {
            let along = |p: &(u32, u32)| c * f64::from(p.0) + s * f64::from(p.1);
            along(a).total_cmp(&along(b))
        });
        let share = LEFT.start + left * (LEFT.end - LEFT.start);
        pixels.truncate((share * pixels.len() as f64) as usize);
        let mask = Mask::from_pixels(&pixels).filter(|mask| mask.area() >= LEAST_PX);
        more.extend(mask.map(|mask| Asked {
            mask,
            sku: item.sku.clone(),
            visible: share * item.visible,
            lifted: None,
        }));
    }
    asked.extend(more);
}

/// For each item the outline of ours that is its, each outline once, those that overlap most first.
fn matched(asked: &[Asked], found: Vec<(Mask, f64)>) -> Vec<Option<Mask>> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, item) in asked.iter().enumerate() {
        for (j, (mask, _)) in found.iter().enumerate() {
            let both = overlap(&item.mask, mask);
            if both >= SAME {
                pairs.push((both, i, j));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut of, mut taken) = (vec![None; asked.len()], vec![false; found.len()]);
    for (_, i, j) in pairs {
        if of[i].is_none() && !taken[j] {
            taken[j] = true;
            of[i] = Some(found[j].0.clone());
        }
    }
    of
}

fn judge(
    scene: usize,
    item: &Asked,
    beliefs: &[Belief],
    covered: f64,
    cosines: Vec<f64>,
    names: &[&SkuName],
) -> Judged {
    let of = |sku: &Option<SkuName>| beliefs.iter().find(|b| b.sku == *sku).map_or(0.0, |b| b.p);
    let named = beliefs.iter().find_map(|belief| belief.sku.as_ref());
    let first = beliefs.first();
    Judged {
        scene,
        known: item.sku.is_some(),
        visible: item.visible,
        seen: !beliefs.is_empty(),
        named_right: item.sku.is_some() && named == item.sku.as_ref(),
        first_right: first.is_some_and(|first| first.sku == item.sku),
        p_true: of(&item.sku),
        first: first.cloned(),
        covered,
        true_place: item.sku.as_ref().and_then(|sku| names.iter().position(|name| *name == sku)),
        cosines,
        contradicts: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use perception::{Instance, Region};

    fn square(x: u32) -> Mask {
        Mask { x, y: 0, width: 20, height: 20, bits: vec![1; 400] }
    }

    #[test]
    fn manifests_hold_twenty_skus_and_now_and_then_miss_one_that_lies_there() {
        let names: Vec<SkuName> = (0..60).map(|k| SkuName::new(&format!("brand{}-{k}", k / 4)).unwrap()).collect();
        let mut missed = 0;
        for id in 0..200 {
            let instance = |k: u64| Instance {
                id: k,
                category: Some(format!("brand{}-{k}", k / 4)),
                region: Region::Box([0.0, 0.0, 9.0, 9.0]),
                visible: None,
                ignored: false,
            };
            let labelled = Labelled {
                id,
                file: "a.png".into(),
                size: None,
                manifest: None,
                depth: None,
                camera: None,
                world_from_camera: None,
                world_from_tote: None,
                instances: (0..10).map(instance).collect(),
            };
            let manifest = drawn_manifest(&labelled, &names, 3);
            assert_eq!(manifest.len(), MANIFEST);
            assert_eq!(manifest, drawn_manifest(&labelled, &names, 3));
            // The third brand lies there with two of its four: the others are named as well, unless both are unknown.
            let third = |range: std::ops::Range<usize>| range.filter(|k| manifest.contains_key(&names[*k])).count();
            assert!(third(8..10) == 0 || third(10..12) == 2);
            missed += (0..10).filter(|k| !manifest.contains_key(&names[*k])).count();
        }
        assert!((200..340).contains(&missed), "{missed} of 2000 items are unknown");
    }

    #[test]
    fn outlines_are_matched_once_and_those_that_fit_none_stay_without() {
        let item = |x| Asked { mask: square(x), sku: None, visible: 1.0, lifted: None };
        let found = matched(&[item(0), item(4), item(100)], vec![(square(5), 0.9), (square(1), 0.1)]);
        assert_eq!(found, [Some(square(1)), Some(square(5)), None]);
    }

    #[test]
    fn items_shown_hidden_keep_less_than_half_of_their_outline() {
        let mut asked: Vec<Asked> =
            (0..50).map(|k| Asked { mask: square(30 * k), sku: None, visible: 1.0, lifted: None }).collect();
        asked.iter_mut().for_each(|item| {
            item.mask = Mask { width: 40, height: 40, bits: vec![1; 1600], ..item.mask.clone() };
        });
        show_hidden(&mut asked, 5);
        assert!((65..86).contains(&asked.len()), "{} items", asked.len());
        assert!(asked[50..].iter().all(|item| item.visible < 0.5 && (100..760).contains(&item.mask.area())));
    }
}
