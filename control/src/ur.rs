//! Inverse kinematics of the arms of Universal Robots in closed form. The order, shoulder, wrist, then the two links in
//! their plane, is that of Hawkins, "Analytic Inverse Kinematics for the Universal Robots UR-5/UR-10 Arms", 2013; the
//! equations here are worked out from the chain, with two-argument arc tangents for the wrist.

use core::f64::consts::{PI, TAU};

use nalgebra::{Isometry3, Vector3};

use crate::geometry::Ur;

/// How far beyond its range a sine or cosine may be and still count as its end: arm or shoulder stretched.
const BEYOND: f64 = 1e-9;
/// Sine of J5 below which J4 and J6 turn about one axis.
const STRAIGHT: f64 = 1e-10;

impl Ur {
    /// All configurations that put the flange there, in DH angles within ±π, J1 by J5 by J3: eight where nothing is
    /// singular, none where the flange is out of reach or the wrist is nearer to J1's axis than d4. With the wrist
    /// straight any J6 will do that the links can follow: it is 0 where they can.
    pub(crate) fn inverse(&self, base_from_flange: &Isometry3<f64>) -> Vec<[f64; 6]> {
        let mut out = Vec::with_capacity(8);
        let turn = base_from_flange.rotation.to_rotation_matrix();
        let [x6, y6, z6] = [0, 1, 2].map(|i| turn.matrix().column(i).into_owned());
        // Where J5's and J6's axes meet. It is d4 beside the plane that the two links move in.
        let wrist = base_from_flange.translation.vector - z6 * self.d6;
        let Some(shoulders) = both(self.d4 / wrist.xy().norm(), f64::asin, |angle| PI - angle) else { return out };
        for shoulder in shoulders.into_iter().flatten() {
            let q1 = wrist.y.atan2(wrist.x) + shoulder;
            let forward = Vector3::new(q1.cos(), q1.sin(), 0.0);
            // The axis of J2 to J4; in the flange's frame it is [sin q5 cos q6, −sin q5 sin q6, cos q5].
            let across = Vector3::new(q1.sin(), -q1.cos(), 0.0);
            let (x, y, z) = (across.dot(&x6), across.dot(&y6), across.dot(&z6));
            let sine = x.hypot(y);
            let q5 = sine.atan2(z);
            let mut add = |q5, q6| {
                let before = out.len();
                self.links(wrist, forward, across, [x6, y6, z6], [q1, q5, q6], &mut out);
                out.len() > before
            };
            if sine >= STRAIGHT {
                add(q5, (-y).atan2(x));
                add(-q5, y.atan2(-x));
                continue;
            }
            // J5's axis may point anywhere in the plane of the links: where J6 is 0, or from the shoulder on or back to it
            // where the links can't reach then.
            let out_from = wrist - across * self.d4 - Vector3::new(0.0, 0.0, self.d1);
            let x5 = across.cross(&out_from) * z;
            let on = (-x5.dot(&y6)).atan2(x5.dot(&x6));
            let _ = add(q5, 0.0) || add(q5, on) || add(q5, on + PI);
        }
        out
    }

    /// Adds J2, J3 and J4 for an arm whose J1, J5 and J6 are known.
    fn links(
        &self,
        wrist: Vector3<f64>,
        forward: Vector3<f64>,
        across: Vector3<f64>,
        [x6, y6, z6]: [Vector3<f64>; 3],
        [q1, q5, q6]: [f64; 3],
        out: &mut Vec<[f64; 6]>,
    ) {
        // Frame 5's x, then frame 4's: its y is `across`, its z runs along J5's axis.
        let x5 = x6 * q6.cos() - y6 * q6.sin();
        let x4 = x5 * q5.cos() - z6 * q5.sin();
        let z4 = x4.cross(&across);
        let sum = x4.z.atan2(x4.dot(&forward));
        // The end of the forearm in the plane of the two links, from J2's axis.
        let end = wrist - z4 * self.d5 - across * self.d4;
        let (u, v) = (end.dot(&forward), end.z - self.d1);
        let (a, b) = (self.a2, self.a3);
        let cosine = (u * u + v * v - a * a - b * b) / (2.0 * a * b);
        let Some(elbows) = both(cosine, f64::acos, |angle| -angle) else { return };
        for q3 in elbows.into_iter().flatten() {
            let q2 = v.atan2(u) - (b * q3.sin()).atan2(a + b * q3.cos());
            out.push([q1, q2, q3, sum - q2 - q3, q5, q6].map(within_half_turns));
        }
    }
}

/// The two angles of a sine or cosine, one at the end of its range, none beyond.
fn both(value: f64, angle: fn(f64) -> f64, other: fn(f64) -> f64) -> Option<[Option<f64>; 2]> {
    // Neither is what is not a number: the wrist on J1's axis of an arm without d4.
    if !(-1.0 - BEYOND..=1.0 + BEYOND).contains(&value) {
        return None;
    }
    let first = angle(value.clamp(-1.0, 1.0));
    Some([Some(first), (value.abs() < 1.0).then(|| other(first))])
}

fn within_half_turns(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

#[cfg(test)]
mod tests {
    use nalgebra::{Matrix3, Matrix4, Rotation3, Translation3, UnitQuaternion};
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const UR10E: Ur = Ur { d1: 0.1807, a2: -0.6127, a3: -0.57155, d4: 0.17415, d5: 0.11985, d6: 0.11655 };

    /// The maker's table as matrices: a turn and a way about z, a way and a turn about x.
    fn denavit_hartenberg(u: &Ur, q: &[f64; 6]) -> Matrix4<f64> {
        let quarter = core::f64::consts::FRAC_PI_2;
        let table = [
            (u.d1, 0.0, quarter),
            (0.0, u.a2, 0.0),
            (0.0, u.a3, 0.0),
            (u.d4, 0.0, quarter),
            (u.d5, 0.0, -quarter),
            (u.d6, 0.0, 0.0),
        ];
        table.iter().zip(q).fold(Matrix4::identity(), |before, ((d, a, alpha), theta)| {
            let (s, c) = theta.sin_cos();
            let (sa, ca) = alpha.sin_cos();
            #[rustfmt::skip]
            let each = Matrix4::new(
                c, -s * ca, s * sa, a * c,
                s, c * ca, -c * sa, a * s,
                0.0, sa, ca, *d,
                0.0, 0.0, 0.0, 1.0,
            );
            before * each
        })
    }

    fn pose(u: &Ur, q: &[f64; 6]) -> Isometry3<f64> {
        let matrix = denavit_hartenberg(u, q);
        let turn: Matrix3<f64> = matrix.fixed_view::<3, 3>(0, 0).into();
        let turn = UnitQuaternion::from_rotation_matrix(&Rotation3::from_matrix_unchecked(turn));
        Isometry3::from_parts(Translation3::new(matrix.m14, matrix.m24, matrix.m34), turn)
    }

    /// Largest difference of the elements of two poses.
    fn off(u: &Ur, q: &[f64; 6], wanted: &Isometry3<f64>) -> f64 {
        (denavit_hartenberg(u, q) - wanted.to_homogeneous()).amax()
    }

    fn apart(a: &[f64; 6], b: &[f64; 6]) -> f64 {
        a.iter().zip(b).fold(0.0, |most, (a, b)| within_half_turns(a - b).abs().max(most))
    }

    fn random(rng: &mut ChaCha8Rng) -> [f64; 6] {
        core::array::from_fn(|_| rng.random_range(-PI..PI))
    }

    #[test]
    fn every_branch_reaches_the_pose_and_one_is_where_it_came_from() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut worst, mut worst_back, mut eights) = (0.0_f64, 0.0_f64, 0);
        for n in 0..10_000 {
            let q = random(&mut rng);
            let wanted = pose(&UR10E, &q);
            let found = UR10E.inverse(&wanted);
            assert!((1..=8).contains(&found.len()), "{n}: {} branches", found.len());
            eights += usize::from(found.len() == 8);
            for other in &found {
                assert!(other.iter().all(|a| a.abs() <= PI + 1e-12), "{n}: {other:?}");
                worst = worst.max(off(&UR10E, other, &wanted));
            }
            // Near a singularity an angle is known to the root of what a pose is known to, no better.
            let back = found.iter().map(|other| apart(other, &q)).fold(f64::INFINITY, f64::min);
            assert!(back < 1e-6, "{n}: {q:?} is {back} rad from any branch");
            worst_back = worst_back.max(back);
            for (i, a) in found.iter().enumerate() {
                assert!(found[..i].iter().all(|b| apart(a, b) > 1e-9), "{n}: twice {a:?}");
            }
        }
        println!("worst pose {worst:.1e}, worst way back {worst_back:.1e} rad, {eights} of 10000 with eight branches");
        assert!(worst < 1e-9, "{worst}");
        assert!(eights > 4_000, "{eights}");
    }

    #[test]
    fn singular_poses_are_reached_by_the_branches_that_are_left() {
        let mut rng = ChaCha8Rng::seed_from_u64(8);
        let (mut zeros, mut others) = (0, 0);
        for n in 0..1_000 {
            let mut q = random(&mut rng);
            match n % 4 {
                // The wrist straight, one way or the other.
                0 => q[4] = 0.0,
                1 => q[4] = PI,
                // The elbow stretched, folded.
                2 => q[2] = 0.0,
                _ => q[2] = PI,
            }
            let wanted = pose(&UR10E, &q);
            let found = UR10E.inverse(&wanted);
            assert!(!found.is_empty(), "{n}: {q:?}");
            for other in &found {
                let off = off(&UR10E, other, &wanted);
                assert!(off < 1e-9, "{n}: {other:?} is off by {off}");
            }
            if n % 4 < 2 {
                let straight = found.iter().filter(|other| other[4].sin().abs() < 1e-9);
                zeros += straight.clone().filter(|other| other[5] == 0.0).count();
                others += straight.filter(|other| other[5] != 0.0).count();
                assert!(found.iter().any(|other| within_half_turns(other[4] - q[4]).abs() < 1e-9), "{n}: {found:?}");
            } else {
                let back = found.iter().map(|other| apart(other, &q)).fold(f64::INFINITY, f64::min);
                assert!(back < 1e-6, "{n}: {back} rad");
            }
        }
        println!("wrist straight: {zeros} with J6 at 0, {others} not");
        assert!(zeros > 700 && others < 300);
    }

    #[test]
    fn the_shoulder_keeps_its_distance_from_the_base_axis() {
        // The wrist's centre at d4 from J1's axis: one shoulder. A micrometre nearer: none.
        let flange =
            |x: f64| Isometry3::from_parts(Translation3::new(x, 0.0, 0.9 + UR10E.d6), UnitQuaternion::identity());
        let found = UR10E.inverse(&flange(UR10E.d4));
        assert!(!found.is_empty() && found.len() <= 4, "{found:?}");
        for q in &found {
            assert!(off(&UR10E, q, &flange(UR10E.d4)) < 1e-9, "{q:?}");
        }
        assert!(UR10E.inverse(&flange(UR10E.d4 - 1e-6)).is_empty());
        assert!(UR10E.inverse(&flange(0.0)).is_empty());
        assert!(UR10E.inverse(&flange(2.0)).is_empty());
        assert!(UR10E.inverse(&flange(f64::NAN)).is_empty());
    }

    #[test]
    fn the_chain_is_the_makers_table() {
        let robot = crate::RobotModel::find("ur10e", std::path::Path::new("")).unwrap();
        assert_eq!(robot.geometry, crate::Geometry::Ur(UR10E));
        let tool = crate::ToolModel::find("six-cup", std::path::Path::new("")).unwrap();
        let chain = crate::chain::Chain::new(&robot, &tool);
        let mut rng = ChaCha8Rng::seed_from_u64(9);
        let mut worst = 0.0_f64;
        for _ in 0..10_000 {
            let q = random(&mut rng);
            let tool = denavit_hartenberg(&UR10E, &q) * tool.flange_from_tool.isometry().to_homogeneous();
            worst = worst.max((chain.tool(&q).to_homogeneous() - tool).amax());
        }
        println!("worst difference {worst:.1e}");
        assert!(worst < 1e-12, "{worst}");
    }
}
