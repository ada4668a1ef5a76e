//! Average precision of outlines, class-agnostic, as COCO counts it: 101 recall points, precision made monotone.

use scene::Mask;

use super::spread::next_u64;

/// Detections of an image that count, those of the highest scores.
const MOST: usize = 100;
/// Bootstrap draws of an interval.
const DRAWS: usize = 1000;

/// Which groups of instances one belongs to: bit 0 is all of them.
pub(super) type Groups = u32;
/// All instances.
pub(super) const ALL: Groups = 1;

/// An outlined instance.
#[derive(Debug, Clone)]
pub(super) struct True {
    pub(super) mask: Mask,
    /// Detections of it are neither right nor wrong.
    pub(super) ignored: bool,
    pub(super) groups: Groups,
}

/// What became of a detection.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Matched {
    image: usize,
    score: f64,
    hit: bool,
    /// Of a hit the groups of its instance; of a miss those of the instance that it overlaps most, and [`ALL`].
    groups: Groups,
}

/// Detections and instances of all images at one threshold of overlap.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    matched: Vec<Matched>,
    /// Groups of the instances that are to be found, by image.
    wanted: Vec<Vec<Groups>>,
}

impl Tally {
    /// Adds an image: detections are matched in order of score, each to the free instance that it overlaps most, by at least
    /// `least` (intersection over union), ignored instances last.
    pub(super) fn add(&mut self, least: f64, found: &[(Mask, f64)], instances: &[True]) {
        let image = self.wanted.len();
        let mut order: Vec<&(Mask, f64)> = found.iter().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut taken = vec![false; instances.len()];
        for (mask, score) in order.into_iter().take(MOST) {
            let overlaps: Vec<f64> = instances.iter().map(|instance| overlap(mask, &instance.mask)).collect();
            let best = |ignored: bool| {
                let free = |k: &usize| instances[*k].ignored == ignored && (ignored || !taken[*k]);
                let near = (0..instances.len()).filter(free).filter(|&k| overlaps[k] >= least);
                near.max_by(|&a, &b| overlaps[a].total_cmp(&overlaps[b]))
            };
            if let Some(k) = best(false) {
                taken[k] = true;
                self.matched.push(Matched { image, score: *score, hit: true, groups: instances[k].groups | ALL });
            } else if best(true).is_none() {
                let most = (0..instances.len()).max_by(|&a, &b| overlaps[a].total_cmp(&overlaps[b]));
                let beside = most.filter(|&k| overlaps[k] > 0.0).map_or(0, |k| instances[k].groups);
                self.matched.push(Matched { image, score: *score, hit: false, groups: beside | ALL });
            }
        }
        self.wanted.push(instances.iter().filter(|i| !i.ignored).map(|i| i.groups | ALL).collect());
    }

    /// How many instances of a group are to be found.
    pub(super) fn count(&self, group: Groups) -> usize {
        self.wanted.iter().flatten().filter(|g| *g & group != 0).count()
    }

    /// Average precision of a group; `None` without an instance of it. Detections of other groups' instances are left out.
    pub(super) fn precision(&self, group: Groups) -> Option<f64> {
        let order = self.order();
        self.weighted(group, &order, &vec![1; self.wanted.len()])
    }

    /// 95 % interval of [`Self::precision`], bootstrapped over images with 1,000 draws.
    pub(super) fn ci95(&self, group: Groups, seed: u64) -> Option<[f64; 2]> {
        let order = self.order();
        let mut state = seed;
        let mut drawn: Vec<f64> = Vec::with_capacity(DRAWS);
        for _ in 0..DRAWS {
            let mut weights = vec![0u32; self.wanted.len()];
            for _ in 0..self.wanted.len() {
                weights[(next_u64(&mut state) % self.wanted.len() as u64) as usize] += 1;
            }
            drawn.extend(self.weighted(group, &order, &weights));
        }
        drawn.sort_by(f64::total_cmp);
        Some([*drawn.get(drawn.len() * 25 / 1000)?, *drawn.get((drawn.len() * 975 / 1000).saturating_sub(1))?])
    }

    /// Places in `matched` by falling score; of equal ones the first added first.
    fn order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.matched.len()).collect();
        order.sort_by(|&a, &b| self.matched[b].score.total_cmp(&self.matched[a].score));
        order
    }

    fn weighted(&self, group: Groups, order: &[usize], weights: &[u32]) -> Option<f64> {
        let of_group = |groups: &[Groups]| groups.iter().filter(|g| **g & group != 0).count() as f64;
        let wanted: f64 = self.wanted.iter().zip(weights).map(|(g, w)| of_group(g) * f64::from(*w)).sum();
        if wanted <= 0.0 {
            return None;
        }
        let (mut right, mut wrong) = (0.0, 0.0);
        let mut curve: Vec<(f64, f64)> = Vec::new();
        for matched in order.iter().map(|&k| &self.matched[k]).filter(|m| m.groups & group != 0) {
            let weight = f64::from(weights[matched.image]);
            if matched.hit {
                right += weight;
            } else {
                wrong += weight;
            }
            if weight > 0.0 {
                curve.push((right / wanted, right / (right + wrong)));
            }
        }
        for k in (1..curve.len()).rev() {
            curve[k - 1].1 = curve[k - 1].1.max(curve[k].1);
        }
        let at = |recall: f64| {
            let k = curve.partition_point(|(reached, _)| *reached < recall);
            curve.get(k).map_or(0.0, |(_, precision)| *precision)
        };
        Some((0..=100).map(|k| at(f64::from(k) / 100.0)).sum::<f64>() / 101.0)
    }
}

/// Intersection over union of two masks.
pub(super) fn overlap(a: &Mask, b: &Mask) -> f64 {
    let (x0, y0) = (a.x.max(b.x), a.y.max(b.y));
    let (x1, y1) = ((a.x + a.width).min(b.x + b.width), (a.y + a.height).min(b.y + b.height));
    if x0 >= x1 || y0 >= y1 {
        return 0.0;
    }
    let row = |m: &Mask, y: u32| ((y - m.y) * m.width + x0 - m.x) as usize;
    let wide = (x1 - x0) as usize;
    let both: usize = (y0..y1)
        .map(|y| {
            let (in_a, in_b) = (&a.bits[row(a, y)..][..wide], &b.bits[row(b, y)..][..wide]);
            in_a.iter().zip(in_b).filter(|(p, q)| **p != 0 && **q != 0).count()
        })
        .sum();
    both as f64 / (a.area() + b.area() - both) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of ten pixels from x.
    fn bar(x: u32) -> Mask {
        Mask { x, y: 0, width: 10, height: 1, bits: vec![1; 10] }
    }

    fn known(x: u32, ignored: bool, groups: Groups) -> True {
        True { mask: bar(x), ignored, groups }
    }

    fn close(is: Option<f64>, should: f64) {
        assert!((is.unwrap() - should).abs() < 1e-12, "{is:?} is not {should}");
    }

    #[test]
    fn overlap_is_intersection_over_union() {
        assert_eq!(overlap(&bar(0), &bar(0)), 1.0);
        assert_eq!(overlap(&bar(0), &bar(5)), 1.0 / 3.0);
        assert_eq!(overlap(&bar(0), &bar(10)), 0.0);
    }

    #[test]
    fn average_precision_is_as_worked_by_hand() {
        // By score: right, wrong, right; two of three are found. Precision 1 to recall 1/3, then 2/3 to recall 2/3, then 0:
        // recall points 0…0.33 are 34, 0.34…0.66 are 33.
        let mut tally = Tally::default();
        let found = [(bar(0), 0.9), (bar(500), 0.8), (bar(100), 0.7)];
        tally.add(0.5, &found, &[known(0, false, 0), known(100, false, 0), known(200, false, 0)]);
        close(tally.precision(ALL), (34.0 + 33.0 * 2.0 / 3.0) / 101.0);
        // A later image with one right detection of the highest score.
        tally.add(0.5, &[(bar(0), 0.95)], &[known(0, false, 0)]);
        // Of four: recall 1/4 and 2/4 at precision 1, 3/4 at 3/4.
        close(tally.precision(ALL), (51.0 + 25.0 * 0.75) / 101.0);
        assert_eq!(tally.count(ALL), 4);
    }

    #[test]
    fn nothing_found_is_zero_all_found_is_one_and_nothing_to_find_is_none() {
        let mut tally = Tally::default();
        assert_eq!(tally.precision(ALL), None);
        assert_eq!(tally.ci95(ALL, 1), None);
        tally.add(0.5, &[], &[known(0, false, 0)]);
        close(tally.precision(ALL), 0.0);
        let mut tally = Tally::default();
        tally.add(0.5, &[(bar(0), 0.2)], &[known(0, false, 0)]);
        close(tally.precision(ALL), 1.0);
        assert_eq!(tally.ci95(ALL, 1), Some([1.0, 1.0]));
    }

    #[test]
    fn an_instance_is_found_once_and_by_the_higher_score() {
        let mut tally = Tally::default();
        tally.add(0.5, &[(bar(0), 0.5), (bar(1), 0.9)], &[known(0, false, 0)]);
        close(tally.precision(ALL), 1.0);
        let hits: Vec<bool> = tally.matched.iter().map(|m| m.hit).collect();
        assert_eq!(hits, [true, false]);
    }

    #[test]
    fn detections_of_ignored_instances_count_neither_way() {
        let mut tally = Tally::default();
        let found = [(bar(0), 0.9), (bar(1), 0.8), (bar(100), 0.7)];
        tally.add(0.5, &found, &[known(0, true, 0), known(100, false, 0)]);
        close(tally.precision(ALL), 1.0);
        assert_eq!((tally.matched.len(), tally.count(ALL)), (1, 1));
    }

    #[test]
    fn a_group_counts_its_own_instances_and_the_misses_beside_them() {
        let mut tally = Tally::default();
        // The miss at 104 overlaps the instance of group 2; the one at 900 nothing; group 4 is missed.
        let found = [(bar(900), 0.95), (bar(104), 0.9), (bar(100), 0.8), (bar(0), 0.7)];
        tally.add(0.5, &found, &[known(0, false, 0), known(100, false, 2), known(300, false, 4)]);
        close(tally.precision(2), 0.5);
        close(tally.precision(4), 0.0);
        assert_eq!((tally.count(2), tally.count(ALL)), (1, 3));
        assert!(tally.precision(ALL).unwrap() < 0.4);
    }

    #[test]
    fn the_interval_over_images_holds_the_figure() {
        let mut tally = Tally::default();
        for image in 0..20u32 {
            let found = if image % 3 == 0 { vec![] } else { vec![(bar(0), 0.5)] };
            tally.add(0.5, &found, &[known(0, false, 0)]);
        }
        let [low, high] = tally.ci95(ALL, 7).unwrap();
        let is = tally.precision(ALL).unwrap();
        assert!(low < is && is < high && high - low > 0.1, "{low} {is} {high}");
    }
}
