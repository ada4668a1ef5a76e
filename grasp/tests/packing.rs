//! What the packers place, looked at by the checker that shares no code with them.
#![cfg(test)]

use grasp::packing::{
    Draws, Grid, Heuristic, Placed, Plain, Policy, Rule, Search, Set, Size, Turns, Types, check, stands,
};

const PROBLEMS: [(Set, Rule, Turns); 7] = [
    (Set::Rs, Rule::Corners, Turns::None),
    (Set::Rs, Rule::Corners, Turns::Yaw),
    (Set::Cut1, Rule::Corners, Turns::None),
    (Set::Cut2, Rule::Corners, Turns::Yaw),
    (Set::Pct, Rule::Free, Turns::All),
    (Set::Pct, Rule::Corners, Turns::All),
    (Set::Pct, Rule::Centre, Turns::Yaw),
];

/// Packs a sequence by what `choose` says.
fn pack(sequence: &[Size], mut choose: impl FnMut(&Grid, usize, &[Placed]) -> Option<Placed>) -> Vec<Placed> {
    let (mut grid, mut boxes) = (Grid::default(), Vec::new());
    for (i, &(mut given)) in sequence.iter().enumerate() {
        let Some(placed) = choose(&grid, i, &boxes) else { break };
        let mut stood = placed.size;
        given.sort_unstable();
        stood.sort_unstable();
        assert_eq!(given, stood, "item {i} changed its size");
        grid.put(&placed);
        boxes.push(placed);
    }
    boxes
}

fn admits(rule: Rule, boxes: &[Placed]) -> impl Fn(&Placed) -> bool {
    move |placed| rule != Rule::Centre || stands(&[boxes, &[*placed]].concat())
}

/// Placements of the constructive policy that are looked at; `NUTHATCH_FULL=1` asks for 10⁷.
fn placements() -> usize {
    if std::env::var_os("NUTHATCH_FULL").is_some() { 10_000_000 } else { 100_000 }
}

#[test]
fn a_hundred_thousand_placements_of_the_policy_are_inside_apart_and_stable() {
    let mut count = 0;
    for index in 0.. {
        for (set, rule, turns) in PROBLEMS {
            // The whole stack costs more to judge than to place.
            if rule == Rule::Centre && index % 20 != 0 {
                continue;
            }
            let policy = Policy::tuned(set, rule, turns);
            let sequence = set.sequence(90_001, index);
            let boxes =
                pack(&sequence, |grid, i, boxes| policy.choose(grid, sequence[i], rule, turns, admits(rule, boxes)));
            count += boxes.len();
            assert_eq!(check(&boxes, rule), Ok(()), "{set:?} {rule:?} {turns:?} sequence {index}: {boxes:?}");
        }
        if count >= placements() {
            break;
        }
    }
}

#[test]
fn a_thousand_placements_of_the_search_are_so_too_and_the_same_again() {
    let mut count = 0;
    for index in 0.. {
        for (set, rule, turns) in PROBLEMS {
            let search = Search { nodes: 60, broad: 4, ..Search::tuned(set, rule, turns) };
            let sequence = set.sequence(90_002, index);
            let ahead = (index % 3) as usize;
            let run = || {
                let (types, mut draws) = (Types::of(set), Draws::new(index));
                pack(&sequence, |grid, i, boxes| {
                    let known = &sequence[i + 1..sequence.len().min(i + 1 + ahead)];
                    let mut futures = |count: usize, into: &mut Vec<Size>| types.add(count, &mut draws, into);
                    search.choose(grid, sequence[i], known, &mut futures, admits(rule, boxes))
                })
            };
            let boxes = run();
            count += boxes.len();
            assert_eq!(check(&boxes, rule), Ok(()), "{set:?} {rule:?} {turns:?} sequence {index}: {boxes:?}");
            if index == 0 {
                assert_eq!(run(), boxes, "{set:?}: another answer to the same question");
            }
        }
        if count >= 1000 {
            break;
        }
    }
}

#[test]
fn plain_heuristics_keep_the_rules_as_well() {
    for heuristic in Heuristic::ALL {
        for (set, rule, turns) in PROBLEMS {
            for index in 0..5 {
                let sequence = set.sequence(90_003, index);
                let mut plain = Plain::new(heuristic);
                let boxes = pack(&sequence, |grid, i, boxes| {
                    let placed = plain.choose(grid, sequence[i], rule, turns, admits(rule, boxes));
                    placed.iter().for_each(|p| plain.put(p));
                    placed
                });
                assert_eq!(check(&boxes, rule), Ok(()), "{heuristic:?} {set:?} sequence {index}: {boxes:?}");
                assert!(boxes.len() > 2, "{heuristic:?} {set:?} sequence {index}: {boxes:?}");
            }
        }
    }
}

#[test]
fn items_larger_than_the_bin_and_full_bins_have_no_place() {
    let policy = Policy::tuned(Set::Rs, Rule::Corners, Turns::None);
    let search = Search::tuned(Set::Rs, Rule::Corners, Turns::None);
    let mut full = Grid::default();
    full.raise(0, 0, [10, 10, 10], 10);
    for (grid, item) in [(Grid::default(), [11, 2, 2]), (Grid::default(), [2, 2, 11]), (full, [1, 1, 1])] {
        assert_eq!(policy.choose(&grid, item, Rule::Free, Turns::None, |_| true), None, "{item:?}");
        assert_eq!(search.choose(&grid, item, &[], &mut |_, _| {}, |_| true), None, "{item:?}");
    }
}
