//! A grasp that was considered.

use control::{Container, Hold, ToolModel};
use scene::frame::Tote;
use scene::{Catalogue, HeightMap, Span};
use serde::Serialize;

use crate::rejection::{Rejection, Weakest};

/// What stands around the items of one tote.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    /// The tool.
    pub tool: &'a ToolModel,
    /// The tote that the items lie in.
    pub tote: &'a Container<Tote>,
    /// Heights in the tote, from the same look as the items.
    pub surface: &'a HeightMap<Tote>,
    /// What the site knows of its SKUs.
    pub catalogue: &'a Catalogue,
}

/// One cup of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CupFeatures {
    /// The cup's number.
    pub cup: usize,
    /// Probability that it seals, 0…1, the distance to the face's edge not counted.
    pub seal: f64,
    /// From its lip to the face's edge, metres.
    pub margin_m: f64,
    /// Unevenness beyond the camera's noise, root mean square, metres.
    pub rms_m: f64,
    /// Between the surface's normal and the tool's axis, radians.
    pub tilt_rad: f64,
    /// Way left when the first cup touches, metres.
    pub gap_m: f64,
}

/// What a candidate's score is made of. All of them probabilities, 0…1, unless named otherwise; zeros where
/// a rejection came before they were known.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Features {
    /// Each cup that shall seal.
    pub cups: Vec<CupFeatures>,
    /// All lips lie on the face where the tool really lands.
    pub on_face: f64,
    /// Enough cups seal: all of one or two, all but one of three and more.
    pub seal: f64,
    /// What seals holds the item at a usual acceleration.
    pub holds: f64,
    /// It doesn't swing so far that it touches something or comes down on an edge.
    pub steady: f64,
    /// The tool comes down without touching what it should not.
    pub room: f64,
    /// Nothing on the item spoils the lift.
    pub uncovered: f64,
    /// Force of one cup at the expected pressure, newtons.
    pub force_n: f64,
    /// Capacity over load at a usual acceleration, no unit.
    pub safety: f64,
    /// What gives way first.
    pub weakest: Weakest,
    /// The face's tilt from the vertical, radians.
    pub tilt_rad: f64,
}

/// A grasp with its rank and its reasons.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// What motion needs to know of it.
    pub hold: Hold,
    /// Probability of success, 0…1; of a rejected one as far as it was worked out. The baseline's is a rank only.
    pub score: f64,
    /// What the score is made of.
    pub features: Features,
    /// About how long the arm carries from there to the bin; `None` where nobody was asked.
    pub carry: Option<Span>,
    /// Why it is not taken; `None` for an accepted one.
    pub rejected: Option<Rejection>,
}
