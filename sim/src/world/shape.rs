//! The true outline of an item: ray casts, inertia and extents, in its own frame, metres.

use std::sync::Arc;

use nalgebra::{Isometry3, Matrix3, Point3, Vector3};

use super::hull::Hull;

/// A solid centred on the origin of its frame.
#[derive(Debug, Clone)]
pub(crate) enum Solid {
    /// A box with these half sides.
    Box {
        /// Half sides along x, y, z, metres.
        half: Vector3<f64>,
    },
    /// A cylinder along z.
    Cylinder {
        /// Radius, metres.
        radius: f64,
        /// Half of its length, metres.
        half_height: f64,
    },
    /// Whatever its triangles enclose.
    Mesh(Arc<Hull>),
}

/// Where a ray meets a solid.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Hit {
    /// Distance along the ray, metres; 0 when it begins inside.
    pub distance: f64,
    /// Outward normal in the frame that the ray was given in.
    pub normal: Vector3<f64>,
}

/// How an item gives way.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Soft {
    /// Stiffness of a face under a cup, N/m.
    pub stiffness: f64,
    /// Damping ratio.
    pub damping: f64,
    /// Share of the mass that shifts inside.
    pub slosh_share: f64,
}

/// What physics needs to know of one item.
#[derive(Debug, Clone)]
pub(crate) struct Matter {
    /// Its outline.
    pub solid: Solid,
    /// Mass, kilograms.
    pub mass_kg: f64,
    /// Centre of mass in the item's frame, metres.
    pub centre_of_mass: Vector3<f64>,
    /// Coefficient of friction of its surface.
    pub friction: f64,
    /// Coefficient of restitution.
    pub restitution: f64,
    /// How it gives way; rigid without.
    pub soft: Option<Soft>,
}

impl Solid {
    /// Half sides of the box around it.
    pub fn half_extents(&self) -> Vector3<f64> {
        match self {
            Self::Box { half } => *half,
            Self::Cylinder { radius, half_height } => Vector3::new(*radius, *radius, *half_height),
            Self::Mesh(hull) => hull.half,
        }
    }

    /// Radius of the ball around it.
    pub fn bounding_radius(&self) -> f64 {
        match self {
            Self::Box { half } => half.norm(),
            Self::Cylinder { radius, half_height } => radius.hypot(*half_height),
            Self::Mesh(hull) => hull.radius,
        }
    }

    /// How far it reaches along a unit direction in its own frame.
    pub fn reach(&self, direction: &Vector3<f64>) -> f64 {
        match self {
            Self::Box { half } => half.dot(&direction.abs()),
            Self::Cylinder { radius, half_height } => {
                radius * direction.x.hypot(direction.y) + half_height * direction.z.abs()
            }
            Self::Mesh(hull) => hull.reach(direction),
        }
    }

    /// Inertia of the homogeneous solid about its centroid for one kilogram, metres squared.
    pub fn unit_inertia(&self) -> Matrix3<f64> {
        match self {
            Self::Box { half } => {
                let s = half.component_mul(half);
                Matrix3::from_diagonal(&(Vector3::new(s.y + s.z, s.x + s.z, s.x + s.y) / 3.0))
            }
            Self::Cylinder { radius, half_height } => {
                let side = radius * radius / 4.0 + half_height * half_height / 3.0;
                Matrix3::from_diagonal(&Vector3::new(side, side, radius * radius / 2.0))
            }
            Self::Mesh(hull) => hull.unit_inertia,
        }
    }

    /// Where a ray given in the world meets the solid at `world_from_item`, within `longest` metres.
    pub fn cast(
        &self,
        world_from_item: &Isometry3<f64>,
        origin: &Point3<f64>,
        direction: &Vector3<f64>,
        longest: f64,
    ) -> Option<Hit> {
        let o = world_from_item.inverse_transform_point(origin);
        let d = world_from_item.inverse_transform_vector(direction);
        let hit = match self {
            Self::Box { half } => cast_box(half, &o, &d),
            Self::Cylinder { radius, half_height } => cast_cylinder(*radius, *half_height, &o, &d),
            Self::Mesh(hull) => hull.cast(&o, &d),
        }?;
        (hit.distance <= longest)
            .then(|| Hit { distance: hit.distance, normal: world_from_item.transform_vector(&hit.normal) })
    }
}

impl Matter {
    /// The mass that does not shift inside, kilograms.
    pub fn core_kg(&self) -> f64 {
        self.mass_kg * (1.0 - self.soft.map_or(0.0, |soft| soft.slosh_share))
    }

    /// Inertia of the core about the centre of mass, in the item's frame, kg m².
    pub fn inertia(&self) -> Matrix3<f64> {
        self.solid.unit_inertia() * self.core_kg()
    }

    /// Inverse inertia about the centre of mass, in the world, for an item turned by `rotation`.
    pub fn inverse_inertia(&self, rotation: &nalgebra::UnitQuaternion<f64>) -> Matrix3<f64> {
        let inertia = self.inertia() + Matrix3::identity() * 1e-9;
        let turn = rotation.to_rotation_matrix();
        turn.matrix() * inertia.try_inverse().unwrap_or_else(Matrix3::zeros) * turn.matrix().transpose()
    }
}

fn cast_box(half: &Vector3<f64>, o: &Point3<f64>, d: &Vector3<f64>) -> Option<Hit> {
    let (mut enter, mut leave) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut face = 0;
    for axis in 0..3 {
        if d[axis].abs() < 1e-12 {
            if o[axis].abs() > half[axis] {
                return None;
            }
            continue;
        }
        let at = |side: f64| (side * half[axis] - o[axis]) / d[axis];
        let near = at(-d[axis].signum());
        if near > enter {
            enter = near;
            face = axis;
        }
        leave = leave.min(at(d[axis].signum()));
    }
    if enter > leave || leave < 0.0 {
        return None;
    }
    let mut normal = Vector3::zeros();
    normal[face] = -d[face].signum();
    Some(Hit { distance: enter.max(0.0), normal })
}

fn cast_cylinder(radius: f64, half_height: f64, o: &Point3<f64>, d: &Vector3<f64>) -> Option<Hit> {
    let (mut enter, mut leave) = (f64::NEG_INFINITY, f64::INFINITY);
    let mut on_cap = false;
    if d.z.abs() < 1e-12 {
        if o.z.abs() > half_height {
            return None;
        }
    } else {
        let at = |side: f64| (side * half_height - o.z) / d.z;
        enter = at(-d.z.signum());
        leave = at(d.z.signum());
        on_cap = true;
    }
    let across = d.x * d.x + d.y * d.y;
    let offset = o.x * o.x + o.y * o.y - radius * radius;
    if across < 1e-18 {
        if offset > 0.0 {
            return None;
        }
    } else {
        let towards = o.x * d.x + o.y * d.y;
        let inside = towards * towards - across * offset;
        if inside < 0.0 {
            return None;
        }
        let root = inside.sqrt();
        let near = (-towards - root) / across;
        if near > enter {
            enter = near;
            on_cap = false;
        }
        leave = leave.min((-towards + root) / across);
    }
    if enter > leave || leave < 0.0 {
        return None;
    }
    let normal = if on_cap {
        Vector3::new(0.0, 0.0, -d.z.signum())
    } else {
        let at = o + d * enter;
        Vector3::new(at.x / radius, at.y / radius, 0.0)
    };
    Some(Hit { distance: enter.max(0.0), normal })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(solid: &Solid, origin: [f64; 3], direction: [f64; 3], expected: Option<f64>) {
        let hit = solid.cast(&Isometry3::identity(), &Point3::from(origin), &Vector3::from(direction).normalize(), 1.0);
        match (hit, expected) {
            (None, None) => {}
            (Some(hit), Some(expected)) => {
                assert!((hit.distance - expected).abs() < 1e-9, "{} m, expected {expected} m", hit.distance)
            }
            (hit, expected) => panic!("{hit:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn a_ray_meets_the_near_face_and_misses_beyond_the_edge() {
        let carton = Solid::Box { half: Vector3::new(0.05, 0.04, 0.03) };
        check(&carton, [0.0, 0.0, 0.1], [0.0, 0.0, -1.0], Some(0.07));
        check(&carton, [0.051, 0.0, 0.1], [0.0, 0.0, -1.0], None);
        check(&carton, [0.0, 0.0, 0.0], [0.0, 0.0, -1.0], Some(0.0));
        check(&carton, [0.0, 0.0, 0.1], [0.0, 0.0, 1.0], None);
        let can = Solid::Cylinder { radius: 0.03, half_height: 0.05 };
        check(&can, [0.0, 0.0, 0.1], [0.0, 0.0, -1.0], Some(0.05));
        check(&can, [0.1, 0.0, 0.0], [-1.0, 0.0, 0.0], Some(0.07));
        check(&can, [0.1, 0.031, 0.0], [-1.0, 0.0, 0.0], None);
        check(&can, [0.1, 0.0, 0.051], [-1.0, 0.0, 0.0], None);
    }

    #[test]
    fn the_normal_of_a_cylinders_side_points_away_from_its_axis() {
        let can = Solid::Cylinder { radius: 0.03, half_height: 0.05 };
        let hit = can
            .cast(&Isometry3::translation(0.0, 0.0, 1.0), &Point3::new(0.018, 0.1, 1.0), &-Vector3::y(), 1.0)
            .unwrap();
        assert!((hit.normal - Vector3::new(0.6, 0.8, 0.0)).norm() < 1e-9, "{:?}", hit.normal);
    }
}
