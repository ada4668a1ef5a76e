//! How a tote or a bin really stands: its rim in a picture, beside where it should be.

use core::fmt;

use nalgebra::{Matrix5, Point3, UnitQuaternion, Vector3, Vector5};
use scene::frame::{Frame, World};
use scene::{HeightMap, Pose, RgbdImage};

use crate::fit::{ON_PLANE_M, plane};
use crate::height_map::height_map;

/// How far from where it should be the rim is looked for: in the plane, and up and down, metres.
const SEARCH_M: f64 = 0.06;
const SEARCH_UP_M: f64 = 0.04;
/// Readings this far from a wall's middle still pull at it, round by round, metres; the last ones beside half of the wall.
const PULL_M: [f64; 3] = [0.06, 0.03, 0.015];
const PULL_LAST_M: f64 = 0.0015;
const ROUNDS: usize = 4;
/// At most so many readings are fitted to.
const READINGS_MOST: usize = 4000;
const READINGS_LEAST: usize = 200;
/// Each wall is cut into so many parts; a wall is seen that has readings in this share of them.
const PARTS: usize = 20;
const PARTS_LEAST: f64 = 0.4;
/// Walls that are seen, of four: with three, both directions and the turn are fixed, and one size is measured.
const WALLS_LEAST: usize = 3;
/// How much the nominal distance of two walls counts beside one wall's readings: at first nearly alone, since another
/// container may stand wall to wall, then hardly; and hardly from the beginning where that finds no rim.
const FIRM: f64 = 100.0;
const LOOSE: f64 = 0.01;
/// What is off by more than this in length, width or rim is another kind of container, metres.
const OTHER_KIND_M: f64 = 0.015;
/// Readings of an empty container's floor stay below this, metres, but for one in a hundred.
const EMPTY_M: f64 = 0.015;
/// Side of the cells by which the fill is told, metres, and how many of them along each wall show that wall.
const FILL_CELL_M: f64 = 0.01;
const WALL_CELLS: usize = 2;

/// A tote or a bin as a picture shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ContainerSeen<F: Frame> {
    /// Where the middle of its inner floor is: the rim's middle, less its nominal height along the rim's normal.
    pub world_from: Pose<World, F>,
    /// Standard deviation of its place in the rim's plane, metres.
    pub sigma_m: f64,
    /// From where it should stand to where it does, at the rim's middle, metres, in its nominal frame.
    pub shift_m: [f64; 3],
    /// By how much it is turned about the vertical, radians.
    pub turn_rad: f64,
    /// How much it leans, radians.
    pub tilt_rad: f64,
    /// Inner length and width, metres; the nominal one where a wall of the pair is not seen.
    pub size_m: [f64; 2],
    /// Share of its volume up to the rim that is below what the picture shows, 0…1; NaN where no cell has a reading.
    pub fill: f64,
    /// Whether nothing lies in it.
    pub is_empty: bool,
}

/// Why a container is not taken for what it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ContainerDoubt {
    /// Its rim is not where it may be found, or hidden.
    NotSeen {
        /// Walls with a rim, of four.
        walls: usize,
    },
    /// It has other sides than it should: another kind stands there.
    OtherKind {
        /// Which measure: `length`, `width` or `rim height`.
        what: &'static str,
        /// As measured, metres.
        found_m: f64,
        /// As it should be, metres.
        expected_m: f64,
    },
}

impl fmt::Display for ContainerDoubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSeen { walls } => {
                write!(f, "the rim of {walls} of its 4 walls is seen; must be {WALLS_LEAST} or more")
            }
            Self::OtherKind { what, found_m, expected_m } => write!(
                f,
                "its {what} is {:.0} mm; must be {:.0} mm within {:.0} mm: another kind stands there",
                found_m * 1e3,
                expected_m * 1e3,
                OTHER_KIND_M * 1e3
            ),
        }
    }
}

impl<F: Frame> ContainerSeen<F> {
    /// How far its rim is off in any direction, a corner's way by the turn and the lean included, metres.
    #[must_use]
    pub fn off_m(&self) -> f64 {
        let reach = 0.5 * self.size_m[0].hypot(self.size_m[1]);
        let [x, y, z] = self.shift_m;
        x.hypot(y).hypot(z) + reach * self.turn_rad.abs().max(self.tilt_rad)
    }
}

/// Finds a container's rim and says how it stands and how full it is.
///
/// `nominal` is where the middle of its inner floor should be, `size` its inner size and `wall` the thickness of its walls,
/// metres. It is found within 60 mm and about 6° of there, leaning by up to 4°: readings near the rim's height give a
/// plane, those on the plane are drawn to the middles of four walls of which each counts alike.
///
/// # Errors
/// [`ContainerDoubt`] when too little of the rim is seen, or its measures are another kind's.
pub fn container_seen<F: Frame>(
    image: &RgbdImage,
    nominal: &Pose<World, F>,
    size: [f64; 3],
    wall: f64,
) -> Result<ContainerSeen<F>, ContainerDoubt> {
    let not_seen = ContainerDoubt::NotSeen { walls: 0 };
    if !(nominal.is_finite() && wall > 0.0 && size.iter().all(|side| *side > 0.0 && side.is_finite())) {
        return Err(not_seen);
    }
    let ring = ring(image, nominal, size, wall);
    if ring.len() < READINGS_LEAST {
        return Err(not_seen);
    }
    let above = Point3::new(0.0, 0.0, size[2] + 10.0);
    let (on, up) = plane(&ring, &above).ok_or(not_seen)?;
    let lean = UnitQuaternion::rotation_between(&Vector3::z(), &up).ok_or(not_seen)?;
    // Readings on the rim's plane, in axes of the plane.
    let flat = |p: &Point3<f64>| lean.inverse() * (p - on);
    let on_plane: Vec<[f64; 2]> =
        ring.iter().map(flat).filter(|d| d.z.abs() <= ON_PLANE_M).map(|d| [d.x, d.y]).collect();
    let start = flat(&Point3::new(0.0, 0.0, size[2]));
    let nominal_half = [0, 1].map(|a| 0.5 * (size[a] + wall));
    let last = 0.5 * wall + PULL_LAST_M;
    let fitted = |weight: f64| {
        let mut rim = Rim { at: [start.x, start.y], turn: 0.0, half: nominal_half, nominal_half };
        for (pull, weight) in PULL_M.into_iter().chain([last]).map(|pull| (pull, weight)).chain([(last, LOOSE)]) {
            (0..ROUNDS).try_for_each(|_| rim.draw(&on_plane, pull, weight))?;
        }
        let walls = rim.walls(&on_plane, last);
        Some((rim, walls))
    };
    let seen = |walls: &[Option<f64>; 4]| walls.iter().flatten().count();
    let firm = fitted(FIRM);
    let loose = if firm.as_ref().is_some_and(|(_, walls)| seen(walls) == walls.len()) { None } else { fitted(LOOSE) };
    // The last of equal ones is taken.
    let best = loose.into_iter().chain(firm).max_by_key(|(_, walls)| seen(walls));
    let (rim, walls) = best.ok_or(not_seen)?;
    let seen = seen(&walls);
    if seen < WALLS_LEAST {
        return Err(ContainerDoubt::NotSeen { walls: seen });
    }
    let size_m = [0, 1].map(|a| 2.0 * rim.half[a] - wall);
    let middle = on + lean * Vector3::new(rim.at[0], rim.at[1], 0.0);
    let measures = [("length", size_m[0], size[0]), ("width", size_m[1], size[1]), ("rim height", middle.z, size[2])];
    for (what, found_m, expected_m) in measures {
        if (found_m - expected_m).abs() > OTHER_KIND_M {
            return Err(ContainerDoubt::OtherKind { what, found_m, expected_m });
        }
    }
    let turned = lean * UnitQuaternion::from_axis_angle(&Vector3::z_axis(), rim.turn);
    let floor = middle - turned * Vector3::new(0.0, 0.0, size[2]);
    let nominal_from: Pose<F, F> = Pose::from_parts(floor.coords, turned);
    let world_from = *nominal * nominal_from;
    let (fill, is_empty) = fill(&height_map(image, &world_from, size, FILL_CELL_M), size[2]);
    Ok(ContainerSeen {
        world_from,
        sigma_m: walls.into_iter().flatten().fold(0.0, f64::max),
        shift_m: [middle.x, middle.y, middle.z - size[2]],
        turn_rad: rim.turn,
        tilt_rad: up.z.clamp(-1.0, 1.0).acos(),
        size_m,
        fill,
        is_empty,
    })
}

/// Readings of every other pixel and row at about the rim's height and near the walls, in the nominal frame.
fn ring<F: Frame>(image: &RgbdImage, nominal: &Pose<World, F>, size: [f64; 3], wall: f64) -> Vec<Point3<f64>> {
    let from_camera = nominal.inverse() * image.world_from_camera;
    let mut found = Vec::new();
    for v in (0..image.height()).step_by(2) {
        for u in (0..image.width()).step_by(2) {
            let Some(z) = image.depth_at(u, v) else { continue };
            let p = from_camera.point(&image.intrinsics.unproject(u as f64, v as f64, z));
            let beyond = (p.x.abs() - 0.5 * size[0]).max(p.y.abs() - 0.5 * size[1]);
            if (p.z - size[2]).abs() <= SEARCH_UP_M && (-SEARCH_M..=wall + SEARCH_M).contains(&beyond) {
                found.push(p);
            }
        }
    }
    let step = found.len().div_ceil(READINGS_MOST).max(1);
    found.into_iter().step_by(step).collect()
}

/// The middles of four walls as a rectangle in the rim's plane.
struct Rim {
    at: [f64; 2],
    turn: f64,
    /// Half of the distance between the middles of opposite walls, along both axes, metres; and as it should be.
    half: [f64; 2],
    nominal_half: [f64; 2],
}

impl Rim {
    /// The wall that a reading is nearest to (−x, +x, −y, +y), how far outside of its middle it is, and its place along it.
    fn nearest(&self, p: [f64; 2], pull: f64) -> Option<(usize, f64, f64)> {
        let (sin, cos) = self.turn.sin_cos();
        let (dx, dy) = (p[0] - self.at[0], p[1] - self.at[1]);
        let own = [cos * dx + sin * dy, cos * dy - sin * dx];
        let mut best: Option<(usize, f64, f64)> = None;
        for axis in 0..2 {
            let (out, along) = (own[axis].abs() - self.half[axis], own[1 - axis]);
            let is_beside = along.abs() <= self.half[1 - axis] - pull;
            if out.abs() <= pull && is_beside && best.is_none_or(|b| out.abs() < b.1.abs()) {
                best = Some((2 * axis + usize::from(own[axis] > 0.0), out, along));
            }
        }
        best
    }

    /// One Gauss–Newton step to the readings within `pull`, each wall with the same weight; `None` where they fix nothing.
    fn draw(&mut self, readings: &[[f64; 2]], pull: f64, nominal: f64) -> Option<()> {
        let (sin, cos) = self.turn.sin_cos();
        let mut sums = [(Matrix5::zeros(), Vector5::zeros(), 0.0); 4];
        for &p in readings {
            let Some((side, out, along)) = self.nearest(p, pull) else { continue };
            let sign = if side % 2 == 1 { 1.0 } else { -1.0 };
            // How the way out changes with the rectangle's place, turn and halves.
            let slope = if side < 2 {
                Vector5::new(-cos * sign, -sin * sign, along * sign, -1.0, 0.0)
            } else {
                Vector5::new(sin * sign, -cos * sign, -along * sign, 0.0, -1.0)
            };
            let (left, right, count) = &mut sums[side];
            *left += slope * slope.transpose();
            *right -= slope * out;
            *count += 1.0;
        }
        // A single wall of a pair says where it is and not how long the pair is apart: that stays as it should be.
        let mut left = Matrix5::from_diagonal(&Vector5::new(0.0, 0.0, 0.0, nominal, nominal));
        let mut right = Vector5::zeros();
        for a in 0..2 {
            right[3 + a] = nominal * (self.nominal_half[a] - self.half[a]);
        }
        for (l, r, count) in sums.iter().filter(|s| s.2 > 0.0) {
            left += l / *count;
            right += r / *count;
        }
        let step = left.cholesky()?.solve(&right);
        self.at = [self.at[0] + step[0], self.at[1] + step[1]];
        self.turn += step[2];
        self.half = [self.half[0] + step[3], self.half[1] + step[4]];
        Some(())
    }

    /// Standard deviation of each wall's place, metres, from the means over parts of it; `None` for a wall that is not seen.
    fn walls(&self, readings: &[[f64; 2]], pull: f64) -> [Option<f64>; 4] {
        let mut parts = [[(0.0, 0u32); PARTS]; 4];
        for &p in readings {
            let Some((side, out, along)) = self.nearest(p, pull) else { continue };
            let share = 0.5 + 0.5 * along / self.half[1 - side / 2];
            let part = &mut parts[side][((share * PARTS as f64) as usize).min(PARTS - 1)];
            *part = (part.0 + out, part.1 + 1);
        }
        parts.map(|parts| {
            let means: Vec<f64> = parts.iter().filter(|p| p.1 >= 3).map(|p| p.0 / f64::from(p.1)).collect();
            let n = means.len() as f64;
            if n < PARTS_LEAST * PARTS as f64 {
                return None;
            }
            let off = means.iter().sum::<f64>() / n;
            let square = means.iter().map(|m| (m - off) * (m - off)).sum::<f64>() / (n - 1.0);
            Some((square / n).sqrt())
        })
    }
}

/// The share of a container's volume that lies below its surface, and whether that is its floor.
fn fill<F: Frame>(heights: &HeightMap<F>, rim: f64) -> (f64, bool) {
    let inner = |n: usize| WALL_CELLS.min(n / 4)..n - WALL_CELLS.min(n / 4);
    let cells = inner(heights.ny).flat_map(|j| inner(heights.nx).map(move |i| (i, j)));
    let mut seen: Vec<f64> = cells.map(|(i, j)| f64::from(heights.at(i, j))).filter(|z| z.is_finite()).collect();
    if seen.is_empty() {
        return (f64::NAN, false);
    }
    let mean = seen.iter().map(|z| z.clamp(0.0, rim)).sum::<f64>() / seen.len() as f64;
    let last = (seen.len() - 1) * 99 / 100;
    let highest = *seen.select_nth_unstable_by(last, f64::total_cmp).1;
    (mean / rim, highest < EMPTY_M)
}
