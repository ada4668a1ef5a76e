//! The shape of what is seen of one item: its dominant plane, the rectangle in it, and how curved it is.

use nalgebra::{Matrix3, Matrix6, Point3, SymmetricEigen, Vector3, Vector6};

use crate::crop::rectangle;

/// A point this near the plane lies on it, metres: twice the depth noise of a stereo camera at 1.1 m
/// (constants: 1.5 to 3.5 mm at 1 to 1.5 m).
pub(crate) const ON_PLANE_M: f64 = 0.005;
/// A surface bulging more than this over its extent is curved, metres.
const CURVED_M: f64 = 0.002;
/// Planes tried before the best is refined.
const TRIES: usize = 64;
/// At most this many points decide between planes.
const JURY: usize = 320;
/// Fewer points than this have no shape.
const LEAST_POINTS: usize = 24;
/// Share of points cut off each end of an extent, against flying pixels.
const TRIM: f64 = 0.005;

/// A rectangle in the plane: its centre (plane coordinates) and sides, metres, the longer first.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patch {
    pub centre: [f64; 2],
    pub sides: [f64; 2],
}

/// What is seen of an item, in the frame of its dominant plane.
#[derive(Debug, Clone)]
pub(crate) struct Surface {
    /// The plane frame's origin in the world: the mean of the points on the plane.
    pub origin: Point3<f64>,
    /// The plane's normal, towards the camera; `x` along the longer side; `y = z × x`.
    pub z: Vector3<f64>,
    pub x: Vector3<f64>,
    pub y: Vector3<f64>,
    /// The rectangle around the points on the plane.
    pub face: Patch,
    /// The rectangle, along the same axes, around all points.
    pub whole: Patch,
    /// Where the surface is curved: w = a + b x + c y + d x² + e xy + f y² over the plane.
    pub quadric: Option<Vector6<f64>>,
}

impl Surface {
    /// A world point in plane coordinates.
    pub(crate) fn local(&self, point: &Point3<f64>) -> [f64; 3] {
        let d = point - self.origin;
        [d.dot(&self.x), d.dot(&self.y), d.dot(&self.z)]
    }
    /// A point in plane coordinates, in the world.
    pub(crate) fn world(&self, x: f64, y: f64, z: f64) -> Point3<f64> {
        self.origin + self.x * x + self.y * y + self.z * z
    }
}

/// Fits the surface; `None` with fewer than 24 points or points on one line.
pub(crate) fn surface(cloud: &[Point3<f64>], eye: &Point3<f64>, pixel_m: f64) -> opencv::Result<Option<Surface>> {
    if cloud.len() < LEAST_POINTS {
        return Ok(None);
    }
    let Some((origin, z)) = plane(cloud, eye) else {
        return Ok(None);
    };
    // Any axes in the plane first, the rectangle's then.
    let x0 = least_aligned(&z).cross(&z).normalize();
    let y0 = z.cross(&x0);
    let on_plane: Vec<(f32, f32)> = cloud
        .iter()
        .map(|p| p - origin)
        .filter(|d| d.dot(&z).abs() <= ON_PLANE_M)
        .map(|d| (d.dot(&x0) as f32, d.dot(&y0) as f32))
        .collect();
    let Some(around) = rectangle(&on_plane)? else {
        return Ok(None);
    };
    let mut x = x0 * around.angle.cos() + y0 * around.angle.sin();
    let mut y = z.cross(&x);
    let mut surface = Surface {
        origin,
        z,
        x,
        y,
        face: patch(cloud, &origin, &x, &y, Some(&z), pixel_m),
        whole: patch(cloud, &origin, &x, &y, None, pixel_m),
        quadric: None,
    };
    if surface.face.sides[1] > surface.face.sides[0] {
        (x, y) = (y, -x);
        surface.face = patch(cloud, &origin, &x, &y, Some(&z), pixel_m);
        surface.whole = patch(cloud, &origin, &x, &y, None, pixel_m);
        (surface.x, surface.y) = (x, y);
    }
    surface.quadric = curvature(cloud, &surface);
    Ok(Some(surface))
}

/// The axis of the world that lies furthest from a direction.
fn least_aligned(z: &Vector3<f64>) -> Vector3<f64> {
    if z.x.abs() < 0.7 { Vector3::x() } else { Vector3::y() }
}

/// The plane that most points lie on: a point of it and its normal towards the eye.
///
/// Triples come from a low-discrepancy sequence, so the same cloud gives the same plane.
pub(crate) fn plane(cloud: &[Point3<f64>], eye: &Point3<f64>) -> Option<(Point3<f64>, Vector3<f64>)> {
    let step = cloud.len().div_ceil(JURY);
    let jury: Vec<&Point3<f64>> = cloud.iter().step_by(step).collect();
    let pick = |k: usize, rate: f64| {
        let at = (k as f64 * rate).fract() * jury.len() as f64;
        jury[(at as usize).min(jury.len() - 1)]
    };
    let mut best: Option<(usize, Point3<f64>, Vector3<f64>)> = None;
    for k in 1..=TRIES {
        // The additive recurrence R3 (Roberts 2018): powers of 1/1.2207 fill the cube evenly.
        let (a, b, c) = (pick(k, 0.819_172_513), pick(k, 0.671_043_607), pick(k, 0.549_700_478));
        let normal = (b - a).cross(&(c - a));
        // Thin triangles say nothing: at least a square centimetre.
        if normal.norm() < 1e-4 {
            continue;
        }
        let normal = normal.normalize();
        let votes = jury.iter().filter(|p| (**p - a).dot(&normal).abs() <= ON_PLANE_M).count();
        if best.as_ref().is_none_or(|(most, ..)| votes > *most) {
            best = Some((votes, *a, normal));
        }
    }
    let (mut origin, mut normal) = match best {
        Some((_, origin, normal)) => (origin, normal),
        None => least_squares(cloud.iter())?,
    };
    for _ in 0..3 {
        let near = cloud.iter().filter(|p| (*p - origin).dot(&normal).abs() <= ON_PLANE_M);
        (origin, normal) = least_squares(near)?;
    }
    if normal.dot(&(eye - origin)) < 0.0 {
        normal = -normal;
    }
    Some((origin, normal))
}

/// Mean of the points and the direction in which they vary least.
pub(crate) fn least_squares<'a>(
    points: impl Iterator<Item = &'a Point3<f64>> + Clone,
) -> Option<(Point3<f64>, Vector3<f64>)> {
    let count = points.clone().count();
    if count < 3 {
        return None;
    }
    let mean = points.clone().fold(Vector3::zeros(), |sum, p| sum + p.coords) / count as f64;
    let spread = points.fold(Matrix3::zeros(), |sum, p| {
        let d = p.coords - mean;
        sum + d * d.transpose()
    });
    let eigen = SymmetricEigen::new(spread);
    let least = eigen.eigenvalues.imin();
    // Points on one line have two small directions, and no plane.
    let mut values: Vec<f64> = eigen.eigenvalues.iter().copied().collect();
    values.sort_by(f64::total_cmp);
    if values[1] <= 1e-9 * count as f64 {
        return None;
    }
    Some((Point3::from(mean), eigen.eigenvectors.column(least).into_owned().normalize()))
}

/// The extent of the points along two axes, ends trimmed; only those on the plane when `z` is given.
fn patch(
    cloud: &[Point3<f64>],
    origin: &Point3<f64>,
    x: &Vector3<f64>,
    y: &Vector3<f64>,
    z: Option<&Vector3<f64>>,
    pixel_m: f64,
) -> Patch {
    let offsets: Vec<Vector3<f64>> =
        cloud.iter().map(|p| p - origin).filter(|d| z.is_none_or(|z| d.dot(z).abs() <= ON_PLANE_M)).collect();
    let extent = |axis: &Vector3<f64>| {
        let mut along: Vec<f64> = offsets.iter().map(|d| d.dot(axis)).collect();
        let last = along.len().saturating_sub(1);
        let cut = (last as f64 * TRIM) as usize;
        if along.is_empty() {
            return (0.0, 0.0);
        }
        let (_, low, _) = along.select_nth_unstable_by(cut, f64::total_cmp);
        let low = *low;
        let (_, high, _) = along.select_nth_unstable_by(last - cut, f64::total_cmp);
        let high = *high;
        (0.5 * (low + high), (high - low) / (1.0 - 2.0 * TRIM) + pixel_m)
    };
    let ((cx, sx), (cy, sy)) = (extent(x), extent(y));
    Patch { centre: [cx, cy], sides: [sx, sy] }
}

/// A quadratic surface over the plane, if it bulges.
fn curvature(cloud: &[Point3<f64>], surface: &Surface) -> Option<Vector6<f64>> {
    let near: Vec<[f64; 3]> =
        cloud.iter().map(|p| surface.local(p)).filter(|p| p[2].abs() <= 2.0 * ON_PLANE_M).collect();
    if near.len() < 3 * LEAST_POINTS {
        return None;
    }
    let row = |p: &[f64; 3]| Vector6::new(1.0, p[0], p[1], p[0] * p[0], p[0] * p[1], p[1] * p[1]);
    let mut left = Matrix6::zeros();
    let mut right = Vector6::zeros();
    let mut reach = [0.0, 0.0];
    for p in &near {
        let r = row(p);
        left += r * r.transpose();
        right += r * p[2];
        reach[0] += p[0] * p[0] / near.len() as f64;
        reach[1] += p[1] * p[1] / near.len() as f64;
    }
    let q = left.cholesky()?.solve(&right);
    // The mean square of an even spread is a third of the square of its half-length.
    let bulge = (q[3].abs() * 3.0 * reach[0]).max(q[5].abs() * 3.0 * reach[1]);
    (bulge > CURVED_M).then_some(q)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EYE: Point3<f64> = Point3::new(0.0, 0.0, 1.2);

    /// A noisy surface z(x, y) over 0.12 × 0.08 m, turned by 30° about z.
    fn cloud(height: impl Fn(f64, f64) -> f64) -> Vec<Point3<f64>> {
        let (c, s) = (0.866_025_403_784, 0.5);
        let mut points = Vec::new();
        for j in 0..60 {
            for i in 0..90 {
                let (x, y) = (0.12 * (f64::from(i) / 89.0 - 0.5), 0.08 * (f64::from(j) / 59.0 - 0.5));
                let noise = 0.0015 * f64::from((i * 7919 + j * 104_729) % 17 - 8) / 8.0;
                points.push(Point3::new(c * x - s * y, s * x + c * y, height(x, y) + noise));
            }
        }
        points
    }

    #[test]
    fn a_flat_face_gives_its_normal_axes_and_sides() {
        let found = surface(&cloud(|_, _| 0.05), &EYE, 0.001).unwrap().unwrap();
        assert!(found.z.z > 0.9999, "normal is {}", found.z);
        assert!(found.x.x.abs() > 0.865 && found.x.x.abs() < 0.867, "{}", found.x);
        assert!((found.face.sides[0] - 0.12).abs() < 0.003, "{:?}", found.face);
        assert!((found.face.sides[1] - 0.08).abs() < 0.003, "{:?}", found.face);
        assert!(found.quadric.is_none());
        assert!((found.x.cross(&found.y) - found.z).norm() < 1e-9);
    }

    #[test]
    fn of_two_faces_the_larger_leads() {
        let steps = cloud(|x, _| if x > 0.02 { 0.05 + 2.0 * (0.02 - x) } else { 0.05 });
        let found = surface(&steps, &EYE, 0.001).unwrap().unwrap();
        assert!(found.z.z > 0.999, "normal is {}", found.z);
        assert!((found.face.sides[0] - 0.08).abs() < 0.006, "{:?}", found.face);
        assert!(found.whole.sides[0].max(found.whole.sides[1]) > 0.11);
    }

    #[test]
    fn a_lying_cylinder_is_curved_across_its_axis() {
        let found = surface(&cloud(|_, y| (0.045f64.powi(2) - y * y).sqrt()), &EYE, 0.001).unwrap().unwrap();
        let q = found.quadric.unwrap();
        assert!(q[3].abs() < 2.0 && q[5] < -5.0, "{q}");
    }

    #[test]
    fn few_points_and_points_on_a_line_have_no_shape() {
        let line: Vec<_> = (0..50).map(|i| Point3::new(f64::from(i) * 0.01, 0.0, 0.0)).collect();
        assert!(surface(&line, &EYE, 0.001).unwrap().is_none());
        assert!(surface(&line[..10], &EYE, 0.001).unwrap().is_none());
    }
}
