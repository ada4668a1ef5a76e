//! The network's maps to one label a pixel: foreground pixels go to the centre that they point to.
//!
//! After Cheng et al., Panoptic-DeepLab (CVPR 2020), section 3.2; the boundary map is ours. Boundaries have the last word:
//! patches are grown to where they run (a watershed) and joined where none does.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::input::{Fit, HEIGHT, WIDTH};

const PLANE: usize = WIDTH * HEIGHT;
/// The unit of offsets, network pixels (training/networks.py).
const OFFSET_UNIT_PX: f32 = 32.0;
/// A centre is a peak of at least this probability …
const CENTRE_LEAST: f32 = 0.45;
/// … and the highest within this many pixels.
const CENTRE_APART_PX: i32 = 3;
/// A pixel that points further than this past every centre belongs to none of them, pixels.
const ASTRAY_PX: f32 = 30.0;
/// Pixels whose boundary logit is below this (probability 0.18) make patches.
const BOUNDARY_LOGIT: f32 = -1.5;
/// How fast a pixel that points past its centre lowers the score, pixels.
const MISS_PX: f32 = 14.0;
/// The peak that an item without a centre counts as having: such items rank last.
const NO_CENTRE: f32 = 0.02;
/// A patch without boundary goes as a whole where this share of it points.
const AGREED: f64 = 0.75;
/// Pixels whose boundary logit is below this make the cores of segments …
const CORE_LOGIT: f32 = -1.0;
/// … from this size on, pixels.
const CORE_LEAST_PX: usize = 12;
/// Two segments become one where the boundary between them is less probable than this on average, if both point to the
/// same centre …
const SAME_CENTRE: f64 = 0.7;
/// … and if they don't, …
const OTHER_CENTRE: f64 = 0.4;
/// … along at least so many pairs of neighbouring pixels.
const SEAM_LEAST: u32 = 4;
/// Pieces smaller than this, and smaller than a quarter of the item's largest piece, are dropped, pixels.
const PIECE_LEAST_PX: usize = 12;
/// Pixels astray become items of their own from this size, pixels.
const ASTRAY_LEAST_PX: usize = 30;

/// Labels at the network's size: 0 is background, item k has label k + 1 and `scores[k]`.
pub(crate) struct Groups {
    pub labels: Vec<u16>,
    pub scores: Vec<f64>,
}

struct Centre {
    x: f32,
    y: f32,
    p: f32,
}

/// Groups the maps (foreground, boundary, centre, offset x, offset y; each `HEIGHT × WIDTH`).
pub(crate) fn group(maps: &[f32], fit: Fit) -> Groups {
    let foreground = &maps[..PLANE];
    let inside: Vec<bool> =
        (0..PLANE).map(|i| foreground[i] > 0.0 && i % WIDTH < fit.used.0 && i / WIDTH < fit.used.1).collect();
    let boundary = &maps[PLANE..2 * PLANE];
    let centres = centres(maps, &inside);
    let (mut labels, misses) = assign(maps, &inside, &centres);
    agree(&mut labels, &inside, boundary);
    let (segments, of) = segments(&labels, &inside, boundary);
    let (mut labels, centre_of) = unite(&segments, of, boundary);
    let peaks: Vec<f32> = centre_of[1..].iter().map(|&centre| centres[centre as usize - 1].p).collect();
    keep_pieces(&mut labels, peaks.len());
    let count = adopt_strays(&mut labels, &inside, peaks.len());
    score(maps, &labels, &misses, &peaks, count)
}

fn centres(maps: &[f32], inside: &[bool]) -> Vec<Centre> {
    let heat = &maps[2 * PLANE..3 * PLANE];
    let least = (CENTRE_LEAST / (1.0 - CENTRE_LEAST)).ln();
    let mut found = Vec::new();
    for y in 0..HEIGHT as i32 {
        for x in 0..WIDTH as i32 {
            let i = y as usize * WIDTH + x as usize;
            if heat[i] < least || !near_foreground(inside, x, y) {
                continue;
            }
            // Equal peaks: the first in reading order wins.
            let highest = window(x, y, CENTRE_APART_PX).all(|k| heat[k] < heat[i] || (heat[k] <= heat[i] && k >= i));
            if highest {
                found.push(Centre { x: x as f32, y: y as f32, p: sigmoid(heat[i]) });
            }
        }
    }
    found
}

/// The centre of what is visible of a half-hidden item may lie just outside it.
fn near_foreground(inside: &[bool], x: i32, y: i32) -> bool {
    window(x, y, 4).any(|k| inside[k])
}

fn window(x: i32, y: i32, reach: i32) -> impl Iterator<Item = usize> {
    let (x0, x1) = ((x - reach).max(0), (x + reach).min(WIDTH as i32 - 1));
    let (y0, y1) = ((y - reach).max(0), (y + reach).min(HEIGHT as i32 - 1));
    (y0..=y1).flat_map(move |y| (x0..=x1).map(move |x| y as usize * WIDTH + x as usize))
}

/// The label of each foreground pixel and how far past its centre it points; 0 where astray.
fn assign(maps: &[f32], inside: &[bool], centres: &[Centre]) -> (Vec<u16>, Vec<f32>) {
    let (dx, dy) = (&maps[3 * PLANE..4 * PLANE], &maps[4 * PLANE..5 * PLANE]);
    let mut labels = vec![0u16; PLANE];
    let mut misses = vec![0f32; PLANE];
    for i in (0..PLANE).filter(|&i| inside[i]) {
        let x = (i % WIDTH) as f32 + dx[i] * OFFSET_UNIT_PX;
        let y = (i / WIDTH) as f32 + dy[i] * OFFSET_UNIT_PX;
        let mut best = (f32::INFINITY, 0u16);
        for (centre, label) in centres.iter().zip(1u16..) {
            let square = (x - centre.x).powi(2) + (y - centre.y).powi(2);
            if square < best.0 {
                best = (square, label);
            }
        }
        let miss = best.0.sqrt();
        if miss <= ASTRAY_PX {
            (labels[i], misses[i]) = (best.1, miss);
        }
    }
    (labels, misses)
}

/// Patches that no boundary crosses take the label that most of their pixels have.
fn agree(labels: &mut [u16], inside: &[bool], boundary: &[f32]) {
    let patches = pieces(|i| inside[i] && boundary[i] < BOUNDARY_LOGIT, |_, _| true);
    for patch in &patches {
        let mut seen: Vec<u16> = patch.iter().map(|&i| labels[i]).collect();
        seen.sort_unstable();
        let most = seen
            .chunk_by(|a, b| a == b)
            .map(|run| (run.len(), run[0]))
            .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)));
        if let Some((votes, label)) = most
            && label != 0
            && votes as f64 >= AGREED * patch.len() as f64
        {
            for &i in patch {
                labels[i] = label;
            }
        }
    }
}

/// Patches of one label that no boundary crosses, grown until they meet where the boundary is surest; `of` is the label of
/// each, from 1.
fn segments(labels: &[u16], inside: &[bool], boundary: &[f32]) -> (Vec<u16>, Vec<u16>) {
    let mut segments = vec![0u16; PLANE];
    let mut of = vec![0u16];
    let cores = pieces(|i| labels[i] != 0 && boundary[i] < CORE_LOGIT, |a, b| labels[a] == labels[b]);
    for core in cores.into_iter().filter(|core| core.len() >= CORE_LEAST_PX) {
        of.push(labels[core[0]]);
        core.into_iter().for_each(|i| segments[i] = of.len() as u16 - 1);
    }
    let mut next = BinaryHeap::new();
    // Of equal pixels the one that was reached first is next, so that flat boundaries are shared.
    let mut arrival = 0u32;
    let mut reach = |next: &mut BinaryHeap<_>, segments: &[u16], i: usize| {
        for k in neighbours(i).filter(|&k| inside[k] && segments[k] == 0) {
            arrival += 1;
            next.push(Reverse((in_order(boundary[k]), arrival, k, segments[i])));
        }
    };
    for i in (0..PLANE).filter(|&i| segments[i] != 0) {
        reach(&mut next, &segments, i);
    }
    while let Some(Reverse((_, _, i, segment))) = next.pop() {
        if segments[i] == 0 {
            segments[i] = segment;
            reach(&mut next, &segments, i);
        }
    }
    (segments, of)
}

/// A number that is ordered as the float is.
fn in_order(x: f32) -> u32 {
    let bits = x.to_bits();
    if bits >> 31 == 1 { !bits } else { bits | 1 << 31 }
}

/// Makes one item of neighbouring segments between which hardly any boundary runs, the least divided first, those that
/// point to the same centre sooner. Gives the label of each pixel and the centre of each label, both from 1.
fn unite(segments: &[u16], mut of: Vec<u16>, boundary: &[f32]) -> (Vec<u16>, Vec<u16>) {
    let side = of.len();
    // Sum of boundary probabilities and number of pairs of pixels along the seam of two segments, in both orders.
    let mut seams = vec![(0f64, 0u32); side * side];
    let mut area = vec![0u32; side];
    for i in 0..PLANE {
        area[segments[i] as usize] += 1;
        let right = (i % WIDTH + 1 < WIDTH).then_some(i + 1);
        let below = (i + WIDTH < PLANE).then_some(i + WIDTH);
        for k in right.into_iter().chain(below) {
            let (a, b) = (segments[i] as usize, segments[k] as usize);
            if a != b && a != 0 && b != 0 {
                let p = f64::from(sigmoid(boundary[i].max(boundary[k])));
                for at in [a * side + b, b * side + a] {
                    seams[at] = (seams[at].0 + p, seams[at].1 + 1);
                }
            }
        }
    }
    let mut now: Vec<u16> = (0..).take(side).collect();
    loop {
        let mut best = (0.0, None);
        for a in 1..side {
            for b in a + 1..side {
                let (sum, pairs) = seams[a * side + b];
                let most = if of[a] == of[b] { SAME_CENTRE } else { OTHER_CENTRE };
                let over = sum / f64::from(pairs.max(1)) - most;
                if pairs >= SEAM_LEAST && over < best.0 {
                    best = (over, Some((a, b)));
                }
            }
        }
        let Some((a, b)) = best.1 else { break };
        if area[b] > area[a] {
            of[a] = of[b];
        }
        area[a] += area[b];
        now.iter_mut().filter(|segment| **segment == b as u16).for_each(|segment| *segment = a as u16);
        for other in 1..side {
            let (sum, pairs) = core::mem::take(&mut seams[b * side + other]);
            seams[other * side + b] = (0.0, 0);
            if other != a {
                let seam = &mut seams[a * side + other];
                *seam = (seam.0 + sum, seam.1 + pairs);
                seams[other * side + a] = *seam;
            }
        }
    }
    let mut label = vec![0u16; side];
    let mut centre_of = vec![0u16];
    for segment in (1..side).filter(|&segment| usize::from(now[segment]) == segment) {
        label[segment] = centre_of.len() as u16;
        centre_of.push(of[segment]);
    }
    (segments.iter().map(|&segment| label[now[segment as usize] as usize]).collect(), centre_of)
}

/// Drops crumbs: an item keeps its largest piece and those at least a quarter as large.
fn keep_pieces(labels: &mut [u16], count: usize) {
    let copy = labels.to_vec();
    let found = pieces(|i| copy[i] != 0, |a, b| copy[a] == copy[b]);
    let mut largest = vec![0usize; count + 1];
    for piece in &found {
        let label = copy[piece[0]] as usize;
        largest[label] = largest[label].max(piece.len());
    }
    for piece in found {
        let enough = largest[copy[piece[0]] as usize].div_ceil(4).max(PIECE_LEAST_PX);
        if piece.len() < enough {
            for i in piece {
                labels[i] = 0;
            }
        }
    }
}

/// Foreground that belongs to no centre: large patches become items, crumbs join a neighbour.
fn adopt_strays(labels: &mut [u16], inside: &[bool], mut count: usize) -> usize {
    let copy = labels.to_vec();
    for patch in pieces(|i| inside[i] && copy[i] == 0, |_, _| true) {
        let label = if patch.len() >= ASTRAY_LEAST_PX {
            count += 1;
            count as u16
        } else {
            let mut around: Vec<u16> = patch
                .iter()
                .flat_map(|&i| window((i % WIDTH) as i32, (i / WIDTH) as i32, 1))
                .map(|k| copy[k])
                .filter(|&label| label != 0)
                .collect();
            around.sort_unstable();
            around
                .chunk_by(|a, b| a == b)
                .max_by(|a, b| a.len().cmp(&b.len()).then(b[0].cmp(&a[0])))
                .map_or(0, |run| run[0])
        };
        for i in patch {
            labels[i] = label;
        }
    }
    count
}

/// The pixels left, right, above and below.
fn neighbours(i: usize) -> impl Iterator<Item = usize> {
    let (x, y) = (i % WIDTH, i / WIDTH);
    let around = [
        (x > 0).then(|| i - 1),
        (x + 1 < WIDTH).then_some(i + 1),
        (y > 0).then(|| i - WIDTH),
        (y + 1 < HEIGHT).then_some(i + WIDTH),
    ];
    around.into_iter().flatten()
}

/// Connected patches (4 neighbours) of the pixels that count, in reading order of their first pixels.
fn pieces(counts: impl Fn(usize) -> bool, joined: impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut done = vec![false; PLANE];
    let mut found = Vec::new();
    for start in 0..PLANE {
        if done[start] || !counts(start) {
            continue;
        }
        done[start] = true;
        let mut piece = vec![start];
        let mut next = 0;
        while next < piece.len() {
            let i = piece[next];
            next += 1;
            for k in neighbours(i) {
                if !done[k] && counts(k) && joined(i, k) {
                    done[k] = true;
                    piece.push(k);
                }
            }
        }
        found.push(piece);
    }
    found
}

/// Score: how sure the centre is, how sure the foreground, and how well its pixels agree.
fn score(maps: &[f32], labels: &[u16], misses: &[f32], peaks: &[f32], count: usize) -> Groups {
    let mut area = vec![0f64; count + 1];
    let mut sure = vec![0f64; count + 1];
    for i in 0..PLANE {
        let label = labels[i] as usize;
        area[label] += 1.0;
        sure[label] += f64::from(sigmoid(maps[i])) * f64::from((-misses[i] / MISS_PX).exp());
    }
    let mut renumber = vec![0u16; count + 1];
    let mut scores = Vec::new();
    for label in 1..=count {
        if area[label] > 0.0 {
            let peak = peaks.get(label - 1).copied().unwrap_or(NO_CENTRE);
            scores.push((f64::from(peak).sqrt() * sure[label] / area[label]).clamp(0.0, 1.0));
            renumber[label] = scores.len() as u16;
        }
    }
    let labels = labels.iter().map(|&l| renumber[l as usize]).collect();
    Groups { labels, scores }
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

/// Labels of the whole image: each pixel takes the label with most bilinear weight around it.
pub(crate) fn enlarge(labels: &[u16], fit: Fit, width: usize, height: usize) -> Vec<u16> {
    let place = |at: usize, used: usize| {
        let at = ((at as f64 + 0.5) / fit.scale - 0.5).clamp(0.0, (used - 1) as f64);
        let low = at.floor() as usize;
        (low, (low + 1).min(used - 1), (at - low as f64) as f32)
    };
    let columns: Vec<_> = (0..width).map(|u| place(u, fit.used.0)).collect();
    let mut out = Vec::with_capacity(width * height);
    for v in 0..height {
        let (y0, y1, fy) = place(v, fit.used.1);
        let (upper, lower) = (&labels[y0 * WIDTH..], &labels[y1 * WIDTH..]);
        for &(x0, x1, fx) in &columns {
            let around = [upper[x0], upper[x1], lower[x0], lower[x1]];
            if around.iter().all(|&label| label == around[0]) {
                out.push(around[0]);
                continue;
            }
            let weight = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
            let mut best = (0.0, 0);
            for k in 0..4 {
                let total: f32 = (0..4).filter(|&m| around[m] == around[k]).map(|m| weight[m]).sum();
                if total > best.0 {
                    best = (total, around[k]);
                }
            }
            out.push(best.1);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIT: Fit = Fit { scale: 2.0, used: (WIDTH, HEIGHT) };

    /// Maps of two touching squares as a perfect network would give them; `centre` is their peaks' logit.
    fn maps(centre: f32) -> Vec<f32> {
        let mut maps = vec![-6.0; 5 * PLANE];
        for (x0, cx) in [(40usize, 50.0f32), (61, 71.0)] {
            for y in 40..61 {
                for x in x0..x0 + 21 {
                    let i = y * WIDTH + x;
                    maps[i] = 6.0;
                    maps[3 * PLANE + i] = (cx - x as f32) / OFFSET_UNIT_PX;
                    maps[4 * PLANE + i] = (50.0 - y as f32) / OFFSET_UNIT_PX;
                    if x == 60 || x == 61 {
                        maps[PLANE + i] = 6.0;
                    }
                }
            }
            maps[2 * PLANE + 50 * WIDTH + cx as usize] = centre;
        }
        maps
    }

    #[test]
    fn touching_squares_are_two_items() {
        let groups = group(&maps(3.0), FIT);
        assert_eq!(groups.scores.len(), 2);
        let at = |x: usize, y: usize| groups.labels[y * WIDTH + x];
        assert_eq!((at(45, 45), at(60, 50), at(61, 50), at(80, 60)), (1, 1, 2, 2));
        assert_eq!(groups.labels.iter().filter(|&&l| l == 1).count(), 441);
        assert!(groups.scores.iter().all(|&s| s > 0.9), "{:?}", groups.scores);
    }

    #[test]
    fn two_centres_without_a_boundary_between_are_one_item() {
        let mut maps = maps(3.0);
        maps[PLANE..2 * PLANE].fill(-1.0);
        let groups = group(&maps, FIT);
        assert_eq!(groups.scores.len(), 1);
        assert_eq!(groups.labels.iter().filter(|&&l| l == 1).count(), 882);
    }

    #[test]
    fn two_items_that_point_to_one_centre_are_divided_by_their_boundary() {
        let mut maps = maps(3.0);
        for i in 0..PLANE {
            maps[3 * PLANE + i] = (60.0 - (i % WIDTH) as f32) / OFFSET_UNIT_PX;
        }
        maps[2 * PLANE..3 * PLANE].fill(-6.0);
        maps[2 * PLANE + 50 * WIDTH + 60] = 3.0;
        let groups = group(&maps, FIT);
        let area = |label: u16| groups.labels.iter().filter(|&&l| l == label).count();
        assert_eq!((groups.scores.len(), area(1), area(2)), (2, 441, 441));
    }

    #[test]
    fn foreground_without_a_centre_is_still_an_item() {
        let groups = group(&maps(-6.0), FIT);
        assert_eq!(groups.scores.len(), 1);
        assert!(groups.scores[0] < 0.5);
    }

    #[test]
    fn an_empty_image_has_no_items() {
        let groups = group(&vec![-6.0; 5 * PLANE], FIT);
        assert!(groups.scores.is_empty() && groups.labels.iter().all(|&l| l == 0));
    }

    #[test]
    fn enlarged_labels_keep_their_area() {
        let groups = group(&maps(3.0), FIT);
        let large = enlarge(&groups.labels, FIT, 640, 480);
        let area = large.iter().filter(|&&l| l == 2).count();
        assert!((1700..=1800).contains(&area), "area is {area} pixels, 1764 expected");
    }
}
