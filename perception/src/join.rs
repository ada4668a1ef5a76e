//! Two parts that are one item: a print of two colours may be taken for two items that touch.
//!
//! Where two parts lie in one plane, without a step between them, and together fill exactly a side of a SKU that the
//! manifest names, the catalogue knows better than the network that finds items. What is seen decides: the joined
//! picture must look like that SKU.

use scene::{Manifest, Mask, SkuName};

use crate::belief::{Seen, best_side};
use crate::cover::Field;
use crate::fit::Surface;

/// Least length of the border between two parts, pixels.
const BORDER_LEAST_PX: usize = 10;
/// Largest angle between the planes of two parts of one side, cosine (8°: noise of depth over 4 cm).
const SAME_TILT: f64 = 0.990;
/// Largest distance of one part's middle from the other's plane, metres.
const SAME_PLANE_M: f64 = 0.006;
/// How badly the joined sides may fit a SKU's: each of the two off by about one spread.
const MISFIT_MOST: f64 = 1.0;
/// Share of its rectangle that a joined side fills.
const FILLED_LEAST: f64 = 0.85;

/// Pairs of parts (places in `parts`, the first smaller) that touch in one plane. `parts` hold label, mask and surface.
pub(crate) fn pairs(field: &Field<'_>, parts: &[(u16, &Mask, Option<&Surface>)]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (i, (label, mask, surface)) in parts.iter().enumerate() {
        let Some(surface) = surface else { continue };
        for (j, (other, _, other_surface)) in parts.iter().enumerate().skip(i + 1) {
            let Some(other_surface) = other_surface else { continue };
            let level = surface.z.dot(&other_surface.z) > SAME_TILT
                && surface.local(&other_surface.origin)[2].abs() < SAME_PLANE_M
                && other_surface.local(&surface.origin)[2].abs() < SAME_PLANE_M;
            if level && field.border(*label, mask, *other) >= BORDER_LEAST_PX {
                found.push((i, j));
            }
        }
    }
    found
}

/// The SKUs of the manifest of which this surface, `area_m2` of which is seen, is a whole side.
pub(crate) fn sides_of<'a>(
    surface: &Surface,
    area_m2: f64,
    manifest: &'a Manifest,
    catalogue: &scene::Catalogue,
) -> Vec<&'a SkuName> {
    let [long, short] = surface.face.sides;
    if area_m2 < FILLED_LEAST * long * short {
        return Vec::new();
    }
    let seen = Seen::of(surface, 0.0);
    let fits = |name: &SkuName| catalogue.get(name).is_some_and(|sku| best_side(sku, &seen).2 <= MISFIT_MOST);
    manifest.iter().filter(|(name, left)| **left > 0 && fits(name)).map(|(name, _)| name).collect()
}

/// Both masks in one.
pub(crate) fn joined(a: &Mask, b: &Mask) -> Option<Mask> {
    let mut pixels: Vec<(u32, u32)> = a.pixels().chain(b.pixels()).collect();
    pixels.sort_unstable_by_key(|&(u, v)| (v, u));
    Mask::from_pixels(&pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fit::surface;
    use nalgebra::Point3;
    use scene::{Fragility, Material, Shape, Sku};

    const EYE: Point3<f64> = Point3::new(0.0, 0.0, 1.3);
    const PIXEL_M: f64 = 0.00135;

    /// A level rectangle of so many pixels at a height.
    fn part(u: u32, v: u32, w: u32, h: u32, z: f64) -> (Mask, Surface) {
        let pixels: Vec<(u32, u32)> = (v..v + h).flat_map(|v| (u..u + w).map(move |u| (u, v))).collect();
        let point = |&(u, v): &(u32, u32)| Point3::new(f64::from(u) * PIXEL_M, -f64::from(v) * PIXEL_M, z);
        let cloud: Vec<_> = pixels.iter().map(point).collect();
        (Mask::from_pixels(&pixels).unwrap(), surface(&cloud, &EYE, PIXEL_M).unwrap().unwrap())
    }

    fn touching(heights: [f64; 2], apart: u32) -> usize {
        let (left, right) = (part(10, 10, 80, 50, heights[0]), part(90 + apart, 10, 75, 50, heights[1]));
        let mut labels = vec![0u16; 200 * 80];
        for (mask, label) in [(&left.0, 1), (&right.0, 2)] {
            for (u, v) in mask.pixels() {
                labels[(v * 200 + u) as usize] = label;
            }
        }
        let level = vec![0.0; labels.len()];
        let field = Field { labels: &labels, heights: &level, width: 200 };
        pairs(&field, &[(1, &left.0, Some(&left.1)), (2, &right.0, Some(&right.1))]).len()
    }

    #[test]
    fn parts_that_touch_in_one_plane_are_a_pair_and_others_are_not() {
        assert_eq!(touching([0.04, 0.04], 0), 1);
        assert_eq!(touching([0.04, 0.05], 0), 0);
        assert_eq!(touching([0.04, 0.04], 8), 0);
    }

    #[test]
    fn only_a_filled_side_of_a_known_sku_counts() {
        let name = SkuName::new("spaghetti").unwrap();
        let sku = Sku {
            name: name.clone(),
            barcode: None,
            size_m: [0.21, 0.07, 0.042],
            mass_kg: None,
            shape: Shape::Box,
            material: Material::Carton,
            fragility: Fragility::Normal,
            upright: false,
            size_unknown: false,
        };
        let catalogue = [(name.clone(), sku)].into_iter().collect();
        let check = |w: u32, h: u32, filled: f64, left: u32, expected: usize| {
            let (_, surface) = part(10, 10, w, h, 0.04);
            let area = filled * f64::from(w * h) * PIXEL_M * PIXEL_M;
            let manifest = [(name.clone(), left)].into_iter().collect();
            assert_eq!(sides_of(&surface, area, &manifest, &catalogue).len(), expected, "{w} × {h}");
        };
        check(155, 52, 1.0, 1, 1);
        check(155, 52, 0.7, 1, 0);
        check(155, 52, 1.0, 0, 0);
        check(110, 52, 1.0, 1, 0);
    }
}
