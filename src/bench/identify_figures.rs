//! Figures of recognising: recall, calibration, and what a setting costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use perception::{Decision, decide};
use scene::Belief;
use serde::Serialize;

use super::spread::ratio_ci95;

/// Settings "at most this share of what is delivered is wrong", and their names.
pub(super) const SETTINGS: [(&str, f64); 3] = [("1e-2", 1e-2), ("1e-3", 1e-3), ("1e-4", 1e-4)];
/// An item is seen well enough when so much of it is visible.
const HALF: f64 = 0.5;
/// An item of which this much is visible counts as seen in full.
const FULL: f64 = 0.95;
/// Bins of the calibration error.
const BINS: usize = 15;
/// The least probability that a logarithm is taken of.
const LEAST_P: f64 = 1e-12;

/// One item, and what was believed of it.
#[derive(Debug, Clone)]
pub(super) struct Judged {
    /// Which picture.
    pub(super) scene: usize,
    /// The manifest names its SKU.
    pub(super) known: bool,
    /// Share of it that can be seen.
    pub(super) visible: f64,
    /// There was an outline to look at; own ones may be missing.
    pub(super) seen: bool,
    /// The likeliest SKU is its own, "none of these" set aside.
    pub(super) named_right: bool,
    /// The likeliest answer, "none of these" among them, is right.
    pub(super) first_right: bool,
    /// The likeliest answer.
    pub(super) first: Option<Belief>,
    /// Probability of the right answer.
    pub(super) p_true: f64,
    /// How much of its outline others may cover.
    pub(super) covered: f64,
    /// Place of its SKU among the manifest's.
    pub(super) true_place: Option<usize>,
    /// Greatest cosine to each of the manifest's.
    pub(super) cosines: Vec<f64>,
    /// A person decides, whatever is believed.
    pub(super) contradicts: bool,
}

impl Judged {
    fn accepted(&self, wrong_most: f64) -> bool {
        !self.contradicts
            && self
                .first
                .as_ref()
                .is_some_and(|f| decide(std::slice::from_ref(f), self.covered, wrong_most) == Decision::Accept)
    }

    fn p_first(&self) -> f64 {
        self.first.as_ref().map_or(0.0, |first| first.p)
    }

    /// Known and visible by half or more.
    fn counts(&self) -> bool {
        self.known && self.visible >= HALF
    }
}

/// What `--json` prints of a set: names are relied on from outside.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Figures {
    /// Of the known instances visible by half or more, the likeliest SKU is right.
    pub(super) recall_at_1: Option<f64>,
    recall_at_1_ci95: Option<[f64; 2]>,
    /// The same where "none of these" may be the answer.
    recall_at_1_with_none: Option<f64>,
    /// Of known ones, by how much can be seen, with their number.
    recall_by_visible: BTreeMap<&'static str, Recall>,
    ece: Option<f64>,
    /// Mean −ln p of the right SKU, of known instances with an outline.
    log_loss: Option<f64>,
    /// The same of a softmax of cosines with the temperature that suits this very set best.
    log_loss_softmax: Option<f64>,
    softmax_temperature: Option<f64>,
    /// At 1e-4.
    #[serde(flatten)]
    at_last: Setting,
    by_setting: BTreeMap<&'static str, Setting>,
    known_visible: usize,
    mostly_hidden: usize,
    unknown: usize,
    /// Without an outline of ours: never right, never accepted, and in no figure of calibration.
    unmatched: usize,
}

#[derive(Debug, Clone, Copy, Serialize)]
struct Recall {
    n: usize,
    recall_at_1: f64,
}

#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Setting {
    accepted: usize,
    /// Wrong ones of all that are accepted, unknown ones included.
    wrong: usize,
    wrong_at_setting: Option<f64>,
    wrong_at_setting_upper95: Option<f64>,
    /// Share of known instances visible by half or more that is not accepted.
    refused: Option<f64>,
    /// Share of known instances visible by less that is not accepted: they are looked at again.
    look_again: Option<f64>,
    /// Share of unknown instances that is not accepted.
    unknown_refused: Option<f64>,
}

impl Setting {
    fn of(judged: &[Judged], wrong_most: f64) -> Self {
        let accepted: Vec<&Judged> = judged.iter().filter(|j| j.accepted(wrong_most)).collect();
        let wrong = accepted.iter().filter(|j| !j.first_right).count();
        let kept = |of: &dyn Fn(&Judged) -> bool| {
            let (mut all, mut not) = (0usize, 0usize);
            for j in judged.iter().filter(|j| of(j)) {
                all += 1;
                not += usize::from(!j.accepted(wrong_most));
            }
            share(not, all)
        };
        Self {
            accepted: accepted.len(),
            wrong,
            wrong_at_setting: share(wrong, accepted.len()),
            wrong_at_setting_upper95: upper95(wrong, accepted.len()),
            refused: kept(&Judged::counts),
            look_again: kept(&|j| j.known && j.visible < HALF),
            unknown_refused: kept(&|j| !j.known),
        }
    }
}

fn share(of: usize, all: usize) -> Option<f64> {
    (all > 0).then(|| of as f64 / all as f64)
}

impl Figures {
    pub(super) fn of(judged: &[Judged], seed: u64) -> Self {
        let counted: Vec<&Judged> = judged.iter().filter(|j| j.counts()).collect();
        let scenes = judged.iter().map(|j| j.scene + 1).max().unwrap_or(0);
        let mut by_scene = vec![(0.0, 0.0); scenes];
        for j in &counted {
            by_scene[j.scene].0 += f64::from(u8::from(j.named_right));
            by_scene[j.scene].1 += 1.0;
        }
        let classes = [("full", FULL..2.0), ("partly", HALF..FULL), ("mostly_hidden", -1.0..HALF)];
        let recall_by_visible = classes
            .into_iter()
            .map(|(name, range)| {
                let of: Vec<&Judged> = judged.iter().filter(|j| j.known && range.contains(&j.visible)).collect();
                let right = of.iter().filter(|j| j.named_right).count();
                (name, Recall { n: of.len(), recall_at_1: share(right, of.len()).unwrap_or(0.0) })
            })
            .collect();
        let softmax = best_softmax(judged);
        let known: Vec<&Judged> = judged.iter().filter(|j| j.known && j.seen).collect();
        let loss = known.iter().map(|j| -j.p_true.max(LEAST_P).ln()).sum::<f64>();
        let by_setting: BTreeMap<&str, Setting> =
            SETTINGS.iter().map(|(name, wrong)| (*name, Setting::of(judged, *wrong))).collect();
        Self {
            recall_at_1: share(counted.iter().filter(|j| j.named_right).count(), counted.len()),
            recall_at_1_ci95: ratio_ci95(&by_scene, seed),
            recall_at_1_with_none: share(counted.iter().filter(|j| j.first_right).count(), counted.len()),
            recall_by_visible,
            ece: ece(judged),
            log_loss: (!known.is_empty()).then(|| loss / known.len() as f64),
            log_loss_softmax: softmax.map(|(_, loss)| loss),
            softmax_temperature: softmax.map(|(temperature, _)| temperature),
            at_last: Setting::of(judged, SETTINGS[2].1),
            by_setting,
            known_visible: counted.len(),
            mostly_hidden: judged.iter().filter(|j| j.visible < HALF).count(),
            unknown: judged.iter().filter(|j| !j.known).count(),
            unmatched: judged.iter().filter(|j| !j.seen).count(),
        }
    }
}

/// Expected calibration error of the likeliest answer, "none of these" among them: 15 bins of equal width (Guo et al. 2017).
fn ece(judged: &[Judged]) -> Option<f64> {
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    for j in judged.iter().filter(|j| j.seen) {
        let bin = &mut bins[((j.p_first() * BINS as f64) as usize).min(BINS - 1)];
        *bin = (bin.0 + j.p_first(), bin.1 + f64::from(u8::from(j.first_right)), bin.2 + 1.0);
    }
    let all: f64 = bins.iter().map(|bin| bin.2).sum();
    (all > 0.0).then(|| bins.iter().map(|bin| (bin.0 - bin.1).abs()).sum::<f64>() / all)
}

/// Temperature and mean loss of the softmax that fits the known instances best, by golden section over its logarithm.
fn best_softmax(judged: &[Judged]) -> Option<(f64, f64)> {
    let known: Vec<(&[f64], usize)> =
        judged.iter().filter(|j| j.seen).filter_map(|j| Some((j.cosines.as_slice(), j.true_place?))).collect();
    if known.is_empty() {
        return None;
    }
    let loss = |log_temperature: f64| {
        let scale = (-log_temperature).exp();
        let one = |&(cosines, place): &(&[f64], usize)| {
            let highest = cosines.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total: f64 = cosines.iter().map(|c| ((c - highest) * scale).exp()).sum();
            ((highest - cosines[place]) * scale + total.ln()).min(-LEAST_P.ln())
        };
        known.iter().map(one).sum::<f64>() / known.len() as f64
    };
    let (mut low, mut high) = (1e-3f64.ln(), 1.0f64.ln());
    const GOLDEN: f64 = 0.618_033_988_75;
    for _ in 0..60 {
        let (a, b) = (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
        if loss(a) < loss(b) {
            high = b;
        } else {
            low = a;
        }
    }
    let at = 0.5 * (low + high);
    Some((at.exp(), loss(at)))
}

/// One-sided 95 % upper bound of a share after Clopper and Pearson (1934): the share at which so few wrong ones, or fewer,
/// come up one time in twenty. `None` of none.
pub(super) fn upper95(wrong: usize, all: usize) -> Option<f64> {
    if all == 0 {
        return None;
    }
    if wrong >= all {
        return Some(1.0);
    }
    // P(X ≤ wrong), from the logarithm of each term and the one before.
    let below = |p: f64| {
        let (n, odds) = (all as f64, (p / (1.0 - p)).ln());
        let mut term = n * (1.0 - p).ln();
        let mut sum = term.exp();
        for k in 1..=wrong {
            let k = k as f64;
            term += ((n - k + 1.0) / k).ln() + odds;
            sum += term.exp();
        }
        sum
    };
    let (mut low, mut high) = (wrong as f64 / all as f64, 1.0);
    for _ in 0..100 {
        let middle = 0.5 * (low + high);
        if below(middle) > 0.05 { low = middle } else { high = middle }
    }
    Some(high)
}

/// Points of the curve: share refused of the known visible ones, share wrong of all accepted; by falling threshold.
fn curve(judged: &[Judged]) -> Vec<(f64, f64)> {
    let mut order: Vec<(&Judged, f64)> =
        judged.iter().filter_map(|j| Some((j, j.first.as_ref().filter(|first| first.sku.is_some())?.p))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1));
    let all = judged.iter().filter(|j| j.counts()).count().max(1) as f64;
    let (mut accepted, mut wrong, mut kept) = (0.0, 0.0, 0.0);
    let mut points = Vec::new();
    for (j, _) in order {
        accepted += 1.0;
        wrong += f64::from(u8::from(!j.first_right));
        kept += f64::from(u8::from(j.counts()));
        points.push((1.0 - kept / all, wrong / accepted));
    }
    points
}

/// The curve of wrong deliveries against refusals as an SVG.
pub(super) fn curve_svg(judged: &[Judged]) -> String {
    const LEFT: f64 = 70.0;
    const TOP: f64 = 20.0;
    const WIDE: f64 = 520.0;
    const TALL: f64 = 320.0;
    /// Decades of the upright axis: 1e-5 to 1.
    const DECADES: f64 = 5.0;
    let x = |refused: f64| LEFT + WIDE * refused;
    let y = |wrong: f64| TOP + TALL * (-wrong.max(1e-5).log10() / DECADES);
    let mut svg = String::from(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 620 400\" font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"620\" height=\"400\" fill=\"white\"/>\n",
    );
    let mut line = |text: std::fmt::Arguments<'_>| {
        // Writing to a string can't go wrong.
        let _ = writeln!(svg, "{text}");
    };
    for k in 0..=5 {
        let (at, label) = (y(10f64.powi(-k)), if k == 0 { "1".to_owned() } else { format!("1e-{k}") });
        line(format_args!(
            "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
            LEFT + WIDE,
            LEFT - 8.0,
            at + 4.0
        ));
    }
    for k in 0..=5 {
        let share = f64::from(k) * 0.2;
        let at = x(share);
        line(format_args!(
            "<line x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{TOP}\" y2=\"{:.1}\" stroke=\"#eee\"/>\
             <text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{share:.1}</text>",
            TOP + TALL,
            TOP + TALL + 18.0
        ));
    }
    let points: Vec<String> = curve(judged).iter().map(|(r, w)| format!("{:.1},{:.1}", x(*r), y(*w))).collect();
    line(format_args!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"#0a62b0\" stroke-width=\"2\"/>",
        points.join(" ")
    ));
    for (name, setting) in SETTINGS.iter().map(|(name, wrong)| (name, Setting::of(judged, *wrong))) {
        if let (Some(refused), Some(wrong)) = (setting.refused, setting.wrong_at_setting) {
            let (cx, cy) = (x(refused), y(wrong));
            line(format_args!(
                "<circle cx=\"{cx:.1}\" cy=\"{cy:.1}\" r=\"4\" fill=\"#d04a02\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{name}</text>",
                cx + 7.0,
                cy - 6.0
            ));
        }
    }
    line(format_args!(
        "<text x=\"{:.1}\" y=\"390\" text-anchor=\"middle\">refused: known items visible by half or more</text>\n\
         <text transform=\"translate(16 {:.1}) rotate(-90)\" text-anchor=\"middle\">wrong of all accepted (at least 1e-5)</text>\n\
         </svg>",
        LEFT + 0.5 * WIDE,
        TOP + 0.5 * TALL
    ));
    svg
}

pub(super) fn print_table(figures: &Figures) {
    let show = |value: Option<f64>| value.map_or("—".to_owned(), |v| format!("{v:.4}"));
    let range = figures.recall_at_1_ci95.map_or(String::new(), |[low, high]| format!(" [{low:.4}, {high:.4}]"));
    println!(
        "  recall@1 {}{range} of {} known items visible by half or more; {} where none of these may be said",
        show(figures.recall_at_1),
        figures.known_visible,
        show(figures.recall_at_1_with_none)
    );
    for (name, recall) in &figures.recall_by_visible {
        println!("    {:<14} {:.4} of {}", name.replace('_', " "), recall.recall_at_1, recall.n);
    }
    println!(
        "  calibration error {}, log loss {} (softmax of cosines {} at its best temperature)",
        show(figures.ece),
        show(figures.log_loss),
        show(figures.log_loss_softmax)
    );
    println!(
        "  {} mostly hidden, {} unknown, {} without an outline",
        figures.mostly_hidden, figures.unknown, figures.unmatched
    );
    println!(
        "  {:<8} {:>8} {:>6} {:>9} {:>9} {:>9} {:>10} {:>15}",
        "setting", "accepted", "wrong", "share", "upper 95", "refused", "look again", "unknown refused"
    );
    for (name, s) in figures.by_setting.iter().rev() {
        println!(
            "  {name:<8} {:>8} {:>6} {:>9} {:>9} {:>9} {:>10} {:>15}",
            s.accepted,
            s.wrong,
            show(s.wrong_at_setting),
            show(s.wrong_at_setting_upper95),
            show(s.refused),
            show(s.look_again),
            show(s.unknown_refused)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::SkuName;

    fn item(known: bool, visible: f64, p: f64, right: bool) -> Judged {
        Judged {
            scene: 0,
            known,
            visible,
            seen: true,
            named_right: known && right,
            first_right: right,
            first: Some(Belief { sku: SkuName::new("tea").ok(), p }),
            p_true: if right { p } else { 1.0 - p },
            covered: 0.0,
            true_place: known.then_some(0),
            cosines: vec![0.8, 0.5],
            contradicts: false,
        }
    }

    fn close(is: Option<f64>, should: f64) {
        assert!((is.unwrap() - should).abs() < 1e-6, "{is:?} is not {should}");
    }

    #[test]
    fn the_upper_bound_is_that_of_the_tables() {
        // 1 − 0.05^(1/n) without a wrong one; else by sums of exact binomial terms.
        close(upper95(0, 30_000), 1.0 - 0.05f64.powf(1.0 / 30_000.0));
        close(upper95(1, 10), 0.394_163_3);
        close(upper95(5, 50), 0.198_833_0);
        close(upper95(3, 3), 1.0);
        assert_eq!(upper95(0, 0), None);
    }

    #[test]
    fn refused_looked_at_again_and_unknown_have_their_own_denominators() {
        let judged = [
            item(true, 0.9, 0.999_99, true),
            item(true, 0.6, 0.999_99, false),
            item(true, 0.8, 0.5, true),
            item(true, 0.7, 0.5, false),
            item(true, 0.3, 0.5, true),
            item(true, 0.2, 0.999_99, true),
            item(false, 0.9, 0.999_99, false),
            item(false, 0.9, 0.4, false),
        ];
        let setting = Setting::of(&judged, 1e-4);
        assert_eq!((setting.accepted, setting.wrong), (4, 2));
        close(setting.wrong_at_setting, 0.5);
        close(setting.refused, 0.5);
        close(setting.look_again, 0.5);
        close(setting.unknown_refused, 0.5);
        let figures = Figures::of(&judged, 1);
        close(figures.recall_at_1, 0.5);
        assert_eq!((figures.known_visible, figures.mostly_hidden, figures.unknown), (4, 2, 2));
    }

    #[test]
    fn what_is_not_there_is_no_figure() {
        let figures = Figures::of(&[], 1);
        assert!(figures.recall_at_1.is_none() && figures.ece.is_none() && figures.log_loss_softmax.is_none());
        assert!(Setting::of(&[], 1e-4).wrong_at_setting_upper95.is_none());
        let missing =
            Judged { seen: false, first: None, first_right: false, named_right: false, ..item(true, 1.0, 0.9, true) };
        let figures = Figures::of(&[missing], 1);
        close(figures.recall_at_1, 0.0);
        assert_eq!((figures.unmatched, figures.ece), (1, None));
    }

    #[test]
    fn calibration_error_is_the_mean_gap_of_bins() {
        // Ten of belief 0.8, seven right: off by 0.1. Ten of 0.3, three right: off by 0.
        let mut judged: Vec<Judged> = (0..10).map(|k| item(true, 1.0, 0.8, k < 7)).collect();
        judged.extend((0..10).map(|k| item(true, 1.0, 0.3, k < 3)));
        close(ece(&judged), 0.05);
    }

    #[test]
    fn the_softmax_is_given_the_temperature_that_suits_it() {
        // Right at cosine 0.8 against 0.5 in three of four: odds 3 to 1, so 0.3 / temperature = ln 3.
        let judged: Vec<Judged> =
            (0..4).map(|k| Judged { true_place: Some(usize::from(k == 3)), ..item(true, 1.0, 0.9, true) }).collect();
        let (temperature, loss) = best_softmax(&judged).unwrap();
        assert!((temperature - 0.3 / 3f64.ln()).abs() < 1e-3, "{temperature}");
        assert!((loss - (0.25 * 4f64.ln() + 0.75 * (4.0f64 / 3.0).ln())).abs() < 1e-6, "{loss}");
    }

    #[test]
    fn the_curve_ends_where_all_is_accepted() {
        let judged = [item(true, 1.0, 0.9, true), item(true, 1.0, 0.8, false), item(true, 1.0, 0.7, true)];
        assert_eq!(curve(&judged), [(1.0 - 1.0 / 3.0, 0.0), (1.0 - 2.0 / 3.0, 0.5), (0.0, 1.0 / 3.0)]);
        let svg = curve_svg(&judged);
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>") && svg.contains("polyline"));
    }
}
