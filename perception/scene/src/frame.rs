//! The coordinate frames of the cell.
//!
//! ```text
//!                   Camera (x right, y down, z forward)
//!                     |
//!    Flange           v
//!      | z          +-------------+        +-----------+
//!    Tool           |  Tote       |        |  Bin      |
//!      v z          |  z up, at   |        |  z up     |
//!    [Item]         +--the floor--+        +-----------+
//!
//!    World: the arm's base, x forward, y left, z up
//! ```
//!
//! A frame is a type without values; it only marks a [`Pose`](crate::Pose).

/// What a frame must be to mark a pose: a type with a name for messages.
pub trait Frame: Copy + Send + Sync + 'static {
    /// The frame's name as it appears in messages and in the viewer.
    const NAME: &'static str;
}

macro_rules! frames {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {}
        impl Frame for $name { const NAME: &'static str = $text; }
    )*};
}

frames! {
    /// The arm's base: x forward, y left, z up, origin on the mounting plane.
    World = "world";
    /// A camera's optical frame: x right, y down, z forward, origin at the centre of projection.
    Camera = "camera";
    /// The arm's mounting face: z out of the face.
    Flange = "flange";
    /// The tool: z out of the cups, origin in the plane of the uncompressed lips, x along the row of three cups.
    Tool = "tool";
    /// An item: origin at the centre of its box, axes along the box's sides.
    Item = "item";
    /// A source tote: origin at the centre of the inner floor, x along the long side, z up.
    Tote = "tote";
    /// A target bin: origin at the centre of the inner floor, x along the long side, z up.
    Bin = "bin";
}
