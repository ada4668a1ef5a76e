//! Our suction beside the seal score of SuctionNet-1Billion (Cao et al. 2021) on shapes that can be written down. Theirs is
//! a score of geometry, ours an outcome in newtons: the table shows where they differ, it tunes neither.

use std::f64::consts::PI;
use std::fmt::Write as _;

use nalgebra::{Isometry3, Matrix3, Point3, Vector3};

use super::hull::{Hull, convex_parts, solids};
use super::shape::Solid;
use super::suction_tests::Stand;
use super::surface::Surface;
use crate::look::Mesh;

/// Their cup: radius, bins of its rim, most that may stand above its disc, weight of the mean squared residual in 1/m².
const RADIUS: f64 = 0.010;
const BINS: usize = 72;
const MOST_ABOVE_M: f64 = 0.005;
const RESIDUAL: f64 = 1e5;
/// Ours: the ring, how far it is pressed past the mean height under it and at least past the lowest, and what the
/// firmware calls a seal.
const RING: f64 = 0.012_75;
const PRESS_M: [f64; 2] = [0.003, 0.001];
const SEAL_PA: f64 = 15_000.0;
/// A smooth carton: 0.6 l/min at 40 kPa.
const CARTON: Surface = Surface::plain(1e-5);

/// Heights under a circle about the origin, looking down; `None` where nothing is.
fn heights(solid: &Solid, world_from: &Isometry3<f64>, radius: f64) -> Vec<Option<f64>> {
    (0..BINS)
        .map(|i| {
            let (sin, cos) = (2.0 * PI * i as f64 / BINS as f64).sin_cos();
            let from = Point3::new(radius * cos, radius * sin, 0.1);
            solid.cast(world_from, &from, &-Vector3::z(), 0.3).map(|hit| 0.1 - hit.distance)
        })
        .collect()
}

/// Their seal score for suction straight down at the origin; 0 where the rim hangs over an edge.
fn seal_score(solid: &Solid, world_from: &Isometry3<f64>) -> f64 {
    let Some(rim) = heights(solid, world_from, RADIUS).into_iter().collect::<Option<Vec<f64>>>() else {
        return 0.0;
    };
    let from = Point3::new(0.0, 0.0, 0.1);
    let middle = solid.cast(world_from, &from, &-Vector3::z(), 0.3).map_or(0.0, |hit| 0.1 - hit.distance);
    let disc = rim.iter().sum::<f64>() / BINS as f64;
    if rim.iter().chain([&middle]).any(|h| h - disc > MOST_ABOVE_M) {
        return 0.0;
    }
    let ideal = 2.0 * RADIUS * (PI / BINS as f64).sin();
    let stretched = (0..BINS).map(|i| ideal / ideal.hypot(rim[(i + 1) % BINS] - rim[i])).fold(1.0, f64::min);
    // Least squares plane: h = a + b x + c y.
    let (mut normal, mut right) = (Matrix3::zeros(), Vector3::zeros());
    let row = |i: usize| {
        let (sin, cos) = (2.0 * PI * i as f64 / BINS as f64).sin_cos();
        Vector3::new(1.0, RADIUS * cos, RADIUS * sin)
    };
    for (i, h) in rim.iter().enumerate() {
        normal += row(i) * row(i).transpose();
        right += row(i) * *h;
    }
    let plane = normal.try_inverse().unwrap() * right;
    let square = rim.iter().enumerate().map(|(i, h)| (h - row(i).dot(&plane)).powi(2)).sum::<f64>() / BINS as f64;
    stretched * (-RESIDUAL * square).exp()
}

/// A line of the table.
fn line(table: &mut String, what: &str, solid: &Solid, world_from: Isometry3<f64>) {
    let theirs = seal_score(solid, &world_from);
    let ring: Vec<f64> = heights(solid, &world_from, RING).into_iter().flatten().collect();
    let mean = ring.iter().sum::<f64>() / ring.len().max(1) as f64;
    let mut stand = Stand::new(solid, world_from, CARTON, None);
    let lowest = ring.iter().copied().fold(f64::INFINITY, f64::min);
    stand.seek((mean - PRESS_M[0]).min(lowest - PRESS_M[1]), 0.0);
    let (gap, pa) = (stand.cups[0].leak.gap_m2 * 1e6, stand.pa());
    let seals = pa >= SEAL_PA && stand.holds();
    let force = if seals { stand.pull().0 } else { 0.0 };
    let gap = if gap > 100.0 { "> 100".to_owned() } else { format!("{gap:.1}") };
    let _ = writeln!(
        table,
        "{what:<28} {theirs:>9.2} {gap:>9} {:>7.0} {:>6} {force:>8.1}",
        pa * 1e-3,
        if seals { "yes" } else { "no" }
    );
}

fn mesh(mesh: &Mesh) -> Solid {
    Solid::Mesh(Hull::new(mesh, &convex_parts(mesh)).unwrap().into())
}

#[test]
fn beside_suctionnets_seal_score() {
    let mut table = format!(
        "{:<28} {:>9} {:>9} {:>7} {:>6} {:>8}\n",
        "shape under the cup", "SuctionNet", "gap mm²", "kPa", "seals", "holds N"
    );
    let plate = Solid::Box { half: Vector3::new(0.06, 0.06, 0.02) };
    for degrees in [0.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0_f64] {
        let turned = Isometry3::rotation(Vector3::y() * degrees.to_radians());
        line(&mut table, &format!("plane, tilted {degrees:.0}°"), &plate, turned);
    }
    for mm in [12.0, 15.0, 18.0, 20.0, 22.0, 25.0, 30.0, 40.0, 60.0] {
        let can = Solid::Cylinder { radius: mm * 1e-3, half_height: 0.06 };
        let lying = Isometry3::rotation(Vector3::x() * (0.5 * PI));
        line(&mut table, &format!("cylinder's side, r {mm:.0} mm"), &can, lying);
    }
    for mm in [14.0, 16.0, 18.0, 20.0, 22.0, 25.0, 30.0, 40.0, 60.0] {
        line(&mut table, &format!("ball, r {mm:.0} mm"), &mesh(&solids::ball(mm * 1e-3)), Isometry3::identity());
    }
    for mm in [20.0, 16.0, 14.0, 13.0, 12.0, 10.5, 8.0, 4.0, 0.0] {
        let at = Isometry3::translation(mm * 1e-3 - 0.06, 0.0, -0.02);
        line(&mut table, &format!("plate, edge {mm} mm off"), &plate, at);
    }
    for mm in [0.2, 0.5, 1.0, 2.0, 3.0, 4.0] {
        line(
            &mut table,
            &format!("step of {mm} mm in the middle"),
            &mesh(&solids::step(mm * 1e-3)),
            Isometry3::identity(),
        );
    }
    insta::assert_snapshot!(table);
}
