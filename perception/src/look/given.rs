//! What lies in outlines that somebody else gives.

use scene::frame::{Tote, World};
use scene::{Item, Manifest, Mask, Pose, RgbdImage};

use super::{Found, Likeness, Part, Perception, check_mask, check_pose, checked_heights};
use crate::LookError;
use crate::cover::Field;
use crate::geometry::{geometry, middle};

impl Perception {
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
        let alike = self.likeness_of(image, &masks.iter().collect::<Vec<_>>(), manifest)?;
        let mut parts = Vec::with_capacity(masks.len());
        for ((mask, Likeness { cosines, kinds }), label) in masks.iter().zip(alike).zip(1u16..) {
            let geometry = geometry(image, &field, label, mask)?;
            let middle = middle(image, world_from_tote, mask, &geometry);
            let beliefs = self.believe(manifest, &cosines, &geometry);
            let found = Found { mask: mask.clone(), score: 1.0 };
            parts.push(Part { label, found, geometry, middle, beliefs, kinds });
        }
        Ok(self.items(image, world_from_tote, &labels, parts))
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
        let alike = self.likeness_of(image, &masks.iter().collect::<Vec<_>>(), manifest)?;
        Ok(alike.into_iter().map(|like| like.cosines).collect())
    }
}
