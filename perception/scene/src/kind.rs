//! What an item is like to hold.

use serde::{Deserialize, Serialize};

/// What an item is like. The first six exclude each other, porous or mesh among them; the last three may be true beside any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Gives nowhere.
    Rigid,
    /// Keeps its shape, gives under a cup.
    SemiRigid,
    /// Bends as a whole.
    Flexible,
    /// Film around loose content.
    LooseBag,
    /// Woven or knitted.
    Cloth,
    /// Holds no vacuum.
    PorousOrMesh,
    /// Breaks under a press that others bear.
    Fragile,
    /// Seen through: depth cameras err on it.
    Clear,
    /// Mirrors lamps: depth cameras err on it.
    Shiny,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Rigid,
        Self::SemiRigid,
        Self::Flexible,
        Self::LooseBag,
        Self::Cloth,
        Self::PorousOrMesh,
        Self::Fragile,
        Self::Clear,
        Self::Shiny,
    ];
}

/// How likely an item is of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct KindBelief {
    /// The kind.
    pub kind: Kind,
    /// Its probability, 0…1.
    pub p: f64,
}
