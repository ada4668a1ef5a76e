//! One thing in a tote, as perception believes it to be.

use nalgebra::{Point3, Vector3};
use serde::{Deserialize, Serialize};

use crate::frame;
use crate::{Mask, Material, Pose, SkuName, Timestamp};

/// Which item of one look: counted from 0 in each image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ItemId(pub u32);

/// A probability that an item is of a SKU, or of none of the manifest's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Belief {
    /// The SKU, or `None` for "none of these".
    pub sku: Option<SkuName>,
    /// Its probability, 0…1; the beliefs of an item sum to 1.
    pub p: f64,
}

/// One thing in a tote: where it is, what it looks like, what it may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Which item of its image.
    pub id: ItemId,
    /// When the image was taken.
    pub taken_at: Timestamp,
    /// How sure the network is that this is one item, 0…1.
    pub score: f64,
    /// Its visible pixels.
    pub mask: Mask,
    /// What it may be, most likely first.
    pub beliefs: Vec<Belief>,
    /// Its visible surface: points in the world, metres, in mask order, pixels without depth left out.
    pub cloud: Vec<Point3<f64>>,
    /// Surface normals of `cloud`, in the world, unit length, pointing to the camera.
    pub normals: Vec<Vector3<f64>>,
    /// The box around what is seen: its centre and axes, z along the visible face's normal.
    pub world_from_item: Pose<frame::World, frame::Item>,
    /// Sides of that box along its axes, metres.
    pub size_m: [f64; 3],
    /// What it is probably made of.
    pub material: Material,
    /// How far it gives under a cup's press, 0 rigid … 1 limp.
    pub compliance: f64,
    /// Share of its outline that another item may cover, 0 free … 1 buried.
    pub covered: f64,
}

impl Item {
    /// The most likely SKU and its probability; `None` when "none of these" leads.
    #[must_use]
    pub fn best(&self) -> Option<(&SkuName, f64)> {
        let first = self.beliefs.first()?;
        first.sku.as_ref().map(|sku| (sku, first.p))
    }
}
