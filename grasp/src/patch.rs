//! The surface under one cup.

use nalgebra::{Point3, Vector3};

use crate::facet::{Facet, Form, window_plane};
use crate::raster::{CELL_M, Cell, Raster};

/// Radius of the window that gives a free surface its normal, cells: a cup and a half.
const FREE_CELLS: i32 = 7;

/// What lies under a cup whose middle is here.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patch {
    /// Where the surface is under the cup's middle, tote frame, metres.
    pub(crate) point: Point3<f64>,
    pub(crate) normal: Vector3<f64>,
    /// From the lip to the facet's edge, metres; negative is over it.
    pub(crate) margin_m: f64,
    /// Unevenness beyond the camera's noise, root mean square, metres.
    pub(crate) rms_m: f64,
    /// Greatest distance from the facet's form under the lip, metres.
    pub(crate) step_m: f64,
    /// Share of the disc without depth, 0…1.
    pub(crate) blind: f64,
}

/// Patches of one facet, each worked out when it is first asked for.
pub(crate) struct Patches<'a> {
    raster: &'a Raster,
    facet: &'a Facet,
    lip_m: f64,
    /// Cells of the disc, as steps from the middle, and whether they are under the lip.
    disc: Vec<(i32, i32, bool)>,
    /// For each cell its patch: 0 not asked for, 1 none, else the number of the patch and 2.
    known: Vec<u32>,
    patches: Vec<Patch>,
}

impl<'a> Patches<'a> {
    pub(crate) fn new(raster: &'a Raster, facet: &'a Facet, lip_m: f64, beside_m: f64) -> Self {
        let reach = ((lip_m + beside_m) / CELL_M).ceil() as i32;
        let mut disc = Vec::new();
        // Every other cell: the heights are averaged over their neighbours.
        for j in -reach..=reach {
            for i in (-reach..=reach).filter(|i| (i + j) % 2 == 0) {
                let from_middle = f64::from(i).hypot(f64::from(j)) * CELL_M;
                if from_middle <= lip_m + beside_m {
                    disc.push((i, j, (from_middle - lip_m).abs() <= beside_m));
                }
            }
        }
        Self { raster, facet, lip_m, disc, known: vec![0; raster.cells.len()], patches: Vec::with_capacity(512) }
    }

    /// From the lip of a cup at (x, y) to the facet's edge, metres; negative is over it.
    pub(crate) fn margin(&self, x: f64, y: f64) -> f64 {
        self.raster.at(x, y).map_or(0.0, |k| f64::from(self.facet.clearance[k])) - self.lip_m
    }

    /// Whether (x, y) of the tote frame is on the facet.
    pub(crate) fn is_on(&self, x: f64, y: f64) -> bool {
        self.raster.at(x, y).is_some_and(|k| self.facet.clearance[k] > 0.0)
    }

    /// The patch about (x, y) of the tote frame; `None` outside the raster, beside a round form and where
    /// nothing is known of the surface.
    pub(crate) fn at(&mut self, x: f64, y: f64) -> Option<Patch> {
        let k = self.raster.at(x, y)?;
        if self.known[k] == 0 {
            self.known[k] = match self.work_out(k) {
                Some(patch) => {
                    self.patches.push(patch);
                    self.patches.len() as u32 + 1
                }
                None => 1,
            };
        }
        let mut patch = *self.patches.get((self.known[k] as usize).checked_sub(2)?)?;
        // Within the cell the form is exact.
        match self.facet.surface(x, y) {
            Some((point, normal)) => (patch.point, patch.normal) = (point, normal),
            None => {
                let step = Vector3::new(x - patch.point.x, y - patch.point.y, 0.0);
                let rise = -step.dot(&patch.normal) / patch.normal.z.max(0.2);
                patch.point += step + Vector3::z() * rise;
            }
        }
        Some(patch)
    }

    fn work_out(&self, k: usize) -> Option<Patch> {
        let raster = self.raster;
        let [x, y] = raster.centre(k);
        let own;
        let (point, normal, form) = match self.facet.surface(x, y) {
            Some((point, normal)) => (point, normal, None),
            None if matches!(self.facet.form, Form::Free) => {
                own = window_plane(raster, &self.facet.member, &Point3::new(x, y, 0.0), FREE_CELLS)?;
                (Point3::new(x, y, own.z(x, y)), own.normal(), Some(own))
            }
            None => return None,
        };
        let (ci, cj) = ((k % raster.nx) as i32, (k / raster.nx) as i32);
        let (mut n, mut blind, mut squares, mut step) = (0.0, 0.0, 0.0, 0.0_f64);
        for &(i, j, under_lip) in &self.disc {
            let (i, j) = (ci + i, cj + j);
            if i < 0 || j < 0 || i as usize >= raster.nx || j as usize >= raster.ny {
                continue;
            }
            let m = j as usize * raster.nx + i as usize;
            match raster.cells[m] {
                Cell::Outside => {}
                Cell::Hole => blind += 1.0,
                Cell::Seen => {
                    let [x, y] = raster.centre(m);
                    let p = Point3::new(x, y, raster.z[m]);
                    let off = match &form {
                        Some(plane) => plane.above(p.x, p.y, p.z),
                        None => self.facet.off(&p).unwrap_or_default(),
                    };
                    n += 1.0;
                    squares += off * off;
                    if under_lip {
                        step = step.max(off.abs());
                    }
                }
            }
        }
        // What a disc shows by chance: it holds about 13 patches of correlated noise, so ± 20 % of the facet's.
        let noise = 1.3 * self.facet.noise;
        Some(Patch {
            point,
            normal,
            margin_m: f64::from(self.facet.clearance[k]) - self.lip_m,
            rms_m: (squares / f64::max(n, 1.0) - noise * noise).max(0.0).sqrt(),
            step_m: step,
            blind: blind / f64::max(n + blind, 1.0),
        })
    }
}
