//! Where totes and bins really stand, from pictures of the simulated cell: perception is told a place where they do not.
#![cfg(test)]

use nalgebra::{Isometry3, Translation3, UnitQuaternion, Vector3};
use nuthatch::simulated::{Chosen, Simulation};
use perception::{ContainerDoubt, container_seen};
use scene::frame::Frame;
use scene::{Pose, RgbdImage};

/// What the issue asks of rendered pictures.
const MOST_M: f64 = 0.005;
const MOST_DEG: f64 = 1.0;

/// A number from −1 to 1 that follows from two others.
fn chance(seed: u64, n: u64) -> f64 {
    let mixed = (seed * 131 + n).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    ((mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 11) as f64 / (1u64 << 52) as f64 - 1.0
}

/// Up to 20 mm aside, 8 mm up or down, 2.5° round and 1.5° over.
fn displaced<F: Frame>(true_pose: &Pose<scene::frame::World, F>, seed: u64) -> Pose<scene::frame::World, F> {
    let c = |n| chance(seed, n);
    let turn = UnitQuaternion::from_axis_angle(&Vector3::z_axis(), (2.5 * c(4)).to_radians());
    let lean = UnitQuaternion::from_scaled_axis(Vector3::new(c(5), c(6), 0.0) * 1.06_f64.to_radians());
    let by = Isometry3::from_parts(Translation3::new(0.02 * c(1), 0.02 * c(2), 0.008 * c(3)), lean * turn);
    Pose::from_isometry(true_pose.isometry() * by.inverse())
}

struct Errors {
    mm: Vec<f64>,
    deg: Vec<f64>,
}

impl Errors {
    fn add<F: Frame>(&mut self, image: &RgbdImage, container: &control::Container<F>, seed: u64) -> (f64, bool) {
        let nominal = displaced(&container.world_from, seed);
        let seen = container_seen(image, &nominal, container.size, container.wall)
            .unwrap_or_else(|why| panic!("{} of seed {seed}: {why}", container.name));
        // Where the rim's middle is, and the floor's: the lean moves them apart.
        let at = |pose: &Pose<_, F>, z: f64| pose.point(&nalgebra::Point3::new(0.0, 0.0, z));
        let off = |z: f64| (at(&seen.world_from, z) - at(&container.world_from, z)).norm() * 1e3;
        self.mm.push(off(0.0).max(off(container.size[2])));
        self.deg.push(seen.world_from.rotation().angle_to(&container.world_from.rotation()).to_degrees());
        let asked = (nominal.isometry().translation.vector - container.world_from.isometry().translation.vector).norm();
        assert!(seen.off_m() > 0.5 * asked - 0.005, "{} mm for {} mm", seen.off_m() * 1e3, asked * 1e3);
        (seen.fill, seen.is_empty)
    }
}

mod slow {
    use super::*;

    #[test]
    fn containers_are_found_where_they_stand_and_not_where_they_should() {
        let chosen = Chosen { scenario: "default", cell: None, orders: None };
        let simulation = Simulation::load(&chosen).unwrap();
        let cell = &simulation.site.cell;
        let mut totes = Errors { mm: Vec::new(), deg: Vec::new() };
        let mut bins = Errors { mm: Vec::new(), deg: Vec::new() };
        for seed in 1..=6 {
            let mut world = simulation.world(seed).unwrap();
            for camera in &cell.cameras {
                let (image, _) = world.photograph(&camera.name).unwrap();
                for tote in cell.totes.iter().filter(|t| camera.sees.contains(&t.name)) {
                    let (fill, is_empty) = totes.add(&image, tote, seed);
                    let lies = world.manifest(&tote.name).values().sum::<u32>();
                    assert_eq!(is_empty, lies == 0, "{} holds {lies} items and is {fill:.2} full", tote.name);
                }
                for bin in cell.bins.iter().filter(|b| camera.sees.contains(&b.name)) {
                    let (fill, is_empty) = bins.add(&image, bin, 10 * seed);
                    assert!(is_empty && fill < 0.05, "{}: {fill:.2} full", bin.name);
                }
            }
        }
        for (what, errors) in [("totes", totes), ("bins", bins)] {
            let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
            let (mm, deg) = (most(&errors.mm), most(&errors.deg));
            println!("{what}: {mm:.1} mm, {deg:.2}° at most of {}", errors.mm.len());
            println!("{:?} {:?}", errors.mm, errors.deg);
            assert!(mm <= MOST_M * 1e3 && deg <= MOST_DEG, "{what}: {mm:.1} mm, {deg:.2}°");
        }
    }

    #[test]
    fn another_kind_a_missing_one_and_a_blind_picture_are_told_apart() {
        let chosen = Chosen { scenario: "default", cell: None, orders: None };
        let simulation = Simulation::load(&chosen).unwrap();
        let tote = &simulation.site.cell.totes[0];
        let mut world = simulation.world(1).unwrap();
        let (mut image, _) = world.photograph("tote-a").unwrap();
        let look = |image: &RgbdImage, size| container_seen(image, &tote.world_from, size, tote.wall);
        let [x, y, z] = tote.size;
        assert!(look(&image, [x, y, z]).unwrap().off_m() < 0.008);
        for (size, expected) in
            [([x - 0.04, y, z], "length"), ([x, y - 0.03, z], "width"), ([x, y, z + 0.03], "rim height")]
        {
            let found = look(&image, size).unwrap_err();
            assert!(matches!(found, ContainerDoubt::OtherKind { what, .. } if what == expected), "{expected}: {found}");
        }
        let far = Pose::from_translation(Vector3::new(0.0, 0.25, 0.0)) * tote.world_from;
        assert!(matches!(container_seen(&image, &far, tote.size, tote.wall), Err(ContainerDoubt::NotSeen { .. })));
        assert!(matches!(look(&image, [x, f64::NAN, z]), Err(ContainerDoubt::NotSeen { walls: 0 })));
        image.depth_m.fill(f32::NAN);
        let blind = look(&image, [x, y, z]).unwrap_err();
        assert_eq!(blind.to_string(), "the rim of 0 of its 4 walls is seen; must be 3 or more");
    }
}
