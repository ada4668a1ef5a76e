//! Where a picture is taken from.

use nalgebra::{Isometry3, Rotation3, UnitQuaternion, Vector3};
use scene::{Intrinsics, Pose, frame};

/// A pinhole and where it stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct View {
    /// The pinhole.
    pub intrinsics: Intrinsics,
    /// Where it stands.
    pub world_from_camera: Pose<frame::World, frame::Camera>,
}

impl View {
    /// The pinhole of the cell's depth cameras: a 640 × 480 crop of a D415-like camera, f 940 px.
    pub const D415: Intrinsics = Intrinsics { width: 640, height: 480, fx: 940.0, fy: 940.0, cx: 319.5, cy: 239.5 };

    /// A camera at `eye` (world, metres) that looks straight down, image x along world x, image y along −y.
    #[must_use]
    pub fn down(eye: [f64; 3], intrinsics: Intrinsics) -> Self {
        let columns = [Vector3::x(), -Vector3::y(), -Vector3::z()];
        let rotation = UnitQuaternion::from_rotation_matrix(&Rotation3::from_basis_unchecked(&columns));
        Self { intrinsics, world_from_camera: Pose::from_parts(Vector3::from(eye), rotation) }
    }

    /// World to camera, for the inner loops.
    pub(crate) fn camera_from_world(&self) -> Isometry3<f64> {
        self.world_from_camera.isometry().inverse()
    }
}

impl From<&control::CameraMount> for View {
    fn from(mount: &control::CameraMount) -> Self {
        Self { intrinsics: mount.intrinsics, world_from_camera: mount.world_from_camera }
    }
}
