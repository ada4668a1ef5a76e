#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use super::*;

const SEED: u64 = 7;

#[test]
fn a_few_items_come_to_rest_near_their_places_and_fill_what_they_are() {
    let cell = PackedCell::load().unwrap();
    let arriving: Vec<Arrival> = cell.arrivals(SEED, 0).unwrap().into_iter().take(4).collect();
    let pack = |way| cell.pack(way, SEED, 0, &arriving, None).unwrap();
    let bin = pack(Way::Ours);
    assert_eq!(bin.items.len(), arriving.len());
    let truth = cell.simulation.truth();
    let volume = |i: &Landed| landed::volume_m3(&truth[i.kind]);
    let inside: f64 = bin.items.iter().filter(|i| !i.outside && !i.above_rim).map(volume).sum();
    let size: f64 = cell.simulation.site.cell.bins[0].size.iter().product();
    assert!((bin.fill - inside / size).abs() < 1e-12 && bin.fill > 0.02, "{} of {inside}", bin.fill);
    // The first stands on an empty floor.
    let first = &bin.items[0];
    assert!(first.error_m() < 0.015 && !first.toppled && !first.outside && !first.touched_early, "{first:?}");
    assert_eq!(pack(Way::Ours).items, bin.items);
    for rule in PlaceRule::ALL {
        let plain = pack(Way::Plain(rule));
        assert_eq!(plain.items.len(), arriving.len());
        let off = plain.items[0].error_m();
        assert!(off < 0.015, "{} put the first {off} m beside its place", rule.name());
        assert!(plain.items.iter().zip(&bin.items).all(|(a, b)| a.kind == b.kind && a.up == b.up));
    }
}

#[test]
fn flags_of_other_sets_are_refused_by_name() {
    let args = PackingArgs {
        set: crate::cli::PackingSet::Cell,
        sequences: None,
        lookahead: 3,
        nodes: None,
        rotation: None,
        dump: None,
        pictures: None,
        count: Some(1),
        seed: SEED,
        full: false,
        json: false,
    };
    let refused = run(&args).unwrap_err().to_string();
    assert_eq!(
        refused,
        "--lookahead does not apply to --set cell; its items are the default cell's goods, one known at a time, as they are held"
    );
}
