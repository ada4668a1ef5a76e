//! A closed surface of triangles as a solid: ray casts, extents, inertia, convex parts for the bodies.

use nalgebra::{Matrix3, Point3, Vector3};
use rapier3d::math::Vector as EngineVector;
use rapier3d::parry::query::{Ray, RayCast};
use rapier3d::parry::shape::TriMesh;
use rapier3d::parry::transformation::vhacd::{VHACD, VHACDParameters};

use super::shape::Hit;
use crate::look::Mesh;

/// Voxels along the longest side and most parts of a decomposition: a tub with its lid, a bottle with its neck
/// and a blister come out in two to eight parts (estimates).
const VOXELS: u32 = 40;
const MOST_PARTS: u32 = 8;
/// How far a part may bulge over the surface before it is cut again, a share of the whole (estimate).
const CONCAVITY: f32 = 0.015;
/// How far beside a ray another one is sent to see whether the first slipped through an edge, metres.
const BESIDE_M: f64 = 5e-6;
/// A surface that encloses less than this share of its box is not closed: the box's inertia is taken.
const LEAST_FILL: f64 = 1e-3;

/// A solid bounded by triangles, in its item's frame, metres.
#[derive(Debug)]
pub(crate) struct Hull {
    surface: TriMesh,
    /// Corners of the convex parts that bodies collide as.
    pub parts: Vec<Vec<Point3<f64>>>,
    /// Half sides of the box around it that is centred on the frame.
    pub half: Vector3<f64>,
    /// Radius of the ball round the frame's origin.
    pub radius: f64,
    /// Inertia about the centroid for one kilogram, m².
    pub unit_inertia: Matrix3<f64>,
}

impl Hull {
    /// From a mesh that is closed and counter-clockwise seen from outside, and its convex parts.
    ///
    /// `None` for a mesh without a triangle.
    pub fn new(mesh: &Mesh, parts: &[Vec<[f64; 3]>]) -> Option<Self> {
        let surface = TriMesh::new(engine_points(mesh), mesh.triangles.clone()).ok()?;
        let corners: Vec<Point3<f64>> = mesh.positions.iter().map(|p| Point3::from(p.map(f64::from))).collect();
        let half = corners.iter().fold(Vector3::zeros(), |half: Vector3<f64>, p| half.sup(&p.coords.abs()));
        let radius = corners.iter().map(|p| p.coords.norm()).fold(0.0, f64::max);
        Some(Self {
            surface,
            parts: parts.iter().map(|part| part.iter().copied().map(Point3::from).collect()).collect(),
            half,
            radius,
            unit_inertia: unit_inertia(&corners, &mesh.triangles, &half),
        })
    }

    /// How far the parts reach along a unit direction.
    pub fn reach(&self, direction: &Vector3<f64>) -> f64 {
        self.parts.iter().flatten().map(|p| p.coords.dot(direction)).fold(0.0, f64::max)
    }

    /// Where a ray meets the surface; at its origin when that lies inside.
    ///
    /// A ray can slip through between two triangles that share an edge and then meets the far side from within. So
    /// an origin counts as inside when rays beside it say so too.
    pub fn cast(&self, origin: &Point3<f64>, direction: &Vector3<f64>) -> Option<Hit> {
        let hit = self.cast_once(origin, direction)?;
        if hit.distance > 0.0 {
            return Some(hit);
        }
        let across = direction.cross(&Vector3::ith(direction.iamin(), 1.0)).normalize() * BESIDE_M;
        let beside = [across, direction.cross(&across)].map(|off| self.cast_once(&(origin + off), direction));
        beside.into_iter().flatten().find(|hit| hit.distance > 0.0).or(Some(hit))
    }

    fn cast_once(&self, origin: &Point3<f64>, direction: &Vector3<f64>) -> Option<Hit> {
        let ray = Ray::new(to_engine(&origin.coords), to_engine(direction));
        let hit = self.surface.cast_local_ray_and_get_normal(&ray, f32::MAX, false)?;
        let triangle = self.surface.triangle(hit.subshape);
        let normal = from_engine(triangle.scaled_normal()).try_normalize(0.0)?;
        if normal.dot(direction) > 0.0 {
            return Some(Hit { distance: 0.0, normal: -direction });
        }
        Some(Hit { distance: f64::from(hit.time_of_impact), normal })
    }
}

/// Takes a closed mesh apart into convex parts: the corners of each, metres. What a catalogue keeps as
/// `truth/parts.json`. Approximate convex decomposition (Mamou, V-HACD) by the engine's geometry library.
#[must_use]
pub fn convex_parts(mesh: &Mesh) -> Vec<Vec<[f64; 3]>> {
    let parameters = VHACDParameters {
        resolution: VOXELS,
        max_convex_hulls: MOST_PARTS,
        concavity: CONCAVITY,
        ..VHACDParameters::default()
    };
    let points = engine_points(mesh);
    let parts = VHACD::decompose(&parameters, &points, &mesh.triangles, true);
    let hulls = parts.compute_exact_convex_hulls(&points, &mesh.triangles);
    let corners = |(corners, _): (Vec<EngineVector>, _)| -> Vec<[f64; 3]> {
        corners.into_iter().map(|p| from_engine(p).into()).collect()
    };
    hulls.into_iter().map(corners).filter(|corners| corners.len() >= 4).collect()
}

/// Second moments of the enclosed volume by signed tetrahedra from the origin (Blow and Binstock 2004), moved
/// to the centroid.
fn unit_inertia(corners: &[Point3<f64>], triangles: &[[u32; 3]], half: &Vector3<f64>) -> Matrix3<f64> {
    let (mut volume, mut first, mut second) = (0.0, Vector3::zeros(), Matrix3::zeros());
    for triangle in triangles {
        let [a, b, c] = triangle.map(|i| corners[i as usize].coords);
        let six = a.dot(&b.cross(&c));
        let sum = a + b + c;
        volume += six / 6.0;
        first += sum * (six / 24.0);
        second += (a * a.transpose() + b * b.transpose() + c * c.transpose() + sum * sum.transpose()) * (six / 120.0);
    }
    let mut covariance = Matrix3::from_diagonal(&half.component_mul(half)) / 3.0;
    if volume > LEAST_FILL * 8.0 * half.product() {
        let centroid = first / volume;
        covariance = second / volume - centroid * centroid.transpose();
    }
    Matrix3::identity() * covariance.trace() - covariance
}

fn engine_points(mesh: &Mesh) -> Vec<EngineVector> {
    mesh.positions.iter().map(|&[x, y, z]| EngineVector::new(x, y, z)).collect()
}

fn to_engine(v: &Vector3<f64>) -> EngineVector {
    EngineVector::new(v.x as f32, v.y as f32, v.z as f32)
}

fn from_engine(v: EngineVector) -> Vector3<f64> {
    Vector3::new(f64::from(v.x), f64::from(v.y), f64::from(v.z))
}

/// Meshes of simple solids, for tests here and of what builds on it.
#[cfg(test)]
pub(crate) mod solids {
    use super::{Mesh, Vector3};

    /// A closed surface of revolution about z through (radius, z) points from bottom to top; both ends are closed.
    pub fn turned(profile: &[[f64; 2]], segments: u32) -> Mesh {
        let mut mesh = Mesh::default();
        let mut corner = |p: Vector3<f64>| {
            mesh.positions.push([p.x as f32, p.y as f32, p.z as f32]);
            mesh.normals.push([0.0, 0.0, 1.0]);
            mesh.uvs.push([0.0, 0.0]);
            (mesh.positions.len() - 1) as u32
        };
        let rings: Vec<Vec<u32>> = profile
            .iter()
            .map(|&[r, z]| {
                (0..segments)
                    .map(|i| {
                        let (sin, cos) = (std::f64::consts::TAU * f64::from(i) / f64::from(segments)).sin_cos();
                        corner(Vector3::new(r * cos, r * sin, z))
                    })
                    .collect()
            })
            .collect();
        let ends = [profile[0][1], profile[profile.len() - 1][1]].map(|z| corner(Vector3::new(0.0, 0.0, z)));
        for i in 0..segments as usize {
            let j = (i + 1) % segments as usize;
            for pair in rings.windows(2) {
                mesh.triangles.extend([[pair[0][i], pair[0][j], pair[1][j]], [pair[0][i], pair[1][j], pair[1][i]]]);
            }
            mesh.triangles.push([ends[0], rings[0][j], rings[0][i]]);
            mesh.triangles.push([ends[1], rings[rings.len() - 1][i], rings[rings.len() - 1][j]]);
        }
        mesh
    }

    /// A block whose top is at z = 0 for negative x and `height` lower for positive x.
    pub fn step(height: f64) -> Mesh {
        let mut mesh = Mesh::default();
        for (side, low) in [(-1.0, 0.0), (1.0, height)] {
            let first = mesh.positions.len() as u32;
            // Corner k: bit 0 is x (towards the middle first), bit 1 is y, bit 2 is z.
            for k in 0..8 {
                let x = if k & 1 == 0 { 0.0 } else { 0.05 * side };
                let y = if k & 2 == 0 { -0.05 } else { 0.05 };
                let z = if k & 4 == 0 { -0.03 } else { -low };
                mesh.positions.push([x as f32, y as f32, z as f32]);
                mesh.normals.push([0.0, 0.0, 1.0]);
                mesh.uvs.push([0.0, 0.0]);
            }
            let faces = [[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]];
            for [a, b, c, d] in faces.map(|face: [u32; 4]| face.map(|k| first + k)) {
                // The block at negative x is a mirror image: its faces turn the other way.
                let halves = if side > 0.0 { [[a, b, c], [a, c, d]] } else { [[a, c, b], [a, d, c]] };
                mesh.triangles.extend(halves);
            }
        }
        mesh
    }

    /// A ball.
    pub fn ball(radius: f64) -> Mesh {
        let profile: Vec<[f64; 2]> = (0..=64)
            .map(|i| {
                let (sin, cos) = (std::f64::consts::PI * f64::from(i) / 64.0).sin_cos();
                [(radius * sin).max(1e-6), -radius * cos]
            })
            .collect();
        turned(&profile, 128)
    }
}

#[cfg(test)]
mod tests {
    use nalgebra::Isometry3;

    use super::solids::{ball, turned};
    use super::*;
    use crate::world::shape::Solid;

    fn solid(mesh: &Mesh) -> Solid {
        Solid::Mesh(Hull::new(mesh, &convex_parts(mesh)).unwrap().into())
    }

    #[test]
    fn a_turned_mesh_has_the_inertia_extents_and_casts_of_the_cylinder_it_follows() {
        let mesh = solid(&turned(&[[0.03, -0.05], [0.03, 0.05]], 96));
        let exact = Solid::Cylinder { radius: 0.03, half_height: 0.05 };
        assert!((mesh.half_extents() - exact.half_extents()).norm() < 1e-6);
        let off = (mesh.unit_inertia() - exact.unit_inertia()).norm() / exact.unit_inertia().norm();
        assert!(off < 3e-3, "inertia off by {off}");
        for k in 0..60 {
            let angle = f64::from(k) * 0.37;
            let from = Point3::new(0.1 * angle.cos(), 0.1 * angle.sin(), 0.001 * f64::from(k));
            let to = Point3::new(0.0, 0.0, 0.03 - 0.001 * f64::from(k));
            let direction = (to - from).normalize();
            let [a, b] = [&mesh, &exact].map(|s| s.cast(&Isometry3::identity(), &from, &direction, 1.0).unwrap());
            assert!((a.distance - b.distance).abs() < 5e-5, "{} and {} m", a.distance, b.distance);
        }
        let inside = mesh.cast(&Isometry3::identity(), &Point3::origin(), &Vector3::z(), 1.0).unwrap();
        assert_eq!(inside.distance, 0.0);
    }

    #[test]
    fn the_parts_of_a_bottle_cover_it_and_follow_its_neck() {
        let bottle = turned(&[[0.03, -0.08], [0.03, 0.03], [0.012, 0.05], [0.012, 0.08]], 32);
        let parts = convex_parts(&bottle);
        assert!((2..=8).contains(&parts.len()), "{} parts", parts.len());
        let hull = Hull::new(&bottle, &parts).unwrap();
        for axis in [Vector3::x(), -Vector3::y(), Vector3::z(), -Vector3::z()] {
            let exact = if axis.z == 0.0 { 0.03 } else { 0.08 };
            let reach = hull.reach(&axis);
            assert!((reach - exact).abs() < 0.003, "{reach} m along {axis:?}");
        }
        // Beside the neck there is air: no part reaches there.
        let widest = parts.iter().flatten().filter(|p| p[2] > 0.06).map(|p| p[0].hypot(p[1])).fold(0.0, f64::max);
        assert!(widest < 0.018, "{widest} m beside the neck");
    }

    #[test]
    fn a_ball_has_two_fifths_of_its_radius_squared() {
        let inertia = solid(&ball(0.04)).unit_inertia();
        for k in 0..3 {
            assert!((inertia[(k, k)] / (0.4 * 0.0016) - 1.0).abs() < 5e-3, "{inertia}");
        }
    }
}
