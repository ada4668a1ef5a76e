//! Tests of a tote that does not stand where the cell file says.

use nalgebra::Vector3;
use scene::Pose;

use super::{Chosen, Simulation, devices};
use crate::cli::Strategy;
use crate::clock::Stopwatch;

mod slow {
    use super::*;

    #[test]
    fn a_tote_that_stands_elsewhere_is_not_picked_from_and_the_report_says_how_far_it_is_off() {
        let chosen = Chosen { scenario: "default", cell: None, orders: None };
        let check = |shift: Vector3<f64>, lower: f64, expected: Option<&str>| {
            let mut simulation = Simulation::load(&chosen).unwrap();
            let world = simulation.world(3).unwrap();
            // The cell file says something else than where the tote stands.
            let tote = &mut simulation.site.cell.totes[0];
            tote.world_from = Pose::from_translation(shift) * tote.world_from;
            tote.size[2] -= lower;
            let told = simulation.manifests();
            let runtime = simulation.site.begin(devices(world), &told, Strategy::Planned, Vec::new()).unwrap();
            let finished = runtime.run(&Stopwatch::start()).unwrap();
            let reasons: Vec<String> = finished.station.ledger().unfilled().into_iter().map(|u| u.reason).collect();
            match expected {
                Some(begins) => {
                    assert!(finished.station.records().is_empty(), "something was picked");
                    assert!(!reasons.is_empty() && reasons.iter().all(|r| r.starts_with(begins)), "{reasons:?}");
                }
                None => assert!(!finished.station.records().is_empty(), "{reasons:?}"),
            }
        };
        check(Vector3::new(0.02, 0.0, 0.0), 0.0, Some("tote-shifted: the rim of tote-a is off by 2"));
        check(Vector3::zeros(), 0.03, Some("tote-of-another-kind: tote-a: its rim height is 30"));
        check(Vector3::new(0.003, -0.002, 0.0), 0.0, None);
    }
}
