//! A moving body against the height map of what lies in a container.

use nalgebra::{Point3, Vector3};

use crate::collision::{FAR, Form, Placed, exact, extents};
use crate::obstacles::Walled;

/// How far around a body the height map is looked at for its clearance, metres.
const AROUND: f64 = 0.05;
/// Half of the height of a column of what lies in a container, deeper than anything gets into it, metres.
const COLUMN_M: f64 = 0.15;

/// Room to what lies in a container beyond the margin; `None` when touched.
pub(crate) fn against_surface(placed: &Placed, walled: &Walled, margin: f64) -> Option<f64> {
    let Some(surface) = &walled.surface else { return Some(FAR) };
    let into = &walled.container_from_world;
    let p = into * placed.centre;
    let above = p.z - placed.radius - walled.top() - margin;
    if above > AROUND {
        return Some(above);
    }
    let e = extents(placed, into);
    let low = p.z - e.z - margin;
    let window = |by: f64| ([p.x - e.x - by, p.x + e.x + by], [p.y - e.y - by, p.y + e.y + by]);
    let (x, y) = window(margin + AROUND);
    let Some(most) = surface.most_over(x, y) else { return Some(AROUND) };
    if low - most > 0.0 {
        return Some((low - most).min(AROUND));
    }
    let (x, y) = window(margin + surface.cell());
    let touched = match &placed.form {
        Form::Box { half, .. } => {
            // Does the line down from the middle of a cell's top cross the box, grown by the margin and as far as a cell
            // reaches along each of the box's axes? Then the column itself is looked at.
            let box_from = (into * placed.pose).inverse();
            let half_cell = 0.5 * surface.cell();
            let axes = box_from.rotation.to_rotation_matrix();
            let reaches = axes.matrix().column(0).abs() + axes.matrix().column(1).abs();
            let grown = half + Vector3::repeat(margin) + reaches * half_cell;
            let down = box_from.rotation * -Vector3::z();
            let column = Vector3::new(half_cell, half_cell, COLUMN_M);
            surface.any(x, y, low, |x, y, z| {
                let start = box_from * Point3::new(x, y, z);
                let (mut first, mut last) = (0.0_f64, f64::INFINITY);
                for axis in 0..3 {
                    let side = grown[axis];
                    if down[axis].abs() < 1e-9 {
                        if start[axis].abs() > side {
                            return false;
                        }
                        continue;
                    }
                    let (a, b) = ((-side - start[axis]) / down[axis], (side - start[axis]) / down[axis]);
                    first = first.max(a.min(b));
                    last = last.min(a.max(b));
                }
                first <= last && exact(placed, into, &Vector3::new(x, y, z - COLUMN_M), &column) <= margin
            })
        }
        Form::Capsule { from, to, radius } => {
            let (a, b) = (into * (placed.pose * from), into * (placed.pose * to));
            let reach = radius + margin;
            let pad = 0.71 * surface.cell();
            surface.any(x, y, low, |x, y, z| {
                // Nearest point of the axis to the cell's top, seen from above, then in height.
                let way = b - a;
                let flat = way.xy().norm_squared();
                let t = ((Vector3::new(x, y, 0.0) - a.coords).xy().dot(&way.xy()) / flat.max(1e-12)).clamp(0.0, 1.0);
                let at = if flat < 1e-10 && b.z < a.z { b } else { a + way * t };
                let aside = ((at.x - x).hypot(at.y - y) - pad).max(0.0);
                aside < reach && at.z - (reach * reach - aside * aside).sqrt() < z
            })
        }
    };
    (!touched).then_some(0.0)
}
