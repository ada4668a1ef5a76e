//! What has been delivered, what is under way, what is still wanted.
//!
//! An item is counted when the bin confirmed it, or given back to its line when not; it is in
//! exactly one of "wanted", "under way" and "delivered" at any time.

use std::collections::BTreeMap;

use scene::SkuName;

use super::orders::Orders;
use crate::report::Unfilled;

/// One order's line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Line {
    wanted: u32,
    under_way: u32,
    delivered: u32,
    /// Why it was last passed over.
    reason: Option<String>,
}

/// The state of all orders.
#[derive(Debug, Clone)]
pub struct Ledger {
    /// Orders in the file's order: name, bin, lines.
    orders: Vec<(String, String, BTreeMap<SkuName, Line>)>,
}

/// An open line: who wants an item of a SKU.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    /// The order's name.
    pub order: String,
    /// Its bin.
    pub bin: String,
}

impl Ledger {
    /// Everything wanted, nothing delivered.
    #[must_use]
    pub fn new(orders: &Orders) -> Self {
        let line = |&wanted| Line { wanted, under_way: 0, delivered: 0, reason: None };
        Self {
            orders: orders
                .orders
                .iter()
                .map(|o| {
                    (o.name.clone(), o.bin.clone(), o.lines.iter().map(|(sku, n)| (sku.clone(), line(n))).collect())
                })
                .collect(),
        }
    }

    /// The orders that still want an item of this SKU, in the file's order.
    #[must_use]
    pub fn open(&self, sku: &SkuName) -> Vec<Open> {
        self.orders
            .iter()
            .filter(|(_, _, lines)| lines.get(sku).is_some_and(|l| l.delivered + l.under_way < l.wanted))
            .map(|(order, bin, _)| Open { order: order.clone(), bin: bin.clone() })
            .collect()
    }

    /// True when no line wants anything more.
    #[must_use]
    pub fn is_filled(&self) -> bool {
        self.orders.iter().all(|(_, _, lines)| lines.values().all(|l| l.delivered + l.under_way >= l.wanted))
    }

    /// An item of the SKU is on its way to the order.
    pub fn begin(&mut self, order: &str, sku: &SkuName) {
        self.change(order, sku, |l| l.under_way += 1);
    }

    /// It arrived.
    pub fn deliver(&mut self, order: &str, sku: &SkuName) {
        self.change(order, sku, |l| {
            l.under_way = l.under_way.saturating_sub(1);
            l.delivered += 1;
        });
    }

    /// It did not arrive; the line wants it again.
    pub fn give_back(&mut self, order: &str, sku: &SkuName, why: &str) {
        self.change(order, sku, |l| {
            l.under_way = l.under_way.saturating_sub(1);
            l.reason = Some(why.to_owned());
        });
    }

    /// Notes why open lines of a SKU can't be served just now.
    pub fn note(&mut self, sku: &SkuName, why: &str) {
        for (_, _, lines) in &mut self.orders {
            if let Some(line) = lines.get_mut(sku)
                && line.delivered + line.under_way < line.wanted
            {
                line.reason = Some(why.to_owned());
            }
        }
    }

    /// The SKUs that open lines want, each once, in order of name.
    #[must_use]
    pub fn wanted(&self) -> Vec<SkuName> {
        let mut wanted: Vec<SkuName> = self
            .orders
            .iter()
            .flat_map(|(_, _, lines)| lines.iter())
            .filter(|(_, l)| l.delivered + l.under_way < l.wanted)
            .map(|(sku, _)| sku.clone())
            .collect();
        wanted.sort();
        wanted.dedup();
        wanted
    }

    /// Orders filled, orders in all, items delivered, items wanted.
    #[must_use]
    pub fn totals(&self) -> (u32, u32, u32, u32) {
        let lines = || self.orders.iter().flat_map(|(_, _, lines)| lines.values());
        let filled = self.orders.iter().filter(|(_, _, lines)| lines.values().all(|l| l.delivered >= l.wanted)).count();
        (filled as u32, self.orders.len() as u32, lines().map(|l| l.delivered).sum(), lines().map(|l| l.wanted).sum())
    }

    /// What is missing, and why.
    #[must_use]
    pub fn unfilled(&self) -> Vec<Unfilled> {
        let mut unfilled = Vec::new();
        for (order, _, lines) in &self.orders {
            for (sku, line) in lines {
                if line.delivered < line.wanted {
                    unfilled.push(Unfilled {
                        order: order.clone(),
                        sku: sku.to_string(),
                        missing: line.wanted - line.delivered,
                        reason: line.reason.clone().unwrap_or_else(|| "not seen in the tote".into()),
                    });
                }
            }
        }
        unfilled
    }

    fn change(&mut self, order: &str, sku: &SkuName, change: impl FnOnce(&mut Line)) {
        if let Some(line) =
            self.orders.iter_mut().find(|(name, _, _)| name == order).and_then(|(_, _, l)| l.get_mut(sku))
        {
            change(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ledger() -> (Ledger, SkuName) {
        let text = "[[order]]\nname = \"a\"\nbin = \"bin-1\"\nlines = { tea = 2 }";
        (Ledger::new(&Orders::from_toml(text, "test").unwrap()), SkuName::new("tea").unwrap())
    }

    #[test]
    fn an_item_is_wanted_under_way_or_delivered_and_never_two_of_them() {
        let (mut ledger, tea) = ledger();
        ledger.begin("a", &tea);
        assert_eq!(ledger.open(&tea).len(), 1);
        ledger.begin("a", &tea);
        assert!(ledger.open(&tea).is_empty());
        ledger.deliver("a", &tea);
        ledger.give_back("a", &tea, "no seal");
        assert_eq!(ledger.totals(), (0, 1, 1, 2));
        assert_eq!(ledger.unfilled()[0].reason, "no seal");
        ledger.begin("a", &tea);
        ledger.deliver("a", &tea);
        assert_eq!(ledger.totals(), (1, 1, 2, 2));
        assert!(ledger.is_filled() && ledger.unfilled().is_empty());
    }
}
