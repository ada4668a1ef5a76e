//! Grasps on rendered items: what is chosen, what is refused, and why.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

mod rendered;

use control::Hold;
use grasp::{Candidate, Rejection, baseline_grasps, grasps};
use nalgebra::{Point3, Vector3};
use rendered::{Look, STEREO, Sensor, Solid, TOTE, carton, heap, lip_on, look, lying_can, sku};
use scene::{Material, Pose, Shape, Span, frame};

fn all(look: &Look, id: usize) -> Vec<Candidate> {
    grasps(look.item(id), &look.items, &look.around(), &|holds| vec![Some(Span::default()); holds.len()])
}

fn accepted(look: &Look, id: usize) -> Vec<Candidate> {
    all(look, id).into_iter().filter(|c| c.rejected.is_none()).collect()
}

fn best(look: &Look, id: usize) -> Candidate {
    accepted(look, id).into_iter().next().expect("one is accepted")
}

/// The middle of the wanted cups and the tool's axis, in the tote.
fn touch(look: &Look, hold: &Hold) -> (Point3<f64>, Vector3<f64>) {
    let tote_from_tool = look.tote.world_from.inverse() * hold.world_from_tool;
    let n = f64::from(hold.cups.count());
    let sum =
        hold.cups.iter().fold([0.0; 2], |s, i| [s[0] + look.tool.cups[i][0] / n, s[1] + look.tool.cups[i][1] / n]);
    (tote_from_tool.point(&Point3::new(sum[0], sum[1], 0.0)), tote_from_tool.direction(&Vector3::z()))
}

#[test]
fn a_carton_is_held_near_the_middle_of_its_face_straight_from_above() {
    for seed in 0..10 {
        let solids = [carton("tea", [0.12, 0.08, 0.06], 0.25, 0.05, -0.03, 0.4)];
        let look = look(&solids, STEREO, seed);
        let best = best(&look, 0);
        let (at, axis) = touch(&look, &best.hold);
        let off = (at - Point3::new(0.05, -0.03, 0.06)).xy().norm();
        assert!(off < 0.020, "seed {seed}: {:.1} mm off the middle", off * 1e3);
        assert!((at.z - 0.06).abs() < 0.002, "seed {seed}: touches at {:.1} mm", at.z * 1e3);
        assert!(-axis.z > 2.0_f64.to_radians().cos(), "seed {seed}: axis {axis:?}");
        assert!(best.score > 0.9, "seed {seed}: score {:.2}, {:?}", best.score, best.features);
    }
}

#[test]
fn the_held_box_is_the_whole_item() {
    for (seed, tilt) in [(0, 0.0), (1, 0.3), (2, -0.2)] {
        let solids = [carton("tea", [0.12, 0.08, 0.06], 0.25, 0.05, -0.03, 0.4).tilted(Vector3::x(), tilt, 0.02)];
        let look = look(&solids, STEREO, seed);
        let hold = best(&look, 0).hold;
        // As it lies: the vacuum has not drawn it up yet.
        let down = Pose::<frame::Tool, frame::Tool>::from_translation(Vector3::z() * hold.closed_m);
        let tote_from_box = look.tote.world_from.inverse() * hold.world_from_tool * down * hold.held.tool_from_box;
        let off = (tote_from_box.origin().coords - solids[0].at.translation.vector).norm();
        assert!(off < 0.006, "tilt {tilt}: centre off by {:.1} mm", off * 1e3);
        let mut sides = hold.held.size_m;
        sides.sort_by(f64::total_cmp);
        assert_eq!(sides, [0.06, 0.08, 0.12]);
        let long = (0..3).find(|i| hold.held.size_m[*i] == 0.12).unwrap();
        let axis = tote_from_box.direction(&Vector3::ith(long, 1.0));
        let cos = axis.dot(&(solids[0].at.rotation * Vector3::x())).abs();
        assert!(cos > 0.998, "tilt {tilt}: long side off by {:.1}°", cos.acos().to_degrees());
    }
}

#[test]
fn a_heavy_item_gets_more_cups_than_a_light_one() {
    let cups = |mass: f64| {
        let solids = [carton("box", [0.2, 0.14, 0.1], mass, 0.0, 0.0, 0.2)];
        let look = look(&solids, STEREO, 3);
        let best = best(&look, 0);
        (best.hold.cups.count(), best.hold.max_acceleration)
    };
    let (light, medium, heavy) = (cups(0.1), cups(0.8), cups(2.0));
    assert!(light.0 < heavy.0 && light.0 <= medium.0 && medium.0 <= heavy.0, "{light:?} {medium:?} {heavy:?}");
    assert!(heavy.0 >= 4, "{heavy:?}");
    assert!(light.1 > heavy.1, "{light:?} {heavy:?}");
}

#[test]
fn what_is_too_heavy_or_holds_no_vacuum_is_refused_with_its_reason() {
    let check = |solid: Solid, expected: fn(&Rejection) -> bool| {
        let look = look(&[solid], STEREO, 4);
        let found = all(&look, 0);
        assert!(found.iter().all(|c| c.rejected.is_some()));
        let reasons: Vec<_> = found.iter().filter_map(|c| c.rejected.as_ref()).collect();
        assert!(reasons.iter().any(|r| expected(r)), "{reasons:?}");
    };
    check(carton("anvil", [0.2, 0.14, 0.1], 20.0, 0.0, 0.0, 0.0), |r| matches!(r, Rejection::TooHeavy { .. }));
    let mut net = carton("oranges", [0.15, 0.12, 0.08], 0.5, 0.0, 0.0, 0.0);
    net.sku.material = Material::Mesh;
    check(net, |r| matches!(r, Rejection::TooLeaky { .. }));
    let mut pen = lying_can("pen", 0.016, 0.14, 0.02, 0.0, 0.0, 0.0);
    pen.sku.material = Material::Plastic;
    check(pen, |r| matches!(r, Rejection::TooCurved { .. } | Rejection::OverEdge { .. }));
}

#[test]
fn cups_over_the_edge_are_refused_and_accepted_ones_lie_on_the_face() {
    for seed in 0..8 {
        let solids = [carton("tea", [0.10, 0.07, 0.05], 0.2, 0.0, 0.0, 0.3 * seed as f64)];
        let look = look(&solids, STEREO, seed);
        let found = all(&look, 0);
        assert!(found.iter().any(|c| matches!(c.rejected, Some(Rejection::OverEdge { .. }))));
        for c in found.iter().filter(|c| c.rejected.is_none()) {
            for cup in c.hold.cups.iter() {
                let on = lip_on(&solids, 0, &look, &c.hold, cup, 0.004);
                assert!(on == 24, "seed {seed}: {on} of 24 points of cup {cup} lie on the face, {:?}", c.features);
            }
        }
    }
}

#[test]
fn a_narrow_item_is_held_along_its_middle() {
    let solids = [carton("toothpaste", [0.19, 0.036, 0.04], 0.12, 0.0, 0.0, 0.5)];
    for seed in 0..6 {
        let look = look(&solids, STEREO, seed);
        let best = best(&look, 0);
        for cup in best.hold.cups.iter() {
            let on = lip_on(&solids, 0, &look, &best.hold, cup, 0.004);
            assert_eq!(on, 24, "seed {seed}: cup {cup}, {:?}", best.features);
        }
    }
}

#[test]
fn a_tilted_face_is_met_at_a_right_angle_and_a_steep_one_is_refused() {
    for (seed, tilt) in [(0, 0.2), (1, 0.35), (2, 0.5)] {
        let solids = [carton("tea", [0.12, 0.09, 0.06], 0.25, 0.0, 0.0, 0.3).tilted(Vector3::x(), tilt, 0.03)];
        let look = look(&solids, STEREO, seed);
        let (_, axis) = touch(&look, &best(&look, 0).hold);
        let normal = solids[0].at.rotation * Vector3::z();
        let off = (-axis).dot(&normal).clamp(-1.0, 1.0).acos().to_degrees();
        assert!(off < 2.0, "tilt {tilt}: axis {off:.1}° off the normal");
    }
    let solids = [carton("tea", [0.12, 0.09, 0.06], 0.25, 0.0, 0.0, 0.3).tilted(Vector3::x(), 0.8, 0.03)];
    let look = look(&solids, STEREO, 9);
    let found = all(&look, 0);
    assert!(found.iter().any(|c| matches!(c.rejected, Some(Rejection::TooSteep { .. }))));
    assert!(found.iter().filter(|c| c.rejected.is_none()).all(|c| c.features.tilt_rad <= 40.1_f64.to_radians()));
}

#[test]
fn a_lying_can_is_held_along_its_top() {
    for seed in 0..10 {
        let yaw = 0.3 * seed as f64;
        let solids = [lying_can("soup", 0.074, 0.11, 0.4, 0.02, 0.04, yaw)];
        let look = look(&solids, STEREO, seed);
        let best = best(&look, 0);
        let (at, axis) = touch(&look, &best.hold);
        let side = Vector3::new(-yaw.sin(), yaw.cos(), 0.0);
        let off = (at.coords - Vector3::new(0.02, 0.04, 0.074)).dot(&side);
        assert!(off.abs() < 0.012, "seed {seed}: {:.1} mm beside the top", off * 1e3);
        // The way in goes through the cylinder's axis.
        let middle = Vector3::new(0.02, 0.04, 0.037) - at.coords;
        let miss = middle.cross(&axis).dot(&Vector3::new(yaw.cos(), yaw.sin(), 0.0));
        assert!(miss.abs() < 0.004, "seed {seed}: passes the axis by {:.1} mm", miss * 1e3);
        for cup in best.hold.cups.iter() {
            assert_eq!(lip_on(&solids, 0, &look, &best.hold, cup, 0.006), 24, "seed {seed}: {:?}", best.features);
        }
        let sides = best.hold.held.size_m;
        assert_eq!(sides, [0.11, 0.074, 0.074]);
    }
}

#[test]
fn a_standing_can_is_held_on_its_lid() {
    let mut can = lying_can("soup", 0.074, 0.11, 0.4, 0.02, 0.04, 0.0);
    can.at.rotation = nalgebra::UnitQuaternion::identity();
    can.at.translation.z = 0.055;
    let look = look(&[can], STEREO, 1);
    let best = best(&look, 0);
    let (at, _) = touch(&look, &best.hold);
    assert!((at - Point3::new(0.02, 0.04, 0.11)).norm() < 0.012, "{at:?}");
    assert!((best.hold.held.size_m[2] - 0.11).abs() < 1e-9, "{:?}", best.hold.held);
}

#[test]
fn the_tool_stays_clear_of_the_walls() {
    for (x, y) in [(-0.24, 0.0), (0.25, 0.15), (0.0, -0.155)] {
        let solids = [carton("tea", [0.10, 0.07, 0.05], 0.2, x, y, 0.1)];
        let look = look(&solids, STEREO, 5);
        let found = all(&look, 0);
        for c in found.iter().filter(|c| c.rejected.is_none()) {
            let tote_from_tool = look.tote.world_from.inverse() * c.hold.world_from_tool;
            for body in look.tool.bodies.iter().filter(|b| b.rigid) {
                for i in 0..8 {
                    let side = |a: usize| if i >> a & 1 == 0 { -0.5 } else { 0.5 };
                    let corner = [0, 1, 2].map(|a| body.centre_m[a] + side(a) * body.size_m[a]);
                    let p = tote_from_tool.point(&Point3::from(corner));
                    let inside = p.x.abs() < 0.5 * TOTE[0] && p.y.abs() < 0.5 * TOTE[1];
                    assert!(inside || p.z > TOTE[2], "{} at {p:?} for an item at ({x}, {y})", body.name);
                }
            }
        }
        assert!(found.iter().any(|c| matches!(c.rejected, Some(Rejection::HitsWall { .. }))));
        assert!(found[0].rejected.is_none(), "nothing accepted at ({x}, {y}): {:?}", found[0].rejected);
    }
}

#[test]
fn a_neighbour_that_stands_higher_is_not_run_into() {
    let solids = [
        carton("low", [0.10, 0.08, 0.04], 0.2, 0.0, 0.0, 0.0),
        carton("tall", [0.10, 0.10, 0.16], 0.2, 0.12, 0.0, 0.0),
    ];
    let look = look(&solids, STEREO, 6);
    let found = all(&look, 0);
    assert!(
        found
            .iter()
            .any(|c| matches!(c.rejected, Some(Rejection::HitsNeighbour { .. } | Rejection::IdleCupTouches { .. })))
    );
    for c in found.iter().filter(|c| c.rejected.is_none()) {
        let tote_from_tool = look.tote.world_from.inverse() * c.hold.world_from_tool;
        let plate = look.tool.bodies.iter().find(|b| b.name == "cup plate").unwrap();
        let corner =
            |x: f64, y: f64| tote_from_tool.point(&Point3::new(x * plate.size_m[0], y * plate.size_m[1], -0.03));
        let most = [(-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5)]
            .map(|(x, y)| corner(x, y).x)
            .into_iter()
            .fold(-1.0, f64::max);
        assert!(most < 0.07, "plate reaches to {most} m");
    }
    assert!(found[0].rejected.is_none(), "{:?}", found.iter().map(|c| c.rejected.clone()).collect::<Vec<_>>());
}

#[test]
fn an_item_under_another_is_refused_as_covered_or_ranks_far_below_the_upper_one() {
    let solids = [
        carton("lower", [0.16, 0.12, 0.05], 0.3, 0.0, 0.0, 0.0),
        carton("upper", [0.12, 0.09, 0.05], 0.2, 0.03, 0.02, 0.3).raised(0.05),
    ];
    let look = look(&solids, STEREO, 7);
    let lower = all(&look, 0);
    let upper = best(&look, 1).score;
    assert!(upper > 0.85, "{upper}");
    let refused = matches!(lower[0].rejected, Some(Rejection::Covered { .. }));
    assert!(refused || lower[0].score < 0.5 * upper, "{:?}, {} against {upper}", lower[0].rejected, lower[0].score);
}

#[test]
fn blots_without_depth_are_avoided() {
    let solids = [carton("gloss", [0.14, 0.10, 0.05], 0.2, 0.0, 0.0, 0.0)];
    let look = look(&solids, Sensor { noise_m: 0.0025, holes: 0.2 }, 8);
    let best = best(&look, 0);
    assert!(best.score > 0.6, "{:?}", best.features);
    for cup in best.hold.cups.iter() {
        assert_eq!(lip_on(&solids, 0, &look, &best.hold, cup, 0.005), 24);
    }
}

#[test]
fn a_grasp_that_the_arm_can_not_reach_is_refused_as_such() {
    let solids = [carton("tea", [0.12, 0.08, 0.06], 0.25, 0.0, 0.0, 0.0)];
    let look = look(&solids, STEREO, 1);
    let found = grasps(look.item(0), &look.items, &look.around(), &|holds| vec![None; holds.len()]);
    assert!(!found.is_empty() && found.iter().all(|c| c.rejected.is_some()));
    assert!(found.iter().any(|c| c.rejected == Some(Rejection::OutOfReach)));
}

#[test]
fn the_same_look_gives_the_same_grasps() {
    let look = look(&heap(1), STEREO, 1);
    for item in look.items.iter().take(5) {
        let id = item.id.0 as usize;
        assert_eq!(all(&look, id), all(&look, id));
    }
}

#[test]
fn accepted_come_first_by_score_and_are_spread_over_the_item() {
    let solids = [carton("box", [0.2, 0.14, 0.1], 0.3, 0.0, 0.0, 0.2)];
    let look = look(&solids, STEREO, 2);
    let found = all(&look, 0);
    let first_rejected = found.iter().position(|c| c.rejected.is_some()).unwrap();
    assert!(found[first_rejected..].iter().all(|c| c.rejected.is_some()));
    let scores: Vec<_> = found[..first_rejected].iter().map(|c| c.score).collect();
    assert!(scores.windows(2).all(|w| w[0] >= w[1]) && scores.len() >= 20, "{scores:?}");
    assert!(scores.iter().all(|s| (0.0..=1.0).contains(s)));
    let spots: Vec<_> = found[..first_rejected].iter().map(|c| touch(&look, &c.hold).0).collect();
    let apart = spots.iter().map(|p| (p - spots[0]).norm()).fold(0.0, f64::max);
    assert!(apart > 0.02, "all within {:.0} mm", apart * 1e3);
}

/// In heaps, what is accepted with a good score must truly have its lips on the item, and cups must truly have room.
#[test]
fn in_a_heap_the_best_grasps_have_their_lips_on_their_item() {
    let (mut good, mut tried, mut without) = (0, 0, Vec::new());
    for seed in 0..12 {
        let solids = heap(seed);
        let look = look(&solids, STEREO, seed);
        for item in look.items.iter().filter(|i| i.covered < 0.1) {
            let id = item.id.0 as usize;
            let found = all(&look, id);
            match found.first().filter(|c| c.rejected.is_none() && c.score > 0.5) {
                Some(c) => {
                    tried += 1;
                    let on = c.hold.cups.iter().all(|cup| lip_on(&solids, id, &look, &c.hold, cup, 0.006) >= 23);
                    good += usize::from(on);
                    if !on {
                        println!(
                            "seed {seed} item {id} ({:?} {:?}): {:?}",
                            solids[id].sku.shape, solids[id].sku.size_m, c.features
                        );
                    }
                }
                None => without.push((seed, id, found.first().and_then(|c| c.rejected.clone()))),
            }
        }
    }
    println!("{good} of {tried} good, {} without: {without:?}", without.len());
    assert!(good as f64 >= 0.95 * tried as f64, "{good} of {tried}");
    assert!(without.len() * 4 < tried, "{} without a grasp, {tried} with", without.len());
}

#[test]
fn the_baseline_takes_one_cup_near_the_middle_and_knows_no_reasons() {
    let solids = [carton("tea", [0.12, 0.08, 0.06], 0.25, 0.05, -0.03, 0.4)];
    let look = look(&solids, STEREO, 1);
    let found = baseline_grasps(look.item(0), &look.around());
    assert!(!found.is_empty() && found.len() <= 20);
    assert!(found.windows(2).all(|w| w[0].score > w[1].score));
    for c in &found {
        assert!(c.hold.cups.count() == 1 && c.rejected.is_none());
        assert!((c.hold.max_acceleration - 5.0).abs() < 1e-12);
    }
}

#[test]
fn a_flat_pack_and_an_unknown_item_are_held_too() {
    let mut solid = carton("mailer", [0.2, 0.15, 0.012], 0.2, 0.0, 0.0, 0.2);
    solid.sku = sku("mailer", [0.2, 0.15, 0.012], 0.2, Shape::Flat, Material::Carton);
    let mut look = look(&[solid], STEREO, 1);
    assert!(best(&look, 0).score > 0.85);
    look.catalogue.clear();
    let unknown = best(&look, 0);
    assert!(unknown.score > 0.5 && unknown.hold.mass_kg > 0.01, "{unknown:?}");
}
