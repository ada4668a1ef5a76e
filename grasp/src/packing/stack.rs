//! Whether a whole stack of rigid boxes stands.
//!
//! Every box presses on what carries it as on a bed of springs that push and never pull, at the corners of each cell
//! that it touches. Forces so found balance each box, so a stack that is passed here is in static equilibrium. The
//! reverse does not hold: other shares of the load might balance a stack that is refused.
//!
//! PCT's own rule (Zhao et al., Learning practically feasible policies for online 3D bin packing, 2022, and PCT's published
//! code) shares loads in another way and asks for the same of each box; a stack must satisfy both.

#![allow(clippy::needless_range_loop, reason = "rows and columns of a matrix")]

use super::policy::Placed;

/// Points of contact lie so far inside the edges of the contact, cells: what stands on a hair is refused.
const INSIDE: f64 = 0.02;
/// Newton steps for one box.
const STEPS: usize = 40;

/// A load: weight and where it acts, first moments about the origin.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    weight: f64,
    x: f64,
    y: f64,
}

/// Where a box touches another: which, and the corners of the area.
type Contact = (usize, [f64; 2], [f64; 2]);

/// How a box hands its load down.
#[derive(Clone, Copy, PartialEq)]
enum Split {
    Springs,
    Pct,
}

/// Whether every box stays where it is, all of one density, each on those before it or on the floor.
#[must_use]
pub fn stands(boxes: &[Placed]) -> bool {
    balances(boxes, Split::Springs) && balances(boxes, Split::Pct)
}

fn balances(boxes: &[Placed], split: Split) -> bool {
    let mut loads: Vec<Load> = boxes
        .iter()
        .map(|b| {
            let weight = f64::from(b.volume());
            let middle = |a: usize| f64::from(b.at[a]) + 0.5 * f64::from(b.size[a]);
            Load { weight, x: weight * middle(0), y: weight * middle(1) }
        })
        .collect();
    // Upper ones first: whoever stands on a box begins where it ends.
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by_key(|&i| core::cmp::Reverse(boxes[i].at[2]));
    let mut points: Vec<(usize, f64, f64)> = Vec::new();
    let mut contacts: Vec<Contact> = Vec::new();
    for i in order {
        let above = &boxes[i];
        if above.at[2] == 0 {
            continue;
        }
        points.clear();
        contacts.clear();
        for (j, below) in boxes.iter().enumerate() {
            if below.at[2] + below.size[2] != above.at[2] {
                continue;
            }
            let span = |a: usize| {
                let low = above.at[a].max(below.at[a]);
                (low, (above.at[a] + above.size[a]).min(below.at[a] + below.size[a]))
            };
            let ((x0, x1), (y0, y1)) = (span(0), span(1));
            if x0 >= x1 || y0 >= y1 {
                continue;
            }
            contacts.push((j, [x0, y0].map(f64::from), [x1, y1].map(f64::from)));
            for x in x0..x1 {
                for y in y0..y1 {
                    let ends = |v: u8| [f64::from(v) + INSIDE, f64::from(v) + 1.0 - INSIDE];
                    points.extend(ends(x).into_iter().flat_map(|x| ends(y).map(|y| (j, x, y))));
                }
            }
        }
        let load = loads[i];
        if load.weight <= 0.0 {
            return false;
        }
        let Some(forces) = share(&points, load) else { return false };
        let mut hand = |j: usize, force: f64, x: f64, y: f64| {
            let below = &mut loads[j];
            below.weight += force;
            below.x += force * x;
            below.y += force * y;
        };
        if split == Split::Springs {
            points.iter().zip(forces).for_each(|(p, force)| hand(p.0, force, p.1, p.2));
        } else {
            let Load { weight, x, y } = load;
            let at = [x / weight, y / weight];
            let shares = pct_shares(&contacts, at);
            let whole = shares.contains(&1.0);
            for ((j, low, high), share) in contacts.iter().zip(shares) {
                let to = if whole { at } else { [0, 1].map(|a| 0.5 * (low[a] + high[a])) };
                hand(*j, weight * share, to[0], to[1]);
            }
        }
    }
    true
}

/// PCT's shares: all to the only contact, or to the one that the load is over; of two by distance along the line between
/// their middles; of more by least squares over the same ratios of all pairs.
fn pct_shares(contacts: &[Contact], at: [f64; 2]) -> Vec<f64> {
    let over = |c: &Contact| (0..2).all(|a| at[a] > c.1[a] && at[a] < c.2[a]);
    let n = contacts.len();
    if let Some(one) = contacts.iter().position(over).or((n == 1).then_some(0)) {
        return (0..n).map(|i| f64::from(u8::from(i == one))).collect();
    }
    let middle = |i: usize| [0, 1].map(|a| 0.5 * (contacts[i].1[a] + contacts[i].2[a]));
    // Along the line from j to i: the line's length squared, and how far the load is from each.
    let along = |i: usize, j: usize| {
        let (p, q) = (middle(i), middle(j));
        let line = [p[0] - q[0], p[1] - q[1]];
        let dot = |from: [f64; 2]| (at[0] - from[0]) * line[0] + (at[1] - from[1]) * line[1];
        (line[0] * line[0] + line[1] * line[1], dot(p), dot(q))
    };
    if n == 2 {
        let (square, from_0, from_1) = along(0, 1);
        return vec![from_1.abs() / square, from_0.abs() / square];
    }
    // Normal equations of: x_i − r x_j = 0 for each pair, Σ x = 1.
    let mut m = vec![vec![1.0; n + 1]; n];
    for i in 0..n {
        for j in i + 1..n {
            let (_, from_i, from_j) = along(i, j);
            if from_i != 0.0 {
                let ratio = from_j.abs() / from_i;
                m[i][i] += 1.0;
                m[i][j] -= ratio;
                m[j][i] -= ratio;
                m[j][j] += ratio * ratio;
            }
        }
    }
    for i in 0..n {
        m[i][i] += 1e-9;
        for r in 0..n {
            if r != i {
                let f = m[r][i] / m[i][i];
                (i..=n).for_each(|c| m[r][c] -= f * m[i][c]);
            }
        }
    }
    (0..n).map(|i| m[i][n] / m[i][i]).collect()
}

/// Forces at points, none negative, that balance a load: p = max(0, a + b x + c y), by Newton's method on the convex
/// ½ Σ p² − load · (a, b, c). `None` where the load lies outside the points' hull.
fn share(points: &[(usize, f64, f64)], load: Load) -> Option<Vec<f64>> {
    if points.is_empty() {
        return None;
    }
    let (cx, cy) = (load.x / load.weight, load.y / load.weight);
    // About the load's own point, with weight 1: Σ p = 1, Σ p x = 0, Σ p y = 0.
    let at: Vec<[f64; 3]> = points.iter().map(|p| [1.0, p.1 - cx, p.2 - cy]).collect();
    let dot = |u: &[f64; 3], v: &[f64; 3]| u[0] * v[0] + u[1] * v[1] + u[2] * v[2];
    let mut plane = [1.0 / at.len() as f64, 0.0, 0.0];
    let value = |plane: &[f64; 3]| at.iter().map(|p| dot(p, plane).max(0.0).powi(2)).sum::<f64>() * 0.5 - plane[0];
    for _ in 0..STEPS {
        let mut slope = [-1.0, 0.0, 0.0];
        let mut bend = [[0.0; 3]; 3];
        for p in &at {
            let force = dot(p, &plane);
            if force > 0.0 {
                for r in 0..3 {
                    slope[r] += force * p[r];
                    (0..3).for_each(|c| bend[r][c] += p[r] * p[c]);
                }
            }
        }
        if slope.iter().all(|s| s.abs() < 1e-9) {
            let forces = at.iter().map(|p| load.weight * dot(p, &plane).max(0.0));
            return Some(forces.collect());
        }
        let step = solve(bend, slope)?;
        let (before, downhill) = (value(&plane), dot(&step, &slope));
        let mut scale = 1.0;
        let moved = |scale: f64| [0, 1, 2].map(|i| plane[i] - scale * step[i]);
        while scale > 1e-6 && value(&moved(scale)) > before - 1e-4 * scale * downhill {
            scale *= 0.5;
        }
        plane = moved(scale);
        if plane.iter().any(|v| v.abs() > 1e6) {
            return None;
        }
    }
    None
}

/// Solves a symmetric system made definite by a hair.
fn solve(mut m: [[f64; 3]; 3], mut v: [f64; 3]) -> Option<[f64; 3]> {
    for (i, row) in m.iter_mut().enumerate() {
        row[i] += 1e-10;
    }
    for i in 0..3 {
        if m[i][i] <= 0.0 {
            return None;
        }
        for r in i + 1..3 {
            let f = m[r][i] / m[i][i];
            (i..3).for_each(|c| m[r][c] -= f * m[i][c]);
            v[r] -= f * v[i];
        }
    }
    for i in (0..3).rev() {
        v[i] = (v[i] - (i + 1..3).map(|c| m[i][c] * v[c]).sum::<f64>()) / m[i][i];
    }
    v.iter().all(|x| x.is_finite()).then_some(v)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(boxes: &[([u8; 3], [u8; 3])], expected: bool) {
        let boxes: Vec<Placed> = boxes.iter().map(|&(at, size)| Placed { at, size }).collect();
        assert_eq!(stands(&boxes), expected, "{boxes:?}");
    }

    #[test]
    fn a_box_stands_while_its_centre_is_over_what_carries_it() {
        check(&[([0, 0, 0], [3, 3, 2])], true);
        check(&[([0, 0, 0], [3, 3, 2]), ([0, 0, 2], [5, 3, 2])], true);
        check(&[([0, 0, 0], [2, 3, 2]), ([0, 0, 2], [5, 3, 2])], false);
        // On two opposite corners, and on two at one side.
        check(&[([0, 0, 0], [1, 1, 2]), ([3, 3, 0], [1, 1, 2]), ([0, 0, 2], [4, 4, 1])], true);
        check(&[([0, 0, 0], [1, 1, 2]), ([0, 3, 0], [1, 1, 2]), ([0, 0, 2], [4, 4, 1])], false);
    }

    #[test]
    fn a_load_on_the_overhang_topples_what_stood_and_a_counterweight_holds_it() {
        let (post, plank) = (([0, 0, 0], [3, 3, 2]), ([0, 0, 2], [5, 3, 1]));
        check(&[post, plank], true);
        check(&[post, plank, ([4, 0, 3], [1, 3, 5])], false);
        check(&[post, plank, ([0, 0, 3], [1, 3, 5]), ([4, 0, 3], [1, 3, 3])], true);
    }
}
