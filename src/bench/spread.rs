//! Intervals over scenes, and shares of what was measured.

/// The next number of SplitMix64 (Steele, Lea, Flood 2014): small, seeded, the same everywhere.
pub fn next_u64(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// 95 % interval of a ratio of sums, bootstrapped over scenes with 1,000 draws: attempts in one tote
/// are not independent, scenes are (Efron and Tibshirani, An Introduction to the Bootstrap, ch. 13, percentile interval).
///
/// `scenes` holds numerator and denominator of each scene. `None` without scenes or when nothing is counted.
#[must_use]
pub fn ratio_ci95(scenes: &[(f64, f64)], seed: u64) -> Option<[f64; 2]> {
    const DRAWS: usize = 1000;
    if scenes.iter().map(|s| s.1).sum::<f64>() <= 0.0 {
        return None;
    }
    let mut state = seed;
    let mut next = move || next_u64(&mut state);
    let mut ratios: Vec<f64> = (0..DRAWS)
        .map(|_| {
            let mut sums = (0.0, 0.0);
            for _ in scenes {
                let (over, under) = scenes[(next() % scenes.len() as u64) as usize];
                sums = (sums.0 + over, sums.1 + under);
            }
            if sums.1 > 0.0 { sums.0 / sums.1 } else { 0.0 }
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    Some([ratios[DRAWS * 25 / 1000], ratios[DRAWS * 975 / 1000 - 1]])
}

/// The value that a share of all, 0…1, stay below; the largest one for 1, NaN of none.
#[must_use]
pub fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let index = (values.len() as f64 * share) as usize;
    values.get(index.min(values.len().saturating_sub(1))).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::{quantile, ratio_ci95};

    #[test]
    fn a_quantile_is_one_of_the_values() {
        let of = |share| quantile(vec![3.0, 1.0, 2.0, 4.0], share);
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(of), [1.0, 3.0, 4.0, 4.0]);
        assert!(quantile(Vec::new(), 0.5).is_nan());
    }

    #[test]
    fn the_interval_of_equal_scenes_is_a_point_and_of_different_ones_holds_the_mean() {
        assert_eq!(ratio_ci95(&[(9.0, 10.0); 5], 1), Some([0.9, 0.9]));
        let [low, high] = ratio_ci95(&[(10.0, 10.0), (8.0, 10.0), (9.0, 10.0), (7.0, 10.0)], 1).unwrap();
        assert!(low < 0.85 && 0.85 < high && low >= 0.7 && high <= 1.0, "{low} {high}");
        assert_eq!(ratio_ci95(&[], 1), None);
    }
}
