//! An item's visible surface taken apart: flat facets, the side of a cylinder, or what is neither.

use nalgebra::{Point3, Vector3};

use crate::fit::{Plane, Round, Sums};
use crate::raster::{CELL_M, Cell, Raster};

/// How far a smoothed cell may lie off its facet, metres: 3 σ of what is left of 2.5 mm correlated noise.
const OFF_M: f64 = 0.006;
/// A facet is at least this large, cells: 60 % of a 30 mm cup's disc.
const LEAST_CELLS: usize = 70;
/// Facets of one item.
const MOST_FACETS: usize = 3;
/// Radius of the window from which a plane is first guessed, cells.
const GUESS_CELLS: i32 = 7;
/// Root mean square up to which a cylinder fits, metres.
const ROUND_RMS_M: f64 = 0.0035;
/// Least and greatest noise that a facet's residual is taken for, metres (stereo at 1.3 m: 2.5 mm).
const NOISE_M: [f64; 2] = [0.0004, 0.0025];

/// What a facet is like.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Form {
    Flat(Plane),
    Round(Round),
    /// Neither: normals come from windows.
    Free,
}

/// A part of the surface on which cups may sit.
pub(crate) struct Facet {
    pub(crate) form: Form,
    /// Cells of the raster that belong to it.
    pub(crate) member: Vec<bool>,
    pub(crate) count: usize,
    /// From each cell's centre to the facet's edge, metres.
    pub(crate) clearance: Vec<f32>,
    /// The middle of its cells, on it.
    pub(crate) middle: Point3<f64>,
    /// Noise of its smoothed cells, metres.
    pub(crate) noise: f64,
}

impl Facet {
    fn new(raster: &Raster, form: Form, member: Vec<bool>) -> Option<Self> {
        let count = member.iter().filter(|m| **m).count();
        if count == 0 {
            return None;
        }
        let edge = |k: usize| match raster.cells[k] {
            Cell::Outside => true,
            Cell::Hole => false,
            Cell::Seen => !member[k],
        };
        let mut clearance = raster.distance_to(edge);
        // The edge runs through the last covered cell, three quarters of a cell before the next one's centre.
        clearance.iter_mut().for_each(|d| *d = (*d - 0.75 * CELL_M as f32).max(0.0));
        let (mut sum, mut squares) = (Vector3::zeros(), 0.0);
        for (_, p) in raster.points().filter(|(k, _)| member[*k]) {
            sum += p.coords;
            let off = off(&form, &p).unwrap_or_default();
            squares += off * off;
        }
        let mean = sum / count as f64;
        let noise = match form {
            Form::Free => NOISE_M[1],
            _ => (squares / count as f64).sqrt().clamp(NOISE_M[0], NOISE_M[1]),
        };
        let mut facet = Self { form, member, count, clearance, middle: Point3::from(mean), noise };
        if let Some((point, _)) = facet.surface(mean.x, mean.y) {
            facet.middle = point;
        }
        Some(facet)
    }

    /// The point over (x, y) on the fitted form, and the normal; `None` where the form has none.
    pub(crate) fn surface(&self, x: f64, y: f64) -> Option<(Point3<f64>, Vector3<f64>)> {
        match &self.form {
            Form::Flat(plane) => Some((Point3::new(x, y, plane.z(x, y)), plane.normal())),
            Form::Round(round) => round.top(x, y),
            Form::Free => None,
        }
    }

    /// How far a point lies above the fitted form, metres.
    pub(crate) fn off(&self, p: &Point3<f64>) -> Option<f64> {
        off(&self.form, p)
    }

    /// Largest circle on it, as the radius, metres.
    pub(crate) fn widest(&self) -> f64 {
        f64::from(self.clearance.iter().copied().fold(0.0, f32::max))
    }
}

fn off(form: &Form, p: &Point3<f64>) -> Option<f64> {
    match form {
        Form::Flat(plane) => Some(plane.above(p.x, p.y, p.z)),
        Form::Round(round) => Some(round.above(p)),
        Form::Free => None,
    }
}

/// Takes a surface apart. `cylinder` is radius and length where the catalogue says that it is one;
/// `along` is a guess of its axis.
pub(crate) fn facets(raster: &Raster, cylinder: Option<[f64; 2]>, along: Vector3<f64>) -> Vec<Facet> {
    let cells: Vec<(usize, Point3<f64>)> = raster.points().collect();
    let flats = flats(raster, &cells);
    let flat: usize = flats.iter().map(|(_, member)| member.iter().filter(|m| **m).count()).sum();
    let first = flats.first().map(|(plane, _)| *plane);
    if let Some([radius, length]) = cylinder
        && let Some(round) = round(&cells, radius, length, along)
        && misfit(&cells, |p| round.above(p))
            < first.map_or(f64::INFINITY, |plane| misfit(&cells, |p| plane.above(p.x, p.y, p.z)))
    {
        let mut member = vec![false; raster.cells.len()];
        for (k, p) in &cells {
            member[*k] = round.above(p).abs() < OFF_M;
        }
        patch_up(raster, &mut member);
        return Facet::new(raster, Form::Round(round), member).into_iter().collect();
    }
    let mut found: Vec<Facet> = flats
        .into_iter()
        .filter_map(|(plane, member)| Facet::new(raster, Form::Flat(plane), member))
        .filter(|f| f.count >= LEAST_CELLS / 2)
        .collect();
    if flat * 5 < cells.len() * 2 {
        let member = raster.cells.iter().map(|c| *c == Cell::Seen).collect();
        found.extend(Facet::new(raster, Form::Free, member));
    }
    found
}

/// Mean square by which the cells are off, each counted up to `OFF_M`.
fn misfit(cells: &[(usize, Point3<f64>)], off: impl Fn(&Point3<f64>) -> f64) -> f64 {
    cells.iter().map(|(_, p)| off(p).abs().min(OFF_M).powi(2)).sum::<f64>() / cells.len().max(1) as f64
}

/// Flat facets, the largest first; each cell belongs to the nearest.
fn flats(raster: &Raster, cells: &[(usize, Point3<f64>)]) -> Vec<(Plane, Vec<bool>)> {
    let mut free = vec![false; raster.cells.len()];
    cells.iter().for_each(|(k, _)| free[*k] = true);
    let mut planes: Vec<Plane> = Vec::new();
    while planes.len() < MOST_FACETS {
        let Some((plane, member)) = largest_flat(raster, cells, &free) else {
            break;
        };
        for (k, m) in member.iter().enumerate() {
            if *m {
                free[k] = false;
            }
        }
        planes.push(plane);
    }
    let mut members = vec![vec![false; raster.cells.len()]; planes.len()];
    for (k, p) in cells {
        let nearest = planes
            .iter()
            .enumerate()
            .map(|(i, plane)| (i, plane.above(p.x, p.y, p.z).abs()))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((i, off)) = nearest
            && off < OFF_M
        {
            members[i][*k] = true;
        }
    }
    for member in &mut members {
        patch_up(raster, member);
        *member = largest_piece(raster, member);
    }
    planes.into_iter().zip(members).collect()
}

/// The plane that most free cells lie on, and those that hang together.
fn largest_flat(raster: &Raster, cells: &[(usize, Point3<f64>)], free: &[bool]) -> Option<(Plane, Vec<bool>)> {
    let open: Vec<Point3<f64>> = cells.iter().filter(|(k, _)| free[*k]).map(|(_, p)| *p).collect();
    if open.len() < LEAST_CELLS {
        return None;
    }
    let thin = (open.len() / 500).max(1);
    let votes = |plane: &Plane| open.iter().step_by(thin).filter(|p| plane.above(p.x, p.y, p.z).abs() < OFF_M).count();
    let seeds =
        open.iter().step_by((open.len() / 24).max(1)).filter_map(|p| window_plane(raster, free, p, GUESS_CELLS));
    let whole = fit(open.iter().copied());
    // One flat face needs no guesses.
    let enough = open.len().div_ceil(thin) * 19 / 20;
    let alone = whole.filter(|plane| votes(plane) >= enough);
    let seeds = seeds.take(if alone.is_some() { 0 } else { usize::MAX });
    let best =
        whole.into_iter().chain(seeds).map(|plane| (votes(&plane), plane)).reduce(|a, b| if b.0 > a.0 { b } else { a });
    let mut plane = best?.1;
    for limit in [1.5 * OFF_M, OFF_M, OFF_M] {
        plane = fit(open.iter().copied().filter(|p| plane.above(p.x, p.y, p.z).abs() < limit))?;
    }
    let mut member = vec![false; raster.cells.len()];
    for (k, p) in cells {
        member[*k] = free[*k] && plane.above(p.x, p.y, p.z).abs() < OFF_M;
    }
    let piece = largest_piece(raster, &member);
    let points = || cells.iter().filter(|(k, _)| piece[*k]).map(|(_, p)| *p);
    if points().count() < LEAST_CELLS {
        return None;
    }
    Some((fit(points())?, piece))
}

fn fit(points: impl Iterator<Item = Point3<f64>>) -> Option<Plane> {
    let mut sums = Sums::default();
    points.for_each(|p| sums.add(p.x, p.y, p.z));
    sums.plane()
}

/// The plane through the free cells of a square window.
pub(crate) fn window_plane(raster: &Raster, free: &[bool], about: &Point3<f64>, reach: i32) -> Option<Plane> {
    let k = raster.at(about.x, about.y)?;
    let (ci, cj) = ((k % raster.nx) as i32, (k / raster.nx) as i32);
    let mut sums = Sums::default();
    for j in (cj - reach).max(0)..=(cj + reach).min(raster.ny as i32 - 1) {
        for i in (ci - reach).max(0)..=(ci + reach).min(raster.nx as i32 - 1) {
            let m = j as usize * raster.nx + i as usize;
            if free[m] {
                let [x, y] = raster.centre(m);
                sums.add(x, y, raster.z[m]);
            }
        }
    }
    sums.plane()
}

/// Single cells that noise has thrown off a facet come back to it.
fn patch_up(raster: &Raster, member: &mut [bool]) {
    let before = member.to_vec();
    for k in raster.inner() {
        if !before[k] && raster.cells[k] == Cell::Seen {
            member[k] = raster.around(k).into_iter().filter(|&m| before[m]).count() >= 6;
        }
    }
}

/// The largest set of members that touch side by side.
fn largest_piece(raster: &Raster, member: &[bool]) -> Vec<bool> {
    let mut label = vec![0_u32; member.len()];
    let (mut best, mut most, mut count) = (0, 0, 0);
    let mut open = Vec::new();
    for start in raster.inner() {
        if !member[start] || label[start] != 0 {
            continue;
        }
        count += 1;
        let mut size = 0;
        label[start] = count;
        open.push(start);
        while let Some(k) = open.pop() {
            size += 1;
            let around = raster.around(k);
            for m in [around[1], around[3], around[4], around[6]] {
                let inner = m % raster.nx > 0
                    && m % raster.nx + 1 < raster.nx
                    && m / raster.nx > 0
                    && m / raster.nx + 1 < raster.ny;
                if inner && member[m] && label[m] == 0 {
                    label[m] = count;
                    open.push(m);
                }
            }
        }
        if size > most {
            (best, most) = (count, size);
        }
    }
    label.into_iter().map(|l| l != 0 && l == best).collect()
}

/// A cylinder of this radius through the cells: seen from its side, and no longer than it is by 30 % and 20 mm.
fn round(cells: &[(usize, Point3<f64>)], radius: f64, length: f64, along: Vector3<f64>) -> Option<Round> {
    let thin = (cells.len() / 250).max(1);
    let points: Vec<Point3<f64>> = cells.iter().step_by(thin).map(|(_, p)| *p).collect();
    let mut heights: Vec<f64> = points.iter().map(|p| p.z).collect();
    heights.sort_unstable_by(f64::total_cmp);
    let top = *heights.get(heights.len() * 19 / 20)?;
    let mean = points.iter().map(|p| p.coords).sum::<Vector3<f64>>() / points.len().max(1) as f64;
    let along = Vector3::new(along.x, along.y, 0.0).try_normalize(1e-6).unwrap_or_else(Vector3::x);
    let mut best: Option<(Round, f64)> = None;
    for eighth in [0, 4, 2, 6, 1, 3, 5, 7] {
        let turn =
            nalgebra::Rotation3::from_axis_angle(&Vector3::z_axis(), core::f64::consts::PI * f64::from(eighth) / 8.0);
        let start = Round { at: Point3::new(mean.x, mean.y, top - radius), axis: turn * along, radius };
        let Some((found, rms)) = Round::fitted(start, &points) else {
            continue;
        };
        if found.axis.z.abs() < 0.75 && best.is_none_or(|(_, least)| rms < least) {
            best = Some((found, rms));
        }
        // A start along the box's sides that fits to the noise is not bettered by the others.
        if eighth == 4 && best.is_some_and(|(_, least)| least < 0.6 * ROUND_RMS_M) {
            break;
        }
    }
    let (round, _) = best.filter(|(_, rms)| *rms < ROUND_RMS_M)?;
    let reach: Vec<f64> = points.iter().map(|p| (p - round.at).dot(&round.axis)).collect();
    let (low, high) = reach.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    (high - low < 1.3 * length + 0.02).then_some(round)
}
