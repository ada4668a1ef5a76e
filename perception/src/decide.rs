//! What to do with an item, by what it is believed to be.

use scene::Belief;
use serde::{Deserialize, Serialize};

/// An item of which so much may lie under others is looked at again when those are gone.
const HIDDEN: f64 = 0.3;
/// A guess of this much is worth a barcode; less is left to a person.
const WORTH_A_SCAN: f64 = 0.2;

/// What to do with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It is what it is taken for: deliver it.
    Accept,
    /// Too much of it is hidden: look again when what lies on it is gone.
    LookAgain,
    /// Show it to the scan camera.
    Scan,
    /// None of the manifest's, or nobody's guess: a person decides.
    Refuse,
}

/// Decides by the beliefs of an item (most likely first) and how much of its outline others may cover (0…1), so that at
/// most a share `wrong_most` of what is accepted is wrong, as far as the beliefs are right.
#[must_use]
pub fn decide(beliefs: &[Belief], covered: f64, wrong_most: f64) -> Decision {
    let best = beliefs.first();
    match best {
        Some(Belief { sku: Some(_), p }) if *p >= 1.0 - wrong_most => Decision::Accept,
        _ if covered > HIDDEN => Decision::LookAgain,
        Some(Belief { sku: Some(_), p }) if *p >= WORTH_A_SCAN => Decision::Scan,
        _ => Decision::Refuse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use scene::SkuName;

    #[test]
    fn sure_items_are_accepted_hidden_ones_looked_at_again_and_strangers_refused() {
        let check = |p: f64, named: bool, covered: f64, expected: Decision| {
            let sku = named.then(|| SkuName::new("tea").unwrap());
            assert_eq!(decide(&[Belief { sku, p }], covered, 1e-3), expected, "{p} {named} {covered}");
        };
        check(0.9995, true, 0.9, Decision::Accept);
        check(0.998, true, 0.0, Decision::Scan);
        check(0.998, true, 0.5, Decision::LookAgain);
        check(0.1, true, 0.0, Decision::Refuse);
        check(0.9999, false, 0.0, Decision::Refuse);
        check(f64::NAN, true, 0.0, Decision::Refuse);
        assert_eq!(decide(&[], 0.0, 1e-3), Decision::Refuse);
    }
}
