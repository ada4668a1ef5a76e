//! Whether the tool has room: walls and what stands around.

use control::{ToolBody, ToolModel};
use nalgebra::{Isometry3, Point3, Vector3};
use scene::HeightMap;
use scene::frame::Frame;

/// A part of the tool that is in the way of something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Clash {
    pub(crate) body: String,
    /// How far it is inside, metres.
    pub(crate) over_m: f64,
}

/// Corners of a box in the tool's frame, moved by `press` along the tool's axis.
fn corners(body: &ToolBody, press: f64) -> [Point3<f64>; 8] {
    core::array::from_fn(|i| {
        let side = |axis: usize| if i >> axis & 1 == 0 { -0.5 } else { 0.5 };
        let at = |axis: usize| body.centre_m[axis] + side(axis) * body.size_m[axis];
        Point3::new(at(0), at(1), at(2) + press)
    })
}

/// Pairs of corners that share an edge.
const EDGES: [(usize, usize); 12] =
    [(0, 1), (2, 3), (4, 5), (6, 7), (0, 2), (1, 3), (4, 6), (5, 7), (0, 4), (1, 5), (2, 6), (3, 7)];

/// How far the tool sticks into the walls of a container of inner `size`, or passes closer than `clear`
/// (rigid bodies) while it backs off by `back` along its own axis. Bodies that give way need no clearance.
pub(crate) fn walls(
    tool: &ToolModel,
    at: &Isometry3<f64>,
    press: f64,
    back: f64,
    size: [f64; 3],
    clear: f64,
) -> Option<Clash> {
    let out = at.rotation * -Vector3::z();
    let mut worst: Option<Clash> = None;
    for body in &tool.bodies {
        let inside = if body.rigid { clear } else { 0.0 };
        let half = [0.5 * size[0] - inside, 0.5 * size[1] - inside];
        let over = |p: &Point3<f64>| (p.x.abs() - half[0]).max(p.y.abs() - half[1]);
        let corners = corners(body, press).map(|c| at * c);
        let mut most = f64::NEG_INFINITY;
        for corner in &corners {
            if corner.z < size[2] {
                most = most.max(over(corner));
                // Where it leaves the container, or how far the straight way goes.
                let way = if out.z > 1e-3 { ((size[2] - corner.z) / out.z).min(back) } else { back };
                most = most.max(over(&(corner + out * way)));
            }
        }
        for (a, b) in EDGES {
            let (low, high) = if corners[a].z < corners[b].z { (a, b) } else { (b, a) };
            let (low, high) = (corners[low], corners[high]);
            if low.z < size[2] && high.z > size[2] {
                most = most.max(over(&(low + (high - low) * ((size[2] - low.z) / (high.z - low.z)))));
            }
        }
        // Bodies that give way may lean on a wall by a millimetre or two.
        let allowed = if body.rigid { 0.0 } else { 0.002 };
        if most > allowed && worst.as_ref().is_none_or(|w| most > w.over_m) {
            worst = Some(Clash { body: body.name.clone(), over_m: most });
        }
    }
    worst
}

/// Side of a block, cells.
const BLOCK: usize = 4;

/// Heights around the tool, with the highest of each block, so that low ground costs nothing.
pub(crate) struct Ground {
    origin: [f64; 2],
    cell: f64,
    nx: usize,
    ny: usize,
    /// Heights, metres; NaN unseen, −∞ where it doesn't count.
    z: Vec<f64>,
    across: usize,
    /// The highest of each block, and its number of unseen cells.
    blocks: Vec<(f64, u32)>,
}

/// What stands in the way of the tool's rigid bodies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Around {
    /// The rigid body that is deepest inside what stands there, if any is.
    pub(crate) clash: Option<Clash>,
    /// Least distance of a rigid body from what stands there, metres; capped at 8 mm.
    pub(crate) clear_m: f64,
    /// Share of what lies under the rigid bodies that nobody has seen, by blocks.
    pub(crate) unseen: f64,
}

impl Ground {
    /// Takes a map; cells for which `skip` is true don't count.
    pub(crate) fn of<F: Frame>(map: &HeightMap<F>, skip: impl Fn(f64, f64) -> bool) -> Self {
        let mut ground = Self {
            origin: map.origin,
            cell: map.cell,
            nx: map.nx,
            ny: map.ny,
            z: map.z.iter().map(|z| f64::from(*z)).collect(),
            across: map.nx.div_ceil(BLOCK),
            blocks: vec![(f64::NEG_INFINITY, 0); map.nx.div_ceil(BLOCK) * map.ny.div_ceil(BLOCK)],
        };
        for j in 0..map.ny {
            for i in 0..map.nx {
                let [x, y] = map.centre(i, j);
                let z = &mut ground.z[j * map.nx + i];
                if skip(x, y) {
                    *z = f64::NEG_INFINITY;
                }
                let block = &mut ground.blocks[j / BLOCK * ground.across + i / BLOCK];
                if z.is_nan() {
                    block.1 += 1;
                } else {
                    block.0 = block.0.max(*z);
                }
            }
        }
        ground
    }

    /// Cells between two corners: first and one past the last along an axis.
    fn range(&self, low: f64, high: f64, axis: usize) -> (usize, usize) {
        let n = if axis == 0 { self.nx } else { self.ny };
        let index = |v: f64| ((v - self.origin[axis]) / self.cell).floor();
        let from = index(low).clamp(0.0, n as f64) as usize;
        (from, (index(high) + 1.0).clamp(from as f64, n as f64) as usize)
    }

    /// Gives every seen point of a region that is higher than `above` to `each`; returns the share not seen.
    fn higher(&self, low: [f64; 2], high: [f64; 2], above: f64, mut each: impl FnMut(Point3<f64>)) -> f64 {
        let (i0, i1) = self.range(low[0], high[0], 0);
        let (j0, j1) = self.range(low[1], high[1], 1);
        if i0 == i1 || j0 == j1 {
            return 0.0;
        }
        let (mut unseen, mut all) = (0, 0);
        for bj in j0 / BLOCK..=(j1 - 1) / BLOCK {
            for bi in i0 / BLOCK..=(i1 - 1) / BLOCK {
                let (highest, blind) = self.blocks[bj * self.across + bi];
                unseen += blind;
                all += (BLOCK * BLOCK) as u32;
                if highest <= above {
                    continue;
                }
                for j in (bj * BLOCK).max(j0)..((bj + 1) * BLOCK).min(j1) {
                    for i in (bi * BLOCK).max(i0)..((bi + 1) * BLOCK).min(i1) {
                        let z = self.z[j * self.nx + i];
                        if z > above {
                            let at = |n: usize, axis: usize| self.origin[axis] + (n as f64 + 0.5) * self.cell;
                            each(Point3::new(at(i, 0), at(j, 1), z));
                        }
                    }
                }
            }
        }
        f64::from(unseen) / f64::from(all)
    }

    /// What stands in the way of the tool's rigid bodies, and of their way back along the tool's axis.
    pub(crate) fn under(&self, tool: &ToolModel, at: &Isometry3<f64>, press: f64, clear: f64) -> Around {
        const FAR_M: f64 = 0.008;
        let back = at.inverse();
        let mut around = Around { clash: None, clear_m: FAR_M, unseen: 0.0 };
        for body in tool.bodies.iter().filter(|b| b.rigid) {
            // What stands over a container is far from the upper end of the tool.
            let corners = corners(body, press).map(|c| at * Point3::new(c.x, c.y, c.z.max(-0.08)));
            let low = |axis: usize| corners.iter().map(|c| c[axis]).fold(f64::INFINITY, f64::min);
            let high = |axis: usize| corners.iter().map(|c| c[axis]).fold(f64::NEG_INFINITY, f64::max);
            let lower = body.centre_m[2] + 0.5 * body.size_m[2] + press;
            let mut deepest = f64::NEG_INFINITY;
            let region = ([low(0) - clear, low(1) - clear], [high(0) + clear, high(1) + clear]);
            let unseen = self.higher(region.0, region.1, low(2) - FAR_M, |p| {
                let p = back * p;
                let off = |axis: usize| (p[axis] - body.centre_m[axis]).abs() - 0.5 * body.size_m[axis];
                if off(0) <= clear && off(1) <= clear {
                    deepest = deepest.max(lower - p.z);
                }
            });
            around.unseen = around.unseen.max(unseen);
            around.clear_m = around.clear_m.min(-deepest);
            if deepest > 0.0 && around.clash.as_ref().is_none_or(|c| deepest > c.over_m) {
                around.clash = Some(Clash { body: body.name.clone(), over_m: deepest });
            }
        }
        around
    }

    /// How far points of a disc of the tool's lip plane stand above that plane; at most 64 of them, those
    /// more than `below` under it left out. Returns how many.
    pub(crate) fn rises(
        &self,
        at: &Isometry3<f64>,
        middle: [f64; 2],
        radius: f64,
        below: f64,
        into: &mut [f64; 64],
    ) -> usize {
        let back = at.inverse();
        let centre = at * Point3::new(middle[0], middle[1], 0.0);
        let axis = at.rotation * Vector3::z();
        let above = centre.z - radius * (1.0 - axis.z * axis.z).max(0.0).sqrt() - below;
        let reach = 1.2 * radius;
        let mut count = 0;
        self.higher([centre.x - reach, centre.y - reach], [centre.x + reach, centre.y + reach], above, |p| {
            let p = back * p;
            if count < 64 && (p.x - middle[0]).powi(2) + (p.y - middle[1]).powi(2) < radius * radius && -p.z > -below {
                into[count] = -p.z;
                count += 1;
            }
        });
        count
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::{Translation3, UnitQuaternion};
    use scene::frame::Tote;

    fn tool() -> ToolModel {
        ToolModel::find("six-cup", std::path::Path::new(".")).unwrap()
    }

    fn down(x: f64, y: f64, z: f64) -> Isometry3<f64> {
        let rotation = UnitQuaternion::from_axis_angle(&Vector3::x_axis(), core::f64::consts::PI);
        Isometry3::from_parts(Translation3::new(x, y, z), rotation)
    }

    const TOTE: [f64; 3] = [0.6, 0.4, 0.3];

    #[test]
    fn the_plate_may_not_go_down_into_a_wall_but_may_hang_over_it() {
        let tool = tool();
        assert_eq!(walls(&tool, &down(0.0, 0.0, 0.05), 0.01, 0.06, TOTE, 0.004), None);
        let clash = walls(&tool, &down(0.28, 0.0, 0.05), 0.01, 0.06, TOTE, 0.004).unwrap();
        assert_eq!(clash.body, "cup plate");
        assert!((clash.over_m - 0.043).abs() < 1e-9, "{clash:?}");
        assert_eq!(walls(&tool, &down(0.28, 0.0, 0.32), 0.01, 0.06, TOTE, 0.004), None);
    }

    #[test]
    fn a_tilted_tool_backs_off_over_its_own_way() {
        let tool = tool();
        let lean = UnitQuaternion::from_axis_angle(&Vector3::y_axis(), 0.5);
        let at = Isometry3::from_parts(Translation3::new(0.21, 0.0, 0.05), lean * down(0.0, 0.0, 0.0).rotation);
        let near = walls(&tool, &at, 0.01, 0.0, TOTE, 0.004);
        let far = walls(&tool, &at, 0.01, 0.1, TOTE, 0.004).unwrap();
        assert!(near.is_none_or(|n| n.over_m < far.over_m - 0.02), "{far:?}");
    }

    #[test]
    fn a_tall_neighbour_is_hit_and_a_low_one_is_not() {
        let tool = tool();
        let mut map = HeightMap::<Tote>::over_floor([0.6, 0.4], 0.005, 0.0);
        let (i, j) = map.cell_at(0.06, 0.0).unwrap();
        map.set(i, j, 0.15);
        let ground = Ground::of(&map, |_, _| false);
        let look = |z: f64| ground.under(&tool, &down(0.0, 0.0, z), 0.01, 0.005);
        assert_eq!(look(0.10).clash.unwrap().body, "cup plate");
        assert_eq!(look(0.20).clash, None);
    }
}
