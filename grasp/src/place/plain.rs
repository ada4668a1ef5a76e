//! Plain rules that choose among the same places as [`super::placements`] does, to compare with.

use control::{Container, Hold, ToolModel};
use scene::frame::Bin;
use scene::{HeightMap, Sku};

use super::{Attitude, Base, CARRIES_M, NOISE_M, Search, Spot, attitudes};
use crate::place_input::unsound;
use crate::placement::Placement;

/// A fixed order of the places that an item may take; published ones, untuned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PlaceRule {
    /// The lowest place, then the least y, then the least x (Karabulut and İnceoğlu 2004). Heights that differ by less
    /// than the map's noise count as one.
    DeepestBottomLeft,
    /// The least sum of heights afterwards (Wang and Hauser, ICRA 2019).
    HeightMap,
    /// The most area of its sides and base that touches walls and items.
    LateralContact,
}

impl PlaceRule {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::DeepestBottomLeft, Self::HeightMap, Self::LateralContact];

    /// Its name in tables and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::DeepestBottomLeft => "deepest_bottom_left",
            Self::HeightMap => "height_map_minimisation",
            Self::LateralContact => "lateral_contact",
        }
    }
}

/// The place that a plain rule takes of all those that [`super::placements`] would accept, by heights alone; `None` where
/// there is none, or the numbers make no sense. Its score says nothing of the rule.
///
/// Every spot of the grid is looked at: the rules are not held to a budget.
#[must_use]
pub fn plain_placement(
    rule: PlaceRule,
    hold: &Hold,
    surface: &HeightMap<Bin>,
    bin: &Container<Bin>,
    tool: &ToolModel,
    sku: Option<&Sku>,
) -> Option<Placement> {
    if unsound(hold, surface, bin).is_some() {
        return None;
    }
    let mut search = Search::new(hold, surface, None, bin, tool, sku);
    let attitudes = attitudes(hold, bin, sku);
    let mut ranked: Vec<([f64; 4], Spot, Base)> = Vec::new();
    for spot in search.spots(&attitudes) {
        let attitude = &attitudes[spot.attitude];
        let top = spot.height + 2.0 * attitude.half[2];
        if !top.is_finite() || top - NOISE_M > bin.size[2] || search.near_walls(attitude, &spot).is_err() {
            continue;
        }
        if let Ok(base) = search.base(attitude, &spot) {
            ranked.push((search.order(rule, attitude, &spot, &base), spot, base));
        }
    }
    let key = |r: &([f64; 4], Spot, Base)| (r.0, r.1.attitude);
    ranked.sort_by(|a, b| {
        let ((a, first), (b, second)) = (key(a), key(b));
        let differ = a.iter().zip(&b).map(|(a, b)| a.total_cmp(b)).find(|o| o.is_ne());
        differ.unwrap_or_else(|| first.cmp(&second))
    });
    ranked.iter().find_map(|(_, spot, base)| search.lower(&attitudes[spot.attitude], spot, base).ok())
}

impl Search<'_> {
    /// What a rule compares places by, the first that differs counts and the least wins.
    fn order(&self, rule: PlaceRule, attitude: &Attitude, spot: &Spot, base: &Base) -> [f64; 4] {
        let sides = attitude.half.map(|h| 2.0 * h);
        let [x, y] = spot.at;
        let level = (base.height / CARRIES_M).round();
        let first = match rule {
            PlaceRule::DeepestBottomLeft => level,
            PlaceRule::HeightMap => {
                let top = base.height + sides[2];
                self.surface.heights(self.footprint(attitude, spot.at)).map(|(_, _, z)| top - z).sum()
            }
            PlaceRule::LateralContact => {
                let [left, right, front, back] = base.contact;
                let beside = (left + right) * sides[1] * sides[2] + (front + back) * sides[0] * sides[2];
                -(beside + base.support * sides[0] * sides[1])
            }
        };
        [first, level, y, x]
    }
}
