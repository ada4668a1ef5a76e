//! Orders and manifests: what is wanted, and what each tote should hold.
//!
//! ```toml
//! [[order]]
//! name = "A-1001"          # unique, 1 to 64 characters
//! bin = "bin-1"            # a bin of the cell file
//! lines = { tea-box-250 = 2, tomato-can-400 = 1 }
//!
//! [manifest.tote-a]        # optional: what the tote should hold; a simulated world tells its own
//! tea-box-250 = 3
//! tomato-can-400 = 1
//! ```

use std::collections::{BTreeMap, BTreeSet};

use scene::{Catalogue, Manifest, SkuName};
use serde::{Deserialize, Serialize};

/// The orders file that `nuthatch run` uses when none is given.
pub const EXAMPLE: &str = include_str!("../orders/example.toml");

/// One customer's order: it is filled into one bin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Unique name, 1 to 64 characters.
    pub name: String,
    /// The bin it goes to, by its name in the cell file.
    pub bin: String,
    /// How many of each SKU, 1 to 1000 each.
    #[schemars(with = "BTreeMap<String, u32>")]
    pub lines: BTreeMap<SkuName, u32>,
}

/// A whole orders file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// The orders, filled in this order where there is a choice.
    #[serde(rename = "order")]
    pub orders: Vec<Order>,
    /// What each tote should hold, by the tote's name in the cell file.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, BTreeMap<String, u32>>")]
    pub manifest: BTreeMap<String, Manifest>,
}

/// Why an orders file is refused. Nothing has moved.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// The file can't be read.
    #[error("{file}: {source}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Not the documented shape.
    #[error("{file}: {message}")]
    Parse {
        /// The file.
        file: String,
        /// Line, key and rule, as the parser gives them.
        message: String,
    },
    /// A value that breaks a rule.
    #[error("{file}: {field} is {value}; {rule}")]
    Value {
        /// The file.
        file: String,
        /// Where in the file.
        field: String,
        /// The value found.
        value: String,
        /// The rule it breaks.
        rule: String,
    },
    /// The totes hold too few of a SKU.
    #[error(
        "{file}: {wanted} of {sku} ordered, the manifests of the totes hold {present}; order at most what is there"
    )]
    Short {
        /// The file.
        file: String,
        /// The SKU.
        sku: SkuName,
        /// How many all orders want.
        wanted: u32,
        /// How many all manifests hold.
        present: u32,
    },
}

impl Orders {
    /// Parses and checks an orders file; `file` is its name for messages.
    ///
    /// # Errors
    /// [`OrdersError`] with file, field, value and rule.
    pub fn from_toml(text: &str, file: &str) -> Result<Self, OrdersError> {
        let orders: Self = toml::from_str(text).map_err(|e| OrdersError::Parse {
            file: file.into(),
            message: e.to_string().trim_end().replace('\n', " "),
        })?;
        let value = |field: String, value: String, rule: &str| {
            Err(OrdersError::Value { file: file.into(), field, value, rule: rule.into() })
        };
        if orders.orders.is_empty() {
            return value("order".into(), "empty".into(), "there must be at least one [[order]]");
        }
        let mut names = BTreeSet::new();
        for (i, order) in orders.orders.iter().enumerate() {
            let at = |key: &str| format!("order[{i}].{key}");
            if order.name.is_empty() || order.name.chars().count() > 64 {
                return value(at("name"), format!("{:?}", order.name), "must have 1 to 64 characters");
            }
            if !names.insert(&order.name) {
                return value(at("name"), order.name.clone(), "must be unique in the file");
            }
            if order.lines.is_empty() {
                return value(at("lines"), "empty".into(), "must name at least one SKU");
            }
            for (sku, count) in &order.lines {
                if !(1..=1000).contains(count) {
                    return value(at(&format!("lines.{sku}")), count.to_string(), "must be from 1 to 1000");
                }
            }
        }
        Ok(orders)
    }

    /// Orders for all that the totes should hold, dealt out to the bins by turns: SKU by SKU, all of one into one bin.
    #[must_use]
    pub fn of_everything<'a>(manifests: impl IntoIterator<Item = &'a Manifest>, bins: &[String]) -> Self {
        let mut all = Manifest::new();
        for (sku, count) in manifests.into_iter().flatten() {
            *all.entry(sku.clone()).or_default() += count;
        }
        let mut orders: Vec<Order> = bins
            .iter()
            .map(|bin| Order { name: format!("all-{bin}"), bin: bin.clone(), lines: BTreeMap::new() })
            .collect();
        for (k, (sku, count)) in all.into_iter().enumerate() {
            if let Some(order) = orders.get_mut(k % bins.len().max(1)) {
                order.lines.insert(sku, count);
            }
        }
        orders.retain(|order| !order.lines.is_empty());
        Self { orders, manifest: BTreeMap::new() }
    }

    /// Checks the orders against what the cell, the catalogue and the manifests offer.
    ///
    /// # Errors
    /// [`OrdersError`] for a bin that the cell doesn't have, a SKU that the catalogue doesn't have,
    /// two orders for one bin, and more ordered than the totes hold.
    pub fn check(
        &self,
        file: &str,
        bins: &[String],
        catalogue: &Catalogue,
        manifests: &BTreeMap<String, Manifest>,
    ) -> Result<(), OrdersError> {
        let value = |field: String, value: String, rule: String| {
            Err(OrdersError::Value { file: file.into(), field, value, rule })
        };
        let mut used = BTreeMap::new();
        let mut wanted: BTreeMap<&SkuName, u32> = BTreeMap::new();
        for (i, order) in self.orders.iter().enumerate() {
            if !bins.contains(&order.bin) {
                return value(
                    format!("order[{i}].bin"),
                    order.bin.clone(),
                    format!("must be one of the cell's bins: {}", bins.join(", ")),
                );
            }
            if let Some(other) = used.insert(&order.bin, &order.name) {
                return value(
                    format!("order[{i}].bin"),
                    order.bin.clone(),
                    format!("is taken by order {other}; one order a bin"),
                );
            }
            for (sku, count) in &order.lines {
                if !catalogue.contains_key(sku) {
                    return value(
                        format!("order[{i}].lines"),
                        sku.to_string(),
                        "must be a SKU of the catalogue".into(),
                    );
                }
                *wanted.entry(sku).or_default() += count;
            }
        }
        for (tote, manifest) in manifests {
            for sku in manifest.keys() {
                if !catalogue.contains_key(sku) {
                    return value(format!("manifest.{tote}"), sku.to_string(), "must be a SKU of the catalogue".into());
                }
            }
        }
        for (sku, wanted) in wanted {
            let present = manifests.values().filter_map(|m| m.get(sku)).sum();
            if wanted > present {
                return Err(OrdersError::Short { file: file.into(), sku: sku.clone(), wanted, present });
            }
        }
        Ok(())
    }

    /// How many items all orders want.
    #[must_use]
    pub fn items(&self) -> u32 {
        self.orders.iter().flat_map(|o| o.lines.values()).sum()
    }
}
