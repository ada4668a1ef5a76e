//! Who stands on whom in a bin, and what each bears: worked out once, asked for many places.

use crate::bin_state::Content;

/// Standard gravity, m/s².
pub(crate) const GRAVITY: f64 = 9.806_65;
/// An item stands on those whose upper sides are this near to its base, metres: settling, and the map's error.
const TOUCHES_M: f64 = 0.015;
/// A load that grows by less than this has not grown, newtons.
const GROWS_N: f64 = 1e-6;

/// Lower and upper corner along the bin's axes, metres.
type Span = [[f64; 3]; 2];

/// The known items of a bin as they stand on each other.
#[derive(Debug)]
pub(crate) struct Stack<'a> {
    contents: &'a [Content],
    spans: Vec<Span>,
    /// From the highest base to the lowest.
    order: Vec<usize>,
    /// For each item those it stands on, with the share of its weight and load that each takes.
    on: Vec<Vec<(usize, f64)>>,
    /// What each bears, newtons.
    loads: Vec<f64>,
}

impl<'a> Stack<'a> {
    pub(crate) fn of(contents: &'a [Content]) -> Self {
        let spans: Vec<Span> = contents.iter().map(Content::span).collect();
        let mut order: Vec<usize> = (0..contents.len()).collect();
        order.sort_by(|a, b| spans[*b][0][2].total_cmp(&spans[*a][0][2]).then(b.cmp(a)));
        let on = spans.iter().enumerate().map(|(i, span)| shares(span, &spans, Some(i))).collect();
        let mut stack = Self { contents, spans, order, on, loads: Vec::new() };
        stack.loads = stack.handed_down(contents.iter().map(|c| c.mass_kg * GRAVITY).collect(), Vec::new());
        stack
    }

    /// What each bears when every item has a weight and some bear a load from elsewhere, newtons.
    fn handed_down(&self, weights: Vec<f64>, from_elsewhere: Vec<(usize, f64)>) -> Vec<f64> {
        let mut loads = vec![0.0; self.spans.len()];
        for (i, load) in from_elsewhere {
            loads[i] += load;
        }
        for &i in &self.order {
            let down = loads[i] + weights[i];
            for &(below, share) in &self.on[i] {
                loads[below] += down * share;
            }
        }
        loads
    }

    /// The most that any item would bear beyond what it may once `new` stands on it, newtons, with its limit. An item
    /// whose load does not grow is not counted: what it bears already is no fault of the new one. `None` where all is
    /// well.
    pub(crate) fn overloaded(&self, new: &Content) -> Option<(f64, f64)> {
        let on = shares(&new.span(), &self.spans, None);
        if on.is_empty() {
            return None;
        }
        let weight = new.mass_kg * GRAVITY;
        let first = on.into_iter().map(|(below, share)| (below, weight * share)).collect();
        let more = self.handed_down(vec![0.0; self.spans.len()], first);
        let over = |i: &usize| self.loads[*i] + more[*i] - self.contents[*i].bears_n;
        let worst = (0..more.len())
            .filter(|i| more[*i] > GROWS_N && over(i) > 0.0)
            .max_by(|a, b| over(a).total_cmp(&over(b)))?;
        Some((self.loads[worst] + more[worst], self.contents[worst].bears_n))
    }

    /// The items that a new one would rest on, with the share of its base over each.
    pub(crate) fn under(&self, new: &Content) -> impl Iterator<Item = (&'a Content, f64)> {
        let span = new.span();
        let base = ((span[1][0] - span[0][0]) * (span[1][1] - span[0][1])).max(1e-9);
        let areas: Vec<f64> = self.spans.iter().map(|below| rests_on(&span, below) / base).collect();
        self.contents.iter().zip(areas).filter(|(_, share)| *share > 0.0)
    }
}

/// Those that something stands on, each with its share of the area of contact.
fn shares(span: &Span, spans: &[Span], own: Option<usize>) -> Vec<(usize, f64)> {
    let mut on: Vec<(usize, f64)> = spans.iter().map(|below| rests_on(span, below)).enumerate().collect();
    on.retain(|(i, area)| Some(*i) != own && *area > 0.0);
    let sum: f64 = on.iter().map(|(_, area)| area).sum();
    on.iter_mut().for_each(|(_, area)| *area /= sum);
    on
}

/// Area of a base over another's upper side, m², where they touch; else 0.
fn rests_on([low, high]: &Span, [l, h]: &Span) -> f64 {
    if (low[2] - h[2]).abs() > TOUCHES_M || low[2] <= l[2] {
        return 0.0;
    }
    (0..2).map(|a| (high[a].min(h[a]) - low[a].max(l[a])).max(0.0)).product()
}
