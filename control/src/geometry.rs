//! Link lengths of the two families of arms that a robot file may describe, and their chains of joints.

use core::f64::consts::FRAC_1_SQRT_2;

use nalgebra::{Isometry3, Quaternion, UnitQuaternion, Vector3};
use serde::{Deserialize, Serialize};

use crate::config::{Check, ConfigError};

/// Geometry of an arm with an ortho-parallel base and a spherical wrist
/// (Brandstötter, Angerer, Hofbaur: "An analytical solution of the inverse kinematics problem of
/// industrial serial manipulators with an ortho-parallel basis and a spherical wrist", 2014). Metres.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opw {
    /// J1's axis to J2's axis, forward.
    pub a1: f64,
    /// J3's axis to J4's axis, across the forearm.
    pub a2: f64,
    /// Sideways offset of the arm's plane from J1's axis.
    pub b: f64,
    /// Floor to J2's axis, up.
    pub c1: f64,
    /// J2's axis to J3's axis.
    pub c2: f64,
    /// J3's axis to the centre of the wrist, along the forearm.
    pub c3: f64,
    /// Centre of the wrist to the flange.
    pub c4: f64,
}

/// Geometry of an arm of Universal Robots: J2, J3 and J4 parallel, no spherical wrist. Metres, named
/// and signed as in the maker's table of DH parameters, so that `a2` and `a3` are negative. The world is the
/// controller's base frame; at all joints zero the arm lies along its −x.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ur {
    /// Floor to J2's axis, up.
    pub d1: f64,
    /// J2's axis to J3's axis, negative.
    pub a2: f64,
    /// J3's axis to J4's axis, negative.
    pub a3: f64,
    /// J1's axis to J5's axis, across the arm.
    pub d4: f64,
    /// J4's axis to J6's axis, along J5's.
    pub d5: f64,
    /// J5's axis to the flange, along J6's.
    pub d6: f64,
}

/// Which family, with its lengths: the table `[opw]` or `[ur]` of a robot file.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Geometry {
    /// Ortho-parallel base, spherical wrist: most industrial arms.
    Opw(Opw),
    /// Universal Robots.
    Ur(Ur),
}

/// Which joints of each family turn about z, a bit each from J1 on; the others turn about y.
pub(crate) const OPW_ABOUT_Z: u8 = 0b10_1001;
pub(crate) const UR_ABOUT_Z: u8 = 0b01_0001;

/// One joint of a chain: its frame stands at `shift` in the frame before, parallel to it at angle zero. Metres.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Step {
    pub(crate) shift: [f64; 3],
    /// +1, or −1 for an axis that points along −y or −z.
    pub(crate) sense: f64,
}

impl Geometry {
    /// Checks the two tables of a robot file, of which it must have exactly one.
    pub(crate) fn from_tables(check: &Check<'_>, opw: Option<Opw>, ur: Option<Ur>) -> Result<Self, ConfigError> {
        let rule = "exactly one of [opw] and [ur]";
        match (opw, ur) {
            (Some(opw), None) => opw.checked(check).map(Self::Opw),
            (None, Some(ur)) => ur.checked(check).map(Self::Ur),
            (None, None) => Err(check.refuse("geometry", "missing", rule)),
            (Some(_), Some(_)) => Err(check.refuse("geometry", "both [opw] and [ur]", rule)),
        }
    }

    /// The six joints. All frames stand parallel to the base where the angles of the geometry are zero: an `[opw]` arm
    /// points straight up there, a `[ur]` arm lies along −x with the flange facing −y.
    pub(crate) fn steps(&self) -> [Step; 6] {
        let step = |shift, sense| Step { shift, sense };
        match self {
            // Brandstötter et al. 2014, written as a chain.
            Self::Opw(o) => [
                step([0.0, 0.0, 0.0], 1.0),
                step([o.a1, o.b, o.c1], 1.0),
                step([0.0, 0.0, o.c2], 1.0),
                step([o.a2, 0.0, 0.0], 1.0),
                step([0.0, 0.0, o.c3], 1.0),
                step([0.0, 0.0, o.c4], 1.0),
            ],
            // The DH table with its right angles worked in. The way along J6's axis doesn't turn with it, so that the
            // last frame can stand at the flange.
            Self::Ur(u) => [
                step([0.0, 0.0, 0.0], 1.0),
                step([0.0, 0.0, u.d1], -1.0),
                step([u.a2, 0.0, 0.0], -1.0),
                step([u.a3, 0.0, 0.0], -1.0),
                step([0.0, -u.d4, 0.0], -1.0),
                step([0.0, -u.d6, -u.d5], -1.0),
            ],
        }
    }

    /// Which joints turn about z.
    pub(crate) fn about_z(&self) -> u8 {
        match self {
            Self::Opw(_) => OPW_ABOUT_Z,
            Self::Ur(_) => UR_ABOUT_Z,
        }
    }

    /// The maker's flange, z out of it, in the last frame of the chain.
    pub(crate) fn last_from_flange(&self) -> Isometry3<f64> {
        match self {
            Self::Opw(_) => Isometry3::identity(),
            // A quarter turn about x: the last frame's −y is out of the flange.
            Self::Ur(_) => {
                let quarter = Quaternion::from_parts(FRAC_1_SQRT_2, Vector3::new(FRAC_1_SQRT_2, 0.0, 0.0));
                Isometry3::from_parts(Vector3::zeros().into(), UnitQuaternion::from_quaternion(quarter))
            }
        }
    }

    /// Length of the stretched arm, metres: J2's axis to the wrist's centre, for `[ur]` to J4's axis.
    #[must_use]
    pub fn stretched_m(&self) -> f64 {
        match self {
            Self::Opw(o) => o.c2 + o.a2.hypot(o.c3),
            Self::Ur(u) => u.a2.abs() + u.a3.abs(),
        }
    }
}

impl Opw {
    fn checked(self, check: &Check<'_>) -> Result<Self, ConfigError> {
        for (field, value) in [("opw.a1", self.a1), ("opw.a2", self.a2), ("opw.b", self.b)] {
            check.range(field, value, -5.0..=5.0)?;
        }
        for (field, value) in [("opw.c1", self.c1), ("opw.c2", self.c2), ("opw.c3", self.c3), ("opw.c4", self.c4)] {
            check.range(field, value, 0.0..=5.0)?;
        }
        Ok(self)
    }
}

impl Ur {
    fn checked(self, check: &Check<'_>) -> Result<Self, ConfigError> {
        for (field, value) in [("ur.d1", self.d1), ("ur.d4", self.d4), ("ur.d5", self.d5), ("ur.d6", self.d6)] {
            check.range(field, value, 0.0..=5.0)?;
        }
        for (field, value) in [("ur.a2", self.a2), ("ur.a3", self.a3)] {
            check.range(field, value, -5.0..=-0.01)?;
        }
        Ok(self)
    }
}
