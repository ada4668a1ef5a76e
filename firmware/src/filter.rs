//! Filters over the last samples. All have a fixed size, none needs to be told the sample rate.

/// Median of the last five samples: a single wild sample does not pass, an edge comes two samples
/// late. The first sample fills the window. (Five samples: constants, section 7, an estimate; the
/// first-order stage that follows there is left out, since the seal must be *held* anyway.)
#[derive(Debug, Clone, Copy)]
pub(crate) struct Median5<T> {
    window: Option<[T; 5]>,
    next: usize,
}

impl<T> Median5<T> {
    pub(crate) const NEW: Self = Self { window: None, next: 0 };
}

impl<T: Ord + Copy> Median5<T> {
    pub(crate) fn push(&mut self, sample: T) -> T {
        let window = self.window.get_or_insert([sample; 5]);
        if let Some(oldest) = window.get_mut(self.next) {
            *oldest = sample;
        }
        self.next = (self.next + 1) % 5;
        let mut sorted = *window;
        sorted.sort_unstable();
        sorted[2]
    }
}

/// Mean of the last 16 samples, or of as many as there are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mean16 {
    window: [i32; 16],
    filled: usize,
    next: usize,
}

impl Mean16 {
    pub(crate) const NEW: Self = Self { window: [0; 16], filled: 0, next: 0 };

    pub(crate) fn push(&mut self, sample: i32) {
        if let Some(oldest) = self.window.get_mut(self.next) {
            *oldest = sample;
        }
        self.next = (self.next + 1) % 16;
        self.filled = (self.filled + 1).min(16);
    }

    /// 0 before the first sample.
    pub(crate) fn mean(&self) -> i32 {
        let sum: i64 = self.window.iter().take(self.filled).copied().map(i64::from).sum();
        let count = i64::try_from(self.filled.max(1)).unwrap_or(1);
        i32::try_from(sum / count).unwrap_or(0)
    }
}

/// Pressures of the last 64 ticks with their times, for the fall within a window.
#[derive(Debug, Clone)]
pub(crate) struct History {
    samples: [(u32, u32); 64],
    filled: usize,
    next: usize,
}

impl History {
    pub(crate) const NEW: Self = Self { samples: [(0, 0); 64], filled: 0, next: 0 };

    pub(crate) fn clear(&mut self) {
        self.filled = 0;
        self.next = 0;
    }

    pub(crate) fn push(&mut self, now_ms: u32, pressure_pa: u32) {
        if let Some(oldest) = self.samples.get_mut(self.next) {
            *oldest = (now_ms, pressure_pa);
        }
        self.next = (self.next + 1) % self.samples.len();
        self.filled = (self.filled + 1).min(self.samples.len());
    }

    /// The highest pressure not older than `window_ms`; 0 where there is none.
    pub(crate) fn peak(&self, now_ms: u32, window_ms: u16) -> u32 {
        let recent = |&&(at, _): &&(u32, u32)| now_ms.wrapping_sub(at) <= u32::from(window_ms);
        let kept = self.samples.iter().take(self.filled);
        kept.filter(recent).map(|&(_, pressure)| pressure).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_wild_samples_in_a_row_do_not_pass_the_median() {
        let mut median = Median5::NEW;
        let wild = [10u32, 11, 90_000, 0, 12, 11, 10];
        assert!(wild.iter().all(|&sample| (10..=12).contains(&median.push(sample))));
    }

    #[test]
    fn an_edge_passes_the_median_two_samples_late() {
        let mut median = Median5::NEW;
        median.push(0);
        let found = [5, 5, 5, 5].map(|sample| median.push(sample));
        assert_eq!(found, [0, 0, 5, 5]);
    }

    #[test]
    fn the_mean_is_over_the_samples_that_are_there_and_never_overflows() {
        let mut mean = Mean16::NEW;
        assert_eq!(mean.mean(), 0);
        mean.push(-10);
        mean.push(-20);
        assert_eq!(mean.mean(), -15);
        for _ in 0..100 {
            mean.push(i32::MIN);
        }
        assert_eq!(mean.mean(), i32::MIN);
    }

    #[test]
    fn the_peak_forgets_what_is_older_than_the_window_across_the_wrap_of_time() {
        let mut history = History::NEW;
        let start = u32::MAX - 5;
        for (age, pressure) in [(0, 70), (5, 60), (10, 50), (15, 40)] {
            history.push(start.wrapping_add(age), pressure);
        }
        let now = start.wrapping_add(15);
        assert_eq!(history.peak(now, 4), 40);
        assert_eq!(history.peak(now, 10), 60);
        assert_eq!(history.peak(now, 60), 70);
        history.clear();
        assert_eq!(history.peak(now, 60), 0);
    }
}
