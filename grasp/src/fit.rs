//! Least squares: planes, and cylinders of a known radius.

use nalgebra::{Matrix4, Point3, Vector3, Vector4};

/// The plane z = a + b x + c y. The cameras look down, so the noise is in z.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Plane {
    pub(crate) a: f64,
    pub(crate) b: f64,
    pub(crate) c: f64,
}

impl Plane {
    pub(crate) fn z(&self, x: f64, y: f64) -> f64 {
        self.a + self.b * x + self.c * y
    }

    /// Unit normal with z up.
    pub(crate) fn normal(&self) -> Vector3<f64> {
        Vector3::new(-self.b, -self.c, 1.0).normalize()
    }

    /// How far a point lies above the plane, along its normal, metres.
    pub(crate) fn above(&self, x: f64, y: f64, z: f64) -> f64 {
        (z - self.z(x, y)) / (1.0 + self.b * self.b + self.c * self.c).sqrt()
    }
}

/// What a plane's least squares need of its points.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) n: f64,
    x: f64,
    y: f64,
    z: f64,
    xx: f64,
    xy: f64,
    yy: f64,
    xz: f64,
    yz: f64,
}

impl Sums {
    pub(crate) fn add(&mut self, x: f64, y: f64, z: f64) {
        self.n += 1.0;
        self.x += x;
        self.y += y;
        self.z += z;
        self.xx += x * x;
        self.xy += x * y;
        self.yy += y * y;
        self.xz += x * z;
        self.yz += y * z;
    }

    /// The plane of least squares; `None` for points that lie on a line or in a spot.
    pub(crate) fn plane(&self) -> Option<Plane> {
        if self.n < 6.0 {
            return None;
        }
        let (mx, my, mz) = (self.x / self.n, self.y / self.n, self.z / self.n);
        let (xx, yy) = (self.xx / self.n - mx * mx, self.yy / self.n - my * my);
        let xy = self.xy / self.n - mx * my;
        let (xz, yz) = (self.xz / self.n - mx * mz, self.yz / self.n - my * mz);
        let det = xx * yy - xy * xy;
        // Both spreads above 1 mm rms, or the slope across is made of noise alone.
        if det.is_nan() || det <= 1e-6 * (xx + yy).max(1e-6) {
            return None;
        }
        let b = (xz * yy - yz * xy) / det;
        let c = (yz * xx - xz * xy) / det;
        Some(Plane { a: mz - b * mx - c * my, b, c })
    }
}

/// A cylinder without ends.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Round {
    /// A point of the axis.
    pub(crate) at: Point3<f64>,
    /// Unit direction of the axis.
    pub(crate) axis: Vector3<f64>,
    /// Radius, metres.
    pub(crate) radius: f64,
}

impl Round {
    /// From the axis to the point, at a right angle to the axis.
    pub(crate) fn out(&self, p: &Point3<f64>) -> Vector3<f64> {
        let q = p - self.at;
        q - self.axis * q.dot(&self.axis)
    }

    /// How far a point lies outside, metres.
    pub(crate) fn above(&self, p: &Point3<f64>) -> f64 {
        self.out(p).norm() - self.radius
    }

    /// The upper point over (x, y) and the normal there; `None` beside the cylinder.
    pub(crate) fn top(&self, x: f64, y: f64) -> Option<(Point3<f64>, Vector3<f64>)> {
        let across = |v: Vector3<f64>| v - self.axis * v.dot(&self.axis);
        let from = across(Point3::new(x, y, 0.0) - self.at);
        let up = across(Vector3::z());
        let (a, b) = (up.norm_squared(), from.dot(&up));
        let root = b * b - a * (from.norm_squared() - self.radius * self.radius);
        if a < 0.1 || root < 0.0 {
            return None;
        }
        let p = Point3::new(x, y, (-b + root.sqrt()) / a);
        Some((p, self.out(&p) / self.radius))
    }

    /// Least squares with a fixed radius from a start (Gauss–Newton on the distance to the axis,
    /// Huber's weights at 4 mm); the root mean square of what remains, metres. `None` when it runs away.
    pub(crate) fn fitted(start: Self, points: &[Point3<f64>]) -> Option<(Self, f64)> {
        const HUBER_M: f64 = 0.004;
        let mut now = start;
        let mut rms = f64::INFINITY;
        for _ in 0..8 {
            let lateral = now.axis.cross(&Vector3::z()).try_normalize(1e-3)?;
            let upward = lateral.cross(&now.axis);
            let (mut left, mut right) = (Matrix4::<f64>::zeros(), Vector4::<f64>::zeros());
            let (mut sum, mut weights) = (0.0, 0.0);
            for p in points {
                let q = p - now.at;
                let (x, u, v) = (q.dot(&now.axis), q.dot(&lateral), q.dot(&upward));
                let distance = u.hypot(v).max(1e-6);
                let residual = distance - now.radius;
                let weight = (HUBER_M / residual.abs().max(1e-9)).min(1.0);
                let (du, dv) = (-u / distance, -v / distance);
                let row = Vector4::new(du, dv, x * du, x * dv);
                left += weight * row * row.transpose();
                right -= weight * residual * row;
                sum += weight * residual * residual;
                weights += weight;
            }
            rms = (sum / f64::max(weights, 1.0)).sqrt();
            for i in 0..4 {
                left[(i, i)] += 1e-9;
            }
            let step = left.cholesky()?.solve(&right);
            now.at += lateral * step[0] + upward * step[1];
            now.axis = (now.axis + lateral * step[2] + upward * step[3]).try_normalize(1e-3)?;
            if step.norm() < 1e-6 {
                break;
            }
            if (now.at - start.at).norm() > 3.0 * start.radius {
                return None;
            }
        }
        Some((now, rms))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plane_through_its_points_is_found_and_a_line_is_none() {
        let truth = Plane { a: 0.1, b: 0.3, c: -0.2 };
        let mut sums = Sums::default();
        for i in 0..40 {
            let (x, y) = (0.01 * f64::from(i % 8), 0.013 * f64::from(i / 8));
            sums.add(x, y, truth.z(x, y));
        }
        let found = sums.plane().unwrap();
        assert!((found.b - 0.3).abs() < 1e-9 && (found.c + 0.2).abs() < 1e-9, "{found:?}");
        assert!(found.above(0.0, 0.0, 0.1).abs() < 1e-12);
        let mut line = Sums::default();
        (0..40).for_each(|i| line.add(0.01 * f64::from(i), 0.0, 0.0));
        assert_eq!(line.plane(), None);
    }

    #[test]
    fn a_lying_cylinder_is_found_from_a_start_that_is_off() {
        let truth =
            Round { at: Point3::new(0.02, -0.01, 0.04), axis: Vector3::new(0.9, 0.4, 0.05).normalize(), radius: 0.035 };
        let mut points = Vec::new();
        for i in -15..=15 {
            for j in -8..=8 {
                let spot = truth.at + truth.axis * (0.003 * f64::from(i));
                let lateral = truth.axis.cross(&Vector3::z()).normalize();
                let spot = spot + lateral * (0.003 * f64::from(j));
                points.extend(truth.top(spot.x, spot.y).map(|(p, _)| p));
            }
        }
        let start = Round { at: Point3::new(0.015, 0.0, 0.045), axis: Vector3::x(), radius: 0.035 };
        let (found, rms) = Round::fitted(start, &points).unwrap();
        let miss = truth.out(&found.at).norm();
        assert!(rms < 1e-5 && miss < 1e-4, "rms {rms} m, axis off by {miss} m");
        assert!(found.axis.dot(&truth.axis).abs() > 0.9999);
    }
}
