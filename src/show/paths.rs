//! Every entity path of the recording. Nothing else in the program spells one.
//!
//! ```text
//! world/                       metres, z up, the arm's base at the origin
//!   ground                     what stands in the cell
//!   robot/link-0 … link-6      capsules, each at its link's frame
//!   robot/tool/{body,cups,held}
//!   totes/NAME/{walls,surface} in the tote's frame
//!   bins/NAME/{walls,surface}  in the bin's frame
//!   bins/placement             where the item in hand is to rest
//!   cameras/NAME/{image,depth,masks,items,chosen,chosen/cups}
//!   clouds/NAME                coloured points of the newest image
//!   items/TOTE                 boxes of what perception sees
//!   grasps/{accepted,rejected,reasons}
//!   grasps/chosen/{approach,cups,tool}
//!   path                       the planned way of the tool
//! curves/{cups,manifold,load,angles,speeds}
//! steps, log/{steps,picks,warnings}, why/{choice,outcome}
//! ```

/// Root of everything that has a place in the cell.
pub const WORLD: &str = "world";
/// Boxes that stand in the cell.
pub const GROUND: &str = "world/ground";
/// The arm.
pub const ROBOT: &str = "world/robot";
/// The tool; its children are in the tool's frame.
pub const TOOL: &str = "world/robot/tool";
/// The tool's bodies.
pub const TOOL_BODY: &str = "world/robot/tool/body";
/// The tool's cups, coloured by their state.
pub const CUPS: &str = "world/robot/tool/cups";
/// The box that hangs on the tool.
pub const HELD: &str = "world/robot/tool/held";
/// Where the item in hand is to rest.
pub const PLACEMENT: &str = "world/bins/placement";
/// Everything about the newest choice of grasp.
pub const GRASPS: &str = "world/grasps";
/// Grasps that could have been tried.
pub const ACCEPTED: &str = "world/grasps/accepted";
/// Grasps that could not.
pub const REJECTED: &str = "world/grasps/rejected";
/// Why, one label a reason, each on a line to the first grasp that it refused.
pub const REASONS: &str = "world/grasps/reasons";
/// The grasp that is tried; its children are in the tool's frame there.
pub const CHOSEN: &str = "world/grasps/chosen";
/// The straight way to it.
pub const CHOSEN_APPROACH: &str = "world/grasps/chosen/approach";
/// Its cups as discs.
pub const CHOSEN_CUPS: &str = "world/grasps/chosen/cups";
/// The tool's outline there.
pub const CHOSEN_TOOL: &str = "world/grasps/chosen/tool";
/// The planned way of the tool.
pub const PATH: &str = "world/path";
/// Pressure below ambient of each cup, kilopascals.
pub const CUP_PRESSURES: &str = "curves/cups";
/// Pressure below ambient of the manifold, kilopascals.
pub const MANIFOLD: &str = "curves/manifold";
/// What hangs on the load cell, newtons.
pub const LOAD: &str = "curves/load";
/// Joint angles, degrees.
pub const ANGLES: &str = "curves/angles";
/// Joint speeds, degrees a second.
pub const SPEEDS: &str = "curves/speeds";
/// The cycle's step as a state.
pub const STEPS: &str = "steps";
/// All text.
pub const LOG: &str = "log";
/// The cycle's steps as text.
pub const STEP_LOG: &str = "log/steps";
/// One line a pick.
pub const PICK_LOG: &str = "log/picks";
/// What a person should read.
pub const WARNING_LOG: &str = "log/warnings";
/// Why the newest choice was made.
pub const WHY: &str = "why/choice";
/// What came of the last pick.
pub const OUTCOME: &str = "why/outcome";

/// Link 0 (the base) to 6 (the flange).
pub fn link(index: usize) -> String {
    format!("{ROBOT}/link-{index}")
}

/// A tote or a bin; its children are in its frame.
#[derive(Debug, Clone, Copy)]
pub enum Kind {
    /// A source.
    Tote,
    /// A target.
    Bin,
}

/// A tote or a bin.
pub fn container(kind: Kind, name: &str) -> String {
    match kind {
        Kind::Tote => format!("{WORLD}/totes/{name}"),
        Kind::Bin => format!("{WORLD}/bins/{name}"),
    }
}

/// Its walls.
pub fn walls(kind: Kind, name: &str) -> String {
    format!("{}/walls", container(kind, name))
}

/// Its height map.
pub fn surface(kind: Kind, name: &str) -> String {
    format!("{}/surface", container(kind, name))
}

/// A camera: the pinhole, and what is in pixels below it.
pub fn camera(name: &str) -> String {
    format!("{WORLD}/cameras/{name}")
}

/// Its newest colour image.
pub fn image(camera_name: &str) -> String {
    format!("{}/image", camera(camera_name))
}

/// Its newest depth image.
pub fn depth(camera_name: &str) -> String {
    format!("{}/depth", camera(camera_name))
}

/// The items' pixels.
pub fn masks(camera_name: &str) -> String {
    format!("{}/masks", camera(camera_name))
}

/// Boxes around the items' pixels, with names and probabilities.
pub fn item_boxes(camera_name: &str) -> String {
    format!("{}/items", camera(camera_name))
}

/// The chosen item's box among them.
pub fn chosen_box(camera_name: &str) -> String {
    format!("{}/chosen", camera(camera_name))
}

/// The cups of the chosen grasp in the image.
pub fn chosen_discs(camera_name: &str) -> String {
    format!("{}/cups", chosen_box(camera_name))
}

/// Coloured points of its newest image.
pub fn cloud(camera_name: &str) -> String {
    format!("{WORLD}/clouds/{camera_name}")
}

/// Boxes around what perception sees in a tote.
pub fn items(tote: &str) -> String {
    format!("{WORLD}/items/{tote}")
}
