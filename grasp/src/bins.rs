//! Into which of several bins a held item goes.

use control::{Container, Hold, ToolModel};
use scene::Sku;
use scene::frame::Bin;

use crate::bin_state::BinState;
use crate::place::placements_in;
use crate::placement::Placement;

/// Bins for what is held, the best first, each as its number in `bins` and its places as [`placements_in`] gives them.
///
/// A bin is as good as its best place; bins that are alike keep the order in which they are given. Those without a place
/// come last, in that order too, with the reasons. One bin costs one search.
#[must_use]
pub fn best_bins(
    hold: &Hold,
    bins: &[(&BinState, &Container<Bin>)],
    tool: &ToolModel,
    sku: Option<&Sku>,
) -> Vec<(usize, Vec<Placement>)> {
    let mut ranked: Vec<(usize, Vec<Placement>)> = bins
        .iter()
        .enumerate()
        .map(|(number, (state, bin))| (number, placements_in(hold, state, bin, tool, sku)))
        .collect();
    let score = |places: &[Placement]| places.first().filter(|p| p.rejected.is_none()).map_or(-1.0, |p| p.score);
    ranked.sort_by(|a, b| score(&b.1).total_cmp(&score(&a.1)));
    ranked
}
