//! Rigid transforms whose frames the compiler checks.

use core::fmt;
use core::marker::PhantomData;
use core::ops::Mul;

use nalgebra::{Isometry3, Point3, Translation3, UnitQuaternion, Vector3};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::frame::Frame;

/// Maps coordinates in `B` to coordinates in `A`, in metres. Call it `a_from_b`.
///
/// Inner frames cancel:
///
/// ```
/// use scene::{Pose, frame};
/// let world_from_camera: Pose<frame::World, frame::Camera> = Pose::identity();
/// let camera_from_item: Pose<frame::Camera, frame::Item> = Pose::identity();
/// let world_from_item: Pose<frame::World, frame::Item> = world_from_camera * camera_from_item;
/// ```
///
/// and the wrong order doesn't compile:
///
/// ```compile_fail
/// use scene::{Pose, frame};
/// let world_from_camera: Pose<frame::World, frame::Camera> = Pose::identity();
/// let camera_from_item: Pose<frame::Camera, frame::Item> = Pose::identity();
/// let nonsense = camera_from_item * world_from_camera;
/// ```
pub struct Pose<A, B>(Isometry3<f64>, PhantomData<(A, B)>);

impl<A: Frame, B: Frame> Pose<A, B> {
    /// The transform between two frames that coincide.
    #[must_use]
    pub fn identity() -> Self {
        Self(Isometry3::identity(), PhantomData)
    }

    /// Takes an isometry that is known to map B to A.
    #[must_use]
    pub fn from_isometry(a_from_b: Isometry3<f64>) -> Self {
        Self(a_from_b, PhantomData)
    }

    /// A pose from the origin of B in A (metres) and the rotation that takes B's axes to A's.
    #[must_use]
    pub fn from_parts(origin: Vector3<f64>, rotation: UnitQuaternion<f64>) -> Self {
        Self(Isometry3::from_parts(Translation3::from(origin), rotation), PhantomData)
    }

    /// A pose that only shifts, metres.
    #[must_use]
    pub fn from_translation(origin: Vector3<f64>) -> Self {
        Self::from_parts(origin, UnitQuaternion::identity())
    }

    /// The bare isometry, for the borders to other libraries.
    #[must_use]
    pub fn isometry(&self) -> &Isometry3<f64> {
        &self.0
    }

    /// Maps the other way.
    #[must_use]
    pub fn inverse(&self) -> Pose<B, A> {
        Pose(self.0.inverse(), PhantomData)
    }

    /// A point given in B, in A. Metres.
    #[must_use]
    pub fn point(&self, in_b: &Point3<f64>) -> Point3<f64> {
        self.0.transform_point(in_b)
    }

    /// A direction given in B, in A; its length stays.
    #[must_use]
    pub fn direction(&self, in_b: &Vector3<f64>) -> Vector3<f64> {
        self.0.transform_vector(in_b)
    }

    /// The origin of B in A, metres.
    #[must_use]
    pub fn origin(&self) -> Point3<f64> {
        Point3::from(self.0.translation.vector)
    }

    /// The rotation that takes B's axes to A's.
    #[must_use]
    pub fn rotation(&self) -> UnitQuaternion<f64> {
        self.0.rotation
    }

    /// True when every number in it is finite.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        self.0.translation.vector.iter().chain(self.0.rotation.coords.iter()).all(|v| v.is_finite())
    }
}

impl<A: Frame, B: Frame, C: Frame> Mul<Pose<B, C>> for Pose<A, B> {
    type Output = Pose<A, C>;
    fn mul(self, b_from_c: Pose<B, C>) -> Pose<A, C> {
        Pose(self.0 * b_from_c.0, PhantomData)
    }
}

impl<A, B> Clone for Pose<A, B> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A, B> Copy for Pose<A, B> {}

impl<A, B> PartialEq for Pose<A, B> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<A: Frame, B: Frame> fmt::Debug for Pose<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (t, q) = (self.0.translation.vector, self.0.rotation.coords);
        write!(
            f,
            "{}_from_{} xyz [{:.4}, {:.4}, {:.4}] m, quaternion xyzw [{:.5}, {:.5}, {:.5}, {:.5}]",
            A::NAME,
            B::NAME,
            t.x,
            t.y,
            t.z,
            q.x,
            q.y,
            q.z,
            q.w
        )
    }
}

/// On the wire and in files: seven numbers, `[x, y, z, qx, qy, qz, qw]`, metres and a unit quaternion.
impl<A: Frame, B: Frame> Serialize for Pose<A, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (t, q) = (self.0.translation.vector, self.0.rotation.coords);
        [t.x, t.y, t.z, q.x, q.y, q.z, q.w].serialize(serializer)
    }
}

/// Refuses numbers that are not finite and quaternions whose length is off by more than 1 %.
impl<'de, A: Frame, B: Frame> Deserialize<'de> for Pose<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let v = <[f64; 7]>::deserialize(deserializer)?;
        let q = nalgebra::Quaternion::new(v[6], v[3], v[4], v[5]);
        if v.iter().any(|x| !x.is_finite()) {
            return Err(serde::de::Error::custom("pose has a number that is not finite"));
        }
        if (q.norm() - 1.0).abs() > 0.01 {
            return Err(serde::de::Error::custom(format!(
                "pose has a quaternion of length {:.4}, must be 1 within 0.01",
                q.norm()
            )));
        }
        Ok(Self::from_parts(Vector3::new(v[0], v[1], v[2]), UnitQuaternion::from_quaternion(q)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{Item, World};

    #[test]
    fn inverse_undoes_the_pose() {
        let pose = Pose::<World, Item>::from_parts(
            Vector3::new(0.1, -0.2, 0.3),
            UnitQuaternion::from_euler_angles(0.3, 0.2, 0.1),
        );
        let point = Point3::new(0.5, 0.6, 0.7);
        let back = pose.inverse().point(&pose.point(&point));
        assert!((back - point).norm() < 1e-12, "off by {} m", (back - point).norm());
    }

    #[test]
    fn a_pose_in_json_is_seven_numbers_and_a_bad_quaternion_is_refused() {
        let pose = Pose::<World, Item>::from_translation(Vector3::new(1.0, 2.0, 3.0));
        let text = serde_json::to_string(&pose).unwrap();
        assert_eq!(text, "[1.0,2.0,3.0,0.0,0.0,0.0,1.0]");
        assert_eq!(serde_json::from_str::<Pose<World, Item>>(&text).unwrap(), pose);
        let error = serde_json::from_str::<Pose<World, Item>>("[0,0,0,0,0,0,2]").unwrap_err();
        assert!(error.to_string().starts_with("pose has a quaternion of length 2.0000"), "{error}");
    }
}
