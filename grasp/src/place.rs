//! Where in a bin a held item comes to rest.

mod attitude;
mod plain;

use core::f64::consts::PI;
use core::mem::discriminant;

use control::{Container, Drop, Hold, ToolModel};
use nalgebra::{Isometry3, Translation3, UnitQuaternion};
use scene::frame::Bin;
use scene::{Fragility, HeightMap, Pose, Sku};

use crate::bin_state::{BinState, Content};
use crate::bin_surface::{BinSurface, Cells};
use crate::place_input::{nowhere, unsound};
use crate::placement::{Placement, half_extents};
use crate::rejection::PlaceRejection;
use crate::space::{Clash, Ground, walls};
use crate::stack::Stack;

use attitude::{Attitude, UPRIGHT_MOST, attitudes};

pub use plain::{PlaceRule, plain_placement};

/// Kept free between the item and walls or neighbours, metres: a held item hangs up to 8 mm off its estimate, and
/// its lower end by so much more for each metre that it reaches down.
const GAP_M: f64 = 0.011;
const GAP_PER_M: f64 = 0.05;
/// How far above its place the item is let go, beside what the bellows open by, metres: a box may stand on another
/// side than is believed.
const RELEASE_M: f64 = 0.010;
/// Cells this near to the resting height carry, metres.
const CARRIES_M: f64 = 0.008;
/// A neighbour within the gap may stand this much higher, metres: noise.
const HIGHER_M: f64 = 0.008;
/// The highest 5 % of a footprint don't count as long as they are noise: this many σ of the map's, and so much, metres.
const NOISE_SIGMAS: f64 = 5.0;
const NOISE_M: f64 = 0.010;
const SUPPORT_LEAST: f64 = 0.6;
/// Clearance of the tool's rigid parts from walls, and from the middles of cells, metres.
const TOOL_CLEAR_M: f64 = 0.003;
const CELL_CLEAR_M: f64 = 0.005;
/// What stands under idle cups may be this much higher than the lips, metres: they give way.
const IDLE_RISE_M: f64 = 0.008;
/// Speed at which the item meets what is below, m/s: as a fall of 0.13 mm, and for fragile goods of a third of that.
const TOUCH_SPEED: f64 = 0.08;
const TOUCH_SPEED_FRAGILE: f64 = 0.03;
/// The hull of what carries must reach so far beyond the item's centre, metres: the centre is believed, not measured.
const CENTRE_M: f64 = 0.004;
/// A rigid item may stand on a bag while it is no taller than this share of its narrower side, and has so much of its base
/// on bags; beyond, it topples with them.
const STEADY_ON_SOFT: f64 = 1.0;
const SOFT_SHARE: f64 = 0.3;
/// The release is raised by what heights are unsure by beyond what a look leaves, at most by this, metres.
const UNSURE_FREE_M: f64 = 0.004;
const UNSURE_MOST_M: f64 = 0.010;
/// Straight way down, metres; motion begins it above the walls in any case.
const APPROACH_M: f64 = 0.06;
/// How far off may be what is below, or what hangs, metres.
const GUARD_M: f64 = 0.010;
/// How much is kept, looked at and tried.
const ACCEPTED_MOST: usize = 16;
const FOUND_MOST: usize = 40;
const LOOKED_AT_MOST: usize = 3000;
const REJECTED_OF_A_KIND: usize = 6;

/// Places for what is held, accepted ones first, the best first; then rejected ones with their reasons.
///
/// The box's sides go along the bin's, in whichever of four turns the tool has room; the side that was
/// grasped goes up. A place is low, near a corner where there is a choice, that of least x and y of equal ones, beside
/// walls and neighbours. Accepted places lie within the walls and below the rim, 11 mm (more for what hangs far down) from walls and
/// from whatever is higher than they rest, by what the map shows; cells never seen take their neighbours' height up to
/// 20 mm in, beyond that nothing is put on them. `sku` tells whether it rolls, and whether it must stay upright: then a
/// hold with another side up is refused. Which of its ends is up, and which of two equal sides, a box doesn't tell.
///
/// An item larger than the bin, a full bin, a map that nobody has seen, and numbers that make no sense (a side of 0, a NaN
/// mass) are refused as well: what comes back is never empty, and without a place its first has the reason.
#[must_use]
pub fn placements(
    hold: &Hold,
    surface: &HeightMap<Bin>,
    bin: &Container<Bin>,
    tool: &ToolModel,
    sku: Option<&Sku>,
) -> Vec<Placement> {
    look(hold, surface, None, bin, tool, sku)
}

/// Places as [`placements`] gives them, in a bin of which more is known than its heights.
///
/// Refused besides: a place where an item would come to bear more than its fragility allows, with all that stands on it; a
/// tall rigid item on a bag. A place on something lighter than the item costs, so that heavy ones go below. The release is
/// higher where nobody has looked since something was put there, by up to 10 mm.
#[must_use]
pub fn placements_in(
    hold: &Hold,
    state: &BinState,
    bin: &Container<Bin>,
    tool: &ToolModel,
    sku: Option<&Sku>,
) -> Vec<Placement> {
    look(hold, &state.surface, Some(state), bin, tool, sku)
}

fn look(
    hold: &Hold,
    surface: &HeightMap<Bin>,
    state: Option<&BinState>,
    bin: &Container<Bin>,
    tool: &ToolModel,
    sku: Option<&Sku>,
) -> Vec<Placement> {
    if let Some(why) = unsound(hold, surface, bin) {
        return vec![nowhere(hold, bin, why)];
    }
    let mut search = Search::new(hold, surface, state, bin, tool, sku);
    let attitudes = attitudes(hold, bin, sku);
    let spots = search.spots(&attitudes);
    search.choose(&attitudes, spots)
}

/// Somewhere to look.
#[derive(Clone, Copy)]
struct Spot {
    attitude: usize,
    at: [f64; 2],
    /// 0 at the nearest corner of what the bin leaves it, 1 in the middle.
    from_corner: f64,
    height: f64,
    cost: f64,
}

/// What a footprint stands on.
struct Base {
    height: f64,
    support: f64,
    /// Share of each side (−x, +x, −y, +y) that leans on something.
    contact: [f64; 4],
}

struct Search<'a> {
    /// Kept free beside the item, metres.
    gap: f64,
    hold: &'a Hold,
    sku: Option<&'a Sku>,
    /// What more is known of the bin, and how its items stand on each other.
    state: Option<(&'a BinState, Stack<'a>)>,
    map: &'a HeightMap<Bin>,
    surface: BinSurface,
    ground: Ground,
    bin: &'a Container<Bin>,
    tool: &'a ToolModel,
    refused: Vec<Placement>,
    scratch: Vec<f64>,
}

impl<'a> Search<'a> {
    fn new(
        hold: &'a Hold,
        surface: &'a HeightMap<Bin>,
        state: Option<&'a BinState>,
        bin: &'a Container<Bin>,
        tool: &'a ToolModel,
        sku: Option<&'a Sku>,
    ) -> Self {
        let reaches_down = 2.0 * attitudes(hold, bin, sku)[0].half[2];
        Self {
            gap: GAP_M + GAP_PER_M * reaches_down,
            hold,
            sku,
            state: state.map(|state| (state, Stack::of(&state.contents))),
            map: surface,
            surface: BinSurface::of(surface),
            ground: Ground::of(surface, |_, _| false),
            bin,
            tool,
            refused: Vec::new(),
            scratch: Vec::new(),
        }
    }

    /// Every spot on the grid, with the height it would rest at at most.
    fn spots(&mut self, attitudes: &[Attitude; 2]) -> Vec<Spot> {
        let size = self.bin.size;
        let cell = self.surface.cell.max(0.001);
        let mut spots = Vec::new();
        for (number, attitude) in attitudes.iter().enumerate() {
            let half = attitude.half;
            if let Some(tilt) = attitude.lies {
                let (tilt_deg, limit_deg) = (tilt.to_degrees(), UPRIGHT_MOST.to_degrees());
                let spot = Spot { attitude: number, at: [0.0; 2], from_corner: 0.0, height: 0.0, cost: 1.0 };
                self.refuse(attitude, &spot, 0.0, PlaceRejection::NotUpright { tilt_deg, limit_deg });
                continue;
            }
            let low = [0, 1].map(|a| -0.5 * size[a] + self.gap + half[a]);
            let room = [0, 1].map(|a| size[a] - 2.0 * (self.gap + half[a]));
            if room.iter().any(|r| *r < -1e-9) {
                let why = PlaceRejection::TooLarge { x_mm: 2e3 * half[0], y_mm: 2e3 * half[1], gap_mm: self.gap * 1e3 };
                let spot = Spot { attitude: number, at: [0.0; 2], from_corner: 0.0, height: 0.0, cost: 1.0 };
                self.refuse(attitude, &spot, 0.0, why);
                continue;
            }
            let cells = self.footprint(attitude, low);
            let (width, depth) = (cells.i1 - cells.i0, cells.j1 - cells.j0);
            let highest = self.surface.highest(width, depth);
            let steps = room.map(|r| (r / cell + 1e-6).floor() as usize);
            // The last step goes to the far wall.
            let along = |axis: usize, n: usize| {
                if n > steps[axis] { room[axis] } else { n as f64 * cell }
            };
            let last = [0, 1].map(|a| steps[a] + usize::from(room[a] - steps[a] as f64 * cell > 1e-3));
            for j in 0..=last[1] {
                for i in 0..=last[0] {
                    let at = [low[0] + along(0, i), low[1] + along(1, j)];
                    let start = self.footprint(attitude, at);
                    let (i0, j0) = (
                        start.i0.min(self.surface.nx.saturating_sub(width)),
                        start.j0.min(self.surface.ny.saturating_sub(depth)),
                    );
                    let height = highest[j0 * self.surface.nx + i0];
                    let inwards =
                        |axis: usize, n: usize| 1.0 - (2.0 * along(axis, n) / room[axis].max(cell) - 1.0).abs();
                    let from_corner = 0.5 * (inwards(0, i) + inwards(1, j));
                    let rises = if height.is_finite() { (height + 2.0 * half[2]) / size[2] } else { 10.0 };
                    let cost = rises + 0.25 * from_corner;
                    spots.push(Spot { attitude: number, at, from_corner, height, cost });
                }
            }
        }
        spots
    }

    /// Looks at spots in the order of their cost until there are enough, and ranks them.
    fn choose(mut self, attitudes: &[Attitude; 2], mut spots: Vec<Spot>) -> Vec<Placement> {
        let order = |a: &Spot, b: &Spot| {
            let key = a.cost.total_cmp(&b.cost).then(a.attitude.cmp(&b.attitude));
            key.then(a.at[1].total_cmp(&b.at[1])).then(a.at[0].total_cmp(&b.at[0]))
        };
        let mut found: Vec<Placement> = Vec::new();
        let (mut from, mut looked_at) = (0, 0);
        let mut batch = 256;
        while from < spots.len() && found.len() < FOUND_MOST && looked_at < LOOKED_AT_MOST {
            let rest = &mut spots[from..];
            let count = batch.min(rest.len());
            if count < rest.len() {
                rest.select_nth_unstable_by(count, order);
            }
            rest[..count].sort_unstable_by(order);
            for spot in &spots[from..from + count] {
                let attitude = &attitudes[spot.attitude];
                let near = |p: &Placement| {
                    let at = p.bin_from_box.origin();
                    (at.x - spot.at[0]).hypot(at.y - spot.at[1]) < 0.015
                };
                if found.len() >= FOUND_MOST || found.iter().any(near) {
                    continue;
                }
                let top = spot.height + 2.0 * attitude.half[2];
                if spot.height.is_finite()
                    && let Some(why) = self.too_high(top, NOISE_M)
                {
                    self.refuse(attitude, spot, spot.height, why);
                    continue;
                }
                looked_at += 1;
                match self
                    .near_walls(attitude, spot)
                    .and_then(|()| self.base(attitude, spot))
                    .and_then(|base| self.lower(attitude, spot, &base))
                {
                    Ok(placement) => found.push(placement),
                    Err((height, why)) => self.refuse(attitude, spot, height, why),
                }
            }
            from += count;
            batch *= 2;
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(ACCEPTED_MOST);
        found.append(&mut self.refused);
        found
    }

    fn footprint(&self, attitude: &Attitude, at: [f64; 2]) -> Cells {
        let half = attitude.half;
        self.surface.cells([at[0] - half[0], at[1] - half[1]], [at[0] + half[0], at[1] + half[1]])
    }

    /// Why something may not reach up to `top`, metres, by more than `allowed`: the fill height, which is the rim's where
    /// nothing else is said.
    fn too_high(&self, top: f64, allowed: f64) -> Option<PlaceRejection> {
        let (top_mm, rim_mm, fill_mm) = (top * 1e3, self.bin.size[2] * 1e3, self.bin.fill * 1e3);
        (top - allowed > self.bin.fill).then_some(if fill_mm < rim_mm {
            PlaceRejection::AboveFill { top_mm, fill_mm }
        } else {
            PlaceRejection::AboveRim { top_mm, rim_mm }
        })
    }

    /// What the item would stand on at a spot.
    fn base(&mut self, attitude: &Attitude, spot: &Spot) -> Result<Base, (f64, PlaceRejection)> {
        let half = attitude.half;
        let core = self.footprint(attitude, spot.at);
        self.scratch.clear();
        self.scratch.extend(self.surface.heights(core).map(|h| h.2));
        let highest = self.scratch.iter().copied().fold(0.0, f64::max);
        if self.scratch.is_empty() || highest.is_infinite() {
            return Err((0.0, PlaceRejection::Unseen));
        }
        let nearly = (self.scratch.len() - 1) * 19 / 20;
        let most = *self.scratch.select_nth_unstable_by(nearly, f64::total_cmp).1;
        let noise = (NOISE_SIGMAS * self.surface.noise).min(NOISE_M);
        let height = if highest - most <= noise { most } else { highest };
        let top = height + 2.0 * half[2];
        if let Some(why) = self.too_high(top, 0.0) {
            return Err((height, why));
        }
        let out = |more: f64| {
            let (x, y) = (half[0] + more, half[1] + more);
            ([spot.at[0] - x, spot.at[1] - y], [spot.at[0] + x, spot.at[1] + y])
        };
        let (low, high) = out(self.gap);
        let beside = self.surface.heights(self.surface.cells(low, high)).map(|h| h.2).fold(0.0, f64::max);
        if beside > height + HIGHER_M && beside > highest + 1e-9 {
            let above_mm = (beside - height) * 1e3;
            return Err((height, PlaceRejection::TooClose { above_mm, gap_mm: self.gap * 1e3 }));
        }
        let (width, depth) = ((core.i1 - core.i0) as f64, (core.j1 - core.j0) as f64);
        let mut carrying = 0.0;
        // How far what carries reaches beyond the centre, in sixteen directions.
        let directions: [[f64; 2]; 16] = core::array::from_fn(|n| (n as f64 * PI / 8.0).sin_cos().into());
        let mut reach = [f64::NEG_INFINITY; 16];
        let mut corners = [[0.0; 2]; 4];
        for (i, j, z) in self.surface.heights(core) {
            let carries = f64::from(u8::from(z >= height - CARRIES_M));
            carrying += carries;
            let place = |v: usize, from: usize, n: f64| ((v - from) as f64 + 0.5) / n;
            let (x, y) = (place(i, core.i0, width), place(j, core.j0, depth));
            if carries > 0.0 {
                let (dx, dy) = ((x - 0.5) * 2.0 * half[0], (y - 0.5) * 2.0 * half[1]);
                for (reach, d) in reach.iter_mut().zip(&directions) {
                    *reach = reach.max(d[0] * dx + d[1] * dy);
                }
            }
            if (x - 0.5).abs() > 0.2 && (y - 0.5).abs() > 0.2 {
                let corner = &mut corners[usize::from(x > 0.5) + 2 * usize::from(y > 0.5)];
                corner[0] += carries;
                corner[1] += 1.0;
            }
        }
        let support = carrying / (width * depth);
        let corners = corners.iter().filter(|c| c[0] >= 0.5 * f64::max(c[1], 1.0)).count();
        // Three corners carry the centre; more than half of the base with two corners does as well.
        if !(corners >= 3 || (support > SUPPORT_LEAST && corners == 2)) {
            return Err((height, PlaceRejection::Unstable { support, corners, limit: SUPPORT_LEAST }));
        }
        let margin = reach.iter().copied().fold(f64::INFINITY, f64::min);
        if margin < CENTRE_M {
            let (margin_mm, limit_mm) = (margin * 1e3, CENTRE_M * 1e3);
            return Err((height, PlaceRejection::CentreNotCarried { margin_mm, limit_mm }));
        }
        Ok(Base { height, support, contact: self.contact(attitude, spot, height) })
    }

    /// Share of each side that has a wall or a neighbour of half its height within 20 mm: the gap, and a cell more.
    fn contact(&self, attitude: &Attitude, spot: &Spot, height: f64) -> [f64; 4] {
        const NEAR_M: f64 = 0.020;
        let half = attitude.half;
        let enough = height + half[2];
        let side = |axis: usize, sign: f64| {
            let edge = spot.at[axis] + sign * half[axis];
            if edge * sign + NEAR_M >= 0.5 * self.bin.size[axis] {
                return if self.bin.size[2] >= enough { 1.0 } else { 0.0 };
            }
            let other = 1 - axis;
            let steps = (2.0 * half[other] / self.surface.cell).ceil().max(1.0);
            let mut leaning = 0.0;
            for n in 0..steps as usize {
                let mut probe = [0.0; 2];
                probe[other] = spot.at[other] - half[other] + (n as f64 + 0.5) / steps * 2.0 * half[other];
                let high = [0.3, 0.6, 1.0].iter().any(|share| {
                    probe[axis] = edge + sign * share * NEAR_M;
                    self.map.cell_at(probe[0], probe[1]).is_some_and(|(i, j)| {
                        let z = self.surface.z[j * self.surface.nx + i];
                        z.is_finite() && z >= enough
                    })
                });
                leaning += f64::from(u8::from(high));
            }
            leaning / steps
        };
        [side(0, -1.0), side(0, 1.0), side(1, -1.0), side(1, 1.0)]
    }

    /// Brings the tool down: the first of the two turns that has room.
    fn lower(&self, attitude: &Attitude, spot: &Spot, base: &Base) -> Result<Placement, (f64, PlaceRejection)> {
        let mut first = None;
        for (rotation, turn) in attitude.turns {
            match self.room(attitude, spot, base.height, rotation) {
                Ok(()) => {
                    let top = base.height + 2.0 * attitude.half[2];
                    let contact = base.contact.iter().sum::<f64>() / 4.0;
                    let loose =
                        attitude.rolls.is_some_and(|axis| base.contact[2 * axis].max(base.contact[2 * axis + 1]) < 0.5);
                    let cost = top / self.bin.size[2]
                        + 0.25 * spot.from_corner
                        + 0.4 * (1.0 - base.support)
                        + 0.25 * (1.0 - contact)
                        + 0.02 * turn
                        + if loose { 0.5 } else { 0.0 };
                    let mut placement = self.placement(attitude, spot, base.height, rotation);
                    placement.support = base.support;
                    let more = self.on_known(&mut placement).map_err(|why| (base.height, why))?;
                    placement.score = 1.0 / (1.0 + cost + more);
                    return Ok(placement);
                }
                Err(why) => first = first.or(Some(why)),
            }
        }
        Err((base.height, first.unwrap_or(PlaceRejection::Unseen)))
    }

    /// What known items below say: a refusal, or what it costs more. Raises the release where heights are unsure.
    fn on_known(&self, placement: &mut Placement) -> Result<f64, PlaceRejection> {
        let Some((state, stack)) = &self.state else { return Ok(0.0) };
        let new = Content::at(placement, self.hold.mass_kg, self.sku);
        if let Some((load_n, limit_n)) = stack.overloaded(&new) {
            return Err(PlaceRejection::Crushes { load_n, limit_n });
        }
        let half = half_extents(&placement.bin_from_box, placement.size_m);
        let (mut soft, mut lighter) = (0.0, 0.0);
        for (below, share) in stack.under(&new) {
            soft += if below.soft { share } else { 0.0 };
            lighter += share * (1.0 - below.mass_kg / new.mass_kg.max(1e-3)).max(0.0);
        }
        let slender = half[2] / half[0].min(half[1]).max(1e-3);
        if !new.soft && soft > SOFT_SHARE && slender > STEADY_ON_SOFT {
            return Err(PlaceRejection::OnLoose { share: soft, slender, limit: STEADY_ON_SOFT });
        }
        let raise = (state.unsure_m(&new) - UNSURE_FREE_M).clamp(0.0, UNSURE_MOST_M);
        let bin_from_tool = self.bin.world_from.inverse() * placement.drop.world_from_tool;
        let raised = Translation3::new(0.0, 0.0, raise) * bin_from_tool.isometry();
        placement.drop.world_from_tool = self.bin.world_from * Pose::from_isometry(raised);
        Ok(0.3 * lighter)
    }

    /// Whether either turn brings the tool down between the walls at the height that it rests at at most. Cheap.
    fn near_walls(&self, attitude: &Attitude, spot: &Spot) -> Result<(), (f64, PlaceRejection)> {
        if !spot.height.is_finite() {
            return Err((0.0, PlaceRejection::Unseen));
        }
        let mut first = None;
        for (rotation, _) in attitude.turns {
            let at = self.tool_at(attitude, spot, spot.height, rotation);
            match walls(self.tool, &at, 0.0, 0.0, self.bin.size, TOOL_CLEAR_M) {
                None => return Ok(()),
                Some(clash) => first = first.or(Some(clash)),
            }
        }
        let Clash { body, over_m } = first.unwrap_or(Clash { body: String::new(), over_m: 0.0 });
        Err((spot.height, PlaceRejection::ToolHitsWall { body, over_mm: over_m * 1e3, limit_mm: TOOL_CLEAR_M * 1e3 }))
    }

    fn room(
        &self,
        attitude: &Attitude,
        spot: &Spot,
        height: f64,
        rotation: UnitQuaternion<f64>,
    ) -> Result<(), PlaceRejection> {
        let at = self.tool_at(attitude, spot, height, rotation);
        if let Some(Clash { body, over_m }) = walls(self.tool, &at, 0.0, 0.0, self.bin.size, TOOL_CLEAR_M) {
            return Err(PlaceRejection::ToolHitsWall { body, over_mm: over_m * 1e3, limit_mm: TOOL_CLEAR_M * 1e3 });
        }
        let seen = self.ground.under(self.tool, &at, 0.0, CELL_CLEAR_M);
        if let Some(Clash { body, over_m }) = seen.clash {
            return Err(PlaceRejection::ToolHitsNeighbour {
                body,
                over_mm: over_m * 1e3,
                limit_mm: CELL_CLEAR_M * 1e3,
            });
        }
        let mut points = [0.0; 64];
        for (i, cup) in self.tool.cups.iter().enumerate() {
            let count = self.ground.rises(&at, *cup, 0.5 * self.tool.cup_diameter_m, -IDLE_RISE_M, &mut points);
            if count >= 2 {
                let over_m = points[..count].iter().copied().fold(0.0, f64::max);
                return Err(PlaceRejection::CupTouches { cup: i, rise_mm: over_m * 1e3, limit_mm: IDLE_RISE_M * 1e3 });
            }
        }
        Ok(())
    }

    fn box_at(&self, attitude: &Attitude, spot: &Spot, height: f64, rotation: UnitQuaternion<f64>) -> Isometry3<f64> {
        Isometry3::from_parts(Translation3::new(spot.at[0], spot.at[1], height + attitude.half[2]), rotation)
    }

    fn tool_at(&self, attitude: &Attitude, spot: &Spot, height: f64, rotation: UnitQuaternion<f64>) -> Isometry3<f64> {
        self.box_at(attitude, spot, height, rotation) * self.hold.held.tool_from_box.isometry().inverse()
    }

    fn placement(&self, attitude: &Attitude, spot: &Spot, height: f64, rotation: UnitQuaternion<f64>) -> Placement {
        // The bellows open as the vacuum goes: lower down they would press the item.
        let above = self.tool_at(attitude, spot, height + self.hold.closed_m + RELEASE_M, rotation);
        Placement {
            bin_from_box: Pose::from_isometry(self.box_at(attitude, spot, height, rotation)),
            size_m: self.hold.held.size_m,
            drop: Drop {
                world_from_tool: self.bin.world_from * Pose::from_isometry(above),
                touch_speed: match self.sku.map(|s| s.fragility) {
                    Some(Fragility::Fragile) => TOUCH_SPEED_FRAGILE,
                    Some(Fragility::Normal | Fragility::Sturdy) | None => TOUCH_SPEED,
                },
                guard_m: GUARD_M,
                half_turn: true,
                approach_m: APPROACH_M,
            },
            height_m: height,
            support: 0.0,
            score: 0.0,
            rejected: None,
        }
    }

    fn refuse(&mut self, attitude: &Attitude, spot: &Spot, height: f64, why: PlaceRejection) {
        let kind = discriminant(&why);
        let same = |p: &&Placement| p.rejected.as_ref().is_some_and(|r| discriminant(r) == kind);
        let mut alike = 0;
        for other in self.refused.iter().filter(same) {
            let at = other.bin_from_box.origin();
            alike += 1;
            if alike >= REJECTED_OF_A_KIND || (at.x - spot.at[0]).hypot(at.y - spot.at[1]) < 0.03 {
                return;
            }
        }
        let height = if height.is_finite() { height } else { 0.0 };
        let mut placement = self.placement(attitude, spot, height, attitude.turns[0].0);
        placement.rejected = Some(why);
        self.refused.push(placement);
    }
}
