//! From a design to a SKU: mesh, texture and true values.

use rand::Rng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, LogNormal, Normal};
use scene::{Fragility, Material, Shape, Sku, SkuName};

use super::artwork::Artwork;
use super::atlas::Atlas;
use super::mesh::{Mesh, Patch};
use super::paint::Canvas;
use super::smallprint::barcode;
use super::truth::{LeakModel, TrueShape, TrueSku, Truth};

/// Corners round a cylinder: at 1.3 m a chord is then off by less than a quarter of a pixel.
const SEGMENTS: u32 = 40;

/// What a SKU is before it has a print.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Design {
    pub name: SkuName,
    pub shape: Shape,
    pub material: Material,
    pub fragility: Fragility,
    pub size_m: [f64; 3],
    pub mass_kg: f64,
    /// A cylinder of metal with flat ends, not a tub with a lid.
    pub can: bool,
    /// The axis that the main front looks along: 0 x, 1 y, 2 z.
    pub front: usize,
    pub art: Artwork,
}

/// Draws the true values around what the site knows, and paints.
pub(crate) fn build(design: &Design, rng: &mut ChaCha8Rng) -> TrueSku {
    let [x, y, z] = design.size_m;
    let round = design.shape == Shape::Cylinder;
    let (mesh, texture) = if round {
        let side = [std::f64::consts::PI * x, z];
        let plan = Atlas::plan(&[side, [x, x], [x, x]]);
        let prints = round_prints(design, &plan);
        let (texture, patches) = plan.fill(&prints);
        let ends = [patches[1], patches[2]];
        (Mesh::cylinder(0.5 * x as f32, 0.5 * z as f32, SEGMENTS, &patches[0], &ends), texture)
    } else {
        let plan = Atlas::plan(&[[y, z], [y, z], [x, z], [x, z], [x, y], [x, y]]);
        let prints = box_prints(design, &plan);
        let (texture, patches) = plan.fill(&prints);
        let patches: [Patch; 6] = std::array::from_fn(|k| patches[k]);
        (Mesh::cuboid(design.size_m.map(|s| 0.5 * s as f32), &patches), texture)
    };
    let truth = draw_truth(design.shape, design.material, design.size_m, design.mass_kg, rng);
    let sku = Sku {
        name: design.name.clone(),
        barcode: Some(design.art.barcode.clone()),
        size_m: design.size_m,
        mass_kg: Some((design.mass_kg * 1e3).round() / 1e3),
        shape: design.shape,
        material: design.material,
        fragility: design.fragility,
        upright: false,
        size_unknown: false,
    };
    TrueSku { sku, mesh, hull_shape: TrueShape::new(design.shape, design.size_m), texture, truth }
}

fn box_prints(design: &Design, plan: &Atlas) -> Vec<Canvas> {
    let art = &design.art;
    let film = design.material == Material::Film;
    plan.slots
        .iter()
        .enumerate()
        .map(|(k, slot)| {
            let (w, h) = (slot.width, slot.height);
            let axis = k / 2;
            let mut print = if axis == design.front {
                if k % 2 == 1 { art.front(w, h) } else { back(design, w, h) }
            } else if axis == 2 {
                art.end(w, h, k as u64)
            } else {
                art.side(w, h, k as u64 + u64::from(axis == 1) * 2)
            };
            if film && axis == design.front {
                art.crimp(&mut print);
            }
            print
        })
        .collect()
}

/// Flat packs have a back; what stands upright has a front on both sides half of the time.
fn back(design: &Design, w: usize, h: usize) -> Canvas {
    if design.shape == Shape::Flat || design.art.seed.is_multiple_of(2) {
        design.art.back(w, h)
    } else {
        let mut front = design.art.front(w, h);
        let (w, h) = (front.w(), front.h());
        let top = if design.art.brand.name_at < 0.5 { 0.74 } else { 0.03 };
        barcode(&mut front, &design.art.barcode, [0.4 * w, top * h, 0.97 * w, (top + 0.23) * h]);
        front
    }
}

fn round_prints(design: &Design, plan: &Atlas) -> Vec<Canvas> {
    let art = &design.art;
    let label = art.label(plan.slots[0].width, plan.slots[0].height);
    let ends = |top: bool, side: usize| {
        if design.can { art.can_end(side, top) } else { art.lid(side, top) }
    };
    vec![label, ends(false, plan.slots[1].width), ends(true, plan.slots[2].width)]
}

/// A lognormal value of the given median and spread, held within three spreads.
pub(crate) fn around(median: f64, sigma: f64, rng: &mut ChaCha8Rng) -> f64 {
    let drawn = LogNormal::new(median.ln(), sigma).map_or(median, |d| d.sample(rng));
    drawn.clamp(median * (-3.0 * sigma).exp(), median * (3.0 * sigma).exp())
}

/// True values by material, scattered. Sources: constants of contacts, leaks and depth cameras; most are
/// estimates, so each SKU gets its own value.
pub(crate) fn draw_truth(
    shape: Shape,
    material: Material,
    size_m: [f64; 3],
    mass_kg: f64,
    rng: &mut ChaCha8Rng,
) -> Truth {
    // Friction, restitution, gloss, roughness (µm), invalid depth, leak (l/min), its spread, seams.
    let (friction, restitution, gloss, rough_um, invalid, leak, sigma, seams) = match material {
        Material::Carton => (0.30, 0.20, 0.14, 4.0, 0.01, 0.8, 0.45, (0.06, 6.0)),
        Material::Plastic => (0.25, 0.30, 0.45, 1.2, 0.07, 0.25, 0.40, (0.04, 4.0)),
        Material::Metal => (0.22, 0.25, 0.60, 0.8, 0.18, 0.2, 0.35, (0.05, 2.0)),
        Material::Glass => (0.22, 0.30, 0.80, 0.3, 0.45, 0.12, 0.30, (0.02, 1.0)),
        Material::Film => (0.25, 0.08, 0.70, 6.0, 0.18, 3.0, 0.80, (0.20, 12.0)),
        Material::Fabric => (0.40, 0.04, 0.02, 120.0, 0.01, 60.0, 0.50, (0.10, 40.0)),
        Material::Mesh => (0.35, 0.04, 0.10, 300.0, 0.04, 500.0, 0.40, (0.0, 0.0)),
    };
    let heavier = around(1.0, 0.02, rng);
    let mut off =
        |size: f64| Normal::new(0.0, 0.04 * size).map_or(0.0, |d| d.sample(rng)).clamp(-0.1 * size, 0.1 * size);
    let centre_of_mass_m = size_m.map(&mut off);
    Truth {
        shape,
        solid: None,
        size_m,
        mass_kg: mass_kg * heavier,
        centre_of_mass_m,
        friction: (friction + rng.random_range(-0.06..0.06f64)).max(0.1),
        restitution: restitution * rng.random_range(0.7..1.2),
        roughness_m: around(rough_um, 0.4, rng) * 1e-6,
        gloss: (gloss * rng.random_range(0.6..1.35f64)).min(0.95),
        depth_invalid_share: around(invalid, 0.35, rng).min(0.9),
        leak: LeakModel {
            median_l_per_min: around(leak, 0.5, rng),
            sigma,
            seam_chance: seams.0,
            seam_l_per_min: seams.1,
        },
        metallic: None,
        surface: None,
        soft: None,
        loose: None,
    }
}
