//! Why a grasp or a place is not taken.

use serde::Serialize;

/// Which of the three ways to let go comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weakest {
    /// The pull along the tool's axis.
    Pull,
    /// The lip is lifted on one side by the moment of the weight.
    Peel,
    /// The lips slide.
    Slip,
}

impl core::fmt::Display for Weakest {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Pull => "pull",
            Self::Peel => "peel",
            Self::Slip => "slip",
        })
    }
}

/// Why a grasp is not taken: who, the value, the limit.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum Rejection {
    /// A cup's lip would not lie wholly on the face.
    #[error("cup {cup} is over the edge: {margin_mm:.1} mm of face beside its lip; must be {limit_mm:.1} mm or more")]
    OverEdge {
        /// The cup's number.
        cup: usize,
        /// Least distance from the lip to the face's edge; negative is over it.
        margin_mm: f64,
        /// The least allowed.
        limit_mm: f64,
    },
    /// The surface under a cup is not even enough.
    #[error(
        "cup {cup} is on an uneven spot: {rms_mm:.1} mm rms beyond the camera's noise; must be {limit_mm:.1} mm or less"
    )]
    Uneven {
        /// The cup's number.
        cup: usize,
        /// What is left beside the noise.
        rms_mm: f64,
        /// The most allowed.
        limit_mm: f64,
    },
    /// Something stands under a cup's lip.
    #[error("cup {cup} is on a step of {step_mm:.1} mm; must be {limit_mm:.1} mm or less")]
    Step {
        /// The cup's number.
        cup: usize,
        /// Greatest distance from the face under the lip.
        step_mm: f64,
        /// The most allowed: half of the stroke.
        limit_mm: f64,
    },
    /// The camera has seen too little under a cup.
    #[error("cup {cup} is on {share:.0} % without depth; must be {limit:.0} % or less", share = share * 100.0, limit = limit * 100.0)]
    NoDepth {
        /// The cup's number.
        cup: usize,
        /// Share of its disc, 0…1.
        share: f64,
        /// The most allowed.
        limit: f64,
    },
    /// The face is too steep to come down on.
    #[error("face is tilted by {tilt_deg:.0}°; must be {limit_deg:.0}° or less")]
    TooSteep {
        /// From the vertical.
        tilt_deg: f64,
        /// The most allowed.
        limit_deg: f64,
    },
    /// The surface under one cup leans away from the tool's axis.
    #[error("cup {cup} leans by {tilt_deg:.0}°; must be {limit_deg:.0}° or less")]
    CupLeans {
        /// The cup's number.
        cup: usize,
        /// Between the surface's normal and the tool's axis.
        tilt_deg: f64,
        /// The most allowed.
        limit_deg: f64,
    },
    /// One cup would hang in the air when the others touch.
    #[error("cup {cup} is {gap_mm:.1} mm above the surface when the first touches; must be {limit_mm:.1} mm or less")]
    OutOfTouch {
        /// The cup's number.
        cup: usize,
        /// Way left when the first cup touches.
        gap_mm: f64,
        /// The most allowed.
        limit_mm: f64,
    },
    /// The item is too round for a lip.
    #[error("surface is bent to a radius of {radius_mm:.0} mm; must be {limit_mm:.0} mm or more for this cup")]
    TooCurved {
        /// The catalogue's radius.
        radius_mm: f64,
        /// The least for the cup.
        limit_mm: f64,
    },
    /// The ejector can't keep up with what leaks.
    #[error("{cups} cups on this material reach {pressure_kpa:.1} kPa; must be {limit_kpa:.1} kPa or more")]
    TooLeaky {
        /// How many cups.
        cups: usize,
        /// What they should reach.
        pressure_kpa: f64,
        /// The floor.
        limit_kpa: f64,
    },
    /// The cups can't carry it.
    #[error(
        "{cups} cups carry {mass_kg:.2} kg with a safety of {safety:.2} against {weakest}; must be {limit:.2} or more"
    )]
    TooHeavy {
        /// How many cups.
        cups: usize,
        /// The item's mass.
        mass_kg: f64,
        /// What gives way first.
        weakest: Weakest,
        /// Capacity over load at the least acceleration.
        safety: f64,
        /// The least allowed.
        limit: f64,
    },
    /// The tool would hit a wall of the tote.
    #[error("{body} is {over_mm:.0} mm inside a wall of the tote; must be {limit_mm:.0} mm clear")]
    HitsWall {
        /// Which part of the tool.
        body: String,
        /// How far.
        over_mm: f64,
        /// The clearance asked for.
        limit_mm: f64,
    },
    /// The tool would hit what lies beside the item.
    #[error("{body} is {over_mm:.0} mm inside a neighbour; must be {limit_mm:.0} mm clear")]
    HitsNeighbour {
        /// Which part of the tool.
        body: String,
        /// How far.
        over_mm: f64,
        /// The clearance asked for.
        limit_mm: f64,
    },
    /// A cup that isn't used would touch first.
    #[error("idle cup {cup} meets a neighbour {rise_mm:.0} mm before the face; must be {limit_mm:.0} mm or less")]
    IdleCupTouches {
        /// The cup's number.
        cup: usize,
        /// How far the neighbour stands above the plane of the lips.
        rise_mm: f64,
        /// The most allowed.
        limit_mm: f64,
    },
    /// Something lies on the item.
    #[error("item is covered by {share:.0} %; must be {limit:.0} % or less", share = share * 100.0, limit = limit * 100.0)]
    Covered {
        /// Share, 0…1.
        share: f64,
        /// The most allowed.
        limit: f64,
    },
    /// The arm can't reach it.
    #[error("arm can't reach it")]
    OutOfReach,
    /// What speaks against it in sum is too much.
    #[error("success is {:.0} % likely; must be {:.0} % or more", score * 100.0, limit * 100.0)]
    Unlikely {
        /// Probability of success.
        score: f64,
        /// The cell's threshold.
        limit: f64,
    },
    /// The arm reaches it, but no motion without collision was found.
    #[error("no motion leads there and on")]
    NoMotion,
}

/// Why a place is not taken.
#[derive(Debug, Clone, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "kebab-case", tag = "kind")]
pub enum PlaceRejection {
    /// The item is larger than the bin.
    #[error("item of {x_mm:.0} × {y_mm:.0} mm doesn't fit into the bin with a gap of {gap_mm:.0} mm")]
    TooLarge {
        /// Along the bin's x.
        x_mm: f64,
        /// Along the bin's y.
        y_mm: f64,
        /// On each side.
        gap_mm: f64,
    },
    /// It would stand out of the bin.
    #[error("item would reach up to {top_mm:.0} mm; must stay below the rim at {rim_mm:.0} mm")]
    AboveRim {
        /// Its upper side.
        top_mm: f64,
        /// The bin's rim.
        rim_mm: f64,
    },
    /// It would stand higher than the bin may be filled.
    #[error("item would reach up to {top_mm:.0} mm; the bin may be filled up to {fill_mm:.0} mm")]
    AboveFill {
        /// Its upper side.
        top_mm: f64,
        /// The bin's fill height.
        fill_mm: f64,
    },
    /// It must stay upright and would not.
    #[error("item's z axis would be {tilt_deg:.0}° from the vertical; must be within {limit_deg:.0}°")]
    NotUpright {
        /// Of the axis that the catalogue calls z.
        tilt_deg: f64,
        /// The most allowed.
        limit_deg: f64,
    },
    /// What is asked makes no sense.
    #[error("{what} is {value}; must be from {least} to {most}")]
    Unsound {
        /// What the number is, with its unit.
        what: &'static str,
        /// The number.
        value: f64,
        /// The least allowed.
        least: f64,
        /// The most allowed.
        most: f64,
    },
    /// It would tip.
    #[error("item would rest on {support:.0} % of its base and {corners} corners; must be {limit:.0} % or 3 corners", support = support * 100.0, limit = limit * 100.0)]
    Unstable {
        /// Share of the footprint at resting height, 0…1.
        support: f64,
        /// Corners at resting height.
        corners: usize,
        /// The least share with fewer than three corners.
        limit: f64,
    },
    /// Its centre is not over what carries it.
    #[error("what carries reaches {margin_mm:.1} mm beyond the item's centre; must be {limit_mm:.1} mm or more")]
    CentreNotCarried {
        /// In the direction in which it is least; negative where the centre hangs over.
        margin_mm: f64,
        /// The least allowed.
        limit_mm: f64,
    },
    /// Something below would bear too much.
    #[error("an item below would bear {load_n:.1} N; must be {limit_n:.1} N or less")]
    Crushes {
        /// Of all that would stand on it.
        load_n: f64,
        /// What its fragility allows.
        limit_n: f64,
    },
    /// A tall item would stand on bags.
    #[error("{share:.0} % of its base are on bags and it is {slender:.1} times as tall as wide; must be {limit:.1} times or less", share = share * 100.0)]
    OnLoose {
        /// Share of its base, 0…1.
        share: f64,
        /// Height by its narrower side.
        slender: f64,
        /// The most allowed on bags.
        limit: f64,
    },
    /// Something higher stands closer than the gap.
    #[error("neighbour stands {above_mm:.0} mm higher within {gap_mm:.0} mm of the item")]
    TooClose {
        /// Above the resting height.
        above_mm: f64,
        /// The gap to keep.
        gap_mm: f64,
    },
    /// Nobody has seen what is there.
    #[error("nobody has seen what lies there")]
    Unseen,
    /// The tool would hit a wall of the bin.
    #[error("{body} is {over_mm:.0} mm inside a wall of the bin; must be {limit_mm:.0} mm clear")]
    ToolHitsWall {
        /// Which part of the tool.
        body: String,
        /// How far.
        over_mm: f64,
        /// The clearance asked for.
        limit_mm: f64,
    },
    /// The tool would hit what stands in the bin.
    #[error("{body} is {over_mm:.0} mm inside what stands in the bin; must be {limit_mm:.0} mm clear")]
    ToolHitsNeighbour {
        /// Which part of the tool.
        body: String,
        /// How far.
        over_mm: f64,
        /// The clearance asked for.
        limit_mm: f64,
    },
    /// A cup would meet what stands in the bin before the item rests.
    #[error("cup {cup} meets what stands in the bin {rise_mm:.0} mm above the item; must be {limit_mm:.0} mm or less")]
    CupTouches {
        /// The cup's number.
        cup: usize,
        /// Above the plane of the lips.
        rise_mm: f64,
        /// The most allowed.
        limit_mm: f64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_says_who_the_value_and_the_limit() {
        let text = Rejection::OverEdge { cup: 2, margin_mm: 1.26, limit_mm: 3.0 }.to_string();
        assert_eq!(text, "cup 2 is over the edge: 1.3 mm of face beside its lip; must be 3.0 mm or more");
        let text = Rejection::Covered { share: 0.62, limit: 0.5 }.to_string();
        assert_eq!(text, "item is covered by 62 %; must be 50 % or less");
        let text =
            Rejection::TooHeavy { cups: 1, mass_kg: 2.5, weakest: Weakest::Peel, safety: 0.4, limit: 1.2 }.to_string();
        assert_eq!(text, "1 cups carry 2.50 kg with a safety of 0.40 against peel; must be 1.20 or more");
        let text = PlaceRejection::AboveRim { top_mm: 231.0, rim_mm: 220.0 }.to_string();
        assert_eq!(text, "item would reach up to 231 mm; must stay below the rim at 220 mm");
        let text = PlaceRejection::AboveFill { top_mm: 163.0, fill_mm: 150.0 }.to_string();
        assert_eq!(text, "item would reach up to 163 mm; the bin may be filled up to 150 mm");
        let text = PlaceRejection::NotUpright { tilt_deg: 90.0, limit_deg: 25.0 }.to_string();
        assert_eq!(text, "item's z axis would be 90° from the vertical; must be within 25°");
        let text = PlaceRejection::Unsound { what: "the held mass in kg", value: f64::NAN, least: 1e-4, most: 50.0 }
            .to_string();
        assert_eq!(text, "the held mass in kg is NaN; must be from 0.0001 to 50");
    }
}
