//! What lies in outlines that somebody else gives.

use opencv::core::Rect;
use scene::frame::{Tote, World};
use scene::{Item, Manifest, Mask, Pose, RgbdImage, SkuName};

use super::{EMBEDDING, Found, Part, Perception, check_mask, check_pose, checked_heights};
use crate::LookError;
use crate::cover::Field;
use crate::cut_out::grab_cut;
use crate::geometry::{geometry, middle};
use crate::{crop, input};

/// An outline of ours is that of a box when their boxes overlap by so much (intersection over union).
const SAME_BOX: f64 = 0.5;
/// What `GrabCut` leaves of a box is an item where it is at least this share of it.
const GRABBED_LEAST: f64 = 0.15;
/// How far around a box `GrabCut` sees what is not the item, in sides of the box.
const AROUND: f64 = 0.25;

impl Perception {
    /// Outlines of the items in boxes (left, top, width, height, pixels), in order: of those that the network finds the one
    /// whose box fits best, where one fits; else what `GrabCut` tells from what surrounds the box; else the whole box.
    /// `None` for a box outside the image.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn outline_boxes(
        &mut self,
        image: &RgbdImage,
        boxes: &[[f64; 4]],
        world_from_tote: &Pose<World, Tote>,
    ) -> Result<Vec<Option<Mask>>, LookError> {
        let found = self.find(image, world_from_tote)?;
        let mut taken = vec![false; found.len()];
        let mut masks = Vec::with_capacity(boxes.len());
        for given in boxes {
            let Some(whole) = box_mask(image, given) else {
                masks.push(None);
                continue;
            };
            let fits = |k: &usize| (overlap(&found[*k].mask, &whole) * 1e6) as u64;
            let best = (0..found.len()).filter(|k| !taken[*k]).max_by_key(fits);
            masks.push(Some(match best.filter(|&k| overlap(&found[k].mask, &whole) >= SAME_BOX) {
                Some(k) => {
                    taken[k] = true;
                    let within: Vec<_> = found[k].mask.pixels().filter(|&(u, v)| whole.contains(u, v)).collect();
                    Mask::from_pixels(&within).unwrap_or(whole)
                }
                None => grabbed(image, &whole)?.unwrap_or(whole),
            }));
        }
        Ok(masks)
    }

    /// What outlined items may be and how they lie, by all that the image says, depth included where there is any: one item
    /// a mask, in order. Masks may overlap; of the pixels that two have, the later one has them for who lies on whom.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn look_at(
        &mut self,
        image: &RgbdImage,
        masks: &[Mask],
        manifest: &Manifest,
        world_from_tote: &Pose<World, Tote>,
    ) -> Result<Vec<Item>, LookError> {
        self.prepare(manifest)?;
        check_pose("world_from_tote", world_from_tote.is_finite())?;
        let heights = checked_heights(image, world_from_tote)?;
        let width = image.width();
        let mut labels = vec![0u16; heights.len()];
        for ((index, mask), label) in masks.iter().enumerate().zip(1u16..) {
            check_mask(image, index, mask)?;
            mask.pixels().for_each(|(u, v)| labels[v as usize * width + u as usize] = label);
        }
        let field = Field { labels: &labels, heights: &heights, width };
        let cosines = self.cosines(image, &masks.iter().collect::<Vec<_>>(), manifest)?;
        let mut parts = Vec::with_capacity(masks.len());
        for ((mask, cosines), label) in masks.iter().zip(&cosines).zip(1u16..) {
            let geometry = geometry(image, &field, label, mask)?;
            let middle = middle(image, world_from_tote, mask, &geometry);
            let beliefs = self.believe(manifest, cosines, &geometry);
            let found = Found { mask: mask.clone(), score: 1.0 };
            parts.push(Part { label, found, geometry, middle, beliefs });
        }
        Ok(self.items(image, world_from_tote, &labels, parts))
    }

    /// Runs both networks and nothing else, on one picture and so many crops of noise: what a bench compares with another
    /// program that runs the same models.
    ///
    /// # Errors
    /// [`LookError::Network`].
    pub fn infer(&mut self, crops: usize) -> Result<(), LookError> {
        let noise = |count: usize| -> Vec<f32> {
            (0..count).map(|i| (i as u32).wrapping_mul(2_654_435_761) as f32 / u32::MAX as f32 - 0.5).collect()
        };
        let shape = [1, input::CHANNELS, input::HEIGHT, input::WIDTH];
        let picture = noise(shape.iter().product());
        self.instances
            .run(shape, &picture)
            .map_err(|error| LookError::Network { network: "instances", why: error.to_string() })?;
        self.embed(&noise(crops * crop::CROP)).map(|_| ())
    }

    /// The other SKU of a manifest whose views look most like those of a SKU, with the greatest cosine of any two views.
    ///
    /// # Errors
    /// [`LookError`] for SKUs that the catalogue does not have, and a network that does not run.
    pub fn most_alike(&mut self, sku: &SkuName, among: &Manifest) -> Result<Option<(SkuName, f64)>, LookError> {
        self.prepare(among)?;
        let views = |name: &SkuName| self.gallery.get(name).map_or(&[][..], Vec::as_slice).chunks_exact(EMBEDDING);
        let dot = |a: &[f32], b: &[f32]| f64::from(a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>());
        // Of one of the two every fourth is enough: the others are its quarter turns.
        let near = |name: &SkuName| {
            let pairs = views(sku).step_by(4).flat_map(|own| views(name).map(move |other| dot(own, other)));
            pairs.fold(-1.0, f64::max)
        };
        let others = among.keys().filter(|name| *name != sku).map(|name| (name.clone(), near(name)));
        Ok(others.max_by(|a, b| a.1.total_cmp(&b.1)))
    }

    /// How alike outlined items and the manifest's SKUs look: for each mask the greatest cosine to any view of each SKU, in
    /// the manifest's order, −1…1.
    ///
    /// # Errors
    /// [`LookError`].
    pub fn likeness(
        &mut self,
        image: &RgbdImage,
        masks: &[Mask],
        manifest: &Manifest,
    ) -> Result<Vec<Vec<f64>>, LookError> {
        self.prepare(manifest)?;
        super::check_size(image)?;
        for (index, mask) in masks.iter().enumerate() {
            check_mask(image, index, mask)?;
        }
        self.cosines(image, &masks.iter().collect::<Vec<_>>(), manifest)
    }
}

/// The pixels of a box that lie in the image.
fn box_mask(image: &RgbdImage, &[x, y, w, h]: &[f64; 4]) -> Option<Mask> {
    let polygon = vec![x, y, x + w, y, x + w, y + h, x, y + h];
    crate::fill_polygons(&[polygon], image.intrinsics.width, image.intrinsics.height)
}

/// Intersection over union of the boxes of two masks.
fn overlap(a: &Mask, b: &Mask) -> f64 {
    let side = |a0: u32, aw: u32, b0: u32, bw: u32| f64::from((a0 + aw).min(b0 + bw).saturating_sub(a0.max(b0)));
    let both = side(a.x, a.width, b.x, b.width) * side(a.y, a.height, b.y, b.height);
    let area = |m: &Mask| f64::from(m.width) * f64::from(m.height);
    both / (area(a) + area(b) - both)
}

/// What `GrabCut` leaves of a box: `None` where that is next to nothing.
fn grabbed(image: &RgbdImage, whole: &Mask) -> Result<Option<Mask>, LookError> {
    let (width, height) = (image.width() as u32, image.height() as u32);
    let reach = |side: u32| (AROUND * f64::from(side)).ceil() as u32 + 4;
    let (left, top) = (whole.x.saturating_sub(reach(whole.width)), whole.y.saturating_sub(reach(whole.height)));
    let right = (whole.x + whole.width + reach(whole.width)).min(width);
    let bottom = (whole.y + whole.height + reach(whole.height)).min(height);
    let row = |v: u32| &image.rgb[3 * (v * width + left) as usize..3 * (v * width + right) as usize];
    let part: Vec<u8> = (top..bottom).flat_map(row).copied().collect();
    let place = |x: u32| i32::try_from(x).unwrap_or(i32::MAX);
    let rect = Rect::new(place(whole.x - left), place(whole.y - top), place(whole.width), place(whole.height));
    // A box that is all of the picture has nothing around it to learn from.
    if right - left == whole.width && bottom - top == whole.height {
        return Ok(None);
    }
    let bits = grab_cut(&part, (right - left) as usize, rect)?;
    let wide = right - left;
    let inside = bits.iter().zip(0u32..).filter(|(bit, _)| **bit == 1).map(|(_, i)| (left + i % wide, top + i / wide));
    let pixels: Vec<(u32, u32)> = inside.collect();
    let enough = pixels.len() as f64 >= GRABBED_LEAST * f64::from(whole.width) * f64::from(whole.height);
    Ok(Mask::from_pixels(&pixels).filter(|_| enough))
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::{Intrinsics, Timestamp};

    fn square() -> RgbdImage {
        let mut rgb = Vec::new();
        for i in 0..160 * 120u32 {
            let (x, y) = (i % 160, i / 160);
            let noise = (i * 7919 % 13) as u8;
            let colour = if (50..90).contains(&x) && (40..70).contains(&y) { [180, 40, 30] } else { [40, 60, 120] };
            rgb.extend(colour.map(|c: u8| c + noise));
        }
        let intrinsics = Intrinsics { width: 160, height: 120, fx: 200.0, fy: 200.0, cx: 79.5, cy: 59.5 };
        let world_from_camera = Pose::identity();
        RgbdImage { taken_at: Timestamp::ZERO, intrinsics, world_from_camera, rgb, depth_m: vec![f32::NAN; 160 * 120] }
    }

    #[test]
    fn an_item_of_one_colour_is_cut_from_its_box() {
        let image = square();
        let whole = box_mask(&image, &[44.0, 34.0, 52.0, 42.0]).unwrap();
        let cut = grabbed(&image, &whole).unwrap().unwrap();
        let right = cut.pixels().filter(|&(u, v)| (50..90).contains(&u) && (40..70).contains(&v)).count();
        assert!(right >= 1100 && cut.area() <= 1300, "{right} of 1200, {} in all", cut.area());
    }

    #[test]
    fn boxes_beside_and_over_all_of_the_image_are_no_trouble() {
        let image = square();
        assert!(box_mask(&image, &[500.0, 3.0, 10.0, 10.0]).is_none());
        let all = box_mask(&image, &[-5.0, -5.0, 500.0, 500.0]).unwrap();
        assert_eq!((all.area(), grabbed(&image, &all).unwrap()), (160 * 120, None));
    }

    #[test]
    fn boxes_overlap_by_their_intersection_over_their_union() {
        let image = square();
        let of = |x: f64, w: f64| box_mask(&image, &[x, 10.0, w, 10.0]).unwrap();
        assert_eq!(overlap(&of(10.0, 20.0), &of(20.0, 20.0)), 1.0 / 3.0);
        assert_eq!(overlap(&of(10.0, 20.0), &of(40.0, 20.0)), 0.0);
    }
}
