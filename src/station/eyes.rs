//! Who finds the items in an image of the tote.

use control::Container;
use perception::{LookError, Perception};
use scene::{Catalogue, Item, Manifest, RgbdImage, frame};

/// Finds items in images: the networks, or whoever a bench sets in their place.
pub trait Eyes: Send {
    /// What is known of SKUs.
    fn catalogue(&self) -> &Catalogue;

    /// The items in a tote.
    ///
    /// # Errors
    /// [`LookError`] when inference itself breaks.
    fn look(
        &mut self,
        image: &RgbdImage,
        manifest: &Manifest,
        tote: &Container<frame::Tote>,
    ) -> Result<Vec<Item>, LookError>;
}

impl Eyes for Perception {
    fn catalogue(&self) -> &Catalogue {
        Self::catalogue(self)
    }

    fn look(
        &mut self,
        image: &RgbdImage,
        manifest: &Manifest,
        tote: &Container<frame::Tote>,
    ) -> Result<Vec<Item>, LookError> {
        Self::look(self, image, manifest, &tote.world_from, tote.size)
    }
}
