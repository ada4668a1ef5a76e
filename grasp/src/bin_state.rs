//! What a bin is believed to hold: a value that the station owns and replaces.

use std::sync::Arc;

use scene::frame::{Bin, Item};
use scene::{Fragility, HeightMap, Material, Pose, Sku};

use crate::placement::{Placement, half_extents};
use crate::stack::Stack;

/// Height error of a cell that was measured, and what each look that misses it adds, metres: stereo at 1.5 m with
/// 0.08 px (σz = z² s / (f B)), and an estimate.
const MEASURED_M: f32 = 0.0035;
const MISSED_M: f32 = 0.002;
/// Height error of a cell where an item was put and nobody has looked since, metres; an estimate.
const PUT_M: f32 = 0.008;
/// An item is elsewhere when its upper side is off by this and by this share of its height; soft goods settle.
const OFF_M: f64 = 0.02;
const OFF_SHARE: f64 = 0.4;
const OFF_SHARE_SOFT: f64 = 0.7;
/// Share of its own cells that must have readings before they can say so.
const READ_SHARE: f64 = 0.3;
/// A place is as unsure as this share of its cells is at least: single cells without a reading say little, since their
/// neighbours are smoothed over them.
const UNSURE_SHARE: f64 = 0.1;

/// A bin as it is believed to be.
#[derive(Debug, Clone, PartialEq)]
pub struct BinState {
    /// Heights: measured where anybody saw them, else believed.
    pub surface: Arc<HeightMap<Bin>>,
    /// Standard deviation of each height, metres, in the order of the surface's cells.
    pub sigma_m: Vec<f32>,
    /// What was put here and lies as it was put, in order. Whatever else the surface shows is of unknown kind.
    pub contents: Vec<Content>,
    /// Items that were put here and are not seen where they were put.
    pub shifted: u32,
}

/// An item that was put into a bin.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Its box at rest.
    pub bin_from_box: Pose<Bin, Item>,
    /// Sides along the box's own axes, metres.
    pub size_m: [f64; 3],
    /// Kilograms.
    pub mass_kg: f64,
    /// A bag or cloth: it yields and does not hold what stands on it upright.
    pub soft: bool,
    /// The largest load that it may bear, newtons; infinite where nothing is known of it.
    pub bears_n: f64,
}

impl Content {
    /// What is known of an item at its place.
    #[must_use]
    pub fn at(placement: &Placement, mass_kg: f64, sku: Option<&Sku>) -> Self {
        Self {
            bin_from_box: placement.bin_from_box,
            size_m: placement.size_m,
            mass_kg,
            soft: sku.is_some_and(|s| matches!(s.material, Material::Film | Material::Fabric | Material::Mesh)),
            bears_n: sku.map_or(f64::INFINITY, |s| bears_n(s.fragility)),
        }
    }

    /// Lower and upper corner along the bin's axes, metres.
    pub(crate) fn span(&self) -> [[f64; 3]; 2] {
        let (at, half) = (self.bin_from_box.origin(), half_extents(&self.bin_from_box, self.size_m));
        [[0, 1, 2].map(|a| at[a] - half[a]), [0, 1, 2].map(|a| at[a] + half[a])]
    }
}

/// The press that a class of goods may be given, newtons: the catalogue's only word on load.
#[must_use]
pub fn bears_n(fragility: Fragility) -> f64 {
    match fragility {
        Fragility::Sturdy => 30.0,
        Fragility::Normal => 15.0,
        Fragility::Fragile => 5.0,
    }
}

impl BinState {
    /// A bin of which only its surface is known, as a look gave it: empty, or with things of unknown kind in it. Cells
    /// that nobody has seen are NaN, and nothing is put on them.
    #[must_use]
    pub fn of(surface: HeightMap<Bin>) -> Self {
        let sigma_m = vec![MEASURED_M; surface.z.len()];
        Self { surface: Arc::new(surface), sigma_m, contents: Vec::new(), shifted: 0 }
    }

    /// A bin of this inner length and width, metres, into which nobody has looked, on cells of so many metres. The first
    /// look that [`observe`] takes in fills it.
    #[must_use]
    pub fn unseen(size_m: [f64; 2], cell_m: f64) -> Self {
        Self::of(HeightMap::over_floor(size_m, cell_m, f32::NAN))
    }

    /// The bin after a release, as it should be.
    #[must_use]
    pub fn with(&self, placement: &Placement, mass_kg: f64, sku: Option<&Sku>) -> Self {
        let mut next = self.clone();
        let mut surface = (*self.surface).clone();
        placement.add_to(&mut surface);
        for ((sigma, new), old) in next.sigma_m.iter_mut().zip(&surface.z).zip(&self.surface.z) {
            // NaN is no reading, and differs as well.
            if new != old {
                *sigma = PUT_M;
            }
        }
        next.surface = Arc::new(surface);
        next.contents.push(Content::at(placement, mass_kg, sku));
        next
    }

    /// The most that any known item would bear beyond what it may once a new one stands there, newtons, with its limit:
    /// each item hands its weight and its load down to those it rests on, by area of contact. Items whose load does not
    /// grow are left out. `None` where all is well.
    #[must_use]
    pub fn overloaded(&self, new: &Content) -> Option<(f64, f64)> {
        Stack::of(&self.contents).overloaded(new)
    }

    /// The bin without the item that was put at a place, which turned out to lie otherwise: the surface stays as it is
    /// believed, and what lies there is of unknown kind and counts as shifted. The same bin where no such item is known.
    #[must_use]
    pub fn without(&self, placement: &Placement) -> Self {
        let mut next = self.clone();
        if let Some(at) = self.contents.iter().rposition(|c| c.bin_from_box == placement.bin_from_box) {
            next.contents.remove(at);
            next.shifted += 1;
        }
        next
    }

    /// The height error under a footprint that a tenth of its cells reach or exceed, metres; 0 where it has no cells.
    pub(crate) fn unsure_m(&self, content: &Content) -> f64 {
        let [low, high] = content.span();
        let map = &self.surface;
        let range = |axis: usize, n: usize| {
            let index = |v: f64| ((v - map.origin[axis]) / map.cell).floor().clamp(0.0, n as f64) as usize;
            index(low[axis])..(index(high[axis]) + 1).min(n)
        };
        let mut sigmas = Vec::new();
        for j in range(1, map.ny) {
            for i in range(0, map.nx) {
                let [x, y] = map.centre(i, j);
                if x > low[0] && x < high[0] && y > low[1] && y < high[1] {
                    sigmas.push(self.sigma_m.get(j * map.nx + i).copied().unwrap_or(PUT_M));
                }
            }
        }
        let nearly = ((sigmas.len() as f64) * (1.0 - UNSURE_SHARE)) as usize;
        if sigmas.is_empty() {
            return 0.0;
        }
        let nearly = nearly.min(sigmas.len() - 1);
        f64::from(*sigmas.select_nth_unstable_by(nearly, f32::total_cmp).1)
    }
}

/// What is believed after a look. Cells without a reading keep what was believed of them and grow less sure; items whose
/// upper sides are not where they should be are shifted, and what lies there is of unknown kind from now on. A map of
/// other cells replaces everything.
#[must_use]
pub fn observe(state: &BinState, seen: &HeightMap<Bin>) -> BinState {
    let old = &state.surface;
    if (old.nx, old.ny, old.cell, old.origin) != (seen.nx, seen.ny, seen.cell, seen.origin) {
        let shifted = state.shifted + state.contents.len() as u32;
        return BinState { shifted, ..BinState::of(seen.clone()) };
    }
    let mut next = state.clone();
    let mut surface = seen.clone();
    for ((z, sigma), before) in surface.z.iter_mut().zip(&mut next.sigma_m).zip(&old.z) {
        if z.is_nan() {
            *z = *before;
            *sigma += MISSED_M;
        } else {
            *sigma = MEASURED_M;
        }
    }
    next.surface = Arc::new(surface);
    next.contents.clear();
    for (n, content) in state.contents.iter().enumerate() {
        if lies(content, &state.contents[n + 1..], seen) {
            next.contents.push(content.clone());
        } else {
            next.shifted += 1;
        }
    }
    next
}

/// Whether a content's upper side is seen where it should be, by the cells that later ones leave free. True where too few
/// have readings.
fn lies(content: &Content, later: &[Content], seen: &HeightMap<Bin>) -> bool {
    let [low, high] = content.span();
    let later: Vec<_> = later.iter().map(Content::span).collect();
    let covered = |x: f64, y: f64| later.iter().any(|[l, h]| x > l[0] && x < h[0] && y > l[1] && y < h[1]);
    let (mut cells, mut off) = (0.0, Vec::new());
    for j in 0..seen.ny {
        for i in 0..seen.nx {
            let [x, y] = seen.centre(i, j);
            if x > low[0] && x < high[0] && y > low[1] && y < high[1] && !covered(x, y) {
                cells += 1.0;
                let z = f64::from(seen.at(i, j));
                off.extend(z.is_finite().then_some(z - high[2]));
            }
        }
    }
    if off.is_empty() || (off.len() as f64) < READ_SHARE * cells {
        return true;
    }
    let middle = off.len() / 2;
    let share = if content.soft { OFF_SHARE_SOFT } else { OFF_SHARE };
    off.select_nth_unstable_by(middle, f64::total_cmp).1.abs() <= OFF_M.max(share * (high[2] - low[2]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stack::GRAVITY;
    use control::Drop;
    use nalgebra::{UnitQuaternion, Vector3};

    fn place(at: [f64; 3], size_m: [f64; 3]) -> Placement {
        let centre = Vector3::new(at[0], at[1], at[2] + 0.5 * size_m[2]);
        Placement {
            bin_from_box: Pose::from_parts(centre, UnitQuaternion::identity()),
            size_m,
            drop: Drop {
                world_from_tool: Pose::identity(),
                touch_speed: 0.05,
                guard_m: 0.0,
                half_turn: false,
                approach_m: 0.06,
            },
            height_m: at[2],
            support: 1.0,
            score: 1.0,
            rejected: None,
        }
    }

    fn empty() -> BinState {
        BinState::of(HeightMap::over_floor([0.4, 0.3], 0.005, 0.0))
    }

    #[test]
    fn an_item_seen_where_it_was_put_stays_known_and_one_that_fell_over_does_not() {
        let state = empty().with(&place([0.0, 0.0, 0.0], [0.1, 0.1, 0.1]), 0.5, None);
        let still = observe(&state, &state.surface);
        assert_eq!((still.contents.len(), still.shifted), (1, 0));
        let gone = observe(&state, &empty().surface);
        assert_eq!((gone.contents.len(), gone.shifted), (0, 1));
        assert_eq!(gone.surface, empty().surface);
    }

    #[test]
    fn an_item_that_lies_otherwise_is_forgotten_and_counts_once() {
        let (low, high) = (place([0.0; 3], [0.1, 0.1, 0.1]), place([0.12, 0.0, 0.0], [0.1, 0.1, 0.1]));
        let state = empty().with(&low, 0.5, None).with(&high, 0.2, None);
        let without = state.without(&low);
        assert_eq!((without.contents.len(), without.shifted), (1, 1));
        assert_eq!((&without.contents[0], &without.surface), (&state.contents[1], &state.surface));
        assert_eq!(without.without(&low), without);
        let looked_at = observe(&without, &empty().with(&high, 0.2, None).surface);
        assert_eq!((looked_at.contents.len(), looked_at.shifted), (1, 1));
    }

    #[test]
    fn a_place_is_as_unsure_as_a_tenth_of_its_cells_and_single_cells_do_not_count() {
        let mut state = empty();
        let there = Content::at(&place([0.0; 3], [0.1, 0.1, 0.1]), 0.5, None);
        assert_eq!(state.unsure_m(&there), f64::from(MEASURED_M));
        let (i, j) = state.surface.cell_at(0.0, 0.0).unwrap();
        state.sigma_m[j * state.surface.nx + i] = 0.05;
        assert_eq!(state.unsure_m(&there), f64::from(MEASURED_M));
        let put = state.with(&place([0.03, 0.0, 0.0], [0.02, 0.1, 0.02]), 0.1, None);
        assert_eq!(put.unsure_m(&there), f64::from(PUT_M));
        assert_eq!(put.unsure_m(&Content::at(&place([3.0, 0.0, 0.0], [0.1; 3]), 0.5, None)), 0.0);
    }

    #[test]
    fn cells_without_a_reading_keep_their_height_and_grow_less_sure() {
        let state = empty().with(&place([0.0, 0.0, 0.0], [0.1, 0.1, 0.1]), 0.5, None);
        let blind = HeightMap::over_floor([0.4, 0.3], 0.005, f32::NAN);
        let next = observe(&observe(&state, &blind), &blind);
        assert_eq!(next.surface, state.surface);
        assert_eq!(next.contents, state.contents);
        assert!(next.sigma_m[0] > state.sigma_m[0], "{} {}", next.sigma_m[0], state.sigma_m[0]);
        // Another camera setting: nothing of what was believed can be compared.
        let other = HeightMap::over_floor([0.4, 0.3], 0.01, 0.0);
        assert_eq!(observe(&state, &other).shifted, 1);
    }

    #[test]
    fn a_load_goes_down_through_all_that_carry_it() {
        let flat = [0.1, 0.1, 0.05];
        let fragile = |mut state: BinState| {
            state.contents[0].bears_n = 5.0;
            state
        };
        let state = fragile(empty().with(&place([0.0, 0.0, 0.0], flat), 0.2, None));
        let on_top = |state: &BinState, z: f64, mass_kg: f64| {
            state.overloaded(&Content::at(&place([0.0, 0.0, z], flat), mass_kg, None))
        };
        assert_eq!(on_top(&state, 0.05, 0.4), None);
        let (load, limit) = on_top(&state, 0.05, 0.6).unwrap();
        assert!((load - 0.6 * GRAVITY).abs() < 1e-9 && limit == 5.0, "{load} {limit}");
        let two = fragile(state.with(&place([0.0, 0.0, 0.05], flat), 0.4, None));
        let (load, _) = on_top(&two, 0.10, 0.2).unwrap();
        assert!((load - 0.6 * GRAVITY).abs() < 1e-9, "{load}");
        // Half of it beside the fragile one, on another.
        let pair = fragile(empty().with(&place([0.0, 0.0, 0.0], flat), 0.2, None).with(
            &place([0.1, 0.0, 0.0], flat),
            0.2,
            None,
        ));
        let across = Content::at(&place([0.05, 0.0, 0.05], flat), 0.9, None);
        assert_eq!(pair.overloaded(&across), None);
    }
}
